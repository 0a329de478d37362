"""How far apart images are to the eye: laws of the distance, and what a term of it does to a model."""

import math

import numpy as np
import pytest
import torch

from latentwalk import Autoencoder, ConfigError, Dataset, Recipe
from latentwalk.models.recipes import FINE, RECIPES, SEEN, suited
from latentwalk.models.texture import _basis, texture_distance


@pytest.fixture(scope="module")
def grain():
    """Images of noise, smooth enough to be looked at."""
    noise = torch.rand(6, 3, 40, 48, generator=torch.Generator().manual_seed(0))
    return 0.3 + 0.4 * torch.nn.functional.avg_pool2d(noise, 2, 1, padding=1)[..., :40, :48]


def test_what_is_alike_is_not_apart_and_the_order_does_not_matter(grain):
    other = grain.flip(0)
    assert float(texture_distance(grain, grain).abs().max()) == 0
    assert (texture_distance(grain, other) > 0).all()
    torch.testing.assert_close(texture_distance(grain, other), texture_distance(other, grain))


def test_brightness_is_no_texture(grain):
    assert float(texture_distance(grain, grain + 0.2).max()) < 1e-6
    torch.testing.assert_close(texture_distance(grain, 1 - grain), torch.zeros(6), atol=1e-6, rtol=0)  # a negative


def test_a_neper_of_contrast_is_one(grain):
    torch.testing.assert_close(texture_distance(grain, math.e * grain, faint=1e-6), torch.ones(6))


def test_a_blur_is_further_off_than_the_same_moved_though_pixels_say_otherwise(grain):
    moved = grain.roll((1, 1), (-2, -1))
    blurred = torch.nn.functional.avg_pool2d(grain, 5, 1, padding=2, count_include_pad=False)
    assert ((grain - blurred).square().mean((1, 2, 3)) < (grain - moved).square().mean((1, 2, 3))).all()
    assert (texture_distance(grain, blurred) > 5 * texture_distance(grain, moved)).all()


@pytest.mark.parametrize("size", [2, 3, 5, 8])
def test_the_basis_is_orthonormal_and_each_wave_is_in_one_band(size):
    waves, bands = _basis(size)
    assert waves.shape == (size * size, size * size - 1)
    torch.testing.assert_close(waves.T @ waves, torch.eye(size * size - 1), atol=1e-5, rtol=0)
    torch.testing.assert_close(waves.sum(0), torch.zeros(size * size - 1), atol=1e-5, rtol=0)  # without brightness
    assert ((bands > 0).sum(1) == 1).all()
    torch.testing.assert_close(bands.sum(0), torch.ones(bands.shape[1]))


@pytest.mark.parametrize("shape", [(1, 9, 8), (3, 5, 3), (1, 2, 30), (4, 1, 7), (1, 1, 1), (1, 13, 50)])
def test_images_of_any_size_have_a_distance_and_a_slope(shape):
    x = torch.zeros(2, *shape, requires_grad=True)
    y = torch.rand(2, *shape, generator=torch.Generator().manual_seed(1))
    found = texture_distance(x, y)
    assert found.shape == (2,)
    assert torch.isfinite(found).all()
    if min(shape[1:]) > 1:
        (slope,) = torch.autograd.grad(texture_distance(x + y / 2, y).sum(), x)
        assert torch.isfinite(slope).all()
        assert slope.abs().sum() > 0


def test_images_are_told_apart_one_by_one_and_what_is_unknown_in_one_has_no_part(grain):
    other = grain.flip(0)
    alone = torch.stack([texture_distance(grain[at], other[at]) for at in range(6)])
    torch.testing.assert_close(texture_distance(grain, other), alone)
    torch.testing.assert_close(texture_distance(grain[None].expand(2, -1, -1, -1, -1), other), alone.expand(2, -1))
    hole, filled = grain.clone(), other.clone()
    hole[..., 10:20, 10:20], filled[..., 10:20, 10:20] = torch.nan, 7.0
    torch.testing.assert_close(texture_distance(hole, filled), texture_distance(hole, other))


def test_large_images_are_seen_by_recipes_that_draw():
    large, small = (Dataset.of(np.zeros((4, side, side, 3), np.uint8)).spec for side in (FINE, FINE - 1))
    assert suited(RECIPES["vae"], large).spectral == SEEN
    assert suited(RECIPES["vae"], small).spectral is None
    assert suited(RECIPES["ae"], large).spectral is None
    assert suited(Recipe("plain", generative=True, spectral=0.0), large).spectral == 0


def test_a_term_of_it_gives_texture_back_and_likelihoods_stay_what_they_are():
    rng = np.random.default_rng(0)
    strength = rng.uniform(0.05, 0.3, 200)  # all there is to know: how strong the grain is
    x = (0.5 + strength[:, None, None] * rng.standard_normal((200, 16, 16))).clip(0, 1).astype(np.float32)
    options = {"latent": 2, "network": "conv", "epochs": 8, "random_state": 0, "progress": False, "complete": False}
    texture = []
    for weight in (0.0, 1.0):
        model = Autoencoder(Recipe("seen", generative=True, spectral=weight), **options).fit(x)
        assert ("spectral" in model.history_[-1].train) == (weight > 0)
        made = torch.from_numpy(model.reconstruct(x)).float()[:, None]
        texture.append(float(texture_distance(made, torch.from_numpy(x)[:, None]).mean()))
    assert texture[1] < 0.7 * texture[0]


def test_it_is_not_for_tables():
    with pytest.raises(ConfigError, match=r"spectral=1 is for sounds and images; the data is a table"):
        Autoencoder(Recipe("seen", spectral=1.0), progress=False).fit(np.random.default_rng(0).normal(size=(20, 3)))
