"""From the units of the data to what networks like to see, and back.

Scaling is part of the model: it is saved with it, runs where the model runs (so that bytes stay bytes until the batch is
formed), and is undone on the way out. Only networks calculate in float32: what has more digits is scaled in float64.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentwalk.arrays import Array, Doubles
from latentwalk.checks import digits_of
from latentwalk.data.examples import position
from latentwalk.data.limits import Limit
from latentwalk.data.rows import changed, pieces, spaced
from latentwalk.data.spec import DataSpec
from latentwalk.data.transform import PowerTransform
from latentwalk.errors import DataError

__all__ = ["Scaling", "ScalingName", "as_tensor"]

ScalingName = Literal["none", "unit", "standard"]
CONSTANT = 1e-12  # a column whose deviation is below this share of its mean is constant to rounding
DELICATE = 1e-8  # below this share of the mean, a deviation is not found to enough digits in one pass
SQUARED = 1e-140  # below it, and where they overflow, squares are not held to all digits
SMALLEST = 1e-290  # a scale below it leaves numbers that are flushed to 0 while training
TINY, HUGE = 1e-30, 1e30  # units that float32 calculates with, with room for products
REACH = 1e18  # scaled values beyond it have squares that float32 does not hold
OFFSET = 256  # what lies further from 0, in its own deviations or ranges, loses digits in float32
NEAR, FAR = np.float32(1e-3), 1e6  # numbers closer to 0 are one to networks; what is further than so many widths is far
LEVELS = 8  # the fewest different numbers that the middle of the data may become in float32
MIDDLES = ((0.25, 0.75), (0.1, 0.9), (0.01, 0.99))  # quantiles between which the middle of the data lies
_ADVICE = "Drop or clip it, or mark it as missing (NaN) if it says that nothing was observed."


class Scaling(nn.Module):
    """Scaling and layout: raw data (B, *E) of any dtype ↔ x (B, *event), float32 and channels first; units as they are.

    x = (raw - shift) / scale, raw after the power transform of its column where the spec has one, with shift and scale
    broadcastable to the event: one number each for an image, one a column for a table, one a channel for a signal. Arithmetic
    is in float64 but for images, so that a column of large numbers with a small spread (years, say) keeps its digits; of images
    in float32, but where that loses digits (`_wide`). NaN stays NaN. On the way back nothing leaves the limits of its column.
    """

    shift: Tensor
    scale: Tensor
    ends: Tensor | None

    def __init__(self, spec: DataSpec, shift: Tensor | None = None, scale: Tensor | None = None) -> None:
        super().__init__()
        self.spec = spec
        empty = torch.zeros(_each(spec), dtype=torch.float64 if _wide(spec) else torch.float32)
        self.register_buffer("shift", empty if shift is None else shift.to(empty))
        self.register_buffer("scale", torch.ones_like(empty) if scale is None else scale.to(empty))
        self.power = PowerTransform(spec.powers) if spec.powers else None
        self.register_buffer("ends", _ends(spec.limits), persistent=False)
        self._exact = self._loses_digits()

    @classmethod
    def natural(cls, x: Array, spec: DataSpec) -> "Scaling":
        """The scaling for data (n, *E) by its kind: to [0, 1] where its ends are known beforehand, to deviation 1 elsewhere."""
        return cls.fit(x, spec, "unit" if spec.form.bounded else "standard")

    @classmethod
    def fit(cls, x: Array, spec: DataSpec, how: ScalingName) -> "Scaling":
        """The scaling for data (n, *E): "none", "unit" (range [0, 1]) or "standard" (mean 0, deviation 1 each).

        Raises DataError naming row and column where values cannot be held: a range that float64 does not have, or one value so
        far from all others that these become the same number.
        """
        found = cls._fitted(x, spec, how)
        found._check_apart(x)
        return found

    @classmethod
    def _fitted(cls, x: Array, spec: DataSpec, how: ScalingName) -> "Scaling":
        plain = cls(spec)
        match how:
            case "unit":
                width = spec.high - spec.low
                if not (math.isfinite(width) and (width == 0 or width >= SMALLEST)):
                    raise _out_of_range(x, spec, 0)
                return cls(spec, torch.full_like(plain.shift, spec.low), torch.full_like(plain.scale, width or 1.0))
            case "standard":
                shape = _each(spec)
                moments = _moments(plain._bent(x), math.prod(shape))
                if (unheld := ~np.isfinite(moments[1]) | (moments[1] < SMALLEST)).any():
                    raise _out_of_range(x, spec, int(np.argmax(unheld)))
                mean, deviation = (torch.from_numpy(moment).reshape(shape) for moment in moments)
                if spec.columns:  # counts and codes stay what they are
                    plain_ = torch.tensor([column.kind != "continuous" for column in spec.columns])
                    mean, deviation = mean.where(~plain_, 0.0), deviation.where(~plain_, 1.0)
                    for at, column in enumerate(spec.columns):
                        if column.constant is not None:  # exactly: a mean of many is rounded
                            mean[at], deviation[at] = column.constant, 1.0
                return cls(spec, mean, deviation)
            case _:
                return plain

    def forward(self, raw: Tensor) -> Tensor:
        """raw (B, *E) → x (B, *event)."""
        if self.spec.form.serial:  # numbers that stand for units are looked up, not calculated with
            return raw.long()
        values = self._channels_first(raw) if self.power is None else self.power(self._channels_first(raw))
        shifted = values - self.shift if self._shifts else values
        return (shifted / self.scale).float()

    def inverse(self, x: Tensor) -> Tensor:
        """x (B, *event) → raw (B, *E), in the units of the data: float64 where float32 would round those, else float32."""
        if self.spec.form.serial:
            return x.int()
        raw = x * self.scale
        raw = raw + self.shift if self._shifts else raw
        raw = raw if self.power is None else self.power.inverse(raw)
        raw = raw if self.ends is None else self._within(raw, self.ends)
        return self.arranged(raw if self._exact else raw.float())

    @staticmethod
    def _within(raw: Tensor, ends: Tensor) -> Tensor:
        """raw (B, C) with the end of its column where it is beyond, or nearly there; NaN stays NaN."""
        low, high, below, above = ends
        return torch.where(raw < below, low, torch.where(raw > above, high, raw))

    def arranged(self, x: Tensor) -> Tensor:
        """x (B, *event) → (B, *E): the layout of the data, the values as they are."""
        if self.spec.axes.channel == -1:
            return x.movedim(1 - x.ndim, -1)
        return x.reshape(-1, *self.spec.shape)

    @property
    def _shifts(self) -> bool:
        """Whether shift can be anything but 0. For bytes it is 0, and leaving it out saves a pass over every batch."""
        return not self.spec.form.bounded or self.spec.low != 0

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._exact = self._loses_digits()

    def _loses_digits(self) -> bool:
        """Whether values on the way out are float64: the data had numbers that float32 rounds, or does not calculate with.

        The rows of a frame may hold dates.
        """
        if self.spec.framed or np.result_type(self.spec.dtype, np.float32).itemsize > 4:
            return True
        if self.scale.is_meta or self.scale.dtype != torch.float64:
            return False
        return float(torch.maximum(self.shift.abs(), self.scale).max()) > HUGE or float(self.scale.min()) < TINY

    @property
    def unit(self) -> NDArray[np.floating[Any]]:
        """One unit of x in the units of the data, broadcastable to E: float32, float64 where that would be 0 or infinite.

        Of a transformed column, at x = 0, its middle.
        """
        scale = self._for_data(self._unit)
        narrow = self._unit.float().cpu().numpy().reshape(scale.shape)
        return narrow if np.isfinite(narrow).all() and (narrow >= np.finfo(np.float32).tiny).all() else scale

    def check_reach(self, x: Array) -> None:
        """Raise DataError naming row and column of a value of x (n, *E) that float32 does not hold once it is scaled."""
        if self.spec.form.serial or not _many_digits(x):
            return
        shift, scale = self._for_data(self.shift), self._for_data(self.scale)
        for start, rows in pieces(self._bent(x)):
            ends = np.stack([np.fmin.reduce(rows, axis=0), np.fmax.reduce(rows, axis=0)]).astype(np.float64)
            with np.errstate(over="ignore"):
                if not (np.abs((ends - shift) / scale) > REACH).any():
                    continue
                row, *column = (int(i) for i in np.argwhere(np.abs((rows - shift) / scale) > REACH)[0])
            value = x[start + row : start + row + 1][(0, *column)]
            raise DataError(
                f"X holds {digits_of(value)} at {self._place(start + row, column)}; once scaled that is beyond "
                f"{REACH:g}, and float32 does not calculate with it. {_ADVICE}"
            )

    def furthest(self, x: Array, first: int = 0) -> str:
        """Where in rows x (n, *E) from `first` on lies what is largest once scaled: "row 0, column 3, and is 1e+39"."""
        best, said = -1.0, "no value"
        shift, scale = self._for_data(self.shift), self._for_data(self.scale)
        for start, rows in pieces(x):
            with np.errstate(over="ignore"):
                far = np.abs((self._bent(rows) - shift) / scale)
            far = np.where(np.isnan(far), -1.0, far)
            if far.max() > best:
                row, *column = (int(i) for i in np.unravel_index(int(far.argmax()), far.shape))
                best, said = far.max(), f"{self._place(first + start + row, column)}, and is {digits_of(rows[(row, *column)])}"
        return said

    def _check_apart(self, x: Array) -> None:
        """Raise DataError where the middle of the data becomes one number in float32, because of one value that is far away."""
        if self.scale.is_meta or not _many_digits(x):
            return
        shift, scale = (values.double().cpu().numpy().reshape(-1) for values in (self.shift, self.scale))
        flat = spaced(x).reshape(-1, len(scale))
        raw = np.sort(flat[:: (len(flat) >> 16) | 1], axis=0).astype(np.float64)
        flat = self._bent(raw)
        last = np.count_nonzero(flat == flat, axis=0) - 1
        for ends in MIDDLES:
            places = [np.floor(q * last.clip(0)).astype(np.int64)[None] for q in ends]
            least, most = (np.take_along_axis(raw, place, axis=0)[0] for place in places)
            low, high = (np.take_along_axis(flat, place, axis=0)[0] for place in places)
            with np.errstate(all="ignore"):
                differ = most - least > CONSTANT * np.maximum(np.abs(least), np.abs(most))
                first, second = (((end - shift) / scale).astype(np.float32) for end in (low, high))
                levels = (second - first) / np.spacing(np.maximum(np.abs(first), np.abs(second)).clip(min=NEAR))
            if (lost := differ & (last >= 3) & (levels < LEVELS)).any():
                column = int(np.argmax(lost))
                row, place, value = _furthest_from(self._bent(x), len(scale), column, low[column])
                if abs(float(value) - low[column]) < FAR * (high[column] - low[column]):
                    continue  # the scaling is that of wider data
                value = x[row : row + 1][(0, *place)]
                raise DataError(
                    f"X holds {digits_of(value)} at {self._place(row, place)}, so far from the others, most of which lie from "
                    f"{least[column]:.3g} to {most[column]:.3g}, that beside it float32 takes them for one number. {_ADVICE}"
                )

    def _for_data(self, values: Tensor) -> Doubles:
        """shift or scale as float64, broadcastable to E."""
        flat = values.double().cpu().numpy()
        return flat.reshape(self.spec.shape) if self.spec.form.units == "value" else flat.reshape(-1)

    def _place(self, row: int, column: Sequence[int]) -> str:
        return position(row, column, [one.name for one in self.spec.columns])

    @property
    def _unit(self) -> Tensor:
        """d raw / d x at x = 0: like scale."""
        return self.scale if self.power is None else self.scale * (-self._middle_slope).exp()

    @property
    def _middle_slope(self) -> Tensor:
        """log dy/draw of the transforms (C,) at x = 0."""
        assert self.power is not None
        return self.power.log_slope(self.power.inverse(self.shift[None]))[0]

    @property
    def log_volume(self) -> float:
        """log |d raw / d x| at x = 0, in nats: what a density of x has more than the same density in the units of the data.

        Where columns are transformed it is another in each row: less by the sum of `log_slope`.
        """
        logs = self._unit.double().log()
        return float(logs.sum()) * self.spec.size / logs.numel()

    def log_slope(self, raw: Tensor) -> Tensor:
        """log |d x / d raw| of each value of raw (B, *E), less what it is at x = 0, in nats: (B, *event).

        0 where there is no transform, and where a value is missing.
        """
        values = self._channels_first(raw)
        if self.power is None:
            return torch.zeros(values.shape, device=values.device)
        return torch.where(self.power.bent & ~values.isnan(), self.power.log_slope(values) - self._middle_slope, 0.0).float()

    def _bent(self, x: Array) -> Array:
        """x (n, *E) with the transforms of its columns, as float64; as it is where there are none."""
        power = self.power
        if power is None:
            return x

        def bent(rows: Array) -> Array:
            device = power.centre.device
            values: Array = power(torch.from_numpy(rows.reshape(len(rows), -1).astype(np.float64)).to(device)).cpu().numpy()
            return values.reshape(rows.shape)

        return changed(x, bent)

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


def _ends(limits: Sequence[Limit]) -> Tensor | None:
    """The ends of each column, and from where on a number is taken for them, (4, C), float64; None where there are no ends."""
    if all(one.low is None and one.high is None for one in limits):
        return None
    least = [-math.inf if one.low is None else one.low for one in limits]
    most = [math.inf if one.high is None else one.high for one in limits]
    below = [end if one.below is None else one.below for one, end in zip(limits, least, strict=True)]
    above = [end if one.above is None else one.above for one, end in zip(limits, most, strict=True)]
    return torch.tensor([least, most, below, above], dtype=torch.float64)


def _wide(spec: DataSpec) -> bool:
    """Whether shift and scale are float64: of images, where float32 would lose digits that the data has."""
    if not spec.form.bounded:
        return True
    width = spec.high - spec.low
    offset = max(abs(spec.low), abs(spec.high)) > OFFSET * width > 0
    return _beyond(spec) or (offset and _long(spec.dtype))


def _beyond(spec: DataSpec) -> bool:
    """Whether an image's range is one that float32 does not calculate with."""
    width, ends = spec.high - spec.low, max(abs(spec.low), abs(spec.high))
    return spec.form.bounded and width > 0 and (width < TINY or ends > HUGE)


