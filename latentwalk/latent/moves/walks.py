"""Walks: ways through a latent space, decoded, and what is known of them. Where do they cross holes?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.data.music import Piece
from latentwalk.data.sources.sounds import Sound
from latentwalk.data.spec import DataSpec
from latentwalk.drawing.film import FPS
from latentwalk.drawing.painter import Painter
from latentwalk.drawing.tiles import Pixels
from latentwalk.errors import DataError
from latentwalk.latent.criteria.measure import percent
from latentwalk.latent.decoded import FILMS, Decoded
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.holes import Holes
from latentwalk.latent.moves.graph import Graph
from latentwalk.latent.moves.paths import Course, PathName, along, path, through_quantiles
from latentwalk.models.prior import NormalSampler

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Crossing", "Walk", "Way", "course", "draw_walk", "journey"]

FINE = 513  # points of a way on which holes and lengths are found
TIMES = np.linspace(0, 1, FINE)
SHARES = (np.arange(1_000) + 0.5) / 1_000  # of a prior's mass, at which its quantiles are asked for
NAMED = 3  # crossings that a sentence lists; of more it tells how many
WAY = "#1d1d1f"
BY_CHANCE = "a code that was encoded is called a hole 1 time in 20"


@dataclass(frozen=True, slots=True)
class Crossing:
    """A part of a way that lies in one hole. start, end: shares of the way, 0 to 1. steps: the numbers of the steps in it."""

    start: float
    end: float
    steps: tuple[int, ...]


@dataclass(frozen=True, eq=False)  # without slots, for the cached properties
class Walk:
    """Points on a way, z (steps, D), what they decode to, x (steps, *E), and the way itself.

    space: what it leads through.
    decoded: the points, and what they decode to.
    t: (steps,) how much of the way, by its length among the codes, lies before each step.
    line: (513, D) the whole way, evenly.
    What has to do with holes (`holes`, `crossings`, `share`) is found when first asked for, and raises DataError in a space of
    fewer than 40 codes.
    """

    space: Encoded
    decoded: Decoded
    t: NDArray[np.float64]
    line: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.decoded)

    def __getitem__(self, row: int) -> Decoded:
        return self.decoded[row]

    @property
    def z(self) -> NDArray[np.float32]:
        """The steps: (steps, D)."""
        return self.decoded.z

    @property
    def x(self) -> NDArray[np.float32]:
        """What the steps decode to: (steps, *E), in the units of the data."""
        return self.decoded.x

    @property
    def texts(self) -> list[str]:
        """What the steps decode to, of a model of texts. Raises DataError for any other."""
        return self.decoded.texts

    @property
    def pieces(self) -> list[Piece]:
        """What the steps decode to, of a model of music. Raises DataError for any other."""
        return self.decoded.pieces

    @property
    def sound(self) -> Sound:
        """The steps as one sound that turns into another, of a model of sounds. Raises DataError for any other."""
        return self.decoded.sound

    @property
    def sounds(self) -> list[Sound]:
        """What the steps decode to, of a model of sounds. Raises DataError for any other."""
        return self.decoded.sounds

    @property
    def spec(self) -> DataSpec | None:
        """What an example is, where that is known."""
        return self.decoded.spec

    @property
    def painter(self) -> Painter | None:
        """How an example is drawn."""
        return self.decoded.painter

    @property
    def closed(self) -> bool:
        """Whether it ends where it began."""
        return self.decoded.closed

    # ------------------------------------------------------------------ where it leads

    @cached_property
    def holes(self) -> NDArray[np.bool_]:
        """Which steps lie in a hole: (steps,)."""
        return self.space.kept(Holes)(self.z)

    @cached_property
    def crossings(self) -> tuple[Crossing, ...]:
        """Where the way is in holes, in its order."""
        parts = _above_zero(self.space.kept(Holes).depth(self.line))
        return tuple(
            Crossing(start, end, tuple(np.flatnonzero((self.t >= start) & (self.t <= end)).tolist())) for start, end in parts
        )

    @property
    def share(self) -> float:
        """How much of the way, by its length among the codes, lies in holes, in [0, 1]."""
        return float(sum(crossing.end - crossing.start for crossing in self.crossings))

    @cached_property
    def length(self) -> float:
        """How far the decoder's output moves in all: the sum of the distances between outputs, see `Encoded.apart`."""
        x = self.space.decoded_rows(self.line)
        return float(self.space.apart(x[:-1], x[1:]).sum())

    @property
    def reading(self) -> str:
        """One sentence: where the way crosses holes, or why that is not known."""
        try:
            return f"{_said(self.crossings, self.share)}; {BY_CHANCE}."
        except DataError as error:
            return f"Whether the way crosses holes is not known: {error}"

    @property
    def marked(self) -> NDArray[np.bool_]:
        """Which steps (steps,) have a red bar on a strip: those in holes; none where that is not known."""
        try:
            return self.holes
        except DataError:
            return np.zeros(len(self), bool)

    # ------------------------------------------------------------------ as arrays, files and pictures: see `Decoded`

    @property
    def arrays(self) -> dict[str, Array]:
        """What a .npz holds, by name."""
        return self._told.arrays

    def picture(self) -> Pixels:
        """The steps side by side, a red bar under those in holes: bytes (H, W, C). Raises ConfigError without a spec."""
        return self._told.picture()

    def save(self, path: str | PathLike[str], *, fps: float = FPS) -> None:
        """Write a strip (.png), a film (.gif, .mp4) or the arrays (.npz). Raises ConfigError, OSError: see `Decoded.save`."""
        self._for(Path(path).suffix).save(path, fps=fps)

    def content(self, ending: str, *, fps: float = FPS) -> bytes:
        """The bytes of a file with this ending. Raises ConfigError: see `Decoded.save`."""
        return self._for(ending).content(ending, fps=fps)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The way over the codes, with holes shaded; where it is in one it is red. See `LatentSpace.plot`."""
        return draw_walk(self, ax)

    def _repr_html_(self) -> str:
        return self._told._repr_html_()

    @property
    def _told(self) -> Decoded:
        """The steps, with what is known of them."""
        notes = {"t": self.t, "holes": self.marked}
        return replace(self.decoded, marks=self.marked, notes=notes, said=self.reading)

    def _for(self, ending: str) -> Decoded:
        """What is written to such a file. A film shows no holes, so none are looked for."""
        return self.decoded if ending.lower() in FILMS else self._told


def draw_walk(walk: Walk, ax: "Axes | None" = None) -> "Axes":
    """A walk over the codes of its space: dots are its steps, and where it is in a hole it is red."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgba

    from latentwalk.latent.maps.chart import HOLE, Chart, draw_space

    inks = np.array([to_rgba(WAY), to_rgba(HOLE)])
    plane = walk.space.kept(Chart).plane
    line, (across, down) = plane(walk.line), plane(walk.z).T
    ax = draw_space(walk.space, ax, line)
    red = _in_holes(walk, np.linspace(0, 1, len(line) - 1))
    pieces = list(np.stack([line[:-1], line[1:]], axis=1))
    ax.add_collection(LineCollection(pieces, colors=inks[red.astype(int)], linewidths=2, zorder=4), autolim=False)
    ax.scatter(across, down, s=16, c=inks[walk.marked.astype(int)], edgecolors="white", linewidths=0.6, zorder=5)
    return ax


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A walk that is not decoded yet: z (steps, D), and t and line as a `Walk` has them."""

    z: NDArray[np.float64]
    t: NDArray[np.float64]
    line: NDArray[np.float64]


def journey(space: Encoded, points: Array, steps: int, path: PathName) -> Way:
    """The way through points (k, D), each of which is a step. steps: at least k. Raises ConfigError, DataError."""
    legs = [_Leg.of(course(space, a, b, path)) for a, b in pairwise(points)]
    z, reach, before = [points[:1]], [np.zeros(1)], 0.0
    for leg, count in zip(legs, _shared_out(steps - 1, [leg.length for leg in legs]), strict=True):
        t = np.linspace(0, 1, count + 1)[1:]
        z.append(leg.course(t))
        reach.append(before + leg.reached(t))
        before += leg.length
    return Way(
        z=np.concatenate(z),
        t=np.concatenate(reach) / before if before > 0 else np.linspace(0, 1, steps),
        line=along(np.concatenate([leg.line for leg in legs]), TIMES),
    )


def course(space: Encoded, a: Array, b: Array, name: PathName) -> Course:
    """The way of that name between two codes (D,). Raises ConfigError for an unknown name."""
    if name == "density":
        return partial(along, space.kept(Graph).way(a, b))
    if name == "quantile" and not isinstance(space.prior, NormalSampler):
        return partial(through_quantiles, a, b, p=SHARES, values=space.prior_quantiles(SHARES))
    return partial(path(name), a, b)


# ---------------------------------------------------------------------- inside


@dataclass(frozen=True, slots=True, eq=False)
class _Leg:
    """The way between two points. line: where it is at each of TIMES. reach: (FINE,) its length until there."""

    course: Course
    line: NDArray[np.float64]
    reach: NDArray[np.float64]

    @classmethod
    def of(cls, course: Course) -> Self:
        line = course(TIMES)
        return cls(course, line, np.append(0.0, np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()))

    @property
    def length(self) -> float:
        return float(self.reach[-1])

    def reached(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """The length of the way until times t (m,): (m,)."""
        return np.interp(t, TIMES, self.reach)


def _shared_out(steps: int, lengths: Sequence[float]) -> NDArray[np.int64]:
    """How many of `steps` each leg gets, at least one; the next always goes to the leg whose steps are longest."""
    counts = np.ones(len(lengths), np.int64)
    for _ in range(steps - len(lengths)):
        counts[np.argmax(np.asarray(lengths) / counts)] += 1
    return counts


def _above_zero(depth: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Where a function given at even places of [0, 1] is above zero: starts and ends, between the places by straight lines."""
    inside = depth > 0
    at = np.flatnonzero(inside[1:] != inside[:-1])
    crossed = (at + depth[at] / (depth[at] - depth[at + 1])) / (len(depth) - 1)
    edges = [0.0] * bool(inside[0]) + crossed.tolist() + [1.0] * bool(inside[-1])
    return list(zip(edges[::2], edges[1::2], strict=True))


def _said(crossings: Sequence[Crossing], share: float) -> str:
    if not crossings:
        return "Crosses no hole"
    if share == 1:
        return "In a hole all the way"
    if len(crossings) > NAMED:
        return f"In {len(crossings)} holes, {percent(share)} of the way in all"
    parts = [f"from {percent(one.start)} to {percent(one.end)}" for one in crossings]
    return f"In a hole {' and '.join([', '.join(parts[:-1])] * (len(parts) > 1) + parts[-1:])} of the way"


def _in_holes(walk: Walk, t: Array) -> NDArray[np.bool_]:
    """Which shares t (m,) of the way are in holes: (m,); none where that is not known."""
    try:
        return np.any([(t >= one.start) & (t <= one.end) for one in walk.crossings] or [t < 0], axis=0)
    except DataError:
        return t < 0
