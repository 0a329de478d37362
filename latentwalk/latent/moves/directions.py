"""Directions: the step in code from lacking something to having it, while all else stays the same.

The difference of two mean codes carries along whatever goes with the attribute: most who have a moustache are men, so it also
makes a man of a woman. Least squares takes codes apart instead (partial regression; Frisch & Waugh 1933):

    codes (n, D) = 1 b + a d + C G + rest        a (n,): 1 has it, 0 lacks it.  C (n, k): the confounders, n rows of numbers

and d (D,) is the step. Without confounders that is the difference of the means. Nothing here is made orthogonal to anything:
a latent space has no angles of its own, and d changes with the axes as codes do, whatever linear map is laid over them.

From few examples G cannot be found beside d. Where there are less than ten for each coefficient, G is that of all encoded
rows, with the attribute left out: d is then the difference of the means of codes - C G. That takes the confounders' own effect
out, and with it the part of the attribute's that goes along with them in the data at large.

A confounder is what brings the attribute about, or shares its cause: being a man, of a moustache. What the attribute itself
shows in is none (no beard, of a moustache; high cheekbones, of a smile): taken out, it takes the attribute along. "auto" knows
correlations only, and cannot tell the two apart. Where it matters, name them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.arrays import Array
from latentwalk.errors import ConfigError, DataError, unknown
from latentwalk.latent.criteria.measure import percent
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.moves.guide import Guide
from latentwalk.latent.moves.regression import EACH, auc, plenty, step, tie, unexplained

__all__ = ["Attribute", "Confounders", "Direction", "direction"]

Mask = NDArray[np.bool_]
Attribute = str | ArrayLike  # a name, row numbers, or a mask (n,)
Confounders = str | Iterable[Any]  # "auto", a name, names, arrays (n,)

TIED = 0.1  # the least correlation at which "auto" takes an attribute for a confounder,
SURE = 3.0  # and how many of its standard errors (1 / sqrt(n)) that must be away from none
SAME = 0.95  # a correlation from which on it is the attribute itself, by another name
LEFT = 0.01  # the share of an attribute that its confounders must leave unexplained
LEVELS = 12  # whole numbers of so few values are kinds rather than amounts: each is a column of its own


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """A step in code. Usable wherever an array (D,) is.

    vector: (D,), from lacking the attribute to having it.
    name: what it is called.
    model: the decoder it was found with; "" where that is not known.
    having, lacking: examples on each side.
    auc: the chance that, of two held-out examples, the one that has it reads higher along the direction; 0.5 is chance, None
        with less than two examples on a side.
    confounders: what was taken out, and how closely each went along with the attribute: a correlation, from -1 to 1 (for kinds
        the multiple correlation, from 0 to 1).
    guide: what chooses the step of each example by itself, where that was asked for.
    """

    vector: NDArray[np.float32]
    name: str
    model: str = ""
    having: int = 0
    lacking: int = 0
    auc: float | None = None
    confounders: Mapping[str, float] = field(default_factory=dict)
    guide: Guide | None = field(default=None, repr=False)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.vector, dtype=dtype) if copy else np.asarray(self.vector, dtype=dtype)

    @property
    def reading(self) -> str:
        """One sentence: how well it separates, what it was found from, what was taken out."""
        told = "" if self.auc is None else f"tells {percent(self.auc)} of held-out pairs apart (chance: 50 %); "
        tied = ", ".join(f"{name} (correlation {tie:+.2f})" for name, tie in self.confounders.items())
        counts = f"{self.having:,} with it, {self.lacking:,} without"
        return f"{self.name}: {told}{counts}; {f'taken out: {tied}' if tied else 'nothing taken out'}."


def direction(
    space: Encoded,
    having: Attribute,
    lacking: Attribute | None = None,
    without: Confounders = (),
    keep: Confounders | None = None,
) -> Direction:
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
    ties = {one: tie(has, has | lacks, values) for one, values in taken.items()}
    if plenty(has | lacks, columns):
        _check_told_apart(name, has, has | lacks, columns, ties)
    vector = step(codes, has, lacks, columns).astype(np.float32)
    counts = int(has.sum()), int(lacks.sum())
    guide = None
    if keep is not None:
        others = _having(space, having, "having")[1] & ~has & ~lacks if lacking is not None else np.zeros(len(space), bool)
        guide = Guide.of(codes, vector, has, lacks, others, _kept(space, keep, name, has, lacks))
    return Direction(vector, name, space.model, *counts, auc(codes, has, lacks, columns), ties, guide)


# ---------------------------------------------------------------------- who has it


def _sides(space: Encoded, having: Attribute, lacking: Attribute | None) -> tuple[Mask, Mask]:
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


def _having(space: Encoded, asked: Attribute, side: str) -> tuple[Mask, Mask]:
    """Which rows have what is asked for, and for which that is known: (n,) each."""
    if isinstance(asked, str):
        if asked in space.attributes:
            return _decided(asked, _checked(space.attributes[asked], len(space), f"attribute {asked!r}"))
        if space.labels is not None and asked in space.classes:
            return space.labels == space.classes.index(asked), np.ones(len(space), bool)
        if not (space.attributes or space.classes):
            raise ConfigError(
                f"nothing is known of these examples by name, so none is known to have {asked!r}. Give rows that have it and "
                "rows that lack it, or data with attributes or labels."
            )
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


def _rows(space: Encoded, rows: ArrayLike, name: str) -> Array:
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


def _confounders(space: Encoded, without: Confounders, name: str, has: Mask, lacks: Mask) -> dict[str, Array]:
    """The columns (n, j) of each confounder, by name."""
    if isinstance(without, str) and without == "auto":
        return _tied(space, name, has, has | lacks)
    asked = [without] if isinstance(without, str) else list(without)
    taken: dict[str, Array] = {}
    for number, one in enumerate(asked, 1):
        if isinstance(one, str) and one not in space.attributes:
            raise unknown("confounder", one, space.attributes)
        if isinstance(one, str) and one == name:
            raise ConfigError(f"{one!r} cannot be taken out of its own direction. Leave it out of `without`.")
        called, values = (one, space.attributes[one]) if isinstance(one, str) else (f"confounder {number}", one)
        taken[called] = _columns(_checked(values, len(space), called))
    return taken


def _kept(space: Encoded, keep: Confounders, name: str, has: Mask, lacks: Mask) -> dict[str, Array]:
    """The attributes (n,) that are to stay, by name; "all" are those of the space but the one asked for, by whatever name."""
    if isinstance(keep, str) and keep == "all":
        numbers = {one: np.asarray(values) for one, values in space.attributes.items() if one != name}
        return {
            one: values
            for one, values in numbers.items()
            if values.dtype.kind in "biuf" and abs(tie(has, has | lacks, _columns(values))) <= SAME
        }
    found: dict[str, Array] = {}
    for number, one in enumerate([keep] if isinstance(keep, str) else keep, 1):
        if isinstance(one, str) and one not in space.attributes:
            raise unknown("attribute to keep", one, ["all", *space.attributes])
        if isinstance(one, str) and one == name:
            raise ConfigError(f"{one!r} is what is to change, and cannot be kept. Leave it out of `keep`.")
        called, values = (one, space.attributes[one]) if isinstance(one, str) else (f"attribute {number}", one)
        found[called] = _checked(values, len(space), called)
    return found


def _checked(values: Any, rows: int, what: str) -> Array:
    array = np.asarray(values)
    if array.shape != (rows,) or array.dtype.kind not in "biuf":
        raise DataError(
            f"{what}: expected {rows} numbers, one for each encoded example; got {array.dtype} of shape {array.shape}."
        )
    return array


def _columns(values: Array) -> Array:
    """Values (n,) as the columns of a regression (n, j): one, or for a few kinds one for each but the first."""
    values = values.astype(np.float64)
    levels = np.unique(values[np.isfinite(values)])
    if 2 < len(levels) <= LEVELS and (levels == np.round(levels)).all():
        return np.where(np.isfinite(values)[:, None], values[:, None] == levels[1:], np.nan)
    return values[:, None]


def _tied(space: Encoded, name: str, has: Mask, rows: Mask) -> dict[str, Array]:
    """The attributes that go along with having it, the closest first; as many as leave something of it."""
    numbers = {one: np.asarray(values) for one, values in space.attributes.items() if one != name}
    columns = {one: _columns(values) for one, values in numbers.items() if values.dtype.kind in "biuf"}
    ties = {other: abs(tie(has, rows, values)) for other, values in columns.items()}
    least = max(TIED, SURE / np.sqrt(rows.sum()))
    taken: dict[str, Array] = {}
    for other in sorted(ties, key=lambda other: -ties[other]):
        if least <= ties[other] <= SAME and unexplained(has, rows, [*taken.values(), columns[other]]) > LEFT:
            taken[other] = columns[other]
    return taken


def _check_enough(columns: Array, known: Mask) -> None:
    count = columns.shape[1]
    if count and not plenty(known, columns):
        raise DataError(
            f"to take out these confounders, {count} columns of numbers, their values must be known for at least "
            f"{EACH * (2 + count)} rows, {EACH} a coefficient; they are for {int(known.sum())}. Name fewer."
        )


def _check_told_apart(name: str, has: Mask, rows: Mask, columns: Array, ties: Mapping[str, float]) -> None:
    if columns.shape[1] and unexplained(has, rows, [columns]) < LEFT:
        worst = max(ties, key=lambda one: abs(ties[one]))
        raise ConfigError(
            f"nothing is left of {name!r} once {', '.join(ties)} are taken out: together they say who has it "
            f"({worst}: {ties[worst]:+.2f}). Leave {worst} out of `without`."
        )
