"""Tables with a header: CSV, TSV, Parquet. pandas reads them where it is installed; the standard library reads CSV too.

A column of text is one of categories; then, and for dates, pandas is needed. An empty field is a missing value.
Both ways give the same numbers: pandas is told to round as Python does.
"""

import csv
import gzip
import importlib
import io
import math
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from latentwalk.arrays import Array
from latentwalk.data.columns import Column
from latentwalk.data.dataset import Dataset
from latentwalk.data.sources.packed import Split, check_unpacked, dataset_of, undivided, unpacked
from latentwalk.data.spec import Kind
from latentwalk.errors import DataError, unknown

__all__ = ["as_numbers", "column_called", "csv_columns", "header", "meant_as_numbers", "read_csv", "read_parquet"]

LABELS = ("label", "class", "target", "y")  # in order of preference
NAMES = ("name", "file", "filename")  # text that says which row it is
TRUTH = {"true": "1", "false": "0"}
INSTALL = "Install them with: pip install 'latentwalk[data]' pyarrow"
MOST_COLUMNS = 50_000  # genes are 30,000; a reader of tables takes a while for each
Columns = dict[str, Array]
Open = Callable[[], IO[bytes]]


def read_csv(
    path: Path, *, split: Split, kind: Kind | None, label: str | None, columns: Sequence[Column] | None = None
) -> Dataset:
    """The table of a .csv or .tsv, gzipped or not. columns: those of a model, whose codes are to be used."""
    undivided(split)
    return _table(csv_columns(path), kind, label, path.name.split(".")[0], columns, first_line=2)


def csv_columns(path: Path) -> Columns:
    """The columns (n,) of a .csv or .tsv, gzipped or not, by name: numbers, or text. Raises DataError."""
    delimiter = _delimiter(path)
    try:
        source, pandas = _source(path), _optional("pandas")
        names = _names(source, delimiter)
        return _plainly(source, delimiter, names) if pandas is None else _by_pandas(pandas, source, delimiter, names)
    except csv.Error as error:
        raise DataError(f"not readable as CSV: {error}. Save the table again.") from error
    except (UnicodeDecodeError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"not readable as text in UTF-8: {error}. Save the table again as CSV in UTF-8.") from error


def read_parquet(
    path: Path, *, split: Split, kind: Kind | None, label: str | None, columns: Sequence[Column] | None = None
) -> Dataset:
    """The table of a .parquet; needs pandas and pyarrow. columns: those of a model, whose codes are to be used."""
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
    found = _columns_of(frame)
    return _table(found, kind, label, path.stem, columns, first_line=0)


def _columns_of(frame: Any) -> Columns:
    """The columns of a frame from elsewhere. Raises DataError where two have one name, or one holds more than a value a row."""
    names = [str(name) for name in frame.columns]
    doubles = [name for name, times in Counter(names).items() if times > 1]
    if doubles or not names:
        raise DataError(f"two columns are called {doubles[0]!r}. Give each its own name." if names else "it has no columns.")
    columns = {name: _objects(frame.iloc[:, at].to_numpy()) for at, name in enumerate(names)}
    for name, values in columns.items():
        strange = next((type(one).__name__ for one in values if not np.isscalar(one) and hasattr(one, "__len__")), None)
        if values.dtype.kind == "O" and strange:
            raise DataError(f"column {name!r} holds a {strange}. Expected one number or text a row: drop it, or spread it out.")
    return columns


def _table(
    columns: Columns, kind: Kind | None, label: str | None, name: str, known: Sequence[Column] | None, first_line: int
) -> Dataset:
    """The data set of a table: one column may be the label, one may name the rows, all others are what is learnt from."""
    if label and label not in columns:
        raise unknown("column (label=)", label, columns)
    target = column_called(columns, LABELS) if label is None else label
    if label is None and target is not None and target.lower() == "y" and column_called(columns, ("x",)):
        target = None  # beside an x, y is a coordinate
    title = column_called({name: values for name, values in columns.items() if values.dtype.kind == "O"}, NAMES)
    numbers = {column: values for column, values in columns.items() if column not in (target, title)}
    if not all(len(values) for values in columns.values()):
        raise DataError(f"a header ({', '.join(columns)}) and no rows. At least one row is needed.")
    if not numbers:
        raise DataError(f"no column is left to learn from: found {', '.join(columns)}. Add one of numbers.")
    if known is not None:
        numbers = {column: values for column, values in columns.items() if column in {one.name for one in known}} or numbers
    features = _features(numbers, kind, known, first_line)
    return dataset_of(
        features,
        None if not target else _labels(columns[target], target),
        label=target or "",
        asked=label is not None,
        kind=kind or "table",
        columns=known or (),
        plain=[_plain(name, features[:, at], values) for at, (name, values) in enumerate(numbers.items())]
        if isinstance(features, np.ndarray) and all(numbers)
        else (),
        header=tuple(columns),
        beside={name: values for name, values in columns.items() if name not in numbers},
        name=name,
        names=() if title is None else tuple(str(value) for value in columns[title]),
    )


