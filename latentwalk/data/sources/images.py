"""Images in a folder or a .zip: any format of Pillow's, read into one array, or decoded when asked for.

Of bytes; gray images of 16 bits keep them all, in the range that they use (0 to 4095 from a camera of 12 bits).

Two passes: the headers alone decide colour and size, so the array is allocated once and mixed sizes are refused before
anything is decoded; then each image is decoded, turned upright (EXIF), resized, and written into its row. Where the array would
be larger than a GiB the second pass is left out: `Pictures` decode their rows each time these are asked for. A file of several
frames (a TIFF stack, an animation) is as many images, "a.tif[0]", "a.tif[1]", …, read one after the other.
"""

import contextlib
import io
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import count, groupby
from pathlib import Path, PurePosixPath
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from latentwalk.arrays import Array
from latentwalk.data.dataset import Dataset
from latentwalk.data.rows import DECODED, Rows
from latentwalk.data.sources.packed import Split, archive, check_unpacked, dataset_of, undivided, unpacked
from latentwalk.data.spec import Kind
from latentwalk.errors import ConfigError, DataError
from latentwalk.surroundings import hushed

__all__ = [
    "Color",
    "ImageFile",
    "Pictures",
    "Size",
    "as_bytes",
    "check_size",
    "eight_bits",
    "fitted_image",
    "hidden",
    "look",
    "opened_image",
    "picture_in",
    "read_entries",
    "read_folder",
    "read_zip",
    "why_not",
]

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Color = Literal["gray", "rgb"]
Size = int | tuple[int, int]  # a square's side, or (height, width)
DECODERS = min(8, os.cpu_count() or 1)  # threads that decode; Pillow lets others run while it does
LARGEST = 1 << 28  # bytes of one image file, and of the pixels that images of any length may have
EXPANSION = 1000  # beyond that, bytes of pixels to a byte of images; blank pages have some hundreds
FRAMES = 100_000  # of one file, at most
FILMS = {"TIFF", "GIF", "WEBP", "PNG", "AVIF"}  # formats whose frames are images; those of others are layers, or views of one
GRAY = {"1", "L", "LA", "La", "I", "F"}
SIDEWAYS = {5, 6, 7, 8}  # EXIF orientations that swap width and height
ORIENTATION = 0x0112
_FIT = "Pass size=, a side or (height, width), to scale and crop them to one."


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file that may be an image: its name inside the source, its length, and how to get at its bytes.

    packed: the bytes it takes in an archive. frame: which of its images, where it has several.
    """

    name: str
    length: int
    content: Callable[[], bytes]
    packed: int | None = None
    frame: int = 0

    @property
    def held(self) -> int:
        """How many bytes it takes where it lies."""
        return self.length if self.packed is None else self.packed

    def frames(self, numbers: Sequence[int]) -> "list[ImageFile]":
        """Its frames of these numbers, as images of their own."""
        return [replace(self, name=f"{self.name}[{number}]", frame=number) for number in numbers]


@dataclass(frozen=True, slots=True)
class Seen:
    """What an image's header says: height and width once upright, and whether it can hold colour, or 16 bits."""

    entry: ImageFile
    size: tuple[int, int]
    color: bool
    deep: bool

    @property
    def unpacked(self) -> int:
        """Bytes of its pixels, as rows of the data set."""
        return self.size[0] * self.size[1] * (3 if self.color else 2 if self.deep else 1)


