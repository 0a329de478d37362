"""How fast a training goes, told from its first steps: what is said before it takes long."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from latentwalk.checks import duration

__all__ = ["FAR", "Pace", "Pacing"]

STARTING = 2  # steps that are slower, for what is only made once
TIMED = 0.5  # seconds of steps that tell the pace
FAR = 1_000  # epochs beyond which a time was asked for, and no number of them


@dataclass(frozen=True, slots=True)
class Pace:
    """epochs: that are left, at most. steps: of an epoch. rate: steps a second. limit: seconds after which it ends, or inf."""

    epochs: int
    steps: int
    rate: float
    limit: float = math.inf

    @property
    def seconds(self) -> float:
        """What it will take, about."""
        return min(self.epochs * self.steps / self.rate, self.limit)

    def __str__(self) -> str:
        """A line.

        >>> print(Pace(30, 40, 6.0))
        about 3 min 20 s: 30 epochs of 40 steps at 6 steps/s
        >>> print(Pace(30, 40, 6.0, limit=60.0))
        about 1 min: as many of 30 epochs of 40 steps as there is time for, some 9 at 6 steps/s
        """
        plural = "s" * (self.steps > 1)
        pace = f"of {self.steps:,} step{plural}", f"at {_figures(self.rate)} steps/s"
        if self.epochs * self.steps / self.rate <= self.limit:
            return f"about {duration(self.seconds)}: {self.epochs:,} epoch{'s' * (self.epochs > 1)} {pace[0]} {pace[1]}"
        possible = max(self.limit * self.rate / self.steps, 0.1)
        number = f"{possible:.1f}" if possible < 3 else f"{possible:,.0f}"
        many = "as many epochs" if self.epochs > FAR else f"as many of {self.epochs:,} epochs"
        return f"about {duration(self.limit)}: {many} {pace[0]} as there is time for, some {number} {pace[1]}"


@dataclass(slots=True)
class Pacing:
    """Times the first steps, and then tells `told`."""

    told: Callable[[Pace], None]
    _first: int = -1  # the step from which on time is taken
    _start: float = 0.0
    _rate: float = math.nan

    def ticked(self, index: int, steps: int, device: torch.device) -> bool:
        """Whether the pace is known, now that `index` of an epoch's `steps` are done."""
        if self._first < 0:
            self._first, self._start = index + min(STARTING, max(steps - index - 1, 0)) - 1, time.perf_counter()
        if index <= self._first:
            self._start = _now(device)
            return False
        if index < steps and time.perf_counter() - self._start < TIMED:
            return False
        self._rate = (index - self._first) / max(_now(device) - self._start, 1e-9)
        return True

    def say(self, steps: int, epochs: int, limit: float) -> None:
        """Tell it, for so many epochs of so many steps, and so many seconds at most."""
        self.told(Pace(epochs, steps, self._rate, limit))


def _now(device: torch.device) -> float:
    """The time once all that was asked of the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _figures(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
