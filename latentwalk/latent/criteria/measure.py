"""A measured number: its value, how sure we are of it, and what it says in plain words."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.latent.criteria.table import table

__all__ = ["Measure", "half_width", "mean_interval", "wilson"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number about a latent space.

    value: the number itself. low, high: its 95 % interval. reading: one sentence that says what it means for this model.
    details: other numbers found on the way, by name. unit: "nats", say; none for a share.

    >>> print(Measure("continuity", 0.94, 0.93, 0.95, "94 % of small steps keep the output."))
    continuity 0.940 [0.930, 0.950]
    """

    name: str
    value: float
    low: float
    high: float
    reading: str
    details: Mapping[str, float | list[float]] = field(default_factory=dict)
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.figure} [{self.figure_of(self.low)}, {self.figure_of(self.high)}] {self.unit}".rstrip()

    @property
    def figure(self) -> str:
        """The value as people read it."""
        return self.figure_of(self.value)

    @property
    def is_share(self) -> bool:
        """Whether it is a share of something, in [0, 1], and not an amount of some unit."""
        return not self.unit and min(self.low, self.value) >= 0 and max(self.value, self.high) <= 1

    def figure_of(self, number: float) -> str:
        """A number in the measure's unit, as people read it: three places of a share, three figures of an amount."""
        return f"{number:.3g}" if self.unit else f"{number:.3f}"

    def _repr_html_(self) -> str:
        return table([self])

    def to_json(self) -> dict[str, Any]:
        """The measure as plain numbers, strings, lists and a dictionary, ready for `json.dump`."""
        return {**asdict(self), "details": dict(self.details)}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Measure":
        """The measure that `to_json` wrote. Raises ValueError for anything else."""
        measure = cls(**found)
        numbers = (measure.value, measure.low, measure.high)
        known = isinstance(measure.name, str) and isinstance(measure.reading, str) and isinstance(measure.details, dict)
        if not known or not all(isinstance(number, (int, float)) and np.isfinite(number) for number in numbers):
            raise ValueError(f"expected a measure, found {found!r:.60}")
        return measure


def wilson(hits: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """The interval for a share of `hits` in `trials`; honest near 0 and 1, where the usual one has no width.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    share, z = hits / trials, NormalDist().inv_cdf(0.5 + level / 2)
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # rounding may leave the end a hair inside the share itself when all, or none, are hits
    return max(0.0, float(min(centre - half, share))), min(1.0, float(max(centre + half, share)))


def mean_interval(values: NDArray[Any], level: float = 0.95) -> tuple[float, float]:
    """The normal interval for the mean of independent `values` (n,) that lie in [0, 1], cut to that range."""
    half = half_width(values, level)
    return max(0.0, float(values.mean() - half)), min(1.0, float(values.mean() + half))


def half_width(values: NDArray[Any], level: float = 0.95) -> float:
    """Half of the normal interval for the mean of independent `values` (n,)."""
    return float(NormalDist().inv_cdf(0.5 + level / 2) * values.std(ddof=1) / np.sqrt(len(values)))
