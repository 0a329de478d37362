"""Likelihoods: every one is a distribution (it sums or integrates to one), with the mean it says it has."""

import math

import numpy as np
import pytest
import torch

from latentwalk.data import DataSpec
from latentwalk.errors import ConfigError
from latentwalk.models.heads import BernoulliHead, ContinuousBernoulliHead, GaussianHead
from latentwalk.models.likelihood import Likelihood, likelihood_named

LOGITS = [0.0, 1e-9, -1e-6, 1e-4, 3e-3, 4.01e-3, -0.02, 0.0999, 0.1001, -0.5, 1.0, -5.0, 12.0, 17.0, -30.0, 60.0]


def quadrature(function, low, high, pieces=60, degree=60):
    """Gauss-Legendre on each of many pieces, finer towards both ends, where a density may be steep."""
    nodes, weights = np.polynomial.legendre.leggauss(degree)
    edges = low + (high - low) * (1 - np.cos(np.linspace(0, np.pi, pieces + 1))) / 2
    half = np.diff(edges)[:, None] / 2
    x = torch.from_numpy((edges[:-1, None] + half * (nodes + 1)).ravel())
    return float((torch.from_numpy((half * weights).ravel()) * function(x)).sum())


def log_density(head, raw, x):
    return head(raw).log_prob(x[:, None].to(raw)).double()


@pytest.mark.parametrize("logit", LOGITS)
def test_bernoulli_sums_to_one_and_its_mean_is_the_probability_of_one(logit):
    d = BernoulliHead(1)(torch.tensor([logit], dtype=torch.float64))
    zero, one = (d.log_prob(torch.tensor([v], dtype=torch.float64)).exp() for v in (0.0, 1.0))
    assert float(zero + one) == pytest.approx(1, abs=1e-14)
    assert float(d.mean) == pytest.approx(float(one), abs=1e-14)


def test_bernoulli_reads_gray_as_a_probability():
    raw, gray = torch.tensor([0.7], dtype=torch.float64), torch.tensor([0.3], dtype=torch.float64)
    p = torch.sigmoid(raw)
    expected = gray * p.log() + (1 - gray) * (1 - p).log()
    torch.testing.assert_close(BernoulliHead(1)(raw).log_prob(gray), expected.sum())


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 3e-5)])
@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_integrates_to_one_and_has_its_mean(logit, dtype, tolerance):
    raw, head = torch.tensor([logit], dtype=dtype), ContinuousBernoulliHead(1)
    total = quadrature(lambda x: log_density(head, raw, x).exp(), 0, 1)
    first = quadrature(lambda x: x * log_density(head, raw, x).exp(), 0, 1)
    assert total == pytest.approx(1, abs=tolerance)
    assert float(head(raw).mean) == pytest.approx(first, abs=tolerance)


@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_has_a_finite_gradient(logit):
    raw = torch.tensor([logit], requires_grad=True)
    d = ContinuousBernoulliHead(1)(raw)
    (d.log_prob(torch.tensor([0.25])) + d.mean.sum()).backward()
    assert torch.isfinite(raw.grad).all()


def test_gradient_of_the_continuous_bernoulli_is_x_minus_its_mean():
    """True of every exponential family in its natural parameter."""
    raw = torch.tensor(LOGITS, dtype=torch.float64)[:, None].requires_grad_()
    d = ContinuousBernoulliHead(1)(raw)
    d.log_prob(torch.full_like(raw, 0.3)).sum().backward()
    torch.testing.assert_close(raw.grad, 0.3 - d.mean.detach(), atol=1e-7, rtol=1e-7)


