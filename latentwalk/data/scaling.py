"""From the units of the data to what networks like to see, and back.

Scaling is part of the model: it is saved with it, runs where the model runs (so that bytes stay bytes until the batch is
formed), and is undone on the way out.
"""

import math
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentwalk.arrays import Array
from latentwalk.data.rows import pieces
from latentwalk.data.spec import DataSpec
from latentwalk.errors import DataError

__all__ = ["Scaling", "ScalingName", "as_tensor"]

ScalingName = Literal["none", "unit", "standard"]
CONSTANT = 1e-12  # a column whose deviation is below this share of its largest value is constant to rounding


class Scaling(nn.Module):
    """Affine scaling and layout: raw data (B, *E) of any dtype ↔ x (B, *event), float32 and channels first.

    x = (raw - shift) / scale, with shift and scale broadcastable to the event: one number each for an image, one a column for a
    table, one a channel for a signal. Arithmetic is in float64 but for images, so that a column of large numbers with a small
    spread (years, say) keeps its digits. NaN stays NaN.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, spec: DataSpec, shift: Tensor | None = None, scale: Tensor | None = None) -> None:
        super().__init__()
        self.spec = spec
        empty = torch.zeros(_each(spec), dtype=torch.float32 if spec.form.bounded else torch.float64)
        self.register_buffer("shift", empty if shift is None else shift.to(empty))
        self.register_buffer("scale", torch.ones_like(empty) if scale is None else scale.to(empty))

    @classmethod
    def natural(cls, x: Array, spec: DataSpec) -> "Scaling":
        """The scaling for data (n, *E) by its kind: to [0, 1] where its ends are known beforehand, to deviation 1 elsewhere."""
        return cls.fit(x, spec, "unit" if spec.form.bounded else "standard")

    @classmethod
    def fit(cls, x: Array, spec: DataSpec, how: ScalingName) -> "Scaling":
        """The scaling for data (n, *E): "none", "unit" (range [0, 1]) or "standard" (mean 0, deviation 1 each)."""
        plain = cls(spec)
        match how:
            case "unit":
                width = spec.high - spec.low
                return cls(spec, torch.full_like(plain.shift, spec.low), torch.full_like(plain.scale, width or 1.0))
            case "standard":
                shape = _each(spec)
                mean, deviation = (torch.from_numpy(moment).reshape(shape) for moment in _moments(x, math.prod(shape)))
                if spec.columns:  # counts and codes stay what they are
                    plain_ = torch.tensor([column.kind != "continuous" for column in spec.columns])
                    mean, deviation = mean.where(~plain_, 0.0), deviation.where(~plain_, 1.0)
                return cls(spec, mean, deviation)
            case _:
                return plain

    def forward(self, raw: Tensor) -> Tensor:
        """raw (B, *E) → x (B, *event)."""
        shifted = self._channels_first(raw) - self.shift if self._shifts else self._channels_first(raw)
        return (shifted / self.scale).float()

    def inverse(self, x: Tensor) -> Tensor:
        """x (B, *event) → raw (B, *E), in the units of the data: float64 where float32 would round those, else float32."""
        raw = x * self.scale
        raw = raw + self.shift if self._shifts else raw
        return self.arranged(raw if self._wide else raw.float())

    def arranged(self, x: Tensor) -> Tensor:
        """x (B, *event) → (B, *E): the layout of the data, the values as they are."""
        if self.spec.axes.channel == -1:
            return x.movedim(1 - x.ndim, -1)
        return x.reshape(-1, *self.spec.shape)

    @property
    def _shifts(self) -> bool:
        """Whether shift can be anything but 0. For bytes it is 0, and leaving it out saves a pass over every batch."""
        return not self.spec.form.bounded or self.spec.low != 0

    @property
    def _wide(self) -> bool:
        """Whether the data had numbers that float32 rounds. The rows of a frame may hold dates."""
        return self.spec.framed or np.result_type(self.spec.dtype, np.float32).itemsize > 4

    @property
    def unit(self) -> NDArray[np.float32]:
        """One unit of x in the units of the data, broadcastable to E."""
        scale = self.scale.float().cpu().numpy()
        return scale.reshape(self.spec.shape) if self.spec.form.units == "value" else scale.reshape(-1)

    @property
    def log_volume(self) -> float:
        """log |d raw / d x|, in nats: what a density of x has more than the same density in the units of the data."""
        logs = self.scale.double().log()
        return float(logs.sum()) * self.spec.size / logs.numel()

    def _channels_first(self, raw: Tensor) -> Tensor:
        axes = self.spec.axes
        if axes.count is None:
            return raw.flatten(1)
        if axes.channel is None:
            return raw.unsqueeze(1)
        return raw.movedim(axes.channel, 1) if axes.channel else raw


def as_tensor(x: Array) -> Tensor:
    """`x` as a tensor with its dtype, or the next larger one that PyTorch calculates with (it does not subtract booleans).

    It shares no memory that is read-only, so that who writes to it does no harm.
    """
    wider = {
        "bool": np.uint8,
        "uint16": np.int32,
        "uint32": np.int64,
        "uint64": np.float64,
        "longdouble": np.float64,
        "float128": np.float64,
    }
    native = np.ascontiguousarray(x, dtype=wider.get(x.dtype.name, x.dtype.newbyteorder("=")))
    return torch.from_numpy(native if native.flags.writeable else native.copy())


def _each(spec: DataSpec) -> tuple[int, ...]:
    """The shape of shift and scale, broadcastable to the event."""
    ones = (1,) * (len(spec.event) - 1)
    return {"one": (1, *ones), "channel": (spec.event[0], *ones), "value": spec.event}[spec.form.units]


def _moments(x: Array, columns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and deviation of the observed values of each of `columns` columns of `x` (n, *E), its last axis; in one pass.

    The moments of a piece are added to those of the pieces before it (Chan, Golub & LeVeque 1983, equation 2.1). A constant
    column gets deviation 1. Raises DataError for a column without one value.
    """
    seen, mean, squares = np.zeros(columns), np.zeros(columns), np.zeros(columns)
    for _, rows in pieces(x):
        flat = rows.reshape(-1, columns)
        new = np.count_nonzero(flat == flat, axis=0)
        own = np.nansum(flat, axis=0, dtype=np.float64) / np.maximum(new, 1)
        total = np.maximum(seen + new, 1)
        squares += np.nansum(np.square(flat - own), axis=0, dtype=np.float64) + np.square(own - mean) * seen * new / total
        mean += (own - mean) * new / total
        seen += new
    if not seen.all():
        raise DataError(f"column {int(np.argmin(seen))} of X holds nothing but NaN. Nothing can be learnt from it. Drop it.")
    deviation = np.sqrt(squares / seen)
    constant = deviation <= CONSTANT * np.abs(mean).clip(min=math.ulp(1.0))
    return mean, np.where(constant, 1.0, deviation)
