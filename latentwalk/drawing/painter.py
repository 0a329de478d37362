"""How the examples of one data set are drawn, on a page and on paper. Abstract: there is one painter for each kind of data.

On a page the ground is clear, so that it stands on light and on dark; strips and films are on white, and nothing is seen
through.
"""

import base64
import io
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentwalk.arrays import Array
from latentwalk.data.spec import DataSpec, Kind
from latentwalk.drawing.tiles import GAP, PAPER, Pixels

__all__ = ["Marks", "Painter", "clear_sheet", "png", "subset"]

Marks = Sequence[bool] | NDArray[np.bool_]  # (n,) which examples are marked, or none at all
LOOKED_AT = 5000  # rows by which a range is judged


@dataclass(frozen=True, slots=True)
class Painter(ABC):
    """How examples of one data set are drawn.

    low, high: what is drawn darkest and brightest, or lowest and highest; () for images and signals, (size,) for tables, whose
    columns have their own ranges.
    """

    kinds: ClassVar[tuple[Kind, ...]]  # of the data it draws
    along: ClassVar[int] = 1  # the axis of a picture along which several lots of examples are set
    spec: DataSpec
    low: Array
    high: Array

    @classmethod
    def of(cls, spec: DataSpec, data: Array) -> "Painter":
        """The painter for data (n, *E) of this spec."""
        painter = {kind: one for one in Painter.__subclasses__() for kind in one.kinds}[spec.kind]
        numbers = data.astype(np.uint8) if isinstance(data, np.ndarray) and data.dtype == bool else data
        return painter(spec, *painter.ends(spec, numbers))

    @staticmethod
    def ends(spec: DataSpec, data: Array) -> tuple[Array, Array]:
        """What `low` and `high` are for data (n, *E): unless a painter knows better, what the spec says."""
        return np.array(spec.low), np.array(spec.high)

    @property
    @abstractmethod
    def draws(self) -> tuple[int, int]:
        """How many draws of a model are shown on a page, and how many of them in a row."""

    @property
    @abstractmethod
    def steps(self) -> int:
        """How many examples stand along a side of a plane."""

    @abstractmethod
    def sheet(self, x: Array, columns: int, gap: int = 2, magnify: int = 1) -> dict[str, Any]:
        """Examples x (n, *E) from left to right, `columns` a row; table rows are stacked instead. See `png`.

        gap: clear pixels between tiles. magnify: small images are drawn so many times as large, smoothly, so that a page that
        stretches the sheet does not blur the gaps.
        """

    @abstractmethod
    def grid(self, x: Array) -> dict[str, Any]:
        """Examples x (rows, columns, *E) of a plane: tiles without gaps; for a table, one map of the plane per column."""

    @abstractmethod
    def strip(self, x: Array, *, columns: int | None = None, marked: Marks = ()) -> Pixels:
        """Examples x (n, *E) as one picture (H, W, C).

        columns: how many in a row; rows of nearly the same length, 12 at most, unless given. marked: (n,) those with a red bar,
        beneath them or, in a heat map, beside.
        """

    @abstractmethod
    def frames(self, x: Array) -> Pixels:
        """Examples x (n, *E), each a picture of a film: (n, H, W, C). Raises ConfigError for a table."""

    def side_by_side(self, parts: Sequence[Array]) -> Pixels:
        """Several lots of examples (n, *E) in one row, a wide gap between two lots; those of a table one below the other."""
        strips = [self.strip(x, columns=len(x)) for x in parts]
        gap = np.full_like(np.take(strips[0], np.zeros(4 * GAP, int), self.along), PAPER)
        return np.concatenate([piece for one in strips for piece in (gap, one)][1:], axis=self.along)

    def unit(self, x: Array) -> Array:
        """Values as 0 (low) to 1 (high), cut to that; a constant column lies in the middle."""
        width = np.where(self.high > self.low, self.high - self.low, 1.0)
        unit = np.where(self.high > self.low, (x - self.low) / width, 0.5)
        return np.nan_to_num(unit, nan=0.5).clip(0, 1)


def subset(data: Array) -> Array:
    """About LOOKED_AT rows of the data (n, *E), evenly spaced."""
    return np.asarray(data[:: max(1, len(data) // LOOKED_AT)])


def clear_sheet(tiles: Array, columns: int, gap: int) -> Array:
    """Tiles (n, h, w, c) in rows of `columns`, `gap` clear pixels apart: (H, W, c), and clear where no tile lies."""
    h, w, c = tiles.shape[1:]
    rows = -(-len(tiles) // columns)
    paper = np.zeros((rows * (h + gap) - gap, columns * (w + gap) - gap, c), np.uint8)
    for at, tile in enumerate(tiles):
        top = at // columns * (h + gap)
        left = at % columns * (w + gap)
        paper[top : top + h, left : left + w] = tile
    return paper


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
