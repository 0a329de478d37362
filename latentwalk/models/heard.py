"""p(sound | z) by spectra: how strong each frequency is at each time, and nothing of the phase, which nobody hears.

A decoder says log-magnitudes. In an orthonormal basis of waves that overlap, each a frequency at a time, the coefficients of
the sound are normal, with mean 0 and the variances that those say: an exact density of its samples, in nats, that asks for no
wave which a code could not know. What is heard of it, its `mean` here, is a sound with these magnitudes (see `Frames.heard`).

Sources: Fevotte, Bertin & Durrieu 2009 (the Itakura-Saito divergence as this likelihood); Bando et al. 2018, "Statistical
speech enhancement based on probabilistic integration of variational autoencoder" (a VAE with it).
"""

import math
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from latentwalk.models.conditional import Head
from latentwalk.models.spectra import Frames

__all__ = ["Heard", "LogSpectra", "SpectralHead"]

RANGE = (-7.0, 8.0)  # of logarithms: beyond, exp leaves nothing, or overflows


class LogSpectra(nn.Module):
    """Sounds (B, C, T) → what an encoder reads of them, log-magnitudes (B, C x bins, count). NaN counts as silence."""

    def __init__(self, frames: Frames) -> None:
        super().__init__()
        self.frames = frames

    def forward(self, x: Tensor) -> Tensor:
        return self.frames.logs(x.nan_to_num()).transpose(-1, -2).flatten(1, 2)


class SpectralHead(Head):
    """raw (..., C x bins, count), log-magnitudes → `Heard`."""

    noise: Tensor

    def __init__(self, frames: Frames, channels: int) -> None:
        super().__init__(2)
        self.frames, self.channels = frames, channels
        hiss = np.random.default_rng(0).standard_normal((channels, frames.length), np.float32)
        self.register_buffer("noise", torch.from_numpy(hiss), persistent=False)

    def raw_shape(self, event: tuple[int, ...]) -> tuple[int, ...]:
        return (self.channels * self.frames.bins, self.frames.count)

    def forward(self, raw: Tensor) -> Distribution:
        logs = raw.unflatten(-2, (self.channels, self.frames.bins)).transpose(-1, -2).clamp(*RANGE)
        return Heard(self.frames, logs, self.noise)

    def raw_of(self, x: Tensor) -> Tensor:
        return self.frames.logs(x).transpose(-1, -2).flatten(1, 2)


class Heard(Distribution):
    """Sounds, batch (...), event (C, T), whose waves have the variances that log-magnitudes (..., C, count, bins) say.

    noise: (C, T) the noise that is heard in them.
    """

    arg_constraints = {}  # noqa: RUF012  # torch's own convention

    def __init__(self, frames: Frames, logs: Tensor, noise: Tensor) -> None:
        self.frames, self.logs, self.noise = frames, logs, noise
        super().__init__(logs.shape[:-3], torch.Size((logs.shape[-3], frames.length)), validate_args=False)

    @cached_property
    def heard(self) -> Tensor:
        """A sound with these magnitudes: (..., C, T)."""
        return self.frames.heard(self.logs, self.frames.apart(self.noise))

    @property
    def mean(self) -> Tensor:
        """What is heard. (The mean of the density itself is silence: any wave is as likely as the same upside down.)"""
        return self.heard

    def log_prob(self, value: Tensor) -> Tensor:
        """log p of sounds (..., C, T), in nats: (...)."""
        return self._each(value).flatten(-2).sum(-1)

    def log_prob_each(self, value: Tensor) -> Tensor:
        """The same by samples, (..., C, T): to each its share of what is said of the block around it, half a frame."""
        each, block = self._each(value), self.frames.size // 2
        whole = self.frames.length - self.frames.length % block
        parts = (
            [each[..., :whole].unflatten(-1, (-1, block)), each[..., whole:][..., None, :]] if whole else [each[..., None, :]]
        )
        shared = [part.mean(-1, keepdim=True).expand_as(part).flatten(-2) for part in parts if part.shape[-1]]
        return torch.cat(shared, -1)

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Drawn sounds: their phases, too."""
        deviations = self.frames.powers(self.logs).sqrt()
        drawn = torch.randn((*sample_shape, *deviations.shape), device=deviations.device)
        return self.frames.unlapped(drawn * deviations)

    def _each(self, value: Tensor) -> Tensor:
        powers = self.frames.powers(self.logs)
        return -0.5 * (self.frames.lapped(value).square() / powers + powers.log() + math.log(2 * math.pi))
