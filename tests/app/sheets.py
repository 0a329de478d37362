"""Sheets of small images, read back."""

from pathlib import Path

import numpy as np
from PIL import Image

from latentwalk.drawing.tiles import GAP, SIDE


def tiles(path: Path, side: int, columns: int) -> np.ndarray:
    """The first row of tiles of a sheet of side x side images, at their own size and in [0, 255]."""
    sheet = np.asarray(Image.open(path)).astype(float)
    big = -(-SIDE // side) * side
    lefts = [GAP + column * (big + GAP) for column in range(columns)]
    return np.stack([sheet[GAP : GAP + big : big // side, left : left + big : big // side] for left in lefts])


def levels(x: np.ndarray) -> np.ndarray:
    """Digits, whose values count to 16, as they are drawn."""
    return np.clip(x / 16 * 255, 0, 255)
