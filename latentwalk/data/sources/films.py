"""Films: GIF, WebP and other animations by Pillow, MP4 and others by the package `av`, folders of numbered frames.

A file is a film, and so is a folder of images, in the order of the numbers in their names; a folder of such holds several. What
cannot be decoded ends a film there, and is told. Frames are as `images` has them: bytes, upright, on white where they are seen
through, 16 bits where they have them. They may be shown for different times; unless a rate is asked for, each is one frame.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentwalk.arrays import Array
from latentwalk.checks import positive, whole
from latentwalk.data.dataset import Dataset
from latentwalk.data.footage import clips, film_dataset
from latentwalk.data.rows import DECODED, Picked, Rows, joined, nbytes
from latentwalk.data.sources import images
from latentwalk.data.sources.images import Color, ImageFile, Pictures, Size
from latentwalk.data.sources.packed import Split, undivided
from latentwalk.errors import ConfigError, DataError
from latentwalk.surroundings import hushed, imported

__all__ = ["ANIMATIONS", "VIDEOS", "holds_films", "read_films"]

ANIMATIONS = (".gif", ".webp", ".apng")
VIDEOS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg")
INSTALL = "{}: such films are read by PyAV. Install it with: pip install 'latentwalk[video]'"
MOST = 1_000_000  # frames of a film
STILL = 0.1  # seconds that a frame is shown which does not say for how long
NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Reel:
    """A film as it lies there. frames: (m, H, W[, C]). ends: (m,) the second at which each is over, or None.

    remarks: what is odd about it.
    """

    name: str
    frames: Array
    ends: NDArray[np.float64] | None = None
    remarks: tuple[str, ...] = ()

    def at_rate(self, rate: float | None) -> "Reel":
        """The same, so many frames a second: at each moment, the one that is shown. Raises ConfigError."""
        if rate is None:
            return self
        if self.ends is None:
            raise ConfigError(f"{self.name}: rate={rate:g} needs frames that say when they are shown; numbered images do not.")
        count = float(self.ends[-1]) * rate
        if count > MOST:
            raise ConfigError(
                f"{self.name}: rate={rate:g} makes {count:.3g} frames of its {float(self.ends[-1]):.3g} seconds, and {MOST:,} "
                "are the most. Ask for fewer a second."
            )
        moments = np.arange(max(1, round(count))) / rate
        shown = np.searchsorted(self.ends, moments + 1e-9, side="right").clip(max=len(self.ends) - 1)
        return replace(
            self,
            frames=Picked(self.frames, shown),  # type: ignore[arg-type]
            ends=(np.arange(len(shown)) + 1) / rate,
        )


def holds_films(path: Path) -> bool:
    """Whether the file is called like a film; or the folder holds films that are no images."""
    if path.is_dir():
        return any(one.suffix.lower() in VIDEOS for one in path.rglob("*"))
    return path.suffix.lower() in (*ANIMATIONS, *VIDEOS)


def read_films(
    path: Path,
    *,
    split: Split,
    size: Size | None = None,
    color: Color | None = None,
    lazy: bool | None = None,
    length: int | None = None,
    rate: float | None = None,
) -> Dataset:
    """The film in a file, those in a folder, or the one whose frames a folder holds.

    size, color, lazy: as for images. length: each is cut into films of so many frames; what is left over at its end is told.
    rate: frames a second; each as long as it is shown, unless given, and then one frame for all times.
    Raises DataError: none that can be read, frames of different size; ConfigError.
    """
    undivided(split)
    whole("length", length, "frames", least=1, most=MOST, none="whole films")
    positive("rate", rate, none="frames as they are")
    skipped: dict[str, str] = {}
    reels = [reel.at_rate(rate) for reel in _reels(path, size, color, skipped)]
    if not reels:
        first = next(iter(skipped.items()), None)
        raise DataError(f"no film here that can be read.{f' {first[0]}: {first[1]}' if first else ''}")
    other = next((reel for reel in reels if reel.frames.shape[1:] != reels[0].frames.shape[1:]), None)
    if other is not None:
        raise DataError(
            f"the films differ in size: frames of {reels[0].name} are {reels[0].frames.shape[1:]}, of {other.name} "
            f"{other.frames.shape[1:]}. Pass size=, a side or (height, width), and color=."
        )
    remarks = [remark for reel in reels for remark in reel.remarks]
    if not lazy and (lazy is False or sum(nbytes(reel.frames) for reel in reels) <= DECODED):
        frames, reels = _decoded(reels, skipped)
    else:
        frames = reels[0].frames if len(reels) == 1 else joined(*(reel.frames for reel in reels))
    first_at = np.cumsum([0, *(len(reel.frames) for reel in reels)])[:-1]
    starts, counts, names = [], [], []
    for reel, at in zip(reels, first_at.tolist(), strict=True):
        whole_parts, left = divmod(len(reel.frames), length or len(reel.frames))
        starts += [at + part * (length or 0) for part in range(whole_parts)]
        counts += [length or len(reel.frames)] * whole_parts
        names += [reel.name if whole_parts == 1 else f"{reel.name}[{part}]" for part in range(whole_parts)]
        if left:
            remarks.append(f"{reel.name}: {left} frames at its end are fewer than {length}, and are left out")
    if not starts:
        longest = max(len(reel.frames) for reel in reels)
        raise DataError(f"no film has {length} frames; the longest has {longest}. Ask for a smaller length.")
    x = clips(frames, starts, counts)
    said = tuple(f"{name}: {reason}" for name, reason in sorted(skipped.items()))
    return film_dataset(x, frames, name=path.stem, names=tuple(names), skipped=said, remarks=tuple(remarks))


# ---------------------------------------------------------------------- what lies there


def _reels(path: Path, size: Size | None, color: Color | None, skipped: dict[str, str]) -> list[Reel]:
    """The films at a place, none decoded but to be counted."""
    files = [path] if path.is_file() else sorted((one for one in path.rglob("*") if one.is_file()), key=partial(_order, path))
    base = path.parent if path.is_file() else path
    files = [one for one in files if not any(part.startswith(".") for part in one.relative_to(base).parts)]
    videos = [one for one in files if one.suffix.lower() in VIDEOS]
    color = "rgb" if videos and color is None else color
    reels = []
    for one in videos:
        name = one.relative_to(base).as_posix()
        try:
            reels.append(_video(one, name, size, color == "rgb", skipped))
        except DataError as error:
            if path.is_file():
                raise
            skipped[name] = str(error)
    pictures = [one for one in files if one not in set(videos)]
    return [*reels, *_animations(pictures, base, path.is_file(), size, color, skipped)] if pictures else reels


def _animations(
    files: Sequence[Path], base: Path, alone: bool, size: Size | None, color: Color | None, skipped: dict[str, str]
) -> Iterator[Reel]:
    """Films of Pillow's: an animation each, or the images of a folder. alone: the one file was asked for."""
    entries = [ImageFile(one.relative_to(base).as_posix(), one.stat().st_size, one.read_bytes) for one in files]
    there, shape, rgb, deep = images.look(entries, size, color, skipped, films=True)
    frames = Pictures(there, shape, rgb, size is not None, deep)
    named = {entry.name for entry in entries}
    files_of = [entry.name if entry.name in named else entry.name.rpartition("[")[0] for entry in there]
    moving = named if alone else set(files_of) - {entry.name for entry in there}

    def film(at: int) -> str:
        name = files_of[at]
        return name if name in moving else Path(name).parent.as_posix()

    for name, places in groupby(range(len(there)), key=film):
        rows = np.fromiter(places, np.int64)
        called = base.name if name == "." else name
        ends = _shown_until(base / name, len(rows)) if name in moving else None
        odd = () if name in moving else _unevenly_numbered(called, [Path(files_of[row]).name for row in rows.tolist()])
        yield Reel(called, Picked(frames, rows), ends, odd)  # type: ignore[arg-type]


