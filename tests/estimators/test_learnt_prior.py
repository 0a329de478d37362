"""A prior that learns with its model: drawn from, kept, looked at, and completed like any other."""

import numpy as np
import pytest
from sklearn.base import clone

from latentwalk import Autoencoder, Recipe, completeness
from latentwalk.errors import ConfigError
from latentwalk.latent.completion import Completion

LEARNT = Recipe("clustered", prior="mixture", generative=True)
X = np.random.default_rng(0).normal(size=(400, 5)) + 4 * np.random.default_rng(1).integers(0, 2, (400, 1))


@pytest.fixture(scope="module")
def clustered():
    return Autoencoder(LEARNT, latent=2, epochs=8, random_state=0, progress=False).fit(X)


def test_it_moves_while_the_model_learns(clustered):
    begun = Autoencoder(LEARNT, latent=2, epochs=1, learning_rate=1e-9, random_state=0, progress=False).fit(X)
    before, now = (dict(model.model_.prior.state_dict()) for model in (begun, clustered))
    assert all(not np.allclose(before[name], now[name], atol=1e-4) for name in before)


def test_it_is_kept_with_the_model(clustered, tmp_path):
    clustered.save(tmp_path)
    again = Autoencoder.load(tmp_path)
    np.testing.assert_array_equal(again.sample(20), clustered.sample(20))
    np.testing.assert_array_equal(again.score_samples(X[:5], draws=3), clustered.score_samples(X[:5], draws=3))


def test_a_space_asks_it_for_its_name_its_density_and_its_quantiles(clustered, monkeypatch):
    monkeypatch.setattr("latentwalk.latent.criteria.region.ROUNDS", 1)  # how well a region is learnt is tested elsewhere
    space = clustered.space(X)
    assert space.prior.title == "learnt mixture"
    low, high = space.grid(steps=2).z[0, :, 0]
    draws = space.prior(20_000, np.random.default_rng(0))[:, 0]
    np.testing.assert_allclose([np.mean(draws < low), np.mean(draws < high)], [0.05, 0.95], atol=0.01)
    assert 0 <= completeness(space, "prior").value <= 1


def test_it_is_no_candidate_among_fitted_samplers(clustered, monkeypatch):
    asked = []
    nothing = Completion(None, {})
    monkeypatch.setattr("latentwalk.estimators.trained.completion", lambda *_, **how: asked.append(how) or nothing)
    clone(clustered).set_params(epochs=1, complete=True).fit(X)
    assert "mixture" in asked[0]["candidates"] and "prior" not in asked[0]["candidates"]
    with pytest.raises(ConfigError, match=r'learnt mixture.*source="prior"'):
        clustered.fit_sampler(X, "prior")
