"""The model: shapes of a pass, the draw, the recipes that put it together."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from latentwalk.data import DataSpec
from latentwalk.data.corruption import Corruption
from latentwalk.data.scaling import Scaling
from latentwalk.errors import ConfigError
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.objective import elbo
from latentwalk.models.posterior import DiagonalGaussian, PointMass
from latentwalk.models.recipes import RECIPES, Recipe, assemble, recipe_named
from latentwalk.models.schedule import constant, linear
from latentwalk.networks.build import Network

LIKELIHOODS = [
    Likelihood("bernoulli"),
    Likelihood("continuous-bernoulli"),
    Likelihood(),
    Likelihood(sigma="each"),
    Likelihood(sigma=0.3),
]


def model_for(shape, recipe="vae", kind="dense", likelihood=LIKELIHOODS[0], latent=3):
    spec = DataSpec.infer(np.random.default_rng(0).random((4, *shape)))
    network = Network(kind, widths=(8,), channels=(4, 5) if kind == "conv" else None)
    torch.manual_seed(0)
    return assemble(recipe_named(recipe), spec, network, likelihood, latent, Scaling(spec)), spec


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=str)
@pytest.mark.parametrize(("shape", "kind"), [((7,), "dense"), ((9, 6), "conv"), ((9, 6, 3), "conv"), ((3, 9, 6), "dense")])
@pytest.mark.parametrize("draws", [1, 4])
def test_pass_has_the_promised_shapes(shape, kind, likelihood, draws):
    model, spec = model_for(shape, kind=kind, likelihood=likelihood)
    p = model(torch.rand(5, *spec.event), draws=draws)
    assert p.z.shape == (draws, 5, 3)
    assert (p.posterior.batch_shape, p.posterior.event_shape) == ((5,), (3,))
    assert (p.prior.batch_shape, p.prior.event_shape) == ((), (3,))
    assert (p.likelihood.batch_shape, p.likelihood.event_shape) == ((draws, 5), spec.event)
    assert p.likelihood.log_prob(p.target).shape == (draws, 5)
    assert p.likelihood.mean.shape == (draws, 5, *spec.event)


def test_decoding_many_draws_at_once_is_decoding_each():
    model, _ = model_for((9, 6), kind="conv")
    z = torch.randn(4, 5, 3)
    each = torch.stack([model.decoder(part).mean for part in z])
    torch.testing.assert_close(model.decoder(z).mean, each)


def test_draws_follow_the_posterior_and_carry_gradients():
    torch.manual_seed(0)
    raw = torch.tensor([[1.0, -2.0, 0.0, 2.0]], requires_grad=True)  # mu, then log sigma²
    q = DiagonalGaussian()(raw)
    z = q.rsample((100_000,))
    torch.testing.assert_close(z.mean(0), q.mean, atol=0.03, rtol=0)
    torch.testing.assert_close(z.std(0)[0], torch.tensor([1.0, np.e], dtype=torch.float32), rtol=0.02, atol=0)
    (gradient,) = torch.autograd.grad(z.mean(), raw)
    torch.testing.assert_close(gradient[0, :2], torch.full((2,), 0.5))


def test_a_point_is_its_own_every_draw():
    q = PointMass(torch.tensor([[1.0, 2.0]]))
    assert (q.rsample((3,)) == q.mean).all()
    assert (q.stddev == 0).all()


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_a_loss_with_gradients_for_every_weight_it_uses(name):
    recipe = recipe_named(name)
    model, spec = model_for((7,), name, likelihood=Likelihood())
    loss = recipe.loss()(model(torch.rand(5, *spec.event), draws=recipe.draws), 0.0).loss
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(weight.grad).all() for weight in model.parameters())
    assert recipe.source


def test_without_kl_is_the_elbo_less_its_kl():
    model, spec = model_for((7,), "vae-without-kl")
    p = model(torch.rand(5, *spec.event))
    torch.testing.assert_close(recipe_named("vae-without-kl").loss()(p, 0.0).loss, elbo(p).values["reconstruction"].mean())


def test_only_what_trains_its_codes_to_fill_the_prior_calls_itself_generative():
    assert {name for name, recipe in RECIPES.items() if recipe.generative} == {"vae", "denoising-vae", "beta-tcvae", "iwae"}


def test_recipe_survives_clone_and_change():
    recipe = Recipe("mine", beta=linear(over=3), corruption=Corruption("masking", 0.2), free_nats=0.1)
    assert clone(recipe) == recipe
    changed = recipe.with_params({"beta": 4.0})
    assert (changed.schedule(), changed.corruption, recipe.beta) == (constant(4.0), recipe.corruption, linear(over=3))


def test_corruption_is_of_the_kind_and_amount_asked_for():
    torch.manual_seed(0)
    x = torch.ones(100, 1000)
    noise = Corruption("gaussian", 0.3)(x) - x
    assert (noise.mean().item(), noise.std().item()) == (pytest.approx(0, abs=0.005), pytest.approx(0.3, abs=0.005))
    masked = Corruption("masking", 0.3)(x)
    assert masked.unique().tolist() == [0, 1]
    assert masked.mean().item() == pytest.approx(0.7, abs=0.01)
    assert torch.equal(Corruption("masking", 0.0)(x), x)
    assert (x == 1).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: recipe_named("vea"), "Did you mean 'vae'"),
        (lambda: recipe_named(["vae"]), "unknown recipe"),
        (lambda: Recipe("x", posterior="gausian"), "Did you mean 'gaussian'"),
        (lambda: Recipe("x", objective="elob"), "Did you mean 'elbo'"),
        (lambda: Recipe("x", posterior="point"), "needs posterior='gaussian'"),
        (lambda: Recipe("x", draws=0), "draws=0"),
        (lambda: Recipe("x", free_nats=-1), "free_nats=-1: expected"),
        (lambda: Recipe("x", beta=-1), "beta=-1: expected a number, 0 or more"),
        (lambda: recipe_named("vae").with_params({"betta": 1}), "Did you mean 'beta'"),
        (lambda: Corruption("maskin"), "Did you mean 'masking'"),
        (lambda: Corruption("masking", 1.5), "amount=1.5"),
    ],
)
def test_refusals_say_what_would_do(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
