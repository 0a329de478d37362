"""Texts: the lines of a .txt, windows of it, or a column of a .csv; each an example.

A line that is empty, or longer than is learnt from, is left out, and counted in `Dataset.remarks`. Text is UTF-8, or UTF-16
with a mark at its beginning.
"""

import codecs
import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from latentwalk.checks import whole
from latentwalk.data.dataset import Dataset
from latentwalk.data.sources.delimited import Sheet
from latentwalk.data.sources.packed import Split, undivided, unpacked
from latentwalk.data.spec import Kind
from latentwalk.data.units import FIRST, UnitKind, Vocabulary
from latentwalk.errors import ConfigError, DataError, unknown
from latentwalk.files import content_of

__all__ = ["LONGEST", "read_column", "read_lines", "text_of"]

LONGEST = 512  # units of a line that is learnt from: all are as wide as the longest
MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF8: "utf-8-sig"}


def read_lines(
    path: Path, *, split: Split, kind: Kind | None = None, units: UnitKind | None = None, length: int | None = None
) -> Dataset:
    """The lines of a .txt, gzipped or not, without white space at either end; or, with `length`, windows of so many
    units: characters, unless others are named.

    Raises DataError: no text, bytes that are none (in which line, and where), more lines too long than not.
    """
    _check(split, kind, length)
    text = text_of(_content(path))
    name = path.name.split(".")[0]
    if length is not None:
        return _windows(text, units, length, name)
    return _examples(text.split("\n"), units, "line", name)


def read_column(
    path: Path,
    *,
    column: str,
    split: Split,
    kind: Kind | None = None,
    units: UnitKind | None = None,
    label: str | None = None,
    separator: str | None = None,
) -> Dataset:
    """The texts in a column of a .csv or .tsv, gzipped or not. label: the column that is the class, if one is."""
    _check(split, kind, None)
    sheet = Sheet.of(path, separator)
    for one in (column, label):
        if one and one not in sheet.names:
            raise unknown("column", one, sheet.names)
    labels = np.array(sheet.fields(label)) if label else None
    return _examples(sheet.fields(column), units, "row", path.name.split(".")[0], labels, sheet.remarks)


def text_of(content: bytes) -> str:
    """The text that these bytes are, its lines ending in a single line feed.

    Raises DataError naming line and byte of the first that are no text.
    """
    coding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(coding)
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, byte = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        raise DataError(
            f"line {line}, byte {byte} is 0x{content[error.start]:02X}, and from there on it is no "
            f"{coding[:6].rstrip('-').upper()}: {error.reason}. Save it as UTF-8; "
            "from Western European letters: iconv -f cp1252 -t utf-8."
        ) from None
    if "\0" in text:
        raise DataError(f"line {text[: text.index(chr(0))].count(chr(10)) + 1} holds a zero byte, so this is no text.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check(split: Split, kind: Kind | None, length: int | None) -> None:
    undivided(split)
    if kind not in (None, "text"):
        raise ConfigError(f"kind={kind!r}: what is written in lines, or in this column, is text. Leave kind out.")
    whole("length", length, "units", least=2, most=LONGEST, none="a line an example")


def _content(path: Path) -> bytes:
    if not path.name.lower().endswith(".gz"):
        return content_of(path)
    with gzip.open(path) as stream:
        return bytes(unpacked(stream, path.stat().st_size))  # type: ignore[arg-type]  # it reads bytes


def _windows(text: str, units: UnitKind | None, length: int, name: str) -> Dataset:
    """Text cut into windows of `length` units, one after the other, the last of which may be shorter."""
    vocabulary = Vocabulary.of([text], units or "characters")
    numbers = np.array(vocabulary.numbers(text), np.int32)
    padded = np.zeros(-(-len(numbers) // length) * length, np.int32)
    padded[: len(numbers)] = numbers
    rows = np.pad(padded.reshape(-1, length), ((0, 0), (0, 1)))
    return Dataset.of_rows(rows, vocabulary, name=name, remarks=_told(vocabulary, rows))


def _examples(
    found: Sequence[str],
    units: UnitKind | None,
    what: str,
    name: str,
    labels: Any = None,
    remarks: Sequence[str] = (),
) -> Dataset:
    """Texts as examples, without those that are empty or too long; what: what one is called."""
    stripped = [one.strip() for one in found]
    kept = [row for row, one in enumerate(stripped) if one]
    empty = len(stripped) - len(kept) - (what == "line" and bool(stripped) and not stripped[-1])  # a file ends in a line's end
    vocabulary = Vocabulary.of([stripped[row] for row in kept], units)
    numbers = [vocabulary.numbers(stripped[row]) for row in kept]
    short = [at for at, one in enumerate(numbers) if len(one) <= LONGEST]
    long = len(kept) - len(short)
    if long > len(short):
        raise DataError(
            f"{long:,} of {_many(len(kept), what)} are longer than {LONGEST} units ({vocabulary.kind}). "
            "Read windows of it: length=128."
        )
    rows = vocabulary.rows([stripped[kept[at]] for at in short])
    told = [f"{_many(empty, f'empty {what}')} left out"] if empty else []
    told += [f"{_many(long, what)} longer than {LONGEST} {vocabulary.kind} left out; for windows: length="] if long else []
    data = Dataset.of_rows(rows, vocabulary, name=name, remarks=(*remarks, *told, *_told(vocabulary, rows)))
    return data if labels is None else data.labelled(labels[[kept[at] for at in short]])


def _told(vocabulary: Vocabulary, rows: Any) -> tuple[str, ...]:
    """What there is to say of units."""
    said = f"{len(vocabulary) - FIRST:,} {vocabulary.kind}, up to {rows.shape[1] - 1} in an example"
    rare = vocabulary.unknown(rows)
    return (said, *([f"{rare:,} times one that is rarer, read as unknown"] if rare else []))


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
