"""The latent space as its user holds it: `Autoencoder.space(X)` gives it.

Its methods are moves, which decode points nobody encoded, and pictures. Judgements of the space (continuity, completeness, …)
are functions in `criteria`, so that new ones need no new method. All of these see it as `Encoded` examples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL.Image import Image

from latentwalk.arrays import Array
from latentwalk.chance import rng_of
from latentwalk.checks import COUNTED, MADE, whole
from latentwalk.data.original import Pictured
from latentwalk.drawing.html import figure
from latentwalk.errors import DataError
from latentwalk.latent.codes import check_draws
from latentwalk.latent.decoded import Decoded
from latentwalk.latent.diagnosis import Diagnosis, diagnose
from latentwalk.latent.encoded import Encoded, Point, expect, is_whole
from latentwalk.latent.holes import Holes
from latentwalk.latent.moves.barycentres import BlendName, shares
from latentwalk.latent.moves.blends import blended, triptych
from latentwalk.latent.moves.directions import Attribute, Confounders, Direction, direction
from latentwalk.latent.moves.films import FilmPath, film_path, film_walk
from latentwalk.latent.moves.grafts import Onto, Strength, Where, transplant
from latentwalk.latent.moves.paths import PathName, check_path
from latentwalk.latent.moves.walks import Walk, journey
from latentwalk.latent.samplers import Sampler

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LatentSpace"]


@dataclass(frozen=True, eq=False)  # without slots, for what is kept
class LatentSpace(Encoded):
    """Encoded examples, the ways between them, and pictures of both. Fields: see `Encoded`."""

    @property
    def holes(self) -> Holes:
        """Where no encoded data lies. Found when first asked for. Raises DataError for fewer than 40 codes."""
        return self.kept(Holes)

    # ------------------------------------------------------------------ moves

    def walk(self, a: Point, b: Point, steps: int = 11, path: PathName = "spherical") -> Walk:
        """The way from `a` to `b`, decoded at even times: z (steps, D), x (steps, *E), and where it crosses holes.

        path: "spherical" (keeps the distance from the origin), "linear", "quantile" (evenly through the prior's mass) or
        "density" (around holes; needs 40 codes or more). Both ends are exact; where they are equal, so are all steps.
        Raises ConfigError, DataError.
        """
        expect(is_whole(steps) and steps >= 2, f"a walk needs at least 2 steps, a whole number; got steps={steps!r}.")
        return self.journey([a, b], steps, path)

    def journey(
        self, points: Sequence[Point], steps: int | None = None, path: PathName = "spherical", *, loop: bool = False
    ) -> Walk:
        """A walk through several points, each hit exactly; the steps between them are as even as that allows.

        steps: in all; ten from one point to the next unless given. loop: back to the first point, which is then the last step
        too. path: see `walk`. Raises ConfigError, DataError.
        """
        check_path(path)
        expect(isinstance(loop, (bool, np.bool_)), f"loop={loop!r}: expected True or False.")
        _check_points(points)
        legs = len(points) - 1 + loop
        expect(len(points) >= 2, f"a walk leads from one point to another, got {len(points)}.")
        steps = 10 * legs + 1 if steps is None else steps
        need = f"a walk through {len(points)} points{' and back' * loop} needs at least {legs + 1} steps"
        expect(is_whole(steps) and legs < steps <= MADE, f"{need}, a whole number; got steps={steps!r}.")
        codes = np.stack([self.code(point) for point in points])
        way = journey(self, np.concatenate([codes, codes[:loop]]), int(steps), path)
        return Walk(self, replace(self._decoded(way.z), closed=loop), way.t, way.line)

    def path(self, film: ArrayLike, surprise: ArrayLike | None = None) -> FilmPath:
        """A film's way (T, *E) through the space of its frames: z (T, D), to be drawn on the map with its surprise (T,).

        Raises DataError for frames of another shape.
        """
        return film_path(self, film, surprise)

    def film_walk(
        self, a: ArrayLike, b: ArrayLike, steps: int = 5, path: PathName = "spherical"
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """From one film (T, *E) to another of the same length, frame by frame: z (steps, T, D), x (steps, T, *E).

        The middle one of 3 is their blend. path: see `walk`. Raises DataError, ConfigError.
        """
        return film_walk(self, a, b, steps, path)

    def blend(self, points: Sequence[Point], weights: ArrayLike | None = None, how: BlendName = "mean") -> Decoded:
        """Several points in one: z (D,), x (*E).

        weights: (k,), 0 or more, not all 0; they are divided by their sum, and equal unless given. how: "mean" (of codes),
        "spherical" (of their directions and lengths) or "product" (of the posteriors q(z | x), each to the power of its weight:
        its mean, where who is surer of a coordinate decides more of it; points are rows or examples, no bare codes).
        Raises ConfigError.
        """
        _check_points(points)
        return self._decoded(blended(self, points, shares(len(points), weights), how)[None])[0]

    def between(self, a: Point, b: Point, steps: int = 7, how: BlendName = "mean") -> Decoded:
        """Blends of two points, from one to the other: z (steps, D), x (steps, *E). how: see `blend`. Raises ConfigError."""
        expect(
            is_whole(steps) and 2 <= steps <= MADE, f"from one point to the other takes at least 2 steps; got steps={steps!r}."
        )
        weights = np.linspace([1, 0], [0, 1], steps)  # (steps, 2)
        return self._decoded(np.stack([blended(self, [a, b], pair, how) for pair in weights]))

    def swap(self, a: Point, b: Point, axes: int | Sequence[int]) -> Decoded:
        """`a` with these coordinates of `b`: z (D,), x (*E). Raises ConfigError."""
        chosen = [self._axis(axis) for axis in np.atleast_1d(np.asarray(axes, dtype=object))]
        expect(len(chosen) > 0, "swap needs at least one axis, got none.")
        z = self.code(a).copy()
        z[chosen] = self.code(b)[chosen]
        return self._decoded(z[None])[0]

    def grid(self, axes: tuple[int, int] | None = None, steps: int = 15, over: Literal["prior", "codes"] = "prior") -> Decoded:
        """A plane of the space, decoded: z (steps, steps, D), x (steps, steps, *E); the first axis runs down from high values.

        over: "prior" spaces the points by the quantiles .05 to .95 of the prior; "codes" evenly between the codes' 1 % and
        99 % quantiles, for a plain autoencoder whose codes know nothing of a prior. The other axes stay at the codes' mean.
        axes: two different ones, the first two unless given. A space of one dimension is a line: z (steps, 1), x (steps, *E).
        Raises ConfigError.
        """
        if axes is None and self.dim == 1:
            return self._decoded(self.axis_values(0, steps, over)[:, None])
        axes = (0, 1) if axes is None else axes
        expect(np.shape(axes) == (2,) and axes[0] != axes[1], f"a grid needs two different axes, got axes={axes!r}.")
        across, down = (self.axis_values(axis, steps, over) for axis in axes)
        z = np.tile(self.codes.mean(axis=0), (steps, steps, 1))
        z[..., axes[0]] = across[None, :]
        z[..., axes[1]] = down[::-1, None]
        return self._decoded(z)

    def traverse(self, x: Point, axis: int, steps: int = 11, over: Literal["prior", "codes"] = "codes") -> Decoded:
        """One point with one of its coordinates moved through its range: z (steps, D), x (steps, *E)."""
        values = self.axis_values(axis, steps, over)
        z = np.tile(self.code(x), (steps, 1))
        z[:, axis] = values
        return self._decoded(z)

    def sample(self, n: int, source: str | Sampler = "prior", seed: int | None = 0) -> Decoded:
        """`n` new examples: codes drawn from `source` and decoded. z (n, D), x (n, *E).

        source: see `sampler`.
        """
        whole("n", n, "examples", most=COUNTED)
        check_draws(n, self.dim, 0 if self.spec is None else self.spec.size)
        return self._decoded(self.sampler(source)(n, rng_of(seed)))

    def direction(
        self,
        having: Attribute,
        lacking: Attribute | None = None,
        *,
        without: Confounders = (),
        keep: Confounders | None = None,
    ) -> Direction:
        """The step from examples that lack something to examples that have it, other things being equal (see `directions`).

        having: the name of one of `attributes` (its larger value of two, or a probability above .5, has it) or of a class,
        row numbers, or a mask (n,). lacking: the same; None is all others of which it is known. without: confounders to take
        out, as names of attributes, arrays (n,), or "auto" for those attributes that go along with it, by correlation. Rows
        whose value of any of these is NaN have no part. keep: attributes that are to stay as they are, as for `without`, or
        "all"; the direction then has a guide, which `graft(…, strength="guided")` asks for the step of each example.
        Raises DataError: a side is empty, an attribute with one class only, rows on both sides, too few rows for so many
        confounders. ConfigError: an unknown name, an attribute that is an amount, confounders that say all there is to say.
        """
        return direction(self, having, lacking, without, keep)

    @overload
    def graft(
        self,
        x: list[Pictured],
        direction: Direction | ArrayLike,
        strength: Strength = 1.0,
        *,
        region: Where = "change",
        onto: Onto | None = None,
        frame: ArrayLike | None = None,
    ) -> list[Decoded]: ...

    @overload
    def graft(
        self,
        x: Point,
        direction: Direction | ArrayLike,
        strength: Strength = 1.0,
        *,
        region: Where = "change",
        onto: Onto | None = None,
        frame: ArrayLike | None = None,
    ) -> Decoded: ...

    def graft(
        self,
        x: Point | list[Pictured],
        direction: Direction | ArrayLike,
        strength: Strength = 1.0,
        *,
        region: Where = "change",
        onto: Onto | None = None,
        frame: ArrayLike | None = None,
    ) -> Decoded | list[Decoded]:
        """A point moved `strength` times along a direction, (D,) numbers or a `Direction`: z (D,), x (*E).

        x: a row, an example or a code; also several, examples (n, *E) or codes (n, D). Or a picture of any size, as a file, one
        of Pillow's or an array (H, W[, 3]): x then is that picture, as large as it is, in its own type, upright; a list of them
        gives a list. strength: 0 changes nothing; several, (S,), give a sweep: z (S, …, D), x (S, …, *E). "guided", with a
        direction that was found with `keep`, takes for each example or picture the step after which it is read to have it and
        all else as before, of some 50 that are decoded and encoded again (see `guide`).
        region: where the picture may change: "change", where the step changes it most; weights (H, W) in [0, 1], or a box (top,
        left, bottom, right) in shares of its sides; None for all of it. Elsewhere it stays as it was, to the last bit.
        onto: "picture" adds to the picture itself what the step changes, and cuts at the data's range; "reconstruction" is what
        the moved code decodes to. The first is meant for pictures unless given, the second for codes and for all that is no
        image. frame: of a picture of its own size, the part that the model is to see, a box as above; where the examples learnt
        from are faces, that around the face. All of it unless given, cropped around the centre where its sides are in another
        ratio than theirs.
        Raises ConfigError, also for a direction found with another model; DataError for a file that is no picture.
        """
        found: Decoded | list[Decoded] = transplant(self, x, direction, strength, region, onto, frame)
        return found

    # ------------------------------------------------------------------ pictures

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The map of the space: codes coloured by class, holes shaded. On `ax`, or on a new figure: `.figure` is the picture.

        D > 2 is seen as a shadow on the codes' first two principal axes, and shaded where no shadow falls.
        """
        from latentwalk.latent.maps.chart import draw_space

        return draw_space(self, ax)

    def sheet(self, points: Sequence[Point], made: Decoded | Walk) -> Image:
        """One picture: the examples that points are, their reconstructions, and what was `made` of them (a blend, a swap, …).

        Shows itself in a notebook; `.save("blend.png")` writes it. Raises ConfigError for a bare code.
        """
        return triptych(self, points, made.x)

    def _repr_html_(self) -> str:
        from latentwalk.latent.maps.chart import space_png

        held = "" if self.held_out is None else f", {int(self.held_out.sum()):,} of them held out while learning"
        known = f", in {len(self.classes)} classes" if self.classes else ""
        kind = "posterior means" if self.scales.any() else "points (a plain autoencoder)"
        said = f"{len(self):,} codes of {self.dim} dimension{'s' * (self.dim != 1)}{known}{held}; {kind}."
        try:
            return figure(space_png(self), said)
        except DataError as error:
            return figure(None, said, str(error))

    def explore(self, *, points: int = 20_000, height: int = 680, title: str = "") -> Any:
        """The space under the pointer, a widget in a notebook: see `latentwalk.explore`, which this is. Raises ConfigError."""
        import latentwalk  # by the door: the page is a room that knows of spaces, and not the other way round

        return latentwalk.explore(self, points=points, height=height, title=title)

    # ------------------------------------------------------------------ judged

    def diagnose(self, new: ArrayLike | None = None, seed: int = 0) -> Diagnosis:
        """What is wrong, in plain words, with the one change to try; new: rows (m, *E) to judge beside those encoded.

        Raises DataError, ConfigError: see `latent.diagnosis`.
        """
        return diagnose(self, new, seed)

    # ------------------------------------------------------------------ inside

    def _decoded(self, z: Array) -> Decoded:
        z = np.asarray(z, dtype=np.float32)
        x = self.decode(z.reshape(-1, self.dim))
        return Decoded(z, x.reshape(*z.shape[:-1], *x.shape[1:]), self.spec, self.painter)


def _check_points(points: object) -> None:
    """Raise ConfigError for what holds no points."""
    listed = isinstance(points, Sequence) and not isinstance(points, (str, bytes))
    listed = listed or (isinstance(points, np.ndarray) and points.ndim > 0)
    expect(listed, f"expected points, one after the other: [3, 7]; got {points!r:.80}.")
