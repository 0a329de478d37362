"""Noise: of the kind and amount asked for, where it can apply, and blind to what was not observed."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from latentwalk.data import DataSpec
from latentwalk.data.columns import Column
from latentwalk.data.corruption import Corruption, corruption_named
from latentwalk.errors import ConfigError

IMAGE = DataSpec.infer(np.zeros((2, 8, 9), np.uint8))
SIGNAL = DataSpec.infer(np.zeros((2, 30)), kind="signal")
TABLE = DataSpec.infer(np.zeros((2, 30)))


def test_salt_and_pepper_turns_a_share_black_or_white_half_each():
    torch.manual_seed(0)
    x = torch.full((50, 1, 40, 40), 0.5)
    noisy = Corruption("salt-and-pepper", 0.2)(x)
    assert noisy.unique().tolist() == [0, 0.5, 1]
    for value, share in ((0, 0.1), (1, 0.1), (0.5, 0.8)):
        assert (noisy == value).double().mean().item() == pytest.approx(share, abs=0.01)


def test_poisson_keeps_the_mean_and_has_a_variance_of_amount_times_brightness():
    torch.manual_seed(0)
    for brightness in (0.1, 0.8):
        noisy = Corruption("poisson", 0.05)(torch.full((40, 1, 100, 100), brightness))
        assert noisy.mean().item() == pytest.approx(brightness, rel=0.01)
        assert noisy.var().item() == pytest.approx(0.05 * brightness, rel=0.02)
    x = torch.rand(3, 1, 4, 4)
    assert torch.equal(Corruption("poisson", 0.0)(x), x)


@pytest.mark.parametrize("shape", [(3, 2, 40), (3, 1, 17, 20), (2, 3, 9, 9)])
def test_blur_is_scipys_gaussian_filter(shape):
    x = np.random.default_rng(0).random(shape)
    axes = tuple(range(2, len(shape)))
    wanted = ndimage.gaussian_filter(x, 1.2, axes=axes, mode="nearest", radius=math.ceil(3 * 1.2))
    found = Corruption("blur", 1.2)(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9)


def test_blur_of_unknown_strength_differs_from_example_to_example():
    torch.manual_seed(0)
    line = torch.zeros(200, 1, 41)
    line[..., 20] = 1
    peaks = Corruption("blur", (0.5, 3.0))(line)[:, 0, 20]
    assert peaks.max() / peaks.min() > 3
    torch.testing.assert_close(Corruption("blur", (0.5, 3.0))(line).sum(-1), torch.ones(200, 1))


def test_missing_steps_takes_whole_steps_of_all_channels():
    torch.manual_seed(0)
    noisy = Corruption("missing-steps", 0.3)(torch.ones(100, 4, 50))
    gone = (noisy == 0).any(1)
    assert ((noisy == 0).all(1) == gone).all()
    assert gone.double().mean().item() == pytest.approx(0.3, abs=0.02)


def test_a_range_draws_an_amount_for_each_example():
    torch.manual_seed(0)
    deviations = Corruption("gaussian", (0.1, 0.6))(torch.zeros(2000, 300)).std(1)
    assert 0.05 < deviations.min() < 0.15 < 0.55 < deviations.max() < 0.7
    assert deviations.log().mean().item() == pytest.approx(math.log(0.1 * 0.6) / 2, abs=0.03)  # evenly in decibels
    shares = (Corruption("masking", (0.0, 1.0))(torch.ones(2000, 300)) == 0).double().mean(1)
    assert shares.std().item() == pytest.approx(1 / math.sqrt(12), rel=0.05)


@pytest.mark.parametrize("kind", ["gaussian", "masking", "missing-steps", "blur"])
def test_what_was_not_observed_stays_unobserved_and_x_is_not_touched(kind):
    torch.manual_seed(0)
    x = torch.rand(20, 2, 12)
    x[3, :, 8:] = torch.nan
    before = x.clone()
    noisy = Corruption(kind, 0.5)(x)
    assert noisy[3, :, 8:].isnan().all()
    assert not noisy[:3].isnan().any()
    torch.testing.assert_close(x, before, equal_nan=True)


def test_images_are_clipped_to_their_range_unless_said_otherwise():
    x = torch.rand(10, 1, 8, 9)
    noisy = Corruption("gaussian", 2.0).fitted(IMAGE)(x)
    assert (noisy.min(), noisy.max()) == (0, 1)
    assert Corruption("gaussian", 2.0, clip=False).fitted(IMAGE)(x).max() > 1
    assert Corruption("gaussian", 2.0).fitted(SIGNAL)(x).min() < 0


def test_counts_and_categories_of_a_mixed_table_are_left_alone():
    columns = (Column("a", "continuous"), Column("b", "count"), Column("c", "category", categories=("x", "y")))
    spec = DataSpec.of_columns(np.ones((4, 3)), columns)
    x = torch.ones(50, 3)
    for kind in ("gaussian", "masking"):
        noisy = Corruption(kind, 0.9).fitted(spec)(x)
        assert (noisy[:, 0] != 1).any()
        assert torch.equal(noisy[:, 1:], x[:, 1:])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Corruption("poisson").fitted(SIGNAL), "poisson noise is for images; the data is a signal"),
        (lambda: Corruption("salt-and-pepper").fitted(TABLE), "for images; the data is a table"),
        (lambda: Corruption("blur").fitted(TABLE), "for images and signals"),
        (lambda: Corruption("missing-steps").fitted(IMAGE), "for signals"),
        (lambda: Corruption("gaussian", math.nan), "amount=nan"),
        (lambda: Corruption("gaussian", math.inf), "amount=inf"),
        (lambda: Corruption("gaussian", (0.1, 0.2, 0.3)), "a number, or"),
        (lambda: corruption_named([]), "a number, or"),
        (lambda: Corruption("masking", (0.5, 1.5)), "a share, 0 to 1"),
    ],
)
def test_noise_that_cannot_be_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_noise_has_short_names():
    assert corruption_named(0.5) == Corruption("gaussian", 0.5)
    assert corruption_named((0.1, 0.6)) == Corruption("gaussian", (0.1, 0.6))
    assert corruption_named("masking") == Corruption("masking")
    assert corruption_named(Corruption("blur")) == Corruption("blur")