def _shown_until(path: Path, count: int) -> NDArray[np.float64]:
    """The second at which each of so many frames of an animation is over; those it does not say it of are shown as usual."""
    shown: list[float] = []
    try:
        with hushed(), Image.open(path) as image:
            for frame in range(count):
                image.seek(frame)
                image.load()  # WebP says it only then
                shown.append(float(image.info.get("duration", 0)) / 1000 or STILL)
    except Exception:  # a decoder raises whatever it likes; decoding will tell
        shown += [shown[-1] if shown else STILL] * (count - len(shown))
    return np.cumsum(shown)


def _unevenly_numbered(film: str, names: Sequence[str]) -> tuple[str, ...]:
    """What is odd about the names of a film's frames, in their order: numbers that do not go up by the same."""
    numbers = [int(found[-1]) if (found := NUMBER.findall(Path(name).stem)) else None for name in names]
    steps = [None if a is None or b is None else b - a for a, b in pairwise(numbers)]
    usual = min((step for step in steps if step and step > 0), default=None)
    odd = [at for at, step in enumerate(steps) if step is None or step != usual]
    if not odd:
        return ()
    more = f", nor so in {len(odd) - 1} other places" if len(odd) > 1 else ""
    return (
        f"{film}: its frames are not numbered evenly: after {names[odd[0]]} comes {names[odd[0] + 1]}{more}. They are taken to "
        "follow one another",
    )


def _order(base: Path, path: Path) -> list[Any]:
    """By what numbers in a name count, and not by their digits: frame 2 before frame 10."""
    parts = path.relative_to(base).as_posix().split("/")
    return [[(int(bit), "") if bit.isdecimal() else (-1, bit) for bit in NUMBER.split(part) if bit] for part in parts]


