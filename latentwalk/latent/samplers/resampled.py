"""A mixture of Gaussians whose draws are looked at before they are given: of many, one that looks like a code is taken.

In many dimensions a mixture puts much of its mass where no code is, but a small network that is shown its draws and the codes
can tell them apart. Its logit estimates the logarithm of the ratio of the two densities. So of many draws of the mixture one is
taken, with a probability in proportion to the exponential of its logit: what the network sees of the difference is made good.
Of its training, that moment is kept at which held-out codes are told best; a network that learns nothing changes nothing.

Sources: Bauer & Mnih 2019, "Resampled priors for variational autoencoders"; Aneja et al. 2021, "A contrastive learning approach
for training variational autoencoder priors", who take one of many as here (sampling importance resampling).
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from latentwalk.arrays import Array, Doubles
from latentwalk.chance import covered, from_seed, generator, seeded
from latentwalk.latent.codes import Codes, check_codes
from latentwalk.latent.samplers.mixture import Mixture
from latentwalk.latent.samplers.sampler import FittedSampler, expect_shape
from latentwalk.surroundings import imported
from latentwalk.training.runtime import one_thread, quick

__all__ = ["QUICKLY", "THOROUGHLY", "Resampled", "Teaching"]

LOOK = 100  # steps between two looks at the held-out codes
HELD = 5_000  # of them, at most
AT_ONCE = 2**17  # draws looked at together


@dataclass(frozen=True, slots=True)
class Teaching:
    """How the network learns, and is used. width: of its two hidden layers. among: draws of which one is taken."""

    width: int
    steps: int
    batch: int
    rate: float
    among: int


THOROUGHLY = Teaching(width=256, steps=3_000, batch=512, rate=3e-3, among=128)
QUICKLY = Teaching(width=128, steps=1_000, batch=256, rate=5e-3, among=16)


@dataclass(frozen=True, slots=True, eq=False)
class Resampled(FittedSampler):
    """Draws of a mixture (weights (K,), means (K, D), roots (K, D, D)), chosen by a network of `parameters` (P,).

    The network, D-width-width-1, sees codes less `centre` (D,) over `spread` (D,). among: draws of which one is taken.
    temperature: of the mixture's Gaussians, each about its own mean.
    """

    kind: ClassVar[str] = "resampled"
    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    roots: NDArray[np.float64]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    parameters: NDArray[np.float32]
    width: int
    among: int = THOROUGHLY.among
    temperature: float = 1.0

    @classmethod
    def fit(cls, codes: Array, seed: int = 0) -> Self:
        """The mixture of these codes (n, D), n at least 20, and the network that tells its draws from them."""
        codes = check_codes(codes, 20, "a resampled mixture needs at least {} codes")
        return cls.over(Mixture.fit(np.random.default_rng(seed).permutation(codes), seed), codes, seed, THOROUGHLY)

    @classmethod
    def over(cls, base: Mixture, codes: Array, seed: int, teaching: Teaching) -> Self:
        """The same for a mixture that is there already."""
        codes = np.random.default_rng(seed).permutation(codes).astype(np.float64)
        centre, spread = codes.mean(axis=0), codes.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        draws = _draws(base, centre, spread, np.random.default_rng(seed), teaching.batch)
        with one_thread(), quick(), from_seed(seed):
            with covered():
                network = _network(codes.shape[1], teaching.width)
            _teach(network, torch.from_numpy(((codes - centre) / spread).astype(np.float32)), draws, teaching)
        parameters = parameters_to_vector(network.parameters()).detach().numpy()
        return cls(base.weights, base.means, base.roots, centre, spread, parameters, teaching.width, teaching.among)

    def __call__(self, n: int, rng: np.random.Generator) -> Codes:
        network, base, step = self._network(), self._base(), max(1, AT_ONCE // self.among)
        with one_thread(), torch.no_grad():
            parts = [self._chosen(network, base, min(step, n - start), rng) for start in range(0, n, step)]
        return np.concatenate([np.empty((0, self.dim), np.float32), *parts])

    def log_weight(self, z: Array) -> Doubles:
        """The natural logarithm of the density at codes z (m, D), but for a constant: the mixture's, and the logit: (m,).

        That of draws chosen among more and more; those that are given are chosen among `among`.
        """
        with one_thread(), torch.no_grad():
            return self._base().log_density(z) + self._logits(self._network(), z)

    def _network(self) -> nn.Module:
        with seeded(0):  # its first weights are thrown away
            network = _network(self.dim, self.width)
        vector_to_parameters(torch.from_numpy(self.parameters), network.parameters())
        return network

    def _base(self) -> Mixture:
        return Mixture(self.weights, self.means, self.roots, self.temperature)

    def _logits(self, network: nn.Module, z: Array) -> Array:
        return network(torch.from_numpy(((z - self.centre) / self.spread).astype(np.float32))).numpy()[:, 0]

    def _chosen(self, network: nn.Module, base: Mixture, n: int, rng: np.random.Generator) -> Codes:
        """`n` codes, each one of `among` draws: by the Gumbel trick, the largest of logit + noise."""
        z = base(n * self.among, rng)
        logits = self._logits(network, z).reshape(n, self.among)
        which = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
        return z.reshape(n, self.among, -1)[np.arange(n), which]

    @property
    def dim(self) -> int:
        return len(self.centre)

    def check(self) -> None:
        Mixture(self.weights, self.means, self.roots).check()
        expect_shape(self.centre, (self.means.shape[1],), "centre")
        expect_shape(self.spread, (self.dim,), "spread")
        expect_shape(self.parameters, ((self.dim + 1) * self.width + (self.width + 2) * self.width + 1,), "parameters")
        if self.spread.min() <= 0:
            raise ValueError("a spread is 0 or below")
        if not 1 <= self.among <= AT_ONCE:
            raise ValueError(f"of {self.among} draws none can be taken")


def _network(dim: int, width: int) -> nn.Sequential:
    """A network that finds all points alike as long as it has not learnt: its last layer begins as 0."""
    last = nn.Linear(width, 1)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(dim, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), last)


def _draws(base: Mixture, centre: Array, spread: Array, rng: np.random.Generator, batch: int) -> Iterator[Tensor]:
    """Batches of new draws (batch, D), as the network sees them, without end."""
    while True:
        z = (base(64 * batch, rng) - centre) / spread
        yield from torch.from_numpy(z.astype(np.float32)).split(batch)


def _teach(network: nn.Module, codes: Tensor, draws: Iterator[Tensor], how: Teaching) -> None:
    """Teach it to tell codes (n, D) from draws; leave it, averaged over steps, as it was when it told held-out codes best."""
    held, learn = codes[: len(codes) // 10][:HELD], codes[len(codes) // 10 :]
    others = torch.cat([next(draws) for _ in range(-(-len(held) // how.batch))])[: len(held)]
    average, best, least = deepcopy(network).requires_grad_(False), deepcopy(network.state_dict()), torch.inf
    imported("torch._dynamo")  # the optimiser would, and leave its marks
    optimiser = torch.optim.AdamW(network.parameters(), lr=how.rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, how.rate, total_steps=how.steps + 1)
    for step in range(how.steps + 1):
        if step % LOOK == 0:
            now = float(_loss(average, held, others))
            if now < least:
                best, least = deepcopy(average.state_dict()), now
        optimiser.zero_grad()
        _loss(network, learn[torch.randint(len(learn), (how.batch,), generator=generator())], next(draws)).backward()
        optimiser.step()
        schedule.step()
        torch._foreach_lerp_(list(average.parameters()), [p.detach() for p in network.parameters()], 0.005)
    network.load_state_dict(best)


def _loss(network: nn.Module, codes: Tensor, draws: Tensor) -> Tensor:
    """The cross-entropy of telling one from the other, half of the nats of a pair."""
    return (softplus(-network(codes)).mean() + softplus(network(draws)).mean()) / 2
