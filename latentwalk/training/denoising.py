"""How a `Denoiser` learns: from clean examples alone, which are spoilt anew at each step, each as strongly as luck has it.

What is made small is the mean over examples of log(mean squared error): decibels, in which a level of little noise counts as
much as one of much, where plain squares would be all about much noise. It is, up to a constant, the log-likelihood under a
Gaussian whose deviation is each example's own.

Cost does not depend on how many examples there are, or how large they are: a step looks at about so many values, and of large
examples at a part.
"""

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from torch import Tensor

from latentwalk.chance import from_seed
from latentwalk.data.batches.batch import Batch, Batches
from latentwalk.data.corruption import Corruption
from latentwalk.data.scaling import Scaling
from latentwalk.data.spec import DataSpec
from latentwalk.networks.denoiser import Denoiser
from latentwalk.networks.layers import channels_last
from latentwalk.training.optimise import Guard, optimiser_named, rate_share, set_rate
from latentwalk.training.runtime import autocast, quick, roomy

__all__ = ["ROUND", "Practice", "examples_a_step", "log_error", "practise"]

VALUES, MOST, FEWEST = 50_000, 64, 4  # places a step looks at, about; and examples, at most and at least
PART = {1: 1024, 2: 96}  # the longest side that is looked at as a whole, by how many there are
RATE, CLIP = 2e-3, 1.0  # learning rate, the longest gradient
RISING, MOST_RISING = 0.05, 200  # the share of the steps over which the rate rises, and how many at most
ROUND = 50  # steps, after which it is told how well it goes
NOTHING = 1e-7  # of a unit's square: an error that no eye and no float of a file tells from none


@dataclass(frozen=True, slots=True)
class Practice:
    """steps: in all. limit: seconds after which it ends, were there steps left or not; the rate falls to 0 by what comes first.

    precision: see `Settings`.
    """

    steps: int
    limit: float = math.inf
    precision: str = "float32"


def examples_a_step(spec: DataSpec) -> int:
    """How many examples a step looks at, of data like `spec`."""
    sides = spec.event[1:]
    places = math.prod(min(side, PART[len(sides)]) for side in sides)
    return max(FEWEST, min(MOST, round(VALUES / places)))


def practise(
    denoiser: Denoiser,
    scaling: Scaling,
    corruption: Corruption,
    batches: Batches,
    practice: Practice,
    seed: int,
    asked: Callable[[], bool] = lambda: False,
) -> Generator[float]:
    """Let `denoiser` learn, in place, yielding after each round of steps how well it went.

    That is the mean of -10 log10(mean squared error): the decibels that errors lie below one unit of what networks see.
    batches: clean raw data. asked: whether to stop; looked at between two rounds.
    """
    weights = list(denoiser.parameters())
    device = weights[0].device
    optimiser = optimiser_named("adam", weights, RATE, 0.0)
    guard = Guard.of(CLIP, None, device)
    assert guard is not None
    supply, rng = _endless(batches), np.random.default_rng(seed)
    start, done, rising = time.perf_counter(), 0, min(RISING * practice.steps, MOST_RISING)
    denoiser.train()
    try:
        with roomy(), from_seed(seed):
            while done < practice.steps and not asked():
                errors = []
                with quick():
                    for _ in range(min(ROUND, practice.steps - done)):
                        timed = (time.perf_counter() - start) / max(practice.limit, 1e-9)
                        if timed >= 1:
                            break
                        share = rate_share("cosine", rising, practice.steps, done, timed)
                        set_rate(optimiser, RATE * share)
                        clean = _part(channels_last(scaling(next(supply).raw)), rng)
                        with autocast(practice.precision, device):
                            found = denoiser(corruption(clean))
                        loss = log_error(found.float(), clean).mean()
                        optimiser.zero_grad(set_to_none=True)
                        if math.isfinite(loss.detach()):
                            loss.backward()
                            guard(weights, optimiser)
                        errors.append(float(loss.detach()))
                        done += 1
                if not errors:
                    break
                yield float(-10 / math.log(10) * np.mean(errors))
    finally:
        denoiser.eval()


def log_error(found: Tensor, clean: Tensor) -> Tensor:
    """log(mean squared error) of each example (B, C, …): (B,). What was not observed, NaN in `clean`, has no part in it."""
    seen = ~clean.isnan()
    square = torch.where(seen, found - clean.nan_to_num(), 0.0).square()  # not of NaN: its gradient would be none
    return (square.flatten(1).sum(1) / seen.flatten(1).sum(1).clamp(min=1) + NOTHING).log()


def _endless(batches: Batches) -> Iterator[Batch]:
    for number in count(1):
        yield from batches.epoch(number)


def _part(x: Tensor, rng: np.random.Generator) -> Tensor:
    """x (B, C, …), or of sides that are longer than is looked at a part, from anywhere."""
    most = PART[x.ndim - 2]
    for axis in range(2, x.ndim):
        if x.shape[axis] > most:
            x = x.narrow(axis, int(rng.integers(x.shape[axis] - most + 1)), most)
    return x
