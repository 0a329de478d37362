"""A film from anywhere, beside a model's, whose frames all have one size: a file that moves, a video, or numbered images.

It is met as `original` meets a picture: each frame is scaled until it covers the size of the model's, and cropped around its
centre. Frames are decoded one after the other, each once, and only as far as there are bounds for; the film ends where one
cannot be read, so that no jump is taken for motion.
"""

import io
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from time import monotonic

import numpy as np
from PIL import Image, UnidentifiedImageError

from latentwalk.arrays import Array
from latentwalk.data.original import like_learnt
from latentwalk.data.sources import images
from latentwalk.data.sources.films import ANIMATIONS, VIDEOS, Played, in_order, played_frames, unevenly_numbered
from latentwalk.data.sources.packed import archive, unpacked
from latentwalk.data.spec import DataSpec
from latentwalk.errors import DataError
from latentwalk.surroundings import hushed

__all__ = ["BROUGHT", "Bounds", "OwnFilm", "own_film"]

STILLS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")  # each a frame, of several in a .zip
IMAGES = (*ANIMATIONS, *STILLS)
BROUGHT = (*IMAGES, *VIDEOS, ".zip")
LISTING = 2**20  # bytes of the list of files of a .zip: some thousands
END, TAIL = b"PK\5\6", 22 + 2**16  # what the last part of a .zip begins with, and how long it is at most
FORMATS = ("GIF", "WEBP", "PNG", "JPEG", "BMP", "TIFF")  # Pillow's


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is read of a film that somebody sends.

    frames: so many, at most. size: bytes of an image in a .zip. pixels: of each frame. values: numbers in all frames, once they
    have the model's size. seconds: after which no other frame is decoded.
    """

    frames: int = 1_000
    size: int = 2**26
    pixels: int = 2**24
    values: int = 2**22
    seconds: float = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class OwnFilm:
    """A film as a model sees it. frames: (t, *E). size: its own height and width. remarks: what there is to say of it."""

    name: str
    frames: Array
    size: tuple[int, int]
    remarks: tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    """What is noticed while a film is decoded: what ended it before its end, in which member of an archive, and what is odd."""

    ended: str = ""
    member: str = ""
    odd: tuple[str, ...] = ()


def own_film(content: bytes, name: str, spec: DataSpec, bounds: Bounds | None = None) -> OwnFilm:
    """The film in a file of that name, with frames like the images of `spec`.

    name: its ending, one of `BROUGHT`, says what it is: GIF, WebP or APNG; a video, for PyAV; a .zip of images, in the order of
    the numbers in their names; one image is a film of one frame. Of a longer one the first frames are read, which is remarked.
    Raises DataError: no such file, damaged from its first frame on, frames that are too large.
    """
    bounds, ending, seen = bounds or Bounds(), PurePosixPath(name).suffix.lower(), _Seen()
    if ending not in BROUGHT:
        raise DataError(f"{name}: expected a film, as one of {', '.join(BROUGHT)}.")
    found: list[Array] = []
    until, sizes, remarks, deep = monotonic() + bounds.seconds, [], [], False
    most, rgb = max(1, min(bounds.frames, bounds.values // spec.size)), spec.channels > 1
    try:
        with hushed(), closing(_frames(content, name, ending, bounds, seen, until)) as frames:
            for image in frames:
                if image.width * image.height > bounds.pixels:
                    size = f"{image.width:,} × {image.height:,}"
                    raise DataError(f"a frame of {size} pixels: at most {bounds.pixels:,} are read. Make it smaller.")
                if len(found) == most or (found and monotonic() > until):
                    why = "" if len(found) == most else f", as many as are decoded in {bounds.seconds:g} seconds"
                    remarks.append(f"it has more than {len(found):,} frames, of which these are the first{why}")
                    break
                deep = deep if found else image.mode.startswith("I;16") and not rgb
                try:
                    found.append(images.fitted_image(image, (spec.event[1], spec.event[2]), rgb, True, deep))
                except Exception as error:  # a decoder raises whatever it likes at a damaged file
                    seen.ended = _damage(error)
                    break
                sizes.append((image.height, image.width))
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    if not found:
        raise DataError(f"{name}: no frame of it can be read: {seen.member}{seen.ended or 'it holds none'}.")
    if seen.ended:
        remarks.append(f"only its first {len(found):,} frames can be read: {seen.member}{seen.ended}")
    if len(set(sizes)) > 1:
        remarks.append("its frames differ in size, and each is fitted by itself")
    return OwnFilm(name, like_learnt(spec, np.stack(found)), sizes[0], (*seen.odd, *remarks))


def _frames(content: bytes, name: str, ending: str, bounds: Bounds, seen: _Seen, until: float) -> Generator[Image.Image]:
    """Its frames, ready to be decoded, up to the first that cannot be. Raises DataError."""
    if ending not in (*VIDEOS, ".zip"):
        yield from _of_image(content, seen)
        return
    with TemporaryDirectory(prefix="latentwalk-") as folder:
        path = Path(folder) / f"film{ending}"
        path.write_bytes(content)
        zipped = ending == ".zip"
        yield from _of_archive(path, name, bounds.size, seen) if zipped else _of_video(path, bounds.pixels, seen, until)


def _of_image(content: bytes, seen: _Seen, *, alone: bool = True) -> Iterator[Image.Image]:
    """The frames of a file of Pillow's; of one that is not `alone`, its only one. Raises DataError where it has more."""
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        if not alone and getattr(image, "is_animated", False) and image.format in images.FILMS:
            raise DataError("it holds several images that move, and one film is expected. Give one of them.")
        for at in count():
            image.seek(at)
            yield image
            if not alone or image.format not in images.FILMS:
                return
    except EOFError:
        if image.format == "GIF" and not content.rstrip(b"\0").endswith(b";"):
            seen.odd = ("it ends without an end mark, and may be cut off",)
    except DataError:
        raise
    except Exception as error:  # as above
        seen.ended = _damage(error)


