"""`latentwalk complete`: a run that can be drawn from."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sheets import levels, tiles

from latentwalk.estimators.autoencoder import Autoencoder

pytestmark = pytest.mark.usefixtures("quick")


def test_a_completed_run_is_drawn_from(call: Any, plain: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(plain, tmp_path / "run"))
    said = call("complete", run, "--sampler", "gaussian")
    assert "likeness to codes it was not fitted to, at most" in said and "gaussian  0." in said and "taken" in said
    call("sample", run, "-n", 9, "--seed", 4)
    model = Autoencoder.load(run).set_params(random_state=4)
    assert set(model.likeness_) == {"gaussian"}
    assert np.abs(tiles(run / "samples.png", 8, 3) - levels(model.sample(9)[:3])).max() <= 1
    assert "Did you mean 'mixture'" in call("complete", run, "--sampler", "mixtur", code=2)
    assert "this model has none" in call("complete", run, "--sampler", "vamp", code=2)
