"""Films: GIF, WebP and other animations by Pillow, MP4 and others by the package `av`, folders of numbered frames.

A file is a film, and so is a folder of images, in the order of the numbers in their names; a folder of such holds several.
Where frames cannot be decoded, or are lost, a film is cut into pieces that are films of their own, so that no jump is taken
for motion, and that is told. Frames are as `images` has them: bytes, upright, on white where they are seen through, 16
bits where they have them. They may be shown for different times; unless a rate is asked for, each is one frame.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path
from time import monotonic
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

__all__ = [
    "ANIMATIONS",
    "STRETCH",
    "VIDEOS",
    "Played",
    "holds_films",
    "in_order",
    "played_frames",
    "read_films",
    "unevenly_numbered",
]

ANIMATIONS = (".gif", ".webp", ".apng")
VIDEOS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".m2ts")
INSTALL = "{}: such films are read by PyAV. Install it with: pip install 'latentwalk[video]'"
MOST = 1_000_000  # frames of a film
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpeg,mpegts,mpegvideo"  # of FFmpeg, those of VIDEOS
STREAMS = 64  # of a video, that are looked at within bounds before any is decoded
STILL = 0.1  # seconds that a frame is shown which does not say for how long
NUMBER = re.compile(r"(\d+)")
SECTOR, ENDS = 2048, (b"\0\0\1\xb9", b"\0\0\1\xb7")  # of which program streams consist; how one, and its pictures, end
STRETCH = re.compile(r"\[\d+:\d+\]$")  # how the name of a piece ends: which frames of its film it has
EVEN = 0.9  # of all frames come after the usual time where that is the rate, and longer ones are gaps


@dataclass(frozen=True, slots=True)
class Reel:
    """A film as it lies there. frames: (m, H, W[, C]). ends: (m,) the second at which each is over, or None.

    remarks: what is odd about it. apart: whether each frame is a file, so that one can be read where another cannot.
    """

    name: str
    frames: Array
    ends: NDArray[np.float64] | None = None
    remarks: tuple[str, ...] = ()
    apart: bool = False

    def cut(self, whole: NDArray[np.bool_], begins: NDArray[np.bool_]) -> "list[Reel]":
        """Its pieces, of frames that are `whole` (m,), a new one where another `begins` (m,); those of one frame are left out.

        Empty where no frame is.
        """
        rows = np.flatnonzero(whole)
        starts = np.flatnonzero((np.diff(rows, prepend=-2) > 1) | begins[rows])
        runs = [run for run in np.split(rows, starts[1:]) if len(run)] if len(rows) else []
        if len(runs) == 1 and len(rows) == len(self.frames):
            return [self]
        runs = [run for run in runs if len(run) > 1] or runs[:1]
        pieces: list[Reel] = []
        for run in runs:
            first = 0.0 if self.ends is None or not run[0] else float(self.ends[run[0] - 1])
            ends = None if self.ends is None else self.ends[run] - first
            name = f"{self.name}[{run[0]}:{run[-1] + 1}]" if len(runs) > 1 else self.name
            frames: Any = Picked(self.frames, run)
            pieces.append(replace(self, name=name, frames=frames, ends=ends, remarks=() if pieces else self.remarks))
        return pieces

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
    base = path.parent if path.is_file() else path
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    files = sorted(files, key=lambda one: in_order(one.relative_to(base).as_posix()))
    files = [one for one in files if not any(part.startswith(".") for part in one.relative_to(base).parts)]
    videos = [one for one in files if one.suffix.lower() in VIDEOS]
    color = "rgb" if videos and color is None else color
    reels = []
    for one in videos:
        name = one.relative_to(base).as_posix()
        try:
            reels += _video(one, name, size, color == "rgb", skipped)
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
        lost = _lost_before([there[row] for row in rows.tolist()], entries, skipped, moving=name in moving)
        odd = () if name in moving else unevenly_numbered(called, [Path(files_of[row]).name for row in rows.tolist()], lost)
        reel = Reel(called, Picked(frames, rows), ends, odd, apart=name not in moving)  # type: ignore[arg-type]
        yield from reel.cut(np.ones(len(rows), np.bool_), lost)


def _lost_before(
    frames: Sequence[ImageFile], entries: Sequence[ImageFile], skipped: Mapping[str, str], *, moving: bool
) -> NDArray[np.bool_]:
    """Before which of the frames (m,) of a film one is left out that could not be read."""
    if moving:
        return np.diff([frame.frame for frame in frames], prepend=frames[0].frame - 1) > 1
    at = {entry.name: number for number, entry in enumerate(entries)}
    endings = {Path(frame.name).suffix for frame in frames}
    gone = [at[name] for name in skipped if name in at and Path(name).suffix in endings]
    before = np.searchsorted(np.sort(gone), [at.get(frame.name.partition("[")[0], at.get(frame.name, -1)) for frame in frames])
    return np.diff(before, prepend=before[0]) > 0


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


def unevenly_numbered(film: str, names: Sequence[str], lost: NDArray[np.bool_]) -> tuple[str, ...]:
    """What is odd about the names of a film's frames, in their order: numbers that do not go up by the same.

    lost: (m,) before which of them the film is cut.
    """
    numbers = [int(found[-1]) if (found := NUMBER.findall(Path(name).stem)) else None for name in names]
    steps = [None if a is None or b is None else b - a for a, b in pairwise(numbers)]
    usual = min((step for step in steps if step and step > 0), default=None)
    odd = [at for at, step in enumerate(steps) if (step is None or step != usual) and not lost[at + 1]]
    if not odd:
        return ()
    more = f", nor so in {len(odd) - 1} other places" if len(odd) > 1 else ""
    return (
        f"{film}: its frames are not numbered evenly: after {names[odd[0]]} comes {names[odd[0] + 1]}{more}. They are taken to "
        "follow one another",
    )


def in_order(name: str) -> list[Any]:
    """By what numbers in a name count, and not by their digits: frame 2 before frame 10."""
    return [[(int(bit), "") if bit.isdecimal() else (-1, bit) for bit in NUMBER.split(part) if bit] for part in name.split("/")]


def _decoded(reels: Sequence[Reel], skipped: dict[str, str]) -> tuple[Array, list[Reel]]:
    """All frames (m, H, W[, C]) in memory, and the films with as many as can be decoded."""
    kept = [piece for reel in reels for piece in _whole(reel, skipped) if len(piece.frames)]
    if not kept:
        name, reason = next(iter(skipped.items()))
        raise DataError(f"no film here that can be decoded. {name}: {reason}")
    return np.concatenate([reel.frames for reel in kept]), kept


def _whole(reel: Reel, skipped: dict[str, str]) -> list[Reel]:
    """The film in memory; or its pieces between frames that cannot be decoded, of which those of one file end it."""
    try:
        return [replace(reel, frames=np.asarray(reel.frames), ends=None)]
    except DataError:
        count, found = len(reel.frames), np.empty(reel.frames.shape, reel.frames.dtype)
        there, first, reason = np.zeros(count, np.bool_), -1, ""
        for at in range(count):
            try:
                found[at], there[at] = reel.frames[at], True
            except DataError as error:
                first, reason = (at, str(error)) if first < 0 else (first, reason)
                if not reel.apart:
                    break
        pieces = replace(reel, frames=found, ends=None).cut(there, np.zeros(count, np.bool_))
        skipped[reel.name] = f"only {int(there.sum())} of its {count} frames can be read{_into(pieces)}. {reason}"
        return [replace(piece, frames=np.asarray(piece.frames)) for piece in pieces]


def _into(pieces: Sequence[Reel]) -> str:
    """That a film is cut, in words."""
    return f", and it is cut into {len(pieces)} films between which some are missing" if len(pieces) > 1 else ""


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
        for at, (frame, _) in enumerate(played_frames(self.path, Played())):
            if at in wanted:
                image = Image.fromarray(frame.to_ndarray(format="rgb24"))
                found[wanted[at]] = images.fitted_image(image, self.size, self.rgb, self.resize, False)
            if at >= last:
                return found
        if wanted:
            raise DataError(f"{self.path.name} has changed: it had {self.shape[0]} frames, and ends before. Read it again.")
        return found


def _video(path: Path, name: str, size: Size | None, rgb: bool, skipped: dict[str, str]) -> list[Reel]:
    """The pieces of a film that PyAV decodes: gone through once, to count its frames. Raises DataError."""
    shapes: set[tuple[int, int]] = set()
    shown: list[float] = []  # when each frame is
    keys, corrupt, after = [], [], []
    played = Played()
    for at, (frame, broken) in enumerate(played_frames(path, played)):
        if at >= MOST:
            raise DataError(f"more than {MOST:,} frames. Divide it.")
        shapes.add((int(frame.height), int(frame.width)))
        shown.append(float(frame.time if frame.time is not None else (shown[-1] if shown else 0.0)))
        keys.append(bool(frame.key_frame))
        corrupt.append(bool(frame.is_corrupt))
        after.append(broken)
    if not shown:
        raise DataError(
            f"no frame of it can be decoded{f': {played.error}' if played.error else ''}. Get or write the file again."
        )
    if len(shapes) > 1 and size is None:
        raise DataError("its frames differ in size. Pass size=, a side or (height, width).")
    starts = np.asarray(shown) - shown[0]
    steps = np.diff(starts)
    usual = float(np.median(steps)) if len(steps) else STILL
    over = np.maximum.accumulate(np.append(starts[1:], starts[-1] + max(usual, 1e-3)))
    shape = (size, size) if isinstance(size, int) else size or next(iter(shapes))
    video: Any = _Video(path, len(shown), shape, rgb, size is not None)
    reel = Reel(name, video, over, _without_end(path, name))
    even = not played.indexed and len(steps) > 1 and np.mean(np.abs(steps - usual) <= 0.2 * usual) >= EVEN
    gaps = np.append(False, steps > 1.5 * usual) if even else np.zeros(len(shown), np.bool_)
    begins = np.asarray(after) | gaps
    whole = _sound(np.asarray(keys), np.asarray(corrupt), begins)
    pieces = reel.cut(whole, begins)
    missing = _missing(path, played, len(shown), shown[-1] + usual, usual)
    if not whole.all() or begins.any():
        why = f": {played.error}" if played.error else ""
        skipped[name] = (
            f"{int(whole.sum())} of its frames can be read; it is damaged{why}, and what follows is left out up to the next "
            f"frame that is stored as a whole{_into(pieces)}"
        )
        if missing:
            skipped[name] += f"; {missing}"
    elif missing or played.error:
        skipped[name] = f"only its first {len(shown)} frames can be read: {missing or played.error}"
    return pieces


def _without_end(path: Path, name: str) -> tuple[str, ...]:
    """What is odd about how a program stream of MPEG ends: as nothing tells how long it is, it may be cut off unseen."""
    size = path.stat().st_size
    if path.suffix.lower() not in (".mpg", ".mpeg") or size % SECTOR == 0:
        return ()
    with path.open("rb") as file:
        file.seek(max(0, size - SECTOR))
        last = file.read().rstrip(b"\0")
    return () if last.endswith(ENDS) else (f"{name}: it ends within a sector and without an end code, and may be cut off",)


def _sound(keys: NDArray[np.bool_], corrupt: NDArray[np.bool_], after: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which frames (m,) are what they were. One `after` lost ones is made of what is not there, up to one stored as a whole."""
    found, sound = [], True
    for key, bad, gap in zip(keys.tolist(), corrupt.tolist(), after.tolist(), strict=True):
        sound = not bad and (key or (sound and not gap))
        found.append(sound)
    return np.asarray(found)


