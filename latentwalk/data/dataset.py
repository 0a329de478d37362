"""What goes in: an array of examples, and what is known about one of them.

`DataSpec` is inferred once, when the data is first seen, and travels with the model from then on. `Dataset` is the array
with its labels and names; every reader of `sources`, and every name of the `catalog`, answers with one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from typing import Any, Literal, TypeGuard, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.data.columns import Column, columns_of, encoded, is_frame, needs_columns
from latentwalk.data.rows import Rows, evenly, picked, pieces, value_range
from latentwalk.errors import DataError

__all__ = ["DataSpec", "Dataset", "Kind", "adopted", "as_array", "check_finite", "check_labels", "is_ragged", "padded"]

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


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples and what is known about them.

    x: (n, *E), in memory, memory-mapped, or read when asked for (`rows.Rows`). y: (n,) integers into `classes`, or None.
    names: (n,) what each row is called (a file name, say), or empty. factors: known generative factors or attributes by name,
    each (n,). skipped: what could not be read, and why, one line each.
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
    def of(
        cls,
        x: Any,
        y: ArrayLike | None = None,
        *,
        kind: Kind | None = None,
        columns: Sequence[Column] = (),
        **known: Any,
    ) -> "Dataset":
        """A data set from an array (n, *E) and, where there are labels, (n,) numbers or strings.

        x may also be a list of signals of different lengths, a pandas frame with text, categories and dates beside numbers, or
        a Hugging Face `datasets.Dataset` (`known` then takes the options of `sources.huggingface.of_table`).
        columns: what its columns are, as another table had them. In a table or a signal, NaN says: not observed.
        Raises DataError: no rows, no numbers, infinity, a row that is all NaN (which one), labels of another length.

        >>> Dataset.of(np.eye(3), ["a", "b", "a"]).classes
        ('a', 'b')
        """
        if (made := adopted(x, y=y, kind=kind, **known)) is not x:
            return made
        if is_ragged(x):
            x, kind = padded(x), kind or "signal"
        elif is_frame(x) and (columns or needs_columns(x)):
            columns = columns or columns_of(x)
            x, kind = encoded(x, columns), "table"
        x = as_array(x)
        spec = replace(DataSpec.infer(x, kind), columns=tuple(columns))
        check_finite(x, missing=spec.missing)
        codes = None
        if y is not None:
            values, codes = np.unique(check_labels(y, len(x)), return_inverse=True)
            known.setdefault("classes", tuple(str(value) for value in values))
            codes = codes.astype(np.int64)
        return cls(x, spec, codes, **known)

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: NDArray[np.integer]) -> "Dataset":
        """The data set of these rows, in this order."""
        return replace(
            self,
            x=picked(self.x, rows),
            y=None if self.y is None else self.y[rows],
            names=tuple(self.names[row] for row in rows) if self.names else (),
            factors={name: values[rows] for name, values in self.factors.items()},
        )


def adopted(x: Any, **options: Any) -> Any:
    """A Hugging Face `datasets.Dataset` as a `Dataset`; all else as it is. options: of `sources.huggingface.of_table`."""
    if type(x).__module__.split(".")[0] != "datasets":
        return x
    return import_module("latentwalk.data.sources.huggingface").of_table(x, **options)


def as_array(x: ArrayLike) -> NDArray[Any]:
    """`x` as an array (n, *E) of booleans, integers or floats with at least one row and one value a row.

    A memory-mapped array stays one, and so do `Rows`: they have all of an array that examples need. Raises DataError.
    """
    array = cast(NDArray[Any], x) if isinstance(x, (np.ndarray, Rows)) else np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise DataError(f"expected numbers, got an array of dtype {array.dtype}. Turn text and dates into numbers first.")
    if array.ndim < 2:
        raise DataError(f"expected an array (n, *E) of n examples, got shape {array.shape}. Reshape one example to (1, …).")
    if len(array) == 0:
        raise DataError(f"the data is empty: shape {array.shape}. At least one example is needed.")
    if 0 in array.shape[1:]:
        raise DataError(f"each example is empty: shape {array.shape}, 0 feature(s). At least one value an example is needed.")
    return array


def check_finite(x: NDArray[Any], *, missing: bool = False) -> None:
    """Raise DataError naming row and column of the first NaN or infinity in `x` (n, *E).

    missing: NaN is welcome, and says that a value was not observed; then only a row that is all NaN is refused.
    """
    if x.dtype.kind != "f":
        return
    for start, rows in pieces(x):
        bad = np.isinf(rows) if missing else ~np.isfinite(rows)
        if bad.any():
            row, *column = (int(i) for i in np.argwhere(bad)[0])
            value = rows[(row, *column)]
            where = f"column {column[0]}" if len(column) == 1 else f"position {tuple(column)}"
            raise DataError(
                f"X holds {'NaN' if np.isnan(value) else 'infinity'} ({value}) at row {start + row}, {where}. "
                f"Expected finite numbers{', or NaN where nothing was observed' if missing else ''}. "
                "Drop or fill those values first."
            )
        empty = np.isnan(rows).reshape(len(rows), -1).all(axis=1) if missing else np.zeros(0, bool)
        if empty.any():
            raise DataError(
                f"row {start + int(np.argmax(empty))} of X holds nothing but NaN (a signal of length 0, or a table row without "
                "one observed value). Nothing can be learnt or said about it. Drop such rows first."
            )


def is_ragged(x: object) -> "TypeGuard[Sequence[NDArray[Any]]]":
    """Whether `x` is a list of signals, (T, F) or (T,) each, that differ in length."""
    if not (isinstance(x, (list, tuple)) and len(x)):
        return False
    return all(isinstance(one, np.ndarray) and one.ndim in (1, 2) for one in x) and len({len(one) for one in x}) > 1


def padded(signals: Sequence[ArrayLike], length: int | None = None) -> NDArray[Any]:
    """Signals of different lengths, (T_i,) or (T_i, F) each, as one array (n, T[, F]) that is NaN after each one's end.

    length: T; that of the longest unless given. Raises DataError: a signal without steps, longer than `length`, or with
    another number of channels.

    >>> padded([[1.0, 2.0], [3.0]])
    array([[ 1.,  2.],
           [ 3., nan]])
    """
    arrays = [np.asarray(one) for one in signals]
    if not arrays:
        raise DataError("no signals: the list is empty. At least one is needed.")
    longest = max(len(one) for one in arrays) if length is None else length
    for row, one in enumerate(arrays):
        if one.ndim not in (1, 2) or one.shape[1:] != arrays[0].shape[1:] or one.dtype.kind not in "biuf":
            like = ("T", *map(str, arrays[0].shape[1:]))
            raise DataError(f"signal {row} is {one.dtype} of shape {one.shape}; expected numbers, ({', '.join(like)}).")
        if not 1 <= len(one) <= longest:
            raise DataError(f"signal {row} has {len(one)} steps; expected 1 to {longest}. Drop or cut it.")
    dtype = np.result_type(np.float32, *(one.dtype for one in arrays))
    whole = np.full((len(arrays), longest, *arrays[0].shape[1:]), np.nan, dtype)
    for row, one in enumerate(arrays):
        whole[row, : len(one)] = one
    return whole


def check_labels(y: ArrayLike, rows: int) -> NDArray[Any]:
    """`y` as (rows,). Raises DataError when its shape is another."""
    labels = np.asarray(y)
    if labels.shape != (rows,):
        raise DataError(f"expected {rows} labels, one for each row of X, got an array of shape {labels.shape}.")
    return labels


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
