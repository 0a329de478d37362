"""Spectra of sounds: laws of the frames, of the density, and of the distance."""

import math

import numpy as np
import pytest
import torch

from latentwalk.models.heard import Heard, LogSpectra, SpectralHead
from latentwalk.models.objective import Terms
from latentwalk.models.spectra import Frames
from latentwalk.models.spectral import log_spectral_distance, with_spectra

SIZES = [(4096, 512), (4097, 512), (1000, 64), (20, 8), (5, 8), (3, 8)]
torch.manual_seed(0)


@pytest.mark.parametrize(("length", "size"), SIZES)
def test_spectra_that_were_not_changed_give_back_the_sound(length, size):
    x = torch.randn(2, 3, length)
    frames = Frames(length, size)
    assert frames.logs(x).shape == (2, 3, frames.count, frames.bins)
    torch.testing.assert_close(frames.together(frames.apart(x)), x, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("length", "size"), SIZES)
def test_the_lapped_basis_is_orthonormal(length, size):
    frames = Frames(length, size)
    x = torch.randn(2, 3, length)
    torch.testing.assert_close(frames.unlapped(frames.lapped(x)), x, atol=1e-5, rtol=0)
    if length <= 1000:
        basis = frames.lapped(torch.eye(length))
        torch.testing.assert_close(basis @ basis.T, torch.eye(length), atol=1e-5, rtol=0)


@pytest.mark.parametrize("frequency", [111.0, 447.3, 1873.0])
def test_a_tone_is_heard_from_its_magnitudes_alone(frequency):
    frames = Frames(4096, 512)
    x = 1.4 * torch.sin(2 * math.pi * frequency * torch.arange(4096) / 8000)[None, None]
    y = frames.heard(frames.logs(x), frames.apart(torch.zeros(1, 4096)))[0, 0, 400:-400]
    spectrum = torch.fft.rfft(y * torch.hann_window(len(y)), 1 << 17).abs()
    assert float(spectrum.argmax()) * 8000 / (1 << 17) == pytest.approx(frequency, abs=0.5)
    assert float(y.std()) == pytest.approx(1.4 / math.sqrt(2), rel=0.1)


def test_noise_is_heard_as_loud_as_it_was():
    frames = Frames(4096, 512)
    x = torch.randn(50, 1, 4096)
    y = frames.heard(frames.logs(x), frames.apart(torch.randn(1, 4096)))
    assert float(y.std()) == pytest.approx(1, rel=0.15)
    assert float(frames.powers(frames.logs(x)).mean()) == pytest.approx(1, rel=0.05)


def test_the_density_is_that_of_a_gaussian_where_all_magnitudes_are_alike():
    frames = Frames(1000, 64)
    flat = torch.full((2, 1, frames.count, frames.bins), math.log(0.5))
    x = torch.randn(2, 1, 1000)
    p = Heard(frames, flat, torch.zeros(1, 1000))
    wanted = torch.distributions.Normal(0.0, 0.5).log_prob(x).sum((1, 2))
    torch.testing.assert_close(p.log_prob(x), wanted, rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(p.log_prob_each(x).sum((1, 2)), wanted, rtol=1e-4, atol=1e-2)
    drawn = Heard(frames, flat.expand(20, -1, -1, -1, -1), torch.zeros(1, 1000)).sample()
    assert drawn.shape == (20, 2, 1, 1000) and float(drawn.std()) == pytest.approx(0.5, rel=0.03)
    assert p.mean.shape == (2, 1, 1000) and p.batch_shape == (2,) and p.event_shape == (1, 1000)


def test_the_density_integrates_to_one():
    frames = Frames(2, 8)
    logs = torch.randn(1, 1, frames.count, frames.bins) / 2
    p = Heard(frames, logs, torch.zeros(1, 2))
    line = torch.linspace(-25, 25, 401)
    grid = torch.stack(torch.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 1, 2)
    total = Heard(frames, logs.expand(len(grid), -1, -1, -1), torch.zeros(1, 2)).log_prob(grid).exp().sum() * (50 / 400) ** 2
    assert float(total) == pytest.approx(1, abs=1e-3)
    assert p.mean.isfinite().all()


def test_the_head_says_what_it_was_given():
    frames = Frames(1000, 64)
    head = SpectralHead(frames, 2)
    x = torch.randn(3, 2, 1000)
    raw = head.raw_of(x)
    assert raw.shape[1:] == head.raw_shape((2, 1000)) == LogSpectra(frames)(x).shape[1:]
    torch.testing.assert_close(head(raw[None]).logs[0], frames.logs(x))
    with_gap = x.clone()
    with_gap[:, :, 100:200] = float("nan")
    assert LogSpectra(frames)(with_gap).isfinite().all()


# ---------------------------------------------------------------------- the distance


def test_equal_sounds_are_not_apart_and_others_are_alike_from_both_sides():
    x, y = torch.randn(4, 2, 2000), torch.randn(4, 2, 2000) * 0.3
    assert float(log_spectral_distance(x, x).abs().max()) == 0
    torch.testing.assert_close(log_spectral_distance(x, y), log_spectral_distance(y, x))
    assert (log_spectral_distance(x, y) > 0).all()
    assert float(log_spectral_distance(x, -x).max()) < 1e-6  # the same upside down is heard alike
    louder = log_spectral_distance(x, x * math.e).mean()  # one neper
    assert float(louder) == pytest.approx(1, abs=0.02)


def test_neither_what_is_missing_nor_who_is_beside_one_has_a_part():
    x, y = torch.randn(4, 1, 1500), torch.randn(4, 1, 1500)
    alone = torch.stack([log_spectral_distance(x[at : at + 1], y[at : at + 1])[0] for at in range(4)])
    torch.testing.assert_close(log_spectral_distance(x, y), alone)
    gap = x.clone()
    gap[:, :, 700:] = float("nan")
    other = y.clone()
    other[:, :, 700:] = 5.0
    torch.testing.assert_close(log_spectral_distance(gap, other), log_spectral_distance(gap, y))


def test_what_was_first_asked_without_gradients_can_be_learnt_from_then():
    frames, x = Frames(700, 56), torch.randn(2, 1, 700)
    with torch.inference_mode():
        frames.unlapped(frames.lapped(x))
        log_spectral_distance(x, -x)
    y = x.clone().requires_grad_()
    (frames.unlapped(frames.lapped(y)).sum() + log_spectral_distance(y, x * 2).sum()).backward()
    assert y.grad.isfinite().all()


def test_short_sounds_have_a_distance():
    for length in (2, 5, 40):
        assert log_spectral_distance(torch.randn(3, 1, length), torch.randn(3, 1, length)).isfinite().all()


def test_the_term_stands_beside_the_others():
    from types import SimpleNamespace

    x = torch.randn(5, 1, 600)
    p = SimpleNamespace(
        target=x,
        z=torch.zeros(1, 5, 2),
        likelihood=torch.distributions.Independent(torch.distributions.Normal(x[None], 1.0), 2),
    )

    def plain(p, epoch=None):
        return Terms({"reconstruction": torch.ones(5)}, torch.ones(()))

    found = with_spectra(plain, 2.0)(p)
    assert np.allclose(found.values["spectral"], 0) and float(found.loss) == 1 and found.values["reconstruction"].sum() == 5
    p.likelihood = torch.distributions.Independent(torch.distributions.Normal(x[None] * math.e, 1.0), 2)
    assert float(with_spectra(plain, 2.0)(p).loss) == pytest.approx(1 + 2 * 600, rel=0.05)
