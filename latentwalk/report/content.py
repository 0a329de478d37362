"""From judged models to the content of a report: numbers, points and pictures, all of it JSON.

Everything the page shows is in here, and nothing else is needed to draw it again, elsewhere or years later.
"""

import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import numpy as np
import torch
from scipy.stats import norm

from latentwalk.arrays import Array
from latentwalk.data.spec import DataSpec
from latentwalk.drawing.painter import Painter
from latentwalk.errors import ConfigError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.maps.plane import Plane
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler
from latentwalk.report import one_model
from latentwalk.report.region import held_rows, region
from latentwalk.studies.comparison import Entry
from latentwalk.studies.judgement import Judgement
from latentwalk.training import history
from latentwalk.training.runtime import processor

__all__ = ["REPORT_FORMAT", "REPORT_VERSION", "as_json", "content"]

REPORT_FORMAT = "latentwalk-report"
REPORT_VERSION = 3  # 1 had other keys, and up to 2 completeness was what likeness is: see `earlier`
SCATTERED, ELLIPSES = 3_000, 150  # examples drawn as points, and as ellipses
STEPS = 11  # of a walk
LAID_OUT = 20_000  # draws that a plane over a prior is laid out by
ROWS = 10  # of draws, one a condition
SHOWN = 12  # examples reconstructed
TRIED = 24  # examples among which the ends of a walk are chosen


def content(
    entries: Sequence[Entry],
    *,
    title: str,
    data: str,
    seconds: float | None = None,
    settings: Mapping[str, Any] | None = None,
    gallery: bool = False,
) -> dict[str, Any]:
    """The whole report on `entries`, as plain JSON values: what was measured, and what the pictures are made of.

    entries: those of a `Comparison`, or a single one. title: the headline. data: what the data set is called. seconds: all
    of it took, if known. settings: options worth repeating. gallery: many families, a card each, instead of side by side.
    A number that is not finite becomes None.
    Raises ConfigError without entries, or with entries of different data.
    """
    if not entries:
        raise ConfigError("a report needs at least one entry. Fit a Comparison, or judge one model.")
    if len({entry.tried.space.data.shape for entry in entries}) > 1:
        raise ConfigError("the entries of one report must have encoded the same examples. Make a report for each data set.")
    first, last = entries[0].tried.space, entries[-1].tried.space
    models = [entry.tried.model for entry in entries if entry.tried.model is not None]
    spec = models[0].spec_ if models else DataSpec.infer(first.data)
    painter = Painter.of(spec, first.data)
    rows, (start, end) = _shown(first), _ends(last)
    found = {
        "format": REPORT_FORMAT,
        "format_version": REPORT_VERSION,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "title": title,
        "data": {"name": data, **_counts(first), "spec": spec.to_json(), "classes": _classes(first)},
        "settings": dict(settings or {}),
        "versions": {name: _version(name) for name in ("latentwalk", "torch", "numpy", "scikit-learn")}
        | {"python": platform.python_version()},
        "machine": {"processor": processor(), "cores": os.cpu_count(), "accelerator": _accelerator(models)},
        "seconds": seconds,
        "gallery": gallery,
        "originals": painter.sheet(np.asarray(first.data[rows]), SHOWN, magnify=2),
        "walk": {"start": _named(first, start), "end": _named(first, end)},
        "entries": [_entry(entry, painter, rows, (start, end), gallery) for entry in entries],
        "about": one_model.about(first, painter) if len(entries) == 1 else None,
    }
    return {name: as_json(value) for name, value in found.items()}


