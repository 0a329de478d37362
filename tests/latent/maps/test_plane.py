"""Planes through a space: the one along which the output changes most."""

import numpy as np

from latentwalk.latent.maps.plane import Plane
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

RNG = np.random.default_rng(0)


def space(map_, spread):
    codes = RNG.normal(size=(300, len(map_))).astype(np.float32) * np.asarray(spread, np.float32)
    return LatentSpace(codes, 0 * codes, codes @ map_, lambda z: np.asarray(z) @ map_, NormalSampler(len(map_)))


def test_the_liveliest_plane_is_that_of_the_two_ways_that_change_the_output_most():
    """Oracle: the singular vectors of a linear decoder whose codes all have deviation 1."""
    turn = np.linalg.qr(RNG.normal(size=(5, 5)))[0]
    here = space((turn * [0.1, 4.0, 0.2, 3.0, 0.0]) @ np.eye(5, 9), np.ones(5))
    plane = Plane.liveliest(here)
    np.testing.assert_allclose(plane.axes @ plane.axes.T, np.eye(2), atol=1e-12)
    inside = plane.axes @ turn[:, [1, 3]]
    np.testing.assert_allclose(inside @ inside.T, np.eye(2), atol=0.02)
    np.testing.assert_allclose(plane.origin, here.codes.mean(0), rtol=1e-6)


def test_a_step_is_a_deviation_of_the_codes():
    plane = Plane.liveliest(space(np.diag([1.0, 5.0, 2.0, 1.0]), [9.0, 0.01, 1.0, 4.0]))
    np.testing.assert_allclose(np.abs(plane.axes), np.eye(4)[[0, 3]], atol=1e-9)


def test_where_nothing_changes_and_in_two_dimensions_it_is_the_usual_plane():
    for here in (space(np.zeros((4, 6)), np.arange(1, 5)), space(RNG.normal(size=(2, 6)), np.ones(2))):
        np.testing.assert_array_equal(Plane.liveliest(here).axes, Plane.of(here).axes)