def _missing(path: Path, played: "Played", count: int, end: float, usual: float) -> str:
    """What a film that ended well promised beyond its `count` frames, the last over at second `end`; "" for nothing.

    FFmpeg takes the end of a file that was cut off for its end, and frames that it drops are missed by nobody.
    """
    if played.promised > count + played.discarded:
        return f"it says that it has {played.promised}"
    if path.suffix.lower() in (".ts", ".m2ts"):
        size = path.stat().st_size
        return "" if size % 188 == 0 or size % 192 == 0 else "the file ends within a packet"
    last = max(end, played.last)  # of what is seen or heard
    if played.indexed or played.until is None or last >= played.until - 1.5 * usual:
        return ""
    return f"it says that it lasts {played.until:.4g} seconds, and {'they end' if last == end else 'all ends'} after {last:.4g}"


@dataclass(slots=True)
class Played:
    """What is seen while a film is played.

    error: the first that its decoder made. promised: frames that its index counts; discarded: those of them not to be shown.
    until, last: the second at which it says that it ends, and at which the last of anything in it does.
    """

    error: str = ""
    promised: int = 0
    discarded: int = 0
    until: float | None = None
    last: float = 0.0

    @property
    def indexed(self) -> bool:
        """Whether the file counts its frames."""
        return self.promised > 0


