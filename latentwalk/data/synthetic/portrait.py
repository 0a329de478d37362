"""How a face looks: proportions, colours, and the order in which its parts are painted.

Proportions are in the units of the canvas. The head turns by parallax: a part moves with the yaw by as many units as it
stands out of the face, so the nose travels far and the ears travel back. It leans by shearing each part.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.data.synthetic.canvas import Canvas, Profile, Spot

__all__ = ["portraits"]

Factors = Mapping[str, Array]


def _colours(*stops: str) -> Array:
    """(3, stops) from hexadecimal colours."""
    return np.array([list(bytes.fromhex(stop)) for stop in stops], np.float32).T


# Palettes: a factor in [0, 1] runs through these colours, evenly spaced.
SKIN = _colours("ffe0c8", "f9cfae", "ecb48c", "d3966d", "b1764f", "8d5a3e")
HAIR = _colours("2b2327", "4a3029", "7a4328", "b5622f", "dca950", "ecd08c", "b9b4b0")
IRIS = _colours("5b3a24", "7f5a2c", "5f8a54", "3f7f9c", "4a78c0")
SHIRT = _colours("34577c", "3e8e8a", "e9e1d2", "e2a33d", "cf5c44", "7d4a6d", "3c4654")
BACKGROUND = _colours("f6d9b8", "f2b8a0", "d9b3c6", "a9bfdc", "9fd0cc", "c3d9a8", "f3dd98")
WHITE, INK, UMBER, LIP, MOUTH, BLUSH = (_colours(stop) for stop in ("fffaf4", "33262a", "331a14", "b8453f", "6e2430", "e8604c"))
DEEPER = np.array([[0.74], [0.62], [0.52]], np.float32)  # whiskers keep the hue of the hair, darker and warmer

# What makes a hair style: cropped, short, parted, bob, long, curly, bun.
STYLES: Mapping[str, tuple[float, ...]] = {
    "wider": (0.7, 1.7, 1.8, 3.2, 3.0, 6.6, 0.9),  # outline: how far beyond the face, to the sides
    "taller": (1.4, 4.2, 5.0, 3.4, 3.2, 6.0, 1.8),  # and above
    "bottom": (33, 34, 34, 48, 61, 46, 33),  # where it ends
    "boxy": (0.2, 0.4, 0.3, 0.6, 0.7, 0.0, 0.2),  # 0 an ellipse, 1 nearly a rectangle
    "curl": (0, 0, 0, 0, 0, 1, 0),  # waves along the outline
    "line": (19.0, 19.5, 16.5, 24.0, 15.5, 19.5, 18.0),  # height of the hairline at the parting
    "parting": (0, 0, -0.5, 0, 0, 0, 0),  # where the parting is, in half-widths of the face
    "slant": (0, 0, 5.0, 0.5, 7.0, 0, 0),  # how far the hairline falls per half-width away from the parting
    "temple": (12, 13, 9, 20, 26, 14, 12),  # how far it falls at the temples
    "ears": (1, 1, 1, 0, 0, 1, 1),
    "bun": (0, 0, 0, 0, 0, 0, 1),
}


def portraits(factors: Factors, canvas: Canvas) -> NDArray[np.uint8]:
    """Draw B faces over whatever is on the canvas: (B, H, W, 3). factors: all of FACTORS, each (B,) float32."""
    head = Head(factors)
    _backdrop(canvas, head)
    hair = _hair(canvas, head)
    _shoulders(canvas, head)
    _ears(canvas, head)
    _skin(canvas, head)
    _beard(canvas, head)
    _mouth(canvas, head)
    _nose(canvas, head)
    _moustache(canvas, head)
    for side in (-1, 1):
        _eye(canvas, head, side)
    _fringe(canvas, head, hair)
    for side in (-1, 1):
        _brow(canvas, head, side)
    _glasses(canvas, head)
    pixels = canvas.pixels
    pixels += np.float32(0.5)
    x = np.empty((*pixels.shape[:0:-1], 3), np.uint8)
    for channel, plane in enumerate(pixels.astype(np.uint8)):  # one at a time: four times faster than a transpose
        x[..., channel] = plane.transpose(2, 0, 1)
    return x


@dataclass(frozen=True, slots=True)
class Head:
    """A batch of heads: their factors, and what several parts need to agree on."""

    f: Factors

    @property
    def width(self) -> Array:
        """Half the width of the face, (B,)."""
        return 15.0 + 1.5 * self.f["face_width"]

    @property
    def skin(self) -> Array:
        return _tone(SKIN, self.f["skin"])

    @property
    def hair(self) -> Array:
        return _tone(HAIR, self.f["hair_colour"])

    @property
    def whiskers(self) -> Array:
        """Brows, moustache and beard: the colour of the hair, deeper."""
        return _mix(self.hair * DEEPER, UMBER, 0.45)

    def style(self, name: str) -> Array:
        """What the hair style says about `name`, (B,)."""
        return np.array(STYLES[name], np.float32)[self.f["hair_style"].astype(np.intp)]

    def at(self, x: Array | float, y: Array | float, depth: float) -> Spot:
        """The spot that is at (x, y) when the head looks ahead, standing `depth` units out of the face."""
        yaw, tilt = self.f["yaw"], 0.1 * self.f["roll"]
        neck = Spot(np.zeros_like(yaw), np.full_like(yaw, 52), tilt)
        return neck.moved(x * (1 - 0.06 * yaw * yaw) + depth * yaw, y - 52 + np.zeros_like(yaw))

    def lower(self, y: float, share: float) -> Array:
        """A height (B,) that follows the length of the face by this share."""
        return y + share * 1.9 * self.f["face_length"]

    def outline(self, grow: float = 0.0) -> Profile:
        """The squared half-width of the face, by the distance below its middle; its chin `grow` lower."""
        width, chin = self.width + 0.2 * grow, self.lower(20.0, 1) + grow
        square_jaw = 0.1 + 0.3 * self.f["jaw"]

        def square(v: Array) -> Array:
            down = v > 0
            w: Array = np.square(v / np.where(down, chin, np.float32(18.5)))
            boxy = np.where(down, square_jaw, np.float32(0.15))
            share: Array = 1 - w * (1 - boxy + boxy * w)
            return width * width * share

        return square

    @property
    def middle(self) -> Spot:
        """The middle of the face's outline."""
        return self.at(0.0, 31.0, 0.9)

    def lit(self, canvas: Canvas, colour: Array, spot: Spot, radius: Array | float) -> Array:
        """`colour` (3, B) shaded by the side light across a round form: (3, 1, W, B). Shadows are warm."""
        u = np.clip((canvas.x - spot.x) / radius, -1, 1)
        fall = np.array([0.10, 0.13, 0.14], np.float32)[:, None, None, None]
        shade = 1 + fall * (self.f["light"] * u - 0.45 * u * u)
        return np.minimum(colour[:, None, None] * shade, np.float32(255))


