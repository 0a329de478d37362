"""The change that a diagnosis asks for is made, and what was wrong is gone: on a VAE that a heavy KL has silenced."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from latentwalk.data import Dataset
from latentwalk.errors import ConfigError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.criteria.ratio import logits
from latentwalk.latent.diagnosis import Diagnosis
from latentwalk.models.inference import signature
from latentwalk.models.recipes import RECIPES
from latentwalk.networks.build import Network
from latentwalk.studies.improvement import improve, variant

QUICK: dict[str, Any] = {"network": Network("dense", widths=(32,)), "progress": False, "random_state": 0, "learning_rate": 5e-3}


@pytest.fixture(scope="module")
def rows() -> Dataset:
    rng = np.random.default_rng(0)
    return Dataset.of(rng.standard_normal((700, 2)) @ rng.standard_normal((2, 10)) + 0.2 * rng.standard_normal((700, 10)))


@pytest.mark.filterwarnings("ignore::latentwalk.errors.TrainingWarning")  # the posterior has collapsed, as it should
def test_a_silenced_vae_recovers(rows: Dataset) -> None:
    model = Autoencoder(replace(RECIPES["vae"], beta=30.0), latent=2, epochs=30, **QUICK).fit(rows)
    found = improve(model, rows)
    assert found.recheck.finding is not None
    assert found.recheck.finding.name == "collapse"
    assert found.change == {"recipe__beta": 1.0}
    assert found.recheck.gone, str(found)
    assert found.recheck.numbers["error"][1] < 0.3 * found.recheck.numbers["error"][0]
    assert model.recipe_.beta == 30.0  # the model that was given is as it was


def test_a_sampler_is_fitted_without_training_again(rows: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentwalk.latent.criteria.likeness.logits", partial(logits, rounds=1))  # how alike matters elsewhere
    model = Autoencoder("ae", latent=2, epochs=5, **QUICK).fit(rows)
    after = variant(model, {"complete": "mixture"}, rows)
    assert after.sampler_ is not None
    assert after.space(rows).fitted is after.sampler_
    assert model.sampler_ is not after.sampler_
    assert signature(after.model_) == signature(model.model_)


def test_where_nothing_can_be_changed_that_is_said(rows: Dataset) -> None:
    model = Autoencoder("ae", latent=2, epochs=1, **QUICK).fit(rows)
    with pytest.raises(ConfigError, match="nothing is wrong"):
        improve(model, rows, diagnosis=Diagnosis(()))
