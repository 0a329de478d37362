"""Images, drawn as tiles: as they are where they are large enough, with hard-edged pixels where they are small."""

from typing import Any, ClassVar, final

import numpy as np
from PIL import Image

from latentwalk.arrays import Array
from latentwalk.data.spec import Kind
from latentwalk.drawing.painter import Marks, Painter, clear_sheet, png
from latentwalk.drawing.tiles import Pixels, enlarged, even_columns, pixels, sheet

__all__ = ["Images"]

LARGEST, SMALLEST = 56, 20  # pixels along the longer side of a tile: larger ones are scaled down, smaller ones up
WIDEST = 720  # pixels of a sheet of colour images; a gray one weighs a third
WATCHED = 224  # pixels of the longer side of a frame, at least
LARGE = 40  # pixels of the longer side of an image, from which on fewer are shown


@final
class Images(Painter):
    """The painter of images."""

    __slots__ = ()
    kinds: ClassVar[tuple[Kind, ...]] = ("image",)

    @property
    def draws(self) -> tuple[int, int]:
        return (24, 6) if max(self.spec.shape) > LARGE else (40, 8)

    @property
    def steps(self) -> int:
        return 11 if max(self.spec.shape) > LARGE else 15

    def sheet(self, x: Array, columns: int, gap: int = 2, magnify: int = 1) -> dict[str, Any]:
        columns = min(columns, len(x))
        largest = min(LARGEST, WIDEST // columns) if self.spec.channels > 1 else LARGEST
        return png(clear_sheet(self._tiles(x, largest, magnify), columns, gap), flat=gap == 0 and len(x) % columns == 0)

    def grid(self, x: Array) -> dict[str, Any]:
        return self.sheet(x.reshape(-1, *self.spec.shape), x.shape[1], gap=0)

    def strip(self, x: Array, *, columns: int | None = None, marked: Marks = ()) -> Pixels:
        return sheet(enlarged(pixels(x, self.spec)), columns or even_columns(len(x)), marked=marked)

    def frames(self, x: Array) -> Pixels:
        return enlarged(pixels(x, self.spec), WATCHED)

    def _tiles(self, x: Array, largest: int, magnify: int) -> Array:
        """Images (n, *E) as bytes (n, h, w, 2 or 4): gray or colour, and an opaque last channel."""
        levels = self.spec.channels_last(np.rint(255 * self.unit(x.astype(np.float64))).astype(np.uint8))
        levels = np.stack([_sized(tile, largest, magnify) for tile in levels])
        if levels.shape[-1] in (1, 3):
            levels = np.concatenate([levels, np.full_like(levels[..., :1], 255)], axis=-1)
        return levels


def _sized(tile: Array, largest: int, magnify: int) -> Array:
    """An image (h, w, c) whose longer side has SMALLEST to `largest` pixels; the smallest keep their hard-edged pixels."""
    longest = max(tile.shape[:2])
    if longest < SMALLEST:
        factor = magnify * -(-SMALLEST // longest)
        return tile.repeat(factor, 0).repeat(factor, 1)
    wanted = min(largest, magnify * longest)
    if longest == wanted:
        return tile
    h, w = (max(1, round(side * wanted / longest)) for side in tile.shape[:2])
    image = Image.fromarray(tile[..., 0] if tile.shape[-1] == 1 else tile)
    return np.asarray(image.resize((w, h), Image.Resampling.BICUBIC)).reshape(h, w, tile.shape[-1])
