"""Every prior, by one list: its density integrates to one, its sampler draws from it, its KL is that of a quadrature."""

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Laplace

from latentwalk.data import DataSpec
from latentwalk.data.batches.resident import Resident
from latentwalk.data.scaling import Scaling
from latentwalk.errors import ConfigError
from latentwalk.models.divergence import kl
from latentwalk.models.inference import Coder
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.posterior import DiagonalNormal
from latentwalk.models.prior import PRIORS, LearntMixture, Prior, StandardNormal, prior_named
from latentwalk.models.recipes import Recipe, assemble, recipe_named
from latentwalk.networks.build import Network
from latentwalk.training.loop import train
from latentwalk.training.plan import Plan


class Pointed(Prior):
    """A prior of a researcher's own, with a weight to learn and no sampler of its own."""

    title = "pointed"
    factorised = True

    def __init__(self, dim):
        super().__init__(dim)
        self.log_scale = torch.nn.Parameter(torch.full((dim,), -0.3))

    def forward(self, c=None):
        return Independent(Laplace(torch.full_like(self.log_scale, 0.5), self.log_scale.exp()), 1)


def spread(dim):
    """A mixture that has learnt something: three pieces of different weight and size."""
    prior = LearntMixture(dim, components=3)
    with torch.no_grad():
        prior.logits.copy_(torch.tensor([0.0, 1.0, -1.0]))
        prior.means.copy_(torch.tensor([[-2.0], [0.5], [2.5]]).expand(3, dim) + torch.arange(dim))
        prior.log_scales.copy_(torch.tensor([[-0.5], [-1.0], [0.3]]).expand(3, dim))
    return prior


MADE = {"normal": StandardNormal, "mixture": LearntMixture, "learnt mixture": spread, "one's own": Pointed}
EACH = pytest.mark.parametrize("make", MADE.values(), ids=MADE)
LINE = torch.linspace(-12, 14, 1001, dtype=torch.float64)


def test_the_list_has_all_that_have_a_name():
    assert set(PRIORS) <= set(MADE)


@EACH
def test_its_density_integrates_to_one(make):
    torch.manual_seed(0)
    with torch.no_grad():
        line = make(1).double()().log_prob(LINE[:, None]).exp()
        grid = torch.cartesian_prod(LINE[::4], LINE[::4])
        plane = make(2).double()().log_prob(grid).exp().reshape(len(LINE[::4]), -1)
        assert float(torch.trapezoid(line, LINE)) == pytest.approx(1, abs=1e-3)
        assert float(torch.trapezoid(torch.trapezoid(plane, LINE[::4]), LINE[::4])) == pytest.approx(1, abs=5e-3)


@EACH
def test_its_sampler_draws_with_its_moments_and_repeats_itself(make):
    torch.manual_seed(0)
    prior = make(3)
    draw = prior.sampler()
    z = draw(60_000, np.random.default_rng(0))
    assert z.dtype == np.float32 and z.shape == (60_000, 3) and draw.dim == prior.dim == 3
    np.testing.assert_allclose(z.mean(0), prior().mean.detach(), atol=0.04)
    np.testing.assert_allclose(z.var(0), prior().variance.detach(), rtol=0.04)
    np.testing.assert_array_equal(z[:5], prior.sampler()(60_000, np.random.default_rng(0))[:5])
    assert draw(0, np.random.default_rng(0)).shape == (0, 3)


@EACH
def test_its_sampler_has_its_density(make):
    torch.manual_seed(0)
    prior = make(2).double()
    z = np.random.default_rng(0).normal(size=(50, 2)) * 2
    np.testing.assert_allclose(prior.sampler().log_density(z), prior().log_prob(torch.from_numpy(z)).detach(), rtol=1e-9)


@EACH
@pytest.mark.parametrize("temperature", [1.0, 0.5, 1.7])
def test_quantiles_are_where_so_much_of_the_mass_lies_below(make, temperature):
    torch.manual_seed(0)
    sampler, p = make(2).sampler().at(temperature), np.array([0.05, 0.3, 0.5, 0.9])
    at, z = sampler.quantiles(p), sampler(60_000, np.random.default_rng(1))
    assert at.shape == (4, 2)
    np.testing.assert_allclose((z[None] < at[:, None]).mean(1), np.repeat(p[:, None], 2, 1), atol=0.012)


@EACH
@pytest.mark.parametrize("temperature", [0.5, 1.7])
def test_at_another_temperature_the_density_is_that_of_the_draws(make, temperature):
    torch.manual_seed(0)
    sampler = make(1).sampler().at(temperature)
    grid = np.linspace(-15, 18, 3001)
    density = np.exp(sampler.log_density(grid[:, None]))
    z = sampler(60_000, np.random.default_rng(0))[:, 0]
    assert np.trapezoid(density, grid) == pytest.approx(1, abs=1e-3)
    assert np.trapezoid(density * grid**2, grid) == pytest.approx(float((z.astype(float) ** 2).mean()), rel=0.04)


