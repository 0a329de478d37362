"""Music on a grid: a piece as notes, and what it is read as, each with its way back.

    roll      (T, 88): which keys of a piano sound at each step
    melody    a word a step: the note that is struck, that the one before goes on, or that there is none
    voices    the same of several parts, the highest first, one after the other at each step

As words, music is a text: "C4 - E4 - G4 - - ." Key finding is that of Krumhansl & Kessler 1982: the correlation of how long
each of the twelve tones sounds with what listeners expect of a key.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeGuard, get_args

import numpy as np
from numpy.typing import NDArray

from latentwalk.checks import one_of, whole
from latentwalk.errors import DataError

__all__ = [
    "CUT",
    "GRIDS",
    "HOLD",
    "KEYS",
    "LOWEST",
    "REST",
    "GridName",
    "Notation",
    "Piece",
    "bar_of",
    "is_music",
    "merged",
    "name_of",
    "overlap_distance",
    "pitch_of",
    "played_to",
    "rolls_of",
    "steps_of",
]

GridName = Literal["quarter", "eighth", "sixteenth"]
GRIDS: dict[GridName, int] = {"quarter": 1, "eighth": 2, "sixteenth": 4}  # steps of a quarter
KEYS, LOWEST = 88, 21  # of a piano; the MIDI number of the lowest, A0
HOLD, REST = "-", "."
TONES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MOST = 100_000  # steps of a piece: seven hours of sixteenths
CUT = 1_000  # bars of a part, at most
# How well each tone, counted from the first, goes with a major and with a minor key (Krumhansl & Kessler 1982, figure 2).
PROFILES = np.array(
    [
        [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
        [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
    ]
)
SILENT = -1  # no pitch
Notes = NDArray[np.int32]


def _four_each(notes: Any) -> Notes:
    """Notes (n, 4), checked: whole numbers, and pitches that MIDI has. Raises DataError."""
    try:
        found = np.asarray(notes)
    except ValueError:  # no rectangle
        found = np.asarray(notes, object)
    if not found.size:
        return np.empty((0, 4), np.int32)
    if found.ndim != 2 or found.shape[1] != 4 or found.dtype.kind not in "iu" or abs(found).max() >= 1 << 31:
        raise DataError(
            f"notes are whole numbers (n, 4): first step, steps, MIDI number, part; got {found.dtype} of shape {found.shape}."
        )
    if found[:, 2].min() < 0 or found[:, 2].max() > 127 or found[:, 3].min() < 0:
        raise DataError("a note has a MIDI number beyond 0 to 127 (60 is middle C), or a part below 0.")
    return found.astype(np.int32)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Piece:
    """Notes on a grid.

    notes: (n, 4) of each its first step, its steps, its MIDI number (60 is middle C) and its part, 0 the first; in order.
    total: steps in all. steps: of a quarter. beats: of a bar, and which part of a whole note each is: (3, 4). tempo: quarters a
    minute. moved: semitones that it was moved by since it was read.
    """

    notes: Notes
    total: int
    steps: int = 4
    beats: tuple[int, int] = (4, 4)
    tempo: float = 120.0
    moved: int = field(default=0)

    def __post_init__(self) -> None:
        notes = _four_each(self.notes)
        object.__setattr__(self, "notes", notes[np.lexsort((notes[:, 2], notes[:, 3], notes[:, 0]))])
        whole("steps", self.steps, "steps of a quarter", least=1, most=64)
        whole("total", self.total, "steps", least=0, most=MOST)
        ends = notes[:, 0] + notes[:, 1]
        if len(notes) and (notes[:, :2].min() < 0 or notes[:, 1].min() < 1 or ends.max() > self.total):
            raise DataError("a note lasts no step, or lies outside of its piece.")

    @property
    def bar(self) -> int:
        """Steps of a bar."""
        return bar_of(self.steps, self.beats)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Piece) and self._all == other._all

    def __repr__(self) -> str:
        return f"<Piece of {len(self.notes):,} notes in {self.total:,} steps, {self.steps} a quarter>"

    __hash__ = None  # type: ignore[assignment]  # what is equal by its notes is no key

    @property
    def _all(self) -> tuple[object, ...]:
        return self.notes.tolist(), self.total, self.steps, self.beats, self.tempo, self.moved

    # ---------------------------------------------------------------- as numbers

    def roll(self) -> NDArray[np.bool_]:
        """Which of a piano's 88 keys sound at each step, (total, 88). Raises DataError for a note that it does not have."""
        rows = np.zeros((self.total, KEYS), bool)
        for start, length, pitch, _ in self.notes:
            if not LOWEST <= pitch < LOWEST + KEYS:
                raise DataError(f"a piano has no key for {name_of(pitch)}.")
            rows[start : start + length, pitch - LOWEST] = True
        return rows

    @classmethod
    def of_roll(cls, roll: NDArray[np.bool_], **about: object) -> "Piece":
        """The piece in which each key sounds as long as it is on (total, 88), and is struck where it begins to be."""
        on = np.pad(np.asarray(roll, bool), ((1, 1), (0, 0)))
        begins, ends = (np.argwhere(edge.T) for edge in (on[1:] & ~on[:-1], ~on[1:] & on[:-1]))
        notes = [(start, end - start, key + LOWEST, 0) for (key, start), (_, end) in zip(begins, ends, strict=True)]
        return cls(np.array(notes, np.int32).reshape(-1, 4), len(roll), **about)  # type: ignore[arg-type]

    # ---------------------------------------------------------------- as words

    def words(self, voices: int | None = None) -> tuple[list[str], int]:
        """A word for each step of each part, (total * voices), and how many notes have no place in them.

        voices: parts, the first ones; a part has one note at a time, the highest. None reads the highest of all notes as one
        melody, in which a note that comes to light again is struck again.
        """
        lines = [self.notes] if voices is None else [self.notes[self.notes[:, 3] == part] for part in range(voices)]
        said, lost = [], 0 if voices is None else int((self.notes[:, 3] >= voices).sum())
        for notes in lines:
            top = np.full(self.total, -1)
            for at in np.argsort(notes[:, 2], kind="stable"):  # higher ones over lower ones
                start, length = notes[at, :2]
                top[start : start + length] = at
            before = np.concatenate([[-1], top])[: self.total]
            lost += len(notes) - len(set(top[top >= 0].tolist()))
            names = [name_of(pitch) for pitch in notes[:, 2]]
            said.append([REST if at < 0 else HOLD if at == last else names[at] for at, last in zip(top, before, strict=True)])
        return [word for step in zip(*said, strict=True) for word in step], lost

    @classmethod
    def of_words(cls, words: Sequence[str], voices: int = 1, **about: object) -> "Piece":
        """The piece that these words say. What goes on without having begun, and what is no note, is a rest."""
        total = len(words) // voices
        notes = []
        for part in range(voices):
            open_ = None
            for step, word in enumerate(words[part : total * voices : voices]):
                pitch = pitch_of(word)
                if open_ is not None and word == HOLD:
                    open_[1] += 1
                elif pitch is None:
                    open_ = None
                else:
                    notes.append(open_ := [step, 1, pitch, part])
        return cls(np.array(notes, np.int32).reshape(-1, 4), total, **about)  # type: ignore[arg-type]

    # ---------------------------------------------------------------- moved, and in parts

    def shifted(self, by: int) -> "Piece":
        """The piece `by` semitones higher. Raises DataError where MIDI has no such notes."""
        notes = self.notes + np.array([0, 0, by, 0], np.int32)
        if len(notes) and not 0 <= notes[:, 2].min() <= notes[:, 2].max() < 128:
            raise DataError(f"moved by {by} semitones, a note is none of MIDI's 128.")
        return replace(self, notes=notes, moved=self.moved + by)

    def key(self) -> tuple[int, bool]:
        """Its tonic, 0 (C) to 11 (B), and whether it is major: the key that its tones go with best."""
        heard = np.bincount(self.notes[:, 2] % 12, weights=self.notes[:, 1], minlength=12)
        if not heard.any():
            return 0, True
        turned = np.stack([np.roll(profile, tonic) for profile in PROFILES for tonic in range(12)])
        heard, turned = heard - heard.mean(), turned - turned.mean(axis=1, keepdims=True)
        best = int(np.argmax(turned @ heard / np.linalg.norm(turned, axis=1)))
        return best % 12, best < 12

    def settled(self) -> "Piece":
        """The piece in C major or A minor, the nearest way: at most six semitones up or down."""
        tonic, major = self.key()
        up = ((0 if major else 9) - tonic) % 12
        return self.shifted(up if up <= 5 else up - 12)

    def bars(self, count: int) -> list["Piece"]:
        """The piece in parts of so many bars; the last is filled up with a rest. A note across a border ends there."""
        size = self.bar * count
        return [self.cut(start, size) for start in range(0, self.total, size)]

    @classmethod
    def row(cls, pieces: "Sequence[Piece]", rest: int = 1) -> "Piece":
        """Pieces one after the other, so many bars of rest between two, in steps, beats and tempo of the first."""
        first, notes, now = pieces[0], [], 0
        for piece in pieces:
            notes.append(piece.notes + np.array([now, 0, 0, 0], np.int32))
            end = now + piece.total
            now = end + rest * first.bar
        return replace(first, notes=np.concatenate(notes), total=end)

    def cut(self, start: int, size: int) -> "Piece":
        """`size` steps from `start` on."""
        first, last = self.notes[:, 0], self.notes[:, :2].sum(axis=1)
        some = self.notes[(first < start + size) & (last > start)].copy()
        ends = np.minimum(some[:, :2].sum(axis=1), start + size)
        some[:, 0] = np.maximum(some[:, 0], start) - start
        some[:, 1] = ends - start - some[:, 0]
        return replace(self, notes=some, total=size)


