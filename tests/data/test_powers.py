"""Power transforms are monotone, undone to all digits, and have the slope that they say; only skewed columns get one."""

import warnings

import numpy as np
import pytest
import torch
from scipy import stats

from latentwalk.data import powers
from latentwalk.data.limits import Limit
from latentwalk.data.powers import Power, powers_of
from latentwalk.data.scaling import Scaling
from latentwalk.data.spec import DataSpec
from latentwalk.data.transform import PowerTransform
from latentwalk.errors import DataError

RNG = np.random.default_rng(0)
POWERS = (Power(0.0, 2.0, 0.0), Power(-3.0, 0.5, 2.0), Power(1e5, 3e4, 0.3), Power(0.1, 1e-3, 1.7), None)
ROWS = torch.from_numpy(np.array([0.0, -3.0, 1e5, 0.1, 7.0]) + RNG.standard_t(2, (300, 5)) * [9, 9, 1e5, 0.1, 3])


def test_what_is_transformed_comes_back():
    power = PowerTransform(POWERS)
    np.testing.assert_allclose(power.inverse(power(ROWS)), ROWS, rtol=1e-12, atol=1e-12)
    assert torch.equal(power(ROWS)[:, 4], ROWS[:, 4])


def test_the_slope_is_autograds_and_positive():
    power = PowerTransform(POWERS)
    x = ROWS.clone().requires_grad_()
    power(x).sum().backward()
    assert (x.grad > 0).all()
    np.testing.assert_allclose(power.log_slope(ROWS), x.grad.log(), rtol=1e-9, atol=1e-12)


def test_exponents_between_0_and_2_are_scipys():
    x = RNG.normal(size=500) * 3
    for exponent in (0.0, 0.4, 1.0, 1.6, 2.0):
        found = PowerTransform([Power(0.0, 1.0, exponent)])(torch.from_numpy(x[:, None]))[:, 0]
        np.testing.assert_allclose(found, stats.yeojohnson(x, exponent), rtol=1e-12)


def test_a_missing_value_stays_missing_and_all_else_is_a_number():
    power = PowerTransform([Power(0.0, 1.0, 0.0)] * 3)
    x = torch.tensor([[torch.nan, 1e308, -1e100]], dtype=torch.float64)
    assert power(x).isnan().tolist() == [[True, False, False]]
    assert power.log_slope(x)[0, 0] == 0
    assert torch.isfinite(power.inverse(torch.tensor([[1e30, -1e30, 0.0]]))).all()


def found(values, how="auto", limit=Limit(0.0)):  # noqa: B008  # frozen
    return (powers_of(np.asarray(values)[:, None], [limit], [0], how) or (None,))[0]


@pytest.mark.parametrize("skewed", [
    RNG.lognormal(10, 1, 4000), 1e-9 * RNG.lognormal(0, 1.5, 4000), RNG.exponential(30, 4000), RNG.gamma(0.5, 3, 4000),
    RNG.pareto(1.5, 4000),
])  # fmt: skip
def test_a_skewed_column_becomes_nearly_normal(skewed):
    power = PowerTransform([found(skewed)])
    bent = power(torch.from_numpy(skewed[:, None])).numpy()[:, 0]
    assert stats.kstest(stats.zscore(bent), "norm").statistic < 0.05 < stats.kstest(stats.zscore(skewed), "norm").statistic


@pytest.mark.parametrize("plain", [
    RNG.normal(size=4000), RNG.uniform(size=4000), RNG.integers(1950, 2020, 4000).astype(float), np.full(4000, 3.0),
    RNG.geometric(0.3, 4000).astype(float), RNG.choice([0.0, 1.0], 4000), np.full(4000, np.nan),
])  # fmt: skip
def test_what_is_not_skewed_or_has_few_levels_stays_as_it_is(plain):
    assert found(plain, limit=Limit()) is None


def test_a_column_is_transformed_alike_in_any_unit_and_either_direction():
    values = RNG.lognormal(3, 1, 2000)
    one, thousand, below = found(values), found(1000 * values), found(-values, limit=Limit(None, 0.0))
    assert (thousand.centre, thousand.width) == pytest.approx((1000 * one.centre, 1000 * one.width))
    assert (thousand.exponent, 2 - below.exponent) == pytest.approx((one.exponent, one.exponent), abs=1e-3)
    assert found(values, "none") is None
    assert found(values, "centred").centre == pytest.approx(values.mean())


