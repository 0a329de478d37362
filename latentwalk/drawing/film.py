"""Pictures as the bytes of a file: PNG, and GIF, WebP and MP4 for what moves; and films as files."""

import errno
import io
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from latentwalk.checks import positive
from latentwalk.drawing.tiles import PAPER, Pixels, sheet
from latentwalk.errors import ConfigError, DataError
from latentwalk.files import write_atomically

__all__ = ["FPS", "gif_bytes", "image", "mp4_bytes", "opaque", "png_bytes", "save_film", "webp_bytes"]

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EROFS)  # the machine's failures
FPS = 8.0  # pictures a second, unless another number is asked for


def png_bytes(picture: Pixels) -> bytes:
    """(H, W, C) as a PNG."""
    return _encoded([image(picture)], "PNG")


def gif_bytes(frames: Pixels, fps: float = FPS, *, back: bool = True) -> bytes:
    """Frames (n, H, W, C) as a GIF that runs for ever: there and back, or, where its end meets its beginning, there only."""
    there = [image(frame) for frame in frames]
    shown = [*there, *there[-2:0:-1]] if back else there
    return _encoded(shown, "GIF", save_all=True, duration=max(20, round(1000 / fps)), loop=0)


def webp_bytes(frames: Pixels, fps: float = FPS) -> bytes:
    """Frames (n, H, W, C) as a lossless WebP: read again, every pixel is what it was."""
    there = [image(frame).convert("RGB") for frame in frames]
    return _encoded(there, "WEBP", save_all=True, duration=max(20, round(1000 / fps)), loop=0, lossless=True, exact=True)


def save_film(
    path: str | PathLike[str], film: ArrayLike, *, fps: float = FPS, low: float = 0.0, high: float | None = None
) -> None:
    """Write a film (T, H, W) or (T, H, W, C), whole or not at all: .gif, .webp or .mp4, or .png, its frames side by side.

    low, high: what is black and what is white; high is 255 unless given, or 1 where no value of floats is larger. A .webp keeps
    bytes exactly, and so does a .gif those of gray films; a .mp4 (extra `video`) nearly.
    Raises ConfigError, DataError; OSError where it cannot be written.
    """
    path, x = Path(path), np.asarray(film)
    if x.ndim not in (3, 4) or not x.size or x.dtype.kind not in "biuf" or (x.ndim == 4 and x.shape[-1] not in (1, 3, 4)):
        raise DataError(f"a film is (T, H, W) or (T, H, W, C), of numbers; got {x.dtype} of shape {x.shape}.")
    if not np.isfinite(x).all():
        raise DataError("the film holds NaN or infinity. Cut it where it ends.")
    positive("fps", fps, most=1000)
    ending = path.suffix.lower()
    if ending not in (".gif", ".webp", ".mp4", ".png"):
        raise ConfigError(f"{path}: a film is written as .gif, .webp, .mp4 or .png.")
    top = high if high is not None else 1.0 if x.dtype.kind in "bf" and x.max() <= 1 else 255.0
    share = (x.astype(np.float64) - low) / ((top - low) or 1.0)
    frames = np.rint(255 * share.clip(0, 1)).astype(np.uint8)
    frames = frames[..., None] if x.ndim == 3 else frames
    match ending:
        case ".gif":
            content = gif_bytes(frames, fps, back=False)
        case ".webp":
            content = webp_bytes(opaque(frames), fps)
        case ".mp4":
            content = mp4_bytes(frames, fps)
        case _:
            content = png_bytes(sheet(frames, len(frames)))
    write_atomically(path, content)


def mp4_bytes(frames: Pixels, fps: float = FPS) -> bytes:
    """Frames (n, H, W, C) as an MP4 that browsers play: H.264, yuv420p, sides made even. Raises ConfigError without PyAV."""
    try:
        import av
    except ImportError as error:
        raise ConfigError(
            "an MP4 needs PyAV, which is not installed: pip install 'latentwalk[video]'. Or write a .gif."
        ) from error
    frames = _even(frames)
    with (
        _telling("MP4", len(frames), frames.shape[1:3]),
        TemporaryDirectory() as folder,
    ):  # its index goes to the front, for which FFmpeg opens the file again
        path = Path(folder) / "film.mp4"
        with av.open(path, "w", options={"movflags": "faststart"}) as container:
            stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt, stream.options = "yuv420p", {"crf": "16"}
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
        return path.read_bytes()


def image(picture: Pixels) -> Image.Image:
    """(H, W, C) as Pillow has it."""
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)


def opaque(frames: Pixels) -> Pixels:
    """Frames (n, H, W, C) on white paper: (n, H, W, 3)."""
    if frames.shape[-1] < 4:
        return np.broadcast_to(frames, (*frames.shape[:3], 3))
    alpha = frames[..., 3:] / 255.0
    return np.rint(frames[..., :3] * alpha + PAPER * (1 - alpha)).astype(np.uint8)


def _encoded(pictures: list[Image.Image], how: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    if len(pictures) > 1:
        options["append_images"] = pictures[1:]
    with _telling(how, len(pictures), pictures[0].size[::-1]):
        pictures[0].save(stream, how, **options)
    return stream.getvalue()


@contextmanager
def _telling(how: str, count: int, size: tuple[int, ...]) -> Iterator[None]:
    """What a format does not hold (sides, and how long one picture is shown, are numbers of 16 bits, say) is a ConfigError."""
    try:
        yield
    except Exception as error:  # encoders raise whatever they like
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in FULL):
            raise
        raise ConfigError(
            f"{count:,} picture{'s' * (count != 1)} of {size[0]:,} x {size[1]:,} cannot be written as {how} ({error}). Write "
            "fewer or smaller ones, show them for a shorter time, or choose another format."
        ) from error


def _even(frames: Pixels) -> Pixels:
    """Frames (n, H, W, C) as (n, H', W', 3), H' and W' even: chroma is kept for two pixels by two. Nothing is seen through."""
    odd = [(0, 0), *((0, side % 2) for side in frames.shape[1:3]), (0, 0)]
    return np.ascontiguousarray(np.pad(opaque(frames), odd, constant_values=PAPER))