class Pictures(Rows):
    """Images (n, H, W) or (n, H, W, 3), as bytes or in 16 bits, that are decoded each time they are asked for.

    entries: where they are. shape: (H, W). rgb: whether they have colour. resize: whether they are to be fitted to `shape`;
    one of another size is an error otherwise. deep: whether they have 16 bits. Reading raises DataError that names the image.
    """

    def __init__(
        self, entries: Sequence[ImageFile], shape: tuple[int, int], rgb: bool, resize: bool, deep: bool = False
    ) -> None:
        self.entries, self.size, self.rgb, self.resize = entries, shape, rgb, resize
        self.shape = (len(entries), *shape, 3) if rgb else (len(entries), *shape)
        self.dtype = np.dtype(np.uint16 if deep else np.uint8)

    def read(self, rows: NDArray[np.int64]) -> Pixels:
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        entries = [self.entries[row] for row in rows.tolist()]
        decode = partial(_pixels, shape=self.size, rgb=self.rgb, resize=self.resize, deep=self.dtype == np.uint16)
        with ThreadPoolExecutor(DECODERS, "latentwalk-decode") as threads:
            decoded = threads.map(decode, _by_file(entries))
            for at, (entry, pixels) in enumerate(zip(entries, (one for some in decoded for one in some), strict=True)):
                found[at] = self._checked(entry, pixels)
        return found

    def _checked(self, entry: ImageFile, pixels: Pixels | Exception) -> Pixels:
        if isinstance(pixels, Exception):
            raise DataError(
                f"{entry.name} cannot be decoded: {why_not(pixels)}. Take it out of the data; a folder or .zip read with "
                "lazy=False leaves such images out."
            ) from pixels
        if pixels.shape != self.shape[1:]:
            raise DataError(f"{entry.name} is {_by(pixels.shape)} and the first image {_by(self.shape[1:])}. {_FIT}")
        return pixels


def read_folder(
    path: Path, *, split: Split, kind: Kind | None, size: Size | None, color: Color | None, lazy: bool | None = None
) -> Dataset:
    """All images in the folder and below it, in the order of their names. lazy: see `read_entries`."""
    files = (item for item in path.rglob("*") if item.is_file())
    entries = [ImageFile(item.relative_to(path).as_posix(), item.stat().st_size, item.read_bytes) for item in files]
    return read_entries(entries, path.name, split, kind, size, color, lazy)


def read_zip(
    path: Path, *, split: Split, kind: Kind | None, size: Size | None, color: Color | None, lazy: bool | None = None
) -> Dataset:
    """All images in the archive, in the order of their names; nothing is unpacked to disk."""
    with ExitStack() as opened:
        members = opened.enter_context(archive(path))
        infos = [info for info in members.infolist() if not info.is_dir()]
        entries = [
            ImageFile(info.filename, info.file_size, partial(_member, members, info), info.compress_size) for info in infos
        ]
        data = read_entries(entries, path.stem, split, kind, size, color, lazy)
        if isinstance(data.x, Rows):
            opened.pop_all()  # it stays open as long as there is someone to read from it
    return data


def read_entries(
    entries: list[ImageFile],
    name: str,
    split: Split,
    kind: Kind | None,
    size: Size | None,
    color: Color | None,
    lazy: bool | None = None,
) -> Dataset:
    """These images, in the order of their names; those that cannot be read are skipped, and listed.

    lazy: whether images are decoded when they are asked for; None where they would not fit into a GiB.
    """
    visible = sorted((entry for entry in entries if not hidden(entry.name)), key=lambda entry: entry.name)
    kept, inside = _half(visible, split)
    skipped: dict[str, str] = {}
    there, shape, rgb, deep = look(kept, size, color, skipped, films=True)
    if lazy is None:
        lazy = len(there) * shape[0] * shape[1] * (3 if rgb else 2 if deep else 1) > DECODED
    if lazy:
        x = cast(Pixels, Pictures(there, shape, rgb, size is not None, deep))
        names = [entry.name for entry in there]
    else:
        x, names = _decoded(there, shape, rgb, size is not None, deep, skipped)
    return as_bytes(
        dataset_of(
            x,
            _classes(names, inside),
            kind=kind,
            name=name,
            names=tuple(names),
            skipped=tuple(f"{name}: {reason}" for name, reason in sorted(skipped.items())),
        )
    )


def as_bytes(data: Dataset) -> Dataset:
    """Bytes mean 0 to 255, even where all images happen to be as dark as 1."""
    dark = data.spec.high == 1 and data.x.dtype == np.uint8
    return replace(data, spec=replace(data.spec, low=0.0, high=255.0)) if dark else data


