"""A mixture of Gaussians, each with a full covariance, fitted to codes.

Codes of an autoencoder lie in clumps with empty ground between them; a few dozen Gaussians follow that closely in few
dimensions, and their density can be written down. Fitting: expectation maximisation (scikit-learn's `GaussianMixture`). A
covariance in 32 dimensions is 528 numbers, more than the codes of a small clump can tell: each is drawn towards the mean of
all, the more the fewer codes it has (the mode under an inverse Wishart distribution). How many Gaussians and how much
shrinkage is decided by codes that were held out.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from latentwalk.arrays import Doubles
from latentwalk.latent.codes import Codes, check_codes
from latentwalk.latent.samplers.sampler import FittedSampler, expect_shape
from latentwalk.surroundings import hushed

__all__ = ["Mixture", "usual"]

MOST = 100  # components
EACH = 10  # codes a component should have for each of its dimensions, at least
FEWER = (1.0, 0.3)  # of the usual number of components, what is tried
PULLS = (0.0, 0.1, 0.3, 1.0, 3.0)  # codes for each dimension that the mean of all covariances counts as
ENOUGH = 200  # codes, a tenth of which can choose
HELD = 2_000  # codes that choose, at most
AT_ONCE = 2**22  # numbers held while a density is computed


@dataclass(frozen=True, slots=True, eq=False)
class Mixture(FittedSampler):
    """sum_k weights_k N(means_k, roots_k roots_kᵀ): weights (K,), means (K, D), roots (K, D, D), lower triangular.

    temperature: of each Gaussian's spread about its own mean; at 0 the draws are means.
    """

    kind: ClassVar[str] = "mixture"
    weights: Doubles
    means: Doubles
    roots: Doubles
    temperature: float = 1.0

    @classmethod
    def fit(cls, codes: NDArray[Any], seed: int = 0, components: int | None = None) -> Self:
        """The mixture under which held-out codes, a tenth of these (n, D), are likeliest; of so many Gaussians, if given.

        With fewer than 200 codes, none are held out: the usual number of Gaussians, and no shrinkage.
        """
        codes = np.random.default_rng(seed).permutation(check_codes(codes, 2, "a mixture needs at least {} codes"))
        if components is not None or len(codes) < ENOUGH:
            return cls._of(codes, components or usual(*codes.shape), seed)
        held = min(len(codes) // 10, HELD)
        most = usual(*codes.shape)
        trials = [cls._of(codes[held:], count, seed) for count in sorted({max(1, round(share * most)) for share in FEWER})]
        drawn = [trial._drawn(pull, len(codes) - held) for trial in trials for pull in PULLS]
        return max(drawn, key=lambda mixture: mixture.log_density(codes[:held]).mean())

    @classmethod
    def _of(cls, codes: Doubles, components: int, seed: int) -> Self:
        """The likeliest mixture of so many Gaussians for these codes (n, D)."""
        centre, spread = codes.mean(axis=0), codes.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        count = min(components, len(codes))
        model = GaussianMixture(count, init_params="k-means++", max_iter=40, tol=5e-3, reg_covar=1e-4, random_state=seed)
        with hushed(ConvergenceWarning):  # the last digit of the likelihood is not wanted
            model.fit(((codes - centre) / spread).astype(np.float32))  # which takes half the time
        weights, means, covariances = (found.astype(np.float64) for found in (model.weights_, model.means_, model.covariances_))
        return cls(weights, centre + spread * means, spread[:, None] * np.linalg.cholesky(covariances))

    def _drawn(self, pull: float, n: int) -> Self:
        """The mixture of n codes, its covariances drawn towards the mean of all, which counts as `pull` D codes."""
        if pull == 0:
            return self
        covariances = self.roots @ self.roots.swapaxes(1, 2)  # (K, D, D)
        common = np.einsum("k,kij->ij", self.weights, covariances)
        share = (pull * self.dim / (pull * self.dim + self.weights * n))[:, None, None]
        return replace(self, roots=np.linalg.cholesky((1 - share) * covariances + share * common))

    def __call__(self, n: int, rng: np.random.Generator) -> Codes:
        which = rng.choice(len(self.weights), n, p=self.weights / self.weights.sum())
        z = self.temperature * rng.standard_normal((n, self.dim))
        order = np.argsort(which, kind="stable")  # Gaussian by Gaussian: a root for each draw would be D times the draws
        for rows in np.split(order, np.flatnonzero(np.diff(which[order])) + 1) if n else ():
            z[rows] = self.means[which[rows[0]]] + z[rows] @ self.roots[which[rows[0]]].T
        return z.astype(np.float32)

    @property
    def dim(self) -> int:
        return self.means.shape[1]

    def log_density(self, z: NDArray[Any]) -> Doubles:
        """The natural logarithm of the density, at temperature 1, at codes z (m, D): (m,)."""
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

    def check(self) -> None:
        count = self.weights.size
        expect_shape(self.weights, (count,), "weights")
        if self.means.ndim != 2:
            raise ValueError(f"expected means (K, D), found {self.means.shape}")
        expect_shape(self.means, (count, self.dim), "means")
        expect_shape(self.roots, (count, self.dim, self.dim), "roots")
        if self.weights.min() < 0 or not 0 < self.weights.sum() < np.inf:
            raise ValueError("the weights of a mixture are no shares")


def usual(n: int, dim: int) -> int:
    """How many Gaussians n codes of so many dimensions can tell apart."""
    return min(MOST, max(1, n // (EACH * dim + 10)))
