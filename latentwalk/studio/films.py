"""Films on the page. The map is of their frames; a film is a way on it, each frame with its surprise, and futures branch off.

A film is known by its number from 0 on, as commands name rows: those learnt from come first, in the order in which they were
read, then those held out. One that somebody brings has a key instead. Frames are counted from 1, as who watches them counts.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.data.dataset import Dataset
from latentwalk.data.footage import ends_of_films, frame_numbers
from latentwalk.data.own_film import Bounds, own_film
from latentwalk.errors import ConfigError, DataError
from latentwalk.estimators.predictor import FramePredictor
from latentwalk.latent.holes import Holes
from latentwalk.latent.space import LatentSpace

__all__ = ["AHEAD", "FOOTAGE", "FUTURES", "ShownFilm", "ShownFilms", "letters"]

FOOTAGE = 2**22  # numbers in the frames of a film that is shown; of a longer one the first
AHEAD, FUTURES = 60, 4  # frames that are drawn, and futures, at most


@dataclass(frozen=True, eq=False)
class ShownFilms:
    """The films behind a map of frames, and what foresees them.

    predictor: (T, *frame) → futures. parts: films learnt from, and those held out, where there are any. numbers: (n,) of each
    row of the map: its film times the length of a film, and its frame.
    """

    predictor: FramePredictor
    parts: tuple[Dataset, ...]
    numbers: NDArray[np.int64]

    @classmethod
    def of(cls, predictor: FramePredictor, parts: tuple[Dataset, ...], most: int) -> Self:
        """Those whose frames, of up to `most` bytes for each part, are the rows of a map."""
        length = max(part.x.shape[1] for part in parts)
        numbers, before = [], 0
        for part in parts:
            films, frames = np.divmod(frame_numbers(part.x, most), part.x.shape[1])
            numbers.append((before + films) * length + frames)
            before += len(part)
        return cls(predictor, parts, np.concatenate(numbers))

    @property
    def length(self) -> int:
        """T, of the longest film."""
        return max(int(part.x.shape[1]) for part in self.parts)

    @property
    def moments(self) -> NDArray[np.int64]:
        """Which frame of its film each row is, from 1 on: (n,)."""
        return self.numbers % self.length + 1

    @property
    def names(self) -> tuple[str, ...]:
        """What each row is called, (n,)."""
        called = [self.name(film) for film in range(sum(map(len, self.parts)))]
        films, frames = self.numbers // self.length, self.moments
        return tuple(f"{called[film]}, frame {frame}" for film, frame in zip(films.tolist(), frames.tolist(), strict=True))

    def name(self, film: int) -> str:
        """What a film is called. Raises ConfigError."""
        part, row = self._place(film)
        return part.names[row] if part.names else f"{'film' if part is self.parts[0] else 'held-out film'} {row}"

    @property
    def about(self) -> Mapping[str, Any]:
        """What the page has to know before a film is chosen."""
        return {
            "count": sum(map(len, self.parts)),
            "learnt": len(self.parts[0]),
            "length": self.length,
            "ahead": AHEAD,
            "futures": FUTURES,
        }

    def film(self, number: int, most: int = FOOTAGE) -> "ShownFilm":
        """The film of that number; of a longer one the first frames, `most` numbers in all. Raises ConfigError, DataError."""
        part, row = self._place(number)
        x = np.asarray(part.x[row : row + 1])
        whole = int(ends_of_films(x)[0])
        if not whole:
            raise DataError(f"{self.name(number)} has no frames.")
        found = x[0, : min(whole, max(2, most // max(1, x[0, 0].size)))]
        said = f"It has {whole:,} frames, of which these are the first." if len(found) < whole else ""
        return ShownFilm(self.predictor, self.name(number), found, said, number)

    def own(self, content: bytes, name: str, bounds: Bounds) -> "ShownFilm":
        """The film in a file that somebody brings. Raises DataError."""
        spec = self.predictor.frames_.spec_
        found = own_film(content, name, spec, bounds)
        _, height, width = spec.event
        told = list(found.remarks)
        if found.size != (height, width):
            told.insert(0, f"it is {found.size[1]:,} × {found.size[0]:,}, and seen at {width} × {height}, as the model sees it")
        said = "; ".join(told)
        return ShownFilm(self.predictor, name, found.frames, f"{said[:1].upper()}{said[1:]}." if said else "")

    def _place(self, film: int) -> tuple[Dataset, int]:
        row = film
        for part in self.parts:
            if 0 <= row < len(part):
                return part, row
            row -= len(part)
        raise ConfigError(f"film {film} is not among the {self.about['count']:,} that are known, from 0 on.")


@dataclass(frozen=True, eq=False)
class ShownFilm:
    """A film as the page plays it: x (t, *frame). said: what there is to say of it. number: None for one that was brought."""

    predictor: FramePredictor
    name: str
    x: Array
    said: str
    number: int | None = None

    @cached_property
    def key(self) -> str:
        """What tells it from other films."""
        return hashlib.sha256(f"{self.name}\0{self.x.shape}\0".encode() + self.x.tobytes()).hexdigest()[:18]

    def reel(self, space: LatentSpace) -> dict[str, Any]:
        """As the page plays it: name, count of frames, frames and codes (float32, base64), surprise, a sentence.

        Raises DataError.
        """
        x = self.x
        surprise = self.predictor.surprise(x) if len(x) > 1 else np.full(1, np.nan)
        way = space.path(x)
        said = [way.reading if len(x) > 1 else "One frame.", _outside(space, way.z) if self.number is None else "", self.said]
        return {
            "film": self.number,
            "name": self.name,
            "count": len(x),
            "frames": letters(x),
            "codes": letters(way.z),
            "surprise": [None if np.isnan(one) else float(one) for one in surprise],
            "reading": " ".join(filter(None, said)),
        }

    def futures(self, seen: int, steps: int, draws: int, seed: int, space: LatentSpace) -> dict[str, Any]:
        """What may come after its first frames: frames and codes (draws, steps, …), float32, base64; a sentence.

        Raises ConfigError, DataError.
        """
        x = self.x
        if not 1 <= seen <= len(x):
            raise DataError(f"{self.name} has {len(x)} frames, and {seen} were to be seen. Say 1 to {len(x)}.")
        found = self.predictor.predict(x[:seen], steps, draws, seed=seed)
        codes = np.stack([space.path(future).z for future in found])
        reading = f"{seen} frames seen, {steps} drawn"
        if draws > 1:
            spread = float(np.std(found, axis=0).mean() / max(self.predictor.spec_.high - self.predictor.spec_.low, 1e-30))
            reading += f", {draws} times; the futures differ by {spread:.3f} of the range on average"
        return {
            "seen": seen,
            "steps": steps,
            "draws": draws,
            "frames": letters(found),
            "codes": letters(codes),
            "reading": f"{reading}.",
        }


def _outside(space: LatentSpace, z: NDArray[np.float32]) -> str:
    """How many of the codes z (t, D) of a film that was brought lie where none of those learnt from does, in words."""
    try:
        count = int(space.kept(Holes)(z.astype(np.float64)).sum())
    except DataError:
        return ""
    return f"{count:,} of the {len(z):,} lie in holes, where no data does (of frames learnt from, 1 in 20)."


def letters(x: Array, dtype: str = "<f4") -> str:
    """An array, row by row, in base64: float32, little endian, unless told otherwise."""
    return base64.b64encode(np.ascontiguousarray(x, dtype).tobytes()).decode()
