"""Objectives: bounds bound, schedules pass through their known points, and the logged numbers are what they are called."""

import math
from itertools import pairwise

import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal

from latentwalk.errors import ConfigError
from latentwalk.models.aggregate import Aggregate
from latentwalk.models.divergence import kl, kl_per_dimension
from latentwalk.models.latent_model import Pass
from latentwalk.models.objective import decomposed_elbo, elbo, importance_weighted, log_weights, reconstruction
from latentwalk.models.posterior import DiagonalNormal, PointMass
from latentwalk.models.prior import StandardNormal
from latentwalk.models.recipes import Recipe
from latentwalk.models.schedule import Schedule, constant, cyclical, linear
from latentwalk.models.sparsity import Sparsity

B, D, E = 6, 2, 5


class LinearGaussian:
    """p(x) = N(0, W W' + s² I) exactly; W has orthogonal columns, so the true posterior is diagonal and can be written down."""

    def __init__(self):
        torch.manual_seed(0)
        basis = torch.linalg.qr(torch.randn(E, D, dtype=torch.float64)).Q
        self.weight, self.sigma = basis * torch.tensor([2.0, 0.7], dtype=torch.float64), 0.5
        self.x = torch.randn(B, D, dtype=torch.float64) @ self.weight.T + self.sigma * torch.randn(B, E, dtype=torch.float64)

    def log_likelihood(self):
        cov = self.weight @ self.weight.T + self.sigma**2 * torch.eye(E, dtype=torch.float64)
        return MultivariateNormal(torch.zeros(E, dtype=torch.float64), cov).log_prob(self.x)

    def seen(self, draws, shift=0.0):
        """A forward pass with the exact posterior, or with one whose mean is off by `shift`."""
        precision = 1 + self.weight.square().sum(0) / self.sigma**2
        mean = (self.x @ self.weight) / self.sigma**2 / precision + shift
        q = DiagonalNormal(mean, -precision.log().expand(B, D))
        z = q.rsample((draws,))
        likelihood = Independent(Normal(z @ self.weight.T, self.sigma), 1)
        return Pass(self.x, z, q, StandardNormal(D).double()(), likelihood)


@pytest.fixture(scope="module")
def model():
    return LinearGaussian()


@pytest.mark.parametrize("draws", [1, 2, 7])
def test_importance_weighted_bound_is_exact_with_the_exact_posterior(model, draws):
    bound = -importance_weighted(model.seen(draws)).values["importance_weighted"]
    torch.testing.assert_close(bound, model.log_likelihood())


def test_bound_grows_with_draws_from_the_elbo_towards_the_likelihood(model):
    torch.manual_seed(1)
    p = model.seen(64 * 2000, shift=0.6)
    weights = log_weights(p)  # (N, B)
    bounds = [
        (torch.logsumexp(weights.unflatten(0, (-1, k)), 1) - math.log(k)).mean() for k in (1, 4, 16, 64)
    ]  # each over the same draws, in expectation
    exact = model.log_likelihood().mean()
    assert all(later > sooner + 1e-3 for sooner, later in pairwise(bounds))
    assert bounds[-1] < exact + 1e-3
    assert float(exact - bounds[-1]) < 0.2 * float(exact - bounds[0])


def test_elbo_of_one_pass_never_exceeds_its_importance_weighted_bound(model):
    terms = importance_weighted(model.seen(20, shift=0.6)).values
    assert (terms["elbo_gap"] >= 0).all()


def test_elbo_misses_the_likelihood_by_the_kl_to_the_true_posterior(model):
    torch.manual_seed(2)
    p = model.seen(200_000, shift=0.6)
    bound = -sum(elbo(p).values.values())
    precision = 1 + model.weight.square().sum(0) / model.sigma**2
    gap = 0.5 * (0.6**2 * precision).sum()  # KL of two Gaussians that differ by their means only
    torch.testing.assert_close(bound, model.log_likelihood() - gap, atol=0.03, rtol=0)


def test_loss_of_the_elbo_is_its_terms_weighted(model):
    p = model.seen(3)
    terms = elbo(p, 5.0, beta=linear(4.0, over=10))
    expected = terms.values["reconstruction"] + 2.0 * terms.values["kl"]
    torch.testing.assert_close(terms.loss, expected.mean())


def test_logged_numbers_know_nothing_of_beta_and_free_nats(model):
    p = model.seen(3)
    plain, pressed = elbo(p, 1.0).values, elbo(p, 1.0, beta=constant(7.0), free_nats=3.0).values
    for name in ("reconstruction", "kl"):
        assert torch.equal(plain[name], pressed[name])


