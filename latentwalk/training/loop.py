"""Learning, an epoch at a time: a generator that prints nothing and calls no one back.

Who iterates decides what to do between epochs: draw a bar, stop early, save. However the iteration ends (to the end, by
closing the generator, by an exception), the model is left with the best weights seen.
"""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from latentwalk.data.batches import Batches
from latentwalk.data.corruption import Corruption
from latentwalk.errors import ConfigError, TrainingError, unknown
from latentwalk.models.latent_model import LatentModel
from latentwalk.models.objective import Objective, Terms
from latentwalk.training.history import Epoch
from latentwalk.training.runtime import autocast, prepare
from latentwalk.training.step import Step

__all__ = ["LearningSchedule", "Settings", "train"]

LearningSchedule = Literal["constant", "cosine"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to learn.

    epochs: passes over the data, at most. patience: stop after so many epochs without a better validation loss; None never
    does. learning_rate: Adam's. learning_schedule: "constant", or "cosine": it falls to 0 along half a cosine over all epochs
    (Loshchilov & Hutter 2017, without restarts), which is worth a few per cent of the loss.
    precision: "float32", or "bfloat16" for the networks (the likelihood stays in float32).
    compile: run the whole step through `torch.compile`; needs a C++ compiler and half a minute, then is faster.
    draws, corruption: see `Recipe`. max_norm: see `Network`. clip: longest allowed gradient, over all parameters.
    """

    epochs: int = 20
    learning_rate: float = 1e-3
    learning_schedule: LearningSchedule = "constant"
    patience: int | None = None
    precision: str = "float32"
    compile: bool = False
    draws: int = 1
    corruption: Corruption | None = None
    max_norm: float | None = None
    clip: float | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.epochs, (int, np.integer)) and self.epochs >= 1):
            raise ConfigError(f"epochs={self.epochs!r}: expected a whole number of passes over the data, at least 1.")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ConfigError(f"learning_rate={self.learning_rate} is not a step size. Expected a number above 0.")
        if self.learning_schedule not in get_args(LearningSchedule):
            raise unknown("learning_schedule", self.learning_schedule, get_args(LearningSchedule))
        if self.patience is not None and self.patience < 1:
            raise ConfigError(f"patience={self.patience}: expected at least 1 epoch, or None never to stop early.")
        autocast(self.precision, torch.device("cpu"))  # raises for a precision that is not known


def train(
    model: LatentModel,
    objective: Objective,
    batches: Batches,
    settings: Settings,
    validation: Batches | None = None,
    *,
    going_on: bool = False,
) -> Iterator[Epoch]:
    """Train `model` in place, yielding after each epoch.

    batches: raw training data, shuffled anew each epoch. validation: raw data the best weights are chosen on; the training
    loss decides where there is none. going_on: the model is trained already; new weights must do better than its own on the
    validation data to replace them. Raises TrainingError when a term stops being a finite number.
    """
    prepare()
    model.train()
    learnt = [weight for weight in model.parameters() if weight.requires_grad]
    falls = settings.learning_schedule == "cosine"
    # Where a step is compiled, a float would be a constant of the program, and every step would compile a new one.
    rate = torch.tensor(settings.learning_rate) if falls and settings.compile else settings.learning_rate
    optimiser = torch.optim.Adam(learnt, rate, fused=True)
    step = Step(
        model,
        objective,
        optimiser,
        draws=settings.draws,
        corruption=settings.corruption,
        precision=settings.precision,
        max_norm=settings.max_norm,
        clip=settings.clip,
    )
    take = step.compiled() if settings.compile else step
    best = _measure(step, validation, 0)[0] if going_on and validation is not None else math.inf
    weights, stale = _copy(model), 0
    try:
        for number in range(1, settings.epochs + 1):
            start = time.perf_counter()
            seen = _Mean()
            for index, batch in enumerate(batches.epoch(number)):
                now = number - 1 + index / len(batches)
                if falls:
                    _slow_down(optimiser, settings.learning_rate * 0.5 * (1 + math.cos(math.pi * now / settings.epochs)))
                seen.add(take(batch.raw, now))
            trained = time.perf_counter() - start
            loss, terms = seen.result(number)
            unseen, unseen_terms = (None, {}) if validation is None else _measure(step, validation, number)
            judged = loss if unseen is None else unseen
            stale = 0 if judged < best else stale + 1
            if judged < best:
                best, weights = judged, _copy(model)
            seconds = time.perf_counter() - start
            yield Epoch(number, loss, unseen, terms, unseen_terms, stale == 0, seconds, seen.rows / trained)
            if settings.patience is not None and stale >= settings.patience:
                return
    finally:
        model.load_state_dict(weights)
        model.eval()


def _slow_down(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


@torch.no_grad()
def _measure(step: Step, batches: Batches, number: int) -> tuple[float, dict[str, float]]:
    """Loss and terms on rows that are not trained on, every schedule at its end."""
    step.model.eval()
    seen = _Mean()
    for batch in batches.epoch(number):
        seen.add(step.terms(batch.raw))
    step.model.train()
    return seen.result(number)


class _Mean:
    """The mean of terms over an epoch, summed on the device so that no step waits for a number to come back."""

    def __init__(self) -> None:
        self.rows = 0
        self.loss: Tensor | float = 0.0
        self.sums: dict[str, Tensor] = {}

    def add(self, terms: Terms) -> None:
        rows = len(next(iter(terms.values.values())))
        self.rows += rows
        self.loss = self.loss + rows * terms.loss.detach()
        for name, values in terms.values.items():
            total = values.detach().sum()
            self.sums[name] = total if name not in self.sums else self.sums[name].add_(total)

    def result(self, epoch: int) -> tuple[float, dict[str, float]]:
        means = {"loss": float(self.loss) / self.rows} | {name: float(sum_) / self.rows for name, sum_ in self.sums.items()}
        _check_finite(means, epoch)
        return means.pop("loss"), means


def _check_finite(means: Mapping[str, float], epoch: int) -> None:
    for name, mean in means.items():
        if not math.isfinite(mean):
            raise TrainingError(
                f"training broke down in epoch {epoch}: `{name}` is {mean}. The best weights so far are kept. "
                "Try a lower learning_rate, precision='float32', or look for extreme values in the data."
            )


def _copy(model: LatentModel) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
