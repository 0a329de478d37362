"""MIDI files: read onto a grid, and written again; by the package `mido`.

Time is counted in beats, so tempo does not matter for the grid; the first one is kept. Parts are the tracks and channels that
have notes, the highest first by the mean of their notes. Drums (channel 10) are no notes. What was changed or left out on the
way is said in words.
"""

import io
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latentwalk.data.music import KEYS, LOWEST, MOST, GridName, Piece, merged, steps_of
from latentwalk.errors import DataError
from latentwalk.files import content_of
from latentwalk.surroundings import imported

__all__ = ["Read", "midi_content", "midi_in", "read_midi"]

DRUMS = 9  # the channel, from 0
LARGEST = 16 << 20  # bytes of a file: some hundred hours of playing
SLOWEST = 60_000_000  # microseconds of a quarter beyond which a tempo is none
USUAL = 500_000  # where none is said
LOUD = 80
INSTALL = "MIDI files need mido. Install it with: pip install 'latentwalk[music]'"


@dataclass(frozen=True, slots=True)
class Read:
    """A piece as it was read, and what was changed or left out on the way."""

    piece: Piece
    remarks: tuple[str, ...] = ()


def read_midi(path: Path, grid: GridName = "sixteenth") -> Read:
    """The piece in a .mid file. Raises DataError (damaged, of type 2, without notes, too long), ConfigError for the grid."""
    return midi_in(content_of(path, LARGEST), grid)


def midi_in(content: bytes, grid: GridName = "sixteenth") -> Read:
    """The piece in what such a file holds. Raises as `read_midi` does."""
    steps, mido = steps_of(grid), _mido()
    try:
        found = mido.MidiFile(file=io.BytesIO(content[:LARGEST]), clip=True)
    except Exception as error:  # mido meets damage with whatever comes up
        raise DataError(
            f"not readable as MIDI: {str(error) or type(error).__name__}. Save it again from your notation program."
        ) from None
    if found.type == 2:
        raise DataError("a MIDI file of type 2 holds pieces side by side, without an order. Save each as a file of its own.")
    if not 0 < found.ticks_per_beat < 1 << 15:
        raise DataError("its time is in frames of film, not in beats, so there is no grid. Save it with ticks per quarter.")
    return _gridded(found, steps)


def _gridded(found: Any, steps: int) -> Read:
    """The notes of a file of mido's, rounded to the grid."""
    unit = found.ticks_per_beat / steps
    parts: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
    tempo, beats, hanging, drums, outside = 0, (4, 4), 0, 0, 0
    for number, track in enumerate(found.tracks):
        now, open_ = 0, {}  # type: ignore[var-annotated]
        for message in track:
            now += message.time
            if now / unit > MOST:
                raise DataError(f"it lasts more than {MOST:,} steps of the grid. Cut it, or use a coarser grid.")
            if message.type == "set_tempo" and not tempo:
                tempo = message.tempo if 0 < message.tempo <= SLOWEST else 0
            elif message.type == "time_signature" and now == 0:
                beats = message.numerator, message.denominator
            elif message.type in ("note_on", "note_off"):
                if message.channel == DRUMS:
                    drums += message.type == "note_on" and message.velocity > 0
                    continue
                where = message.channel, message.note
                if where in open_:
                    parts[number, message.channel].append((open_.pop(where), now, message.note))
                if message.type == "note_on" and message.velocity:
                    open_[where] = now
        hanging += len(open_)
        for (channel, note), start in open_.items():
            parts[number, channel].append((start, max(now, start), note))
    kept: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    for name, notes in parts.items():
        inside = [note for note in notes if LOWEST <= note[2] < LOWEST + KEYS]
        outside += len(notes) - len(inside)
        if inside:
            kept[name] = inside
    if not kept:
        raise DataError("it holds no notes" + (", only drums" if drums else "") + ".")
    order = sorted(kept, key=lambda name: -float(np.mean([note for _, _, note in kept[name]])))
    rounded, twice = merged(
        (first := round(start / unit), max(round(end / unit) - first, 1), pitch, part)
        for part, name in enumerate(order)
        for start, end, pitch in kept[name]
    )
    size = int((rounded[:, 0] + rounded[:, 1]).max())
    if size > MOST:
        raise DataError(f"it lasts more than {MOST:,} steps of the grid. Cut it, or use a coarser grid.")
    piece = Piece(rounded, size, steps, beats if _known(beats) else (4, 4), round(60e6 / (tempo or USUAL), 3))
    said = {
        "notes that never end": hanging,
        "strokes of drums left out": drums,
        "notes beyond a piano's keys left out": outside,
        "notes one with another on this grid": twice,
    }
    return Read(piece, tuple(f"{count:,} {what}" for what, count in said.items() if count))


def midi_content(piece: Piece) -> bytes:
    """The bytes of a MIDI file of type 1: a track for each part."""
    mido = _mido()
    ticks = 480 - 480 % piece.steps or piece.steps
    file = mido.MidiFile(type=1, ticks_per_beat=ticks)
    about = mido.MidiTrack()
    about.append(mido.MetaMessage("set_tempo", tempo=round(60e6 / piece.tempo)))
    about.append(mido.MetaMessage("time_signature", numerator=piece.beats[0], denominator=piece.beats[1]))
    file.tracks.append(about)
    unit = ticks // piece.steps
    for part in range(int(piece.notes[:, 3].max(initial=0)) + 1):
        channel = part % 15 + (part % 15 >= DRUMS)
        events = []
        for start, length, pitch, _ in piece.notes[piece.notes[:, 3] == part].tolist():
            events += [(start + length, 0, pitch), (start, 1, pitch)]
        track, now = mido.MidiTrack(), 0
        for at, on, pitch in sorted(events):
            track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=LOUD * on, time=(at - now) * unit))
            now = at
        track.append(mido.MetaMessage("end_of_track", time=(piece.total - now) * unit))
        file.tracks.append(track)
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()


def _known(beats: tuple[int, int]) -> bool:
    return 1 <= beats[0] <= 32 and beats[1] in (1, 2, 4, 8, 16, 32)


def _mido() -> Any:
    try:
        return imported("mido")
    except ImportError as error:
        raise DataError(INSTALL) from error
