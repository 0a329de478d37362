"""Cells of text that a spreadsheet would run: written with an apostrophe before them, and read back without.

A spreadsheet takes text that begins with =, +, - or @ for a formula, and a formula may fetch a page with what stands in other
cells, or start a program. What a table was learnt from may be anybody's, and what is drawn from a model repeats its words.
Numbers are no formulas, and stay as they are. Source: OWASP, "CSV Injection".
"""

from collections.abc import Iterable
from typing import Any

from latentwalk.data.written import number

__all__ = ["harmless", "harmless_cells", "meant"]

SIGNS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # the last four are wide ones, signs in East Asian editions
MARK = "'"


def harmless(text: str) -> str:
    """The text, which no spreadsheet runs.

    >>> [harmless(text) for text in ("=1+1", "-1.5", "- see above", "'=1+1")]
    ["'=1+1", '-1.5', "'- see above", "''=1+1"]
    """
    return MARK + text if _is_run(text) else text


def harmless_cells(values: Iterable[Any]) -> Iterable[Any]:
    """A row or a column of cells, of which no spreadsheet runs one: text as `harmless` has it, all else as it is."""
    if getattr(getattr(values, "dtype", None), "kind", "O") not in "OU":
        return values  # numbers alone
    return [harmless(value) if isinstance(value, str) else value for value in values]


def meant(text: str) -> str:
    """The text that `harmless` was given, of what it gave."""
    return text[1:] if text[:1] == MARK and _is_run(text[1:]) else text


def _is_run(text: str) -> bool:
    """Whether a spreadsheet takes it for a formula, or would without marks before it; so each mark can be taken back."""
    bare = text.lstrip(MARK)
    begins = bare[:1] in SIGNS or bare.lstrip()[:1] in SIGNS
    return begins and len(bare) > 1 and number(bare) is None and number(bare, ",") is None
