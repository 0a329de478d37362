"""Tables: CSV, TSV, Parquet. What each column is is found by looking, the same way for all.

A column is one of numbers, truths, dates and times, or else of categories, for which pandas is needed. What says which row is
which (row numbers, ids, text that is different everywhere) and what holds nothing is left out, with a word. Columns that cannot
be learnt from are named all at once.
"""

import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.data.columns import MOST_CATEGORIES, Column, ColumnKind, columns_of, joint_error, places_of
from latentwalk.data.dataset import Dataset
from latentwalk.data.sources.delimited import Sheet, sheets
from latentwalk.data.sources.packed import Split, check_unpacked, dataset_of, undivided
from latentwalk.data.spec import Kind
from latentwalk.data.written import GAPS, Commas, Looked, decimal_mark, meaning, moments, plain_text
from latentwalk.errors import ConfigError, DataError, unknown
from latentwalk.files import content_of
from latentwalk.surroundings import imported

__all__ = [
    "Cells",
    "Drop",
    "KindSaid",
    "Pieces",
    "as_numbers",
    "check_drop",
    "column_called",
    "csv_cells",
    "csv_pieces",
    "header",
    "kinds_said",
    "meant_as_numbers",
    "read_csv",
    "read_parquet",
    "types_said",
]

LABELS = ("label", "class", "target", "y")  # in order of preference
NAMES = ("name", "file", "filename")  # text that says which row it is
ID = re.compile(r"(?i:(^|.*[ _.-])(id|uuid|guid))|.*[a-z]I[dD]|ID")
COUNTED = re.compile(r"(?i:unnamed: 0|index|row|rownum|#|.*id)")  # an id where its numbers follow one another
COMPACT = re.compile(r"^((?:1[5-9]|2[01])\d\d)(\d\d)(\d\d)$")  # a date, where it is said that there are some
FEW = 20  # rows, from which on text that is never twice the same is no category
NAMELESS = "the first column"  # what one without a name is called
INSTALL = "Install them with: pip install 'latentwalk[data]' pyarrow"
Drop = Sequence[str] | bool | None
KindSaid = ColumnKind | Literal["date"]  # a date is continuous, once it is read
Known = Sequence[Column] | Mapping[str, KindSaid] | None
SAID: dict[str, KindSaid] = {
    "number": "continuous",
    "continuous": "continuous",
    "count": "count",
    "category": "category",
    "date": "date",
}


@dataclass(frozen=True, slots=True)
class Cells:
    """The columns of a table as it was read.

    values: of each column, (n,): numbers, truths, dates, or objects, None where nothing is.
    lines: (n,) the line of the file in which each row stands, or None. remarks: what was found in reading.
    written: a column as text, None for the gaps given.
    """

    values: dict[str, Array]
    written: Callable[[str, frozenset[str]], Array]
    lines: NDArray[np.int64] | None = None
    remarks: tuple[str, ...] = ()

    def where(self, row: int) -> str:
        """A row, in words."""
        return f"row {row}" if self.lines is None else f"row {row} (line {self.lines[row]})"


def read_csv(
    path: Path,
    *,
    split: Split,
    kind: Kind | None,
    label: str | None,
    columns: Known = None,
    drop: Drop = None,
    separator: str | None = None,
) -> Dataset:
    """The table of a .csv or .tsv, gzipped or not. columns: those of a model, whose codes are to be used, or kinds by name."""
    undivided(split)
    return _table(csv_cells(path, separator), kind, label, path.name.split(".")[0], columns, drop)


def csv_cells(path: Path, separator: str | None = None) -> Cells:
    """The columns of a .csv or .tsv, gzipped or not. Raises DataError."""
    sheet = Sheet.of(path, separator)
    values = {name: meaning(sheet.fields(name)) for name in sheet.names}
    unclear = (name for name in sheet.names if values[name].dtype.kind in "fO" and sheet.holds(name, ","))
    mark = decimal_mark(map(sheet.fields, unclear), sheet.separator)
    if mark == ",":
        values = {name: meaning(sheet.fields(name), mark) for name in sheet.names}
    remarks = (*sheet.remarks, *(["decimal commas"] if mark == "," else []))
    return Cells(values, lambda name, gaps: plain_text(sheet.fields(name), gaps), sheet.lines, remarks)


