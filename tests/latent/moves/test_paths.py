"""Paths: exact ends, evenly spaced, lengths and masses that are kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from latentwalk.errors import ConfigError
from latentwalk.latent.moves.paths import along, great_circle, path, quantile, straight

points = arrays(np.float32, 5, elements=st.floats(-10, 10, width=32))
far = arrays(np.float32, 3, elements=st.floats(-(2.0**100), 2.0**100, width=32))
QUARTERS = np.linspace(0, 1, 5)


@settings(derandomize=True, deadline=None)
@given(points, points, st.integers(2, 9), st.sampled_from(["linear", "spherical", "quantile"]))
def test_ends_are_exact_and_all_points_finite(a, b, steps, name):
    way = path(name)(a, b, np.linspace(0, 1, steps))
    assert way.shape == (steps, 5)
    assert (way[0] == a).all()
    assert (way[-1] == b).all()
    assert np.isfinite(way).all()


@settings(derandomize=True, deadline=None)
@given(points, st.sampled_from(["linear", "spherical", "quantile"]))
def test_equal_ends_are_a_standstill(a, name):
    np.testing.assert_allclose(path(name)(a, a, QUARTERS), np.tile(a, (5, 1)), rtol=1e-7)


@settings(derandomize=True, deadline=None)
@given(points, points, st.integers(3, 9))
def test_linear_steps_are_equal(a, b, steps):
    way = np.diff(straight(a.astype(float), b.astype(float), np.linspace(0, 1, steps)), axis=0)
    np.testing.assert_allclose(way, np.tile(way[0], (steps - 1, 1)), atol=1e-12)


def test_spherical_keeps_the_length_and_turns_evenly():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 32))
    b *= np.linalg.norm(a) / np.linalg.norm(b)
    way = great_circle(a, b, np.linspace(0, 1, 9))
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), np.linalg.norm(a), rtol=1e-12)
    unit = way / np.linalg.norm(way, axis=1, keepdims=True)
    angles = np.arccos((unit[1:] * unit[:-1]).sum(1))
    np.testing.assert_allclose(angles, angles[0], rtol=1e-9)


def test_spherical_length_goes_evenly_from_one_to_the_other():
    way = great_circle(np.array([3.0, 0.0]), np.array([0.0, 1.0]), QUARTERS)
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), [3, 2.5, 2, 1.5, 1])


def test_a_quarter_turn_is_known():
    half, t = np.sqrt(0.5), np.array([0, 0.5, 1])
    np.testing.assert_allclose(great_circle(np.array([1.0, 0.0]), np.array([0.0, 1.0]), t), [[1, 0], [half, half], [0, 1]])


@pytest.mark.parametrize("other", [(2.0, 0.0), (-1.0, 0.0), (0.0, 0.0), (1.0, 0.0), (-3.0, 0.0)])
def test_where_no_single_great_circle_exists_the_line_is_straight(other):
    a, b = np.array([1.0, 0.0], np.float32), np.array(other, np.float32)
    np.testing.assert_array_equal(great_circle(a, b, QUARTERS), straight(a, b, QUARTERS))


def test_opposite_codes_of_many_dimensions_are_recognised_in_float32():
    a = np.random.default_rng(1).normal(size=64).astype(np.float32)
    np.testing.assert_allclose(great_circle(a, -a, QUARTERS), straight(a, -a, QUARTERS), atol=1e-6)


def test_almost_parallel_ends_stay_near_the_line():
    a = np.random.default_rng(2).normal(size=64)
    b = a + 1e-5 * np.random.default_rng(3).normal(size=64)
    np.testing.assert_allclose(great_circle(a, b, QUARTERS), straight(a, b, QUARTERS), atol=1e-8)


@settings(derandomize=True, deadline=None)
@given(points, points)
def test_quantile_goes_evenly_through_the_mass_of_the_prior(a, b):
    t = np.linspace(0, 1, 7)[:, None]
    way = quantile(a, b, t[:, 0])
    a, b = a.astype(float), b.astype(float)
    np.testing.assert_allclose(norm.cdf(way), (1 - t) * norm.cdf(a) + t * norm.cdf(b), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(norm.sf(way), (1 - t) * norm.sf(a) + t * norm.sf(b), rtol=1e-9, atol=1e-300)


@settings(derandomize=True, deadline=None)
@given(far, far)
def test_quantile_knows_no_infinity_and_never_leaves_its_ends(a, b):
    way = quantile(a, b, np.linspace(0, 1, 9))
    assert ((way >= np.minimum(a, b)) & (way <= np.maximum(a, b))).all()


def test_forty_deviations_apart_the_way_is_that_of_the_whole_prior():
    way = quantile(np.array([-40.0]), np.array([40.0]), QUARTERS)[:, 0]
    np.testing.assert_allclose(way, [-40, norm.ppf(0.25), 0, norm.ppf(0.75), 40], atol=1e-12)
    mirrored = quantile(np.array([9.0, -30]), np.array([35.0, -8]), QUARTERS)
    np.testing.assert_array_equal(mirrored, -quantile(np.array([-9.0, 30]), np.array([-35.0, 8]), QUARTERS))


def test_along_a_polyline_the_pace_is_even():
    way = along(np.array([[0.0, 0], [3, 0], [3, 0], [3, 1]]), QUARTERS)
    np.testing.assert_allclose(way, [[0, 0], [1, 0], [2, 0], [3, 0], [3, 1]])
    np.testing.assert_array_equal(along(np.ones((3, 2)), QUARTERS), np.ones((5, 2)))


def test_ends_are_not_modified():
    a, b = np.array([1.0, 2.0]), np.array([-2.0, 1.0])
    for name in ("linear", "spherical", "quantile"):
        path(name)(a, b, QUARTERS)[[0, -1]] = 99
    assert a.tolist() == [1, 2] and b.tolist() == [-2, 1]


def test_unknown_path_suggests_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'spherical'"):
        path("sphere")
