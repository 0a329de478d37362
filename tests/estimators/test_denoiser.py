"""`Autoencoder("denoising")` takes noise away by a network of its own, and codes are what they would be without it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from latentwalk import RECIPES, Autoencoder, Corruption, Dataset, Recipe, Settings, denoised_picture, load
from latentwalk.errors import CheckpointError, ConfigError
from latentwalk.models.recipes import EARLIER
from latentwalk.studies.denoising import snr_gain, spoilt
from latentwalk.studies.filters import tuned

USUAL = {"random_state": 0, "progress": False, "complete": False}


@pytest.fixture(scope="module")
def digits():
    return load("digits").x


@pytest.fixture(scope="module")
def model(digits):
    return Autoencoder("denoising", epochs=1, **USUAL).fit(digits[:600])


@pytest.mark.parametrize("level", [0.1, 0.3, 0.8])
def test_it_is_ahead_of_codes_and_of_filters_that_know_the_clean_pictures(model, digits, level):
    clean = digits[600:900]
    noisy = spoilt(model, clean, Corruption(amount=level).fitted(model.spec_), seed=1)
    ours = snr_gain(clean, noisy, model.denoise(noisy))
    assert ours > snr_gain(clean, noisy, model.reconstruct(noisy)) + 0.5
    for name in ("median", "gaussian"):
        rival, _ = tuned(name, clean / 16, noisy / 16, image=True, channels=False)
        assert ours > snr_gain(clean, noisy, 16 * rival(noisy / 16))


def test_what_has_no_noise_stays_nearly_as_it_is(model, digits):
    clean = digits[600:900]
    left = np.square(model.denoise(clean) - clean).mean()
    assert left < np.square(model.reconstruct(clean) - clean).mean()
    assert left < 0.05**2 * 16**2  # less is lost than the least noise that it learnt from
    assert model.denoise(clean).min() >= 0
    assert model.denoise(clean).max() <= 16


def test_a_row_is_cleaned_alone_as_among_others_and_beyond_white_as_if_it_were_white(model, digits):
    noisy = digits[600:640] + 5 * np.random.default_rng(0).normal(size=(40, 8, 8))
    found = model.denoise(noisy)
    np.testing.assert_array_equal(model.denoise(noisy[17:18]), found[17:18])
    np.testing.assert_array_equal(model.denoise(noisy.clip(0, 16)), found)


def test_codes_are_what_they_would_be_without_it(model, digits):
    without = replace(RECIPES["denoising"], denoiser=False)
    plain = Autoencoder(without, epochs=1, **USUAL).fit(digits[:600])
    assert plain.denoiser_ is None
    np.testing.assert_array_equal(plain.transform(digits[:50]), model.transform(digits[:50]))
    np.testing.assert_array_equal(plain.denoise(digits[:50]), model.reconstruct(digits[:50]))


def test_it_is_kept_with_the_model(model, digits, tmp_path):
    model.save(tmp_path)
    again = Autoencoder.load(tmp_path)
    np.testing.assert_array_equal(again.denoise(digits[:20]), model.denoise(digits[:20]))
    np.testing.assert_array_equal(again.transform(digits[:20]), model.transform(digits[:20]))
    assert again.get_params()["recipe"] == "denoising"


@pytest.mark.parametrize(
    "change",
    [
        {"widths": [10**6] * 8},
        {"widths": [16]},
        {"channels": 3},
        {"sides": 1},
        {"widths": "abc"},
        {"widths": []},
        None,
        [],
    ],
)
def test_a_description_of_another_one_is_refused(model, tmp_path, change):
    model.save(tmp_path)
    path = tmp_path / "model.json"
    said = json.loads(path.read_text())
    said["model"]["denoiser"] = said["model"]["denoiser"] | change if isinstance(change, dict) else change
    path.write_text(json.dumps(said))
    with pytest.raises(CheckpointError, match="does not describe its weights"):
        Autoencoder.load(tmp_path)


def test_fitting_again_goes_on_from_it(model, digits, tmp_path):
    model.save(tmp_path)
    again = Autoencoder.load(tmp_path).set_params(warm_start=True)
    first = again.denoiser_
    before = first.opening.weight.detach().clone()
    again.fit(digits[:60])
    assert not np.array_equal(again.denoiser_.opening.weight.detach(), before)
    np.testing.assert_array_equal(first.opening.weight.detach(), before)  # another value, as all that a fit makes


def test_signals_that_end_early_end_where_they_ended():
    t = np.arange(40) / 6
    rng = np.random.default_rng(0)
    clean = np.sin(t + rng.uniform(0, 6, (80, 1)))
    clean[:, 30:] = np.where(rng.random((80, 1)) < 0.5, np.nan, clean[:, 30:])
    clean[::5, 10] = np.nan  # a gap
    model = Autoencoder("denoising", epochs=1, network="dense", **USUAL).fit(Dataset.of(clean, kind="signal"))
    noisy = clean + 0.4 * rng.normal(size=clean.shape)
    found = model.denoise(noisy)
    np.testing.assert_array_equal(np.isnan(found[:, 30:]), np.isnan(clean[:, 30:]))
    assert np.isfinite(found[:, :30]).all()
    seen = ~np.isnan(clean)
    assert np.square(found - clean)[seen].mean() < np.square(noisy - clean)[seen].mean()


def test_tables_have_none_and_a_recipe_needs_a_noise():
    x = np.random.default_rng(0).normal(size=(60, 5))
    assert Autoencoder("denoising", epochs=1, **USUAL).fit(x).denoiser_ is None
    with pytest.raises(ConfigError, match="needs a corruption"):
        Recipe("mine", denoiser=True)


def test_time_is_shared_between_codes_and_it(digits):
    model = Autoencoder("denoising", epochs=10**6, training=Settings(minutes=1.2 / 60), **USUAL).fit(digits[:200])
    assert sum(epoch.seconds for epoch in model.history_) < 0.9


def test_a_larger_picture_is_cleaned_without_a_guess(model, digits):
    """A window of many digits shows none of them whole, and no code of one knows what it is."""
    clean = np.vstack([np.hstack(digits[600 + 4 * row : 604 + 4 * row]) for row in range(4)])[3:, 5:] / 16 * 255
    noisy = (clean + 60 * np.random.default_rng(0).normal(size=clean.shape)).clip(0, 255).round().astype(np.uint8)
    found = denoised_picture(model, noisy)
    assert np.square(found - clean).mean() < 0.8 * np.square(noisy - clean).mean()
    assert not np.array_equal(model.denoise(digits[:2] / 2), model.denoise(digits[:2] / 2, alike=False))


def test_a_model_of_before_answers_and_goes_on_as_it_did(digits, tmp_path):
    """Then there was no network beside the codes, and its name meant noise of one strength."""
    Autoencoder(EARLIER["denoising"], epochs=1, **USUAL).fit(digits[:100]).save(tmp_path)
    path = tmp_path / "model.json"
    said = json.loads(path.read_text())
    for recipe in (said["model"]["recipe"], said["model"]["params"]["recipe"]):
        assert recipe.pop("denoiser") is False
    del said["model"]["denoiser"]
    said["model"]["params"]["recipe"] = "denoising"
    path.write_text(json.dumps(said))
    model = Autoencoder.load(tmp_path).set_params(warm_start=True)
    assert model.denoiser_ is None
    np.testing.assert_array_equal(model.denoise(digits[:9]), model.reconstruct(digits[:9]))
    model.fit(digits[:100])
    assert model.denoiser_ is None
    assert model.recipe_.corruption.amount == 0.3
