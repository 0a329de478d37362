"""The charts, each drawn twice: in ink on a light page and in chalk on a dark one.

A chart is a function (axes, colours) that reads an entry of the report's content. matplotlib is used through its objects;
nothing global is touched, so charts may be drawn in any thread.
"""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from PIL import Image

from latentwalk.surroundings import hushed

__all__ = [
    "DARK",
    "LIGHT",
    "Colours",
    "End",
    "Palette",
    "class_colours",
    "continuity_curves",
    "frame",
    "hole_chart",
    "line_colours",
    "losses",
    "model_colour",
    "name_classes",
    "name_lines",
    "posterior_chart",
    "scatter",
    "twice",
]

Content = Mapping[str, Any]
Rect = tuple[float, float, float, float]  # left, bottom, width, height of the axes, as shares of the chart
Colours = dict[str, str]  # {"light": base64, "dark": base64}
SQUARE: Rect = (0.085, 0.06, 0.9, 0.92)
DENSITY = 200  # pixels an inch: about two for each pixel of the page
DRAWS = 250  # of each sampling distribution on the map of holes
NAMED = 20  # classes whose names are written into the picture
MODELS = {"pca": 3, "ae": 0, "vae-without-kl": 1, "vae": 2}  # places in `Palette.models`


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one page. ink, muted, line: text, its quieter kin, and rules. paper: the page itself, for halos.

    on, off: a draw that lands on data, and one that lands in a hole. field: the region of encoded data.
    classes: ten that colour-blind eyes tell apart (Petroff 2021, "Accessible color sequences for data visualization"),
    lightened where the page is dark. models: AE, VAE without KL, VAE, PCA, and others.
    """

    ink: str
    muted: str
    line: str
    paper: str
    on: str
    off: str
    field: str
    classes: tuple[str, ...]
    models: tuple[str, ...]


LIGHT = Palette(
    *("#1d1d1f", "#6a6a70", "#d9d8d4", "#fdfcfa"),
    *("#5b8fd6", "#d1431f", "#33435c"),
    ("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
    ("#d1431f", "#c08a00", "#2468c4", "#85858c", "#7b3fa0", "#2f8f6b"),
)
DARK = Palette(
    *("#ececec", "#9b9ba3", "#3a3a40", "#131316"),
    *("#7fb0f2", "#ff7a55", "#aebfd9"),
    ("#5ba6ec", "#ffb733", "#f0604a", "#a9bab8", "#b873e6", "#c98f7c", "#ff8a3d", "#cfc388", "#8f94a3", "#a6e6e9"),
    ("#ff7a55", "#e0b040", "#6ea8f7", "#9b9ba3", "#c08be0", "#62c49c"),
)


def model_colour(recipe: str, palette: Palette) -> str:
    """The colour of a recipe, the same wherever it appears; recipes without one of their own share the last two."""
    others = len(palette.models) - 4
    return palette.models[MODELS.get(recipe, 4 + sum(map(ord, recipe)) % others)]


def twice(paint: Callable[[Axes, Palette], None], size: tuple[float, float] = (3.5, 3.5), rect: Rect = SQUARE) -> Colours:
    """A chart of `size` inches on a clear ground, painted for a light and for a dark page: PNGs in base64."""
    return {name: _drawn(paint, palette, size, rect) for name, palette in (("light", LIGHT), ("dark", DARK))}


# ---------------------------------------------------------------------- charts of one entry


def scatter(entry: Content, classes: Sequence[str]) -> Colours:
    """Held-out codes on the plane, coloured by class, each class named at its median."""
    points, labels = _points(entry["scatter"]["points"]), entry["scatter"]["labels"]

    def paint(axes: Axes, palette: Palette) -> None:
        size = float(np.clip(6000 / max(len(points), 1), 3, 14))
        colours = class_colours(labels, len(points), palette)
        axes.scatter(points[:, 0], points[:, 1], s=size, c=colours, alpha=0.75, linewidths=0)
        name_classes(axes, points, labels, classes, palette)
        _plane(axes, entry, palette)

    return twice(paint)


def hole_chart(entry: Content) -> Colours:
    """The region of encoded data, and draws from the prior (discs) and the matched Gaussian (crosses), those outside in red."""
    levels, plane = np.asarray(entry["region"]["levels"], float), entry["plane"]
    (x, y), half = plane["centre"], plane["half"]

    def paint(axes: Axes, palette: Palette) -> None:
        shades = [to_rgba(palette.field, alpha) for alpha in (0.34, 0.22, 0.12)]
        steps = [np.linspace(c - half, c + half, 2 * len(levels) + 1)[1::2] for c in (x, y)]
        axes.contourf(*steps, levels[::-1], [-1, 50, 80, 95], colors=shades)
        axes.contour(*steps, levels[::-1], [95], colors=[palette.muted], linewidths=0.6)
        for source, marker, calm in (("gaussian", "x", palette.muted), ("prior", "o", palette.on)):
            drawn = _points(entry["region"][source], 3)[:DRAWS]
            outside = drawn[:, 2] > 0
            for some, colour, alpha in ((drawn[~outside], calm, 0.55), (drawn[outside], palette.off, 1)):
                width = 0.9 if marker == "x" else 0
                axes.scatter(some[:, 0], some[:, 1], s=12, c=colour, marker=marker, alpha=alpha, linewidths=width)
        _plane(axes, entry, palette)

    return twice(paint)


def posterior_chart(entry: Content) -> Colours:
    """q(z | x) of some examples as ellipses of one sigma; a prior N(0, I) as dashed circles of one and two."""
    found = entry["posterior"]
    points, labels = _points(found["points"]), found["labels"]
    widths, heights, angles = _ellipses(np.asarray(found["covariances"], float).reshape(-1, 3))

    def paint(axes: Axes, palette: Palette) -> None:
        colours = class_colours(labels, len(points), palette)
        for radius in (1, 2) if found["prior"] else ():
            axes.add_patch(Circle(found["prior"], radius, fill=False, ls=(0, (4, 3)), lw=0.8, ec=palette.muted, zorder=0.5))
        if widths.max(initial=0) > 0:
            axes.add_collection(
                EllipseCollection(
                    *(widths, heights, angles),
                    units="xy",
                    offsets=points,
                    offset_transform=axes.transData,
                    facecolors=[to_rgba(colour, 0.28) for colour in colours],
                    edgecolors=colours,
                    linewidths=0.7,
                )
            )
        axes.scatter(points[:, 0], points[:, 1], s=5, c=colours, linewidths=0)
        _plane(axes, entry, palette)

    return twice(paint)


def losses(entry: Content) -> Colours:
    """Loss a training epoch (line) and on validation rows (dashed), in nats; the epoch whose weights were kept is marked."""
    epochs = entry["history"]
    number = [epoch["number"] for epoch in epochs]

    def paint(axes: Axes, palette: Palette) -> None:
        colour = model_colour(entry["recipe"], palette)
        axes.plot(number, _line(epochs, "loss"), color=colour, lw=1.6)
        validation = _line(epochs, "validation_loss")
        axes.plot(number, validation, color=colour, lw=1.3, ls=(0, (3, 2)))
        best = max((at for at, epoch in enumerate(epochs) if epoch["best"]), default=len(epochs) - 1)
        shown = validation if np.isfinite(validation[best]) else _line(epochs, "loss")
        axes.plot(number[best], shown[best], "o", ms=4.5, mfc=palette.paper, mec=colour, mew=1.4)
        frame(axes, palette)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlabel("epoch", color=palette.muted, fontsize=8)
        axes.set_ylabel("nats an example", color=palette.muted, fontsize=8)

    return twice(paint, (3.5, 2.3), (0.13, 0.17, 0.85, 0.8))


# ---------------------------------------------------------------------- charts of several entries


def continuity_curves(entries: Sequence[Content]) -> Colours:
    """Continuity at steps of other sizes than the headline's, one line a model."""

    def paint(axes: Axes, palette: Palette) -> None:
        ends = []
        for entry in entries:
            details = entry["judgement"]["measures"]["continuity"]["details"]
            scales, shares = np.asarray(details["curve_scales"], float), 100 * np.asarray(details["curve"], float)
            colour = model_colour(entry["recipe"], palette)
            axes.plot(scales, shares, color=colour, lw=1.7, marker="o", ms=2.8)
            ends.append(End(entry["title"], float(scales[-1]), float(shares[-1]), colour))
        axes.axvline(0.1, color=palette.line, lw=1, zorder=0)
        frame(axes, palette)
        axes.set_ylim(-4, 106)
        name_lines(axes, ends)
        axes.set_yticks([0, 50, 100], ["0 %", "50 %", "100 %"])
        axes.set_xticks([0.02, 0.1, 0.2, 0.3, 0.5], [".02", ".1", ".2", ".3", ".5"])
        axes.set_xlabel("size of the step, in spreads of the codes", color=palette.muted, fontsize=8)

    return twice(paint, (4.6, 2.5), (0.1, 0.17, 0.68, 0.8))


