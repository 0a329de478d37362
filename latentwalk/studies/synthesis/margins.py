"""Drawn values moved to where real ones lie, column by column: the model says what goes with what, the data how much there is.

A number that q of the model's own draws lie below becomes the number that q of the real ones lie below, interpolated between
real values. Ranks in a column stay as the model drew them; skew, bounds, zeros and gaps between values are those of the data,
whatever likelihood the model has. (Sklar 1959: a joint distribution is its margins and a copula.)

A column that is never below another one is moved by how far it is above it: the gap has the margin of real gaps, so no row
breaks the order, where the model's own noise in two columns that go together would break it often.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from latentwalk.arrays import Array, Doubles
from latentwalk.data.columns import Column

__all__ = ["Margins"]


@dataclass(frozen=True, slots=True, eq=False)
class Margins:
    """drawn, real: the sorted values of each numeric column, by its place, and the sorted gaps of those above another.

    above: the column that each of some columns is never below, in an order in which the lower one comes first.
    """

    drawn: Mapping[int, Doubles]
    real: Mapping[int, Doubles]
    above: Mapping[int, int]

    @classmethod
    def of(cls, drawn: Array, real: Array, columns: Sequence[Column], orders: Sequence[tuple[int, int]] = ()) -> "Margins":
        """Of rows (m, C) that a model drew, and of real rows (n, C). orders: pairs of columns, the lower one first."""
        places = [at for at, column in enumerate(columns) if column.kind != "category" and column.constant is None]
        above = _above(real, [pair for pair in orders if {*pair} <= {*places}])
        of_drawn, of_real = ({at: _sorted(_gap(x, at, above)) for at in places} for x in (drawn, real))
        kept = [at for at in places if len(of_drawn[at]) and len(of_real[at])]
        return cls({at: of_drawn[at] for at in kept}, {at: of_real[at] for at in kept}, above)

    def __call__(self, x: Array, rng: np.random.Generator) -> Doubles:
        """Drawn rows (k, C) with real margins. What is drawn several times alike gets any of the places it has."""
        moved = np.array(x, np.float64)
        for at in [*(at for at in self.drawn if at not in self.above), *self.above]:
            values, drawn, real = _gap(x, at, self.above), self.drawn[at], self.real[at]
            low, high = (np.searchsorted(drawn, values, side) / len(drawn) for side in ("left", "right"))
            share = rng.uniform(low, high)
            found = np.interp(share, (np.arange(len(real)) + 0.5) / len(real), real)
            moved[:, at] = np.where(np.isnan(values), np.nan, found + (moved[:, self.above[at]] if at in self.above else 0.0))
        return moved


def _gap(x: Array, at: int, above: Mapping[int, int]) -> Doubles:
    """A column of rows x (n, C), or how far it is above another one."""
    return np.asarray(x[:, at] - x[:, above[at]] if at in above else x[:, at], np.float64)


def _above(real: Array, orders: Sequence[tuple[int, int]]) -> dict[int, int]:
    """For each column that is above others the one to which its gap is smallest, lower ones first. Gaps need both values."""
    whole = np.count_nonzero(np.isnan(real), axis=0) == 0
    lower: dict[int, int] = {}
    for high in sorted({high for _, high in orders}):
        able = [low for low, other in orders if other == high and whole[low] and whole[high]]
        if able:
            lower[high] = min(able, key=lambda low: float(np.std(real[:, high] - real[:, low])))
    ordered: dict[int, int] = {}
    while ready := [at for at, low in lower.items() if at not in ordered and (low not in lower or low in ordered)]:
        ordered |= {at: lower[at] for at in ready}
    return ordered


def _sorted(values: Array) -> Doubles:
    return np.sort(values[~np.isnan(values)])