def _plain(name: str, numbers: Array, values: Array) -> Column:
    """A column (n,) of plain numbers: whole ones, also where some are missing, are told from others."""
    there = numbers[~np.isnan(numbers)]
    if values.dtype.kind in "iu":
        return Column(name, "continuous", str(values.dtype))
    whole = len(there) < len(numbers) and len(there) and (there == np.rint(there)).all() and (np.abs(there) < 2**53).all()
    return Column(name, "continuous", "Int64" if whole else "float64")


def _features(numbers: Columns, kind: Kind | None, known: Sequence[Column] | None, first_line: int) -> Any:
    """Plain numbers as an array (n, C), everything else as a frame; as these columns have it, where they are known."""
    texts = [column for column, values in numbers.items() if not meant_as_numbers(values)]
    if known is None and not texts:
        return np.column_stack([as_numbers(column, values, first_line) for column, values in numbers.items()])
    pandas = _optional("pandas")
    if pandas is None:
        raise DataError(f"column {texts[0]!r} is text; tables of categories need pandas. {INSTALL}")
    if kind not in (None, "table"):
        raise DataError(f"column {texts[0]!r} is text; an example of kind {kind!r} is all numbers. Drop the column.")
    categories = texts if known is None else [column.name for column in known if column.kind == "category"]
    frame = pandas.DataFrame(
        {
            column: values if column in categories or values.dtype.kind in "mM" else as_numbers(column, values, first_line)
            for column, values in numbers.items()
        }
    )
    return frame.mask(frame == "") if texts else frame


def meant_as_numbers(values: Array) -> bool:
    """Whether a column holds numbers, or text that seems meant as such: then a word is a mistake to be told, no category."""
    if values.dtype.kind in "biufmM":  # a date is no number, although NumPy makes one of it
        return values.dtype.kind in "biuf"
    there = [value for value in values if value is not None and value == value and value != ""]
    return sum(map(_is_number, there)) >= len(there) / 2 > 0


def column_called(columns: Columns, wanted: Sequence[str]) -> str | None:
    """The first of the wanted names, however it is written, that a column has."""
    lowered = {name.strip().lower(): name for name in reversed(columns)}
    return next((lowered[name] for name in wanted if name in lowered), None)


def as_numbers(column: str, values: Array, first_line: int) -> Array:
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
    where = f"row {row} (line {row + first_line})" if first_line else f"row {row}"
    advice = "Turn the column into numbers, or drop it." if text else "Drop or fill those rows."
    raise DataError(f"column {column!r} holds {values[row]!s:.40} at {where}. Expected finite numbers. {advice}")


def _labels(values: Array, label: str) -> Array:
    """The label column; text as one string type, none of it missing."""
    if values.dtype.kind in "biuf":
        return values
    missing = np.array([value is None or value != value or value == "" for value in values], dtype=bool)
    if missing.any():
        raise DataError(f"the label {label!r} is missing at row {int(np.argmax(missing))}. Fill or drop such rows.")
    return np.array([str(value) for value in values])


def header(path: Path) -> list[str]:
    """The names of the columns of a .csv or .tsv. Raises DataError."""
    return _names(_source(path), _delimiter(path))


def _delimiter(path: Path) -> str:
    return "\t" if path.name.lower().removesuffix(".gz").endswith(".tsv") else ","