@pytest.mark.parametrize("sigma", [0.05, 1.0, 30.0])
def test_gaussian_integrates_to_one_and_its_mean_is_raw(sigma):
    raw, head = torch.tensor([0.4], dtype=torch.float64), GaussianHead(1, sigma).double()
    reach = 12 * sigma
    total = quadrature(lambda x: log_density(head, raw, x).exp(), 0.4 - reach, 0.4 + reach)
    first = quadrature(lambda x: x * log_density(head, raw, x).exp(), 0.4 - reach, 0.4 + reach)
    assert (total, first) == (pytest.approx(1, abs=1e-9), pytest.approx(0.4, abs=1e-9))
    assert float(head(raw).stddev) == pytest.approx(sigma, rel=1e-6)


def test_fixed_sigma_is_kept_as_it_was_given_and_does_not_learn():
    for sigma in (1e-5, 1e5):
        head = GaussianHead(1, sigma)
        assert float(head(torch.zeros(1)).stddev) == pytest.approx(sigma, rel=1e-5)
        assert not any(weight.requires_grad for weight in head.parameters())


def test_shared_sigma_is_one_learned_number_whose_optimum_is_the_rms_error():
    torch.manual_seed(0)
    head, error = GaussianHead(1, "shared"), 0.2 * torch.randn(500, 4)
    optimiser = torch.optim.Adam(head.parameters(), 1e-3)
    for _ in range(600):
        loss = -head(torch.zeros(500, 4)).log_prob(error).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    sigma = head(torch.zeros(4)).stddev[0].item()
    assert sigma == pytest.approx(float(error.square().mean().sqrt()), rel=0.01)


def test_sigma_for_each_element_comes_from_the_second_half_of_raw():
    head = GaussianHead(3, "each")
    raw = torch.stack([torch.full((2, 2), 5.0), torch.full((2, 2), math.log(0.5))])  # (2C, H, W) with C = 1
    d = head(raw[None])
    assert d.event_shape == (1, 2, 2)
    assert d.mean.unique().tolist() == [5]
    torch.testing.assert_close(d.stddev, torch.full((1, 1, 2, 2), 0.5))
    assert torch.isfinite(head(torch.full((1, 2, 2, 2), 1e9)).log_prob(torch.zeros(1, 2, 2))).all()


@pytest.mark.parametrize("head", [BernoulliHead, ContinuousBernoulliHead, GaussianHead])
def test_log_prob_sums_over_the_event_and_keeps_the_batch(head):
    raw, x = torch.randn(5, 7, 1, 3, 2), torch.rand(7, 1, 3, 2)
    value = head(3)(raw).log_prob(x)
    assert value.shape == (5, 7)
    torch.testing.assert_close(value[2, 4], head(3)(raw[2, 4]).log_prob(x[4]))


def spec(values, **known):
    return DataSpec.infer(np.asarray(values), **known)


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (np.eye(6), "bernoulli"),
        (np.eye(6) > 0, "bernoulli"),
        (np.linspace(0, 1, 36).reshape(6, 6), "gaussian"),
        (np.eye(36, dtype=np.uint8).reshape(36, 6, 6) * 255, "bernoulli"),
        (np.arange(180, dtype=np.uint8).reshape(5, 6, 6), "gaussian"),
        (-np.eye(36).reshape(36, 6, 6), "gaussian"),
    ],
)
def test_auto_reads_ink_on_paper_as_bernoulli_and_the_rest_as_gaussian(x, kind):
    assert likelihood_named("auto", spec(x)).kind == kind


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: likelihood_named("bernouli", spec(np.eye(3))), "Did you mean 'bernoulli'"),
        (lambda: Likelihood(sigma=0), "sigma=0 is not a standard deviation"),
        (lambda: Likelihood(sigma="shard"), "Did you mean 'shared'"),
        (lambda: Likelihood(sigma=math.nan), "sigma=nan"),
        (lambda: Likelihood("bernoulli").scaling(spec([[0, 3.7]])), r"needs values in \[0, 1\]; X holds 3.7"),
        (lambda: Likelihood("continuous-bernoulli").scaling(spec([[0, -2.0]])), "X holds -2"),
    ],
)
def test_refusals_say_what_would_do(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
