"""Faces drawn from known factors, in the manner of a flat illustration.

Every factor is drawn independently of the others, from a stream of its own: row i depends on the seed alone, not on how
many rows are asked for. `render` draws them without any chance, so changing one factor changes what that factor
does and nothing else: the truth that an attribute direction, or an interpolation, can be compared with.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.checks import whole
from latentwalk.data.dataset import Dataset
from latentwalk.data.spec import DataSpec
from latentwalk.data.synthetic.canvas import Canvas
from latentwalk.data.synthetic.factor import Factor, checked, factor_values, stretched
from latentwalk.data.synthetic.portrait import portraits

__all__ = ["FACTORS", "Factor", "faces", "render"]

SIZES = (16, 256)
CHUNK = 256 * 64 * 64  # pixels that a thread draws together, in about 20 MB of work space


def _flag(means: str, chance: float) -> Factor:
    return Factor(0, 1, means, whole=True, chance=chance)


FACTORS: Mapping[str, Factor] = MappingProxyType(
    {
        "moustache": _flag("no or yes", 0.5),
        "moustache_size": Factor(0, 1, "thin to thick", neutral=0.5),
        "beard": _flag("no or yes", 0.2),
        "glasses": _flag("no or yes", 0.3),
        "face_width": Factor(-1, 1, "narrow to wide"),
        "face_length": Factor(-1, 1, "short to long"),
        "jaw": Factor(-1, 1, "pointed to square"),
        "skin": Factor(0, 1, "light to dark", neutral=0.3),
        "hair_style": Factor(0, 6, "cropped, short, parted, bob, long, curly, bun", whole=True, neutral=1),
        "hair_colour": Factor(0, 1, "black, brown, auburn, blond, grey", neutral=0.3),
        "eye_size": Factor(-1, 1, "small to large"),
        "eye_spacing": Factor(-1, 1, "close to far apart"),
        "iris": Factor(0, 1, "brown, green, blue", neutral=0.2),
        "brow_size": Factor(0, 1, "thin to thick", neutral=0.5),
        "brow_tilt": Factor(-1, 1, "worried to stern"),
        "nose": Factor(-1, 1, "small to large"),
        "smile": Factor(-1, 1, "serious to happy", neutral=0.5),
        "mouth_open": Factor(0, 1, "closed to open"),
        "yaw": Factor(-1, 1, "turned to the left or right of the picture"),
        "roll": Factor(-1, 1, "leaning to the left or right of the picture"),
        "light": Factor(-1, 1, "from the left or right of the picture"),
        "shirt": Factor(0, 1, "a tone of the palette", neutral=0.5),
        "background": Factor(0, 1, "a tone of the palette"),
    }
)


def faces(n: int = 10_000, *, seed: int = 0, size: int = 64, **fixed: ArrayLike) -> Dataset:
    """Draw n faces, labelled by whether they have a moustache.

    size: height and width in pixels, 16 to 256. fixed: factors to pin, each one value or (n,) of them.
    Returns x (n, size, size, 3) uint8; y 0 or 1; every factor of FACTORS in `factors`, each (n,).
    Raises ConfigError: an unknown factor, a value out of range, n below 1, a negative seed.

    >>> people = faces(4, moustache=1)
    >>> people.x.shape, people.y.tolist(), people.classes
    ((4, 64, 64, 3), [1, 1, 1, 1], ('no moustache', 'moustache'))
    """
    factors = factor_values(FACTORS, n, seed, fixed)
    x, y = render(factors, size=size), factors["moustache"].copy()
    return Dataset(x, DataSpec.infer(x), y, ("no moustache", "moustache"), name="faces", factors=factors)


def render(factors: Mapping[str, ArrayLike], *, size: int = 64) -> NDArray[np.uint8]:
    """The faces with these factors, (n, size, size, 3) uint8: the same factors give the same bytes.

    factors: by name, each (n,) or one value for all; a factor left out is neutral.
    Raises ConfigError: an unknown factor, a value out of range, lengths that do not fit together.

    >>> render({"smile": [-1, 0, 1], "moustache": 1}).shape
    (3, 64, 64, 3)
    """
    given = checked(FACTORS, factors)
    whole("size", size, "pixels along a side", least=SIZES[0], most=SIZES[1])
    n = max((values.size for values in given.values()), default=1)
    table = {
        name: stretched(name, given.get(name, np.asarray(factor.neutral)), n).astype(np.float32)
        for name, factor in FACTORS.items()
    }
    x = np.empty((n, size, size, 3), np.uint8)
    workers = min(os.cpu_count() or 1, n)
    step = min(CHUNK // size**2, -(-n // workers))
    starts = range(0, n, step)

    def draw(worker: int) -> None:
        canvas = Canvas.blank(size, step)
        for start in starts[worker::workers]:
            rows = slice(start, min(start + step, n))
            x[rows] = portraits({name: values[rows] for name, values in table.items()}, canvas.first(rows.stop - start))

    with ThreadPoolExecutor(workers) as pool:  # NumPy lets go of the interpreter while it computes
        list(pool.map(draw, range(workers)))
    return x
