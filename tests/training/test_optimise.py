"""Optimisers, rates, guards and averages against what their formulas say."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from latentwalk import Autoencoder, Network
from latentwalk.training.optimise import USUAL, Average, Guard, optimiser_named, rate_share, set_rate
from latentwalk.training.settings import Settings

X = np.random.default_rng(0).random((120, 10)).astype(np.float32)


def weight(values):
    return nn.Parameter(torch.tensor(values))


def test_rates_rise_then_fall():
    shares = [rate_share("cosine", 2.0, 10, now) for now in np.linspace(0, 10, 101)]
    assert shares[0] == 0 and max(shares) == shares[20] == 1 and shares[-1] == pytest.approx(0, abs=1e-9)
    assert np.all(np.diff(shares[:21]) > 0) and np.all(np.diff(shares[20:]) < 0)
    assert shares[60] == pytest.approx(0.5)
    assert [rate_share("constant", 0.0, 10, now) for now in (0, 5, 10)] == [1, 1, 1]


def test_the_rate_of_each_epoch_is_recorded():
    options = {
        "epochs": 4,
        "learning_rate": 0.01,
        "training": Settings(warmup=2.0, learning_schedule="cosine"),
        "batch_size": 27,
    }
    model = Autoencoder(network=Network("dense", widths=(4,)), random_state=0, progress=False, **options).fit(X)
    steps = 4  # 108 rows in batches of 27
    expected = [0.01 * rate_share("cosine", 2.0, 4, epoch + (steps - 1) / steps) for epoch in range(4)]
    assert [epoch.learning_rate for epoch in model.history_] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["adam", "adamw", "adamax"])
def test_the_first_step_is_as_long_as_the_rate(name):
    w = weight([1.0, -2.0])
    w.grad = torch.tensor([0.3, -5.0])
    optimiser_named(name, [w], 0.01, 0.0).step()
    torch.testing.assert_close(w.detach(), torch.tensor([0.99, -1.99]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("name", ["adam", "adamw", "adamax"])
def test_a_pace_is_a_share_of_the_rate_whatever_the_rate_becomes(name, light):
    first, slow, last = (weight([1.0]) for _ in range(3))
    optimiser = optimiser_named(name, [first, slow, last], 0.01, 0.0, light=light, paces={slow: 0.25})
    for rate, moved in ((None, 0.01), (0.02, 0.03)):
        for one in (first, slow, last):
            one.grad = torch.ones(1)
        if rate is not None:
            set_rate(optimiser, rate)
        optimiser.step()
        assert [1 - float(one.detach()) for one in (first, slow, last)] == pytest.approx([moved, moved / 4, moved], rel=1e-4)
    assert list(optimiser.state_dict()["state"]) == [0, 1, 2]  # moments are known by the places of their weights


def test_weight_decay_is_adams_or_adamws():
    """With no gradient of the loss, Adam steps by the rate whatever the decay; AdamW shrinks by rate * decay."""
    found = []
    for name in ("adam", "adamw"):
        w = weight([1.0])
        w.grad = torch.zeros(1)
        optimiser_named(name, [w], 0.01, 0.5).step()
        found.append(float(w.detach()))
    assert found == pytest.approx([0.99, 0.995], abs=1e-5)


def test_clip_is_the_length_of_the_gradient():
    w = weight([3.0, 4.0])
    w.grad = torch.tensor([3.0, 4.0])
    guard = Guard.of(1.0, None, torch.device("cpu"))
    guard([w], torch.optim.SGD([w], 1.0))
    torch.testing.assert_close(w.detach(), torch.tensor([2.4, 3.2]))


@pytest.mark.parametrize("name", ["adam", "adamax"])
@pytest.mark.parametrize("outlier", [1e3, torch.nan, torch.inf])
def test_an_outlier_is_skipped_and_forgotten(name, outlier):
    """The weights, the moments and the usual norm are those of a training that never met it."""

    def run(gradients):
        w = weight([1.0, 1.0])
        optimiser, guard = optimiser_named(name, [w], 0.01, 0.0), Guard.of(None, 5.0, torch.device("cpu"))
        for gradient in gradients:
            w.grad = torch.full((2,), gradient)
            guard([w], optimiser)
        return w.detach(), guard.usual, *optimiser.state[w].values()

    for ours, theirs in zip(run([1.0, outlier, 2.0]), run([1.0, 2.0]), strict=True):
        assert torch.equal(ours, theirs)


def test_the_usual_norm_is_a_moving_mean():
    w, norms = weight([0.0]), [1.0, 2.0, 1.5]
    guard = Guard.of(None, 10.0, torch.device("cpu"))
    optimiser = optimiser_named("adam", [w], 0.01, 0.0)
    expected = norms[0]
    for index, norm in enumerate(norms):
        w.grad = torch.tensor([norm])
        guard([w], optimiser)
        expected = expected if index == 0 else USUAL * expected + (1 - USUAL) * norm
    assert float(guard.usual) == pytest.approx(expected)
    assert Guard.of(None, None, torch.device("cpu")) is None


def test_the_average_is_the_recursion_that_it_says_it_is():
    w = weight([0.0, 1.0])
    average = Average.of(0.5, [w])
    expected = w.detach().clone()
    for n in range(30):
        with torch.no_grad():
            w.add_(torch.randn(2, generator=torch.Generator().manual_seed(n)))
        average.update()
        keep = min(0.5, (1 + n) / (10 + n))
        expected = keep * expected + (1 - keep) * w.detach()
    torch.testing.assert_close(average.values[0], expected)
    own = w.detach().clone()
    with average.in_place():
        torch.testing.assert_close(w.detach(), expected)
    assert torch.equal(w.detach(), own)
    assert Average.of(None, [w]) is None
    assert Average.of(0, [w]) is None


def test_an_average_of_every_few_steps_is_that_of_all():
    """Weights that move evenly are averaged to nearly the same place; the share that stays is that of so many steps."""
    w = torch.nn.Parameter(torch.zeros(3, dtype=torch.float64))
    often, seldom = Average.of(0.999, [w]), Average.of(0.999, [w])
    assert often.every == 8
    assert Average.of(0.9, [w]).every == 1
    for step in range(1, 4001):
        with torch.no_grad():
            w.fill_(step / 4000)
        often.update()
        if step % seldom.every == 0:
            seldom.update(seldom.every)
    assert float(seldom.steps) == float(often.steps) == 4000
    behind = 1 - float(often.values[0][0])
    assert behind == pytest.approx(1 / 10, abs=0.01)  # a ninth of the way, and a little
    assert 1 - float(seldom.values[0][0]) == pytest.approx(behind, abs=4 / 4000)


def test_steps_that_are_not_a_multiple_are_averaged_at_the_end_of_an_epoch():
    """Three steps an epoch are fewer than lie between two that are averaged; and yet what is kept has learnt."""
    few = {"network": Network("dense", widths=(8,)), "batch_size": len(X) // 3, "validation": 0}
    few |= {"random_state": 0, "progress": False}

    def learnt(epochs, **options):
        model = Autoencoder(epochs=epochs, **few, **options).fit(X).model_
        return torch.nn.utils.parameters_to_vector(model.parameters()).detach()

    alone = Settings(ema=None)
    start, end, kept = learnt(1, training=alone, learning_rate=1e-12), learnt(2, training=alone), learnt(2)
    assert 0.2 * (end - start).norm() < (kept - start).norm() < (end - start).norm()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.compile imports what torch.jit deprecates
def test_compiled_steps_learn_what_plain_ones_do(monkeypatch):
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))  # not to C++, which takes long
    options = {"recipe": "ae", "network": Network("dense", widths=(8,)), "epochs": 2, "random_state": 0, "progress": False}
    plain = Autoencoder(**options, training=Settings(ema=0.9, clip=1.0)).fit(X)
    compiled = Autoencoder(**options, training=Settings(ema=0.9, clip=1.0, compile=True)).fit(X)
    assert [e.loss for e in compiled.history_] == pytest.approx([e.loss for e in plain.history_], rel=1e-3)
