"""Where the holes of a latent space lie, in any plane through it: a map that is a true cut, not a shadow.

On a plane through a space of more than two dimensions each place is one code, and whether that code lies in a hole is asked in
all dimensions (`holes.py`). So the map can be empty where the shadows of codes are dense: they lie above or below it.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.checks import several, whole
from latentwalk.errors import ConfigError
from latentwalk.latent.criteria.gap import log_prior
from latentwalk.latent.criteria.measure import percent
from latentwalk.latent.encoded import Encoded, Point
from latentwalk.latent.holes import Holes
from latentwalk.latent.maps.plane import Plane

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["HoleMap", "hole_map"]

SIDE = 2_000  # places along a side, at most
NEAR = 500  # codes drawn: those nearest to the plane
LEVELS = (0.0, 5.0, 20.0, 80.0)  # nats below the edge at which the shade changes; above it, two steps of a round number
STEPS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
# data in blue, holes in red, as it gets deep
SHADES = ("#3c6ca3", "#7ea6cf", "#c3d8ea", "#fbf3ec", "#f7d9c6", "#eeb08f", "#dd7f58")
FALLS = (0.5, 2.0)  # nats by which a normal density falls within one deviation, and two
INK, PAPER, MUTED = "#1d1d1f", "#fdfcfa", "#6a6a70"


@dataclass(frozen=True, slots=True, eq=False)
class HoleMap:
    """Places on a plane, the first row the highest: z (S, S, D), and how deep in a hole each lies.

    depth: (S, S) nats below the edge of the smallest region that holds 95 % of encoded data; negative inside it.
    share: of the prior's mass on the plane, as far as it is drawn, in holes; None for a prior without a known density.
    prior: (S, S) nats that its density lies below the highest on the plane; None where the share is.
    codes: (m, 2) where the encoded examples nearest to the plane lie.
    marks: (k, 2) places named a, b, c, ….
    """

    plane: Plane
    z: NDArray[np.float32]
    depth: NDArray[np.float64]
    share: float | None
    prior: NDArray[np.float64] | None
    codes: Array
    marks: Array

    @property
    def reading(self) -> str:
        """What it says in plain words."""
        empty = percent(float((self.depth > 0).mean()))
        mass = "" if self.share is None else f", and {percent(self.share)} of the prior's mass there"
        cut = "this plane" if self.plane.shadow else "the space"
        return f"{empty} of {cut}{mass} lie where no encoded data does."

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The map, drawn on `ax` or on axes of a figure of its own; the axes. pyplot is not involved.

        Blue is where encoded data lies, red the holes, by depth; the line is the edge. Dots are codes (those nearest to the
        plane). Dashed: where the prior is e^-1/2 and e^-2 times as dense as where it is densest, for N(0, I) circles of one and
        two deviations.
        """
        from matplotlib.figure import Figure

        ax = Figure(figsize=(5.2, 4.6), layout="constrained").add_subplot() if ax is None else ax
        _draw(self, ax)
        return ax

    def _repr_html_(self) -> str:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        figure, file = self.plot().figure, io.BytesIO()
        FigureCanvasAgg(figure.get_figure(root=True)).print_png(file)
        picture = base64.b64encode(file.getvalue()).decode()
        caption = f'<p style="font:13px/1.45 system-ui,sans-serif">{self.reading}</p>'
        return f'<img alt="hole map" width="520" src="data:image/png;base64,{picture}">{caption}'


