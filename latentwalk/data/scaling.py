"""From the units of the data to what networks like to see, and back.

Scaling is part of the model: it is saved with it, runs where the model runs (so that bytes stay bytes until the batch is
formed), and is undone on the way out.
"""

import math
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentwalk.data.dataset import CHUNK, DataSpec

__all__ = ["Scaling", "ScalingName", "as_tensor"]

ScalingName = Literal["none", "unit", "standard"]
CONSTANT = 1e-12  # a column whose deviation is below this share of its largest value is constant to rounding


class Scaling(nn.Module):
    """Affine scaling and layout: raw data (B, *E) of any dtype ↔ x (B, *event), float32 and channels first.

    x = (raw - shift) / scale, with shift and scale broadcastable to the event. Arithmetic is in float64 for tables, so that
    a column of large numbers with a small spread (years, say) keeps its digits.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, spec: DataSpec, shift: Tensor | None = None, scale: Tensor | None = None) -> None:
        super().__init__()
        self.spec = spec
        empty = torch.zeros(spec.event if spec.kind == "table" else (1, 1, 1), dtype=_precision(spec))
        self.register_buffer("shift", empty if shift is None else shift.to(empty))
        self.register_buffer("scale", torch.ones_like(empty) if scale is None else scale.to(empty))

    @classmethod
    def fit(cls, x: NDArray[Any], spec: DataSpec, how: ScalingName) -> "Scaling":
        """The scaling for data (n, *E): "none", "unit" (range [0, 1]) or "standard" (each column mean 0, deviation 1)."""
        plain = cls(spec)
        match how:
            case "unit":
                width = spec.high - spec.low
                return cls(spec, torch.full_like(plain.shift, spec.low), torch.full_like(plain.scale, width or 1.0))
            case "standard":
                mean, deviation = _moments(x)
                return cls(spec, torch.from_numpy(mean), torch.from_numpy(deviation))
            case _:
                return plain

    def forward(self, raw: Tensor) -> Tensor:
        """raw (B, *E) → x (B, *event)."""
        shifted = self._channels_first(raw) - self.shift if self._shifts else self._channels_first(raw)
        return (shifted / self.scale).float()

    def inverse(self, x: Tensor) -> Tensor:
        """x (B, *event) → raw (B, *E), float32 in the units of the data."""
        raw = (x * self.scale + self.shift).float()
        if self.spec.layout == "HWC":
            return raw.movedim(-3, -1)
        return raw.reshape(-1, *self.spec.shape)

    @property
    def _shifts(self) -> bool:
        """Whether shift can be anything but 0. For bytes it is 0, and leaving it out saves a pass over every batch."""
        return self.spec.kind == "table" or self.spec.low != 0

    @property
    def unit(self) -> NDArray[np.float32]:
        """One unit of x in the units of the data, broadcastable to E."""
        scale = self.scale.float().cpu().numpy()
        return scale.reshape(self.spec.shape) if self.spec.kind == "table" else scale.reshape(-1)

    @property
    def log_volume(self) -> float:
        """log |d raw / d x|, in nats: what a density of x has more than the same density in the units of the data."""
        logs = self.scale.double().log()
        return float(logs.sum()) if self.spec.kind == "table" else float(logs.sum()) * self.spec.size

    def _channels_first(self, raw: Tensor) -> Tensor:
        match self.spec.layout:
            case "HW":
                return raw.unsqueeze(1)
            case "HWC":
                return raw.movedim(-1, 1)
            case "flat":
                return raw.flatten(1)
            case _:
                return raw


def as_tensor(x: NDArray[Any]) -> Tensor:
    """`x` as a tensor with its dtype, or the next larger one that PyTorch calculates with (it does not subtract booleans)."""
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


def _precision(spec: DataSpec) -> torch.dtype:
    return torch.float64 if spec.kind == "table" else torch.float32


def _moments(x: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and deviation of each column of `x` (n, *E) flattened, in two passes; a constant column gets deviation 1."""
    flat = x.reshape(len(x), -1)
    chunks = range(0, len(flat), CHUNK)
    mean = np.sum([flat[i : i + CHUNK].sum(axis=0, dtype=np.float64) for i in chunks], axis=0) / len(flat)
    squares = np.sum([np.square(flat[i : i + CHUNK] - mean).sum(axis=0, dtype=np.float64) for i in chunks], axis=0)
    deviation = np.sqrt(squares / len(flat))
    constant = deviation <= CONSTANT * np.abs(mean).clip(min=math.ulp(1.0))
    return mean, np.where(constant, 1.0, deviation)
