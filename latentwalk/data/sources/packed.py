"""What all readers share: how far packed files may unpack, the halves of a data set, its labels."""

import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from latentwalk.arrays import Array
from latentwalk.data.columns import is_frame
from latentwalk.data.dataset import Dataset
from latentwalk.data.rows import changed
from latentwalk.data.spec import Kind
from latentwalk.errors import DataError

__all__ = ["MissingHalf", "Split", "archive", "check_unpacked", "dataset_of", "native", "undivided", "unpacked"]

Split = Literal["train", "test", "all"]
FREE = 1 << 26  # bytes that any file may unpack to
EXPANSION = 200  # beyond them, how many times its packed size; data packs to a hundredth at best, a bomb to a thousandth
PIECE = 1 << 20
EXACT = 2**53  # from here on a float is no whole number, but any of several


class MissingHalf(DataError):
    """The half that was asked for is not in the source."""


def check_unpacked(size: int, packed: int, times: int = EXPANSION, free: int = FREE) -> None:
    """Raise DataError where `packed` bytes unpack to `size` (or more): so many are a bomb rather than data."""
    if size > max(free, times * packed):
        raise DataError(
            f"its {packed:,} bytes unpack to {size:,} or more. More than {free >> 20} MiB and {times} times its size "
            "is taken for a trap. If it is meant, unpack it yourself, and give what comes out."
        )


def unpacked(stream: IO[bytes], packed: int, most: int | None = None) -> bytearray:
    """All of a `stream` that unpacks `packed` bytes, or its first `most`; piece by piece, so that no claim is believed.

    Raises DataError for a bomb, once that much of it was unpacked.
    """
    content = bytearray()
    while piece := stream.read(PIECE if most is None else min(PIECE, most - len(content))):
        content += piece
        check_unpacked(len(content), packed)
    return content


def archive(path: Path) -> zipfile.ZipFile:
    """A .zip or .npz whose members are packed by deflate or not at all, lie apart, and are no bomb. Raises DataError."""
    with ExitStack() as checking:
        opened = checking.enter_context(_directory(path))
        members, length = opened.infolist(), path.stat().st_size
        if not all(member.filename for member in members):
            raise DataError("a member has no name. The archive is damaged: pack it again.")
        for member in members:  # the other methods unpack to a million times the size, and not piece by piece
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise DataError(f"{member.filename!r} is packed by a method other than deflate. Pack the archive again.")
        if sum(member.compress_size for member in members) > length:
            raise DataError(f"the members overlap, or claim more than the {length:,} bytes of the archive. Pack it again.")
        check_unpacked(sum(member.file_size for member in members), length)
        checking.pop_all()  # it is for the caller to close
    return opened


def _directory(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile):
        raise
    except Exception as error:  # zipfile meets a damaged directory with whatever comes up
        raise DataError(f"its list of members is damaged: {error}. Pack the archive again.") from error


def undivided(split: Split) -> None:
    """Raise MissingHalf where the test half is asked of a source that has no halves.

    Answering with all rows would let a model be judged on what it was trained on.
    """
    if split == "test":
        raise MissingHalf(
            "this source is not divided into train and test, and got split='test'. "
            "Read all of it (split='all') and divide the rows, or give the file that holds the test rows."
        )


def native(x: Array) -> Array:
    """`x` in this machine's byte order: torch takes no other. Copies only where the order differs."""
    return x if x.dtype.isnative else changed(x, lambda rows: rows.astype(x.dtype.newbyteorder("=")))


def dataset_of(
    x: Any,
    labels: Array | None = None,
    factors: Mapping[str, Array] | None = None,
    *,
    label: str = "label",
    asked: bool = False,
    kind: Kind | None = None,
    **known: Any,
) -> Dataset:
    """The data set of `x` (n, *E), or of a frame, with `labels` (n,) called `label`.

    Labels with fractions are a measured quantity and no classes: they become a factor, unless they were `asked` for.
    """
    factors = dict(factors or {})
    if labels is not None and labels.dtype.kind == "V":
        raise DataError(f"the label {label!r} has the type {labels.dtype}. Expected numbers or text.")
    if labels is not None and labels.dtype.kind == "f":
        if not np.isfinite(labels).all():
            row = int(np.argmin(np.isfinite(labels)))
            raise DataError(f"the label {label!r} is {labels[row]} at row {row}. Drop the rows without a label.")
        if (labels == np.trunc(labels)).all() and (np.abs(labels) < EXACT).all():
            labels = labels.astype(np.int64)
        elif not asked:
            factors[label], labels = labels, None
    return Dataset.of(x if is_frame(x) else native(x), labels, kind=kind, factors=factors, **known)
