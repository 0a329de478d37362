"""Films with known answers: digits and shapes that move through a frame and bounce off its walls.

Every film is a function of the seed and its number, found by mixing the two (a counter-based generator: Salmon et al. 2011,
"Parallel random numbers: as easy as 1, 2, 3"), so that any film is drawn when it is asked for, whatever was drawn before.
Sources: Srivastava et al. 2015, "Unsupervised learning of video representations using LSTMs" (moving digits); Denton & Fergus
2018, "Stochastic video generation with a learned prior" (digits that leave a wall in a random direction).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.arrays import Array
from latentwalk.checks import COUNTED, flag, whole
from latentwalk.data.dataset import Dataset
from latentwalk.data.rows import Rows, fits
from latentwalk.data.spec import DataSpec
from latentwalk.data.synthetic.factor import Factor, factor_values
from latentwalk.errors import ConfigError, DataError

__all__ = ["BOUNCING_FACTORS", "BouncingDigits", "bouncing_digits", "bouncing_shapes", "render_bouncing"]

SIZES = (32, 64)  # pixels of a side
GLYPH = 28  # pixels of a digit's side in a frame of 64
FAST = 2  # pixels a frame, at most, along each side of a frame of 32
DIGITS = 2
LONGEST = 10_000  # frames
KNOWN = 1_000_000  # films, of more of which it is not said which digits they show
GOLDEN, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB  # of splitmix64
COLOURS = np.array([[230, 70, 50], [60, 160, 80], [60, 110, 220], [240, 190, 40], [170, 90, 200], [240, 240, 240]], np.float32)
Ints = NDArray[np.int64]

BOUNCING_FACTORS: Mapping[str, Factor] = MappingProxyType(
    {
        "shape": Factor(0, 2, "square, disc, diamond", whole=True),
        "colour": Factor(0, len(COLOURS) - 1, "red, green, blue, yellow, violet, white", whole=True),
        "radius": Factor(3.0, 6.0, "pixels, in a frame of 32", neutral=4.5),
        "x": Factor(0.0, 1.0, "from the leftmost place to the rightmost, in the first frame", neutral=0.5),
        "y": Factor(0.0, 1.0, "from the topmost place to the lowest, in the first frame", neutral=0.5),
        "speed_x": Factor(-2.0, 2.0, "pixels a frame to the right, in a frame of 32"),
        "speed_y": Factor(-2.0, 2.0, "pixels a frame downwards, in a frame of 32"),
    }
)


# ---------------------------------------------------------------------- digits


def bouncing_digits(
    digits: Array, n: int = 2_000, *, seed: int = 0, size: int = 32, length: int = 15, random: bool = True
) -> Dataset:
    """`n` films (n, length, size, size) of two digits each, uint8, drawn when asked for where they would not fit into memory.

    digits: (m, 28, 28) bytes, those that are shown. size: 32, where digits are half as large, or 64. random: whether a digit
    leaves a wall in a random direction, and fast or slow; otherwise as light leaves a mirror, so that all can be foreseen.
    factors: which of `digits` the two are, of up to a million films. Raises ConfigError, DataError.
    """
    whole("n", n, "films", least=1, most=COUNTED)
    whole("length", length, "frames", least=1, most=LONGEST)
    whole("seed", seed)
    flag("random", random)
    if size not in SIZES:
        raise ConfigError(f"size={size!r}: bouncing digits are drawn 32 or 64 pixels wide.")
    if digits.ndim != 3 or digits.shape[1:] != (GLYPH, GLYPH) or digits.dtype != np.uint8 or not len(digits):
        raise DataError(f"digits are bytes (m, {GLYPH}, {GLYPH}); got {digits.dtype} of shape {digits.shape}.")
    rows = BouncingDigits(digits, n, seed, size, length, random)
    x = np.asarray(rows) if fits(rows) else cast(NDArray[np.uint8], rows)
    spec = DataSpec("film", (length, size, size), "THW", "uint8", 0.0, 255.0, _extreme(rows))
    factors: dict[str, Array] = {}
    if n <= KNOWN:
        factors = dict(zip(("first", "second"), rows.glyphs(np.arange(n)).T, strict=True))
    return Dataset(x, spec, name="bouncing-digits", factors=factors)


class BouncingDigits(Rows):
    """Films (n, length, size, size) of digits, each drawn when it is asked for; see `bouncing_digits`."""

    def __init__(self, digits: Array, n: int, seed: int, size: int, length: int, random: bool) -> None:
        self.side = GLYPH * size // SIZES[1]
        shrunk = digits.reshape(len(digits), self.side, GLYPH // self.side, self.side, GLYPH // self.side).mean((2, 4))
        self.digits = np.rint(shrunk).astype(np.uint8)
        self.seed, self.random, self.fast = seed, random, FAST * size // SIZES[0]
        self.shape, self.dtype = (n, length, size, size), np.dtype(np.uint8)

    def glyphs(self, rows: Ints) -> Ints:
        """Which digits are in films of these numbers (m,): (m, 2)."""
        return _drawn(self.seed, rows, 0, len(self.digits))

    def places(self, rows: Ints) -> Ints:
        """Top and left of each digit in each frame of films of these numbers (m,): (m, length, 2 digits, 2)."""
        _, length, size, _ = self.shape
        last = size - self.side
        at = np.stack([_drawn(self.seed, rows, 1 + axis, last + 1) for axis in range(2)], -1)  # (m, 2 digits, 2)
        speed = np.stack([_signed(self.seed, rows, 3 + 2 * axis, self.fast) for axis in range(2)], -1)
        found = np.empty((len(rows), length, DIGITS, 2), np.int64)
        for frame in range(length):
            found[:, frame] = at
            ahead = at + speed
            low, high = ahead < 0, ahead > last
            if not self.random:
                at = np.where(low, -ahead, np.where(high, 2 * last - ahead, ahead))
                speed = np.where(low | high, -speed, speed)
                continue
            at = ahead.clip(0, last)
            hit = (low | high).any(-1, keepdims=True)
            anew = np.stack([_signed(self.seed, rows, 8 + 4 * frame + 2 * axis, self.fast) for axis in range(2)], -1)
            away = np.where(low, np.abs(anew), np.where(high, -np.abs(anew), anew))  # from a wall that was met
            speed = np.where(hit, away, speed)
        return found

    def read(self, rows: Ints) -> NDArray[np.uint8]:
        places, which = self.places(rows), self.glyphs(rows)
        x = np.zeros((len(rows), *self.shape[1:]), np.uint8)
        film, along = np.arange(len(rows))[:, None, None], np.arange(self.side)
        for digit in range(DIGITS):
            ink = self.digits[which[:, digit]]
            for frame in range(self.shape[1]):
                top, left = places[:, frame, digit].T[:, :, None]
                spot = film, frame, (top + along)[:, :, None], (left + along)[:, None, :]
                x[spot] = np.maximum(x[spot], ink)
        return x


def _extreme(rows: Rows) -> float:
    some = rows.read(np.arange(min(len(rows), 16)))
    return float(((some <= 255 / 20) | (some >= 255 - 255 / 20)).mean())


def _signed(seed: int, rows: Ints, what: int, most: int) -> Ints:
    """A whole number from 1 to `most`, or less than 0 by as much, for each digit of each film: (m, 2)."""
    return (1 + _drawn(seed, rows, what, most)) * (2 * _drawn(seed, rows, what + 1, 2) - 1)


def _drawn(seed: int, rows: Ints, what: int, count: int) -> Ints:
    """A whole number below `count` for each digit of each film, for each purpose `what` another: (m, 2)."""
    with np.errstate(over="ignore"):
        key = _mixed(np.uint64(seed) + np.uint64(GOLDEN))
        key = _mixed(key ^ rows.astype(np.uint64))[:, None] + np.arange(DIGITS, dtype=np.uint64) * np.uint64(FIRST)
        found = _mixed(_mixed(key) + np.uint64(what + 1) * np.uint64(GOLDEN))
    return (found >> np.uint64(33)).astype(np.int64) % count


def _mixed(x: NDArray[np.uint64] | np.uint64) -> NDArray[np.uint64]:
    """Bits of 64-bit numbers, mixed so that each depends on all. Source: Steele et al. 2014, splitmix64."""
    z = np.asarray(x, np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(FIRST)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(SECOND)
    return z ^ (z >> np.uint64(31))


# ---------------------------------------------------------------------- shapes


def bouncing_shapes(n: int = 2_000, *, seed: int = 0, size: int = 32, length: int = 15, **fixed: ArrayLike) -> Dataset:
    """`n` films (n, length, size, size, 3) of one coloured shape that bounces off the walls, labelled by its shape.

    fixed: factors to pin, each one value or (n,) of them. factors: all of BOUNCING_FACTORS, each (n,). Raises ConfigError.

    >>> data = bouncing_shapes(4, length=3, shape=1)
    >>> data.x.shape, data.y.tolist()
    ((4, 3, 32, 32, 3), [1, 1, 1, 1])
    """
    whole("size", size, "pixels", least=16, most=256)
    whole("length", length, "frames", least=1, most=LONGEST)
    factors = factor_values(BOUNCING_FACTORS, n, seed, fixed)
    rows = _Shapes(factors, size, length)
    x = np.asarray(rows) if fits(rows) else cast(NDArray[np.uint8], rows)
    spec = DataSpec("film", (length, size, size, 3), "THWC", "uint8", 0.0, 255.0, _extreme(rows))
    labels = factors["shape"].astype(np.int64)
    return Dataset(x, spec, labels, ("square", "disc", "diamond"), name="bouncing-shapes", factors=factors)


def render_bouncing(factors: Mapping[str, ArrayLike], length: int = 15, size: int = 32) -> NDArray[np.uint8]:
    """The films with these factors, each (n,): (n, length, size, size, 3). A factor left out is neutral. Raises ConfigError."""
    n = max((np.size(values) for values in factors.values()), default=1)
    neutral = {name: factor.neutral for name, factor in BOUNCING_FACTORS.items()}
    return np.asarray(bouncing_shapes(n, size=size, length=length, **(neutral | dict(factors))).x)  # type: ignore[arg-type]


class _Shapes(Rows):
    """Films (n, length, size, size, 3), each drawn when it is asked for. factors: all seven, (n,) each."""

    def __init__(self, factors: Mapping[str, Array], size: int, length: int) -> None:
        self.table = np.stack([factors[name] for name in BOUNCING_FACTORS], 1).astype(np.float64)
        self.shape, self.dtype = (len(self.table), length, size, size, 3), np.dtype(np.uint8)

    def read(self, rows: Ints) -> NDArray[np.uint8]:
        found = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for at, row in enumerate(rows.tolist()):
            found[at] = self._film(*self.table[row])
        return found

    def _film(
        self, shape: float, colour: float, radius: float, x: float, y: float, speed_x: float, speed_y: float
    ) -> NDArray[np.uint8]:
        """One film (length, size, size, 3)."""
        _, length, size, _, _ = self.shape
        scale = size / SIZES[0]
        radius = radius * scale
        room, time = size - 2 * radius, np.arange(length)
        right, down = (
            radius + _folded(np.asarray(start * room + speed * scale * time, np.float64), room)
            for start, speed in ((x, speed_x), (y, speed_y))
        )
        pixel = np.arange(size, dtype=np.float32) + 0.5
        across = np.abs(pixel - right[:, None])[:, None, :].astype(np.float32)
        below = np.abs(pixel - down[:, None])[:, :, None].astype(np.float32)
        away: Array
        match int(shape):
            case 0:
                away = np.maximum(across, below) - 0.9 * radius
            case 1:
                away = np.sqrt(across**2 + below**2) - radius
            case _:
                away = (across + below - radius) / np.float32(np.sqrt(2))
        cover = np.clip(0.5 - away, 0, 1)  # the share of a pixel that the shape covers
        return np.rint(cover[..., None] * COLOURS[int(colour)]).astype(np.uint8)


def _folded(at: NDArray[np.float64], room: float) -> NDArray[np.float64]:
    """Places on a line without end as places on one of length `room` between two mirrors."""
    turn = np.mod(at, 2 * room)
    return np.minimum(turn, 2 * room - turn)
