"""What a sampler is, and what all those have in common that are saved with a model."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, replace
from typing import Any, ClassVar, Self, get_args

import numpy as np

from latentwalk.arrays import Array
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.codes import Codes
from latentwalk.models.prior import temperature_of

__all__ = ["FittedSampler", "Sampler", "draws_of", "expect_shape"]

Sampler = Callable[[int, np.random.Generator], Codes]


class FittedSampler(ABC):
    """A distribution over codes, learnt from codes. Abstract: the final ones are frozen dataclasses of arrays and numbers.

    temperature: how far draws spread, 1 as the codes do; each class says around what. kind: what the sampler is called.
    """

    __slots__ = ()
    kind: ClassVar[str]
    temperature: float

    @classmethod
    @abstractmethod
    def fit(cls, codes: Array, seed: int = 0) -> Self:
        """The sampler that codes (n, D) are likely under. Raises DataError for too few, and for what is no number."""

    @abstractmethod
    def __call__(self, n: int, rng: np.random.Generator) -> Codes:
        """`n` codes (n, D). The same state of the generator gives the same codes."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """D, the number of dimensions of a code."""

    @abstractmethod
    def check(self) -> None:
        """Raise ValueError where arrays and numbers do not fit together: they may come from a file of anybody's."""

    def at(self, temperature: float) -> Self:
        """The same distribution at another temperature, 0 or more. Raises ConfigError."""
        return replace(self, temperature=temperature_of(temperature))  # type: ignore[type-var]  # all that are final are dataclasses

    # ------------------------------------------------------------------ saving

    def parts(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """All that it is: its kind and numbers, ready for JSON, and its arrays."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        arrays = {name: value for name, value in found.items() if isinstance(value, np.ndarray)}
        return {"kind": self.kind} | {name: value for name, value in found.items() if name not in arrays}, arrays

    @classmethod
    def of_parts(cls, numbers: Mapping[str, Any], arrays: Mapping[str, Array]) -> Self:
        """The sampler that has these numbers and arrays. Raises ValueError where no such sampler can be."""
        found: dict[str, Any] = {}
        for field in fields(cls):  # type: ignore[arg-type]
            held = numbers if field.type in (int, float) else arrays
            if field.name not in held and field.default is not MISSING:  # which files of earlier versions did not say
                continue
            if field.name not in held:
                raise ValueError(f"a sampler of kind {cls.kind!r} needs {field.name}")
            found[field.name] = value = held[field.name]
            if held is numbers and not (type(value) in (int, field.type) and 0 <= value < 2**31):
                raise ValueError(f"expected a number, 0 or more, for {field.name}, found {value!r:.40}")
            if held is arrays and (value.dtype != _dtype(field.type) or not value.size or not np.isfinite(value).all()):
                raise ValueError(f"{field.name} is empty, or holds what is no {_dtype(field.type)}")
        sampler = cls(**found)
        sampler.check()
        return sampler


def _dtype(annotation: Any) -> np.dtype[Any]:
    """float32 of NDArray[np.float32], which is ndarray[shape, dtype[float32]]."""
    return np.dtype(get_args(get_args(annotation)[1])[0])


def draws_of(sampler: Sampler, n: int, dim: int, rng: np.random.Generator) -> Array:
    """`n` draws of a sampler, (n, dim). Raises ConfigError, DataError where it gives anything else."""
    z = np.asarray(sampler(n, rng))
    if z.shape != (n, dim):
        raise ConfigError(
            f"the sampler gave shape {z.shape}; expected ({n}, {dim}): {n} draws in this space's {dim} dimensions."
        )
    if not np.isfinite(z).all():
        raise DataError("the sampler drew NaN or infinity. Fit it again, or use sampler='gaussian'.")
    return z


def expect_shape(array: Array, shape: tuple[int, ...], name: str) -> None:
    """Raise ValueError for another shape."""
    if array.shape != shape:
        raise ValueError(f"expected {name} of shape {shape}, found {array.shape}")
