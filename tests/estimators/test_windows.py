"""What is larger than an example is denoised window by window, and shows no seam."""

import numpy as np
import pytest

from latentwalk import Autoencoder, Dataset, Network, denoised_picture, denoised_signal
from latentwalk.errors import DataError

OPTIONS = {"epochs": 1, "random_state": 0, "progress": False, "network": Network("dense", widths=(8,)), "noise": 0.1}


@pytest.fixture(scope="module")
def pictures():
    return Autoencoder("denoising", **OPTIONS).fit(np.random.default_rng(0).integers(0, 256, (24, 8, 10), dtype=np.uint8))


@pytest.fixture(scope="module")
def signals():
    x = np.random.default_rng(0).normal(size=(24, 16))
    return Autoencoder("denoising", **OPTIONS).fit(Dataset.of(x, kind="signal"))


def test_a_picture_of_the_models_size_is_denoised_as_ever(pictures):
    x = np.random.default_rng(1).integers(0, 256, (8, 10), dtype=np.uint8)
    np.testing.assert_array_equal(denoised_picture(pictures, x), np.rint(pictures.denoise(x[None])[0]).clip(0, 255))
    large = denoised_picture(pictures, np.random.default_rng(1).integers(0, 256, (21, 33), dtype=np.uint8))
    assert (large.shape, large.dtype) == ((21, 33), np.uint8)
    with pytest.raises(DataError, match="7 x 10 pixels, fewer than the 8 x 10"):
        denoised_picture(pictures, x[:7])


def test_a_long_signal_is_denoised_channel_by_channel(signals):
    x = np.random.default_rng(1).normal(size=(50, 3))
    clean = denoised_signal(signals, x)
    assert clean.shape == x.shape
    np.testing.assert_array_equal(clean[:, 1], denoised_signal(signals, x[:, 1]))
    np.testing.assert_allclose(denoised_signal(signals, x[:16, 0]), signals.denoise(x[None, :16, 0])[0], rtol=1e-5, atol=1e-6)
    with pytest.raises(DataError, match="X: the signal has 9 steps"):
        denoised_signal(signals, x[:9, 0])


def test_a_model_of_pictures_denoises_no_signal(pictures):
    with pytest.raises(DataError, match="not from signals"):
        denoised_signal(pictures, np.zeros(99))
