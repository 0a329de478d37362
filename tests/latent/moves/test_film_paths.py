"""Films as ways through the space of their frames."""

import numpy as np
import pytest

from latentwalk import FramePredictor
from latentwalk.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
FILMS = RNG.integers(0, 256, (12, 5, 8, 8), dtype=np.uint8)


@pytest.fixture(scope="module")
def predictor():
    return FramePredictor(epochs=1, width=8, latent=4, random_state=0, progress=False).fit(FILMS)


@pytest.fixture(scope="module")
def space(predictor):
    return predictor.space(FILMS)


def test_a_film_is_the_way_of_its_codes(predictor, space):
    way = predictor.path(FILMS[2], space)
    assert np.array_equal(way.z, predictor.frames_.transform(FILMS[2])) and np.array_equal(way.x, FILMS[2])
    assert np.array_equal(way.z, space.codes[10:15]) and len(way) == 5
    assert np.array_equal(way.surprise, predictor.surprise(FILMS[2]), equal_nan=True)
    assert f"frame {int(np.nanargmax(way.surprise))}" in way.reading
    assert "Least" not in space.path(FILMS[2]).reading


def test_it_is_drawn_on_the_map(predictor, space):
    axes = predictor.path(FILMS[0], space).plot()
    line = axes.lines[-1].get_xydata()
    assert line.shape == (5, 2) and "data:image/png" in predictor.path(FILMS[0], space)._repr_html_()


@pytest.mark.parametrize("path", ["linear", "spherical", "quantile"])
def test_a_walk_between_films_ends_at_both(space, path):
    z, x = space.film_walk(FILMS[0], FILMS[1], steps=4, path=path)
    assert z.shape == (4, 5, 4) and x.shape == (4, 5, 8, 8)
    assert np.array_equal(z[0], space.codes[:5]) and np.array_equal(z[-1], space.codes[5:10])
    assert np.allclose(x[0], space.decode(space.codes[:5]), atol=1e-3)


def test_the_middle_is_the_blend(space):
    z, _ = space.film_walk(FILMS[0], FILMS[1], steps=3, path="linear")
    assert np.allclose(z[1], (space.codes[:5] + space.codes[5:10]) / 2, atol=1e-5)


def test_what_does_not_fit_is_told(space):
    with pytest.raises(DataError, match="5 and 4 frames"):
        space.film_walk(FILMS[0], FILMS[1, :4])
    with pytest.raises(DataError, match="expected a film"):
        space.path(FILMS[0, 0])
    with pytest.raises(DataError, match="one number for each"):
        space.path(FILMS[0], np.zeros(3))
    with pytest.raises(ConfigError):
        space.film_walk(FILMS[0], FILMS[1], steps=1)
