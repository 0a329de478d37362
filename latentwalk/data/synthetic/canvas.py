"""Anti-aliased shapes, drawn on many pictures at once.

A shape is a table of one axis. `rows` knows, for each row, a centre and the square of a half-width, so that the pixel x
is inside where square - (x - centre)² > 0; `columns` is the same, turned by 90°. Dividing by the length of the gradient
at the edge, sqrt(square'² + 4 square), makes that a distance to the outline, right to first order, and the divisor too
depends on the row alone. What is left for every pixel is four additions and multiplications. The batch is the last
axis: all inner loops are long, however small the window.

A field is a distance in pixels plus 1/2, so clipping it to [0, 1] is the share of the pixel that the shape covers.
Source for the distance: Taubin 1994, Distance approximations for rasterizing implicit curves.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Canvas", "Spot"]

Array: TypeAlias = NDArray[np.floating[Any]]
Profile: TypeAlias = Callable[[Array], Array]

UNITS = 58.0  # a picture is so many units wide and high, whatever its size in pixels
TOP = 4.0  # y at its upper edge; x is 0 in the middle


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a shape sits: x, y in units, each (B,), and its tilt, a slope (B,)."""

    x: Array
    y: Array
    tilt: Array

    def moved(self, x: Array | float = 0.0, y: Array | float = 0.0) -> "Spot":
        """The spot that is x to the right and y below in its own tilted frame."""
        return replace(self, x=self.x + x - self.tilt * y, y=self.y + y + self.tilt * x)


@dataclass(frozen=True, slots=True)
class Canvas:
    """Pictures being drawn, or a window onto them. Every method takes units and answers in pixels.

    pixels: (3, H, W, B), values 0 to 255. x: (W, 1) and y: (H, 1, 1), the centres of the pixels.
    scale: pixels per unit.
    scratch: room for one plane; asking the system for memory at every stroke would cost as much as the stroke.
    """

    pixels: Array
    x: Array
    y: Array
    scale: np.floating[Any]
    scratch: Array

    @classmethod
    def blank(cls, size: int, batch: int) -> "Canvas":
        """`batch` pictures of `size` x `size` pixels, nothing drawn yet."""
        centres = ((np.arange(size) + 0.5) * (UNITS / size)).astype(np.float32)
        pixels = np.empty((3, size, size, batch), np.float32)
        x, y = (centres - UNITS / 2)[:, None], (centres + TOP)[:, None, None]
        return cls(pixels, x, y, np.float32(size / UNITS), np.empty(size * size * batch, np.float32))

    def first(self, batch: int) -> "Canvas":
        """The first `batch` pictures of it."""
        return replace(self, pixels=self.pixels[..., :batch])

    def window(self, left: float, top: float, right: float, bottom: float) -> "Canvas":
        """The part between these coordinates, and a pixel more on each side; painting on it paints on the whole."""

        def cut(low: float, high: float) -> slice:
            size = self.pixels.shape[1]
            return slice(max(int(low * self.scale) - 1, 0), min(int(high * self.scale) + 2, size))

        across, down = cut(left + UNITS / 2, right + UNITS / 2), cut(top - TOP, bottom - TOP)
        return replace(self, pixels=self.pixels[:, down, across], x=self.x[across], y=self.y[down])

    def beside(self, side: int, inner: float, top: float, outer: float, bottom: float) -> "Canvas":
        """The window between these distances from the middle, on the left (side -1) or the right (1)."""
        left, right = sorted((side * inner, side * outer))
        return self.window(left, top, right, bottom)

    def rows(self, spot: Spot, square: Profile, soft: float = 1.0) -> Array:
        """The field (H, W, B) of a shape whose squared half-width is `square`(distance below the spot)."""
        v = self.y - spot.y
        s, k = self._normal(v, square, soft)
        d = self.x - (spot.x - spot.tilt * v)  # (H, W, B)
        return _inside(d, s, k)

    def columns(self, spot: Spot, square: Profile, bend: Profile | None = None, soft: float = 1.0) -> Array:
        """The field (H, W, B) of a stroke: half its height squared is `square`(distance right of the spot).

        bend: how far the middle of the stroke lies below the spot, as a function of the same distance.
        """
        u = self.x - spot.x
        s, k = self._normal(u, square, soft)
        middle = spot.y + spot.tilt * u
        d = self.y - (middle if bend is None else middle + bend(u))  # (H, W, B)
        return _inside(d, s, k)

    def ellipse(self, spot: Spot, across: Array | float, down: Array | float, soft: float = 1.0) -> Array:
        """The field (H, W, B) of an ellipse with these half-axes."""
        square, ratio = np.square(across), np.square(across / down)
        return self.rows(spot, lambda v: square - ratio * v * v, soft)

    def below(self, spot: Spot, edge: Profile) -> Array:
        """The field (H, W, B) of all that lies below the curve `edge`(distance right of the spot)."""
        u = self.x - spot.x
        slope = edge(u + np.float32(0.5)) - edge(u - np.float32(0.5)) + spot.tilt
        k = self.scale / np.sqrt(1 + slope * slope)
        field: Array = self.y - (spot.y + spot.tilt * u + edge(u) - 0.5 / k)  # (H, W, B)
        field *= k
        return field

    def paint(self, field: Array, colour: Array, opacity: Array | float = 1.0) -> None:
        """Lay `colour` over what the field covers. `field` is used up: it becomes the coverage.

        colour: (3, B), or (3, 1, W, B) to shade it across. opacity: 0 to 1, (B,) or one for all.
        """
        cover = np.clip(field, 0, 1, out=field)
        if not (isinstance(opacity, float) and opacity == 1.0):
            cover *= opacity
        change = self.scratch[: cover.size].reshape(cover.shape)
        for plane, tone in zip(self.pixels, colour, strict=True):
            np.subtract(tone, plane, out=change)
            change *= cover
            plane += change

    def _normal(self, t: Array, square: Profile, soft: float) -> tuple[Array, Array]:
        """The square at `t`, raised by what 1/2 pixel is worth, and one over the length of the gradient."""
        s, half = square(t), np.float32(0.5)
        slope = square(t + half) - square(t - half)
        k = self.scale / soft / np.sqrt(slope * slope + 4 * np.maximum(s, 0) + np.float32(1e-3))
        return s + half / k, k


def _inside(d: Array, square: Array, k: Array) -> Array:
    """k (square - d²), in place of d."""
    d *= d
    np.subtract(square, d, out=d)
    d *= k
    return d