# ---------------------------------------------------------------------- inside


def _drawn(paint: Callable[[Axes, Palette], None], palette: Palette, size: tuple[float, float], rect: Rect) -> str:
    figure = Figure(figsize=size, dpi=DENSITY)
    figure.patch.set_alpha(0)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes(rect)
    axes.patch.set_alpha(0)
    paint(axes, palette)
    with hushed(beginning="Glyph"):  # a class named in a script the font lacks is drawn as boxes, no more
        canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba()))
    file = io.BytesIO()
    image.quantize(192, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def _plane(axes: Axes, entry: Content, palette: Palette) -> None:
    """The square that is drawn, with as few numbers as tell its scale."""
    frame(axes, palette)
    (x, y), half = entry["plane"]["centre"], entry["plane"]["half"]
    axes.set_xlim(x - half, x + half)
    axes.set_ylim(y - half, y + half)
    axes.set_aspect("equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))


def frame(axes: Axes, palette: Palette) -> None:
    """Axes as all charts of a page have them: two thin lines, small figures."""
    axes.tick_params(colors=palette.muted, labelsize=7.5, length=2.5, width=0.6, pad=2)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(palette.line)
        spine.set_linewidth(0.8)


@dataclass(frozen=True, slots=True)
class End:
    """Where a line ends, and what it is called."""

    name: str
    x: float
    y: float
    colour: str
    bold: bool = False


def name_lines(axes: Axes, ends: Sequence[End]) -> None:
    """Each line's name to the right of its end, in its colour, moved up or down where names would touch. Limits come first."""
    low, high = axes.get_ylim()
    for end, height in zip(ends, _spaced([end.y for end in ends], (high - low) / 16), strict=True):
        axes.annotate(
            end.name,
            (end.x, height),
            xytext=(8, 0),
            textcoords="offset points",
            color=end.colour,
            fontsize=8,
            fontweight="bold" if end.bold else "normal",
            va="center",
            annotation_clip=False,
        ).set_parse_math(False)


def line_colours(count: int, palette: Palette, *, ordered: bool) -> list[str]:
    """Colours of so many lines: a ramp where they are in an order, ones that are easily told apart where not."""
    if not ordered:
        return [palette.models[(2, 0, 1, 4, 5, 3)[at % 6]] for at in range(count)]
    low, high = (0.05, 0.78) if palette is LIGHT else (0.42, 0.95)
    return [to_hex(colormaps["viridis"](share)) for share in np.linspace(low, high, count)]


def class_colours(labels: Sequence[int] | None, n: int, palette: Palette) -> list[str]:
    """One colour for each of n points, that of its class where it has one."""
    if labels is None:
        return [palette.on] * n
    return [palette.classes[label % len(palette.classes)] for label in labels]


def name_classes(
    axes: Axes, points: np.ndarray[Any, Any], labels: Sequence[int] | None, classes: Sequence[str], palette: Palette
) -> None:
    """Each class\'s name, at the median of its points; none where there are many."""
    if labels is None or len(set(labels)) > NAMED:
        return
    for label in sorted(set(labels)):
        at = np.median(points[np.asarray(labels) == label], axis=0)
        name = classes[label] if label < len(classes) else str(label)
        axes.annotate(
            name if len(name) <= 14 else f"{name[:13]}…",
            tuple(at),
            color=palette.ink,
            fontsize=11 if len(name) < 3 else 8.5,
            fontweight="bold",
            ha="center",
            va="center",
            path_effects=[withStroke(linewidth=2.6, foreground=palette.paper)],
        ).set_parse_math(False)


def _ellipses(covariances: np.ndarray[Any, Any]) -> tuple[Any, Any, Any]:
    """Diameters and angle (degrees) of the one-sigma ellipses of covariances (n, 3): xx, xy, yy."""
    full = covariances[:, [0, 1, 1, 2]].reshape(-1, 2, 2)
    values, vectors = np.linalg.eigh(full)
    diameters = 2 * np.sqrt(values.clip(0))
    return diameters[:, 1], diameters[:, 0], np.degrees(np.arctan2(vectors[:, 1, 1], vectors[:, 0, 1]))


def _points(rows: Sequence[Sequence[float]], width: int = 2) -> np.ndarray[Any, Any]:
    return np.asarray(rows, float).reshape(-1, width)


def _line(epochs: Sequence[Content], name: str) -> np.ndarray[Any, Any]:
    return np.asarray([np.nan if epoch[name] is None else epoch[name] for epoch in epochs], float)


def _spaced(heights: Sequence[float], least: float) -> list[float]:
    """The heights moved so that labels at them do not touch: at least `least` between neighbours, in the same order."""
    order = np.argsort(heights, kind="stable")
    placed = np.asarray(heights, float)[order]
    for _ in range(100):
        gaps = least - np.diff(placed)
        if (gaps <= 1e-6).all():
            break
        push = np.maximum(gaps, 0) / 2
        placed[:-1] -= push
        placed[1:] += push
    moved = np.empty_like(placed)
    moved[order] = placed
    return [float(height) for height in moved]