def look(
    entries: Sequence[ImageFile],
    size: Size | None,
    color: Color | None,
    skipped: dict[str, str],
    *,
    films: bool = False,
) -> tuple[list[ImageFile], tuple[int, int], bool, bool]:
    """By their headers: which of these are images, their height and width, and whether they are read in colour, or in 16 bits.

    films: each frame of a file is an image, and not the first alone.
    Those that are none are added to `skipped`, with the reason. Raises DataError: none is left, or they differ in size.
    """
    seen = [header for entry in entries for header in _headers(entry, skipped, films)]
    if not seen:
        raise DataError(f"no image here that can be read. {_complaint(skipped)}")
    held = sum(header.entry.held for header in seen if header.entry.frame == 0)
    check_unpacked(sum(header.unpacked for header in seen), held, EXPANSION, LARGEST)
    shape = _one_size(seen, size)
    rgb = color == "rgb" or (color is None and any(one.color for one in seen))
    return [header.entry for header in seen], shape, rgb, not rgb and any(one.deep for one in seen)


def _decoded(
    entries: Sequence[ImageFile], shape: tuple[int, int], rgb: bool, resize: bool, deep: bool, skipped: dict[str, str]
) -> tuple[Pixels, list[str]]:
    """All images that can be decoded, and their names."""
    x = np.empty((len(entries), *shape, 3) if rgb else (len(entries), *shape), np.uint16 if deep else np.uint8)
    names: list[str] = []
    for some in _by_file(entries):
        for entry, pixels in zip(some, _pixels(some, shape, rgb, resize, deep), strict=True):
            if isinstance(pixels, Exception):
                skipped[entry.name] = why_not(pixels)
            else:
                x[len(names)] = pixels
                names.append(entry.name)
    if not names:
        raise DataError(f"no image here that can be decoded. {_complaint(skipped)}")
    return x[: len(names)], names


