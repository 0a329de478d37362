"""The page on noise removal: a curve for every method over the levels of noise, a table, and pictures."""

import json
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from matplotlib.axes import Axes

from latentwalk.data.dataset import DataSpec
from latentwalk.errors import CheckpointError
from latentwalk.files import write_atomically
from latentwalk.report import figures
from latentwalk.report.figures import Palette
from latentwalk.report.gather import plain
from latentwalk.report.sheets import Painter
from latentwalk.uses.denoising import NOISY, OURS, Score, Sweep

__all__ = ["denoising_report"]

JSON, HTML = "denoising.json", "denoising.html"
INK = {OURS: 2, "linear": 3, "wavelet": 1, "savitzky-golay": 4, "median": 5, "gaussian": 0}


def denoising_report(folder: str | os.PathLike[str], sweep: Sweep, spec: DataSpec, *, title: str, data: str) -> Path:
    """Write denoising.json and denoising.html into `folder`; the path of the latter. Raises CheckpointError."""
    painter = Painter.of(spec, np.asarray(sweep.pictures["clean"]))
    sheets = {name: painter.sheet(np.asarray(x), len(x), magnify=2) for name, x in sweep.pictures.items()}
    content = {
        "format": "latentwalk-denoising",
        "version": 1,
        "title": title,
        "data": data,
        "image": spec.kind == "image",
        "kind": sweep.kind,
        "shown_at": sweep.shown_at,
        "scores": sweep.rows(),
        "pictures": sheets,
    }
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / JSON, json.dumps(plain(content), ensure_ascii=False, allow_nan=False).encode())
        write_atomically(folder / HTML, _page(plain(content), sweep).encode())
    except OSError as error:
        raise CheckpointError(
            f"cannot write into {folder}: {error.strerror or error}. Free some space and try again."
        ) from error
    return folder / HTML


def _page(content: dict[str, Any], sweep: Sweep) -> str:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text = resources.files(__package__).joinpath("denoising.html.j2").read_text(encoding="utf-8")
    levels = sorted({score.level for score in sweep.scores})
    methods = list(dict.fromkeys(score.method for score in sweep.scores))
    return environment.from_string(text).render(
        content=content,
        levels=levels,
        rows=[(method, [_at(sweep.scores, method, level) for level in levels]) for method in methods if method != NOISY],
        best={level: sweep.best(level).method for level in levels},
        summary=_summary(sweep, levels),
        chart=figures.twice(lambda axes, palette: _curves(axes, palette, sweep, levels), (7.0, 3.6), (0.08, 0.13, 0.74, 0.83)),
        light=figures.LIGHT,
        dark=figures.DARK,
    )


def _at(scores: Sequence[Score], method: str, level: float) -> Score:
    return next(score for score in scores if score.method == method and score.level == level)


def _summary(sweep: Sweep, levels: Sequence[float]) -> str:
    """At how many levels the model is ahead, and by how much at the one that is shown."""
    ahead = [level for level in levels if sweep.best(level).method == OURS]
    shown = {score.method: score for score in sweep.scores if score.level == sweep.shown_at}
    rival = max((score for name, score in shown.items() if name not in (OURS, NOISY)), key=lambda score: score.gain)
    ours = shown[OURS].gain
    return (
        f"The autoencoder takes away most noise at {len(ahead)} of {len(levels)} levels. At {sweep.shown_at:g} it raises the "
        f"signal-to-noise ratio by {ours:.1f} dB; the best filter, {rival.method}, by {rival.gain:.1f} dB."
    )


def _curves(axes: Axes, palette: Palette, sweep: Sweep, levels: Sequence[float]) -> None:
    figures.frame(axes, palette)
    methods = [name for name in dict.fromkeys(score.method for score in sweep.scores) if name != NOISY]
    ends = {}
    for method in methods:
        gains = [_at(sweep.scores, method, level).gain for level in levels]
        colour = palette.models[INK.get(method, 5)]
        axes.plot(levels, gains, color=colour, linewidth=2.4 if method == OURS else 1.2, marker="o", markersize=3)
        ends[method] = gains[-1]
    low, high = axes.get_ylim()
    heights = figures.apart(list(ends.values()), (high - low) / 16)
    for method, height in zip(ends, heights, strict=True):
        axes.annotate(
            "autoencoder" if method == OURS else method,
            (levels[-1], height),
            xytext=(8, 0),
            textcoords="offset points",
            color=palette.models[INK.get(method, 5)],
            fontsize=8,
            fontweight="bold" if method == OURS else "normal",
            va="center",
            annotation_clip=False,
        )
    axes.set_xlabel("noise", color=palette.muted, fontsize=8)
    axes.set_ylabel("SNR gain, dB", color=palette.muted, fontsize=8)
    axes.axhline(0, color=palette.line, linewidth=0.8)
