"""What frames do next, seen in their codes: a state that remembers, what may be new, and the step to the next code.

A code is a small image (C, h, w). Where it is a plain vector, h = w = 1, and convolutions are dense layers; where the network
of the frames is fully convolutional, each place speaks of its own part of a frame, and motion learnt in one place is known in
all.

    state      h' = GRU(h, y, y - y'): gates and candidate are convolutions (Ballas et al. 2016, "Delving deeper into
               convolutional networks for learning video representations")
    innovation raw numbers of z, from the state alone (prior), or from the state and the next code (posterior)
    advance    y' = y + f(y, h, z): it begins at f = 0, the last frame again
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latentwalk.checks import MADE, own_numbers, whole

__all__ = ["Advance", "DynamicsShape", "Innovation", "Recurrence"]

DENSE = 128  # units between a state's places and the numbers of an innovation
HALF = 4  # places of a side, from which on they are halved before that


@dataclass(frozen=True, slots=True)
class DynamicsShape:
    """code: (C, h, w) of a frame. width: channels of the state. innovation: numbers of z."""

    code: tuple[int, int, int]
    width: int
    innovation: int

    def __post_init__(self) -> None:
        own_numbers(self)
        object.__setattr__(self, "code", tuple(self.code))
        for side in self.code:
            whole("code", side, least=1, most=MADE)
        whole("width", self.width, "channels of the state", least=1, most=MADE)
        whole("innovation", self.innovation, "numbers that are drawn for a frame", most=MADE)

    @property
    def kernel(self) -> int:
        """The side of a convolution's window: 1 where there is but one place."""
        return 3 if max(self.code[1:]) > 1 else 1

    @property
    def state(self) -> tuple[int, int, int]:
        """The shape of a state."""
        return (self.width, *self.code[1:])


class Recurrence(nn.Module):
    """(codes (B, 2 C, h, w), this one and by how much it differs from the last, state (B, W, h, w)) → the next state."""

    def __init__(self, shape: DynamicsShape) -> None:
        super().__init__()
        seen = 2 * shape.code[0] + shape.width
        self.gates = _conv(seen, 2 * shape.width, shape.kernel)
        self.candidate = _conv(seen, shape.width, shape.kernel)

    def forward(self, codes: Tensor, state: Tensor) -> Tensor:
        update, reset = self.gates(torch.cat([codes, state], dim=1)).sigmoid().chunk(2, dim=1)
        new = self.candidate(torch.cat([codes, reset * state], dim=1)).tanh()
        found: Tensor = state + update * (new - state)
        return found


class Innovation(nn.Module):
    """State (B, W, h, w), and with `extra` channels something beside it → raw numbers (B, 2 Z), which begin at 0."""

    def __init__(self, shape: DynamicsShape, extra: int = 0) -> None:
        super().__init__()
        height, width = shape.code[1:]
        stride = 2 if min(height, width) >= HALF else 1
        places = -(-height // stride) * -(-width // stride)
        between = max(DENSE // 4, shape.width // 2)
        last = nn.Linear(DENSE, 2 * shape.innovation)
        for weight in last.parameters():
            nn.init.zeros_(weight)
        self.layers = nn.Sequential(
            nn.Conv2d(shape.width + extra, between, shape.kernel, stride=stride, padding=shape.kernel // 2),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(between * places, DENSE),
            nn.SiLU(),
            last,
        )

    def forward(self, seen: Tensor) -> Tensor:
        raw: Tensor = self.layers(seen)
        return raw


class Advance(nn.Module):
    """(codes as above, state (B, W, h, w), z (B, Z)) → by how much the next code differs from this one, (B, C, h, w)."""

    def __init__(self, shape: DynamicsShape) -> None:
        super().__init__()
        self.opening = _conv(2 * shape.code[0] + shape.width, shape.width, shape.kernel)
        self.told = nn.Linear(shape.innovation, 2 * shape.width) if shape.innovation else None
        self.middle = _conv(shape.width, shape.width, shape.kernel)
        self.closing = _conv(shape.width, shape.code[0], shape.kernel)
        for weight in self.closing.parameters():
            nn.init.zeros_(weight)

    def forward(self, codes: Tensor, state: Tensor, z: Tensor) -> Tensor:
        y = self.opening(torch.cat([codes, state], dim=1))
        if self.told is not None:
            slope, shift = self.told(z)[:, :, None, None].chunk(2, dim=1)
            y = y * (1 + slope) + shift
        found: Tensor = self.closing(nn.functional.silu(self.middle(nn.functional.silu(y))))
        return found


def _conv(before: int, after: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, kernel, padding=kernel // 2)
