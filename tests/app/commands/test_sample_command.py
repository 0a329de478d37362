"""`latentwalk sample`: draws are those of the model."""

from pathlib import Path
from typing import Any

import numpy as np
from sheets import levels, tiles

from latentwalk.data import load
from latentwalk.estimators.autoencoder import Autoencoder


def test_samples_are_those_of_the_model(call: Any, run: Path) -> None:
    call("sample", run, "-n", 9, "--seed", 4)
    expected = levels(Autoencoder.load(run).set_params(random_state=4).sample(9)[:3])
    assert np.abs(tiles(run / "samples.png", 8, 3) - expected).max() <= 1


def test_a_run_without_a_sampler_says_how_to_have_one(call: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    call("fit", "digits", "--out", run, "--epochs", 1, "--recipe", "ae", "--complete", "none")
    told = call("sample", run, code=2)
    assert "--source gaussian" in told and f"latentwalk complete {run}" in told
    assert f"latentwalk complete {run}" in call("sample", run, "--source", "fitted", code=2)


def test_a_plain_autoencoder_is_sampled_from_its_codes(call: Any, plain: Path) -> None:
    call("sample", plain, "-n", 9, "--seed", 4)
    model = Autoencoder.load(plain).set_params(random_state=4)
    assert model.sampler_ is not None and model.sampler_.kind == "mixture"
    assert np.abs(tiles(plain / "samples.png", 8, 3) - levels(model.sample(9)[:3])).max() <= 1
    assert f"latentwalk sample {plain}" in call("sample", plain, "--source", "prior", code=2)
    assert "Did you mean 'mixture'" in call("sample", plain, "--source", "mixtur", code=2)
    call("sample", plain, "--source", "gaussian", "--temperature", 0, "-n", 4)
    drawn = tiles(plain / "samples.png", 8, 2)
    model = Autoencoder.load(plain)
    centre = model.transform(load("digits")).mean(axis=0, keepdims=True)
    assert np.abs(drawn - levels(model.inverse_transform(centre))).max() <= 1
