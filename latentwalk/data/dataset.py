"""What goes in: an array of examples, and what is known about one of them.

`DataSpec` is inferred once, when the data is first seen, and travels with the model from then on. `Dataset` is the array
with its labels and names; every reader of `sources`, and every name of the `catalog`, answers with one.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.arrays import Array
from latentwalk.checks import several, whole
from latentwalk.data.columns import Column, columns_of, encoded, is_frame, needs_columns, places_of, plain_columns
from latentwalk.data.examples import as_array, as_plain, check_finite, check_labels, is_ragged, padded
from latentwalk.data.music import HOLD, REST, Notation, Piece, is_music, rolls_of
from latentwalk.data.rows import joined, picked
from latentwalk.data.spec import DataSpec, Kind
from latentwalk.data.units import UnitKind, Vocabulary, is_text, texts_of
from latentwalk.errors import ConfigError, DataError, DataWarning

__all__ = ["Dataset", "join", "numbered"]

VOICES = 16  # that are read side by side, at most


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples and what is known about them.

    x: (n, *E), in memory, memory-mapped, or read when asked for (`rows.Rows`).
    spec: what one example is.
    y: (n,) integers into `classes`, or None.
    classes: what the labels are called.
    name: what the data set is called.
    names: (n,) what each row is called (a file name, say), or empty.
    factors: known generative factors or attributes by name, each (n,).
    skipped: what could not be read, or was left out, and why, one line each.
    remarks: what else was found in reading, and may not be known to its owner, one line each.
    header: what all columns of its table are called, in their order there, or empty.
    beside: those columns (n,) of its table that are not learnt from, by name: the label, what rows are called, what was left
        out.
    """

    x: Array
    spec: DataSpec
    y: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    name: str = "data"
    names: tuple[str, ...] = ()
    factors: Mapping[str, Array] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    beside: Mapping[str, Array] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        x: Any,
        y: ArrayLike | None = None,
        *,
        kind: Kind | None = None,
        columns: Sequence[Column] = (),
        plain: Sequence[Column] = (),
        units: UnitKind | None = None,
        rate: int | None = None,
        **known: Any,
    ) -> "Dataset":
        """A data set from an array (n, *E) and, where there are labels, (n,) numbers or strings.

        x may also be a tensor, a list of signals of different lengths, a list of texts, or a pandas frame with text, categories
        and dates beside numbers.
        units: what texts are made of, "characters", "words" or "byte-pairs"; chosen unless given.
        columns: what its columns are, as another table had them; a category that they do not know is "other".
        rate: of sounds (kind="sound"), their samples a second; 16,000 unless given.
        plain: what columns of plain numbers are called (see `DataSpec`), where x is no frame.
        In a table or a signal, NaN says: not observed.
        Raises DataError: no rows, no numbers, infinity, a row that is all NaN or has no label (which one), labels of another
        length.

        >>> Dataset.of(np.eye(3), ["a", "b", "a"]).classes
        ('a', 'b')
        """
        if type(x).__module__.split(".")[0] == "datasets":
            raise DataError("a Hugging Face data set has columns to choose from. Use latentwalk.adopt(X).")
        if is_music(x) and kind in (None, "music", "roll"):
            found = cls.of_rolls(x, **known) if kind == "roll" else cls.of_pieces(x, **known)
            return found if y is None else found.labelled(y)
        if is_text(x) and kind in (None, "text"):
            vocabulary = Vocabulary.of(texts := texts_of(x), units)
            rows = vocabulary.rows(texts)
            if rare := vocabulary.unknown(rows):
                warnings.warn(
                    f"{rare:,} times a unit is rarer than the {len(vocabulary):,} that are learnt, and is read as unknown.",
                    DataWarning,
                    stacklevel=2,
                )
            written = cls.of_rows(rows, vocabulary, **known)
            return written if y is None else written.labelled(y)
        if units is not None:
            raise ConfigError(f"units={units!r} is for texts; X is none. Leave it out.")
        columns, plain = several("columns", columns, "columns"), several("plain", plain, "columns")
        x = as_plain(x)
        if is_ragged(x):
            x, kind = padded(x), kind or "signal"
        elif is_frame(x) and (columns or needs_columns(x)):
            columns = columns or columns_of(x)
            x, kind = encoded(x, columns, other=True), "table"
        elif is_frame(x):
            plain = plain_columns(x)
        x = as_array(x)
        spec = DataSpec.of_columns(x, columns) if columns else DataSpec.infer(x, kind)
        if rate is not None and not spec.form.heard:
            raise ConfigError(f"rate={rate!r} is of sounds, kind='sound'; X is a {spec.kind}. Leave it out.")
        spec = replace(spec, plain=tuple(plain), rate=spec.rate if rate is None else rate)
        check_finite(x, missing=spec.missing)
        if y is not None:
            codes, classes = _coded(y, len(x))
            known = {"y": codes, "classes": classes, **known}
        return cls(x, spec, **known)

    @classmethod
    def of_rows(cls, rows: Array, vocabulary: Vocabulary, score: Notation | None = None, **known: Any) -> "Dataset":
        """The data set of texts, or with a score of pieces, as rows (n, T) of numbers of these units, see `units`."""
        return cls(rows, DataSpec.of_units(rows.shape[1], vocabulary, score), **known)

    @classmethod
    def of_rolls(cls, pieces: Sequence[Piece], steps: int | None = None, **known: Any) -> "Dataset":
        """The data set of pieces on one grid, as keys that sound at each step; see `music.rolls_of`.

        steps: there is room for, as many as the longest has unless given. A key that is struck again at once is one that goes
        on. Raises DataError for another grid.
        """
        _check_grid(pieces)
        first, x = pieces[0], rolls_of(pieces, steps)
        spec = DataSpec.of_keys(x.shape[1], Notation(1, first.steps, first.beats, first.tempo), missing=bool(np.isnan(x).any()))
        return cls(x, spec, **known)

    @classmethod
    def of_pieces(cls, pieces: Sequence[Piece], voices: int = 1, **known: Any) -> "Dataset":
        """The data set of pieces on one grid, by words: of one voice the highest notes, of several the notes of each part.

        What has no place in them is counted in `remarks`. Raises DataError for another grid.
        """
        whole("voices", voices, "parts", least=1, most=VOICES)
        _check_grid(pieces)
        first = pieces[0]
        score = Notation(voices, first.steps, first.beats, first.tempo)
        said = [score.text(piece) for piece in pieces]
        texts = [text for text, _ in said]
        vocabulary = Vocabulary.of([*texts, f"{HOLD} {REST}"], "words")
        lost, all_ = sum(count for _, count in said), sum(len(piece.notes) for piece in pieces)
        remarks = (
            *known.pop("remarks", ()),
            *([f"{lost:,} of {all_:,} notes have no place in {_voices(voices)}"] if lost else []),
        )
        return cls.of_rows(vocabulary.rows(texts), vocabulary, score, **known, remarks=remarks)

    def __len__(self) -> int:
        return len(self.x)

    @property
    def pieces(self) -> list[Piece]:
        """The examples as pieces of music. Raises DataError where they are none."""
        if self.spec.score is None:
            raise DataError(f"{self.name} holds {self.spec.kind}s, not pieces of music.")
        return self.spec.said(np.asarray(self.x))

    @property
    def texts(self) -> list[str]:
        """The examples as texts. Raises DataError where they are none."""
        if self.spec.vocabulary is None:
            raise DataError(f"{self.name} holds {self.spec.kind}s, not texts.")
        return self.spec.vocabulary.texts(np.asarray(self.x))

    def labelled(self, y: ArrayLike) -> "Dataset":
        """The same examples with these labels (n,), numbers or strings. Raises DataError."""
        codes, classes = _coded(y, len(self))
        return replace(self, y=codes, classes=classes)

    def take(self, rows: NDArray[np.integer]) -> "Dataset":
        """The data set of these rows, in this order. Raises DataError for what are no row numbers."""
        rows = numbered(rows, len(self))
        return replace(
            self,
            x=picked(self.x, rows),
            y=None if self.y is None else self.y[rows],
            names=tuple(self.names[row] for row in rows) if self.names else (),
            factors={name: values[rows] for name, values in self.factors.items()},
            beside={name: values[rows] for name, values in self.beside.items()},
        )


