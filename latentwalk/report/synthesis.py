"""The page about a synthetic copy: how good it is, column by column, pair by pair, and what every row keeps."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from latentwalk.arrays import Array, Doubles
from latentwalk.data.columns import Column
from latentwalk.data.constraints import Constraint
from latentwalk.latent.criteria.measure import Measure, percent
from latentwalk.report import figures
from latentwalk.report.figures import Palette
from latentwalk.report.leaflet import Cell, Picture, Row, Section, write_leaflet
from latentwalk.studies.synthesis.copy import SyntheticCopy
from latentwalk.studies.synthesis.resemblance import ColumnResemblance, Resemblance

__all__ = ["synthesis_report"]

SHOWN, LISTED = 12, 40  # columns that are drawn, the least alike first; and rows of a table
BARS = 24  # of a histogram
LEVELS, LETTERS = 8, 14  # of a category that are drawn, and of a name
NAMED = 16  # columns up to which those of a map of pairs are named
MEASURES_NOTE = (
    "Other real rows: what as many rows that the model learnt from reach where the copy stands; better than that is luck. "
    "Distances: 0 is the same, 1 has nothing in common. Classifier AUC: 0.5 is not told apart, 1 always. Skill: how well "
    "trees learn columns from the others, judged on real rows; 0 is nothing, 1 all. Closeness: 0.5 is as close to rows "
    "learnt from as to others, 1 a copy of them."
)
COLUMNS_NOTE = "Outlined: the copy. Filled: real rows. The columns that differ most come first."
PAIRS_NOTE = "Rank correlations between numbers, correlation ratios and Cramér’s V where a category takes part."


def synthesis_report(page: Path, copy: SyntheticCopy, found: Resemblance, *, data: str) -> Path:
    """Write what is known of a copy to `page`, and the numbers beside it. Raises CheckpointError."""
    ordered = sorted(found.columns, key=lambda one: -one.distance)
    places = {one.column.name: at for at, one in enumerate(found.columns)}
    charts = [_histogram(found, one, places[one.column.name]) for one in ordered[:SHOWN]]
    judged = "rows that the model did not learn from" if found.held_out else "rows that the model learnt from"
    return write_leaflet(
        page,
        title="A synthetic copy, and how good it is",
        kicker=f"{data} · {len(copy):,} rows drawn · judged by {len(found.real):,} {judged}",
        summary=[*_said(found), str(copy), *copy.remarks],
        sections=[
            Section(
                "In numbers",
                head=["", "copy", "other real rows"],
                rows=[*map(_measure, found.measures.values()), *(Row(name, [Cell("–"), Cell("")]) for name in found.absent)],
                note=" ".join([MEASURES_NOTE, *(f"No {name}: {why}." for name, why in found.absent.items())]),
            ),
            Section("Column by column", charts=charts, note=COLUMNS_NOTE),
            Section(
                head=["Column", "what it is", "distance", "other real rows", "skill", "from real rows"],
                rows=[_column(one) for one in ordered[:LISTED]],
                note=f"And {len(ordered) - LISTED} more, closer ones." if len(ordered) > LISTED else "",
            ),
            Section("Pair by pair", charts=_pairs(found), note=PAIRS_NOTE),
            Section(
                "What every row keeps",
                head=["Constraint", "", "broken by"] if _kept(copy) else (),
                rows=_kept(copy),
                note=_kept_note(copy),
            ),
        ],
        content={"format": "latentwalk-synthesis", "version": 1, "data": data} | _numbers(copy) | found.to_json(),
    )


def _said(found: Resemblance) -> list[str]:
    """The classifier's verdict, what the copy is worth, and whether it tells about single rows."""
    return [found.measures[name].reading for name in ("classifier", "skill", "closeness") if name in found.measures] + [
        f"Closeness was not measured: {found.absent['closeness']}." for _ in range("closeness" in found.absent)
    ]


