"""Many examples on one picture, as PNG.

Images are laid out as tiles, with clear lines between them, and signals as small charts, a line for each channel. A row of a
table becomes a strip of colours, one square a column, so that a stack of rows reads as a heat map; dark is low and bright is
high, column by column.
"""

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from latentwalk.data.spec import DataSpec

__all__ = ["Painter"]

Array = NDArray[Any]
LARGEST, SMALLEST = 56, 20  # pixels along the longer side of a tile: larger ones are scaled down, smaller ones up
WIDEST = 720  # pixels of a sheet of colour images; a gray one weighs a third
COLUMNS = 400  # of a table that are drawn; a longer row is averaged down to as many
CHART = (112, 56)  # pixels of the tile of a signal
FINER = 3  # lines are drawn so many times as large and made smaller, which smooths them
INKS = ((42, 111, 187), (214, 120, 30), (46, 140, 96), (160, 80, 170))  # of channels; each stands out on light and on dark
MAPS = 12  # columns of a table that get their own map of the plane


@dataclass(frozen=True, slots=True)
class Painter:
    """How examples of one data set are drawn.

    low, high: what is drawn darkest and brightest, or lowest and highest; () for images and signals, (size,) for tables, whose
    columns have their own ranges.
    """

    spec: DataSpec
    low: Array
    high: Array

    @classmethod
    def of(cls, spec: DataSpec, data: Array) -> "Painter":
        """For data (n, *E) of this spec. A table's columns range from their 1 % to their 99 % quantile."""
        if spec.kind == "image":
            return cls(spec, np.array(spec.low), np.array(spec.high))
        if spec.kind == "signal":
            low, high = np.nanquantile(np.asarray(data[:: max(1, len(data) // 5000)]), [0.001, 0.999])
            return cls(spec, np.array(low), np.array(high))
        rows = np.asarray(data[:: max(1, len(data) // 5000)]).reshape(-1, spec.size)
        low, high = np.quantile(rows, [0.01, 0.99], axis=0)
        return cls(spec, low, high)

    @property
    def image(self) -> bool:
        """Whether an example is an image."""
        return self.spec.kind == "image"

    @property
    def lines(self) -> bool:
        """Whether an example is a signal."""
        return self.spec.kind == "signal"

    def sheet(self, x: Array, columns: int, gap: int = 2, magnify: int = 1) -> dict[str, Any]:
        """Examples x (n, *E) from left to right, `columns` a row; table rows are stacked instead. See `png`.

        gap: clear pixels between tiles. magnify: small images are drawn so many times as large, smoothly, so that a page that
        stretches the sheet does not blur the gaps.
        """
        if not (self.image or self.lines):
            return png(self.heat(x), flat=True)
        columns = min(columns, len(x))
        if self.lines:
            tiles = self.charts(x)
        else:
            tiles = self._tiles(x, min(LARGEST, WIDEST // columns) if self.spec.channels > 1 else LARGEST, magnify)
        h, w, c = tiles.shape[1:]
        rows = -(-len(x) // columns)
        paper = np.zeros((rows * (h + gap) - gap, columns * (w + gap) - gap, c), np.uint8)  # clear where no tile lies
        for at, tile in enumerate(tiles):
            top, left = at // columns * (h + gap), at % columns * (w + gap)
            paper[top : top + h, left : left + w] = tile
        return png(paper, flat=gap == 0 and len(x) == rows * columns)

    def grid(self, x: Array) -> dict[str, Any]:
        """Examples x (rows, columns, *E) of a plane: tiles without gaps; for a table, one map of the plane per column."""
        if self.image or self.lines:
            return self.sheet(x.reshape(-1, *self.spec.shape), x.shape[1], gap=0)
        maps = np.moveaxis(self._unit(x.reshape(-1, self.spec.size)).reshape(*x.shape[:2], -1), 2, 0)[:MAPS]  # (maps, r, c)
        across = int(np.ceil(np.sqrt(len(maps))))
        down, (h, w) = -(-len(maps) // across), maps.shape[1:]
        gap = 2
        paper = np.zeros((down * (h + gap) - gap, across * (w + gap) - gap, 4), np.uint8)
        for at, one in enumerate(_colours(maps)):
            top, left = at // across * (h + gap), at % across * (w + gap)
            paper[top : top + h, left : left + w] = one
        scale = max(1, 480 // max(paper.shape[:2]))
        return png(paper.repeat(scale, 0).repeat(scale, 1), flat=False)

    def charts(self, x: Array, scale: int = 1) -> Array:
        """Signals x (n, *E) as charts on a clear ground, `scale` times as large as on a sheet: bytes (n, h, w, 4)."""
        return np.stack([self._chart(one, scale) for one in x])

    def heat(self, x: Array) -> Array:
        """Rows of a table x (n, *E), one below the other, as colours: bytes (h, w, 4), h a multiple of n."""
        unit = self._unit(x.reshape(len(x), -1).astype(np.float64))
        if unit.shape[1] > COLUMNS:
            unit = np.stack([part.mean(axis=1) for part in np.array_split(unit, COLUMNS, axis=1)], axis=1)
        across = max(1, round(480 / unit.shape[1]))
        return _colours(unit).repeat(max(4, min(14, across)), 0).repeat(across, 1)

    # ------------------------------------------------------------------ inside

    def _unit(self, x: Array) -> Array:
        """Values as 0 (low) to 1 (high), cut to that; a constant column lies in the middle."""
        width = np.where(self.high > self.low, self.high - self.low, 1.0)
        unit = np.where(self.high > self.low, (x - self.low) / width, 0.5)
        return np.nan_to_num(unit, nan=0.5).clip(0, 1)

    def _tiles(self, x: Array, largest: int, magnify: int) -> Array:
        """Images (n, *E) as bytes (n, h, w, 2 or 4): gray or colour, and an opaque last channel."""
        levels = self.spec.channels_last(np.rint(255 * self._unit(x.astype(np.float64))).astype(np.uint8))
        levels = np.stack([_sized(tile, largest, magnify) for tile in levels])
        if levels.shape[-1] in (1, 3):
            levels = np.concatenate([levels, np.full_like(levels[..., :1], 255)], axis=-1)
        return levels

    def _chart(self, x: Array, scale: int) -> Array:
        """A signal (T,) or (T, F) as a small chart on a clear ground: bytes (h, w, 4). NaN is a gap."""
        width, height = (FINER * scale * side for side in CHART)
        paper = Image.new("RGBA", (width, height), (0, 0, 0, 0))
        draw = ImageDraw.Draw(paper)
        margin = 2 * FINER * scale
        across = np.linspace(margin, width - margin, max(len(x), 2))
        span = float(self.high - self.low) or 1.0
        for channel, line in enumerate(x.reshape(len(x), -1).T[: len(INKS)]):
            down = margin + (height - 2 * margin) * (1 - ((line - float(self.low)) / span).clip(-0.1, 1.1))
            seen = np.isfinite(line)
            for start, end in _runs(seen):
                points = [(float(across[at]), float(down[at])) for at in range(start, end)]
                draw.line(points if len(points) > 1 else points * 2, fill=(*INKS[channel], 255), width=FINER + scale)
        return np.asarray(paper.resize((width // FINER, height // FINER), Image.Resampling.LANCZOS))


def png(pixels: Array, flat: bool) -> dict[str, Any]:
    """Bytes (h, w, 2 or 4) as {"png": base64, "width", "height"}; flat: nothing is clear, the last channel can go.

    Colours are reduced to 256, which the eye does not miss on small tiles: a third of the size.
    """
    gray = pixels.shape[-1] == 2
    if flat:
        image = Image.fromarray(pixels[..., 0] if gray else np.ascontiguousarray(pixels[..., :3]))
        image = image if gray else image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    else:
        image = Image.fromarray(pixels)
        image = image if gray else image.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return {"png": base64.b64encode(file.getvalue()).decode(), "width": image.width, "height": image.height}


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


def _runs(seen: Array) -> list[tuple[int, int]]:
    """Where True stands in one piece: first, and one past the last."""
    edges = np.flatnonzero(np.diff(np.r_[False, seen, False].astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _colours(unit: Array) -> Array:
    """Values in [0, 1] as bytes (..., 4): a scale of even lightness that colour-blind eyes read too."""
    import matplotlib  # here, so that who draws no table does not wait for it

    colours: Array = matplotlib.colormaps["cividis"](unit, bytes=True)
    return colours
