"""Maps of a latent space, as Matplotlib draws them: codes, holes, and ways through both.

Each function draws on the Axes it is given, or on those of a new figure, and gives them back. pyplot is not used, so no window
opens, and a notebook shows nothing twice: `ax.figure` is the picture.
"""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from matplotlib import color_sequences
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from latentwalk.data.pictures import MARK
from latentwalk.errors import DataError
from latentwalk.latent.holes import Holes
from latentwalk.latent.plane import Plane

if TYPE_CHECKING:
    from latentwalk.latent.space import LatentSpace
    from latentwalk.latent.walks import Walk

__all__ = ["Chart", "draw_space", "draw_walk", "space_png"]

HOLE = tuple(part / 255 for part in MARK)
WAY = "#1d1d1f"
DOTS = 4_000  # codes that are drawn
CAST = 8_000  # codes whose shadows say where holes are, at most
CELLS = 120  # of the map of holes, along each side
NAMES = 20  # classes that are told apart
OUTLINE = [withStroke(linewidth=3, foreground="white")]


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """Where holes are on a space's plane. across, down: (CELLS,) places; depth: (CELLS, CELLS) nats, lowest row first.

    depth is None where there are too few codes to find holes. On a shadow a hole is where no shadows lie: all of the space
    above it is empty; elsewhere there may be holes too.
    """

    plane: Plane
    across: NDArray[np.float64]
    down: NDArray[np.float64]
    depth: NDArray[np.float64] | None

    @classmethod
    def of(cls, space: "LatentSpace", seed: int = 0) -> Self:
        plane = Plane.of(space)
        across, down = (np.linspace(c - plane.half, c + plane.half, CELLS) for c in plane.centre)
        try:
            if plane.shadow:
                codes = np.random.default_rng(seed).permutation(space.draw_codes(np.random.default_rng(seed)))[:CAST]
                depth = Holes.fit(plane(codes), seed).depth(np.stack(np.meshgrid(across, down), axis=-1))
            else:
                depth = space.holes.depth(plane.points(across, down)[::-1])
        except DataError:
            depth = None
        return cls(plane, across, down, depth)


def draw_space(space: "LatentSpace", ax: Axes | None = None) -> Axes:
    """Codes, coloured by class, and holes, shaded; for D > 2, the shadow on the codes' first two principal axes."""
    ax, plane = _figure().subplots() if ax is None else ax, space.chart.plane
    _shade(ax, space.chart)
    _dots(ax, space, plane)
    for side, middle in ((ax.set_xlim, plane.centre[0]), (ax.set_ylim, plane.centre[1])):
        side(middle - plane.half, middle + plane.half)
    ax.set_aspect("equal")
    names = ("principal axis 1", "principal axis 2") if plane.shadow else ("z1", "z2")
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1] if space.dim > 1 else "")
    return ax


def draw_walk(walk: "Walk", ax: Axes | None = None) -> Axes:
    """A walk over the codes of its space: dots are its steps, and where it is in a hole it is red."""
    ax = draw_space(walk.space, ax)
    plane = walk.space.chart.plane
    line, (across, down) = plane(walk.line), plane(walk.z).T
    red = _in_holes(walk, np.linspace(0, 1, len(line) - 1))
    pieces = list(np.stack([line[:-1], line[1:]], axis=1))
    ax.add_collection(LineCollection(pieces, colors=_inks(red), linewidths=2, zorder=4), autolim=False)
    ax.scatter(across, down, s=16, c=_inks(walk.marked), edgecolors="white", linewidths=0.6, zorder=5)
    _reach(ax, line)
    return ax


def space_png(space: "LatentSpace", inches: float = 5, dpi: int = 72) -> bytes:
    """The map of a space as a PNG."""
    figure, file = _figure(inches), io.BytesIO()
    draw_space(space, figure.subplots())
    figure.savefig(file, format="png", dpi=dpi)
    return file.getvalue()


# ---------------------------------------------------------------------- inside


def _figure(inches: float = 5) -> Figure:
    return Figure(figsize=(inches, inches), layout="constrained")


def _shade(ax: Axes, chart: Chart) -> None:
    """Shade holes, and draw their edges; nothing where they are not known."""
    if chart.depth is None or chart.depth.max() <= 0:
        return
    ax.contourf(chart.across, chart.down, chart.depth, [0, chart.depth.max() + 1], colors=[HOLE], alpha=0.13, zorder=0)
    if chart.depth.min() < 0:
        ax.contour(chart.across, chart.down, chart.depth, [0], colors=[HOLE], linewidths=0.8, alpha=0.6, zorder=1)


def _dots(ax: Axes, space: "LatentSpace", plane: Plane) -> None:
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


def _in_holes(walk: "Walk", t: NDArray[Any]) -> NDArray[np.bool_]:
    """Which shares t (m,) of the way are in holes: (m,); none where that is not known."""
    try:
        return np.any([(t >= one.start) & (t <= one.end) for one in walk.crossings] or [t < 0], axis=0)
    except DataError:
        return t < 0


def _inks(red: NDArray[np.bool_]) -> list[Any]:
    return [HOLE if hole else WAY for hole in red]


def _reach(ax: Axes, line: NDArray[Any]) -> None:
    """Widen the Axes until the way is in sight."""
    for low_high, change, values in ((ax.get_xlim(), ax.set_xlim, line[:, 0]), (ax.get_ylim(), ax.set_ylim, line[:, 1])):
        margin = 0.03 * (low_high[1] - low_high[0])
        change(min(low_high[0], values.min() - margin), max(low_high[1], values.max() + margin))
