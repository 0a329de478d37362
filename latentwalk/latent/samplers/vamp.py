"""VampPrior: a mixture of the posteriors q(z | u_k) of K inputs u_k that are learnt.

The best prior for a VAE is the mean of q(z | x) over all data; K pseudo-inputs stand for all of it. Here they are learnt after
training, encoder and decoder staying as they are: those under whose mixture draws of q(z | x) are most likely. Only the means
and deviations that they end with are kept, so that the pseudo-inputs, which begin as examples, are not.

Source: Tomczak & Welling 2018, "VAE with a VampPrior", equation 9.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution

from latentwalk.arrays import Array
from latentwalk.chance import from_seed, generator
from latentwalk.errors import ConfigError
from latentwalk.latent.codes import Codes, check_codes
from latentwalk.latent.samplers.sampler import FittedSampler, expect_shape
from latentwalk.surroundings import imported

__all__ = ["Posterior", "Vamp"]

MOST = 500  # pseudo-inputs
STEPS, BATCH, RATE = 600, 512, 1e-2
HELD, LOOK = 2_000, 25  # codes that choose the best, and steps between two looks


@dataclass(frozen=True, slots=True)
class Posterior:
    """What a sampler must know of an encoder: q(z | u) of inputs (K, *E) as networks see them, and examples to begin with.

    examples: rows (m,) of the data → (m, *E) inputs, with 0 where nothing was observed.
    """

    of: Callable[[Tensor], Distribution]
    examples: Callable[[Array], Tensor]

    def among(self, rows: Array) -> "Posterior":
        """The same for some rows of the data, numbered anew from 0."""
        return Posterior(self.of, lambda chosen: self.examples(rows[chosen]))


@dataclass(frozen=True, slots=True, eq=False)
class Vamp(FittedSampler):
    """mean_k N(means_k, diag(scales_k²)): means, scales (K, D). temperature: of each Gaussian's spread about its own mean."""

    kind: ClassVar[str] = "vamp"
    means: NDArray[np.float32]
    scales: NDArray[np.float32]
    temperature: float = 1.0

    @classmethod
    def fit(cls, codes: Array, seed: int = 0, *, posterior: Posterior | None = None) -> Self:
        """The mixture under which these codes (n, D), draws of q(z | x) in the order of the examples, are likely.

        Raises ConfigError where q(z | x) has no spread, as that of a plain autoencoder.
        """
        codes = check_codes(codes, 2, "a VampPrior needs at least {} codes")
        rows = np.random.default_rng(seed).choice(len(codes), min(MOST, len(codes)), replace=False)
        inputs = None if posterior is None else posterior.examples(np.sort(rows)).clone()
        if posterior is None or inputs is None or not _spreads(posterior.of, inputs):
            raise ConfigError(
                'a VampPrior is made of posteriors q(z | u) with a spread, and this model has none. Fit "mixture" or '
                '"neighbours" instead, or train recipe="vae".'
            )
        with from_seed(seed):
            means, scales = _learnt(posterior.of, inputs, torch.from_numpy(codes.astype(np.float32)))
        return cls(means.numpy(), scales.numpy())

    def __call__(self, n: int, rng: np.random.Generator) -> Codes:
        which = rng.integers(len(self.means), size=n)
        noise = self.temperature * rng.standard_normal((n, self.dim))
        return (self.means[which] + self.scales[which] * noise).astype(np.float32)

    @property
    def dim(self) -> int:
        return self.means.shape[1]

    def log_density(self, z: Array) -> NDArray[np.float64]:
        """The natural logarithm of the density, at temperature 1, at codes z (m, D): (m,)."""
        means, scales = torch.from_numpy(self.means).double(), torch.from_numpy(self.scales).double()
        found: NDArray[np.float64] = _log_density(torch.as_tensor(z, dtype=torch.float64), means, scales).numpy()
        return found

    def check(self) -> None:
        if self.means.ndim != 2:
            raise ValueError(f"expected means (K, D), found {self.means.shape}")
        expect_shape(self.scales, self.means.shape, "scales")
        if self.scales.min() < 0:
            raise ValueError("a deviation is below 0")


def _spreads(posterior: Callable[[Tensor], Distribution], inputs: Tensor) -> bool:
    with torch.no_grad():
        return bool((posterior(inputs).stddev > 0).any())


def _learnt(posterior: Callable[[Tensor], Distribution], inputs: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    """Means and deviations (K, D) of the posteriors of `inputs` (K, *E), moved until a tenth of the codes is likeliest."""
    codes = codes.to(inputs.device)[torch.randperm(len(codes), generator=generator())]
    held, learn = codes[: max(1, len(codes) // 10)][:HELD], codes[len(codes) // 10 :]
    inputs.requires_grad_(inputs.is_floating_point())
    imported("torch._dynamo")  # the optimiser would, and leave its marks
    optimiser = torch.optim.Adam([inputs], lr=RATE)
    best, most = (torch.empty(0), torch.empty(0)), -torch.inf
    with torch.backends.cudnn.flags(enabled=False):  # cuDNN's recurrent layers give no gradient when they are not in training
        for step in range(STEPS + 1):
            q = posterior(inputs)
            means, scales = q.mean, q.stddev
            if step % LOOK == 0:
                now = float(_log_density(held, means.detach(), scales.detach()).mean())
                if now > most:
                    best, most = (means.detach().cpu(), scales.detach().cpu()), now
            loss = -_log_density(learn[torch.randint(len(learn), (BATCH,), generator=generator())], means, scales).mean()
            if not (loss.requires_grad and inputs.requires_grad):  # categories and units do not move little by little
                break
            optimiser.zero_grad()
            loss.backward(inputs=[inputs])
            optimiser.step()
    return best


def _log_density(z: Tensor, means: Tensor, scales: Tensor) -> Tensor:
    """log mean_k N(z; means_k, scales_k²) at z (m, D), for means and scales (K, D): (m,)."""
    precisions = scales**-2
    squared = z**2 @ precisions.T - 2 * z @ (means * precisions).T + (means**2 * precisions).sum(dim=1)  # (m, K)
    constant = scales.log().sum(dim=1) + z.shape[1] / 2 * math.log(2 * math.pi)  # (K,)
    return torch.logsumexp(-squared / 2 - constant, dim=1) - math.log(len(means))
