"""Gaussians: the prior N(0, I), and the one with the moments of given codes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.errors import DataError
from latentwalk.latent.samplers.sampler import Codes

__all__ = ["MomentMatched", "StandardNormal"]


@dataclass(frozen=True, slots=True)
class StandardNormal:
    """N(0, temperature² I) in `dim` dimensions."""

    dim: int
    temperature: float = 1.0

    def __call__(self, n: int, rng: np.random.Generator) -> Codes:
        return (self.temperature * rng.standard_normal((n, self.dim))).astype(np.float32)


@dataclass(frozen=True, slots=True)
class MomentMatched:
    """The Gaussian with the mean (D,) and the covariance (D, D) of given codes; `root` is a square root of the covariance."""

    mean: NDArray[Any]
    root: NDArray[Any]

    @classmethod
    def fit(cls, codes: NDArray[Any]) -> "MomentMatched":
        """The Gaussian of these codes (n, D), n at least 2. A flat direction gets no spread instead of an error."""
        if len(codes) < 2:
            raise DataError(f"a covariance needs at least 2 encoded examples, got {len(codes)}.")
        values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(codes.astype(np.float64), rowvar=False)))
        return cls(codes.mean(axis=0, dtype=np.float64), vectors * np.sqrt(values.clip(0)))

    def __call__(self, n: int, rng: np.random.Generator) -> Codes:
        noise = rng.standard_normal((n, len(self.mean)))
        return (self.mean + noise @ self.root.T).astype(np.float32)
