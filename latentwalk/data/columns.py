"""What the columns of a table are: measured, counted or named; and the way from a pandas frame to numbers and back.

    category    text, booleans, pandas' categories: codes 0 to K - 1
    count       whole numbers from 0 on that spread at least as much as a Poisson would (variance >= mean), up to a million
    continuous  all other numbers, dates and spans of time (in microseconds)

A missing cell is NaN. Whatever type a column had, it has again on the way out.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from latentwalk.errors import DataError, unknown

__all__ = ["Column", "ColumnKind", "columns_of", "decoded", "encoded", "is_frame", "needs_columns", "unnamed"]

ColumnKind = Literal["continuous", "count", "category"]
Array = NDArray[Any]
MOST_CATEGORIES = 1_000
LARGEST_COUNT = 1_000_000
INSTALL = "Tables of mixed columns need pandas. Install it with: pip install 'latentwalk[data]'"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    dtype: pandas' name of its type, "" for a column of a plain array. categories: the values that codes stand for.
    typical: the mean of a count, by which it is scaled.
    """

    name: str
    kind: ColumnKind
    dtype: str = ""
    categories: tuple[Any, ...] = ()
    ordered: bool = False
    typical: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(ColumnKind):
            raise unknown("kind of column", self.kind, get_args(ColumnKind))


def is_frame(x: object) -> bool:
    """Whether `x` is a pandas data frame, without importing pandas."""
    return type(x).__name__ == "DataFrame" and type(x).__module__.startswith("pandas")


def needs_columns(frame: Any) -> bool:
    """Whether a frame holds anything but plain numbers: text, categories, dates, pandas' nullable types."""
    return any(not isinstance(dtype, np.dtype) or dtype.kind not in "iuf" for dtype in frame.dtypes)


def columns_of(frame: Any, kinds: Mapping[str, ColumnKind] | None = None) -> tuple[Column, ...]:
    """The columns of a pandas frame. kinds: what a column is, where the guess would be wrong.

    Raises DataError: two columns of one name, one without a single value, more than 1,000 categories, text among numbers.
    """
    names = [str(name) for name in frame.columns]
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise DataError(f"the table has two columns called {doubles[0]!r}. Give every column its own name.")
    for name in kinds or {}:
        if name not in names:
            raise unknown("column", name, names)
    return tuple(_column(name, frame.iloc[:, at], (kinds or {}).get(name)) for at, name in enumerate(names))


def unnamed(x: Array, kind: ColumnKind) -> tuple[Column, ...]:
    """The columns of a plain array (n, C), all of one kind. Raises DataError for counts that are none."""
    flat = x.reshape(len(x), -1)
    if kind == "count":
        bad = ~np.isnan(flat) & ((flat < 0) | (flat != np.trunc(flat))) if flat.dtype.kind == "f" else flat < 0
        if bad.any():
            row, column = (int(at) for at in np.argwhere(bad)[0])
            raise DataError(
                f"X holds {flat[row, column]:g} at row {row}, column {column}; counts are whole numbers, 0 or more. "
                'Use likelihood="gaussian" or "student-t", or count first.'
            )
    means = np.nanmean(flat, axis=0) if kind == "count" else np.ones(flat.shape[1])
    return tuple(Column("", kind, typical=max(float(mean), 1e-2)) for mean in means)


def encoded(frame: Any, columns: Sequence[Column]) -> NDArray[np.float64]:
    """A frame with these columns, in any order, as numbers (n, C): codes for categories, NaN where a value is missing.

    Raises DataError for a column that is missing or unknown, a category not seen in training, text where numbers were.
    """
    names, wanted = [str(name) for name in frame.columns], [column.name for column in columns]
    absent, strange = [name for name in wanted if name not in names], [name for name in names if name not in wanted]
    if absent or strange:
        parts = [
            f"{what}: {', '.join(map(repr, some[:5]))}" for what, some in (("missing", absent), ("unknown", strange)) if some
        ]
        raise DataError(
            f"the table's columns are not those learnt from ({'; '.join(parts)}). Expected {', '.join(wanted[:20])}."
        )
    if not len(frame):
        raise DataError("the table has no rows. At least one is needed.")
    return np.column_stack([_numbers(frame.iloc[:, names.index(column.name)], column) for column in columns])


def decoded(x: Array, columns: Sequence[Column]) -> Any:
    """Numbers (n, C) as a frame with these columns: names, types and categories as they were; NaN is a missing value."""
    pandas = _pandas()
    return pandas.DataFrame({column.name: _series(pandas, x[:, at], column) for at, column in enumerate(columns)})


# ---------------------------------------------------------------------- one column