def _names(source: Open, delimiter: str) -> list[str]:
    """The header, checked: pandas would rename doubles, and take a first row of numbers for names."""
    with _text(source) as stream:
        reader = csv.reader(stream, delimiter=delimiter)
        names = next(reader, [])
        row = next(filter(None, reader), [])
    if not names:
        raise DataError("the file is empty. Expected a header line, then rows of numbers.")
    if len(names) > MOST_COLUMNS:
        raise DataError(
            f"the header names {len(names):,} columns; at most {MOST_COLUMNS:,} are read. Save the numbers as .npy."
        )
    if not any(name.strip() for name in names):  # pandas would take the line for a blank one, and the next for the header
        raise DataError("the first line names no column. Add a header line.")
    if all(_is_number(name) for name in names):
        raise DataError(f"the first line is all numbers ({', '.join(names[:3])}). Add a header line.")
    if len(row) > len(names):  # pandas would take the first field of every row for an index
        raise DataError(f"line {reader.line_num} has {len(row)} fields, the header {len(names)}. Name every column.")
    doubles = sorted(name for name, times in Counter(names).items() if times > 1)
    if doubles:
        raise DataError(f"the header names {doubles[0]!r} more than once. Give every column its own name.")
    return names


def _by_pandas(pandas: Any, source: Open, delimiter: str, names: list[str]) -> Columns:
    try:
        # Only an empty field is missing: by default pandas also loses a class called None or NA.
        missing = {"keep_default_na": False, "na_values": [""]}
        with source() as stream:
            frame = pandas.read_csv(stream, sep=delimiter, encoding="utf-8-sig", **missing, **_exact(pandas))
    except (pandas.errors.ParserError, pandas.errors.EmptyDataError) as error:
        raise DataError(f"the rows differ in length: {str(error).strip()}. Expected {len(names)} fields.") from error
    if len(frame.columns) != len(names):
        raise DataError(f"the rows have {len(frame.columns)} fields, the header {len(names)}. Name every column.")
    frame.columns = names
    return {name: _objects(frame[name].to_numpy()) for name in names}


def _exact(pandas: Any) -> dict[str, str]:
    """The option that rounds as Python does. From 3.1 on pandas always does, and warns of the option."""
    version = tuple(int(part) for part in pandas.__version__.split(".")[:2])
    return {} if version >= (3, 1) else {"float_precision": "round_trip"}


def _objects(values: Array) -> Array:
    """Text as Python strings, whichever string type this pandas prefers."""
    return values if values.dtype.kind in "biufmM" else values.astype(object)


def _plainly(source: Open, delimiter: str, names: list[str]) -> Columns:
    """The columns, by the standard library alone."""
    with _text(source) as stream:
        reader = csv.reader(stream, delimiter=delimiter)
        next(reader)
        rows = []
        for row in reader:
            if row and len(row) != len(names):
                raise DataError(f"line {reader.line_num} has {len(row)} fields, the header {len(names)}.")
            if row:  # blank lines are no rows, as with pandas
                rows.append(row)
    return {name: _values([row[i] for row in rows]) for i, name in enumerate(names)}


def _values(fields: list[str]) -> Array:
    """Whole numbers, else numbers (empty is NaN), else the text as it is."""
    plain = [TRUTH.get(field.strip().lower(), field.strip()) for field in fields]
    for convert in (int, lambda field: float(field or "nan")):
        try:
            if not any("_" in field for field in plain):
                return np.array([convert(field) for field in plain], dtype=np.int64 if convert is int else np.float64)
        except (ValueError, OverflowError):
            continue
    return np.array(fields, dtype=object)


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False
    return "_" not in str(value)  # Python reads 1_000 as a number; a table means text


def _is_finite(value: object) -> bool:
    return _is_number(value) and math.isfinite(float(value))  # type: ignore[arg-type]


def _source(path: Path) -> Open:
    """How to open the file, which is read more than once; unpacked, where it is gzipped."""
    if path.suffix.lower() != ".gz":
        return lambda: path.open("rb")
    with gzip.open(path, "rb") as stream:
        content = bytes(unpacked(cast(IO[bytes], stream), path.stat().st_size))
    return lambda: io.BytesIO(content)


def _text(source: Open) -> IO[str]:
    """The file as text; utf-8-sig also takes the mark that spreadsheets put first."""
    return io.TextIOWrapper(source(), encoding="utf-8-sig", newline="")


def _optional(name: str) -> Any:
    """A package that need not be installed, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
