"""What one training is to do: the settings, and what is decided for it alone."""

import math
from dataclasses import dataclass, field

import numpy as np

from latentwalk.data.corruption import Corruption
from latentwalk.errors import ConfigError
from latentwalk.training.settings import Settings

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """One training.

    epochs: passes over the data, at most.
    learning_rate: how far weights go in a step.
    patience: stop after so many epochs without a better validation loss; None never does.
    draws: codes drawn for each input, see `Recipe`.
    corruption: what spoils the input, see `Recipe`.
    max_norm: longest allowed incoming weights of a unit, see `Network`.
    settings: how the weights move.
    """

    epochs: int = 20
    learning_rate: float = 1e-3
    patience: int | None = None
    draws: int = 1
    corruption: Corruption | None = None
    max_norm: float | None = None
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        if not (isinstance(self.epochs, (int, np.integer)) and self.epochs >= 1):
            raise ConfigError(f"epochs={self.epochs!r}: expected a whole number of passes over the data, at least 1.")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ConfigError(f"learning_rate={self.learning_rate} is not a step size. Expected a number above 0.")
        if self.patience is not None and self.patience < 1:
            raise ConfigError(f"patience={self.patience}: expected at least 1 epoch, or None never to stop early.")
