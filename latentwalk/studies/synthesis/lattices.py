"""What numbers of a column may be: whole ones, so many decimals, whole days, one of a few; drawn ones are rounded to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latentwalk.arrays import Array, Doubles
from latentwalk.data.columns import Column

__all__ = ["Lattice", "lattices"]

DECIMALS = range(-3, 7)  # places after the point
SPANS = (86_400e6, 3_600e6, 60e6, 1e6, 1e3, 1.0)  # a day, an hour, … in microseconds
SLACK = 1e-6  # of a step
LARGEST = 1e12  # steps: beyond, float64 has too few digits to tell
LEVELS, OFTEN = 10, 20  # a column of at most so many numbers, each so often in the mean, has no others
FEWEST = 20  # values that tell a step


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """step: numbers are multiples of it; 0 where they are any. levels: the only ones there are, in order, or none.

    low, high: the smallest and the largest that were seen. rounding: what each may be wrong by, of itself.
    """

    step: float = 0.0
    levels: Doubles | None = None
    low: float = -np.inf
    high: float = np.inf
    rounding: float = 0.0

    def snapped(self, x: Array) -> Doubles:
        """The nearest number of the grid to each of x (n,); NaN stays."""
        if self.levels is not None:
            middles = (self.levels[1:] + self.levels[:-1]) / 2
            return np.where(np.isnan(x), np.nan, self.levels[np.searchsorted(middles, x)])
        if not self.step:
            return np.asarray(x, np.float64)
        places = np.rint(x / self.step)
        rounded = places * self.step if self.step >= 1 else places / round(1 / self.step)  # 3 / 10 is .3, 3 * .1 is not
        for end in (self.low, self.high):  # as it was written, where that is the same number but for rounding
            rounded = np.where(np.abs(rounded - end) <= SLACK * self.step + self.rounding * abs(end), end, rounded)
        return rounded


def lattices(x: Array, columns: Sequence[Column]) -> tuple[Lattice, ...]:
    """The grid of each column of rows x (n, C); that of a category, or of few values, is none."""
    return tuple(Lattice() if column.kind == "category" else _grid(x[:, at], column) for at, column in enumerate(columns))


def _grid(values: Array, column: Column) -> Lattice:
    values = values[~np.isnan(values)]
    dated = "datetime64" in column.dtype or "timedelta64" in column.dtype
    if len(values) < FEWEST:
        return Lattice(1.0 if dated or column.kind == "count" or "int" in column.dtype.lower() else 0.0)
    low, high = float(values.min()), float(values.max())
    rounding = float(np.finfo(np.float32).eps) if column.dtype.lower() == "float32" else 0.0
    distinct = np.unique(values)
    if len(distinct) <= LEVELS and len(values) >= OFTEN * len(distinct) and not dated:
        return Lattice(levels=distinct.astype(np.float64))
    for step in SPANS if dated else (10.0**-places for places in DECIMALS):
        many = distinct / step if step >= 1 else distinct * round(1 / step)
        if (
            np.abs(many).max() < LARGEST * (1e6 if dated else 1)
            and (np.abs(many - np.rint(many)) <= SLACK + rounding * np.abs(many)).all()
        ):
            return Lattice(step, None, low, high, rounding)
    return Lattice(0.0, None, low, high, rounding)
