"""Pictures as files that appear whole or not at all."""

from pathlib import Path

from latentwalk.app.output import write_bytes
from latentwalk.drawing.film import png_bytes
from latentwalk.drawing.tiles import Pixels

__all__ = ["save_png"]


def save_png(path: Path, picture: Pixels) -> None:
    """Write (H, W, C) as a PNG. Raises OutputError."""
    write_bytes(path, png_bytes(picture))
