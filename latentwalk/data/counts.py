"""Counts of many things in one row: genes of a cell, goods of a basket, words of a text; and their total.

Numbers of a table are counts where all are whole and none is negative, most columns hold 0 now and then and spread at least as
a Poisson would (variance >= mean), few lie near the largest (measured levels have a ceiling, counts a tail), and totals of rows
differ. How many there are in a row says how long was looked, how deep was sequenced, how much was bought: another thing than
what kinds they are, and modelled apart.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from latentwalk.arrays import Array
from latentwalk.data.rows import pieces, spaced
from latentwalk.errors import DataError

__all__ = ["Totals", "looks_counted"]

COLUMNS, ROWS, LEVELS = 5, 20, 10  # the fewest columns, rows and different numbers of what is seen as counts
LARGEST = 1_000_000
HOLD_ZERO, SPREAD = 0.75, 0.75  # the share of columns that hold 0, and of those that spread as counts do
CEILING, NEAR, FEW = (
    0.9,
    0.002,
    3,
)  # above this share of the largest value is near it; the most such values: a share, or so many
VARIED = 0.1  # the least deviation of log totals
NARROW = 0.02  # at least so wide is the law of log totals taken to be
MOST_LOG = 20.0  # of a total that is drawn


@dataclass(frozen=True, slots=True)
class Totals:
    """The law of a row's total: log-logistic, P(total <= t) = 1 / (1 + exp(-(log(t + 1) - middle) / width)), t = 0, 1, ..."""

    middle: float
    width: float

    def __post_init__(self) -> None:
        """Raise DataError for what is no law: it may come from a file."""
        numbers = all(isinstance(one, (int, float)) and math.isfinite(one) for one in (self.middle, self.width))
        if not (numbers and abs(self.middle) <= MOST_LOG and NARROW <= self.width <= MOST_LOG):
            raise DataError(f"no total of counts is distributed about {self.middle} by {self.width}.")

    @property
    def typical(self) -> float:
        """The median total, at least 1."""
        return max(math.exp(self.middle) - 0.5, 1.0)

    @classmethod
    def of(cls, x: Array) -> Self:
        """The law of the totals of rows x (n, *E), by the mean and the deviation of their logarithms."""
        logs = np.concatenate([np.log(_sums(rows) + 0.5) for _, rows in pieces(x)])
        width = min(max(float(logs.std()) * math.sqrt(3) / math.pi, NARROW), MOST_LOG)
        return cls(min(max(float(logs.mean()), -MOST_LOG), MOST_LOG), width)


def looks_counted(x: Array) -> bool:
    """Whether rows x (n, *E) are counts of many things; see above. Up to 4,096 evenly spaced rows stand for all."""
    if x.dtype.kind not in "iuf" or math.prod(x.shape[1:]) < COLUMNS or len(x) < ROWS:
        return False
    flat = spaced(x).reshape(-1, math.prod(x.shape[1:]))
    if not (np.isfinite(flat).all() and flat.min() == 0 and LEVELS <= flat.max() <= LARGEST and (flat == np.rint(flat)).all()):
        return False
    flat = flat.astype(np.float64)
    varying = flat[:, flat.max(axis=0) > 0]
    spread = varying.var(axis=0) >= varying.mean(axis=0)
    seen = (varying.min(axis=0) == 0).mean() >= HOLD_ZERO and spread.mean() >= SPREAD
    open_ended = (flat > CEILING * flat.max()).sum() <= max(NEAR * flat.size, FEW) and len(np.unique(flat)) >= LEVELS
    varied = np.log(_sums(flat) + 0.5).std() >= VARIED
    return bool(seen and open_ended and varied and all(_whole(rows) for _, rows in pieces(x)))


def _sums(rows: Array) -> Array:
    total: Array = np.nansum(rows.reshape(len(rows), -1).astype(np.float64), axis=1)
    return total


def _whole(rows: Array) -> bool:
    """Whether all of the rows are counts, not only those looked at."""
    return bool((rows >= 0).all() and (rows.dtype.kind in "iu" or (rows == np.rint(rows)).all()))
