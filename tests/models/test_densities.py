"""Densities of columns: they integrate to one, know gaps, and say nothing of what is missing."""

import json

import numpy as np
import pytest
import torch

from latentwalk.data.columns import Column
from latentwalk.models.densities import ColumnDensities

RNG = np.random.default_rng(0)
X = np.stack([RNG.normal(size=500), RNG.lognormal(3, 2, 500), RNG.integers(0, 3, 500) * 1.0, np.full(500, 7.0)], axis=1)
NAMED = [*(Column(name, "continuous") for name in "ab"), Column("c", "category", categories=("x", "y", "z"))]
DENSITIES = ColumnDensities.fit(X, [*NAMED, Column("d", "continuous")])


def found(x, densities=DENSITIES):
    return densities(torch.from_numpy(np.asarray(x, np.float64))).numpy()


@pytest.mark.parametrize("column", [0, 1])
def test_a_density_integrates_to_one_over_its_scale(column):
    s = np.linspace(-40, 40, 400_001)
    rows = np.repeat(X[:1], len(s), axis=0)
    rows[:, column] = X[:, column].mean() + X[:, column].std() * np.sign(s) * np.expm1(np.abs(s))
    assert np.trapezoid(np.exp(found(rows)[:, column]), s) == pytest.approx(1, abs=1e-5)


def test_shares_of_categories_add_up_to_one():
    rows = np.repeat(X[:1], 4, axis=0)
    rows[:, 2] = np.arange(4)
    shares = np.exp(found(rows)[:, 2])
    assert shares.sum() == pytest.approx(1)
    assert shares[1] == pytest.approx((np.count_nonzero(X[:, 2] == 1) + 0.25) / 501)


def test_a_density_goes_with_units_and_not_with_the_order_of_rows():
    np.testing.assert_allclose(found(X * 1000 + 5, ColumnDensities.fit(X * 1000 + 5))[:, :2], found(X)[:, :2], atol=1e-9)
    again = ColumnDensities.fit(X[::-1], [*NAMED, Column("d", "continuous")])
    np.testing.assert_allclose(found(X, again), found(X), atol=1e-9)


def test_a_gap_is_seen_where_a_mean_would_lie():
    two = np.concatenate([RNG.normal(-3, 0.2, 300), RNG.normal(3, 0.2, 300)])[:, None]
    densities = ColumnDensities.fit(two)
    assert found([[0.0]], densities) < found([[3.0]], densities) - 3
    assert densities.against(torch.tensor([[0.0]]).double() - 20) < -10


def test_what_was_never_seen_is_unlikely_and_not_impossible():
    row = X[0]
    far = found([row, [1e300, *row[1:]], [row[0], row[1], 3, 8.0], [np.nan, *row[1:]]])
    assert np.isfinite(far).all()
    assert far[1, 0] < -500
    assert far[2, 2] < far[0, 2] - 4
    assert (far[0, 3], far[3, 0]) == (0, 0)
    assert far[2, 3] == pytest.approx(np.log(1e-6))


def test_large_numbers_and_empty_columns_do_no_harm():
    x = np.stack([RNG.normal(size=90) * 1e250, np.full(90, np.nan), RNG.normal(size=90) * 1e-250], axis=1)
    logs = found(x, ColumnDensities.fit(x))
    np.testing.assert_allclose(logs[:, 0], found(x / 1e250, ColumnDensities.fit(x / 1e250))[:, 0], atol=1e-9)
    assert (logs[:, 1] == 0).all()
    assert np.isfinite(logs).all()


def test_what_is_usual_is_about_the_mean_over_the_rows():
    np.testing.assert_allclose(DENSITIES.usual.numpy(), found(X).mean(axis=0), atol=0.1)


def test_parts_come_back_from_json_and_what_does_not_go_together_is_refused():
    parts = json.loads(json.dumps(DENSITIES.parts))
    assert np.array_equal(found(X, ColumnDensities(parts)), found(X))
    for wrong in (
        {"counts": [1.0]},
        {"step": [0.0] * 4},
        {"knots": 1},
        {"mean": [np.nan] * 4},
        {"sizes": [9, 0, 3, 0]},
        {"sizes": [np.nan] * 4},
    ):
        with pytest.raises(ValueError, match="densities of columns"):
            ColumnDensities(parts | wrong)
