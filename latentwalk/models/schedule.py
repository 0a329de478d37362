"""Weights that change while a model learns: functions of time in epochs."""

import math
from dataclasses import dataclass

from torch import Tensor

from latentwalk.checks import COUNTED, own_numbers, positive
from latentwalk.errors import ConfigError

__all__ = ["Schedule", "Time", "constant", "cyclical", "linear"]


Time = float | Tensor | None  # in epochs; a tensor () where a step is compiled, so that it is no constant of the program


@dataclass(frozen=True, slots=True)
class Schedule:
    """A weight as a function of time in epochs: rises from 0 to `value` over `rise` epochs, anew every `cycle` epochs.

    after: epochs before it begins, in which it is 0.

    Source of the cycle: Fu et al. 2019, "Cyclical annealing schedule".
    """

    value: float
    rise: float = 0.0
    cycle: float = math.inf
    after: float = 0.0

    def __post_init__(self) -> None:
        own_numbers(self)
        positive("value", self.value, zero=True, most=COUNTED)
        positive("after", self.after, zero=True, most=COUNTED)
        for name in ("rise", "cycle"):
            positive(name, getattr(self, name), zero=True, none="the usual")
        if not 0 <= self.rise <= self.cycle or self.cycle <= 0:
            raise ConfigError(f"a rise of {self.rise} epochs does not fit in a cycle of {self.cycle}.")

    def __call__(self, epoch: Time) -> float | Tensor:
        """The weight at that time; at None, where the schedule ends."""
        if epoch is None or self.rise == self.after == 0:
            return self.value
        if isinstance(epoch, Tensor):
            begun = (epoch - self.after).clamp(min=0).fmod(self.cycle)
            return self.value * ((begun / self.rise).clamp(max=1.0) if self.rise else (epoch >= self.after).to(begun))
        if self.rise == 0:
            return self.value * (epoch >= self.after)
        return self.value * min(1.0, math.fmod(max(epoch - self.after, 0.0), self.cycle) / self.rise)


def constant(value: float) -> Schedule:
    """The same weight at all times."""
    return Schedule(value)


def linear(value: float = 1.0, *, over: float) -> Schedule:
    """A warm-up: from 0 to `value` over so many epochs, then constant."""
    return Schedule(value, over)


def cyclical(value: float = 1.0, *, every: float, rise: float = 0.5) -> Schedule:
    """A warm-up anew `every` so many epochs, taking the share `rise` of each cycle."""
    return Schedule(value, rise * every, every)