@EACH
def test_its_kl_is_that_of_a_quadrature(make):
    """In one dimension; exact where there is a formula, else by draws."""
    torch.manual_seed(0)
    mu, log_variance = torch.tensor([[0.7], [-1.5]]).double(), torch.tensor([[-1.0], [0.2]]).double()
    q, p = DiagonalNormal(mu, log_variance), make(1).double()()
    each = q.log_prob(LINE[:, None, None])
    with torch.no_grad():
        wanted = torch.trapezoid(each.exp() * (each - p.log_prob(LINE[:, None, None].expand(-1, 2, 1))), LINE, dim=0)
        found = kl(q, p, q.rsample((200_000,)))
    np.testing.assert_allclose(found, wanted, atol=0.01)


@EACH
def test_its_state_is_all_that_it_learnt(make):
    torch.manual_seed(0)
    one = make(2)
    other = make(2)
    other.load_state_dict(one.state_dict())
    z = torch.randn(9, 2)
    torch.testing.assert_close(one().log_prob(z), other().log_prob(z))
    assert one.title and one.sampler().title == one.title


def test_a_mixtures_draws_at_temperature_0_are_its_means():
    prior = spread(2)
    z = prior.sampler().at(0)(50, np.random.default_rng(0))
    means = prior.means.detach().numpy()
    assert {tuple(row) for row in z} == {tuple(row) for row in means}
    assert set(np.unique(prior.sampler().at(0).quantiles(np.array([0.01, 0.5, 0.99]))[:, 0].round(5))) <= {-2.0, 0.5, 2.5}


def test_learnt_with_all_else_it_comes_to_where_the_codes_are():
    """Data in four clumps: a mixture pays less for telling them apart than N(0, I) does."""
    rng = np.random.default_rng(0)
    corners, mixing = np.array([[1, 1], [-1, 1], [1, -1], [-1, -1]]), rng.normal(size=(2, 5))

    def clumps(n):
        at = corners[rng.integers(4, size=n)] + 0.1 * rng.normal(size=(n, 2))
        return (at @ mixing + 0.03 * rng.normal(size=(n, 5))).astype(np.float32)

    x, new = clumps(1000), clumps(400)
    batches, held = Resident(torch.from_numpy(x), 50, seed=0), Resident(torch.from_numpy(new), 400)
    score = {}
    for name in ("normal", "mixture"):
        model = made(Recipe(name, prior=name), x)
        before = Coder(model).bound(new, 20).mean()
        list(train(model, Recipe(name).loss(), batches, Plan(epochs=30, learning_rate=5e-3), held))
        score[name] = Coder(model).bound(new, 20).mean()
        assert score[name] > before + 5
    assert score["mixture"] > score["normal"] + 1
    means, deviations = Coder(model).encode(new)
    z = means + deviations * rng.standard_normal(means.shape)
    sampler = model.prior.sampler()
    assert sampler.log_density(z).mean() > StandardNormal(2).sampler().log_density(z).mean() + 2
    np.testing.assert_allclose(sampler(2000, rng).std(0), z.std(0), rtol=0.1)


def made(recipe, x):
    spec, likelihood = DataSpec.infer(x), Likelihood("gaussian")
    torch.manual_seed(0)
    return assemble(recipe, spec, Network(widths=(32,)), likelihood, 2, Scaling.fit(x, spec, likelihood.scaling(spec)))


def test_a_prior_is_asked_for_by_name_or_given_and_never_changed():
    own = Pointed(3)
    assert isinstance(prior_named("normal", 3), StandardNormal)
    copy = prior_named(own, 3)
    assert type(copy) is Pointed and copy is not own and copy.log_scale is not own.log_scale


class Nameless(Pointed):
    title = ""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: prior_named("mixtrue", 2), "Did you mean 'mixture'"),
        (lambda: prior_named(Pointed(3), 2), r"Pointed gives a Independent with batch \(\) and event \(3,\).*event \(2,\)"),
        (lambda: prior_named(Nameless(2), 2), "must have dim=2, and a title"),
        (lambda: Recipe("x", prior="flat"), "unknown prior 'flat'"),
        (lambda: Recipe("x", prior="mixture", free_nats=0.1), "free_nats needs a posterior and a prior that are independent"),
        (lambda: Recipe("x", "point", "reconstruction", prior="mixture"), "needs posterior='gaussian'"),
        (lambda: StandardNormal(2).sampler().at(-1), "temperature=-1"),
    ],
)
def test_refusals_say_what_would_do(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


def test_free_nats_go_with_a_prior_of_ones_own_that_is_independent_in_each_dimension():
    assert Recipe("x", prior=Pointed(2), free_nats=0.1).free_nats == 0.1
    assert recipe_named("vae").prior == "normal"
