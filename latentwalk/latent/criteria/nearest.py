"""How many dimensions points spread in, from nothing but the distances to their two nearest neighbours."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from latentwalk.arrays import Array
from latentwalk.errors import DataError

__all__ = ["two_nearest"]

DROPPED = 0.1  # of the neighbour ratios, the largest: they are the noisy ones, says Facco et al.
FEWEST = 20  # different points


def two_nearest(points: Array) -> float:
    """The dimension in which points (n, C) spread around each other; repeated points count once.

    With r1 and r2 the distances to the two nearest, r2 / r1 has the distribution function F(m) = 1 - m^-d wherever the density
    hardly changes within r2, so -log(1 - F) over log m is a line through 0 with slope d. The largest tenth of the ratios is
    left out. Noise counts as dimensions of its own once it is as large as the distance to the nearest neighbour; for d beyond
    about 10 the estimate is too small, the more so the fewer the points.
    Source: Facco et al. 2017, "Estimating the intrinsic dimension of datasets by a minimal neighborhood information".
    Raises DataError: fewer than 20 different points, or points on a grid.
    """
    points = np.unique(points, axis=0)
    if len(points) < FEWEST:
        raise DataError(f"the intrinsic dimension needs at least {FEWEST} different rows; got {len(points)}.")
    near = NearestNeighbors(n_neighbors=2).fit(points).kneighbors()[0]  # without an argument, no row is its own neighbour
    near = near[near[:, 0] > 0]  # distances of brute force may round to 0
    ratio = np.sort(np.log(near[:, 1] / near[:, 0]))
    share = np.arange(1, len(ratio) + 1) / len(ratio)
    kept = slice(0, int(len(ratio) * (1 - DROPPED)))
    steps, heights = ratio[kept], -np.log1p(-share[kept])
    slope = float(steps @ heights) / float(steps @ steps) if steps.any() else np.inf
    if not np.isfinite(slope):
        raise DataError("every row's two nearest neighbours are equally far, as on a grid: no dimension follows from that.")
    return slope