def _opened(av: Any, path: Path, bounds: dict[str, str]) -> Any:
    """The container, its streams looked at within these bounds where it can tell them before; not all formats can (MPEG)."""
    only = {"format_whitelist": FORMATS}  # a play list may name other files, itself among them
    if bounds:
        with suppress(ValueError):
            return av.open(str(path), container_options=only, stream_options=[bounds] * STREAMS)
    return av.open(str(path), container_options=only)


def played_frames(path: Path, played: Played, pixels: int | None = None, until: float = math.inf) -> Iterator[tuple[Any, bool]]:
    """The frames of a film, one after the other, and whether some before it could not be decoded. Raises DataError.

    pixels: of a frame that is decoded, at most. until: the time (`monotonic`) after which nothing more is looked at.
    """
    try:
        av = imported("av")
    except ImportError as error:
        raise DataError(INSTALL.format(path.name)) from error
    broken = False
    try:
        bounds = {} if pixels is None else {"max_pixels": str(pixels)}
        with _opened(av, path, bounds) as container:
            if not container.streams.video:
                raise DataError("it holds no pictures.")
            stream = container.streams.video[0]
            stream.codec_context.options = bounds
            played.promised = int(stream.frames)
            if container.duration is not None:
                played.until = ((container.start_time or 0) + container.duration) / 1e6
            for packet in container.demux():
                if monotonic() > until:
                    played.error = played.error or "it takes too long"
                    return
                if packet.pts is not None and packet.stream.type in ("audio", "video"):
                    played.last = max(played.last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                if packet.stream.index != stream.index:
                    continue
                played.discarded += bool(packet.is_discard)
                try:
                    frames = packet.decode()
                except av.FFmpegError as error:
                    played.error = played.error or str(error.strerror or error)
                    broken = True
                    continue
                for frame in frames:
                    yield frame, broken
                    broken = False
    except av.FFmpegError as error:
        played.error = played.error or str(error.strerror or error)
