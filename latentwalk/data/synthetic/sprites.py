"""Sprites: one white shape on black, drawn from five known factors, in the manner of dSprites.

dSprites (Matthey et al. 2017) is the usual set for measuring disentanglement: 3 shapes x 6 scales x 40 rotations x 32 x 32
places = 737,280 binary images of 64 x 64. These have the same factors, and other pixels: shapes of the same area, and rotations
that stop short of the full turn, so that no two of them are one. As there, a square looks alike every quarter turn, an ellipse
every half. A place is a whole pixel, so each image is one of 720 stamps put somewhere, and all of them need no memory.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.arrays import Array
from latentwalk.data.dataset import Dataset
from latentwalk.data.rows import Rows, fits
from latentwalk.data.spec import DataSpec
from latentwalk.data.synthetic.factor import Factor, checked, factor_values, stretched
from latentwalk.errors import ConfigError

__all__ = ["SPRITE_FACTORS", "render_sprites", "sprites"]

SIZE = 64
STAMP = SIZE // 2  # a stamp's side; the largest shape reaches 14 pixels from its middle, whichever way it is turned
WITHIN = 8  # points a pixel side at which a shape is looked at; a pixel is white where it holds at least half of them
AREA = 300.0  # pixels of each shape at scale 1
SHAPES = ("square", "ellipse", "heart")

SPRITE_FACTORS: Mapping[str, Factor] = MappingProxyType(
    {
        "shape": Factor(0, 2, "square, ellipse, heart", whole=True),
        "scale": Factor(0, 5, "0.5 to 1, in steps of 0.1", whole=True, neutral=5),
        "rotation": Factor(0, 39, "fortieths of a turn, anticlockwise", whole=True),
        "x": Factor(0, 31, "pixels from the leftmost place", whole=True, neutral=16),
        "y": Factor(0, 31, "pixels from the topmost place", whole=True, neutral=16),
    }
)
COUNTS = tuple(int(factor.high) + 1 for factor in SPRITE_FACTORS.values())


def sprites(n: int | None = 10_000, *, seed: int = 0, **fixed: ArrayLike) -> Dataset:
    """Draw n sprites at random, or with n=None all 737,280 in order, labelled by their shape.

    fixed: factors to pin, each one value or (n,) of them; not with n=None.
    Returns x (n, 64, 64) uint8, 0 or 255, drawn when asked for where it would not fit into memory; y 0, 1 or 2; every factor
    of SPRITE_FACTORS in `factors`, each (n,) whole numbers.
    Raises ConfigError: an unknown factor, a value out of range, n below 1, a negative seed, n=None with a pinned factor.

    >>> some = sprites(4, shape=2)
    >>> some.x.shape, some.y.tolist(), some.classes
    ((4, 64, 64), [2, 2, 2, 2], ('square', 'ellipse', 'heart'))
    >>> len(sprites(None))
    737280
    """
    if n is None:
        if fixed:
            raise ConfigError(f"n=None draws all sprites there are; {', '.join(fixed)} cannot be pinned. Say how many to draw.")
        factors = dict(zip(SPRITE_FACTORS, np.indices(COUNTS).reshape(len(COUNTS), -1), strict=True))
    else:
        factors = factor_values(SPRITE_FACTORS, n, seed, fixed)
    rows = Stamped(factors)
    x = np.asarray(rows) if fits(rows) else cast(NDArray[np.uint8], rows)
    spec = DataSpec("image", (SIZE, SIZE), "HW", "uint8", 0.0, 255.0, 1.0)
    return Dataset(x, spec, factors["shape"].astype(np.int64), SHAPES, name="sprites", factors=factors)


def render_sprites(factors: Mapping[str, ArrayLike]) -> NDArray[np.uint8]:
    """The sprites with these factors, (n, 64, 64) uint8, 0 or 255.

    factors: by name, each (n,) or one value for all; a factor left out is neutral.
    Raises ConfigError: an unknown factor, a value out of range, lengths that do not fit together.

    >>> render_sprites({"shape": [0, 1, 2], "scale": 5}).shape
    (3, 64, 64)
    """
    given = checked(SPRITE_FACTORS, factors)
    n = max((values.size for values in given.values()), default=1)
    neutral = {name: np.asarray(int(factor.neutral)) for name, factor in SPRITE_FACTORS.items()}
    return np.asarray(Stamped({name: stretched(name, given.get(name, neutral[name]), n) for name in SPRITE_FACTORS}))


class Stamped(Rows):
    """Sprites (n, 64, 64), each drawn when it is asked for. factors: all five, (n,) each."""

    def __init__(self, factors: Mapping[str, Array]) -> None:
        self.table = np.stack([factors[name] for name in SPRITE_FACTORS], 1).astype(np.uint8)  # (n, 5)
        self.shape, self.dtype = (len(self.table), SIZE, SIZE), np.dtype(np.uint8)

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        x = np.zeros((len(rows), SIZE, SIZE), np.uint8)
        known = stamps()
        for image, (shape, scale, rotation, left, top) in zip(x, self.table[rows].tolist(), strict=True):
            image[top : top + STAMP, left : left + STAMP] = known[shape, scale, rotation]
        return x


@cache
def stamps() -> NDArray[np.uint8]:
    """Every shape in every scale and rotation: (3, 6, 40, 32, 32), 0 or 255."""
    at = (np.arange(STAMP * WITHIN) + 0.5) / WITHIN - STAMP / 2
    right, up = at[None, :], -at[:, None]
    found = np.empty((*COUNTS[:3], STAMP, STAMP), np.uint8)
    for shape, scale, rotation in np.ndindex(*COUNTS[:3]):
        turn, size = 2 * np.pi * rotation / COUNTS[2], 0.5 + 0.1 * scale
        u = (right * np.cos(turn) + up * np.sin(turn)) / size
        v = (up * np.cos(turn) - right * np.sin(turn)) / size
        share = _inside(SHAPES[shape], u, v).reshape(STAMP, WITHIN, STAMP, WITHIN).mean((1, 3))
        found[shape, scale, rotation] = np.where(share >= 0.5, 255, 0)
    found.flags.writeable = False
    return found


def _inside(shape: str, u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether points u to the right and v up of the middle, in pixels, lie in the shape of scale 1."""
    match shape:
        case "square":
            return np.maximum(abs(u), abs(v)) <= np.sqrt(AREA) / 2
        case "ellipse":  # twice as long as wide
            return (u / 2) ** 2 + v**2 <= AREA / np.pi / 2
        case _:  # (u² + v² - 1)³ = u² v³ is a heart of area 3.66
            unit = np.sqrt(AREA / 3.66)
            u, v = u / unit, v / unit
            return (u**2 + v**2 - 1) ** 3 <= u**2 * v**3
