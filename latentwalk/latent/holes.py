"""Holes: places of a latent space where no encoded data lies, so that the decoder there was never told what to say.

A hole is what lies outside the smallest region that holds 95 % of encoded data. A mixture of Gaussians, fitted to half of the
codes, says how dense they lie; the other half says below which density only 5 % of them are. So a code that was encoded is
called a hole 1 time in 20, by definition, and a share of holes has to be read against that.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.latent.codes import check_codes
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.samplers.mixture import Mixture, usual

__all__ = ["OUTSIDE", "Holes"]

OUTSIDE = 0.05  # the share of encoded data that lies outside the region
FEWEST = 40  # codes, half of which have to show a 5 % quantile
TAUGHT = 20_000  # codes the density is fitted to, at most; as many again say where it is low


@dataclass(frozen=True, slots=True, eq=False)
class Holes:
    """Where no encoded data lies: where `density` is below `level` (nats).

    known: (m,) what the density is at codes it was not fitted to, in nats, the lowest first; the level is their 5 % quantile.
    """

    density: Mixture
    level: float
    known: NDArray[np.float64]

    @classmethod
    def fit(cls, codes: Array, seed: int = 0) -> Self:
        """The holes between these codes (n, D). Raises DataError for fewer than 40 codes or any that is no number."""
        check_codes(codes, FEWEST, "holes are looked for between at least {} codes")
        shuffled = np.random.default_rng(seed).permutation(codes)
        half = min(len(codes) // 2, TAUGHT)
        density = Mixture.fit(shuffled[:half], seed, components=usual(half, codes.shape[1]))  # searching would cost more
        known = np.sort(density.log_density(shuffled[half : 2 * half]))
        return cls(density, float(np.quantile(known, OUTSIDE)), known)

    @classmethod
    def of(cls, space: Encoded, seed: int = 0) -> Self:
        """The holes between one draw of q(z | x) for every example of a space."""
        return cls.fit(space.draw_codes(np.random.default_rng(seed)), seed)

    def __call__(self, z: Array) -> NDArray[np.bool_]:
        """Which of the codes z (*B, D) lie in a hole: (*B,)."""
        return self.depth(z) > 0

    def depth(self, z: Array) -> NDArray[np.float64]:
        """How many nats the density at codes z (*B, D) is below that of the region's edge: (*B,); negative inside it."""
        return self.level - self._nats(z)

    def share(self, z: Array) -> NDArray[np.float64]:
        """The share of encoded data that lies where it is denser than at codes z (*B, D): (*B,); above .95 in a hole."""
        return 1 - np.interp(self._nats(z), self.known, np.linspace(0, 1, len(self.known)))

    def _nats(self, z: Array) -> NDArray[np.float64]:
        z = np.asarray(z)
        found: NDArray[np.float64] = self.density.log_density(z.reshape(-1, z.shape[-1])).reshape(z.shape[:-1])
        return found