def _measure(one: Measure) -> Row:
    real = one.details.get("real")
    small = f"{one.low:.{one.digits}f} to {one.high:.{one.digits}f}"
    usual = Cell(
        f"{real:.{one.digits}f}" if isinstance(real, float) else "–",
        f"{one.better} is better" if one.better else "as it should be",
    )
    return Row(one.title, [Cell(f"{one.value:.{one.digits}f}", small), usual])


def _column(one: ColumnResemblance) -> Row:
    numbers = (one.distance, one.real, one.skill, one.real_skill)
    return Row(
        _short(one.column.name, 40),
        [Cell(_kind(one.column)), *(Cell("–" if number is None else f"{number:.3f}") for number in numbers)],
    )


def _kind(column: Column) -> str:
    if "datetime64" in column.dtype:
        return "date"
    return {"continuous": "number"}.get(column.kind, column.kind)


def _kept(copy: SyntheticCopy) -> list[Row]:
    """The constraints but bounds that were found: given ones first, then those that most draws broke."""
    shown = [one for one in copy.constraints if not _is_bound(one)]
    ordered = sorted(shown, key=lambda one: (one.found, -copy.broken.get(str(one), 0)))
    return [
        Row(
            _short(str(one), 70),
            [
                Cell("found" if one.found else "given"),
                Cell(percent(copy.broken.get(str(one), 0) / max(copy.drawn, 1)), "of the draws"),
            ],
        )
        for one in ordered[:LISTED]
    ]


def _kept_note(copy: SyntheticCopy) -> str:
    if not copy.constraints:
        return "Nothing was asked for, and nothing was looked for."
    bounds = [one for one in copy.constraints if _is_bound(one)]
    more = len(copy.constraints) - len(bounds) - LISTED
    said = [f"And {more} more."] if more > 0 else []
    if bounds:
        count, broken = len({one.columns for one in bounds}), sum(copy.broken.get(str(one), 0) for one in bounds)
        said.append(f"Bounds of {count} columns as well: no number beyond those seen, which {broken:,} draws had.")
    return " ".join([*said, "Found: true of all rows learnt from. No row of the copy breaks any."])


def _is_bound(one: Constraint) -> bool:
    return one.found and len(one.columns) == 1


def _numbers(copy: SyntheticCopy) -> dict[str, Any]:
    return {
        "copy": {"drawn": copy.drawn, "rejected": copy.rejected, "moved": copy.moved, "sampler": copy.sampler},
        "constraints": [
            {"text": str(one), "found": one.found, "broken": copy.broken.get(str(one), 0)} for one in copy.constraints
        ],
        "remarks": list(copy.remarks),
    }


# ---------------------------------------------------------------------- charts


def _histogram(found: Resemblance, one: ColumnResemblance, at: int) -> Picture:
    """Shares of the copy (a line) over those of real rows (filled)."""
    copy, real = found.copy.x[:, at], found.real.x[:, at]
    paint = _levels(copy, real, one.column) if one.column.kind == "category" else _values(copy, real, one.column)
    name = _short(one.column.name, 30)
    alt = f"How {one.column.name} is spread in the copy and in real rows; the distance is {one.distance:.3f}"
    return Picture(figures.twice(paint, (3.5, 2.2), (0.11, 0.16, 0.87, 0.8)), alt, f"{name}, {one.distance:.3f} apart")


def _values(copy: Array, real: Array, column: Column) -> Any:
    both = [side[~np.isnan(side)] for side in (real, copy)]
    whole = np.concatenate(both) if sum(map(len, both)) else np.zeros(1)
    low, high = (float(end) for end in np.quantile(whole, [0.002, 0.998]))
    edges = np.linspace(low, high if high > low else low + 1, BARS + 1)
    if (whole == np.rint(whole)).all() and high - low < 100 * BARS:  # as many whole numbers in each bar
        width = max(1, int(np.ceil((high - low + 1) / BARS)))
        edges = np.arange(low, high + width + 1, width) - 0.5
    shares = [np.histogram(side.clip(edges[0], edges[-1]), edges)[0] / max(len(side), 1) for side in both]

    def paint(axes: Axes, palette: Palette) -> None:
        axes.stairs(100 * shares[0], edges, fill=True, color=palette.muted, alpha=0.35, linewidth=0)
        axes.stairs(100 * shares[1], edges, color=palette.on, linewidth=1.6, baseline=None)
        _framed(axes, palette)
        axes.set_xlim(edges[0], edges[-1])
        if "datetime64" in column.dtype:
            ticks = np.linspace(edges[0], edges[-1], 5)[1:-1]
            axes.set_xticks(ticks, [str(np.datetime64(int(tick), "us"))[:10] for tick in ticks])
        else:
            axes.locator_params(axis="x", nbins=5, prune="upper")

    return paint


