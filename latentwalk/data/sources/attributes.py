"""What is known of each example beside itself: a table with a row for each file, matched by the files' names."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.data.dataset import Dataset
from latentwalk.data.sources import tables
from latentwalk.errors import DataError

__all__ = ["with_attributes"]

FILES = ("file", "filename", "file_name", "image", "image_id", "image_name", "name", "path")  # in order of preference
ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
SHOWN = 3  # names of files in a complaint
MATCHES: tuple[Callable[[str], str], ...] = (  # what of a name must be alike; of equally many matches, the first
    lambda name: str(PurePosixPath(name)),
    lambda name: PurePosixPath(name).name,
    lambda name: PurePosixPath(name).stem,
)


def with_attributes(data: Dataset, path: Path) -> Dataset:
    """The data set with the columns of a .csv or .tsv (.gz) as `factors`; rows it does not name get NaN.

    A column called file, name, image, … says which example a row is about: its path inside the data, its file's name, or that
    without its ending. Columns of text are left out, and listed in `skipped`.
    Raises DataError: no such column, no numbers, names that fit no example or are given twice, data without names.
    """
    if not path.name.lower().endswith(ENDINGS):
        raise DataError(f"attributes come as a table: {', '.join(ENDINGS)}.")
    if not data.names:
        raise DataError(f"the data ({data.name}) has no names that rows could be matched by. Give a folder or .zip of images.")
    cells = tables.csv_cells(path)
    columns = cells.values
    if not all(map(len, columns.values())):
        raise DataError(f"a header ({', '.join(columns)}) and no rows. A row is needed for each file.")
    title = tables.column_called(columns, FILES)
    if title is None:
        raise DataError(f"no column says which file a row is about: expected {', '.join(FILES)}, found {', '.join(columns)}.")
    rows = _rows([str(name) for name in cells.written(title, frozenset())], data.names, title)
    numbers, text = {}, []
    for name, values in columns.items():
        if name in (title, ""):
            continue
        if tables.meant_as_numbers(values):
            numbers[name] = _taken(tables.as_numbers(name, values, cells.where), rows)
        else:
            text.append(f"column {name!r} of {path.name}: text, and no number")
    if not numbers:
        raise DataError(f"no column of numbers beside {title!r}. Attributes are 0 or 1, probabilities, or amounts.")
    return replace(data, factors={**data.factors, **numbers}, skipped=(*data.skipped, *text))


def _rows(named: Sequence[str], names: Sequence[str], title: str) -> NDArray[np.int64]:
    """For each example the row of the table that is about it; -1 where none is."""
    found = [len({alike(name) for name in named} & {alike(name) for name in names}) for alike in MATCHES]
    if max(found) == 0:
        raise DataError(
            f"no example is named in the column {title!r}. It names {named[0]!r}, and the data has {names[0]!r}: "
            "expected the same path, file name, or file name without its ending."
        )
    alike = MATCHES[int(np.argmax(found))]
    wanted = [alike(name) for name in names]
    place = {alike(name): row for row, name in enumerate(named)}
    twice = [name for name, times in Counter(map(alike, named)).items() if times > 1 and name in set(wanted)]
    if twice:
        raise DataError(f"the column {title!r} names {twice[0]!r} more than once. Keep one row for each file.")
    times = Counter(wanted)
    doubles = [name for name in dict.fromkeys(wanted) if times[name] > 1 and name in place]
    if doubles:
        of = {name: [full for full in names if alike(full) == name] for name in doubles[:SHOWN]}
        said = "; ".join(f"{name!r} is {' as well as '.join(map(repr, full[:SHOWN]))}" for name, full in of.items())
        more = f"; and {len(doubles) - SHOWN:,} more names" if len(doubles) > SHOWN else ""
        raise DataError(
            f"the column {title!r} names files that the data has more than once: {said}{more}. Write there which is meant, its "
            f"path in the data: {', '.join(of[doubles[0]][:SHOWN])}."
        )
    return np.array([place.get(name, -1) for name in wanted])


def _taken(values: Array, rows: NDArray[np.int64]) -> Array:
    """The values (m,) of these rows, NaN for -1: (n,)."""
    if (rows >= 0).all():
        return values[rows]
    return np.where(rows >= 0, values[rows], np.nan)
