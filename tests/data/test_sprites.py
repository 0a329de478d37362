"""Drawn sprites: five factors are the whole truth, and every one of the 737,280 images can be had."""

import numpy as np
import pytest

from latentwalk import Autoencoder, Network, load
from latentwalk.data import rows
from latentwalk.data.rows import Rows
from latentwalk.data.synthetic import SPRITE_FACTORS, render_sprites, sprites
from latentwalk.data.synthetic.sprites import stamps
from latentwalk.errors import ConfigError


def test_all_of_them_are_every_combination_once_in_order_and_drawn_when_asked_for():
    every = sprites(None)
    numbers = np.ravel_multi_index(tuple(every.factors.values()), (3, 6, 40, 32, 32))
    assert len(every) == 737_280 and isinstance(every.x, Rows)
    assert np.array_equal(numbers, np.arange(737_280))
    some = np.array([0, 5, 400_000, 737_279])
    assert np.array_equal(every.x[some], render_sprites({name: values[some] for name, values in every.factors.items()}))


def test_factors_are_all_there_is_to_know():
    some = sprites(50, seed=1)
    assert list(some.factors) == list(SPRITE_FACTORS)
    assert np.array_equal(render_sprites(some.factors), some.x)
    assert np.array_equal(some.y, some.factors["shape"])
    assert np.array_equal(some.x[:7], sprites(7, seed=1).x)
    assert not np.array_equal(some.x, sprites(50, seed=2).x)


def test_images_are_black_and_white_with_areas_that_go_with_the_square_of_the_scale():
    assert set(np.unique(stamps())) == {0, 255}
    area = (stamps() > 0).sum((3, 4))  # (shape, scale, rotation)
    wanted = 300 * np.linspace(0.5, 1, 6) ** 2
    np.testing.assert_allclose(area.mean(2), np.tile(wanted, (3, 1)), rtol=0.03)


def test_no_shape_reaches_the_edge_of_its_stamp():
    ink = (stamps() > 0).any((0, 1, 2))
    ink[1:-1, 1:-1] = False
    assert not ink.any()


@pytest.mark.parametrize(("shape", "turns"), [(0, 10), (1, 20), (2, 40)])
def test_rotations_differ_but_for_the_symmetry_of_the_shape(shape, turns):
    x = render_sprites({"shape": shape, "rotation": np.arange(40)})
    assert len(np.unique(x, axis=0)) == turns
    assert np.array_equal(x[: 40 - turns], x[turns:])


def test_a_quarter_turn_is_anticlockwise_and_exact():
    before, after = render_sprites({"shape": 2, "rotation": [0, 10], "x": 16, "y": 16})
    assert np.array_equal(np.rot90(before), after)


@pytest.mark.parametrize(("name", "axis"), [("x", 2), ("y", 1)])
def test_a_place_moves_the_shape_by_one_pixel(name, axis):
    first, second = render_sprites({"shape": 2, "rotation": 3, name: [4, 5]})
    assert np.array_equal(np.roll(first, 1, axis - 1), second)


def test_sprites_drawn_while_learning_teach_what_sprites_in_memory_do(monkeypatch):
    options = {"network": Network("dense", widths=(8,)), "epochs": 2, "progress": False, "random_state": 0}
    model = Autoencoder("beta-tcvae", **options).fit(sprites(300).x)
    monkeypatch.setattr(rows, "HELD", 0)
    lazy = sprites(300).x
    assert isinstance(lazy, Rows) and model.latent is None and model.transform(lazy[:2]).shape == (2, 10)
    assert Autoencoder("beta-tcvae", **options).fit(lazy).history_[-1].train == model.history_[-1].train


def test_sprites_have_a_name():
    train, test = load("sprites", n=60, seed=3), load("sprites", n=60, seed=3, split="test")
    assert (len(train) + len(test), train.name, train.spec.shape) == (60, "sprites", (64, 64))


def test_what_cannot_be_drawn_is_said():
    for wrong in ({"n": 0}, {"n": 3, "seed": -1}, {"n": 3, "scale": 6}, {"n": 3, "x": 0.5}, {"n": 3, "colour": 1}):
        with pytest.raises(ConfigError):
            sprites(**wrong)
    with pytest.raises(ConfigError, match="shape cannot be pinned"):
        sprites(None, shape=1)
    with pytest.raises(ConfigError, match="one for each example"):
        render_sprites({"x": [1, 2], "y": [1, 2, 3]})
