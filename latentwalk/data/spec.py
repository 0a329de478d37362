"""What one example is: `DataSpec`, inferred once, when the data is first seen; it travels with the model from then on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latentwalk.data.columns import Column
from latentwalk.data.rows import evenly, pieces, value_range
from latentwalk.errors import DataError

__all__ = ["DataSpec", "Kind"]


Kind = Literal["image", "table", "signal"]


Layout = Literal["HW", "HWC", "CHW", "flat", "T", "TF"]


FITS: dict[str, dict[str, int | None]] = {
    "image": {"HW": 2, "HWC": 3, "CHW": 3},
    "table": {"flat": None},
    "signal": {"T": 1, "TF": 2},
}


@dataclass(frozen=True, slots=True)
class DataSpec:
    """What one example is.

    kind: "image", "table" or "signal". shape: the event (*E) as its owner gives it: (28, 28), (64, 64, 3), (3, 64, 64), (30,).
    layout: where an image keeps its channels; "flat" for a table; "T" or "TF", time first, for a signal. dtype: NumPy's name.
    low, high: the range of the values: 0 and 255 for bytes of an image, what was seen otherwise.
    extreme: the share of values within a twentieth of the range from either end, 1 for binary data.
    missing: whether NaN was seen, which says: not observed. A signal that ends early is NaN from there on.
    columns: what each column of a table is, where they are not all plain numbers; its values are as `columns.encoded` has them.
    """

    kind: Kind
    shape: tuple[int, ...]
    layout: Layout
    dtype: str
    low: float
    high: float
    extreme: float
    missing: bool = False
    columns: tuple[Column, ...] = ()

    def __post_init__(self) -> None:
        """Raise DataError where it contradicts itself: it may come from a file."""
        fits = self.layout in FITS.get(self.kind, {}) and FITS[self.kind][self.layout] in (None, len(self.shape))
        if not (fits and self.shape and all(type(size) is int and size > 0 for size in self.shape)):
            raise DataError(f"no {self.kind} is of shape {self.shape}, laid out as {self.layout}.")
        if np.dtype(self.dtype).kind not in "biuf" or not all(isinstance(end, (int, float)) for end in (self.low, self.high)):
            raise DataError(f"no data is {self.dtype} from {self.low} to {self.high}.")
        if not isinstance(self.columns, tuple) or len(self.columns) not in (0, *self.shape[:1]):
            raise DataError(f"{len(self.columns)} columns cannot be those of examples of shape {self.shape}.")

    @classmethod
    def infer(cls, x: NDArray[Any], kind: Kind | None = None, layout: Layout | None = None) -> "DataSpec":
        """The spec of `x` (n, *E), read off its shape and values. `kind` and `layout` override what would be guessed.

        An event of two axes is a gray image; of three, a colour image when its first or last axis has 1, 3 or 4 entries;
        of one axis, a table. Everything else is flattened into a table. kind="signal" reads (T,) or (T, F), T steps in time.
        The share of extreme values is that of evenly spaced rows where all would not fit into memory.

        >>> DataSpec.infer(np.zeros((5, 28, 28), np.uint8)).layout
        'HW'
        """
        shape = tuple(int(size) for size in x.shape[1:])
        layout = layout or _layout(shape, kind)
        kind = kind or ("table" if layout == "flat" else "image")
        if kind == "image" and layout == "flat":
            raise DataError(
                f"an event of shape {shape} is not an image. Expected (H, W), (H, W, C) or (C, H, W) with C in 1, 3, 4. "
                "Reshape X, or leave out kind='image'."
            )
        missing = kind != "image" and x.dtype.kind == "f" and any(np.isnan(rows).any() for _, rows in pieces(x))
        low, high = _range(x, kind)
        return cls(kind, shape, layout, str(x.dtype), low, high, _extreme(evenly(x), low, high), missing)

    @classmethod
    def of_columns(cls, x: NDArray[Any], columns: Sequence[Column]) -> "DataSpec":
        """The spec of a table `x` (n, C) whose columns are these."""
        return replace(cls.infer(x, "table"), columns=tuple(columns))

    @property
    def framed(self) -> bool:
        """Whether examples are the rows of a data frame."""
        return bool(self.columns) and bool(self.columns[0].name)

    @property
    def channels(self) -> int:
        """Channels of an image; 1 for a gray one."""
        return {"HWC": self.shape[-1], "CHW": self.shape[0]}.get(self.layout, 1)

    @property
    def event(self) -> tuple[int, ...]:
        """The event as networks see it: (C, H, W) for an image, (D,) for a table, (F, T) for a signal."""
        match self.layout:
            case "HW":
                return (1, *self.shape)
            case "HWC":
                return (self.shape[2], *self.shape[:2])
            case "CHW":
                return self.shape
            case "T":
                return (1, *self.shape)
            case "TF":
                return self.shape[::-1]
            case _:
                return (int(np.prod(self.shape)),)

    @property
    def size(self) -> int:
        """Numbers in one example."""
        return int(np.prod(self.shape))

    def channels_last(self, x: NDArray[Any]) -> NDArray[Any]:
        """Images (n, *E) with their channels as the last axis: (n, H, W, C)."""
        match self.layout:
            case "HW":
                return x[..., None]
            case "CHW":
                return np.moveaxis(x, 1, -1)
            case _:
                return x

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a JSON file."""
        return {**asdict(self), "shape": list(self.shape)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "DataSpec":
        """The spec that `to_json` wrote."""
        columns = (Column(**{**one, "categories": tuple(one["categories"])}) for one in values["columns"])
        return cls(**{**values, "shape": tuple(values["shape"]), "columns": tuple(columns)})


def _layout(shape: tuple[int, ...], kind: Kind | None) -> Layout:
    if kind == "table":
        return "flat"
    if kind == "signal":
        if len(shape) > 2:
            raise DataError(f"an event of shape {shape} is not a signal. Expected (T,) or (T, F): time first, then channels.")
        return "T" if len(shape) == 1 else "TF"
    if len(shape) == 2:
        return "HW"
    if len(shape) == 3 and shape[-1] in (1, 3, 4):
        return "HWC"
    if len(shape) == 3 and shape[0] in (1, 3, 4):
        return "CHW"
    return "flat"


def _range(x: NDArray[Any], kind: Kind) -> tuple[float, float]:
    if kind == "image" and x.dtype == np.uint8 and (_beyond_one(evenly(x)) or _beyond_one(x)):
        return 0.0, 255.0
    low, high = value_range(x)
    if x.dtype.kind == "b" or (low >= 0 and high <= 1 and kind == "image"):
        return 0.0, 1.0
    return low, high


def _beyond_one(x: NDArray[Any]) -> bool:
    """Whether bytes are more than 0 and 1: usually known after the first piece."""
    return any((rows > 1).any() for _, rows in pieces(x))


def _extreme(x: NDArray[Any], low: float, high: float) -> float:
    margin = (high - low) / 20
    near = observed = 0
    for _, rows in pieces(x):
        near += int(np.count_nonzero((rows <= low + margin) | (rows >= high - margin)))
        observed += int(np.count_nonzero(rows == rows))
    return float(near / max(observed, 1))
