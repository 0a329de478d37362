"""Rows and columns keep their identity: an answer about a frame is a frame with its index, names, order and types.

pandas' frames are meant; those of other libraries (polars, pyarrow) come in, and their answers go out, by way of narwhals,
which scikit-learn brings along, and of Arrow.
"""

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from latentwalk.arrays import Array
from latentwalk.data.columns import Column, decoded, encoded, is_frame, places_of
from latentwalk.errors import DataError
from latentwalk.surroundings import imported

__all__ = ["cells_like", "framed_like", "imputed_like", "in_pandas", "is_foreign", "mended", "of_kind", "picked_columns"]

FOREIGN = {"polars": ("DataFrame", "LazyFrame"), "pyarrow": ("Table",), "modin": ("DataFrame",), "narwhals": ("DataFrame",)}
NULLABLE = {"bool": "boolean"} | {f"{u}int{bits}": f"{u.upper()}Int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)}


def is_foreign(x: object) -> bool:
    """Whether `x` is a frame of another library than pandas, without importing it."""
    return type(x).__name__ in FOREIGN.get(type(x).__module__.partition(".")[0], ())


def in_pandas(x: Any) -> Any:
    """A frame of another library as one of pandas; all else as it is. Raises DataError."""
    if not is_foreign(x):
        return x
    table = _arrow(x)
    frame = table.to_pandas()
    for at, column in enumerate(table.columns):
        if column.null_count and (nullable := NULLABLE.get(str(column.type))):
            frame.isetitem(at, column.to_pandas(types_mapper=lambda _, name=nullable: _pandas().api.types.pandas_dtype(name)))
    return frame


def of_kind(answer: Any, x: Any, *, typed: bool = True) -> Any:
    """A frame of pandas as one of the library that `x` is of; all else as it is.

    typed: with the types that x's columns have.
    """
    if not (is_foreign(x) and is_frame(answer)):
        return answer
    narwhals, arrow = imported("narwhals"), imported("pyarrow")
    table = arrow.Table.from_pandas(answer, preserve_index=False)
    if typed:
        like = _arrow(x).schema
        types = [like.field(name).type if name in like.names else table.schema.field(name).type for name in table.column_names]
        table = table.cast(arrow.schema(list(zip(table.column_names, types, strict=True))), safe=False)
    own = narwhals.from_native(x, eager_only=True)
    found = narwhals.from_arrow(table, backend=own.implementation)
    return found if type(x).__module__.startswith("narwhals") else found.to_native()


def picked_columns(frame: Any, columns: Sequence[Column], *, extra: bool = False) -> Any:
    """A frame's columns of these names, in this order; extra: whether it may have others. Raises DataError."""
    places = places_of(frame, columns, extra=extra)
    return frame if places == list(range(frame.shape[1])) else frame.iloc[:, places]


def framed_like(x: Array, columns: Sequence[Column], frame: Any) -> Any:
    """Numbers (n, C) as a frame with these columns; index, names and order are those of `frame`, which has them all."""
    return _laid_like(decoded(x, columns), columns, frame)


def cells_like(values: Array, columns: Sequence[Column], frame: Any) -> Any:
    """What is said of each cell, values (n, C), as a frame of floats: index, names and order are those of `frame`."""
    return _laid_like(_pandas().DataFrame(values), columns, frame)


def _laid_like(answer: Any, columns: Sequence[Column], frame: Any) -> Any:
    """A frame of these columns with the index, the names and the order of `frame`, which has them all."""
    places = places_of(frame, columns, extra=True)
    answer = answer.iloc[:, np.argsort(places)]
    answer.columns = frame.columns[np.sort(places)]
    return answer.set_axis(frame.index, axis=0)


def imputed_like(x: Array, columns: Sequence[Column], frame: Any) -> Any:
    """A copy of `frame` with what x (n, C) holds for these columns where a cell is missing; no other cell is touched.

    A column of which cells were missing has the type it was learnt with, where that holds what was observed.
    """
    answer, filled = frame.copy(), decoded(x, columns)
    for at, (place, column) in enumerate(zip(places_of(frame, columns, extra=True), columns, strict=True)):
        own = frame.iloc[:, place].reset_index(drop=True)
        missing = own.isna()
        if not missing.any():
            continue
        if str(own.dtype) == str(filled.dtypes.iloc[at]):
            values = own.mask(missing, filled.iloc[:, at])
        else:
            observed = encoded(own.to_frame(column.name), [column])[:, 0]
            values = mended(x[:, [at]], observed[:, None], [column]).iloc[:, 0]
        answer.isetitem(place, values.set_axis(frame.index))
    return answer


def mended(x: Array, observed: Array, columns: Sequence[Column]) -> Any:
    """Numbers `observed` (n, C), and those of x (n, C) where they are NaN, as a frame with these columns.

    A column of whole numbers that does not hold what was observed is one of floats.
    """
    whole = (np.isnan(observed) | (observed == np.rint(observed))).all(axis=0)
    held = [
        one if fits or "int" not in one.dtype.lower() else replace(one, dtype="")
        for one, fits in zip(columns, whole, strict=True)
    ]
    return decoded(np.where(np.isnan(observed), x, observed), held)


def _pandas() -> Any:
    return imported("pandas")


def _arrow(x: Any) -> Any:
    """A frame of another library as a table of Arrow. Raises DataError."""
    whose = type(x).__module__.partition(".")[0]
    for name in ("narwhals", "pyarrow", "pandas"):
        if importlib.util.find_spec(name) is None:
            raise DataError(f"a frame of {whose} needs {name}. Install it: pip install narwhals 'latentwalk[data]'")
    try:
        return imported("narwhals").from_native(x, eager_only=True).to_arrow()
    except TypeError as error:
        raise DataError(f"expected a frame in memory, got {whose}'s {type(x).__name__}. Collect it first.") from error
