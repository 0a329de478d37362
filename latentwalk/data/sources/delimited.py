"""The cells of a .csv or .tsv: in which letters it is written, what stands between its fields, what its columns are called.

All of it is found by looking, at the whole file where that can be said only so. One route reads every table, with the standard
library's `csv`, whatever else is installed: pandas and pyarrow have to be told separator, decimal mark and letters, fill short
rows without a word, and take a first row of numbers for names. Cells are kept packed, a letter a byte or little more, until a
column is asked for; a table that is gone through once comes as `sheets`, a piece of it at a time.
"""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from latentwalk.data.formulas import meant
from latentwalk.data.sources.packed import unpacked
from latentwalk.data.written import HOLES, moments, number
from latentwalk.errors import ConfigError, DataError

__all__ = ["Sheet", "check_separator", "sheets"]

SEPARATORS = (",", ";", "\t", "|")  # the likelier first
NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
WORDS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
LOOKED_AT = 1 << 16  # letters that tell the separator and the header
ROWS = 100  # of them
MOST_COLUMNS = 50_000  # genes are 30,000; a reader of tables takes a while for each
CELLS = 1 << 19  # of a piece
BLOCK = 500  # rows that are held as texts of their own, before they are packed
BETWEEN = "\x1f"  # packed cells
SAID = 5  # lines named in a remark
YEARS = range(1900, 2101)  # numbers that are names, too
FIRST = re.compile(r'[ \t\r\n]*"?sep=(.)"?[ \t]*(\r\n|\r|\n|$)')  # what Excel reads before all else
Open = Callable[[], IO[bytes]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cells of a table, as text.

    names: of its columns. lines: (n,) the line of the file in which each row ends. separator: what stands between fields.
    remarks: what was found that its owner may not know of, one line each.
    """

    names: tuple[str, ...]
    lines: NDArray[np.int64]
    separator: str
    remarks: tuple[str, ...]
    cells: Mapping[str, Sequence["str | list[str]"]]  # of each column, in pieces

    @classmethod
    def of(cls, path: Path, separator: str | None = None) -> "Sheet":
        """The sheet in a .csv or .tsv, gzipped or not. separator: what stands between fields, where looking would not tell.

        Raises DataError: no text, no rows, a row longer than the header, no names or twice the same.
        """
        parts = [*sheets(path, separator)]
        cells = {name: [piece for part in parts for piece in part.cells[name]] for name in parts[0].names}
        return replace(parts[-1], lines=np.concatenate([part.lines for part in parts]), cells=cells)

    def fields(self, name: str) -> list[str]:
        """The column of that name, as it is written, without what keeps a spreadsheet from running a field: (n,)."""
        found: list[str] = []
        for piece in self.cells[name]:
            fields = piece.split(BETWEEN) if isinstance(piece, str) else piece
            found += map(meant, fields) if "'" in piece or isinstance(piece, list) else fields
        return found

    def holds(self, name: str, text: str) -> bool:
        """Whether that stands in some field of the column."""
        return any(text in (piece if isinstance(piece, str) else BETWEEN.join(piece)) for piece in self.cells[name])


def check_separator(separator: object) -> str | None:
    """What stands between fields: a letter, or its name. Raises ConfigError.

    >>> check_separator("tab")
    '\\t'
    """
    if separator is None:
        return None
    found = NAMED.get(separator, separator) if isinstance(separator, str) else None
    if found is None or len(found) != 1 or found in '"\r\n':
        raise ConfigError(f"separator={separator!r}: expected one letter, for example ';', or its name: {', '.join(NAMED)}.")
    return found


def sheets(path: Path, separator: str | None = None) -> Iterator[Sheet]:
    """The sheet in a .csv or .tsv, gzipped or not, a piece of at most `CELLS` cells at a time; the last one has all remarks.

    At least one, maybe without rows. Raises DataError, as `Sheet.of` does.
    """
    try:
        source = _source(path)
        encoding = _encoding(source)
        with io.TextIOWrapper(source(), encoding=encoding, newline="") as stream:
            yield from _read(stream, separator, path.name.lower().removesuffix(".gz").endswith(".tsv"), encoding)
    except csv.Error as error:
        raise DataError(f"not readable as CSV: {error}. Save the table again.") from error
    except (UnicodeError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"not readable as text in UTF-8: {error}. Save the table again as CSV in UTF-8.") from error


def _read(stream: IO[str], separator: str | None, tabs: bool, encoding: str) -> Iterator[Sheet]:
    sample = stream.read(LOOKED_AT)
    stream.seek(0)
    said = FIRST.match(sample)
    skipped = len(said[0].splitlines()) if said else 0
    for _ in range(skipped):
        stream.readline()
    sample = sample[said.end() :] if said else sample
    separator = separator or (said[1] if said else _found(sample, tabs))
    reader = _reader(stream, separator)
    first: list[str] = next(filter(_filled, reader), [])
    if len(first) > MOST_COLUMNS:
        raise DataError(
            f"the header names {len(first):,} columns; at most {MOST_COLUMNS:,} are read. Save the numbers as .npy."
        )
    if not first:
        raise DataError("the file is empty. Expected a header line, then rows of numbers.")
    below = [row for row in islice(_rows(sample, separator), 1 + ROWS) if _filled(row)][1:]
    named = _is_header(first, below)
    names = _names(first) if named else [f"x{at + 1}" for at in range(len(first))]
    remarks = [] if named else ["the first line is all numbers: taken as a row, not as names"]
    if encoding == "cp1252":
        remarks.append("letters taken as those of Windows-1252, not UTF-8")
    if separator not in (",", "\t" if tabs else ","):
        remarks.append(f"fields between {WORDS.get(separator, repr(separator))}")
    packing = _Packing(names, separator)
    if not named:
        packing.add(first, reader.line_num + skipped)
    for row in reader:
        packing.add(row, reader.line_num + skipped)
        if packing.full:
            yield packing.taken(remarks)
    yield packing.taken((*remarks, *packing.remarks()))


class _Packing:
    """Rows on their way into columns: as long as the header, those of nothing at the end left out, and packed."""

    def __init__(self, names: Sequence[str], separator: str) -> None:
        self.names, self.width, self.separator = tuple(names), len(names), separator
        self.columns: list[list[str | list[str]]] = [[] for _ in names]
        self.held: list[list[str]] = []
        self.lines: list[int] = []
        self.blank: list[tuple[int, bool]] = []  # lines of rows without a field that is filled, which no other has followed yet
        self.short = 0
        self.said: list[int] = []  # lines of the first that are short
        self.empty = [""] * self.width

    def add(self, row: list[str], line: int) -> None:
        """Take one row, which ends in that line. Raises DataError where it is too long."""
        if not row:
            return  # a blank line is no row
        short = len(row) < self.width
        if len(row) != self.width:
            if any(row[self.width :]):
                raise DataError(
                    f"line {line} has {len(row)} fields, the header {self.width} (the separator is {self.separator!r}). Name "
                    "every column, put quotes around what holds a separator, or say another: separator=."
                )
            row = (row + self.empty)[: self.width]
        if not any(row) and self.width > 1:
            self.blank.append((line, short))
            return
        for blank in self.blank:
            self._keep(self.empty, *blank)
        self.blank.clear()
        self._keep(row, line, short)

    def _keep(self, row: list[str], line: int, short: bool) -> None:
        self.held.append(row)
        self.lines.append(line)
        if len(self.held) == BLOCK:
            self._pack()
        self.short += short
        if short and len(self.said) < SAID:
            self.said.append(line)

    @property
    def full(self) -> bool:
        """Whether a piece is held."""
        return len(self.lines) * self.width >= CELLS

    def taken(self, remarks: Sequence[str]) -> Sheet:
        """What is held, packed."""
        self._pack()
        cells = dict(zip(self.names, self.columns, strict=True))
        sheet = Sheet(self.names, np.array(self.lines, dtype=np.int64), self.separator, tuple(remarks), cells)
        self.columns, self.lines = [[] for _ in self.names], []
        return sheet

    def _pack(self) -> None:
        """Pack the rows that are held as texts of their own: the fewer there are, the less there is to look after."""
        for column, fields in zip(self.columns, zip(*self.held, strict=True), strict=False):
            packed = BETWEEN.join(fields)
            column.append(packed if packed.count(BETWEEN) == len(fields) - 1 else list(fields))
        self.held.clear()

    def remarks(self) -> Iterator[str]:
        """What was done to the rows."""
        if self.short:
            more = ", …" if self.short > SAID else ""
            lines = ", ".join(map(str, self.said))
            yield f"{self.short:,} short row{'s' * (self.short > 1)}, the rest taken as missing (line {lines}{more})"
        if self.blank:
            yield f"{len(self.blank):,} empty row{'s' * (len(self.blank) > 1)} at the end left out"


# ---------------------------------------------------------------------- by looking


def _found(sample: str, tabs: bool) -> str:
    """The separator that cuts the sample into rows most alike; of equals, the one whose cells hold fewest of the others."""
    likely = ("\t", *SEPARATORS) if tabs else SEPARATORS
    best, most = likely[0], (-1.0, -1.0)
    for separator in dict.fromkeys(likely):
        try:
            rows = [row for row in _rows(sample, separator) if _filled(row)][:ROWS]
        except csv.Error:
            continue
        if not rows:
            break
        width = len(rows[0])
        alike = sum(len(row) == width for row in rows) / len(rows)
        others = [other for other in SEPARATORS if other != separator]
        cells = [cell for row in rows[1:] or rows for cell in row]
        clean = sum(not any(other in cell for other in others) or _is_number(cell) for cell in cells) / max(len(cells), 1)
        found = (float(width > 1) + alike if width > 1 else alike / 2, clean)
        if found > most:
            best, most = separator, found
    return best


def _is_header(first: list[str], below: list[list[str]]) -> bool:
    """Whether the first row names the columns; False where it is all numbers. Raises DataError where it reads like a row."""
    cells = [cell.strip() for cell in first]
    filled = [cell for cell in cells if cell]
    if not filled:
        raise DataError("the first line names no column. Add a header line.")
    numbers = [cell for cell in filled if _is_number(cell)]
    if numbers == [str(at) for at in range(len(numbers))] and len(numbers) == len(cells) - (not cells[0]):
        whole = all(_is_whole(cell) for row in below for cell in row)
        return not cells[0] or len(cells) > 3 or not whole  # as pandas names what has no names
    if numbers and all(cell.lower() in HOLES for cell in filled if cell not in numbers) and (cells[0] or len(numbers) < 2):
        return False
    years = all(_is_whole(cell) and int(cell) in YEARS for cell in numbers)
    counted = [str(int(numbers[0]) + at) for at in range(len(numbers))] if numbers and _is_whole(numbers[0]) else []
    if numbers and not (years or (numbers == counted and numbers[0] in ("0", "1"))):
        raise DataError(f"the first line reads like a row: {' and '.join(numbers[:3])} are no names. Add a header line.")
    dates = [at for at, cell in enumerate(cells) if cell and moments([cell])]
    for at in dates:
        under = {row[at].strip() for row in below if len(row) > at} - HOLES
        if under and moments(under):
            raise DataError(f"the first line reads like a row: {cells[at]} is no name. Add a header line.")
    return True


def _names(first: list[str]) -> list[str]:
    names = [meant(cell.strip()) for cell in first]
    names[0] = names[0].removeprefix("# ")  # as NumPy's savetxt writes a header
    doubles = sorted(name for name, times in Counter(names).items() if times > 1 and name)
    if doubles:
        some = ", ".join(map(repr, doubles[:5]))
        raise DataError(f"the header names {some} more than once. Give every column its own name.")
    taken = {*names}
    return [
        name
        if name or not at
        else next(one for one in (f"column {at + 1}", f"column {at + 1} of the file") if one not in taken)
        for at, name in enumerate(names)
    ]


def _is_number(cell: str) -> bool:
    return number(cell) is not None or number(cell, ",") is not None


def _is_whole(cell: str) -> bool:
    return cell.strip().isascii() and cell.strip().isdigit() and len(cell) < 10


def _filled(row: list[str]) -> bool:
    """Whether a row is more than a blank line."""
    return len(row) > 1 or bool(row and row[0].strip())


def _rows(sample: str, separator: str) -> Iterator[list[str]]:
    """The rows of a sample, without the last one where that may be cut."""
    rows = [*_reader(io.StringIO(sample, newline=""), separator)]
    return iter(rows[:-1] if len(sample) == LOOKED_AT and len(rows) > 1 else rows)


def _reader(stream: IO[str], separator: str) -> "csv._reader":  # type: ignore[name-defined]
    return csv.reader(stream, delimiter=separator, skipinitialspace=separator != " ")


# ---------------------------------------------------------------------- bytes and letters


def _source(path: Path) -> Open:
    """How to open the file, which is read more than once; unpacked, where it is gzipped."""
    if path.suffix.lower() != ".gz":
        return lambda: path.open("rb")
    with gzip.open(path, "rb") as stream:
        content = bytes(unpacked(cast(IO[bytes], stream), path.stat().st_size))
    return lambda: io.BytesIO(content)


def _encoding(source: Open) -> str:
    """UTF-8 or UTF-16 by their marks, UTF-8 where all of it is such, else Windows-1252. Raises UnicodeError."""
    with source() as stream:
        start = stream.read(1 << 10)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        zeros = [start[at::2].count(0) for at in (0, 1)]
        if max(zeros) > len(start) / 4 and min(zeros) == 0:
            return "utf-16-be" if zeros[0] else "utf-16-le"
        letters, old = codecs.getincrementaldecoder("utf-8")(), codecs.getincrementaldecoder("cp1252")()
        piece, foreign, fault = start, False, None
        while piece or fault is None:
            if fault is None:
                try:
                    foreign |= not letters.decode(piece, final=not piece).isascii()
                except UnicodeDecodeError as error:
                    foreign |= any(byte > 127 for byte in error.object[: error.start])
                    if foreign:  # it was UTF-8 until here, so it is damaged, or cut off
                        raise
                    fault = error
            if fault is not None and any(byte < 32 for byte in set(old.decode(piece).encode("utf-8")) - {9, 10, 12, 13}):
                raise fault  # no text in any letters
            if not piece and fault is None:
                return "utf-8-sig"
            piece = stream.read(1 << 20)
    return "cp1252"
