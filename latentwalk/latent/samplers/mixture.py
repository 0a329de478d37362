"""A mixture of Gaussians, each with a full covariance, fitted to codes.

Codes of an autoencoder lie in clumps with empty ground between them; a few dozen Gaussians follow that closely in few
dimensions, and their density can be written down. Fitting: expectation maximisation (scikit-learn's `GaussianMixture`).
"""

import warnings
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from latentwalk.errors import DataError
from latentwalk.latent.samplers.sampler import Codes

__all__ = ["Mixture"]

MOST = 100  # components
EACH = 10  # codes a component should have for each of its dimensions, at least
AT_ONCE = 2**22  # numbers held while a density is computed


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """sum_k weights_k N(means_k, roots_k roots_kᵀ): weights (K,), means (K, D), roots (K, D, D), lower triangular."""

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    roots: NDArray[np.float64]

    @classmethod
    def fit(cls, codes: NDArray[Any], seed: int = 0, components: int | None = None) -> Self:
        """The mixture of so many Gaussians under which these codes (n, D) are likely; by their number unless given."""
        if len(codes) < 2:
            raise DataError(f"a mixture needs at least 2 encoded examples, got {len(codes)}.")
        n, dim = codes.shape
        count = components or min(MOST, max(1, n // (EACH * dim + 10)))
        centre, spread = codes.mean(axis=0, dtype=np.float64), codes.std(axis=0, dtype=np.float64)
        spread = np.where(spread > 0, spread, 1.0)
        model = GaussianMixture(min(count, n), init_params="k-means++", max_iter=60, reg_covar=1e-4, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the last digit of the likelihood is not wanted
            model.fit((codes - centre) / spread)
        roots = spread[:, None] * np.linalg.cholesky(model.covariances_)
        return cls(model.weights_, centre + spread * model.means_, roots)

    def __call__(self, n: int, rng: np.random.Generator) -> Codes:
        which = rng.choice(len(self.weights), n, p=self.weights / self.weights.sum())
        noise = rng.standard_normal((n, self.means.shape[1]))
        return (self.means[which] + np.einsum("nij,nj->ni", self.roots[which], noise)).astype(np.float32)

    def log_density(self, z: NDArray[Any]) -> NDArray[np.float64]:
        """The natural logarithm of the density at codes z (m, D): (m,)."""
        count, dim = self.means.shape
        inverse = np.linalg.inv(self.roots)  # (K, D, D)
        shift = np.einsum("kij,kj->ki", inverse, self.means)  # (K, D)
        log_volume = np.log(np.abs(np.diagonal(self.roots, axis1=1, axis2=2))).sum(axis=1)  # (K,)
        constant = np.log(self.weights) - log_volume - dim / 2 * np.log(2 * np.pi)
        found = np.empty(len(z))
        step = max(1, AT_ONCE // (count * dim))
        for start in range(0, len(z), step):
            away = np.einsum("kij,nj->nki", inverse, z[start : start + step].astype(np.float64), optimize=True) - shift
            found[start : start + step] = logsumexp(constant - (away**2).sum(axis=-1) / 2, axis=1)
        return found