@dataclass(frozen=True, slots=True)
class Pieces:
    """A table that is gone through a piece at a time, as often as is asked for.

    rows: how many there are in all. left: columns that were not learnt from. remarks: what was found in reading.
    """

    rows: int
    left: tuple[str, ...]
    remarks: tuple[str, ...]
    each: Callable[[], Iterator[Dataset]]

    def __iter__(self) -> Iterator[Dataset]:
        return self.each()


def csv_pieces(path: Path, columns: Sequence[Column], separator: str | None = None) -> Pieces:
    """The table of a .csv or .tsv, as `read_csv` has it, a piece at a time; of columns that a model learnt, in any order.

    All of it is looked at before: what a column means is said by the whole of it. What names rows is chosen by the first piece.
    Raises DataError.
    """
    looked = {column.name: Looked() for column in columns if not _is_words(column)}
    rows, commas, sheet, title = 0, set(), None, None
    for sheet in sheets(path, separator):
        if not rows:
            places_of(sheet.names, columns, extra=True)
            title = _title_beside(sheet, {column.name for column in columns})
        rows += len(sheet.lines)
        commas |= {name for name in sheet.names if sheet.holds(name, ",")}
        for name, one in looked.items():
            one.look(sheet.fields(name))
    assert sheet is not None
    if not rows:
        raise DataError(f"a header ({', '.join(sheet.names)}) and no rows. At least one row is needed.")
    _look_again(path, separator, looked)
    marks = {name: Commas() for name in sheet.names if name in commas}
    for piece in sheets(path, separator) if marks else ():
        for name, mark in marks.items():
            mark.look(piece.fields(name))
    if (decimal := Commas.decided(marks.values(), sheet.separator)) != ".":
        looked = {name: Looked(decimal, again=True) for name in looked}
        _look_again(path, separator, looked)
    learnt = {column.name for column in columns}
    remarks = (*sheet.remarks, *(["decimal commas"] if decimal == "," else []))
    said = [f"rows named by: {title or NAMELESS}"] * (title is not None)
    left = tuple(name or NAMELESS for name in sheet.names if name not in learnt and name != title)

    def each() -> Iterator[Dataset]:
        first = 0
        for sheet in sheets(path, separator):
            if len(sheet.lines):
                try:
                    yield _piece(sheet, columns, looked, title, path.name.split(".")[0])
                except DataError as error:
                    if not first:
                        raise
                    raise DataError(f"counted from row {first} (line {sheet.lines[0]}) on: {error}") from error
                first += len(sheet.lines)

    return Pieces(rows, left, (*remarks, *said), each)


def _look_again(path: Path, separator: str | None, looked: Mapping[str, Looked]) -> None:
    """Go through the table until what each of these columns means is settled."""
    while open_ := {name: one for name, one in looked.items() if one.again}:
        for one in open_.values():
            one.begin()
        for sheet in sheets(path, separator):
            for name, one in open_.items():
                one.look(sheet.fields(name))


def _title_beside(sheet: Sheet, learnt: Collection[str]) -> str | None:
    """The column that says which row is which, of those not learnt from."""
    columns = {name: meaning(sheet.fields(name)) for name in sheet.names if name not in learnt}
    named = column_called({name: values for name, values in columns.items() if _is_text(values)}, NAMES)
    return named or next((name for name in _left_out(columns, later=True) if _names_rows(columns[name])), None)


def _piece(sheet: Sheet, columns: Sequence[Column], looked: Mapping[str, Looked], title: str | None, name: str) -> Dataset:
    """A piece of a table as a data set of these columns."""
    values = {
        one.name: looked[one.name].read(sheet.fields(one.name)) if one.name in looked else plain_text(sheet.fields(one.name))
        for one in columns
    }
    cells = Cells(values, lambda one, gaps: plain_text(sheet.fields(one), gaps), sheet.lines)
    data = _table(cells, "table", "", name, columns, None)
    return data if title is None else replace(data, names=tuple(map(str, plain_text(sheet.fields(title), frozenset()))))


