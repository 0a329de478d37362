"""Examples as arrays (n, *E): made of what a user holds, and checked, with errors that name row and column."""

from collections.abc import Sequence
from typing import Any, TypeGuard, cast

import numpy as np
from numpy.typing import ArrayLike

from latentwalk.arrays import Array
from latentwalk.data.rows import Rows, pieces
from latentwalk.errors import DataError

__all__ = ["as_array", "check_finite", "check_labels", "is_ragged", "padded", "position", "unmasked"]


def as_array(x: ArrayLike) -> Array:
    """`x` as an array (n, *E) of booleans, integers or floats with at least one row and one value a row.

    A memory-mapped array stays one, and so do `Rows`: they have all of an array that examples need. What a masked array hides
    is NaN: not observed. Raises DataError.
    """
    x = unmasked(x)
    array = cast(Array, x) if isinstance(x, (np.ndarray, Rows)) else np.asarray(x)
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
    """A NumPy masked array, or a list of them, with NaN where it is masked, of its own float type or float64; else x itself.

    >>> unmasked(np.ma.masked_array([1, 2], mask=[False, True]))
    array([ 1., nan])
    """
    if isinstance(x, (list, tuple)) and any(isinstance(one, np.ma.MaskedArray) for one in x):
        return [unmasked(one) for one in x]
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


def check_labels(y: ArrayLike, rows: int) -> Array:
    """`y` as (rows,). Raises DataError when its shape is another."""
    labels = np.asarray(y)
    if labels.shape != (rows,):
        raise DataError(f"expected {rows} labels, one for each row of X, got an array of shape {labels.shape}.")
    return labels
