"""IDX, the format of MNIST: a magic number, the length of each axis, the values; often gzipped.

    0 0 TYPE AXES | length of each axis, 4 bytes big-endian | values, big-endian

Source: LeCun, Cortes and Burges, the MNIST database, "the IDX file format". Plain files of bytes are memory-mapped.
"""

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from latentwalk.arrays import Array
from latentwalk.data.dataset import Dataset, join
from latentwalk.data.sources.packed import MissingHalf, Split, dataset_of, native, undivided, unpacked
from latentwalk.data.spec import Kind
from latentwalk.errors import DataError

__all__ = ["FILES", "decode", "is_mnist_folder", "looks_like", "read_file", "read_mnist_folder"]

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_AXES = 8  # far more than data has; a damaged header may claim 255
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def looks_like(path: Path) -> bool:
    """Whether the file is called, or begins, like an IDX file."""
    if "idx" in path.name:
        return True
    try:
        with _open(path) as stream:
            start = stream.read(4)
    except (OSError, EOFError, zlib.error):
        return False
    return len(start) == 4 and start[:2] == b"\0\0" and start[2] in TYPES


def is_mnist_folder(path: Path) -> bool:
    """Whether the folder holds MNIST-named files."""
    return any(_found(path, name) for images_labels in FILES.values() for name in images_labels)


def read_mnist_folder(path: Path, *, split: Split, kind: Kind | None) -> Dataset:
    """The half `split` of a folder of MNIST-named files, or both."""
    if split == "all":
        return join(read_mnist_folder(path, split="train", kind=kind), read_mnist_folder(path, split="test", kind=kind))
    images = _found(path, FILES[split][0])
    if images is None:
        there = ", ".join(sorted(item.name for item in path.iterdir()))
        raise MissingHalf(f"split={split!r} needs {FILES[split][0]} (or .gz), found {there}. Add it.")
    return read_file(images, split=split, kind=kind, name=path.name)


def read_file(path: Path, *, split: Split, kind: Kind | None, name: str | None = None) -> Dataset:
    """The examples of one IDX file, with the labels of the file beside it, where there is one."""
    if not path.name.startswith("t10k"):  # a t10k file is a test half, whatever split says
        undivided(split)
    labels = _labels_of(path)
    with _about(path):
        x = _array(path)
    y = None
    if labels is not None:
        with _about(labels):
            y = _array(labels)
            if y.shape != x.shape[:1]:
                raise DataError(f"expected {len(x)} labels, one for each row of {path.name}, found shape {y.shape}.")
    return dataset_of(x, y, kind=kind, name=name or path.name.split(".")[0])


def decode(stream: IO[bytes], packed: int | None = None) -> Array:
    """The array in `stream`, in this machine's byte order. packed: bytes it unpacks, where it does.

    Allocates no more than there is to read.
    """
    dtype, shape = _header(stream)
    wanted = math.prod(shape) * dtype.itemsize
    values = unpacked(stream, wanted if packed is None else packed, wanted + 1)
    _check_length(shape, dtype, wanted, len(values))
    return native(np.frombuffer(values, dtype).reshape(shape))


def _array(path: Path) -> Array:
    with _open(path) as stream:
        length = path.stat().st_size
        if isinstance(stream, gzip.GzipFile):
            return decode(stream, length)
        dtype, shape = _header(stream)
        wanted, start = math.prod(shape) * dtype.itemsize, stream.tell()
        _check_length(shape, dtype, wanted, length - start)
        if wanted == 0 or dtype.itemsize > 1:  # nothing to map, or bytes to swap
            stream.seek(0)
            return decode(stream)
        return np.memmap(path, dtype, "r", start, shape)


def _header(stream: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not 1 <= magic[3] <= MOST_AXES:
        raise DataError(
            f"not IDX: expected it to begin with 00 00, a type ({', '.join(f'{code:02x}' for code in TYPES)}) "
            f"and a number of axes (01 to {MOST_AXES:02x}), found {magic.hex(' ') or 'nothing'}. Get the file again."
        )
    lengths = stream.read(4 * magic[3])
    if len(lengths) < 4 * magic[3]:
        raise DataError(f"cut off within the header: {magic[3]} axes need {4 * magic[3]} bytes, found {len(lengths)}.")
    return np.dtype(TYPES[magic[2]]), tuple(int(length) for length in np.frombuffer(lengths, ">u4"))


def _check_length(shape: tuple[int, ...], dtype: np.dtype[Any], wanted: int, found: int) -> None:
    if found == wanted:
        return
    amount = f"only {found:,} follow" if found < wanted else "more follow"
    raise DataError(
        f"the header says shape {shape} of {dtype}, which is {wanted:,} bytes, but {amount}. "
        "The file is damaged or cut off: get it again."
    )


def _open(path: Path) -> IO[bytes]:
    """The file, unpacked on the fly where it begins like gzip, whatever it is called."""
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path, "rb")) if packed else path.open("rb")


def _found(folder: Path, name: str) -> Path | None:
    """The file of that name in `folder`, plain or gzipped, in either spelling (-idx3-, .idx3-)."""
    for spelling in (name, name.replace("-idx", ".idx")):
        for path in (folder / spelling, folder / f"{spelling}.gz"):
            if path.is_file():
                return path
    return None


def _labels_of(path: Path) -> Path | None:
    name = path.name.removesuffix(".gz").replace(".idx3", "-idx3")
    if "-images-idx3" not in name:
        return None
    return _found(path.parent, name.replace("-images-idx3", "-labels-idx1"))


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Say which of the two files it was."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path.name}: {error}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path.name}: the gzip data is damaged or cut off ({error}). Get the file again.") from error
