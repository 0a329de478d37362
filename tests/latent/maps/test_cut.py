"""Planes and hole maps: exact where they are known, and errors in words."""

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.maps.cut import hole_map
from latentwalk.latent.maps.plane import Plane
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

Array = NDArray[Any]


def space_of(codes: Array, **more: Any) -> LatentSpace:
    codes = codes.astype(np.float32)
    given: dict[str, Any] = {"prior": NormalSampler(codes.shape[1])} | more
    return LatentSpace(codes, np.zeros_like(codes), codes, lambda z: z, **given)


FLAT = space_of(np.random.default_rng(0).standard_normal((4_000, 2)))
DEEP = space_of(np.random.default_rng(1).standard_normal((1_000, 5)) * [1, 2, 1, 1, 1] + [0, 0, 3, 0, 0])


def test_a_plane_through_three_points_holds_them() -> None:
    plane = Plane.through(DEEP, 3, DEEP.codes[7], 11)
    flat = plane(DEEP.codes[[3, 7, 11]].astype(float))
    np.testing.assert_allclose(plane.axes @ plane.axes.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(plane.origin + flat @ plane.axes, DEEP.codes[[3, 7, 11]], atol=1e-5)
    np.testing.assert_allclose(flat[0], 0, atol=1e-12)
    assert flat[1, 0] > 0 and flat[1, 1] == pytest.approx(0, abs=1e-6) and flat[2, 1] > 0
    assert plane.seen(flat).all()
    assert plane.shadow


def test_a_plane_along_two_axes_is_read_in_their_own_values() -> None:
    plane = Plane.along(DEEP, 2, 1)
    np.testing.assert_allclose(plane(np.arange(5.0)), [2, 1])
    corner = plane.points(np.array([7.0]), np.array([-4.0]))[0, 0]
    np.testing.assert_allclose(corner[[2, 1]], [7, -4])
    np.testing.assert_allclose(corner[[0, 3, 4]], DEEP.codes.mean(axis=0)[[0, 3, 4]], atol=1e-6)
    assert plane.seen(np.array([[0.0, 0.0], [3.0, 0.0]])).all()  # the prior's middle, and the codes'


def test_the_region_of_a_gaussian_is_its_disc() -> None:
    """Codes N(0, I) in 2 dimensions: 95 % lie within the radius 2.448, and so does 95 % of the prior."""
    found = hole_map(FLAT, steps=81)
    radius = np.linalg.norm(found.z, axis=-1)
    assert found.z.shape == (81, 81, 2)
    assert found.depth.shape == (81, 81)
    assert (found.depth[radius < 2.0] < 0).mean() > 0.99
    assert (found.depth[radius > 3.2] > 0).mean() > 0.95
    assert found.share == pytest.approx(0.05, abs=0.02)
    assert found.z[0, 0, 1] > found.z[-1, 0, 1] and found.z[0, -1, 0] > found.z[0, 0, 0]  # the first row is the highest
    np.testing.assert_allclose(found.depth, FLAT.holes.depth(found.z), rtol=1e-4, atol=1e-4)


def test_a_ring_has_the_hole_in_its_middle() -> None:
    angle, rng = np.random.default_rng(2).uniform(0, 2 * np.pi, 3_000), np.random.default_rng(3)
    found = hole_map(space_of(2 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(0, 0.1, (3_000, 2))), steps=41)
    assert found.depth[20, 20] > 5
    assert found.share is not None and found.share > 0.6
    assert "of the prior's mass there lie where no encoded data does" in found.reading


def test_a_cut_is_asked_in_all_dimensions() -> None:
    """The shadow of the codes is dense on the first two axes, but a plane 6 deviations above them is one hole."""
    above = DEEP.codes.mean(axis=0) + np.array([0, 0, 6, 0, 0])
    steps = np.eye(5)[:2]
    found = hole_map(DEEP, Plane.through(DEEP, above, above + steps[0], above + steps[1]), steps=21)
    assert (found.depth > 0).all()
    assert hole_map(DEEP, Plane.along(DEEP, 0, 1), steps=21).depth.min() < 0


def test_it_is_drawn_on_axes_of_ones_own_and_in_a_notebook() -> None:
    axes = Figure().add_subplot()
    found = hole_map(DEEP, steps=12, mark=[0, DEEP.codes[1]])
    assert found.plot(axes) is axes
    assert len(found.marks) == 2
    assert found.plot() is not axes
    html = found._repr_html_()
    assert html.startswith('<img alt="hole map"') and found.reading in html
    unknown = hole_map(space_of(FLAT.codes, prior=lambda n, rng: FLAT.codes[:n]), steps=5)
    assert unknown.share is None and "prior" not in unknown.reading


def test_wrong_use_is_named() -> None:
    with pytest.raises(ConfigError, match="lie on a line, or two of them are equal"):
        Plane.through(DEEP, np.zeros(5), np.ones(5), 3 * np.ones(5))
    for points in ((1, 1, 2), (1, 2, 1), (2, 1, 1)):
        with pytest.raises(ConfigError, match="two of them are equal"):
            Plane.through(DEEP, *points)
    with pytest.raises(ConfigError, match=r"axis 5 is not among the 5 latent dimensions \(0 to 4\)"):
        Plane.along(DEEP, 0, 5)
    with pytest.raises(ConfigError, match="two different axes, got 1 twice"):
        Plane.along(DEEP, 1, 1)
    line = space_of(DEEP.codes[:, :1])
    with pytest.raises(ConfigError, match="a space of one dimension has no plane"):
        hole_map(line)
    with pytest.raises(ConfigError, match="on a line"):
        Plane.through(line, 0, 1, 2)
    with pytest.raises(ConfigError, match="the plane has 2 dimensions, the space 5"):
        hole_map(DEEP, Plane.of(FLAT))
    with pytest.raises(ConfigError, match="steps=1"):
        hole_map(FLAT, steps=1)
    with pytest.raises(DataError, match="at least 40 codes; got 20"):
        hole_map(space_of(FLAT.codes[:20]))
