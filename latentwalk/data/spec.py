"""What one example is: `DataSpec`, inferred once, when the data is first seen; it travels with the model from then on.

What is common to all data of a kind is a row of `FORMS`: a new kind of data is a row there, one in the tables of networks and
likelihoods, and a painter.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from latentwalk.arrays import Array
from latentwalk.checks import one_of
from latentwalk.data.columns import Column
from latentwalk.data.counts import Totals, looks_counted
from latentwalk.data.gaps import MissingPatterns
from latentwalk.data.limits import Limit
from latentwalk.data.music import KEYS, Notation
from latentwalk.data.powers import Power
from latentwalk.data.rows import evenly, pieces, value_range
from latentwalk.data.units import Vocabulary
from latentwalk.errors import DataError

__all__ = ["FORMS", "Axes", "DataSpec", "Form", "Kind", "Layout"]

Kind = Literal["image", "table", "signal", "text", "music", "roll", "film", "sound"]
Layout = Literal["HW", "HWC", "CHW", "flat", "T", "TF", "units", "keys", "THW", "THWC"]
DARKEST = 2.0**-16  # images that nowhere reach it are no fractions of white, but have units of their own
LATE = ("limits", "powers", "gaps", "vocabulary", "score", "counted", "totals", "rate")  # what a file says where there is any
COLOURS = (1, 3, 4)  # channels by which an image is told from a block of numbers


@dataclass(frozen=True, slots=True)
class Axes:
    """How an example lies in an array.

    count: of its axes; None: any. channel: the axis of its channels, 0 or -1; None: there is none. channels: how many channels
    there can be where a layout is read off a shape; (): any number.
    """

    count: int | None
    channel: int | None = None
    channels: tuple[int, ...] = ()

    def fit(self, shape: tuple[int, ...]) -> bool:
        """Whether an event (*E) of this shape can lie so."""
        return self.count in (None, len(shape))

    def suit(self, shape: tuple[int, ...]) -> bool:
        """Whether one of this shape is likely to."""
        return self.fit(shape) and (self.channel is None or not self.channels or shape[self.channel] in self.channels)

    def event(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape (*E) with channels first, as networks see it."""
        if self.count is None:
            return (math.prod(shape),)
        if self.channel is None:
            return (1, *shape)
        return shape if self.channel == 0 else (shape[-1], *shape[:-1])


@dataclass(frozen=True, slots=True)
class Form:
    """What all data of a kind has in common.

    layouts: how its examples can lie in an array, the likeliest first.
    shapes: the same, in words.
    units: what is measured in a unit of its own, each "value" (column) or "channel", or the whole example as "one".
    bounded: whether values have ends that are known beforehand, black and white, and are all there; otherwise NaN says that
        one was not observed. A film that ends before others has NaN from there on.
    pictured: whether an example is a picture.
    timed: whether its first axis is time, so that one example may end before another.
    columned: whether its numbers are columns, each with a meaning of its own.
    serial: whether its numbers stand for units that come one after the other, up to an end: each is likely or not given those
        before it, and none is more than another.
    scored: whether an example is a piece of music.
    heard: whether it is a sound, with samples at a rate.
    """

    layouts: dict[Layout, Axes]
    shapes: str
    units: Literal["one", "channel", "value"]
    bounded: bool = False
    pictured: bool = False
    timed: bool = False
    columned: bool = False
    serial: bool = False
    scored: bool = False
    heard: bool = False


FORMS: dict[Kind, Form] = {
    "image": Form(
        {"HW": Axes(2), "HWC": Axes(3, -1, COLOURS), "CHW": Axes(3, 0, COLOURS)},
        "(H, W), (H, W, C) or (C, H, W) with C in 1, 3, 4. Reshape X, or leave out kind='image'",
        "one",
        bounded=True,
        pictured=True,
    ),
    "table": Form({"flat": Axes(None)}, "any", "value", columned=True),
    "signal": Form({"T": Axes(1), "TF": Axes(2, -1)}, "(T,) or (T, F): time first, then channels", "channel", timed=True),
    "text": Form({"units": Axes(1, 0)}, "(T,), numbers of units. Give a list of strings", "one", bounded=True, serial=True),
    "music": Form(
        {"units": Axes(1, 0)}, "(T,), numbers of words. Give a list of pieces", "one", bounded=True, serial=True, scored=True
    ),
    "roll": Form(
        {"keys": Axes(2, -1, (KEYS,))}, f"(T, {KEYS}): steps, then keys. Give a list of pieces", "one", timed=True, scored=True
    ),
    "film": Form(
        {"THW": Axes(3), "THWC": Axes(4, -1, COLOURS)},
        "(T, H, W) or (T, H, W, C) with C in 1, 3, 4: time first",
        "one",
        bounded=True,
        timed=True,
    ),
    "sound": Form(
        {"T": Axes(1), "TF": Axes(2, -1)}, "(T,) or (T, C): samples first, then channels", "channel", timed=True, heard=True
    ),
}
GUESSED: tuple[Kind, ...] = ("image", "table")  # kinds that are read off a shape, where none is given
RATE = 16_000  # samples a second of sounds given as an array, unless said
RATES = (1_000, 768_000)  # the least and the most that there are


