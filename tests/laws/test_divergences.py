"""KL divergences: the closed form against its definition."""

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, MultivariateNormal, Normal

from latentwalk.errors import ConfigError
from latentwalk.models.divergence import kl, kl_per_dimension
from latentwalk.models.posterior import DiagonalGaussian
from latentwalk.models.prior import StandardNormal

B, D, K = 4, 3, 200_000


@pytest.fixture
def q():
    torch.manual_seed(0)
    return DiagonalGaussian()(torch.randn(B, 2 * D, dtype=torch.float64))


@pytest.fixture
def prior():
    return StandardNormal(D).double()()


def test_kl_is_the_mean_of_the_log_ratio(q, prior):
    z = q.sample((K,))
    ratios = q.log_prob(z) - prior.log_prob(z)
    error = ratios.std(0) / K**0.5
    assert ((kl(q, prior, z) - ratios.mean(0)).abs() < 4 * error).all()


def test_kl_agrees_with_full_covariance_gaussians(q, prior):
    """torch's KL of multivariate Gaussians is another formula by other hands."""
    full = MultivariateNormal(q.mean, scale_tril=torch.diag_embed(q.stddev))
    unit = MultivariateNormal(torch.zeros(D, dtype=torch.float64), torch.eye(D, dtype=torch.float64))
    torch.testing.assert_close(kl(q, prior, q.sample((1,))), torch.distributions.kl_divergence(full, unit))


def test_kl_to_itself_is_zero(q, prior):
    plain = Independent(Normal(q.mean, q.stddev), 1)
    assert kl(plain, plain, q.mean[None]).abs().max() == 0
    standard = DiagonalGaussian()(torch.zeros(B, 2 * D, dtype=torch.float64))
    assert kl(standard, prior, q.mean[None]).abs().max() == 0


def test_kl_is_never_negative(prior):
    torch.manual_seed(1)
    q = DiagonalGaussian()(1e-3 * torch.randn(1000, 2 * D, dtype=torch.float64))
    assert (kl(q, prior, q.mean[None]) >= 0).all()


def test_kl_per_dimension_sums_to_kl(q, prior):
    each = kl_per_dimension(q, prior)
    assert each.shape == (B, D)
    torch.testing.assert_close(each.sum(-1), kl(q, prior, q.mean[None]))


def test_kl_stays_finite_and_exact_for_runaway_encoders(prior):
    raw = torch.tensor([[1e4, -1e4, 0.0, 1e4, -1e4, 1e38]], dtype=torch.float64)
    value = kl(DiagonalGaussian()(raw), prior, raw[:, None, :D])
    assert torch.isfinite(value).all()


def test_kl_without_closed_form_is_estimated_from_the_draws(q):
    logits = torch.zeros(2, dtype=torch.float64)
    centres = Independent(Normal(torch.tensor([[-1.0] * D, [1.0] * D]).double(), 1.0), 1)
    mixture = MixtureSameFamily(Categorical(logits=logits), centres)
    z = q.sample((100,))
    torch.testing.assert_close(kl(q, mixture, z), (q.log_prob(z) - mixture.log_prob(z)).mean(0))
    with pytest.raises(ConfigError, match="independent in each dimension"):
        kl_per_dimension(q, mixture)