@dataclass(frozen=True, slots=True)
class Notation:
    """How words are read as music. voices: words of a step. steps, beats, tempo: as of a `Piece`.

    bars: of an example, where pieces were cut into parts of so many; None: they were not, or nobody knows.
    """

    voices: int = 1
    steps: int = 4
    beats: tuple[int, int] = (4, 4)
    tempo: float = 120.0
    bars: int | None = None

    def __post_init__(self) -> None:
        """Raise DataError where it contradicts itself: it may come from a file."""
        counts: tuple[object, ...] = (self.voices, self.steps, *self.beats)
        if not (len(counts) == 4 and all(type(one) is int and 1 <= one <= 64 for one in counts)):
            raise DataError(f"no music has {self.voices!r:.20} voices, {self.steps!r:.20} steps, {self.beats!r:.20} beats.")
        if not (isinstance(self.tempo, (int, float)) and 0 < self.tempo <= 2_000):
            raise DataError(f"no music has {self.tempo!r:.20} quarters a minute.")
        if not (self.bars is None or (type(self.bars) is int and 1 <= self.bars <= CUT)):
            raise DataError(f"no music is cut into parts of {self.bars!r:.20} bars.")

    @property
    def bar(self) -> int:
        """Steps of a bar."""
        return bar_of(self.steps, self.beats)

    @property
    def grid(self) -> GridName:
        """The name of its grid; the nearest that has one."""
        return min(GRIDS, key=lambda name: abs(GRIDS[name] - self.steps))

    def text(self, piece: Piece) -> tuple[str, int]:
        """A piece as a text of words, and how many of its notes have no place there: of one voice, the highest notes."""
        words, lost = piece.words(None if self.voices == 1 else self.voices)
        return " ".join(words), lost

    def piece(self, text: str) -> Piece:
        """The piece that a text of its words is."""
        return Piece.of_words(text.split(), self.voices, steps=self.steps, beats=self.beats, tempo=self.tempo)

    def rolled(self, roll: NDArray[Any]) -> Piece:
        """The piece that a roll (T, 88) is: keys that are likelier to sound than not; NaN says that it is over."""
        whole = np.asarray(roll)
        known = ~np.isnan(whole).all(axis=1)
        on = whole[: int(np.flatnonzero(known)[-1]) + 1 if known.any() else 0] >= 0.5
        return Piece.of_roll(on, steps=self.steps, beats=self.beats, tempo=self.tempo)

    def sounding(self, words: NDArray[Any], places: NDArray[Any] | None = None) -> NDArray[np.int64]:
        """The MIDI number that sounds in each place of words (n, T), SILENT where none does.

        places: (n, T) which of words (k,) stands in each place, where they are given so.
        """
        if places is None:
            shape = words.shape
            words, places = np.unique(words, return_inverse=True)
            places = places.reshape(shape)
        pitches = np.array([SILENT if (pitch := pitch_of(str(word))) is None else pitch for word in words])[places]
        holding = (np.asarray(words) == HOLD)[places]
        for at in range(self.voices, places.shape[1]):
            pitches[:, at] = np.where(holding[:, at], pitches[:, at - self.voices], pitches[:, at])
        return pitches


