"""LatentSpace: moves, on a decoder whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.moves import barycentres as blends
from latentwalk.latent.moves.blends import example
from latentwalk.latent.samplers import MomentMatched
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

MAP = np.array([[1.0, 0, 2], [0, 3, -1]], np.float32)


def decode(z):
    """A linear map, so that what a move decodes to can be worked out by hand."""
    return (np.asarray(z, np.float32) @ MAP + 5).reshape(-1, 3, 1)


@pytest.fixture
def space():
    rng = np.random.default_rng(0)
    codes = rng.normal([1, -2], [1, 3], (50, 2)).astype(np.float32)
    labels = np.arange(50) % 3
    return LatentSpace(codes, np.full_like(codes, 0.1), decode(codes), decode, NormalSampler(2), labels, ("zero", "one", "two"))


@pytest.mark.parametrize("path", ["linear", "spherical"])
def test_walk_ends_are_exact_and_every_step_is_decoded(space, path):
    way = space.walk(3, 7, steps=6, path=path)
    assert (way.z[[0, -1]] == space.codes[[3, 7]]).all()
    assert (way.x[[0, -1]] == space.data[[3, 7]]).all()
    assert way.z.shape == (6, 2)
    assert way.x.shape == (6, 3, 1)
    np.testing.assert_array_equal(way.x, decode(way.z))
    assert len(way) == 6
    assert (way[2].x == way.x[2]).all()


def test_points_are_rows_or_codes_from_either_end(space):
    np.testing.assert_array_equal(space.walk(-1, [0.5, 1]).z, space.walk(space.codes[49], np.array([0.5, 1])).z)
    np.testing.assert_array_equal(space.code(np.int64(4)), space.codes[4])


def test_blend_is_the_weighted_mean(space):
    z = space.codes[[1, 4, 9]].astype(float)
    np.testing.assert_allclose(space.blend([1, 4, 9]).z, z.mean(0), rtol=1e-6)
    np.testing.assert_allclose(space.blend([1, 4, 9], [2, 1, 1]).z, (2 * z[0] + z[1] + z[2]) / 4, rtol=1e-6)
    np.testing.assert_array_equal(space.blend([1, 4], [1, 0]).z, space.codes[1])
    np.testing.assert_array_equal(space.blend([1]).x, space.data[1])
    np.testing.assert_array_equal(space.blend([1, 4, 9], [20, 10, 10]).z, space.blend([1, 4, 9], [2, 1, 1]).z)


def test_blends_are_those_of_their_codes_and_posteriors(space):
    z, w = space.codes[[1, 4, 9]], blends.shares(3, [2, 1, 1])
    np.testing.assert_allclose(space.blend([1, 4, 9], [2, 1, 1], "spherical").z, blends.spherical_mean(z, w), rtol=1e-5)
    sure = replace(space, scales=np.where(np.arange(50)[:, None] == 4, 1e-4, space.scales).astype(np.float32))
    np.testing.assert_allclose(sure.blend([1, 4, 9], how="product").z, space.codes[4], rtol=1e-4)
    np.testing.assert_allclose(space.blend([1, 4], how="product").z, space.blend([1, 4]).z, rtol=1e-6)  # equally sure


def test_examples_have_posteriors_too(space):
    encoding = replace(space, encode=lambda x: (space.codes[[7]], space.scales[[7]]))
    np.testing.assert_array_equal(encoding.blend([space.data[7], 7], how="product").z, space.codes[7])
    np.testing.assert_array_equal(example(encoding, space.data[7]), space.data[7])


def test_between_goes_from_one_to_the_other(space):
    way = space.between(3, 7, 5)
    np.testing.assert_allclose(way.z, space.walk(3, 7, 5, "linear").z, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(space.between(3, 7, 3, "spherical").z[[0, -1]], space.codes[[3, 7]])


def test_swap_takes_coordinates_and_swaps_back(space):
    swapped = space.swap(3, 7, [1])
    assert swapped.z.tolist() == [space.codes[3, 0], space.codes[7, 1]]
    np.testing.assert_array_equal(space.swap(swapped.z, 3, 1).x, space.data[3])
    np.testing.assert_array_equal(space.swap(3, 7, (0, 1)).z, space.codes[7])


def test_grid_runs_across_with_its_first_axis_and_down_with_its_second(space):
    grid = space.grid((0, 1), steps=5)
    values = norm.ppf(np.linspace(0.05, 0.95, 5))
    assert grid.z.shape == (5, 5, 2)
    assert grid.x.shape == (5, 5, 3, 1)
    for row in range(5):
        np.testing.assert_allclose(grid.z[row, :, 0], values, rtol=1e-6)
        np.testing.assert_allclose(grid.z[:, row, 1], values[::-1], rtol=1e-6)
    np.testing.assert_array_equal(grid.x[1, 3], decode(grid.z[1, 3])[0])
    swapped = space.grid((1, 0), steps=5)
    np.testing.assert_array_equal(swapped.z, grid.z[::-1, ::-1].transpose(1, 0, 2))


def test_grid_over_codes_spans_their_quantiles(space):
    grid = space.grid(steps=4, over="codes")
    np.testing.assert_allclose(grid.z[0, [0, -1], 0], np.quantile(space.codes[:, 0], [0.01, 0.99]), rtol=1e-5)
    np.testing.assert_allclose(grid.z[[-1, 0], 0, 1], np.quantile(space.codes[:, 1], [0.01, 0.99]), rtol=1e-5)


def test_other_axes_of_a_grid_stay_at_the_mean():
    codes = np.random.default_rng(0).normal(3, 1, (20, 4)).astype(np.float32)
    space = LatentSpace(codes, codes * 0, codes, lambda z: np.asarray(z), NormalSampler(4))
    grid = space.grid((3, 1), steps=3)
    np.testing.assert_allclose(grid.z[..., [0, 2]], np.broadcast_to(codes.mean(0)[[0, 2]], (3, 3, 2)), rtol=1e-5)


def test_traverse_moves_one_axis_only(space):
    way = space.traverse(6, axis=1, steps=7)
    assert (way.z[:, 0] == space.codes[6, 0]).all()
    assert (np.diff(way.z[:, 1]) > 0).all()


def test_direction_is_the_difference_of_means_by_rows_or_masks(space):
    mask = space.labels == 1
    expected = space.codes[mask].mean(0) - space.codes[~mask].mean(0)
    np.testing.assert_allclose(space.direction(mask, ~mask), expected, rtol=1e-6)
    np.testing.assert_allclose(space.direction(np.flatnonzero(mask), np.flatnonzero(~mask).tolist()), expected, rtol=1e-6)
    np.testing.assert_allclose(space.direction(~mask, mask), -expected, rtol=1e-6)


def test_graft_moves_along_the_direction_and_back(space):
    step = np.asarray(space.direction([0, 1], [2, 3]))
    np.testing.assert_array_equal(space.graft(5, step, 0).x, space.data[5])
    np.testing.assert_allclose(space.graft(5, step, 2).z, space.codes[5] + 2 * step, rtol=1e-6)
    there = space.graft(5, step)
    np.testing.assert_allclose(space.graft(there.z, step, -1).z, space.codes[5], rtol=1e-5, atol=1e-6)


def test_codes_are_not_modified_by_moves(space):
    before = space.codes.copy()
    for move in (space.walk(0, 1), space.graft(0, [1, 1]), space.traverse(0, 1), space.blend([0]), space.grid(steps=3)):
        move.z[...] = 99
    np.testing.assert_array_equal(space.codes, before)


def test_samples_come_from_their_source(space):
    draws = space.sample(40_000).z
    np.testing.assert_allclose(draws.mean(0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(draws.T), np.eye(2), atol=0.04)
    draws = space.sample(40_000, "gaussian").z
    codes = space.draw_codes(np.random.default_rng(0))
    np.testing.assert_allclose(draws.mean(0), codes.mean(0), atol=0.08)
    np.testing.assert_allclose(np.cov(draws.T), np.cov(codes.T), atol=0.25)
    assert (space.sample(3, lambda n, rng: np.full((n, 2), 7.0)).z == 7).all()


def test_samples_repeat_with_their_seed(space):
    assert (space.sample(4, seed=1).z == space.sample(4, seed=1).z).all()
    assert not (space.sample(4, seed=1).z == space.sample(4, seed=2).z).any()
    assert len(space.sample(0)) == 0


def test_temperature_scales_the_spread():
    hot, cold = (NormalSampler(3, t)(100, np.random.default_rng(0)) for t in (2.0, 0.5))
    np.testing.assert_allclose(hot, 4 * cold, rtol=1e-6)


def test_moment_matching_takes_flat_directions_and_correlation():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(1000, 2)) @ np.array([[1.0, 0.8, 0.0], [0.0, 0.6, 0.0]])
    draws = MomentMatched.fit(codes)(50_000, rng)
    np.testing.assert_allclose(np.cov(draws.T), np.cov(codes.T), atol=0.03)
    assert np.ptp(draws[:, 2]) < 1e-5


def test_draw_codes_has_the_spread_of_the_posterior(space):
    off = np.concatenate([space.draw_codes(np.random.default_rng(seed)) - space.codes for seed in range(200)])
    np.testing.assert_allclose(off.std(0), 0.1, rtol=0.05)


def test_typical_is_the_example_nearest_to_its_class_median(space):
    rows = np.flatnonzero(space.labels == 2)
    away = np.linalg.norm(space.codes[rows] - np.median(space.codes[rows], axis=0), axis=1)
    assert space.typical("two") == rows[away.argmin()]


@pytest.mark.parametrize(
    ("move", "error", "message"),
    [
        (lambda s: s.walk(0, 1, steps=1), ConfigError, "at least 2 steps"),
        (lambda s: s.walk(0, 1, steps=2.5), ConfigError, "whole number; got steps=2.5"),
        (lambda s: s.walk(0, 1, path="sphere"), ConfigError, "Did you mean 'spherical'"),
        (lambda s: s.walk(0, 50), ConfigError, "row 50 is not among the 50 encoded examples"),
        (lambda s: s.walk([1, 2, 3], 0), ConfigError, r"code of shape \(2,\) .*got shape \(3,\)"),
        (lambda s: s.walk("zero", 0), ConfigError, "a point is a row number or a code of 2 numbers, got 'zero'"),
        (lambda s: s.walk([np.nan, 0], 0), ConfigError, "finite"),
        (lambda s: s.blend([]), ConfigError, "at least one point"),
        (lambda s: s.blend([0, 1], [1]), ConfigError, "expected 2 weights"),
        (lambda s: s.blend([0, 1], [1, -1]), ConfigError, "0 or more, and not all 0"),
        (lambda s: s.blend([0, 1], [0, 0]), ConfigError, "0 or more, and not all 0"),
        (lambda s: s.blend([0, 1], [np.nan, 1]), ConfigError, "0 or more, and not all 0"),
        (lambda s: s.blend([0, 1], how="prodct"), ConfigError, "Did you mean 'product'"),
        (lambda s: s.blend([0, [1, 1]], how="product"), ConfigError, "no bare code"),
        (lambda s: s.blend([0, 50], how="product"), ConfigError, "row 50 is not among"),
        (lambda s: replace(s, scales=s.scales * 0).blend([0, 1], how="product"), ConfigError, "has no spread here"),
        (lambda s: s.between(0, 1, 1), ConfigError, "at least 2 steps"),
        (lambda s: s.swap(0, 1, []), ConfigError, "at least one axis"),
        (lambda s: s.swap(0, 1, [0, 2]), ConfigError, "axis 2 is not among"),
        (lambda s: s.swap(0, 1, [0.5]), ConfigError, "axis 0.5"),
        (lambda s: s.grid((0, 2)), ConfigError, r"axis 2 is not among the 2 latent dimensions \(0 to 1\)"),
        (lambda s: s.grid(steps=0), ConfigError, "steps=0"),
        (lambda s: s.grid(over="code"), ConfigError, "Did you mean 'codes'"),
        (lambda s: s.traverse(0, -1), ConfigError, "axis -1"),
        (lambda s: s.traverse(0, 0.5), ConfigError, "axis 0.5"),
        (lambda s: s.sample(3, "pior"), ConfigError, "Did you mean 'prior'"),
        (lambda s: s.sample(-1), ConfigError, "n=-1"),
        (lambda s: s.direction([], [1]), DataError, "`having` selects no example"),
        (lambda s: s.direction([1], np.zeros(50, bool)), DataError, "`lacking` selects no example"),
        (lambda s: s.direction(np.ones(7, bool), [1]), DataError, "nor a mask of that length: got bool of shape .7,."),
        (lambda s: s.direction([1], [50]), DataError, "neither row numbers of the 50"),
        (lambda s: s.graft(0, [1, 2, 3]), ConfigError, r"direction of shape \(2,\)"),
        (lambda s: s.graft(0, [1, np.inf]), ConfigError, "finite"),
        (lambda s: s.graft(0, [1, 1], np.nan), ConfigError, "finite"),
        (lambda s: s.typical("tow"), ConfigError, "Did you mean 'two'"),
    ],
)
def test_bad_input_is_refused_in_words(space, move, error, message):
    with pytest.raises(error, match=message):
        move(space)


def test_without_labels_or_with_a_class_nobody_has():
    codes = np.zeros((3, 2), np.float32)
    bare = LatentSpace(codes, codes, codes, decode, NormalSampler(2))
    with pytest.raises(DataError, match="no labels"):
        bare.typical(0)
    with pytest.raises(DataError, match="a covariance needs at least 2"):
        LatentSpace(codes[:1], codes[:1], codes[:1], decode, NormalSampler(2)).sample(1, "gaussian")
    some = LatentSpace(codes, codes, codes, decode, NormalSampler(2), np.zeros(3, int), ("a", "b"))
    with pytest.raises(DataError, match="no example of class 'b'"):
        some.typical("b")


def test_a_space_of_one_dimension_has_a_line_for_a_grid():
    codes = np.random.default_rng(0).normal(size=(50, 1)).astype(np.float32)
    space = LatentSpace(codes, codes * 0, codes, lambda z: np.asarray(z), NormalSampler(1))
    line = space.grid(steps=5)
    np.testing.assert_allclose(line.z[:, 0], norm.ppf(np.linspace(0.05, 0.95, 5)), rtol=1e-6)
    assert line.x.shape == (5, 1) and space.grid(steps=4, over="codes").z.shape == (4, 1)
    with pytest.raises(ConfigError, match="axis 1 is not among the 1"):
        space.grid((0, 1))


@pytest.mark.parametrize("axes", [(0, 0), (0,), 0, (0, 1, 1)])
def test_a_grid_needs_two_axes(space, axes):
    with pytest.raises(ConfigError, match="two different axes"):
        space.grid(axes)
