"""What happened in each epoch, as numbers; and as a file of JSON lines that grows while training does."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from latentwalk.files import write_atomically

__all__ = ["Epoch", "append", "epochs_from_json", "epochs_to_json", "rewrite"]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training rows.

    number: from 1. loss, validation_loss: what was minimised, in nats an example; validation with every schedule at its end
    (None without validation rows). train, validation: the mean of each named term. best: whether the validation loss (without
    one, the training loss) is the lowest so far. seconds: wall-clock, validation included. rate: training examples a second.
    active: latent dimensions whose posterior mean varies over the validation rows (Burda et al. 2016), None without any.
    learning_rate: of the last step. rescues: how often training had to be taken back so far, and the rate lowered.
    """

    number: int
    loss: float
    validation_loss: float | None
    train: Mapping[str, float]
    validation: Mapping[str, float]
    best: bool
    seconds: float
    rate: float
    active: int | None = None
    learning_rate: float | None = None
    rescues: int = 0


def epochs_to_json(history: Sequence[Epoch]) -> list[dict[str, Any]]:
    """Plain values, for a JSON file."""
    return [asdict(epoch) for epoch in history]


def epochs_from_json(rows: Sequence[Mapping[str, Any]]) -> list[Epoch]:
    """The history that `epochs_to_json` wrote. Raises TypeError, AttributeError for anything else."""
    return [_checked(Epoch(**row)) for row in rows]


def rewrite(path: Path, history: Sequence[Epoch]) -> None:
    """Write the whole history, a line an epoch, in place of the file that is there. Raises OSError."""
    write_atomically(path, "".join(_line(epoch) for epoch in history).encode())


def append(path: Path, epoch: Epoch) -> None:
    """Add an epoch's line, on the disk when this returns. Raises OSError."""
    with path.open("a", encoding="utf-8") as file:
        file.write(_line(epoch))
        file.flush()
        os.fsync(file.fileno())


def _checked(epoch: Epoch) -> Epoch:
    named = {"number": epoch.number, "loss": epoch.loss, "seconds": epoch.seconds, "rate": epoch.rate, "rescues": epoch.rescues}
    optional = {"validation_loss": epoch.validation_loss, "active": epoch.active, "learning_rate": epoch.learning_rate}
    there = {name: value for name, value in optional.items() if value is not None}
    for name, value in [*named.items(), *there.items(), *epoch.train.items(), *epoch.validation.items()]:
        if not isinstance(value, (int, float)):
            raise TypeError(f"{name} of an epoch is {value!r:.40}, not a number")
    return epoch


def _line(epoch: Epoch) -> str:
    return json.dumps(asdict(epoch)) + "\n"