def _levels(copy: Array, real: Array, column: Column) -> Any:
    sizes = [
        np.bincount(side[~np.isnan(side)].astype(np.int64), minlength=len(column.categories) + 1) / max(len(side), 1)
        for side in (real, copy)
    ]
    order = [code for code in np.argsort(-sizes[0], kind="stable") if sizes[0][code] + sizes[1][code] > 0][:LEVELS]
    names = [_short(str(column.categories[code]) if code < len(column.categories) else "other", LETTERS) for code in order]

    def paint(axes: Axes, palette: Palette) -> None:
        at = np.arange(len(order))
        axes.barh(at, 100 * sizes[0][order], 0.8, color=palette.muted, alpha=0.35, linewidth=0)
        axes.barh(at, 100 * sizes[1][order], 0.8, fill=False, edgecolor=palette.on, linewidth=1.6)
        _framed(axes, palette, across=True)
        axes.set_yticks(at, [""] * len(at))
        for place, name in zip(at, names, strict=True):
            axes.annotate(
                name, (0, place), xytext=(4, 0), textcoords="offset points", color=palette.ink, fontsize=7.5, va="center"
            ).set_parse_math(False)
        axes.set_ylim(len(order) - 0.4, -0.6)

    return paint


def _framed(axes: Axes, palette: Palette, *, across: bool = False) -> None:
    figures.frame(axes, palette)
    (axes.xaxis if across else axes.yaxis).set_major_formatter(lambda value, _: f"{value:g} %")
    axes.locator_params(axis="x" if across else "y", nbins=4)


def _pairs(found: Resemblance) -> Sequence[Picture]:
    """Associations of real rows and of the copy, and how they differ."""
    copy, real = found.associations
    names = [one.column.name for one in found.columns]
    shown = (
        (real, "Real rows", "What columns say about each other in real rows"),
        (copy, "The copy", "What columns say about each other in the copy"),
        (copy - real, "Difference", "How what columns say about each other differs"),
    )
    return [Picture(_map(values, names), alt, name) for values, name, alt in shown]


def _map(values: Doubles, names: Sequence[str]) -> figures.Colours:
    size = len(names)
    named = size <= NAMED

    def paint(axes: Axes, palette: Palette) -> None:
        figures.frame(axes, palette)
        shades = np.where(np.eye(size, dtype=bool), np.nan, values)
        axes.imshow(shades, cmap="RdBu_r" if palette is figures.LIGHT else "berlin", vmin=-1, vmax=1, interpolation="nearest")
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(length=0)
        ticks = range(size) if named else []
        axes.set_yticks(ticks, [_short(name, LETTERS) for name in names] if named else [])
        axes.set_xticks(ticks, [_short(name, LETTERS) for name in names] if named else [], rotation=60, ha="right")
        if size <= 8:
            for (row, column), value in np.ndenumerate(shades):
                if value == value:
                    axes.annotate(f"{value:.2f}", (column, row), color=palette.ink, fontsize=6.5, ha="center", va="center")

    return figures.twice(paint, rect=(0.26, 0.24, 0.73, 0.73) if named else (0.02, 0.02, 0.96, 0.96))


def _short(name: str, letters: int) -> str:
    return name if len(name) <= letters else f"{name[: letters - 1]}…"