def _column(name: str, values: Any, kind: ColumnKind | None) -> Column:
    observed, dtype = values.dropna(), str(values.dtype)
    if not len(observed):
        raise DataError(f"column {name!r} has no value at all. Nothing can be learnt from it. Drop it.")
    if dtype == "category":
        return Column(name, "category", dtype, _plain(values.cat.categories), bool(values.cat.ordered))
    if _pandas().api.types.is_bool_dtype(values.dtype):
        return Column(name, "category", dtype, (False, True))
    if kind == "category" or not (_is_number(values) or _is_time(dtype)):
        return Column(name, "category", dtype, _categories(name, observed))
    if _is_time(dtype):
        return Column(name, "continuous", dtype)
    numbers = observed.to_numpy(dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise DataError(f"column {name!r} holds infinity. Expected finite numbers, or a missing value. Drop or fill it.")
    whole = _pandas().api.types.is_integer_dtype(values.dtype)
    spread = numbers.min() >= 0 and numbers.max() <= LARGEST_COUNT and numbers.var() >= numbers.mean() > 0
    kind = kind or ("count" if whole and spread else "continuous")
    if kind == "count":
        unnamed(numbers[:, None], "count")
    return Column(name, kind, dtype, typical=max(float(numbers.mean()), 1e-2) if kind == "count" else 1.0)


def _categories(name: str, observed: Any) -> tuple[Any, ...]:
    types = {type(value) for value in observed}
    if len(types) > 1 and not types <= {int, float, bool}:
        named = ", ".join(sorted(one.__name__ for one in types))
        raise DataError(f"column {name!r} mixes {named}. Turn it into numbers, or all of it into text.")
    found = tuple(sorted(_plain(observed.unique())))
    if len(found) > MOST_CATEGORIES:
        raise DataError(
            f"column {name!r} has {len(found):,} different values: it says which row it is, not what kind. Drop it "
            f"(at most {MOST_CATEGORIES:,} categories can be learnt)."
        )
    return found


def _plain(values: Any) -> tuple[Any, ...]:
    """Values that JSON can hold. Raises DataError for any other."""
    plain = tuple(value.item() if isinstance(value, np.generic) else value for value in values)
    for value in plain:
        if not isinstance(value, (str, int, float, bool)):
            raise DataError(f"a category is a {type(value).__name__} ({value!s:.40}). Expected text, numbers or booleans.")
    return plain


def _numbers(values: Any, column: Column) -> Array:
    if column.kind == "category":
        known = {category: code for code, category in enumerate(column.categories)}
        missing = values.isna().to_numpy()
        codes = np.full(len(values), np.nan)
        for row, value in enumerate(values):
            if not missing[row]:
                code = known.get(value.item() if isinstance(value, np.generic) else value)
                if code is None:
                    some = ", ".join(map(repr, column.categories[:10]))
                    raise DataError(
                        f"column {column.name!r} holds {value!r} at row {row}, which was not seen in training. Expected one of "
                        f"{some}{', …' if len(column.categories) > 10 else ''}, or a missing value."
                    )
                codes[row] = code
        return codes
    if _is_time(column.dtype):
        ticks = _microseconds(values, column)
        return np.where(values.isna().to_numpy(), np.nan, ticks.astype(np.float64))
    try:
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(f"column {column.name!r} was {column.dtype} in training, now it is {values.dtype}: {error}.") from error
    if np.isinf(numbers).any():
        row = int(np.argmax(np.isinf(numbers)))
        raise DataError(f"column {column.name!r} holds infinity at row {row}. Expected finite numbers, or a missing value.")
    if column.kind == "count" and ((numbers < 0) | (numbers != np.trunc(numbers)))[~np.isnan(numbers)].any():
        raise DataError(f"column {column.name!r} holds counts; expected whole numbers, 0 or more.")
    return numbers


def _series(pandas: Any, x: Array, column: Column) -> Any:
    missing = np.isnan(x)
    if column.kind == "category":
        codes = np.where(missing, -1, np.rint(np.nan_to_num(x))).astype(np.int64).clip(-1, len(column.categories) - 1)
        if column.dtype == "category":
            return pandas.Series(pandas.Categorical.from_codes(codes, list(column.categories), ordered=column.ordered))
        values = [None if code < 0 else column.categories[code] for code in codes]
        if column.dtype == "bool" and missing.any():
            return pandas.Series(values, dtype="boolean")
        return pandas.Series(values, dtype=column.dtype) if column.dtype else pandas.Series(values)
    if _is_time(column.dtype):
        ticks = np.where(missing, np.iinfo(np.int64).min, np.rint(np.nan_to_num(x))).astype(np.int64)
        return _from_microseconds(pandas, ticks, column.dtype)
    whole = column.dtype.lower().startswith(("int", "uint"))
    if not whole:
        return pandas.Series(x).astype(column.dtype) if column.dtype else pandas.Series(x)
    limits = np.iinfo(column.dtype.lower())
    rounded = pandas.Series(np.where(missing, np.nan, np.rint(x).clip(float(limits.min), np.nextafter(float(limits.max), 0))))
    nullable = column.dtype if column.dtype[0].isupper() else column.dtype.replace("u", "U").replace("i", "I")
    return rounded.astype(nullable if missing.any() else column.dtype)


# ---------------------------------------------------------------------- types


def _is_number(values: Any) -> bool:
    return bool(_pandas().api.types.is_numeric_dtype(values.dtype))


def _is_time(dtype: str) -> bool:
    return dtype.startswith(("datetime64", "timedelta64"))


def _microseconds(values: Any, column: Column) -> Array:
    if not _is_time(str(values.dtype)):
        raise DataError(f"column {column.name!r} was {column.dtype} in training, now it is {values.dtype}.")
    if column.dtype.startswith("datetime64") and "," in column.dtype:
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    unit = "datetime64[us]" if column.dtype.startswith("datetime64") else "timedelta64[us]"
    ticks: Array = values.to_numpy().astype(unit).astype(np.int64)
    return ticks


def _from_microseconds(pandas: Any, ticks: Array, dtype: str) -> Any:
    if dtype.startswith("timedelta64"):
        return pandas.Series(ticks.view("timedelta64[us]")).astype(dtype)
    times = pandas.Series(ticks.view("datetime64[us]"))
    return times.dt.tz_localize("UTC").astype(dtype) if "," in dtype else times.astype(dtype)


def _pandas() -> Any:
    try:
        return importlib.import_module("pandas")
    except ImportError as error:
        raise DataError(INSTALL) from error