def _is_words(column: Column) -> bool:
    """Whether a column that was learnt is one of texts, which mean what is written."""
    return column.kind == "category" and isinstance(column.categories[0], str)


def read_parquet(
    path: Path, *, split: Split, kind: Kind | None, label: str | None, columns: Known = None, drop: Drop = None
) -> Dataset:
    """The table of a .parquet; needs pandas and pyarrow. columns: those of a model, whose codes are to be used, or kinds."""
    undivided(split)
    pandas = _optional("pandas")
    if pandas is None:
        raise DataError(f"reading Parquet needs pandas and pyarrow. {INSTALL}")
    parquet = _optional("pyarrow.parquet")
    if parquet is None:
        raise DataError(f"reading Parquet needs pyarrow beside pandas. {INSTALL}")
    try:
        about = parquet.read_metadata(path)
        check_unpacked(8 * about.num_rows * about.num_columns, path.stat().st_size)
        frame = pandas.read_parquet(path)
    except (DataError, MemoryError):
        raise
    except Exception as error:  # pyarrow's errors are of many kinds, and what pandas noted in the file may be nonsense
        raise DataError(f"not readable as Parquet: {error}. Write it again with pandas.") from error
    try:
        cells = _cells_of(frame, drop if isinstance(drop, Sequence) else ())
    except imported("pyarrow").ArrowException as error:  # text is looked at when it is taken out
        raise DataError(f"not readable as Parquet: {error}. Write it again with pandas.") from error
    return _table(cells, kind, label, path.stem, columns, drop)


def _cells_of(frame: Any, dropped: Sequence[str] = ()) -> Cells:
    """The columns of a frame from elsewhere. Raises DataError where two have one name, or one holds more than a value a row.

    dropped: those that may hold anything, since they are left out.
    """
    names = [str(name) for name in frame.columns]
    doubles = [name for name, times in Counter(names).items() if times > 1]
    if doubles or not names:
        raise DataError(f"two columns are called {doubles[0]!r}. Give each its own name." if names else "it has no columns.")
    columns = {name: _plain(frame.iloc[:, at]) for at, name in enumerate(names)}
    for name, values in columns.items():
        strange = next((type(one).__name__ for one in values if not np.isscalar(one) and hasattr(one, "__len__")), None)
        if values.dtype.kind == "O" and strange and name in dropped:
            columns[name] = np.array([str(one) for one in values], dtype=object)
        elif values.dtype.kind == "O" and strange:
            raise DataError(f"column {name!r} holds a {strange}. Expected one number or text a row: drop it, or spread it out.")
    texts = {name: values for name, values in columns.items() if _is_text(values)}
    meant = {name: meaning([value or "" for value in values]) for name, values in texts.items()}

    def written(name: str, gaps: frozenset[str]) -> Array:
        return plain_text([value or "" for value in texts[name]], gaps) if name in texts else columns[name]

    return Cells({**columns, **meant}, written)


def _plain(values: Any) -> Array:
    """A column of a frame as NumPy has it: dates of a zone as those of Greenwich, days as dates, decimals as numbers."""
    if str(values.dtype).startswith("datetime64") and "," in str(values.dtype):
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    array: Array = values.to_numpy()
    if array.dtype.kind in "biufmM":
        return array
    array = np.array([None if _is_gap(value) else value for value in array.astype(object)], dtype=object)
    kinds = {type(value).__name__ for value in array} - {"NoneType", "NAType"}
    if kinds in ({"date"}, {"Timestamp"}, {"datetime"}):
        try:
            return array.astype("datetime64[us]")
        except (TypeError, ValueError, OverflowError):
            return array
    return np.array([np.nan if value is None else float(value) for value in array]) if kinds == {"Decimal"} else array


