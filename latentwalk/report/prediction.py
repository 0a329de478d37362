"""The page on films: futures under what came, error by step beside what asks no model, surprise over time."""

import os
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from latentwalk.arrays import Array
from latentwalk.data.footage import as_films
from latentwalk.drawing.film import gif_bytes, png_bytes
from latentwalk.drawing.films import film_strip, playing
from latentwalk.estimators.predictor import FramePredictor
from latentwalk.report import figures
from latentwalk.report.figures import Palette
from latentwalk.report.leaflet import Cell, Moving, Picture, Row, Section, write_leaflet
from latentwalk.studies.prediction import BEST, COPY, EXTRAPOLATION, MEAN, PATH, Forecast, frame_changes

__all__ = ["prediction_report"]

SHOWN, FUTURES = 3, 4  # films, and futures of each
ROOM = (0.08, 0.13, 0.72, 0.83)  # for the axes; the names of the lines stand to their right
WIDE = (0.08, 0.16, 0.78, 0.78)
LONGEST = 400  # frames of the film whose surprise is drawn
INK = {PATH: 2, MEAN: 4, BEST: 5, COPY: 3, EXTRAPOLATION: 0}
LATER = (
    "A red bar is under what was predicted. The first film is what came; then the mean path, and {} futures drawn at random."
)
STEPS = (
    "Mean squared error, in units of the square of the data’s range. The best of {} futures is chosen by what came: it says "
    "whether that is among them, not how well one can bet."
)
SURPRISE = (
    "How unlikely each frame was given those before it, in nats from above; and by how much its pixels differ from the frame "
    "before, scaled to the same height."
)


def prediction_report(
    folder: str | os.PathLike[str], predictor: FramePredictor, films: Array, found: Forecast, *, title: str, data: str
) -> Path:
    """Write prediction.html and prediction.json into `folder`; the path of the former. Raises CheckpointError.

    films: (n, T, *frame), the first of which are shown, as many steps as `found` predicts.
    """
    films = as_films(films, predictor.spec_).x
    steps = len(found.spread)
    names = [name for name in INK if name in found.mse]
    curves = figures.twice(lambda axes, palette: _curves(axes, palette, found, names), (7.0, 3.6), ROOM)
    film = np.asarray(films[0])[:LONGEST]
    film = film[~np.isnan(film.astype(np.float32)).reshape(len(film), -1).all(1)]
    surprise, change = predictor.surprise(film), frame_changes(film)
    over_time = figures.twice(lambda axes, palette: _surprise(axes, palette, surprise, change), (7.0, 2.8), WIDE)
    moving = [
        _future(predictor, np.asarray(films[at]), found.seen, steps, f"film {at}") for at in range(min(SHOWN, len(films)))
    ]
    return write_leaflet(
        Path(folder) / "prediction.html",
        title=title,
        kicker=f"{data} · {found.films:,} films, {found.seen} frames seen, {steps} predicted",
        summary=_summary(found),
        sections=[
            Section("Futures", moving=moving, note=LATER.format(FUTURES)),
            Section(
                "Error by step",
                charts=[Picture(curves, "mean squared error over the step, a line for each way")],
                note=STEPS.format(found.draws),
            ),
            Section(
                "In numbers", head=["PSNR, dB", *map(str, _shown(steps))], rows=[_row(found, name, steps) for name in names]
            ),
            Section(
                "Surprise over time",
                charts=[Picture(over_time, "surprise and plain difference over the frames of a film")],
                note=SURPRISE,
            ),
        ],
        content={
            "format": "latentwalk-prediction",
            "version": 1,
            "data": data,
            "films": found.films,
            "seen": found.seen,
            "draws": found.draws,
            "mse": {name: values.tolist() for name, values in found.mse.items()},
            "psnr": {name: values.tolist() for name, values in found.psnr.items()},
            "ssim": {name: values.tolist() for name, values in found.ssim.items()},
            "spread": found.spread.tolist(),
            "bracketed": found.bracketed,
            "surprise": [None if np.isnan(value) else float(value) for value in surprise],
        },
    )


