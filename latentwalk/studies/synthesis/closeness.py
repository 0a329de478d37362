"""Do drawn rows lie closer to the rows that were learnt from than to others? Then they tell about single ones.

Each drawn row has a closest real row. Were N rows learnt from and m held out alike to the copy, it would be one of the former
N / (N + m) of the time. The share of drawn rows that are closer to one learnt from is given as if there were as many of both:
.5 is as it should be, 1 a copy of the rows learnt from. Distances are Euclidean: numbers in deviations, a category that differs
1, missing or not 1.
Source: Platzer & Reutterer 2021, "Holdout-based empirical assessment of mixed-type synthetic data".
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors

from latentwalk.arrays import Array, Doubles
from latentwalk.latent.criteria.measure import wilson
from latentwalk.studies.synthesis.records import Records

__all__ = ["Closeness", "closeness", "copied"]

MOST = 5_000  # drawn rows that are looked at
REAL = 50_000  # rows learnt from among which the closest is looked for
SAME = 1e-6  # in deviations: rounding of what was drawn
TIED = 1e-9


@dataclass(frozen=True, slots=True)
class Closeness:
    """share, low, high: of drawn rows closer to one learnt from, as if of both there were as many.

    same: the share that is equal to a row learnt from. chance: the share of held-out rows that is, which happens anyway.
    distance, usual: the median distance of a drawn row, and of a held-out one, to the closest row learnt from.
    """

    share: float
    low: float
    high: float
    same: float
    chance: float
    distance: float
    usual: float


def closeness(copy: Records, train: Records, held_out: Records, seed: int) -> Closeness:
    """How close a copy lies to the rows learnt from, beside rows held out."""
    rng = np.random.default_rng(seed)
    copy, train, held_out = copy.some(MOST, rng), train.some(REAL, rng), held_out.some(MOST, rng)
    place = _places(train)
    to_train, to_held = (_closest(place(copy.x), place(one.x)) for one in (train, held_out))
    between = _closest(place(held_out.x), place(train.x))
    n, m = len(train), len(held_out)
    tied = np.abs(to_train - to_held) <= TIED * (1 + to_train)
    hits = np.count_nonzero((to_train < to_held) & ~tied) + np.count_nonzero(tied) * n / (n + m)
    trials = min(len(copy), n + m)  # more drawn rows than real ones do not make it surer
    share = float(hits / len(copy))
    low, high = wilson(round(share * trials), trials)
    return Closeness(
        share=_even(share, n, m),
        low=_even(low, n, m),
        high=_even(high, n, m),
        same=float((to_train <= SAME).mean()),
        chance=float((between <= SAME).mean()),
        distance=float(np.median(to_train)),
        usual=float(np.median(between)),
    )


def copied(copy: Records, train: Records, seed: int) -> float:
    """The share of drawn rows that are equal to a row learnt from."""
    rng = np.random.default_rng(seed)
    copy, train = copy.some(MOST, rng), train.some(REAL, rng)
    place = _places(train)
    return float((_closest(place(copy.x), place(train.x)) <= SAME).mean())


def _even(share: float, n: int, m: int) -> float:
    """A share of n + m as if n and m were the same."""
    first, second = share / n, (1 - share) / m
    return first / (first + second)


def _places(train: Records) -> Callable[[Array], Doubles]:
    """A function: rows (n, C) → points whose distances are those of the rows."""
    parts: list[tuple[int, bool, Doubles, float]] = []
    for at, column in enumerate(train.columns):
        known = train.x[:, at]
        if column.kind == "category":
            parts.append((at, True, np.unique(known[~np.isnan(known)]), 0.0))
        else:
            spread = float(np.nanstd(known)) if (~np.isnan(known)).any() else 0.0
            parts.append((at, False, np.array([spread or 1.0]), float(np.nanmean(known)) if spread else 0.0))

    def place(x: Array) -> Doubles:
        found = []
        for at, named, numbers, mean in parts:
            values, missing = x[:, [at]], np.isnan(x[:, [at]])
            if named:
                levels = (values == numbers) * np.sqrt(0.5)
                other = ~missing & ~(values == numbers).any(axis=1, keepdims=True)
                found += [levels, other * np.sqrt(0.5)]
            else:
                found.append(np.where(missing, 0.0, (values - mean) / numbers))
            found.append(missing * (np.sqrt(0.5) if named else 1.0))
        return np.concatenate(found, axis=1)

    return place


def _closest(points: Doubles, among: Doubles) -> Doubles:
    return NearestNeighbors(n_neighbors=1).fit(among).kneighbors(points)[0][:, 0]
