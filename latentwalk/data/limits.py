"""What the numbers of a column never are: below or above an end, or anything but whole numbers; times, whole days, say.

An end is one that data has for a reason, not that of the draw:

    0             where nothing is negative, or nothing is positive
    1             where all lies between 0 and 1, some of it above 0.9: shares
    an own one    that at least 1 in 100 of the observed values, and five of them, lie on exactly

Where many lie on an end of their own, and nothing near it (three in ten customers spend 0, no one 0.01), numbers that are
closer to it than half of the way to the others, but for 1 in 100 of those, are taken for the end.

Columns that are always the same, and counts and categories, which have distributions of their own, need none.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latentwalk.arrays import Array
from latentwalk.data.rows import PIECE, pieces, spaced
from latentwalk.errors import DataError

__all__ = ["Limit", "limits_of"]

TOUCHED, FEWEST = 0.01, 5  # the share of values, and how many of them, that lie on an end which is one
NEAR = 0.01  # of the others, the share that may lie nearer to an end
TIMES = (86_400e6, 3_600e6, 60e6, 1e6, 1e3)  # microseconds: a day, an hour, a minute, a second, a thousandth of it
SHARE = 0.9  # of 1: shares come closer than that


@dataclass(frozen=True, slots=True)
class Limit:
    """The ends of a column, in the units of the data, None where it has none.

    step: what its numbers are whole multiples of, None where that is nothing we know. below, above: numbers that are less, or
    more, are taken for the end.
    """

    low: float | None = None
    high: float | None = None
    step: float | None = None
    below: float | None = None
    above: float | None = None

    def __post_init__(self) -> None:
        """Raise DataError for what are no ends: they may come from a file."""
        ends = [end for end in (self.low, self.below, self.above, self.high) if end is not None]
        whose = (self.below is None or self.low is not None) and (self.above is None or self.high is not None)
        stepped = self.step is None or (isinstance(self.step, (int, float)) and 0 < self.step < math.inf)
        numbers = all(isinstance(end, (int, float)) and math.isfinite(end) for end in ends)
        if not (whose and stepped and numbers and ends == sorted(ends)):
            raise DataError(f"no column lies between {self.low} and {self.high}.")


def limits_of(x: Array, columns: int, among: Sequence[int], times: Sequence[int] = ()) -> tuple[Limit, ...]:
    """The limits of each of `columns` columns of x (n, *E), those of `among` as found, none for the others.

    times: which of them are times, in microseconds.
    """
    low, high = np.full(columns, np.inf), np.full(columns, -np.inf)
    of_times = np.isin(np.arange(columns), times)
    steps = [np.where(of_times, step, 1.0) for step in (TIMES if len(times) else (1.0,))]
    fits = [np.ones(columns, dtype=bool) for _ in steps]
    for _, rows in pieces(x):
        flat = rows.reshape(-1, columns)
        low, high = np.fmin(low, np.fmin.reduce(flat, axis=0)), np.fmax(high, np.fmax.reduce(flat, axis=0))
        with np.errstate(invalid="ignore"):
            for fit, step in zip(fits, steps, strict=True):
                fit &= (np.isnan(flat) | (flat == np.rint(flat / step) * step)).all(axis=0)
    some = spaced(x, 4 * PIECE).reshape(-1, columns)
    found = [Limit()] * columns
    for at in among:
        if low[at] < high[at]:
            coarsest = next((float(step[at]) for fit, step in zip(fits, steps, strict=True) if fit[at]), None)
            found[at] = _limit(float(low[at]), float(high[at]), coarsest, some[:, at])
    return tuple(found)


def _limit(low: float, high: float, step: float | None, some: Array) -> Limit:
    """The limit of a column whose values lie from low to high; some: of its values (n,)."""
    most = max(TOUCHED * np.count_nonzero(some == some), FEWEST)
    on_low, on_high = (np.count_nonzero(some == end) >= most for end in (low, high))
    others = some[(some > low) & (some < high)].astype(np.float64)
    near = np.quantile(others, (NEAR, 1 - NEAR)) if len(others) else np.array([high, low])
    return Limit(
        low if on_low else 0.0 if low >= 0 else None,
        high if on_high else 0.0 if high <= 0 else 1.0 if low >= 0 and SHARE <= high <= 1 else None,
        step,
        float(low / 2 + near[0] / 2) if on_low else None,
        float(near[1] / 2 + high / 2) if on_high else None,
    )
