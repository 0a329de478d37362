"""Ends that data has for a reason are kept, those of the draw are not."""

import numpy as np
import pytest
import torch

from latentwalk.data.limits import Limit, limits_of
from latentwalk.data.scaling import Scaling
from latentwalk.data.spec import DataSpec
from latentwalk.errors import DataError

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("values", "low", "high", "whole"), [
    (RNG.normal(size=500), None, None, False),
    (RNG.lognormal(size=500), 0, None, False),
    (-RNG.lognormal(size=500), None, 0, False),
    (RNG.beta(1, 1, 500), 0, 1, False),
    (0.5 * RNG.beta(2, 2, 500), 0, None, False),
    (RNG.normal(50, 9, 500).round(), 0, None, True),
    (RNG.normal(size=500).clip(-1, 1), -1, 1, False),
    (RNG.integers(1, 6, 500), 1, 5, True),
    (np.where(RNG.random(500) < 0.2, np.nan, RNG.integers(-3, 9, 500)), -3, 8, True),
    (np.full(500, 7.0), None, None, False),
])  # fmt: skip
def test_ends_are_those_that_data_has_for_a_reason(values, low, high, whole):
    (limit,) = limits_of(np.asarray(values)[:, None], 1, [0])
    assert (limit.low, limit.high, limit.step) == (low, high, 1 if whole else None)
    assert limits_of(np.asarray(values)[:, None], 1, []) == (Limit(),)


def test_times_have_the_coarsest_step_that_they_are_multiples_of():
    days = RNG.integers(0, 9000, (400, 3)).astype(float)
    times = np.column_stack([86_400e6 * days[:, 0], 60e6 * days[:, 1], RNG.normal(size=400) * 1e12, days[:, 2]])
    times[::7, 0] = np.nan
    assert [one.step for one in limits_of(times, 4, range(4), [0, 1, 2])] == [86_400e6, 60e6, None, 1]


def test_nothing_leaves_its_limits_on_the_way_back_and_what_is_nearly_there_is_taken_for_the_end():
    spent = np.where(RNG.random(1000) < 0.3, 0.0, RNG.uniform(10, 90, 1000))
    x = np.column_stack([spent, RNG.normal(size=1000)])
    limits = limits_of(x, 2, [0, 1])
    assert limits[0].low == 0
    assert limits[0].below == pytest.approx(5.4, abs=0.4)
    spec = DataSpec("table", (2,), "flat", "float64", -9, 99, 0.0, limits=limits)
    raw = torch.tensor([[-3.0, -3.0], [0.0, 0.0], [4.0, 4.0], [7.0, 7.0], [torch.nan, torch.nan]])
    back = Scaling(spec).inverse(raw)
    np.testing.assert_array_equal(back, [[0, -3], [0, 0], [0, 4], [7, 7], [np.nan, np.nan]])


@pytest.mark.parametrize("wrong", [(1.0, 0.0), (np.nan,), (None, None, None, 1.0), (0.0, 9.0, None, 10.0), (0, 9, 0), ("a",)])
def test_what_are_no_ends_is_refused(wrong):
    with pytest.raises(DataError, match="no column lies between"):
        Limit(*wrong)
