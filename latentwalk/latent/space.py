"""Encoded examples, and the way back to data.

`LatentSpace` is what `Autoencoder.space(X)` gives. Its methods are moves: they decode points nobody encoded. Judgements of
the space (continuity, completeness, …) are functions in `criteria`, so that new ones need no new method. A point is named in
one of three ways: a row number of the encoded examples, a code (D,), or an example (*E), which is encoded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL.Image import Image
from scipy.special import ndtri

from latentwalk.data.spec import DataSpec
from latentwalk.drawing.html import figure
from latentwalk.drawing.painter import Painter
from latentwalk.errors import ConfigError, DataError, unknown
from latentwalk.latent.decoded import Decoded
from latentwalk.latent.diagnosis import Diagnosis, diagnose
from latentwalk.latent.holes import Holes
from latentwalk.latent.moves import barycentres as blends
from latentwalk.latent.moves import blends as blending
from latentwalk.latent.moves import directions
from latentwalk.latent.moves import grafts as grafting
from latentwalk.latent.moves.directions import Attribute, Confounders, Direction
from latentwalk.latent.moves.grafts import Onto
from latentwalk.latent.moves.graph import Graph
from latentwalk.latent.moves.paths import PathName, check_path
from latentwalk.latent.moves.walks import Walk, journey
from latentwalk.latent.origin import Origin
from latentwalk.latent.samplers import KINDS, FittedSampler, MomentMatched, Posterior, Sampler, fitted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from latentwalk.latent.maps.chart import Chart

__all__ = ["LatentSpace", "Point"]

Codes = NDArray[np.float32]
Point = int | np.integer[Any] | NDArray[Any] | Sequence[float]


@dataclass(frozen=True, eq=False)  # without slots, for the cached properties
class LatentSpace:
    """Encoded examples, and the way back to data.

    codes: (n, D) posterior means. scales: (n, D) posterior standard deviations, zeros for a plain autoencoder.
    data: (n, *E) the encoded examples, in their own units. decode: (m, D) → (m, *E) likelihood means in those units.
    prior: the model's own sampling distribution. labels: (n,) integers into `classes`, or None.
    unit: what one standard unit of the data is (255 for bytes of an image, a column's deviation for a table); distances
    between examples are measured in it. held_out: (n,) the rows the model was not trained on; None where that is not known.
    encode: (m, *E) → means and deviations of q(z | x), each (m, D); None where examples can no longer be encoded.
    spec: what an example is. attributes: what else is known of each row, by name, (n,) each: 0 or 1, a probability, a number.
    model: names the decoder, so that a direction found in another space is known to be foreign; "" is not checked.
    fitted: the sampler that was saved with the model, if one was. posterior: q(z | u) with gradients, and the encoded examples
    as networks see them, for "vamp"; None where q(z | x) is a point.
    origin: what that model was made of and how it learnt, where that is known.
    """

    codes: Codes
    scales: Codes
    data: NDArray[Any]
    decode: Callable[[NDArray[Any]], NDArray[np.float32]]
    prior: Sampler
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    unit: NDArray[np.float32] = field(default_factory=lambda: np.ones(1, np.float32))
    held_out: NDArray[np.bool_] | None = None
    encode: Callable[[NDArray[Any]], tuple[Codes, Codes]] | None = None
    spec: DataSpec | None = None
    attributes: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    model: str = ""
    fitted: FittedSampler | None = None
    posterior: Posterior | None = None
    origin: Origin | None = None

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def dim(self) -> int:
        """D, the number of latent dimensions."""
        return self.codes.shape[1]

    @cached_property
    def holes(self) -> Holes:
        """Where no encoded data lies. Found when first asked for."""
        return Holes.of(self)

    @cached_property
    def graph(self) -> Graph:
        """Codes, and what it costs to go from one to another: where `path="density"` leads. Made when first asked for."""
        return Graph.of(self)

    @cached_property
    def painter(self) -> Painter | None:
        """How examples are drawn; None where it is not known what an example is."""
        return None if self.spec is None else Painter.of(self.spec, self.data)

    @cached_property
    def chart(self) -> "Chart":
        """The plane that `plot` draws on, and its holes. Made when first asked for."""
        from latentwalk.latent.maps.chart import Chart

        return Chart.of(self)

    # ------------------------------------------------------------------ moves

    def walk(self, a: Point, b: Point, steps: int = 11, path: PathName = "spherical") -> Walk:
        """The way from `a` to `b`, decoded at even times: z (steps, D), x (steps, *E), and where it crosses holes.

        path: "spherical" (keeps the distance from the origin), "linear", "quantile" (evenly through the mass of N(0, I)) or
        "density" (around holes; needs 40 codes or more). Both ends are exact; where they are equal, so are all steps.
        Raises ConfigError, DataError.
        """
        _expect(_whole(steps) and steps >= 2, f"a walk needs at least 2 steps, a whole number; got steps={steps!r}.")
        return self.journey([a, b], steps, path)

    def journey(
        self, points: Sequence[Point], steps: int | None = None, path: PathName = "spherical", *, loop: bool = False
    ) -> Walk:
        """A walk through several points, each hit exactly; the steps between them are as even as that allows.

        steps: in all; ten from one point to the next unless given. loop: back to the first point, which is then the last step
        too. path: see `walk`. Raises ConfigError, DataError.
        """
        check_path(path)
        legs = len(points) - 1 + loop
        _expect(len(points) >= 2, f"a walk leads from one point to another, got {len(points)}.")
        steps = 10 * legs + 1 if steps is None else steps
        need = f"a walk through {len(points)} points{' and back' * loop} needs at least {legs + 1} steps"
        _expect(_whole(steps) and steps > legs, f"{need}, a whole number; got steps={steps!r}.")
        codes = np.stack([self.code(point) for point in points])
        way = journey(self, np.concatenate([codes, codes[:loop]]), int(steps), path)
        at = self._decoded(way.z)
        return Walk(at.z, at.x, at.spec, at.painter, space=self, t=way.t, line=way.line, closed=loop)

    def blend(self, points: Sequence[Point], weights: ArrayLike | None = None, how: blends.BlendName = "mean") -> Decoded:
        """Several points in one: z (D,), x (*E).

        weights: (k,), 0 or more, not all 0; they are divided by their sum, and equal unless given. how: "mean" (of codes),
        "spherical" (of their directions and lengths) or "product" (of the posteriors q(z | x), each to the power of its weight:
        its mean, where who is surer of a coordinate decides more of it; points are rows or examples, no bare codes).
        Raises ConfigError.
        """
        return self._decoded(blending.blended(self, points, blends.shares(len(points), weights), how)[None])[0]

    def between(self, a: Point, b: Point, steps: int = 7, how: blends.BlendName = "mean") -> Decoded:
        """Blends of two points, from one to the other: z (steps, D), x (steps, *E). how: see `blend`. Raises ConfigError."""
        _expect(_whole(steps) and steps >= 2, f"from one point to the other takes at least 2 steps; got steps={steps!r}.")
        weights = np.linspace([1, 0], [0, 1], steps)  # (steps, 2)
        return self._decoded(np.stack([blending.blended(self, [a, b], pair, how) for pair in weights]))

    def swap(self, a: Point, b: Point, axes: int | Sequence[int]) -> Decoded:
        """`a` with these coordinates of `b`: z (D,), x (*E). Raises ConfigError."""
        chosen = [self._axis(axis) for axis in np.atleast_1d(np.asarray(axes, dtype=object))]
        _expect(len(chosen) > 0, "swap needs at least one axis, got none.")
        z = self.code(a).copy()
        z[chosen] = self.code(b)[chosen]
        return self._decoded(z[None])[0]

    def grid(self, axes: tuple[int, int] = (0, 1), steps: int = 15, over: Literal["prior", "codes"] = "prior") -> Decoded:
        """A plane of the space, decoded: z (steps, steps, D), x (steps, steps, *E); the first axis runs down from high values.

        over: "prior" spaces the points by the quantiles .05 to .95 of N(0, 1); "codes" evenly between the codes' 1 % and
        99 % quantiles, for a plain autoencoder whose codes know nothing of N(0, 1). The other axes stay at the codes' mean.
        """
        across, down = (self.axis_values(axis, steps, over) for axis in axes)
        z = np.tile(self.codes.mean(axis=0), (steps, steps, 1))
        z[..., axes[0]] = across[None, :]
        z[..., axes[1]] = down[::-1, None]
        return self._decoded(z)

    def traverse(self, x: Point, axis: int, steps: int = 11, over: Literal["prior", "codes"] = "codes") -> Decoded:
        """One point with one of its coordinates moved through its range: z (steps, D), x (steps, *E)."""
        z = np.tile(self.code(x), (steps, 1))
        z[:, self._axis(axis)] = self.axis_values(axis, steps, over)
        return self._decoded(z)

    def sample(self, n: int, source: str | Sampler = "prior", seed: int | None = 0) -> Decoded:
        """`n` new examples: codes drawn from `source` and decoded. z (n, D), x (n, *E).

        source: see `sampler`.
        """
        _expect(_whole(n) and n >= 0, f"n={n!r}: expected a whole number of examples, 0 or more.")
        return self._decoded(self.sampler(source)(n, np.random.default_rng(seed)))

    def direction(self, having: Attribute, lacking: Attribute | None = None, *, without: Confounders = ()) -> Direction:
        """The step from examples that lack something to examples that have it, other things being equal (see `directions`).

        having: the name of one of `attributes` (its larger value of two, or a probability above .5, has it) or of a class,
        row numbers, or a mask (n,). lacking: the same; None is all others of which it is known. without: confounders to take
        out, as names of attributes, arrays (n,), or "auto" for those attributes that go along with it, by correlation. Rows
        whose value of any of these is NaN have no part.
        Raises DataError: a side is empty, an attribute with one class only, rows on both sides, too few rows for so many
        confounders. ConfigError: an unknown name, an attribute that is an amount, confounders that say all there is to say.
        """
        return directions.found(self, having, lacking, without)

    def graft(
        self,
        x: Point,
        direction: Direction | ArrayLike,
        strength: ArrayLike = 1.0,
        *,
        region: ArrayLike | None = None,
        onto: Onto | None = None,
    ) -> Decoded:
        """A point moved `strength` times along a direction, (D,) numbers or a `Direction`: z (D,), x (*E).

        x: a row, an example or a code; also several, examples (n, *E) or codes (n, D). strength: 0 changes nothing; several,
        (S,), give a sweep: z (S, …, D), x (S, …, *E). region: where the picture may change, weights (H, W) in [0, 1] or a box
        (top, left, bottom, right) in shares of the sides. onto: "picture" adds to the picture itself what the step changes, and
        cuts at the data's range; "reconstruction" is what the moved code decodes to. The first is meant for pictures unless
        given, the second for codes and for all that is no image.
        Raises ConfigError, also for a direction found with another model.
        """
        return grafting.graft(self, x, direction, strength, region, onto)

    # ------------------------------------------------------------------ places

    def code(self, point: Point) -> Codes:
        """The code (D,) of a row number or of an example (*E), or the code itself. Raises ConfigError.

        Where an example has the shape of a code, (D,), that is what it is taken for.
        """
        if isinstance(point, (int, np.integer)):
            _expect(-len(self) <= point < len(self), f"row {point} is not among the {len(self)} encoded examples.")
            return self.codes[point]
        try:
            code = np.asarray(point, dtype=np.float32)
        except (TypeError, ValueError):
            raise ConfigError(f"a point is a row number or a code of {self.dim} numbers, got {point!r}.") from None
        if code.shape != (self.dim,) and code.shape == self.data.shape[1:] and self.encode is not None:
            code = self.encode(np.asarray(point)[None])[0][0]
        _expect(
            code.shape == (self.dim,),
            f"expected a row number, a code of shape ({self.dim},) or an example of shape {self.data.shape[1:]}, "
            f"got shape {code.shape}.",
        )
        _expect(bool(np.isfinite(code).all()), f"a code must be finite, got {code}.")
        return code

    def typical(self, label: int | str) -> int:
        """The row of class `label` whose code lies nearest to that class's median code: a fair representative."""
        rows = np.flatnonzero(self._labels() == self._class(label))
        if len(rows) == 0:
            raise DataError(f"no example of class {str(label)!r} was encoded.")
        away = self.codes[rows] - np.median(self.codes[rows], axis=0)
        return int(rows[np.argmin((away**2).sum(axis=1))])

    def axis_values(self, axis: int, steps: int, over: str) -> NDArray[Any]:
        """`steps` increasing values along one axis, as `grid` uses them: (steps,)."""
        axis = self._axis(axis)
        _expect(_whole(steps) and steps >= 1, f"expected a whole number of steps, at least 1; got steps={steps!r}.")
        match over:
            case "prior":
                return np.asarray(ndtri(np.linspace(0.05, 0.95, steps)))
            case "codes":
                low, high = np.quantile(self.codes[:, axis], [0.01, 0.99])
                return np.linspace(low, high, steps)
        raise unknown("range", over, ["prior", "codes"])

    # ------------------------------------------------------------------ draws

    def draw_codes(self, rng: np.random.Generator) -> Codes:
        """One draw of q(z | x) for every example: (n, D). For a plain autoencoder, the codes themselves."""
        return self.codes + self.scales * rng.standard_normal(self.codes.shape).astype(np.float32)

    def gaussian(self, seed: int = 0) -> Sampler:
        """The Gaussian with the mean and the covariance of `draw_codes`."""
        return MomentMatched.fit(self.draw_codes(np.random.default_rng(seed)))

    def sampler(self, source: str | Sampler) -> Sampler:
        """The sampler of that name; one that is given, (n, generator) → (n, D), is given back as it is.

        "prior"; "fitted", the one saved with the model; or a kind in `KINDS` ("gaussian", "mixture", "vamp", "flow", …), fitted
        to these codes when first asked for. Raises ConfigError, and DataError where the codes are too few.
        """
        if not isinstance(source, str):
            return source
        if source == "prior":
            return self.prior
        if source == "fitted":
            if self.fitted is None:
                raise ConfigError('no sampler was fitted to this model. Do: fit_sampler(X), or name one, say "mixture".')
            return self.fitted
        if source not in self._samplers:
            self._samplers[source] = self.fit_sampler(source)
        return self._samplers[source]

    def fit_sampler(self, kind: str, rows: NDArray[np.intp] | None = None, seed: int = 0) -> FittedSampler:
        """A new sampler of a kind in `KINDS`, fitted to one draw of q(z | x) for each of these rows (all unless given).

        Raises ConfigError, DataError.
        """
        if kind not in KINDS:
            raise unknown("sampling distribution", kind, ["prior", "fitted", *(name for name in KINDS if name != "prior")])
        codes, posterior = self.draw_codes(np.random.default_rng(seed)), self.posterior
        if rows is not None:
            codes, posterior = codes[rows], None if posterior is None else posterior.among(rows)
        return fitted(kind, codes, seed, posterior)

    def among(self, rows: NDArray[np.intp]) -> "LatentSpace":
        """The space as some rows see it, in that order."""
        kept = {
            name: value[rows]
            for name in ("codes", "scales", "data", "labels", "held_out")
            if (value := getattr(self, name)) is not None
        }
        attributes = {name: values[rows] for name, values in self.attributes.items()}
        return replace(self, **kept, attributes=attributes, posterior=self.posterior and self.posterior.among(rows))

    @cached_property
    def _samplers(self) -> dict[str, FittedSampler]:
        """Those that were fitted to these codes already, by name."""
        return {}

    # ------------------------------------------------------------------ pictures

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The map of the space: codes coloured by class, holes shaded. On `ax`, or on a new figure: `.figure` is the picture.

        D > 2 is seen as a shadow on the codes' first two principal axes, and shaded where no shadow falls.
        """
        from latentwalk.latent.maps.chart import draw_space

        return draw_space(self, ax)

    def sheet(self, points: Sequence[Point], made: Decoded) -> Image:
        """One picture: the examples that points are, their reconstructions, and what was `made` of them (a blend, a swap, …).

        Shows itself in a notebook; `.save("blend.png")` writes it. Raises ConfigError for a bare code.
        """
        return blending.sheet(self, points, made)

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

    # ------------------------------------------------------------------ judged

    def diagnose(self, new: ArrayLike | None = None, seed: int = 0) -> Diagnosis:
        """What is wrong, in plain words, with the one change to try; new: rows (m, *E) to judge beside those encoded.

        Raises DataError, ConfigError: see `latent.diagnosis`.
        """
        return diagnose(self, new, seed)

    # ------------------------------------------------------------------ inside

    def _decoded(self, z: NDArray[Any]) -> Decoded:
        z = np.asarray(z, dtype=np.float32)
        x = self.decode(z.reshape(-1, self.dim))
        return Decoded(z, x.reshape(*z.shape[:-1], *x.shape[1:]), self.spec, self.painter)

    def _axis(self, axis: int) -> int:
        known = _whole(axis) and 0 <= axis < self.dim
        _expect(known, f"axis {axis} is not among the {self.dim} latent dimensions (0 to {self.dim - 1}).")
        return axis

    def _labels(self) -> NDArray[np.int64]:
        if self.labels is None:
            raise DataError("this space has no labels. Give them: space(X, y).")
        return self.labels

    def _class(self, label: int | str) -> int:
        names = self.classes or tuple(str(value) for value in np.unique(self._labels()))
        if str(label) not in names:
            raise unknown("class", str(label), names)
        return names.index(str(label)) if self.classes else int(label)


def _whole(number: object) -> bool:
    return isinstance(number, (int, np.integer))


def _expect(holds: "bool | np.bool_", message: str) -> None:
    if not holds:
        raise ConfigError(message)
