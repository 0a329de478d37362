"""Convolutional networks for signals and images of any size and number of channels.

Each level halves every side, rounding up, and the decoder retraces the encoder's sizes exactly, in one of two ways:

    transposed   a transposed convolution of stride 2 reaches 2s - 1 or 2s from s, whichever the encoder came from
    smooth       a convolution at the small size, what it says enlarged bilinearly; the last one says all pixels of a place at
                 once, which are set side by side (Shi et al. 2016)

A transposed convolution of width 3 reaches every other pixel once and the others twice (Odena et al. 2016, "Deconvolution and
checkerboard artifacts"), and the channels that it keeps at full size cost more than all else together.

With dense layers at the top, any part of a code can speak of any part of the image. Without (a fully convolutional network:
Long et al. 2015), the code is itself a small image of several channels, and each part of it speaks of its own place: it can
be as large as the data, which noise removal wants, and there is little to overfit.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle

from latentwalk.networks.layers import activation, stack

__all__ = ["ConvDecoder", "ConvEncoder", "Enlarged", "Residual", "Unfolded", "pyramid"]

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


class Residual(nn.Module):
    """x → x + two convolutions of it, each after an activation. Source: He et al. 2016, "Identity mappings", figure 4e."""

    def __init__(self, conv: type[nn.Conv1d] | type[nn.Conv2d], channels: int, kernel: int, act: str) -> None:
        super().__init__()
        layers = [(activation(act), conv(channels, channels, kernel, padding=kernel // 2)) for _ in range(2)]
        self.layers = nn.Sequential(*(layer for pair in layers for layer in pair))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.layers(x)
        return y


class Enlarged(nn.Module):
    """Images (B, C, h, w) → (B, C, *sides), bilinearly."""

    def __init__(self, sides: tuple[int, ...]) -> None:
        super().__init__()
        self.sides = sides

    def forward(self, x: Tensor) -> Tensor:
        return interpolate(x, size=self.sides, mode="bilinear")


class Unfolded(nn.Module):
    """Four images at half their size (B, 4 C, h, w) → one (B, C, *sides), of their pixels in turn."""

    def __init__(self, sides: tuple[int, ...]) -> None:
        super().__init__()
        self.sides = sides

    def forward(self, x: Tensor) -> Tensor:
        height, width = self.sides
        return pixel_shuffle(x, 2)[..., :height, :width]


class ConvEncoder(nn.Module):
    """Signal (B, C, T) or image (B, C, H, W) → (B, *out): one convolution of stride 2 a level, then dense layers.

    widths: None for none, not even the last: a fully convolutional network. blocks: residual ones after each level.
    """

    def __init__(
        self,
        event: Sequence[int],
        out: tuple[int, ...],
        channels: Sequence[int],
        widths: Sequence[int] | None,
        act: str = "relu",
        dropout: float = 0.0,
        blocks: int = 0,
    ) -> None:
        super().__init__()
        self.out = out
        first, *sides = event
        conv, kernel = (nn.Conv1d, nn.Conv2d)[len(sides) - 1], KERNEL[len(sides)]
        depths = [first, *channels]
        levels = [
            layer
            for before, after in pairwise(depths)
            for layer in (
                conv(before, after, kernel, stride=2, padding=kernel // 2),
                *(Residual(conv, after, kernel, act) for _ in range(blocks)),
                activation(act),
            )
        ]
        top = pyramid(sides, len(channels))[-1]
        if widths is None:
            self.layers = nn.Sequential(*levels, conv(depths[-1], math.prod(out) // math.prod(top), 1), nn.Flatten())
            return
        sizes = [depths[-1] * math.prod(top), *widths]
        self.layers = nn.Sequential(*levels, nn.Flatten(), *stack(sizes, act, dropout), nn.Linear(sizes[-1], math.prod(out)))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y.unflatten(1, self.out)


class ConvDecoder(nn.Module):
    """Code (B, D) → signal (B, C, T) or image (B, C, H, W): dense layers, then a level at a time twice as large.

    widths, blocks: as for `ConvEncoder`. smooth: images only; how they are enlarged, see above.
    """

    def __init__(
        self,
        code: int,
        event: Sequence[int],
        channels: Sequence[int],
        widths: Sequence[int] | None,
        act: str = "relu",
        dropout: float = 0.0,
        blocks: int = 0,
        *,
        smooth: bool = False,
    ) -> None:
        super().__init__()
        first, *sides = event
        plain = (nn.Conv1d, nn.Conv2d)[len(sides) - 1]
        kernel = KERNEL[len(sides)]
        sizes = pyramid(sides, len(channels))
        depths, top = [*reversed(channels)], sizes[-1]
        if widths is None:
            opening: list[nn.Module] = [
                nn.Unflatten(1, (code // math.prod(top), *top)),
                plain(code // math.prod(top), depths[0], 1),
            ]
        else:
            dense = stack([code, *reversed(widths), depths[0] * math.prod(top)], act, dropout)
            opening = [*dense, nn.Unflatten(1, (depths[0], *top))]
        levels = _smooth if smooth and len(sides) == 2 else _transposed
        self.layers = nn.Sequential(*opening, *levels(depths, sizes[::-1], first, kernel, act, blocks))

    def forward(self, z: Tensor) -> Tensor:
        y: Tensor = self.layers(z)
        return y


def _transposed(
    depths: Sequence[int], sizes: Sequence[tuple[int, ...]], first: int, kernel: int, act: str, blocks: int
) -> list[nn.Module]:
    """Levels from the smallest of `sizes` to the largest, by transposed convolutions; then `first` channels."""
    plain, transposed = ((nn.Conv1d, nn.ConvTranspose1d), (nn.Conv2d, nn.ConvTranspose2d))[len(sizes[0]) - 1]
    levels: list[nn.Module] = []
    for (before, after), (small, large) in zip(pairwise([*depths, depths[-1]]), pairwise(sizes), strict=True):
        short = tuple(side - (2 * half - 1) for side, half in zip(large, small, strict=True))
        grown = transposed(before, after, kernel, stride=2, padding=kernel // 2, output_padding=short)  # type: ignore[arg-type]
        levels += [*(Residual(plain, before, kernel, act) for _ in range(blocks)), grown, activation(act)]
    return [*levels, plain(depths[-1], first, kernel, padding=kernel // 2)]


def _smooth(
    depths: Sequence[int], sizes: Sequence[tuple[int, ...]], first: int, kernel: int, act: str, blocks: int
) -> list[nn.Module]:
    """The same for images, by convolutions at the smaller size."""
    levels: list[nn.Module] = []
    for at, before in enumerate(depths):
        levels += [Residual(nn.Conv2d, before, kernel, act) for _ in range(blocks)]
        levels += [activation(act)] * bool(blocks and at)
        if at == len(depths) - 1:
            return [*levels, _alike(nn.Conv2d(before, 4 * first, kernel, padding=kernel // 2)), Unfolded(sizes[-1])]
        levels += [nn.Conv2d(before, depths[at + 1], kernel, padding=kernel // 2), activation(act), Enlarged(sizes[at + 1])]
    return levels


@torch.no_grad()
def _alike(last: nn.Conv2d) -> nn.Conv2d:
    """The convolution, beginning to say the same for the four pixels of a place: no pattern that was not learnt.

    Source: Aitken et al. 2017, "Checkerboard artifact free sub-pixel convolution".
    """
    for weight in last.parameters():
        weight.copy_(weight[::4].repeat_interleave(4, dim=0))
    return last
