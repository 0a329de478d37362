"""How long a training takes: said from its first steps, held to by its clock, and told where there is no bar."""

import math
import time

import numpy as np
import pytest
import torch

from latentwalk import Autoencoder, ConfigError, Network, Settings
from latentwalk.training import loop, progress
from latentwalk.training.history import Epoch
from latentwalk.training.optimise import rate_share
from latentwalk.training.pace import Pace, Pacing
from latentwalk.training.progress import foretold, progressed

X = np.random.default_rng(0).normal(size=(200, 4))
CPU = torch.device("cpu")


def auto(**options):
    usual = {"epochs": 3, "random_state": 0, "progress": False, "complete": False, "network": Network(widths=(8,))}
    return Autoencoder("vae", **usual | options)


# ------------------------------------------------------------------ the rate


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_rate_falls_to_nothing_at_whichever_end_comes_first(schedule):
    for now, timed in ((10, 0.3), (2, 1.0), (10, 1.0)):
        assert rate_share(schedule, 0, 10, now, timed) == pytest.approx(0, abs=1e-12)
    shares = [rate_share(schedule, 0, 10, 1, timed) for timed in np.linspace(0, 1, 20)]
    assert shares == sorted(shares, reverse=True)
    assert rate_share("constant", 0, 10, 6, 0.6) == 1.0
    assert rate_share(schedule, 4, 10, 1, 0.0) == 0.25  # it rises first


def test_without_a_limit_nothing_is_new():
    assert [rate_share("constant", 0, 10, now) for now in (0, 5, 10)] == [1, 1, 1]


# ------------------------------------------------------------------ the limit


def clocked(monkeypatch, step: float):
    """The loop's clock goes on by `step` seconds each time that it is looked at."""
    now = [0.0]

    def tick() -> float:
        now[0] += step
        return now[0]

    monkeypatch.setattr(loop.time, "perf_counter", tick)


def test_it_ends_in_time_and_not_before(monkeypatch):
    clocked(monkeypatch, 1.0)
    model = auto(epochs=10_000, batch_size=32, training=Settings(minutes=1.0)).fit(X)
    spent = sum(epoch.seconds for epoch in model.history_)
    assert 55 <= spent <= 63
    rates = [epoch.learning_rate for epoch in model.history_]
    assert rates == sorted(rates, reverse=True) and rates[0] == 1e-3 and rates[-1] < 1e-4
    assert not model.interrupted_


def test_time_that_ends_within_the_first_epoch_leaves_what_was_learnt(monkeypatch):
    clocked(monkeypatch, 1.0)
    model = auto(batch_size=2, training=Settings(minutes=0.2)).fit(X)
    assert len(model.history_) == 1 and model.history_[0].best
    assert math.isfinite(model.history_[0].loss)


def test_time_enough_changes_the_rate_alone():
    limited = auto(training=Settings(minutes=60.0)).fit(X)
    assert len(limited.history_) == 3
    assert limited.history_[0].learning_rate == 1e-3 > limited.history_[-1].learning_rate
    again = auto(training=Settings(minutes=60.0)).fit(X)
    assert [epoch.loss for epoch in again.history_] == [epoch.loss for epoch in limited.history_]  # epochs are first to end


def test_the_time_spent_is_kept_and_gone_on_from(monkeypatch, tmp_path):
    clocked(monkeypatch, 1.0)
    options = {"epochs": 10_000, "batch_size": 32}
    first = auto(**options, training=Settings(minutes=0.5)).fit(X, checkpoint=tmp_path)
    same = auto(**options, training=Settings(minutes=0.5)).fit(X, checkpoint=tmp_path)
    assert len(same.history_) == len(first.history_)  # nothing was left
    more = auto(**options, training=Settings(minutes=1.0)).fit(X, checkpoint=tmp_path)
    assert 55 <= sum(epoch.seconds for epoch in more.history_) <= 63


@pytest.mark.parametrize("minutes", [0, -1, math.nan, "long"])
def test_a_limit_is_a_time(minutes):
    with pytest.raises(ConfigError, match="minutes"):
        Settings(minutes=minutes)


# ------------------------------------------------------------------ what is said


def test_the_pace_is_that_of_the_steps_after_the_first(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("latentwalk.training.pace.time.perf_counter", lambda: now[0])
    found = []
    pacing = Pacing(found.append)
    for index, seconds in enumerate((5.0, 3.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1), 1):
        now[0] += seconds
        if pacing.ticked(index, 40, CPU):
            pacing.say(40, 3, math.inf)
            break
    assert found[0].rate == pytest.approx(10) and found[0].seconds == pytest.approx(12)


def test_one_step_an_epoch_has_a_pace_too():
    told = []
    auto(epochs=2, batch_size=500, progress=True).fit(X)
    pacing = Pacing(told.append)
    assert not pacing.ticked(1, 1, CPU) or told == []
    time.sleep(0.01)
    assert pacing.ticked(1, 1, CPU)


def test_what_takes_long_is_said_before_it_does(monkeypatch, capsys):
    foretold(Pace(3, 10, 100.0))
    assert capsys.readouterr().err == ""
    foretold(Pace(30, 40, 6.0))
    assert capsys.readouterr().err == "about 3 min 20 s: 30 epochs of 40 steps at 6 steps/s\n"
    monkeypatch.setattr(progress, "LONG", 0.0)
    auto(progress=True).fit(X)
    assert "3 epochs of 2 steps at" in capsys.readouterr().err
    auto(progress=False).fit(X)
    assert capsys.readouterr().err == ""


def test_without_a_terminal_a_line_says_what_is_left(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])

    def steps():
        for number in range(1, 5):
            now[0] += 20.0
            yield Epoch(number, 1.0, None, {}, {}, True, 20.0, 5.0)

    assert len(list(progressed(steps(), 4, title="training", unit="epoch", said=lambda one: f"loss {one.loss}"))) == 4
    assert capsys.readouterr().err == "epoch 2/4: loss 1.0; about 40 s left\n"
    now[0] = 0.0
    list(progressed(steps(), 4, title="training", unit="epoch", said=lambda one: "fine", limit=60.0))
    assert capsys.readouterr().err == "epoch 2/4: fine; about 20 s left\n"