def as_json(value: Any) -> Any:
    """`value` as JSON: NumPy's numbers and arrays, dataclasses and mappings unfolded, NaN and infinity as None."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case np.generic() | np.ndarray():
            return as_json(value.tolist())
        case Mapping():
            return {str(name): as_json(item) for name, item in value.items()}
        case list() | tuple():
            return [as_json(item) for item in value]
    return str(value)


# ---------------------------------------------------------------------- one entry


def _entry(entry: Entry, painter: Painter, rows: Array, ends: tuple[int, int], gallery: bool) -> dict[str, Any]:
    tried, space = entry.tried, entry.tried.space
    plane = Plane.of(space)
    over = "prior" if tried.model is None or tried.model.recipe_.generative else "codes"
    return {
        "recipe": tried.method,
        "title": tried.title,
        "latent": tried.latent,
        "seconds": tried.seconds,
        "prior": space.prior_title,
        "judgement": _judgement(entry.judgement),
        "history": [] if tried.model is None else history.epochs_to_json(tried.model.history_),
        "plane": {"centre": plane.centre, "half": plane.half, "shadow": plane.shadow},
        "scatter": _scatter(space, plane),
        "posterior": _posterior(space, plane),
        "region": region(space),
        "grid": _grid(space, painter, over),
        "walk": _walk(space, painter, ends),
        "detour": None if gallery else one_model.detour(space, painter, ends, STEPS),
        "completed": None if gallery else one_model.completed(space, painter, *painter.draws),
        "condition": None if tried.model is None or tried.model.trained_.labels is None else tried.model.trained_.labels.usual,
        "samples": {name: _samples(space, painter, name) for name in ("prior", "gaussian")}
        | {"conditions": [str(label) for label in _conditions(space)]},
        "reconstructions": painter.sheet(space.decode_as(space.codes[rows], rows), SHOWN, magnify=2),
    }


def _judgement(judgement: Judgement) -> dict[str, Any]:
    return {
        "error": judgement.error,
        "measures": {key: measure.to_json() for key, measure in judgement.measures.items()},
        "class_accuracy": judgement.class_accuracy,
        "active": judgement.active,
        "speaking": judgement.speaking,
        "collapsed": judgement.collapsed,
        "warning": judgement.warning,
    }


def _scatter(space: LatentSpace, plane: Plane) -> dict[str, Any]:
    """Codes of held-out examples on the plane, those in sight."""
    rows = held_rows(space, SCATTERED)
    points = plane(space.codes[rows])
    kept = plane.seen(points)
    return {"points": _rounded(points[kept]), "labels": _labels(space, rows[kept])}


def _posterior(space: LatentSpace, plane: Plane) -> dict[str, Any]:
    """q(z | x) of some examples on the plane: means, covariances (xx, xy, yy), and sigma as a share of the codes' spread.

    prior: the centre of N(0, I), where that is the prior.
    """
    rows = held_rows(space, ELLIPSES, seed=1)
    spread = np.sqrt(np.mean(space.codes.var(axis=0, dtype=np.float64)))
    covariance = plane.covariance(space.scales[rows])
    return {
        "points": _rounded(plane(space.codes[rows])),
        "covariances": _rounded(covariance.reshape(len(rows), 4)[:, [0, 1, 3]]),
        "labels": _labels(space, rows),
        "share": float(np.median(space.scales) / spread) if spread > 0 else None,
        "prior": _rounded(plane(np.zeros((1, space.dim))))[0] if isinstance(space.prior, NormalSampler) else None,
    }


def _grid(space: LatentSpace, painter: Painter, over: str) -> dict[str, Any]:
    """The plane along which the output changes most, decoded."""
    shown = painter.grid(_decoded_plane(space, Plane.liveliest(space), over, painter.steps))
    return shown | {"over": over, "lively": True}


def _decoded_plane(space: LatentSpace, plane: Plane, over: str, steps: int) -> Array:
    """The plane decoded: (steps, steps, *E), or one row where D = 1. `over` as for `LatentSpace.grid`."""
    if over == "prior" and isinstance(space.prior, NormalSampler):
        across = down = norm.ppf(np.linspace(0.05, 0.95, steps))
        plane = replace(plane, origin=np.zeros(space.dim))
    elif over == "prior":
        drawn = plane(space.prior(LAID_OUT, np.random.default_rng(0)))
        across, down = np.quantile(drawn, np.linspace(0.05, 0.95, steps), axis=0).T
    else:
        low, high = np.quantile(plane(space.codes), [0.01, 0.99], axis=0)
        across, down = np.linspace(low, high, steps).T
    z = plane.points(across, down if space.dim > 1 else np.zeros(1)).astype(np.float32)
    x = space.decode(z.reshape(-1, space.dim))
    return x.reshape(*z.shape[:2], *x.shape[1:])


def _walk(space: LatentSpace, painter: Painter, ends: tuple[int, int]) -> dict[str, Any]:
    walk = space.walk(*ends, steps=STEPS)
    return painter.sheet(walk.x, STEPS, magnify=2) | {
        "reading": walk.reading,
        "change": _apart(space, walk.x[[0]], walk.x[[-1]]),
    }


def _samples(space: LatentSpace, painter: Painter, source: str) -> dict[str, Any]:
    """Draws, row after row; of a model with a condition, a row under each."""
    count, columns = painter.draws
    if not (labels := _conditions(space)):
        return painter.sheet(space.sample(count, source).x, columns)
    rows = [space.under(label).sample(columns, source, seed).x for seed, label in enumerate(labels)]
    return painter.sheet(np.concatenate(rows), columns)


def _conditions(space: LatentSpace) -> list[Any]:
    """The labels, ROWS at most, that a model with a condition can be told; none for any other."""
    if space.condition is None or space.labels is None:
        return []
    return [space.classes[label] if space.classes else int(label) for label in np.unique(space.labels)[:ROWS]]


# ---------------------------------------------------------------------- what is the same for all entries


def _shown(space: LatentSpace) -> Array:
    """SHOWN rows, held out where that is known: in turn one of each class, so that all are seen."""
    rows = held_rows(space, len(space))
    if space.labels is None:
        return rows[:SHOWN]
    labels = space.labels[rows]
    turn = np.array([np.count_nonzero(labels[:at] == label) for at, label in enumerate(labels[:2000])])
    order = np.lexsort((labels[: len(turn)], turn))
    return np.asarray(rows[order][:SHOWN])


def _ends(space: LatentSpace) -> tuple[int, int]:
    """The two examples between which all models walk, those whose reconstructions differ most: of typical ones of the first
    classes, or without labels of some from everywhere.
    """
    labels = [] if space.labels is None else np.unique(space.labels)[:ROWS].tolist()
    rows = [space.typical(space.classes[at] if space.classes else at) for at in labels]
    if len(rows) < 2:
        order = np.argsort(Plane.of(space)(space.codes)[:, 0], kind="stable")
        rows = order[np.linspace(len(order) // 50, len(order) - 1 - len(order) // 50, TRIED).astype(int)].tolist()
    drawn = space.outputs(space.codes[rows], np.array(rows)).astype(np.float64)
    square = np.square(drawn).sum(axis=1)
    apart = square[:, None] + square - 2 * drawn @ drawn.T
    start, end = sorted(np.unravel_index(apart.argmax(), apart.shape))
    return rows[int(start)], rows[int(end)]


def _apart(space: LatentSpace, a: Array, b: Array) -> float:
    """How far two examples (1, *E) are from each other, root mean square, in units of the data."""
    return float(np.sqrt(np.square(space.flat(a) - space.flat(b)).mean()))


def _named(space: LatentSpace, row: int) -> str | None:
    if space.labels is None:
        return None
    label = int(space.labels[row])
    return space.classes[label] if space.classes else str(label)


def _counts(space: LatentSpace) -> dict[str, int | None]:
    held = None if space.held_out is None else int(space.held_out.sum())
    return {"total": len(space), "train": None if held is None else len(space) - held, "test": held}


def _classes(space: LatentSpace) -> list[str]:
    """The name of each label from 0 on; none without labels."""
    if space.labels is None:
        return []
    return list(space.classes) or [str(label) for label in range(int(space.labels.max()) + 1)]


def _labels(space: LatentSpace, rows: Array) -> list[int] | None:
    return None if space.labels is None else [int(label) for label in space.labels[rows]]


def _rounded(values: Array) -> list[list[float]]:
    return [[float(f"{value:.4g}") for value in row] for row in values]


# ---------------------------------------------------------------------- where it was made


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _accelerator(models: Sequence[Autoencoder]) -> str | None:
    """The name of the GPU that a model lies on, if one does."""
    on_gpu = any(next(model.model_.parameters()).device.type == "cuda" for model in models)
    return torch.cuda.get_device_name() if on_gpu else None
