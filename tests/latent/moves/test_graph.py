"""Ways around holes, in spaces whose holes are planted."""

import numpy as np
import pytest

from latentwalk.errors import DataError
from latentwalk.latent.moves.graph import Graph, step_costs, tightened, toll
from latentwalk.latent.moves.paths import along, straight
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

FINE = np.linspace(0, 1, 400)


def space_of(codes, decode=lambda z: np.asarray(z, np.float32)):
    codes = np.asarray(codes, np.float32)
    return LatentSpace(codes, np.zeros_like(codes), decode(codes), decode, NormalSampler(codes.shape[1]))


def ring(n=3000):
    """Codes at distances .8 to 1.2 from the origin: the middle is a hole."""
    rng = np.random.default_rng(0)
    angle, radius = rng.uniform(0, 2 * np.pi, n), rng.uniform(0.8, 1.2, n)
    return space_of(radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1))


@pytest.fixture(scope="module")
def around():
    return ring()


def test_on_a_ring_the_way_goes_around_it(around):
    """From (1, 0) to (0, 1) along the middle of the ring it is a quarter circle of length pi / 2; along its inner edge 1.66."""
    way = along(around.kept(Graph).way([1.0, 0.0], [0.0, 1.0]), FINE)
    radius = np.linalg.norm(way, axis=1)
    assert radius.min() > 0.75 and radius.max() < 1.25
    assert not around.holes(way).any()
    assert 1.45 < np.linalg.norm(np.diff(way, axis=0), axis=1).sum() < 1.75
    assert around.holes(straight([1, 0], [0, 1], FINE)).mean() > 0.3


def test_it_takes_the_shorter_side_of_the_ring(around):
    way = around.kept(Graph).way([np.cos(0.2), np.sin(0.2)], [np.cos(2.5), np.sin(2.5)])
    assert way[:, 1].min() > 0


def test_ends_are_exact_also_in_a_hole_or_far_away(around):
    for a, b in [([0.0, 0.0], [1.0, 0.1]), ([50.0, 3.0], [-1.0, 0.0]), ([0.3, 0.3], [0.3, 0.3])]:
        way = around.kept(Graph).way(a, b)
        assert way[0].tolist() == a and way[-1].tolist() == b
        assert np.isfinite(way).all()


def test_a_way_never_costs_more_than_the_straight_line(around):
    rng = np.random.default_rng(1)
    for a, b in rng.normal(0, 1, (10, 2, 2)):
        way = around.kept(Graph).way(a, b)
        cost, direct = step_costs(around, np.stack([way, straight(a, b, np.linspace(0, 1, len(way)))])).sum(axis=1)
        assert cost <= direct


def test_where_nothing_is_in_the_way_it_is_nearly_straight():
    space = space_of(np.random.default_rng(0).normal(size=(3000, 2)))
    way = space.kept(Graph).way([-0.5, -0.4], [0.5, 0.3])
    length = np.linalg.norm(np.diff(way, axis=0), axis=1).sum()
    assert length < 1.05 * np.linalg.norm([1, 0.7])


def test_it_avoids_where_the_output_moves_much():
    """The decoder stretches a strip in the middle a hundredfold, except at its top: the way goes over the top."""

    def decode(z):
        z = np.asarray(z, np.float32)
        steep = 100 * np.clip(z[:, 0] + 0.1, 0, 0.2) * (z[:, 1] < 0.6)
        return np.stack([z[:, 0] + steep, z[:, 1]], 1).astype(np.float32)

    space = space_of(np.random.default_rng(0).uniform(-1, 1, (3000, 2)), decode)
    way = space.kept(Graph).way([-0.5, 0.0], [0.5, 0.0])
    assert along(way, FINE)[:, 1].max() > 0.5


def test_two_islands_are_joined():
    rng = np.random.default_rng(0)
    space = space_of(np.concatenate([rng.normal(0, 0.1, (200, 2)), rng.normal(9, 0.1, (200, 2))]))
    way = space.kept(Graph).way([0.0, 0.0], [9.0, 9.0])
    assert way[0].tolist() == [0, 0] and way[-1].tolist() == [9, 9]
    assert space.holes(along(way, FINE)).mean() > 0.5


def test_one_dimension_and_copies_of_few_codes():
    line = space_of(np.concatenate([np.linspace(-2, -1, 50), np.linspace(1, 2, 50)])[:, None])
    way = line.kept(Graph).way([-1.5], [1.5])
    assert (np.diff(way[:, 0]) >= 0).all()
    few = space_of(np.repeat([[0.0, 0], [1, 0], [0, 1]], 20, axis=0))
    assert len(Graph.of(few).nodes) == 3
    assert few.kept(Graph).way([0.0, 0.0], [1.0, 0.0])[-1].tolist() == [1, 0]


def test_a_decoder_that_never_moves_still_gives_a_way():
    space = space_of(np.random.default_rng(0).normal(size=(100, 2)), lambda z: np.zeros((len(z), 2), np.float32))
    assert np.isfinite(space.kept(Graph).way([0.0, 0.0], [1.0, 1.0])).all()


def test_the_toll_is_that_of_the_way_and_not_of_its_ends(around):
    across, inside = toll(around.holes, np.array([[-1.0, 0], [1, 0]]), np.array([[1.0, 0], [1, 0.05]]))
    assert across > 100 * inside
    assert toll(around.holes, np.array([-1.0, 0]), np.array([1.0, 0])) == pytest.approx(across)


def test_a_band_is_not_pulled_into_a_hole(around):
    angle = np.linspace(0, np.pi / 2, 65)
    zigzag = (1 + 0.1 * (-1.0) ** np.arange(65))[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    tight = tightened(around.holes, zigzag)
    assert np.linalg.norm(np.diff(tight, axis=0), axis=1).sum() < 0.6 * np.linalg.norm(np.diff(zigzag, axis=0), axis=1).sum()
    assert not around.holes(tight[1:-1]).any()
    np.testing.assert_allclose(tight[[0, -1]], zigzag[[0, -1]])


def test_few_or_broken_codes_are_refused_in_words():
    with pytest.raises(DataError, match="at least 40 codes; got 39"):
        Graph.of(space_of(np.random.default_rng(0).normal(size=(39, 2))))
    broken = np.random.default_rng(0).normal(size=(60, 2))
    broken[7] = np.nan
    with pytest.raises(DataError, match="row 7"):
        Graph.of(space_of(broken))


@pytest.mark.parametrize("kinds", [1, 2, 3])
def test_codes_that_are_all_but_the_same_still_have_ways(kinds):
    codes = np.repeat(np.random.default_rng(0).normal(size=(kinds, 2)), 50, axis=0)
    space = space_of(codes)
    for a, b in ((0, 1), (0, len(codes) - 1), (0, np.array([5.0, 5.0]))):
        walk = space.walk(a, b, path="density")
        np.testing.assert_allclose(walk.z[[0, -1]], [space.code(a), space.code(b)], rtol=1e-6)
    assert space.journey([0, 1, 2], path="density", loop=True).z.shape == (31, 2)