def hole_map(space: Encoded, plane: Plane | None = None, *, steps: int = 120, mark: Sequence[Point] = ()) -> HoleMap:
    """How deep in a hole each place of a plane lies, at steps x steps places.

    plane: `Plane.of` (the codes' two principal axes, the default), `Plane.along` (two dimensions), `Plane.through` (three
    points), or any other. mark: points to be marked on the map, where they lie or over the plane.
    Raises ConfigError for a space of one dimension, a plane through another space, or fewer than 2 steps; DataError where holes
    cannot be told (fewer than 40 codes).
    """
    if space.dim < 2:
        raise ConfigError("a space of one dimension has no plane. See space.holes(z) for where it is empty.")
    whole("steps", steps, "places along a side", least=2, most=SIDE)
    if not isinstance(plane, Plane | None):
        raise ConfigError(f"plane={plane!r:.200}: expected a Plane: Plane.of(space), Plane.along(…), Plane.through(…).")
    mark = several("mark", mark, "points")
    plane = Plane.of(space) if plane is None else plane
    if plane.axes.shape != (2, space.dim):
        raise ConfigError(
            f"the plane has {plane.axes.shape[1]} dimensions, the space {space.dim}: it is not a plane through it."
        )
    across, down = (np.linspace(middle - plane.half, middle + plane.half, steps) for middle in plane.centre)
    z = plane.points(across, down)
    depth = space.kept(Holes).depth(z)
    density = log_prior(space.prior, z.reshape(-1, space.dim))
    share = None if density is None else _share(depth.ravel() > 0, density)
    prior = None if density is None else _below_highest(space, plane, density).reshape(depth.shape)
    marks = np.array([plane(np.asarray(space.code(point), np.float64)) for point in mark]).reshape(-1, 2)
    return HoleMap(plane, z.astype(np.float32), depth, share, prior, _nearest(space, plane), marks)


# ---------------------------------------------------------------------- inside


def _share(hole: NDArray[np.bool_], log_density: Array) -> float:
    """The share of the mass, known by its logarithm, that lies in holes."""
    mass = np.exp(log_density - log_density.max())
    return float(mass[hole].sum() / mass.sum())


def _below_highest(space: Encoded, plane: Plane, log_density: Array) -> NDArray[np.float64]:
    """Nats below the highest log density on the plane: of places (m,), and of that nearest to the prior's median."""
    middle = plane.origin + plane(space.prior_quantiles(np.array([0.5]))) @ plane.axes  # (1, D)
    highest = log_prior(space.prior, middle)
    assert highest is not None  # it is known elsewhere on the plane
    found: NDArray[np.float64] = max(float(highest[0]), float(log_density.max())) - log_density
    return found


def _nearest(space: Encoded, plane: Plane) -> Array:
    """Where codes lie on the plane (m, 2): those nearest to it, of some drawn at random where all lie in it."""
    codes = np.random.default_rng(0).permutation(space.codes.astype(np.float64))
    flat = plane(codes)
    away = np.linalg.norm(codes - plane.origin - flat @ plane.axes, axis=1).round(6)
    near: Array = flat[np.argsort(away, kind="stable")[:NEAR]]
    return near[plane.seen(near)]


def _draw(found: HoleMap, ax: "Axes") -> None:
    from matplotlib.patheffects import withStroke
    from matplotlib.ticker import MaxNLocator

    (x, y), half = found.plane.centre, found.plane.half
    sides = [np.linspace(middle - half, middle + half, len(found.depth)) for middle in (x, y)]
    depth = found.depth[::-1].clip(-1e6, 1e6)
    step = next((step for step in STEPS if 3 * step >= -depth.min()), STEPS[-1])
    levels = [-2 * step, -step, *LEVELS]
    shades = ax.contourf(*sides, depth, [-1e6, *levels, 1e6], colors=SHADES)
    ax.contour(*sides, depth, [0.0], colors=INK, linewidths=0.9)
    ax.scatter(found.codes[:, 0], found.codes[:, 1], s=4, c=INK, alpha=0.35, linewidths=0)
    if found.prior is not None:
        ax.contour(*sides, found.prior[::-1], FALLS, colors=MUTED, linestyles=[(0, (4, 3))], linewidths=0.9)
    for name, place in zip("abcdefghijklmnopqrstuvwxyz", found.marks, strict=False):
        ax.plot(*place, "o", ms=6, mfc=PAPER, mec=INK, mew=1.2)
        label = ax.annotate(name, tuple(place), (6, 5), textcoords="offset points", color=INK, fontsize=11, fontweight="bold")
        label.set_path_effects([withStroke(linewidth=2.4, foreground=PAPER)])
    ax.set(xlim=(x - half, x + half), ylim=(y - half, y + half), aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    ax.tick_params(colors=MUTED, labelsize=8, length=2.5)
    for spine in ax.spines.values():
        spine.set_visible(False)
    bar = ax.figure.colorbar(shades, ax=ax, shrink=0.8, ticks=levels, spacing="uniform", format="%g")
    bar.set_label("nats below the edge of encoded data", color=MUTED, fontsize=8)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=MUTED, labelsize=8, length=2.5)
