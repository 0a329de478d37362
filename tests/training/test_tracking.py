"""What TensorBoard reads back is what happened."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from latentwalk.drawing import tiles as pictures
from latentwalk.errors import ConfigError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.networks.build import Network
from latentwalk.training.history import Epoch
from latentwalk.training.settings import Settings
from latentwalk.training.tracking import Gallery, Tracker

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
RNG = np.random.default_rng(0)
EPOCH = Epoch(1, 9.5, 8.5, {"kl": 1.5, "reconstruction": 8.0}, {"kl": 1.25, "reconstruction": 7.25}, True, 2.0, 500.0, 3, 1e-3)


def read(folder):
    found = accumulator.EventAccumulator(str(folder), {"images": 0, "scalars": 0})
    return found.Reload()


def curve(found, tag):
    return [(event.step, event.value) for event in found.Scalars(tag)]


def test_every_number_of_an_epoch_comes_back(tmp_path):
    with Tracker(tmp_path / "new" / "folder") as tracker:
        tracker.record(EPOCH)
        tracker.record(replace(EPOCH, number=2, loss=9.0, active=2))
    found = read(tmp_path / "new" / "folder")
    numbers = {
        "loss/training": 9.5, "loss/validation": 8.5, "kl/training": 1.5, "kl/validation": 1.25,
        "reconstruction/training": 8.0, "reconstruction/validation": 7.25,
        "active units": 3, "learning rate": 1e-3, "examples a second": 500.0, "rescues": 0,
    }  # fmt: skip
    assert set(found.Tags()["scalars"]) == set(numbers)
    for tag, number in numbers.items():
        assert curve(found, tag)[0] == (1, pytest.approx(number))
    assert curve(found, "loss/training") == [(1, 9.5), (2, 9.0)]
    assert curve(found, "active units") == [(1, 3.0), (2, 2.0)]


def test_what_is_not_known_is_left_out(tmp_path):
    with Tracker(tmp_path) as tracker:
        tracker.record(Epoch(1, 9.5, None, {"kl": 1.5}, {}, True, 2.0, 500.0))
    assert set(read(tmp_path).Tags()["scalars"]) == {"loss/training", "kl/training", "examples a second", "rescues"}


def test_going_on_replaces_what_is_done_again(tmp_path):
    with Tracker(tmp_path) as tracker:
        for number in (1, 2, 3):
            tracker.record(replace(EPOCH, number=number, loss=float(number)))
    with Tracker(tmp_path, first=3) as tracker:
        tracker.record(replace(EPOCH, number=3, loss=30.0))
    assert curve(read(tmp_path), "loss/training") == [(1, 1.0), (2, 2.0), (3, 30.0)]


def test_an_epoch_can_be_seen_before_training_ends(tmp_path):
    with Tracker(tmp_path) as tracker:
        tracker.record(EPOCH)
        assert curve(read(tmp_path), "loss/training") == [(1, 9.5)]


@pytest.mark.parametrize("shape", [(5, 80, 90), (5, 80, 90, 1), (5, 80, 90, 3), (5, 80, 90, 4)])
def test_pictures_come_back_as_a_sheet(tmp_path, shape):
    image = pytest.importorskip("PIL.Image")
    given = RNG.integers(0, 256, shape, dtype=np.uint8)
    with Tracker(tmp_path) as tracker:
        tracker.record_pictures(4, given, "faces")
    (event,) = read(tmp_path).Images("faces")
    (tmp_path / "sheet.png").write_bytes(event.encoded_image_string)
    sheet = np.asarray(image.open(tmp_path / "sheet.png"))
    assert event.step == 4
    first = given[0] if len(shape) == 4 else given[0][..., None]
    gap = pictures.GAP
    assert np.array_equal(sheet[gap : gap + 80, gap : gap + 90], np.broadcast_to(first, (80, 90, max(3, first.shape[-1]))))


def test_a_gallery_shows_what_the_model_makes_and_leaves_it_as_it_was():
    x = RNG.integers(0, 256, (90, 9, 7), dtype=np.uint8)
    network = Network(widths=(8,), dropout=0.5)
    model = Autoencoder("vae", latent=3, epochs=1, network=network, random_state=0, progress=False).fit(x)
    gallery = Gallery.of(model.model_, model.spec_, x)
    model.model_.train()
    found = gallery.pictures()
    assert model.model_.training
    model.model_.eval()
    wanted = pictures.pixels(model.reconstruct(x[:64]), model.spec_)
    assert np.array_equal(found["reconstructions"][:, :, 7:], wanted)
    assert np.array_equal(found["reconstructions"][:, :, :7, 0], x[:64])
    assert np.array_equal(found["samples"], pictures.pixels(model.inverse_transform(gallery.codes), model.spec_))


def test_what_is_wrong_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot write to .*file.*Track in another folder"):
        Tracker(tmp_path / "file")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"tracking needs TensorBoard.*pip install 'latentwalk\[track\]'"):
        Tracker(tmp_path)


def test_tensorboard_is_not_imported_before_it_is_asked_for():
    code = "import latentwalk.training.tracking, sys; print({'tensorboard', 'torch.utils.tensorboard'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_fit_tracks_itself_without_changing_what_is_learnt(tmp_path):
    x = np.random.default_rng(0).random((60, 6, 6)).astype(np.float32)
    options = {"epochs": 3, "random_state": 0, "progress": False}
    tracked, plain = Autoencoder(training=Settings(track=tmp_path), **options).fit(x), Autoencoder(**options).fit(x)
    assert [epoch.loss for epoch in tracked.history_] == [epoch.loss for epoch in plain.history_]
    events = accumulator.EventAccumulator(str(tmp_path), size_guidance={accumulator.IMAGES: 0}).Reload()
    assert [one.value for one in events.Scalars("loss/training")] == pytest.approx([e.loss for e in tracked.history_])
    best = [epoch.number for epoch in tracked.history_ if epoch.best]
    assert [one.step for one in events.Images("samples")] == best
