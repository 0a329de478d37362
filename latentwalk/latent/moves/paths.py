"""Ways from one point of a latent space to another that need to know nothing but the two ends.

A straight line between two draws of N(0, I) in many dimensions passes through the middle, where hardly any draw lies; the
great circle keeps their length (White 2016, "Sampling generative networks", section 3.1); the quantile path takes each
coordinate evenly through the prior's mass, by a formula for N(0, I), and by its quantiles for any other. A way that knows where
data lies is in `graph`.

Each is a function (a, b, t): ends a and b (D,), and times t (m,) in [0, 1]. It gives float64 (m, D); where t is 0 or 1, the
very end.
"""

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri_exp

from latentwalk.errors import unknown

__all__ = ["Course", "PathName", "along", "check_path", "great_circle", "path", "quantile", "straight", "through_quantiles"]

PathName = Literal["linear", "spherical", "quantile", "density"]
Codes = NDArray[np.floating[Any]]
Times = NDArray[np.floating[Any]]
Course = Callable[[Times], NDArray[np.float64]]  # times (m,) in [0, 1] → codes (m, D)
PARALLEL = 1e-6  # radians; below this the great circle is a straight line to rounding


def straight(a: Codes, b: Codes, t: Times) -> NDArray[np.float64]:
    """The straight line from `a` (D,) to `b` (D,)."""
    a, b, t = np.asarray(a, np.float64), np.asarray(b, np.float64), np.asarray(t)[:, None]
    return _with_exact_ends((1 - t) * a + t * b, a, b, t)


def great_circle(a: Codes, b: Codes, t: Times) -> NDArray[np.float64]:
    """The great circle from `a` (D,) to `b` (D,), its length going evenly from |a| to |b|.

    Parallel ends, opposite ends and an end at the origin have no single great circle: there it is the straight line.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)  # float32 knows an angle near 0 or pi to 3e-4 only
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    if min(lengths) == 0:
        return straight(a, b, t)
    u, v = a / lengths[0], b / lengths[1]
    angle = np.arccos(np.clip(u @ v, -1, 1))
    if angle < PARALLEL or angle > np.pi - PARALLEL:
        return straight(a, b, t)
    t = np.asarray(t)[:, None]
    direction = (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle)
    length = (1 - t) * lengths[0] + t * lengths[1]
    return _with_exact_ends(length * direction, a, b, t)


def quantile(a: Codes, b: Codes, t: Times) -> NDArray[np.float64]:
    """Each coordinate goes evenly through the mass of N(0, 1): Phi(z) = (1 - t) Phi(a) + t Phi(b).

    It goes fast where draws are rare and slowly where they are many. Computed with log Phi from whichever side has less
    mass, so that an end forty deviations out gives no infinity. For codes that do not fill N(0, I), those of a plain
    autoencoder say, most of the way is near the origin and the rest is two leaps.
    """
    a, b, t = np.asarray(a, np.float64), np.asarray(b, np.float64), np.asarray(t, np.float64)[:, None]
    with np.errstate(divide="ignore"):  # log 0, at the ends
        before, after = np.log1p(-t), np.log(t)
    below = np.logaddexp(before + log_ndtr(a), after + log_ndtr(b))  # log of the mass below z
    above = np.logaddexp(before + log_ndtr(-a), after + log_ndtr(-b))
    z = np.where(below < above, 1, -1) * ndtri_exp(np.minimum(below, above))
    z = z.clip(np.minimum(a, b), np.maximum(a, b))  # a logarithm near log 1/2 rounds to 1e-16, more than ends may be apart
    return _with_exact_ends(z, a, b, t)


def through_quantiles(a: Codes, b: Codes, t: Times, p: Times, values: Codes) -> NDArray[np.float64]:
    """`quantile` for another prior than N(0, I), by its quantiles: values (m, D) at shares p (m,), both increasing.

    Between them by straight lines; what lies beyond the outermost, where no mass is known, is gone to in one leap.
    """
    a, b, t = np.asarray(a, np.float64), np.asarray(b, np.float64), np.asarray(t, np.float64)
    z = np.empty((len(t), len(a)))
    for axis, places in enumerate(np.asarray(values, np.float64).T):
        before, after = np.interp([a[axis], b[axis]], places, p)
        z[:, axis] = np.interp((1 - t) * before + t * after, p, places)
    return _with_exact_ends(z.clip(np.minimum(a, b), np.maximum(a, b)), a, b, t[:, None])


def along(points: Codes, t: Times) -> NDArray[np.float64]:
    """The way through points (m, D) by straight lines, at an even pace: codes (len(t), D). Points may repeat."""
    points = np.asarray(points, np.float64)
    length = np.append(0.0, np.linalg.norm(np.diff(points, axis=0), axis=1).cumsum())
    if length[-1] == 0:
        return np.repeat(points[:1], len(t), axis=0)
    at = np.asarray(t, np.float64)
    z = np.stack([np.interp(at * length[-1], length, column) for column in points.T], axis=1)
    return _with_exact_ends(z, points[0], points[-1], at[:, None])


def path(name: str) -> Callable[[Codes, Codes, Times], NDArray[np.float64]]:
    """The path function called `name`. Raises ConfigError for a name it does not know."""
    check_path(name)
    return _PATHS[name]


def check_path(name: str) -> None:
    """Raise ConfigError where no path has this name."""
    if not isinstance(name, str) or name not in get_args(PathName):
        raise unknown("path", name, get_args(PathName))


def _with_exact_ends(z: NDArray[np.float64], a: Codes, b: Codes, t: Times) -> NDArray[np.float64]:
    return np.where(t == 0, a, np.where(t == 1, b, z))


_PATHS = {"linear": straight, "spherical": great_circle, "quantile": quantile}