def rolls_of(pieces: Sequence[Piece], steps: int | None = None) -> NDArray[np.float32]:
    """Pieces as rolls (n, steps, 88), 1 for a key that sounds, NaN after the end. steps: as many as the longest has, if None.

    Raises DataError for a note that no key is for, and for a piece that is longer.
    """
    longest = max(piece.total for piece in pieces)
    steps = max(longest, 1) if steps is None else steps
    if longest > steps:
        at = next(at for at, piece in enumerate(pieces) if piece.total > steps)
        raise DataError(f"piece {at} has {pieces[at].total:,} steps, and {steps:,} are the most that are known. Cut it.")
    rows = np.full((len(pieces), steps, KEYS), np.nan, np.float32)
    for row, piece in zip(rows, pieces, strict=True):
        row[: piece.total] = piece.roll()
    return rows


def played_to(rows: NDArray[Any]) -> NDArray[np.int64]:
    """How many steps of each roll (n, T, 88) there are before it is over."""
    known = ~np.isnan(rows[:, :, 0])
    return np.where(known.any(axis=1), known.shape[1] - known[:, ::-1].argmax(axis=1), 1).astype(np.int64)


def is_music(x: object) -> TypeGuard[Sequence[Piece]]:
    """Whether `x` is a list of pieces."""
    return isinstance(x, (list, tuple)) and bool(x) and isinstance(x[0], Piece)