def _long(dtype: str | np.dtype[Any]) -> bool:
    """Whether numbers of this type have more digits than float32."""
    dtype = np.dtype(dtype)
    return dtype.itemsize > 4 or (dtype.kind in "iu" and dtype.itemsize == 4)


def _many_digits(x: Array) -> bool:
    """Whether values can differ by so much that float32 does not hold them side by side; bytes and the like cannot."""
    return x.dtype.itemsize > 2


def _moments(x: Array, columns: int) -> tuple[Doubles, Doubles]:
    """Mean and deviation of the observed values of each of `columns` columns of `x` (n, *E), its last axis.

    In one pass; columns for which that has not digits enough are gone through again, their ends known: their values are taken
    from the smallest, and in units of a power of two, so that nothing is rounded, and squares neither overflow nor vanish. A
    constant column gets deviation 1. Raises DataError for a column without one value.
    """
    rows = (some.reshape(-1, columns) for _, some in pieces(x))
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        mean, deviation = _summed(rows, columns)
        spread, centre = deviation, np.abs(mean)
        constant = (spread <= CONSTANT * centre) | (spread == 0)
        again = ~np.isfinite(spread) | ~np.isfinite(centre)
        again |= (spread > 0) & (spread <= DELICATE * centre) | (np.maximum(spread, centre) < SQUARED)
        if (which := np.flatnonzero(again)).size and _long(x.dtype):
            middle, deviation[which], constant[which] = _precisely(x, columns, which)
            mean[which] = np.where(constant[which] & np.isfinite(mean[which]), mean[which], middle)
    return mean, np.where(constant, 1.0, deviation)


