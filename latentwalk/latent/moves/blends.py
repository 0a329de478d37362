"""Blends in a space: points named in any way, put together (`barycentres`), and shown beside what they came from."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from latentwalk.arrays import Array
from latentwalk.checks import one_of
from latentwalk.drawing.film import image
from latentwalk.errors import ConfigError
from latentwalk.latent.encoded import Encoded, Point
from latentwalk.latent.moves.barycentres import BlendName, barycentre, product

__all__ = ["blended", "example", "mean_and_deviation", "triptych"]


def blended(space: Encoded, points: Sequence[Point], shares: NDArray[np.float64], how: BlendName) -> NDArray[np.float64]:
    """The code (D,) of points (k) put together by shares (k,). Raises ConfigError."""
    one_of("blend", how, get_args(BlendName))
    if how == "product":
        means, scales = zip(*(mean_and_deviation(space, point) for point in points), strict=True)
        return product(means, scales, shares)[0]
    return barycentre(how)(np.stack([space.code(point) for point in points]), shares)


def mean_and_deviation(space: Encoded, point: Point) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The mean and the deviation of q(z | x), (D,) each, of a row number or an example (*E).

    Raises ConfigError for a bare code, and where the deviation is zero: a plain autoencoder has no posterior.
    """
    x = example(space, point)
    if isinstance(point, (int, np.integer)):
        mean, scale = space.codes[point], space.scales[point]
    else:
        assert space.encode is not None  # or `example` would have refused
        mean, scale = (part[0] for part in space.encode(x[None]))
    if not (scale > 0).all():
        raise ConfigError("q(z | x) has no spread here: a plain autoencoder has codes, but no posteriors.")
    return mean, scale


def example(space: Encoded, point: Point) -> Array:
    """The example (*E) that a point is: that of a row number, or itself. Raises ConfigError for a bare code."""
    if isinstance(point, (int, np.integer)):
        space.code(point)  # raises where there is no such row
        return np.asarray(space.data[point])
    x, event = np.asarray(space.rows_of(point)), space.data.shape[1:]
    alike = event == (space.dim,) and not (space.serial and x.dtype.kind in "iu")  # a code, or an example?
    if space.encode is None or x.shape != event or alike:
        raise ConfigError(f"expected a row number or an example of shape {event}, no bare code; got shape {x.shape}.")
    return x


def triptych(space: Encoded, points: Sequence[Point], made: Array) -> Image:
    """One picture: the examples that points are, their reconstructions, and what was made of them (…, *E).

    Raises ConfigError.
    """
    if space.painter is None:
        raise ConfigError("this space does not know what an example is, so there is no picture of one.")
    originals = np.stack([example(space, point) for point in points])
    reconstructions = space.decode(np.stack([space.code(point) for point in points]))
    parts = [originals, reconstructions, made.reshape(-1, *originals.shape[1:])]
    return image(space.painter.side_by_side(parts))
