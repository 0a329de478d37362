"""Music: readings and their ways back, files, sound, drawn tunes."""

import contextlib
import io
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentwalk.data.music import HOLD, LOWEST, REST, Piece, name_of, pitch_of
from latentwalk.data.sources.midi import midi_content, read_midi
from latentwalk.data.synthetic.melodies import MELODY_FACTORS, factors_of_tune, tune
from latentwalk.data.tones import rendered
from latentwalk.drawing.roll import piano_roll
from latentwalk.errors import ConfigError, DataError

WORDS = st.lists(st.sampled_from(["C4", "E4", "F#3", "A5", HOLD, REST]), min_size=1, max_size=40)


def normal(words):
    """Words in which nothing goes on that has not begun."""
    found = []
    for word in words:
        found.append(REST if word == HOLD and (not found or found[-1] == REST) else word)
    return found


def saved(path: Path, *tracks, kind=1, ticks=480) -> Path:
    file = mido.MidiFile(type=kind, ticks_per_beat=ticks)
    file.tracks += [mido.MidiTrack(track) for track in tracks]
    file.save(path)
    return path


def on(note, time=0, velocity=64, channel=0):
    return mido.Message("note_on", note=note, time=time, velocity=velocity, channel=channel)


def read_back(piece: Piece, path: Path) -> Piece:
    path.write_bytes(midi_content(piece))
    return read_midi(path).piece


# ---------------------------------------------------------------------- there and back


@given(WORDS)
@settings(max_examples=60, deadline=None)
def test_words_to_a_piece_and_back(words):
    assert Piece.of_words(words).words() == (normal(words), 0)


def test_a_piece_of_nothing_is_one():
    piece = Piece.of_words([])
    assert piece.words() == ([], 0) and piece.total == 0
    assert piece.roll().shape == (0, 88) and Piece.of_roll(piece.roll()) == piece
    assert Piece.row([piece, piece]).total == 16
    assert rendered(piece).x.max() == 0 and piano_roll(piece).height > 0
    assert piece.bars(1) == []


@given(WORDS, WORDS)
@settings(max_examples=40, deadline=None)
def test_voices_to_a_piece_and_back(first, second):
    size = min(len(first), len(second))
    said = [word for step in zip(normal(first[:size]), normal(second[:size]), strict=True) for word in step]
    assert Piece.of_words(said, 2).words(2) == (said, 0)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_a_roll_to_a_piece_and_back(seed):
    roll = np.random.default_rng(seed).random((17, 88)) < 0.1
    np.testing.assert_array_equal(Piece.of_roll(roll).roll(), roll)


@given(WORDS, st.integers(-20, 20))
@settings(max_examples=40, deadline=None)
def test_moving_commutes_with_reading(words, by):
    piece = Piece.of_words(words)
    moved = [name_of(pitch + by) if (pitch := pitch_of(word)) is not None else word for word in piece.words()[0]]
    assert piece.shifted(by).words()[0] == moved
    assert piece.shifted(by).shifted(-by) == piece
    np.testing.assert_array_equal(piece.shifted(by).roll(), np.roll(piece.roll(), by, axis=1))


@given(WORDS)
@settings(max_examples=20, deadline=None)
def test_a_file_and_back_is_the_piece(tmp_path_factory, words):
    piece = Piece.of_words(["C4", *words, "C4"], beats=(3, 4), tempo=96.0)
    assert read_back(piece, tmp_path_factory.mktemp("midi") / "a.mid") == piece


def test_parts_stay_apart_in_a_file_the_highest_first(tmp_path):
    piece = Piece.of_words(["C5", "C3", "-", "-", "E5", "-", ".", "D3"], 2)
    again = read_back(piece, tmp_path / "a.mid")
    assert again == piece
    low_first = saved(tmp_path / "b.mid", [on(40), on(40, 480, 0)], [on(70), on(70, 480, 0)])
    assert read_midi(low_first, "quarter").piece.notes.tolist() == [[0, 1, 70, 0], [0, 1, 40, 1]]


@pytest.mark.parametrize(("words", "key"), [("C4 E4 G4 C5 D5 B4 C5", (0, True)), ("A4 C5 E5 A4 B4 G#4 A4", (9, False))])
def test_the_key_of_a_plain_tune(words, key):
    piece = Piece.of_words(words.replace("G#", "Ab").split())
    assert piece.key() == key
    for by in range(-6, 7):
        moved = piece.shifted(by)
        assert moved.key() == ((key[0] + by) % 12, key[1])
        assert moved.settled().notes[:, 2] % 12 == pytest.approx(piece.notes[:, 2] % 12)
        assert abs(moved.settled().moved - by) <= 6


