"""Ways from one point of a latent space to another.

A straight line between two draws of N(0, I) in many dimensions passes through the middle, where hardly any draw lies; the
great circle keeps their length (White 2016, "Sampling generative networks", section 3.1).
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latentwalk.errors import unknown

__all__ = ["PathName", "linear", "path", "spherical"]

PathName = Literal["linear", "spherical"]
Codes = NDArray[np.floating[Any]]
PARALLEL = 1e-6  # radians; below this the great circle is a straight line to rounding


def linear(a: Codes, b: Codes, steps: int) -> Codes:
    """The straight line from `a` (D,) to `b` (D,): (steps, D), both ends exact."""
    t = np.linspace(0, 1, steps)[:, None]
    return _with_exact_ends((1 - t) * a + t * b, a, b)


def spherical(a: Codes, b: Codes, steps: int) -> Codes:
    """The great circle from `a` (D,) to `b` (D,), its length going evenly from |a| to |b|: (steps, D), both ends exact.

    Parallel ends, opposite ends and an end at the origin have no single great circle: there it is the straight line.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)  # float32 knows an angle near 0 or pi to 3e-4 only
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    if min(lengths) == 0:
        return linear(a, b, steps)
    u, v = a / lengths[0], b / lengths[1]
    angle = np.arccos(np.clip(u @ v, -1, 1))
    if angle < PARALLEL or angle > np.pi - PARALLEL:
        return linear(a, b, steps)
    t = np.linspace(0, 1, steps)[:, None]
    direction = (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle)
    length = (1 - t) * lengths[0] + t * lengths[1]
    return _with_exact_ends(length * direction, a, b)


def path(name: str) -> Callable[[Codes, Codes, int], Codes]:
    """The path function called `name`. Raises ConfigError for a name it does not know."""
    if name not in _PATHS:
        raise unknown("path", name, _PATHS)
    return _PATHS[name]


def _with_exact_ends(points: Codes, a: Codes, b: Codes) -> Codes:
    points[0], points[-1] = a, b
    return points


_PATHS: dict[str, Callable[[Codes, Codes, int], Codes]] = {"linear": linear, "spherical": spherical}