def _damage(error: Exception) -> str:
    """Why an image cannot be decoded, in words."""
    said = images.why_not(error).rstrip(".")
    return said if isinstance(error, (DataError, UnidentifiedImageError)) else f"it is damaged or cut off ({said})"


def _of_archive(path: Path, name: str, most: int, seen: _Seen) -> Iterator[Image.Image]:
    """The images of an archive. most: bytes of each. Raises DataError."""
    if (listed := _listing(path)) > LISTING:
        raise DataError(f"its list of files has {listed:,} bytes, and {LISTING:,} are read. Put fewer into it.")
    try:
        opened = archive(path)
    except zipfile.BadZipFile as error:
        raise DataError(f"not a .zip, or damaged: {error}.") from None
    with opened:
        members = [
            one for one in opened.infolist() if one.filename.lower().endswith(IMAGES) and not images.hidden(one.filename)
        ]
        members = sorted(members, key=lambda one: in_order(one.filename))
        seen.odd = unevenly_numbered(name, [one.filename for one in members], np.zeros(len(members), np.bool_))
        for member in members:
            seen.member = f"{member.filename}: "
            try:
                with opened.open(member) as stream:
                    content = bytes(unpacked(stream, member.compress_size, most))
            except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError) as error:
                seen.ended = _damage(error)
            else:
                if len(content) >= most:
                    raise DataError(f"{member.filename} is larger than the {most:,} bytes that an image may have.")
                yield from _of_image(content, seen, alone=len(members) == 1)
            if seen.ended:
                return


def _listing(path: Path) -> int:
    """Bytes of the list of files that a .zip says it has; 0 where it says nothing."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        end = file.read()
    at = end.rfind(END)
    return int.from_bytes(end[at + 12 : at + 16], "little") if at >= 0 else 0


def _of_video(path: Path, pixels: int, seen: _Seen, until: float) -> Iterator[Image.Image]:
    """The frames that PyAV decodes, up to the first that is not what it was. Raises DataError."""
    played, shown = Played(), 0
    for frame, broken in played_frames(path, played, pixels, until):
        if broken or frame.is_corrupt:
            seen.ended = played.error or "it is damaged"
            return
        shown += 1
        yield Image.fromarray(frame.to_ndarray(format="rgb24"))
    if played.promised > shown + played.discarded:
        seen.ended = f"it says that it has {played.promised:,}"
    seen.ended = played.error or seen.ended
