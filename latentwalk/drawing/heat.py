"""Rows of a table, drawn as a heat map: a square a value, dark where it is low and bright where it is high in its column."""

from typing import Any, ClassVar, final

import numpy as np

from latentwalk.arrays import Array
from latentwalk.data.spec import DataSpec, Kind
from latentwalk.drawing.painter import Marks, Painter, clear_sheet, png, subset
from latentwalk.drawing.tiles import GAP, MARK, PAPER, Pixels
from latentwalk.errors import ConfigError

__all__ = ["Heat"]

COLUMNS = 400  # of a table that are drawn; a longer row is averaged down to as many
MAPS = 12  # columns of a table that get their own map of the plane
SIDE = 480  # pixels across a heat map, about, and the most across the maps of a plane


@final
class Heat(Painter):
    """The painter of tables. Their columns range from their 1 % to their 99 % quantile."""

    __slots__ = ()
    kinds: ClassVar[tuple[Kind, ...]] = ("table",)
    along: ClassVar[int] = 0
    draws = (24, 1)
    steps = 21

    @staticmethod
    def ends(spec: DataSpec, data: Array) -> tuple[Array, Array]:
        low, high = np.quantile(subset(data).reshape(-1, spec.size), [0.01, 0.99], axis=0)
        return low, high

    def sheet(self, x: Array, columns: int, gap: int = 2, magnify: int = 1) -> dict[str, Any]:
        return png(self.heat(x), flat=True)

    def grid(self, x: Array) -> dict[str, Any]:
        maps = np.moveaxis(self.unit(x.reshape(-1, self.spec.size)).reshape(*x.shape[:2], -1), 2, 0)[:MAPS]  # (maps, r, c)
        paper = clear_sheet(_colours(maps), int(np.ceil(np.sqrt(len(maps)))), gap=2)
        scale = max(1, SIDE // max(paper.shape[:2]))
        return png(paper.repeat(scale, 0).repeat(scale, 1), flat=False)

    def strip(self, x: Array, *, columns: int | None = None, marked: Marks = ()) -> Pixels:
        heat = self.heat(x)[..., :3]
        if not any(marked):
            return heat
        beside = np.full((len(heat), 2 * GAP, 3), PAPER, np.uint8)
        beside[np.repeat(np.asarray(marked), len(heat) // len(x)), :GAP] = MARK
        return np.concatenate([beside, heat], axis=1)

    def frames(self, x: Array) -> Pixels:
        raise ConfigError("a film shows images or signals; this is a table. Write a .png (a strip), a .npz or a .csv.")

    def heat(self, x: Array) -> Array:
        """Rows of a table x (n, *E), one below the other, as colours: bytes (h, w, 4), h a multiple of n."""
        unit = self.unit(x.reshape(len(x), -1).astype(np.float64))
        if unit.shape[1] > COLUMNS:
            unit = np.stack([part.mean(axis=1) for part in np.array_split(unit, COLUMNS, axis=1)], axis=1)
        across = max(1, round(SIDE / unit.shape[1]))
        return _colours(unit).repeat(max(4, min(14, across)), 0).repeat(across, 1)


def _colours(unit: Array) -> Array:
    """Values in [0, 1] as bytes (..., 4): a scale of even lightness that colour-blind eyes read too."""
    import matplotlib  # here, so that who draws no table does not wait for it

    colours: Array = matplotlib.colormaps["cividis"](unit, bytes=True)
    return colours
