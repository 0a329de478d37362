"""`latentwalk fit`: what it saves is what the library learns, and a training goes on however it was stopped."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sheets import levels, tiles

from latentwalk.data import load
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.training.settings import Settings


def test_fit_saves_a_model_and_where_it_comes_from(run: Path) -> None:
    about = json.loads((run / "run.json").read_text())
    assert about["source"] == {"what": "digits", "options": {}, "apart": None, "reading": 3}
    assert about["classes"] == list("0123456789")
    assert len(Autoencoder.load(run).history_) == about["epochs"] == 12


def test_fit_is_the_estimator(run: Path) -> None:
    data = load("digits")
    model = Autoencoder(epochs=12, learning_rate=0.004, random_state=0, progress=False).fit(data)
    assert np.array_equal(model.transform(data), Autoencoder.load(run).transform(data))


def test_ctrl_c_keeps_the_best_and_resume_goes_on(
    call: Any, tmp_path: Path, stops_after: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context():
        stops_after(2)
        said = call("fit", "digits", "--out", folder, "--epochs", 5, "--latent", 3, code=130)
    monkeypatch.undo()
    assert "--resume" in said
    before = Autoencoder.load(folder).history_
    assert len(before) == 2
    call("fit", "digits", "--out", folder, "--resume")
    history = Autoencoder.load(folder).history_
    assert history[:2] == before
    assert [epoch.number for epoch in history] == [1, 2, 3, 4, 5]
    assert "--epochs 10" in call("fit", "digits", "--out", folder, "--resume")


@pytest.mark.parametrize(("where", "kept"), [("trained.Trained.completed", True), ("fitting.train", False)])
def test_ctrl_c_beside_the_epochs_tells_what_is_kept(
    call: Any, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, kept: bool
) -> None:
    def pressed(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"latentwalk.estimators.{where}", pressed)
        said = call("fit", few, "--epochs", 1, "--complete", "gaussian", "--out", tmp_path / "run", code=130)
    assert ("Nothing was saved" not in said) == kept == ("--resume" in said)
    if kept:
        assert "saved" in call("fit", few, "--out", tmp_path / "run", "--resume")


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("latentwalk.training.denoising.log_error", ("--recipe", "denoising", "--latent", 8)),
        ("latentwalk.estimators.trained.Trained.quickened", ()),
    ],
)
def test_what_follows_the_epochs_is_done_again_where_ctrl_c_cut_it_short(
    call: Any, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, words: tuple[Any, ...]
) -> None:
    def pressed(*asked: Any) -> Any:
        raise KeyboardInterrupt

    def weights(folder: Path) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in folder.glob("*.safetensors") if "checkpoint" not in file.name}

    fit = ("fit", few, "--epochs", 1, *words, "--out")
    call(*fit, tmp_path / "whole")
    with monkeypatch.context():
        monkeypatch.setattr(where, pressed)
        said = call(*fit, tmp_path / "run", code=130)
    monkeypatch.undo()
    assert "--resume" in said
    assert Autoencoder.load(tmp_path / "run").interrupted_
    call("fit", few, "--out", tmp_path / "run", "--resume")
    assert not Autoencoder.load(tmp_path / "run").interrupted_
    assert weights(tmp_path / "run") == weights(tmp_path / "whole")
    assert "nothing is left" in call("fit", few, "--out", tmp_path / "run", "--resume")


def test_killed_before_its_model_was_saved_it_is_saved_by_going_on(call: Any, tmp_path: Path) -> None:
    call("fit", "digits", "--out", tmp_path / "run", "--epochs", 2)
    codes = Autoencoder.load(tmp_path / "run").transform(load("digits"))
    for path in [tmp_path / "run" / "model.json", *(tmp_path / "run").glob("weights-*")]:
        path.unlink()
    assert "cut short" in call("report", tmp_path / "run", code=2)
    assert "cut short" in call("fit", "digits", "--out", tmp_path / "run", code=2)
    call("fit", "digits", "--out", tmp_path / "run", "--resume")
    assert np.array_equal(Autoencoder.load(tmp_path / "run").transform(load("digits")), codes)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["digits", "--latent", "3"], "--latent 3 is not what"),
        (["digits", "--seed", "1"], "--seed 1 is not what"),
        (["digits", "--force"], "Choose one"),
    ],
)
def test_resume_refuses_another_model(call: Any, run: Path, words: list[str], told: str) -> None:
    assert told in call("fit", *words, "--out", run, "--resume", code=2)


def test_resume_refuses_other_data(call: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", rng.random((50, 4)))
    call("fit", tmp_path / "a.npy", "--out", tmp_path / "run", "--epochs", 1)
    np.save(tmp_path / "a.npy", rng.random((50, 4)))
    assert "other values" in call("fit", tmp_path / "a.npy", "--out", tmp_path / "run", "--resume", "--epochs", 2, code=2)
    np.save(tmp_path / "a.npy", rng.random((50, 5)))
    assert "50 x 5" in call("fit", tmp_path / "a.npy", "--out", tmp_path / "run", "--resume", "--epochs", 2, code=2)


def test_a_run_is_not_replaced_unasked(call: Any, run: Path) -> None:
    before = (run / "model.json").read_bytes()
    assert "--force" in call("fit", "digits", "--out", run, code=2)
    assert (run / "model.json").read_bytes() == before


@pytest.mark.parametrize(
    "words", [("--noise", "masking:x"), ("--noise", "0.1,0.2,0.3"), ("--noise", "gausian"), ("--network", "gruu")]
)
def test_fit_refuses_noise_and_networks_it_does_not_know(call, tmp_path, words):
    call("fit", "digits", "--epochs", "1", "--out", tmp_path / "run", *words, code=2)
    assert not (tmp_path / "run").exists()


def test_every_option_is_that_of_the_library(call: Any, tmp_path: Path) -> None:
    """What is typed comes to the model, to its recipe, network and training."""
    words = ("--recipe", "vae", "--prior", "mixture", "--network", "dense", "--dropout", 0.1, "--max-norm", 3, "--noise", 0.2)
    training = ("--optimizer", "adamw", "--ema", 0.9, "--accumulate", 2, "--checkpoint-every", 5, "--patience", 3)
    call("fit", "digits", "--out", tmp_path / "run", "--epochs", 1, "--seed", 3, *words, *training)
    model = Autoencoder.load(tmp_path / "run")
    assert (model.recipe_.name, model.recipe_.prior, model.noise, model.random_state) == ("vae", "mixture", 0.2, 3)
    assert (model.network.kind, model.network.dropout, model.network.max_norm) == ("dense", 0.1, 3.0)
    assert model.training == Settings(optimizer="adamw", ema=0.9, accumulate=2, checkpoint_every=5.0)
    assert model.patience == 3
    assert "--prior normal is not what" in call(
        "fit", "digits", "--out", tmp_path / "run", "--resume", "--prior", "normal", code=2
    )
    assert "--ema 0.5 is not what" in call("fit", "digits", "--out", tmp_path / "run", "--resume", "--ema", 0.5, code=2)
    same = ("--recipe", "vae", "--prior", "mixture", "--ema", 0.9, "--dropout", 0.1, "--seed", 3)
    said = call("fit", "digits", "--out", tmp_path / "run", "--resume", *same, "--checkpoint-every", 9, "--epochs", 2)
    assert "2 epochs" in said
    assert Autoencoder.load(tmp_path / "run").training.checkpoint_every == 9.0


def test_it_trains_for_so_long_and_says_what_sample_draws_from(call: Any, tmp_path: Path) -> None:
    said = call("fit", "digits", "--out", tmp_path / "run", "--minutes", 0.01, "--latent", 3)
    model = Autoencoder.load(tmp_path / "run")
    assert 1 <= len(model.history_) < 200 and model.training == Settings(minutes=0.01)
    assert "draws from:   mixture, fitted to the codes in " in said and "N(0, I), " in said
    assert "the time is over; more with --resume --minutes 0.02" in said
    assert "minutes=0" in call("fit", "digits", "--out", tmp_path / "no", "--minutes", 0, code=2)


def test_it_stops_where_nothing_gets_better(call: Any, tmp_path: Path) -> None:
    said = call("fit", "digits", "--out", tmp_path / "run", "--epochs", 60, "--learning-rate", 1e-12, "--patience", 2)
    stopped = Autoencoder.load(tmp_path / "run")
    assert len(stopped.history_) < 60 and "no better for 2 epochs" in said
    call("fit", "digits", "--out", tmp_path / "usual", "--epochs", 1)
    assert Autoencoder.load(tmp_path / "usual").patience == 20
    call("fit", "digits", "--out", tmp_path / "usual", "--resume", "--epochs", 2, "--patience", 0)
    assert Autoencoder.load(tmp_path / "usual").patience is None


def test_a_prior_that_is_none_is_refused(call: Any, tmp_path: Path) -> None:
    said = call("fit", "digits", "--out", tmp_path / "run", "--prior", "mixtur", code=2)
    assert "Did you mean 'mixture'" in said
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def told(call: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE that is told which digit it sees."""
    folder = tmp_path_factory.mktemp("told") / "run"
    call("fit", "digits", "--out", folder, "--epochs", 8, "--learning-rate", 0.004, "--condition")
    return folder


