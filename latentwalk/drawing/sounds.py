"""Sounds, drawn as their wave above their spectrogram; and heard, in a page."""

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
from PIL import Image, ImageDraw

from latentwalk.arrays import Array, Doubles
from latentwalk.data.sources.sounds import Sound, resampled
from latentwalk.data.spec import DataSpec, Kind
from latentwalk.drawing.film import opaque, png_bytes
from latentwalk.drawing.html import captioned
from latentwalk.drawing.painter import Marks, Painter, clear_sheet, png, subset
from latentwalk.drawing.tiles import MARK, Pixels, even_columns, sheet

__all__ = ["PAUSE", "Sounds", "audible", "clean", "each_file", "edged", "players", "save_each", "spectrogram"]

TILE = (112, 28, 56)  # pixels: width, height of the wave, of the spectrogram
WATCHED = 4  # times as large is a tile that is watched
FINER = 3  # lines are drawn so many times as large and made smaller, which smooths them
INK = (42, 111, 187)
RANGE = 4.5  # nepers (39 dB) below the loudest that are drawn
PAGE_RATE = 12_000  # samples a second of what is heard in a page, at most: 24 kB a second
PAGE_SECONDS = 4.0  # of a sheet's sounds together
PAUSE = 0.12  # seconds between two sounds of a sheet
EDGE = 0.002  # seconds in which what is cut there begins and ends
SCALE = np.array([(255, 255, 255), (198, 219, 239), (107, 174, 214), (33, 113, 181), (8, 48, 107), (3, 18, 45)], np.float64)


@final
class Sounds(Painter):
    """The painter of sounds."""

    __slots__ = ()
    kinds: ClassVar[tuple[Kind, ...]] = ("sound",)
    draws = (12, 4)
    steps = 5

    @staticmethod
    def ends(spec: DataSpec, data: Array) -> tuple[Array, Array]:
        top = max(float(np.nanquantile(np.abs(subset(data)), 0.999)), 1e-9)
        return np.array(-top), np.array(top)

    def sheet(self, x: Array, columns: int, gap: int = 2, magnify: int = 1) -> dict[str, Any]:
        """The waves and spectrograms, and as sound the first of them, one after the other."""
        heard = audible(x, self.spec.rate) if len(x) else b""
        return self._sheet(x, columns, gap) | {"wav": b64encode(heard).decode()}

    def grid(self, x: Array) -> dict[str, Any]:
        return self._sheet(x.reshape(-1, *self.spec.shape), x.shape[1], 2)

    def _sheet(self, x: Array, columns: int, gap: int) -> dict[str, Any]:
        columns = min(columns, len(x))
        return png(clear_sheet(self.tiles(x), columns, max(gap, 2)), flat=False)

    def strip(self, x: Array, *, columns: int | None = None, marked: Marks = ()) -> Pixels:
        return sheet(opaque(self.tiles(x, 2)), columns or even_columns(len(x)), marked=marked)

    def frames(self, x: Array) -> Pixels:
        return opaque(self.tiles(x, WATCHED))

    def tiles(self, x: Array, scale: int = 1) -> Array:
        """Sounds x (n, *E), each its wave above its spectrogram, on a clear ground: bytes (n, h, w, 4)."""
        top = float(self.high)
        return np.stack([_tile(one.reshape(len(one), -1).mean(1), top, scale) for one in np.asarray(x, np.float64)])