def test_bars_are_cut_where_they_end():
    piece = Piece.of_words(["C4", *[HOLD] * 17, "E4"], beats=(4, 4))
    first, second = piece.bars(1)
    assert first.notes.tolist() == [[0, 16, 60, 0]]
    assert second.notes.tolist() == [[0, 2, 60, 0], [2, 1, 64, 0]]
    assert (first.total, second.total) == (16, 16)
    waltz = Piece(piece.notes, piece.total, 4, (6, 8))
    assert waltz.bar == 12


def test_what_has_no_place_in_words_is_counted():
    chord = Piece(np.array([[0, 4, 60, 0], [0, 4, 64, 0], [0, 4, 48, 1]]), 4)
    assert chord.words() == (["E4", HOLD, HOLD, HOLD], 2)
    assert chord.words(1) == (["E4", HOLD, HOLD, HOLD], 2)
    assert chord.words(2)[1] == 1
    over = Piece(np.array([[0, 4, 60, 0], [1, 1, 72, 0]]), 4)
    assert over.words() == (["C4", "C5", "C4", HOLD], 0)  # comes to light again


# ---------------------------------------------------------------------- files that are odd


def test_odd_files_are_read_as_far_as_they_make_sense_and_say_so(tmp_path):
    drums = [on(36, channel=9), on(36, 100, 0, channel=9)]
    found = read_midi(saved(tmp_path / "a.mid", [on(60), on(64, 480), on(64, 480, 0), on(8), on(8, 480, 0), *drums]))
    assert found.remarks == (
        "1 notes that never end",
        "1 strokes of drums left out",
        "1 notes beyond a piano's keys left out",
    )
    assert found.piece.notes[:, 2].tolist() == [60, 64]
    zero = mido.MetaMessage("set_tempo", tempo=0)
    assert read_midi(saved(tmp_path / "b.mid", [zero, on(60), on(60, 480, 0)])).piece.tempo == 120.0
    twice = read_midi(saved(tmp_path / "c.mid", [on(60), on(60, 10, 0), on(60, 10), on(60, 300, 0)]), "quarter")
    assert twice.remarks == ("1 notes one with another on this grid",)


def test_running_status_is_read(tmp_path):
    events = bytes([0, 0x90, 60, 64, 96, 60, 0, 0, 62, 64, 96, 62, 0, 0, 0xFF, 0x2F, 0])
    head = b"MThd" + (6).to_bytes(4) + (0).to_bytes(2) + (1).to_bytes(2) + (96).to_bytes(2)
    (tmp_path / "a.mid").write_bytes(head + b"MTrk" + len(events).to_bytes(4) + events)
    assert read_midi(tmp_path / "a.mid", "quarter").piece.notes.tolist() == [[0, 1, 60, 0], [1, 1, 62, 0]]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda path: saved(path, [on(60), on(60, 10, 0)], kind=2), "type 2"),
        (lambda path: saved(path, [on(36, channel=9)]), "no notes, only drums"),
        (lambda path: saved(path, []), "no notes"),
        (lambda path: saved(path, [on(60), on(60, 1 << 27, 0)]), "more than 100,000 steps"),
        (lambda path: path.write_bytes(b"MThd" + b"\0" * 20), "MIDI"),
        (lambda path: path.write_bytes(b""), "not readable as MIDI: EOFError"),
    ],
    ids=["type 2", "drums", "empty", "hours", "damaged", "nothing"],
)
def test_files_that_are_none_are_refused(tmp_path, made, message):
    made(tmp_path / "a.mid")
    with pytest.raises(DataError, match=message):
        read_midi(tmp_path / "a.mid")


def test_damage_anywhere_is_an_error_of_ours_or_a_piece(tmp_path):
    content = bytearray(midi_content(Piece.of_words(["C4", "-", "E4", ".", "G4", "-"])))
    rng = np.random.default_rng(0)
    for _ in range(300):
        spoilt = bytearray(content)
        for at in rng.integers(len(spoilt), size=2):
            spoilt[at] = int(rng.integers(256))
        (tmp_path / "a.mid").write_bytes(spoilt[: int(rng.integers(1, len(spoilt) + 1))])
        with contextlib.suppress(DataError):
            read_midi(tmp_path / "a.mid")