def _future(predictor: FramePredictor, film: Array, seen: int, steps: int, name: str) -> Moving:
    """What came, the mean path, and some futures, as an animation and as a strip."""
    truth = film[: seen + steps].astype(np.float32)
    path = predictor.predict(film[:seen], steps, 1, temperature=0)
    later = np.concatenate([path, predictor.predict(film[:seen], steps, FUTURES)])
    before = np.broadcast_to(truth[:seen], (len(later), *truth[:seen].shape))
    films = np.concatenate([truth[None], np.concatenate([before, later], axis=1)])
    gif = gif_bytes(playing(films, predictor.spec_, seen), 6.0, back=False)
    still = png_bytes(film_strip(films, predictor.spec_, seen))
    return Moving(name, b64encode(gif).decode(), b64encode(still).decode())


def _summary(found: Forecast) -> list[str]:
    rivals = [name for name in (COPY, EXTRAPOLATION) if name in found.mse]
    ahead = sum(all(found.mse[PATH][at] < found.mse[name][at] for name in rivals) for at in range(len(found.spread)))
    first, last = found.psnr[PATH][0], found.psnr[PATH][-1]
    said = [
        f"The mean path is nearer to what came than a copy of the last frame, and than pixels that go on, at {ahead} of "
        f"{len(found.spread)} steps: {first:.1f} dB at the first, {last:.1f} dB at the last."
    ]
    if found.spread.max() > 1e-6:
        said.append(
            f"Its futures differ by {found.spread[-1]:.3f} of the range at the last step; in {found.bracketed:.0%} of films "
            f"the nearest of {found.draws} is nearer to what came than their mean."
        )
    else:
        said.append("It leaves nothing to chance: all futures are one.")
    return said


def _shown(steps: int) -> list[int]:
    return [int(at) + 1 for at in np.unique(np.linspace(0, steps - 1, min(steps, 6)).round().astype(int))]


def _row(found: Forecast, name: str, steps: int) -> Row:
    cells = []
    for step in _shown(steps):
        alike = f"SSIM {found.ssim[name][step - 1]:.2f}" if name in found.ssim else ""
        best = max(values[step - 1] for way, values in found.psnr.items() if way != BEST)
        cells.append(Cell(f"{found.psnr[name][step - 1]:.1f}", alike, found.psnr[name][step - 1] == best))
    return Row(name, cells)


def _curves(axes: Axes, palette: Palette, found: Forecast, names: Sequence[str]) -> None:
    figures.frame(axes, palette)
    steps, ends = np.arange(1, len(found.spread) + 1), []
    for name in names:
        colour = palette.models[INK[name]]
        axes.plot(steps, found.mse[name], color=colour, linewidth=2.4 if name == PATH else 1.2, marker="o", markersize=3)
        ends.append(figures.End(name, float(steps[-1]), float(found.mse[name][-1]), colour, bold=name == PATH))
    axes.set_ylim(bottom=0)
    figures.name_lines(axes, ends)
    axes.set_xlabel("step", color=palette.muted, fontsize=8)
    axes.set_ylabel("mean squared error", color=palette.muted, fontsize=8)


def _surprise(axes: Axes, palette: Palette, surprise: Array, change: Array) -> None:
    figures.frame(axes, palette)
    at = np.arange(len(surprise))
    low, high = float(np.nanmin(surprise)), float(np.nanmax(surprise))
    scaled = low + (high - low) * (change - np.nanmin(change)) / max(float(np.nanmax(change) - np.nanmin(change)), 1e-12)
    axes.plot(at, scaled, color=palette.models[3], linewidth=1.0)
    axes.plot(at, surprise, color=palette.models[2], linewidth=1.8)
    ends = [
        figures.End("surprise", float(at[-1]), float(surprise[-1]), palette.models[2], bold=True),
        figures.End("plain difference", float(at[-1]), float(scaled[-1]), palette.models[3]),
    ]
    figures.name_lines(axes, ends)
    axes.set_xlabel("frame", color=palette.muted, fontsize=8)
    axes.set_ylabel("nats", color=palette.muted, fontsize=8)
