"""Pictures as files: PNG, and GIF for what moves."""

import io
from pathlib import Path
from typing import Any

from PIL import Image

from latentwalk.app.output import write_bytes
from latentwalk.data.pictures import Pixels, enlarged

__all__ = ["save_gif", "save_png"]


def save_png(path: Path, picture: Pixels) -> None:
    """Write (H, W, C) as a PNG. Raises OutputError."""
    write_bytes(path, _encoded([_image(picture)], "PNG"))


def save_gif(path: Path, frames: Pixels, milliseconds: int = 120) -> None:
    """Write frames (n, H, W, C) as a GIF that runs there and back for ever. Raises OutputError."""
    there = [_image(frame) for frame in enlarged(frames)]
    options = {"duration": milliseconds, "loop": 0}
    write_bytes(path, _encoded([*there, *there[-2:0:-1]], "GIF", save_all=True, **options))


def _encoded(pictures: list[Image.Image], how: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    if len(pictures) > 1:
        options["append_images"] = pictures[1:]
    pictures[0].save(stream, how, **options)
    return stream.getvalue()


def _image(picture: Pixels) -> Image.Image:
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
