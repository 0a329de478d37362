"""Classifiers as density ratios, where the ratio is known; and a mixture only where points are no Gaussian."""

import numpy as np
import pytest

from latentwalk.latent.criteria.ratio import logits
from latentwalk.latent.criteria.region import _mixture


@pytest.mark.parametrize("many", [500, 4_000])
def test_both_sides_count_alike_however_many_there_are(many: int) -> None:
    """N(0, 1) against N(1, 1): the logit is 1/2 - x, whichever side is larger. Unweighted, 2.08 would be missing of it."""
    rng = np.random.default_rng(1)
    first, second = rng.standard_normal((500, 1)), 1 + rng.standard_normal((many, 1))
    x = np.linspace(-0.5, 1.5, 21)[:, None]
    for score in logits(first, second, seed=0, rounds=4, batch=128):
        assert np.abs(score(x) - (0.5 - x[:, 0])).mean() < 0.45


def test_a_mixture_is_asked_where_points_are_no_gaussian() -> None:
    rng = np.random.default_rng(2)
    gaussian = rng.standard_normal((800, 2)) @ [[1, 0.8], [0, 0.6]]
    clusters = rng.choice([-3.0, 3.0], (800, 2)) + 0.3 * rng.standard_normal((800, 2))
    assert _mixture(gaussian, 0) is None
    found = _mixture(clusters, 0)
    assert found is not None and len(found.weights) >= 4
