"""Which cells of a table were missing together: patterns of gaps, as often as they were there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.data.rows import pieces
from latentwalk.errors import DataError

__all__ = ["MissingPatterns"]

MOST, BYTES = 1000, 1 << 20  # patterns that are kept, and what they may take; of more, those of evenly spaced rows


@dataclass(frozen=True, slots=True)
class MissingPatterns:
    """Patterns of missing cells, and in how many rows each was.

    patterns: a row's mask (C,), 1 where a cell is missing, as packed bits in hexadecimal digits.
    """

    columns: int
    patterns: tuple[str, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        """Raise DataError for what are no patterns: they may come from a file."""
        packed = all(isinstance(one, str) and len(one) == 2 * ((self.columns + 7) // 8) for one in self.patterns)
        counted = len(self.counts) == len(self.patterns) > 0 and all(type(one) is int and one > 0 for one in self.counts)
        if not (packed and counted and all(set(one) <= set("0123456789abcdef") for one in self.patterns)):
            raise DataError(f"no gaps of {self.columns} columns have patterns and counts like these.")

    @classmethod
    def of(cls, x: Array) -> Self:
        """Those of the rows x (n, *E)."""
        width = x[:1].size
        at_most = min(MOST, max(1, BYTES // (width // 4 + 1)))
        found: dict[bytes, int] = {}
        for _, rows in pieces(x):
            packed = np.packbits(np.isnan(rows.reshape(len(rows), -1)), axis=1)
            for pattern, count in zip(*np.unique(packed, axis=0, return_counts=True), strict=True):
                found[pattern.tobytes()] = found.get(pattern.tobytes(), 0) + int(count)
        if len(found) > at_most:
            found = _thinned(found, at_most)
        return cls(width, tuple(one.hex() for one in found), tuple(found.values()))

    def masks(self, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """`n` masks (n, C), True where a cell is missing: each pattern as often as it was there, on average."""
        shares = np.array(self.counts) / sum(self.counts)
        packed = np.array([list(bytes.fromhex(one)) for one in self.patterns], dtype=np.uint8)
        masks: NDArray[np.bool_] = np.unpackbits(packed, axis=1, count=self.columns).astype(bool)
        return masks[rng.choice(len(masks), n, p=shares)]


def _thinned(found: dict[bytes, int], most: int) -> dict[bytes, int]:
    """So many rows' patterns, of evenly spaced ones among all, sorted: the rate of none moves by more than 1 / most."""
    order: Sequence[bytes] = sorted(found)
    ends = np.cumsum([found[one] for one in order])
    places = np.searchsorted(ends, (np.arange(most) + 0.5) * ends[-1] / most, side="right")
    return {order[at]: int(count) for at, count in zip(*np.unique(places, return_counts=True), strict=True)}
