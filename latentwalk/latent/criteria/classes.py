"""What the codes know of labels: which class their neighbours have, and what a walk between two of one class meets."""

import numpy as np
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from latentwalk.arrays import Array
from latentwalk.chance import rng_of
from latentwalk.checks import MADE, whole
from latentwalk.errors import DataError
from latentwalk.latent.codes import check_codes
from latentwalk.latent.criteria.measure import Measure, mean_interval, percent
from latentwalk.latent.encoded import Encoded

__all__ = ["class_accuracy", "foreign_classes"]

FEWEST = 20  # codes below which a share says nothing


def class_accuracy(space: Encoded, *, k: int = 10, most: int = 10_000, seed: int = 0) -> float:
    """How often the k nearest codes of an example vote for its own class, in [0, 1]; on at most `most` examples.

    The example itself has no vote. Raises DataError without labels.
    """
    if space.labels is None:
        raise DataError("class accuracy needs labels. Give them: space(X, y).")
    whole("most", most, "examples", least=1, most=MADE)
    rows = rng_of(seed).permutation(len(space.codes))[:most]
    whole("k", k, "neighbours", least=1, most=len(rows) - 1)
    # kneighbors() without an argument leaves each point out of its own neighbours; predict(None) does the same
    voters = KNeighborsClassifier(k).fit(space.codes[rows], space.labels[rows])
    return float((voters.predict(None) == space.labels[rows]).mean())


def foreign_classes(space: Encoded, *, walks: int = 1_000, steps: int = 19, seed: int = 0) -> Measure:
    """The share of points on straight walks between two codes of one class that lie nearest to a code of another, in [0, 1].

    `walks` pairs of different examples of the same class, drawn as often as the class occurs; `steps` points between the
    two. Details: "chance", what the share would be if labels were dealt at random.
    Raises DataError without labels, or when no class has two examples.
    """
    if space.labels is None:
        raise DataError("foreign classes need labels. Give them: space(X, y).")
    check_codes(space.codes, FEWEST, "foreign classes need at least {} codes")
    a, b = _pairs(space.labels, walks, rng_of(seed))
    t = np.linspace(0, 1, steps + 2)[1:-1, None, None]
    points = (1 - t) * space.codes[a] + t * space.codes[b]  # (steps, walks, D)
    nearest = NearestNeighbors(n_neighbors=1).fit(space.codes).kneighbors(points.reshape(-1, space.dim), return_distance=False)
    foreign = (space.labels[nearest].reshape(steps, walks) != space.labels[a]).mean(axis=0)  # (walks,)
    shares = np.unique(space.labels, return_counts=True)[1] / len(space.labels)
    value, chance = float(foreign.mean()), float(1 - (shares**2).sum())
    reading = (
        f"On a straight walk between two examples of one class, {percent(value)} of the points lie nearest to an example of "
        f"another class ({percent(chance)} if classes were dealt at random)."
    )
    return Measure("foreign classes", value, *mean_interval(foreign), reading, {"chance": chance}, better="lower")


def _pairs(labels: Array, walks: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Rows (walks,) and rows (walks,): two different examples of one class."""
    order = np.argsort(labels, kind="stable")
    _, start, where, size = np.unique(labels[order], return_index=True, return_inverse=True, return_counts=True)
    paired = np.flatnonzero(size[where] > 1)  # places in `order` whose class has another example
    if len(paired) == 0:
        raise DataError("no class has two examples: there is nothing to walk between.")
    at = rng.choice(paired, walks)
    first, count = start[where[at]], size[where[at]]
    return order[at], order[first + (at - first + rng.integers(1, count)) % count]
