"""Fewer dimensions: maps of the same rows by autoencoders, PCA, kernel PCA and UMAP, all else equal, and how good each is.

All methods see the same training rows in the same units (those of an autoencoder's own scaling: an image's range, a column's
or a channel's deviation), and are judged on the same rows that none of them has seen:

    error                    mean squared error of the way there and back, per value, in squared units
    trustworthiness          are neighbours on the map neighbours in the data?   (Venna & Kaski 2001)
    neighbour preservation   are neighbours in the data neighbours on the map?   (the same; they call it the map's continuity)
    class accuracy           do the 10 nearest rows on the map have a row's class?

Kernel PCA and UMAP learn from at most so many rows (see `methods`), and say from how many.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import product
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from latentwalk.chance import seed_of
from latentwalk.checks import one_of, several, whole
from latentwalk.data.dataset import Dataset
from latentwalk.data.halves import parts
from latentwalk.errors import ConfigError, DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.criteria.classes import class_accuracy
from latentwalk.latent.criteria.structure import neighbour_preservation, trustworthiness
from latentwalk.latent.space import LatentSpace
from latentwalk.models.recipes import RECIPES, Recipe
from latentwalk.studies.judgement import reconstruction_error
from latentwalk.studies.methods import INSTALL, LEARNT, NAMES, RIVALS, Rival, Tried, attempt, has_umap, trained, units

__all__ = ["Quality", "Reduction", "check_numbers", "measured", "reductions"]

VOTERS = 10  # nearest codes that vote for a class


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured on held-out rows.

    error: None for a method that knows no way back. trustworthiness, neighbour_preservation: in [0, 1], of the `neighbours`
    nearest. class_accuracy: in [0, 1], of the 10 nearest; None without labels, or with a single class.
    """

    error: float | None
    trustworthiness: float
    neighbour_preservation: float
    class_accuracy: float | None
    neighbours: int


@dataclass(frozen=True, slots=True, eq=False)
class Reduction:
    """One method at one number of dimensions, how good its map of the held-out rows is, and how many rows it learnt from."""

    tried: Tried
    quality: Quality
    learnt: int

    def to_json(self) -> dict[str, Any]:
        """The numbers, ready for `pandas.DataFrame` or `json.dump`."""
        tried = self.tried
        about = {name: getattr(tried, name) for name in ("title", "method", "latent")} | {"learnt": self.learnt}
        seconds = {"fit_seconds": tried.seconds, "transform_seconds": tried.shown_in}
        return about | seconds | {"stopped": tried.stopped} | asdict(self.quality)


def reductions(
    train: Dataset | ArrayLike,
    test: Dataset | ArrayLike | None = None,
    latent: Sequence[int] = (2,),
    methods: Sequence[str | Recipe] = ("pca", "ae", "vae"),
    *,
    neighbours: int = 15,
    random_state: int = 0,
    **options: Any,
) -> Iterator[Reduction]:
    """Fit every method at every number of dimensions, and judge it on `test`; one finished reduction at a time.

    Without `test`, a tenth of the rows (at least 20) is held out. methods: "pca", "kernel-pca", "umap", names of recipes, or
    `Recipe`s. neighbours: k of trustworthiness and neighbour preservation. options: of `Autoencoder`.
    Ctrl-C while an autoencoder learns ends the iteration after it; what it learnt until then is judged, and `stopped` says so.
    Raises ConfigError, DataError at once, not when the first is asked for.

    >>> rows = np.random.default_rng(0).normal(size=(400, 2)) @ np.eye(2, 5)
    >>> found, = reductions(rows, methods=["pca"])
    >>> round(found.quality.trustworthiness, 3), round(found.quality.neighbour_preservation, 3)
    (1.0, 1.0)
    """
    latent, methods = several("latent", latent, "numbers of dimensions"), several("methods", methods, "methods")
    random_state = seed_of(random_state, "random_state")
    train, test = parts(train, test, random_state)
    _check(train, test, latent, methods, neighbours)
    unit = units(train)

    def fitted(method: str | Recipe, dim: int) -> Autoencoder | Rival:
        if isinstance(method, str) and method in RIVALS:
            return Rival.fit(method, dim, train, unit, random_state)
        model = Autoencoder(method, latent=dim, **{"random_state": random_state, **options})
        return trained(model, train, whole=False)

    def each() -> Iterator[Reduction]:
        for dim, method in product(latent, methods):
            tried = attempt(partial(fitted, method, dim), test)
            space = replace(tried.space, unit=unit)
            learnt = min(len(train), LEARNT.get(tried.method, len(train)))
            back = not isinstance(tried.fitted, Rival) or tried.fitted.back is not None
            yield Reduction(replace(tried, space=space), measured(space, neighbours, inverse=back), learnt)
            if tried.stopped:
                return

    return each()


