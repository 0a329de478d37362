"""A neural spline flow: N(0, I), bent by splines whose shapes a network reads off the coordinates before.

The library is zuko. It sees white codes, for its splines act between -5 and 5. Of the epochs that one is kept under which
held-out codes are likeliest. What is saved is one array of weights and three numbers that say how they are laid out; the
network is built from them again. Drawing goes through a network once for each dimension: quick in few, slow in 32.

Source: Durkan et al. 2019, "Neural spline flows".
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, parameters_to_vector, vector_to_parameters
from zuko.flows import NSF

from latentwalk.arrays import Array
from latentwalk.chance import covered, from_seed, generator, seeded
from latentwalk.latent.codes import Codes, check_codes
from latentwalk.latent.samplers.sampler import FittedSampler
from latentwalk.latent.samplers.whitening import check_white, white, whitening
from latentwalk.surroundings import imported
from latentwalk.training.runtime import one_thread, quick

__all__ = ["Flow"]

TRANSFORMS, WIDTH, BINS = 3, 128, 8
STEPS, BATCH, RATE = 2_000, 512, 3e-3  # at most; a step is a batch
EPOCHS = 200  # at most, where there are few codes
AT_ONCE = 4_096  # codes that go through the networks together


@dataclass(frozen=True, slots=True, eq=False)
class Flow(FittedSampler):
    """mean + root y, y from a neural spline flow: mean (D,), root (D, R), weights (P,) of zuko's NSF in R dimensions.

    transforms, width, bins: its transforms, the width of each one's two hidden layers, the bins of its splines.
    temperature: of the Gaussian that is bent; at 0 all draws are where its centre goes.
    """

    kind: ClassVar[str] = "flow"
    mean: NDArray[np.float64]
    root: NDArray[np.float64]
    weights: NDArray[np.float32]
    transforms: int
    width: int
    bins: int
    temperature: float = 1.0

    @classmethod
    def fit(cls, codes: Array, seed: int = 0) -> Self:
        """The flow under which these codes (n, D), n at least 20, are likely; a tenth of them says when it is best."""
        codes = check_codes(codes, 20, "a flow needs at least {} codes")
        mean, root = whitening(codes)
        y = torch.from_numpy(np.random.default_rng(seed).permutation(white(codes, mean, root)).astype(np.float32))
        with one_thread(), quick(), from_seed(seed):
            with covered():
                flow = _network(y.shape[1], TRANSFORMS, WIDTH, BINS)
            weights = _learnt(flow, y[len(y) // 10 :], y[: len(y) // 10])
        return cls(mean, root, weights, TRANSFORMS, WIDTH, BINS)

    def __call__(self, n: int, rng: np.random.Generator) -> Codes:
        noise = torch.from_numpy((self.temperature * rng.standard_normal((n, self.root.shape[1]))).astype(np.float32))
        with one_thread(), torch.no_grad():
            back = self.module()().transform.inv
            y = torch.cat([back(some) for some in noise.split(AT_ONCE)]) if n else noise
        return (self.mean + y.numpy() @ self.root.T).astype(np.float32)

    @property
    def dim(self) -> int:
        return len(self.mean)

    def module(self) -> NSF:
        """The flow of white codes as zuko has it."""
        with seeded(0):  # its first weights are thrown away
            flow = _network(self.root.shape[1], self.transforms, self.width, self.bins)
        vector_to_parameters(torch.from_numpy(self.weights), flow.parameters())
        return flow.requires_grad_(False)

    def log_density(self, z: Array) -> NDArray[np.float64]:
        """The natural logarithm of the density, at temperature 1, at codes z (m, D): (m,).

        Where codes are flat in some direction, it is the density within what they span.
        """
        y = torch.from_numpy(white(z, self.mean, self.root).astype(np.float32))
        with one_thread(), torch.no_grad():
            flow = self.module()()
            found = torch.cat([flow.log_prob(some) for some in y.split(AT_ONCE)]).double().numpy()
        volume = np.linalg.slogdet(self.root.T @ self.root)[1] / 2
        return np.asarray(found - volume)

    def check(self) -> None:
        check_white(self.mean, self.root)
        if self.bins < 2 or self.weights.shape != (_count(self.root.shape[1], self.transforms, self.width, self.bins),):
            raise ValueError(f"{self.weights.shape} weights do not make the flow described")


def _network(dim: int, transforms: int, width: int, bins: int) -> NSF:
    return NSF(dim, transforms=transforms, bins=bins, hidden_features=(width, width), activation=torch.nn.SiLU)


def _count(dim: int, transforms: int, width: int, bins: int) -> int:
    """How many weights such a flow has: known before it is built, for the numbers may be anybody's."""
    shapes = dim * (3 * bins - 1)  # of the splines of one transform
    if dim == 1:
        return transforms * shapes
    return transforms * ((dim + 1) * width + (width + 1) * width + (width + 1) * shapes)


def _learnt(flow: NSF, learn: Tensor, held: Tensor) -> NDArray[np.float32]:
    """The weights (P,) under which the held-out codes were likeliest, looked at after every epoch."""
    batches = max(1, len(learn) // BATCH)
    epochs = min(EPOCHS, math.ceil(STEPS / batches))
    imported("torch._dynamo")  # the optimiser would, and leave its marks
    optimiser = torch.optim.AdamW(flow.parameters(), lr=RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=epochs * batches + 1)
    best, most = parameters_to_vector(flow.parameters()).detach(), -torch.inf
    for _ in range(epochs):
        for rows in torch.randperm(len(learn), generator=generator())[: batches * BATCH].chunk(batches):
            optimiser.zero_grad()
            (-flow().log_prob(learn[rows]).mean()).backward()
            clip_grad_norm_(flow.parameters(), 5.0)
            optimiser.step()
            schedule.step()
        with torch.no_grad():
            now = float(torch.cat([flow().log_prob(some) for some in held.split(AT_ONCE)]).mean())
        if now > most:
            best, most = parameters_to_vector(flow.parameters()).detach().clone(), now
    return best.numpy()
