"""Noise removal: filters are what they are called, measures what their formulas say, and long things have no seams."""

import numpy as np
import pytest
from scipy.signal import savgol_filter

from latentwalk.data import Dataset, load
from latentwalk.data.corruption import Corruption
from latentwalk.data.overlap import apart, together
from latentwalk.data.sources.sounds import Sound, sound
from latentwalk.errors import ConfigError, DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.models.recipes import EARLIER
from latentwalk.networks.build import Network
from latentwalk.studies.denoising import noise_sweep, psnr, snr_gain, spoilt, ssim
from latentwalk.studies.filters import FILTERS, Linear, filters_for, tuned

RNG = np.random.default_rng(0)


# ------------------------------------------------------------------ filters


def test_the_linear_filter_is_wieners():
    """C (C + s² I)^-1 for clean values of covariance C; the closed form, and no other linear map does better."""
    mixing = RNG.normal(size=(5, 5))
    clean = RNG.normal(size=(200_000, 5)) @ mixing.T + 3
    sigma = 0.7
    noisy = clean + sigma * RNG.normal(size=clean.shape)
    cov = mixing @ mixing.T
    fitted = Linear.fit(clean, noisy)
    np.testing.assert_allclose(fitted.matrix, cov @ np.linalg.inv(cov + sigma**2 * np.eye(5)), atol=0.02)
    least = np.trace(cov - cov @ np.linalg.solve(cov + sigma**2 * np.eye(5), cov)) / 5
    assert np.square(fitted(noisy) - clean).mean() == pytest.approx(least, rel=0.02)


def test_a_filter_is_tuned_to_the_noise():
    t = np.linspace(0, 6, 128)
    clean = np.sin(t + RNG.uniform(0, 6, (60, 1)))
    widths = []
    for sigma in (0.02, 1.0):
        noisy = clean + sigma * RNG.normal(size=clean.shape)
        apply, choice = tuned("savitzky-golay", clean, noisy, image=False, channels=False)
        np.testing.assert_allclose(apply(noisy), savgol_filter(noisy, *choice, axis=1))
        errors = [
            np.square(FILTERS["savitzky-golay"].apply(noisy, c, (1,)) - clean).mean() for c in FILTERS["savitzky-golay"].choices
        ]
        assert np.square(apply(noisy) - clean).mean() == pytest.approx(min(errors))
        widths.append(choice[0] / choice[1])
    assert widths[1] > widths[0]


@pytest.mark.parametrize("shape", [(4, 20, 22), (4, 20, 22, 3), (4, 64), (4, 64, 2)])
def test_filters_keep_constants_and_channels_apart(shape):
    pytest.importorskip("skimage")
    image, channels = len(shape) > 2 and shape[1] == 20, shape[-1] in (2, 3)
    flat = np.full(shape, 0.4)
    for name in filters_for(image)[:-1]:
        apply, _ = tuned(name, flat, flat, image=image, channels=channels)
        np.testing.assert_allclose(apply(flat), flat, atol=1e-9)
        if channels:
            one = RNG.random(shape)
            other = one.copy()
            other[..., 0] = 0
            axes = tuple(range(1, len(shape) - 1))
            for choice in FILTERS[name].choices[-1:]:
                both = [FILTERS[name].apply(x, choice, axes)[..., 1:] for x in (one, other)]
                np.testing.assert_allclose(*both, atol=1e-9)


def test_unknown_and_unfitting_filters_are_refused():
    with pytest.raises(ConfigError, match="Did you mean 'median'"):
        tuned("medan", np.zeros((2, 8)), np.zeros((2, 8)), image=False, channels=False)
    assert "savitzky-golay" not in filters_for(image=True)


# ------------------------------------------------------------------ measures


def test_measures_are_their_formulas():
    clean = np.zeros((3, 10, 10))
    found = clean + 0.1
    assert psnr(clean, found, 1.0) == pytest.approx(20)
    assert psnr(255 * clean, 255 * found, 255.0) == pytest.approx(20)
    assert snr_gain(clean, clean + 0.2, found) == pytest.approx(10 * np.log10(4))
    assert snr_gain(clean, clean, clean) == 0
    assert np.isfinite(psnr(clean, clean, 1.0))
    pytest.importorskip("skimage")
    picture = RNG.random((2, 12, 12, 1))
    assert ssim(picture, picture, 1.0) == pytest.approx(1)
    assert ssim(picture, 1 - picture, 1.0) < 0
    assert ssim(picture[:, :5], picture[:, :5], 1.0) is None


@pytest.fixture(scope="module")
def denoiser():
    train = load("signals", n=600, length=64)
    network = Network("fully-conv", channels=(16, 32))
    options = {"noise": (0.1, 0.8), "network": network, "epochs": 40, "random_state": 0, "progress": False}
    return Autoencoder(EARLIER["denoising"], **options).fit(train)