def measured(space: LatentSpace, neighbours: int = 15, *, inverse: bool = True) -> Quality:
    """The quality of a map. inverse: whether it knows a way back. Raises DataError with too few rows for the neighbours."""
    labelled = space.labels is not None and len(np.unique(space.labels)) > 1
    return Quality(
        error=reconstruction_error(space) if inverse else None,
        trustworthiness=trustworthiness(space, k=neighbours),
        neighbour_preservation=neighbour_preservation(space, k=neighbours),
        class_accuracy=class_accuracy(space, k=VOTERS) if labelled else None,
        neighbours=neighbours,
    )


# ---------------------------------------------------------------------- what is refused


def _check(train: Dataset, test: Dataset, latent: Sequence[int], methods: Sequence[str | Recipe], neighbours: int) -> None:
    if not len(methods) or not len(latent):
        raise ConfigError("a reduction needs at least one method and one number of dimensions.")
    known = (*RIVALS, *RECIPES)
    names = [method for method in methods if not isinstance(method, Recipe)]
    for method in names:
        one_of("method", method, known)
    if "umap" in names and not has_umap():
        raise ConfigError(INSTALL)
    _check_rows(train, test, neighbours)
    check_numbers(train, test, [name for name in names if name in RIVALS])
    rows = min([len(train), *(LEARNT[name] for name in names if name in LEARNT)])
    most = min(train.spec.size, rows - 1)
    for dim in latent:
        if isinstance(dim, bool) or not (isinstance(dim, Integral) and 1 <= dim <= most):
            raise ConfigError(
                f"latent={dim!r}: expected a whole number from 1 to {most} for rows of {train.spec.size} numbers, "
                f"learnt from {rows:,} of them. Reducing means fewer dimensions than the data has."
            )


def _check_rows(train: Dataset, test: Dataset, neighbours: int) -> None:
    if train.x.shape[1:] != test.x.shape[1:]:
        raise DataError(f"held-out rows have shape {test.x.shape[1:]}; those to learn from have {train.x.shape[1:]}.")
    whole("neighbours", neighbours, least=1)
    least = max(2 * neighbours, VOTERS) + 1
    if len(test) < least:
        fewer = f", or ask for fewer neighbours (at most {(len(test) - 1) // 2})" if len(test) > VOTERS else ""
        raise DataError(
            f"{len(test)} held-out rows are too few to look at {neighbours} neighbours of each: at least {least} are needed. "
            f"Give more rows{fewer}."
        )
    for rows, which in ((train.x, "to learn from"), (test.x, "held out")):
        if (rows == rows[:1]).all():
            raise DataError(f"all {len(rows):,} rows {which} are the same: there is nothing to reduce.")


def check_numbers(train: Dataset, test: Dataset, rivals: Sequence[str]) -> None:
    """Raise DataError where the data is not what a rival can calculate with."""
    if not rivals:
        return
    names = ", ".join(NAMES[name] for name in rivals)
    if train.spec.missing or test.spec.missing:
        raise DataError(f"{names} cannot go around missing values, and some are NaN. Fill them, or reduce with ae or vae.")
    named = [column.name for column in train.spec.columns if column.kind == "category"]
    if named:
        raise DataError(f"{names} need numbers; {named[0]!r} is a category. Leave it out, or reduce with ae or vae.")
