"""A loss that stops being a number: taken back, slowed down, and, where that does not help, told where it began."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from latentwalk import RECIPES, Autoencoder, Likelihood, Network
from latentwalk.data import DataSpec
from latentwalk.data.batches.resident import Resident
from latentwalk.data.scaling import Scaling
from latentwalk.errors import TrainingError, TrainingWarning
from latentwalk.models.objective import Terms
from latentwalk.models.recipes import assemble, recipe_named
from latentwalk.training.loop import RESCUES, SLOWER, train
from latentwalk.training.plan import Plan
from latentwalk.training.settings import Settings

X = np.random.default_rng(0).random((96, 12)).astype(np.float32)


def make():
    torch.manual_seed(0)
    spec = DataSpec.infer(X)
    return assemble(recipe_named("vae"), spec, Network("dense", widths=(16,), start="plain"), Likelihood(), 2, Scaling(spec))


def weights(model):
    return torch.cat([value.flatten() for value in model.state_dict().values()])


def faulty(model, broken):
    """The VAE's objective, with faults that `broken` puts in, at a time in epochs, given all times so far."""
    objective, times = recipe_named("vae").loss(), []

    def spoilt(p, now):
        terms = objective(p, now)
        if now is None:
            return terms
        times.append(now)
        return broken(terms, now, times)

    return spoilt


def test_a_passing_fault_is_taken_back_and_training_goes_on_more_slowly():
    model = make()

    def broken(terms, now, times):
        once = now == 1.5 and times.count(1.5) == 1
        return Terms(terms.values, terms.loss * (torch.nan if once else 1.0))

    batches = Resident(torch.from_numpy(X), 24, seed=0)
    epochs = list(train(model, faulty(model, broken), batches, Plan(epochs=4)))
    assert [epoch.rescues for epoch in epochs] == [0, 1, 1, 1]
    assert [epoch.learning_rate for epoch in epochs] == pytest.approx([1e-3, *[1e-3 * SLOWER] * 3])
    assert torch.isfinite(weights(model)).all()


def test_after_a_rescue_it_is_as_if_the_epoch_had_not_begun():
    """Taken back to the end of the first epoch, the rest is what a lower rate from there on would have been."""

    def run(broken, rate):
        model = make()
        objective = faulty(model, broken)
        batches = Resident(torch.from_numpy(X), 24, seed=0)
        torch.manual_seed(1)
        return [epoch.loss for epoch in train(model, objective, batches, Plan(epochs=3, learning_rate=rate))]

    whole = lambda terms, now, times: terms  # noqa: E731
    once = lambda terms, now, times: Terms(terms.values, terms.loss * (torch.nan if len(times) == 1 else 1.0))  # noqa: E731
    assert run(once, 1e-3) == run(whole, 1e-3 * SLOWER)


def test_a_lasting_fault_is_tried_so_often_and_then_named():
    model, tries = make(), []

    def broken(terms, now, times):
        if now != 1.25:
            return terms
        tries.append(now)
        values = terms.values["reconstruction"].clone()
        values[[3, 5]] = torch.inf
        return Terms({**terms.values, "reconstruction": values}, values.mean())

    batches = Resident(torch.from_numpy(X), 24, seed=0)
    run = train(model, faulty(model, broken), batches, Plan(epochs=4, settings=Settings(ema=None)))
    next(run)
    best = weights(model)
    rows = [batch.rows for batch in batches.epoch(2)][1][[3, 5]].tolist()
    said = rf"in epoch 2, step 2: `reconstruction` is inf, for rows {rows[0]}, {rows[1]} of the data\..*clip=1.0"
    with pytest.raises(TrainingError, match=said):
        next(run)
    assert len(tries) == RESCUES + 2  # at first, after each rescue, and to find out where
    assert torch.equal(weights(model), best)


def test_the_layer_is_named_where_it_began():
    model = make()
    layer = model.decoder.body.layers[2]
    calls = []

    def overflow(module, given, answer):
        calls.append(len(calls))
        return answer * torch.inf

    layer.register_forward_hook(overflow)
    with pytest.raises(TrainingError, match=r"first in the layer decoder\.body\.layers\.2 \(Linear\)"):
        list(train(model, recipe_named("vae").loss(), Resident(torch.from_numpy(X), 24, seed=0), Plan(epochs=1)))
    assert calls


def test_a_gradient_that_is_no_number_names_its_layer():
    model = make()
    model.encoder.body.layers[0].weight.register_hook(lambda gradient: gradient * torch.nan)
    with pytest.raises(TrainingError, match=r"step 1: .*but its gradient is not, .*encoder\.body\.layers\.0"):
        list(train(model, recipe_named("vae").loss(), Resident(torch.from_numpy(X), 24, seed=0), Plan(epochs=1)))


def test_a_rate_that_is_too_high_is_found_and_lowered():
    data = np.random.default_rng(0).normal(size=(400, 8)) * 3
    options = {"epochs": 6, "random_state": 0, "progress": False, "likelihood": Likelihood(sigma=1e-3)}
    with pytest.warns(TrainingWarning, match=r"taken back to its last good state and goes on with a learning rate of"):
        model = Autoencoder("ae", network=Network("dense", widths=(64, 64)), learning_rate=1e4, **options).fit(data)
    assert model.history_[-1].rescues >= 1
    assert np.isfinite(model.transform(data)).all()


def test_a_collapse_is_told_once_while_training_goes_on():
    noise = np.random.default_rng(0).normal(size=(800, 6))
    pressed = replace(RECIPES["vae"], beta=20.0)
    options = {"network": Network("dense", widths=(8,)), "batch_size": 16, "random_state": 0, "progress": False}
    with pytest.warns(TrainingWarning) as told:
        Autoencoder(pressed, latent=2, epochs=24, **options).fit(noise)
    said = [str(one.message) for one in told]
    assert len(said) == 1
    assert re.search(r"posterior has collapsed: for \d+ epochs none of the 2 latent dimensions.*Lower beta", said[0])


def test_a_collapse_is_told_on_small_data_too_once_training_ends():
    noise = np.random.default_rng(0).normal(size=(400, 6))
    options = {"network": Network("dense", widths=(8,)), "batch_size": 16, "random_state": 0, "progress": False}
    pressed = replace(RECIPES["vae"], beta=20.0)
    with pytest.warns(TrainingWarning, match=r"collapsed: for \d+ epochs? none of the 2 latent dimensions"):
        Autoencoder(pressed, latent=2, epochs=14, **options).fit(noise)
    Autoencoder(pressed, latent=2, epochs=2, **options).fit(noise)  # too short to say anything of it


def test_active_units_are_counted_on_the_validation_rows():
    structured = np.random.default_rng(0).normal(size=(1000, 1)) * [[1.0, 2.0, -1.0, 0.5, 3.0]]
    model = Autoencoder("vae", latent=3, epochs=30, random_state=0, progress=False, learning_rate=3e-3).fit(structured)
    held = structured[model.validation_rows_]
    expected = int((model.transform(held).var(axis=0) > 0.01).sum())
    assert model.history_[-1].active == expected == 1
