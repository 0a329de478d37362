"""Drawn tunes of four bars with known factors, and a reader that gives them back.

Key, mode, metre, contour, how many notes, swing and ending are each drawn by themselves, so that a direction between two values
of one has nothing to do with the others. A tune begins on its tonic and touches its third, so that key and mode can be told; in
each bar one beat at least is parted in two, so that swing can. The reader takes a piece, or says that it is no such tune.
"""

from collections.abc import Mapping

import numpy as np

from latentwalk.chance import rng_of
from latentwalk.checks import COUNTED, whole
from latentwalk.data.dataset import Dataset
from latentwalk.data.music import Piece

__all__ = ["MELODY_FACTORS", "factors_of_tune", "melodies", "tune"]

STEPS, BARS = 4, 4  # of a quarter; of a tune
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
CONTOURS = ("rise", "fall", "arch", "valley")
KEYS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MELODY_FACTORS: dict[str, tuple[str, ...]] = {
    "key": KEYS,
    "mode": tuple(SCALES),
    "metre": ("3/4", "4/4"),
    "contour": CONTOURS,
    "density": ("few", "many"),
    "swing": ("straight", "dotted"),
    "ending": ("closed", "open"),
}
LOWEST = 55  # the lowest tonic, G3, but for tunes that fall, which begin an octave higher
SPAN = 7  # scale steps from one end of a contour to the other
STRAY = 1  # scale steps that a note is off its contour by, at most
ENDS = {"closed": 0, "open": 4}  # the scale step that a tune ends on


def melodies(n: int = 6000, *, seed: int = 0) -> Dataset:
    """`n` tunes; the class is the mode; factors: the place of each in `MELODY_FACTORS`, (n,) each.

    >>> melodies(2).texts[0][:19]
    'G3 - - G3 B3 - - B3'
    """
    whole("n", n, "tunes", least=1, most=COUNTED)
    rng = rng_of(seed)
    drawn = np.stack([np.floor(rng.random(n) * len(values)) for values in MELODY_FACTORS.values()], axis=1).astype(np.int64)
    tunes = [tune(dict(zip(MELODY_FACTORS, row, strict=True)), rng) for row in drawn.tolist()]
    factors = {name: drawn[:, at] for at, name in enumerate(MELODY_FACTORS)}
    return Dataset.of_pieces(tunes, name="melodies", factors=factors).labelled(np.array(tuple(SCALES))[factors["mode"]])


def tune(factors: Mapping[str, int], rng: np.random.Generator) -> Piece:
    """A tune of these factors, by name, each the place of its value in `MELODY_FACTORS`; the rest is drawn."""
    said = {name: values[factors[name]] for name, values in MELODY_FACTORS.items()}
    beats = int(said["metre"][0])
    scale, tonic = np.array(SCALES[said["mode"]]), LOWEST + (factors["key"] - LOWEST) % 12
    onsets = _onsets(beats, said["density"] == "many", 3 if said["swing"] == "dotted" else 2, rng)
    total = BARS * beats * STEPS
    degrees = np.rint(_line(said["contour"], onsets / total) + rng.uniform(-STRAY, STRAY, len(onsets))).astype(int)
    degrees[0] = SPAN if said["contour"] in ("fall", "valley") else 0
    if not (degrees[:-1] % 7 == 2).any():
        degrees[1 + np.argmin(np.abs(degrees[1:-1] - 2))] = 2
    ends = ENDS[said["ending"]] + 7 * np.arange(-1, 2)
    degrees[-1] = ends[np.argmin(np.abs(ends - degrees[-1]))]
    pitches = tonic + 12 * (degrees // 7) + scale[degrees % 7]
    lengths = np.diff(onsets, append=total)
    notes = np.stack([onsets, lengths, pitches, np.zeros_like(onsets)], axis=1)
    return Piece(notes, total, STEPS, (beats, 4))


def factors_of_tune(piece: Piece) -> dict[str, int] | None:
    """The factors of a tune, by name, each the place of its value in `MELODY_FACTORS`; None for what is no such tune.

    One note at a time from the first step to the last, in one scale, of four bars of one metre, beats parted in one way.
    """
    notes, beats = piece.notes, piece.total // (BARS * STEPS)
    if piece.total not in (BARS * STEPS * 3, BARS * STEPS * 4) or piece.steps != STEPS or len(notes) < 2 * BARS:
        return None
    starts, pitches = notes[:, 0], notes[:, 2]
    if starts[0] != 0 or not np.array_equal(starts[1:], (notes[:, 0] + notes[:, 1])[:-1]) or notes[-1, :2].sum() != piece.total:
        return None
    tones = set(((pitches - pitches[0]) % 12).tolist())
    modes = [mode for mode, scale in SCALES.items() if tones <= set(scale) and scale[2] in tones]
    parted = {int(step) for step in starts % STEPS if step}
    end = (int(pitches[-1]) - int(pitches[0])) % 12
    if len(modes) != 1 or len(parted) != 1 or parted <= {1} or end not in (0, 7):
        return None
    many = len(notes) > BARS * beats * 1.5
    found = {
        "key": KEYS[pitches[0] % 12],
        "mode": modes[0],
        "metre": f"{beats}/4",
        "contour": _contour(starts / piece.total, pitches),
        "density": "many" if many else "few",
        "swing": "dotted" if parted == {3} else "straight",
        "ending": "closed" if end == 0 else "open",
    }
    return {name: values.index(found[name]) for name, values in MELODY_FACTORS.items()}


def _onsets(beats: int, many: bool, parted: int, rng: np.random.Generator) -> np.ndarray:
    """Where notes begin: at each beat, and within some; the last two beats are one note."""
    starts = []
    for bar in range(BARS):
        inner = range(beats - 2 if bar == BARS - 1 else beats)
        split = list(inner) if many else [int(rng.integers(len(inner)))]
        for beat in range(beats if bar < BARS - 1 else beats - 1):
            at = (bar * beats + beat) * STEPS
            starts.append(at)
            if beat in split:
                starts.append(at + parted)
    return np.array(starts)


def _line(contour: str, t: np.ndarray) -> np.ndarray:
    """The scale steps of a contour at times from 0 to 1."""
    match contour:
        case "rise":
            return SPAN * t
        case "fall":
            return SPAN * (1 - t)
        case "arch":
            return SPAN * (1 - np.abs(2 * t - 1))
    return SPAN * np.abs(2 * t - 1)


def _contour(t: np.ndarray, pitches: np.ndarray) -> str:
    """The contour that these pitches go along with best."""
    inner = slice(0, -1)  # the last note belongs to the ending
    heard = pitches[inner] - pitches[inner].mean()
    lines = [_line(contour, t[inner]) for contour in CONTOURS]
    return CONTOURS[int(np.argmax([heard @ (line - line.mean()) / np.linalg.norm(line - line.mean()) for line in lines]))]
