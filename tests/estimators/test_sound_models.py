"""Models of sounds, from data to sound and back: in Python."""

import time

import numpy as np
import pytest
import torch

from latentwalk import RECIPES, Autoencoder, Dataset, Network, load
from latentwalk.data.sources.sounds import Sound
from latentwalk.errors import ConfigError, DataError
from latentwalk.estimators.gaps import without_gaps
from latentwalk.estimators.sounds import denoised_sound, gaps_in, imputed_sound, reconstructed_sound, window_of

RATE, LENGTH = 8000, 1024
SMALL = Network("conv", channels=(24,), widths=(24,))
QUICK = {"epochs": 2, "batch_size": 32, "latent": 3, "random_state": 0, "progress": False, "network": SMALL}
LONG = np.concatenate(list(load("tones", n=4, length=3000, split="all").x)).astype(np.float64)


@pytest.fixture(scope="module")
def data():
    return load("tones", n=240, length=LENGTH, split="all")


@pytest.fixture(scope="module")
def model(data):
    return Autoencoder("vae", **QUICK).fit(data)


def test_a_model_of_sounds_is_saved_draws_scores_and_walks(model, data, tmp_path):
    assert model.likelihood_.kind == "spectral" and model.spec_.rate == RATE
    assert model.sample(3).shape == (3, LENGTH) and np.isfinite(model.sample(3)).all()
    assert set(model.history_[0].train) == {"reconstruction", "kl", "spectral"}
    model.save(tmp_path / "m")
    again = Autoencoder.load(tmp_path / "m")
    assert again.spec_ == model.spec_
    assert np.array_equal(again.reconstruct(data.x[:5]), model.reconstruct(data.x[:5]))
    walk = model.space(data).walk(3, 7, steps=4)
    assert len(walk.sounds) == 4 and walk.sound.rate == RATE
    assert walk.sound.x[0] == 0 and abs(walk.sound.x[-1]) < 1e-3 and np.abs(walk.sound.x).max() <= 1
    assert len(walk.sound.x) > 2 * LENGTH
    for ending in (".wav", ".png", ".gif", ".npz"):
        walk.save(tmp_path / f"w{ending}")
        assert (tmp_path / f"w{ending}").stat().st_size > 100
    walk.save(tmp_path / "steps")
    assert sorted(one.name for one in (tmp_path / "steps").iterdir()) == [f"{at:03}.wav" for at in range(4)]
    shown = walk._repr_html_()
    assert shown.count("<audio") == 4 and len(shown) < 300_000


def test_the_spectral_term_is_no_part_of_the_likelihood(data):
    """The same weights score the same, whatever they were learnt by."""
    other = Autoencoder(RECIPES["vae"].with_params({"spectral": 0.0}), **QUICK).fit(data)
    assert "spectral" not in other.history_[0].train
    learnt = Autoencoder("vae", **QUICK).fit(data)
    before = learnt.score_samples(data.x[:20])
    other.model_.load_state_dict(learnt.model_.state_dict())
    np.testing.assert_array_equal(other.score_samples(data.x[:20]), before)


def test_rows_beside_one_change_nothing(model, data):
    np.testing.assert_array_equal(model.transform(data.x[:30])[7:8], model.transform(data.x[7:8]))
    np.testing.assert_array_equal(model.reconstruct(data.x[:30])[7:8], model.reconstruct(data.x[7:8]))
    np.testing.assert_array_equal(model.score_samples(data.x[:30])[7:8], model.score_samples(data.x[7:8]))


def test_it_learns_more_than_noise(data):
    longer = Autoencoder("vae", **QUICK | {"epochs": 5, "learning_rate": 3e-3}).fit(data)
    white = torch.distributions.Normal(0.0, float(data.x.std())).log_prob(torch.from_numpy(data.x[:100])).sum(1).mean()
    assert longer.score_samples(data.x[:100]).mean() > float(white) + 0.5 * LENGTH
    found = longer.reconstruct(data.x).std(1)
    assert np.corrcoef(np.log(found), np.log(data.x.std(1)))[0, 1] > 0.3


@pytest.mark.parametrize("options", [{"network": "gru"}, {"network": "dense"}, {"likelihood": "gaussian"}, {"recipe": "ae"}])
def test_other_networks_and_likelihoods(data, options):
    fitted = Autoencoder(**{"recipe": "vae", **QUICK, "epochs": 1, **options}).fit(data.take(np.arange(64)))
    assert np.isfinite(fitted.reconstruct(data.x[:4])).all() and np.isfinite(fitted.sample(2)).all()


