"""Music as sound: a plain instrument, made of sines.

Each note is a sum of overtones, the k-th of strength k^-1.6, that die away the faster the higher they are, under an envelope
that rises and falls softly: no clicks. Nothing but NumPy is needed.
"""

import numpy as np
from numpy.typing import NDArray

from latentwalk.checks import positive, whole
from latentwalk.data.music import Piece
from latentwalk.data.sources.sounds import Sound

__all__ = ["rendered"]

RATE = 22_050  # samples a second
OVERTONES = 8
RISE, FALL = 0.012, 0.09  # seconds in which a note begins, and ends after it is let go
FADE = 1.1  # seconds in which the lowest tone of a note falls to 1 / e
HIGHEST = 0.45  # of the rate: overtones above it would be heard as others
LOUD = 0.9  # the loudest sample


def rendered(piece: Piece, rate: int = RATE, tempo: float | None = None) -> Sound:
    """A piece as sound, mono, 16 bit. tempo: quarters a minute, instead of its own. Raises ConfigError.

    >>> from latentwalk.data.music import Piece
    >>> rendered(Piece.of_words(["C4", "-", "E4", "-"]), rate=8000).x.shape
    (5520,)
    """
    whole("rate", rate, "samples a second", least=2_000, most=192_000)
    positive("tempo", piece.tempo if tempo is None else tempo, most=2_000)
    step = 60 / (tempo or piece.tempo) / piece.steps
    x = np.zeros(round((piece.total * step + 2 * FALL + 0.01) * rate))
    for start, length, pitch, _ in piece.notes.tolist():
        note = _note(440 * 2 ** ((pitch - 69) / 12), length * step, rate)
        first = round(start * step * rate)
        x[first : first + len(note)] += note[: len(x) - first]
    loudest = np.abs(x).max(initial=0)
    return Sound(x * (LOUD / loudest) if loudest else x, rate, "int16")


def _note(frequency: float, seconds: float, rate: int) -> NDArray[np.float64]:
    """A note of this frequency that is let go after some seconds."""
    t = np.arange(round((seconds + FALL) * rate)) / rate
    x = np.zeros(len(t))
    for k in range(1, OVERTONES + 1):
        if k * frequency < HIGHEST * rate:
            x += k**-1.6 * np.exp(-t * k**0.7 / FADE) * np.sin(2 * np.pi * k * frequency * t)
    begin, end = np.clip(t / RISE, 0, 1), np.clip((seconds + FALL - t) / FALL, 0, 1)
    return np.asarray(x * np.sin(np.pi / 2 * begin) ** 2 * np.sin(np.pi / 2 * end) ** 2)