def _precisely(x: Array, columns: int, which: NDArray[np.int64]) -> tuple[Doubles, Doubles, NDArray[np.bool_]]:
    """Mean and deviation of columns `which`, and whether they are constant; both infinite beyond the range of float64."""

    def values() -> Iterable[Doubles]:
        return (some.reshape(-1, columns)[:, which].astype(np.float64) for _, some in pieces(x))

    low, high = np.full(len(which), np.inf), np.full(len(which), -np.inf)
    for some in values():
        low, high = np.fmin(low, np.fmin.reduce(some, axis=0)), np.fmax(high, np.fmax.reduce(some, axis=0))
    width = high - low
    power = np.frexp(np.where(np.isfinite(width), width, 1.0))[1]
    mean, deviation = _summed((np.ldexp(some - low, -power) for some in values()), len(which))
    ends = np.maximum(np.abs(low), np.abs(high))
    deviation = np.where(np.isfinite(width), np.ldexp(deviation, power), np.inf)
    return low + np.ldexp(mean, power), deviation, deviation <= 4 * np.finfo(np.float64).eps * ends


def _summed(rows: Iterable[Array], columns: int) -> tuple[Doubles, Doubles]:
    """Mean and deviation of the observed values of each column of rows (m, columns), some at a time.

    The moments of a piece are added to those of the pieces before it (Chan, Golub & LeVeque 1983, equation 2.1).
    """
    seen, mean, squares = np.zeros(columns), np.zeros(columns), np.zeros(columns)
    for flat in rows:
        new = np.count_nonzero(flat == flat, axis=0)
        own = np.nansum(flat, axis=0, dtype=np.float64) / np.maximum(new, 1)
        total = np.maximum(seen + new, 1)
        squares += np.nansum(np.square(flat - own), axis=0, dtype=np.float64) + np.square(own - mean) * seen * new / total
        mean += (own - mean) * new / total
        seen += new
    if not seen.all():
        raise DataError(f"column {int(np.argmin(seen))} of X holds nothing but NaN. Nothing can be learnt from it. Drop it.")
    return mean, np.sqrt(squares / seen)


