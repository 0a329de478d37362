"""How far apart two images are to the eye: the log-magnitudes of their local spectra, and nothing of the phases.

A likelihood of pixels asks for every hair in its place. Where a code cannot say it, a blur is best, and no photograph is like
that. This distance asks how much there is of which stripes, from two pixels to a window wide, along, across or slanting; not
where in the window they are.

Sources: Heeger & Bergen 1995, "Pyramid-based texture analysis/synthesis"; Portilla & Simoncelli 2000, "A parametric texture
model based on joint statistics of complex wavelet coefficients" (local magnitudes, averaged over neighbours).
"""

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

__all__ = ["texture_distance"]

WINDOW = 8  # pixels
FAINT = 0.02  # of an image's range: contrast that is as good as none
SLANTING = 2  # across, or along, is what has more than so many times the frequency that way


def texture_distance(x: Tensor, y: Tensor, window: int = WINDOW, faint: float = FAINT) -> Tensor:
    """The mean squared difference of log-magnitudes of images x and y, (…, C, H, W), in nepers of contrast: (…).

    Windows of so many pixels, half of each overlapping the next, of the mean over channels; the power of an orthonormal basis
    of cosines in octaves and three directions, averaged over 3 x 3 neighbouring windows. 0 for equal images, and for such as
    differ in brightness alone; symmetric, never below 0. Where x or y is NaN, neither has a part.
    """
    unknown = x.isnan() | y.isnan()
    x, y = (torch.where(unknown, 0.0, one) for one in torch.broadcast_tensors(x, y))
    size = min(window, *x.shape[-2:])
    if size == 1:
        return x.new_zeros(x.shape[:-3])  # a line of pixels has no texture
    apart = (_logs(x, size, faint) - _logs(y, size, faint)).square()
    return apart.flatten(1).mean(1).reshape(x.shape[:-3])


def _logs(x: Tensor, size: int, faint: float) -> Tensor:
    """The log-magnitudes (n, bands, rows, columns) of images (…, C, H, W)."""
    step = size // 2
    gray = x.reshape(-1, *x.shape[-3:]).mean(1, keepdim=True)
    down, across = (-(side - size) % step for side in gray.shape[-2:])
    windows = pad(gray, (0, across, 0, down), mode="replicate")[:, 0].unfold(1, size, step).unfold(2, size, step)
    waves, bands = (one.to(x) for one in _basis(size))
    power = ((windows.flatten(3) @ waves).square() @ bands).movedim(3, 1)
    return (avg_pool2d(power, 3, 1, 1, count_include_pad=False) + faint**2).log() / 2


@cache
def _basis(size: int) -> tuple[Tensor, Tensor]:
    """Cosines over a window, (size², waves) without the constant one; and how bands average their powers, (waves, bands)."""
    at = torch.arange(size)
    waves = torch.cos(math.pi * at[:, None] * (2 * at[None] + 1) / (2 * size)) * math.sqrt(2 / size)
    waves[0] /= math.sqrt(2)
    each = torch.einsum("ai,bj->ijab", waves, waves).flatten(2).flatten(0, 1)[:, 1:]
    down, across = torch.meshgrid(at, at, indexing="ij")
    octave = torch.maximum(down, across).clamp(min=1).float().log2().floor()
    way = torch.where(down > SLANTING * across, 0, torch.where(across > SLANTING * down, 1, 2))
    band = (3 * octave + way).flatten()[1:]
    members = (band[:, None] == band.unique()[None]).float()
    return each.contiguous(), members / members.sum(0)
