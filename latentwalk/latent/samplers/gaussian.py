"""Gaussians: the usual prior N(0, I), kept with a model, and the one with the moments of given codes."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.latent.codes import Codes, check_codes
from latentwalk.latent.samplers.sampler import FittedSampler, expect_shape
from latentwalk.models.prior import NormalSampler

__all__ = ["Isotropic", "MomentMatched"]

FLAT = 1e-4  # of the largest deviation: draws are float32, and lie beside a flatter direction by so much


@dataclass(frozen=True, slots=True)
class Isotropic(FittedSampler):
    """N(0, temperature² I) in so many dimensions: what `models.prior.NormalSampler` draws, as a sampler that can be saved."""

    kind: ClassVar[str] = "prior"
    dimensions: int
    temperature: float = 1.0

    @classmethod
    def fit(cls, codes: Array, seed: int = 0) -> Self:
        """The prior in as many dimensions as the codes (n, D) have. Nothing else of them matters."""
        return cls(check_codes(codes, 1, "the prior needs at least {} codes").shape[1])

    def __call__(self, n: int, rng: np.random.Generator) -> Codes:
        return self._prior(n, rng)

    def log_density(self, z: Array) -> NDArray[np.float64]:
        """The natural logarithm of the density, at a temperature above 0, at codes z (m, D): (m,)."""
        return self._prior.log_density(z)

    @property
    def dim(self) -> int:
        return self.dimensions

    @property
    def _prior(self) -> NormalSampler:
        return NormalSampler(self.dimensions, self.temperature)

    def check(self) -> None:
        if self.dim < 1:
            raise ValueError(f"expected at least 1 dimension, found {self.dim}")


@dataclass(frozen=True, slots=True, eq=False)
class MomentMatched(FittedSampler):
    """The Gaussian with the mean (D,) and the covariance (D, D) of given codes; `root` is a square root of the covariance.

    temperature: of the spread about the mean.
    """

    kind: ClassVar[str] = "gaussian"
    mean: NDArray[np.float64]
    root: NDArray[np.float64]
    temperature: float = 1.0

    @classmethod
    def fit(cls, codes: Array, seed: int = 0) -> Self:
        """The Gaussian of these codes (n, D), n at least 2. A flat direction gets no spread instead of an error."""
        codes = check_codes(codes, 2, "a covariance needs at least {} codes")
        values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(codes, rowvar=False)))
        return cls(codes.mean(axis=0), vectors * np.sqrt(values.clip(0)))

    def __call__(self, n: int, rng: np.random.Generator) -> Codes:
        noise = self.temperature * rng.standard_normal((n, self.dim))
        return (self.mean + noise @ self.root.T).astype(np.float32)

    def log_density(self, z: Array) -> NDArray[np.float64]:
        """The natural logarithm of the density, at temperature 1, at codes z (m, D): (m,).

        A direction without spread is taken for a very thin one.
        """
        axes, spreads, _ = np.linalg.svd(self.root)
        spreads = spreads.clip(min=FLAT * spreads.max(initial=0.0) + np.finfo(np.float64).tiny)
        squares = np.square((np.asarray(z, np.float64) - self.mean) @ axes / spreads).sum(axis=1)
        density: NDArray[np.float64] = -(squares + self.dim * np.log(2 * np.pi)) / 2 - np.log(spreads).sum()
        return density

    @property
    def dim(self) -> int:
        return len(self.mean)

    def check(self) -> None:
        if self.mean.ndim != 1:
            raise ValueError(f"expected one mean, found {self.mean.shape}")
        expect_shape(self.root, (self.dim, self.dim), "root")