def _furthest_from(x: Array, columns: int, column: int, middle: float) -> tuple[int, list[int], Any]:
    """Of the values of a column of x (n, *E), that which is furthest from `middle`: its row, its place there, and the value."""
    best, found = -1.0, (0, [0], middle)
    for start, rows in pieces(x):
        far = np.abs(rows.reshape(len(rows), -1, columns)[:, :, column].astype(np.float64) - middle)
        far = np.where(np.isnan(far), -1.0, far)
        if far.max() > best:
            row, inner = (int(i) for i in np.unravel_index(int(far.argmax()), far.shape))
            place = [int(i) for i in np.unravel_index(inner * columns + column, rows.shape[1:])]
            best, found = far.max(), (start + row, place, rows[(row, *place)])
    return found


def _out_of_range(x: Array, spec: DataSpec, column: int) -> DataError:
    """The error for a column whose values float64 does not hold side by side."""
    columns = math.prod(_each(spec))
    row, place, value = _furthest_from(x, columns, column, 0.0)
    return DataError(
        f"X holds {digits_of(value)} at {position(row, place, [one.name for one in spec.columns])}, and float64 does not "
        f"calculate with values that {'far' if abs(float(value)) > 1 else 'little'} apart. Give them in other units, or drop "
        "what is not meant."
    )