def _tone(palette: Array, share: Array) -> Array:
    """The colour (3, B) this far along a palette."""
    stops = np.linspace(0, 1, palette.shape[1])
    return np.stack([np.interp(share, stops, channel) for channel in palette]).astype(np.float32)


def _mix(a: Array, b: Array, share: float) -> Array:
    return a + share * (b - a)


def _backdrop(canvas: Canvas, head: Head) -> None:
    """A tone, with a paler disc behind the head."""
    tone = _tone(BACKGROUND, head.f["background"])[:, None, None]
    centre = np.zeros(1, np.float32)
    disc = np.clip(canvas.ellipse(Spot(centre, centre + 33, centre), 26.5, 26.5), 0, 1)  # (H, W, 1)
    pixels = canvas.pixels
    np.multiply(0.38 * (255 - tone), disc, out=pixels)
    pixels += tone


def _hair(canvas: Canvas, head: Head) -> Array:
    """All of the hair, behind the face. Returns its coverage, from which the fringe is cut."""
    window = canvas.window(-27, 5, 27, 62)
    wider, taller, bottom, boxy, curl = (head.style(s) for s in ("wider", "taller", "bottom", "boxy", "curl"))
    width, top = head.width + wider, 12.5 - taller
    middle = head.at(0.0, 29.0, 0.6)
    up, down = 29.0 - top, bottom - 29.0

    def square(v: Array) -> Array:
        w = np.square(v / np.where(v > 0, down, up))
        edge = np.where(v > 0, boxy, np.float32(0.15))
        share: Array = 1 - w * (1 - edge + edge * w * w)
        return share * np.square(width + 1.3 * curl * _wave(v / 5.5))

    tone = head.lit(window, 0.86 * head.hair, middle, width)
    bun = canvas.window(-11, 5, 11, 15)
    bun.paint(bun.ellipse(head.at(0.0, 9.6, -0.5), 5.4, 4.6), head.lit(bun, head.hair, middle, width), head.style("bun"))
    hair = window.rows(middle, square)
    window.paint(hair, tone)
    return hair


def _wave(t: Array) -> Array:
    """Between -1 and 1 with period 2: parabolas, as a sine would not give the same bits everywhere."""
    phase: Array = t - 2 * np.floor(t / 2) - 1
    height: Array = 4 * phase * (1 - np.abs(phase))
    return height


