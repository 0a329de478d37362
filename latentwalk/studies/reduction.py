"""Fewer dimensions: maps of the same rows by autoencoders, PCA, kernel PCA and UMAP, all else equal, and how good each is.

All methods see the same training rows in the same units (those of an autoencoder's own scaling: an image's range, a column's
or a channel's deviation), and are judged on the same rows that none of them has seen:

    error                    mean squared error of the way there and back, per value, in squared units
    trustworthiness          are neighbours on the map neighbours in the data?   (Venna & Kaski 2001)
    neighbour preservation   are neighbours in the data neighbours on the map?   (the same; they call it the map's continuity)
    class accuracy           do the 10 nearest rows on the map have a row's class?

Kernel PCA (Schölkopf et al. 1998) takes memory and time with the square and the cube of the rows, and UMAP (McInnes et al.
2018) takes minutes from ten thousand rows on: they learn from at most `LEARNT` rows drawn at random, and say from how many.
"""

import importlib
import importlib.util
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA, KernelPCA
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import euclidean_distances

from latentwalk.data.dataset import Dataset
from latentwalk.data.halves import parts
from latentwalk.data.scaling import Scaling
from latentwalk.errors import ConfigError, DataError, TrainingStopped, unknown
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.criteria.classes import class_accuracy
from latentwalk.latent.criteria.structure import neighbour_preservation, trustworthiness
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler
from latentwalk.models.recipes import RECIPES, Recipe
from latentwalk.studies.comparison import NAMES
from latentwalk.studies.judgement import reconstruction_error

__all__ = ["LEARNT", "RIVALS", "Quality", "Reduction", "check_numbers", "has_umap", "measured", "reductions", "title", "units"]

Array = NDArray[Any]
RIVALS = ("pca", "kernel-pca", "umap")
TITLES = NAMES | {"kernel-pca": "Kernel PCA", "umap": "UMAP"}
LEARNT = {"kernel-pca": 4_000, "umap": 10_000}  # rows that a method learns from, at most
VOTERS = 10  # nearest codes that vote for a class
RIDGE, NARROWER = 0.1, 4.0  # of kernel PCA's way back: what was best or nearly so on digits, MNIST and a roll at D = 2 and 8
INSTALL = "UMAP is not installed. Install it with: pip install 'latentwalk[maps]', or leave 'umap' out."


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
    """One method at one number of dimensions.

    transform: rows (n, *E) → codes (n, D), for any rows. space: the held-out rows, their codes and the way back, which raises
    ConfigError for a method without one. learnt: rows it learnt from. model: None for a rival. fit_seconds and
    transform_seconds: of learning, and of mapping the held-out rows; the first UMAP of a process compiles itself in them.
    stopped: whether Ctrl-C ended the learning early.
    """

    method: str
    latent: int
    transform: Callable[[Array], NDArray[np.float32]]
    space: LatentSpace
    quality: Quality
    learnt: int
    fit_seconds: float
    transform_seconds: float
    model: Autoencoder | None = None
    stopped: bool = False

    @property
    def title(self) -> str:
        """The name people read."""
        return title(self.method)

    def to_json(self) -> dict[str, Any]:
        """The numbers, ready for `pandas.DataFrame` or `json.dump`."""
        names = ("method", "latent", "learnt", "fit_seconds", "transform_seconds", "stopped")
        return {"title": self.title, **{name: getattr(self, name) for name in names}, **asdict(self.quality)}


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
    train, test = parts(train, test, random_state)
    _check(train, test, latent, methods, neighbours)
    return _each(train, test, latent, methods, neighbours, random_state, options)


def has_umap() -> bool:
    """Whether the package umap-learn is there."""
    return importlib.util.find_spec("umap") is not None


def title(method: str) -> str:
    """The name people read."""
    return TITLES.get(method, method)


def units(train: Dataset) -> NDArray[np.float32]:
    """One unit of error, broadcastable to an example (*E), read off the training rows as an autoencoder's scaling is."""
    return Scaling.fit(train.x, train.spec, "unit" if train.spec.kind == "image" else "standard").unit


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


# ---------------------------------------------------------------------- one reduction


