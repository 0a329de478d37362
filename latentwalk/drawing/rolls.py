"""Pieces of music, drawn as piano rolls, one below the other."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, final

import numpy as np

from latentwalk.arrays import Array
from latentwalk.data.music import Piece
from latentwalk.data.spec import Kind
from latentwalk.data.tones import rendered
from latentwalk.drawing.film import png_bytes
from latentwalk.drawing.html import captioned
from latentwalk.drawing.painter import Marks, Painter, clear_sheet, png
from latentwalk.drawing.roll import piano_roll
from latentwalk.drawing.tiles import GAP, MARK, PAPER, Pixels
from latentwalk.errors import ConfigError

__all__ = ["Rolls", "played", "roll_png", "roll_wav", "stacked"]

STEP, SMALL = 6, 3  # pixels of a step; on a page
RATE = 8_000  # samples a second of what is heard on a page: a third of the size, and enough for a tune
HEARD = 3  # pieces of a sheet


@final
class Rolls(Painter):
    """The painter of music."""

    __slots__ = ()
    kinds: ClassVar[tuple[Kind, ...]] = ("music", "roll")
    along: ClassVar[int] = 0
    draws = (6, 2)
    steps = 3

    def sheet(self, x: Array, columns: int, gap: int = 2, magnify: int = 1) -> dict[str, Any]:
        """The rolls, and as sound the first of them, one after the other."""
        return self._sheet(x, columns, gap) | {"wav": roll_wav(Piece.row(self.spec.said(x[:HEARD]))) if len(x) else ""}

    def grid(self, x: Array) -> dict[str, Any]:
        return self._sheet(x.reshape(-1, *self.spec.shape), x.shape[1], 2)

    def _sheet(self, x: Array, columns: int, gap: int) -> dict[str, Any]:
        tiles = _tiles(self.spec.said(x), SMALL)
        opaque = np.concatenate([tiles, np.full_like(tiles[..., :1], 255)], axis=-1)
        return png(clear_sheet(opaque, min(columns, len(x)), max(gap, 2)), flat=False)

    def strip(self, x: Array, *, columns: int | None = None, marked: Marks = ()) -> Pixels:
        return stacked(self.spec.said(x), marked)

    def frames(self, x: Array) -> Pixels:
        raise ConfigError("a film shows images or signals; this is music. Write a .mid, a .wav, a .png or a .npz.")


def stacked(pieces: Sequence[Piece], marked: Marks = ()) -> Pixels:
    """The rolls of pieces, one below the other; beside those marked, a red bar."""
    rolls = _tiles(pieces, STEP)
    h, w = rolls.shape[1:3]
    paper = np.full((len(rolls) * (h + 2 * GAP), w + 3 * GAP, 3), PAPER, np.uint8)
    for at, roll in enumerate(rolls):
        top = at * (h + 2 * GAP)
        paper[top : top + h, 3 * GAP :] = roll
        if len(marked) and marked[at]:
            paper[top : top + h, :GAP] = MARK
    return paper


def _tiles(pieces: Sequence[Piece], step: int) -> Pixels:
    """The rolls of pieces, all of one size and with the same keys."""
    pitches = np.concatenate([piece.notes[:, 2] for piece in pieces] or [np.empty(0, int)])
    keys = (int(pitches.min()), int(pitches.max())) if pitches.size else None
    rolls = [np.asarray(piano_roll(piece, step, keys)) for piece in pieces]
    widest = max(roll.shape[1] for roll in rolls)
    return np.stack([np.pad(roll, ((0, 0), (0, widest - roll.shape[1]), (0, 0)), constant_values=255) for roll in rolls])


def roll_png(piece: Piece) -> str:
    """The roll of a piece as a PNG, for a page: base64."""
    return b64encode(png_bytes(np.asarray(piano_roll(piece, STEP)))).decode()


def roll_wav(piece: Piece) -> str:
    """A piece as a WAV of 8 bits, for a page: base64."""
    return b64encode(replace(rendered(piece, RATE), dtype="uint8").content()).decode()


def played(pieces: Sequence[Piece], marked: Marks, *lines: str) -> str:
    """HTML of pieces: of each its roll and a player, those marked with a red bar, above lines of plain text."""
    rows = []
    for at, piece in enumerate(pieces):
        bar = f"3px solid rgb{MARK}" if len(marked) and marked[at] else "3px solid transparent"
        rows.append(
            f'<div style="border-left:{bar};padding:.3em .8em"><img alt="piano roll" style="max-width:100%" '
            f'src="data:image/png;base64,{roll_png(piece)}"><br>'
            f'<audio controls preload="none" src="data:audio/wav;base64,{roll_wav(piece)}"></audio></div>'
        )
    return captioned("".join(rows), *lines)
