"""The sampler that every fit ends with: what it draws, what it says of the prior, and when there is none."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latentwalk import AnomalyDetector, Autoencoder, Network, SamplingWarning
from latentwalk.errors import CheckpointError, DataError
from latentwalk.estimators import trained
from latentwalk.latent.completion import ENCODED, quick_sampler
from latentwalk.latent.samplers import Mixture, MomentMatched, Resampled, restored

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(300, 2)) @ RNG.normal(size=(2, 5)) + 0.3 * RNG.normal(size=(300, 5))
LABELS = np.array(["a", "b"])[RNG.integers(2, size=300)]


def auto(recipe="vae", **options):
    usual = {"epochs": 1, "random_state": 0, "progress": False, "network": Network(widths=(8,))}
    return Autoencoder(recipe, **usual | options)


def ring(n: int, radius: float = 3.0, seed: int = 0) -> np.ndarray:
    codes = np.random.default_rng(seed).normal(size=(n, 2))
    return radius * codes / np.linalg.norm(codes, axis=1, keepdims=True) + 0.1 * np.random.default_rng(1).normal(size=(n, 2))


# ------------------------------------------------------------------ what it is


def test_the_share_of_a_priors_draws_is_that_which_is_known():
    """N(0, I) has chi-squared radii: where codes are N(0, s² I), 95 % of them lie within s sqrt(-2 log .05)."""
    rng = np.random.default_rng(3)
    normal = lambda n, rng: rng.standard_normal((n, 2)).astype(np.float32)  # noqa: E731
    for spread in (1.0, 0.5, 0.25):
        share = 1 - np.exp(-(spread**2) * -2 * np.log(0.05) / 2)
        found = quick_sampler(spread * rng.standard_normal((8_000, 2)), normal)
        assert found.prior == pytest.approx(share / 0.95, abs=0.05)
    assert quick_sampler(ring(3_000), normal).prior < 0.2


def test_its_draws_lie_where_codes_do():
    drawn = quick_sampler(ring(3_000)).sampler(2_000, np.random.default_rng(0))
    radii = np.linalg.norm(drawn, axis=1)
    assert np.mean(np.abs(radii - 3) < 0.5) > 0.95
    assert np.linalg.norm(drawn.mean(axis=0)) < 0.3


def test_draws_are_chosen_among_in_more_than_16_dimensions():
    """A shell in 20 dimensions, of which a mixture fills the inside: chosen draws lie there less."""
    codes = np.random.default_rng(0).standard_normal((3_000, 20))
    codes = (codes * 3 / np.linalg.norm(codes, axis=1, keepdims=True)).astype(np.float32)  # as a model encodes
    sampler = quick_sampler(codes).sampler
    assert isinstance(sampler, Resampled)
    plain = Mixture(sampler.weights, sampler.means, sampler.roots)
    off = [np.abs(np.linalg.norm(some(2_000, np.random.default_rng(0)), axis=1) - 3).mean() for some in (sampler, plain)]
    assert off[0] < 0.6 * off[1]
    again = restored(*sampler.parts())
    np.testing.assert_array_equal(*(one(50, np.random.default_rng(0)) for one in (again, sampler)))
    near = lambda n, rng: 0.3 * rng.standard_normal((n, 20)).astype(np.float32)  # noqa: E731  # inside, where nothing is
    assert quick_sampler(codes, near).prior < 0.05
    assert isinstance(quick_sampler(codes[:900]).sampler, Mixture)
    assert isinstance(quick_sampler(codes[:, :16]).sampler, Mixture)


@pytest.mark.parametrize(
    "codes",
    [np.zeros((19, 2)), np.zeros((30, 1_001)), np.full((30, 2), np.nan), np.full((30, 2), 1e300) * RNG.normal(size=(30, 2))],
    ids=["few", "wide", "no numbers", "too large"],
)
def test_codes_that_nothing_can_be_made_of_have_none(codes):
    assert quick_sampler(codes) is None


def test_few_codes_and_wide_ones_have_one_gaussian():
    assert isinstance(quick_sampler(RNG.normal(size=(100, 2))).sampler, MomentMatched)
    assert isinstance(quick_sampler(RNG.normal(size=(300, 130))).sampler, MomentMatched)
    assert np.abs(quick_sampler(np.zeros((300, 2))).sampler(3, RNG)).max() < 0.1


# ------------------------------------------------------------------ after a fit


@pytest.mark.parametrize("recipe", ["ae", "denoising", "vae", "sparse"])
def test_every_fit_ends_with_one(recipe):
    model = auto(recipe).fit(ROWS)
    assert model.trained_.quick and model.trained_.sampler_seconds > 0
    np.testing.assert_array_equal(model.sample(4), model.sample(4, source="fitted"))
    np.testing.assert_array_equal(model.sample(4), auto(recipe).fit(ROWS).sample(4))


def test_there_is_none_where_none_is_wanted_or_can_be():
    assert auto(complete=False).fit(ROWS).sampler_ is None
    few = auto().fit(ROWS[:10])
    assert few.sampler_ is None and few.sample(2).shape == (2, 5)
    with pytest.raises(DataError, match="too few"):
        few.fit_sampler(ROWS[:10], "quick")
    assert AnomalyDetector(random_state=0, epochs=1).fit(ROWS).model_.sampler_ is None


def test_it_draws_from_no_generator_of_the_callers():
    rng = np.random.RandomState(0)
    auto(random_state=rng, complete=False).fit(ROWS)
    same = np.random.RandomState(0)
    auto(random_state=same).fit(ROWS)
    assert rng.randint(2**31) == same.randint(2**31)


def test_a_prior_that_misses_says_so(monkeypatch):
    model = auto().fit(ROWS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.trained_ = replace(model.trained_, prior_share=0.9)
        drawn = model.sample(3, source="prior")
        model.trained_ = replace(model.trained_, prior_share=0.3)
        model.sample(3)
    with pytest.warns(SamplingWarning, match=r"about 30 % of draws from N\(0, I\).*mixture") as told:
        np.testing.assert_array_equal(model.sample(3, source="prior"), drawn)
    assert told[0].filename == __file__


def test_it_is_saved_and_what_is_known_of_it(tmp_path: Path):
    model = auto().fit(ROWS)
    model.trained_ = replace(model.trained_, prior_share=0.25)
    model.save(tmp_path)
    again = Autoencoder.load(tmp_path)
    assert again.complete == "quick" and again.trained_.quick
    assert again.trained_.prior_share == 0.25 and again.trained_.sampler_seconds == model.trained_.sampler_seconds
    np.testing.assert_array_equal(again.sample(5), model.sample(5))
    said = json.loads((tmp_path / "model.json").read_text())
    said["model"]["drawing"]["prior"] = "half"
    (tmp_path / "model.json").write_text(json.dumps(said))
    with pytest.raises(CheckpointError, match="how its sampler was fitted"):
        Autoencoder.load(tmp_path)


def test_of_much_data_some_codes_are_enough(monkeypatch):
    monkeypatch.setattr(trained, "ENCODED", 250)
    seen = []
    monkeypatch.setattr(trained, "quick_sampler", lambda codes, *_: seen.append(len(codes)))
    auto().fit(ROWS)
    assert seen == [250] and ENCODED == 10_000


def test_a_model_with_labels_and_one_with_a_learnt_prior_have_one():
    told = auto(condition=True).fit(ROWS, LABELS)
    assert told.trained_.quick and told.sample(3, condition="a").shape == (3, 5)
    clustered = auto().set_params(recipe__prior="mixture").fit(ROWS)
    assert clustered.trained_.quick and clustered.sample(3, source="prior").shape == (3, 5)


def test_the_thorough_choice_takes_its_place():
    model = auto().fit(ROWS)
    share = model.trained_.prior_share
    model.fit_sampler(ROWS, "gaussian")
    assert model.sampler_.kind == "gaussian" and not model.trained_.quick and model.trained_.prior_share == share
    model.fit_sampler(ROWS, "quick")
    assert model.trained_.quick


def test_ctrl_c_while_it_is_fitted_keeps_the_model(monkeypatch):
    def pressed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(trained, "quick_sampler", pressed)
    model = auto().fit(ROWS)
    assert model.interrupted_ and model.sampler_ is None and len(model.history_) == 1
