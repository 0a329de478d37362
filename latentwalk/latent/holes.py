"""Holes: places of a latent space where no encoded data lies, so that the decoder there was never told what to say.

A hole is what lies outside the smallest region that holds 95 % of encoded data. A mixture of Gaussians, fitted to half of the
codes, says how dense they lie; the other half says below which density only 5 % of them are. So a code that was encoded is
called a hole 1 time in 20, by definition, and a share of holes has to be read against that.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from latentwalk.latent.codes import check_codes
from latentwalk.latent.samplers.mixture import Mixture, usual

if TYPE_CHECKING:
    from latentwalk.latent.space import LatentSpace

__all__ = ["OUTSIDE", "Holes"]

OUTSIDE = 0.05  # the share of encoded data that lies outside the region
FEWEST = 40  # codes, half of which have to show a 5 % quantile
TAUGHT = 20_000  # codes the density is fitted to, at most; as many again say where it is low


@dataclass(frozen=True, slots=True, eq=False)
class Holes:
    """Where no encoded data lies: where `density` is below `level` (nats)."""

    density: Mixture
    level: float

    @classmethod
    def fit(cls, codes: NDArray[Any], seed: int = 0) -> Self:
        """The holes between these codes (n, D). Raises DataError for fewer than 40 codes or any that is no number."""
        check_codes(codes, FEWEST, "holes are looked for between at least {} codes")
        shuffled = np.random.default_rng(seed).permutation(codes)
        half = min(len(codes) // 2, TAUGHT)
        density = Mixture.fit(shuffled[:half], seed, components=usual(half, codes.shape[1]))  # searching would cost more
        return cls(density, float(np.quantile(density.log_density(shuffled[half : 2 * half]), OUTSIDE)))

    @classmethod
    def of(cls, space: "LatentSpace", seed: int = 0) -> Self:
        """The holes between one draw of q(z | x) for every example of a space."""
        return cls.fit(space.draw_codes(np.random.default_rng(seed)), seed)

    def __call__(self, z: NDArray[Any]) -> NDArray[np.bool_]:
        """Which of the codes z (*B, D) lie in a hole: (*B,)."""
        return self.depth(z) > 0

    def depth(self, z: NDArray[Any]) -> NDArray[np.float64]:
        """How many nats the density at codes z (*B, D) is below that of the region's edge: (*B,); negative inside it."""
        z = np.asarray(z)
        return self.level - self.density.log_density(z.reshape(-1, z.shape[-1])).reshape(z.shape[:-1])
