"""Music as keys that sound: pieces become rolls, and rolls pieces."""

import numpy as np
import pytest

from latentwalk import Autoencoder, Network, load, read
from latentwalk.data import Dataset
from latentwalk.data.dataset import join
from latentwalk.data.music import KEYS, Piece, played_to
from latentwalk.data.sources.midi import midi_content
from latentwalk.errors import ConfigError, DataError

QUICK = {"epochs": 2, "random_state": 0, "progress": False, "batch_size": 8}


def chords(n=12, seed=0):
    """Pieces of different lengths in which some keys sound together at each step."""
    rng = np.random.default_rng(seed)
    found = []
    for length in rng.integers(4, 12, n):
        roll = np.zeros((length, KEYS), bool)
        roll[np.arange(length)[:, None], rng.integers(30, 50, (length, 3))] = True
        found.append(Piece.of_roll(roll, steps=1))
    return found


def test_pieces_are_what_their_rolls_say():
    pieces = chords()
    data = Dataset.of(pieces, kind="roll")
    assert data.spec.kind == "roll" and data.spec.missing and data.x.shape[2] == KEYS
    assert data.pieces == pieces
    assert played_to(data.x).tolist() == [piece.total for piece in pieces]
    higher = Dataset.of([piece.shifted(2) for piece in pieces], kind="roll")
    np.testing.assert_array_equal(higher.x[:, :, 2:], data.x[:, :, :-2])


def test_files_are_read_as_rolls_of_all_their_notes(tmp_path):
    pytest.importorskip("mido")
    for at, piece in enumerate(chords(4)):
        (tmp_path / f"{at}.mid").write_bytes(midi_content(piece))
    data = read(tmp_path, kind="roll", grid="quarter", bars=1, moved=False)
    assert data.spec.kind == "roll" and data.spec.shape == (4, KEYS)
    np.testing.assert_array_equal(data.x[0], chords(4)[0].roll()[:4])
    with pytest.raises(ConfigError, match="a roll is of all notes together"):
        read(tmp_path, kind="roll", voices=2)


def test_parts_of_other_lengths_are_put_together():
    long, short = Dataset.of(chords(5, 1), kind="roll"), Dataset.of(chords(4, 2)[:2], kind="roll")
    both = join(short, long)
    assert both.pieces == [*short.pieces, *long.pieces] and both.spec.kind == "roll"


@pytest.mark.parametrize(("network", "latent"), [("storn", None), ("gru", 4)])
def test_models_of_rolls_give_pieces(tmp_path, network, latent):
    pieces = chords(24)
    data = Dataset.of(pieces, kind="roll")
    model = Autoencoder("vae", latent=latent, network=Network(network, widths=(16,)), **QUICK).fit(data)
    assert all(isinstance(one, Piece) for one in model.sample(3))
    assert [one.total for one in model.reconstruct(data)] == [one.total for one in pieces]
    np.testing.assert_array_equal(model.transform(pieces), model.transform(data))
    scores = model.score_samples(data, draws=3)
    assert np.isfinite(scores).all()
    model.save(tmp_path / "model")
    again = Autoencoder.load(tmp_path / "model")
    np.testing.assert_array_equal(again.transform(data), model.transform(data))
    assert again.sample(2) == model.sample(2)
    way = model.space(data).walk(pieces[0], pieces[1], steps=3)
    assert len(way.pieces) == 3
    assert way._repr_html_().count("<audio") == 3 and "<audio" in model.space(data).sample(1)._repr_html_()


def test_a_score_does_not_depend_on_the_room_there_is():
    pieces = chords(24)
    model = Autoencoder("vae", network=Network("storn", widths=(16,)), **QUICK).fit(Dataset.of(pieces, kind="roll"))
    short = min(pieces, key=lambda piece: piece.total)
    many = Dataset.of([short, *pieces], kind="roll")
    np.testing.assert_allclose(model.score_samples([short])[0], model.score_samples(many)[0], rtol=1e-5)
    code = model.transform([short]).reshape(model.spec_.shape[0], -1)
    assert (code[short.total :] == 0).all()  # of what is over there is nothing to say


def test_what_rolls_have_no_place_for_is_told():
    pieces = chords(24)
    data = Dataset.of(pieces, kind="roll")
    storn = Network("storn", widths=(8,))
    with pytest.raises(ConfigError, match="does not read texts"):
        Autoencoder("vae", network="storn", **QUICK).fit(load("melodies", n=20))
    with pytest.raises(ConfigError, match="cannot be shared by 11 steps"):
        Autoencoder("vae", latent=12, network=storn, **QUICK).fit(data)
    with pytest.raises(ConfigError, match="knows no condition"):
        Autoencoder("vae", network=storn, condition=True, **QUICK).fit(data.labelled(["a", "b"] * 12))
    with pytest.raises(DataError, match="steps, and 11 are the most"):
        Autoencoder("vae", network=storn, **QUICK).fit(data).transform([Piece(np.array([[0, 1, 60, 0]]), 40, 1)])
