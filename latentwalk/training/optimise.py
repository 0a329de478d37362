"""How weights move: the optimiser, its rate over time, what is done to a gradient first, and the average of the weights.

Sources: Kingma & Ba 2015 (Adam, Adamax); Loshchilov & Hutter 2019 (AdamW), 2017 (cosine); Child 2021, "Very deep VAEs"
(skipping steps whose gradient is an outlier); Polyak & Juditsky 1992 (averaging).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import torch
from torch import Tensor, nn

from latentwalk.surroundings import imported
from latentwalk.training.adam import Adam

__all__ = ["Average", "Guard", "LearningSchedule", "OptimizerName", "optimiser_named", "rate_share", "set_rate"]

OptimizerName = Literal["adam", "adamw", "adamax"]
LearningSchedule = Literal["constant", "cosine"]
COOLED = 1 / 3  # of a limited time, over which the rate falls
SELDOM = 8  # steps between two that are averaged, at most
FINELY = 0.05  # the same, as a share of the steps that an average reaches back over
USUAL = 0.99  # how much of the usual gradient norm is remembered from one step to the next


def optimiser_named(
    name: OptimizerName,
    weights: Sequence[nn.Parameter],
    rate: float,
    decay: float,
    *,
    light: bool = True,
    compiled: bool = False,
    paces: Mapping[nn.Parameter, float] | None = None,
) -> torch.optim.Optimizer:
    """Adam, AdamW or Adamax over these weights.

    paces: of weights that move at a share of the rate, which it is.
    light: Adam and AdamW without PyTorch's class, which a scaler of the loss and a compiled step need. compiled: where a step
    is compiled, a float rate would be a constant of the program, and every step would compile a new one.
    """
    groups = _paced(weights, paces or {}, rate)
    if light and not compiled and name != "adamax":
        return Adam(weights, rate, decay, decoupled=name == "adamw", groups=groups)  # type: ignore[return-value]  # what is used
    imported("torch._dynamo")  # the optimiser would, and leave its marks
    device = weights[0].device
    lr = torch.tensor(rate, device=device) if compiled else rate
    for group in groups:
        group["lr"] = torch.tensor(group["lr"], device=device) if compiled else group["lr"]
    captured = compiled and device.type == "cuda"  # CUDA graphs want the count of steps on the device
    match name:
        case "adam":
            return torch.optim.Adam(groups, lr, weight_decay=decay, fused=True, capturable=captured)
        case "adamw":
            return torch.optim.AdamW(groups, lr, weight_decay=decay, fused=True, capturable=captured)
        case "adamax":
            return torch.optim.Adamax(groups, lr, weight_decay=decay, capturable=captured)


def _paced(weights: Sequence[nn.Parameter], paces: Mapping[nn.Parameter, float], rate: float) -> list[dict[str, Any]]:
    """The weights in groups of one pace each, in their order: moments are known by their places."""
    runs = [(pace, list(some)) for pace, some in groupby(weights, key=lambda weight: paces.get(weight, 1.0))]
    return [{"params": some, "lr": rate * pace, "pace": pace} for pace, some in runs]


def rate_share(schedule: LearningSchedule, warmup: float, epochs: int, now: float, timed: float | None = None) -> float:
    """The share of the learning rate that is used at time `now`, in epochs, of `epochs`.

    It rises evenly over `warmup` epochs; then it stays, or falls to 0 at the end along half a cosine. timed: the share of a
    limited time that is over; the end is then what comes first, and a rate that would stay falls evenly over the last third.

    >>> [round(rate_share("cosine", 2, 10, now), 2) for now in (0.5, 2, 6, 10)]
    [0.25, 1.0, 0.5, 0.0]
    >>> [round(rate_share("constant", 0, 10, now, timed), 2) for now, timed in ((1, 0.5), (9, 0.5), (1, 0.9), (1, 1))]
    [1.0, 0.3, 0.3, 0.0]
    """
    rising = min(1.0, now / warmup) if warmup else 1.0
    if timed is not None:
        now = max(now, epochs * min(timed, 1.0))
    if schedule == "constant" or rising < 1:
        return rising if timed is None else rising * min(1.0, (1 - now / epochs) / COOLED)
    return 0.5 * (1 + math.cos(math.pi * (now - warmup) / max(epochs - warmup, 1e-9)))


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Use this learning rate from now on."""
    for group in optimiser.param_groups:
        own = rate * group.get("pace", 1.0)
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(own)
        else:
            group["lr"] = own


@dataclass(frozen=True, slots=True)
class Guard:
    """What is done to a gradient before the weights move.

    clip: it is shortened to this length. skip: a step is not taken where it is more than so many times as long as is usual (a
    moving mean over the steps that were taken), or no number. usual: (), that mean; NaN before the first step.
    """

    clip: float | None
    skip: float | None
    usual: Tensor

    @classmethod
    def of(cls, clip: float | None, skip: float | None, device: torch.device) -> "Guard | None":
        """The guard that does these things; None where there is nothing to do."""
        return None if clip is None and skip is None else cls(clip, skip, torch.full((), math.nan, device=device))

    def __call__(self, weights: Sequence[nn.Parameter], optimiser: torch.optim.Optimizer) -> None:
        """Take the step, or don't. Nothing waits for the device: a fused optimiser reads there whether to skip."""
        norm = nn.utils.clip_grad_norm_(weights, math.inf if self.clip is None else self.clip)
        if self.skip is None:
            optimiser.step()
            return
        first = self.usual.isnan()
        fits = norm.isfinite() & (first | (norm <= self.skip * self.usual))
        moved = torch.where(first, norm, self.usual.lerp(norm, 1 - USUAL))
        self.usual.copy_(torch.where(fits, moved, self.usual))
        if optimiser.defaults.get("fused"):
            optimiser.grad_scale, optimiser.found_inf = None, (~fits).float()  # type: ignore[attr-defined]
            optimiser.step()
        elif bool(fits):
            optimiser.step()


@dataclass(frozen=True, slots=True)
class Average:
    """An exponential moving average of weights: of each step, `decay` of it stays, and the rest is the new weights.

    In the first steps it follows faster, (1 + n) / (10 + n), so that it does not remember where learning started: it then
    reaches about as far back as the last ninth of all steps. An average over many steps takes in every few of them, which is
    as good, and costs a few times less.
    """

    decay: float
    weights: Sequence[nn.Parameter]
    values: Sequence[Tensor]
    steps: Tensor  # ()

    @classmethod
    def of(cls, decay: float | None, weights: Sequence[nn.Parameter]) -> "Average | None":
        """The average that starts at these weights; None without a decay."""
        if not decay:
            return None
        return cls(decay, weights, [weight.detach().clone() for weight in weights], torch.zeros((), device=weights[0].device))

    @property
    def every(self) -> int:
        """After how many steps weights are to be taken in."""
        return min(SELDOM, max(1, round(FINELY / (1 - self.decay))))

    @torch.no_grad()
    def update(self, steps: int = 1) -> None:
        """Take the present weights in, so many steps after it was done last."""
        keep = ((1 + self.steps) / (10 + self.steps)).clamp(max=self.decay) ** steps
        self.steps.add_(steps)
        for value, weight in zip(self.values, self.weights, strict=True):
            value.lerp_(weight, 1 - keep)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the model has the averaged weights."""
        with torch.no_grad():
            own = [weight.detach().clone() for weight in self.weights]
            self._put(self.values)
        try:
            yield
        finally:
            with torch.no_grad():
                self._put(own)

    def _put(self, values: Sequence[Tensor]) -> None:
        for weight, value in zip(self.weights, values, strict=True):
            weight.copy_(value)