def _member(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with opened.open(info) as stream:
        return bytes(unpacked(stream, info.compress_size))


def hidden(name: str) -> bool:
    """Whether a name in a folder or an archive is of what nobody put there to be seen."""
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def _half(entries: list[ImageFile], split: Split) -> tuple[list[ImageFile], int]:
    """The entries of a half, and how many leading folders say nothing about the class.

    Folders called train and test, below whatever folder all share, are the halves.
    """
    shared = _shared([entry.name for entry in entries])
    tops = {parts[shared] for entry in entries if len(parts := PurePosixPath(entry.name).parts) > shared + 1}
    if not {"train", "test"} <= tops:
        undivided(split)
        return entries, shared
    wanted = {"train", "test"} if split == "all" else {split}
    return [entry for entry in entries if PurePosixPath(entry.name).parts[shared] in wanted], shared + 1


def _shared(names: list[str]) -> int:
    """How many leading folders all names share: an archive's own folder is no class."""
    folders = [PurePosixPath(name).parts[:-1] for name in names]
    levels = zip(*folders, strict=False) if folders else iter(())
    return next((depth for depth, level in enumerate(levels) if len(set(level)) > 1), min(map(len, folders), default=0))


def _classes(names: list[str], inside: int) -> Array | None:
    """The sub-folder of each image, where every image lies in one and there are two or more."""
    parts = [PurePosixPath(name).parts[inside:] for name in names]
    if any(len(part) < 2 for part in parts) or len({part[0] for part in parts}) < 2:
        return None
    return np.array([part[0] for part in parts])


def _headers(entry: ImageFile, skipped: dict[str, str], films: bool) -> list[Seen]:
    """What the header of a file says, or of each of its frames."""
    try:
        with hushed(), opened_image(entry) as image:  # chatter about odd metadata
            first = Seen(entry, _upright(image), _has_color(image), _is_deep(image))
            check_unpacked(4 * first.size[0] * first.size[1], entry.held, EXPANSION, LARGEST)  # 4 a pixel in Pillow
            return _film(first, image, skipped) if films and image.format in FILMS else [first]
    except Exception as error:  # a decoder raises whatever it likes at a damaged file
        skipped[entry.name] = why_not(error)
        return []


def _film(first: Seen, image: Image.Image, skipped: dict[str, str]) -> list[Seen]:
    """The frames of an opened file; those of another size than the first (a small copy of it, say) are skipped."""
    seen = _pages(first, image, skipped) if image.format == "TIFF" else [first] * int(getattr(image, "n_frames", 1))
    if len(seen) > FRAMES:
        raise DataError(f"it has more than {FRAMES:,} frames. Divide it")
    if len(seen) == 1:
        return seen
    check_unpacked(len(seen) * first.unpacked, first.entry.held, EXPANSION, LARGEST)
    color = any(one.color for one in seen) or (image.format == "GIF" and _colored(image, len(seen)))
    entries = first.entry.frames(range(len(seen)))
    for entry, one in zip(entries, seen, strict=True):
        if one.size != first.size:
            skipped[entry.name] = f"a frame of {_by(one.size)}, and the first of its file is {_by(first.size)}"
    return [replace(one, entry=entry, color=color) for entry, one in zip(entries, seen, strict=True) if one.size == first.size]


def _pages(first: Seen, image: Image.Image, skipped: dict[str, str]) -> list[Seen]:
    """The pages of a TIFF, each with a header of its own, up to the first that is damaged."""
    seen = [first]
    for number in count(1):
        try:
            image.seek(number)
            seen.append(Seen(first.entry, _upright(image), _has_color(image), _is_deep(image)))
        except EOFError:
            break
        except Exception as error:  # as above
            skipped[first.entry.frames([number])[0].name] = f"{why_not(error)}; nor is there a frame after it"
            break
        if number > FRAMES:
            break
    return seen


def _colored(image: Image.Image, frames: int) -> bool:
    """Whether any frame of an animation has a pixel that is not gray: each may have a palette of its own."""
    with contextlib.suppress(Exception):  # a damaged frame ends them: decoding will tell
        for number in range(frames):
            image.seek(number)
            pixels = np.asarray(image.convert("RGB"))
            if (pixels != pixels[..., :1]).any():
                return True
    return False


def _upright(image: Image.Image) -> tuple[int, int]:
    """Height and width of an image once it stands upright."""
    return (image.width, image.height) if _sideways(image) else (image.height, image.width)


def _sideways(image: Image.Image) -> bool:
    """Whether EXIF says that height and width are to be swapped.

    A PNG says it before its pixels, or hardly ever after them; to look there, Pillow would decode it.
    """
    if image.format == "PNG" and not {"exif", "Raw profile type exif", "XML:com.adobe.xmp"} & set(image.info):
        return False
    return image.getexif().get(ORIENTATION) in SIDEWAYS


def opened_image(entry: ImageFile) -> Image.Image:
    """The file as Pillow opens it. Raises DataError for one that is too large, and what Pillow raises."""
    if entry.length > LARGEST:
        raise DataError(f"{entry.length:,} bytes, more than the {LARGEST:,} that an image may have")
    image = Image.open(io.BytesIO(entry.content()), formats=_formats())
    if Image.MAX_IMAGE_PIXELS is not None and image.width * image.height > Image.MAX_IMAGE_PIXELS:  # Pillow only warns
        raise DataError(f"{image.width * image.height:,} pixels: it could be a decompression bomb")
    return image


@cache
def _formats() -> tuple[str, ...]:
    """All that Pillow reads but EPS, which it hands to Ghostscript to be run as a program."""
    Image.init()
    return tuple(name for name in Image.OPEN if name != "EPS")


def _has_color(image: Image.Image) -> bool:
    if image.mode in ("P", "PA"):
        palette = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
        return bool((palette != palette[:, :1]).any())
    return image.mode not in GRAY and not image.mode.startswith("I;16")


def _is_deep(image: Image.Image) -> bool:
    """Whether it is gray, and its pixels have 16 bits."""
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")


def _one_size(seen: list[Seen], size: Size | None) -> tuple[int, int]:
    if size is not None:
        return (size, size) if isinstance(size, int) else size
    first = seen[0]
    other = next((header for header in seen if header.size != first.size), None)
    if other is not None:
        raise DataError(
            f"the images differ in size: {first.entry.name} is {_by(first.size)} and {other.entry.name} is {_by(other.size)} "
            f"(height x width). {_FIT}"
        )
    return first.size


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _by_file(entries: Sequence[ImageFile]) -> list[list[ImageFile]]:
    """The same images, those side by side that are frames of one file together."""
    return [list(some) for _, some in groupby(entries, key=lambda entry: id(entry.content))]


def _pixels(
    entries: Sequence[ImageFile], shape: tuple[int, int], rgb: bool, resize: bool, deep: bool
) -> list[Pixels | Exception]:
    """Frames of one file, each as `fitted_image` has it, or what its decoder raised."""
    found: list[Pixels | Exception] = []
    try:
        with hushed(), opened_image(entries[0]) as opened:  # as above
            for entry in entries:
                try:
                    if opened.tell() != entry.frame:
                        opened.seek(entry.frame)
                    found.append(fitted_image(opened, shape, rgb, resize, deep))
                except Exception as error:  # as above
                    found.append(error)
    except Exception as error:  # as above
        found = [error] * len(entries)
    return found


def fitted_image(opened: Image.Image, shape: tuple[int, int], rgb: bool, resize: bool, deep: bool) -> Pixels:
    """One image as (H, W), or (H, W, 3): upright, flattened onto white, and fitted to `shape`.

    deep: of 16 bits; an image of 8 is as bright then as it was: white is 65535.
    """
    if deep and _is_deep(opened):
        return _sixteen_bits(ImageOps.exif_transpose(opened), shape if resize else None)
    image = eight_bits(ImageOps.exif_transpose(opened))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB" if rgb else "L")
    if resize:  # scaled until the shorter fit covers the frame, then cropped around the centre
        image = ImageOps.fit(image, (shape[1], shape[0]), Image.Resampling.LANCZOS)
    bytes_ = np.asarray(image)
    return bytes_.astype(np.uint16) * 257 if deep else bytes_


def _sixteen_bits(image: Image.Image, shape: tuple[int, int] | None) -> NDArray[np.uint16]:
    """16-bit gray as it is, (H, W), or fitted to `shape`: Pillow resizes it as floats only."""
    values = np.asarray(image).astype(np.uint16)
    if shape is None:
        return values
    floats = Image.fromarray(values.astype(np.float32))
    fitted = np.asarray(ImageOps.fit(floats, (shape[1], shape[0]), Image.Resampling.LANCZOS))
    return np.rint(fitted).clip(0, 65535).astype(np.uint16)


def eight_bits(image: Image.Image) -> Image.Image:
    """16-bit gray as 8 bits, beside images in colour. Pillow's own conversion would clip all above 255 to white."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise DataError(f"pixels of 32 bits (mode {image.mode}) have no fixed range; save such images as one .npy")
    return image


def picture_in(content: bytes, *, formats: tuple[str, ...] | None = None, most: int | None = None) -> Image.Image:
    """The picture in a file. formats: Pillow's, or all. most: pixels. Raises DataError for a damaged or larger one."""
    try:
        with hushed():
            image = Image.open(io.BytesIO(content), formats=formats)
            if most is not None and image.width * image.height > most:
                raise DataError(f"a picture of {image.width:,} × {image.height:,} pixels: at most {most:,} are read.")
            image.load()
        return image
    except DataError:
        raise
    except Exception as error:  # a decoder raises whatever it likes at a damaged file
        raise DataError(f"the picture: {why_not(error).rstrip('.')}.") from None


def why_not(error: Exception) -> str:
    """Why an image could not be read, in words."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image of a known format"
    return str(error) or type(error).__name__


def _complaint(skipped: dict[str, str]) -> str:
    if not skipped:
        return "The folder or archive is empty."
    (name, reason), *_ = sorted(skipped.items())
    endings = Counter(PurePosixPath(name).suffix or "no ending" for name in skipped).most_common(3)
    found = ", ".join(f"{count} of {ending}" for ending, count in endings)
    return f"Found {found}; {name}: {reason}. Give a folder of images, or the one data file itself."


def check_size(size: object) -> None:
    """Raise ConfigError when `size` is neither None, a side, nor (height, width)."""
    sides = size if isinstance(size, tuple) and len(size) == 2 else (size,)
    if size is not None and not all(type(side) is int and side > 0 for side in sides):
        raise ConfigError(f"size={size!r}: expected a side in pixels, or (height, width). For example size=64.")
