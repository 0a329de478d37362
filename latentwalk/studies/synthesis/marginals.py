"""Column by column: how far the values of a copy are spread otherwise than real ones.

Of numbers, the largest difference of the two distribution functions (Kolmogorov-Smirnov); of categories, half the sum of the
differences of shares (total variation). Missing is a category of its own; of numbers, the share of missing ones counts where it
differs more. 0 is the same, 1 has nothing in common.
"""

import numpy as np

from latentwalk.arrays import Array, Doubles
from latentwalk.data.columns import Column
from latentwalk.studies.synthesis.records import Records

__all__ = ["marginal_distances"]


def marginal_distances(first: Records, second: Records) -> Doubles:
    """How far each column of two tables is apart: (C,), in [0, 1]."""
    return np.array([_distance(first.x[:, at], second.x[:, at], column) for at, column in enumerate(first.columns)], np.float64)


def _distance(a: Array, b: Array, column: Column) -> float:
    if column.kind == "category":
        codes = [np.where(np.isnan(one), -1, one).astype(np.int64) + 1 for one in (a, b)]
        most = max(int(one.max()) for one in codes) + 1
        shares = [np.bincount(one, minlength=most) / len(one) for one in codes]
        return float(np.abs(shares[0] - shares[1]).sum() / 2)
    gaps = abs(float(np.isnan(a).mean() - np.isnan(b).mean()))
    a, b = np.sort(a[~np.isnan(a)]), np.sort(b[~np.isnan(b)])
    if not len(a) or not len(b):
        return max(gaps, float(len(a) != len(b)))
    at = np.concatenate([a, b])
    apart = np.searchsorted(a, at, "right") / len(a) - np.searchsorted(b, at, "right") / len(b)
    return max(gaps, float(np.abs(apart).max()))