def test_free_nats_put_a_floor_under_each_dimension_averaged_over_the_batch(model):
    p = model.seen(1)
    each = kl_per_dimension(p.posterior, p.prior).mean(0)
    floor = float(each.mean())  # one dimension above it, one below
    terms = elbo(p, 0.0, free_nats=floor)
    expected = terms.values["reconstruction"].mean() + each.clamp(min=floor).sum()
    torch.testing.assert_close(terms.loss, expected)
    torch.testing.assert_close(elbo(p, None, free_nats=floor).loss, elbo(p, None).loss)  # measuring is plain


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_a_target_rate_is_a_floor_under_all_dimensions_together(model, share):
    p = model.seen(1)
    total = float(kl_per_dimension(p.posterior, p.prior).mean(0).sum())
    terms = elbo(p, 0.0, beta=constant(3.0), target_rate=share * total)
    expected = terms.values["reconstruction"].mean() + 3.0 * max(1.0, share) * total
    torch.testing.assert_close(terms.loss, expected)
    torch.testing.assert_close(elbo(p, None, target_rate=share * total).loss, elbo(p, None).loss)  # measuring is plain


def test_below_the_floor_the_kl_has_no_gradient():
    raw = torch.full((4, 2), 0.1, requires_grad=True)
    q = DiagonalNormal(raw, torch.zeros(4, 2))
    likelihood = Independent(Normal(torch.zeros(1, 4, E), 1.0), 1)
    p = Pass(torch.zeros(4, E), q.rsample((1,)), q, StandardNormal(2)(), likelihood)
    for floor in ({"free_nats": 1.0}, {"target_rate": 1.0}):
        (gradient,) = torch.autograd.grad(elbo(p, 0.0, **floor).loss, raw)
        assert gradient.abs().max() == 0
    (gradient,) = torch.autograd.grad(elbo(p, 0.0).loss, raw)
    assert gradient.abs().min() > 0


def test_reconstruction_is_minus_the_log_likelihood_and_its_penalty_is_l1():
    code = torch.tensor([[1.0, -3.0]])
    q = PointMass(code)
    p = Pass(torch.zeros(1, E), q.rsample((1,)), q, StandardNormal(2)(), Independent(Normal(torch.ones(1, 1, E), 1.0), 1))
    terms = reconstruction(p, sparsity=Sparsity("l1", 0.5))
    assert float(terms.values["reconstruction"]) == pytest.approx(E * (0.5 + 0.5 * math.log(2 * math.pi)))
    assert float(terms.values["sparsity"]) == 2.0
    assert float(terms.loss) == pytest.approx(sum(float(v) for v in terms.values.values()))


@pytest.mark.parametrize(
    ("schedule", "points"),
    [
        (constant(3.0), {0: 3, 0.5: 3, 99: 3, None: 3}),
        (linear(2.0, over=4), {0: 0, 1: 0.5, 2: 1, 4: 2, 5: 2, 1000: 2, None: 2}),
        (linear(2.0, over=0), {0: 2, 3: 2, None: 2}),
        (cyclical(2.0, every=10), {0: 0, 2.5: 1, 5: 2, 9.99: 2, 10: 0, 12.5: 1, 17: 2, None: 2}),
        (cyclical(1.0, every=4, rise=1.0), {0: 0, 1: 0.25, 3: 0.75, 4: 0, None: 1}),
        (Schedule(2.0, rise=4, after=3), {0: 0, 3: 0, 4: 0.5, 7: 2, 8: 2, None: 2}),
        (Schedule(2.0, after=3), {0: 0, 2.9: 0, 3: 2, 9: 2, None: 2}),
        (Schedule(2.0, rise=2, cycle=4, after=1), {0: 0, 1: 0, 2: 1, 4: 2, 5: 0, 6: 1, None: 2}),
    ],
)
def test_schedules_pass_through_known_points(schedule, points):
    for epoch, value in points.items():
        assert schedule(epoch) == pytest.approx(value)
        if epoch is not None:  # as a compiled step asks
            assert float(schedule(torch.tensor(float(epoch)))) == pytest.approx(value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Schedule(-1.0),
        lambda: Schedule(math.nan),
        lambda: Schedule(1.0, rise=5, cycle=4),
        lambda: linear(1.0, over=-2),
        lambda: cyclical(1.0, every=0),
    ],
)
def test_impossible_schedules_are_refused(make):
    with pytest.raises(ConfigError):
        make()


# ---------------------------------------------------------------------- the KL in three parts


def unlike(batch=B, draws=1):
    """A pass in which codes differ in mean and spread, and dimensions go together."""
    generator = torch.Generator().manual_seed(3)
    mu = torch.randn(batch, 1, dtype=torch.float64, generator=generator) * torch.tensor([1.0, -0.8], dtype=torch.float64)
    log_variance = torch.randn(batch, D, dtype=torch.float64, generator=generator) - 2
    q = DiagonalNormal(mu, log_variance)
    z = mu + q.stddev * torch.randn(draws, batch, D, dtype=torch.float64, generator=generator)
    return Pass(mu, z, q, StandardNormal(D).double()(), Independent(Normal(z, 1.0), 1))


