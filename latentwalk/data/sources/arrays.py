"""NumPy's own files: one array (.npy), or an archive of named ones (.npz).

A .npy is memory-mapped, so it may be larger than memory. Members of a .npz are loaded: they are compressed, or lie at
odd offsets. Nothing here unpickles: an array of Python objects is refused, whatever it claims to be.
"""

import math
import sys
import zipfile
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from latentwalk.arrays import Array
from latentwalk.data.dataset import Dataset, join
from latentwalk.data.sources import packed
from latentwalk.data.sources.packed import MissingHalf, Split, dataset_of, undivided, unpacked
from latentwalk.data.spec import COLOURS, Kind
from latentwalk.errors import DataError, unknown

__all__ = ["mapped", "read_npy", "read_npz"]

DATA = ("x", "X", "images", "data", "counts", "signals", "films", "frames")  # in order of preference
LABELS = ("y", "labels", "label", "target")


class Header(NamedTuple):
    """What a .npy says of itself before its values start."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize  # exact: NumPy's product would overflow


def read_npy(path: Path, *, split: Split, kind: Kind | None) -> Dataset:
    """The array of a .npy, memory-mapped."""
    undivided(split)
    return dataset_of(films_of(mapped(path), kind), kind=kind, name=path.stem)


def films_of(x: Array, kind: Kind | None) -> Array:
    """The array, or where it is to be films and is one, (T, H, W) or (T, H, W, C), the one film of a data set."""
    one = kind == "film" and (x.ndim == 3 or (x.ndim == 4 and x.shape[-1] in COLOURS))
    return x[None] if one else x


def mapped(path: Path) -> Array:
    """The array of a .npy, memory-mapped. Raises DataError, OSError."""
    if not path.is_file():  # a pipe would be waited for
        raise DataError("no such file, or a folder, pipe or device.")
    with path.open("rb") as stream:
        header = _header(stream)
        start = stream.tell()
    if header.dtype.hasobject:
        raise DataError(_PICKLED)
    _check_length(header, path.stat().st_size - start)
    if header.bytes == 0:  # an empty file cannot be mapped
        raise DataError(f"the data is empty: shape {header.shape} of {header.dtype}. At least one example is needed.")
    order = "F" if header.fortran else "C"
    return np.memmap(path, header.dtype, "r", start, header.shape, order=order)  # type: ignore[call-overload]


def read_npz(path: Path, *, split: Split, kind: Kind | None, label: str | None) -> Dataset:
    """The data set of an archive; `x_train` and `x_test` are its halves where it has them."""
    with packed.archive(path) as archive:
        infos = archive.infolist()
        headers = {info.filename.removesuffix(".npy"): _member(archive, info) for info in infos}
        if len(headers) < len(infos):
            raise DataError(f"two arrays have one name; found {', '.join(info.filename for info in infos[:20])}.")
        halves = [half for half in ("train", "test") if any(f"{name}_{half}" in headers for name in DATA)]
        if not halves:
            undivided(split)
            return _part(archive, {name: name for name in headers}, headers, path.stem, kind, label)
        wanted = halves if split == "all" else [split]
        if not set(wanted) <= set(halves):
            raise MissingHalf(f"expected arrays for split={split!r}, found {', '.join(headers)}.")
        parts = []
        for half in wanted:
            names = {name.removesuffix(f"_{half}"): name for name in headers if name.endswith(f"_{half}")}
            parts.append(_part(archive, names, headers, path.stem, kind, label))
    return parts[0] if len(parts) == 1 else join(*parts)


def _part(
    archive: zipfile.ZipFile,
    names: dict[str, str],
    headers: dict[str, Header],
    stem: str,
    kind: Kind | None,
    label: str | None,
) -> Dataset:
    """The data set made of the members `names` (what they are to us → what they are called)."""
    about = {name: headers[member] for name, member in names.items()}
    data = _data(about)
    rows = about[data].shape[0]
    if label and label not in about:
        raise unknown("array (label=)", label, about)
    usual = next((name for name in LABELS if name in about and _labels(about[name], rows)), None)
    target = usual if label is None else label or None  # "" asks for none

    def load(name: str) -> Array:
        if about[name].dtype.hasobject:
            raise DataError(f"array {name!r}: {_PICKLED}")
        file = archive.getinfo(_file(archive, names[name]))
        with archive.open(file) as stream:
            _header(stream)
            try:
                return _values(unpacked(stream, file.compress_size), about[name])
            except DataError as error:
                raise DataError(f"array {name!r}: {error}") from None

    factors = {
        name: load(name)
        for name, header in about.items()
        if name not in (data, target) and header.shape == (rows,) and header.dtype.kind in "biuf"
    }
    labels = None if target is None else load(target).reshape(-1)
    known: dict[str, Any] = {}
    if "names" in about and about["names"].shape == (rows,) and about["names"].dtype.kind == "U":
        known["names"] = tuple(str(name) for name in load("names"))
    titles = about.get(f"{target}_names")
    if labels is not None and labels.dtype.kind in "iu" and titles is not None and titles.dtype.kind == "U":
        codes = np.unique(labels)
        if codes.min() >= 0 and codes.max() < math.prod(titles.shape):
            known["classes"] = tuple(str(title) for title in load(f"{target}_names").reshape(-1)[codes])
    known["skipped"] = tuple(f"{name}: Python objects (pickle)" for name, h in about.items() if h.dtype.hasobject)
    x = films_of(load(data), kind)
    if len(x) != rows:  # one film: what is known of each row is of its frames
        labels, factors, known = None, {}, {"skipped": known["skipped"]}
    return dataset_of(x, labels, factors, label=target or "", asked=label is not None, kind=kind, name=stem, **known)


def _data(about: dict[str, Header]) -> str:
    """The member that holds the examples: one of the usual names, else the largest array of numbers."""
    for name in DATA:
        if name in about and len(about[name].shape) >= 2:
            return name
    usable = [name for name, header in about.items() if header.dtype.kind in "biuf" and len(header.shape) >= 2]
    if not usable:
        found = ", ".join(f"{name} {h.shape} {h.dtype}" for name, h in about.items()) or "nothing"
        pickled = f" {_PICKLED}" if any(header.dtype.hasobject for header in about.values()) else ""
        raise DataError(f"expected an array of numbers with two or more axes, found {found}.{pickled} Save it as x=…")
    return max(usable, key=lambda name: about[name].bytes)


def _labels(header: Header, rows: int) -> bool:
    return header.shape in ((rows,), (rows, 1))


def _file(archive: zipfile.ZipFile, name: str) -> str:
    return f"{name}.npy" if f"{name}.npy" in archive.NameToInfo else name


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Header:
    with archive.open(info) as stream:
        try:
            header = _header(stream)
            if not header.dtype.hasobject:
                _check_length(header, info.file_size - stream.tell())
        except DataError as error:
            raise DataError(f"array {info.filename!r}: {error}") from None
    return header


def _header(stream: IO[bytes]) -> Header:
    try:
        version = np.lib.format.read_magic(stream)
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        header = Header(*readers[version](stream))
    except Exception as error:  # NumPy hands a header to Python's own parser, which fails in many ways
        raise DataError(f"not NumPy's .npy format, or cut off ({error}). Write it again with numpy.save.") from error
    try:
        np.broadcast_to(np.empty((), header.dtype), header.shape)  # no axis below 0, nor too many of them; takes no memory
    except (ValueError, TypeError) as error:  # TypeError: a truth value where a length should be
        raise DataError(
            f"the header claims the shape {header.shape} ({error}). Write the file again with numpy.save."
        ) from error
    if header.dtype.subdtype is not None or header.dtype.itemsize == 0:
        raise DataError(f"the header claims the type {header.dtype}. Write the file again with numpy.save.")
    return header


def _check_length(header: Header, found: int) -> None:
    """Compare before allocating: a damaged header may claim terabytes."""
    if header.bytes != found:
        raise DataError(
            f"the header says shape {header.shape} of {header.dtype}, which is {header.bytes:,} bytes, "
            f"but {found:,} follow. The file is damaged or cut off: copy or write it again."
        )


def _values(content: bytearray, header: Header) -> Array:
    """The array of these bytes, which can be written to since a bytearray can."""
    _check_length(header, len(content))
    if header.bytes == 0:
        return np.empty(header.shape, header.dtype)
    if header.dtype.kind == "U" and np.frombuffer(content, header.dtype.str[0] + "u4").max() > sys.maxunicode:
        raise DataError("its text holds what is no character. The file is damaged: write it again.")
    return np.frombuffer(content, header.dtype).reshape(header.shape, order="F" if header.fortran else "C")


_PICKLED = (
    "it holds Python objects (pickle), which can run code and are never read. "
    "Save numbers, and text as a string array (dtype 'U')."
)