def _check_grid(pieces: Sequence[Any]) -> None:
    """Raise DataError for what is no piece on the grid of the first."""
    steps = pieces[0].steps
    other = next((at for at, one in enumerate(pieces) if not isinstance(one, Piece) or one.steps != steps), None)
    if other is not None:
        raise DataError(f"piece {other} is {pieces[other]!r:.60}: expected a piece of {steps} steps a quarter, as piece 0.")


def numbered(rows: Any, count: int, name: str = "rows") -> NDArray[np.integer]:
    """Row numbers (m,), given as such or as a mark (n,) for each row. Raises DataError for what are neither."""
    found = np.asarray(rows)
    if found.dtype == bool and found.shape == (count,):
        return np.flatnonzero(found)
    if found.ndim == 1 and not len(found):
        return found.astype(np.intp)
    if found.ndim != 1 or found.dtype.kind not in "iu" or found.min() < -count or found.max() >= count:
        raise DataError(f"{name}={rows!r:.200}: expected the numbers (m,) of rows, 0 to {count - 1}, or a mark (n,) for each.")
    return found


def join(first: Dataset, second: Dataset) -> Dataset:
    """Both data sets, one after the other; labels, names and factors stay where both have them."""
    if first.spec.vocabulary is not None and second.spec.vocabulary is not None:
        first, second = _of_same_units(first, second)
    if _rolled(first) and _rolled(second):
        first, second = _of_same_length(first, second)
    if first.x.shape[1:] != second.x.shape[1:]:
        raise DataError(f"the parts differ in shape: {first.x.shape[1:]} and {second.x.shape[1:]}. Read each alone.")
    if first.spec.columns != second.spec.columns:
        raise DataError("the parts differ in their columns. Read each alone.")
    if first.spec.rate != second.spec.rate:
        raise DataError(f"the parts have {first.spec.rate:,} and {second.spec.rate:,} samples a second. Read both with rate=.")
    plain = first.spec.plain
    if plain and second.spec.plain:
        places = places_of([column.name for column in second.spec.plain], plain)
        second = second if places == sorted(places) else replace(second, x=np.asarray(second.x)[:, places])
    x = as_array(joined(first.x, second.x))
    spec = first.spec
    if spec.vocabulary is None and spec.score is None:
        spec = replace(type(spec).infer(x, spec.kind), columns=spec.columns, plain=plain, rate=spec.rate)
    check_finite(x, missing=spec.missing)
    classes = tuple(dict.fromkeys(first.classes + second.classes))
    y = None
    if first.y is not None and second.y is not None:
        codes = np.array([classes.index(name) for name in second.classes], dtype=np.int64)
        y = np.concatenate([first.y, codes[second.y]])
    return replace(
        first,
        x=x,
        spec=spec,
        y=y,
        classes=classes if y is not None else (),
        names=first.names + second.names if first.names and second.names else (),
        factors={
            name: np.concatenate([values, second.factors[name]])
            for name, values in first.factors.items()
            if name in second.factors
        },
        beside={
            name: np.concatenate([values, second.beside[name]])
            for name, values in first.beside.items()
            if name in second.beside
        },
        skipped=first.skipped + second.skipped,
    )


