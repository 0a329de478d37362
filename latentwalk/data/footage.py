"""Films as arrays: cut from a row of frames, padded where they end early, taken apart into their frames again.

A film of bytes that ends before others is float16 from then on, which holds every byte exactly, with NaN after its end.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.arrays import Array
from latentwalk.data.dataset import Dataset
from latentwalk.data.examples import as_array, as_plain
from latentwalk.data.rows import PIECE, Rows, fits, nbytes, pieces, taken, value_range
from latentwalk.data.spec import DataSpec
from latentwalk.errors import DataError, DataWarning

__all__ = ["Clips", "Stills", "as_films", "clips", "ends_of_films", "film_dataset", "frame_numbers", "frames_of", "like_films"]

STILLS = 1 << 24  # bytes of frames that stand for those of all films
AXES = (4, 5)  # of films (n, T, H, W) and (n, T, H, W, C)


class Clips(Rows):
    """Films (n, T, *frame), each so many frames of `frames` (m, *frame) that follow one another; read when asked for.

    first: (n,) where each begins. counts: (n,) how many frames it has, T at most. What is not there is NaN.
    """

    def __init__(self, frames: Array, first: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        self.frames, self.first, self.counts = frames, first, counts
        self.shape = (len(first), int(counts.max()), *frames.shape[1:])
        even = bool((counts == counts.max()).all())
        self.dtype = frames.dtype if even else _with_gaps(frames.dtype)

    def read(self, rows: NDArray[np.int64]) -> Array:
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for at, row in enumerate(rows.tolist()):
            start, count = int(self.first[row]), int(self.counts[row])
            found[at, :count] = taken(self.frames, np.arange(start, start + count))
            if count < self.shape[1]:
                found[at, count:] = np.nan
        return found


def clips(frames: Array, first: ArrayLike, counts: ArrayLike) -> Array:
    """Films (n, T, *frame) cut from frames (m, *frame): in memory where they fit there, read when asked for otherwise."""
    found = Clips(frames, np.asarray(first, np.int64), np.asarray(counts, np.int64))
    in_memory = isinstance(frames, np.ndarray) and not isinstance(frames, np.memmap) and nbytes(found) <= 4 * frames.nbytes
    return np.asarray(found) if in_memory or (fits(found) and not isinstance(frames, Rows)) else found  # type: ignore[return-value]


def film_dataset(x: Array, like: Array, **known: Any) -> Dataset:
    """The data set of films x (n, T, *frame) that were made of frames `like`: bytes mean 0 to 255, padded or not."""
    data = Dataset.of(x, kind="film", **known)
    if like.dtype == np.uint8 and data.spec.high > 0:
        data = replace(data, spec=replace(data.spec, low=0.0, high=255.0))
    return data


def as_films(X: Any, spec: DataSpec | None = None) -> Dataset:
    """What a user holds, as films: a data set of such, an array (n, T, H, W) or (n, T, H, W, C), or a list of any lengths.

    spec: of the films learnt from, whose frames these must be like. Raises DataError.

    >>> as_films([np.zeros((3, 8, 8)), np.zeros((5, 8, 8))]).x.shape
    (2, 5, 8, 8)
    """
    if isinstance(X, Dataset):
        data = X
        if data.spec.kind != "film":
            raise DataError(
                f"{data.name} holds {data.spec.kind}s of shape {data.spec.shape}, not films. Expected (n, T, H, W[, C]), time "
                "first: read(path, kind='film'), or Dataset.of(X, kind='film')."
            )
    elif isinstance(X, (list, tuple)):
        data = _listed(X)
    else:
        array = as_array(X)
        if array.ndim not in AXES:
            raise DataError(
                f"films are (n, T, H, W) or (n, T, H, W, C), time first; got shape {array.shape}. One film alone: X[None]."
            )
        data = film_dataset(array, array)
    return data if spec is None else like_films(data, spec)


def like_films(data: Dataset, spec: DataSpec) -> Dataset:
    """The films, once it is seen that their frames are like those learnt from. Raises DataError."""
    if data.spec.shape[1:] != spec.shape[1:]:
        raise DataError(
            f"the frames are of shape {data.spec.shape[1:]}; the model learnt from frames of shape {spec.shape[1:]}. Read them "
            "with size= and color=, or reshape them."
        )
    return replace(data, spec=replace(spec, shape=data.spec.shape, dtype=data.spec.dtype, missing=data.spec.missing))


def ends_of_films(x: Array) -> NDArray[np.int64]:
    """How many frames each of films x (n, T, *frame) has before its end: (n,). Raises DataError where a frame has gaps."""
    if x.dtype.kind != "f":
        return np.full(len(x), x.shape[1], np.int64)
    found = []
    for start, films in pieces(x):
        gone = np.asarray(np.isnan(films)).reshape(*films.shape[:2], -1)
        missing = np.asarray(gone.all(axis=2), np.bool_)
        counts = films.shape[1] - missing[:, ::-1].argmin(axis=1)
        counts[missing.all(axis=1)] = 0
        for row, count in enumerate(counts.tolist()):
            if gone[row, :count].any():
                frame = int(np.argmax(gone[row].any(axis=1)))
                raise DataError(
                    f"film {start + row} holds NaN in frame {frame} and goes on after it. NaN may only stand behind the last "
                    "frame, where a film ends before others."
                )
        found.append(counts)
    return np.concatenate(found).astype(np.int64)


def frames_of(data: Dataset, most: int | None = STILLS) -> Dataset:
    """The frames of films as a data set of images, in their order; evenly spaced ones where all take more than `most` bytes.

    None takes all of them, read when asked for where they are not in memory.
    """
    x, spec = data.x, data.spec
    stills = Stills(x, frame_numbers(x, most), spec.low == 0 and spec.high == 255)
    frames = np.asarray(stills) if most is not None or fits(x) else stills
    image = DataSpec.infer(frames, "image")  # type: ignore[arg-type]
    image = replace(image, low=spec.low, high=spec.high, extreme=spec.extreme)
    return Dataset(frames, image, name=data.name)  # type: ignore[arg-type]


def frame_numbers(x: Array, most: int | None = STILLS) -> NDArray[np.int64]:
    """Which frames of films x (n, T, *frame) `frames_of` takes: (m,), of each its film's row times T, and its place in it."""
    counts, length = ends_of_films(x), x.shape[1]
    ends, total = np.cumsum(counts), int(counts.sum())
    frame_bytes = max(1, nbytes(x) // (len(x) * length))
    shown = total if most is None else min(total, max(2, most // frame_bytes))
    places = np.unique(np.linspace(0, total - 1, shown).round().astype(np.int64))  # among the frames there are
    films = np.searchsorted(ends, places, side="right")
    found: NDArray[np.int64] = films * length + places - (ends - counts)[films]
    return found


class Stills(Rows):
    """Frames (m, *frame) of films x (n, T, *frame), by their number among all n T; all of them without.

    whole: values are bytes.
    """

    def __init__(self, x: Array, numbers: NDArray[np.int64] | None = None, whole: bool = False) -> None:
        self.x, self.numbers = x, numbers
        self.shape = (len(x) * x.shape[1] if numbers is None else len(numbers), *x.shape[2:])
        self.dtype = np.dtype(np.uint8) if whole and x.dtype == np.float16 else x.dtype

    def read(self, rows: NDArray[np.int64]) -> Array:
        films, frames = np.divmod(rows if self.numbers is None else self.numbers[rows], self.x.shape[1])
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        if isinstance(self.x, np.ndarray) and not isinstance(self.x, np.memmap):
            found[:] = self.x[films, frames]
            return found
        each, which = np.unique(films, return_inverse=True)
        at_once = max(1, PIECE * len(self.x) // max(1, nbytes(self.x)))
        for start in range(0, len(each), at_once):  # films are read as wholes, each once
            some = taken(self.x, each[start : start + at_once])
            own = np.flatnonzero((which >= start) & (which < start + at_once))
            found[own] = some[which[own] - start, frames[own]]
        return found


def _with_gaps(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type of the same numbers where some are NaN: float16 holds bytes exactly, float32 16 bits."""
    if dtype.kind == "f":
        return dtype
    return np.dtype({1: np.float16, 2: np.float32}.get(dtype.itemsize, np.float64))


def _listed(films: Sequence[Any]) -> Dataset:
    arrays = [np.asarray(as_plain(film)) for film in films]
    if not arrays:
        raise DataError("no films: the list is empty. At least one is needed.")
    for row, film in enumerate(arrays):
        if film.ndim not in (3, 4) or film.dtype.kind not in "biuf":
            raise DataError(f"film {row} is {film.dtype} of shape {film.shape}; expected numbers, (T, H, W) or (T, H, W, C).")
        if film.shape[1:] != arrays[0].shape[1:]:
            raise DataError(
                f"the frames differ in size: film 0 has {arrays[0].shape[1:]} and film {row} has {film.shape[1:]}. Scale or "
                "crop them to one."
            )
        if not len(film):
            raise DataError(f"film {row} has no frames. Leave it out.")
    _tell_mixed_units(arrays)
    frames, counts = np.concatenate(arrays), np.array([len(film) for film in arrays])
    return film_dataset(clips(frames, np.cumsum(counts) - counts, counts), frames)


def _tell_mixed_units(films: Sequence[Array]) -> None:
    """Warn where some films are whole numbers, or beyond 1, and others fractions: white is white in all of them."""
    fractions = [film.dtype.kind in "fb" and 0 <= low < high <= 1 for film in films for low, high in [value_range(film)]]
    if any(fractions) and not all(fractions):
        first, other = fractions.index(True), fractions.index(False)
        warnings.warn(
            f"film {first} is {films[first].dtype} within [0, 1], and film {other} is {films[other].dtype} beyond it: they are "
            "taken to be in the same units. If white is 1 in one of them and more in the other, multiply or divide first.",
            DataWarning,
            stacklevel=2,
        )
