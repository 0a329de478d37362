"""What takes noise away by itself: a network that reads a noisy image or signal and says which part of it is noise.

A code is too narrow to hold all that a picture shows, so what is decoded is smooth where the picture was not. Here the input
goes to the output as it is, and the network says only what is to be taken off it. It is convolutional throughout, so it reads
any size, and it is told no level of noise: it sees it. Neighbouring pixels are folded into channels first, which is four times
cheaper for an image, and a level costs about as much as the next: half the sides, twice the channels.

Sources: Zhang et al. 2017, "Beyond a Gaussian denoiser" (the noise is learnt, of unknown level); Zhang et al. 2018, "FFDNet"
(folded pixels); Ronneberger et al. 2015, "U-Net".
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from latentwalk.checks import MADE, own_numbers, whole
from latentwalk.data.spec import DataSpec
from latentwalk.networks.layers import Filled, channels_last

__all__ = ["Denoiser", "DenoiserShape"]

FIRST, WIDEST = 32, {1: 64, 2: 128}  # channels of the first level; and of any, by the number of sides
TOP = {1: 16, 2: 8}  # a level is the last where its smaller side is this or less, of data as large as what is learnt from
DEEPEST = 4
KERNELS = {1: (1, 5), 2: (3, 3)}  # by the number of sides
HALVES = {1: (1, 2), 2: (2, 2)}  # what a level makes one of


@dataclass(frozen=True, slots=True)
class DenoiserShape:
    """How large a `Denoiser` is. channels: of the data. sides: 2 for images, 1 for signals. widths: channels of each level.

    missing: whether the data has values that were not observed; the network is then told which.
    """

    channels: int
    sides: int
    widths: tuple[int, ...]
    missing: bool = False

    def __post_init__(self) -> None:
        own_numbers(self)
        whole("channels", self.channels, "channels", least=1, most=MADE)
        whole("sides", self.sides, "sides", least=1, most=2)
        for width in self.widths:
            whole("width", width, "channels", least=1, most=MADE)
        whole("levels", len(self.widths), "levels", least=1, most=2 * DEEPEST)

    @classmethod
    def usual(cls, spec: DataSpec) -> Self:
        """As large as is usual for data like `spec`, images or signals."""
        channels, *sides = spec.event
        levels, smaller = 1, min(sides) / 2
        while smaller > TOP[len(sides)] and levels < DEEPEST:
            levels, smaller = levels + 1, smaller / 2
        widths = tuple(min(FIRST << level, WIDEST[len(sides)]) for level in range(levels))
        return cls(channels, len(sides), widths, spec.missing)


class Denoiser(nn.Module):
    """x (B, C, …), noisy → x - noise, of any sides. NaN, where nothing was observed, counts as 0.

    guess: what somebody who has seen the whole of it takes for the clean x, (B, C, …); without one, x is its own guess.
    """

    def __init__(self, shape: DenoiserShape) -> None:
        super().__init__()
        self.shape = shape
        kernel, half, widths = KERNELS[shape.sides], HALVES[shape.sides], shape.widths
        folded, levels = shape.channels * math.prod(half), list(pairwise(widths))
        self.seen = Filled() if shape.missing else nn.Identity()
        self.opening = _conv(folded * (2 + shape.missing), widths[0], kernel)
        self.before = nn.ModuleList(_Refined(width, kernel) for width in widths[:-1])
        self.down = nn.ModuleList(nn.Conv2d(width, deeper, half, stride=half) for width, deeper in levels)
        self.middle = nn.Sequential(*(_Refined(widths[-1], kernel) for _ in range(2)))
        self.up = nn.ModuleList(nn.ConvTranspose2d(deeper, width, half, stride=half) for width, deeper in levels)
        self.after = nn.ModuleList(_Refined(width, kernel) for width in widths[:-1])
        self.closing = _conv(widths[0], folded, kernel)
        for weight in self.closing.parameters():
            nn.init.zeros_(weight)  # it begins by taking nothing off
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # what convolutions on a CPU prefer

    @property
    def step(self) -> int:
        """Shifted by so many pixels, or steps, along a side, an input has its answer shifted likewise."""
        return 1 << len(self.shape.widths)

    def forward(self, x: Tensor, guess: Tensor | None = None) -> Tensor:
        known = x.nan_to_num() if self.shape.missing else x
        seen = torch.cat([self.seen(x), known if guess is None else guess], dim=1)
        if self.shape.sides == 1:  # as an image one pixel high, for which PyTorch's convolutions are quicker
            return known - self._noise(seen[:, :, None])[:, :, 0]
        return known - self._noise(seen)

    def _noise(self, seen: Tensor) -> Tensor:
        """What is noise in images, of which all that is known of them is seen: (B, …, H, W) → (B, C, H, W)."""
        height, width = seen.shape[2:]
        half = HALVES[self.shape.sides]
        y: Tensor = channels_last(self.opening(channels_last(_folded(_padded(seen, self.step, half), half))))
        skipped = []
        for block, down in zip(self.before, self.down, strict=True):
            y = block(y)
            skipped.append(y)
            y = down(y)
        y = self.middle(y)
        for block, up, beside in reversed(list(zip(self.after, self.up, skipped, strict=True))):
            y = block(up(y) + beside)
        return _unfolded(self.closing(y), half)[:, :, :height, :width]


class _Refined(nn.Module):
    """x → x + two convolutions of it. Source: Lim et al. 2017, "EDSR", figure 2c: what is to be restored stays as it is."""

    def __init__(self, channels: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        self.layers = nn.Sequential(_conv(channels, channels, kernel), nn.ReLU(), _conv(channels, channels, kernel))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.layers(x)
        return y


def _conv(before: int, after: int, kernel: tuple[int, int]) -> nn.Conv2d:
    return nn.Conv2d(before, after, kernel, padding=(kernel[0] // 2, kernel[1] // 2))


def _padded(x: Tensor, step: int, half: tuple[int, int]) -> Tensor:
    """Images (B, C, H, W) with their last values repeated until the sides that are halved are multiples of `step`."""
    below, right = (-side % step if by == 2 else 0 for side, by in zip(x.shape[2:], half, strict=True))
    return pad(x, (0, right, 0, below), mode="replicate") if below or right else x


def _folded(x: Tensor, half: tuple[int, int]) -> Tensor:
    """(B, C, a H, b W) → (B, abC, H, W): neighbours as channels."""
    a, b = half
    return x.unflatten(3, (-1, b)).unflatten(2, (-1, a)).permute(0, 1, 3, 5, 2, 4).flatten(1, 3)


def _unfolded(x: Tensor, half: tuple[int, int]) -> Tensor:
    """The way back."""
    a, b = half
    return x.unflatten(1, (-1, a, b)).permute(0, 1, 4, 2, 5, 3).flatten(4, 5).flatten(2, 3)
