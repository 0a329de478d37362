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
from latentwalk.data.spec import DataSpec
from latentwalk.models.inference import guessed
from latentwalk.models.latent_model import LatentModel
from latentwalk.networks.denoiser import Denoiser
from latentwalk.networks.layers import channels_last
from latentwalk.training.optimise import Guard, optimiser_named, rate_share, set_rate
from latentwalk.training.runtime import autocast, quick, roomy

__all__ = ["ROUND", "Practice", "examples_a_step", "log_error", "practise"]

VALUES, MOST, FEWEST = 16_000, 32, 4  # places a step looks at, about; and examples, at most and at least
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
    model: LatentModel,
    corruption: Corruption,
    batches: Batches,
    practice: Practice,
    seed: int,
    asked: Callable[[], bool] = lambda: False,
) -> Generator[float]:
    """Let `denoiser` learn, in place, yielding after each round of steps how well it went.

    That is the mean of -10 log10(mean squared error): the decibels that errors lie below one unit of what networks see.
    model: what guesses; of every other example it is not asked, so that the network does without it as well, and half of these
    images are displaced. batches: clean raw data. asked: whether to stop; looked at between two rounds.
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
                        batch = next(supply)
                        clean = _displaced(channels_last(model.scaling(batch.raw)), rng)
                        noisy = corruption(clean)
                        with autocast(practice.precision, device):
                            guess = guessed(model, noisy, batch.given)
                            guess[::2] = noisy[::2].nan_to_num()
                            found = denoiser(*(part := _part(rng, noisy, guess, clean))[:2])
                        loss = log_error(found.float(), part[2]).mean()
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


def _displaced(x: Tensor, rng: np.random.Generator) -> Tensor:
    """x (B, C, …), of images every fourth moved around in a circle: anything may be anywhere, as in a larger picture."""
    if x.ndim == 4:
        by = [int(rng.integers(side)) for side in x.shape[2:]]
        x = x.clone(memory_format=torch.preserve_format)
        x[::4] = x[::4].roll(by, dims=(2, 3))
    return x


def _part(rng: np.random.Generator, *same: Tensor) -> list[Tensor]:
    """Tensors (B, C, …) of one shape, or of sides that are longer than is looked at a part, from anywhere, of each the same."""
    most = PART[same[0].ndim - 2]
    found = list(same)
    for axis in range(2, same[0].ndim):
        if (side := same[0].shape[axis]) > most:
            first = int(rng.integers(side - most + 1))
            found = [x.narrow(axis, first, most) for x in found]
    return found
