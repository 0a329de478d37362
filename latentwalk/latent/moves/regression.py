"""Least squares of codes on an attribute and its confounders, and how well the step that comes of it ranks examples.

has, lacks, rows: masks (n,). columns: (n, k) numbers, the confounders. codes: (n, D).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.covariance import ledoit_wolf

from latentwalk.arrays import Array

__all__ = ["EACH", "auc", "plenty", "step", "tie", "unexplained"]

Mask = NDArray[np.bool_]
EACH = 10  # examples for each coefficient of a regression, at least
FOLDS = 5  # parts that are held out, one after the other


def step(codes: Array, has: Mask, lacks: Mask, columns: Array) -> Array:
    """The step d (D,) from lacking to having, with the columns held: see the head of `directions`."""
    rows = has | lacks
    if plenty(rows, columns):
        design = np.column_stack([np.ones(rows.sum()), has[rows], columns[rows]])
        found: Array = _least_squares(design, codes[rows])[1]
        return found
    known = np.isfinite(columns).all(axis=1)
    slopes = _least_squares(_design(columns[known]), codes[known])[1:]  # (k, D)
    means = [(codes[side] - columns[side] @ slopes).mean(axis=0) for side in (has, lacks)]
    return np.asarray(means[0] - means[1])


def plenty(rows: Mask, columns: Array) -> bool:
    """Whether so many rows are enough to find d and the columns' own effects together."""
    return bool(rows.sum() >= EACH * (2 + columns.shape[1]))


def tie(has: Mask, rows: Mask, columns: Array) -> float:
    """How closely the columns go along with having it, over `rows`: the correlation; for several, the multiple one."""
    rows = rows & np.isfinite(columns).all(axis=1)
    single = columns.shape[1] == 1 and rows.sum() > 1
    side = np.sign(np.cov(has[rows], columns[rows, 0])[0, 1]) if single else 1.0
    return float(side * np.sqrt(1 - unexplained(has, rows, [columns])))


def unexplained(has: Mask, rows: Mask, parts: Sequence[Array]) -> float:
    """The share of the variance of having it, over `rows`, that all these columns leave unexplained: 0 to 1."""
    columns = np.concatenate(parts, axis=1)
    rows = rows & np.isfinite(columns).all(axis=1)
    a, design = has[rows].astype(np.float64), _design(columns[rows])
    if len(a) < 2 or np.ptp(a) == 0:
        return 1.0
    rest = a - design @ _least_squares(design, a)
    return float(np.clip((rest @ rest) / (len(a) * a.var()), 0, 1))


def auc(codes: Array, has: Mask, lacks: Mask, columns: Array) -> float | None:
    """How well a step found from four fifths of the examples ranks the other fifth, on average: the area under the ROC curve.

    A code is read along d by the linear discriminant z Σ⁻¹ d, where Σ is the codes' covariance (Ledoit & Wolf 2004). None
    with less than two examples on a side.
    """
    folds = min(FOLDS, int(has.sum()), int(lacks.sum()))
    if folds < 2:
        return None
    read = codes @ np.linalg.pinv(ledoit_wolf(codes)[0])
    fold, rng = np.full(len(codes), -1), np.random.default_rng(0)
    for side in (has, lacks):
        fold[side] = rng.permutation(side.sum()) % folds
    ranks = []
    for held in range(folds):
        out = fold == held
        score = read @ step(codes, has & ~out, lacks & ~out, columns)
        ranks.append(_above(score[has & out], score[lacks & out]))
    return float(np.mean(ranks))


def _above(high: Array, low: Array) -> float:
    """The chance that one of `high` is above one of `low`; a tie counts half (Mann & Whitney 1947)."""
    ranks = rankdata(np.concatenate([high, low]))[: len(high)]
    return float((ranks.sum() - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))


def _design(columns: Array) -> Array:
    return np.column_stack([np.ones(len(columns)), columns])


def _least_squares(design: Array, target: Array) -> Array:
    """The coefficients (k, …); the smallest ones where several sets are as good."""
    size = np.abs(design).max(axis=0, initial=0.0)
    scale = np.where(size > 0, size, 1.0)  # so that small columns are not taken for rounding
    found: Array = np.linalg.lstsq(design / scale, target, rcond=None)[0]
    return (found.T / scale).T
