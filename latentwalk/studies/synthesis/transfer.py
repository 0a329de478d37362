"""Is what is learnt from a copy worth as much on real rows as what is learnt from real ones?

For a column, boosted trees learn it from all others, once from the copy and once from as many real rows, and are judged on real
rows that neither has seen. Skill is 0 for knowing nothing and 1 for knowing all: of a category 2 AUC - 1, the mean over its
classes, each against the others; of a number R² of its ranks among real rows, which a few large values do not decide.
"""

from dataclasses import dataclass

import numpy as np

from latentwalk.arrays import Array, Doubles
from latentwalk.data.columns import Column
from latentwalk.studies.synthesis.records import Records
from latentwalk.studies.synthesis.trees import booster, cut
from latentwalk.studies.synthesis.two_sample import area

__all__ = ["Transfer", "transfer"]

MOST = 10_000  # rows to learn from
CLASSES = 10  # of a target that are told apart; rarer ones are one
FEWEST = 10  # rows that judge
WORST = -1.0  # R² below it says no more than it


@dataclass(frozen=True, slots=True, eq=False)
class Transfer:
    """How well a column was learnt. copy, real: the truth and what was said of each judging row, by where it was learnt.

    skills of blocks of rows are found from these.
    """

    name: str
    number: bool
    truth: Array
    copy: Doubles
    real: Doubles

    def skill(self, rows: Array | None = None) -> tuple[float, float]:
        """From the copy, and from real rows; judged by all rows, or by these."""
        kept = slice(None) if rows is None else rows
        truth = self.truth[kept]
        score = _explained if self.number else _separated
        return score(truth, self.copy[kept]), score(truth, self.real[kept])


def transfer(at: int, copy: Records, train: Records, held_out: Records, seed: int) -> Transfer | None:
    """How well column `at` is learnt from a copy and from real rows; None where too little of it varies to tell."""
    column, others = train.columns[at], [place for place in range(len(train.columns)) if place != at]
    rng = np.random.default_rng(seed)
    rows = min(MOST, len(copy), len(train))
    sides = [_told(one.some(rows, rng), at) for one in (copy, train)]
    judge = _told(held_out, at)
    if not others or len(judge) < FEWEST or min(map(len, sides)) < FEWEST:
        return None
    number = column.kind != "category"
    known = np.concatenate([sides[1].x, judge.x])
    if number:
        grid = np.sort(sides[1].x[:, at])
        targets = [_rank(grid, one.x[:, at]) for one in (*sides, judge)]
        if np.ptp(targets[1]) == 0 or np.ptp(targets[2]) == 0:
            return None
    else:
        targets = _classes([one.x[:, at] for one in (*sides, judge)])
        if len(np.unique(targets[1])) < 2 or len(np.unique(targets[2])) < 2:
            return None
    inputs = tuple(train.columns[place] for place in others)
    x = [cut(one.x[:, others], inputs, known[:, others]) for one in (*sides, judge)]
    said = [_said(inputs, x[side], targets[side], x[2], seed, targets, number) for side in (0, 1)]
    return Transfer(column.name, number, targets[2], said[0], said[1])


def _said(
    inputs: tuple[Column, ...], x: Array, y: Array, judge: Array, seed: int, targets: list[Doubles], number: bool
) -> Doubles:
    """What trees that learnt y from x say of rows: a number each (n,), or a score for each class (n, K)."""
    if number:
        return np.asarray(booster(inputs, len(x), seed, number=True).fit(x, y).predict(judge), np.float64)
    found = np.zeros((len(judge), 1 + int(max(one.max() for one in targets))))
    if len(np.unique(y)) > 1:
        trees = booster(inputs, len(x), seed).fit(x, y)
        found[:, trees.classes_.astype(np.int64)] = trees.predict_proba(judge)
    return found


def _told(records: Records, at: int) -> Records:
    """The rows in which the column is known."""
    return records.take(np.flatnonzero(~np.isnan(records.x[:, at])))


def _rank(grid: Doubles, values: Doubles) -> Doubles:
    """Where values lie among real ones, in [0, 1]."""
    return (np.searchsorted(grid, values, "left") + np.searchsorted(grid, values, "right")) / (2 * len(grid))


def _classes(codes: list[Doubles]) -> list[Doubles]:
    """The most frequent classes of the real rows, the second of these, numbered from 0; all others are one."""
    named, counts = np.unique(codes[1], return_counts=True)
    kept = named[np.argsort(-counts, kind="stable")][: CLASSES - 1 if len(named) > CLASSES else CLASSES]
    numbers = {float(code): float(place) for place, code in enumerate(kept)}
    return [np.array([numbers.get(float(code), float(len(kept))) for code in one]) for one in codes]


def _explained(truth: Array, said: Doubles) -> float:
    spread = np.square(truth - truth.mean()).sum()
    return max(WORST, 1 - float(np.square(truth - said).sum() / spread)) if spread else 0.0


def _separated(truth: Array, said: Doubles) -> float:
    """2 AUC - 1, the mean over the classes that are there."""
    found = [
        2 * area(said[truth == one, one], said[truth != one, one])[0] - 1
        for one in range(said.shape[1])
        if 0 < np.count_nonzero(truth == one) < len(truth)
    ]
    return float(np.mean(found)) if found else 0.0
