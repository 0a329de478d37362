"""Convolutional networks for signals and images of any size and number of channels.

Each level halves every side, rounding up, and the decoder retraces the encoder's sizes exactly: a transposed convolution of
stride 2 reaches 2s - 1 or 2s from s, whichever the encoder came from, so odd sizes need neither padding nor cropping.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from latentwalk.networks.layers import activation, stack

__all__ = ["ConvDecoder", "ConvEncoder", "pyramid"]

KERNEL = {1: 5, 2: 3}  # by the number of sides: a signal's window costs less, and needs to see further


def pyramid(sides: Sequence[int], levels: int) -> list[tuple[int, ...]]:
    """The sides of an image or a signal as each level halves them, the full size first.

    >>> pyramid((28, 27), 2)
    [(28, 27), (14, 14), (7, 7)]
    """
    sizes = [tuple(sides)]
    for _ in range(levels):
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))
    return sizes


class ConvEncoder(nn.Module):
    """Signal (B, C, T) or image (B, C, H, W) → (B, *out): one convolution of stride 2 a level, then dense layers."""

    def __init__(
        self,
        event: Sequence[int],
        out: tuple[int, ...],
        channels: Sequence[int],
        widths: Sequence[int],
        act: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.out = out
        first, *sides = event
        conv, kernel = (nn.Conv1d, nn.Conv2d)[len(sides) - 1], KERNEL[len(sides)]
        depths = [first, *channels]
        levels = [
            layer
            for before, after in pairwise(depths)
            for layer in (conv(before, after, kernel, stride=2, padding=kernel // 2), activation(act))
        ]
        top = pyramid(sides, len(channels))[-1]
        sizes = [depths[-1] * math.prod(top), *widths]
        self.layers = nn.Sequential(*levels, nn.Flatten(), *stack(sizes, act, dropout), nn.Linear(sizes[-1], math.prod(out)))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y.unflatten(1, self.out)


class ConvDecoder(nn.Module):
    """Code (B, D) → signal (B, C, T) or image (B, C, H, W): dense layers, then a transposed convolution a level."""

    def __init__(
        self,
        code: int,
        event: Sequence[int],
        channels: Sequence[int],
        widths: Sequence[int],
        act: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        first, *sides = event
        plain, transposed = ((nn.Conv1d, nn.ConvTranspose1d), (nn.Conv2d, nn.ConvTranspose2d))[len(sides) - 1]
        kernel = KERNEL[len(sides)]
        *sizes, top = pyramid(sides, len(channels))
        depths = [*reversed(channels), channels[0]]
        levels: list[nn.Module] = []
        at = top
        for (before, after), size in zip(pairwise(depths), reversed(sizes), strict=True):
            short = tuple(side - (2 * half - 1) for side, half in zip(size, at, strict=True))
            grown = transposed(before, after, kernel, stride=2, padding=kernel // 2, output_padding=short)  # type: ignore[arg-type]
            levels += [grown, activation(act)]
            at = size
        start = depths[0] * math.prod(top)
        self.layers = nn.Sequential(
            *stack([code, *reversed(widths), start], act, dropout),
            nn.Unflatten(1, (depths[0], *top)),
            *levels,
            plain(depths[-1], first, kernel, padding=kernel // 2),
        )

    def forward(self, z: Tensor) -> Tensor:
        y: Tensor = self.layers(z)
        return y
