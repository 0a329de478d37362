"""Tables of mixed columns: every column's distribution is what SciPy says, and a missing cell has no part in anything."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Independent, Normal

from latentwalk.data.columns import Column
from latentwalk.models.heads import Bits, Gray
from latentwalk.models.mixed import Inputs, MixedHead
from latentwalk.models.observed import Observed, each_log_prob

COLUMNS = (
    Column("a", "category", categories=("x", "y", "z")),
    Column("b", "continuous"),
    Column("c", "count", typical=4.0),
    Column("d", "continuous"),
    Column("e", "category", categories=(False, True)),
    Column("f", "count", typical=0.3),
)
KINDS = ("categorical", "gaussian", "negative-binomial", "student-t", "categorical", "negative-binomial")
NAN = torch.nan


@pytest.fixture
def head():
    torch.manual_seed(0)
    head = MixedHead(COLUMNS, KINDS).double()
    for parameter in head.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return head


def raw(head, n=7):
    return torch.randn(n, *head.raw_shape((6,)), dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_student_t_and_negative_binomial_are_scipys_over_a_wide_range(head):
    p = head(raw(head))
    gaussian, student, negative = p.numeric
    for x in (-50.0, -1.0, 0.0, 0.3, 700.0):
        value = torch.full((7, 1), x, dtype=torch.float64)
        wanted = stats.t(student.df.detach(), student.loc, student.scale.detach()).logpdf(x)
        np.testing.assert_allclose(student.log_prob(value).detach(), wanted, rtol=1e-9)
        wanted = stats.norm(gaussian.loc, gaussian.scale.detach()).logpdf(x)
        np.testing.assert_allclose(gaussian.log_prob(value).detach(), wanted, rtol=1e-9)
    r, mean = negative.total_count.detach().numpy(), negative.mean.detach().numpy()
    for count in (0, 1, 3, 40, 5000):
        found = negative.log_prob(torch.full((7, 2), float(count), dtype=torch.float64)).detach()
        np.testing.assert_allclose(found, stats.nbinom(r, r / (r + mean)).logpmf(count), rtol=1e-8)
    assert (student.df > 2).all()


def test_every_column_sums_or_integrates_to_one_by_itself(head):
    p = head(raw(head, 1))
    empty = torch.full((1, 6), NAN, dtype=torch.float64)

    def mass(column, values, width=1.0):
        x = empty.expand(len(values), 6).clone()
        x[:, column] = torch.as_tensor(values, dtype=torch.float64)
        return float(p.log_prob(x[:, None]).detach().exp().sum()) * width

    assert mass(0, [0, 1, 2]) == pytest.approx(1)
    assert mass(4, [0, 1]) == pytest.approx(1)
    assert mass(2, np.arange(3000)) == pytest.approx(1, abs=1e-6)
    assert mass(5, np.arange(3000)) == pytest.approx(1, abs=1e-6)
    grid = np.linspace(-400, 400, 400_001)
    assert mass(1, grid, grid[1] - grid[0]) == pytest.approx(1, abs=1e-6)
    assert mass(3, grid, grid[1] - grid[0]) == pytest.approx(1, abs=1e-3)  # a heavy tail lies beyond


def test_the_whole_row_is_the_sum_of_its_cells_and_means_are_those_of_draws(head):
    torch.manual_seed(0)
    p = head(raw(head, 2))
    draws = p.sample((40_000,))
    assert draws.shape == (40_000, 2, 6)
    torch.testing.assert_close(p.log_prob(draws[:5]), p.log_prob_each(draws[:5]).sum(-1))
    numbers = [1, 2, 3, 5]
    error = draws[..., numbers].std(0) / math.sqrt(len(draws))
    assert ((draws.mean(0) - p.mean)[..., numbers].abs() < 5 * error + 1e-9).all()
    for column, sizes in ((0, 3), (4, 2)):
        shares = torch.stack([(draws[..., column] == code).double().mean(0) for code in range(sizes)], -1)
        assert torch.equal(shares.argmax(-1).double(), p.mean[..., column])
        logits = p.categorical[0 if column == 0 else 1].logits
        torch.testing.assert_close(shares, logits.softmax(-1).detach(), atol=0.015, rtol=0)


@pytest.mark.parametrize("missing", [(0,), (1, 3), (2, 4, 5), (0, 1, 2, 3, 4)])
def test_a_missing_cell_has_no_part_in_value_or_gradient(head, missing):
    inside = raw(head).requires_grad_()
    x = head(inside).sample().detach()
    x[:, list(missing)] = NAN
    p = head(inside)
    each = p.log_prob_each(x)
    assert (each[:, list(missing)] == 0).all()
    gradients = torch.autograd.grad(p.log_prob(x).sum(), [inside, *head.parameters()], allow_unused=True)
    assert all(torch.isfinite(g).all() for g in gradients if g is not None)
    rest = [column for column in range(6) if column not in missing]
    alone = sum(p.log_prob_each(torch.where(torch.arange(6) == column, x, NAN))[:, column] for column in rest)
    torch.testing.assert_close(p.log_prob(x), alone)
    seen = Inputs(COLUMNS, missing=True)
    assert not seen(x).isnan().any()


def test_inputs_say_all_that_is_known_and_nothing_else():
    inputs = Inputs(COLUMNS, missing=True)
    x = torch.tensor([[2.0, 0.5, 4.0, -1.0, 1.0, 0.0], [NAN, NAN, NAN, NAN, NAN, 7.0]])
    found = inputs(x)
    assert found.shape == (2, inputs.size) == (2, 2 + 2 + 5 + 6)
    assert found[0].tolist() == pytest.approx([0.5, -1, 0, -math.log1p(0.3), 0, 0, 1, 0, 1, *[1] * 6], abs=1e-6)
    assert found[1].tolist() == pytest.approx([0, 0, 0, math.log(8 / 1.3), 0, 0, 0, 0, 0, *[0] * 5, 1], abs=1e-6)
    assert Inputs(COLUMNS, missing=False).size == inputs.size - 6


def test_extremes_stay_finite_in_float32():
    head = MixedHead(COLUMNS, KINDS)
    inside = (1e4 * torch.tensor([-1.0, 0.0, 1.0])[:, None]).expand(-1, *head.raw_shape((6,))).clone().requires_grad_()
    x = torch.tensor([2.0, 1e4, 1e6, -1e4, 1.0, 0.0]).expand(3, -1)
    value = head(inside).log_prob(x)
    value.sum().backward()
    assert torch.isfinite(value).all()
    assert torch.isfinite(inside.grad).all()


@pytest.mark.parametrize(
    "base",
    [
        Independent(Normal(torch.zeros(4, 2, 3), torch.ones(4, 2, 3)), 2),
        Bits(torch.randn(4, 2, 3), 2),
        Independent(Gray(logits=torch.randn(4, 2, 3), validate_args=False), 2, validate_args=False),
    ],
    ids=["gaussian", "bernoulli", "continuous bernoulli"],
)
def test_observed_is_the_whole_where_all_is_seen_and_the_sum_of_what_is_seen_otherwise(base):
    x = torch.rand(4, 2, 3)
    p = Observed(base)
    torch.testing.assert_close(p.log_prob(x), base.log_prob(x))
    holed = x.clone()
    holed[0, 1], holed[2, 0, 0] = NAN, NAN
    each = each_log_prob(base, x)
    torch.testing.assert_close(p.log_prob(holed), torch.where(holed.isnan(), 0.0, each).sum((1, 2)))
    torch.testing.assert_close(p.mean, base.mean)
