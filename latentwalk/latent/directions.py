"""Directions: the step in code from lacking something to having it, while all else stays the same.

The difference of two mean codes carries along whatever goes with the attribute: most who have a moustache are men, so it also
makes a man of a woman. Least squares takes codes apart instead (partial regression; Frisch & Waugh 1933):

    codes (n, D) = 1 b + a d + C G + rest        a (n,): 1 has it, 0 lacks it.  C (n, k): the confounders, n rows of numbers

and d (D,) is the step. Without confounders that is the difference of the means. Nothing here is made orthogonal to anything:
a latent space has no angles of its own, and d changes with the axes as codes do, whatever linear map is laid over them.

From few examples G cannot be found beside d. Where there are less than ten for each coefficient, G is that of all encoded
rows, with the attribute left out: d is then the difference of the means of codes - C G. That takes the confounders' own effect
out, and with it the part of the attribute's that goes along with them in the data at large.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata
from sklearn.covariance import ledoit_wolf

from latentwalk.errors import ConfigError, DataError, unknown
from latentwalk.latent.criteria.checks import percent

if TYPE_CHECKING:
    from latentwalk.latent.space import LatentSpace

__all__ = ["Attribute", "Confounders", "Direction", "found"]

Array = NDArray[Any]
Mask = NDArray[np.bool_]
Attribute = str | ArrayLike  # a name, row numbers, or a mask (n,)
Confounders = str | Iterable[Any]  # "auto", a name, names, arrays (n,)

EACH = 10  # examples for each coefficient of a regression, at least
FOLDS = 5  # parts that are held out, one after the other
TIED = 0.1  # the least correlation at which "auto" takes an attribute for a confounder,
SURE = 3.0  # and how many of its standard errors (1 / sqrt(n)) that must be away from none
SAME = 0.95  # a correlation from which on it is the attribute itself, by another name
LEFT = 0.01  # the share of an attribute that its confounders must leave unexplained
LEVELS = 12  # whole numbers of so few values are kinds rather than amounts: each is a column of its own


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """A step in code. Usable wherever an array (D,) is.

    vector: (D,), from lacking the attribute to having it. name: what it is called. model: the decoder it was found with; ""
    where that is not known. having, lacking: examples on each side. auc: the chance that, of two held-out examples, the one
    that has it reads higher along the direction; 0.5 is chance, None with less than two examples on a side.
    confounders: what was taken out, and how closely each went along with the attribute: a correlation, from -1 to 1 (for kinds
    the multiple correlation, from 0 to 1).
    """

    vector: NDArray[np.float32]
    name: str
    model: str = ""
    having: int = 0
    lacking: int = 0
    auc: float | None = None
    confounders: Mapping[str, float] = field(default_factory=dict)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.vector, dtype=dtype) if copy else np.asarray(self.vector, dtype=dtype)

    @property
    def reading(self) -> str:
        """One sentence: how well it separates, what it was found from, what was taken out."""
        told = "" if self.auc is None else f"tells {percent(self.auc)} of held-out pairs apart (chance: 50 %); "
        tied = ", ".join(f"{name} (correlation {tie:+.2f})" for name, tie in self.confounders.items())
        counts = f"{self.having:,} with it, {self.lacking:,} without"
        return f"{self.name}: {told}{counts}; {f'taken out: {tied}' if tied else 'nothing taken out'}."


def found(space: "LatentSpace", having: Attribute, lacking: Attribute | None = None, without: Confounders = ()) -> Direction:
    """The direction from `lacking` to `having`; see `LatentSpace.direction`. Raises ConfigError, DataError."""
    name = having if isinstance(having, str) else "the examples given"
    has, lacks = _sides(space, having, lacking)
    taken = _confounders(space, without, name, has, lacks)
    columns = np.concatenate([np.empty((len(space), 0)), *taken.values()], axis=1)  # (n, k)
    known = np.isfinite(columns).all(axis=1)
    has, lacks = has & known, lacks & known
    if not (has.any() and lacks.any()):
        raise DataError(f"no example that {'lacks' if has.any() else 'has'} {name} has a value of every confounder.")
    _check_enough(columns, known)
    codes = space.codes.astype(np.float64)
    ties = {confounder: _tie(has, has | lacks, values) for confounder, values in taken.items()}
    if _plenty(has | lacks, columns):
        _check_told_apart(name, has, has | lacks, columns, ties)
    step = _step(codes, has, lacks, columns)
    auc = _auc(codes, has, lacks, columns)
    return Direction(step.astype(np.float32), name, space.model, int(has.sum()), int(lacks.sum()), auc, ties)


# ---------------------------------------------------------------------- who has it


def _sides(space: "LatentSpace", having: Attribute, lacking: Attribute | None) -> tuple[Mask, Mask]:
    """Which rows have it, which lack it: (n,) each. What is NaN is on neither side."""
    has, known = _having(space, having, "having")
    lacks = known & ~has if lacking is None else _having(space, lacking, "lacking")[0]
    for side, name in ((has, "having"), (lacks, "lacking")):
        if not side.any():
            what = f" ({having!r} has one class only)" if isinstance(having, str) else ""
            raise DataError(f"`{name}` selects no example{what}. A direction needs at least one on each side.")
    if (has & lacks).any():
        raise DataError(f"row {int(np.argmax(has & lacks))} is on both sides. An example has it or lacks it.")
    return has, lacks


def _having(space: "LatentSpace", asked: Attribute, side: str) -> tuple[Mask, Mask]:
    """Which rows have what is asked for, and for which that is known: (n,) each."""
    if isinstance(asked, str):
        if asked in space.attributes:
            return _decided(asked, np.asarray(space.attributes[asked]))
        if space.labels is not None and asked in space.classes:
            return space.labels == space.classes.index(asked), np.ones(len(space), bool)
        raise unknown("attribute", asked, [*space.attributes, *space.classes])
    chosen = np.zeros(len(space), bool)
    chosen[_rows(space, asked, side)] = True
    return chosen, np.ones(len(space), bool)


def _decided(name: str, values: Array) -> tuple[Mask, Mask]:
    """Who has it by its values (n,): the larger of two, or a probability above .5; and whose value is not NaN."""
    known = np.isfinite(values)
    levels = np.unique(values[known])
    if len(levels) == 2:
        return known & (values == levels[1]), known
    if len(levels) and not (levels[0] >= 0 and levels[-1] <= 1):
        raise ConfigError(
            f"{name!r} goes from {levels[0]:g} to {levels[-1]:g}: neither two values nor a probability. "
            f"Say who has it: direction(space.attributes[{name!r}] > {np.median(levels):g})."
        )
    return known & (values > 0.5), known


def _rows(space: "LatentSpace", rows: ArrayLike, name: str) -> Array:
    """Row numbers, from row numbers or a mask (n,). Raises DataError when there are none, or not so many rows."""
    chosen = np.atleast_1d(np.asarray(rows))
    if chosen.dtype == bool and chosen.shape == (len(space),):
        return np.flatnonzero(chosen)
    if chosen.size == 0:
        return chosen.astype(np.intp)
    if chosen.dtype.kind not in "iu" or chosen.ndim != 1 or not -len(space) <= chosen.min() <= chosen.max() < len(space):
        raise DataError(
            f"`{name}` is neither row numbers of the {len(space)} encoded examples nor a mask of that length: "
            f"got {chosen.dtype} of shape {chosen.shape}."
        )
    return chosen


# ---------------------------------------------------------------------- what goes along with it


def _confounders(space: "LatentSpace", without: Confounders, name: str, has: Mask, lacks: Mask) -> dict[str, Array]:
    """The columns (n, j) of each confounder, by name."""
    if isinstance(without, str) and without == "auto":
        return _tied(space, name, has, has | lacks)
    asked = [without] if isinstance(without, str) else list(without)
    taken: dict[str, Array] = {}
    for number, one in enumerate(asked):
        if isinstance(one, str):
            if one not in space.attributes:
                raise unknown("confounder", one, space.attributes)
            if one == name:
                raise ConfigError(f"{one!r} cannot be taken out of its own direction. Leave it out of `without`.")
            taken[one] = _columns(np.asarray(space.attributes[one]))
        else:
            taken[f"confounder {number + 1}"] = _columns(_checked(one, len(space)))
    return taken


def _checked(values: Any, rows: int) -> Array:
    array = np.asarray(values)
    if array.shape != (rows,) or array.dtype.kind not in "biuf":
        raise DataError(
            f"a confounder is a name, or {rows} numbers, one for each encoded example; got {array.dtype} of shape "
            f"{array.shape}."
        )
    return array


def _columns(values: Array) -> Array:
    """Values (n,) as the columns of a regression (n, j): one, or for a few kinds one for each but the first."""
    values = values.astype(np.float64)
    levels = np.unique(values[np.isfinite(values)])
    if 2 < len(levels) <= LEVELS and (levels == np.round(levels)).all():
        return np.where(np.isfinite(values)[:, None], values[:, None] == levels[1:], np.nan)
    return values[:, None]


def _tied(space: "LatentSpace", name: str, has: Mask, rows: Mask) -> dict[str, Array]:
    """The attributes that go along with having it, the closest first; as many as leave something of it."""
    columns = {other: _columns(np.asarray(values)) for other, values in space.attributes.items() if other != name}
    ties = {other: abs(_tie(has, rows, values)) for other, values in columns.items()}
    least = max(TIED, SURE / np.sqrt(rows.sum()))
    taken: dict[str, Array] = {}
    for other in sorted(ties, key=lambda other: -ties[other]):
        if least <= ties[other] <= SAME and _unexplained(has, rows, [*taken.values(), columns[other]]) > LEFT:
            taken[other] = columns[other]
    return taken


def _tie(has: Mask, rows: Mask, columns: Array) -> float:
    """How closely (n, j) columns go along with having it, over `rows`: the correlation, for several the multiple one."""
    rows = rows & np.isfinite(columns).all(axis=1)
    side = np.sign(np.cov(has[rows], columns[rows, 0])[0, 1]) if columns.shape[1] == 1 and rows.sum() > 1 else 1.0
    return float(side * np.sqrt(1 - _unexplained(has, rows, [columns])))


def _unexplained(has: Mask, rows: Mask, parts: Sequence[Array]) -> float:
    """The share of the variance of having it, over `rows`, that the columns leave unexplained: 0 to 1."""
    columns = np.concatenate(parts, axis=1)
    rows = rows & np.isfinite(columns).all(axis=1)
    a, c = has[rows].astype(np.float64), columns[rows]
    if len(a) < 2 or np.ptp(a) == 0:
        return 1.0
    rest = a - _design(c) @ _least_squares(_design(c), a)
    return float(np.clip((rest @ rest) / ((a - a.mean()) @ (a - a.mean())), 0, 1))


def _check_enough(columns: Array, known: Mask) -> None:
    count = columns.shape[1]
    if count and not _plenty(known, columns):
        raise DataError(
            f"{count} confounders are {EACH * (2 + count)} rows' work to take out, {EACH} for each coefficient; "
            f"their values are known for {int(known.sum())}. Name fewer."
        )


def _check_told_apart(name: str, has: Mask, rows: Mask, columns: Array, ties: Mapping[str, float]) -> None:
    if columns.shape[1] and _unexplained(has, rows, [columns]) < LEFT:
        worst = max(ties, key=lambda one: abs(ties[one]))
        raise ConfigError(
            f"nothing is left of {name!r} once {', '.join(ties)} are taken out: together they say who has it "
            f"({worst}: correlation {ties[worst]:+.2f}). Leave {worst} out of `without`."
        )


# ---------------------------------------------------------------------- the step


def _step(codes: Array, has: Mask, lacks: Mask, columns: Array) -> Array:
    """d (D,), as the file's head says."""
    rows = has | lacks
    if _plenty(rows, columns):
        design = np.column_stack([np.ones(rows.sum()), has[rows], columns[rows]])
        step: Array = _least_squares(design, codes[rows])[1]
        return step
    known = np.isfinite(columns).all(axis=1)
    slopes = _least_squares(_design(columns[known]), codes[known])[1:]  # (k, D)
    mean = {side: (codes[who] - columns[who] @ slopes).mean(axis=0) for side, who in (("has", has), ("lacks", lacks))}
    return np.asarray(mean["has"] - mean["lacks"])


