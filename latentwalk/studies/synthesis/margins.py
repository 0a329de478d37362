"""Drawn values moved to where real ones lie, column by column: the model says what goes with what, the data how much there is.

A number that q of the model's own draws lie below becomes the number that q of the real ones lie below, interpolated between real
values. Which rows are large or small in a column stays as the model drew it, and so do ranks; skew, bounds, zeros and gaps between
values are those of the data, whatever likelihood the model has. (Sklar 1959: a joint distribution is its margins and a copula.)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latentwalk.arrays import Array, Doubles
from latentwalk.data.columns import Column

__all__ = ["Margins"]


@dataclass(frozen=True, slots=True, eq=False)
class Margins:
    """drawn, real: the sorted values of each numeric column, by its place."""

    drawn: dict[int, Doubles]
    real: dict[int, Doubles]

    @classmethod
    def of(cls, drawn: Array, real: Array, columns: Sequence[Column]) -> "Margins":
        """Of rows (m, C) that a model drew, and of real rows (n, C)."""
        places = [at for at, column in enumerate(columns) if column.kind != "category" and column.constant is None]
        sides = [{at: _sorted(x[:, at]) for at in places} for x in (drawn, real)]
        kept = [at for at in places if len(sides[0][at]) and len(sides[1][at])]
        return cls(*({at: side[at] for at in kept} for side in sides))

    def __call__(self, x: Array, rng: np.random.Generator) -> Doubles:
        """Drawn rows (k, C) with real margins. What is drawn several times alike gets any of the places it has."""
        moved = np.array(x, np.float64)
        for at, drawn in self.drawn.items():
            values, real = x[:, at], self.real[at]
            low, high = (np.searchsorted(drawn, values, side) / len(drawn) for side in ("left", "right"))
            share = rng.uniform(low, np.maximum(high, low)) if len(values) else low
            places = (np.arange(len(real)) + 0.5) / len(real)
            moved[:, at] = np.where(np.isnan(values), np.nan, np.interp(share, places, real))
        return moved


def _sorted(values: Array) -> Doubles:
    return np.sort(values[~np.isnan(values)])
