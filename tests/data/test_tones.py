"""Drawn tones, and the reader that finds their factors."""

import numpy as np
import pytest

from latentwalk import load
from latentwalk.data.synthetic import TONE_FACTORS, factors_of_tones, render_tones, tones
from latentwalk.errors import DataError

MOST = {"pitch": 0.1, "brightness": 0.01, "attack": 0.005, "vibrato": 0.01, "noise": 0.01}  # the median error


def test_the_reader_gives_back_what_a_tone_was_drawn_with():
    data = tones(120, seed=3)
    found = factors_of_tones(data.x)
    for name, (low, high) in TONE_FACTORS.items():
        assert ((data.factors[name] >= low) & (data.factors[name] <= high)).all()
        assert np.median(np.abs(found[name] - data.factors[name])) < MOST[name], name
        assert np.corrcoef(found[name], data.factors[name])[0, 1] > 0.9, name


def test_a_sine_has_its_pitch_and_neither_vibrato_nor_noise():
    t = np.arange(8000) / 16_000
    found = factors_of_tones(np.sin(2 * np.pi * 440 * t), 16_000)
    assert found["pitch"][0] == pytest.approx(69, abs=0.02)
    assert found["vibrato"][0] < 0.01 and found["noise"][0] < 0.01 and found["brightness"][0] < 0.1


def test_tones_are_repeatable_divided_and_soft_enough():
    first, again = load("tones", n=60, length=512), load("tones", n=60, length=512)
    assert np.array_equal(first.x, again.x) and len(first) == 50
    assert not np.array_equal(first.x, load("tones", n=60, length=512, seed=1).x)
    assert first.x.dtype == np.float32 and np.abs(tones(200, length=512).x).max() < 1


def test_nothing_is_heard_above_half_the_rate():
    factors = {"pitch": 81.0, "brightness": 0.8, "attack": 0.005, "vibrato": 0.0, "noise": 0.0}
    x = render_tones(factors, np.random.default_rng(0), length=8192)[0]
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)))) ** 2
    near = np.arange(len(spectrum)) * 8000 / 8192 / 880 % 1
    assert spectrum[(near > 0.1) & (near < 0.9)].sum() < 1e-4 * spectrum.sum()


def test_silence_is_not_read_and_what_is_too_short_is_refused():
    assert np.isnan(factors_of_tones(np.zeros(4096))["pitch"]).all()
    with pytest.raises(DataError, match="1,024"):
        factors_of_tones(np.zeros(100))
    with pytest.raises(DataError, match="lack"):
        render_tones({"pitch": 60}, np.random.default_rng(0))
