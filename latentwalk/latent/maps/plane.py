"""A latent space on paper: two axes through it, and what lies where.

With D = 2 the plane is the space itself. With more it is spanned by the codes' first two principal axes, and everything on
it is a shadow: points that look close may lie far apart in the directions that cannot be drawn.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from sklearn.ensemble import HistGradientBoostingClassifier

from latentwalk.errors import ConfigError
from latentwalk.latent.samplers import Sampler
from latentwalk.latent.space import LatentSpace, Point
from latentwalk.training.runtime import one_thread

__all__ = ["CELLS", "Plane", "held_rows", "region"]

Array = NDArray[Any]
CELLS = 72  # of the map of where codes lie, along each side
FLAT = 1e-6  # the sine of an angle below which three points lie on a line
TRAINED = 6_000  # codes that teach and check what tells draws from data on a shadow


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
    def of(cls, space: LatentSpace) -> "Plane":
        """The plane of a space: its own two axes, or the codes' first two principal ones, and nearly all codes in sight."""
        codes = space.codes.astype(np.float64)
        if space.dim <= 2:
            origin, axes = np.zeros(space.dim), np.eye(2, space.dim)
        else:
            origin = codes.mean(axis=0)
            axes = np.linalg.eigh(np.cov(codes, rowvar=False))[1][:, ::-1].T[:2]
            axes = axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])[:, None]  # no sign left to rounding
        return cls(origin, axes, *_square((codes - origin) @ axes.T, -origin @ axes.T), space.dim > 2)

    @classmethod
    def along(cls, space: LatentSpace, across: int, down: int) -> "Plane":
        """The plane of two latent dimensions, the others at the codes' mean. Raises ConfigError for ones that are not there."""
        for axis in (across, down):
            if not (isinstance(axis, (int, np.integer)) and 0 <= axis < space.dim):
                raise ConfigError(f"axis {axis!r} is not among the {space.dim} latent dimensions (0 to {space.dim - 1}).")
        if across == down:
            raise ConfigError(f"a plane needs two different axes, got {across} twice.")
        codes, axes = space.codes.astype(np.float64), np.eye(space.dim)[[across, down]]
        origin = codes.mean(axis=0) * (1 - axes.sum(axis=0))  # on the plane, places are the values of the two dimensions
        return cls(origin, axes, *_square((codes - origin) @ axes.T, np.zeros(2)), space.dim > 2)

    @classmethod
    def through(cls, space: LatentSpace, a: Point, b: Point, c: Point) -> "Plane":
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


def region(plane: Plane, space: LatentSpace, sampler: Sampler, draws: int = 400, seed: int = 0) -> dict[str, Any]:
    """Where encoded data lies on the plane, and where draws from N(0, I) and from the matched Gaussian fall.

    levels: CELLS x CELLS percentages, top row first; a cell with 40 belongs to the smallest region that holds 40 % of the
    encoded data. prior, gaussian: the draws, each with 1 where it falls outside: on a true plane outside the region that
    holds 95 %; on a shadow, where a classifier that sees all dimensions tells it from encoded data.
    Encoded data is a draw of q(z | x) per example. The density is a histogram, smoothed with Scott's bandwidth, halved:
    the usual rule is for one Gaussian, and would close the very gaps that are looked for.
    """
    rng = np.random.default_rng(seed)
    codes = space.draw_codes(rng)
    levels = _levels(plane, plane(codes))

    def marked(draw: Sampler) -> list[list[float]]:
        z = draw(draws, rng)
        points = plane(z)
        outside = _told_apart(codes, draw, z, rng) if plane.shadow else _off(plane, levels, points)
        return [[*_short(point), int(out)] for point, out in zip(points, outside, strict=True)]

    return {
        "levels": [[round(float(level)) for level in row] for row in levels[::-1]],
        "prior": marked(sampler),
        "gaussian": marked(space.gaussian()),
    }


def held_rows(space: LatentSpace, most: int, seed: int = 0) -> Array:
    """At most `most` rows the model was not trained on (any rows where that is not known), in order."""
    rows = np.arange(len(space)) if space.held_out is None else np.flatnonzero(space.held_out)
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])


# ---------------------------------------------------------------------- inside


def _square(flat: Array, origin: Array) -> tuple[Array, float]:
    """The square around nearly all codes (n, 2), and N(0, I) with its middle at `origin` (2,): its middle, half its side."""
    low, high = np.quantile(flat, [0.003, 0.997], axis=0)
    centre = (low + high) / 2
    prior = np.abs(origin - centre).max() + 2.6  # it belongs into the picture wherever the codes went
    return centre, max(float((high - low).max()) / 2, float(prior)) * 1.06


def _levels(plane: Plane, encoded: Array) -> Array:
    """For each cell (CELLS, CELLS), lowest row first, how many percent of `encoded` (n, 2) lie where it is denser."""
    edges = [np.linspace(c - plane.half, c + plane.half, CELLS + 1) for c in plane.centre]
    counts = np.histogram2d(encoded[:, 0], encoded[:, 1], bins=edges)[0].T  # rows: the second axis, upwards
    cell = 2 * plane.half / CELLS
    spread = np.minimum(encoded.std(axis=0), np.ptp(np.quantile(encoded, [0.16, 0.84], axis=0), axis=0) / 2)
    width = 0.5 * spread[::-1] * len(encoded) ** (-1 / 6) / cell
    density = gaussian_filter(counts, width.clip(0.7, CELLS / 8))
    order = np.argsort(density, axis=None)[::-1]
    total = max(float(density.sum()), 1e-300)
    levels = np.empty(density.size)
    levels[order] = 100 * np.cumsum(density.ravel()[order]) / total
    levels = levels.reshape(density.shape)
    levels[density <= 0] = 100
    return levels


def _off(plane: Plane, levels: Array, points: Array) -> Array:
    """Which of the points (m, 2) lie outside the region of 95 %, or outside the square: (m,)."""
    at = np.floor((points - plane.centre + plane.half) * CELLS / (2 * plane.half)).astype(int)
    inside = ((at >= 0) & (at < CELLS)).all(axis=1)
    at = at.clip(0, CELLS - 1)
    return np.asarray(~inside | (levels[at[:, 1], at[:, 0]] > 95))


def _told_apart(encoded: Array, draw: Sampler, z: Array, rng: np.random.Generator) -> Array:
    """Which codes z (m, D) boosted trees tell from encoded data (n, D): a score that 95 % of encoded data surpass. (m,)

    A quick relative of `criteria.acceptance`, for pictures: one classifier instead of two, and no interval.
    """
    encoded = rng.permutation(encoded)[:TRAINED]
    learn = 2 * len(encoded) // 3
    x = np.concatenate([encoded[:learn], draw(learn, rng)])
    with one_thread():
        trees = HistGradientBoostingClassifier(learning_rate=0.2, max_iter=60, random_state=0)
        score = trees.fit(x, np.repeat([1, 0], learn)).decision_function
        return np.asarray(score(z) < np.quantile(score(encoded[learn:]), 0.05))


def _short(point: Array) -> list[float]:
    """Coordinates with four digits: a picture needs no more, and the file is half as long."""
    return [float(f"{value:.4g}") for value in point]
