"""Pair by pair: how much two columns say about each other, whatever kinds they are.

    number, number        Spearman's rank correlation, in [-1, 1]
    number, category      the correlation ratio of the ranks: the share of their spread between categories, square root
    category, category    Cramér's V

The latter two are above 0 by chance alone; what chance is expected to give is taken off (epsilon squared: Kelley 1935; V:
Bergsma 2013, "A bias-correction for Cramér's V and Tschuprow's T").
"""

import numpy as np

from latentwalk.arrays import Array, Doubles
from latentwalk.studies.synthesis.records import Records, ranked

__all__ = ["association_distance", "associations"]


def associations(records: Records) -> Doubles:
    """How much each two columns say about each other: (C, C), symmetric, 1 on the diagonal, 0 where nothing can be said."""
    size = len(records.columns)
    numbers = [at for at, column in enumerate(records.columns) if column.kind != "category"]
    named = [at for at, column in enumerate(records.columns) if column.kind == "category"]
    found = np.eye(size)
    z = ranked(records.x[:, numbers]) if numbers else np.empty((len(records), 0))
    seen = (~np.isnan(records.x[:, numbers])).astype(np.float64)
    with np.errstate(all="ignore"):
        found[np.ix_(numbers, numbers)] = (z.T @ z) / np.sqrt(((z**2).T @ seen) * (seen.T @ z**2))
    levels = {at: _levels(records.x[:, at]) for at in named}
    for at, one in levels.items():
        found[at, numbers] = found[numbers, at] = _ratios(z, seen, one)
        for other in named[: named.index(at)]:
            found[at, other] = found[other, at] = _cramer(one.T @ levels[other])
    np.fill_diagonal(found, 1.0)
    return np.where(np.isfinite(found), found, 0.0)


def association_distance(first: Records, second: Records) -> float:
    """The mean difference of the associations of two tables over all pairs of columns; 0 where there is no pair."""
    apart = np.abs(associations(first) - associations(second))
    size = len(apart)
    return float(apart[~np.eye(size, dtype=bool)].mean()) if size > 1 else 0.0


def _levels(codes: Array) -> Doubles:
    """Codes (n,) as columns (n, K) of 0 and 1; nothing where one is missing."""
    found = np.unique(codes[~np.isnan(codes)])
    return (codes[:, None] == found).astype(np.float64)


def _ratios(z: Doubles, seen: Doubles, levels: Doubles) -> Doubles:
    """The correlation ratio of each number, in ranks z (n, C), with a category (n, K)."""
    known = seen * levels.sum(axis=1, keepdims=True)
    rows = known.sum(axis=0)
    with np.errstate(all="ignore"):
        mean = (z * known).sum(axis=0) / rows
        total = ((z - mean) ** 2 * known).sum(axis=0)
        counts = levels.T @ seen  # (K, C)
        between = np.nansum((levels.T @ (z * seen) - counts * mean) ** 2 / counts, axis=0)
        kinds = (counts > 0).sum(axis=0)
        found = 1 - (1 - between / total) * (rows - 1) / (rows - kinds)
    return np.sqrt(np.clip(found, 0, 1))


def _cramer(counts: Doubles) -> float:
    """Cramér's V of a table of counts (K, L), less what chance gives."""
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    n = counts.sum()
    if n < 2 or min(counts.shape) < 2:
        return 0.0
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / n
    square = ((counts - expected) ** 2 / expected).sum() / n
    rows, columns = (size - (size - 1) ** 2 / (n - 1) for size in counts.shape)
    bias = (counts.shape[0] - 1) * (counts.shape[1] - 1) / (n - 1)
    least = min(rows, columns) - 1
    return float(np.sqrt(max(0.0, square - bias) / least)) if least > 0 else 0.0
