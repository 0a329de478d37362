"""Blends: barycentres with known answers, products of Gaussians, and weights that are shares."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation
from scipy.stats import norm

from latentwalk.errors import ConfigError
from latentwalk.latent.moves.barycentres import mean, product, shares, spherical_mean
from latentwalk.latent.moves.paths import great_circle

RNG = np.random.default_rng(0)
weights = arrays(np.float64, 4, elements=st.floats(0, 1e6)).filter(lambda w: w.max() > 1e-3)


@settings(derandomize=True, deadline=None)
@given(weights, st.floats(1e-200, 1e200))
def test_scaled_weights_are_the_same_shares(w, scale):
    np.testing.assert_allclose(shares(4, scale * w), shares(4, w), rtol=1e-9, atol=1e-12)
    assert shares(4, w).sum() == pytest.approx(1)


def test_huge_weights_do_not_overflow():
    assert shares(2, [1e308, 1e308]).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("t", [0, 0.25, 0.5, 0.9, 1])
def test_of_two_codes_barycentres_are_points_of_their_paths(t):
    a, b = RNG.normal(size=(2, 7))
    w = np.array([1 - t, t])
    np.testing.assert_allclose(mean(np.stack([a, b]), w), (1 - t) * a + t * b)
    np.testing.assert_allclose(spherical_mean(np.stack([a, b]), w), great_circle(a, b, np.array([t]))[0], atol=1e-12)


def test_the_spherical_mean_turns_with_the_codes_and_keeps_their_length():
    z = RNG.normal([3, 0, 0], size=(5, 3))
    w, turn = shares(5, [1, 2, 3, 4, 5]), Rotation.random(rng=1)
    np.testing.assert_allclose(turn.apply(spherical_mean(z, w)), spherical_mean(turn.apply(z), w), atol=1e-12)
    assert np.linalg.norm(spherical_mean(z, w)) == pytest.approx(w @ np.linalg.norm(z, axis=1))


def test_the_spherical_mean_has_the_least_squared_angles():
    z = RNG.normal([2, 0, 0, 0], size=(6, 4))
    u, w = z / np.linalg.norm(z, axis=1, keepdims=True), shares(6, np.arange(1, 7))

    def cost(centre):
        return w @ np.arccos(np.clip(u @ centre / np.linalg.norm(centre), -1, 1)) ** 2

    found = spherical_mean(z, w) / np.linalg.norm(spherical_mean(z, w))
    assert all(cost(found + 1e-3 * step) > cost(found) for step in RNG.normal(size=(50, 4)))


@pytest.mark.parametrize("z", [[[1.0, 0], [-2, 0]], [[1, 0], [0, 0]], [[0, 0], [0, 0]]])
def test_where_there_is_no_direction_between_it_is_the_plain_mean(z):
    np.testing.assert_array_equal(spherical_mean(np.array(z), shares(2)), np.mean(z, axis=0))


def test_a_code_without_weight_is_not_there():
    z = np.array([[1.0, 0], [0, 1], [0, 0]])
    np.testing.assert_allclose(spherical_mean(z, np.array([0.5, 0.5, 0])), [np.sqrt(0.5)] * 2)


def test_two_equal_posteriors_halve_the_variance():
    centre, scale = product([np.array([1.0, 2])] * 2, [np.array([0.5, 3])] * 2, np.ones(2))
    np.testing.assert_allclose(centre, [1, 2])
    np.testing.assert_allclose(scale**2, [0.125, 4.5])


def test_a_product_is_proportional_to_the_product_of_densities():
    means, scales, w = RNG.normal(size=(3, 1)), np.array([[0.3], [1], [2]]), np.array([0.5, 2, 1])
    centre, scale = product(means, scales, w)
    z = np.linspace(-2, 2, 9)
    log_product = (w[:, None] * norm.logpdf(z, means, scales)).sum(0)
    np.testing.assert_allclose(np.diff(log_product), np.diff(norm.logpdf(z, centre, scale)), atol=1e-12)


def test_who_is_surer_decides_more():
    centre, _ = product([np.array([0.0, 0]), np.array([1.0, 1])], [np.array([1.0, 0.1]), np.array([0.1, 1.0])], np.ones(2))
    np.testing.assert_allclose(centre, [100 / 101, 1 / 101])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1, 2, 3], "expected 2 weights"),
        (1.0, "expected 2 weights"),
        ([1, -1], "0 or more"),
        ([0, 0], "not all 0"),
        ([1, np.nan], "0 or more"),
        ([1, np.inf], "0 or more"),
        (["a", "b"], "all numbers"),
    ],
)
def test_weights_that_are_none_are_refused(given, message):
    with pytest.raises(ConfigError, match=message):
        shares(2, given)
