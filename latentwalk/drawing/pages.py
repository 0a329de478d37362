"""Texts, shown as texts: lines on a page, and where a picture is asked for, lines of letters on paper."""

from collections.abc import Sequence
from html import escape
from typing import Any, ClassVar, final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from latentwalk.arrays import Array
from latentwalk.data.spec import Kind
from latentwalk.drawing.html import captioned
from latentwalk.drawing.painter import Marks, Painter
from latentwalk.drawing.tiles import GAP, MARK, PAPER, Pixels
from latentwalk.errors import ConfigError

__all__ = ["Pages", "listed"]

SIZE, LINE, WIDE = 16, 24, 960  # of letters, of a line, and across: pixels
INK = (29, 29, 31)
GREY = "rgba(128,128,128,.28)"


@final
class Pages(Painter):
    """The painter of texts."""

    __slots__ = ()
    kinds: ClassVar[tuple[Kind, ...]] = ("text",)
    along: ClassVar[int] = 0
    draws = (12, 1)
    steps = 3

    def sheet(self, x: Array, columns: int, gap: int = 2, magnify: int = 1) -> dict[str, Any]:
        """The texts x (n, T): {"texts", "columns"}; a square of them keeps its columns, all else is a list."""
        return {"texts": self.texts(x), "columns": columns if columns * columns == len(x) else 1}

    def grid(self, x: Array) -> dict[str, Any]:
        return {"texts": self.texts(x), "columns": x.shape[1]}

    def strip(self, x: Array, *, columns: int | None = None, marked: Marks = ()) -> Pixels:
        paper = Image.new("RGB", (WIDE, LINE * len(x) + 2 * GAP), (PAPER, PAPER, PAPER))
        draw, letters = ImageDraw.Draw(paper), ImageFont.load_default(SIZE)
        for at, text in enumerate(self.texts(x)):
            top = GAP + at * LINE
            if len(marked) and marked[at]:
                draw.rectangle((0, top, GAP - 1, top + LINE - 2), fill=MARK)
            draw.text((3 * GAP, top + 2), _fitting(text, draw, letters), fill=INK, font=letters)
        return np.asarray(paper)

    def frames(self, x: Array) -> Pixels:
        raise ConfigError("a film shows images or signals; this is text. Write a .txt, a .csv or a .npz.")

    def texts(self, x: Array) -> list[str]:
        """Rows (*B, T) as texts."""
        assert self.spec.vocabulary is not None
        return self.spec.vocabulary.texts(x)


def listed(texts: Sequence[str], marked: Marks, *lines: str) -> str:
    """HTML of texts, a line each, those marked with a red bar, above lines of plain text. Nothing in them is markup."""
    rows = "".join(
        f'<tr style="background:none;border-bottom:1px solid {GREY}"><td style="text-align:left;padding:.25em .8em;border:0;'
        f'border-left:3px solid {"rgb" + str(MARK) if len(marked) and marked[at] else "transparent"}">{escape(text)}</td></tr>'
        for at, text in enumerate(texts)
    )
    return captioned(f'<table style="border-collapse:collapse">{rows}</table>', *lines)


def _fitting(text: str, draw: ImageDraw.ImageDraw, letters: Any) -> str:
    """The text as far as it fits into a line; what the letters cannot show becomes a box."""
    text = " ".join(text.split("\n"))
    while text and draw.textlength(text, font=letters) > WIDE - 5 * GAP:
        text = text[: max(len(text) * 9 // 10, 1) - 1] + "…" if len(text) > 2 else ""
    return text
