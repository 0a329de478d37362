"""What one training is to do: the settings, and what is decided for it alone."""

from dataclasses import dataclass, field

from latentwalk.checks import COUNTED, own_numbers, positive, whole
from latentwalk.data.corruption import Corruption
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
    pretraining: epochs after which the decoder begins anew, see `Recipe`.
    settings: how the weights move.
    """

    epochs: int = 20
    learning_rate: float = 1e-3
    patience: int | None = None
    draws: int = 1
    corruption: Corruption | None = None
    max_norm: float | None = None
    pretraining: float = 0.0
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        own_numbers(self)
        whole("epochs", self.epochs, "passes over the data", least=1, most=COUNTED)
        positive("learning_rate", self.learning_rate)
        whole("patience", self.patience, "epochs", least=1, most=COUNTED, none="never to stop early")