def _fringe(canvas: Canvas, head: Head, hair: Array) -> None:
    """The hair in front of the face: what lies above the hairline."""
    window = canvas.window(-27, 5, 27, 62)
    parting, slant, temple = (head.style(s) for s in ("parting", "slant", "temple"))
    width = head.width

    def edge(u: Array) -> Array:
        u = u / width
        w = u * u
        side = np.abs(u - parting)
        return slant * side * (1.6 - 0.5 * side) + temple * w * w * w

    line = window.below(head.at(0.0, head.style("line"), 2.2), edge)
    np.subtract(1, line, out=line)
    np.minimum(line, hair, out=line)
    window.paint(line, head.lit(window, head.hair, head.middle, width))


def _shoulders(canvas: Canvas, head: Head) -> None:
    """Neck and shirt; they do not turn with the head."""
    zero = np.zeros_like(head.f["yaw"])
    straight = Spot(zero, zero, zero)
    skin, shirt = head.skin, _tone(SHIRT, head.f["shirt"])
    window = canvas.window(-32, 53, 32, 64)
    window.paint(
        window.below(straight.moved(y=54.5), lambda u: np.float32(0.0095) * u * u),
        head.lit(window, shirt, straight, 30.0),
    )
    window = canvas.window(-11, 42, 11, 64)
    window.paint(window.ellipse(straight.moved(y=55.0), 9.4, 6.6), 0.84 * shirt)
    neck = window.rows(straight.moved(y=55.0), lambda v: 49 * (1 - np.square(np.maximum(v, 0) / 4.6)))
    window.paint(neck, head.lit(window, 0.97 * skin, straight, 9.0))
    shadow = window.rows(head.middle.moved(y=2.6), head.outline())
    window.paint(np.minimum(shadow, neck, out=shadow), _mix(0.8 * skin, BLUSH, 0.06))


def _ears(canvas: Canvas, head: Head) -> None:
    shown = head.style("ears")
    for side in (-1, 1):
        spot = head.at(side * (head.width + 0.4), 33.5, -1.4)
        window = canvas.beside(side, 8, 26, 23, 41)
        window.paint(window.ellipse(spot, 2.9, 4.3), head.lit(window, head.skin, head.middle, head.width), shown)
        window.paint(window.ellipse(spot.moved(side * 0.3, 0.2), 1.4, 2.5), _mix(0.82 * head.skin, BLUSH, 0.12), shown)


def _skin(canvas: Canvas, head: Head) -> None:
    """The face itself, and its cheeks."""
    window = canvas.window(-20, 12, 20, 55)
    middle = head.middle
    window.paint(window.rows(middle, head.outline()), head.lit(window, head.skin, middle, head.width))
    for side in (-1, 1):
        spot = head.at(side * 0.6 * head.width, head.lower(39.0, 0.3), 2.0)
        cheek = canvas.beside(side, 0, 33, 18, 46)
        cheek.paint(cheek.ellipse(spot, 2.9, 2.2, soft=4.0), BLUSH, 0.30)


def _beard(canvas: Canvas, head: Head) -> None:
    """A full beard: the lower part of a slightly larger face."""
    window = canvas.window(-20, 23, 20, 56)
    width = head.width
    beard = window.rows(head.middle, head.outline(grow=1.5))
    cheeks = window.below(head.at(0.0, head.lower(45.0, 0.55), 2.4), lambda u: -13.5 * np.square(np.square(u / width)))
    tone = head.lit(window, head.whiskers, head.middle, width)
    window.paint(np.minimum(beard, cheeks, out=beard), tone, 0.95 * head.f["beard"])


def _mouth(canvas: Canvas, head: Head) -> None:
    """Lips, and between them the dark of the mouth and the upper teeth."""
    f = head.f
    window = canvas.window(-12, 40, 12, 53)
    spot = head.at(0.0, head.lower(44.6, 0.55), 3.2)
    half = 5.6 + 1.0 * np.abs(f["smile"])
    curve, opening = 1.4 + 1.7 * f["smile"], 1.9 * f["mouth_open"]

    def stroke(thick: Array | float, share: float = 1.0, lift: Array | float = 0.0) -> Array:
        reach = share * half
        return window.columns(
            spot.moved(y=opening * 0.35 - lift),
            lambda u: np.square(thick) * (1 - np.square(u / reach)),
            lambda u: curve * (0.5 - np.square(u / half)),
        )

    window.paint(stroke(1.25 + opening), _mix(0.72 * head.skin, LIP, 0.62))
    inner = stroke(0.42 + opening, 0.9)
    window.paint(inner, MOUTH)
    teeth = stroke(0.2 + 0.8 * opening, 0.86, 0.75 * opening)
    window.paint(np.minimum(teeth, inner, out=teeth), WHITE, np.minimum(1.6 * f["mouth_open"], np.float32(1)))


