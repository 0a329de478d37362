"""The precision of steps: the faster one where "auto" is asked for, and a word where bfloat16 is the slower."""

from dataclasses import replace

import numpy as np
import pytest

from latentwalk import Autoencoder, Network, Settings
from latentwalk.errors import TrainingWarning
from latentwalk.training import loop, precision

X = np.random.default_rng(0).random((90, 12)).astype(np.float32)


@pytest.fixture
def timing(monkeypatch):
    """Steps are really taken, and said to have lasted so many seconds."""
    real = precision._timed

    def says(*seconds):
        def timed(*given):
            assert len(real(*given)) == 2
            return list(seconds)

        monkeypatch.setattr(precision, "_timed", timed)

    return says


def fitted(asked, **options):
    network = Network("dense", widths=(16,), dropout=0.2)
    usual = {"network": network, "epochs": 3, "batch_size": 16, "random_state": 0, "progress": False, "complete": False}
    return Autoencoder("vae", training=Settings(precision=asked, checkpoint_every=0.0), **usual | options)


def losses(model):
    return [epoch.loss for epoch in model.history_]


@pytest.mark.parametrize(("seconds", "faster"), [((1.0, 2.0), "float32"), ((2.0, 1.0), "bfloat16")])
def test_auto_is_the_faster_one_bit_for_bit(seconds, faster, timing):
    timing(*seconds)
    assert losses(fitted("auto").fit(X)) == losses(fitted(faster).fit(X))


def test_the_two_differ():
    assert losses(fitted("float32").fit(X)) != losses(fitted("bfloat16").fit(X))


def test_what_is_gone_on_with_keeps_its_precision(timing, tmp_path, monkeypatch):
    timing(2.0, 1.0)
    whole = fitted("auto").fit(X)
    left, real = iter(range(8)), loop._Run._pausing

    def pausing(run):
        if next(left, None) is None:
            raise InterruptedError
        return real(run)

    monkeypatch.setattr(loop._Run, "_pausing", pausing)
    with pytest.raises(InterruptedError):
        fitted("auto").fit(X, checkpoint=tmp_path)
    monkeypatch.setattr(loop._Run, "_pausing", real)
    timing(1.0, 2.0)  # another machine, say
    again = fitted("auto").fit(X, checkpoint=tmp_path)
    assert [replace(epoch, seconds=0, rate=0) for epoch in again.history_] == [
        replace(epoch, seconds=0, rate=0) for epoch in whole.history_
    ]


def test_slow_bfloat16_is_told_and_float32_is_not_timed(timing):
    timing(1.0, 14.0)
    with pytest.warns(TrainingWarning, match="bfloat16 takes 14 times as long here as one in float32. precision='auto'"):
        fitted("bfloat16").fit(X)
    fitted("float32").fit(X)


def test_times_are_those_of_steps(monkeypatch):
    seen = []
    real = precision._timed
    monkeypatch.setattr(precision, "_timed", lambda *given: seen.append(real(*given)) or seen[-1])
    fitted("auto").fit(X)
    assert len(seen) == 1
    assert all(0 < seconds < 10 for seconds in seen[0])
