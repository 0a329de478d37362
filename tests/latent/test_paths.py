"""Paths: exact ends, evenly spaced, and lengths that are kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from latentwalk.errors import ConfigError
from latentwalk.latent.paths import linear, path, spherical

points = arrays(np.float32, 5, elements=st.floats(-10, 10, width=32, allow_subnormal=False))


@settings(derandomize=True, deadline=None)
@given(points, points, st.integers(2, 9), st.sampled_from(["linear", "spherical"]))
def test_ends_are_exact_and_all_points_finite(a, b, steps, name):
    way = path(name)(a, b, steps)
    assert way.shape == (steps, 5)
    assert (way[0] == a).all()
    assert (way[-1] == b).all()
    assert np.isfinite(way).all()


@settings(derandomize=True, deadline=None)
@given(points, points, st.integers(3, 9))
def test_linear_steps_are_equal(a, b, steps):
    way = np.diff(linear(a.astype(float), b.astype(float), steps), axis=0)
    np.testing.assert_allclose(way, np.tile(way[0], (steps - 1, 1)), atol=1e-12)


def test_spherical_keeps_the_length_and_turns_evenly():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 32))
    b *= np.linalg.norm(a) / np.linalg.norm(b)
    way = spherical(a, b, 9)
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), np.linalg.norm(a), rtol=1e-12)
    unit = way / np.linalg.norm(way, axis=1, keepdims=True)
    angles = np.arccos((unit[1:] * unit[:-1]).sum(1))
    np.testing.assert_allclose(angles, angles[0], rtol=1e-9)


def test_spherical_length_goes_evenly_from_one_to_the_other():
    way = spherical(np.array([3.0, 0.0]), np.array([0.0, 1.0]), 5)
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), [3, 2.5, 2, 1.5, 1])


def test_a_quarter_turn_is_known():
    half = np.sqrt(0.5)
    np.testing.assert_allclose(spherical(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 3), [[1, 0], [half, half], [0, 1]])


@pytest.mark.parametrize("other", [(2.0, 0.0), (-1.0, 0.0), (0.0, 0.0), (1.0, 0.0), (-3.0, 0.0)])
def test_where_no_single_great_circle_exists_the_line_is_straight(other):
    a, b = np.array([1.0, 0.0], np.float32), np.array(other, np.float32)
    np.testing.assert_array_equal(spherical(a, b, 7), linear(a.astype(float), b.astype(float), 7))


def test_opposite_codes_of_many_dimensions_are_recognised_in_float32():
    a = np.random.default_rng(1).normal(size=64).astype(np.float32)
    np.testing.assert_allclose(spherical(a, -a, 5), linear(a, -a, 5), atol=1e-6)


def test_almost_parallel_ends_stay_near_the_line():
    a = np.random.default_rng(2).normal(size=64)
    b = a + 1e-5 * np.random.default_rng(3).normal(size=64)
    np.testing.assert_allclose(spherical(a, b, 5), linear(a, b, 5), atol=1e-8)


def test_ends_are_not_modified():
    a, b = np.array([1.0, 2.0]), np.array([-2.0, 1.0])
    spherical(a, b, 4)[0] = 99
    assert a.tolist() == [1, 2]


def test_unknown_path_suggests_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'spherical'"):
        path("sphere")
