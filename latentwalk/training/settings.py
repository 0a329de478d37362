"""How to learn: the options of a training."""

import math
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch

from latentwalk.data.corruption import Corruption
from latentwalk.errors import ConfigError, unknown
from latentwalk.training.optimise import (
    LearningSchedule,
    OptimizerName,
)
from latentwalk.training.runtime import autocast

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to learn.

    epochs: passes over the data, at most. patience: stop after so many epochs without a better validation loss; None never
    does. optimizer: "adam", "adamw", "adamax", with this learning_rate and weight_decay. learning_schedule: "constant", or
    "cosine": the rate falls to 0 along half a cosine over all epochs (Loshchilov & Hutter 2017, without restarts), which is
    worth a few per cent of the loss; first it rises evenly over `warmup` epochs.
    precision: "float32", or "bfloat16" for the networks (the likelihood stays in float32); on a GPU also "float16".
    compile: run the whole step through `torch.compile`; needs a C++ compiler and half a minute, then is faster.
    draws, corruption: see `Recipe`. max_norm: see `Network`. clip: longest allowed gradient, over all parameters. skip: a step
    is left out where its gradient is more than so many times as long as usual. accumulate: parts that a batch is worked on in,
    for batches too large for the memory. ema: how much of a moving average of the weights stays at each step (.999, say); the
    averaged weights are then the ones that are judged and kept.
    """

    epochs: int = 20
    optimizer: OptimizerName = "adam"
    learning_rate: float = 1e-3
    learning_schedule: LearningSchedule = "constant"
    warmup: float = 0.0
    weight_decay: float = 0.0
    patience: int | None = None
    precision: str = "float32"
    compile: bool = False
    draws: int = 1
    corruption: Corruption | None = None
    max_norm: float | None = None
    clip: float | None = None
    skip: float | None = None
    accumulate: int = 1
    ema: float | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.epochs, (int, np.integer)) and self.epochs >= 1):
            raise ConfigError(f"epochs={self.epochs!r}: expected a whole number of passes over the data, at least 1.")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ConfigError(f"learning_rate={self.learning_rate} is not a step size. Expected a number above 0.")
        for name, known in (("optimizer", OptimizerName), ("learning_schedule", LearningSchedule)):
            if getattr(self, name) not in get_args(known):
                raise unknown(name, getattr(self, name), get_args(known))
        for name in ("warmup", "weight_decay"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ConfigError(f"{name}={getattr(self, name)}: expected a number, 0 or more.")
        for name in ("clip", "skip"):
            if getattr(self, name) is not None and not getattr(self, name) > 0:
                raise ConfigError(f"{name}={getattr(self, name)}: expected a number above 0, or None for no limit.")
        if self.patience is not None and self.patience < 1:
            raise ConfigError(f"patience={self.patience}: expected at least 1 epoch, or None never to stop early.")
        if not (isinstance(self.accumulate, (int, np.integer)) and self.accumulate >= 1):
            raise ConfigError(f"accumulate={self.accumulate!r}: expected a whole number of parts, at least 1.")
        if self.ema is not None and not 0 <= self.ema < 1:
            raise ConfigError(f"ema={self.ema}: expected the share that stays at each step, 0 or more and below 1.")
        if self.compile and self.accumulate > 1:
            raise ConfigError("compile=True works on whole batches. Use accumulate=1.")
        if self.precision == "float16" and self.skip is not None:
            raise ConfigError("float16 skips steps by itself. Leave skip out, or use precision='bfloat16'.")
        if self.precision != "float16":
            autocast(self.precision, torch.device("cpu"))  # raises for a precision that is not known
