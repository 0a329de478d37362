"""The commands on music."""

import json
from pathlib import Path

import mido
import numpy as np
import pytest

from latentwalk.app.source import read_like
from latentwalk.data import load
from latentwalk.data.music import Piece
from latentwalk.data.sources.midi import midi_content
from latentwalk.data.spec import DataSpec
from latentwalk.data.synthetic.melodies import MELODY_FACTORS, tune


def tunes(n: int, seed: int = 0) -> list[Piece]:
    rng = np.random.default_rng(seed)
    return [tune({name: int(rng.integers(len(v))) for name, v in MELODY_FACTORS.items()}, rng) for _ in range(n)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty tunes as files, and one that is none."""
    made = tmp_path_factory.mktemp("songs")
    for at, piece in enumerate(tunes(80)):
        (made / f"{at:02}.mid").write_bytes(midi_content(piece))
    (made / "broken.mid").write_bytes(b"no music")
    return made


def test_the_commands_on_a_folder_of_music(folder, tmp_path, call):
    run = tmp_path / "run"
    told = call("fit", folder, "--bars", 1, "--epochs", 1, "--latent", 3, "--out", run)
    assert "320 parts of 1 bar," in told and "broken.mid" in told
    for ending in (".mid", ".wav", ".png"):
        call("sample", run, "-n", 3, "--out", tmp_path / f"drawn{ending}")
        call("walk", run, "--from", "row:0", "--to", "row:1", "--steps", 3,
             "--out", tmp_path / f"walk{ending}")  # fmt: skip
    assert mido.MidiFile(tmp_path / "drawn.mid").length > 0
    call("reconstruct", run, folder / "01.mid", "--out", tmp_path / "again.mid")
    call("encode", run, folder, "--out", tmp_path / "codes.csv")
    call("report", run)
    assert json.loads((run / "report.json").read_text())


@pytest.mark.parametrize("kind", ["music", "roll"])
def test_music_of_several_metres_is_cut_again_as_it_was(tmp_path, kind):
    """The longest bar says how long an example is, the first piece how long its bar: neither says how many bars there are."""
    for name, beats in (("a", (2, 4)), ("b", (6, 4)), ("c", (4, 4))):
        notes = np.array([[at, 1, 60 + at % 5, 90] for at in range(0, 96, 2)])
        (tmp_path / f"{name}.mid").write_bytes(midi_content(Piece(notes, 96, steps=4, beats=beats)))
    data = load(tmp_path, kind=kind, bars=2)
    assert data.spec.shape[0] >= 48 and len(data) == 6 + 2 + 3
    assert DataSpec.from_json(data.spec.to_json()) == data.spec
    again = read_like(data.spec, str(tmp_path))
    assert np.array_equal(again.x, data.x, equal_nan=kind == "roll")
