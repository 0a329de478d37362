"""Tables of mixed columns: every column's distribution is what SciPy says, and a missing cell has no part in anything."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from latentwalk.data.columns import Column
from latentwalk.models.mixed import OTHER, Counts, Inputs, MixedHead, Named

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


def test_columns_are_scipys_over_a_wide_range_of_scales_and_degrees_of_freedom():
    logs = torch.cartesian_prod(torch.linspace(-6.9, 6.9, 9), torch.linspace(-6.9, 6.9, 9)).double()
    columns = [Column(str(at), "continuous") for at in range(len(logs))]
    heavy, light = (MixedHead(columns, [kind] * len(columns)).double() for kind in ("student-t", "gaussian"))
    heavy.slow_log_scale.data, heavy.slow_log_freedom.data, light.slow_log_sigma.data = *(logs / 10).T, logs[:, 0] / 10
    scale, freedom = logs.exp().numpy().T
    loc = torch.linspace(-30, 30, len(columns), dtype=torch.float64)
    for x in (-1e4, -1.0, 0.0, 0.3, 700.0):
        value = torch.full_like(loc, x)
        wanted = stats.t(2 + freedom, loc, scale).logpdf(x)
        np.testing.assert_allclose(heavy(loc).log_prob_each(value).detach(), wanted, rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(light(loc).log_prob_each(value).detach(), stats.norm(loc, scale).logpdf(x), rtol=1e-11)


DISPERSIONS, MEANS = torch.linspace(-6.9, 6.9, 12).exp().double(), torch.linspace(-11.0, 14.0, 12).exp().double()


@pytest.mark.parametrize("count", [0, 1, 3, 40, 5000, 10**6])
def test_counts_are_scipys_over_a_wide_range_of_means_and_dispersions(count):
    r, mean = torch.meshgrid(DISPERSIONS, MEANS, indexing="ij")
    found = Counts(r, logits=(mean / r).log(), validate_args=False).log_prob(torch.full_like(r, count))
    np.testing.assert_allclose(found, stats.nbinom(r, r / (r + mean)).logpmf(count), rtol=3e-9)


@pytest.mark.parametrize("count", [1e3, 1e5, 1e6])
def test_large_counts_keep_their_digits_in_float32(count):
    """Near their mean, where log p is small and everything it is the difference of is large."""
    r, mean = DISPERSIONS.float(), torch.full((12,), count)
    found = Counts(r, logits=(mean / r).log(), validate_args=False).log_prob(torch.full_like(r, count))
    wanted = stats.nbinom(r.double(), 1 / (1 + mean.double() / r.double())).logpmf(count)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, wanted, atol=4e-3)


def test_the_head_gives_counts_the_mean_and_dispersion_it_learnt(head):
    negative = head(raw(head)).numeric[2]
    logs = raw(head)[:, 2:4] + torch.tensor([4.0, 0.3]).log()
    torch.testing.assert_close(negative.mean.detach(), logs.exp(), rtol=1e-6, atol=0)
    torch.testing.assert_close(negative.total_count[0].detach(), (10 * head.slow_log_dispersion).exp().detach())
    assert (head(raw(head)).numeric[1].df > 2).all()


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
    full = head(inside).sample().detach()
    gone = torch.tensor([column in missing for column in range(6)])
    p = head(inside)
    each = p.log_prob_each(torch.where(gone, NAN, full))
    assert torch.equal(each, torch.where(gone, 0.0, p.log_prob_each(full)))
    found = torch.autograd.grad(p.log_prob(torch.where(gone, NAN, full)).sum(), [inside, *head.parameters()])
    p = head(inside)
    wanted = torch.autograd.grad(p.log_prob_each(full)[:, ~gone].sum(), [inside, *head.parameters()])
    for one, other in zip(found, wanted, strict=True):
        assert torch.isfinite(one).all()
        assert torch.equal(one, other)


@pytest.mark.parametrize("column", range(6))
def test_a_missing_cell_leaves_every_other_input_as_it_is_and_its_own_empty(column):
    inputs = Inputs(COLUMNS, missing=True)
    x = torch.tensor([[2.0, 0.5, 4.0, -1.0, 1.0, 3.0]])
    holed = x.clone()
    holed[0, column] = NAN
    changed = (inputs(x) != inputs(holed))[0].nonzero().flatten().tolist()
    own = [[4, 5, 6], [0], [2], [1], [7, 8], [3]][column]  # numbers, counts, the two categories, then what was observed
    assert set(changed) <= {*own, 9 + column}
    assert 9 + column in changed
    assert (inputs(holed)[0, own] == 0).all()


def test_noise_moves_a_code_to_the_nearest_category():
    x = torch.tensor([[1.6, 0.0, 0.0, 0.0, 0.6, 0.0], [0.4, 0.0, 0.0, 0.0, -3.0, 0.0], [9.0, 0.0, 0.0, 0.0, 0.4, 0.0]])
    found = Inputs(COLUMNS, missing=False)(x)
    assert found[:, 4:7].argmax(-1).tolist() == [2, 0, 2]
    assert found[:, 7:9].argmax(-1).tolist() == [1, 0, 0]


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
    assert all(torch.isfinite(weight.grad).all() for weight in head.parameters())


def test_a_count_far_above_a_million_can_be_learnt():
    head = MixedHead((Column("a", "count", typical=5e6),), ("negative-binomial",))
    inside = torch.zeros(1, 1, requires_grad=True)
    p = head(inside)
    assert p.mean.item() == pytest.approx(5e6, rel=1e-5)
    p.log_prob(torch.tensor([[8e6]])).sum().backward()
    assert inside.grad.item() > 0


def test_columns_of_one_kind_alone_and_categories_of_one_value():
    for columns, kinds in (
        ([Column("a", "continuous")], ["student-t"]),
        ([Column("a", "category", categories=(0.1,))], ["categorical"]),
        ([Column("a", "count"), Column("b", "count")], ["negative-binomial"] * 2),
    ):
        head = MixedHead(columns, kinds)
        p = head(torch.randn(5, 3, *head.raw_shape((len(columns),))))
        draws = p.sample((2,))
        assert draws.shape == (2, 5, 3, len(columns))
        assert p.mean.shape == (5, 3, len(columns))
        assert torch.isfinite(p.log_prob(draws)).all()
    assert (p.log_prob(draws) < 0).all()


def test_a_category_never_seen_is_no_likelier_than_any_that_was(head):
    p = head(4 * raw(head))
    each = torch.stack([p.log_prob_each(torch.tensor([float(code), 0, 0, 0, 0, 0]))[:, 0] for code in range(4)])
    assert (each[:3].exp().sum(0) - 1).abs().max() < 1e-12
    assert (each[3] <= each[:3].amin(0)).all()
    assert (each[3] <= OTHER).all()
    assert each.exp().sum(0).max() <= 1 + math.exp(OTHER) + 1e-12
    found = Inputs(COLUMNS, missing=False)(torch.tensor([[3.0, 0.0, 0.0, 0.0, 2.0, 0.0]]))
    assert (found[0, 4:] == 0).all()


def test_a_count_below_zero_is_no_likelier_than_none(head):
    p = head(raw(head))
    negative, none, some = (p.log_prob_each(torch.tensor([0.0, 0, n, 0, 0, n]))[:, [2, 5]] for n in (-3.0, 0.0, 2.5))
    assert (negative <= none.clamp(max=OTHER)).all()
    assert torch.isfinite(negative).all()
    assert torch.isfinite(some).all()


@pytest.mark.parametrize("kind", ["gaussian", "student-t"])
def test_a_column_that_was_always_the_same_is_a_point(kind):
    columns = (Column("a", "continuous", constant=1e-9), Column("b", "continuous"))
    p = MixedHead(columns, (kind, kind))(torch.randn(4, 2))
    assert (p.mean[:, 0] == 0).all()
    assert (p.sample((3,))[..., 0] == 0).all()
    assert (p.sample((3,))[..., 1] != 0).all()
    x = torch.tensor([[0.0, 0.3], [1e-9, 0.3], [torch.inf, 0.3], [NAN, 0.3]])
    assert p.log_prob_each(x)[:, 0].tolist() == pytest.approx([0, OTHER, OTHER, 0])
    inside = Inputs(columns, missing=False)(x)
    assert inside.tolist() == [[0.0, pytest.approx(0.3)]] * 4


# ---------------------------------------------------------------------- many categories


def test_rare_categories_have_one_probability_together_and_are_drawn_as_often_as_they_were_there():
    named = Named(torch.tensor([0.3, -0.2, 1.0]).double(), (6, 3, 1))  # codes 0 and 1; 2, 3 and 4 are rare
    each = named.log_prob(torch.arange(6))
    assert float(each[:3].exp().sum()) == pytest.approx(1)
    assert torch.equal(each[2:], each[2].expand(4))
    torch.manual_seed(0)
    drawn = named.sample((40_000,))
    shares = torch.bincount(drawn).double() / len(drawn)
    wanted = torch.softmax(named.logits, -1)
    np.testing.assert_allclose(shares, [*wanted[:2], *(wanted[2] * torch.tensor([0.6, 0.3, 0.1]))], atol=0.01)
    assert int(Named(torch.tensor([0.0, 0.1, 9.0]), (1,)).mode) == 1
    assert float(Named(torch.tensor([0.0, 0.1, 9.0])).log_prob(torch.tensor(3))) <= OTHER


def test_many_categories_are_read_as_vectors_the_rare_and_the_unknown_as_one():
    column = Column("a", "category", categories=tuple(range(9)), rare=(2, 1), embedded=4)
    torch.manual_seed(0)
    inputs = Inputs([column, Column("b", "continuous")], missing=True)
    read = inputs(torch.tensor([[code, 0.5] for code in (0, 6, 7, 8, 9, NAN)]))
    assert read.shape == (6, inputs.size) == (6, 1 + 4 + 2)
    vectors = read[:, 1:5]
    assert not torch.equal(vectors[0], vectors[1])
    assert not vectors[2:].any()  # at first; then as they are learnt, but for the missing one
    torch.nn.init.ones_(inputs.vectors[0].weight)
    assert inputs(torch.tensor([[8, 0.5], [9, 0.5], [NAN, 0.5]]))[:, 1].tolist() == [1, 1, 0]
