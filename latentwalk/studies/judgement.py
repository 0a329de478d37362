"""All that is said in numbers about one latent space."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from latentwalk.data.rows import PIECE
from latentwalk.latent.criteria.classes import class_accuracy
from latentwalk.latent.criteria.completeness import completeness
from latentwalk.latent.criteria.continuity import continuity
from latentwalk.latent.criteria.measure import Measure
from latentwalk.latent.criteria.structure import active_units, collapsed
from latentwalk.latent.space import LatentSpace

__all__ = ["Judgement", "judge", "reconstruction_error"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was measured of one latent space.

    error: mean squared reconstruction error of the held-out rows, per value, in `space.unit`s squared.
    continuity, completeness ("own N(0, I)" and "matched Gaussian"): see `criteria`. class_accuracy: 10 nearest codes, or None
    without labels. active: dimensions in use. warning: what is wrong, in words, or None. speaking: the share of a sparse
    code's units that say anything; None for the others.
    """

    error: float
    continuity: Measure
    completeness: Mapping[str, Measure]
    class_accuracy: float | None
    active: int
    warning: str | None
    speaking: float | None = None


def judge(space: LatentSpace, seed: int = 0, *, most: int = 20_000) -> Judgement:
    """Everything this library says in numbers about one space. most: points a side that completeness is judged by."""
    return Judgement(
        error=reconstruction_error(space),
        continuity=continuity(space, seed=seed),
        completeness={
            "own N(0, I)": completeness(space, "prior", seed=seed, most=most),
            "matched Gaussian": completeness(space, "gaussian", seed=seed, most=most),
        },
        class_accuracy=None if space.labels is None else class_accuracy(space, seed=seed),
        active=int(active_units(space).active.sum()),
        warning=collapsed(space),
    )


def reconstruction_error(space: LatentSpace, most: int = 10_000) -> float:
    """Mean squared error of held-out rows (all rows when that is not known), per value, in `space.unit`s squared."""
    rows = np.arange(len(space)) if space.held_out is None else np.flatnonzero(space.held_out)
    rows = rows[:most]
    total = count = 0.0
    for some in np.array_split(rows, max(1, len(rows) * space.data[:1].nbytes // PIECE)):
        errors = np.square((space.decode(space.codes[some]) - space.data[some]) / space.unit)
        total, count = total + float(np.sum(errors, dtype=np.float64)), count + errors.size
    return total / count
