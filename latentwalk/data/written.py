"""What a column of text means: numbers, truths, dates and times, or words; and which fields are gaps.

A meaning is that of a whole column. "1,234" alone is a thousand or a bit more than one, "03/04/2020" is in March or in April:
what stands beside it in the column, or in the other columns, says which. A column one field of which does not fit stays text.
A column that comes in pieces is `Looked` at first, all of it, and then read.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from latentwalk.arrays import Array

__all__ = ["Commas", "DecimalMark", "Looked", "decimal_mark", "meaning", "moments", "number", "plain_text"]

DecimalMark = Literal[".", ","]
Way = Literal["plain", "truths", "numbers", "otherwise", "standard", "days", "months", "spans", "text"]
GAPS = frozenset(["", "?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "NULL", "null", "<NA>", "NaT"])  # of text
HOLES = frozenset(["none", "na", "-nan", "-", "--", ".", "n.a.", "missing", "#div/0!", "#value!", "#num!", "#null!"]) | {
    gap.lower() for gap in GAPS
}  # among numbers and dates, in whatever case
NEVER = HOLES | {"0000-00-00", "0000-00-00 00:00:00"}  # among dates: what MySQL writes for none
TRUTHS = {"true": True, "false": False}
LONGEST = 64  # letters of a number or a date that is not written plainly
GROUPS = "[{}'\u2019 \u00a0\u202f]"  # what stands between thousands
WHOLE = r"(?:\d{{1,3}}(?P<by>{by})\d{{3}}(?:(?P=by)\d{{3}})*|\d+)"
WRITTEN = {
    mark: re.compile(rf"[+-]?{WHOLE.format(by=GROUPS.format(other))}(?:{re.escape(mark)}\d*)?(?:[eE][+-]?\d+)?")
    for mark, other in ((".", ","), (",", "."))
}
UNITS = re.compile(r"([+-]?)\s?[$€£¥]\s?(?=\d)|\s?[$€£¥%]$")  # beside a number
CLOCK = r"(?P<h>\d{1,2}):(?P<min>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
TIME = rf"(?:(?:[T,]|,? ) ?{CLOCK} ?(?P<half>[AaPp][Mm])? ?(?P<zone>Z|UTC|GMT|[+-]\d{{2}}:?\d{{2}})?)?"
DATES = [
    re.compile(pattern + TIME)
    for pattern in (
        r"(?P<y>\d{4})(?P<by>[-/.])(?P<m>\d{1,2})(?P=by)(?P<d>\d{1,2})",
        r"(?P<first>\d{1,2})(?P<by>[-/.])(?P<second>\d{1,2})(?P=by)(?P<y>\d{4})",
        r"(?P<first>\d{1,2})(?P<by>/)(?P<second>\d{1,2})/(?P<short>\d{2})",
        r"(?P<d>\d{1,2})[ -](?P<month>[A-Za-z]{3,9})\.?,?[ -](?P<y>\d{4})",
        r"(?P<month>[A-Za-z]{3,9})\.? (?P<d>\d{1,2}),? (?P<y>\d{4})",
    )
]
STANDARD = re.compile(r"(?:1[5-9]|2[01])\d\d-\d\d(?:-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?)?")
SPAN = re.compile(
    r"(?:(?P<days>-?\d{1,6}) days?,? )?(?P<h>\d{1,3}):(?P<min>[0-5]\d)(?::(?P<s>[0-5]\d)(?:[.,](?P<f>\d{1,9}))?)?"
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def meaning(fields: Sequence[str], decimal: DecimalMark = ".") -> Array:
    """What a column of text (n,) means, as int64, float64, bool, datetime64[us], timedelta64[us], or else objects (n,).

    Gaps are NaN or NaT; truths with gaps are objects True, False and None, and words are texts, without blanks around them, and
    None. Numbers that no float can hold leave their column text. Dates of several zones are those of Greenwich.
    decimal: what stands before the fractions, in the table as a whole (see `decimal_mark`).
    """
    column = _Fields(fields)
    for way in get_args(Way):
        if way == "truths" and not column.dated:
            return column.nothing() if column.gaps_alone else plain_text(fields)
        found = column.read(way, decimal)
        if found is not None:
            return found
    raise AssertionError("any field is a text")


class _Fields:
    """The fields of a column, or of a piece of one, and the ways to read them."""

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields = fields

    @cached_property
    def texts(self) -> dict[str, str]:
        """Each of the fields without the blanks around it."""
        return {field: field.strip() for field in set(self.fields)}

    @cached_property
    def there(self) -> set[str]:
        """The texts that are no gaps among numbers."""
        return {text for text in self.texts.values() if text.lower() not in HOLES}

    @cached_property
    def dated(self) -> list[str]:
        """Those that are no gaps among dates either, which are fewer."""
        return [text for text in self.there if text.lower() not in NEVER]

    @property
    def gaps_alone(self) -> bool:
        """Whether all of them are gaps, also among words."""
        return all(text in GAPS for text in self.texts.values())

    def nothing(self) -> Array:
        """A column of which nothing is there."""
        return np.full(len(self.fields), np.nan)

    def read(self, way: Way, decimal: DecimalMark) -> Array | None:
        """The fields, read in this way, or None where one of them cannot be; any way can read what is not there."""
        if way == "plain":
            return _plain(self.fields) if decimal == "." or "." not in "".join(self.fields) else None
        if way == "text":
            return plain_text(self.fields)
        told = self.dated if way in ("standard", "days", "months") else self.there
        found = self._found(way, decimal) if told else {}
        if found is None:
            return None
        gap, dtype = READ[way]
        if way == "truths":
            dtype = bool if len(self.there) == len(set(self.texts.values())) else object
        return np.array([found.get(self.texts[field], gap) for field in self.fields], dtype=dtype)

    def _found(self, way: Way, decimal: DecimalMark) -> Mapping[str, Any] | None:
        """What each text that is there means, read in this way."""
        there = self.there
        match way:
            case "truths":
                return _all(TRUTHS.get, {text: text.lower() for text in there})
            case "numbers":
                return _all(lambda text: number(text, decimal), there)
            case "otherwise":
                return _all(lambda text: number(text, "," if decimal == "." else "."), there)
            case "standard":
                return _standard(self.dated)
            case "days" | "months":
                return _ordered(self.dated, (way == "days") == (decimal == ","))
            case _:
                return _all(_span, there)


READ: dict[str, tuple[Any, Any]] = {
    "truths": (None, None),
    "numbers": (np.nan, np.float64),
    "otherwise": (np.nan, np.float64),
    "standard": (np.datetime64("NaT"), "datetime64[us]"),
    "days": (np.datetime64("NaT"), "datetime64[us]"),
    "months": (np.datetime64("NaT"), "datetime64[us]"),
    "spans": (np.timedelta64("NaT"), "timedelta64[us]"),
}  # what stands for a gap, and the type of the column


class Looked:
    """What a column means that comes in pieces: the same as `meaning` finds of the whole.

    The likeliest way to read it that has not failed is tried on each piece. One that fails after it had held for others leaves
    open whether the next one holds for those: the column is to be looked at `again`, from the beginning.
    """

    def __init__(self, decimal: DecimalMark = ".", *, again: bool = False) -> None:
        self.decimal = decimal
        self.ways: list[Way] = [*get_args(Way)]
        self.begin()
        self.again = again

    def begin(self) -> None:
        """Look at the column from its beginning."""
        self.again, self.pieces, self.whole, self.seen, self.gaps_alone = False, 0, True, False, True

    def look(self, fields: Sequence[str]) -> None:
        """See whether a piece (n,) can be read as those before it."""
        column = _Fields(fields)
        while (found := column.read(self.ways[0], self.decimal)) is None:
            del self.ways[0]
            self.again = self.pieces > 0
        self.pieces += 1
        self.whole = self.whole and found.dtype == np.int64
        if self.ways[0] != "plain":
            self.seen = self.seen or bool(column.dated)
            self.gaps_alone = self.gaps_alone and column.gaps_alone

    def read(self, fields: Sequence[str]) -> Array:
        """A piece (n,) of the column that was looked at, as what it means."""
        column, way = _Fields(fields), self.ways[0]
        if way == "plain":
            found = _plain(fields)
            assert found is not None
            return found if self.whole else found.astype(np.float64)
        if not self.seen:
            return column.nothing() if self.gaps_alone else plain_text(fields)
        known = column.read(way, self.decimal)
        assert known is not None
        return known


def plain_text(fields: Sequence[str], gaps: Collection[str] = GAPS) -> Array:
    """A column of text (n,) as objects: each without the blanks around it, None where it is one of `gaps`."""
    texts = {field: None if field.strip() in gaps else field.strip() for field in set(fields)}
    return np.array([texts[field] for field in fields], dtype=object)


def number(text: str, decimal: DecimalMark = ".") -> float | None:
    """A number as people write it, "1,234.5", "1.234,5", "$ 12" and "7 %", or None where it is none, or not finite."""
    bare = text.strip()
    try:
        value = float(bare) if decimal == "." and "_" not in bare else None
    except ValueError:
        value = None
    if value is None and len(bare) <= LONGEST:
        bare = UNITS.sub(r"\1", bare)
        if found := WRITTEN[decimal].fullmatch(bare):
            value = float((bare.replace(found["by"], "") if found["by"] else bare).replace(decimal, "."))
    return value if value is not None and math.isfinite(value) else None


def decimal_mark(columns: Iterable[Sequence[str]], separator: str) -> DecimalMark:
    """What stands before the fractions in a table: a comma where a column can be read only so.

    A column that can be read both ways, "1,234", decides only beside a `separator` that leaves the comma free for it.
    """
    found = []
    for fields in columns:
        found.append(Commas())
        found[-1].look(fields)
    return Commas.decided(found, separator)


class Commas:
    """What the commas of a column, or of its pieces, may be."""

    def __init__(self) -> None:
        self.commas = self.only = False  # whether there are some; whether a text can be read only so
        self.numbers = True  # whether all can be read so

    def look(self, fields: Sequence[str]) -> None:
        """Take a column, or a piece of it, into account."""
        there = {text for text in map(str.strip, set(fields)) if text.lower() not in HOLES} if self.numbers else set()
        self.numbers = self.numbers and all(number(text, ",") is not None for text in there)
        self.commas = self.commas or any("," in text for text in there)
        self.only = self.only or (self.numbers and any(number(text) is None for text in there))

    @staticmethod
    def decided(columns: "Iterable[Commas]", separator: str) -> DecimalMark:
        """The mark of a table: see `decimal_mark`."""
        unclear = [marks for marks in columns if marks.commas and marks.numbers]
        if any(marks.only for marks in unclear):
            return ","
        return "," if unclear and separator == ";" else "."


def moments(texts: Collection[str], *, day_first: bool = False) -> dict[str, np.datetime64] | None:
    """The moment that each text names, in microseconds, or None where one of them names none.

    "2020-01-31", with or without a time and a zone, "31.1.2020", "1/31/2020 4:05 PM", "31 Jan 2020", "January 31, 2020" and
    "2020-01".
    day_first: what "03/04/2020" is, where no other text says it.
    """
    there = [text for text in texts if text.lower() not in NEVER]
    found = _standard(there)
    for first in (day_first, not day_first):
        found = _ordered(there, first) if found is None else found
    return found


def _standard(texts: Collection[str]) -> dict[str, np.datetime64] | None:
    """The moment that each text names, all of them as ISO 8601 has it, or None."""
    if not texts or not all(map(STANDARD.fullmatch, texts)):
        return None
    try:
        return dict(zip(texts, np.array([*texts], dtype="datetime64[us]"), strict=True))
    except ValueError:
        return None


def _ordered(texts: Collection[str], day_first: bool) -> dict[str, np.datetime64] | None:
    """The moment that each text names, in any way people write it, or None."""
    if not texts or max(map(len, texts)) > LONGEST:
        return None
    return _all(lambda text: _moment(text, day_first), texts)


def _moment(text: str, day_first: bool) -> np.datetime64 | None:
    found = next((match for pattern in DATES if (match := pattern.fullmatch(text))), None)
    if found is None:
        return None
    parts = found.groupdict()
    if parts.get("first"):
        turned = day_first or parts["by"] == "."
        parts["d"], parts["m"] = (parts["first"], parts["second"]) if turned else (parts["second"], parts["first"])
    month = parts.get("month")
    if month and month[:3].lower() not in MONTHS:
        return None
    hour = int(parts["h"] or 0)
    if parts["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (parts["half"].lower() == "pm")
    year = int(parts.get("y") or 0) or (lambda short: short + (2000 if short < 69 else 1900))(int(parts.get("short") or 0))
    try:
        moment = datetime(
            year,
            MONTHS.index(month[:3].lower()) + 1 if month else int(parts["m"] or 0),
            int(parts["d"] or 0),
            hour,
            int(parts["min"] or 0),
            int(parts["s"] or 0),
            int(f"{parts['f'] or 0:0<6}"[:6]),
        ) - _ahead(parts["zone"])
    except (ValueError, OverflowError):
        return None
    return np.datetime64(moment, "us")


def _ahead(zone: str | None) -> timedelta:
    """How far a zone's clocks are ahead of Greenwich."""
    if not zone or zone[0] not in "+-":
        return timedelta(0)
    ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return ahead if zone[0] == "+" else -ahead


def _span(text: str) -> np.timedelta64 | None:
    found = SPAN.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(found[part] or 0) for part in ("days", "h", "min", "s"))
    fraction = int(f"{found['f'] or 0:0<6}"[:6])
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, microseconds=fraction)
    return np.timedelta64(span, "us")


def _all(read: Callable[[str], Any], texts: Iterable[str]) -> dict[str, Any] | None:
    """What each text is, or None as soon as one is nothing. A mapping is read by its values."""
    found = {}
    for text in texts:
        value = read(texts[text] if isinstance(texts, Mapping) else text)
        if value is None:
            return None
        found[text] = value
    return found


def _plain(fields: Sequence[str]) -> Array | None:
    """Numbers as Python writes them, gaps between them empty or nan; None for anything else. Most columns are such."""
    if "_" in "".join(fields):  # to Python, 1_000 is a number
        return None
    for convert, dtype in ((int, np.int64), (float, np.float64), (_float, np.float64)):
        try:
            found: Array = np.array([*map(convert, fields)], dtype=dtype)
        except (ValueError, OverflowError):
            continue
        return None if np.isinf(found).any() else found
    return None


def _float(field: str) -> float:
    return float(field) if field else math.nan
