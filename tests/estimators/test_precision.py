"""Numbers keep their precision: what comes back differs by the model's error, and what cannot be held is named."""

import numpy as np
import pytest

from latentwalk import AnomalyDetector, Autoencoder, Dataset, DataWarning, Network
from latentwalk.errors import DataError
from latentwalk.estimators.windows import denoised_signal

RNG = np.random.default_rng(0)
FEW = {"epochs": 2, "progress": False, "random_state": 0, "network": Network("dense", widths=(16,))}
NORMAL = RNG.normal(size=(200, 3))


def fitted(x, **options):
    return Autoencoder("vae", **(FEW | options)).fit(x)


@pytest.mark.parametrize(("offset", "unit"), [(0, 1e-46), (0, 1e60), (1.7e9, 60), (1e9, 1), (1e12, 1)])
@pytest.mark.parametrize("shape", [(3,), (6, 6)], ids=str)
def test_a_model_in_other_units_is_the_same_model(offset, unit, shape, tmp_path):
    """Up to rounding on the way in: errors, in units, are those of the plain data; kept and loaded, it answers alike."""
    plain = RNG.normal(size=(200, *shape))
    x = offset + unit * plain
    model = fitted(x, likelihood="gaussian")
    back = model.reconstruct(x)
    assert back.dtype == np.float64
    expected = fitted(plain, likelihood="gaussian").reconstruct(plain)
    np.testing.assert_allclose((back - offset) / unit, expected, atol=2e-3)
    assert np.isfinite(model.score_samples(x)).all()
    space = model.space(x)
    assert np.isfinite(space.walk(0, 1, steps=3).x).all()
    model.save(tmp_path / "kept")
    np.testing.assert_array_equal(Autoencoder.load(tmp_path / "kept").reconstruct(x), back)


@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_seconds_since_1970_come_back_to_the_minute(dtype):
    x = (1.7e9 + 3600 * NORMAL).astype(dtype)
    back = fitted(x).reconstruct(x)
    assert len(np.unique(np.asarray(back, np.float64)[:, 0] % 128)) > 100


@pytest.mark.parametrize("method", ["transform", "reconstruct", "score_samples", "score_each"])
def test_a_value_out_of_reach_is_named_and_never_answered_with_nan(method):
    model = fitted(NORMAL)
    x = NORMAL[:9].copy()
    x[4, 2] = 1e39
    with pytest.raises(DataError, match=r"row 4 of X.*row 4, column 2, and is 1e\+39"):
        getattr(model, method)(x)


def test_a_picture_with_a_nodata_value_is_not_called_ordinary():
    x = RNG.random((60, 8, 8)).astype(np.float32) / 100 + 1
    detector = AnomalyDetector(random_state=0, epochs=1).fit(x)
    strange = x[:3].copy()
    strange[1, 2, 3] = 3e38
    assert detector.predict(strange)[1] == -1
    assert detector.score_samples(strange)[1] == np.finfo(np.float32).min
    with pytest.raises(DataError, match=r"row 1, position \(2, 3\)"):
        detector.model_.score_samples(strange)


def test_more_training_on_values_out_of_reach_is_refused():
    model = fitted(NORMAL).set_params(warm_start=True)
    x = NORMAL.copy()
    x[7, 1] = 1e30
    with pytest.raises(DataError, match="row 7, column 1"):
        model.fit(x)


def test_counts_that_float32_does_not_hold_are_refused():
    x = RNG.poisson(4, size=(60, 3)).astype(float)
    x[5, 2] = 1e30
    with pytest.raises(DataError, match="row 5, column 2"):
        fitted(x, likelihood="negative-binomial")


# ------------------------------------------------------------------ masked arrays


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("wrap", [lambda x: x, Dataset.of, list], ids=["array", "dataset", "list"])
def test_what_a_masked_array_hides_was_not_observed(dtype, wrap):
    x = np.ma.masked_array((100 * NORMAL).astype(dtype), mask=False)
    x[3, 1] = np.ma.masked
    x.data[3, 1] = 10**6
    model = fitted(wrap(x))
    gaps = x.astype(float).filled(np.nan)
    np.testing.assert_array_equal(model.transform(wrap(x)), fitted(gaps).transform(gaps))
    assert model.spec_.missing and abs(model.impute(wrap(x))[3, 1]) < 1000


def test_masked_signals_of_different_lengths_are_padded():
    one = np.ma.masked_array(RNG.normal(size=20), mask=False)
    one[2] = np.ma.masked
    data = Dataset.of([one, RNG.normal(size=10)])
    assert np.isnan(data.x[0]).sum() == 1 and np.isnan(data.x[1]).sum() == 10


def test_a_mask_on_a_picture_is_an_error():
    x = np.ma.masked_array(RNG.random((20, 5, 5)), mask=False)
    x[2, 1, 1] = np.ma.masked
    with pytest.raises(DataError, match=r"NaN.*row 2, position \(1, 1\)"):
        fitted(x)


# ------------------------------------------------------------------ ranges and units


def test_a_range_is_refused_with_all_its_digits():
    bits = (RNG.random((50, 8, 8)) > 0.5).astype(float)
    model = fitted(bits)
    bits[3, 0, 1] = 1.0000001
    with pytest.raises(DataError, match=r"1\.0000001 at row 3, position \(0, 1\)"):
        model.score_samples(bits)


def test_fractions_given_to_a_model_of_bytes_are_noticed_and_the_other_way_round():
    x = ((RNG.random((60, 8, 8)) > 0.5) * 255).astype(np.uint8)
    whole, fractions = fitted(x), fitted(x / 255)
    for model, other in ((whole, x / 255), (fractions, x)):
        with pytest.warns(DataWarning, match="the model learnt from"):
            model.transform(other)
    whole.transform(x.astype(float)), fractions.transform(x / 255)  # in the same units: not a word


def test_a_model_of_bytes_takes_pictures_of_sixteen_bits_as_it_did():
    x = RNG.integers(0, 256, (40, 6, 6), dtype=np.uint8)
    model = fitted(x)
    np.testing.assert_array_equal(model.transform(Dataset.of(x.astype(np.uint16) * 257)), model.transform(x))


def test_a_long_signal_keeps_its_offset():
    windows = 1e9 + RNG.normal(size=(60, 16))
    model = fitted(Dataset.of(windows, kind="signal"), network="auto")
    assert np.abs(denoised_signal(model, windows.reshape(-1)) - 1e9).max() < 10