def test_a_denoising_autoencoder_takes_noise_away_at_levels_it_was_not_told(denoiser):
    pytest.importorskip("skimage")
    learnt, clean = load("signals", n=600, length=64), load("signals", n=600, length=64, split="test")
    found = noise_sweep(denoiser, learnt, clean, levels=(0.2, 0.8))
    methods = {score.method for score in found.scores}
    assert methods == {"noisy", "model", "median", "mean", "gaussian", "wavelet", "savitzky-golay", "linear"}
    for level in (0.2, 0.8):
        by = {score.method: score for score in found.scores if score.level == level}
        assert by["noisy"].gain == 0
        assert by["savitzky-golay"].gain > -1e-9
        assert found.best(level).gain == max(score.gain for score in by.values())
    assert by["model"].gain > by["median"].gain > 1
    assert set(found.pictures) == methods | {"clean"}
    assert found.rows()[0]["method"] == "noisy"


def test_spoilt_examples_have_the_noise_that_was_asked_for(denoiser):
    clean = load("signals", n=600, length=64).x
    noisy = spoilt(denoiser, clean, Corruption("gaussian", 0.5))
    unit = float(denoiser.model_.scaling.unit[0])
    assert (noisy - clean).std() == pytest.approx(0.5 * unit, rel=0.02)
    assert np.array_equal(noisy, spoilt(denoiser, clean, Corruption("gaussian", 0.5)))


def test_what_cannot_be_swept_is_refused(denoiser):
    with pytest.raises(DataError, match="expected clean examples of shape"):
        noise_sweep(denoiser, np.zeros((3, 8)), np.zeros((3, 8)))
    table = Autoencoder("ae", epochs=1, progress=False).fit(RNG.normal(size=(30, 4)))
    with pytest.raises(ConfigError, match="learnt from a table"):
        noise_sweep(table, np.zeros((3, 4)), np.zeros((3, 4)))


# ------------------------------------------------------------------ windows and sounds


@pytest.mark.parametrize(("total", "length"), [(256, 256), (257, 256), (1000, 64), (999, 65), (70, 3)])
@pytest.mark.parametrize("channels", [(), (2,)])
def test_windows_that_were_not_changed_give_back_the_whole(total, length, channels):
    x = RNG.normal(size=(total, *channels))
    parts = apart(x, length)
    assert parts.shape[1:] == (length, *channels)
    np.testing.assert_allclose(together(parts, total), x, atol=1e-12)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint8", "float32", "float64"])
@pytest.mark.parametrize("channels", [(), (2,)])
def test_a_sound_comes_back_to_the_last_bit(tmp_path, dtype, channels):
    x = RNG.uniform(-0.9, 0.9, (500, *channels))
    (tmp_path / "a.wav").write_bytes(Sound(x, 8000, dtype).content())
    heard = sound(tmp_path / "a.wav")
    assert (heard.rate, heard.dtype, heard.x.shape) == (8000, dtype, x.shape)
    np.testing.assert_allclose(heard.x, x, atol=1 / 127 if dtype == "uint8" else 1 / 2**15)
    assert heard.content() == (tmp_path / "a.wav").read_bytes()


def test_a_wav_is_a_data_set_of_windows_and_a_damaged_one_is_refused(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(Sound(np.sin(np.linspace(0, 300, 2000)), 8000, "int16").content())
    data = load(path, window=256)
    assert data.x.shape == (-(-(2000 - 256) // 128) + 1, 256)
    assert data.spec.kind == "sound" and load(path, window=256, kind="signal").spec.kind == "signal"
    assert load(path, window=500).x.shape[1:] == (500,)
    assert load(path, window=5000).x.shape == (1, 5000)
    content = path.read_bytes()
    for bad in (b"", content[:20], content[:44], b"RIFF" + bytes(60), bytes(100)):
        path.write_bytes(bad)
        with pytest.raises(DataError, match=r"a\.wav"):
            load(path)


def test_drawn_signals_are_standard_known_and_repeatable():
    data, again = load("signals", n=200, split="all"), load("signals", n=200, split="all")
    assert np.array_equal(data.x, again.x)
    np.testing.assert_allclose(data.x.mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(data.x.std(1), 1, atol=1e-5)
    assert len(data.classes) == 5
    waves = data.x[(data.y == data.classes.index("wave")) & (data.factors["parts"] == 1)]
    known = data.factors["frequency"][(data.y == data.classes.index("wave")) & (data.factors["parts"] == 1)]
    peaks = np.abs(np.fft.rfft(waves, n=2048)).argmax(1) * 127 / 2048
    np.testing.assert_allclose(peaks, known, atol=0.5)
    assert isinstance(data, Dataset)
