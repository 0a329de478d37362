"""Measures as a small table, for a notebook: name, value, interval, a bar for what is a share, and what it says.

Styles stand in the elements themselves, since a notebook keeps no others; greys are half-clear, for light pages and dark ones.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from latentwalk.latent.criteria.measure import Measure

__all__ = ["table"]

ACCENT, GREY = "#2f7fd1", "rgba(128,128,128,.28)"
WIDTH = 110  # pixels of a bar
CELL = "text-align:left;vertical-align:top;background:none;border:0"


def table(measures: Iterable["Measure"], absent: Mapping[str, str] | None = None) -> str:
    """HTML of these measures, one a row, and below them what could not be measured: name → why."""
    rows = [_row(_name(one.name), _value(one), _bar(one) if one.is_share else "", escape(one.reading)) for one in measures]
    rows += [
        _row(_name(name), "–", "", f'<span style="opacity:.7">{escape(why)}</span>') for name, why in (absent or {}).items()
    ]
    return f'<table style="border-collapse:collapse;font:13px/1.45 system-ui,sans-serif;max-width:62em">{"".join(rows)}</table>'


def _row(*cells: str) -> str:
    inside = "".join(f'<td style="{CELL};padding:.55em 1.4em .55em 0">{cell}</td>' for cell in cells)
    return f'<tr style="background:none;border-bottom:1px solid {GREY}">{inside}</tr>'


def _name(name: str) -> str:
    return f'<b style="white-space:nowrap">{escape(name)}</b>'


def _value(measure: "Measure") -> str:
    low, high = measure.figure_of(measure.low), measure.figure_of(measure.high)
    interval = "" if measure.low == measure.high else f'<br/><span style="opacity:.65;font-size:85%">{low} to {high}</span>'
    figure = f"{measure.figure} {escape(measure.unit)}".rstrip()
    return f'<span style="white-space:nowrap;font-variant-numeric:tabular-nums">{figure}{interval}</span>'


def _bar(measure: "Measure") -> str:
    """A track from 0 to 1, filled up to the value, the interval in a lighter shade, a tick at the value."""
    low, value, high = (WIDTH * end for end in (measure.low, measure.value, measure.high))
    boxes = _box(0, WIDTH, 6, GREY) + _box(0, low, 6, ACCENT, 0.85) + _box(low, high - low, 6, ACCENT, 0.45)
    tick = _box(min(max(value - 1, 0), WIDTH - 2), 2, 12, ACCENT)
    return f'<svg width="{WIDTH}" height="12" style="margin-top:.3em;display:block">{boxes}{tick}</svg>'


def _box(left: float, width: float, height: int, fill: str, opacity: float = 1) -> str:
    top = (12 - height) // 2
    return f'<rect x="{left:.1f}" y="{top}" width="{max(width, 0):.1f}" height="{height}" fill="{fill}" opacity="{opacity}"/>'
