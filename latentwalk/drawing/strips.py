"""Examples on a way, one after the other: a strip to be printed, and frames to be watched. On white, nothing is seen through.

Images are tiles with each pixel as it is, signals small charts, and the rows of a table one heat map, from top to bottom.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.drawing.film import opaque
from latentwalk.drawing.painter import Painter
from latentwalk.drawing.tiles import GAP, MARK, PAPER, Pixels, enlarged, even_columns, pixels, sheet
from latentwalk.errors import ConfigError

__all__ = ["frames", "side_by_side", "strip"]

WATCHED = 224  # pixels of the longer side of a frame, at least
CHART_SCALE = 4  # of a chart that is watched


def strip(
    x: NDArray[Any], painter: Painter, *, columns: int | None = None, marked: Sequence[bool] | NDArray[np.bool_] = ()
) -> Pixels:
    """Examples x (n, *E) as one picture (H, W, C). marked: (n,) those with a red bar, beneath them or, in a heat map, beside.

    columns: how many in a row; rows of nearly the same length, 12 at most, unless given.
    """
    if not (painter.image or painter.lines):
        return _heat(x, painter, marked)
    tiles = enlarged(pixels(x, painter.spec)) if painter.image else opaque(painter.charts(x))
    return sheet(tiles, columns or even_columns(len(x)), marked=marked)


def side_by_side(parts: Sequence[NDArray[Any]], painter: Painter) -> Pixels:
    """Several lots of examples (n, *E) in one row, a wide gap between two lots; those of a table one below the other."""
    axis = 1 if painter.image or painter.lines else 0
    strips = [strip(x, painter, columns=len(x)) for x in parts]
    gap = np.full_like(np.take(strips[0], np.zeros(4 * GAP, int), axis), PAPER)
    return np.concatenate([piece for one in strips for piece in (gap, one)][1:], axis=axis)


def frames(x: NDArray[Any], painter: Painter) -> Pixels:
    """Examples x (n, *E), each a picture of a film: (n, H, W, C). Raises ConfigError for a table."""
    if painter.image:
        return enlarged(pixels(x, painter.spec), WATCHED)
    if painter.lines:
        return opaque(painter.charts(x, CHART_SCALE))
    raise ConfigError("a film shows images or signals; this is a table. Write a .png (a strip), a .npz or a .csv.")


def _heat(x: NDArray[Any], painter: Painter, marked: Sequence[bool] | NDArray[np.bool_]) -> Pixels:
    heat = painter.heat(x)[..., :3]
    beside = np.full((len(heat), 2 * GAP, 3), PAPER, np.uint8)
    if len(marked):
        beside[np.repeat(np.asarray(marked), len(heat) // len(x)), :GAP] = MARK
    return np.concatenate([beside, heat], axis=1) if any(marked) else heat