@dataclass(frozen=True, slots=True)
class _Map:
    """A fitted rival: flat rows in standard units (n, F) → codes (n, D), and back; `inverse` is None where there is no way."""

    transform: Callable[[Array], Array]
    inverse: Callable[[Array], Array] | None
    learnt: int


def _each(
    train: Dataset,
    test: Dataset,
    latent: Sequence[int],
    methods: Sequence[str | Recipe],
    neighbours: int,
    seed: int,
    options: dict[str, Any],
) -> Iterator[Reduction]:
    unit = units(train)
    for dim in latent:
        for method in methods:
            if isinstance(method, str) and method in RIVALS:
                yield _rival(method, dim, train, test, unit, neighbours, seed)
                continue
            found = _learnt(method, dim, train, test, unit, neighbours, {"random_state": seed, **options})
            yield found
            if found.stopped:
                return


def _learnt(
    method: str | Recipe,
    dim: int,
    train: Dataset,
    test: Dataset,
    unit: NDArray[np.float32],
    neighbours: int,
    options: dict[str, Any],
) -> Reduction:
    """The reduction of an autoencoder."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingStopped)  # `stopped` says it
        model = Autoencoder(method, latent=dim, **options).fit(train)
    fitted = time.perf_counter()
    model.transform(test)
    seconds = fitted - start, time.perf_counter() - fitted
    space = replace(model.space(test), unit=unit)
    quality = measured(space, neighbours)
    return Reduction(model.recipe_.name, dim, model.transform, space, quality, len(train), *seconds, model, model.interrupted_)


def _rival(
    method: str, dim: int, train: Dataset, test: Dataset, unit: NDArray[np.float32], neighbours: int, seed: int
) -> Reduction:
    """The reduction of a method that is no autoencoder."""
    shape, fit = train.spec.shape, {"pca": _pca, "kernel-pca": _kernel_pca, "umap": _umap}[method]
    precision: type = np.float32 if train.spec.kind == "image" else np.float64
    rows = _some(len(train), LEARNT.get(method), seed)

    def flat(x: Array) -> Array:
        return np.asarray(np.asarray(x, precision) / unit).reshape(len(x), -1)

    start = time.perf_counter()
    found = fit(flat(train.x if rows is None else train.x[rows]), dim, seed)
    fitted = time.perf_counter()

    def transform(x: Array) -> NDArray[np.float32]:
        return np.asarray(found.transform(flat(x)), np.float32)

    def decode(z: Array) -> NDArray[np.float32]:
        if found.inverse is None:
            raise ConfigError(f"{title(method)} maps rows to codes and knows no way back.")
        return (found.inverse(z).reshape(-1, *shape) * unit).astype(np.float32)

    codes = transform(test.x)
    seconds = fitted - start, time.perf_counter() - fitted
    space = LatentSpace(
        *(codes, np.zeros_like(codes), test.x, decode, NormalSampler(dim), test.y, test.classes, unit),
    )
    quality = measured(space, neighbours, inverse=found.inverse is not None)
    return Reduction(method, dim, transform, space, quality, found.learnt, *seconds)


def _pca(x: Array, dim: int, seed: int) -> _Map:
    """The linear map that keeps most of the variance; not whitened, so that distances stay those of the data."""
    pca = PCA(dim, random_state=seed).fit(x)
    return _Map(pca.transform, pca.inverse_transform, len(x))


def _kernel_pca(x: Array, dim: int, seed: int) -> _Map:
    """Kernel PCA with a Gaussian kernel, and kernel ridge regression for the way back (Bakır et al. 2004).

    Both kernels have the median distance between points as their width, one in the data and one among the codes. (The way back
    of scikit-learn's KernelPCA uses the data's width for both, and would be far too smooth.)
    """
    forth = KernelPCA(dim, kernel="rbf", gamma=_by_median(x, seed), random_state=seed).fit(x)
    codes, mean = forth.transform(x), x.mean(axis=0)
    back = KernelRidge(alpha=RIDGE, kernel="rbf", gamma=NARROWER * _by_median(codes, seed)).fit(codes, x - mean)
    return _Map(forth.transform, lambda z: back.predict(z) + mean, len(x))


def _umap(x: Array, dim: int, seed: int) -> _Map:
    """UMAP with its authors' settings. Its inverse is an interpolation on the plane that fails for other D; it is not used."""
    umap = _umap_package()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numba and of small data: nothing a user of ours could act on
        fitted = umap.UMAP(n_components=dim, n_neighbors=min(15, len(x) - 1), random_state=seed, n_jobs=1).fit(x)

    def transform(rows: Array) -> Array:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            codes: Array = fitted.transform(rows)
        return codes

    return _Map(transform, None, len(x))


