"""What a move in a latent space gives: points, and what they decode to; as arrays, files and pictures."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.data.music import Piece
from latentwalk.data.original import PICTURES, Original
from latentwalk.data.overlap import crossfaded
from latentwalk.data.sources.midi import midi_content
from latentwalk.data.sources.sounds import Sound
from latentwalk.data.spec import DataSpec
from latentwalk.data.tones import rendered
from latentwalk.drawing.film import FPS, gif_bytes, mp4_bytes, png_bytes
from latentwalk.drawing.html import figure
from latentwalk.drawing.pages import listed
from latentwalk.drawing.painter import Painter
from latentwalk.drawing.rolls import played
from latentwalk.drawing.sounds import Sounds, clean, players, save_each
from latentwalk.drawing.tiles import Pixels, even_columns, pixels, sheet, shrunk
from latentwalk.errors import ConfigError, DataError, unknown
from latentwalk.files import write_atomically

__all__ = ["ENDINGS", "FILMS", "Decoded"]

FILMS = (".gif", ".mp4")
ENDINGS = (".png", *FILMS, ".npz", ".txt", ".mid", ".wav")
SHOWN = 640  # pixels of the longer side of a picture of its own size, on a strip of several


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """Points of a latent space and what they decode to: z (*B, D), x (*B, *E) in the units of the data.

    spec: what an example is, where that is known.
    painter: how it is drawn; by its own range where there is none.
    marks: which points (*B,) have a red bar on a strip; None for none of them.
    closed: whether the last point is the first again: a film of it then goes round, and not there and back.
    notes: what a .npz holds besides, by name.
    said: what there is to say of them, in one sentence; "" for how many they are.
    onto: the picture of its own size that they were put onto: x then is pictures like it, in its type and layout, and one of
        them is saved as such a file.
    """

    z: NDArray[np.float32]
    x: Array
    spec: DataSpec | None = None
    painter: Painter | None = None
    marks: NDArray[np.bool_] | None = None
    closed: bool = False
    notes: Mapping[str, Array] = field(default_factory=dict)
    said: str = ""
    onto: Original | None = None

    def __len__(self) -> int:
        return len(self.z)

    def __getitem__(self, row: int) -> "Decoded":
        return Decoded(self.z[row], self.x[row], self.spec, self.painter, onto=self.onto)

    @property
    def marked(self) -> NDArray[np.bool_]:
        """Which points (*B,) have a red bar on a strip."""
        return np.zeros(self.z.shape[:-1], bool) if self.marks is None else self.marks

    @property
    def reading(self) -> str:
        """One sentence."""
        if self.said:
            return self.said
        count = int(np.prod(self.z.shape[:-1]))
        return f"{count:,} point{'s' * (count != 1)} of a latent space of {self.z.shape[-1]} dimensions, decoded."

    @property
    def texts(self) -> list[str]:
        """The points as texts, one after the other. Raises DataError where they are none."""
        if self.spec is None or self.spec.vocabulary is None:
            raise DataError(f"these are {'examples' if self.spec is None else f'{self.spec.kind}s'}, not texts.")
        return self.spec.vocabulary.texts(self._examples())

    @property
    def pieces(self) -> list[Piece]:
        """The points as pieces of music, one after the other. Raises DataError where they are none."""
        if self.spec is None or self.spec.score is None:
            raise DataError(f"these are {'examples' if self.spec is None else f'{self.spec.kind}s'}, not pieces of music.")
        return self.spec.said(self._examples())

    @property
    def sounds(self) -> list[Sound]:
        """The points as sounds, one after the other. Raises DataError where they are none."""
        rate = self._rate()
        return [clean(one, rate) for one in self._examples()]

    @property
    def sound(self) -> Sound:
        """The points as one sound: each goes over into the next without a click. Raises DataError where they are none."""
        rate = self._rate()
        return clean(crossfaded(list(self._examples())), rate)

    @property
    def arrays(self) -> dict[str, Array]:
        """What a .npz holds, by name."""
        return {"z": self.z, "x": self.x, **self.notes}

    def picture(self) -> Pixels:
        """The examples side by side, table rows as a heat map: bytes (H, W, C). Raises ConfigError without a spec.

        One picture of its own size is itself; several are side by side no larger than is seen at a glance.
        """
        if self.onto is not None:
            return self._beside_each_other(self.onto)
        columns = self.z.shape[1] if self.z.ndim == 3 else None
        return self._painter().strip(self._examples(), columns=columns, marked=self.marked.ravel())

    def save(self, path: str | PathLike[str], *, fps: float = FPS) -> None:
        """Write a strip (.png), a film (.gif, .mp4; images and signals), texts (.txt), music (.mid, .wav; one piece after the
        other), sounds (.wav; each going over into the next) or arrays (.npz), whole or not at all. Sounds also go each to a
        file of its own, 000.wav and so on, in a folder: a path without an ending.

        One picture of its own size is written as that picture (.png, .jpg or .webp).

        fps: pictures a second. A film runs for ever, there and back; a closed one goes round. An MP4 is played once.
        Raises ConfigError: another ending, a film of a table or of a plane, MP4 without PyAV; OSError.
        """
        path = Path(path)
        if not path.suffix and self._heard:
            save_each(self.sounds, path)
            return
        content = self.content(path.suffix, fps=fps)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)

    def content(self, ending: str, *, fps: float = FPS) -> bytes:
        """The bytes of a file with this ending. Raises ConfigError: see `save`."""
        if self.onto is not None and self.z.ndim == 1 and ending.lower() in PICTURES:
            return self.onto.content(self.x, ending)
        match ending.lower():
            case ".png":
                return png_bytes(self.picture())
            case ".gif":
                return gif_bytes(self._frames(fps), fps, back=not self.closed)
            case ".mp4":
                return mp4_bytes(self._frames(fps), fps)
            case ".mid":
                return midi_content(Piece.row(self.pieces))
            case ".wav" if self._heard:
                return self.sound.content()
            case ".wav":
                return rendered(Piece.row(self.pieces)).content()
            case ".txt":
                return "".join(f"{one}\n" for one in self.texts).encode()
            case ".npz":
                file = io.BytesIO()
                np.savez(file, allow_pickle=False, **self.arrays)
                return file.getvalue()
        raise unknown("file ending", ending, ENDINGS)

    def _repr_html_(self) -> str:
        if self.spec is not None and self.spec.score is not None:
            return played(self.pieces, self.marked.ravel(), self.reading)
        if self.spec is not None and self.spec.vocabulary is not None:
            return listed(self.texts, self.marked.ravel(), self.reading)
        if self._heard:
            return players(cast(Sounds, self._painter()), self._examples(), self.marked.ravel(), self.reading)
        return figure(None if self.spec is None else png_bytes(self.picture()), self.reading)

    # ------------------------------------------------------------------ inside

    @property
    def _heard(self) -> bool:
        return self.spec is not None and self.spec.form.heard

    def _rate(self) -> int:
        """Samples a second. Raises DataError where examples are no sounds."""
        if self.spec is None or not self.spec.form.heard:
            raise DataError(f"these are {'examples' if self.spec is None else f'{self.spec.kind}s'}, not sounds.")
        return self.spec.rate

    def _beside_each_other(self, onto: Original) -> Pixels:
        shown = pixels(self._examples(), onto.spec)
        if self.z.ndim == 1:
            return shown[0]
        return sheet(shrunk(shown, SHOWN), even_columns(len(shown)), marked=self.marked.ravel())

    def _examples(self) -> Array:
        return self.x.reshape(-1, *self.x.shape[self.z.ndim - 1 :])

    def _frames(self, fps: float) -> Pixels:
        if not (np.isfinite(fps) and 0.1 <= fps <= 50):
            raise ConfigError(f"fps={fps}: expected pictures a second, 0.1 to 50.")
        if self.z.ndim != 2:
            raise ConfigError(f"a film needs points in a row; these have shape {self.z.shape[:-1]}. Write a .png or a .npz.")
        x = self._examples()
        return self._painter().frames(x[:-1] if self.closed else x)

    def _painter(self) -> Painter:
        if self.painter is not None:
            return self.painter
        if self.spec is None:
            raise ConfigError("this space does not know what an example is, so there is no picture of one. Write a .npz.")
        return Painter.of(self.spec, self._examples())