def _plenty(rows: Mask, columns: Array) -> bool:
    """Whether there are enough rows to find d and G together."""
    return bool(rows.sum() >= EACH * (2 + columns.shape[1]))


def _design(columns: Array) -> Array:
    return np.column_stack([np.ones(len(columns)), columns])


def _least_squares(design: Array, target: Array) -> Array:
    """The coefficients (k, …); the smallest where several are as good."""
    scale = np.where((size := np.abs(design).max(axis=0)) > 0, size, 1.0)  # so that "as good" is said of like with like
    found_: Array = np.linalg.lstsq(design / scale, target, rcond=None)[0]
    return (found_.T / scale).T


def _auc(codes: Array, has: Mask, lacks: Mask, columns: Array) -> float | None:
    """How well a direction found from four fifths of the examples ranks the other fifth, averaged: 0 to 1.

    A code is read along d by the linear discriminant z Σ⁻¹ d, Σ the codes' covariance (Ledoit & Wolf 2004).
    """
    folds = min(FOLDS, int(has.sum()), int(lacks.sum()))
    if folds < 2:
        return None
    inverse = np.linalg.pinv(ledoit_wolf(codes)[0])
    fold = np.zeros(len(codes), int)
    rng = np.random.default_rng(0)
    for side in (has, lacks):
        fold[side] = rng.permutation(side.sum()) % folds
    aucs = []
    for held in range(folds):
        out = fold == held
        score = codes @ inverse @ _step(codes, has & ~out, lacks & ~out, columns)
        aucs.append(_ranked(score[has & out], score[lacks & out]))
    return float(np.mean(aucs))


def _ranked(high: Array, low: Array) -> float:
    """The chance that one of `high` is above one of `low`; a tie counts half (Mann & Whitney 1947)."""
    ranks = rankdata(np.concatenate([high, low]))[: len(high)]
    return float((ranks.sum() - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))
