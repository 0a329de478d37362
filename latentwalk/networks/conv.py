"""Convolutional networks for images of any size and number of channels.

Each level halves the image, rounding up, and the decoder retraces the encoder's sizes exactly: a transposed convolution of
stride 2 reaches 2s - 1 or 2s from s, whichever the encoder came from, so odd sizes need neither padding nor cropping.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from latentwalk.networks.layers import activation, stack

__all__ = ["ConvDecoder", "ConvEncoder", "pyramid"]


def pyramid(height: int, width: int, levels: int) -> list[tuple[int, int]]:
    """The sizes of an image as each level halves it, the full size first.

    >>> pyramid(28, 27, 2)
    [(28, 27), (14, 14), (7, 7)]
    """
    sizes = [(height, width)]
    for _ in range(levels):
        sizes.append(tuple(-(-side // 2) for side in sizes[-1]))  # type: ignore[arg-type]  # still two sides
    return sizes


class ConvEncoder(nn.Module):
    """Image (B, C, H, W) → (B, *out): one convolution of stride 2 a level, then dense layers."""

    def __init__(
        self,
        image: tuple[int, int, int],
        out: tuple[int, ...],
        channels: Sequence[int],
        widths: Sequence[int],
        act: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.out = out
        depths = [image[0], *channels]
        levels = [
            layer
            for before, after in pairwise(depths)
            for layer in (nn.Conv2d(before, after, 3, stride=2, padding=1), activation(act))
        ]
        top = pyramid(*image[1:], len(channels))[-1]
        sizes = [depths[-1] * math.prod(top), *widths]
        self.layers = nn.Sequential(*levels, nn.Flatten(), *stack(sizes, act, dropout), nn.Linear(sizes[-1], math.prod(out)))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y.unflatten(1, self.out)


class ConvDecoder(nn.Module):
    """Code (B, D) → image (B, C, H, W): dense layers, then one transposed convolution of stride 2 a level."""

    def __init__(
        self,
        code: int,
        image: tuple[int, int, int],
        channels: Sequence[int],
        widths: Sequence[int],
        act: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        *sizes, top = pyramid(*image[1:], len(channels))
        depths = [*reversed(channels), channels[0]]
        levels: list[nn.Module] = []
        at = top
        for (before, after), size in zip(pairwise(depths), reversed(sizes), strict=True):
            short = tuple(side - (2 * half - 1) for side, half in zip(size, at, strict=True))
            levels += [nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=short), activation(act)]  # type: ignore[arg-type]
            at = size
        start = depths[0] * math.prod(top)
        self.layers = nn.Sequential(
            *stack([code, *reversed(widths), start], act, dropout),
            nn.Unflatten(1, (depths[0], *top)),
            *levels,
            nn.Conv2d(depths[-1], image[0], 3, padding=1),
        )

    def forward(self, z: Tensor) -> Tensor:
        y: Tensor = self.layers(z)
        return y