def spectrogram(x: Array, bins: int, frames: int) -> Doubles:
    """The log-magnitudes of a sound (T,), in nepers, (bins, frames): from 0 to half the rate, evenly."""
    x = np.nan_to_num(np.asarray(x, np.float64))
    size = max(8, 1 << int(np.log2(max(8, min(1024, len(x) // 4)))))
    padded = np.pad(x, size // 2)
    starts = np.linspace(0, len(padded) - size, frames).astype(int)
    parts = np.stack([padded[start : start + size] for start in starts]) * np.hanning(size)
    power = np.abs(np.fft.rfft(parts, axis=1)) ** 2 / size
    edges = np.linspace(0, power.shape[1] - 1, bins + 1)
    sums = np.concatenate([np.zeros((frames, 1)), power.cumsum(1)], axis=1)
    places = np.arange(sums.shape[1])
    cumulated = np.stack([np.interp(edges + 0.5, places, one) for one in sums])
    return 0.5 * np.log(np.diff(cumulated, axis=1).T.clip(min=1e-20))


def audible(sounds: Array, rate: int, seconds: float = PAGE_SECONDS) -> bytes:
    """Sounds (n, T[, C]) as a WAV of 16 bits, mono, one after the other with pauses: the first of them, some seconds in all.

    They are as soft, or loud, to each other as they are, and at 12,000 samples a second at most.
    """
    few = max(1, int(seconds / (sounds.shape[1] / rate + PAUSE)))
    shown = min(rate, PAGE_RATE)
    parts: list[Doubles] = []
    for one in np.nan_to_num(np.asarray(sounds[:few], np.float64))[:, : int(seconds * rate)]:
        mono = edged(resampled(one.reshape(len(one), -1).mean(1), rate, shown), shown)
        parts += [mono, np.zeros(round(PAUSE * shown))]
    whole = np.concatenate(parts)
    loudest = np.abs(whole).max()
    return Sound(whole * (0.9 / loudest if loudest else 1.0), shown, "int16").content()


def edged(x: Array, rate: int) -> Doubles:
    """A sound (T[, C]) that begins and ends at 0, within two milliseconds: what is cut there does not click."""
    x = np.array(x, np.float64)
    width = min(len(x) // 2, max(1, round(EDGE * rate)))
    rise = (np.sin(np.pi / 2 * np.arange(width) / width) ** 2).reshape(-1, *[1] * (x.ndim - 1))
    x[:width] *= rise
    x[len(x) - width :] *= rise[::-1]
    return x


def clean(x: Array, rate: int) -> Sound:
    """What was decoded (T[, C]) as a sound: it begins and ends at 0, and nowhere goes beyond 1."""
    return Sound(edged(x, rate), rate).within()


def save_each(sounds: Iterable[Sound], folder: Path) -> None:
    """Write sounds to files of their own, 000.wav and so on. Raises OSError."""
    sounds = list(sounds)
    for path, one in zip(each_file(folder, len(sounds)), sounds, strict=True):
        one.save(path)


def each_file(folder: Path, count: int) -> list[Path]:
    """What files of so many sounds are called."""
    return [folder / f"{at:03}.wav" for at in range(count)]


def players(painter: Sounds, sounds: Array, marked: Marks, *lines: str) -> str:
    """HTML of sounds (n, *E): of each its picture and a player, those marked with a red bar, above lines of plain text."""
    rows = []
    for at, tile in enumerate(opaque(painter.tiles(sounds, 2))):
        bar = f"3px solid rgb{MARK}" if len(marked) and marked[at] else "3px solid transparent"
        drawn = b64encode(png_bytes(tile)).decode()
        heard = b64encode(audible(sounds[at : at + 1], painter.spec.rate)).decode()
        rows.append(
            f'<div style="display:inline-block;border-bottom:{bar};padding:.3em"><img alt="wave and spectrogram" '
            f'src="data:image/png;base64,{drawn}"><br><audio controls preload="none" style="width:{tile.shape[1]}px" '
            f'src="data:audio/wav;base64,{heard}"></audio></div>'
        )
    return captioned("".join(rows), *lines)


def _tile(x: Doubles, top: float, scale: int) -> Array:
    """A sound (T,), mono: its wave above its spectrogram, bytes (h, w, 4); what is missing is left out."""
    width, high, low = (scale * side for side in TILE)
    return np.concatenate([_wave(x, top, width, high), _shades(x, top, width, low)])


def _wave(x: Doubles, top: float, width: int, height: int) -> Array:
    """From its lowest to its highest sample, at each place."""
    paper = Image.new("RGBA", (FINER * width, FINER * height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(paper)
    edges = np.linspace(0, len(x), FINER * width + 1).astype(int)
    middle, reach = FINER * height / 2, FINER * (height - 2) / 2 / top
    for at, (start, end) in enumerate(zip(edges[:-1], np.maximum(edges[1:], edges[:-1] + 1), strict=True)):
        part = x[start:end]
        part = part[np.isfinite(part)]
        if len(part):
            up, down = (middle - reach * float(np.clip(value, -top, top)) for value in (part.max(), part.min()))
            draw.line([(at, up - 1), (at, down + 1)], fill=(*INK, 255))
    return np.asarray(paper.resize((width, height), Image.Resampling.LANCZOS))


def _shades(x: Doubles, top: float, width: int, height: int) -> Array:
    """The spectrogram, low frequencies below; white is silence."""
    shades = spectrogram(x / top, height, width)[::-1]
    loudest = max(1.0, float(shades.max()))
    share = ((shades - loudest + RANGE) / RANGE).clip(0, 1) * (len(SCALE) - 1)
    below = np.minimum(share.astype(int), len(SCALE) - 2)
    part = (share - below)[..., None]
    colours = SCALE[below] * (1 - part) + SCALE[below + 1] * part
    opacity = np.full((*share.shape, 1), 255.0)
    return np.rint(np.concatenate([colours, opacity], axis=-1)).astype(np.uint8)
