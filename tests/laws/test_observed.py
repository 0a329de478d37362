"""Observed: what is missing has no part in a probability, whatever the likelihood."""

import pytest
import torch

from latentwalk.models.heads import BernoulliHead, ContinuousBernoulliHead, GaussianHead
from latentwalk.models.observed import Observed, each_log_prob

NAN = torch.nan
HEADS = {"gaussian": GaussianHead(2), "bernoulli": BernoulliHead(2), "continuous bernoulli": ContinuousBernoulliHead(2)}
pytestmark = pytest.mark.parametrize("head", HEADS.values(), ids=HEADS.keys())


@pytest.fixture
def raw():
    return torch.randn(4, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()


@pytest.fixture
def x():
    return torch.rand(4, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def gone():
    holes = torch.zeros(4, 2, 3, dtype=torch.bool)
    holes[0, 1], holes[2, 0, 0], holes[3] = True, True, True
    return holes


def test_observed_is_the_whole_where_all_is_seen(head, raw, x):
    base = head(raw)
    p = Observed(base)
    assert (p.batch_shape, p.event_shape) == (base.batch_shape, base.event_shape) == ((4,), (2, 3))
    torch.testing.assert_close(p.log_prob(x), base.log_prob(x))
    assert torch.equal(p.mean, base.mean)
    assert torch.equal(p.stddev, base.stddev)
    torch.manual_seed(0)
    drawn = p.sample((5,))
    torch.manual_seed(0)
    assert torch.equal(drawn, base.sample((5,)))


def test_each_value_is_what_it_would_be_alone_and_0_where_missing(head, raw, x, gone):
    p = Observed(head(raw))
    each = p.log_prob_each(torch.where(gone, NAN, x))
    assert torch.equal(each, torch.where(gone, 0.0, each_log_prob(head(raw), x)))
    torch.testing.assert_close(p.log_prob(torch.where(gone, NAN, x)), each.sum((1, 2)))
    assert p.log_prob(torch.where(gone, NAN, x))[3] == 0


def test_gradients_are_those_of_what_was_seen_and_0_elsewhere(head, raw, x, gone):
    value = torch.where(gone, NAN, x).requires_grad_()
    Observed(head(raw)).log_prob(value).sum().backward()
    wanted = torch.autograd.grad(each_log_prob(head(raw), x)[~gone].sum(), raw)[0]
    assert torch.equal(raw.grad, wanted)
    assert (raw.grad[gone] == 0).all()
    assert torch.isfinite(value.grad).all()
    assert (value.grad[gone] == 0).all()


def test_a_value_is_broadcast_over_the_draws_of_a_decoder(head, raw, x, gone):
    several = Observed(head(torch.stack([raw, -raw])))
    value = torch.where(gone, NAN, x)
    assert several.log_prob_each(value).shape == (2, 4, 2, 3)
    torch.testing.assert_close(several.log_prob(value)[1], Observed(head(-raw)).log_prob(value))
    draws = Observed(head(raw)).sample((5,))
    torch.testing.assert_close(Observed(head(raw)).log_prob(draws)[3], head(raw).log_prob(draws[3]))
    torch.testing.assert_close(several.log_prob(value[0])[0, 2], Observed(head(raw[2])).log_prob(value[0]))


def test_extremes_stay_finite_in_float32(head):
    inside = torch.tensor([-1e4, 0.0, 1e4])[:, None, None].expand(3, 2, 1).clone().requires_grad_()
    value = torch.tensor([[NAN], [1.0]])
    found = Observed(head(inside)).log_prob(value)
    found.sum().backward()
    assert torch.isfinite(found).all()
    assert torch.isfinite(inside.grad).all()


def test_what_is_integrated_out_leaves_the_rest(head):
    """Over a grid: the integral of the whole density over one value is the density of the other."""
    if head is HEADS["bernoulli"]:
        grid, width = torch.tensor([0.0, 1.0], dtype=torch.float64), 1.0
    elif head is HEADS["gaussian"]:
        grid, width = torch.linspace(-14, 14, 28_001, dtype=torch.float64), 1e-3
    else:
        grid, width = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000, 1 / 20_000
    p = head(torch.tensor([[0.7, -1.2]], dtype=torch.float64))
    whole = torch.stack([grid, torch.ones_like(grid)], dim=-1)[:, None]
    marginal = (Observed(p).log_prob(whole).exp().sum() * width).log()
    seen = Observed(p).log_prob(torch.tensor([[NAN, 1.0]], dtype=torch.float64))
    torch.testing.assert_close(seen, marginal, rtol=0, atol=1e-7)


def test_two_times_observed_is_observed(head, raw, x, gone):
    value = torch.where(gone, NAN, x)
    once = Observed(head(raw))
    assert torch.equal(each_log_prob(once, value), once.log_prob_each(value))
