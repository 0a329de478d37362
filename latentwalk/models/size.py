"""How large a model is, known before it is made."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import nn

from latentwalk.chance import seeded
from latentwalk.memory import check_room
from latentwalk.surroundings import unmoved

__all__ = ["LEARNING", "WEIGHT", "check_weights", "each_takes", "weightless"]

WEIGHT = 4  # bytes of a weight
LEARNING = 16  # bytes for each weight while it learns: the weight, its gradient, two moments of Adam


@contextmanager
def weightless(own: bool = False) -> Iterator[None]:
    """Inside, models are made without memory for their weights, as names and shapes alone, and nothing is drawn.

    own: whether a part is its maker's own, which may not be made so: all are then made as ever.
    """
    with unmoved(), seeded(0), nullcontext() if own else torch.device("meta"):
        yield


def each_takes(device: torch.device) -> int:
    """Bytes of the machine's own memory that a weight takes which learns on this device, and is made on the processor."""
    return LEARNING if device.type == "cpu" else WEIGHT


def check_weights(make: Callable[[], nn.Module], each: int, what: str, advice: str) -> None:
    """Raise ConfigError where the model that `make` makes would not fit into memory. Nothing is made.

    each: bytes that a weight takes. what: the options that it comes of, the beginning of a sentence. advice: what to do. Parts
    that are there already are not counted.
    """
    with weightless():
        weights = sum(weight.numel() for weight in make().parameters() if weight.is_meta)
    check_room(each * weights, f"{what}: a model of {weights:,} weights", advice)