def test_a_run_with_a_condition_is_drawn_from_by_label(call: Any, told: Path, tmp_path: Path) -> None:
    call("sample", told, "--condition", 7, "-n", 9, "--seed", 4, "--out", tmp_path / "s.png")
    model = Autoencoder.load(told).set_params(random_state=4)
    assert model.condition
    assert np.abs(tiles(tmp_path / "s.png", 8, 3) - levels(model.sample(9, condition="7")[:3])).max() <= 1
    assert "unknown label '77'" in call("sample", told, "--condition", 77, code=2)


def test_a_run_with_a_condition_is_walked_in_under_a_label(call: Any, told: Path, tmp_path: Path) -> None:
    words = ("row:3", "--to", "row:9", "--steps", 4, "--out", tmp_path / "w.npz")
    call("walk", told, "--from", *words, "--condition", 5)
    model, data = Autoencoder.load(told), load("digits")
    with np.load(tmp_path / "w.npz") as read:
        own = model.transform(data.take(np.array([3, 9])))
        np.testing.assert_array_equal(read["z"][[0, -1]], own)
        np.testing.assert_allclose(read["x"], model.inverse_transform(read["z"], condition="5"), atol=1e-5)
    call("walk", told, "--from", "3", "--to", "7")
    call("blend", told, "row:1", "row:2")
    call("encode", told, "digits")
    call("reconstruct", told, "digits")
    Image.fromarray(np.round(data.x[3] / 16 * 255).astype(np.uint8)).save(tmp_path / "three.png")
    assert "Say it: --condition LABEL" in call("walk", told, "--from", "3", "--to", tmp_path / "three.png", code=2)
    call("walk", told, "--from", "3", "--to", tmp_path / "three.png", "--condition", 3)
    call("reconstruct", told, tmp_path / "three.png", "--condition", 3)


def test_labels_are_needed_where_they_are_a_condition(call: Any, run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((60, 4)))
    assert "needs labels" in call("fit", tmp_path / "x.npy", "--out", tmp_path / "r", "--epochs", 1, "--condition", code=2)
    assert not (tmp_path / "r").exists()
    assert "takes no condition" in call("sample", run, "--condition", 7, code=2)
