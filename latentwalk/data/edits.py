"""How far two texts are apart: the fewest units to put in, leave out or change that make one the other."""

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.data.units import read_to

__all__ = ["edit_distance"]

AT_ONCE = 1 << 22  # numbers held at once
WORDS = (8, 16, 32, 64)  # bits of a machine's words


def edit_distance(a: Array, b: Array) -> NDArray[np.float64]:
    """The edits between rows a and b (m, T) of units up to their ends, each a share of the longer of its two: (m,), in [0, 1].

    All pairs go through their tables (Wagner & Fischer 1974) together, a unit of `a` at a time. Of a column it is kept whether
    it rises or falls from each place to the next, in bits, so that a word of the machine is 64 places.
    Source: Myers 1999, "A fast bit-vector algorithm for approximate string matching"; Hyyrö 2003 for texts of many words.

    >>> edit_distance(np.array([[2, 3, 4, 0]]), np.array([[2, 4, 0, 0]]))
    array([0.33333333])
    """
    ends = read_to(a) - 1, read_to(b) - 1  # units, without the end
    top = max(a.max(initial=0), b.max(initial=0))
    a, b = (rows.astype(np.uint8 if top < 256 else np.uint16 if top < 65_536 else np.int64) for rows in (a, b))
    order = np.argsort(np.maximum(*ends), kind="stable")  # those about as long together
    found, once = np.empty(len(order)), max(1, AT_ONCE // (a.shape[1] + 1))
    for start in range(0, len(order), once):
        rows = order[start : start + once]
        found[rows] = _edits(a[rows], b[rows], ends[0][rows], ends[1][rows])
    return found / np.maximum(np.maximum(*ends), 1)


def _edits(a: Array, b: Array, ends_a: NDArray[np.int64], ends_b: NDArray[np.int64]) -> NDArray[np.int64]:
    """The edits between rows a and b (m, T) of so many units: (m,)."""
    longest = int(ends_b.max(initial=0))
    word = next((size for size in WORDS if longest <= size), WORDS[-1])
    kind = np.dtype(f"<u{word // 8}")
    one, top = kind.type(1), kind.type(word - 1)
    blocks = max(1, -(-longest // word))
    wide = np.zeros((len(b), blocks * word), b.dtype)
    wide[:, :longest] = b[:, :longest]
    last = np.maximum(ends_b - 1, 0)
    last_block, last_bit = last // word, (last % word).astype(kind)
    up, down = np.full((blocks, len(b)), np.iinfo(kind).max, kind), np.zeros((blocks, len(b)), kind)  # rises, falls
    found = ends_b.copy()
    for at in range(int(ends_a.max(initial=0))):
        equal = np.packbits(wide == a[:, at, None], axis=1, bitorder="little").view(kind).T  # (blocks, m)
        rises, falls = np.ones(len(b), kind), np.zeros(len(b), kind)  # from the column before, at a block's top
        counted = (at < ends_a) & (ends_b > 0)
        for block in range(blocks):
            eq, p, n = equal[block], up[block], down[block]
            left = eq | n
            eq = eq | falls
            same = (((eq & p) + p) ^ p) | eq
            higher, lower = n | ~(same | p), p & same
            step = ((higher >> last_bit) & one).astype(np.int8) - ((lower >> last_bit) & one).astype(np.int8)
            found += np.where(counted & (last_block == block), step, 0)
            over = higher >> top, lower >> top
            higher, lower = (higher << one) | rises, (lower << one) | falls
            up[block], down[block] = lower | ~(left | higher), higher & left
            rises, falls = over
    return np.where(ends_b == 0, ends_a, found)
