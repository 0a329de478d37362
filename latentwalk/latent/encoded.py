"""Encoded examples, and the way back to data: the ground that every move, criterion, map and diagnosis stands on.

A point is named in one of four ways: a row number of the encoded examples, a code (D,), an example (*E), which is encoded, or
a picture of any size, as a file or Pillow's, which is fitted first.
"""

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from latentwalk.arrays import Array
from latentwalk.chance import rng_of
from latentwalk.data.edits import edit_distance
from latentwalk.data.music import Piece, is_music, overlap_distance, rolls_of
from latentwalk.data.original import Original, Pictured
from latentwalk.data.spec import DataSpec
from latentwalk.data.spectra import log_spectra
from latentwalk.data.units import is_text, texts_of
from latentwalk.drawing.painter import Painter
from latentwalk.errors import ConfigError, DataError, unknown
from latentwalk.latent.codes import Codes
from latentwalk.latent.decoded import Decoded
from latentwalk.latent.origin import Origin
from latentwalk.latent.samplers import KINDS, FittedSampler, Posterior, Sampler, fitted
from latentwalk.models.prior import PriorSampler

__all__ = ["Condition", "Encoded", "Part", "Point", "expect", "is_whole"]

SIDE = 10_000  # steps along an axis, at most
LAID_OUT = 20_000  # draws that quantiles are read off, of a prior that knows none
Made = TypeVar("Made")
Point = int | np.integer[Any] | Array | Sequence[float] | Pictured | Piece


class Part(Protocol):
    """What is made of a whole space, and kept with it: its holes, its graph, its chart."""

    @classmethod
    def of(cls, space: "Encoded", /) -> Self:
        """That of a space."""


OfSpace = TypeVar("OfSpace", bound=Part)


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """What a model that is told a label with each example is told of the rows of a space.

    rows: (n, C) what it is told of each row.
    decode: codes (m, D), and (C,) or (m, C) → (m, *E).
    encode: examples (m, *E), and (C,) → means and deviations, each (m, D).
    of: label → (C,). Raises ConfigError for a label that the model does not know.
    """

    rows: Codes
    decode: Callable[[Array, Codes], NDArray[np.float32]]
    encode: Callable[[Array, Codes], tuple[Codes, Codes]]
    of: Callable[[Any], Codes]


