"""Does each dimension of a code stand for one factor of the data, and each factor for one dimension? Three scores in [0, 1].

    mutual_information_gap    how much more the best dimension knows of a factor than the second best  Chen et al. 2018
    separated_predictability  the same for how well one dimension alone predicts it                    Kumar et al. 2018
    dci                       how many dimensions trees need to tell a factor, and back                Eastwood & Williams 2018

All need factors that are known, and examples in which they vary independently; a fourth, in `factor_vae`, needs to draw such
examples itself. What is published scatters more over seeds of training than over methods (Locatello et al. 2019), so one model
proves little.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score, mutual_info_score
from sklearn.svm import LinearSVC

from latentwalk.arrays import Array
from latentwalk.chance import rng_of
from latentwalk.checks import one_of, several
from latentwalk.errors import DataError
from latentwalk.latent.codes import check_codes
from latentwalk.latent.criteria.measure import percent
from latentwalk.latent.encoded import Encoded

__all__ = [
    "DCI",
    "Disentanglement",
    "Gaps",
    "dci",
    "disentanglement",
    "mutual_information_gap",
    "separated_predictability",
]

Factors = Mapping[str, ArrayLike]
Trees = Literal["random forest", "boosted trees"]
BINS = 20  # of equal width, for codes and for continuous factors, as in Locatello et al. 2019
LEVELS = 100  # different whole numbers up to which a factor is taken as it is, not binned
HELD_OUT = 1 / 3  # of the examples, for how well trees know a factor


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """Per factor, by how much the best dimension is ahead of the second best.

    value: the mean gap, in [0, 1]. gaps: by factor. matrix: (D, F), what each dimension is worth for each factor, in [0, 1].
    With one dimension there is no second, and the gap is all that it is worth.
    """

    value: float
    gaps: Mapping[str, float]
    matrix: NDArray[np.float64]

    @classmethod
    def of(cls, matrix: NDArray[np.float64], names: Collection[str]) -> "Gaps":
        """From what each dimension is worth for each factor, (D, F)."""
        ahead = np.sort(np.vstack([np.zeros_like(matrix[:1]), matrix]), axis=0)
        gaps = ahead[-1] - ahead[-2]
        return cls(float(gaps.mean()), dict(zip(names, gaps.tolist(), strict=True)), matrix)


@dataclass(frozen=True, slots=True, eq=False)
class DCI:
    """What trees that predict each factor from the code make of its dimensions.

    disentanglement: 1 where each dimension matters for one factor only. completeness: 1 where each factor needs one dimension
    only. informativeness: the mean share of held-out examples whose factor is predicted right. accuracy: that share by factor.
    importance: (D, F), each column sums to 1. trees: which ones; scores of different kinds of trees do not compare.
    """

    disentanglement: float
    completeness: float
    informativeness: float
    accuracy: Mapping[str, float]
    importance: NDArray[np.float64]
    trees: Trees


@dataclass(frozen=True, slots=True, eq=False)
class Disentanglement:
    """All that can be said of given codes. mig: mutual information gap. sap: separated attribute predictability."""

    mig: Gaps
    sap: Gaps
    dci: DCI

    @property
    def reading(self) -> str:
        """One sentence that names the factors which have a dimension of their own, those whose gap is half or more."""
        own = [name for name, gap in self.mig.gaps.items() if gap >= 0.5]
        which = f"{', '.join(own)} {'has' if len(own) == 1 else 'have'}" if own else "no factor has"
        return (
            f"Of {len(self.mig.gaps)} factors, {which} a dimension of {'its' if len(own) < 2 else 'their'} own (mutual "
            f"information gap {self.mig.value:.2f}); trees tell {percent(self.dci.informativeness)} of their values right."
        )


def disentanglement(
    space: Encoded, *, classes: Collection[str] = (), trees: Trees = "random forest", seed: int = 0
) -> Disentanglement:
    """The scores of a space's codes against its `attributes`. classes, trees: see `separated_predictability` and `dci`.

    Raises DataError where there are no attributes, or any that is constant or not known everywhere.
    """
    codes, factors = space.codes, space.attributes
    return Disentanglement(
        mutual_information_gap(codes, factors),
        separated_predictability(codes, factors, classes=classes),
        dci(codes, factors, trees=trees, seed=seed),
    )


def mutual_information_gap(codes: ArrayLike, factors: Factors) -> Gaps:
    """MIG: (I(z_best; v) - I(z_second; v)) / H(v) for each factor v.

    codes: (n, D). factors: by name, (n,) each. Codes are cut into 20 bins of equal width; so is a factor that is not whole, or
    has more than 100 values. A factor of more values than bins cannot be known whole from one dimension: for 32 equally
    frequent ones the most that can be had is ln 20 / ln 32 = .86.
    Raises DataError: NaN, a constant factor, lengths that do not fit, fewer rows than bins.
    """
    z, known = _checked(codes, factors)
    binned = [_binned(column) for column in z.T]
    levels = [_levels(values) for values in known.values()]
    information = np.array([[mutual_info_score(v, d) for v in levels] for d in binned])  # (D, F), nats
    return Gaps.of(information.clip(0) / [entropy(np.bincount(v)) for v in levels], known)


def separated_predictability(codes: ArrayLike, factors: Factors, *, classes: Collection[str] = ()) -> Gaps:
    """SAP: by how much the best dimension alone predicts a factor better than the second best alone.

    A factor is a number, and predicted linearly: R², the squared correlation. classes: factors whose numbers are names; they
    are predicted by a linear support vector machine: balanced accuracy.
    codes, factors: as in `mutual_information_gap`. Raises DataError; ConfigError for a class that is no factor.
    """
    z, known = _checked(codes, factors)
    classes = several("classes", classes, "names of factors")
    for name in classes:
        one_of("factor", name, known)
    z = _standardised(z)
    worth = [_accuracies(z, values) if name in classes else _shares_explained(z, values) for name, values in known.items()]
    return Gaps.of(np.stack(worth, 1), known)


def dci(codes: ArrayLike, factors: Factors, *, trees: Trees = "random forest", seed: int = 0) -> DCI:
    """Disentanglement, completeness, informativeness, from the importance R (D, F) of each dimension for each factor.

    disentanglement: sum_d rho_d (1 - H_F(R_d / sum R_d)), rho_d the share of dimension d in all importance. completeness: the
    mean over factors of 1 - H_D(R_f). H_F and H_D: entropies to base F and D.
    trees: "random forest" takes seconds; "boosted trees" are those of Locatello et al. 2019, and take minutes.
    codes, factors: as in `mutual_information_gap`, at least 2 of each. Raises DataError; ConfigError for unknown trees.
    """
    one_of("trees", trees, get_args(Trees))
    z, known = _checked(codes, factors)
    if min(z.shape[1], len(known)) < 2:
        raise DataError(f"DCI needs 2 dimensions and 2 factors or more, to compare; got {z.shape[1]} and {len(known)}.")
    order = rng_of(seed).permutation(len(z))
    held, learn = np.split(order, [round(HELD_OUT * len(z))])
    importance, accuracy = np.empty((z.shape[1], len(known))), {}
    for at, (name, values) in enumerate(known.items()):
        levels = _levels(values)
        fitted = _trees(trees, seed).fit(z[learn], levels[learn])
        importance[:, at], accuracy[name] = fitted.feature_importances_, float(fitted.score(z[held], levels[held]))
    importance[:, importance.sum(axis=0) == 0] = 1 / len(importance)  # no dimension helps with that factor, each as little
    rows = importance.sum(axis=1)
    alone = 1 - entropy(importance[rows > 0], axis=1, base=len(known))  # (D used,)
    whole = 1 - entropy(importance, axis=0, base=len(importance))  # (F,)
    return DCI(
        float(np.average(alone, weights=rows[rows > 0])),
        float(whole.mean()),
        float(np.mean(list(accuracy.values()))),
        accuracy,
        importance,
        trees,
    )


# ---------------------------------------------------------------------- codes and factors as they are needed


def _checked(codes: ArrayLike, factors: Factors) -> tuple[NDArray[np.float64], dict[str, Array]]:
    """Codes (n, D) and factors (n,) each. Raises DataError."""
    z = np.asarray(codes, dtype=np.float64)
    if z.ndim != 2 or not z.shape[1]:
        raise DataError(f"expected codes (n, D), got shape {z.shape}.")
    check_codes(z, BINS, "disentanglement needs at least {} codes, as many as bins")
    if not factors:
        raise DataError("disentanglement needs known factors. Give them: space(Dataset) with `factors`, or a mapping.")
    return z, {name: _factor(name, np.asarray(values), len(z)) for name, values in factors.items()}


def _factor(name: str, values: Array, rows: int) -> Array:
    if values.shape != (rows,) or values.dtype.kind not in "biuf":
        raise DataError(f"factor {name!r} is {values.dtype} of shape {values.shape}; expected {rows} numbers, one a code.")
    bad = ~np.isfinite(values)
    if bad.any():
        raise DataError(
            f"factor {name!r} holds NaN or infinity in {bad.sum()} of {rows} rows, the first in row {bad.argmax()}. "
            "Leave out rows in which it is not known."
        )
    if (values == values[0]).all():
        raise DataError(f"factor {name!r} is {values[0]:g} everywhere. One that does not vary cannot be found: leave it out.")
    return values


def _levels(values: Array) -> NDArray[np.int64]:
    """A factor as numbers from 0: its values in order, or its bins."""
    different, levels = np.unique(values, return_inverse=True)
    whole = (different == np.round(different)).all()
    return levels.astype(np.int64) if whole and len(different) <= LEVELS else _binned(values)


def _binned(values: Array) -> NDArray[np.int64]:
    """The bin of each value, 0 … 19, between the smallest and the largest."""
    low, high = float(values.min()), float(values.max())
    share = (values - low) / (high - low) if high > low else np.zeros(len(values))
    return (share * BINS).astype(np.int64).clip(max=BINS - 1)


def _standardised(z: NDArray[np.float64]) -> NDArray[np.float64]:
    deviation = z.std(axis=0)
    return (z - z.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)


def _shares_explained(z: NDArray[np.float64], values: Array) -> NDArray[np.float64]:
    """R² of a factor given each dimension of standardised codes alone: (D,)."""
    v = _standardised(values[:, None].astype(np.float64))
    shares: NDArray[np.float64] = ((z * v).mean(axis=0) ** 2).clip(max=1.0)
    return shares


def _accuracies(z: NDArray[np.float64], values: Array) -> NDArray[np.float64]:
    """Balanced accuracy of classes given each dimension alone: (D,)."""
    levels = _levels(values)
    machines = (LinearSVC(C=0.01, class_weight="balanced", dual=False).fit(column, levels) for column in z.T[:, :, None])
    found = [balanced_accuracy_score(levels, machine.predict(z[:, [at]])) for at, machine in enumerate(machines)]
    return np.array(found)


def _trees(kind: Trees, seed: int) -> Any:
    if kind == "boosted trees":
        return GradientBoostingClassifier(random_state=seed)
    # All dimensions stand for choice at each split, and leaves are not single points: else noise seems to matter.
    return RandomForestClassifier(50, max_features=None, min_samples_leaf=10, random_state=seed)
