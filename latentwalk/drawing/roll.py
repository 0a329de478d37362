"""A piece as a piano roll: time to the right, pitch upwards, a colour for each part."""

from PIL import Image, ImageDraw

from latentwalk.data.music import Piece, name_of

__all__ = ["piano_roll"]

STEP, KEY, MARGIN = 9, 7, 30  # pixels of a step, of a key, and left of them for names
FEWEST, AROUND = 17, 2  # keys that are shown at least; beyond the lowest and the highest
WIDEST = 4_000  # pixels
PAPER, SHADE, LINE, STRONG, INK = (255, 255, 255), (243, 243, 246), (228, 228, 234), (176, 176, 190), (90, 90, 105)
PARTS = ((38, 84, 160), (208, 110, 38), (52, 138, 92), (146, 72, 150), (120, 120, 30), (60, 130, 160))
BLACK = (1, 3, 6, 8, 10)  # keys of an octave


def piano_roll(piece: Piece, step: float = STEP, keys: tuple[int, int] | None = None) -> Image.Image:
    """The picture. step: pixels of a step, less where it would be wider than 4,000. keys: lowest and highest that are shown."""
    if keys is None:
        keys = (int(piece.notes[:, 2].min()), int(piece.notes[:, 2].max())) if len(piece.notes) else (60, 60)
    low, high = keys[0] - AROUND, keys[1] + AROUND
    spare = max(0, FEWEST - (high - low + 1))
    low, high = low - spare // 2, high + spare - spare // 2
    step = min(step, WIDEST / max(piece.total, 1))
    width, height = MARGIN + round(piece.total * step) + 1, (high - low + 1) * KEY + 1
    picture = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(picture)

    def top(pitch: int) -> int:
        return (high - pitch) * KEY

    for pitch in range(low, high + 1):
        if pitch % 12 in BLACK:
            draw.rectangle((MARGIN, top(pitch), width, top(pitch) + KEY - 1), SHADE)
        if pitch % 12 == 0:
            draw.line((MARGIN, top(pitch) + KEY, width, top(pitch) + KEY), LINE)
            draw.text((2, top(pitch) - 3), name_of(pitch), INK)
    for at in range(0, piece.total + 1, piece.steps):
        if step * piece.steps >= 4:
            draw.line((MARGIN + at * step, 0, MARGIN + at * step, height), STRONG if at % piece.bar == 0 else LINE)
    for start, length, pitch, part in piece.notes.tolist():
        box = (MARGIN + start * step + 1, top(pitch) + 1, MARGIN + (start + length) * step - 1, top(pitch) + KEY - 1)
        draw.rectangle((*box[:2], max(box[2], box[0]), box[3]), PARTS[part % len(PARTS)])
    return picture