@dataclass(frozen=True, eq=False)  # without slots, for what is kept
class Encoded(ABC):
    """Encoded examples, and the way back to data. Abstract: the final class is `LatentSpace`, which moves.

    codes: (n, D) posterior means.
    scales: (n, D) posterior standard deviations, zeros for a plain autoencoder.
    data: (n, *E) the encoded examples, in their own units.
    decode: (m, D) → (m, *E) likelihood means in those units.
    prior: the model's own sampling distribution.
    labels: (n,) integers into `classes`, or None.
    unit: what one standard unit of the data is (255 for bytes of an image, a column's deviation for a table); distances between
        examples are measured in it.
    held_out: (n,) the rows the model was not trained on; None where that is not known.
    encode: (m, *E) → means and deviations of q(z | x), each (m, D); None where examples can no longer be encoded.
    spec: what an example is.
    attributes: what else is known of each row, by name, (n,) each: 0 or 1, a probability, a number.
    model: names the decoder, so that a direction found in another space is known to be foreign; "" is not checked.
    fitted: the sampler that was saved with the model, if one was.
    posterior: q(z | u) with gradients, and the encoded examples as networks see them, for "vamp"; None where q(z | x) is a
        point.
    origin: what that model was made of and how it learnt, where that is known.
    condition: of a model that is told a label with each example; `decode` and `encode` then are under one label, the most
        frequent one unless `under` says another. None for all other models.
    """

    codes: Codes
    scales: Codes
    data: Array
    decode: Callable[[Array], NDArray[np.float32]]
    prior: Sampler
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    unit: NDArray[np.float32] = field(default_factory=lambda: np.ones(1, np.float32))
    held_out: NDArray[np.bool_] | None = None
    encode: Callable[[Array], tuple[Codes, Codes]] | None = None
    spec: DataSpec | None = None
    attributes: Mapping[str, Array] = field(default_factory=dict)
    model: str = ""
    fitted: FittedSampler | None = None
    posterior: Posterior | None = None
    origin: Origin | None = None
    condition: Condition | None = None

    @abstractmethod
    def sample(self, n: int, source: str | Sampler = "prior", seed: int | None = 0) -> Decoded:
        """`n` new examples: codes drawn from `source` and decoded."""

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def dim(self) -> int:
        """D, the number of latent dimensions."""
        return self.codes.shape[1]

    @property
    def unseen(self) -> NDArray[np.intp]:
        """The rows the model was not trained on, in order; all rows where that is not known."""
        return np.arange(len(self)) if self.held_out is None else np.flatnonzero(self.held_out)

    def among(self, rows: NDArray[np.intp]) -> Self:
        """The space as some rows see it, in that order."""
        kept = {
            name: value[rows]
            for name in ("codes", "scales", "data", "labels", "held_out")
            if (value := getattr(self, name)) is not None
        }
        return replace(
            self,
            **kept,
            attributes={name: values[rows] for name, values in self.attributes.items()},
            posterior=self.posterior and self.posterior.among(rows),
            condition=self.condition and replace(self.condition, rows=self.condition.rows[rows]),
        )

    def under(self, label: int | str) -> Self:
        """The space of a model with a condition in which every point, rows too, decodes under this label.

        Raises ConfigError for a label that the model does not know, and where it takes no condition.
        """
        known = self.condition
        if known is None:
            raise ConfigError("this model takes no condition. Fit one that does: Autoencoder(condition=True).fit(X, y).")
        told = known.of(label)
        return replace(
            self,
            decode=lambda z: known.decode(z, told),
            encode=lambda x: known.encode(x, told),
            condition=replace(known, rows=np.tile(told, (len(self), 1))),
        )

    # ------------------------------------------------------------------ kept

    def kept(self, kind: type[OfSpace]) -> OfSpace:
        """The space's own `Holes`, `Graph`, `Chart`, …: made when first asked for. Raises what making it raises."""
        return self.once(kind, lambda: kind.of(self))

    def once(self, key: Any, make: Callable[[], Made]) -> Made:
        """What was made of the space under this key, or else what `make` makes, which is kept from then on."""
        if key not in self._made:
            self._made[key] = make()
        found: Made = self._made[key]
        return found

    @property
    def painter(self) -> Painter | None:
        """How examples are drawn; None where it is not known what an example is."""
        spec = self.spec
        return None if spec is None else self.once(Painter, lambda: Painter.of(spec, self.data))

    # ------------------------------------------------------------------ places

    def rows_of(self, x: Any) -> Any:
        """In a space of texts, a text as a row (T,) of numbers of units, texts as rows (n, T); of music, pieces likewise; all
        else as it is.

        Raises DataError for a text that is too long, ConfigError for a piece where there is no music.
        """
        if isinstance(x, Piece) or is_music(x):
            expect(self.spec is not None and self.spec.score is not None, "this space is not one of music.")
            assert self.spec is not None and self.spec.score is not None
            if self.spec.vocabulary is None:
                rolls = rolls_of([x] if isinstance(x, Piece) else x, self.spec.shape[0])
                return rolls[0] if isinstance(x, Piece) else rolls
            said = [self.spec.score.text(one)[0] for one in ([x] if isinstance(x, Piece) else x)]
            x = said[0] if isinstance(x, Piece) else said
        text, vocabulary = isinstance(x, str), None if self.spec is None else self.spec.vocabulary
        if vocabulary is None or self.spec is None or not (text or is_text(x)):
            return x
        rows = vocabulary.rows([x] if text else texts_of(x), self.spec.size)
        return rows[0] if text else rows

    def code(self, point: Point) -> Codes:
        """The code (D,) of a row number, of an example (*E) or of a picture, or the code itself. Raises ConfigError, DataError.

        Where an example has the shape of a code, (D,), that is what it is taken for.
        """
        point = self.rows_of(point)
        assert not isinstance(point, Piece)
        if self.encode is not None and self.serial and self._is_row(point):
            return self.encode(np.asarray(point)[None])[0][0]
        if isinstance(point, (str, os.PathLike, Image)):
            point = self._seen(point)
        if isinstance(point, (int, np.integer)) and not isinstance(point, bool):
            expect(-len(self) <= point < len(self), f"row {point} is not among the {len(self)} encoded examples.")
            return self.codes[point]
        try:
            code = np.asarray(point, dtype=np.float32)
        except (TypeError, ValueError):
            raise ConfigError(f"a point is a row number or a code of {self.dim} numbers, got {point!r}.") from None
        if code.shape != (self.dim,) and code.shape == self.data.shape[1:] and self.encode is not None:
            code = self.encode(np.asarray(point)[None])[0][0]
        expect(
            code.shape == (self.dim,),
            f"expected a row number, a code of shape ({self.dim},) or an example of shape {self.data.shape[1:]}, "
            f"got shape {code.shape}.",
        )
        expect(bool(np.isfinite(code).all()), f"a code must be finite, got {code}.")
        return code

    def _seen(self, picture: Pictured) -> Array:
        """A picture of any size as an example (*E)."""
        pictured = self.spec is not None and self.spec.form.pictured and self.encode is not None
        expect(pictured, f"a point is a row number or a code of {self.dim} numbers, got {picture!r:.200}.")
        assert self.spec is not None
        return Original.of(picture).seen(self.spec)

    def typical(self, label: int | str) -> int:
        """The row of class `label` whose code lies nearest to that class's median code: a fair representative."""
        rows = np.flatnonzero(self._labels() == self._class(label))
        if len(rows) == 0:
            raise DataError(f"no example of class {str(label)!r} was encoded.")
        away = self.codes[rows] - np.median(self.codes[rows], axis=0)
        return int(rows[np.argmin((away**2).sum(axis=1))])

    def axis_values(self, axis: int, steps: int, over: str) -> Array:
        """`steps` increasing values along one axis, as `LatentSpace.grid` uses them: (steps,)."""
        axis = self._axis(axis)
        expect(isinstance(over, str), f"over={over!r}: expected 'prior' or 'codes'.")
        expect(is_whole(steps) and 1 <= steps <= SIDE, f"expected a whole number of steps, 1 to {SIDE}; got steps={steps!r}.")
        match over:
            case "prior":
                return self.prior_quantiles(np.linspace(0.05, 0.95, steps))[:, axis]
            case "codes":
                low, high = np.quantile(self.codes[:, axis], [0.01, 0.99])
                return np.linspace(low, high, steps)
        raise unknown("range", over, ["prior", "codes"])

    @property
    def prior_title(self) -> str:
        """What the prior is called: "N(0, I)", say."""
        return self.prior.title if isinstance(self.prior, PriorSampler) else "prior"

    def prior_quantiles(self, p: Array) -> Array:
        """For shares p (m,), what so much of the prior's mass lies below in each dimension: (m, D)."""
        if isinstance(self.prior, PriorSampler):
            return self.prior.quantiles(p)
        return np.asarray(np.quantile(self.prior(LAID_OUT, np.random.default_rng(0)), p, axis=0))

    # ------------------------------------------------------------------ how far examples are apart

    @property
    def serial(self) -> bool:
        """Whether examples are rows of units, so that they have no values to subtract."""
        return self.spec is not None and self.spec.form.serial

    def apart(self, a: Array, b: Array) -> NDArray[np.float64]:
        """How far examples a and b (m, *E) are apart, each from its own: (m,).

        The root of the summed squared difference, in `unit`s; of texts, the edits that make one the other, as a share of the
        longer (see `edits`); of music, the share of what sounds in either that does not sound alike in both.
        """
        if self.spec is not None and self.spec.score is not None and self.spec.vocabulary is not None:
            words = self.spec.vocabulary.written
            return overlap_distance(*(self.spec.score.sounding(*words(rows)) for rows in (a, b)))
        if self.serial:
            return edit_distance(a, b)
        found: NDArray[np.float64] = np.linalg.norm(self.flat(b) - self.flat(a), axis=1)
        return found

    def decoded_rows(self, z: Array, rows: Array | None = None) -> Array:
        """What codes (m, D) decode to, (m, *E), checked. rows: (m,) those under whose labels they decode, see `decode_as`.

        Raises DataError where the decoder gives another shape, NaN or infinity.
        """
        codes = z.astype(self.codes.dtype)
        x = np.asarray(self.decode(codes) if rows is None else self.decode_as(codes, rows))
        if x.shape != (len(z), *self.data.shape[1:]):
            raise DataError(f"the decoder gave shape {x.shape} for {len(z)} codes; expected {(len(z), *self.data.shape[1:])}.")
        bad = ~np.isfinite(x.reshape(len(z), -1)).all(axis=1)
        if bad.any():
            raise DataError(
                f"the decoder gave NaN or infinity for {bad.sum()} of {len(z)} codes, the first {z[bad.argmax()]}. "
                "The model has diverged: train again with a lower learning rate."
            )
        return x

    # ------------------------------------------------------------------ what codes decode to, as points

    def decode_as(self, z: Array, rows: Array) -> NDArray[np.float32]:
        """What codes z (m, D) decode to (m, *E) under the labels of these rows (m,); labels matter to few models."""
        return self.decode(z) if self.condition is None else self.condition.decode(z, self.condition.rows[rows])

    def outputs(self, z: Array, rows: Array | None = None) -> Array:
        """What codes (m, D) decode to, flattened, in units of the data: (m, prod(E)), between which distances are measured.

        rows: (m,) those under whose labels they decode, see `decode_as`.
        Raises DataError: see `decoded_rows`, `flat`.
        """
        return self.flat(self.decoded_rows(z, rows))

    def flat(self, x: Array) -> Array:
        """Examples (m, *E) in standard units, one row each: (m, prod(E)); float64 stays, all else becomes float32.

        Sounds as the log-magnitudes of their spectra, (m, S): two that sound alike may differ in every sample.
        Raises DataError for texts, whose units are no amounts.
        """
        if self.serial:
            raise DataError("a text has no values to subtract. This is for images, tables and signals.")
        values = x / np.asarray(self.unit, dtype=x.dtype if x.dtype == np.float64 else np.float32)
        if self.spec is not None and self.spec.form.heard:
            return log_spectra(values.reshape(len(x), *self.spec.shape), self.spec.rate)
        rows: Array = values.reshape(len(x), math.prod(x.shape[1:]))
        return rows

    # ------------------------------------------------------------------ draws

    def draw_codes(self, rng: np.random.Generator) -> Codes:
        """One draw of q(z | x) for every example: (n, D). For a plain autoencoder, the codes themselves."""
        return self.codes + self.scales * rng.standard_normal(self.codes.shape).astype(np.float32)

    def sampler(self, source: str | Sampler) -> Sampler:
        """The sampler of that name; one that is given, (n, generator) → (n, D), is given back as it is.

        "prior"; "fitted", the one saved with the model; or a kind in `KINDS` ("gaussian", "mixture", "vamp", "flow", …), fitted
        to these codes when first asked for. Raises ConfigError, and DataError where the codes are too few.
        """
        if not isinstance(source, str):
            expect(
                callable(source), f"sampler={source!r}: expected a name, or a function (n, generator) → codes (n, {self.dim})."
            )
            return source
        if source == "prior":
            return self.prior
        if source == "fitted":
            if self.fitted is None:
                raise ConfigError('no sampler was fitted to this model. Do: fit_sampler(X), or name one, say "mixture".')
            return self.fitted
        return self.once(source, lambda: self.fit_sampler(source))

    def fit_sampler(self, kind: str, rows: NDArray[np.intp] | None = None, seed: int = 0) -> FittedSampler:
        """A new sampler of a kind in `KINDS`, fitted to one draw of q(z | x) for each of these rows (all unless given).

        Raises ConfigError, DataError.
        """
        if kind not in KINDS:
            raise unknown("sampling distribution", kind, ["prior", "fitted", *(name for name in KINDS if name != "prior")])
        codes, posterior = self.draw_codes(rng_of(seed)), self.posterior
        if rows is not None:
            codes, posterior = codes[rows], None if posterior is None else posterior.among(rows)
        return fitted(kind, codes, seed, posterior)

    # ------------------------------------------------------------------ inside

    @cached_property
    def _made(self) -> dict[Any, Any]:
        """All that was made of this space already."""
        return {}

    def _axis(self, axis: int) -> int:
        known = is_whole(axis) and 0 <= axis < self.dim
        expect(known, f"axis {axis} is not among the {self.dim} latent dimensions (0 to {self.dim - 1}).")
        return axis

    def _is_row(self, point: Any) -> bool:
        """Whether a point is a text, as a row of whole numbers."""
        return np.shape(point) == self.data.shape[1:] and np.asarray(point).dtype.kind in "iu"

    def _labels(self) -> NDArray[np.int64]:
        if self.labels is None:
            raise DataError("this space has no labels. Give them: space(X, y).")
        return self.labels

    def _class(self, label: int | str) -> int:
        names = self.classes or tuple(str(value) for value in np.unique(self._labels()))
        if str(label) not in names:
            raise unknown("class", str(label), names)
        return names.index(str(label)) if self.classes else int(label)


def is_whole(number: object) -> bool:
    """Whether it is a whole number."""
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)


def expect(holds: "bool | np.bool_", message: str) -> None:
    """Raise ConfigError with this message where something does not hold."""
    if not holds:
        raise ConfigError(message)
