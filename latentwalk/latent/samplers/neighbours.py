"""Manifold Parzen windows: a code, and noise as its nearest codes lie around it.

Codes lie near surfaces of fewer dimensions than the space has. Round noise at a code leaves such a surface; noise with the
covariance of the k nearest codes stays near it. Of that covariance only differences to neighbours are needed:
h / sqrt(k) sum_j e_j (z_j - z_i), e ~ N(0, I_k), has h² times it. A little round noise fills the directions in which no
neighbour lies. Both widths are those under which codes are most likely that the sampler does not hold: a sampler that copied
its codes would find others impossible.

What it keeps of the data: codes themselves, at most 20,000, and each draw comes from around one of them. Who must not give
away what was encoded takes another sampler.

Source: Vincent & Bengio 2003, "Manifold Parzen windows", equations 4 to 7; the scale h of the local covariance is ours.
"""

from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.neighbors import NearestNeighbors

from latentwalk.arrays import Doubles
from latentwalk.latent.codes import Codes, check_codes
from latentwalk.latent.samplers.sampler import FittedSampler, expect_shape

__all__ = ["Neighbours"]

KEPT = 20_000  # codes, at most
AROUND = 16  # neighbours whose differences make the noise of a code
SCALES = (0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4)  # h, and
ROUNDS = (
    0.02,
    0.05,
    0.1,
    0.2,
    0.4,
    0.7,
    1.0,
)  # the length of the round noise, in distances to the nearest code: the best is taken
ASKED = 1_000  # held-out codes by which they are chosen
NEAR = 64  # kernels near a code, which make its density; the others are too far away to matter


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours(FittedSampler):
    """mean_i N(codes_i, scale² C_i + round² I), C_i the mean of (z_j - z_i)(z_j - z_i)ᵀ over the k nearest codes z_j.

    codes: (n, D). nearest: (n, k), row numbers. temperature: of the noise; at 0 the draws are the codes themselves.
    """

    kind: ClassVar[str] = "neighbours"
    codes: NDArray[np.float32]
    nearest: NDArray[np.int32]
    scale: float
    round: float
    temperature: float = 1.0

    @classmethod
    def fit(cls, codes: NDArray[Any], seed: int = 0) -> Self:
        """The kernels of these codes (n, D), n at least 10; a tenth of them, 1,000 at most, chooses how wide they are."""
        codes = check_codes(codes, 10, "a sampler of neighbours needs at least {} codes")
        codes = np.random.default_rng(seed).permutation(codes)
        held = min(ASKED, len(codes) // 10)
        kept = codes[held : held + KEPT]
        index = NearestNeighbors().fit(kept)
        distances, nearest = index.kneighbors(kept, min(AROUND, len(kept) - 1) + 1)
        unit = float(np.median(distances[:, 1])) or float(codes.std()) or 1.0
        trial = cls(kept.astype(np.float32), nearest[:, 1:].astype(np.int32), 1.0, unit / codes.shape[1] ** 0.5)
        near = index.kneighbors(codes[:held], min(NEAR, len(kept)), return_distance=False)
        kernels = _Kernels.of(trial, codes[:held], near)
        widths = [(scale, share * trial.round) for scale, share in product(SCALES, ROUNDS)]
        scale, round_ = max(widths, key=lambda width: kernels.log_density(*width).mean())
        return replace(trial, scale=scale, round=round_)

    def __call__(self, n: int, rng: np.random.Generator) -> Codes:
        which, k = rng.integers(len(self.codes), size=n), self.nearest.shape[1]
        along = rng.standard_normal((n, k)) * (self.temperature * self.scale / np.sqrt(k))
        noise = self.temperature * self.round * rng.standard_normal((n, self.dim))
        for j, share in enumerate(along.T):  # one neighbour at a time: all differences of all draws would be k times as much
            noise += share[:, None] * (self.codes[self.nearest[which, j]] - self.codes[which])
        return (self.codes[which] + noise).astype(np.float32)

    @property
    def dim(self) -> int:
        return self.codes.shape[1]

    def check(self) -> None:
        if self.codes.ndim != 2 or self.nearest.ndim != 2 or self.nearest.dtype != np.int32:
            raise ValueError(f"expected codes (n, D) and row numbers (n, k), found {self.codes.shape}, {self.nearest.shape}")
        expect_shape(self.nearest, (len(self.codes), self.nearest.shape[1]), "nearest")
        if not 0 <= self.nearest.min() <= self.nearest.max() < len(self.codes):
            raise ValueError("a neighbour is not among the codes")


@dataclass(frozen=True, slots=True, eq=False)
class _Kernels:
    """The kernels near each of m codes, ready for any widths. Of each: what it spans, and where the code lies in that.

    spread: (m, N, r) variances along the r directions of the local covariance. inside: (m, N, r) squared distances of the code
    from the centre along them. outside: (m, N) squared distance in the other directions. count: n, of all kernels.
    """

    spread: Doubles
    inside: Doubles
    outside: Doubles
    dim: int
    count: int

    @classmethod
    def of(cls, sampler: Neighbours, z: Doubles, near: NDArray[Any]) -> Self:
        """The kernels `near` (m, N) codes z (m, D)."""
        parts = [_aligned(sampler, some, rows) for some, rows in zip(z, near, strict=True)]
        spread, inside, outside = (np.stack(part) for part in zip(*parts, strict=True))
        return cls(spread, inside, outside, sampler.dim, len(sampler.codes))

    def log_density(self, scale: float, round_: float) -> Doubles:
        """The logarithm of the mean of all kernels at the codes: (m,)."""
        variance = scale**2 * self.spread + round_**2
        rest = self.dim - self.spread.shape[-1]
        squared = (self.inside / variance).sum(axis=-1) + self.outside / round_**2
        volume = np.log(variance).sum(axis=-1) + rest * np.log(round_**2) + self.dim * np.log(2 * np.pi)
        found: Doubles = logsumexp(-(squared + volume) / 2, axis=1) - np.log(self.count)
        return found


def _aligned(sampler: Neighbours, z: Doubles, rows: NDArray[Any]) -> tuple[Doubles, Doubles, Doubles]:
    """One code z (D,) and N kernels: variances (N, r) and squared distances (N, r) along their directions, the rest (N,)."""
    centres = sampler.codes[rows].astype(np.float64)
    differences = sampler.codes[sampler.nearest[rows]] - centres[:, None]  # (N, k, D)
    k, dim = differences.shape[1:]
    _, lengths, directions = np.linalg.svd(differences, full_matrices=False)  # (N, r), (N, r, D), r the lesser of k and D
    away = z - centres
    inside = np.einsum("nrd,nd->nr", directions, away) ** 2
    outside = np.zeros(len(rows)) if k >= dim else ((away**2).sum(axis=1) - inside.sum(axis=1)).clip(0)
    return lengths**2 / k, inside, outside
