"""How far two texts are apart: the fewest units to put in, leave out or change that make one the other."""

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.data.units import read_to

__all__ = ["edit_distance"]

AT_ONCE = 1 << 22  # numbers held at once


def edit_distance(a: Array, b: Array) -> NDArray[np.float64]:
    """The edits between rows a and b (m, T) of units up to their ends, each a share of the longer of its two: (m,), in [0, 1].

    All pairs go through the table of Wagner & Fischer (1974) together, a unit of `a` at a time.

    >>> edit_distance(np.array([[2, 3, 4, 0]]), np.array([[2, 4, 0, 0]]))
    array([0.33333333])
    """
    ends = read_to(a) - 1, read_to(b) - 1  # units, without the end
    order = np.argsort(np.maximum(*ends), kind="stable")  # those about as long together
    found, once = np.empty(len(order)), max(1, AT_ONCE // (a.shape[1] + 1))
    for start in range(0, len(order), once):
        rows = order[start : start + once]
        found[rows] = _edits(a[rows], b[rows], ends[0][rows], ends[1][rows])
    return found / np.maximum(np.maximum(*ends), 1)


def _edits(a: Array, b: Array, ends_a: NDArray[np.int64], ends_b: NDArray[np.int64]) -> NDArray[np.int64]:
    """The edits between rows a and b (m, T) of so many units: (m,)."""
    across = int(ends_b.max(initial=0))
    places = np.arange(across + 1, dtype=np.int32)
    row, b = np.tile(places, (len(a), 1)), b[:, :across]
    found = np.where(ends_a == 0, ends_b, 0)
    for at in range(int(ends_a.max(initial=0))):
        best = np.empty_like(row)
        best[:, 0] = at + 1
        np.minimum(row[:, :-1] + (b != a[:, at, None]), row[:, 1:] + 1, out=best[:, 1:])
        row = np.minimum.accumulate(best - places, axis=1) + places  # units put in: each costs one more than the place before
        done = ends_a == at + 1
        found[done] = row[done, ends_b[done]]
    return found
