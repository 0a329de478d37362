"""The laws of each family: a contraction is a Jacobian, top-k keeps k, a rate is met, a linear denoiser is the best one."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from latentwalk.data import DataSpec
from latentwalk.data.batches.resident import Resident
from latentwalk.data.corruption import Corruption
from latentwalk.data.scaling import Scaling
from latentwalk.errors import ConfigError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.models.contraction import squared_jacobian
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.objective import reconstruction
from latentwalk.models.recipes import RECIPES, Recipe, assemble, recipe_named
from latentwalk.models.sparsity import Sparsity, activity
from latentwalk.networks.build import Network
from latentwalk.training.loop import train
from latentwalk.training.plan import Plan
from latentwalk.training.settings import Settings

RNG = np.random.default_rng(0)


def made(recipe, spec, network, latent):
    torch.manual_seed(0)
    return assemble(recipe_named(recipe), spec, network, Likelihood("gaussian", 1.0), latent, Scaling(spec))


# ------------------------------------------------------------------ contractive


@pytest.mark.parametrize(
    ("shape", "kind", "network"),
    [
        ((5,), None, Network("dense", widths=(9,), activation="tanh")),
        ((12, 10), None, Network("conv", widths=(7,), channels=(3,), activation="gelu")),
        ((12, 2), "signal", Network("conv", widths=(7,), channels=(3,), activation="elu")),
        ((6, 2), "signal", Network("gru", widths=(4,))),
        ((6, 2), "signal", Network("lstm", widths=(4,))),
    ],
    ids=["dense", "conv 2-d", "conv 1-d", "gru", "lstm"],
)
@pytest.mark.parametrize("latent", [1, 3])
def test_contraction_is_the_squared_norm_of_autograds_jacobian(shape, kind, network, latent):
    x = RNG.normal(size=(4, *shape)).astype(np.float32)
    model = made("contractive", DataSpec.infer(x, kind), network, latent).double()
    inside = model.scaling(torch.from_numpy(x)).double()
    p = model(inside)
    for row in range(len(x)):
        jacobian = torch.autograd.functional.jacobian(lambda one: model.encoder(one).mean[0], inside[row : row + 1])
        assert float(p.posterior.jacobian[row].detach()) == pytest.approx(float(jacobian.square().sum()), rel=1e-9)
    value = reconstruction(p, contraction=0.7).values["contraction"]
    torch.testing.assert_close(value, 0.7 * p.posterior.jacobian)


def test_contraction_of_many_dimensions_is_estimated_without_bias():
    torch.manual_seed(0)
    weight, x = torch.randn(20, 6, dtype=torch.float64), torch.randn(3000, 6, dtype=torch.float64, requires_grad=True)
    found = squared_jacobian(x @ weight.T, x)
    exact = float(weight.square().sum())
    assert abs(float(found.mean()) - exact) < 4 * float(found.std()) / math.sqrt(len(x))


def test_contraction_teaches_and_is_measured_without_teaching():
    x = RNG.normal(size=(200, 6)).astype(np.float32)
    size = {}
    for weight in (0.0, 30.0):
        recipe = Recipe("c", "point", "reconstruction", contraction=weight)
        model = Autoencoder(recipe, epochs=120, network=Network(widths=(16,)), random_state=0, progress=False).fit(x)
        inside = model.model_.scaling(torch.from_numpy(x)).requires_grad_()
        size[weight] = float(squared_jacobian(model.model_.encoder(inside).mean, inside).mean().detach())
    assert size[30.0] < 0.3 * size[0.0]
    assert model.history_[-1].validation["contraction"] > 0


# ------------------------------------------------------------------ sparse


@pytest.mark.parametrize(("amount", "kept"), [(1, 1), (5, 5), (12, 12), (0.25, 3), (0.01, 1)])
def test_top_k_keeps_exactly_the_k_largest(amount, kept):
    raw = torch.randn(50, 12, generator=torch.Generator().manual_seed(0))
    z = Sparsity("top-k", amount).head(12)(raw).mean
    assert ((z != 0).sum(-1) == kept).all()
    for row, code in zip(raw, z, strict=True):
        assert set(code[code != 0].tolist()) == set(sorted(row.tolist())[-kept:])


def test_rate_costs_the_kl_between_coins():
    z = torch.rand(3, 40, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    active = z.flatten(0, 1).mean(0)
    wanted = torch.distributions.Bernoulli(torch.tensor(0.1, dtype=torch.float64))
    kl = torch.distributions.kl_divergence(wanted, torch.distributions.Bernoulli(active)).sum()
    torch.testing.assert_close(Sparsity("rate", 0.1, weight=2.0).penalty(z), (2 * kl).expand(40))
    met = torch.full((1, 7, 5), 0.1, dtype=torch.float64)
    assert Sparsity("rate", 0.1).penalty(met).abs().max() < 1e-12


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_activity_meets_the_asked_rate(rate):
    from sklearn.datasets import load_digits

    recipe = Recipe("s", "point", "reconstruction", sparsity=Sparsity("rate", rate), latent=None)
    x = load_digits().images.astype(np.float32)
    model = Autoencoder(recipe, epochs=15, network=Network(widths=(64,)), random_state=0, progress=False).fit(x)
    mean, _ = activity(torch.from_numpy(model.transform(x)))
    assert mean == pytest.approx(rate, rel=0.1)


def test_l1_silences_units_and_dropout_hides_them_only_while_training():
    x = RNG.normal(size=(300, 4)) @ RNG.normal(size=(4, 12))
    spoken = {}
    for weight in (0.0, 1.0):
        recipe = Recipe("s", "point", "reconstruction", sparsity=Sparsity("l1", weight), latent=None)
        model = Autoencoder(recipe, epochs=40, network=Network(widths=(32,)), random_state=0, progress=False).fit(x)
        spoken[weight] = np.abs(model.transform(x)).mean()
    assert spoken[1.0] < 0.3 * spoken[0.0]
    head = Sparsity("dropout", 0.25).head(1000)
    raw = torch.ones(20, 1000)
    hidden = head.train()(raw).mean
    assert (hidden == 0).double().mean().item() == pytest.approx(0.25, abs=0.02)
    assert torch.equal(head.eval()(raw).mean, raw)


def test_a_sparse_code_is_as_wide_as_the_data_unless_said():
    x = RNG.normal(size=(40, 11))
    for name in RECIPES:
        model = Autoencoder(name, epochs=1, network=Network(widths=(8,)), progress=False).fit(x)
        wanted = 11 if RECIPES[name].sparsity else {"denoising": 64, "beta-tcvae": 10}.get(name, 2)
        assert model.transform(x).shape == (40, wanted), name


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sparsity("l2"), "Did you mean 'l1'"),
        (lambda: Sparsity("rate", 1.0), "between 0 and 1"),
        (lambda: Sparsity("top-k", 2.5), "a number of units"),
        (lambda: Sparsity("top-k", 0), "a number of units"),
        (lambda: Sparsity("dropout", 1.0), "below 1"),
        (lambda: Sparsity("l1", -1), "a weight"),
        (lambda: Sparsity("rate", 0.1, weight=-1), "weight=-1: expected a number, 0 or more"),
        (lambda: Sparsity("top-k", 9).head(4), "cannot keep 9 of 4 units"),
        (lambda: Recipe("x", sparsity=Sparsity("l1")), "objective='reconstruction'"),
        (lambda: Recipe("x", objective="reconstruction", sparsity=Sparsity("l1")), "posterior='point'"),
        (lambda: Recipe("x", "point", "reconstruction", contraction=-1), "contraction=-1: expected"),
    ],
)
def test_refusals_say_what_would_do(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


# ------------------------------------------------------------------ denoising


def test_a_linear_denoising_autoencoder_reaches_the_best_linear_denoiser_and_no_better():
    """W = C (C + s² I)^-1 is the linear map with the least squared error; no code is too narrow for it here."""
    torch.manual_seed(0)
    n, size, sigma = 20_000, 6, 0.8
    mixing = np.linalg.qr(RNG.normal(size=(size, size)))[0] * np.array([2.0, 1.5, 1.0, 0.7, 0.5, 0.3])
    x = (RNG.normal(size=(n, size)) @ mixing.T).astype(np.float32)
    cov = mixing @ mixing.T
    best = cov @ np.linalg.inv(cov + sigma**2 * np.eye(size))
    least = np.trace(cov - best @ cov)  # the mean squared error it leaves
    recipe = Recipe("d", "point", "reconstruction", corruption=Corruption("gaussian", sigma))
    spec = DataSpec.infer(x)
    model = made(recipe, spec, Network("dense", widths=(), activation="identity"), size)
    batches = Resident(torch.from_numpy(x), 500, seed=0)
    plan = Plan(40, 3e-3, corruption=recipe.corruption, settings=Settings(learning_schedule="cosine"))
    list(train(model, recipe.loss(), batches, plan))
    seen = torch.eye(size)
    learnt = (model.decoder(model.encoder(seen).mean).mean - model.decoder(model.encoder(seen * 0).mean).mean).detach().numpy()
    np.testing.assert_allclose(learnt.T, best, atol=0.03)
    reached = np.trace(cov) - 2 * np.trace(learnt.T @ cov) + np.trace(learnt.T @ (cov + sigma**2 * np.eye(size)) @ learnt)
    assert least <= reached < 1.01 * least


# ------------------------------------------------------------------ max-norm


@pytest.mark.parametrize("kind", ["dense", "conv", "gru", "lstm"])
def test_max_norm_holds_after_training_in_every_kind_of_network(kind):
    x = RNG.normal(size=(64, 20, 2))
    network = Network(kind, widths=(16,), max_norm=0.4, dropout=0.5)
    model = Autoencoder("ae", network=network, epochs=2, learning_rate=0.05, progress=False, random_state=0)
    model.fit(x if kind in ("gru", "lstm") else x[:, :, 0])
    for layer in model.model_.modules():
        for name, weight in layer.named_parameters(recurse=False):
            if name.startswith("weight"):
                transposed = isinstance(layer, nn.ConvTranspose1d)
                lengths = (weight.transpose(0, 1) if transposed else weight).detach().flatten(1).norm(dim=1)
                assert lengths.max() <= 0.4 * (1 + 1e-5), (layer, name)
