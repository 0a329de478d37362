"""Walks: steps, where they cross holes, how long they are, and what is refused."""

import numpy as np
import pytest
from matplotlib.axes import Axes

from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.holes import Holes
from latentwalk.latent.maps.chart import Chart
from latentwalk.latent.moves.walks import _above_zero
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

ENCODED = "a code that was encoded is called a hole 1 time in 20"


def decode(z):
    """Twice the code, as a gray image of 1 x D."""
    return 2 * np.asarray(z, np.float32)[:, None]


def space_of(codes, **known):
    codes = np.asarray(codes, np.float32)
    spec = DataSpec.infer(decode(codes))
    return LatentSpace(codes, codes * 0, decode(codes), decode, NormalSampler(codes.shape[1]), spec=spec, **known)


@pytest.fixture(scope="module")
def islands():
    """Codes of N((-1.5, 0), .25² I) and N((1.5, 0), .25² I), half of each."""
    rng = np.random.default_rng(0)
    return space_of(rng.normal(0, 0.25, (4000, 2)) + rng.choice([-1.5, 1.5], 4000)[:, None] * [1, 0])


EDGE = 0.25 * np.sqrt(2 * np.log(20))  # 95 % of a Gaussian in two dimensions lie within this radius


def test_where_a_way_crosses_a_hole_is_found(islands):
    walk = islands.walk([-1.5, 0], [1.5, 0], steps=9, path="linear")
    (hole,) = walk.crossings
    assert hole.start == pytest.approx(EDGE / 3, abs=0.06)
    assert hole.end == pytest.approx(1 - EDGE / 3, abs=0.06)
    assert walk.share == pytest.approx(hole.end - hole.start)
    assert hole.steps == tuple(np.flatnonzero(walk.holes)) == (2, 3, 4, 5, 6)
    assert walk.reading == f"In a hole from {hole.start:.0%} to {hole.end:.0%} of the way; {ENCODED}.".replace("%", " %")


def test_the_share_in_holes_does_not_depend_on_the_number_of_steps(islands):
    shares = [islands.walk([-1.5, 0], [1.5, 0], n, path="linear").share for n in (2, 3, 50)]
    assert np.ptp(shares) == 0 and shares[0] > 0.4


def test_a_way_among_codes_crosses_none(islands):
    walk = islands.walk([1.3, -0.1], [1.7, 0.1], path="density")
    assert walk.crossings == () and walk.share == 0 and not walk.holes.any()
    assert walk.reading == f"Crosses no hole; {ENCODED}."


def test_a_way_that_never_leaves_a_hole(islands):
    walk = islands.walk([0.1, 40.0], [0.2, 50.0], path="linear")
    assert walk.share == 1 and walk.holes.all()
    assert walk.reading.startswith("In a hole all the way")


def test_crossings_are_found_between_the_places():
    assert _above_zero(np.array([-1.0, 1, 1, -3, -1])) == [(pytest.approx(0.125), pytest.approx(0.5625))]
    assert _above_zero(np.array([1.0, -1, 1])) == [(0, 0.25), (0.75, 1)]
    assert _above_zero(np.array([2.0, 1])) == [(0, 1)]
    assert _above_zero(np.array([-2.0, -1])) == []


def test_the_length_is_that_of_the_output(islands):
    assert islands.walk([-1, 0], [2, 4], path="linear").length == pytest.approx(2 * 5)
    assert islands.walk([-1, 0], [-1, 0]).length == 0
    half = space_of(islands.codes, unit=np.full(1, 2, np.float32))
    assert half.walk([-1, 0], [2, 4], path="linear").length == pytest.approx(5)


@pytest.mark.parametrize("path", ["linear", "spherical", "quantile", "density"])
def test_ends_are_exact_and_equal_ends_are_a_standstill(islands, path):
    walk = islands.walk(3, 7, steps=6, path=path)
    assert (walk.z[[0, -1]] == islands.codes[[3, 7]]).all()
    assert walk.t[0] == 0 and walk.t[-1] == pytest.approx(1) and (np.diff(walk.t) >= 0).all()
    np.testing.assert_array_equal(walk.x, decode(walk.z))
    np.testing.assert_allclose(islands.walk(5, 5, steps=4, path=path).z, np.tile(islands.codes[5], (4, 1)), rtol=1e-6)


def test_steps_of_a_density_walk_are_even(islands):
    walk = islands.walk([1.3, -0.1], [1.7, 0.1], steps=8, path="density")
    np.testing.assert_allclose(walk.t, np.linspace(0, 1, 8), atol=0.02)