def test_a_grid_that_is_none_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="quarter"):
        read_midi(saved(tmp_path / "a.mid", [on(60), on(60, 10, 0)]), "quaver")
    with pytest.raises(DataError, match="no key for"):
        Piece(np.array([[0, 1, LOWEST - 1, 0]]), 1).roll()


# ---------------------------------------------------------------------- heard and seen


@pytest.mark.parametrize("pitch", [45, 57, 69, 81])
def test_a_note_sounds_at_its_pitch(pitch):
    sound = rendered(Piece(np.array([[0, 8, pitch, 0]]), 8))
    heard = np.abs(np.fft.rfft(sound.x * np.hanning(len(sound.x))))
    frequency = np.argmax(heard) * sound.rate / len(sound.x)
    assert frequency == pytest.approx(440 * 2 ** ((pitch - 69) / 12), rel=0.005)


def test_sound_begins_and_ends_softly_and_is_never_too_loud():
    sound = rendered(Piece.of_words(["C4", "-", "E4", "-", "G4", "-", ".", "C5"]))
    assert np.abs(sound.x).max() == pytest.approx(0.9)
    assert abs(sound.x[0]) < 1e-6 and abs(sound.x[-1]) < 1e-6
    lone = rendered(Piece.of_words(["C4", REST, REST])).x
    heard = np.flatnonzero(np.abs(lone) > 1e-9)
    assert np.abs(lone[: heard[0] + 5]).max() < 0.01 and np.abs(lone[heard[-1] - 5 :]).max() < 0.01  # no click
    assert rendered(Piece.of_words([REST])).x.max() == 0
    assert len(sound.content()) == 44 + 2 * len(sound.x)


def test_a_roll_shows_each_note_in_the_colour_of_its_part():
    piece = Piece.of_words(["C5", "C3", "-", "-", "E5", "D3"], 2)
    picture = np.asarray(piano_roll(piece))
    for colour, notes in (((38, 84, 160), 2), ((208, 110, 38), 2)):
        there = (picture == colour).all(axis=-1)
        assert there.sum() > 0
        assert np.unique(np.flatnonzero(there.any(axis=1)) // 7).size == notes
    assert piano_roll(Piece(np.empty((0, 4)), 0)).width > 0
    assert piano_roll(Piece.of_words(["C4", *[HOLD] * 20_000])).width <= 30 + 4_001


# ---------------------------------------------------------------------- drawn tunes


def test_the_reader_finds_every_factor_of_a_drawn_tune():
    rng = np.random.default_rng(0)
    for _ in range(300):
        factors = {name: int(rng.integers(len(values))) for name, values in MELODY_FACTORS.items()}
        piece = tune(factors, rng)
        assert factors_of_tune(piece) == factors
        assert Piece.of_words(piece.words()[0], steps=4, beats=piece.beats) == piece


@pytest.mark.parametrize(
    "spoil",
    [
        lambda words: words[:-4],
        lambda words: [REST, *words[1:]],
        lambda words: ["C#2" if word == words[0] else word for word in words],
        lambda words: [*words[:2], "C4", *words[3:]] if words[3] == HOLD else [*words[:3], "C4", *words[4:]],
    ],
    ids=["short", "a rest", "another tone", "parted two ways"],
)
def test_what_is_no_such_tune_is_told(spoil):
    rng = np.random.default_rng(1)
    factors = dict.fromkeys(MELODY_FACTORS, 1)
    words = tune(factors, rng).words()[0]
    found = factors_of_tune(Piece.of_words(spoil(words)))
    assert found is None or found != factors


def test_a_buffer_of_mido_is_what_we_write():
    file = mido.MidiFile(file=io.BytesIO(midi_content(Piece.of_words(["C4", HOLD]))))
    assert file.length == pytest.approx(0.25)


@pytest.mark.parametrize(
    "notes",
    [[(0, 1, 60)], [(0, 1, 60, 0), (1, 1)], [(0, 1, "a", 0)], [(0.5, 1, 60, 0)], [(0, 1, 128, 0)], [(0, 1, -1, 0)],
     [(0, 1, 60, -1)], [(0, 2**40, 60, 0)], [0, 1, 60, 0], None, "notes"],
)  # fmt: skip
def test_what_are_no_notes_is_told(notes):
    with pytest.raises(DataError, match="note"):
        Piece(notes, 4)
