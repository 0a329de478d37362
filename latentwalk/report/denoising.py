"""The page on noise removal: a curve for every method over the levels of noise, a table, and pictures."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from latentwalk.data.spec import DataSpec
from latentwalk.drawing.painter import Painter
from latentwalk.report import figures
from latentwalk.report.figures import Palette
from latentwalk.report.leaflet import Cell, Picture, Row, Section, write_leaflet
from latentwalk.studies.denoising import NOISY, OURS, NoiseSweep, Score

__all__ = ["denoising_report"]

ROOM = (0.08, 0.13, 0.74, 0.83)  # for the axes; the names of the lines stand to their right
NOTE = (
    "By how many decibels the signal-to-noise ratio rises, over the level of noise, in units of the data’s range (images) or "
    "deviation (signals). Every filter has its best width for every level, chosen on clean training examples; the autoencoder "
    "is the same for all levels."
)
INK = {OURS: 2, "linear": 3, "wavelet": 1, "savitzky-golay": 4, "median": 5, "gaussian": 0}


def denoising_report(folder: str | os.PathLike[str], sweep: NoiseSweep, spec: DataSpec, *, title: str, data: str) -> Path:
    """Write denoising.html and denoising.json into `folder`; the path of the former. Raises CheckpointError."""
    levels = sorted({score.level for score in sweep.scores})
    methods = [name for name in dict.fromkeys(score.method for score in sweep.scores) if name != NOISY]
    colours = figures.twice(lambda axes, palette: _curves(axes, palette, sweep, levels, methods), (7.0, 3.6), ROOM)
    painter = Painter.of(spec, np.asarray(sweep.pictures["clean"]))
    strips = [(_name(name), painter.sheet(np.asarray(x), len(x), magnify=2)) for name, x in sweep.pictures.items()]
    return write_leaflet(
        Path(folder) / "denoising.html",
        title=title,
        kicker=f"{data} · {sweep.kind} noise",
        summary=[_summary(sweep, levels)],
        sections=[
            Section(charts=[Picture(colours, "SNR gain over the level of noise, a line for each method")], note=NOTE),
            Section(
                "In numbers",
                head=["Method", *(f"noise {level:g}" for level in levels)],
                rows=[Row(_name(method), [_cell(sweep, method, level) for level in levels]) for method in methods],
            ),
            Section(f"In pictures, at noise {sweep.shown_at:g}", strips=strips),
        ],
        content={"format": "latentwalk-denoising", "version": 1, "data": data, "noise": sweep.kind, "scores": sweep.rows()},
    )


def _cell(sweep: NoiseSweep, method: str, level: float) -> Cell:
    score = _at(sweep.scores, method, level)
    similar = "" if score.ssim is None else f", SSIM {score.ssim:.2f}"
    return Cell(f"{score.gain:.2f} dB", f"PSNR {score.psnr:.1f}{similar}", sweep.best(level).method == method)


def _name(method: str) -> str:
    return "autoencoder" if method == OURS else method


def _at(scores: Sequence[Score], method: str, level: float) -> Score:
    return next(score for score in scores if score.method == method and score.level == level)


def _summary(sweep: NoiseSweep, levels: Sequence[float]) -> str:
    """At how many levels the model is ahead, and by how much at the one that is shown."""
    ahead = [level for level in levels if sweep.best(level).method == OURS]
    shown = {score.method: score for score in sweep.scores if score.level == sweep.shown_at}
    rival = max((score for name, score in shown.items() if name not in (OURS, NOISY)), key=lambda score: score.gain)
    ours = shown[OURS].gain
    return (
        f"The autoencoder takes away most noise at {len(ahead)} of {len(levels)} levels. At {sweep.shown_at:g} it raises the "
        f"signal-to-noise ratio by {ours:.1f} dB; the best filter, {rival.method}, by {rival.gain:.1f} dB."
    )


def _curves(axes: Axes, palette: Palette, sweep: NoiseSweep, levels: Sequence[float], methods: Sequence[str]) -> None:
    figures.frame(axes, palette)
    ends = []
    for method in methods:
        gains = [_at(sweep.scores, method, level).gain for level in levels]
        colour = palette.models[INK.get(method, 5)]
        axes.plot(levels, gains, color=colour, linewidth=2.4 if method == OURS else 1.2, marker="o", markersize=3)
        ends.append(figures.End(_name(method), levels[-1], gains[-1], colour, bold=method == OURS))
    figures.name_lines(axes, ends)
    axes.set_xlabel("noise", color=palette.muted, fontsize=8)
    axes.set_ylabel("SNR gain, dB", color=palette.muted, fontsize=8)
    axes.axhline(0, color=palette.line, linewidth=0.8)
