"""What Jupyter shows: a picture and a sentence, as HTML that needs nothing else."""

from base64 import b64encode
from html import escape

__all__ = ["captioned", "figure"]


def figure(png: bytes | None, *lines: str, alt: str = "") -> str:
    """A picture, where there is one, above lines of plain text. alt: what it is, for who cannot see it."""
    source = "" if png is None else f"data:image/png;base64,{b64encode(png).decode()}"
    image = f'<img src="{source}" style="max-width:100%" alt="{escape(alt)}">' if source else ""
    return captioned(image, *lines)


def captioned(content: str, *lines: str) -> str:
    """HTML above lines of plain text."""
    caption = "<br>".join(escape(line) for line in lines)
    return f'<figure style="margin:0">{content}<figcaption>{caption}</figcaption></figure>'
