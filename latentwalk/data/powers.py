"""Which columns of a table are skewed, and by what power transform amounts, incomes, durations become nearly normal.

Centre and width are chosen among a few: the mean and deviation of the column, or an end that nothing lies beyond, and the
distance from there to its 5 or 50 %. `transform` has the formula.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from latentwalk.arrays import Array, Doubles
from latentwalk.data.limits import Limit
from latentwalk.data.rows import PIECE, spaced
from latentwalk.errors import DataError

__all__ = ["Power", "Transforms", "powers_of"]

Transforms = Literal["auto", "centred", "none"]
FEWEST = 32  # different values; fewer are levels, which no transform makes normal
GAIN = 0.05  # nats that a value must be likelier under a normal distribution, for a column to be transformed
EDGE = 0.03  # and those by which an end must be a better centre than the mean
NEAR = (0.05, 0.5)  # quantiles whose distance from an end may be its width


@dataclass(frozen=True, slots=True)
class Power:
    """The transform of one column: where and in what unit, in the units of the data, and its exponent, from 0 to 2."""

    centre: float
    width: float
    exponent: float

    def __post_init__(self) -> None:
        """Raise DataError for what is no transform: it may come from a file."""
        numbers = all(isinstance(one, (int, float)) and math.isfinite(one) for one in (self.centre, self.width, self.exponent))
        if not (numbers and self.width > 0 and 0 <= self.exponent <= 2):
            raise DataError(f"no transform of a column has centre {self.centre}, width {self.width}, exponent {self.exponent}.")


def powers_of(x: Array, limits: Sequence[Limit], among: Sequence[int], how: Transforms) -> tuple[Power | None, ...]:
    """The transforms of the columns of x (n, *E) that are worth one, () where none is; among: which may have one.

    how: "auto"; "centred", about the mean and in deviations alone; "none". By what evenly spaced rows say.
    """
    if how == "none" or not among:
        return ()
    flat = spaced(x, 4 * PIECE).reshape(-1, len(limits))
    found: list[Power | None] = [None] * len(limits)
    for at in among:
        values = flat[:, at].astype(np.float64)
        found[at] = _power(values[np.isfinite(values)], limits[at], how)
    return tuple(found) if any(found) else ()


def _power(values: Doubles, limit: Limit, how: Transforms) -> Power | None:
    """The transform of observed values (n,), None where they do well without one."""
    if len(np.unique(values)) < FEWEST:
        return None
    with np.errstate(over="ignore"):
        mean, deviation = float(values.mean()), float(values.std())
    if not (math.isfinite(deviation) and deviation > 1e-9 * abs(mean)):
        return None
    plain = _centred(values, mean, deviation)
    best = plain
    if how == "auto":
        edged = max((one for one in _edged(values, limit)), key=lambda one: one[0], default=plain)
        best = edged if edged[0] > plain[0] + EDGE else plain
    return best[1] if best[0] + math.log(deviation) >= GAIN else None


def _centred(values: Doubles, centre: float, width: float, ends: tuple[float, float] = (0, 2)) -> tuple[float, Power]:
    """The transform of the best exponent between `ends`, after the mean log-likelihood it gives the values, less a constant."""
    from scipy.optimize import minimize_scalar  # not while a data set is read
    from scipy.stats import yeojohnson_llf

    u = (values - centre) / width
    found = minimize_scalar(lambda e: -yeojohnson_llf(e, u), bounds=ends, method="bounded", options={"xatol": 1e-3})
    exponent = min(ends, key=lambda end: abs(end - found.x)) if min(abs(end - found.x) for end in ends) < 5e-3 else found.x
    return float(-found.fun) / len(values) - math.log(width), Power(float(centre), float(width), float(exponent))


def _edged(values: Doubles, limit: Limit) -> list[tuple[float, Power]]:
    """The same from each end that nothing lies beyond, and not many on it, in the distance to quantiles of what does not.

    Many values on an end, transformed, would be an edge inside the others, which a decoder with one deviation blurs.
    """
    found = []
    for sign, bound, crowded, ends in ((1, limit.low, limit.below, (0, 1)), (-1, limit.high, limit.above, (1, 2))):
        if crowded is not None:
            continue
        end = sign * (sign * values).min() if bound is None else bound
        away = sign * (values - end)
        for share in NEAR:
            width = float(np.quantile(away[away > 0], share))
            if width > 1e-12 * max(abs(end), away.max()):
                found.append(_centred(values, float(end), width, ends))
    return found
