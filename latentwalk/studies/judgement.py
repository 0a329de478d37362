"""All that is said in numbers about one latent space."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from latentwalk.data.rows import PIECE
from latentwalk.data.spec import DataSpec
from latentwalk.latent.criteria.classes import class_accuracy
from latentwalk.latent.criteria.completeness import completeness, reach
from latentwalk.latent.criteria.continuity import continuity
from latentwalk.latent.criteria.measure import Measure
from latentwalk.latent.criteria.structure import active_units, collapsed
from latentwalk.latent.space import LatentSpace

__all__ = ["Judgement", "definite", "error_said", "judge", "reconstruction_error"]

TEXTS = 1_000  # that are reconstructed to be judged by


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was measured of one latent space.

    error: mean squared reconstruction error of the held-out rows, per value, in `space.unit`s squared.
    measures: shares with their intervals, by key, in the order in which they are shown: "continuity"; the completeness and the
        reach of draws from the space's own "prior" ("prior_reach"), and from the Gaussian "matched" to the codes
        ("matched_reach"). Every display goes through them.
    class_accuracy: of the 10 nearest codes; None without labels.
    active: dimensions in use.
    collapsed: whether none is, of a posterior that could have used them, so that all draws look alike.
    warning: what is wrong, in words, or None.
    speaking: the share of a sparse code's units that say anything; None for the others.
    """

    error: float
    measures: Mapping[str, Measure]
    class_accuracy: float | None
    active: int
    collapsed: bool
    warning: str | None
    speaking: float | None = None


def judge(space: LatentSpace, seed: int = 0, *, most: int = 20_000) -> Judgement:
    """Everything this library says in numbers about one space. most: points a side that completeness is judged by."""
    units = active_units(space)
    return Judgement(
        error=reconstruction_error(space),
        measures={
            "continuity": continuity(space, seed=seed),
            "prior": completeness(space, "prior", seed=seed, most=most),
            "prior_reach": reach(space, "prior", seed=seed, most=most),
            "matched": replace(completeness(space, "gaussian", seed=seed, most=most), title="matched completeness"),
            "matched_reach": replace(reach(space, "gaussian", seed=seed, most=most), title="matched reach"),
        },
        class_accuracy=None if space.labels is None else class_accuracy(space, seed=seed),
        active=int(units.active.sum()),
        collapsed=units.kl is not None and not units.active.any(),
        warning=collapsed(space),
    )


def definite(title: str) -> str:
    """The title of a prior as it stands in a sentence: "N(0, I)", "the learnt mixture"."""
    return f"the {title}" if title[:1].islower() else title


def error_said(spec: DataSpec | None) -> str:
    """What `reconstruction_error` is of data like that."""
    if spec is not None and spec.form.serial and spec.form.scored:
        return "share of what sounds in a piece or its reconstruction, and not alike in both"
    if spec is not None and spec.form.serial:
        return "edits that make a reconstruction its original, as a share of the longer"
    if spec is not None and spec.form.heard:
        return "mean squared difference of log-magnitudes, in nepers"
    return "mean squared error"


def reconstruction_error(space: LatentSpace, most: int = 10_000) -> float:
    """Mean squared error of held-out rows (all rows when that is not known), per value, in `space.unit`s squared.

    Of texts, the edits that make a reconstruction its original, as a share of the longer; of sounds, that of log-magnitudes.
    """
    rows = np.arange(len(space)) if space.held_out is None else np.flatnonzero(space.held_out)
    rows = rows[:most]
    if space.serial:
        rows = rows[:TEXTS]
        return float(space.apart(np.asarray(space.data[rows]), space.decode_as(space.codes[rows], rows)).mean())
    total = count = 0.0
    for some in np.array_split(rows, max(1, len(rows) * space.data[:1].nbytes // PIECE)):
        found, given = space.decode_as(space.codes[some], some), np.asarray(space.data[some])
        heard = space.spec is not None and space.spec.form.heard
        errors = np.square(space.flat(found) - space.flat(given) if heard else (found - given) / space.unit)
        total, count = total + float(np.sum(errors, dtype=np.float64)), count + errors.size
    return total / count
