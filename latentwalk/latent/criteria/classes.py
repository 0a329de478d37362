"""What the codes know of labels: which class their neighbours have."""

from sklearn.neighbors import KNeighborsClassifier

from latentwalk.chance import rng_of
from latentwalk.checks import MADE, whole
from latentwalk.errors import DataError
from latentwalk.latent.encoded import Encoded

__all__ = ["class_accuracy"]


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
