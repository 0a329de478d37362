"""How to learn: the options of a training that are seldom needed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, get_args

import torch

from latentwalk.checks import COUNTED, MADE, flag, own_numbers, positive, share, whole
from latentwalk.errors import ConfigError, unknown
from latentwalk.training.optimise import LearningSchedule, OptimizerName
from latentwalk.training.runtime import autocast

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to learn, beside the learning rate and the number of epochs.

    optimizer: "adam", "adamw" or "adamax".
    learning_schedule: "constant", or "cosine": the rate falls to 0 along half a cosine over all epochs (Loshchilov & Hutter
        2017, without restarts), which is worth a few per cent of the loss.
    warmup: epochs over which the rate first rises evenly.
    minutes: time after which training ends, were there epochs left or not; the rate falls to 0 towards its end, over the last
        third (a cosine over all of it). None sets no limit. What is learnt then depends on how fast the machine is: the time
        spent is kept with a training that is cut short, which goes on where it was, but not bit for bit.
    weight_decay: how strongly weights are drawn towards 0.
    clip: longest allowed gradient, over all parameters; None for no limit.
    skip: a step is left out where its gradient is more than so many times as long as usual; None never leaves one out.
    accumulate: parts that a batch is worked on in, for batches too large for the memory.
    ema: how much of a moving average of the weights stays at each step; at first less, so that it reaches back over a ninth of
        the training at most. The averaged weights are the ones that are judged and kept, which is worth a few per cent of the
        loss, and at any time (Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging"). None, or 0,
        takes no average.
    precision: "float32", or "bfloat16" for the networks (the likelihood stays in float32); on a GPU also "float16". "auto"
        takes the faster of the first two, by a few steps of each (several processes take "float32"). bfloat16 is fast where
        a processor multiplies in it, and many times slower where it does not, of which a warning tells.
    compile: run the whole step through `torch.compile`; needs a C++ compiler and half a minute, then is faster.
    checkpoint_every: seconds between two checkpoints, where training is kept in a folder.
    track: a folder for TensorBoard, to see losses, rates, active units and pictures while it learns; None for none.

    A field whose metadata says `free` may differ where a training that was cut short is gone on with; no number depends on one
    that is `idle`.
    """

    optimizer: OptimizerName = "adam"
    learning_schedule: LearningSchedule = "constant"
    warmup: float = 0.0
    minutes: float | None = field(default=None, metadata={"free": True})
    weight_decay: float = 0.0
    clip: float | None = None
    skip: float | None = None
    accumulate: int = 1
    ema: float | None = 0.999
    precision: str = "float32"
    compile: bool = False
    checkpoint_every: float = field(default=60.0, metadata={"free": True, "idle": True})
    track: str | os.PathLike[str] | None = field(default=None, metadata={"free": True, "idle": True})

    def __post_init__(self) -> None:
        own_numbers(self)
        for name, known in (("optimizer", OptimizerName), ("learning_schedule", LearningSchedule)):
            if getattr(self, name) not in get_args(known):
                raise unknown(name, getattr(self, name), get_args(known))
        for name in ("warmup", "weight_decay", "checkpoint_every"):
            positive(name, getattr(self, name), zero=True, most=COUNTED)
        positive("minutes", self.minutes, most=COUNTED, none="no limit")
        for name in ("clip", "skip"):
            positive(name, getattr(self, name), none="no limit")
            if getattr(self, name) is not None:  # PyTorch takes no whole number of more than 64 bits
                object.__setattr__(self, name, float(getattr(self, name)))
        if not (self.track is None or isinstance(self.track, (str, os.PathLike))):
            raise ConfigError(f"track={self.track!r:.80}: expected the name of a folder, or None.")
        flag("compile", self.compile)
        whole("accumulate", self.accumulate, "parts", least=1, most=MADE)
        share("ema", self.ema, "the weights, that stays at each step", none="no average")
        if self.compile and self.accumulate > 1:
            raise ConfigError("compile=True works on whole batches. Use accumulate=1.")
        if self.precision == "float16" and self.skip is not None:
            raise ConfigError("float16 skips steps by itself. Leave skip out, or use precision='bfloat16'.")
        if self.precision not in ("auto", "float16"):
            autocast(self.precision, torch.device("cpu"))  # raises for a precision that is not known

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """scikit-learn's protocol, so that `clone` and `GridSearchCV` see into them (`training__ema`)."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def with_params(self, params: Mapping[str, Any]) -> "Settings":
        """A copy with some fields changed. Raises ConfigError for a field it does not have."""
        known = self.get_params()
        for name in params:
            if name not in known:
                raise unknown("training option", name, known)
        return replace(self, **params)