@pytest.mark.parametrize("examples", [None, B, 1000])
def test_the_three_parts_of_the_kl_sum_to_it_for_every_example(examples):
    p = unlike()
    parts = decomposed_elbo(p, examples=examples).values
    together = parts["mutual_information"] + parts["total_correlation"] + parts["dimension_kl"]
    torch.testing.assert_close(together, kl(p.posterior, p.prior, p.z))


def test_a_batch_that_is_all_the_data_gives_the_density_of_the_mixture_of_posteriors():
    p = unlike(draws=3)
    found = Aggregate.of(p.posterior, p.z, examples=B)
    each = [Normal(p.posterior.mean[j], p.posterior.stddev[j]).log_prob(p.z) for j in range(B)]  # torch's own, (K, B, D)
    torch.testing.assert_close(found.joint, torch.logsumexp(torch.stack([one.sum(-1) for one in each]), 0) - math.log(B))
    torch.testing.assert_close(found.marginals, torch.logsumexp(torch.stack(each), 0) - math.log(B))
    plain = Independent(Normal(p.posterior.mean, p.posterior.stddev), 1)
    torch.testing.assert_close(Aggregate.of(plain, p.z, examples=B).joint, found.joint)


def test_codes_on_a_full_grid_have_no_total_correlation_and_codes_on_a_line_have():
    grid = torch.cartesian_prod(*[torch.linspace(-2, 2, 4, dtype=torch.float64)] * 2)
    for mu, factorised in ((grid, True), (grid[:, :1].expand(-1, 2), False)):
        q = DiagonalNormal(mu, torch.full_like(mu, -3.0))
        found = Aggregate.of(q, q.rsample((1,))).total_correlation()
        assert bool((found.abs() < 1e-9).all()) == factorised
        assert float(found.mean()) == pytest.approx(0, abs=1e-9) if factorised else float(found.mean()) > 0.5


def test_far_apart_posteriors_tell_an_example_from_all_others():
    """Mutual information of x and z is then the entropy of which example it is: log N, here with N the batch."""
    mu = 100.0 * torch.arange(B, dtype=torch.float64)[:, None].expand(B, D)
    q = DiagonalNormal(mu, torch.zeros_like(mu))
    z = q.rsample((1,))
    p = Pass(mu, z, q, StandardNormal(D).double()(), Independent(Normal(z, 1.0), 1))
    torch.testing.assert_close(
        decomposed_elbo(p).values["mutual_information"], torch.full((B,), math.log(B), dtype=torch.float64)
    )


def test_the_mean_of_the_estimate_over_all_batches_is_the_aggregate():
    """Of 5 examples, all batches of 3 that hold the example a code was drawn from."""
    whole = unlike(batch=5)
    exact = Aggregate.of(whole.posterior, whole.z).joint.exp()[0, 0]
    found = []
    for rows in ([0, a, b] for a in range(1, 5) for b in range(a + 1, 5)):
        q = DiagonalNormal(whole.posterior.mean[rows], whole.posterior.log_variance[rows])
        found.append(Aggregate.of(q, whole.z[:, rows], examples=5).joint.exp()[0, 0])
    torch.testing.assert_close(torch.stack(found).mean(), exact)


def test_a_decomposed_bound_is_the_elbo_until_beta_weighs_the_correlation():
    p = unlike()
    plain, weighed = decomposed_elbo(p), decomposed_elbo(p, beta=constant(4.0))
    torch.testing.assert_close(plain.loss, elbo(p).loss)
    torch.testing.assert_close(torch.stack(list(plain.values.values())).sum(0).mean(), plain.loss)
    torch.testing.assert_close(weighed.loss, plain.loss + 3 * plain.values["total_correlation"].mean())


def test_one_example_alone_tells_nothing_of_an_aggregate():
    parts = decomposed_elbo(unlike(batch=1), examples=1000).values
    assert float(parts["mutual_information"]) == pytest.approx(0, abs=1e-12)
    assert float(parts["total_correlation"]) == pytest.approx(0, abs=1e-12)


def test_what_goes_with_the_plain_bound_alone_says_so():
    with pytest.raises(ConfigError, match="target_rate goes with objective='elbo'"):
        Recipe("mine", objective="decomposed_elbo", target_rate=0.1)
    with pytest.raises(ConfigError, match="pretraining goes with objective='elbo'"):
        Recipe("mine", objective="importance_weighted", pretraining=1)


def test_free_nats_do_not_go_with_a_kl_in_parts():
    with pytest.raises(ConfigError, match="free_nats goes with objective='elbo'"):
        Recipe("mine", objective="decomposed_elbo", free_nats=0.1)


def test_a_posterior_whose_dimensions_depend_on_each_other_is_refused():
    q = MultivariateNormal(torch.zeros(B, D), torch.eye(D))
    with pytest.raises(ConfigError, match="independent in each dimension"):
        Aggregate.of(q, torch.zeros(1, B, D))