def overlap_distance(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    """How little pitches a and b (m, T) sound together: 1 - the places where both sound alike / those where either does."""
    either = (a != SILENT) | (b != SILENT)
    alike = (a == b) & either
    return np.asarray(1 - alike.sum(axis=1) / np.maximum(either.sum(axis=1), 1) - (~either.any(axis=1)))


def name_of(pitch: int) -> str:
    """The name of a MIDI number.

    >>> name_of(60), name_of(58), name_of(21)
    ('C4', 'Bb3', 'A0')
    """
    return f"{TONES[pitch % 12]}{pitch // 12 - 1}"


def pitch_of(word: str) -> int | None:
    """The MIDI number that is so called, or None.

    >>> pitch_of("C4"), pitch_of("C#-1"), pitch_of("-"), pitch_of("H9")
    (60, 1, None, None)
    """
    return _PITCHES.get(word)


_PITCHES = {name_of(pitch): pitch for pitch in range(128)}


def bar_of(steps: int, beats: tuple[int, int]) -> int:
    """Steps of a bar, with so many steps of a quarter."""
    return max(1, round(beats[0] * 4 * steps / beats[1]))


def steps_of(grid: object) -> int:
    """The steps of a quarter. Raises ConfigError for a grid that is none."""
    one_of("grid", grid, get_args(GridName))
    return GRIDS[grid]  # type: ignore[index]


def merged(notes: Iterable[tuple[int, int, int, int]]) -> tuple[Notes, int]:
    """Notes (n, 4) of which none sounds twice at once in a part, and how many were one with another."""
    found: list[list[int]] = []
    last: dict[tuple[int, int], list[int]] = {}
    lost = 0
    for start, length, pitch, part in sorted(notes):
        before = last.get((pitch, part))
        if before is not None and start == before[0]:
            before[1], lost = max(before[1], length), lost + 1
            continue
        if before is not None and start < before[0] + before[1]:
            before[1] = start - before[0]  # struck again
        found.append(one := [start, length, pitch, part])
        last[pitch, part] = one
    return np.array(found, np.int32).reshape(-1, 4), lost
