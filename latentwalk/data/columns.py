"""What the columns of a table are: measured, counted or named; and the way from a pandas frame to numbers and back.

    category    text, booleans, pandas' categories: codes 0 to K - 1, and K for "other", a value not seen in training; of more
                than 1,000, the most frequent are learnt one by one, and all others as if they were "other"
    count       whole numbers from 0 on that spread at least as much as a Poisson would (variance >= mean), up to a million
    continuous  all other numbers, those that are always the same too, dates (also text that is all dates) and spans of time
                (to the microsecond)

A missing cell is NaN. Whatever type a column had, it has again on the way out; the index, which says which row is which, is the
business of `frames`, and names that are not text become text. Of pandas' types for Arrow, those of numbers, booleans and text
are read.
"""

import math
import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from numbers import Real
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.data.rows import pieces
from latentwalk.data.written import moments
from latentwalk.errors import ConfigError, DataError, DataWarning, unknown
from latentwalk.surroundings import imported

__all__ = [
    "Column",
    "ColumnKind",
    "check_categories",
    "check_known",
    "columns_of",
    "decoded",
    "encoded",
    "is_frame",
    "is_time",
    "joint_error",
    "needs_columns",
    "places_of",
    "plain_columns",
    "unnamed",
]

ColumnKind = Literal["continuous", "count", "category"]
MOST_CATEGORIES = 1_000  # that are learnt one by one
IDS = 0.5  # different values, as a share of the rows, from which on many say which row it is
FEWEST_IDS = 50  # rows, from which on text that is nowhere the same seems to name them
FEW, MOST_EMBEDDED = 64, 50  # categories that are read as one number each; numbers in place of more
LARGEST_COUNT = 1_000_000
EXACT = 2**53  # from here on float64 leaves out whole numbers
LONGEST = {True: (-9.2e15, 9.2e15), False: (-62_135_596_800e6, 253_402_300_799e6)}  # microseconds that fit: nanoseconds; others
ARROW = "[pyarrow]"
AS_TEXT = "datetime64[us] written "  # in this way, as that type
WAYS = [
    *(f"{day}{time}" for day in ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y") for time in ("", " %H:%M", " %H:%M:%S")),
    *("%Y/%m/%d", "%d %b %Y", "%d-%b-%Y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m"),
]
SEVERAL = "several columns cannot be learnt from; mend them, leave them out (drop=), or say what they are (columns=):"
INSTALL = "Tables of mixed columns need pandas. Install it with: pip install 'latentwalk[data]'"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    dtype: pandas' name of its type, "category[that of each]" for pandas' categories, "" for a column of a plain array.
    categories: the values that codes stand for. typical: the mean of a count, by which it is scaled.
    constant: the number that a continuous column always was, where it was seen more than once; None where it varied.
    rare: how often each of the last of many categories was there, the most frequent first; they are learnt as one, "other".
    embedded: of how many numbers the vector is that an encoder reads in place of a category; 0: of one for each.
    """

    name: str
    kind: ColumnKind
    dtype: str = ""
    categories: tuple[Any, ...] = ()
    ordered: bool = False
    typical: float = 1.0
    constant: float | None = None
    rare: tuple[int, ...] = ()
    embedded: int = 0

    @property
    def learnt(self) -> int:
        """How many categories are learnt one by one."""
        return len(self.categories) - len(self.rare)

    def __post_init__(self) -> None:
        if not (_is_text(self.name) and _is_text(self.dtype)):
            raise ConfigError(
                f"column {self.name!a:.80} of type {self.dtype!a:.80}: expected text that can be written in UTF-8."
            )
        if not all(isinstance(one, (str, int, float, bool)) for one in self.categories):
            raise ConfigError(f"column {self.name!r}: expected categories of text, numbers or booleans.")
        if not (isinstance(self.typical, (int, float)) and math.isfinite(self.typical) and self.typical > 0):
            raise ConfigError(f"column {self.name!r}: expected a typical count above 0, got {self.typical!r:.80}.")
        if self.kind not in get_args(ColumnKind):
            raise unknown("kind of column", self.kind, get_args(ColumnKind))
        if bool(self.categories) != (self.kind == "category"):
            raise ConfigError(
                f"column {self.name!r} of kind {self.kind!r} has {len(self.categories)} categories. Expected at least one "
                "for a category, none for any other kind."
            )
        object.__setattr__(self, "rare", tuple(self.rare))  # a list in JSON
        counted = all(type(one) is int and one >= 0 for one in self.rare)
        if not (counted and len(self.rare) < max(len(self.categories), 1)):
            raise ConfigError(f"column {self.name!r} has {len(self.categories)} categories; too many of them are rare.")
        read = type(self.embedded) is int and 0 <= self.embedded <= MOST_CATEGORIES * bool(self.categories)
        if not read or (self.rare and not self.embedded):
            raise ConfigError(f"column {self.name!r} of kind {self.kind!r} cannot be read as {self.embedded!r} numbers.")
        number = isinstance(self.constant, (int, float)) and math.isfinite(self.constant)
        if self.constant is not None and not (number and self.kind == "continuous"):
            raise ConfigError(
                f"column {self.name!r} of kind {self.kind!r} has the constant {self.constant!r}. Expected a number, and "
                "only for a continuous column."
            )


def _is_text(value: object) -> bool:
    """Whether it is text, without halves of letters that no file can hold."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_frame(x: object) -> bool:
    """Whether `x` is a pandas data frame, without importing pandas."""
    return type(x).__name__ == "DataFrame" and type(x).__module__.startswith("pandas")


def needs_columns(frame: Any) -> bool:
    """Whether a frame holds anything but plain numbers: text, categories, dates, pandas' nullable types."""
    return any(not isinstance(dtype, np.dtype) or dtype.kind not in "iuf" for dtype in frame.dtypes)


def columns_of(frame: Any, kinds: Mapping[str, ColumnKind] | None = None) -> tuple[Column, ...]:
    """The columns of a pandas frame. kinds: what a column is, where the guess would be wrong.

    Raises DataError: two columns of one name, one without a single value, text that says which row it is, text among numbers,
    whole numbers too large to be exact; all such columns at once. Raises ConfigError: a kind that the column cannot be.
    """
    names = _names(frame)
    for name, kind in (kinds or {}).items():
        if name not in names:
            raise unknown("column", name, names)
        if kind not in get_args(ColumnKind):
            raise unknown("kind of column", kind, get_args(ColumnKind))
    found, problems = [], []
    for at, name in enumerate(names):
        try:
            found.append(_column(name, frame.iloc[:, at], (kinds or {}).get(name)))
        except DataError as error:
            problems.append(error)
    if problems:
        raise joint_error(problems)
    return tuple(found)


def joint_error(problems: Sequence[DataError]) -> DataError:
    """One error that says what is wrong with several columns."""
    if len(problems) == 1:
        return problems[0]
    said = [line for one in problems for line in str(one).removeprefix(SEVERAL).splitlines() if line]
    return DataError("\n  ".join([SEVERAL, *map(str.strip, said)]))


def plain_columns(frame: Any) -> tuple[Column, ...]:
    """The columns of a frame of plain numbers, which are learnt as they are: their names and types; () where one has no name.

    Raises DataError.
    """
    names = _names(frame)
    found = (Column(name, "continuous", str(dtype)) for name, dtype in zip(names, frame.dtypes, strict=True))
    return tuple(found) if all(names) else ()


def unnamed(x: Array, kind: Literal["continuous", "count"]) -> tuple[Column, ...]:
    """The columns of a plain array (n, C), all of one kind. Raises DataError for counts that are none."""
    flat = x.reshape(len(x), -1)
    if kind == "continuous":
        return (Column("", kind),) * flat.shape[1]
    _check_counts("X", flat)
    empty = np.isnan(flat).all(axis=0)
    if empty.any():
        raise DataError(f"column {int(np.argmax(empty))} of X holds nothing but NaN. Nothing can be learnt from it. Drop it.")
    return tuple(Column("", kind, typical=_typical(mean)) for mean in np.nanmean(flat, axis=0))


def places_of(table: Any, columns: Sequence[Column], *, extra: bool = False) -> list[int]:
    """Where each of these columns stands in a frame, or among the names of a table's columns, in whatever order they are.

    extra: whether there may be others. Raises DataError for one that is missing or unknown.
    """
    names, wanted = _names(table) if is_frame(table) else list(table), [column.name for column in columns]
    place, known = {name: at for at, name in enumerate(names)}, set(wanted)
    absent = [name for name in wanted if name not in place]
    strange = [name for name in names if name not in known and not extra]
    if absent or strange:
        parts = [
            f"{what}: {', '.join(map(repr, some[:5]))}{', …' * (len(some) > 5)}"
            for what, some in (("missing", absent), ("unknown", strange))
            if some
        ]
        advice = "" if absent else " Drop what is unknown, or let it be left out: set_params(extra=True)."
        raise DataError(
            f"the table's columns are not those learnt from ({'; '.join(parts)}). Expected {', '.join(wanted[:20])}.{advice}"
        )
    return [place[name] for name in wanted]


def encoded(frame: Any, columns: Sequence[Column], *, other: bool = False) -> NDArray[np.float64]:
    """A frame with these columns, in any order, as numbers (n, C): codes for categories, NaN where a value is missing.

    other: whether rows may hold what was not seen in training: a category of the same type, whose code is then the number of
    those seen, and numbers that no counting gives.
    Raises DataError for a column that is missing or unknown, text where numbers were, and for these where they may not.
    """
    places = places_of(frame, columns)
    return np.column_stack([_numbers(frame.iloc[:, at], column, other) for at, column in zip(places, columns, strict=True)])


def check_categories(x: Array, columns: Sequence[Column], *, other: bool = False) -> None:
    """Raise DataError for the first value of `x` (n, C), NaN aside, that stands for nothing in its column.

    A category has codes 0 to K, K for "other"; a count is a whole number, 0 or more. other: whether counts may be numbers that
    no counting gives, see `encoded`.
    """
    told = [at for at, column in enumerate(columns) if column.kind == "category" or (column.kind == "count" and not other)]
    most = np.array([len(columns[at].categories) or np.inf for at in told])
    for start, rows in pieces(x) if told else ():
        some = rows[:, told]
        bad = ~np.isnan(some) & ((some < 0) | (some > most) | (some != np.trunc(some)))
        if bad.any():
            row, at = (int(place) for place in np.argwhere(bad)[0])
            column = columns[told[at]]
            named = f"column {told[at]}" + (f" ({column.name!r})" if column.name else "")
            expected = (
                f"the code of a category, 0 to {most[at] - 1:.0f}: give a frame, whose categories are told by name"
                if column.categories
                else "a count, a whole number from 0 on"
            )
            raise DataError(f"X holds {some[row, at]:g} at row {start + row}, {named}. Expected {expected}.")


def check_known(x: Array, columns: Sequence[Column]) -> None:
    """Raise DataError, naming row and column, where numbers (n, C) hold what was not seen in training: see `encoded`."""
    for at, column in enumerate(columns):
        if column.kind == "category" and (strange := x[:, at] == len(column.categories)).any():
            raise _unseen(column, "a value", int(np.argmax(strange)))
        if column.kind == "count":
            _check_counts(f"column {column.name!r}", x[:, at])


def decoded(x: Array, columns: Sequence[Column]) -> Any:
    """Numbers (n, C) as a frame with these columns: names, types and categories as they were; NaN is a missing value.

    So is "other", which has no name.
    """
    pandas = _pandas()
    return pandas.DataFrame({column.name: _series(pandas, x[:, at], column) for at, column in enumerate(columns)})


# ---------------------------------------------------------------------- one column


def _names(frame: Any) -> list[str]:
    """The names of a frame's columns. Raises DataError: none, twice the same, or no rows."""
    names = [str(name) for name in frame.columns]
    if not names or not len(frame):
        raise DataError(f"the table has no {'rows' if names else 'columns'}. At least one is needed.")
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise DataError(f"the table has two columns called {doubles[0]!r}. Give every column its own name.")
    return names


def _column(name: str, values: Any, kind: ColumnKind | None) -> Column:
    observed, dtype = values.dropna(), str(values.dtype)
    if not len(observed):
        raise DataError(f"column {name!r} has no value at all. Nothing can be learnt from it. Drop it.")
    dtype = (_dated(observed) if kind != "category" else "") or dtype
    only: ColumnKind | None = "continuous" if is_time(dtype) else None if _is_number(values) else "category"
    if kind and only and kind != only:
        raise ConfigError(
            f"column {name!r} is {dtype} and can be a {only} column only, not {kind}. Turn it into numbers first."
        )
    if only == "continuous":
        return _continuous(Column(name, only, dtype), _numbers(observed, Column(name, only, dtype)))
    if dtype == "category":
        each = values.cat.categories
        named, ordered = f"category[{each.dtype}]", bool(values.cat.ordered)
        return _category(Column(name, "category", named, _plain(name, each), ordered), observed)
    if only == "category" or kind == "category":
        boolean = _pandas().api.types.is_bool_dtype(values.dtype)
        return _category(Column(name, "category", dtype, (False, True) if boolean else _categories(name, observed)), observed)
    numbers = _floats(name, values)
    numbers = numbers[~np.isnan(numbers)]
    whole = _pandas().api.types.is_integer_dtype(values.dtype)
    spread = numbers.min() >= 0 and numbers.max() <= LARGEST_COUNT and numbers.var() >= numbers.mean() > 0
    if (kind or ("count" if whole and spread else "continuous")) == "continuous":
        return _continuous(Column(name, "continuous", dtype), numbers)
    _check_counts(f"column {name!r}", numbers)
    return Column(name, "count", dtype, typical=_typical(numbers.mean()))


def _continuous(column: Column, observed: Array) -> Column:
    """The column with what is known of its observed values (n,): seen once, nothing says that it is always so."""
    same = len(observed) > 1 and observed.min() == observed.max()
    return replace(column, constant=float(observed[0])) if same else column


def _typical(mean: float) -> float:
    return max(float(mean), 1e-2)


def _check_counts(what: str, x: Array) -> None:
    """Raise DataError for the first value of `x` (n,) or (n, C), NaN aside, that no counting gives."""
    bad = ~np.isnan(x) & ((x < 0) | (x != np.trunc(x)))
    if bad.any():
        row, *column = (int(at) for at in np.argwhere(bad)[0])
        where = f"row {row}, column {column[0]}" if column else f"row {row}"
        raise DataError(
            f"{what} holds {x[(row, *column)]:g} at {where}; counts are whole numbers, 0 or more. "
            'Use likelihood="gaussian" or "student-t", or count first.'
        )


def _categories(name: str, observed: Any) -> tuple[Any, ...]:
    try:
        found = _plain(name, observed.unique())
    except TypeError as error:  # lists and such
        raise DataError(f"column {name!r} holds what is no category: {error}. Expected text, numbers or booleans.") from error
    types = {type(value) for value in found}
    if len(types) > 1 and not types <= {int, float, bool}:
        named = ", ".join(sorted(one.__name__ for one in types))
        raise DataError(f"column {name!r} mixes {named}. Turn it into numbers, or all of it into text.")
    return tuple(sorted(found))


def _category(column: Column, observed: Any) -> Column:
    """The column as its categories are learnt: where they are many, the most frequent one by one, all others as one.

    Raises DataError where they say which row it is.
    """
    many = len(column.categories)
    if many > MOST_CATEGORIES:
        counts = {_item(value): int(count) for value, count in observed.value_counts(sort=False).items()}
        if len(counts) > IDS * len(observed) or column.ordered:
            raise DataError(
                f"column {column.name!r} has {many:,} different values: it says which row it is, not what kind. Drop it"
                + (f" (at most {MOST_CATEGORIES:,} ordered categories can be learnt)." if column.ordered else ".")
            )
        there = sorted(column.categories, key=lambda value: (-counts.get(value, 0), str(value)))
        learnt, others = sorted(there[:MOST_CATEGORIES]), there[MOST_CATEGORIES:]
        rare = tuple(counts.get(value, 0) for value in others)
        return replace(column, categories=(*learnt, *others), rare=rare, embedded=_embedded(len(learnt)))
    if many == len(observed) >= FEWEST_IDS and isinstance(column.categories[0], str):
        warnings.warn(
            f"column {column.name!r} is different in each of {many} rows: it says which row it is, and nothing can be learnt "
            f"from it. Leave it out: X.drop(columns={column.name!r}).",
            DataWarning,
            stacklevel=2,
        )
    return replace(column, embedded=_embedded(many))


def _embedded(learnt: int) -> int:
    """Of how many numbers a vector for so many categories is, 0 for few: fastai's rule, which was found by trying."""
    return min(MOST_EMBEDDED, round(1.6 * learnt**0.56)) if learnt > FEW else 0


def _plain(name: str, values: Any) -> tuple[Any, ...]:
    """Values that JSON can hold. Raises DataError for any other."""
    plain = tuple(_item(value) for value in values)
    for value in plain:
        if not isinstance(value, (str, int, float, bool)):
            raise DataError(
                f"column {name!r} holds a {type(value).__name__} ({value!s:.40}) as a category. Expected text, numbers or "
                "booleans. Turn it into text with .astype(str), or a date into pandas' datetime64."
            )
    return plain


def _item(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


# ---------------------------------------------------------------------- to numbers and back


def _numbers(values: Any, column: Column, other: bool = False) -> Array:
    if column.kind == "category":
        return _codes(values, column, other)
    if is_time(column.dtype):
        return np.where(values.isna().to_numpy(), np.nan, _microseconds(values, column).astype(np.float64))
    try:
        numbers = _floats(column.name, values)
    except (TypeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"column {column.name!r} was {column.dtype} in training, now it is {values.dtype}: {error}.") from error
    if column.kind == "count" and not other:
        _check_counts(f"column {column.name!r}", numbers)
    return numbers


def _codes(values: Any, column: Column, other: bool) -> Array:
    known = {category: code for code, category in enumerate(column.categories)}
    try:
        each, different = _pandas().factorize(values)
    except TypeError:  # lists and such
        row = next(row for row, value in enumerate(values) if not isinstance(value, Hashable))
        raise _unseen(column, repr(values.iloc[row]), row) from None
    codes = np.full(len(different) + 1, np.nan)  # the last is that of what is missing
    for at, plain in enumerate(map(_item, different)):
        code = known.get(plain) if isinstance(plain, (str, int, float)) else None
        if code is None and not (other and _is_like(plain, column.categories[0])):
            raise _unseen(column, repr(plain), int(np.argmax(each == at)))
        codes[at] = len(column.categories) if code is None else code
    return codes[each]


def _is_like(value: Any, category: Any) -> bool:
    """Whether a value is text, where a category is text, or a number, where that is one."""
    return any(isinstance(value, kind) and isinstance(category, kind) for kind in (str, (int, float)))


def _unseen(column: Column, what: str, row: int) -> DataError:
    some = ", ".join(map(repr, column.categories[:10]))
    return DataError(
        f"column {column.name!r} holds {what} at row {row}, which was not seen in training. Expected one of "
        f"{some}{', …' if len(column.categories) > 10 else ''}, or a missing value."
    )


def _floats(name: str, values: Any) -> Array:
    """A column as float64, NaN where missing. Raises DataError: infinity, or whole numbers that float64 would round."""
    numbers: Array = values.to_numpy(dtype=np.float64, na_value=np.nan)
    large = np.abs(numbers) >= (EXACT if _pandas().api.types.is_integer_dtype(values.dtype) else np.inf)
    if large.any():
        row = int(np.argmax(large))
        if np.isinf(numbers[row]):
            raise DataError(f"column {name!r} holds infinity at row {row}. Expected finite numbers, or a missing value.")
        raise DataError(
            f"column {name!r} holds {values.iloc[row]} at row {row}; whole numbers from 2^53 on would be rounded. If it says "
            "which row it is, drop it; if it is measured, turn it into float64 first."
        )
    return numbers


def _series(pandas: Any, x: Array, column: Column) -> Any:
    missing = np.isnan(x)
    if column.kind == "category":
        missing |= x == len(column.categories)
        codes = np.where(missing, -1, np.rint(np.where(missing, 0, x)).clip(0, len(column.categories) - 1)).astype(np.int64)
        if column.dtype.startswith("category"):
            each = pandas.Index(list(column.categories), dtype=column.dtype[len("category[") : -1])
            return pandas.Series(pandas.Categorical.from_codes(codes, each, ordered=column.ordered))
        gone = np.nan if column.dtype == "object" else None  # what pandas' readers put there
        values = [gone if code < 0 else column.categories[code] for code in codes]
        return pandas.Series(values, dtype=_dtype(pandas, column.dtype, bool(missing.any())))
    if is_time(column.dtype):
        ticks = np.rint(np.where(missing, 0, x)).clip(*LONGEST["[ns" in column.dtype]).astype(np.int64)
        return _from_microseconds(pandas, np.where(missing, np.iinfo(np.int64).min, ticks), column.dtype)
    dtype = _dtype(pandas, column.dtype, bool(missing.any()))
    whole = column.dtype.removesuffix(ARROW).lower()
    if not whole.startswith(("int", "uint")):
        return pandas.Series(x).astype(dtype) if column.dtype else pandas.Series(x)
    limits = np.iinfo(whole)
    most = float(limits.max)
    most = most if int(most) <= limits.max else np.nextafter(most, 0)  # 2^63 - 1 is no float; the next one up is too large
    rounded = pandas.Series(np.rint(np.where(missing, 0, x)).clip(float(limits.min), most).astype(whole)).astype(dtype)
    return rounded.mask(missing) if missing.any() else rounded


# ---------------------------------------------------------------------- types


def _is_number(values: Any) -> bool:
    types = _pandas().api.types
    if values.dtype == object:  # numbers beside None or NA
        observed = values.dropna()
        return len(observed) > 0 and all(isinstance(one, Real) and not isinstance(one, (bool, np.bool_)) for one in observed)
    return bool(types.is_numeric_dtype(values.dtype)) and not (
        types.is_bool_dtype(values.dtype) or types.is_complex_dtype(values.dtype)
    )


def _dtype(pandas: Any, name: str, missing: bool) -> Any:
    """The type of that name, or, where something is missing that it cannot hold, the nullable one like it."""
    if name == f"string{ARROW}":  # by this name pandas knows another type
        return pandas.ArrowDtype(imported("pyarrow").string())
    if name.endswith(ARROW):
        return pandas.ArrowDtype.construct_from_string(name)
    if missing and name.startswith(("int", "uint", "bool")):
        return "boolean" if name.startswith("bool") else name.replace("u", "U").replace("i", "I")
    return name


def is_time(dtype: str) -> bool:
    """Whether a column of this type holds times, which are learnt in microseconds."""
    return dtype.startswith(("datetime64", "timedelta64"))


def _dated(observed: Any) -> str:
    """The type of a column of dates that are text, or Python's own: how they are written, and as what; "" for all else."""
    if str(observed.dtype) not in ("object", "str", "string"):
        return ""
    try:
        texts = observed.unique()
    except TypeError:  # lists and such
        return ""
    if all(type(one) is date for one in texts):
        return f"{AS_TEXT}date as {observed.dtype}"
    if not all(isinstance(one, str) for one in texts) or moments(list(texts)) is None:
        return ""
    for way in WAYS:
        try:
            found = _pandas().to_datetime(_pandas().Series(texts), format=way)
        except ValueError:
            continue
        if (found.dt.strftime(way).to_numpy() == texts).all():  # else it would not come back as it was
            return f"{AS_TEXT}{way} as {observed.dtype}"
    return ""


def _read_dates(values: Any, column: Column) -> Any:
    """Dates that are text as pandas has them. Raises DataError."""
    way = column.dtype.removeprefix(AS_TEXT).rpartition(" as ")[0]
    try:
        return _pandas().to_datetime(values, format="%Y-%m-%d" if way == "date" else way).astype("datetime64[us]")
    except (TypeError, ValueError) as error:
        raise DataError(f"column {column.name!r} holds what is no date as in training ({way}): {error}.") from error


def _microseconds(values: Any, column: Column) -> Array:
    if column.dtype.startswith(AS_TEXT) and not is_time(str(values.dtype)):
        values = _read_dates(values, column)
    if not is_time(str(values.dtype)):
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
    if dtype.startswith(AS_TEXT):
        way, _, kind = dtype.removeprefix(AS_TEXT).rpartition(" as ")
        texts = (times.dt.date if way == "date" else times.dt.strftime(way)).astype(object)
        return texts.where(times.notna(), None if kind == "object" else np.nan).astype(kind)
    return times.dt.tz_localize("UTC").astype(dtype) if "," in dtype else times.astype(dtype)


def _pandas() -> Any:
    try:
        return imported("pandas")
    except ImportError as error:
        raise DataError(INSTALL) from error
