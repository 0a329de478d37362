"""Maps of a latent space, as Matplotlib draws them: codes and holes.

Each function draws on the Axes it is given, or on those of a new figure, and gives them back. pyplot is not used, so no window
opens, and a notebook shows nothing twice: `ax.figure` is the picture.
"""

import io
from dataclasses import dataclass
from typing import Self

import numpy as np
from matplotlib import color_sequences
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.drawing.tiles import MARK
from latentwalk.errors import DataError
from latentwalk.latent.codes import check_codes
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.holes import Holes
from latentwalk.latent.maps.plane import Plane

__all__ = ["Chart", "draw_space", "space_png"]

HOLE = (MARK[0] / 255, MARK[1] / 255, MARK[2] / 255)
DOTS = 4_000  # codes that are drawn
CAST = 8_000  # codes whose shadows say where holes are, at most
CELLS = 120  # of the map of holes, along each side
NAMES = 20  # classes that are told apart
OUTLINE = [withStroke(linewidth=3, foreground="white")]


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """A space's plane and the holes on it; None where there are too few codes to find any.

    On a shadow (D > 2) a hole is where no shadows lie: all of the space above it is empty; elsewhere there may be holes too.
    """

    plane: Plane
    holes: Holes | None

    @classmethod
    def of(cls, space: Encoded, seed: int = 0) -> Self:
        """The chart of a space. Raises DataError for fewer than 2 codes, or any that is no number."""
        check_codes(space.codes, 2, "a map needs at least {} codes")
        plane = Plane.of(space)
        try:
            if not plane.shadow:
                return cls(plane, space.kept(Holes))
            codes = space.draw_codes(np.random.default_rng(seed))
            return cls(plane, Holes.fit(plane(np.random.default_rng(seed).permutation(codes)[:CAST]), seed))
        except DataError:
            return cls(plane, None)

    def depth(self, across: Array, down: Array) -> NDArray[np.float64] | None:
        """Nats below a hole's edge at these places of the plane: (rows, columns), the lowest row first."""
        return None if self.holes is None else self.holes.depth(self._places(across, down))

    def share(self, across: Array, down: Array) -> NDArray[np.float64]:
        """The share of encoded data, or of its shadows, that lies where it is denser: (rows, columns), the lowest row first.

        Raises DataError where holes are not known.
        """
        if self.holes is None:
            raise DataError("there are too few codes to say where they lie densely. Encode more data.")
        return self.holes.share(self._places(across, down))

    def _places(self, across: Array, down: Array) -> Array:
        if self.plane.shadow:
            return np.stack(np.meshgrid(across, down), axis=-1)
        return self.plane.points(across, down)[::-1]


def draw_space(space: Encoded, ax: Axes | None = None, reach: Array | None = None) -> Axes:
    """Codes, coloured by class, and holes, shaded; for D > 2, the shadow on the codes' first two principal axes.

    reach: points of the plane (m, 2) that have to be in sight.
    """
    ax, chart = _figure().subplots() if ax is None else ax, space.kept(Chart)
    low, high = chart.plane.centre - chart.plane.half, chart.plane.centre + chart.plane.half
    if reach is not None:
        margin = 0.04 * chart.plane.half
        low, high = np.minimum(low, reach.min(axis=0) - margin), np.maximum(high, reach.max(axis=0) + margin)
    across, down = np.linspace(low, high, CELLS).T
    _shade(ax, across, down, chart.depth(across, down))
    _dots(ax, space, chart.plane)
    names = ("principal axis 1", "principal axis 2") if chart.plane.shadow else ("z1", "z2" if space.dim > 1 else "")
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal", xlabel=names[0], ylabel=names[1])
    return ax


def space_png(space: Encoded, inches: float = 5, dpi: int = 72) -> bytes:
    """The map of a space as a PNG."""
    figure, file = _figure(inches), io.BytesIO()
    draw_space(space, figure.subplots())
    figure.savefig(file, format="png", dpi=dpi)
    return file.getvalue()


# ---------------------------------------------------------------------- inside


def _figure(inches: float = 5) -> Figure:
    return Figure(figsize=(inches, inches), layout="constrained")


def _shade(ax: Axes, across: Array, down: Array, depth: Array | None) -> None:
    """Shade holes, and draw their edges; nothing where they are not known."""
    if depth is None or depth.max() <= 0:
        return
    ax.contourf(across, down, depth, [0, depth.max() + 1], colors=[HOLE], alpha=0.13, zorder=0)
    if depth.min() < 0:
        ax.contour(across, down, depth, [0], colors=[HOLE], linewidths=0.8, alpha=0.6, zorder=1)


def _dots(ax: Axes, space: Encoded, plane: Plane) -> None:
    """Some of the codes as dots, coloured by class where there are few enough, each class named at its median."""
    rows = np.random.default_rng(0).permutation(len(space))[:DOTS]
    across, down = plane(space.codes[rows]).T
    size = float(np.clip(6000 / len(rows), 3, 16))
    found, which = np.unique(space.labels[rows], return_inverse=True) if space.labels is not None else (rows[:0], rows)
    if not 0 < len(found) <= NAMES:
        ax.scatter(across, down, s=size, c="#7a8699", alpha=0.55, linewidths=0, zorder=2)
        return
    colours = color_sequences["tab10" if len(found) <= 10 else "tab20"]
    ax.scatter(across, down, s=size, c=[colours[i] for i in which], alpha=0.55, linewidths=0, zorder=2)
    for at, label in enumerate(found):
        name = space.classes[label] if space.classes else str(label)
        middle = float(np.median(across[which == at])), float(np.median(down[which == at]))
        ax.annotate(name, middle, ha="center", va="center", weight="bold", color=colours[at], path_effects=OUTLINE, zorder=3)
