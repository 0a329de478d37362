"""Films, drawn as strips of their frames, one film below the other."""

from typing import Any, ClassVar, final

import numpy as np

from latentwalk.arrays import Array
from latentwalk.data.spec import DataSpec, Kind
from latentwalk.drawing.painter import Marks, Painter, clear_sheet, png
from latentwalk.drawing.tiles import ACROSS, GAP, MARK, PAPER, SIDE, Pixels, coloured, enlarged, pixels, sheet, shrunk

__all__ = ["Films", "film_strip", "pictures", "playing"]

SMALL = 40  # pixels of the longer side of a frame on a page
WATCHED = 224  # of a frame that is watched, at least


@final
class Films(Painter):
    """The painter of films. Of long ones evenly spaced frames are shown."""

    __slots__ = ()
    kinds: ClassVar[tuple[Kind, ...]] = ("film",)
    along: ClassVar[int] = 0
    draws = (12, 1)
    steps = 3

    def sheet(self, x: Array, columns: int, gap: int = 2, magnify: int = 1) -> dict[str, Any]:
        tiles = shrunk(enlarged(self._shown(x), SMALL), SMALL * magnify)
        rows = self._rows(tiles, len(x), 1)
        rows = coloured(rows)[..., :3]
        opaque = np.concatenate([rows, np.full_like(rows[..., :1], 255)], axis=-1)
        return png(clear_sheet(opaque, min(columns, len(x)), max(gap, 2)), flat=False)

    def grid(self, x: Array) -> dict[str, Any]:
        return self.sheet(x.reshape(-1, *self.spec.shape), x.shape[1])

    def strip(self, x: Array, *, columns: int | None = None, marked: Marks = ()) -> Pixels:
        tiles = enlarged(self._shown(x))
        found = sheet(tiles, len(tiles) // len(x))
        if not len(marked) or not np.any(marked):
            return found
        found = coloured(found)
        found = np.pad(found, ((0, 0), (2 * GAP, 0), (0, 0)), constant_values=PAPER)
        high = tiles.shape[1] + GAP
        for row in np.flatnonzero(marked):
            found[GAP + row * high : row * high + high, :GAP, :3] = MARK
        return found

    def frames(self, x: Array) -> Pixels:
        """Films x (n, *E), one after the other."""
        return enlarged(pictures(x.reshape(-1, *self.spec.shape[1:]), self.spec), WATCHED)

    def _shown(self, x: Array) -> Pixels:
        """Some frames of each film, (n * shown, H, W, C)."""
        length = self.spec.shape[0]
        places = np.unique(np.linspace(0, length - 1, min(length, ACROSS)).round().astype(int))
        return pictures(x[:, places].reshape(-1, *self.spec.shape[1:]), self.spec)

    @staticmethod
    def _rows(tiles: Pixels, films: int, gap: int) -> Pixels:
        """Frames (films * shown, h, w, c) of each film side by side: (films, h, W, c)."""
        _, height, width, channels = tiles.shape
        each = tiles.reshape(films, -1, height, width, channels)
        rows = np.full((films, height, each.shape[1] * (width + gap) - gap, channels), PAPER, np.uint8)
        for at in range(each.shape[1]):
            rows[:, :, at * (width + gap) : at * (width + gap) + width] = each[:, at]
        return rows


def playing(films: Array, spec: DataSpec, seen: int) -> Pixels:
    """Films (n, t, *frame) side by side, a picture a moment: (t, H, W, 3). The first is what came.

    From frame `seen` on the others are predicted, which a red bar says. One that is over is paper from there on.
    """
    count, length = films.shape[:2]
    shown = []
    for at in range(length):
        tiles = enlarged(pictures(films[:, at], spec), WATCHED if count == 1 else SIDE)
        tiles = coloured(tiles)[..., :3]
        shown.append(sheet(tiles, min(count, ACROSS), marked=[film > 0 and at >= seen for film in range(count)]))
    return np.stack(shown)


def film_strip(films: Array, spec: DataSpec, seen: int) -> Pixels:
    """The same as one picture: films one below the other, their frames side by side."""
    count, length = films.shape[:2]
    tiles = enlarged(pictures(films.reshape(-1, *films.shape[2:]), spec))
    tiles = coloured(tiles)[..., :3]
    places = np.arange(count * length)
    return sheet(tiles, length, marked=(places >= length) & (places % length >= seen))


def pictures(frames: Array, spec: DataSpec) -> Pixels:
    """Frames (m, *frame) of films of this spec as bytes (m, H, W, C); paper where there is none."""
    known = np.asarray(frames, np.float64)
    gone = np.isnan(known)
    tiles = pixels(np.where(gone, spec.high, known), spec)
    return np.where(spec.channels_last(gone), np.uint8(PAPER), tiles) if gone.any() else tiles
