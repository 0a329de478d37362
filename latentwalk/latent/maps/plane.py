"""A latent space on paper: two axes through it.

With D = 2 the plane is the space itself. With more it is spanned by the codes' first two principal axes, and everything on
it is a shadow: points that look close may lie far apart in the directions that cannot be drawn.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from latentwalk.arrays import Array
from latentwalk.errors import ConfigError
from latentwalk.latent.encoded import Encoded, Point

__all__ = ["Plane"]

TAILS = np.array([1 / 256, 1 / 2, 255 / 256])  # shares of the prior's mass, exact in binary
WIDTH = 2 * float(ndtri(TAILS[2]))  # between the outer ones, for N(0, 1)
FLAT = 1e-6  # the sine of an angle below which three points lie on a line


@dataclass(frozen=True, slots=True)
class Plane:
    """Two orthonormal axes (2, D) through an origin (D,), and the square of them that is drawn.

    centre: (2,) and half: the middle and half the side of the square. shadow: whether directions are lost (D > 2).
    """

    origin: Array
    axes: Array
    centre: Array
    half: float
    shadow: bool

    @classmethod
    def of(cls, space: Encoded) -> "Plane":
        """The plane of a space: its own two axes, or the codes' first two principal ones, and nearly all codes in sight."""
        codes = space.codes.astype(np.float64)
        if space.dim <= 2:
            origin, axes = np.zeros(space.dim), np.eye(2, space.dim)
        else:
            origin = codes.mean(axis=0)
            axes = np.linalg.eigh(np.cov(codes, rowvar=False))[1][:, ::-1].T[:2]
            axes = axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])[:, None]  # no sign left to rounding
        return cls(origin, axes, *_square((codes - origin) @ axes.T, *_prior(space, origin, axes)), space.dim > 2)

    @classmethod
    def liveliest(cls, space: Encoded) -> "Plane":
        """The plane through the codes' mean along which the output changes most, a step being one deviation of the codes.

        Axes by the variance of codes tell little where all vary alike, as those of a VAE do. D = 2 has one plane.
        """
        if space.dim <= 2:
            return cls.of(space)
        codes = space.codes.astype(np.float64)
        origin, steps = codes.mean(axis=0), np.diag(codes.std(axis=0))
        change = space.outputs(origin + steps) - space.outputs(origin - steps).astype(np.float64)  # (D, F)
        strength, ways = np.linalg.eigh(change @ change.T)
        if not strength[-1] > 0:
            return cls.of(space)
        axes = np.linalg.qr(steps @ ways[:, :-3:-1])[0].T  # of both, in the codes' own units
        axes = axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])[:, None]
        return cls(origin, axes, *_square((codes - origin) @ axes.T, *_prior(space, origin, axes)), True)

    @classmethod
    def along(cls, space: Encoded, across: int, down: int) -> "Plane":
        """The plane of two latent dimensions, the others at the codes' mean. Raises ConfigError for ones that are not there."""
        for axis in (across, down):
            if not (isinstance(axis, (int, np.integer)) and 0 <= axis < space.dim):
                raise ConfigError(f"axis {axis!r} is not among the {space.dim} latent dimensions (0 to {space.dim - 1}).")
        if across == down:
            raise ConfigError(f"a plane needs two different axes, got {across} twice.")
        codes, axes = space.codes.astype(np.float64), np.eye(space.dim)[[across, down]]
        origin = codes.mean(axis=0) * (1 - axes.sum(axis=0))  # on the plane, places are the values of the two dimensions
        return cls(origin, axes, *_square((codes - origin) @ axes.T, *_prior(space, origin, axes)), space.dim > 2)

    @classmethod
    def through(cls, space: Encoded, a: Point, b: Point, c: Point) -> "Plane":
        """The plane through three points (rows, codes or examples), a to b across. All three, and a margin, are in sight.

        Raises ConfigError where two of them are equal or all lie on a line.
        """
        a, b, c = (np.asarray(space.code(point), dtype=np.float64) for point in (a, b, c))
        across, other = b - a, c - a
        down = other - (other @ across) / max(float(across @ across), 1e-300) * across
        if np.linalg.norm(down) <= FLAT * np.linalg.norm(other) or not (across.any() and other.any()):
            raise ConfigError(
                "the three points lie on a line, or two of them are equal: many planes go through them. Move one."
            )
        axes = np.stack([across / np.linalg.norm(across), down / np.linalg.norm(down)])
        flat = (np.stack([a, b, c]) - a) @ axes.T
        low, high = flat.min(axis=0), flat.max(axis=0)
        return cls(a, axes, (low + high) / 2, 0.8 * float((high - low).max()), space.dim > 2)

    def __call__(self, z: Array) -> Array:
        """Where codes (n, D) fall on the plane: (n, 2)."""
        flat: Array = (z - self.origin) @ self.axes.T
        return flat

    def points(self, across: Array, down: Array) -> Array:
        """The codes (rows, columns, D) at these places of the plane; the first row has the highest value of `down`."""
        a, b = np.meshgrid(across, down[::-1])
        codes: Array = self.origin + a[..., None] * self.axes[0] + b[..., None] * self.axes[1]
        return codes

    def covariance(self, scales: Array) -> Array:
        """The covariances (n, 2, 2) on the plane of Gaussians with deviations `scales` (n, D)."""
        found: Array = np.einsum("ad,nd,bd->nab", self.axes, np.square(scales, dtype=np.float64), self.axes)
        return found

    def seen(self, points: Array) -> Array:
        """Which of the points (n, 2) lie in the square: (n,)."""
        return np.asarray((np.abs(points - self.centre) <= self.half).all(axis=1))


# ---------------------------------------------------------------------- inside


def _square(flat: Array, middle: Array, spread: float) -> tuple[Array, float]:
    """The square around nearly all codes (n, 2), and a prior about `middle` (2,): its middle, half its side."""
    low, high = np.quantile(flat, [0.003, 0.997], axis=0)
    centre = (low + high) / 2
    prior = np.abs(middle - centre).max() + 2.6 * spread  # it belongs into the picture wherever the codes went
    return centre, max(float((high - low).max()) / 2, float(prior)) * 1.06


def _prior(space: Encoded, origin: Array, axes: Array) -> tuple[Array, float]:
    """Where the prior's median falls on the plane, (2,), and its spread in standard deviations, had it the shape of N(0, I)."""
    low, middle, high = space.prior_quantiles(TAILS)
    return (middle - origin) @ axes.T, float((high - low).max() / WIDTH)
