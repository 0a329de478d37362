"""Music: a .mid, or a folder of such, cut into parts of some bars; each an example.

Pieces are moved to C major or A minor, the nearest way, unless they are to stay in their keys. What does not open in a folder
is listed in `Dataset.skipped`; what was changed or left out is counted in `Dataset.remarks`.
"""

from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from latentwalk.checks import flag, whole
from latentwalk.data.dataset import VOICES, Dataset
from latentwalk.data.music import CUT, GridName, Piece, steps_of
from latentwalk.data.sources.midi import Read, read_midi
from latentwalk.data.sources.packed import Split, undivided
from latentwalk.data.spec import Kind
from latentwalk.errors import ConfigError, DataError

__all__ = ["MIDI", "holds_music", "read_music"]

MIDI = (".mid", ".midi")
LONGEST = 4_096  # words of an example
LOOKED_AT = 1_000  # files of a folder, to tell what it holds


def holds_music(path: Path) -> bool:
    """Whether a folder holds MIDI files, at any depth: among the first files that are met."""
    return path.is_dir() and any(one.suffix.lower() in MIDI for one in islice(path.rglob("*"), LOOKED_AT))


def read_music(
    path: Path,
    *,
    split: Split,
    kind: Kind | None = None,
    grid: GridName | None = None,
    voices: int | None = None,
    bars: int | None = None,
    moved: bool | None = None,
) -> Dataset:
    """The pieces in a .mid, or in those of a folder, each cut into parts of so many bars; what is only rests is left out.

    kind: "music", or "roll" for the keys that sound at each step. grid: "quarter", "eighth" or "sixteenth", which is
    usual. voices: that are read side by side, the highest first; 1 reads the highest notes as one melody. bars: of a
    part; 4. moved: whether to C major or A minor; True.
    Raises DataError: no file that can be read, more words than there can be; ConfigError.
    """
    undivided(split)
    if kind not in (None, "music", "roll"):
        raise ConfigError(f"kind={kind!r}: what is in a .mid is music, as words or as a roll. Leave kind out, or say 'roll'.")
    if kind == "roll" and voices not in (None, 1):
        raise ConfigError(f"voices={voices}: a roll is of all notes together. Leave voices out, or kind='roll'.")
    voices, bars, moved = (1 if voices is None else voices), (4 if bars is None else bars), (True if moved is None else moved)
    whole("voices", voices, "parts", least=1, most=VOICES)
    whole("bars", bars, "bars", least=1, most=CUT)
    flag("moved", moved)
    steps_of(grid := "sixteenth" if grid is None else grid)
    found, skipped = _files(path, grid)
    parts: list[Piece] = []
    names: list[str] = []
    for name, read in found:
        piece = read.piece.settled() if moved else read.piece
        for at, part in enumerate(piece.bars(bars)):
            if part.total * voices > LONGEST:
                raise DataError(f"{bars} bars are {part.total * voices:,} words, and {LONGEST:,} are the most. Use fewer bars.")
            if len(part.notes):
                parts.append(part)
                names.append(f"{name}, bar {at * bars + 1}")
    remarks = Counter[str]()
    for _, read in found:
        for remark in read.remarks:
            count, what = remark.split(" ", 1)
            remarks[what] += int(count.replace(",", ""))
    where = ", moved to C major or A minor" if moved else ""
    cut = f"{len(parts):,} parts of {bars} bar{'s' * (bars != 1)}, by {grid}s"
    about = f"{len(found):,} piece{'s' * (len(found) != 1)} as {cut}{where}"
    told = (about, *(f"{count:,} {what}" for what, count in remarks.items()))
    about_them: dict[str, Any] = {"name": path.stem, "names": tuple(names), "skipped": tuple(skipped), "remarks": told}
    data = Dataset.of_rolls(parts, **about_them) if kind == "roll" else Dataset.of_pieces(parts, voices, **about_them)
    assert data.spec.score is not None
    return replace(data, spec=replace(data.spec, score=replace(data.spec.score, bars=bars)))


def _files(path: Path, grid: GridName) -> tuple[list[tuple[str, Read]], list[str]]:
    """What was read, by the file's name, and what could not be, with the reason."""
    if path.is_file():
        return [(path.name, read_midi(path, grid))], []
    found, skipped = [], []
    for one in sorted(one for one in path.rglob("*") if one.suffix.lower() in MIDI and one.is_file()):
        name = str(one.relative_to(path))
        try:
            found.append((name, read_midi(one, grid)))
        except (DataError, OSError) as error:
            skipped.append(f"{name}: {error}")
    if not found:
        raise DataError(f"none of its MIDI files can be read. The first: {skipped[0] if skipped else 'there is none'}")
    return found, skipped