def _is_gap(value: object) -> bool:
    """Whether a value of a frame says that there is none: None, NaN, NaT, pandas' NA."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # of NA, and of arrays, it is not said
        return type(value).__name__ == "NAType"


def _is_text(values: Array) -> bool:
    """Whether a column is of texts and gaps, one text at least."""
    if values.dtype.kind != "O":
        return False
    kinds = {type(value) for value in values}
    return str in kinds and kinds <= {str, type(None)}


# ---------------------------------------------------------------------- options


def check_drop(drop: object) -> Drop:
    """The names of columns to leave out. Raises ConfigError.

    >>> check_drop("name, ticket")
    ('name', 'ticket')
    """
    if drop is None or drop is False:
        return drop
    named = drop.split(",") if isinstance(drop, str) else drop
    if not isinstance(named, Iterable) or not all(isinstance(name, str) for name in named):
        raise ConfigError(f"drop={drop!r}: expected names of columns, or False: leave out nothing by yourself.")
    return tuple(name.strip() for name in named if name.strip()) or False


def types_said(types: str) -> dict[str, KindSaid]:
    """What is said of columns on a line, as a file of them says it: see `kinds_said`. Raises ConfigError.

    >>> types_said("age=count, zip=category")
    {'age': 'count', 'zip': 'category'}
    """
    try:
        return _kinds(dict(_pairs(types.replace(",", "\n"))))
    except ValueError as error:
        raise ConfigError(f"types={types!r}: {error} is no name and kind. Expected, say, age=count,zip=category.") from error


def _kinds(said: Mapping[Any, Any]) -> dict[str, KindSaid]:
    for name, kind in said.items():
        if not isinstance(kind, str) or kind not in SAID:
            raise unknown(f"kind of column {name!r}:", kind, SAID)
    return {str(name): SAID[kind] for name, kind in said.items()}


def kinds_said(columns: object) -> Sequence[Column] | dict[str, KindSaid] | None:
    """What is said of columns: a mapping of names to kinds, a file of one, or the columns of a model as they are.

    A file is JSON, {"year": "category"}, or a table with a line for each column: its name, and its kind. Raises ConfigError,
    DataError.
    """
    if columns is None or (isinstance(columns, Sequence) and not isinstance(columns, str)):
        if columns and not all(isinstance(column, Column) for column in columns):
            raise ConfigError("columns: expected a mapping of names to kinds, or the columns of a model.")
        return columns
    if isinstance(columns, str | os.PathLike):
        return _kinds_in(Path(columns).expanduser())
    if not isinstance(columns, Mapping):
        raise ConfigError(f"columns={columns!r}: expected a mapping of names to kinds, or a file of one.")
    return _kinds(columns)


def _kinds_in(path: Path) -> dict[str, KindSaid]:
    """What a file says of columns. Raises DataError, ConfigError, with its path."""
    try:
        text = content_of(path).decode("utf-8-sig")
        return _kinds(json.loads(text) if text.lstrip().startswith("{") else dict(_pairs(text)))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: not readable as kinds of columns: {why}. Expected lines such as: year,category.") from error


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """A name and a kind for each line, with any separator between them."""
    for line in filter(str.strip, text.splitlines()):
        found = re.fullmatch(r'\s*"?(.+?)"?\s*[,;\t:=]\s*"?(\w+)"?\s*', line)
        if found is None:
            raise ValueError(f"the line {line!r:.60}")
        if found[2].lower() != "kind":  # the header
            yield found[1], found[2].lower()


# ---------------------------------------------------------------------- what is learnt from


def _table(cells: Cells, kind: Kind | None, label: str | None, name: str, said: Known, drop: Drop) -> Dataset:
    """The data set of a table: one column may be the label, one may name the rows, all others are what is learnt from."""
    known: Sequence[Column] = () if said is None or isinstance(said, Mapping) else said
    kinds = dict(said) if isinstance(said, Mapping) else {}
    if not all(len(values) for values in cells.values.values()):
        raise DataError(f"a header ({', '.join(cells.values)}) and no rows. At least one row is needed.")
    asked = drop if isinstance(drop, Sequence) else ()
    for option, some in (("drop=", asked), ("columns=", kinds)):
        for one in some:
            if one not in cells.values:
                raise unknown(f"column ({option})", one, cells.values)
    columns = {column: values for column, values in cells.values.items() if column not in asked}
    if label and label not in columns:
        raise unknown("column (label=)", label, columns)
    target = column_called(columns, LABELS) if label is None else label
    if label is None and target is not None and target.lower() == "y" and column_called(columns, ("x",)):
        target = None  # beside an x, y is a coordinate
    wanted = {column.name for column in known}
    if label is None and target in wanted:
        target = None
    title = column_called({name: values for name, values in columns.items() if _is_text(values) and name not in kinds}, NAMES)
    title = None if title in wanted else title
    learnt = {column: values for column, values in columns.items() if column not in (target, title)}
    if not learnt:
        raise DataError(f"no column is left to learn from: found {', '.join(columns)}. Add one of numbers.")
    unsaid = {one: values for one, values in learnt.items() if one not in kinds and one not in wanted}
    ids = {} if drop is False else _left_out(unsaid, bool(known))
    found = ids
    if known:
        found = {column: "not learnt from" for column in learnt if column not in wanted}
        learnt = {column: values for column, values in learnt.items() if column in wanted} or learnt
    elif len(found) < len(learnt):
        learnt = {column: values for column, values in learnt.items() if column not in found}
    else:
        found = {}
    title = title or next((column for column in ids if column not in learnt and _names_rows(columns[column])), None)
    features, of = _features(cells, learnt, kind, known, kinds)
    said_too = [f"label: {target}"] * bool(target) + [f"rows named by: {title or NAMELESS}"] * (title is not None)
    out = {**dict.fromkeys(asked, "as asked"), **{one: why for one, why in found.items() if one not in learnt}}
    return dataset_of(
        features,
        None if not target else _labels(cells, target),
        label=target or "",
        asked=label is not None,
        kind=kind or "table",
        columns=of,
        plain=[_counted(one, features[:, at], values) for at, (one, values) in enumerate(learnt.items())]
        if isinstance(features, np.ndarray) and all(learnt)
        else (),
        header=tuple(cells.values),
        beside={one: cells.written(one, frozenset()) for one in cells.values if one not in learnt},
        name=name,
        names=() if title is None else tuple(str(value) for value in cells.written(title, frozenset())),
        skipped=tuple(f"{column or NAMELESS} ({why})" for column, why in out.items()),
        remarks=(*cells.remarks, *said_too),
    )


def _counted(name: str, numbers: Array, values: Array) -> Column:
    """A column (n,) of plain numbers: whole ones, also where some are missing, are told from others."""
    there = numbers[~np.isnan(numbers)]
    if values.dtype.kind in "iu":
        return Column(name, "continuous", str(values.dtype))
    whole = len(there) < len(numbers) and len(there) and (there == np.rint(there)).all() and (np.abs(there) < 2**53).all()
    return Column(name, "continuous", "Int64" if whole else "float64")


def _is_plain(column: Column) -> bool:
    """Whether a column that was learnt is one of numbers."""
    return column.kind != "category" and not column.dtype.startswith(("datetime64", "timedelta64"))


def _left_out(columns: Mapping[str, Array], later: bool) -> dict[str, str]:
    """Columns that say which row is which, or nothing, and why. later: only those that name rows."""
    found = {}
    for name, values in columns.items():
        why = _why_left_out(name, values)
        if why and not (later and why == "empty"):
            found[name] = why
    return found


def _why_left_out(name: str, values: Array) -> str:
    rows = len(values)
    if not name:
        return "without a name"
    if values.dtype.kind in "iu":
        consecutive = rows > 1 and int(values.max()) - int(values.min()) == rows - 1 and len(np.unique(values)) == rows
        unique = consecutive or len(np.unique(values)) == rows
        return "an id" if (unique and ID.fullmatch(name)) or (consecutive and COUNTED.fullmatch(name)) else ""
    if values.dtype.kind == "f" and np.isnan(values).all():
        return "empty"
    if values.dtype.kind != "O":
        return ""
    there = [value for value in values if value is not None]
    if not there:
        return "empty"
    if not all(isinstance(value, str) for value in there) or meant_as_numbers(values):
        return ""
    different = len(set(there))
    if different == len(there) >= FEW:
        return "an id" if ID.fullmatch(name) else "text that is different in every row"
    return "text that is different in most rows" if different > max(MOST_CATEGORIES, len(there) / 2) else ""


def _names_rows(values: Array) -> bool:
    """Whether a column is of more use as names than the rows' numbers are."""
    if values.dtype.kind in "iu":
        return len(np.unique(values)) == len(values) and not (np.diff(values) == 1).all()
    return _is_text(values) and len(set(values)) == len(values)


