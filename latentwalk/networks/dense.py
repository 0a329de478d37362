"""Fully connected networks: any event in, any event out."""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from latentwalk.networks.layers import stack

__all__ = ["Dense"]


class Dense(nn.Module):
    """x (B, *in) → (B, *out) through hidden layers of the given widths; the last layer is linear."""

    def __init__(
        self, source: tuple[int, ...], out: tuple[int, ...], widths: Sequence[int], act: str = "relu", dropout: float = 0.0
    ) -> None:
        super().__init__()
        sizes = [math.prod(source), *widths]
        self.out = out
        self.layers = nn.Sequential(*stack(sizes, act, dropout), nn.Linear(sizes[-1], math.prod(out)))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x.flatten(1))
        return y.unflatten(1, self.out)