def _nose(canvas: Canvas, head: Head) -> None:
    """A bridge that widens to the tip, a shade under it and two nostrils."""
    large = 1 + 0.22 * head.f["nose"]
    window = canvas.window(-10, 34, 10, 45)
    tip = head.at(0.0, head.lower(38.6, 0.3), 4.4)
    shade = _mix(0.80 * head.skin, BLUSH, 0.18)
    window.paint(window.ellipse(tip.moved(y=0.7), 3.5 * large, 2.3 * large), shade, 0.75)
    window.paint(window.ellipse(tip.moved(y=-0.1), 2.9 * large, 2.3 * large), np.minimum(1.04 * head.skin, np.float32(255)))


def _moustache(canvas: Canvas, head: Head) -> None:
    """Two wings that meet under the nose and turn up a little at the ends."""
    f = head.f
    window = canvas.window(-16, 37, 16, 50)
    spot = head.at(0.0, head.lower(42.0, 0.45), 3.5)
    half, thick = 8.6 + 1.2 * f["moustache_size"], 1.6 + 0.9 * f["moustache_size"]

    def square(u: Array) -> Array:
        w = np.square(u / half)
        plump: Array = np.square(thick) * (1 - w)
        return plump * (0.5 + 2.2 * w * np.maximum(1 - 0.75 * w, 0))

    def bend(u: Array) -> Array:
        w = np.square(u / half)
        return 3.6 * w * (1 - 0.75 * w)

    window.paint(window.columns(spot, square, bend), head.lit(window, head.whiskers, spot, half), f["moustache"])


def _eye(canvas: Canvas, head: Head, side: int) -> None:
    """White, iris, pupil, a spark on the side of the light, and the line of the lashes."""
    f = head.f
    window = canvas.beside(side, -4, 26, 17, 38)
    spot = head.at(side * (6.9 + 0.8 * f["eye_spacing"]), 32.0, 2.8)
    wide = (3.5 + 0.5 * f["eye_size"]) * (1 - 0.12 * side * f["yaw"])
    high = 2.5 + 0.45 * f["eye_size"]
    white = window.ellipse(spot, wide, high)
    window.paint(white, WHITE)
    gaze = spot.moved(0.7 * f["yaw"])
    iris = window.ellipse(gaze, 0.90 * high, 0.94 * high)
    window.paint(np.minimum(iris, white, out=iris), _tone(IRIS, f["iris"]))
    window.paint(window.ellipse(gaze, 0.50 * high, 0.52 * high), INK)
    window.paint(window.ellipse(gaze.moved(0.8 * f["light"], -0.9), 0.62, 0.62), WHITE)
    reach = wide + 0.7
    lash = window.columns(
        spot.moved(y=-0.15),
        lambda u: 0.55 * (1 - np.square(u / reach)),
        lambda u: -high * (1 - np.square(u / reach)),
    )
    window.paint(lash, INK, 0.9)


def _brow(canvas: Canvas, head: Head, side: int) -> None:
    f = head.f
    window = canvas.beside(side, -4, 23, 18, 32)
    spot = head.at(side * (7.0 + 0.8 * f["eye_spacing"]), 26.6 - 0.5 * f["eye_size"], 2.8)
    thick = 0.65 + 0.75 * f["brow_size"]
    brow = window.columns(
        spot,
        lambda u: np.square(thick) * (1 - np.square(u / 4.7)) * np.maximum(1 - side * u * 0.07, 0.2),
        lambda u: 0.055 * u * u - side * 0.2 * f["brow_tilt"] * u,
    )
    window.paint(brow, head.whiskers)


def _glasses(canvas: Canvas, head: Head) -> None:
    """Round lenses, a bridge, and the arms to the ears."""
    worn = head.f["glasses"]
    apart = 7.2 + 0.6 * head.f["eye_spacing"]
    for side in (-1, 1):
        window = canvas.beside(side, -6, 24, 20, 41)
        spot = head.at(side * apart, 32.4, 3.2)
        lens, rim = window.ellipse(spot, 5.1, 4.9), window.ellipse(spot, 6.0, 5.8)
        np.minimum(rim, 1 - lens, out=rim)
        window.paint(lens, WHITE, 0.14 * worn)
        window.paint(rim, INK, worn)
    bridge = canvas.window(-8, 29, 8, 34)
    arch = bridge.columns(head.at(0.0, 31.2, 3.4), lambda u: 0.3 * (1 - np.square(u / (apart - 5.4))), lambda u: 0.12 * u * u)
    bridge.paint(arch, INK, worn)
