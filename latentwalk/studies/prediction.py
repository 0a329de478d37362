"""How well films are predicted, step by step, beside what asks no model; and whether surprise finds cuts.

copy           the last frame that was seen, again
extrapolation  pixels go on as they changed between the last two frames that were seen, within black and white
mean path      the model's own, at temperature 0
mean of draws  of its futures: what is left of them where they differ
best of draws  for each film, the future nearest to what came: whether it is among them
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from latentwalk.arrays import Array
from latentwalk.checks import MADE, whole
from latentwalk.data.dataset import Dataset
from latentwalk.data.footage import as_films, ends_of_films
from latentwalk.data.rows import taken
from latentwalk.errors import DataError
from latentwalk.estimators.predictor import FramePredictor
from latentwalk.studies.denoising import ssim

__all__ = ["BEST", "COPY", "EXTRAPOLATION", "MEAN", "PATH", "Forecast", "cut_auroc", "forecast", "frame_changes", "step_scores"]

COPY, EXTRAPOLATION, PATH = "copy of the last frame", "extrapolation in pixels", "mean path"
MEAN, BEST = "mean of draws", "best of draws"
JUDGED = 200  # films, unless told
AT_ONCE = 50  # whose futures are held together


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What was predicted of films, and how far off it was.

    seen: frames that were. draws: futures of each. mse, psnr, ssim: of each way, by its name, at each step, (steps,), in units
    of the data's range; ssim is empty without scikit-image, or below 7 pixels. spread: (steps,) the deviation of futures from
    each other, in the same units. bracketed: the share of films whose nearest future is nearer to what came than their mean is.
    """

    films: int
    seen: int
    draws: int
    mse: Mapping[str, NDArray[np.float64]]
    psnr: Mapping[str, NDArray[np.float64]]
    ssim: Mapping[str, NDArray[np.float64]]
    spread: NDArray[np.float64]
    bracketed: float


