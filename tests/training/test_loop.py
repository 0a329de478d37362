"""The training loop: repeatable, keeps the best, stops when told, and breaks down in words."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from latentwalk.chance import seeded
from latentwalk.data import DataSpec
from latentwalk.data.batches.resident import Resident
from latentwalk.data.corruption import Corruption
from latentwalk.data.scaling import Scaling
from latentwalk.errors import ConfigError, TrainingError
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.objective import Terms
from latentwalk.models.recipes import Recipe, assemble, recipe_named
from latentwalk.models.schedule import linear
from latentwalk.networks.build import Network
from latentwalk.networks.layers import clip_norms
from latentwalk.training.history import Epoch, epochs_from_json, epochs_to_json
from latentwalk.training.loop import train
from latentwalk.training.optimise import Guard
from latentwalk.training.plan import Plan
from latentwalk.training.progress import with_progress
from latentwalk.training.runtime import autocast, device_named
from latentwalk.training.settings import Settings
from latentwalk.training.step import Step

X = np.random.default_rng(0).random((90, 12)).astype(np.float32)


def make(network=None, recipe="vae", x=X, seed=0):
    spec = DataSpec.infer(x)
    torch.manual_seed(seed)
    network = network or Network("dense", widths=(16,))
    return assemble(recipe_named(recipe), spec, network, Likelihood(), 2, Scaling(spec))


def batches(x=X, size=32, seed=0):
    return Resident(torch.from_numpy(x), size, seed)


def whole(x):
    """All rows as one batch."""
    (batch,) = Resident(torch.from_numpy(x), len(x)).epoch(1)
    return batch


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


ALONE = Settings(ema=None)  # the weights of the step itself


def planned(losses):
    """An objective whose loss is planned: training loss per epoch, whatever the model does."""

    def objective(p, now):
        value = p.likelihood.log_prob(p.target).mean(0) * 0 + losses[int(now)]
        return Terms({"planned": value}, value.mean())

    return objective


def test_same_seed_same_weights_another_seed_others():
    def run(seed):
        model = make(seed=seed)
        list(train(model, recipe_named("vae").loss(), batches(seed=seed), Plan(epochs=3)))
        return weights(model)

    assert same(run(1), run(1))
    assert not same(run(1), run(2))


def test_loss_falls_and_history_says_what_happened():
    history = list(train(make(), recipe_named("vae").loss(), batches(), Plan(epochs=15), Resident(torch.from_numpy(X), 64)))
    assert history[-1].loss < history[0].loss
    assert [epoch.number for epoch in history] == list(range(1, 16))
    for epoch in history:
        assert epoch.loss == pytest.approx(epoch.train["reconstruction"] + epoch.train["kl"], rel=1e-4)
        assert epoch.validation_loss == pytest.approx(sum(epoch.validation.values()), rel=1e-4)
        assert epoch.seconds > 0
        assert epoch.rate > 0
    best = np.minimum.accumulate([epoch.validation_loss for epoch in history])
    assert [epoch.best for epoch in history] == [i == 0 or best[i] < best[i - 1] for i in range(15)]
    assert epochs_from_json(epochs_to_json(history)) == history


def test_best_weights_are_kept_at_every_epoch_and_at_the_end():
    model, kept = make(), {}
    one = Resident(torch.from_numpy(X), 90)
    run = train(model, _noisy(planned([3.0, 2.0, 2.5, 2.6]), model), one, Plan(epochs=4, settings=ALONE))
    for epoch in run:
        if epoch.best:
            kept = weights(model)
        assert epoch.best == (epoch.number <= 2)
    assert same(weights(model), kept)
    assert not model.training


def _noisy(objective, model):
    """The same objective, plus a pull on the weights, so that every epoch leaves them elsewhere."""

    def pulled(p, epoch):
        terms = objective(p, epoch)
        pull = sum(weight.sum() for weight in model.parameters())
        return Terms(terms.values, terms.loss + pull - pull.detach())

    return pulled  # fmt: skip


def test_closing_the_generator_puts_the_best_weights_back():
    model = make()
    run = train(
        model, _noisy(planned([1.0, 2.0, 3.0]), model), Resident(torch.from_numpy(X), 90), Plan(epochs=3, settings=ALONE)
    )
    next(run)
    best = weights(model)
    next(run)
    assert not same(weights(model), best)
    run.close()
    assert same(weights(model), best)


def test_patience_stops_after_so_many_epochs_without_a_better_loss():
    losses = [5.0, 4.0, 4.5, 4.1, 3.0, 3.0, 3.1, 9.0, 1.0]
    run = train(make(), planned(losses), Resident(torch.from_numpy(X), 90), Plan(epochs=9, patience=3))
    assert [epoch.loss for epoch in run] == pytest.approx(losses[:8])


def test_validation_is_measured_at_the_end_of_every_schedule_and_not_trained_on():
    recipe = Recipe("warm", beta=linear(2.0, over=1000))
    (epoch,) = train(make(), recipe.loss(), batches(), Plan(epochs=1), Resident(torch.from_numpy(X[:20]), 7))
    assert epoch.loss == pytest.approx(epoch.train["reconstruction"], rel=1e-3)  # the weight is still next to nothing
    expected = epoch.validation["reconstruction"] + 2 * epoch.validation["kl"]
    assert epoch.validation_loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("bad", "word"), [(math.nan, "nan"), (math.inf, "inf")])
def test_a_loss_that_is_no_number_names_its_term_and_keeps_the_best(bad, word):
    model = make()
    run = train(model, planned([1.0, bad]), Resident(torch.from_numpy(X), 90), Plan(epochs=5))
    next(run)
    best = weights(model)
    with pytest.raises(TrainingError, match=rf"in epoch 2, step 1: `planned` is {word}, for rows 0, 1.*learning_rate"):
        next(run)
    assert same(weights(model), best)
    assert all(torch.isfinite(value).all() for value in weights(model).values())


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_max_norm_holds_in_every_layer_after_every_step(kind):
    x = np.random.default_rng(0).random((64, 11, 9)).astype(np.float32)
    network = Network(kind, widths=(8,), channels=(4,) if kind == "conv" else None)
    model, limit = make(network, x=x), 0.5
    optimiser = torch.optim.Adam(model.parameters(), 0.1)
    step = Step(model, recipe_named("vae").loss(), optimiser, after=(partial(clip_norms, model, limit),))
    layers = [layer for layer in model.modules() if hasattr(layer, "weight")]
    assert len(layers) >= 4
    for index in range(5):
        step(whole(x), float(index))
        for layer in layers:
            weight = layer.weight.transpose(0, 1) if isinstance(layer, torch.nn.ConvTranspose2d) else layer.weight
            assert weight.flatten(1).norm(dim=1).max() <= limit * (1 + 1e-5)


def test_dropout_is_off_while_measuring():
    model = make(Network("dense", widths=(16,), dropout=0.9), "ae")
    step = Step(model, recipe_named("ae").loss(), torch.optim.Adam(model.parameters()))
    (epoch,) = train(model, recipe_named("ae").loss(), batches(), Plan(epochs=1), Resident(torch.from_numpy(X), 90))
    assert epoch.validation_loss == pytest.approx(step.terms(torch.from_numpy(X))[1].loss.item(), rel=1e-5)


def test_a_denoiser_sees_noise_and_is_asked_for_the_clean():
    model, seen = make(recipe="ae"), []
    model.register_forward_pre_hook(lambda module, args: seen.append(args[:2]))
    corruption = Corruption("gaussian", 1.0)
    step = Step(model, recipe_named("ae").loss(), torch.optim.Adam(model.parameters()), corruption=corruption)
    step(whole(X), 0.0)
    (noisy, clean), = seen  # fmt: skip
    assert torch.equal(clean, torch.from_numpy(X))
    assert (noisy - clean).std().item() == pytest.approx(1, abs=0.1)


def test_clip_limits_the_gradient():
    model = make()
    guard = Guard.of(clip=1e-3, skip=None, device=torch.device("cpu"))
    step = Step(model, recipe_named("vae").loss(), torch.optim.SGD(model.parameters(), 1.0), guard=guard)
    before = torch.cat([weight.detach().flatten().clone() for weight in model.parameters()])
    step(whole(X), 0.0)
    after = torch.cat([weight.detach().flatten() for weight in model.parameters()])
    assert (after - before).norm().item() == pytest.approx(1e-3, rel=0.01)


def test_bfloat16_trains_much_as_float32():
    curves = []
    for precision in ("float32", "bfloat16"):
        model = make()
        torch.manual_seed(1)
        history = list(
            train(model, recipe_named("vae").loss(), batches(), Plan(epochs=8, settings=Settings(precision=precision)))
        )
        assert all(value.dtype == torch.float32 for value in model.state_dict().values() if value.ndim == 2)
        curves.append([epoch.loss for epoch in history])
    np.testing.assert_allclose(*curves, rtol=0.02)
    assert curves[0] != curves[1]


def test_progress_passes_every_epoch_on_and_is_silent_off_a_terminal(capsys):
    epochs = [Epoch(1, 1.0, None, {}, {}, True, 0.1, 1.0)]
    assert list(with_progress(epochs, 1)) == epochs
    assert capsys.readouterr() == ("", "")


def test_seeded_leaves_the_generator_as_it_was():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    with seeded(1):
        inside = torch.rand(1)
    assert torch.rand(1) == expected
    with seeded(1):
        assert torch.rand(1) == inside


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Plan(epochs=0), "epochs=0"),
        (lambda: Plan(epochs=2.5), "epochs=2.5: expected a whole number"),
        (lambda: Plan(learning_rate=0), "learning_rate=0"),
        (lambda: Plan(learning_rate=math.nan), "learning_rate=nan"),
        (lambda: Plan(patience=0), "patience=0"),
        (lambda: Settings(precision="bfloat"), "Did you mean 'bfloat16'"),
        (lambda: autocast("float16", torch.device("cpu")), "needs a GPU"),
        (lambda: device_named("cuad"), "device='cuad' cannot be used here.*device='auto'"),
        (lambda: autocast("bf16", torch.device("cpu")), "unknown precision"),
    ],
)
def test_refusals_say_what_would_do(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
