"""Rows that are read when asked for: data that need not fit into memory.

An array, a memory-mapped array and `Rows` have the same few things: `shape`, `dtype`, `len`, and rows by number, slice or mask.
Whoever goes through data asks for no more than that, a piece at a time (`pieces`), and needs no more memory than a piece.
"""

import contextlib
import math
import mmap
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array

__all__ = [
    "DECODED",
    "PIECE",
    "Changed",
    "Joined",
    "Picked",
    "Rows",
    "changed",
    "changed_by_row",
    "evenly",
    "first_outside",
    "fits",
    "is_read_when_asked",
    "joined",
    "nbytes",
    "picked",
    "pieces",
    "release",
    "spaced",
    "taken",
    "value_range",
]

HELD = 1 << 28  # bytes of rows that lie elsewhere, up to which they are simply copied into memory
DECODED = 1 << 30  # bytes up to which images are decoded once and kept: they are dear to read again
PIECE = 1 << 24  # bytes looked at together
AREA = 1 << 25  # bytes of a mapped file touched before its memory is given back; a touch alone may map two megabytes
CHUNK = 4096  # rows looked at together, at most
LOOKED_AT = 4096  # rows of data too large, or too dear to decode, that stand for all of them


class Rows(ABC):
    """An array (n, *E) whose rows are read when asked for. Abstract: each place that rows come from knows how to read some.

    It stands where an array of examples stands. NumPy's functions read all of it, as `numpy.asarray` does.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @abstractmethod
    def read(self, rows: NDArray[np.int64]) -> Array:
        """The rows of these numbers (m,), each in 0 … n - 1, in this order, as an array (m, *E) of its own."""

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """What all rows would take in memory."""
        return nbytes(self)

    def __getitem__(self, which: Any) -> Array:
        """One row (*E), or those of a slice, of row numbers (m,) or of a mask (n,). A row that is not there: IndexError."""
        if isinstance(which, (int, np.integer)):
            return cast(Array, self.read(self._numbers(np.array([which])))[0])
        if isinstance(which, slice):
            return self.read(np.arange(len(self))[which])
        return self.read(self._numbers(np.asarray(which)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        whole = self.read(np.arange(len(self)))
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def _numbers(self, which: Array) -> NDArray[np.int64]:
        if which.dtype == bool and which.shape == (len(self),):
            return np.flatnonzero(which)
        if which.ndim != 1 or (which.size and which.dtype.kind not in "iu"):
            raise IndexError(f"rows are asked for by number, slice or mask ({len(self)},); got {which.dtype} of {which.shape}.")
        rows = which.astype(np.int64)
        if len(rows) and not -len(self) <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"row {rows[np.argmax(np.abs(rows))]} is not among the {len(self)} rows.")
        return np.where(rows < 0, rows + len(self), rows)


class Picked(Rows):
    """Some rows of `x` (n, *E), in the order of their numbers `rows` (m,)."""

    def __init__(self, x: Array, rows: NDArray[np.integer[Any]]) -> None:
        self.x, self.rows = x, rows
        self.shape, self.dtype = (len(rows), *x.shape[1:]), x.dtype

    def read(self, rows: NDArray[np.int64]) -> Array:
        return taken(self.x, self.rows[rows])


class Joined(Rows):
    """The rows of several parts, one after the other."""

    def __init__(self, parts: Sequence[Array]) -> None:
        self.parts = tuple(parts)
        self.ends = np.cumsum([len(part) for part in parts])
        self.shape = (int(self.ends[-1]), *parts[0].shape[1:])
        self.dtype = np.result_type(*(part.dtype for part in parts))

    def read(self, rows: NDArray[np.int64]) -> Array:
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        owner = np.searchsorted(self.ends, rows, side="right")
        for at, part in enumerate(self.parts):
            if (own := owner == at).any():
                found[own] = taken(part, rows[own] - (self.ends[at] - len(part)))
        return found


class Changed(Rows):
    """The rows of `x` (n, *E), each put through `change`: (rows (m,), values (m, *E)) → (m, *E2), a row at a time or many."""

    def __init__(self, x: Array, change: Callable[[NDArray[np.int64], Array], Array]) -> None:
        self.x, self.change = x, change
        one = change(np.zeros(1, np.int64), taken(x, np.zeros(1, np.int64)))
        self.shape, self.dtype = (len(x), *one.shape[1:]), one.dtype

    def read(self, rows: NDArray[np.int64]) -> Array:
        return self.change(rows, taken(self.x, rows))


# ---------------------------------------------------------------------- in memory where it fits, read when asked where not


def picked(x: Array, rows: NDArray[np.integer[Any]]) -> Array:
    """Rows `rows` (m,) of `x`: in memory where they fit (`HELD`) or `x` lies there anyway, read when asked for otherwise."""
    small = len(rows) * _row_bytes(x) <= HELD
    return taken(x, rows) if small or not is_read_when_asked(x) else cast(Array, Picked(x, rows))


def joined(*parts: Array) -> Array:
    """The rows of all parts: in memory where they fit or lie there anyway, read when asked for otherwise."""
    small = sum(map(nbytes, parts)) <= HELD
    return np.concatenate(parts) if small or not any(map(is_read_when_asked, parts)) else cast(Array, Joined(parts))


def changed(x: Array, change: Callable[[Array], Array]) -> Array:
    """`change` of `x`, which takes any rows (m, *E) to rows (m, *E2): now where `x` is in memory or fits, or when asked for."""
    return changed_by_row(x, lambda _, values: change(values))


def changed_by_row(x: Array, change: Callable[[NDArray[np.int64], Array], Array]) -> Array:
    """The same where what becomes of a row depends on which it is: `change` takes row numbers (m,) as well, see `Changed`."""
    return change(np.arange(len(x)), np.asarray(x)) if fits(x) else cast(Array, Changed(x, change))


def fits(x: Array | Rows) -> bool:
    """Whether `x` lies in memory, or is small enough to be copied there."""
    return nbytes(x) <= HELD or not is_read_when_asked(x)


def is_read_when_asked(x: object) -> bool:
    """Whether the rows of `x` lie elsewhere until they are asked for: `Rows`, or an array mapped from a file."""
    return isinstance(x, Rows) or _mapping(x) is not None


def nbytes(x: Array | Rows) -> int:
    """What all rows of `x` take in memory, or would take."""
    return len(x) * _row_bytes(x)


# ---------------------------------------------------------------------- a piece at a time


def pieces(x: Array) -> Iterator[tuple[int, Array]]:
    """All rows of `x` in order, some at a time: the number of the first, and the rows. Give them up before the next."""
    at_once = max(1, min(CHUNK, PIECE // max(1, _row_bytes(x))))
    for start in range(0, len(x), at_once):
        yield start, x[start : start + at_once]
        release(x)


def evenly(x: Array) -> Array:
    """Rows that stand for all: every one where they lie in memory or are small, else some evenly spaced ones."""
    if fits(x) and not isinstance(x, Rows):
        return x
    return spaced(x, 4 * PIECE)


def spaced(x: Array, size: int | None = None) -> Array:
    """Evenly spaced rows of `x`, up to `LOOKED_AT` of them, that take no more than `size` bytes: those of a piece by itself."""
    most = min(LOOKED_AT, len(x), (PIECE if size is None else size) // max(1, _row_bytes(x)))
    return taken(x, np.unique(np.linspace(0, len(x) - 1, max(1, most)).astype(np.int64)))


def value_range(x: Array) -> tuple[float, float]:
    """The smallest and the largest value of `x`, but for NaN; both NaN where there is nothing else.

    >>> value_range(np.array([[3.0, np.nan], [1.0, 2.0]]))
    (1.0, 3.0)
    """
    ends = [(np.fmin.reduce(rows, axis=None), np.fmax.reduce(rows, axis=None)) for _, rows in pieces(x)]
    low, high = np.array(ends).T
    return float(np.fmin.reduce(low)), float(np.fmax.reduce(high))


def first_outside(x: Array, low: float, high: float) -> tuple[int, ...] | None:
    """Where the first value of `x` (n, *E) lies that is outside [low, high]: its row, and its place in it; None for no such.

    >>> first_outside(np.array([[0.5, np.nan], [0.0, 2.0]]), 0, 1)
    (1, 1)
    """
    for start, rows in pieces(x):
        outside = (rows < low) | (rows > high)
        if outside.any():
            row, *place = (int(at) for at in np.argwhere(outside)[0])
            return (start + row, *place)
    return None


def taken(x: Array, rows: NDArray[np.integer[Any]]) -> Array:
    """The rows of these numbers, copied out of the file where they are mapped."""
    if _mapping(x) is None:
        return x[rows]
    found = np.empty((len(rows), *x.shape[1:]), x.dtype)
    area = rows.astype(np.int64) * _row_bytes(x) // AREA
    order = np.argsort(area, kind="stable")
    for some in np.split(order, np.flatnonzero(np.diff(area[order])) + 1):
        found[some] = x[rows[some]]
        release(x)
    return found


def release(x: object) -> None:
    """Let the system take back the memory in which rows of a mapped file lie. Nothing is lost: they are read again."""
    mapping = _mapping(x)
    if mapping is not None and hasattr(mapping, "madvise"):
        with contextlib.suppress(ValueError, OSError):  # closed, or of a kind that takes no advice
            mapping.madvise(mmap.MADV_DONTNEED)


def _mapping(x: object) -> mmap.mmap | None:
    """The file's pages that `x` is a view of; None where it is none, or where pages written to are nowhere but in memory."""
    private = True
    while isinstance(x, np.ndarray):
        private = private and not (isinstance(x, np.memmap) and x.mode != "c")
        x = x.base
    return x if isinstance(x, mmap.mmap) and not private else None


def _row_bytes(x: Array | Rows) -> int:
    return math.prod(x.shape[1:]) * x.dtype.itemsize
