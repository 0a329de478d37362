"""Pictures from anywhere, beside a model's images, which all have one size.

What a model sees of one: the frame (all of it unless given), scaled until it covers the size of the model's images, and
cropped around its centre. What comes back is a change of what was seen: it is enlarged to where that lay, and added to the
pixels there, so that the picture stays as large, and elsewhere as it was to the last bit.
"""

import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageOps

from latentwalk.arrays import Array
from latentwalk.data.dataset import Dataset
from latentwalk.data.sources import images
from latentwalk.data.sources.images import Color
from latentwalk.data.spec import DataSpec, Layout
from latentwalk.errors import ConfigError, DataError
from latentwalk.files import content_of
from latentwalk.surroundings import hushed

__all__ = ["LUMA", "PICTURES", "Original", "Pictured", "colour_of", "like_learnt", "pictures_like"]

Pictured = str | os.PathLike[str] | Image.Image  # what is a picture, and nothing else
Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels
PICTURES: dict[str, dict[str, Any]] = {
    ".png": {"format": "PNG"},
    ".jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    ".webp": {"format": "WEBP", "lossless": True},
}  # how files of a picture are written, by their endings
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # of a change in colour, how much gray it is
DEPTHS = {"uint8": 255.0, "uint16": 65535.0}


@dataclass(frozen=True, slots=True, eq=False)
class Original:
    """A picture at its own size, upright.

    levels: (H, W, C), C 1 or 3, from `low` to `high`. layout: how it is given back. alpha: (H, W) how far it is opaque; None:
    wholly. profile: which colours its numbers mean, as a file says it (ICC); None for sRGB, or not said. name: in complaints.
    """

    levels: Array
    low: float
    high: float
    layout: Layout
    alpha: Array | None = None
    profile: bytes | None = None
    name: str = "the picture"

    @classmethod
    def of(cls, given: Pictured) -> "Original":
        """The picture in a file, its first frame, or one of Pillow's. Raises DataError."""
        if isinstance(given, Image.Image):
            return cls._of_image(given, "the picture")
        path = Path(given).expanduser()
        try:
            entry = images.ImageFile(path.name, path.stat().st_size, partial(content_of, path))
            with hushed(), images.opened_image(entry) as image:
                return cls._of_image(image, str(given))
        except OSError as error:
            raise DataError(f"{given}: {error.strerror or images.why_not(error)}.") from error
        except Exception as error:  # a decoder raises whatever it likes at a damaged file
            raise DataError(f"{given}: {images.why_not(error)}.") from error

    @classmethod
    def _of_image(cls, image: Image.Image, name: str) -> "Original":
        profile = image.info.get("icc_profile")
        upright = images.eight_bits(ImageOps.exif_transpose(image)) if image.mode == "F" else ImageOps.exif_transpose(image)
        deep = upright.mode.startswith("I;16") or (upright.mode == "I" and image.format == "PNG")
        if deep:
            return cls(np.asarray(upright).astype(np.uint16)[..., None], 0.0, DEPTHS["uint16"], "HW", None, profile, name)
        upright = images.eight_bits(upright)
        alpha = None
        if upright.has_transparency_data:
            upright = upright.convert("RGBA")
            alpha = np.asarray(upright)[..., 3]
        elif upright.mode not in ("L", "RGB"):
            gray = upright.mode == "1"
            profile = profile if upright.mode == "P" else None  # of inks, not of lights
            upright = upright.convert("L" if gray else "RGB")
        levels = np.asarray(upright)
        levels = levels[..., None] if levels.ndim == 2 else levels[..., :3]
        return cls(levels, 0.0, DEPTHS["uint8"], "HW" if levels.shape[-1] == 1 else "HWC", alpha, profile, name)

    @classmethod
    def of_array(cls, x: Array, spec: DataSpec) -> "Original | None":
        """A picture (H, W), (H, W, C) or (C, H, W) in the units of images like `spec`; None for what is none.

        Bytes are bytes, whatever those images were.
        """
        first = spec.layout == "CHW" and x.ndim == 3 and x.shape[0] in (1, 3)
        layout: Layout = "HW" if x.ndim == 2 else "CHW" if first else "HWC"
        levels = x[..., None] if x.ndim == 2 else np.moveaxis(x, 0, -1) if first else x
        if levels.ndim != 3 or levels.shape[-1] not in (1, 3) or not levels.size or x.dtype.kind not in "uif":
            return None
        known = (spec.low, spec.high) if x.dtype != np.uint8 or spec.dtype == "uint8" else (0.0, DEPTHS["uint8"])
        return cls(levels, *known, layout)

    # ------------------------------------------------------------------ what a model sees

    def seen(self, spec: DataSpec, frame: ArrayLike | None = None) -> Array:
        """The picture as an example (*E) like those of `spec`.

        frame: (top, left, bottom, right) in shares of the sides, the part of it that is seen. Raises ConfigError.
        """
        top, left, bottom, right = self._frame(frame)
        part = self.levels[top:bottom, left:right]
        size, rgb = spec.event[1:], spec.channels > 1
        if str(part.dtype) not in DEPTHS or (self.low, self.high) != (0.0, DEPTHS[str(part.dtype)]):
            return self._in_units(part, spec)
        if self.alpha is not None:
            part = np.concatenate([part, self.alpha[top:bottom, left:right, None]], axis=-1)
        image = Image.fromarray(part[..., 0] if part.shape[-1] == 1 else np.ascontiguousarray(part))
        fitted = images.fitted_image(image, (size[0], size[1]), rgb, True, part.dtype == np.uint16 and not rgb)
        found: Array = like_learnt(spec, fitted[None])[0]
        return found

    def _in_units(self, part: Array, spec: DataSpec) -> Array:
        """Numbers (h, w, C) in the units of `spec`, fitted to its size: (*E)."""
        height, width = spec.event[1:]
        channels = [Image.fromarray(part[..., at].astype(np.float32)) for at in range(part.shape[-1])]
        fitted = [np.asarray(ImageOps.fit(one, (width, height), Image.Resampling.LANCZOS)) for one in channels]
        x = _in_channels(np.stack(fitted, axis=-1), min(spec.channels, 3))
        x = np.concatenate([x, np.full_like(x[..., :1], self.high)], axis=-1) if spec.channels == 4 else x
        x = (np.moveaxis(x, -1, 0) if spec.layout == "CHW" else x).reshape(spec.shape).clip(self.low, self.high)
        dtype = np.dtype(spec.dtype)
        return (x if dtype.kind == "f" else np.rint(x)).astype(dtype)

    def enlarged(self, values: Array, frame: ArrayLike | None = None, *, smooth: bool = True) -> NDArray[np.float32]:
        """Values (h, w) or (h, w, C) of what a model sees, where that lies in the picture, 0 elsewhere: (H, W[, C]).

        smooth: by cubic interpolation, which keeps edges and may overshoot; otherwise by linear one, which never does.
        """
        height, width = values.shape[:2]
        left, top, right, bottom = self._box((height, width), frame)
        rows = slice(max(math.floor(top), 0), min(math.ceil(bottom), self.levels.shape[0]))
        columns = slice(max(math.floor(left), 0), min(math.ceil(right), self.levels.shape[1]))
        tall, wide = height / (bottom - top), width / (right - left)  # of the model's pixels to one of the picture's
        edge = math.ceil(max(tall, wide)) + 1
        inside = (
            (columns.start - left) * wide + edge,
            (rows.start - top) * tall + edge,
            (columns.stop - left) * wide + edge,
            (rows.stop - top) * tall + edge,
        )
        size = (columns.stop - columns.start, rows.stop - rows.start)
        how = Image.Resampling.BICUBIC if smooth else Image.Resampling.BILINEAR
        found = np.zeros((*self.levels.shape[:2], *values.shape[2:]), np.float32)
        for at in np.ndindex(values.shape[2:]):
            padded = np.pad(values[(..., *at)].astype(np.float32), edge, mode="edge")
            found[(rows, columns, *at)] = np.asarray(Image.fromarray(padded).resize(size, how, box=inside))
        return found

    def fading(self, size: tuple[int, int], frame: ArrayLike | None, soft: float) -> NDArray[np.float32]:
        """(H, W): 0 where a model with images of this size sees nothing, 1 within; soft where the picture goes on beyond.

        soft: over which share of what is seen.
        """
        left, top, right, bottom = self._box(size, frame)
        sides = [
            _fade(length, low, high, soft)
            for length, low, high in zip(self.levels.shape[:2], (top, left), (bottom, right), strict=True)
        ]
        return np.outer(*sides).astype(np.float32)

    # ------------------------------------------------------------------ what comes back

    def altered(self, change: Array, weights: Array) -> Array:
        """The picture with a change (H, W, C), in shares of its range, where weights (H, W) are above 0; as it was given."""
        change = _in_channels(change[..., :3], self.levels.shape[-1]) * weights[..., None] * np.float32(self.high - self.low)
        found = self.levels + change
        found = np.rint(found) if self.levels.dtype.kind in "ui" else found
        found = found.clip(self.low, self.high).astype(self.levels.dtype)
        return self._given(np.where(weights[..., None] > 0, found, self.levels))

    def as_given(self) -> Array:
        """Its numbers in the layout in which it was given."""
        return self._given(self.levels)

    def _given(self, levels: Array) -> Array:
        if self.alpha is not None:
            levels = np.concatenate([levels, self.alpha[..., None]], axis=-1)
        return levels[..., 0] if self.layout == "HW" else np.moveaxis(levels, -1, 0) if self.layout == "CHW" else levels

    @property
    def spec(self) -> DataSpec:
        """What it is, as it was given."""
        return DataSpec("image", self.as_given().shape, self.layout, str(self.levels.dtype), self.low, self.high, 0.0)

    def content(self, x: Array, ending: str) -> bytes:
        """A file of a picture x like this one, laid out as it: its size, its colours. ending: one of `PICTURES`."""
        levels = self.spec.channels_last(x[None])[0]
        if str(levels.dtype) not in DEPTHS or (self.low, self.high) != (0.0, DEPTHS[str(levels.dtype)]):
            span = (self.high - self.low) or 1.0
            levels = np.rint((levels.astype(np.float64) - self.low) / span * 255).clip(0, 255).astype(np.uint8)
        image = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else np.ascontiguousarray(levels))
        how = PICTURES[ending.lower()]
        if how["format"] != "PNG" and levels.dtype == np.uint16:
            image = images.eight_bits(image)
        if how["format"] == "JPEG" and image.mode == "RGBA":
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
        file = io.BytesIO()
        image.save(file, **how | ({"icc_profile": self.profile} if self.profile else {}))
        return file.getvalue()

    # ------------------------------------------------------------------ inside

    def _frame(self, frame: ArrayLike | None) -> tuple[int, int, int, int]:
        """The rows and columns of a frame: top, left, bottom, right."""
        height, width = self.levels.shape[:2]
        if frame is None:
            return 0, 0, height, width
        try:
            top, left, bottom, right = (float(side) for side in np.asarray(frame, np.float64))
        except (TypeError, ValueError):
            top = left = bottom = right = math.nan
        if 0 <= top < bottom <= 1 and 0 <= left < right <= 1:
            found = (round(top * height), round(left * width), round(bottom * height), round(right * width))
            if found[0] < found[2] and found[1] < found[3]:
                return found
        raise ConfigError(
            f"frame={frame!r}: expected top, left, bottom, right in shares of the sides, with some of the {height} x "
            f"{width} pixels inside. For example (.1, .3, .6, .8)."
        )

    def _box(self, size: tuple[int, int], frame: ArrayLike | None) -> Box:
        """Where in the picture that lies which a model with images of this size (h, w) sees of it."""
        top, left, bottom, right = self._frame(frame)
        height, width = bottom - top, right - left
        scale = min(height / size[0], width / size[1])  # pixels of the picture to one of the model's
        above, before = (height - scale * size[0]) / 2, (width - scale * size[1]) / 2
        return left + before, top + above, right - before, bottom - above