def test_columns_that_lie_on_lines_stay_there_and_those_on_powers_of_each_other_are_brought_there():
    size = RNG.lognormal(0, 0.6, (4000, 2))
    on_lines = np.column_stack([size, size @ [1.0, 2.0], size @ [1.0, 0.5]]) + 0.02 * RNG.normal(size=(4000, 4))
    power_laws = np.column_stack([size, size[:, 0] ** 2, size[:, 0] * size[:, 1]]) * RNG.lognormal(0, 0.05, (4000, 4))
    assert powers_of(on_lines, [Limit()] * 4, range(4), "auto") == ()
    assert all(powers_of(power_laws, [Limit(0.0)] * 4, range(4), "auto"))
    gaps = np.where(RNG.random(power_laws.shape) < 0.1, np.nan, power_laws)
    assert all(powers_of(gaps, [Limit(0.0)] * 4, range(4), "auto"))


def test_a_column_beside_those_on_lines_is_transformed_as_it_would_be_alone():
    size = RNG.lognormal(0, 0.6, (4000, 2))
    on_lines = np.column_stack([size, size @ [1.0, 2.0], size @ [1.0, 0.5]]) + 0.02 * RNG.normal(size=(4000, 4))
    beside = np.column_stack([on_lines, RNG.lognormal(0, 1, 4000)])
    together = powers_of(beside, [Limit()] * 5, range(5), "auto")
    assert together[:4] == (None,) * 4 and together[4] == powers_of(beside, [Limit()] * 5, [4], "auto")[4]


def test_of_many_columns_some_are_looked_at_together(monkeypatch):
    seen = []
    monkeypatch.setattr(powers, "TOGETHER", 5)
    monkeypatch.setattr(powers, "_together", lambda flat, chosen: seen.append(flat.shape[1]) or [True] * len(chosen))
    assert all(powers_of(RNG.lognormal(0, 1, (200, 12)), [Limit(0.0)] * 12, range(12), "auto")) and seen == [5]


def test_numbers_of_any_size_are_looked_at_together():
    wide = RNG.lognormal(0, 1, (200, 2)) * [1e200, 1e-200]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert powers_of(wide, [Limit(0.0)] * 2, range(2), "auto") is not None


def test_columns_that_have_nothing_to_do_with_each_other_are_transformed_as_they_would_be_alone():
    apart = np.column_stack([RNG.lognormal(3, 1, 4000), RNG.normal(size=4000), RNG.exponential(2, 4000)])
    together = powers_of(apart, [Limit()] * 3, range(3), "auto")
    assert together == tuple((powers_of(apart, [Limit()] * 3, [at], "auto") or (None,) * 3)[at] for at in range(3))


def test_the_volume_of_a_row_is_the_log_determinant_of_its_inverse():
    spec = DataSpec("table", (5,), "flat", "float64", -1e9, 1e9, 0.0, powers=POWERS)
    scaling = Scaling(spec, torch.tensor([1.0, 2, 3, 4, 5]), torch.tensor([1.0, 2, 0.5, 3, 7]))
    x = scaling(ROWS).double()
    for row in (0, 7, 40):
        jacobian = torch.autograd.functional.jacobian(lambda z: scaling.inverse(z[None])[0].double(), x[row])
        wanted = float(torch.linalg.slogdet(jacobian)[1])
        assert scaling.log_volume - float(scaling.log_slope(ROWS)[row].sum()) == pytest.approx(wanted, rel=1e-4)
    at_middle = torch.autograd.functional.jacobian(lambda z: scaling.inverse(z[None])[0].double(), torch.zeros(5).double())
    np.testing.assert_allclose(scaling.unit, at_middle.diagonal(), rtol=1e-5)


@pytest.mark.parametrize(
    "wrong", [(0, 0, 1), (0, -1, 1), (np.inf, 1, 1), (0, 1, 2.1), (0, 1, -0.1), (0, 1, np.nan), ("", 1, 1)]
)
def test_what_is_no_transform_is_refused(wrong):
    with pytest.raises(DataError, match="no transform"):
        Power(*wrong)


def test_a_spec_with_transforms_of_other_columns_is_refused():
    with pytest.raises(DataError, match="5 limits or transforms cannot be those of 4 columns"):
        DataSpec("table", (4,), "flat", "float64", 0, 1, 0.0, powers=POWERS)
