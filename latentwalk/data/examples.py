"""Examples as arrays (n, *E): made of what a user holds, and checked, with errors that name row and column."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import numpy as np
from numpy.typing import ArrayLike

from latentwalk.arrays import Array
from latentwalk.data.rows import Rows, pieces
from latentwalk.errors import DataError
from latentwalk.memory import sized

if TYPE_CHECKING:
    import torch

__all__ = [
    "as_array",
    "as_plain",
    "check_finite",
    "check_labels",
    "check_one_each",
    "is_ragged",
    "padded",
    "position",
    "unmasked",
]


def as_plain(x: Any) -> Any:
    """`x` in NumPy's arrays: a tensor or nested lists as one, signals of different lengths as a list of them, or `x`.

    What is None or pandas' NA among numbers, or masked, becomes NaN. Raises DataError for what is not read as rows of numbers:
    a sparse matrix, batches, lists that are no rectangle, a data set of PyTorch's (which `adopt` takes).

    >>> as_plain([[1.0, None], [2.0, 3.0]])
    array([[ 1., nan],
           [ 2.,  3.]])
    >>> [len(signal) for signal in as_plain([[1.0, 2.0, 3.0], [4.0]])]
    [3, 1]
    """
    if _is_tensor(x):
        return [_of_tensor(one) for one in x.unbind()] if x.is_nested else _of_tensor(x)
    if _is_a(x, "scipy.sparse", "sparray", "spmatrix"):
        raise _sparse(f"a SciPy sparse matrix of {x.dtype}", x.shape, x.dtype.itemsize, "X.toarray()")
    if _is_a(x, "torch.utils.data", "DataLoader"):
        raise DataError("X is a DataLoader, whose batches are mixed anew in every pass. Give its data set: loader.dataset.")
    if _is_a(x, "torch.utils.data", "Dataset"):
        raise DataError(f"X is a {type(x).__name__}, a data set of PyTorch's. Use latentwalk.adopt(X).")
    if isinstance(x, np.ma.MaskedArray):
        return unmasked(x)
    if isinstance(x, np.ndarray) and x.dtype == object:
        return as_plain(list(x)) if x.ndim == 1 and _holds_rows(x) else _of_objects(x)
    return _of_list(x) if isinstance(x, (list, tuple)) else x


def as_array(x: ArrayLike) -> Array:
    """`x` as an array (n, *E) of booleans, integers or floats with at least one row and one value a row.

    A memory-mapped array stays one, and so do `Rows`: they have all of an array that examples need. What a masked array hides
    is NaN: not observed. Raises DataError.
    """
    plain = as_plain(x)
    array = cast(Array, plain) if isinstance(plain, (np.ndarray, Rows)) else _array(plain)
    if isinstance(x, (str, bytes, os.PathLike)):
        raise DataError(f"X is {x!r:.80}, and no data yet. Read the file first: latentwalk.read({x!r:.80}).")
    if array.dtype == object and not array.ndim:
        raise DataError(f"X is a {type(x).__name__}. Expected an array (n, *E) of numbers, or a list of such.")
    if array.dtype.kind not in "biuf":
        raise DataError(f"expected numbers, got an array of dtype {array.dtype}. Turn text and dates into numbers first.")
    if array.ndim < 2:
        raise DataError(f"expected an array (n, *E) of n examples, got shape {array.shape}. Reshape one example to (1, …).")
    if len(array) == 0:
        raise DataError(f"the data is empty: shape {array.shape}. At least one example is needed.")
    if 0 in array.shape[1:]:
        raise DataError(f"each example is empty: shape {array.shape}, 0 feature(s). At least one value an example is needed.")
    return array


def check_finite(x: Array, *, missing: bool = False) -> None:
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
            raise DataError(
                f"X holds {'NaN' if np.isnan(value) else 'infinity'} ({value}) at {position(start + row, column)}. "
                f"Expected finite numbers{', or NaN where nothing was observed' if missing else ''}. "
                "Drop or fill those values first."
            )
        empty = np.isnan(rows).reshape(len(rows), -1).all(axis=1) if missing else np.zeros(0, bool)
        if empty.any():
            raise DataError(
                f"row {start + int(np.argmax(empty))} of X holds nothing but NaN (a signal of length 0, or a table row without "
                "one observed value). Nothing can be learnt or said about it. Drop such rows first."
            )


def position(row: int, column: Sequence[int], names: Sequence[str] = ()) -> str:
    """Where a value lies, in words: "row 5, column 1", "row 5, position (3, 4)" of an image; names: what columns are called.

    >>> position(5, [1], ["age", "income"])
    "row 5, column 1 ('income')"
    """
    if len(column) > 1:
        return f"row {row}, position {tuple(column)}"
    name = names[column[0]] if column[0] < len(names) else ""
    return f"row {row}, column {column[0]}" + (f" ({name!r})" if name else "")


def unmasked(x: Any) -> Any:
    """A NumPy masked array with NaN where it is masked, of its own float type or float64; all else as it is.

    >>> unmasked(np.ma.masked_array([1, 2], mask=[False, True]))
    array([ 1., nan])
    """
    if not isinstance(x, np.ma.MaskedArray):
        return x
    if not np.ma.getmaskarray(x).any() or x.dtype.kind not in "biuf":
        return np.asarray(x)
    return np.ma.filled(x.astype(x.dtype if x.dtype.kind == "f" else np.float64), np.nan)


def is_ragged(x: object) -> "TypeGuard[Sequence[Array]]":
    """Whether `x` is a list of signals, (T, F) or (T,) each, that differ in length."""
    if not (isinstance(x, (list, tuple)) and len(x)):
        return False
    return all(isinstance(one, np.ndarray) and one.ndim in (1, 2) for one in x) and len({len(one) for one in x}) > 1


def padded(signals: Sequence[ArrayLike], length: int | None = None) -> Array:
    """Signals of different lengths, (T_i,) or (T_i, F) each, as one array (n, T[, F]) that is NaN after each one's end.

    length: T; that of the longest unless given. Raises DataError: a signal without steps, longer than `length`, or with
    another number of channels.

    >>> padded([[1.0, 2.0], [3.0]])
    array([[ 1.,  2.],
           [ 3., nan]])
    """
    arrays = [np.asarray(unmasked(one)) for one in signals]
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


def check_one_each(found: tuple[int, ...], rows: int) -> None:
    """Raise DataError where labels of this shape are other than one for each of so many rows."""
    if found != (rows,):
        raise DataError(f"expected {rows} labels, one for each row of X, got an array of shape {found}.")


def check_labels(y: ArrayLike | None, rows: int) -> Array:
    """`y`, (rows,) or one column (rows, 1), as (rows,).

    Raises DataError: another shape; a row without a label (None, NaN, pandas' NA or NaT); labels that cannot be sorted.
    """
    labels = _of_tensor(y) if _is_tensor(y) else _array(y)
    if labels.dtype.kind in "US" and isinstance(y, (list, tuple)) and any(map(_is_gap, y)):
        labels = np.array(y, dtype=object)  # where NaN is not yet the text "nan"
    labels = labels[:, 0] if labels.shape == (rows, 1) else labels
    check_one_each(labels.shape, rows)
    empty = _gaps(labels)
    if empty.any():
        row, others = int(np.argmax(empty)), int(empty.sum()) - 1
        raise DataError(
            f"row {row} has no label ({labels[row]}){f', nor have {others} more' if others else ''}. Leave such rows out, or "
            'give them a label of their own: "unknown", say.'
        )
    if labels.dtype == object:
        try:
            np.unique(labels)
        except TypeError as error:
            named = " and ".join(sorted({type(label).__name__ for label in labels}))
            raise DataError(f"the labels mix {named}. Turn all of them into text, or all into numbers.") from error
    return labels


# ---------------------------------------------------------------------- inside


def _is_tensor(x: object) -> "TypeGuard[torch.Tensor]":
    return _is_a(x, "torch", "Tensor")


def _is_a(x: object, module: str, *names: str) -> bool:
    """Whether `x` is of one of these classes of a module; nobody holds one of a module that is not imported, nor is it here."""
    found = sys.modules.get(module)
    return found is not None and isinstance(x, tuple(getattr(found, name) for name in names))


def _of_tensor(x: "torch.Tensor") -> Array:
    """A tensor as an array, from whatever device. Raises DataError for one without numbers in memory."""
    import torch

    if x.layout != torch.strided:
        raise _sparse("a sparse tensor", tuple(x.shape), x.element_size(), "X.to_dense()")
    if x.device.type == "meta":
        raise DataError(f"X is a tensor {tuple(x.shape)} on the device meta, which holds no numbers.")
    plain = x.detach().cpu().resolve_conj().resolve_neg()
    known = plain.dtype in (torch.float16, torch.float32, torch.float64) or not plain.is_floating_point()
    found: Array = (plain if known else plain.float()).numpy()
    return found


def _of_list(x: Sequence[Any]) -> Any:
    """A list as an array; signals of different lengths as a list of arrays."""
    if x and all(type(one) is np.ndarray and one.dtype != object and one.ndim in (1, 2) for one in x):
        if is_ragged(x) or len({one.shape for one in x}) == 1:
            return x  # signals already, of whatever length
    elif not any(_is_tensor(one) or isinstance(one, np.ma.MaskedArray) for one in x):
        try:
            found = np.asarray(x)
        except ValueError:  # no rectangle
            pass
        else:
            return _of_objects(found) if found.dtype == object else found
    rows = [_array(as_plain(one)) for one in x] if _holds_rows(x) else []
    if not rows:
        raise DataError(f"X is a list of {_types(x)}. Expected rows of numbers, all as long, or signals of different lengths.")
    if is_ragged(rows):
        return rows
    other = next((row for row, one in enumerate(rows) if one.shape != rows[0].shape), None)
    if other is not None:
        raise DataError(
            f"the examples differ in shape: row 0 has {rows[0].shape} and row {other} has {rows[other].shape}. Only signals, "
            "(T,) or (T, F), may differ, and only in their length T. Cut or scale the others to one shape."
        )
    return np.stack(rows)


def _of_objects(x: Array) -> Array:
    """An array of Python's objects as numbers, NaN where there is none; as it is where some of them are something else."""
    empty = _gaps(x)
    try:
        numbers = np.where(empty, np.nan, x).astype(np.float64)
    except (TypeError, ValueError):
        return x
    whole = not empty.any() and all(isinstance(one, (bool, np.bool_)) for one in x.flat)
    return numbers.astype(bool) if whole else numbers


def _gaps(x: Array) -> Array:
    """Where an array holds None, NaN, pandas' NA or NaT, of the same shape."""
    if x.dtype.kind in "fc":
        return np.isnan(x)
    if x.dtype.kind in "mM":
        return np.isnat(x)
    if x.dtype != object:
        return np.zeros(x.shape, bool)
    return np.array([_is_gap(one) for one in x.flat], dtype=bool).reshape(x.shape)


def _is_gap(one: Any) -> bool:
    """Whether a value says that there is none: None, NaN of any type, pandas' NA or NaT, without importing pandas."""
    if one is None or type(one).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(one, (float, np.floating, np.datetime64, np.timedelta64)) and bool(one != one)


def _array(x: Any) -> Array:
    """`x` as NumPy makes an array of it. Raises DataError where it does not."""
    try:
        return np.asarray(x)
    except Exception as error:  # anybody's class
        raise DataError(f"no array can be made of a {type(x).__name__}: {error}. Give a NumPy array (n, *E).") from error


def _holds_rows(x: Iterable[Any]) -> bool:
    return all(isinstance(one, (np.ndarray, list, tuple)) or _is_tensor(one) for one in x)


def _types(x: Iterable[Any]) -> str:
    return " and ".join(sorted({type(one).__name__ for one in x})) or "nothing"


def _sparse(what: str, shape: tuple[int, ...], width: int, dense: str) -> DataError:
    """The error for a matrix that holds only what is not 0: networks read every number of a row."""
    size = float(np.prod(shape, dtype=np.float64)) * width
    return DataError(
        f"X is {what}, {' x '.join(map(str, shape))}; sparse rows are not read, since a network sees every zero. Give {dense}, "
        f"which takes {sized(size)}; or, where that is too much, fewer columns: scikit-learn's "
        "TruncatedSVD(100).fit_transform(X)."
    )
