"""A measured number: its value, how sure we are of it, and what it says in plain words; alone, or in a table for a notebook.

Styles of the table stand in the elements themselves, since a notebook keeps no others; greys are half-clear, for light pages
and dark ones.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from statistics import NormalDist
from typing import Any, Literal, get_args

import numpy as np

from latentwalk.arrays import Array

__all__ = ["Better", "Measure", "half_width", "html_table", "percent", "wilson"]

Better = Literal["higher", "lower", ""]
ACCENT, GREY = "#2f7fd1", "rgba(128,128,128,.28)"
WIDTH = 110  # pixels of a bar
CELL = "text-align:left;vertical-align:top;background:none;border:0"


@dataclass(frozen=True, slots=True)
class Measure:
    """One number about a latent space, and how it stands in a column beside others of its kind.

    title: what it is called.
    value: the number itself.
    low, high: its 95 % interval.
    reading: one sentence that says what it means for this model.
    details: other numbers found on the way, by name.
    unit: "nats", say; none for a share.
    digits: in a column of a table, places after the point.
    better: which numbers are better ones, "higher" or "lower"; "" where neither is.

    >>> print(Measure("continuity", 0.94, 0.93, 0.95, "94 % of small steps keep the output."))
    continuity 0.940 [0.930, 0.950]
    """

    title: str
    value: float
    low: float
    high: float
    reading: str
    details: Mapping[str, float | list[float]] = field(default_factory=dict)
    unit: str = ""
    digits: int = field(default=2, kw_only=True)
    better: Better = field(default="higher", kw_only=True)

    def __str__(self) -> str:
        return f"{self.title} {self.figure} [{self.figure_of(self.low)}, {self.figure_of(self.high)}] {self.unit}".rstrip()

    @property
    def figure(self) -> str:
        """The value as people read it."""
        return self.figure_of(self.value)

    @property
    def is_share(self) -> bool:
        """Whether it is a share of something, in [0, 1], and not an amount of some unit."""
        return not self.unit and min(self.low, self.value) >= 0 and max(self.value, self.high) <= 1

    def figure_of(self, number: float) -> str:
        """A number in the measure's unit, as people read it: three places of a share, three figures of an amount."""
        return f"{number:.3g}" if self.unit else f"{number:.3f}"

    def _repr_html_(self) -> str:
        return html_table([self])

    def to_json(self) -> dict[str, Any]:
        """The measure as plain numbers, strings, lists and a dictionary, ready for `json.dump`."""
        return {**asdict(self), "details": dict(self.details)}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Measure":
        """The measure that `to_json` wrote, now or when the title was called name. Raises ValueError for anything else."""
        measure = cls(**{"title" if key == "name" else key: value for key, value in found.items()})
        numbers = (measure.value, measure.low, measure.high)
        words = (measure.title, measure.reading, measure.unit)
        known = all(isinstance(word, str) for word in words) and isinstance(measure.details, dict)
        column = type(measure.digits) is int and 0 <= measure.digits <= 9 and measure.better in get_args(Better)
        finite = all(isinstance(number, (int, float)) and np.isfinite(number) for number in numbers)
        if not (known and column and finite):
            raise ValueError(f"expected a measure, found {found!r:.60}")
        return measure


def percent(share: float) -> str:
    """62 %. A share that is neither none nor all is never called 0 % or 100 %."""
    percent = 100 * share
    if 0 < percent < 1 or 99 < percent < 100:
        return f"{min(max(percent, 0.1), 99.9):.1f} %"
    return f"{percent:.0f} %"


def wilson(hits: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """The interval for a share of `hits` in `trials`; honest near 0 and 1, where the usual one has no width.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    share, z = hits / trials, NormalDist().inv_cdf(0.5 + level / 2)
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # rounding may leave the end a hair inside the share itself when all, or none, are hits
    return max(0.0, float(min(centre - half, share))), min(1.0, float(max(centre + half, share)))


def half_width(values: Array, level: float = 0.95) -> float:
    """Half of the normal interval for the mean of independent `values` (n,)."""
    return float(NormalDist().inv_cdf(0.5 + level / 2) * values.std(ddof=1) / np.sqrt(len(values)))


# ---------------------------------------------------------------------- tables


def html_table(measures: Iterable[Measure], absent: Mapping[str, str] | None = None) -> str:
    """HTML of these measures, one a row, and below them what could not be measured: name → why."""
    rows = [_row(_name(one.title), _value(one), _bar(one) if one.is_share else "", escape(one.reading)) for one in measures]
    rows += [
        _row(_name(name), "–", "", f'<span style="opacity:.7">{escape(why)}</span>') for name, why in (absent or {}).items()
    ]
    return f'<table style="border-collapse:collapse;font:13px/1.45 system-ui,sans-serif;max-width:62em">{"".join(rows)}</table>'


def _row(*cells: str) -> str:
    inside = "".join(f'<td style="{CELL};padding:.55em 1.4em .55em 0">{cell}</td>' for cell in cells)
    return f'<tr style="background:none;border-bottom:1px solid {GREY}">{inside}</tr>'


def _name(name: str) -> str:
    return f'<b style="white-space:nowrap">{escape(name)}</b>'


def _value(measure: Measure) -> str:
    low, high = measure.figure_of(measure.low), measure.figure_of(measure.high)
    interval = "" if measure.low == measure.high else f'<br/><span style="opacity:.65;font-size:85%">{low} to {high}</span>'
    figure = f"{measure.figure} {escape(measure.unit)}".rstrip()
    return f'<span style="white-space:nowrap;font-variant-numeric:tabular-nums">{figure}{interval}</span>'


def _bar(measure: Measure) -> str:
    """A track from 0 to 1, filled up to the value, the interval in a lighter shade, a tick at the value."""
    low, value, high = (WIDTH * end for end in (measure.low, measure.value, measure.high))
    boxes = _box(0, WIDTH, 6, GREY) + _box(0, low, 6, ACCENT, 0.85) + _box(low, high - low, 6, ACCENT, 0.45)
    tick = _box(min(max(value - 1, 0), WIDTH - 2), 2, 12, ACCENT)
    return f'<svg width="{WIDTH}" height="12" style="margin-top:.3em;display:block">{boxes}{tick}</svg>'


def _box(left: float, width: float, height: int, fill: str, opacity: float = 1) -> str:
    top = (12 - height) // 2
    return f'<rect x="{left:.1f}" y="{top}" width="{max(width, 0):.1f}" height="{height}" fill="{fill}" opacity="{opacity}"/>'
