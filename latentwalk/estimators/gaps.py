"""Gaps in sounds, filled by what a model takes the whole for.

What is decoded sounds as it should and starts anywhere in its wave, so it is put where its wave agrees with what is heard
before the gap, and once more with what is heard after it; in the gap one goes over into the other; at its ends nothing jumps.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array, Doubles
from latentwalk.data.overlap import best_shift

__all__ = ["runs", "without_gaps"]

TIMES = 4  # that what was filled in is looked at again (Rezende et al. 2014, appendix F)
CONTEXT, REACH = 256, 128  # samples by which waves are compared, and that they are moved by, at most
SOFT = 32  # samples over which a step at the end of a gap is evened out


def without_gaps(reconstruct: Callable[[Array], Array], x: Array) -> Array:
    """Sounds x (n, T[, C]) with something for NaN; what was there stays exactly as it was. A copy.

    reconstruct: sounds (n, T[, C]) → what a model makes of them.
    """
    filled = np.array(x)
    missing = np.isnan(x)
    rows = np.flatnonzero(missing.reshape(len(x), -1).any(1))
    if not len(rows):
        return filled
    some, gone = np.where(missing[rows], 0, x[rows]), missing[rows]
    for _ in range(TIMES):
        some = np.where(gone, reconstruct(some), some)
    found = reconstruct(some)
    for at, row in enumerate(rows):
        for start, end in runs(gone[at].reshape(len(some[at]), -1).any(1)):
            piece = _bridge(some[at], found[at], start, end)
            filled[row, start:end] = np.where(gone[at, start:end], piece, some[at, start:end])
    return filled


def runs(marked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where True stands in one piece, (T,): first, and one past the last.

    >>> runs(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.r_[False, marked, False].astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _bridge(x: Array, found: Array, start: int, end: int) -> Doubles:
    """What goes from `start` to `end` of a sound x (T[, C]), of another that sounds like it."""
    ends = [_moved(x, found, start, end, before) for before in (True, False)]
    rise = (np.sin(np.pi / 2 * (np.arange(end - start) + 0.5) / (end - start)) ** 2).reshape(-1, *[1] * (x.ndim - 1))
    return np.asarray(ends[0] * (1 - rise) + ends[1] * rise)


def _moved(x: Array, found: Array, start: int, end: int, before: bool) -> Doubles:
    """The part of `found` for the gap, moved to agree with what lies before it, or after, and evened out at that end."""
    first, last = (max(0, start - CONTEXT), start) if before else (end, min(len(x), end + CONTEXT))
    padded = np.pad(found.astype(np.float64), [(REACH, REACH)] + [(0, 0)] * (x.ndim - 1))
    shift = best_shift(padded[first : last + 2 * REACH], x[first:last]) if last - first > SOFT else 0
    piece = padded[start + REACH + shift : end + REACH + shift].copy()
    beside = start - 1 if before else end
    if 0 <= beside < len(x):
        step = x[beside] - padded[beside + REACH + shift]
        width = min(SOFT, end - start)
        fall = (np.cos(np.pi / 2 * (np.arange(width) + 1) / (width + 1)) ** 2).reshape(-1, *[1] * (x.ndim - 1))
        if before:
            piece[:width] += step * fall
        else:
            piece[len(piece) - width :] += step * fall[::-1]
    return piece
