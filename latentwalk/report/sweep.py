"""The page of a sweep: what its curves say, the curves, and the numbers. Drawn from `sweep.json`, and again at any time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from latentwalk.errors import DataError
from latentwalk.models.prior import StandardNormal
from latentwalk.report import figures
from latentwalk.report.figures import Palette
from latentwalk.report.leaflet import Cell, Picture, Row, Section, write_leaflet
from latentwalk.report.page import stored
from latentwalk.report.words import plural
from latentwalk.studies.sweep import curves
from latentwalk.studies.sweep.curves import Curve, numeral, short
from latentwalk.studies.sweep.ledger import renamed
from latentwalk.studies.sweep.points import heading
from latentwalk.studies.sweep.sweep import Sweep

__all__ = ["NAME", "redraw_sweep", "sweep_report"]

NAME, FORMAT, NEWEST = "sweep", "latentwalk-sweep", 2
TITLE = "What shapes this latent space?"
NOTE = (
    "Completeness: so many draws land where encoded data lies. Reach: so much of that data lies where draws land. Continuity: "
    "so many small steps in the code keep the output. Error: mean square per value of rows held out. Active: dimensions that "
    "depend on the data. Lines are means over the seeds; bands reach from the lowest seed to the highest."
)


def sweep_report(folder: Path, sweep: Sweep, settings: Mapping[str, Any]) -> Path:
    """Write sweep.json and sweep.html into `folder`; the path of the latter. settings: options worth repeating.

    Raises CheckpointError.
    """
    content = {"axes": sweep.axes_, "rows": sweep.results_, "settings": dict(settings), "prior": sweep.prior_}
    return _written(folder / f"{NAME}.html", content)


def redraw_sweep(folder: Path) -> Path:
    """Draw sweep.html again from the sweep.json in `folder`. Raises DataError, CheckpointError."""
    path = folder / f"{NAME}.json"
    content = {"prior": StandardNormal.title} | stored(path, "sweep", FORMAT, NEWEST)
    try:
        if content["version"] < NEWEST:
            content["rows"] = [renamed(row) for row in content["rows"]]
        return _written(folder / f"{NAME}.html", {name: content[name] for name in ("axes", "rows", "settings", "prior")})
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise DataError(f"{path} is damaged: {type(error).__name__}: {error}. Make the sweep again.") from error


def _written(page: Path, content: Mapping[str, Any]) -> Path:
    rows, axes = content["rows"], content["axes"]
    shown = curves.varied(rows, axes) or axes[:1]
    return write_leaflet(
        page,
        title=TITLE,
        kicker=_kicker(rows, content["settings"]),
        summary=curves.sentences(rows, axes, content["prior"]),
        sections=[*_panels(rows, shown, content["prior"]), _numbers(rows, shown, content["prior"])],
        content={"format": FORMAT, "version": NEWEST, **content},
    )


def _kicker(rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> str:
    seeds = plural(len({row["seed"] for row in rows}), "seed")
    told = [", ".join(dict.fromkeys(row["data"] for row in rows)), *(f"{name} {value}" for name, value in settings.items())]
    return " · ".join([*told, f"{plural(len(rows), 'trial')} from {seeds}"])


# ---------------------------------------------------------------------- curves


def _panels(rows: Sequence[Mapping[str, Any]], shown: Sequence[str], prior: str) -> list[Section]:
    """Charts over the first axis, a line for each value of the second; a section for each combination of the others."""
    x, hue, others = shown[0], next(iter(shown[1:]), None), shown[2:]
    panels = curves.grouped(rows, others)
    return [
        Section(
            ", ".join(curves.label(axis, value) for axis, value in zip(others, key, strict=True)),
            charts=[_chart(group, y, x, hue, one.chart.format(prior=prior)) for y, one in curves.shown(group, "chart").items()],
            note=NOTE if at == len(panels) - 1 else "",
        )
        for at, (key, group) in enumerate(panels.items())
    ]


def _chart(rows: Sequence[Mapping[str, Any]], y: str, x: str, hue: str | None, name: str) -> Picture:
    found = curves.curves(rows, y, x, hue)
    ordered = hue is not None and all(isinstance(row[hue], (int, float)) for row in rows)
    names = 0.015 * max((len(curve.name) for curve in found), default=0)  # the room they need, to the right of the axes
    room = (0.1, 0.16, max(0.4, 0.86 - names), 0.8)
    drawn = figures.twice(lambda axes, palette: _lines(axes, palette, found, y, x, ordered), (4.6, 2.9), room)
    return Picture(drawn, f"{name} over {heading(x)}", name)


def _lines(axes: Axes, palette: Palette, found: Sequence[Curve], y: str, x: str, ordered: bool) -> None:
    figures.frame(axes, palette)
    colours = figures.line_colours(len(found), palette, ordered=ordered)
    ends = curves.draw(axes, found, colours)
    if y == "active" and x == "latent":
        every = sorted({value for curve in found for value in curve.x if value is not None})
        axes.plot(every, every, color=palette.line, linewidth=1, zorder=0)  # all dimensions there are
    if y in ("completeness", "reach"):
        axes.set_ylim(0, 1.03)
    named = zip(found, ends, colours, strict=True)
    figures.name_lines(axes, [figures.End(curve.name, *end, colour) for curve, end, colour in named if curve.name])
    axes.set_xlabel(heading(x), color=palette.muted, fontsize=8)


# ---------------------------------------------------------------------- numbers


def _numbers(rows: Sequence[Mapping[str, Any]], shown: Sequence[str], prior: str) -> Section:
    """A row a combination of values: the mean over its seeds, and the lowest and the highest."""
    columns = curves.shown(rows, "head")
    groups = curves.grouped(rows, shown)
    means = curves.means(rows, shown)
    best = {
        name: (min if one.better == "lower" else max)(row[name] for row in means if row[name] is not None)
        for name, one in columns.items()
        if one.better
    }
    failed = [f"{row['failure']} (seed {row['seed']})" for row in rows if row["failure"] is not None]
    lines = []
    for (first, *rest), group in groups.items():
        cells = (_cell(group, name, one.digits, best.get(name)) for name, one in columns.items())
        lines.append(Row(short(first), [*(Cell(short(value)) for value in rest), *cells]))
    return Section(
        "In numbers",
        head=[*map(heading, shown), *(one.head.format(prior=prior) for one in columns.values())],
        rows=lines,
        note=f"{plural(len(failed), 'trial')} failed. {' '.join(dict.fromkeys(failed))}" if failed else "",
    )


def _cell(rows: Sequence[Mapping[str, Any]], name: str, digits: int, best: float | None) -> Cell:
    values = [row[name] for row in rows if row.get(name) is not None]
    if not values:
        return Cell("–")
    mean = float(np.mean(values))
    low, high = (numeral(end, digits) for end in (min(values), max(values)))
    return Cell(numeral(mean, digits), "" if low == high else f"{low} – {high}", best=mean == best)
