"""Which columns of a table are skewed, and by what power transform amounts, incomes, durations become nearly normal.

Centre and width are chosen among a few: the mean and deviation of the column, or an end that nothing lies beyond, and the
distance from there to its 5 or 50 %. `transform` has the formula.

Columns that lie on lines with each other would be bent off them. So those are transformed that make rows likelier under one
normal distribution with all correlations.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array, Doubles
from latentwalk.data.limits import Limit
from latentwalk.data.rows import PIECE, spaced
from latentwalk.errors import DataError

__all__ = ["Power", "Transforms", "powers_of"]

Transforms = Literal["auto", "centred", "none"]
FEWEST = 32  # different values; fewer are levels, which no transform makes normal
GAIN = 0.05  # nats that a value must be likelier under a normal distribution, for a column to be transformed
EDGE = 0.03  # and those by which an end must be a better centre than the mean
OWN = 1e-3  # the least share of a column's variance that no other column tells, so that one told exactly does not decide alone
TOGETHER = 256  # columns that are looked at together, at most, evenly spaced: the work grows with their cube
CLEAR = 1e-6  # nats of a row: less is nothing
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
    chosen = {}
    for at in among:
        values = flat[:, at].astype(np.float64)
        chosen[at] = _power(values[np.isfinite(values)], limits[at], how)
    if not any(power for _, power in chosen.values()):
        return ()
    some = [among[at] for at in np.unique(np.linspace(0, len(among) - 1, TOGETHER).round().astype(int))]
    worth = _together(flat[:, some].astype(np.float64), [chosen[at] for at in some])
    if not any(worth):
        return ()
    dropped = {at for at, kept in zip(some, worth, strict=True) if not kept}
    found = [None if at in dropped or at not in chosen else chosen[at][1] for at in range(len(limits))]
    return tuple(found) if any(found) else ()


def _bent(flat: Doubles, powers: Sequence[Power | None]) -> Doubles:
    """Columns (n, C), those with a transform by it."""
    from scipy.stats import yeojohnson  # not while a data set is read

    some = [
        values if power is None else yeojohnson((values - power.centre) / power.width, power.exponent)
        for values, power in zip(flat.T, powers, strict=True)
    ]
    return np.stack(some, axis=1)


def _together(flat: Doubles, chosen: Sequence[tuple[float, Power | None]]) -> list[bool]:
    """Which of columns (n, C) are to be transformed, so that a row is likeliest under a normal with all correlations.

    chosen: what each gains by itself, and its transform. From the better of all and none on, one after the other is turned
    around as long as that helps.
    """
    count = len(chosen)
    both = _correlations(np.concatenate([flat, _bent(flat, [power for _, power in chosen])], axis=1))
    gains = np.array([gain for gain, _ in chosen])
    may = gains > 0

    def likelier(bent: NDArray[np.bool_]) -> float:
        at = np.arange(count) + count * bent
        return float(gains[bent].sum() - 0.5 * np.linalg.slogdet(both[np.ix_(at, at)])[1])

    best = max((np.zeros(count, bool), may), key=likelier).copy()
    now, turned = likelier(best), True
    while turned:
        turned = False
        for at in np.flatnonzero(may):
            best[at] ^= True
            then = likelier(best)
            if then > now + CLEAR:
                now, turned = then, True
            else:
                best[at] ^= True
    return best.tolist()


def _correlations(columns: Doubles) -> Doubles:
    """Those of columns (n, C), a gap at its column's mean; a share `OWN` of each is its own."""
    seen = np.isfinite(columns)
    largest = np.where(seen, np.abs(columns), 0).max(0)
    columns = columns / np.where(largest > 0, largest, 1)
    mean = np.where(seen, columns, 0).sum(0) / seen.sum(0).clip(1)
    off = np.where(seen, columns - mean, 0)
    off /= np.sqrt((off**2).mean(0).clip(np.finfo(float).tiny))
    found = (1 - OWN) * off.T @ off / len(off)
    np.fill_diagonal(found, 1)
    return found


def _power(values: Doubles, limit: Limit, how: Transforms) -> tuple[float, Power | None]:
    """The nats that the transform of observed values (n,) makes one likelier by; 0, None where they do well without one."""
    if len(np.unique(values)) < FEWEST:
        return 0.0, None
    with np.errstate(over="ignore"):
        mean, deviation = float(values.mean()), float(values.std())
    if not (math.isfinite(deviation) and deviation > 1e-9 * abs(mean)):
        return 0.0, None
    plain = _centred(values, mean, deviation)
    best = plain
    if how == "auto":
        edged = max((one for one in _edged(values, limit)), key=lambda one: one[0], default=plain)
        best = edged if edged[0] > plain[0] + EDGE else plain
    gain = best[0] + math.log(deviation)
    return (gain, best[1]) if gain >= GAIN else (0.0, None)


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