def _features(
    cells: Cells, columns: Mapping[str, Array], kind: Kind | None, known: Sequence[Column], kinds: Mapping[str, KindSaid]
) -> tuple[Any, Sequence[Column]]:
    """Plain numbers as an array (n, C), everything else as a frame, and its columns; as those known have it."""
    texts = [] if known else [column for column, values in columns.items() if not meant_as_numbers(values)]
    problems: list[DataError] = []
    if not kinds and (all(map(_is_plain, known)) if known else not texts):
        numbers = [_attempt(problems, as_numbers, column, values, cells.where) for column, values in columns.items()]
        if problems:
            raise joint_error(problems)
        return np.column_stack(numbers), ()
    pandas = _optional("pandas")
    if pandas is None:
        which = f"column {texts[0]!r} is text; " if texts else ""
        raise DataError(f"{which}tables of categories need pandas. {INSTALL}")
    if kind not in (None, "table"):
        raise DataError(
            f"column {[*texts, *columns][0]!r} is text; an example of kind {kind!r} is all numbers. Drop the column."
        )
    of = {column.name: column for column in known}
    series = {name: _attempt(problems, _series, pandas, cells, name, of.get(name), kinds.get(name)) for name in columns}
    frame = pandas.DataFrame({name: values for name, values in series.items() if values is not None})
    if known:
        if problems:
            raise joint_error(problems)
        return frame, known
    here: dict[str, ColumnKind] = {name: "continuous" if one == "date" else one for name, one in kinds.items() if name in frame}
    found: Sequence[Column] = _attempt(problems, columns_of, frame, here) if len(frame.columns) else ()
    if problems:
        raise joint_error(problems)
    return frame, found


