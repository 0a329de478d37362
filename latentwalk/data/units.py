"""Texts as rows of numbers, and back: which units a text is made of, and which number each of them has.

    characters   code points, as they are written
    words        what stands between white space; any white space becomes one space
    byte-pairs   pieces that are often together, found in the text itself by the package `tokenizers` (Sennrich et al. 2016)

0 is the end of a text, and stands in all places after it; 1 is a unit that was not there when the units were found. So a row
(T,) holds a text of up to T - 1 units, and its end.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeGuard, get_args

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.errors import DataError, unknown
from latentwalk.surroundings import imported

__all__ = ["END", "FIRST", "UNKNOWN", "UnitKind", "Vocabulary", "is_text", "read_to", "texts_of"]

UnitKind = Literal["characters", "words", "byte-pairs"]
END, UNKNOWN = 0, 1
FIRST = 2  # the number of the first unit that stands for itself
MARK = "\N{REPLACEMENT CHARACTER}"  # what an unknown unit is written as
MOST = 20_000  # units that are kept, the most frequent first
PAIRED = 4_000  # byte-pair units
OFTEN = 5.0  # times that a word is there, on average, from which on texts are read by words
INSTALL = "Byte-pair units need tokenizers. Install it with: pip install 'latentwalk[text]'"
Numbers = NDArray[np.int32]


@dataclass(frozen=True)  # without slots, for what is kept
class Vocabulary:
    """The units that texts are made of.

    kind: "characters", "words" or "byte-pairs".
    units: the unit of each number from 2 on.
    merges: of byte-pairs, the JSON of their tokenizer; "" otherwise.
    """

    kind: UnitKind
    units: tuple[str, ...] = field(repr=False)
    merges: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Raise DataError where it contradicts itself: it may come from a file."""
        if self.kind not in get_args(UnitKind):
            raise unknown("kind of units", self.kind, get_args(UnitKind))
        if not (isinstance(self.units, tuple) and self.units and all(isinstance(one, str) and one for one in self.units)):
            raise DataError(f"{self.units!r:.80} are no units of a text.")
        if len(set(self.units)) < len(self.units):
            raise DataError("the units of a text are told apart by how they are written; two are the same.")
        if not isinstance(self.merges, str) or (self.kind == "byte-pairs") != bool(self.merges):
            raise DataError(f"{self.kind} {'lack' if not self.merges else 'have'} the rules by which bytes are paired.")

    @classmethod
    def of(cls, texts: Sequence[str], kind: UnitKind | Literal["auto"] | None = None, most: int = MOST) -> "Vocabulary":
        """The units of these texts, `most` at most. kind: "auto", or None, reads words where they come often enough.

        Raises DataError where there is not one unit, ConfigError for another kind.

        >>> Vocabulary.of(["b a", "a"], "words").units
        ('a', 'b')
        """
        chosen = kind or "auto"
        if chosen not in ("auto", *get_args(UnitKind)):
            raise unknown("kind of units", chosen, ("auto", *get_args(UnitKind)))
        if not any(text.strip() for text in texts):
            raise DataError("there is no text: not one letter. Nothing can be learnt from it.")
        if chosen == "byte-pairs":
            return _paired(texts)
        words = Counter(word for text in texts for word in text.split()) if chosen != "characters" else Counter[str]()
        if chosen == "auto":
            chosen = "words" if words.total() >= OFTEN * len(words) else "characters"
        counted = words if chosen == "words" else Counter(letter for text in texts for letter in text)
        frequent = sorted(counted, key=lambda unit: (-counted[unit], unit))[:most]
        return cls(chosen, tuple(sorted(frequent)))

    def __len__(self) -> int:
        """How many numbers there are: the end, an unknown unit, and those that stand for themselves."""
        return FIRST + len(self.units)

    def numbers(self, text: str) -> list[int]:
        """The numbers of a text, without its end."""
        if self.kind == "byte-pairs":
            return [one + FIRST for one in self._pairs.encode(text, add_special_tokens=False).ids]
        return [self._places.get(unit, UNKNOWN) for unit in (text.split() if self.kind == "words" else text)]

    def rows(self, texts: Sequence[str], size: int | None = None) -> Numbers:
        """Texts as rows (n, size), each with its end. size: that of the longest and its end unless given.

        Raises DataError for one that is longer, with how many are.
        """
        numbers = [self.numbers(text) for text in texts]
        lengths = np.array([len(one) for one in numbers], np.int64)
        size = int(lengths.max(initial=1)) + 1 if size is None else size
        if (long := np.flatnonzero(lengths >= size)).size:
            row = int(long[0])
            raise DataError(
                f"text {row} has {lengths[row]:,} units ({self.kind}), and {size - 1:,} are the most that are known"
                + (f"; so have {len(long) - 1:,} more" if len(long) > 1 else "")
                + f". Cut it, or leave it out: {_short(texts[row])}"
            )
        rows = np.full((len(numbers), size), END, np.int32)
        for at, one in enumerate(numbers):
            rows[at, : len(one)] = one
        return rows

    def text(self, row: Array) -> str:
        """The text of a row (T,) of numbers, up to its end."""
        ends = np.flatnonzero(np.asarray(row) == END)
        numbers = [int(one) for one in row[: ends[0] if ends.size else len(row)]]
        if self.kind == "byte-pairs":
            said: str = self._pairs.decode([one - FIRST for one in numbers if one >= FIRST], skip_special_tokens=False)
            return said
        written = (MARK if one == UNKNOWN else self.units[one - FIRST] for one in numbers)
        return (" " if self.kind == "words" else "").join(written)

    def texts(self, rows: Array) -> list[str]:
        """The texts of rows (*B, T), one after the other."""
        return [self.text(row) for row in np.asarray(rows).reshape(-1, rows.shape[-1])]

    def written(self, rows: Array) -> tuple[NDArray[np.str_], Array]:
        """All units (k,), and which stands in each place of rows (n, T): "" from the end on, and where it is unknown."""
        ended = np.maximum.accumulate(np.asarray(rows) == END, axis=1)
        return np.array(["", "", *self.units]), np.where(ended, END, rows)

    def unknown(self, rows: Array) -> int:
        """How many units of rows (n, T) are unknown."""
        return int(np.count_nonzero(np.asarray(rows) == UNKNOWN))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {unit: at for at, unit in enumerate(self.units, FIRST)}

    @cached_property
    def _pairs(self) -> Any:
        tokenizers = _tokenizers()
        try:
            return tokenizers.Tokenizer.from_str(self.merges)
        except Exception as error:  # of a foreign file
            raise DataError(f"the rules by which bytes are paired are damaged: {error}.") from error


