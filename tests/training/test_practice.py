"""A denoiser learns what there is to learn, in decibels, and stops when it is told to."""

import numpy as np
import pytest
import torch

from latentwalk import Autoencoder, Dataset
from latentwalk.data.batches.windowed import batches_of
from latentwalk.data.corruption import Corruption
from latentwalk.networks.denoiser import Denoiser, DenoiserShape
from latentwalk.training.denoising import Practice, examples_a_step, log_error, practise

FLAT = np.random.default_rng(0).normal(size=(64, 1)).repeat(16, axis=1)  # signals that do not change


def test_the_error_is_the_logarithm_of_the_mean_square_of_what_was_observed():
    clean = torch.randn(5, 2, 8, dtype=torch.float64)
    found = (clean + torch.randn_like(clean)).requires_grad_()
    torch.testing.assert_close(log_error(found, clean), (found - clean).square().mean((1, 2)).add(1e-7).log())
    gaps = torch.rand(5, 2, 8) < 0.4
    seen = torch.where(gaps, torch.nan, clean)
    expected = torch.stack([(f - c)[~g].square().mean() for f, c, g in zip(found, clean, gaps, strict=True)])
    error = log_error(found, seen)
    torch.testing.assert_close(error, expected.add(1e-7).log())
    error.sum().backward()
    assert found.grad.isfinite().all()
    assert (found.grad[gaps] == 0).all()
    assert log_error(clean, clean).isfinite().all()


@pytest.fixture(scope="module")
def model():
    data = Dataset.of(FLAT, kind="signal")
    return Autoencoder("ae", latent=1, epochs=1, random_state=0, progress=False, complete=False).fit(data).model_


def learning(model, steps, **options):
    torch.manual_seed(0)
    denoiser = Denoiser(DenoiserShape(1, 1, (8,)))
    batches = batches_of(torch.from_numpy(FLAT), torch.device("cpu"), 32, 0)
    return denoiser, practise(denoiser, model, Corruption(amount=0.3), batches, Practice(steps, **options), 0)


def test_it_learns_that_signals_are_flat(model):
    """Then the best is nearly the mean, whose error has a sixteenth of the noise's variance."""
    denoiser, rounds = learning(model, 250)
    found = list(rounds)
    assert len(found) == 5
    assert found[-1] > found[0] + 3
    clean = torch.randn(400, 1, 1).expand(400, 1, 16)
    with torch.no_grad():
        error = float((denoiser(clean + 0.3 * torch.randn(400, 1, 16)) - clean).square().mean())
    assert 0.8 * 0.09 / 16 < error < 0.3 * 0.09
    assert not denoiser.training


def test_the_same_seed_learns_the_same(model):
    first, second = (learning(model, 20) for _ in range(2))
    for _, rounds in (first, second):
        list(rounds)
    for one, other in zip(first[0].parameters(), second[0].parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_it_stops_when_time_is_over(model):
    denoiser, rounds = learning(model, 10**9, limit=0.05)
    assert len(list(rounds)) < 20
    assert not torch.equal(denoiser.closing.weight, torch.zeros_like(denoiser.closing.weight))


def test_a_step_looks_at_about_as_much_of_anything():
    def many(*shape: int, kind: str = "image") -> int:
        return examples_a_step(Dataset.of(np.zeros((2, *shape)), kind=kind).spec)

    assert (many(28, 28), many(64, 64, 3), many(2000, 2000), many(100, kind="signal")) == (20, 4, 4, 32)
