"""How good a copy is, in numbers that each have a yardstick: what other real rows reach where the copy stands.

    marginal distance        column by column                                  (see `marginals`)
    association distance     pair by pair                                      (see `associations`)
    classifier AUC           all columns together: told from real rows?        (see `two_sample`)
    skill                    what is learnt from it, used on real rows         (see `transfer`)
    closeness                does it tell about single rows learnt from?       (see `closeness`)

The first four compare with rows that were held out, and their yardstick ("real" in the details) is what the rows learnt from
reach against the same. Intervals are those of leaving out a tenth of all rows at a time, but for the second and the last.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array, Doubles
from latentwalk.chance import seed_of
from latentwalk.checks import one_of, several
from latentwalk.data.columns import Column
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.criteria.measure import Measure, html_table, percent
from latentwalk.studies.synthesis.associations import association_distance, associations
from latentwalk.studies.synthesis.closeness import closeness, copied
from latentwalk.studies.synthesis.marginals import marginal_distances
from latentwalk.studies.synthesis.records import Records
from latentwalk.studies.synthesis.transfer import Transfer, transfer
from latentwalk.studies.synthesis.two_sample import told_apart

__all__ = ["ColumnResemblance", "Resemblance", "resemblance"]

MOST = 20_000  # rows of each side that columns and pairs are compared by
BLOCKS = 10  # left out one at a time
TARGETS = 12  # columns that are learnt from the others, where none is named
FEWEST = 20  # rows of each side
TOO_FEW_HELD = "there are no rows that the model did not learn from: compared with those it did learn from"


@dataclass(frozen=True, slots=True)
class ColumnResemblance:
    """One column: how far its values are spread otherwise than those of real rows, and how far real rows are.

    skill, real_skill: how well it is learnt from the other columns, from the copy and from real rows; None where it was not.
    """

    column: Column
    distance: float
    real: float | None
    skill: float | None = None
    real_skill: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Resemblance:
    """measures: by name, in the order shown. columns: one by one. absent: what could not be measured, and why.

    associations: of each two columns (C, C), of the copy and of real rows. copy, real: the rows they were found from.
    held_out: whether the real rows are none that were learnt from.
    """

    measures: Mapping[str, Measure]
    columns: tuple[ColumnResemblance, ...]
    associations: tuple[Doubles, Doubles]
    copy: Records
    real: Records
    held_out: bool
    absent: Mapping[str, str]

    def __str__(self) -> str:
        return "\n".join(map(str, self.measures.values()))

    def _repr_html_(self) -> str:
        return html_table(self.measures.values(), self.absent)

    def to_json(self) -> dict[str, Any]:
        """The numbers, ready for `json.dump`."""
        return {
            "measures": {name: measure.to_json() for name, measure in self.measures.items()},
            "columns": [
                {"name": one.column.name, "kind": one.column.kind, "distance": one.distance, "real": one.real}
                | {"skill": one.skill, "real_skill": one.real_skill}
                for one in self.columns
            ],
            "associations": {name: each.tolist() for name, each in zip(("copy", "real"), self.associations, strict=True)},
            "rows": {"copy": len(self.copy), "real": len(self.real)},
            "held_out": self.held_out,
            "absent": dict(self.absent),
        }


def resemblance(
    copy: Any, train: Any, held_out: Any = None, *, target: str | None = None, columns: Sequence[Column] = (), seed: int = 0
) -> Resemblance:
    """How like real rows the rows of a copy are: frames, arrays (n, C) or Datasets.

    train: the rows learnt from. held_out: real rows that were not; without them, the copy is compared with the rows learnt
    from, which flatters one that repeats them, and what needs other rows is left out. target: the column that is to be learnt
    from the others; each in turn unless given, at most 12 of them, evenly spread. columns: what columns are, where that is not
    to be read off `train`. Raises DataError, ConfigError.
    """
    columns, seed = several("columns", columns, "columns"), seed_of(seed)
    if not all(isinstance(one, Column) for one in columns):
        raise ConfigError(f"columns={columns!r:.200}: expected a Column for each, as `columns_of` has them.")
    learnt = Records.of(train, columns)
    drawn = Records.of(copy, learnt.columns)
    other = None if held_out is None else Records.of(held_out, learnt.columns)
    names = [column.name for column in learnt.columns]
    if target is not None:
        one_of("target", target, names)
    for what, records in (("copy", drawn), ("rows learnt from", learnt), ("rows held out", other)):
        if records is not None and len(records) < FEWEST:
            raise DataError(f"{len(records)} rows ({what}) are too few to compare tables by. At least {FEWEST} are needed.")
    if target is not None and len(names) < 2:
        raise ConfigError(f"target={target!r}: a table of one column has nothing to learn it from.")
    rng = np.random.default_rng(seed)
    rows = min(MOST, len(drawn), len(learnt))
    a, b = drawn.some(rows, rng), learnt.some(rows, rng)
    real = b if other is None else other.some(MOST, rng)
    measures: dict[str, Measure] = {
        "marginals": _marginals(a, real, None if other is None else b, seed),
        "associations": _associations(a, real, None if other is None else b, seed),
        "classifier": _classifier(drawn, real, None if other is None else learnt, seed),
    }
    absent: dict[str, str] = {}
    skills: Sequence[Transfer] = ()
    if other is None:
        same = copied(drawn, learnt, seed)
        absent |= {"skill": TOO_FEW_HELD, "closeness": f"{TOO_FEW_HELD}; {percent(same)} of the copy are equal to one of them"}
    else:
        skills = _transfers(names, target, drawn, learnt, other, seed)
        if skills:
            measures["skill"] = _skill(skills, target, seed)
        else:
            absent["skill"] = "no column varies enough to be learnt from the others"
        measures["closeness"] = _closeness(drawn, learnt, other, seed)
    return Resemblance(
        measures,
        _each(a, real, None if other is None else b, {one.name: one.skill() for one in skills}),
        (associations(a), associations(real)),
        a,
        real,
        other is not None,
        absent,
    )


# ---------------------------------------------------------------------- one measure each


def _marginals(copy: Records, real: Records, train: Records | None, seed: int) -> Measure:
    def mean(*tables: Records) -> float:
        return float(marginal_distances(*tables).mean())

    value, (low, high) = mean(copy, real), _left_out(mean, (copy, real), seed)
    worst = int(np.argmax(marginal_distances(copy, real)))
    usual = None if train is None else mean(train, real)
    reading = f"Column by column, the copy is {value:.3f} away from real rows{_beside(usual)}; {real.columns[worst].name} most."
    details = {"worst": float(marginal_distances(copy, real)[worst])} | _real(usual)
    return Measure("marginal distance", value, low, high, reading, details, digits=3, better="lower")


def _associations(copy: Records, real: Records, train: Records | None, seed: int) -> Measure:
    value, (low, high) = association_distance(copy, real), _left_out(association_distance, (copy, real), seed)
    usual = None if train is None else association_distance(train, real)
    reading = f"What two columns say about each other differs by {value:.3f} in the mean over pairs{_beside(usual)}."
    return Measure("association distance", value, low, high, reading, _real(usual), digits=3, better="lower")


def _classifier(copy: Records, real: Records, train: Records | None, seed: int) -> Measure:
    value, low, high = told_apart(real, copy, seed)
    usual = None if train is None else told_apart(real, train, seed)[0]
    if low <= 0.5:
        said = "A classifier does not tell drawn rows from real ones"
    else:
        said = f"Of a drawn row and a real one, a classifier picks the drawn one {percent(value)} of the time"
    reading = f"{said}{_beside(usual)}."
    return Measure("classifier AUC", value, low, high, reading, _real(usual), digits=3, better="lower")


def _skill(skills: Sequence[Transfer], target: str | None, seed: int) -> Measure:
    found = np.array([one.skill() for one in skills])  # (T, 2)
    value, usual = (float(one) for one in found.mean(axis=0))

    def mean(*rows: Array) -> float:
        return float(np.mean([one.skill(kept)[0] for one, kept in zip(skills, rows, strict=True)]))

    low, high = _left_out(mean, [np.arange(len(one.truth)) for one in skills], seed, least=-1.0)
    what = f"{skills[0].name} is learnt" if target is not None else f"{len(skills)} columns are each learnt from the others"
    reading = f"From the copy, {what} with a skill of {value:.3f}; from as many real rows, {usual:.3f}."
    details: dict[str, float | list[float]] = {"real": usual, "lost": usual - value, "targets": float(len(skills))}
    return Measure("skill", value, low, high, reading, details, digits=3, better="higher")


def _closeness(copy: Records, train: Records, held_out: Records, seed: int) -> Measure:
    found = closeness(copy, train, held_out, seed)
    said = (
        f"{percent(found.share)} of drawn rows lie closer to a row learnt from than to one held out, were there as many of both"
    )
    verdict = ": the copy tells about single rows" if found.low > 0.5 else ", as it should be: about half"
    same = f"{percent(found.same)} are equal to a row learnt from; of held-out rows {percent(found.chance)} are."
    details: dict[str, float | list[float]] = {
        "real": 0.5,
        "copied": found.same,
        "copied_by_chance": found.chance,
        "distance": found.distance,
        "usual_distance": found.usual,
    }
    low, high = found.low, found.high
    return Measure("closeness", found.share, low, high, f"{said}{verdict}. {same}", details, digits=3, better="")


def _transfers(
    names: Sequence[str], target: str | None, copy: Records, train: Records, held_out: Records, seed: int
) -> Sequence[Transfer]:
    places = np.unique(np.linspace(0, len(names) - 1, min(TARGETS, len(names))).round().astype(np.int64)).tolist()
    if target is not None:
        places = [list(names).index(target)]
    found = (transfer(at, copy, train, held_out, seed) for at in places)
    return [one for one in found if one is not None]


def _each(
    copy: Records, real: Records, train: Records | None, skills: Mapping[str, tuple[float, float]]
) -> tuple[ColumnResemblance, ...]:
    distances = marginal_distances(copy, real)
    usual = [None] * len(distances) if train is None else marginal_distances(train, real).tolist()
    return tuple(
        ColumnResemblance(column, float(distance), between, *skills.get(column.name, (None, None)))
        for column, distance, between in zip(copy.columns, distances, usual, strict=True)
    )


# ---------------------------------------------------------------------- inside


def _left_out(
    statistic: Callable[..., float], tables: Sequence[Records | NDArray[np.intp]], seed: int, *, least: float = 0.0
) -> tuple[float, float]:
    """The 95 % interval of a statistic of several samples, by leaving out a tenth of each at a time, cut to [least, 1].

    Source: Miller 1974, "The jackknife: a review".
    """
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(table)) for table in tables]
    found = []
    for block in range(BLOCKS):
        kept = [np.sort(np.delete(order, np.s_[block::BLOCKS])) for order in orders]
        found.append(statistic(*(_picked(table, rows) for table, rows in zip(tables, kept, strict=True))))
    half = NormalDist().inv_cdf(0.975) * float(np.sqrt((BLOCKS - 1) * np.var(found)))
    value = statistic(*tables)
    return max(least, value - half), min(1.0, value + half)


def _picked(table: Records | NDArray[np.intp], rows: NDArray[np.intp]) -> Any:
    return table.take(rows) if isinstance(table, Records) else table[rows]


def _real(usual: float | None) -> dict[str, float | list[float]]:
    return {} if usual is None else {"real": usual}


def _beside(usual: float | None) -> str:
    return "" if usual is None else f" (other real rows: {usual:.3f})"