@pytest.mark.parametrize("path", ["linear", "spherical", "quantile", "density"])
def test_one_dimension(path):
    space = space_of(np.random.default_rng(0).normal(size=(200, 1)))
    walk = space.walk([-1.0], [1.5], 5, path)
    assert (np.diff(walk.z[:, 0]) > 0).all()
    assert isinstance(walk.plot(), Axes)


def test_a_journey_passes_each_point_in_even_steps(islands):
    points = [[-2.0, 0], [1, 0], [1, 1]]  # legs of 3 and 1
    walk = islands.journey(points, 9, "linear")
    np.testing.assert_allclose(walk.z[[0, 6, 8]], points)
    np.testing.assert_allclose(np.linalg.norm(np.diff(walk.z, axis=0), axis=1), 0.5, rtol=1e-5)
    np.testing.assert_allclose(walk.t, np.linspace(0, 1, 9), atol=1e-6)
    assert not walk.closed and len(islands.journey(points)) == 21


def test_a_loop_ends_where_it_began(islands):
    walk = islands.journey([3, 7, 11], 12, loop=True)
    assert walk.closed and len(walk) == 12
    assert (walk.z[0] == walk.z[-1]).all()
    assert all((walk.z == islands.codes[row]).all(axis=1).any() for row in (3, 7, 11))
    assert len(islands.journey([3, 3], 5, loop=True)) == 5  # nowhere to go, and yet five steps


def test_a_walk_gives_points_and_arrays(islands):
    walk = islands.walk(0, 1, 5)
    assert walk[2].z.shape == (2,) and walk[-1].x.shape == (1, 2)
    assert set(walk.arrays) == {"z", "x", "t", "holes"}


def test_too_few_codes_for_holes_walk_all_the_same():
    few = space_of(np.random.default_rng(0).normal(size=(39, 2)))
    walk = few.walk(0, 1)
    assert "not known: holes are looked for between at least 40 codes; got 39" in walk.reading
    assert not walk.marked.any() and "not known" in walk._repr_html_()
    assert isinstance(walk.plot(), Axes) and "39 codes" in few._repr_html_()
    with pytest.raises(DataError, match="at least 40"):
        _ = walk.share
    with pytest.raises(DataError, match="at least 40"):
        few.walk(0, 1, path="density")


@pytest.mark.parametrize(
    ("move", "message"),
    [
        (lambda s: s.journey([0], 5), "got 1"),
        (lambda s: s.journey([0, 1, 2], 2), "3 points needs at least 3 steps, a whole number; got steps=2"),
        (lambda s: s.journey([0, 1, 2], 3, loop=True), "3 points and back needs at least 4 steps"),
        (lambda s: s.journey([0, 1], 5, "dense"), "Did you mean 'density'"),
        (lambda s: s.walk(0, [np.nan, 0], path="density"), "finite"),
        (lambda s: s.walk(0, 1, steps=1, path="density"), "at least 2 steps"),
    ],
)
def test_bad_input_is_refused_in_words(islands, move, message):
    with pytest.raises(ConfigError, match=message):
        move(islands)


# ---------------------------------------------------------------------- maps


def test_a_map_is_drawn_on_the_axes_given_and_opens_no_window(islands):
    import matplotlib.pyplot as plt

    ax = islands.plot()
    assert islands.walk([-1.5, 0.0], [9.0, 0.5], path="linear").plot(ax) is ax
    assert ax.get_xlim()[0] <= -2 and ax.get_xlim()[1] >= 9
    assert plt.get_fignums() == []
    colours = ax.collections[-2].get_colors()
    assert len(np.unique(colours, axis=0)) == 2  # red in the hole, black elsewhere


def test_more_dimensions_are_drawn_as_their_shadow():
    rng = np.random.default_rng(0)
    space = space_of(rng.normal(size=(300, 5)), labels=rng.integers(0, 3, 300), classes=("a", "b", "c"))
    ax = space.walk(0, 1).plot()
    assert ax.get_xlabel() == "principal axis 1"
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c"]
    html = space._repr_html_()
    assert "data:image/png;base64," in html and "300 codes of 5 dimensions, in 3 classes" in html


def test_what_cannot_be_drawn_says_why_in_a_notebook():
    broken = space_of(np.random.default_rng(0).normal(size=(60, 2)))
    broken.codes[7] = np.nan
    for space, why in ((broken, "row 7"), (space_of(np.zeros((1, 2))), "at least 2 codes; got 1")):
        assert why in space._repr_html_() and "<img" not in space._repr_html_()
        with pytest.raises(DataError, match=why):
            space.plot()


def test_holes_are_fitted_once(islands, monkeypatch):
    walk = islands.walk(0, 1)
    _ = islands.holes, islands.kept(Chart)
    monkeypatch.setattr(Holes, "fit", None)
    assert walk.reading and walk.plot() and islands.walk(3, 4).share >= 0
