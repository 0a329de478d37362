"""Random numbers that do not depend on how a batch is divided.

Several processes, or several passes of one, may work on parts of one batch. If each drew its own noise, the same seed would
train another model for each number of processes. Here a part draws the noise of the *whole* batch, from a generator in the
same state as everybody's, and keeps its own rows: dropout, corruption and reparameterised draws are those of one process that
sees the whole batch at once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from latentwalk.checks import whole

__all__ = ["Dropout", "generator", "normal", "part_of", "poisson", "seed_of", "seeded", "signs", "uniform"]

# A module variable rather than a ContextVar, which `torch.compile` cannot see through: (first row, own rows, all rows).
_part: tuple[int, int, int] | None = None
SEEDS = 2**32 - 1  # the largest that all generators take


@contextmanager
def part_of(first: int, own: int, total: int) -> Iterator[None]:
    """Inside, rows of a batch are rows first … first + own of `total`."""
    global _part
    before, _part = _part, (first, own, total) if own < total else None
    try:
        yield
    finally:
        _part = before


def seed_of(seed: object) -> int:
    """A seed as Python's own number. Raises ConfigError for what is none."""
    whole("seed", seed, most=SEEDS)
    return int(seed)  # type: ignore[call-overload]


def generator(seed: object) -> np.random.Generator:
    """NumPy's generator from a seed, or from none. Raises ConfigError for what is no seed."""
    return np.random.default_rng(None if seed is None else seed_of(seed))


@contextmanager
def seeded(seed: int | None, device: torch.device | None = None) -> Iterator[None]:
    """PyTorch's generators start from `seed` inside, and are as they were before outside. None leaves them alone."""
    if seed is None:
        yield
        return
    cuda = [device] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.manual_seed(seed)
        yield


def normal(shape: Sequence[int], like: Tensor, axis: int = 0) -> Tensor:
    """N(0, 1) of this shape, on the device and with the dtype of `like`; the rows of the batch are along `axis`."""
    return _drawn(lambda x: x.normal_(), shape, like, axis)


def uniform(shape: Sequence[int], like: Tensor, axis: int = 0) -> Tensor:
    """Uniform on [0, 1), as `normal`."""
    return _drawn(lambda x: x.uniform_(), shape, like, axis)


def signs(shape: Sequence[int], like: Tensor, axis: int = 0) -> Tensor:
    """-1 or 1, each as likely, as `normal`."""
    return _drawn(lambda x: x.bernoulli_(0.5), shape, like, axis).mul_(2).sub_(1)


def poisson(rate: Tensor) -> Tensor:
    """Counts with these rates (B, …). A part's are other counts than the whole's, with the same distribution: how many random
    numbers a count takes depends on its rate, which only its owner knows.
    """
    if _part is None:
        return torch.poisson(rate)
    seed = int(torch.randint(2**31, ()))  # everybody's is the same, and the first row's number makes it one's own
    return torch.poisson(rate, torch.Generator(rate.device).manual_seed(seed + _part[0]))


class Dropout(nn.Module):
    """Silences a share `p` of the values while training, and scales up the others. Source: Srivastava et al. 2014."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """x (B, …), or (K * B, …) with the rows of each draw together."""
        if not self.training or self.p == 0:
            return x
        kept = _drawn(lambda mask: mask.bernoulli_(1 - self.p), x.shape, x, 0)
        return x * kept.div_(1 - self.p)


def _drawn(fill: Callable[[Tensor], Tensor], shape: Sequence[int], like: Tensor, axis: int) -> Tensor:
    if _part is None:
        return fill(torch.empty(shape, dtype=like.dtype, device=like.device))
    first, own, total = _part
    draws = shape[axis] // own  # K where draws and rows share an axis, else 1
    whole = fill(torch.empty((*shape[:axis], draws, total, *shape[axis + 1 :]), dtype=like.dtype, device=like.device))
    return whole.narrow(axis + 1, first, own).flatten(axis, axis + 1)
