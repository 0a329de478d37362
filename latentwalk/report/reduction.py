"""Pages on fewer dimensions: maps of the same rows side by side, and how many dimensions are needed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from latentwalk.checks import duration
from latentwalk.latent.maps.plane import Plane
from latentwalk.latent.space import LatentSpace
from latentwalk.report import figures
from latentwalk.report.figures import Palette
from latentwalk.report.leaflet import Cell, Picture, Row, Section, write_leaflet
from latentwalk.studies.dimensions import MEAN, Elbow, Trial
from latentwalk.studies.reduction import Reduction

__all__ = ["dimensions_report", "reduction_report"]

DOTS = 3_000
MAPS_NOTE = (
    "All measured on rows that no method has seen. Error: mean square per value. Trustworthiness: are neighbours on the map "
    "neighbours in the data? Preservation: are neighbours in the data neighbours on the map? Class accuracy: do the 10 nearest "
    "rows on the map have a row’s class? A method that learnt from fewer rows says so."
)


def reduction_report(page: Path, found: Sequence[Reduction], *, data: str) -> Path:
    """Write the side-by-side of several maps to `page`. Raises CheckpointError."""
    tried = [one.tried for one in found]
    charts = [
        Picture(_map(one.space), f"Map of held-out rows by {one.title}", f"{one.title}, {one.latent} dimensions")
        for one in tried
    ]
    best = {
        "error": min((one.quality.error for one in found if one.quality.error is not None), default=None),
        **{
            name: max((v for one in found if (v := getattr(one.quality, name)) is not None), default=None)
            for name in ("trustworthiness", "neighbour_preservation", "class_accuracy")
        },
    }
    rows = [
        Row(one.tried.title, [*_qualities(one, best), Cell(duration(one.tried.seconds), f"from {one.learnt:,} rows")])
        for one in found
    ]
    return write_leaflet(
        page,
        title="The same rows in fewer dimensions",
        kicker=f"{data} · {len(tried[0].space):,} held-out rows",
        summary=[_said(found)],
        sections=[
            Section(charts=charts),
            Section(
                "In numbers",
                head=["Method", "error", "trustworthiness", "preservation", "class accuracy", "learnt in"],
                rows=rows,
                note=MAPS_NOTE,
            ),
        ],
        content={"format": "latentwalk-reduction", "version": 1, "data": data, "found": [one.to_json() for one in found]},
    )


def dimensions_report(page: Path, trials: Sequence[Trial], elbows: Sequence[Elbow], near: float | None, *, data: str) -> Path:
    """Write the curve of error over dimensions to `page`. near: the intrinsic dimension. Raises CheckpointError."""
    colours = figures.twice(lambda axes, palette: _errors(axes, palette, trials, elbows), (7.0, 3.6), (0.09, 0.13, 0.76, 0.83))
    methods = [method for method in dict.fromkeys(trial.method for trial in trials) if method != MEAN]
    dims = sorted(
        {trial.latent for trial in trials if trial.method not in (MEAN, "pca")} or {trial.latent for trial in trials} - {0}
    )
    by = {(trial.method, trial.latent): trial for trial in trials}
    rows = [
        Row(
            str(dim),
            [_trial(by.get((method, dim))) for method in methods],
        )
        for dim in dims
    ]
    around = (
        [] if near is None else [f"Around each row, the data spreads in about {near:.1f} dimensions (two nearest neighbours)."]
    )
    titles = [next(trial.title for trial in trials if trial.method == method) for method in methods]
    return write_leaflet(
        page,
        title="How many dimensions?",
        kicker=data,
        summary=[*map(str, elbows), *around],
        sections=[
            Section(
                charts=[Picture(colours, "Reconstruction error over the number of dimensions")],
                note="Mean squared error of held-out rows, per value. A ring: 95 % of what can be gained is gained.",
            ),
            Section("In numbers", head=["Dimensions", *titles], rows=rows),
        ],
        content={
            "format": "latentwalk-dimensions",
            "version": 1,
            "data": data,
            "trials": [trial.to_json() for trial in trials],
            "elbows": [one.to_json() for one in elbows],
            "intrinsic_dimension": near,
        },
    )


def _qualities(one: Reduction, best: dict[str, float | None]) -> list[Cell]:
    digits = {"error": 4, "trustworthiness": 3, "neighbour_preservation": 3, "class_accuracy": 3}
    values = {name: getattr(one.quality, name) for name in digits}
    return [
        Cell("–" if value is None else f"{value:.{digits[name]}f}", best=value is not None and value == best[name])
        for name, value in values.items()
    ]


def _said(found: Sequence[Reduction]) -> str:
    """Which keeps neighbours best, and which reconstructs best."""
    near = max(found, key=lambda one: one.quality.trustworthiness)
    said = f"{near.tried.title} keeps neighbourhoods best (trustworthiness {near.quality.trustworthiness:.3f})"
    back = [one for one in found if one.quality.error is not None]
    if not back:
        return f"{said}."
    least = min(back, key=lambda one: one.quality.error or 0.0)
    return f"{said}; {least.tried.title} loses least on the way there and back (error {least.quality.error:.4f})."


def _map(space: LatentSpace) -> figures.Colours:
    """Held-out codes as dots, coloured by class, on the codes' first two axes or two principal ones."""
    rows = np.random.default_rng(0).permutation(len(space))[:DOTS]
    points = Plane.of(space)(space.codes[rows]) if space.dim != 2 else space.codes[rows]
    labels = None if space.labels is None else [int(label) for label in space.labels[rows]]

    def paint(axes: Axes, palette: Palette) -> None:
        figures.frame(axes, palette)
        axes.scatter(
            points[:, 0], points[:, 1], s=3, c=figures.class_colours(labels, len(points), palette), linewidths=0, alpha=0.75
        )
        figures.name_classes(axes, points, labels, space.classes, palette)
        low, high = np.quantile(points, [0.005, 0.995], axis=0)
        room = 0.06 * (high - low).clip(min=1e-9)
        axes.set_xlim(low[0] - room[0], high[0] + room[0])
        axes.set_ylim(low[1] - room[1], high[1] + room[1])

    return figures.twice(paint)


def _trial(trial: Trial | None) -> Cell:
    if trial is None:
        return Cell("")
    return Cell(f"{trial.error:.4f}", "" if trial.active is None else f"{trial.active} active")


def _errors(axes: Axes, palette: Palette, trials: Sequence[Trial], elbows: Sequence[Elbow]) -> None:
    figures.frame(axes, palette)
    mean = next(trial.error for trial in trials if trial.method == MEAN)
    axes.axhline(mean, color=palette.line, linewidth=0.9)
    axes.annotate(
        "mean of all rows",
        (0.99, mean),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        color=palette.muted,
        fontsize=7.5,
        ha="right",
    )
    ends = []
    for one in elbows:
        curve = sorted((trial.latent, trial.error) for trial in trials if trial.method == one.method)
        colour = figures.model_colour(one.method, palette)
        axes.plot(*zip(*curve, strict=True), color=colour, linewidth=1.8, marker="o", markersize=2.5)
        if one.latent:
            axes.plot(
                [one.latent],
                [one.error],
                "o",
                markersize=9,
                markerfacecolor="none",
                markeredgecolor=colour,
                markeredgewidth=1.4,
            )
        ends.append(figures.End(next(trial.title for trial in trials if trial.method == one.method), *curve[-1], colour))
    figures.name_lines(axes, ends)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("dimensions", color=palette.muted, fontsize=8)
    axes.set_ylabel("squared error", color=palette.muted, fontsize=8)
