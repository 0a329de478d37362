"""Images as pictures to look at: bytes, enlarged where they are small, side by side on a sheet."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentwalk.arrays import Array
from latentwalk.data.spec import DataSpec

__all__ = ["SIDE", "Pixels", "coloured", "enlarged", "even_columns", "pixels", "sheet", "shrunk", "square_columns"]

Pixels = NDArray[np.uint8]
SIDE = 72  # small images are enlarged, by a whole number, until their longer side has at least so many pixels
PAPER = 255
GAP = 4
ACROSS = 12  # tiles in a row of a strip, at most
MARK = (209, 67, 31)  # of a tile that is marked: the red of holes in reports


def pixels(x: Array, spec: DataSpec) -> Pixels:
    """Examples (n, *E) in the units of the data as bytes (n, H, W, C), C in 1, 3, 4. What lies outside the range is cut."""
    span = (spec.high - spec.low) or 1.0
    gray = np.clip((np.asarray(x, np.float64) - spec.low) / span, 0, 1)
    return spec.channels_last(np.round(gray * 255).astype(np.uint8))


def enlarged(tiles: Pixels, side: int = SIDE) -> Pixels:
    """The tiles (n, H, W, C) with each pixel repeated, so that small ones can be seen: the longer side is at least `side`."""
    times = max(1, math.ceil(side / max(tiles.shape[1:3])))
    return tiles.repeat(times, axis=1).repeat(times, axis=2)


def shrunk(tiles: Pixels, side: int) -> Pixels:
    """The tiles (n, H, W, C), their longer side no more than `side`."""
    height, width = tiles.shape[1:3]
    scale = side / max(height, width)
    if scale >= 1:
        return tiles
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = [
        Image.fromarray(one[..., 0] if one.shape[-1] == 1 else one).resize(size, Image.Resampling.LANCZOS) for one in tiles
    ]
    return np.stack([np.asarray(one).reshape(size[1], size[0], -1) for one in small])


def square_columns(tiles: Pixels) -> int:
    """How many columns make a sheet of tiles (n, H, W, C) nearly square."""
    count, height, width, _ = tiles.shape
    return max(1, math.ceil(math.sqrt(count * height / width)))


def even_columns(count: int) -> int:
    """Columns for `count` tiles: one row of them, or rows of nearly the same length."""
    return -(-count // -(-count // ACROSS))


def coloured(tiles: Pixels) -> Pixels:
    """Tiles (…, C), gray ones in three equal channels; others as they are."""
    return tiles.repeat(3, axis=-1) if tiles.shape[-1] == 1 else tiles


def sheet(tiles: Pixels, columns: int, *, band: int = 1, marked: Sequence[bool] | NDArray[np.bool_] = ()) -> Pixels:
    """Tiles (n, H, W, C) in rows of `columns`, on paper: (H', W', C). After every `band` rows the gap is wider.

    marked: (n,) which tiles have a red bar beneath; where there is one, a gray sheet becomes a coloured one.
    """
    if any(marked):
        tiles = coloured(tiles)
    count, height, width, channels = tiles.shape
    rows = math.ceil(count / columns)
    tops = [GAP + row * (height + GAP) + (row // band) * 3 * GAP * (band > 1) for row in range(rows)]
    paper = np.full((tops[-1] + height + GAP, GAP + columns * (width + GAP), channels), PAPER, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = tops[index // columns], GAP + index % columns * (width + GAP)
        paper[top : top + height, left : left + width] = tile
        if len(marked) and marked[index]:
            paper[top + height : top + height + GAP, left : left + width, :3] = MARK
    return paper
