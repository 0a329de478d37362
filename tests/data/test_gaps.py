"""Patterns of missing cells are drawn as often as they were there."""

import numpy as np
import pytest

from latentwalk.data import gaps
from latentwalk.data.gaps import MissingPatterns
from latentwalk.errors import DataError

RNG = np.random.default_rng(0)


def rows(n=4000):
    x = RNG.normal(size=(n, 11))
    x[RNG.random(n) < 0.2, :3] = np.nan  # together
    x[RNG.random(n) < 0.1, 9] = np.nan  # by itself
    return x


def test_masks_have_the_rates_and_the_patterns_of_the_rows():
    missing = np.isnan(rows())
    x = np.where(missing, np.nan, 1.0)
    masks = MissingPatterns.of(x).masks(20_000, np.random.default_rng(1))
    np.testing.assert_allclose(masks.mean(axis=0), missing.mean(axis=0), atol=0.01)
    np.testing.assert_allclose(np.cov(masks.T), np.cov(missing.T), atol=0.01)
    assert {one.tobytes() for one in masks} <= {one.tobytes() for one in missing}


def test_what_is_kept_is_bounded_and_rates_stay(monkeypatch):
    monkeypatch.setattr(gaps, "MOST", 50)
    x = np.where(RNG.random((3000, 20)) < np.linspace(0, 0.6, 20), np.nan, 1.0)
    kept = MissingPatterns.of(x)
    assert len(kept.patterns) <= sum(kept.counts) <= 50
    kept.masks(10, np.random.default_rng(0))
    full = np.where(RNG.random((3000, 4)) < 0.5, np.nan, 1.0)
    assert sum(MissingPatterns.of(full).counts) == 3000


@pytest.mark.parametrize("wrong", [(3, (), ()), (3, ("e0",), ()), (3, ("e0",), (0,)), (3, ("zz",), (1,)), (9, ("e0",), (1,))])
def test_what_are_no_patterns_is_refused(wrong):
    with pytest.raises(DataError, match="patterns and counts"):
        MissingPatterns(*wrong)
