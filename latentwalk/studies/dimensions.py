"""How many dimensions does data need? The error of held-out rows over the number of dimensions, and where it stops falling.

Three answers that need not agree, because they answer different questions:

    elbow             the fewest dimensions with which a method reconstructs nearly as well as with many. PCA's is that of the
                      flat space the data lies in; an autoencoder's that of the curved one, as far as its network can follow
    active units      how many of its dimensions a VAE goes on using when it has more than it needs (Burda et al. 2016)
    nearest neighbours  the dimension in which the data spreads around each of its points, without any model (Facco et al. 2017)
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.chance import rng_of, seed_of
from latentwalk.checks import COUNTED, several, whole
from latentwalk.data.adopt import adopt
from latentwalk.data.dataset import Dataset
from latentwalk.data.halves import parts
from latentwalk.errors import ConfigError, DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.criteria.nearest import two_nearest
from latentwalk.latent.criteria.structure import active_units
from latentwalk.models.recipes import Recipe, recipe_named
from latentwalk.studies.judgement import reconstruction_error
from latentwalk.studies.methods import NAMES, Rival, attempt, trained, units
from latentwalk.studies.reduction import check_numbers

__all__ = ["CLOSE", "MEAN", "USUAL", "Elbow", "Trial", "elbow", "elbows", "intrinsic_dimension", "trials"]

USUAL = (1, 2, 4, 8, 16, 32)
MEAN = "mean"  # the method that answers with the mean of the training rows, in 0 dimensions
CLOSE = 0.05  # of the whole fall of the error: what may be missing at the elbow


@dataclass(frozen=True, slots=True)
class Trial:
    """A method at one number of dimensions.

    error: mean squared reconstruction error of the held-out rows, per value, in squared units (see `reduction.units`).
    active: dimensions a VAE makes use of; None for any other method. seconds: of learning; PCA learns all its numbers at once.
    """

    method: str
    latent: int
    error: float
    active: int | None = None
    seconds: float = 0.0

    @property
    def title(self) -> str:
        """The name people read."""
        return NAMES.get(self.method, self.method)

    def to_json(self) -> dict[str, Any]:
        """The numbers, ready for `pandas.DataFrame` or `json.dump`."""
        return {"title": self.title, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Elbow:
    """Where a method's error stops falling.

    latent: dimensions; 0 where none helps. error: there. share: how much of the fall from the mean to the best is made by then,
    in [0, 1]. most: the largest number tried. falling: whether the error was still falling there, so that the elbow would move
    out if more were tried. active: dimensions that the VAE with the most of them makes use of, or None.
    """

    method: str
    latent: int
    error: float
    share: float
    most: int
    falling: bool
    active: int | None = None

    def __str__(self) -> str:
        name = NAMES.get(self.method, self.method)
        if self.latent == 0:
            return f"{name}: no number of dimensions up to {self.most} reconstructs held-out rows better than their mean."
        if self.falling:
            return (
                f"{name}: no elbow up to {self.most} dimensions; the error is still falling. {self.latent} dimensions have "
                f"{self.share:.0%} of what {self.most} gain. Try more."
            )
        used = "" if self.active is None else f" With {self.most}, it uses {self.active} of them."
        return f"{name}: {_enough(self.latent)} enough, with {self.share:.0%} of what any number gains.{used}"

    def to_json(self) -> dict[str, Any]:
        """The numbers and the sentence, ready for `json.dump`."""
        return {"title": NAMES.get(self.method, self.method), "sentence": str(self), **asdict(self)}


def trials(
    train: Dataset | ArrayLike,
    test: Dataset | ArrayLike | None = None,
    latent: Sequence[int] = USUAL,
    methods: Sequence[str | Recipe] = ("pca", "ae"),
    *,
    refine: bool = True,
    random_state: int = 0,
    **options: Any,
) -> Iterator[Trial]:
    """The mean (0 dimensions), PCA at every number of them up to the largest, then each recipe at each of `latent`.

    Without `test`, a tenth of the rows (at least 20) is held out. methods: "pca", names of recipes, `Recipe`s. refine: halve
    the gap below each recipe's elbow with further trials until it is known exactly. options: of `Autoencoder`.
    Ctrl-C while an autoencoder learns raises KeyboardInterrupt: an error of half the learning would bend the curve.
    Raises ConfigError, DataError at once.

    >>> rows = np.random.default_rng(0).normal(size=(400, 3)) @ np.random.default_rng(1).normal(size=(3, 9))
    >>> print(elbows(trials(rows, latent=[6], methods=["pca"]))[0])
    PCA: 3 dimensions are enough, with 100% of what any number gains.
    """
    latent, methods = several("latent", latent, "numbers of dimensions"), several("methods", methods, "methods")
    random_state = seed_of(random_state, "random_state")
    train, test = parts(train, test, random_state)
    recipes = [recipe_named(method) for method in methods if not (isinstance(method, str) and method == "pca")]
    _check(train, test, latent, methods)
    unit, dims, seed = units(train), sorted(set(latent)), {"random_state": random_state, "complete": False}

    def trial(recipe: Recipe, dim: int) -> Trial:
        tried = attempt(lambda: trained(Autoencoder(recipe, latent=dim, **{**seed, **options}), train), test)
        space = replace(tried.space, unit=unit)
        active = int(active_units(space).active.sum()) if recipe.generative else None
        return Trial(recipe.name, dim, reconstruction_error(space), active, tried.seconds)

    def each() -> Iterator[Trial]:
        mean = _mean(train, test, unit)
        yield mean
        if "pca" in methods:
            yield from _pca(train, test, unit, dims[-1], random_state)
        errors: dict[str, dict[int, float]] = {recipe.name: {0: mean.error} for recipe in recipes}
        waiting = list(product(dims, recipes))
        while waiting:
            for dim, recipe in waiting:
                found = trial(recipe, dim)
                errors[recipe.name][dim] = found.error
                yield found
            gaps = ((_between(recipe.name, errors[recipe.name]), recipe) for recipe in recipes) if refine else ()
            waiting = [(dim, recipe) for dim, recipe in gaps if dim is not None]

    return each()


def elbow(method: str, errors: Mapping[int, float], active: Mapping[int, int] | None = None) -> Elbow:
    """The fewest dimensions whose error is within 5 % of the whole fall, from that of the mean to the least, of the least.

    errors: by number of dimensions; 0 is the mean's. The error counts as still falling where the last two numbers tried fall
    by more than those 5 % a doubling of D. Raises ConfigError without 0, or without any other.

    >>> elbow("pca", {0: 1.0, 1: 0.5, 2: 0.1, 3: 0.04, 4: 0.03, 8: 0.03}).latent
    3
    """
    if 0 not in errors or len(errors) < 2:
        raise ConfigError(f"an elbow needs the error of the mean (0 dimensions) and one more; got {sorted(errors)}.")
    dims = sorted(errors)
    least, most = min(errors.values()), dims[-1]
    fall = errors[0] - least
    if fall <= 0:
        return Elbow(method, 0, errors[0], 0.0, most, falling=False)
    found = next(dim for dim in dims if errors[dim] - least <= CLOSE * fall)
    falling = False
    if dims[-2] > 0:
        rate = (errors[dims[-2]] - errors[most]) / np.log2(most / dims[-2])
        falling = bool(rate > CLOSE * fall)
    used = None if active is None else active.get(most)
    return Elbow(method, found, errors[found], (errors[0] - errors[found]) / fall, most, falling, used)


def elbows(found: Iterator[Trial] | Sequence[Trial]) -> list[Elbow]:
    """The elbow of each method that was tried, in the order they came."""
    rows = list(found)
    mean = {trial.latent: trial.error for trial in rows if trial.method == MEAN}
    by_method: dict[str, list[Trial]] = {}
    for trial in rows:
        if trial.method != MEAN:
            by_method.setdefault(trial.method, []).append(trial)
    return [
        elbow(
            method,
            mean | {trial.latent: trial.error for trial in of},
            {trial.latent: trial.active for trial in of if trial.active is not None},
        )
        for method, of in by_method.items()
    ]


def intrinsic_dimension(x: Dataset | ArrayLike, *, most: int = 5_000, seed: int = 0) -> float:
    """The dimension in which the rows of x (n, *E) spread around each other, from their two nearest neighbours alone.

    See `two_nearest`; on at most `most` rows.
    Raises DataError: missing values, or fewer than 20 different rows.
    """
    data = adopt(x)
    if data.spec.form.serial:
        raise DataError("distances between rows need values, and texts and music as words have units.")
    if data.spec.missing:
        raise DataError("distances between rows need all their values, and some are NaN. Fill them first.")
    whole("most", most, "rows", least=1, most=COUNTED)
    rows = np.sort(rng_of(seed).permutation(len(data))[:most])
    return two_nearest((np.asarray(data.x[rows], np.float64) / units(data)).reshape(len(rows), -1))


# ---------------------------------------------------------------------- inside


def _between(method: str, errors: Mapping[int, float]) -> int | None:
    """The middle of the gap below the elbow; None where there is no gap."""
    at = elbow(method, errors).latent
    below = max((dim for dim in errors if dim < at), default=at)
    return (at + below) // 2 if at - below > 1 else None


def _mean(train: Dataset, test: Dataset, unit: NDArray[np.float32]) -> Trial:
    """Every row answered with the mean of the training rows. A missing value counts as met, as it does for the models."""
    start = time.perf_counter()
    middle = np.nanmean(train.x, axis=0, dtype=np.float64) if train.spec.missing else train.x.mean(axis=0, dtype=np.float64)
    error = float(np.mean(np.nan_to_num(np.square((test.x - middle) / unit))))
    return Trial(MEAN, 0, error, seconds=time.perf_counter() - start)


def _pca(train: Dataset, test: Dataset, unit: NDArray[np.float32], most: int, seed: int) -> Iterator[Trial]:
    """PCA at 1 to `most` dimensions from one fit: each component takes the square of its score off the error."""
    start = time.perf_counter()
    pca = Rival.fit("pca", most, train, unit, seed)
    held = pca.flat(test.x)
    mean = pca.back(np.zeros((1, most), held.dtype)) if pca.back is not None else held
    scores = np.square(pca.forth(test.x), dtype=np.float64).mean(axis=0)
    whole = np.square(held - mean, dtype=np.float64).sum(axis=1).mean()
    errors = (whole - np.cumsum(scores)) / held.shape[1]
    seconds = time.perf_counter() - start
    for dim, error in enumerate(errors, 1):
        yield Trial("pca", dim, max(float(error), 0.0), seconds=seconds)


def _check(train: Dataset, test: Dataset, latent: Sequence[int], methods: Sequence[str | Recipe]) -> None:
    if train.spec.form.serial:
        raise ConfigError(
            "how many dimensions data needs is read off errors beside the mean's, and texts and music as words have none. "
            "Compare: latentwalk compare DATA --recipes vae --latent 2,8,32; it says how many are in use."
        )
    if not len(latent) or not len(methods):
        raise ConfigError("the question needs at least one number of dimensions to try, and one method.")
    if train.x.shape[1:] != test.x.shape[1:]:
        raise DataError(f"held-out rows have shape {test.x.shape[1:]}; those to learn from have {train.x.shape[1:]}.")
    if (train.x == train.x[:1]).all():
        raise DataError(f"all {len(train):,} rows to learn from are the same: they have no dimension at all.")
    if "pca" in methods:
        check_numbers(train, test, ["pca"])
    most = min(train.spec.size, len(train) - 1)
    for dim in latent:
        if not (isinstance(dim, (int, np.integer)) and 1 <= dim <= most):
            raise ConfigError(
                f"latent={dim!r}: expected whole numbers from 1 to {most}, as {len(train):,} rows of {train.spec.size} "
                "numbers have at most that many dimensions."
            )


def _enough(count: int) -> str:
    return "1 dimension is" if count == 1 else f"{count} dimensions are"
