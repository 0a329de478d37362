"""What varies in a drawn data set: each factor's range, how it is drawn, and what may be asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike

from latentwalk.arrays import Array
from latentwalk.checks import COUNTED, whole
from latentwalk.errors import ConfigError, unknown

__all__ = ["Factor", "checked", "factor_values", "stretched"]


@dataclass(frozen=True, slots=True)
class Factor:
    """One thing that varies.

    low, high: its range, both included. means: what the two ends, or the numbers, stand for. whole: whole numbers only.
    neutral: what `render` takes when it is not given. chance: how often a yes/no factor is 1.
    """

    low: float
    high: float
    means: str
    whole: bool = False
    neutral: float = 0.0
    chance: float | None = None

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """(n,) values; the first ones are the same for every n."""
        share = rng.random(n)
        if self.chance is not None:
            return (share < self.chance).astype(np.int64)
        if self.whole:
            return (self.low + np.floor(share * (self.high - self.low + 1))).astype(np.int64)
        return self.low + share * (self.high - self.low)

    def check(self, name: str, values: ArrayLike) -> Array:
        """`values` as an array. Raises ConfigError when one is out of range, or is not whole and should be."""
        array = np.asarray(values)
        if array.dtype.kind not in "biuf":
            raise ConfigError(f"{name}={values!r} is no number. Expected one from {self.low:g} to {self.high:g}.")
        good = (array >= self.low) & (array <= self.high)
        if self.whole:
            good &= array == np.round(array)
        if not good.all():
            got, kind = array[~good].flat[0], "a whole number" if self.whole else "a number"
            raise ConfigError(
                f"{name}={got} is out of range. Expected {kind} from {self.low:g} to {self.high:g}: {self.means}."
            )
        return array.astype(np.int64 if self.whole else np.float64)


def factor_values(known: Mapping[str, Factor], n: int, seed: int, fixed: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Every factor of `known`, (n,) each, from a stream of chance of its own; those in `fixed` are as given.

    Raises ConfigError: an unknown factor, a value out of range, n below 1, a negative seed.
    """
    whole("n", n, "examples", least=1, most=COUNTED)
    whole("seed", seed)
    pinned = {name: stretched(name, values, n) for name, values in checked(known, fixed).items()}
    return {
        name: pinned[name].copy() if name in pinned else factor.draw(n, _stream(seed, name)) for name, factor in known.items()
    }


def checked(known: Mapping[str, Factor], given: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """`given` as arrays. Raises ConfigError for a factor that is not in `known`, or a value out of its range."""
    for name in given:
        if name not in known:
            raise unknown("factor", name, known)
    return {name: known[name].check(name, values) for name, values in given.items()}


def stretched(name: str, values: Array, n: int) -> Array:
    """One value, or (n,) of them, as (n,). Raises ConfigError."""
    if values.shape not in {(), (n,)}:
        raise ConfigError(f"{name} has shape {values.shape}. Expected one value, or {n}: one for each example.")
    return np.broadcast_to(values, n)


def _stream(seed: int, name: str) -> np.random.Generator:
    """The chance behind one factor, independent of the others."""
    return np.random.default_rng([seed, crc32(name.encode())])
