"""Noise that a denoising autoencoder learns to take away: it sees the corrupted x and is asked for the clean one.

    gaussian         x + amount * N(0, 1)                                    anything
    masking          a share `amount` of the values set to 0                 anything
    salt-and-pepper  a share `amount` set to black or white, each as likely  images
    poisson          photons are counted, each `amount` bright               images
    blur             a Gaussian window of deviation `amount` pixels, steps   images, signals
    missing-steps    a share `amount` of the time steps set to 0             signals

Source: Vincent et al. 2010, "Stacked denoising autoencoders", section 3.3 (the first three).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad

from latentwalk import chance
from latentwalk.checks import COUNTED, own_numbers
from latentwalk.data.spec import DataSpec, Kind
from latentwalk.errors import ConfigError, unknown

__all__ = ["Corruption", "CorruptionKind", "corruption_named"]

CorruptionKind = Literal["gaussian", "masking", "salt-and-pepper", "poisson", "blur", "missing-steps"]
SHARES = ("masking", "salt-and-pepper", "missing-steps")
FITS = {
    "salt-and-pepper": ("image",),
    "poisson": ("image",),
    "blur": ("image", "signal", "sound"),
    "missing-steps": ("signal", "sound"),
}
REACH = 3  # deviations of a blur's window on either side


@dataclass(frozen=True, slots=True)
class Corruption:
    """A kind of noise and how much of it, in the units that networks see: an image's range, a table's or signal's deviations.

    amount: a number, or (low, high): then each example draws its own, and a model learns to cope with noise of unknown
    strength. It is drawn evenly on a logarithmic scale, as decibels are, so that little noise is learnt as well as much; from
    0 on, evenly. clip: keep within [0, 1], as a file of pixels would; None clips images.
    spoils: for a table of mixed columns, which of them: `fitted` says the continuous ones. Empty is all.
    """

    kind: CorruptionKind = "gaussian"
    amount: float | tuple[float, float] = 0.3
    clip: bool | None = None
    spoils: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        own_numbers(self)
        if self.kind not in get_args(CorruptionKind):
            raise unknown("corruption", self.kind, get_args(CorruptionKind))
        low, high = self.range
        most = 1.0 if self.kind in SHARES else COUNTED
        if not 0 <= low <= high <= most:
            wanted = "a share, 0 to 1" if self.kind in SHARES else "a finite number, 0 or more"
            raise ConfigError(
                f"{self.kind} corruption cannot have amount={self.amount}. Expected {wanted}, or a range of such."
            )

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest amount."""
        ends = tuple(self.amount) if isinstance(self.amount, (tuple, list)) else (self.amount, self.amount)
        if len(ends) != 2 or not all(isinstance(end, Real) for end in ends):
            raise ConfigError(f"amount={self.amount!r} of a corruption: expected a number, or (low, high).")
        return float(ends[0]), float(ends[1])

    def fitted(self, spec: DataSpec) -> "Corruption":
        """This corruption for data like `spec`. Raises ConfigError where it cannot apply."""
        if spec.form.serial:
            raise ConfigError(
                f"{self.kind} noise is put on values, and a text has units. What hides some of them from the decoder is "
                "Network('gru', word_dropout=.3)."
            )
        fits = FITS.get(self.kind, get_args(Kind))
        if spec.kind not in fits:
            raise ConfigError(
                f"{self.kind} noise is for {' and '.join(f'{kind}s' for kind in fits)}; the data is a {spec.kind} of shape "
                f"{spec.shape}. Use gaussian or masking."
            )
        spoils = tuple(column.kind == "continuous" for column in spec.columns)
        return replace(self, clip=spec.form.bounded if self.clip is None else self.clip, spoils=spoils)

    def __call__(self, x: Tensor) -> Tensor:
        """A corrupted copy of x (B, *event), drawn from PyTorch's generator. NaN, which is not observed, stays NaN."""
        noisy = NOISES[self.kind](x, self._amounts(x))
        if self.spoils:
            noisy = torch.where(torch.tensor(self.spoils, device=x.device), noisy, x)
        return noisy.clamp(0, 1) if self.clip else noisy

    def _amounts(self, x: Tensor) -> Tensor:
        """One amount for all, (), or one for each example, (B, 1, …)."""
        low, high = self.range
        if low == high:
            return x.new_full((), low)
        share = chance.uniform((len(x), *[1] * (x.ndim - 1)), x)
        return low * (high / low) ** share if low > 0 else high * share


def corruption_named(noise: "float | tuple[float, float] | str | Corruption") -> Corruption:
    """A deviation, or a range of them, as Gaussian noise; the usual amount of a kind; a Corruption as it is."""
    if isinstance(noise, Corruption):
        return noise
    if isinstance(noise, str):
        return Corruption(noise)  # type: ignore[arg-type]  # checked there
    return Corruption("gaussian", noise)


def _gaussian(x: Tensor, deviation: Tensor) -> Tensor:
    return x + deviation * chance.normal(x.shape, x)


def _masking(x: Tensor, share: Tensor) -> Tensor:
    return torch.where(chance.uniform(x.shape, x) < share, x * 0, x)


def _salt_and_pepper(x: Tensor, share: Tensor) -> Tensor:
    luck = chance.uniform(x.shape, x)
    return torch.where(luck < share, (luck < share / 2).to(x), x)


def _poisson(x: Tensor, photon: Tensor) -> Tensor:
    return torch.where(photon > 0, chance.poisson(x.clamp(min=0) / photon.clamp(min=1e-6)) * photon, x)


def _missing_steps(x: Tensor, share: Tensor) -> Tensor:
    steps = chance.uniform((len(x), 1, x.shape[-1]), x) < share
    return torch.where(steps, x * 0, x)


def _blur(x: Tensor, deviation: Tensor) -> Tensor:
    """Along every axis of the event but its channels; the edge goes on beyond the edge."""
    widths = deviation.flatten().expand(len(x))
    reach = max(1, math.ceil(REACH * float(widths.max())))
    at = torch.arange(-reach, reach + 1, device=x.device)
    windows = torch.softmax(-(at**2) / (2 * widths.clamp(min=1e-3)[:, None] ** 2), dim=1)  # (B, 2 reach + 1)
    for axis in range(2, x.ndim):
        lines = x.movedim(axis, -1)
        flat = lines.reshape(1, len(x) * lines[0].numel() // lines.shape[-1], lines.shape[-1])
        each = windows.repeat_interleave(flat.shape[1] // len(x), dim=0)[:, None]
        x = conv1d(pad(flat, (reach, reach), "replicate"), each, groups=flat.shape[1]).reshape(lines.shape).movedim(-1, axis)
    return x


NOISES: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "gaussian": _gaussian,
    "masking": _masking,
    "salt-and-pepper": _salt_and_pepper,
    "poisson": _poisson,
    "blur": _blur,
    "missing-steps": _missing_steps,
}
