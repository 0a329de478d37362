"""Music through the estimator, its spaces and the commands."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latentwalk import Autoencoder, Dataset, continuity, load, read
from latentwalk.data.dataset import join
from latentwalk.data.music import SILENT, Notation, Piece, overlap_distance
from latentwalk.data.sources.midi import midi_content, read_midi
from latentwalk.data.synthetic.melodies import MELODY_FACTORS, tune
from latentwalk.errors import ConfigError, DataError
from latentwalk.networks.build import Network

QUICK = {"latent": 4, "epochs": 2, "random_state": 0, "progress": False, "network": Network("gru", widths=(16,))}


def tunes(n: int, seed: int = 0) -> list[Piece]:
    rng = np.random.default_rng(seed)
    return [tune({name: int(rng.integers(len(v))) for name, v in MELODY_FACTORS.items()}, rng) for _ in range(n)]


@pytest.fixture(scope="module")
def model() -> Autoencoder:
    return Autoencoder("vae", **QUICK).fit(tunes(60))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve tunes as files, among them one that is none."""
    made = tmp_path_factory.mktemp("songs")
    for at, piece in enumerate(tunes(12)):
        (made / f"{at:02}.mid").write_bytes(midi_content(piece))
    (made / "broken.mid").write_bytes(b"no music")
    return made


def test_pieces_go_in_and_come_out(model, tmp_path):
    some = tunes(5)
    assert model.transform(some).shape == (5, 4)
    again = model.reconstruct(some)
    assert all(isinstance(piece, Piece) for piece in again)
    assert all(isinstance(piece, Piece) for piece in model.sample(3))
    model.save(tmp_path)
    loaded = Autoencoder.load(tmp_path)
    assert loaded.spec_ == model.spec_
    assert loaded.reconstruct(some) == again
    for kind in ("impute", "denoise"):
        with pytest.raises(ConfigError, match="music is words, no values"):
            getattr(model, kind)(some)


def test_a_space_of_music_is_walked_heard_and_seen(model, tmp_path):
    space = model.space(tunes(20))
    walk = space.walk(tunes(1)[0], 3, steps=4)
    assert len(walk.pieces) == 4
    walk.save(tmp_path / "walk.mid")
    heard = read_midi(tmp_path / "walk.mid").piece
    together = Piece.row(walk.pieces)
    assert heard.notes.tolist() == together.notes.tolist()
    walk.save(tmp_path / "walk.wav")
    walk.save(tmp_path / "walk.png")
    assert walk._repr_html_().count("<audio") == 4
    with pytest.raises(ConfigError, match="this is music"):
        walk.save(tmp_path / "walk.gif")
    assert 0 <= continuity(space, most=20).value <= 1


def test_pieces_of_another_grid_and_foreign_things_are_refused(model):
    first = tunes(1)[0]
    with pytest.raises(DataError, match="piece 1 is <Piece of .*expected a piece of 4 steps a quarter"):
        Dataset.of([first, replace(first, steps=2)])
    with pytest.raises(DataError, match="expected pieces"):
        model.transform(np.zeros((3, 4)))
    with pytest.raises(ConfigError, match="not one of music"):
        Autoencoder("ae", latent=2, epochs=1, progress=False).fit(np.eye(20)).space(np.eye(20)).code(first)
    with pytest.raises(DataError, match="X is music"):
        Autoencoder("ae", latent=2, epochs=1, progress=False).fit(np.eye(20)).transform([first])


def test_two_sets_become_one():
    one, two = Dataset.of(tunes(4)), Dataset.of(tunes(5, seed=1))
    both = join(one, two)
    assert both.pieces == [*one.pieces, *two.pieces]
    with pytest.raises(DataError, match="as many voices"):
        join(one, Dataset.of_pieces(tunes(3), 2))


def test_how_far_pieces_are_apart():
    score = Notation(voices=1)
    words = np.array([["C4", "-", "-", "E4"], ["C4", "C4", "-", "E4"], ["D4", "-", ".", "E4"], [".", ".", ".", "."]])
    sounding = score.sounding(words)
    assert sounding.tolist() == [[60, 60, 60, 64], [60, 60, 60, 64], [62, 62, SILENT, 64], [SILENT] * 4]
    apart = overlap_distance(sounding[[0, 0, 0, 0, 3]], sounding[[0, 1, 2, 3, 3]])
    np.testing.assert_allclose(apart, [0, 0, 0.75, 1, 0])
    two = Notation(voices=2).sounding(np.array([["C5", "C3", "-", ".", "-", "-"]]))
    assert two.tolist() == [[72, 48, 72, SILENT, 72, SILENT]]


def test_drawn_tunes_have_a_name():
    data = load("melodies", n=30)
    assert data.spec.kind == "music" and set(data.factors) == set(MELODY_FACTORS)
    assert load("melodies", n=30, split="test").spec.score == data.spec.score


# ---------------------------------------------------------------------- files and commands


def test_a_folder_is_cut_into_bars_and_moved(folder):
    data = read(folder, bars=2)
    assert len(data.skipped) == 1 and data.skipped[0].startswith("broken.mid: not readable")
    assert len(data) == 24
    assert data.names[1] == "00.mid, bar 3"
    own = read(folder, bars=2, moved=False)
    keys = {piece.key() for piece in read(folder, bars=4).pieces}
    assert keys <= {(0, True), (9, False)}
    assert own.pieces[0].notes[0, 2] == tunes(1)[0].notes[0, 2]
    assert read(folder / "00.mid", voices=2).spec.score.voices == 2
    for options, message in (({"size": 8}, "size"), ({"voices": 0}, "voices=0"), ({"grid": "quaver"}, "quarter")):
        with pytest.raises(ConfigError, match=message):
            read(folder, **options)
    with pytest.raises(DataError, match="MIDI files: a .mid"):
        read(__file__, kind="music")


@pytest.mark.parametrize("kind", ["hierarchical", "transformer"])
def test_other_networks_of_music_are_learnt_and_kept(kind, tmp_path):
    some = tunes(24)
    options = QUICK | {"network": Network(kind, widths=(16,)), "complete": False, "epochs": 1}
    model = Autoencoder("vae", **options).fit(some, checkpoint=tmp_path / "run")
    model.save(tmp_path / "kept")
    loaded = Autoencoder.load(tmp_path / "kept")
    assert loaded.reconstruct(some) == model.reconstruct(some)
    assert np.isfinite(loaded.score_samples(some)).all()
    assert all(isinstance(piece, Piece) for piece in loaded.sample(2, source="prior"))