def _series(pandas: Any, cells: Cells, name: str, known: Column | None, kind: KindSaid | None) -> Any:
    """A column as a frame has it; as it was when it was learnt, where that is known. Raises DataError."""
    values = cells.values[name]
    if known is not None and _is_words(known):
        return cells.written(name, GAPS - {*known.categories})
    timed = known is not None and known.dtype.startswith(("datetime64", "timedelta64"))
    if timed and values.dtype.kind == "f" and np.isnan(values).all():
        return np.full(len(values), "NaT", "M8[us]" if known and known.dtype.startswith("datetime64") else "m8[us]")
    if (kind == "date" or (known and known.dtype.startswith("datetime64"))) and values.dtype.kind not in "mM":
        return _dates(name, cells)
    truths = values.dtype.kind == "b" or (values.dtype.kind == "O" and {type(one) for one in values} <= {bool, type(None)})
    if truths and kind in (None, "category") and (known is None or known.kind == "category"):
        return pandas.array(values, dtype="boolean") if values.dtype.kind == "O" else values
    if kind == "category":
        return cells.written(name, GAPS)
    if values.dtype.kind in "mM" or timed or (known is not None and known.kind == "category"):
        return values
    if known is None and kind is None and not meant_as_numbers(values):
        _check_dates(name, values, cells.where)
        return values
    return as_numbers(name, values, cells.where)


def _dates(name: str, cells: Cells) -> Array:
    """A column (n,) as the dates that it is said to hold, also without signs between them, "20200131". Raises DataError."""
    texts = cells.written(name, GAPS)
    there = {text for text in texts if text is not None}
    found = moments([COMPACT.sub(r"\1-\2-\3", str(text)) for text in there])
    if found is None:
        row = next(
            row for row, text in enumerate(texts) if text is not None and moments([COMPACT.sub(r"\1-\2-\3", str(text))]) is None
        )
        raise DataError(f"column {name!r} holds {texts[row]!s:.40} at {cells.where(row)}. Expected dates, all alike.")
    gap = np.datetime64("NaT")
    return np.array([found.get(COMPACT.sub(r"\1-\2-\3", str(text)), gap) for text in texts], dtype="datetime64[us]")


