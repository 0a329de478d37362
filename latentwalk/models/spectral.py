"""How far apart two sounds are to the ear: the log-magnitudes of their short-time spectra, with windows of several lengths.

A likelihood of samples asks for the very wave, whose phase nobody hears; where a code cannot say it, silence is best.
This distance asks for how strong each frequency is at each time. A short window tells when, a long one which frequency.

Sources: Yamamoto, Song & Kim 2020, "Parallel WaveGAN", eq. 3 to 6; Engel et al. 2020, "DDSP", section 4.2 (as a reconstruction
loss of autoencoders).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from latentwalk.data.spectra import HANN, QUIET
from latentwalk.models.heard import Heard
from latentwalk.models.latent_model import Pass
from latentwalk.models.objective import Objective, Terms
from latentwalk.models.schedule import Time
from latentwalk.models.texture import texture_distance

__all__ = ["WINDOWS", "log_spectral_distance", "with_spectra"]

PICTURED = 5  # axes of images: draws, examples, (C, H, W)
WINDOWS = (256, 1024)  # samples; those that are no longer than a sound


def log_spectral_distance(x: Tensor, y: Tensor, windows: Sequence[int] = WINDOWS, quiet: float = QUIET) -> Tensor:
    """The mean squared difference of log-magnitudes of sounds x and y, (…, T), in nepers (8.7 dB) of amplitude: (…).

    Windows are Hann's, half of each overlapping the next; power is averaged over 3 x 3 neighbours, so that noise counts as how
    loud it is, and taken by that of noise of deviation 1. 0 for equal sounds, symmetric, never below 0. Where x or y is NaN,
    neither has a part.
    """
    unknown = x.isnan() | y.isnan()
    x, y = torch.where(unknown, 0.0, x), torch.where(unknown, 0.0, y)
    x, y = torch.broadcast_tensors(x, y)
    fitting = [size for size in windows if size <= x.shape[-1]] or [max(4, x.shape[-1] // 2)]
    found = [(_logs(x, size, quiet) - _logs(y, size, quiet)).square().flatten(-2).mean(-1) for size in fitting]
    return torch.stack(found).mean(0)


def _logs(x: Tensor, size: int, quiet: float) -> Tensor:
    """The log-magnitudes (…, bins, frames) of sounds (…, T)."""
    flat = pad(x.reshape(-1, x.shape[-1]), (size // 2, size // 2))
    window = torch.hann_window(size, device=x.device, dtype=x.dtype)
    spectra = torch.stft(flat, size, size // 2, window=window, center=False, return_complex=True)
    power = (spectra.real.square() + spectra.imag.square()) / (HANN * size)
    return _pooled(power, quiet).unflatten(0, x.shape[:-1])


def _pooled(power: Tensor, quiet: float = QUIET) -> Tensor:
    """The logarithms of powers (…, H, W), in nepers of amplitude, each averaged with its neighbours."""
    flat = power.reshape(-1, 1, *power.shape[-2:])
    return (avg_pool2d(flat, 3, 1, 1, count_include_pad=False) + quiet**2).log().reshape(power.shape) / 2


def with_spectra(objective: Objective, weight: float) -> Objective:
    """The objective with a term "spectral": `weight` nats a number for each squared neper that spectra differ by.

    What is compared is the mean of the likelihood with the target: sounds (C, T) as they are heard, in deviations of the data,
    and where the likelihood says log-magnitudes itself (`Heard`), these, as one more resolution; images (C, H, W) as they are
    seen, in units of their range. The other terms, and with them all likelihoods that are told of a model, are what they were.
    """

    def both(p: Pass, epoch: Time = None) -> Terms:
        found = objective(p, epoch)
        target = p.target.expand(*p.z.shape[:2], *p.target.shape[1:])
        if target.dim() == PICTURED:
            apart = texture_distance(p.likelihood.mean, target).mean(0)
        else:
            apart = log_spectral_distance(p.likelihood.mean, target).mean((0, 2))
        if isinstance(p.likelihood, Heard):
            said, wanted = (_pooled((2 * logs).exp()) for logs in (p.likelihood.logs, p.likelihood.frames.logs(p.target)))
            apart = apart + (said - wanted).square().flatten(-2).mean(-1).mean((0, 2))
        spectral = weight * math.prod(p.target.shape[1:]) * apart
        return Terms({**found.values, "spectral": spectral}, found.loss + spectral.mean())

    return both