def test_stereo(data):
    x = np.stack([data.x[:64], 0.1 * data.x[64:128]], -1)
    fitted = Autoencoder("vae", **QUICK).fit(Dataset.of(x, kind="sound", rate=RATE))
    back = fitted.reconstruct(x)
    assert back.shape == x.shape and back[..., 0].std() > 3 * back[..., 1].std()
    assert fitted.space(Dataset.of(x, kind="sound", rate=RATE)).walk(0, 1).sound.x.shape[1] == 2


# ---------------------------------------------------------------------- of any length


def test_long_sounds_are_given_back_whole(model):
    back = reconstructed_sound(model, Sound(LONG, RATE))
    assert back.x.shape == LONG.shape and back.rate == RATE
    short = reconstructed_sound(model, Sound(LONG[:300], RATE))
    assert short.x.shape == (300,)
    other = reconstructed_sound(model, Sound(np.stack([LONG, LONG], 1), 2 * RATE))
    assert other.rate == RATE and len(other.x) == -(-len(LONG) // 2)


def test_denoising_keeps_length_rate_and_channels(data):
    recipe = RECIPES["denoising"].with_params({"denoiser": False})  # which takes its own time
    cleaner = Autoencoder(recipe, **QUICK | {"epochs": 1}).fit(data)
    for shape in ((len(LONG),), (len(LONG), 2), (300,)):
        x = np.resize(LONG, shape)
        clean = denoised_sound(cleaner, Sound(x, RATE, "int24"))
        assert (clean.x.shape, clean.rate, clean.dtype) == (shape, RATE, "int24") and np.isfinite(clean.x).all()
    assert len(denoised_sound(cleaner, Sound(LONG, 11_025)).x) == len(LONG)


def test_a_gap_is_filled_by_a_wave_that_goes_on():
    t = np.arange(LENGTH) / RATE
    tone = np.sin(2 * np.pi * 440 * t)
    gone = tone.copy()
    gone[400:520] = np.nan
    found = without_gaps(lambda x: np.stack([np.sin(2 * np.pi * 440 * t + 2)] * len(x)), gone[None])[0]
    assert np.array_equal(found[:400], tone[:400]) and np.array_equal(found[520:], tone[520:])
    assert np.abs(found - tone).max() < 0.1
    assert np.abs(np.diff(found)).max() < 1.1 * np.abs(np.diff(tone)).max()


SINES = sum(np.sin(2 * np.pi * f * np.arange(LENGTH) / RATE + f) / (1 + f / 400) for f in (220, 331, 517, 1210))
HISS = np.random.default_rng(0).normal(size=(2, LENGTH))


def holed(x, start, end):
    gone = np.array(x, np.float64)
    gone[start:end] = np.nan
    return gone


@pytest.mark.parametrize(("start", "end"), [(400, 464), (300, 500), (0, 60), (LENGTH - 60, LENGTH)])
def test_waves_are_carried_on_whatever_the_model_says(start, end):
    found = without_gaps(lambda x: 0.1 * HISS[: len(x)], holed(SINES, start, end)[None])[0]
    np.testing.assert_allclose(found, SINES, atol=0.05 if start and end < LENGTH else 0.1)


def test_a_gap_is_filled_alike_louder_and_backwards_and_in_either_channel():
    said = SINES + 0.3 * HISS[0]

    def filled(x, told):
        return without_gaps(lambda rows: np.stack([told] * len(rows)), x[None])[0]

    usual = filled(holed(SINES + 0.1 * HISS[1], 400, 520), said)
    np.testing.assert_allclose(
        filled(100 * holed(SINES + 0.1 * HISS[1], 400, 520), 100 * said), 100 * usual, rtol=1e-5, atol=1e-4
    )
    np.testing.assert_allclose(filled(holed(SINES + 0.1 * HISS[1], 400, 520)[::-1], said[::-1])[::-1], usual, atol=0.02)
    both = np.stack([SINES + 0.1 * HISS[1]] * 2, 1)
    np.testing.assert_allclose(filled(holed(both, 400, 520), np.stack([said] * 2, 1)), np.stack([usual] * 2, 1), atol=1e-6)


@pytest.mark.parametrize("after", [20, 100])
def test_a_drum_beside_a_gap_puts_nothing_into_it(after):
    quiet = 0.01 * (SINES + 0.3 * HISS[0])
    drum = quiet.copy()
    drum[300 + after + 200 :][:200] += 3 * HISS[1, :200]
    found = without_gaps(lambda x: quiet[None].repeat(len(x), 0), holed(drum, 300, 500)[None])[0]
    assert np.abs(found[300:500]).max() < 3 * np.abs(quiet).max()


def test_an_offset_stays():
    found = without_gaps(lambda x: 0.1 * HISS[: len(x)] + 3, holed(SINES + 3, 400, 520)[None])[0]
    np.testing.assert_allclose(found, SINES + 3, atol=0.05)


def test_many_single_samples_are_filled_in_a_moment():
    gone = np.array(SINES)
    gone[np.random.default_rng(0).permutation(LENGTH - 40)[:100] + 20] = np.nan
    begun = time.process_time()
    found = without_gaps(lambda x: 0.1 * HISS[: len(x)], gone[None])[0]
    assert np.sqrt(np.square(found - SINES).mean()) < 0.1 and time.process_time() - begun < 3


def test_where_a_prediction_has_faded_the_model_is_heard_as_loud_as_it_says():
    found = without_gaps(lambda x: HISS[: len(x)], holed(HISS[1], 300, 700)[None])[0][400:600]
    assert 0.7 < found.std() < 1.25
    silent = without_gaps(lambda x: np.zeros_like(x), holed(np.zeros(LENGTH), 300, 700)[None])[0]
    assert not silent.any()


def test_gaps_of_files_and_arrays(model, data):
    gone = data.x[:4].copy()
    gone[1, 300:400] = np.nan
    whole = model.impute(gone)
    assert np.isfinite(whole).all() and np.array_equal(whole[[0, 2, 3]], gone[[0, 2, 3]])
    assert np.array_equal(whole[1, :300], gone[1, :300])
    with pytest.raises(DataError, match="NaN"):
        model.transform(gone)
    broken = LONG.copy()
    broken[5000:5100] = 0.0
    assert gaps_in(Sound(broken, RATE)) == [(5000, 5100)]
    assert gaps_in(Sound(LONG, RATE), [(0.5, 0.51)]) == [(4000, 4080)]
    filled = imputed_sound(model, Sound(broken, RATE), [(5000, 5100)])
    assert np.array_equal(filled.x[:5000], broken[:5000]) and np.array_equal(filled.x[5100:], broken[5100:])
    assert filled.x[5000:5100].std() > 0
    stereo = np.stack([broken, broken], 1)
    assert imputed_sound(model, Sound(stereo, 2 * RATE), [(5000, 5100)]).x.shape == stereo.shape
    with pytest.raises(DataError, match="too long"):
        imputed_sound(model, Sound(LONG, RATE), [(1000, 3000)])
    with pytest.raises(ConfigError, match="gap"):
        gaps_in(Sound(LONG, RATE), [(3.0, 2.0)])


def test_a_window_of_a_file(model, tmp_path):
    Sound(LONG, RATE, "float64").save(tmp_path / "a.wav")
    found = window_of(model.spec_, tmp_path / "a.wav", 0.5)
    np.testing.assert_allclose(found, LONG[4000 : 4000 + LENGTH], atol=1e-6)
    with pytest.raises(ConfigError, match="ends after"):
        window_of(model.spec_, tmp_path / "a.wav", 10)


def test_what_is_for_sounds_alone_is_refused_elsewhere():
    rows = np.random.default_rng(0).normal(size=(40, 6))
    with pytest.raises(ConfigError, match="is for sounds"):
        Autoencoder(RECIPES["vae"].with_params({"spectral": 1.0}), **QUICK | {"network": "auto"}).fit(rows)
    with pytest.raises(ConfigError, match="whole sounds"):
        Autoencoder("vae", likelihood="spectral", **QUICK | {"network": "auto"}).fit(rows)
    with pytest.raises(DataError, match="not sounds"):
        _ = Autoencoder("vae", **QUICK | {"network": "auto"}).fit(rows).space(rows).walk(0, 1).sound
    with pytest.raises(ConfigError, match="knows no waves"):
        Autoencoder("ae", **QUICK | {"network": "fully-conv", "latent": None}).fit(load("tones", n=60, length=512))