def forecast(
    predictor: FramePredictor,
    films: Dataset | Array,
    *,
    seen: int | None = None,
    steps: int | None = None,
    draws: int = 20,
    others: Mapping[str, FramePredictor] | None = None,
    seed: int = 0,
) -> Forecast:
    """Predict `steps` frames of films (n, T, H, W[, C]) that were seen for `seen`, a third unless told, and compare.

    others: predictors whose mean paths are compared as well, by name. Raises DataError for films that end before.
    """
    whole("draws", draws, "futures", least=2, most=MADE)
    data = as_films(films, predictor.spec_)
    length = data.x.shape[1]
    seen = max(1, length // 3) if seen is None else seen
    steps = length - seen if steps is None else steps
    whole("seen", seen, "frames", least=1, most=MADE)
    whole("steps", steps, "frames", least=1, most=MADE)
    counts = ends_of_films(data.x)
    if (short := counts < seen + steps).any():
        raise DataError(
            f"film {int(np.argmax(short))} has {int(counts[np.argmax(short)])} frames; {seen} are seen and {steps} predicted. "
            "Ask for fewer, or leave it out."
        )
    span, axes = (data.spec.high - data.spec.low) or 1.0, data.x.ndim - 2
    sums: dict[str, list[NDArray[np.float64]]] = {}
    spread, bracketed = np.zeros(steps), 0
    for first in range(0, len(data.x), AT_ONCE):
        some = (taken(data.x, np.arange(first, min(first + AT_ONCE, len(data.x)))).astype(np.float32) - data.spec.low) / span
        before, truth = some[:, :seen], some[:, seen : seen + steps]
        raw = before * span + data.spec.low
        futures = (predictor.predict(raw, steps, draws, seed=seed) - data.spec.low) / span
        ways = {
            COPY: np.broadcast_to(before[:, -1:], truth.shape),
            EXTRAPOLATION: _extrapolated(before, steps),
            **{name: _path(one, raw, steps, span) for name, one in (others or {}).items()},
            PATH: _path(predictor, raw, steps, span),
            MEAN: futures.mean(axis=1),
        }
        away = _square(futures, truth[:, None], axes)  # (m, draws, steps)
        nearest = away.sum(-1).argmin(1)
        ways[BEST] = futures[np.arange(len(some)), nearest]
        bracketed += int((away.sum(-1).min(1) < _square(ways[MEAN], truth, axes).sum(-1)).sum())
        spread += futures.std(axis=1).reshape(len(some), steps, -1).mean(-1).sum(0)
        for name, found in ways.items():
            sums.setdefault(name, []).append(step_scores(found, truth))
    tables = {name: np.concatenate(parts, axis=1) for name, parts in sums.items()}  # (3, n, steps)
    return Forecast(
        films=len(data.x),
        seen=seen,
        draws=draws,
        mse={name: table[0].mean(0) for name, table in tables.items()},
        psnr={name: table[1].mean(0) for name, table in tables.items()},
        ssim={name: table[2].mean(0) for name, table in tables.items() if not np.isnan(table[2]).any()},
        spread=spread / len(data.x),
        bracketed=bracketed / len(data.x),
    )


def step_scores(found: Array, truth: Array) -> NDArray[np.float64]:
    """MSE, PSNR and SSIM of predicted frames (n, steps, H, W[, C]) in [0, 1]: (3, n, steps). SSIM may be NaN."""
    mse = _square(found, truth, found.ndim - 2)
    psnr = -10 * np.log10(np.maximum(mse, 1e-10))
    alike = np.full(mse.shape, np.nan)
    for film, step in np.ndindex(mse.shape):
        one = ssim(_channelled(truth[film, step])[None], _channelled(found[film, step])[None], 1.0)
        if one is None:
            break
        alike[film, step] = one
    return np.stack([mse, psnr, alike])


def frame_changes(film: Array) -> NDArray[np.float64]:
    """How much each frame of a film (T, H, W[, C]) differs from the one before, on average: (T,), NaN first."""
    x = film.astype(np.float64)
    return np.concatenate([[np.nan], np.abs(np.diff(x, axis=0)).reshape(len(x) - 1, -1).mean(1)])


def cut_auroc(surprise: Array, cuts: Sequence[int]) -> float:
    """How well surprise (T,) tells the frames `cuts` from others: the area under the ROC curve, 1 where it always does."""
    known = np.flatnonzero(np.isfinite(surprise))
    at = np.isin(known, np.asarray(cuts))
    if not 0 < at.sum() < len(at):
        raise DataError(f"{int(at.sum())} of {len(at)} frames are cuts. Expected some, and not all.")
    ranks = rankdata(surprise[known])
    positive, negative = int(at.sum()), int((~at).sum())
    return float((ranks[at].sum() - positive * (positive + 1) / 2) / (positive * negative))


def _path(predictor: FramePredictor, raw: Array, steps: int, span: float) -> Array:
    """What a predictor takes to be likeliest of films (m, seen, *frame), in units of the range: (m, steps, *frame)."""
    found: Array = (predictor.predict(raw, steps, 1, temperature=0)[:, 0] - predictor.spec_.low) / span
    return found


def _extrapolated(before: Array, steps: int) -> Array:
    change = before[:, -1] - before[:, -2] if before.shape[1] > 1 else np.zeros_like(before[:, -1])
    return np.stack([(before[:, -1] + step * change).clip(0, 1) for step in range(1, steps + 1)], axis=1)


def _square(found: Array, truth: Array, axes: int) -> NDArray[np.float64]:
    """Mean squared error of frames of so many axes, (…, *frame): (…)."""
    return np.asarray(np.square(found - truth).mean(axis=tuple(range(-axes, 0))), np.float64)


def _channelled(frame: Array) -> Array:
    return frame[..., None] if frame.ndim == 2 else frame