def _check_dates(name: str, values: Array, where: Callable[[int], str]) -> None:
    """Raise DataError where text is mostly dates: then a word is a mistake to be told, no category."""
    texts = [*dict.fromkeys(value for value in values if isinstance(value, str))][: MOST_CATEGORIES + 1]
    strange = {text for text in texts if moments([text]) is None}
    if texts and len(strange) < len(texts) / 2:
        row = next((row for row, value in enumerate(values) if value in strange), 0)
        raise DataError(
            f"column {name!r} holds {values[row]!s:.40} at {where(row)}, and dates elsewhere. Expected dates, all alike. "
            "Mend it, drop the column, or say that it is a category."
        )


def _attempt(problems: list[DataError], make: Callable[..., Any], *given: Any) -> Any:
    """What comes of it, or None, and the error beside the others: they are told all at once."""
    try:
        return make(*given)
    except DataError as error:
        problems.append(error)
        return None


def meant_as_numbers(values: Array) -> bool:
    """Whether a column holds numbers, or text that seems meant as such: then a word is a mistake to be told, no category."""
    if values.dtype.kind in "biufmM":  # a date is no number, although NumPy makes one of it
        return values.dtype.kind in "biuf"
    there = [value for value in values if value is not None and value == value and value != ""]
    return sum(map(_is_number, there)) >= len(there) / 2 > 0


def column_called(columns: Iterable[str], wanted: Sequence[str]) -> str | None:
    """The first of the wanted names, however it is written, that a column has."""
    lowered = {name.strip().lower(): name for name in reversed([*columns])}
    return next((lowered[name] for name in wanted if name in lowered), None)


def as_numbers(column: str, values: Array, where: Callable[[int], str] = "row {}".format) -> Array:
    """The column as numbers, NaN where a field is empty; DataError names the first value that is none, or is infinite."""
    if values.dtype.kind in "biu":
        return values
    text = values.dtype.kind != "f"
    if text:
        values = np.array([np.nan if value is None or value == "" else value for value in values], dtype=object)
        finite = np.array([value != value or _is_finite(value) for value in values], dtype=bool)
    else:
        finite = ~np.isinf(values)
    if finite.all():
        return values.astype(np.float64) if text else values  # text: whole numbers too large for 64 bits
    row = int(np.argmin(finite))
    advice = "Turn the column into numbers, or drop it." if text else "Drop or fill those rows."
    raise DataError(f"column {column!r} holds {values[row]!s:.40} at {where(row)}. Expected finite numbers. {advice}")


def _labels(cells: Cells, label: str) -> Array:
    """The label column; text as it is written and as one string type, none of it missing."""
    values = cells.values[label]
    if values.dtype.kind in "biuf":
        return values
    values = cells.written(label, frozenset([""]))
    missing = np.array([value is None or value != value or value == "" for value in values], dtype=bool)
    if missing.any():
        raise DataError(f"the label {label!r} is missing at row {int(np.argmax(missing))}. Fill or drop such rows.")
    return np.array([str(value) for value in values])


def header(path: Path) -> list[str]:
    """The names of the columns of a .csv or .tsv that are learnt from where all are numbers. Raises DataError."""
    values = csv_cells(path).values
    found = _left_out(values, later=False)
    return [name for name in values if name not in found] if len(found) < len(values) else [*values]


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False
    return "_" not in str(value)  # Python reads 1_000 as a number; a table means text


def _is_finite(value: object) -> bool:
    return _is_number(value) and math.isfinite(float(value))  # type: ignore[arg-type]


def _optional(name: str) -> Any:
    """A package that need not be installed, or None."""
    try:
        return imported(name)
    except ImportError:
        return None
