"""The spectra of sounds as tensors: logarithms to learn from, waves to hear, coefficients to judge by.

Frames overlap by three quarters, each weighted by a Hann window. A sound is made of log-magnitudes alone: what stands out of
what is around it is a tone, all else is noise.

    tones    The phase is turned from frame to frame by the frequency that is meant, which the slope of the log-magnitudes
             across frequencies tells (exactly, for a steady sine in a Gaussian window), so that a tone between two of the
             frequencies is that tone, and goes on without a seam.
    noise    A spectrum of noise, always the same, with these magnitudes.

Sources: Griffin & Lim 1984, eq. 6 (overlap-add); Prusa, Balazs & Sondergaard 2017, "A noniterative method for reconstruction of
phase from STFT magnitude" (frequencies of magnitudes); Laroche & Dolson 1999 (what is around a peak turns with it); Serra &
Smith 1990 (tones and noise); Princen, Johnson & Bradley 1987 (the lapped transform).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, max_pool1d, pad

from latentwalk.data.spectra import HANN, OVERLAP, QUIET, frame_size

__all__ = ["Frames"]

SPREAD = 0.0408  # the variance of the Gaussian that is most like a Hann window, by the square of its length (Prusa et al.)
NEAR = 2  # frequencies on either side that belong to a loud one
AROUND = 8  # on either side, of which a tone stands out
STANDS_OUT, SURELY = 0.7, 0.15  # nepers above the mean around from which it does, and over how many that is decided


@dataclass(frozen=True, slots=True)
class Frames:
    """How a sound of `length` samples is cut into frames: `size` samples each, `hop` apart, centred on its first and so on."""

    length: int
    size: int

    @classmethod
    def usual(cls, length: int, rate: int) -> "Frames":
        """For sounds of so many samples at this rate."""
        return cls(length, frame_size(length, rate))

    @property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return self.size // OVERLAP

    @property
    def count(self) -> int:
        """How many frames there are."""
        return -(-self.length // self.hop) + 1

    @property
    def bins(self) -> int:
        """How many frequencies there are, from 0 to half the rate."""
        return self.size // 2 + 1

    @property
    def loudness(self) -> float:
        """The root mean square of a magnitude of noise of deviation 1."""
        return math.sqrt(HANN * self.size)

    def logs(self, x: Tensor) -> Tensor:
        """The log-magnitudes of sounds (…, length), by those of noise of deviation 1, in nepers: (…, count, bins)."""
        spectra = self.apart(x)
        power = (spectra.real.square() + spectra.imag.square()) / self.loudness**2
        return (power + QUIET**2).log() / 2

    def apart(self, x: Tensor) -> Tensor:
        """Sounds (…, length) → their spectra (…, count, bins), complex; time 0 of each is its middle."""
        over = (self.count - 1) * self.hop - self.length
        cut = pad(x, (self.size // 2, self.size // 2 + over)).unfold(-1, self.size, self.hop)
        return torch.fft.rfft((cut * self._window(x)).roll(-self.size // 2, -1))

    def together(self, spectra: Tensor) -> Tensor:
        """The way back, (…, count, bins) → (…, length); the sounds themselves, where the spectra are theirs."""
        window = self._window(spectra)
        cut = torch.fft.irfft(spectra, self.size).roll(self.size // 2, -1) * window
        whole = self._added(cut.flatten(0, -3))
        weight = self._added((window**2).expand(1, self.count, -1))
        kept = slice(self.size // 2, self.size // 2 + self.length)
        return (whole[:, kept] / weight[:, kept]).unflatten(0, spectra.shape[:-2])

    def heard(self, logs: Tensor, noise: Tensor) -> Tensor:
        """The sounds (…, length) of log-magnitudes (…, count, bins). noise: the spectra of noise of deviation 1, alike."""
        phase, tonal = self._tones(logs.detach().flatten(0, -3))
        phase, tonal = phase.view_as(logs), tonal.view_as(logs)
        rough = noise * (1 - tonal.square()).clamp(min=0).sqrt()
        return self.together(logs.exp() * (torch.polar(self.loudness * tonal, phase) + rough))

    @torch.no_grad()
    def _tones(self, logs: Tensor) -> tuple[Tensor, Tensor]:
        """Of log-magnitudes (B, count, bins) the phases of tones, and which share of each amplitude is one: both alike."""
        step = 2 * math.pi / self.size
        slope = pad(logs[..., 2:] - logs[..., :-2], (1, 1)) / (2 * step)
        stray = (slope / (SPREAD * self.size**2)).clamp(-step, step)
        turn = torch.arange(self.bins, device=logs.device) * step + stray
        peak = max_pool1d(logs, 2 * NEAR + 1, 1, NEAR, return_indices=True)[1]
        peak = peak.gather(-1, peak)  # of frequencies further off
        around = min(AROUND, (self.bins - 1) // 2)
        above = logs - avg_pool1d(logs, 2 * around + 1, 1, around, count_include_pad=False)
        tonal = ((above.gather(-1, peak) - STANDS_OUT) / SURELY).sigmoid()
        phase = [torch.zeros_like(turn[:, 0])]
        for now in range(1, self.count):
            at = peak[:, now]
            advance = (turn[:, now - 1].gather(-1, at) + turn[:, now].gather(-1, at)) / 2
            phase.append((phase[-1].gather(-1, at) + self.hop * advance) % (2 * math.pi))
        return torch.stack(phase, 1), tonal

    # ------------------------------------------------------------------ coefficients of an orthonormal basis

    def lapped(self, x: Tensor) -> Tensor:
        """Sounds (…, length) in an orthonormal basis of waves that overlap by half: (…, length), block by block.

        Blocks have half a frame, the last one what is left; the first and the last end with the sound.
        """
        block, blocks = self.size // 2, self.length // (self.size // 2)
        parts = []
        if blocks:
            cut = pad(x[..., : blocks * block], (block // 2, block // 2)).unfold(-1, 2 * block, block)
            parts.append((cut * _windows(block, blocks, x.device) @ _cosines(block, x.device)).flatten(-2))
        if rest := self.length - blocks * block:
            parts.append(x[..., blocks * block :] @ _rest(rest, x.device))
        return torch.cat(parts, -1)

    def unlapped(self, coefficients: Tensor) -> Tensor:
        """The way back, (…, length) → (…, length)."""
        block, blocks = self.size // 2, self.length // (self.size // 2)
        parts = []
        if blocks:
            waves = coefficients[..., : blocks * block].unflatten(-1, (blocks, block)) @ _cosines(block, coefficients.device).T
            cut = waves * _windows(block, blocks, coefficients.device)  # (…, blocks, 2 block)
            halves = cut.unflatten(-1, (2, block))
            first, second = pad(halves[..., 0, :], (0, 0, 0, 1)), pad(halves[..., 1, :], (0, 0, 1, 0))
            parts.append((first + second).flatten(-2)[..., block // 2 : block // 2 + blocks * block])
        if rest := self.length - blocks * block:
            parts.append(coefficients[..., blocks * block :] @ _rest(rest, coefficients.device))
        return torch.cat(parts, -1)

    def powers(self, logs: Tensor) -> Tensor:
        """The variances of `lapped` coefficients that log-magnitudes (…, count, bins) say: (…, length)."""
        block, blocks = self.size // 2, self.length // (self.size // 2)
        power = (2 * logs).exp()
        each = (power[..., 1:] + power[..., :-1]) / 2  # (…, count, block)
        parts = [each[..., 1 : 2 * blocks : 2, :].flatten(-2)]
        if rest := self.length - blocks * block:
            place = (torch.arange(rest, device=logs.device) * block) // rest
            parts.append(each[..., -1, :][..., place])
        return torch.cat(parts, -1)

    # ------------------------------------------------------------------ inside

    def _added(self, cut: Tensor) -> Tensor:
        """Frames (B, count, size), a hop apart, added up: (B, size + (count - 1) hop)."""
        quarters = cut.unflatten(2, (OVERLAP, self.hop))  # (B, count, 4, hop)
        shifted = [pad(quarters[:, :, at], (0, 0, at, OVERLAP - 1 - at)) for at in range(OVERLAP)]
        return torch.stack(shifted).sum(0).flatten(1)

    def _window(self, like: Tensor) -> Tensor:
        return torch.hann_window(self.size, device=like.device)


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # what is kept is used while learning, too
def _cosines(block: int, device: torch.device) -> Tensor:
    """The waves of a block of the modified discrete cosine transform: (2 block, block)."""
    t = torch.arange(2 * block, dtype=torch.float64) + 0.5 + block / 2
    k = torch.arange(block, dtype=torch.float64) + 0.5
    return (math.sqrt(2 / block) * torch.cos(math.pi / block * t[:, None] * k)).float().to(device)


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # what is kept is used while learning, too
def _rest(length: int, device: torch.device) -> Tensor:
    """The waves of what no block is left for, those of a discrete cosine transform of type IV: (length, length), symmetric."""
    t = torch.arange(length, dtype=torch.float64) + 0.5
    return (math.sqrt(2 / length) * torch.cos(math.pi / length * t[:, None] * t)).float().to(device)


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # what is kept is used while learning, too
def _windows(block: int, blocks: int, device: torch.device) -> Tensor:
    """The weights of blocks that overlap by half, the first and last of which end hard: (blocks, 2 block)."""
    rise = torch.sin(math.pi / 2 * (torch.arange(block) + 0.5) / block)
    windows = torch.cat([rise, rise.flip(0)]).repeat(blocks, 1)
    hard = (torch.arange(block) >= block // 2).float()
    windows[0, :block], windows[-1, block:] = hard, hard.flip(0)
    return windows.to(device)