def _umap_package() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module("umap")
    except ImportError as error:
        raise ConfigError(INSTALL) from error


def _by_median(x: Array, seed: int) -> float:
    """gamma of a Gaussian kernel exp(-gamma d²) as wide as the median distance between (at most 1,000) rows of x."""
    rows = _some(len(x), 1_000, seed)
    squares = euclidean_distances(x if rows is None else x[rows], squared=True)
    middle = float(np.median(squares[np.triu_indices(len(squares), 1)])) or float(squares.mean())
    return 1 / middle if middle > 0 else 1.0


def _some(count: int, most: int | None, seed: int) -> NDArray[np.int64] | None:
    """`most` row numbers of `count` drawn at random, in order; None for all of them."""
    if most is None or count <= most:
        return None
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])


# ---------------------------------------------------------------------- what is refused


def _check(train: Dataset, test: Dataset, latent: Sequence[int], methods: Sequence[str | Recipe], neighbours: int) -> None:
    if not len(methods) or not len(latent):
        raise ConfigError("a reduction needs at least one method and one number of dimensions.")
    known = (*RIVALS, *RECIPES)
    names = [method for method in methods if not isinstance(method, Recipe)]
    for method in names:
        if method not in known:
            raise unknown("method", method, known)
    if "umap" in names and not has_umap():
        raise ConfigError(INSTALL)
    _check_rows(train, test, neighbours)
    check_numbers(train, test, [name for name in names if name in RIVALS])
    rows = min([len(train), *(LEARNT[name] for name in names if name in LEARNT)])
    most = min(train.spec.size, rows - 1)
    for dim in latent:
        if not (isinstance(dim, (int, np.integer)) and 1 <= dim <= most):
            raise ConfigError(
                f"latent={dim!r}: expected a whole number from 1 to {most} for rows of {train.spec.size} numbers, "
                f"learnt from {rows:,} of them. Reducing means fewer dimensions than the data has."
            )


def _check_rows(train: Dataset, test: Dataset, neighbours: int) -> None:
    if train.x.shape[1:] != test.x.shape[1:]:
        raise DataError(f"held-out rows have shape {test.x.shape[1:]}; those to learn from have {train.x.shape[1:]}.")
    if not (isinstance(neighbours, (int, np.integer)) and neighbours >= 1):
        raise ConfigError(f"neighbours={neighbours!r}: expected a whole number, at least 1.")
    least = max(2 * neighbours, VOTERS) + 1
    if len(test) < least:
        raise DataError(
            f"{len(test)} held-out rows are too few to look at {neighbours} neighbours of each: at least {least} are needed. "
            f"Give more rows, or ask for fewer neighbours (at most {max((len(test) - 1) // 2, 0)})."
        )
    for rows, which in ((train.x, "to learn from"), (test.x, "held out")):
        if (rows == rows[:1]).all():
            raise DataError(f"all {len(rows):,} rows {which} are the same: there is nothing to reduce.")


def check_numbers(train: Dataset, test: Dataset, rivals: Sequence[str]) -> None:
    """Raise DataError where the data is not what a rival can calculate with."""
    if not rivals:
        return
    names = ", ".join(map(title, rivals))
    if train.spec.missing or test.spec.missing:
        raise DataError(f"{names} cannot go around missing values, and some are NaN. Fill them, or reduce with ae or vae.")
    named = [column.name for column in train.spec.columns if column.kind == "category"]
    if named:
        raise DataError(f"{names} need numbers; {named[0]!r} is a category. Leave it out, or reduce with ae or vae.")