def _decoded(reels: Sequence[Reel], skipped: dict[str, str]) -> tuple[Array, list[Reel]]:
    """All frames (m, H, W[, C]) in memory, and the films with as many as can be decoded."""
    kept = []
    for reel in reels:
        frames = _whole(reel, skipped)
        if len(frames):
            kept.append(replace(reel, frames=frames, ends=None))
    if not kept:
        name, reason = next(iter(skipped.items()))
        raise DataError(f"no film here that can be decoded. {name}: {reason}")
    return np.concatenate([reel.frames for reel in kept]), kept


def _whole(reel: Reel, skipped: dict[str, str]) -> Array:
    """The frames of a film up to the first that cannot be decoded."""
    try:
        return np.asarray(reel.frames)
    except DataError:
        found = []
        for at in range(len(reel.frames)):
            try:
                found.append(reel.frames[at])
            except DataError as error:
                skipped[reel.name] = f"only {at} of its {len(reel.frames)} frames can be read. {error}"
                break
        return np.stack(found) if found else np.empty((0, *reel.frames.shape[1:]), reel.frames.dtype)


# ---------------------------------------------------------------------- by PyAV


class _Video(Rows):
    """Frames (m, H, W[, 3]) of a film that PyAV decodes, from its beginning, each time they are asked for."""

    def __init__(self, path: Path, count: int, shape: tuple[int, int], rgb: bool, resize: bool) -> None:
        self.path, self.size, self.rgb, self.resize = path, shape, rgb, resize
        self.shape = (count, *shape, 3) if rgb else (count, *shape)
        self.dtype = np.dtype(np.uint8)

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        found = np.empty((len(rows), *self.shape[1:]), np.uint8)
        wanted: dict[int, list[int]] = {}
        for place, row in enumerate(rows.tolist()):
            wanted.setdefault(row, []).append(place)
        last = max(wanted, default=-1)
        for at, frame in enumerate(_played(self.path, {})):
            if at in wanted:
                image = Image.fromarray(frame.to_ndarray(format="rgb24"))
                found[wanted[at]] = images.fitted_image(image, self.size, self.rgb, self.resize, False)
            if at >= last:
                return found
        if wanted:
            raise DataError(f"{self.path.name} has changed: it had {self.shape[0]} frames, and ends before. Read it again.")
        return found


def _video(path: Path, name: str, size: Size | None, rgb: bool, skipped: dict[str, str]) -> Reel:
    """A film that PyAV decodes: gone through once, to count its frames. Raises DataError."""
    shapes: set[tuple[int, int]] = set()
    ends: list[float] = []
    broken: dict[Path, str] = {}
    for at, frame in enumerate(_played(path, broken)):
        if at >= MOST:
            raise DataError(f"more than {MOST:,} frames. Divide it.")
        shapes.add((int(frame.height), int(frame.width)))
        start = frame.time if frame.time is not None else (ends[-1] if ends else 0.0)
        ends.append(float(start))  # when it is shown, for now
    if not ends:
        raise DataError(f"no frame of it can be decoded{f': {broken[path]}' if broken else ''}. Get or write the file again.")
    if len(shapes) > 1 and size is None:
        raise DataError("its frames differ in size. Pass size=, a side or (height, width).")
    starts = np.asarray(ends) - ends[0]
    usual = float(np.median(np.diff(starts))) if len(starts) > 1 else STILL
    if broken:
        skipped[name] = f"only its first {len(ends)} frames can be read: {broken[path]}"
    elif missing := _missing(path, len(ends), ends[-1] + usual, usual):
        skipped[name] = f"only {len(ends)} frames can be read: {missing}"
    over = np.maximum.accumulate(np.append(starts[1:], starts[-1] + max(usual, 1e-3)))
    shape = (size, size) if isinstance(size, int) else size or next(iter(shapes))
    return Reel(name, _Video(path, len(ends), shape, rgb, size is not None), over)  # type: ignore[arg-type]


def _missing(path: Path, count: int, end: float, usual: float) -> str:
    """What a film that ended well promised beyond its `count` frames, the last over at second `end`; "" for nothing.

    FFmpeg takes the end of a file that was cut off for its end, and frames that it drops are missed by nobody.
    """
    with imported("av").open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.frames > count:
            return f"it says that it has {stream.frames}"
        if stream.frames or len(container.streams) > 1 or container.duration is None:
            return ""  # counted; or as long as its sound
        long = ((container.start_time or 0) + container.duration) / 1e6
        return f"it says that it lasts {long:.4g} seconds, and they end after {end:.4g}" if long > end + 1.5 * usual else ""


def _played(path: Path, broken: dict[Path, str]) -> Iterator[Any]:
    """The frames of a film, one after the other; what ends it early is put into `broken`. Raises DataError."""
    try:
        av = imported("av")
    except ImportError as error:
        raise DataError(INSTALL.format(path.name)) from error
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise DataError("it holds no pictures.")
            yield from container.decode(container.streams.video[0])
    except av.FFmpegError as error:
        broken[path] = str(error.strerror or error)
