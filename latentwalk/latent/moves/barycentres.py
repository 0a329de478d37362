"""Several points of a latent space in one: barycentres, and the product of posteriors.

Each takes codes z (k, D) and shares w (k,), 0 or more with sum 1, and gives one code (D,), float64.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.errors import ConfigError, unknown
from latentwalk.latent.moves.paths import PARALLEL

__all__ = ["BlendName", "barycentre", "mean", "product", "shares", "spherical_mean"]

BlendName = Literal["mean", "spherical", "product"]
Codes = NDArray[np.floating[Any]]
ROUNDS = 100  # of the search for a mean on the sphere; three or four are usual


def shares(count: int, weights: ArrayLike | None = None) -> NDArray[np.float64]:
    """Weights divided by their sum: (count,), equal where none are given.

    Raises ConfigError: no points, not one for each, a negative one, NaN or infinity, or all zero.
    """
    if count == 0:
        raise ConfigError("a blend needs at least one point, got none.")
    if weights is None:
        return np.full(count, 1 / count)
    try:
        given = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"expected {count} weights, all numbers; got {weights!r:.60}.") from None
    if given.shape != (count,):
        raise ConfigError(f"expected {count} weights, one for each point; got shape {given.shape}.")
    if not (np.isfinite(given).all() and given.min() >= 0 and given.max() > 0):
        raise ConfigError(f"weights must be 0 or more, and not all 0; they are divided by their sum. Got {given.tolist()}.")
    given = given / given.max()  # first, so that the sum of huge weights is no infinity
    return given / given.sum()


def barycentre(name: str) -> Callable[[Codes, NDArray[np.float64]], NDArray[np.float64]]:
    """The barycentre called `name`: "mean" or "spherical". Raises ConfigError."""
    if not isinstance(name, str) or name not in _BARYCENTRES:
        raise unknown("blend", name, get_args(BlendName))
    return _BARYCENTRES[name]


def mean(z: Codes, w: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weighted mean of codes."""
    return w @ z.astype(np.float64)


def spherical_mean(z: Codes, w: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Fréchet mean of the codes' directions, as long as their lengths are in the mean.

    It minimises the weighted sum of squared angles; of two codes it is the point on the great circle between them. Where codes
    lie in no common half of the sphere there may be several such points, and the one nearest to the mean is found. Opposite
    codes, and a code at the origin, have no direction between them: there it is the plain mean.
    Source: Karcher 1977; Buss & Fillmore 2001, "Spherical averages", algorithm A1.
    """
    z = z[w > 0].astype(np.float64)
    w = w[w > 0]
    lengths = np.linalg.norm(z, axis=1)
    if lengths.min() == 0:
        return mean(z, w)
    u = z / lengths[:, None]
    centre = w @ u
    if np.linalg.norm(centre) < PARALLEL:
        return mean(z, w)
    centre /= np.linalg.norm(centre)
    for _ in range(ROUNDS):
        step = w @ _towards(centre, u)
        size = np.linalg.norm(step)
        if size < 1e-14:
            break
        centre = np.cos(size) * centre + np.sin(size) * step / size
        centre /= np.linalg.norm(centre)
    return (w @ lengths) * centre


def product(
    means: Sequence[Codes], scales: Sequence[Codes], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean and the deviation (D,) of the Gaussian proportional to the product of N(means, scales²)^weights, (k, D) each.

    Precisions add up: two equal posteriors with weights of 1 give half their variance. Scaling the weights leaves the mean.
    Source: Hinton 2002, "Training products of experts", section 1; Wu & Goodman 2018, "Multimodal generative models", 2.2.
    """
    precisions = weights[:, None] / np.square(np.asarray(scales, np.float64))
    total = precisions.sum(axis=0)
    return (precisions * np.asarray(means, np.float64)).sum(axis=0) / total, total**-0.5


def _towards(centre: NDArray[np.float64], u: NDArray[np.float64]) -> NDArray[np.float64]:
    """The steps (k, D) along the sphere that lead from `centre` (D,) to directions u (k, D), as long as the angles."""
    cosine = u @ centre
    away = u - cosine[:, None] * centre
    sine = np.linalg.norm(away, axis=1)
    angle = np.arctan2(sine, cosine)
    return away * np.where(sine > 0, angle / np.where(sine > 0, sine, 1.0), 1.0)[:, None]


_BARYCENTRES: dict[str, Callable[[Codes, NDArray[np.float64]], NDArray[np.float64]]] = {
    "mean": mean,
    "spherical": spherical_mean,
}
