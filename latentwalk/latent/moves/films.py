"""Films in the latent space of their frames: a film is a way, and between two of the same length lie others."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.arrays import Array
from latentwalk.drawing.html import figure
from latentwalk.errors import DataError
from latentwalk.latent.encoded import Encoded, expect, is_whole
from latentwalk.latent.moves.paths import PathName, check_path
from latentwalk.latent.moves.walks import course

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FilmPath", "film_path", "film_walk"]

CODED = "#1d1d1f"


@dataclass(frozen=True, slots=True, eq=False)
class FilmPath:
    """A film's way through the latent space of its frames.

    space: that space. z: (T, D) the codes of the frames. x: (T, *E) the frames. surprise: (T,) nats, how little each could be
    foreseen, see `FramePredictor.surprise`; None where that is not known.
    """

    space: Encoded
    z: NDArray[np.float32]
    x: Array
    surprise: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.z)

    @property
    def steps(self) -> NDArray[np.float64]:
        """How far each frame's code is from that of the one before, (T - 1,)."""
        found: NDArray[np.float64] = np.linalg.norm(np.diff(self.z.astype(np.float64), axis=0), axis=1)
        return found

    @property
    def reading(self) -> str:
        """One sentence."""
        usual, longest = np.median(self.steps), self.steps.max()
        said = f"{len(self):,} frames; a step is {usual:.2f} long in the middle, and {longest:.2f} at most"
        if self.surprise is None:
            return f"{said}."
        known = np.where(np.isnan(self.surprise), -np.inf, self.surprise)
        return f"{said}. Least foreseen: frame {int(known.argmax())}, by {known.max():.0f} nats."

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The map of the space, and on it the way; frames the darker, the less they could be foreseen, the first marked.

        On `ax`, or on a new figure: `.figure` is the picture.
        """
        from latentwalk.latent.maps.chart import Chart, draw_space

        plane = self.space.kept(Chart).plane
        flat = plane(self.z.astype(np.float64))
        ax = draw_space(self.space, ax, flat)
        ax.plot(flat[:, 0], flat[:, 1], color=CODED, lw=1.2, zorder=4, alpha=0.7)
        shade = np.zeros(len(self)) if self.surprise is None else np.nan_to_num(self.surprise, nan=np.nanmin(self.surprise))
        ranks = np.argsort(np.argsort(shade)) / max(len(self) - 1, 1)
        ax.scatter(flat[:, 0], flat[:, 1], c=ranks, cmap="inferno_r", s=26, zorder=5, linewidths=0.5, edgecolors="white")
        ax.annotate("first", (float(flat[0, 0]), float(flat[0, 1])), (6, 6), textcoords="offset points", zorder=6)
        return ax

    def _repr_html_(self) -> str:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        picture, file = self.plot().figure, io.BytesIO()
        FigureCanvasAgg(picture.get_figure(root=True)).print_png(file)
        return figure(file.getvalue(), self.reading)


def film_path(space: Encoded, film: ArrayLike, surprise: ArrayLike | None = None) -> FilmPath:
    """The way of a film (T, *E) through the space of its frames. surprise: (T,), to be drawn with it. Raises DataError."""
    x = _frames(space, film)
    told = None if surprise is None else np.asarray(surprise, np.float64)
    if told is not None and told.shape != (len(x),):
        raise DataError(f"the surprise has shape {told.shape}; expected one number for each of the {len(x)} frames.")
    return FilmPath(space, _coded(space, x), x, told)


def film_walk(
    space: Encoded, a: ArrayLike, b: ArrayLike, steps: int = 5, path: PathName = "spherical"
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """From film `a` (T, *E) to film `b` (T, *E), frame by frame: codes (steps, T, D), and films (steps, T, *E).

    Each frame goes its own way to the frame at the same time. Raises DataError for films of different length.
    """
    check_path(path)
    expect(is_whole(steps) and steps >= 2, f"a walk needs at least 2 steps, a whole number; got steps={steps!r}.")
    first, last = _frames(space, a), _frames(space, b)
    if len(first) != len(last):
        raise DataError(f"the films have {len(first)} and {len(last)} frames. Cut the longer one: a walk needs as many.")
    times = np.linspace(0, 1, steps)
    pairs = zip(_coded(space, first), _coded(space, last), strict=True)
    z = np.stack([course(space, one, other, path)(times) for one, other in pairs], axis=1).astype(np.float32)
    x = space.decode(z.reshape(-1, space.dim))
    return z, x.reshape(*z.shape[:2], *x.shape[1:])


def _frames(space: Encoded, film: ArrayLike) -> Array:
    x = np.asarray(film)
    shape = space.data.shape[1:]
    if x.shape[1:] != shape or not len(x):
        raise DataError(f"expected a film, (T, {', '.join(map(str, shape))}), of frames like those encoded; got {x.shape}.")
    return x


def _coded(space: Encoded, x: Array) -> NDArray[np.float32]:
    expect(space.encode is not None, "this space can encode no more examples.")
    assert space.encode is not None
    return space.encode(x)[0]
