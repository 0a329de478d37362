"""Rows drawn from a model, as many as asked for, all of which keep what real rows keep.

Codes are drawn from the model's sampler, and rows from the likelihood of each code, noise and all, with gaps as often as there
were. Numbers are rounded as real ones are, rows moved onto the sums they must add up to, and what breaks another constraint is
drawn again. What still does after many draws is moved onto the edge of what it breaks; if that does not help, nothing may
satisfy the constraints, and that is an error.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.arrays import Array, Doubles
from latentwalk.chance import seed_of
from latentwalk.checks import COUNTED, flag, several, whole
from latentwalk.data.adopt import as_known
from latentwalk.data.columns import Column
from latentwalk.data.constraints import Constraint, constraints_found, constraints_read, moved_onto
from latentwalk.data.dataset import Dataset
from latentwalk.data.frames import of_kind
from latentwalk.errors import ConfigError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.estimators.trained import Trained
from latentwalk.latent.completion import BEST, check_sampler, completion
from latentwalk.latent.criteria.measure import percent
from latentwalk.latent.criteria.region import FEWEST_TO_TELL
from latentwalk.latent.samplers import KINDS, FittedSampler, Isotropic, MomentMatched, Neighbours, Vamp
from latentwalk.models.prior import StandardNormal
from latentwalk.studies.synthesis.lattices import Lattice, lattices
from latentwalk.studies.synthesis.margins import Margins
from latentwalk.studies.synthesis.records import Records, label_column
from latentwalk.studies.synthesis.trees import booster, cut

__all__ = ["SyntheticCopy", "synthesise"]

PATIENCE, AT_LEAST = 20, 5_000  # rows drawn for each asked for, and in all, before what breaks a constraint is moved
MOST_AT_ONCE = 50_000
FITTINGS = 30  # of the shares of labels
SELDOM = 0.002  # of rows, when they are moved as well: what fewer satisfy is taken to be satisfied by none
POOL = 20_000  # draws that say how the model spreads a column
WRITTEN = 1e-9  # of a number: what lies so near to how numbers are written is one that was calculated


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticCopy:
    """Rows that were drawn, and what it took.

    rows: (n, C), a frame where the model learnt from one, else an array.
    labels: (n,) the label of each row, where the rows learnt from had some, or None. records: both as numbers.
    constraints: all that every row keeps; found ones say so. drawn: how many rows were, of which `rejected` broke one, and
    `moved` of these were moved onto its edge and kept. broken: how many of all that were drawn broke each.
    sampler: what codes were drawn from. remarks: what else should be known, a sentence each.
    """

    rows: Any
    records: Records
    labels: NDArray[Any] | None
    constraints: tuple[Constraint, ...]
    drawn: int
    rejected: int
    moved: int
    broken: Mapping[str, int]
    sampler: str
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.records)

    def __str__(self) -> str:
        given = sum(not one.found for one in self.constraints)
        kept = f"constraints kept: {given} given, {len(self.constraints) - given} found"
        said = f"{len(self):,} rows drawn from {self.sampler}; {kept}; {self.rejected:,} of {self.drawn:,} were rejected"
        return said + (f"; {self.moved:,} were moved onto the edge of one." if self.moved else ".")


@dataclass(slots=True, eq=False)
class _Tally:
    """What was drawn so far."""

    kept: list[Doubles] = field(default_factory=list)
    labels: list[NDArray[Any]] = field(default_factory=list)
    drawn: int = 0
    rejected: int = 0
    moved: int = 0
    broken: dict[str, int] = field(default_factory=dict)


def synthesise(
    model: Autoencoder,
    frame: ArrayLike | Dataset | Any,
    n: int | None = None,
    *,
    constraints: str | Sequence[str] = (),
    find: bool = True,
    margins: bool = True,
    sampler: str | None = None,
    seed: int = 0,
) -> SyntheticCopy:
    """A copy of the table that a model learnt from: n rows drawn from it, as many as there are unless given.

    frame: the rows learnt from, a frame, an array (n, C) or a Dataset: what the copy keeps is read off them.
    constraints: what each row must satisfy: "amount >= 0", "last_seen >= signup", "rent + food == total"; names of several
    words between backticks, dates in quotes. find: also what all of `frame` satisfies: bounds, orders, sums (see
    `constraints_found`).
    margins: whether numbers are spread as in `frame`, column by column (see `margins`), or as the model has them.
    sampler: a name to fit one, "best" or another (see `Autoencoder.fit_sampler`); by default that of `fit_sampler`, and where
    there is none the best of those that keep no codes, fitted to those of `frame`. The model stays as it is.
    Labels of a Dataset are drawn, too: by a model with a condition first, and the row then; for any other afterwards, as often
    as trees that learnt them from the columns say.
    Raises ConfigError for a constraint that cannot be read, or that nothing satisfies; DataError.

    >>> a = np.random.default_rng(0).uniform(size=(300, 2)).round(2)
    >>> model = Autoencoder(epochs=2, random_state=0, progress=False).fit(np.column_stack([a, a.sum(axis=1)]))
    >>> copy = synthesise(model, np.column_stack([a, a.sum(axis=1)]), 50, sampler="gaussian")
    >>> [str(one) for one in copy.constraints if one.is_equality], len(copy)
    (['x1 + x2 == x3'], 50)
    """
    if not isinstance(model, Autoencoder):
        raise ConfigError(f"{model!r:.200} is no model. A copy is drawn from an Autoencoder that learnt from the table.")
    seed = seed_of(seed)
    flag("find", find)
    flag("margins", margins)
    like, trained, frame = frame, model.trained_, as_known(frame)
    if not trained.spec.form.columned:
        raise ConfigError(f"a copy is made of tables; this model learnt from {trained.spec.kind}s. Draw some: sample(n).")
    whole("n", n, "rows", least=1, most=COUNTED, none="as many as there are")
    x = np.asarray(trained.given(frame), np.float64)
    columns = named_columns(trained)
    given = [
        one
        for text in ([constraints] if isinstance(constraints, str) else several("constraints", constraints, "constraints"))
        for one in constraints_read(text, columns)
    ]
    known = {str(one) for one in given}
    kept = (*given, *(one for one in (constraints_found(x, columns) if find else ()) if str(one) not in known))
    source, said, remarks = _source(trained, frame, sampler, seed)
    draw = _drawing(trained, source, seed)
    if margins:
        orders = [one.order for one in kept if one.order is not None and not one.broken(x).any()]
        draw = _with_margins(draw, Margins.of(draw(POOL)[0], x, columns, orders), seed)
    tally = _kept_rows(draw, _Mending.of(x, columns, kept), kept, len(x) if n is None else int(n))
    records, labels = Records(np.concatenate(tally.kept), columns), None
    if isinstance(frame, Dataset) and frame.y is not None:
        last = label_column(frame)
        codes = _places(tally.labels, last) if tally.labels else _told(records, Records(x, columns), frame.y, seed)
        labels, records = np.array(last.categories)[codes], Records(np.column_stack([records.x, codes]), (*columns, last))
    elif tally.labels:
        labels = np.concatenate(tally.labels)
    return SyntheticCopy(
        of_kind(trained.framed(records.x[:, : len(columns)]), like),
        records,
        labels,
        kept,
        tally.drawn,
        tally.rejected,
        tally.moved,
        tally.broken,
        said,
        (*remarks, *_broken_before(given, x)),
    )


def named_columns(trained: Trained) -> tuple[Column, ...]:
    """What the columns of a table are that a model learnt from, by name; x1, x2, … where they have none."""
    if trained.spec.named:
        return trained.spec.named
    known = trained.spec.columns or (Column("", "continuous"),) * trained.spec.size
    names = trained.features or tuple(f"x{at + 1}" for at in range(len(known)))
    return tuple(replace(one, name=name) for one, name in zip(known, names, strict=True))


# ---------------------------------------------------------------------- drawing


Drawing = Callable[[int], tuple[Doubles, NDArray[Any] | None]]  # how many → rows (n, C), labels (n,)


def _drawing(trained: Trained, source: Any, seed: int) -> Drawing:
    """A function that draws so many rows, others each time, from the likelihood of codes from `source`."""
    rng = np.random.default_rng(seed)

    def draw(n: int) -> tuple[Doubles, NDArray[Any] | None]:
        labels = None
        if trained.labels is not None:
            labels = np.array(trained.labels.names)[trained.labels.drawn(n, rng).argmax(axis=1)]
        gaps = trained.spec.gaps is not None
        rows = trained.sample(n, 1.0, source, labels, int(rng.integers(2**31)), missing=gaps, noise=True)
        return np.asarray(rows, np.float64), labels

    return draw


def _with_margins(draw: Drawing, margins: Margins, seed: int) -> Drawing:
    """The same, its rows with those margins."""
    rng = np.random.default_rng([seed, 1])

    def moved(n: int) -> tuple[Doubles, NDArray[Any] | None]:
        rows, labels = draw(n)
        return margins(rows, rng), labels

    return moved


def _source(trained: Trained, X: Any, sampler: str | None, seed: int) -> tuple[FittedSampler, str, list[str]]:
    """What codes are drawn from, what it is called, and what should be known of it."""
    if sampler is None and trained.sampler is not None and not trained.quick:
        found, said = trained.sampler, "the sampler it was saved with"
    else:
        found, said = _fitted(trained, X, sampler, seed), "a sampler fitted for the copy"
    near = ["Codes were drawn near those of single rows (neighbours). To hand rows on, another sampler is better."]
    return (
        found,
        "the prior" if found.kind == Isotropic.kind else f"{said} ({found.kind})",
        near if found.kind == Neighbours.kind else [],
    )


def _fitted(trained: Trained, X: Any, sampler: str | None, seed: int) -> FittedSampler:
    """A sampler of that name, or the best of those that keep no codes, fitted to the codes of X; of few ones a Gaussian."""
    space = trained.space(X)
    if sampler is not None and check_sampler(sampler) != BEST:
        return space.fit_sampler(sampler, seed=seed)
    if len(space) < 2 * FEWEST_TO_TELL:
        return space.fit_sampler(MomentMatched.kind, seed=seed)
    plain = trained.recipe.generative and isinstance(trained.model.prior, StandardNormal)
    needs = {Isotropic.kind: plain, Vamp.kind: space.posterior is not None, Neighbours.kind: False}
    kinds = [kind for kind in KINDS if needs.get(kind, True)]
    return completion(space, BEST, candidates=kinds, seed=seed).sampler


def _places(labels: Sequence[NDArray[Any]], column: Column) -> NDArray[np.int64]:
    """Where labels that a model drew stand among those of a column."""
    known = {name: code for code, name in enumerate(column.categories)}
    return np.array([known[str(name)] for some in labels for name in some], np.int64)


def _told(copy: Records, train: Records, y: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Labels for drawn rows, each as often as trees say that learnt those (n,) of real rows, all in their shares."""
    if len(np.unique(y)) < 2:
        return np.full(len(copy), y[0])
    trees = booster(train.columns, len(train), seed).fit(cut(train.x, train.columns, train.x), y)
    likely = trees.predict_proba(cut(copy.x, train.columns, train.x)).clip(min=1e-12)
    shares = np.bincount(y)[trees.classes_] / len(y)
    for _ in range(FITTINGS):  # iterative proportional fitting (Deming & Stephan 1940)
        likely *= shares / likely.mean(axis=0)
        likely /= likely.sum(axis=1, keepdims=True)
    at = (np.random.default_rng([seed, 2]).uniform(size=(len(copy), 1)) > likely.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return np.asarray(trees.classes_[at], np.int64)


# ---------------------------------------------------------------------- keeping


def _kept_rows(draw: Drawing, mend: "_Mending", kept: Sequence[Constraint], wanted: int) -> _Tally:
    """So many rows that break nothing. Raises ConfigError where none can be found."""
    tally = _Tally()
    have, share, most = 0, 1.0, max(PATIENCE * wanted, AT_LEAST)
    while have < wanted:
        moving = tally.drawn >= most
        count = min(MOST_AT_ONCE, int((wanted - have) / max(share, 1 / PATIENCE)) + (2_000 if moving else 16))
        drawn, labels = draw(count)
        x = mend(drawn)
        broken = _broken(x, kept, tally.broken)
        tally.drawn += count
        tally.rejected += int(np.count_nonzero(broken))
        if moving:
            again = mend(x, bounds=True)
            fixed = np.flatnonzero(broken & ~_broken(again, kept))[: wanted - have]
            x[fixed], broken[fixed] = again[fixed], False
            tally.moved += len(fixed)
            if broken.mean() > 1 - SELDOM:
                raise _unsatisfied(tally, kept)
        good = np.flatnonzero(~broken)[: wanted - have]
        share = max(1 - float(broken.mean()), 0.0)
        have += len(good)
        tally.kept.append(x[good])
        if labels is not None:
            tally.labels.append(labels[good])
    return tally


def _broken(x: Doubles, kept: Sequence[Constraint], counts: dict[str, int] | None = None) -> NDArray[np.bool_]:
    """Which of rows x (n, C) break any constraint. counts: to which how many break each is added."""
    found = np.zeros(len(x), bool)
    for one in kept:
        each = one.broken(x)
        found |= each
        if counts is not None and each.any():
            counts[str(one)] = counts.get(str(one), 0) + int(np.count_nonzero(each))
    return found


def _unsatisfied(tally: _Tally, kept: Sequence[Constraint]) -> ConfigError:
    """The error for constraints that no row satisfies, with those that most break."""
    worst = sorted(tally.broken.items(), key=lambda one: -one[1])[:3]
    said = "; ".join(f"{text} is broken by {percent(count / tally.drawn)}" for text, count in worst)
    return ConfigError(
        f"of {tally.drawn:,} rows drawn, hardly any satisfies all {len(kept)} constraints, or can be moved to where it does: "
        f"{said}. Expected constraints that can hold together, and for rows like those learnt from."
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Mending:
    """Drawn rows (n, C) → rows with numbers as real ones are, which add up. The rest is for rejection.

    What adds up to a column makes that column; what adds up to a number is moved as little as it takes. Then one column of each
    equality is not rounded, but is what the others leave it: the one made, or the one with the finest grid. It is rounded too,
    where that is only a matter of how a number is written. free: (C,) the variances of columns that can be moved.
    """

    kept: Sequence[Constraint]
    grid: Sequence[Lattice]
    free: Doubles
    rest: Mapping[int, Constraint]

    @classmethod
    def of(cls, x: Array, columns: Sequence[Column], kept: Sequence[Constraint]) -> "_Mending":
        """As rows x (n, C) have it."""
        grid = lattices(x, columns)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a column of which nothing was observed
            spread = np.nan_to_num(np.nanvar(x, axis=0))
        able = [column.kind != "category" and one.levels is None for column, one in zip(columns, grid, strict=True)]
        free = np.where(able & (spread > 0), spread, 0.0)
        return cls(kept, grid, free, _rests([one for one in kept if one.is_equality], grid, free))

    def __call__(self, drawn: Doubles, *, bounds: bool = False) -> Doubles:
        """bounds: also what breaks one of <= and >= is moved, onto its edge."""
        made = {id(one) for at, one in self.rest.items() if one.defined == at}
        found = moved_onto(drawn, [one for one in self.kept if bounds or id(one) not in made], self.free, bounds=bounds)
        for at, grid in enumerate(self.grid):
            if at not in self.rest:
                found[:, at] = grid.snapped(found[:, at])
        if self.rest:
            left = np.where(np.isin(np.arange(len(self.grid)), [*self.rest]), self.free, 0.0)
            found = moved_onto(found, self.kept, left)
            for at in self.rest:
                written = self.grid[at].snapped(found[:, at])
                near = np.abs(written - found[:, at]) <= WRITTEN * (self.grid[at].step + np.abs(written))
                found[:, at] = np.where(near, written, found[:, at])
        return found


def _rests(equalities: Sequence[Constraint], grid: Sequence[Lattice], free: Doubles) -> dict[int, Constraint]:
    """For each equality, the column that is what the others leave it; another for each, where that can be."""
    found: dict[int, Constraint] = {}
    for one in equalities:
        others = {at for other in equalities if other is not one for at in other.columns}
        able = [at for at in one.columns if free[at] > 0 and at not in found]
        if able:
            finest = min(grid[at].step for at in able)
            best = min(able, key=lambda at: (grid[at].step > finest, at != one.defined, at in others, -free[at]))
            found[best] = one
    return found


def _broken_before(given: Sequence[Constraint], x: Array) -> list[str]:
    """What should be known of constraints that the rows learnt from break themselves."""
    shares = [(one, float(one.broken(x).mean())) for one in given]
    return [f"{one} is broken by {percent(share)} of the rows learnt from." for one, share in shares if share > 0]