@dataclass(frozen=True, slots=True)
class DataSpec:
    """What one example is.

    kind: "image", "table", "signal", "text", "music" (words of voices), "roll" (music as keys at each step), "film"
        or "sound".
    shape: the event (*E) as its owner gives it: (28, 28), (64, 64, 3), (3, 64, 64), (30,).
    layout: where an image keeps its channels; "flat" for a table; "T" or "TF", time first, for signals, sounds; "units" for
        a text or a piece; "THW" or "THWC", time first, for a film.
    dtype: NumPy's name.
    low, high: the range of the values: 0 and 255 for bytes of an image, what was seen otherwise.
    extreme: the share of values within a twentieth of the range from either end, 1 for binary data.
    missing: whether NaN was seen, which says: not observed. A signal that ends early is NaN from there on.
    columns: what each column of a table is, where they are not all plain numbers; its values are as
        `columns.encoded` has them.
    plain: what the columns of a table of plain numbers are called, and their types, where they have names; nothing is learnt
        from that.
    limits, powers: of each column of a table, what its numbers never are, and the transform that makes them nearly normal;
        found by `fit`, () before, and where there are none. gaps: which of its cells were missing together; None likewise.
    vocabulary: the units that the numbers of a text, or of music as words, stand for; None for all else.
    score: how words or keys are read as music; None for what is no music.
    counted: whether the rows of a table look like counts of many things, with totals of their own. totals: the law of these,
        where they are modelled; found by `fit`.
    rate: of a sound its samples a second; 0 for all else.
    """

    kind: Kind
    shape: tuple[int, ...]
    layout: Layout
    dtype: str
    low: float
    high: float
    extreme: float
    missing: bool = False
    columns: tuple[Column, ...] = ()
    plain: tuple[Column, ...] = ()
    limits: tuple[Limit, ...] = ()
    powers: tuple[Power | None, ...] = ()
    gaps: MissingPatterns | None = None
    vocabulary: Vocabulary | None = None
    score: Notation | None = None
    counted: bool = False
    totals: Totals | None = None
    rate: int = 0

    def __post_init__(self) -> None:
        """Raise DataError where it contradicts itself: it may come from a file."""
        layouts = FORMS[self.kind].layouts if self.kind in FORMS else {}
        fits = self.layout in layouts and layouts[self.layout].fit(self.shape)
        if not (fits and self.shape and all(type(size) is int and size > 0 for size in self.shape)):
            raise DataError(f"no {self.kind} is of shape {self.shape}, laid out as {self.layout}.")
        if np.dtype(self.dtype).kind not in "biuf" or not all(isinstance(end, (int, float)) for end in (self.low, self.high)):
            raise DataError(f"no data is {self.dtype} from {self.low} to {self.high}.")
        for columns in (self.columns, self.plain):
            if not isinstance(columns, tuple) or len(columns) not in (0, *self.shape[:1]):
                raise DataError(f"{len(columns)} columns cannot be those of examples of shape {self.shape}.")
        if not all(isinstance(one, Column) and isinstance(one.name, str) and one.name for one in self.plain):
            raise DataError("columns of plain numbers are told apart by their names; one has none.")
        for found, kind in ((self.limits, Limit), (self.powers, Power | None)):
            of_columns = isinstance(found, tuple) and len(found) == self.size and self.form.columned
            if found and not (of_columns and all(isinstance(one, kind) for one in found)):
                raise DataError(f"{len(found)} limits or transforms cannot be those of {self.size} columns of a {self.kind}.")
        if self.gaps is not None and not (isinstance(self.gaps, MissingPatterns) and self.gaps.columns == self.size):
            raise DataError(f"gaps {self.gaps!r:.80} cannot be those of {self.size} columns.")
        if self.form.serial != isinstance(self.vocabulary, Vocabulary):
            raise DataError(f"a {self.kind} {'has' if self.form.serial else 'has no'} units. Give texts: a list of strings.")
        if self.form.scored != isinstance(self.score, Notation):
            raise DataError(f"a {self.kind} {'has' if self.form.scored else 'has no'} score. Give pieces: a list of `Piece`s.")
        least, most = RATES if self.form.heard else (0, 0)
        if type(self.rate) is not int or not least <= self.rate <= most:
            raise DataError(f"a {self.kind} of {self.rate!r} samples a second. Expected {least:,} to {most:,}.")
        all_counted = bool(self.columns) and all(one.kind == "count" for one in self.columns)
        if self.totals is not None and not (isinstance(self.totals, Totals) and all_counted):
            raise DataError(f"totals {self.totals!r:.80} cannot be those of columns that are no counts.")

    @classmethod
    def infer(cls, x: Array, kind: Kind | None = None, layout: Layout | None = None) -> "DataSpec":
        """The spec of `x` (n, *E), read off its shape and values. `kind` and `layout` override what would be guessed.

        An event of two axes is a gray image; of three, a colour image when its first or last axis has 1, 3 or 4 entries;
        of one axis, a table. Everything else is flattened into a table. kind="signal" reads (T,) or (T, F), T steps in time.
        A table of counts is told by its numbers, see `data.counts`. kind="sound" is taken to have `RATE` samples a second.
        The share of extreme values is that of evenly spaced rows where all would not fit into memory.

        >>> DataSpec.infer(np.zeros((5, 28, 28), np.uint8)).layout
        'HW'
        """
        shape = tuple(int(size) for size in x.shape[1:])
        kind, layout = _form(shape, kind, layout)
        if layout == "THW" and shape[-1] in COLOURS:
            raise DataError(
                f"X of shape {tuple(x.shape)} looks like one film in colour, (T, H, W, C). Films are (n, T, H, W[, C]): give "
                "X[None]."
            )
        bounded = FORMS[kind].bounded
        gaps = (not bounded or FORMS[kind].timed) and x.dtype.kind == "f"
        missing = gaps and any(np.isnan(rows).any() for _, rows in pieces(x))
        low, high = _range(x, bounded)
        counted = FORMS[kind].columned and not missing and low == 0 and looks_counted(x)
        extreme, rate = _extreme(evenly(x), low, high), RATE if FORMS[kind].heard else 0
        return cls(kind, shape, layout, str(x.dtype), low, high, extreme, missing, counted=counted, rate=rate)

    @classmethod
    def of_columns(cls, x: Array, columns: Sequence[Column]) -> "DataSpec":
        """The spec of a table `x` (n, C) whose columns are these."""
        found = cls.infer(x, "table")
        return replace(found, columns=tuple(columns), counted=found.counted and all(one.kind == "count" for one in columns))

    @classmethod
    def of_units(cls, size: int, vocabulary: Vocabulary, score: Notation | None = None) -> "DataSpec":
        """The spec of texts, or with a score of pieces, as rows (size,) of numbers of these units."""
        kind: Kind = "text" if score is None else "music"
        top = len(vocabulary) - 1
        return cls(kind, (size,), "units", "int32", 0, top, 0.0, vocabulary=vocabulary, score=score)

    @classmethod
    def of_keys(cls, steps: int, score: Notation, *, missing: bool) -> "DataSpec":
        """The spec of pieces as rolls (steps, 88). missing: whether some of them are shorter."""
        return cls("roll", (steps, KEYS), "keys", "float32", 0.0, 1.0, 1.0, missing, score=score)

    @property
    def form(self) -> Form:
        """What all data of this kind has in common."""
        return FORMS[self.kind]

    @property
    def axes(self) -> Axes:
        """How examples lie in an array."""
        return self.form.layouts[self.layout]

    @property
    def framed(self) -> bool:
        """Whether examples are the rows of a data frame."""
        return bool(self.columns) and bool(self.columns[0].name)

    @property
    def named(self) -> tuple[Column, ...]:
        """The columns of a table that have names; () where they have none."""
        return self.columns if self.framed else self.plain

    @property
    def channels(self) -> int:
        """Channels of an image, or of the frames of a film; 1 for gray ones."""
        return {"HWC": self.shape[-1], "CHW": self.shape[0], "THWC": self.shape[-1]}.get(self.layout, 1)

    @property
    def event(self) -> tuple[int, ...]:
        """The event as networks see it: (C, H, W) for an image, (D,) for a table, (F, T) for a signal."""
        return self.axes.event(self.shape)

    @property
    def size(self) -> int:
        """Numbers in one example."""
        return math.prod(self.shape)

    @property
    def spoken(self) -> bool:
        """Whether examples are given back as what they stand for: texts, or pieces of music."""
        return self.form.serial or self.form.scored

    def said(self, rows: Array) -> list[Any]:
        """What rows (*B, *E) of numbers of units, or of keys, stand for: texts, or pieces of music."""
        if self.vocabulary is None:
            assert self.score is not None
            return [self.score.rolled(one) for one in np.asarray(rows).reshape(-1, *self.shape)]
        texts = self.vocabulary.texts(rows)
        return texts if self.score is None else [self.score.piece(text) for text in texts]

    def channels_last(self, x: Array) -> Array:
        """Images (n, *E) with their channels as the last axis: (n, H, W, C)."""
        if self.axes.channel is None:
            return x[..., None]
        return np.moveaxis(x, 1, -1) if self.axes.channel == 0 else x

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a JSON file."""
        unsaid = [name for name in LATE if not getattr(self, name)]
        return {name: value for name, value in asdict(self).items() if name not in unsaid} | {"shape": list(self.shape)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "DataSpec":
        """The spec that `to_json` wrote."""
        found: dict[str, Any] = {
            name: tuple(Column(**{**one, "categories": tuple(one["categories"])}) for one in values.get(name, ()))
            for name in ("columns", "plain")
        }
        if (gaps := values.get("gaps")) is not None:
            gaps = MissingPatterns(gaps["columns"], tuple(gaps["patterns"]), tuple(gaps["counts"]))
        found["gaps"] = gaps
        if (units := values.get("vocabulary")) is not None:
            found["vocabulary"] = Vocabulary(units["kind"], tuple(units["units"]), units.get("merges", ""))
        if (score := values.get("score")) is not None:
            found["score"] = Notation(**{**score, "beats": tuple(score["beats"])})
        found["totals"] = None if values.get("totals") is None else Totals(**values["totals"])
        found["limits"] = tuple(Limit(**one) for one in values.get("limits", ()))
        found["powers"] = tuple(None if one is None else Power(**one) for one in values.get("powers", ()))
        return cls(**{**values, "shape": tuple(values["shape"]), **found})


def _form(shape: tuple[int, ...], kind: Kind | None, layout: Layout | None) -> tuple[Kind, Layout]:
    """The kind and the layout of events of this shape, as far as they are not given."""
    if kind is not None:
        one_of("kind", kind, FORMS)
    if layout is not None:
        owners = (one for one, form in FORMS.items() if layout in form.layouts)
        return next(owners, GUESSED[0]) if kind is None else kind, layout
    for one in GUESSED if kind is None else (kind,):
        for found, axes in FORMS[one].layouts.items():
            if axes.suit(shape):
                return one, found
    assert kind is not None  # any shape is that of a table
    article = "an" if kind[0] in "aeiou" else "a"
    raise DataError(f"an event of shape {shape} is not {article} {kind}. Expected {FORMS[kind].shapes}.")


def _range(x: Array, bounded: bool) -> tuple[float, float]:
    if bounded and x.dtype == np.uint8 and (_beyond_one(evenly(x)) or _beyond_one(x)):
        return 0.0, 255.0
    low, high = value_range(x)
    if x.dtype.kind == "b" or (bounded and low >= 0 and (high == 0 or DARKEST <= high <= 1)):
        return 0.0, 1.0
    return low, high


def _beyond_one(x: Array) -> bool:
    """Whether bytes are more than 0 and 1: usually known after the first piece."""
    return any((rows > 1).any() for _, rows in pieces(x))


def _extreme(x: Array, low: float, high: float) -> float:
    margin = (high - low) / 20
    near = observed = 0
    for _, rows in pieces(x):
        near += int(np.count_nonzero((rows <= low + margin) | (rows >= high - margin)))
        observed += int(np.count_nonzero(rows == rows))
    return float(near / max(observed, 1))
