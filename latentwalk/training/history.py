"""What happened in each epoch, as numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Epoch", "from_json", "to_json"]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training rows.

    number: from 1. loss, validation_loss: what was minimised, in nats an example; validation with every schedule at its end
    (None without validation rows). train, validation: the mean of each named term. best: whether the validation loss (without
    one, the training loss) is the lowest so far. seconds: wall-clock, validation included. rate: training examples a second.
    """

    number: int
    loss: float
    validation_loss: float | None
    train: Mapping[str, float]
    validation: Mapping[str, float]
    best: bool
    seconds: float
    rate: float


def to_json(history: Sequence[Epoch]) -> list[dict[str, Any]]:
    """Plain values, for a JSON file."""
    return [asdict(epoch) for epoch in history]


def from_json(rows: Sequence[Mapping[str, Any]]) -> list[Epoch]:
    """The history that `to_json` wrote."""
    return [Epoch(**row) for row in rows]