def read_to(rows: Array) -> NDArray[np.int64]:
    """How many places of each row (n, T) there are to read: its units and its end."""
    ends = rows == END
    return np.where(ends.any(axis=1), ends.argmax(axis=1) + 1, rows.shape[1]).astype(np.int64)


def is_text(x: object) -> TypeGuard[Sequence[str]]:
    """Whether `x` is texts: a list, an array or a series (n,) whose first value is a string; one string is not."""
    if isinstance(x, (list, tuple)):
        return bool(x) and isinstance(x[0], str)
    if isinstance(x, np.ndarray):
        return x.ndim == 1 and (x.dtype.kind == "U" or (x.dtype == object and len(x) > 0 and isinstance(x[0], str)))
    if type(x).__name__ == "Series" and type(x).__module__.partition(".")[0] == "pandas":
        return is_text(x.to_numpy(dtype=object))  # type: ignore[attr-defined]
    return False


def texts_of(x: Iterable[Any]) -> list[str]:
    """Texts as a list. Raises DataError for one that is none: a gap, a number."""
    texts = list(x)
    wrong = next((row for row, one in enumerate(texts) if not isinstance(one, str)), None)
    if wrong is not None:
        raise DataError(
            f"row {wrong} is {texts[wrong]!r:.40}, a {type(texts[wrong]).__name__}; expected a text, as in row 0. Leave it "
            "out, or give an empty text."
        )
    return [str(one) for one in texts]


def _paired(texts: Sequence[str]) -> Vocabulary:
    """Byte-pair units of these texts: every text can be written with them, since there is one for each byte."""
    tokenizers = _tokenizers()
    model = tokenizers.Tokenizer(tokenizers.models.BPE())
    model.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    model.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=PAIRED, initial_alphabet=alphabet, show_progress=False)
    model.train_from_iterator(texts, trainer)
    found = model.get_vocab()
    return Vocabulary("byte-pairs", tuple(sorted(found, key=lambda unit: found[unit])), model.to_str())


def _tokenizers() -> Any:
    try:
        return imported("tokenizers")
    except ImportError as error:
        raise DataError(INSTALL) from error


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:59] + "…")
