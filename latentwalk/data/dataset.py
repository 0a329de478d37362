"""What goes in: an array of examples, and what is known about one of them.

`DataSpec` is inferred once, when the data is first seen, and travels with the model from then on. `Dataset` is the array
with its labels and names; every reader of `sources`, and every name of the `catalog`, answers with one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.errors import DataError

__all__ = ["DataSpec", "Dataset", "as_array", "check_finite", "check_labels"]

Kind = Literal["image", "table"]
Layout = Literal["HW", "HWC", "CHW", "flat"]
CHUNK = 4096  # rows looked at together, so that a memory-mapped array is never copied whole


@dataclass(frozen=True, slots=True)
class DataSpec:
    """What one example is.

    kind: "image" or "table". shape: the event (*E) as its owner gives it: (28, 28), (64, 64, 3), (3, 64, 64), (30,).
    layout: where an image keeps its channels; "flat" for a table. dtype: NumPy's name for it.
    low, high: the range of the values: 0 and 255 for bytes of an image, what was seen otherwise.
    extreme: the share of values within a twentieth of the range from either end, 1 for binary data.
    """

    kind: Kind
    shape: tuple[int, ...]
    layout: Layout
    dtype: str
    low: float
    high: float
    extreme: float

    @classmethod
    def infer(cls, x: NDArray[Any], kind: Kind | None = None, layout: Layout | None = None) -> "DataSpec":
        """The spec of `x` (n, *E), read off its shape and values. `kind` and `layout` override what would be guessed.

        An event of two axes is a gray image; of three, a colour image when its first or last axis has 1, 3 or 4 entries;
        of one axis, a table. Everything else is flattened into a table.

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
        low, high = _range(x, kind)
        return cls(kind, shape, layout, str(x.dtype), low, high, _extreme(x, low, high))

    @property
    def channels(self) -> int:
        """Channels of an image; 1 for a gray one."""
        return {"HW": 1, "HWC": self.shape[-1], "CHW": self.shape[0], "flat": 1}[self.layout]

    @property
    def event(self) -> tuple[int, ...]:
        """The event as networks see it: (C, H, W) for an image, (D,) for a table."""
        match self.layout:
            case "HW":
                return (1, *self.shape)
            case "HWC":
                return (self.shape[2], *self.shape[:2])
            case "CHW":
                return self.shape
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
        return cls(**{**values, "shape": tuple(values["shape"])})


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples and what is known about them.

    x: (n, *E), in memory or memory-mapped. y: (n,) integers into `classes`, or None. names: (n,) what each row is called
    (a file name, say), or empty. factors: known generative factors or attributes by name, each (n,).
    skipped: what could not be read, and why, one line each.
    """

    x: NDArray[Any]
    spec: DataSpec
    y: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    name: str = "data"
    names: tuple[str, ...] = ()
    factors: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()

    @classmethod
    def of(cls, x: ArrayLike, y: ArrayLike | None = None, *, kind: Kind | None = None, **known: Any) -> "Dataset":
        """A data set from an array (n, *E) and, where there are labels, (n,) numbers or strings.

        Raises DataError: no rows, no numbers, NaN or infinity (which row and column), labels of another length.

        >>> Dataset.of(np.eye(3), ["a", "b", "a"]).classes
        ('a', 'b')
        """
        x = as_array(x)
        check_finite(x)
        codes = None
        if y is not None:
            values, codes = np.unique(check_labels(y, len(x)), return_inverse=True)
            known.setdefault("classes", tuple(str(value) for value in values))
            codes = codes.astype(np.int64)
        return cls(x, DataSpec.infer(x, kind), codes, **known)

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: NDArray[np.integer]) -> "Dataset":
        """The data set of these rows, in this order."""
        return replace(
            self,
            x=self.x[rows],
            y=None if self.y is None else self.y[rows],
            names=tuple(self.names[row] for row in rows) if self.names else (),
            factors={name: values[rows] for name, values in self.factors.items()},
        )


def as_array(x: ArrayLike) -> NDArray[Any]:
    """`x` as an array (n, *E) of booleans, integers or floats with at least one row and one value a row.

    A memory-mapped array stays one. Raises DataError.
    """
    array = x if isinstance(x, np.ndarray) else np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise DataError(f"expected numbers, got an array of dtype {array.dtype}. Turn text and dates into numbers first.")
    if array.ndim < 2:
        raise DataError(f"expected an array (n, *E) of n examples, got shape {array.shape}. Reshape one example to (1, …).")
    if len(array) == 0:
        raise DataError(f"the data is empty: shape {array.shape}. At least one example is needed.")
    if array[0].size == 0:
        raise DataError(f"each example is empty: shape {array.shape}, 0 feature(s). At least one value an example is needed.")
    return array


def check_finite(x: NDArray[Any]) -> None:
    """Raise DataError naming row and column of the first NaN or infinity in `x` (n, *E)."""
    if x.dtype.kind != "f":
        return
    for start, rows in _chunks(x):
        bad = ~np.isfinite(rows)
        if bad.any():
            row, *column = (int(i) for i in np.argwhere(bad)[0])
            value = rows[(row, *column)]
            where = f"column {column[0]}" if len(column) == 1 else f"position {tuple(column)}"
            raise DataError(
                f"X holds {'NaN' if np.isnan(value) else 'infinity'} ({value}) at row {start + row}, {where}. "
                "Expected finite numbers. Drop or fill those values first."
            )


def check_labels(y: ArrayLike, rows: int) -> NDArray[Any]:
    """`y` as (rows,). Raises DataError when its shape is another."""
    labels = np.asarray(y)
    if labels.shape != (rows,):
        raise DataError(f"expected {rows} labels, one for each row of X, got an array of shape {labels.shape}.")
    return labels


def _chunks(x: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    return ((start, x[start : start + CHUNK]) for start in range(0, len(x), CHUNK))


def _layout(shape: tuple[int, ...], kind: Kind | None) -> Layout:
    if kind == "table":
        return "flat"
    if len(shape) == 2:
        return "HW"
    if len(shape) == 3 and shape[-1] in (1, 3, 4):
        return "HWC"
    if len(shape) == 3 and shape[0] in (1, 3, 4):
        return "CHW"
    return "flat"


def _range(x: NDArray[Any], kind: Kind) -> tuple[float, float]:
    low = float(min(rows.min() for _, rows in _chunks(x)))
    high = float(max(rows.max() for _, rows in _chunks(x)))
    if kind == "image" and x.dtype == np.uint8 and high > 1:
        return 0.0, 255.0
    if x.dtype.kind == "b" or (low >= 0 and high <= 1 and kind == "image"):
        return 0.0, 1.0
    return low, high


def _extreme(x: NDArray[Any], low: float, high: float) -> float:
    margin = (high - low) / 20
    near = sum(np.count_nonzero((rows <= low + margin) | (rows >= high - margin)) for _, rows in _chunks(x))
    return float(near / x.size)