def _of_same_units(first: Dataset, second: Dataset) -> tuple[Dataset, Dataset]:
    """Two data sets of texts as rows of one width, of the units of both."""
    if first.spec.vocabulary == second.spec.vocabulary and first.spec.shape == second.spec.shape:
        return first, second
    assert first.spec.vocabulary is not None
    if first.spec.kind != second.spec.kind or _words_of_step(first) != _words_of_step(second):
        raise DataError("the parts are not of one kind, with as many voices and steps. Read each alone.")
    texts = [*first.texts, *second.texts]
    vocabulary = Vocabulary.of(texts, first.spec.vocabulary.kind)
    rows = vocabulary.rows(texts)
    spec = DataSpec.of_units(rows.shape[1], vocabulary, first.spec.score)
    return replace(first, x=rows[: len(first)], spec=spec), replace(second, x=rows[len(first) :], spec=spec)


def _rolled(data: Dataset) -> bool:
    return data.spec.score is not None and data.spec.vocabulary is None


def _of_same_length(first: Dataset, second: Dataset) -> tuple[Dataset, Dataset]:
    """Two data sets of rolls, as long as the longest of both."""
    both = Dataset.of_rolls([*first.pieces, *second.pieces])
    return replace(first, x=both.x[: len(first)], spec=both.spec), replace(second, x=both.x[len(first) :], spec=both.spec)


def _words_of_step(data: Dataset) -> tuple[int, int] | None:
    score = data.spec.score
    return None if score is None else (score.voices, score.steps)


def _voices(count: int) -> str:
    return "one melody" if count == 1 else f"{count} voices"


def _coded(y: ArrayLike, rows: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Labels (rows,) as integers into their classes, and these, sorted."""
    values, codes = np.unique(check_labels(y, rows), return_inverse=True)
    return codes.astype(np.int64), tuple(str(value) for value in values)