def _in_channels(x: Array, channels: int) -> Array:
    """Numbers (…, 1 or 3) in so many channels; colours become gray by their weights in the eye."""
    if x.shape[-1] == channels:
        return x
    return (x.astype(np.float32) @ LUMA)[..., None] if channels == 1 else np.repeat(x, channels, axis=-1)


def _fade(length: int, low: float, high: float, soft: float) -> Array:
    """How far inside [low, high] the centres of `length` pixels lie, 0 to 1; an end of all of them fades nothing."""
    at, width = np.arange(length) + 0.5, max(soft * (high - low), 1e-6)
    inside = np.full(length, 1.0)
    if low > 0.5:
        inside = np.minimum(inside, (at - low) / width)
    if high < length - 0.5:
        inside = np.minimum(inside, (high - at) / width)
    t = inside.clip(0, 1)
    return t * t * (3 - 2 * t)


# ---------------------------------------------------------------------- several, as examples


def pictures_like(spec: DataSpec, files: Sequence[Path]) -> Dataset:
    """Image files, in the order given, as examples (n, *E) like those learnt from: size, colour, layout and range.

    Raises DataError, with the path, for a file that is not there or no image.
    """
    if not spec.form.pictured:
        raise DataError(f"{files[0]}: this model learnt from tables of {spec.size} numbers, not from images.")
    height, width = spec.event[1:]
    parts = []
    for file in files:
        try:
            entry = images.ImageFile(file.name, file.stat().st_size, partial(content_of, file))
            parts.append(images.read_entries([entry], file.stem, "all", "image", (height, width), colour_of(spec)))
        except OSError as error:
            raise DataError(f"{file}: {error.strerror or error}.") from error
        except DataError as error:
            raise DataError(f"{file}: {error}") from error
    pixels = np.concatenate([like_learnt(spec, part.x) for part in parts])
    return Dataset(pixels, spec, names=tuple(name for part in parts for name in part.names))


def colour_of(spec: DataSpec) -> Color:
    """Whether images like those learnt from are read in gray or in colour."""
    return "gray" if spec.channels == 1 else "rgb"


def like_learnt(spec: DataSpec, pixels: NDArray[Any]) -> NDArray[Any]:
    """Bytes (n, H, W) or (n, H, W, 3), or gray pixels of 16 bits, in the layout and the range of `spec`."""
    if pixels.dtype == np.uint16 and spec.dtype == "uint8":  # learnt from 16 bits as they were read then, or from other files
        pixels = (pixels >> 8).astype(np.uint8)
    if spec.channels == 4:
        pixels = np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=-1)
    x = pixels if spec.channels > 1 else pixels[..., None]  # (n, H, W, C)
    x = np.moveaxis(x, -1, 1) if spec.layout == "CHW" else x.reshape(-1, *spec.shape)
    if (spec.dtype == "uint8" and (spec.low, spec.high) == (0, 255)) or x.dtype == spec.dtype == "uint16":
        return x
    values = spec.low + x / np.iinfo(x.dtype).max * (spec.high - spec.low)
    dtype = np.dtype(spec.dtype)
    return values.astype(dtype) if dtype.kind == "f" else np.round(values).astype(dtype)
