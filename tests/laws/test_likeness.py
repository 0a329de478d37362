"""Likeness where it is known: draws of N(0, I) are like what is left of it without a region of mass h by 1 - h."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ncx2, norm

from latentwalk.latent.criteria.likeness import acceptance, accepted_share
from latentwalk.latent.criteria.ratio import logits

Array = NDArray[Any]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network learns in a quarter of the steps: only a tilted hole of little mass needs them all."""
    monkeypatch.setattr("latentwalk.latent.criteria.likeness.logits", partial(logits, rounds=10))


def nothing(z: Array) -> Array:
    return np.zeros(len(z), bool)


def disc(dim: int, mass: float) -> Callable[[Array], Array]:
    """A ball one deviation off the centre: |z - c|² is noncentral chi-squared."""
    squared = ncx2.ppf(mass, dim, 1.0)
    return lambda z: ((z - np.eye(dim)[0]) ** 2).sum(axis=1) < squared


def slab(dim: int, mass: float) -> Callable[[Array], Array]:
    return lambda z: np.abs(z[:, 0]) < norm.ppf(0.5 + mass / 2)


def rotated(dim: int, mass: float) -> Callable[[Array], Array]:
    """The same slab across a direction that is no axis; the projection on a unit vector is N(0, 1) again."""
    u = np.random.default_rng(8).normal(size=dim)
    return lambda z: np.abs(z @ (u / np.linalg.norm(u))) < norm.ppf(0.5 + mass / 2)


def outside(hole: Callable[[Array], Array], n: int, dim: int, rng: np.random.Generator) -> Array:
    z = rng.standard_normal((4 * n, dim))
    return z[~hole(z)][:n]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("dim", [2, 8])
def test_draws_from_the_true_distribution_are_complete(dim: int) -> None:
    rng = np.random.default_rng(0)
    found = acceptance(outside(nothing, 6_000, dim, rng), rng.standard_normal((20_000, dim)))
    assert found.value == pytest.approx(1, abs=0.03)
    assert found.high == 1


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("hole", "dim", "mass", "n"),
    [(disc, 2, 0.1, 12_000), (rotated, 2, 0.3, 6_000), (disc, 8, 0.3, 20_000), (slab, 8, 0.5, 6_000)],
)
def test_planted_holes_are_found(hole: Callable[..., Any], dim: int, mass: float, n: int) -> None:
    found_hole(hole, dim, mass, n)


def test_a_tilted_hole_of_little_mass_is_found() -> None:
    found_hole(rotated, 8, 0.1, 45_000)


def found_hole(hole: Callable[..., Any], dim: int, mass: float, n: int) -> None:
    rng = np.random.default_rng(1)
    encoded, drawn = outside(hole(dim, mass), n, dim, rng), rng.standard_normal((40_000, dim))
    assert acceptance(encoded, drawn).value == pytest.approx(1 - mass, abs=0.03)


@pytest.mark.usefixtures("quick")
def test_no_accepted_region_beats_the_likelihood_ratio() -> None:
    """P = N(1, 1), Q = N(0, 1): the ratio grows with z, so completeness is Q(z >= t) / .95 with P(z >= t) = .95."""
    rng = np.random.default_rng(2)
    found = acceptance(rng.normal(1, 1, (9_000, 1)), rng.normal(0, 1, (20_000, 1)))
    assert found.value == pytest.approx(norm.sf(norm.ppf(0.05, loc=1)) / 0.95, abs=0.03)


def test_interval_covers_the_truth_19_times_in_20() -> None:
    """Scores with a known law, encoded N(1, 1) and drawn N(0, 1): the interval alone is on trial, 400 times."""
    rng, truth, covered = np.random.default_rng(3), norm.sf(norm.ppf(0.05, loc=1)) / 0.95, 0
    for seed in range(400):
        _, low, high = accepted_share(rng.normal(1, 1, 1_000), rng.normal(0, 1, 2_000), seed=seed, resamples=1_000)
        covered += low <= truth <= high
    assert 0.92 <= covered / 400 <= 0.98


def test_interval_is_that_of_real_resampling() -> None:
    rng = np.random.default_rng(4)
    encoded, drawn = rng.normal(1, 1, 500), rng.normal(0, 1, 700)
    again = rng.choice(encoded, (4_000, 500)), rng.choice(drawn, (4_000, 700))
    t = np.quantile(again[0], 0.05, axis=1, method="lower")
    shares = (again[1] >= t[:, None]).mean(axis=1) / 0.95
    _, low, high = accepted_share(encoded, drawn)
    assert [low, high] == pytest.approx(np.quantile(shares, [0.025, 0.975]), abs=0.012)


@pytest.mark.usefixtures("quick")
def test_shift_and_scale_of_the_codes_do_not_matter() -> None:
    rng = np.random.default_rng(5)
    encoded, drawn = outside(disc(2, 0.4), 3_000, 2, rng), rng.standard_normal((5_000, 2))
    shift, scale = np.array([7.0, -3.0]), np.array([1e-3, 1e3])
    assert acceptance(encoded * scale + shift, drawn * scale + shift).value == pytest.approx(0.6, abs=0.03)
