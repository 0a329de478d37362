"""Precision, recall, density, coverage and the Fréchet distance, where they are known, and against PyPI's `prdc`."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from prdc import compute_prdc
from scipy.linalg import sqrtm

from latentwalk.data.dataset import Dataset
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.criteria.features import Features
from latentwalk.latent.criteria.fidelity import fidelity, frechet_distance, prdc
from latentwalk.latent.decoded import Decoded
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

Array = NDArray[Any]
FLAT = Features("flat values", lambda x: x.reshape(len(x), -1))


def of_moments(mean: Array, covariance: Array, n: int, rng: np.random.Generator) -> Array:
    """Points (n, F) whose sample mean and covariance are exactly these."""
    x = rng.standard_normal((n, len(mean)))
    white = np.linalg.qr(x - x.mean(axis=0))[0] * np.sqrt(n - 1)
    return mean + white @ np.linalg.cholesky(covariance).T


@pytest.mark.parametrize(
    ("n", "m", "k", "shift"), [(300, 200, 5, 0.0), (150, 400, 3, 0.7), (60, 60, 1, 2.0), (99, 99, 5, 30.0)]
)
def test_the_four_shares_are_those_of_the_reference(n: int, m: int, k: int, shift: float) -> None:
    rng = np.random.default_rng(n)
    real, generated = rng.standard_normal((n, 8)), 0.8 * rng.standard_normal((m, 8)) + shift
    generated[:20] = real[:20]
    expected = compute_prdc(real, generated, k)
    found = dict(zip(("precision", "recall", "density", "coverage"), prdc(real, generated, k), strict=True))
    assert found == pytest.approx(expected, abs=1e-12)


def test_far_from_zero_nothing_is_lost() -> None:
    rng = np.random.default_rng(0)
    real, generated = rng.standard_normal((200, 4)), rng.standard_normal((200, 4))
    assert prdc(real + 2.0**30, generated + 2.0**30) == pytest.approx(prdc(real, generated), abs=0.02)
    assert frechet_distance(real + 2.0**30, generated + 2.0**30) == pytest.approx(frechet_distance(real, generated), rel=1e-4)


def test_a_set_against_itself_and_against_another_place() -> None:
    x = np.random.default_rng(1).standard_normal((200, 3))
    precision, recall, density, coverage = prdc(x, x)
    assert (precision, recall, coverage) == (1, 1, 1)
    assert density == pytest.approx(1, abs=0.03)  # in each ball lie k: itself and 4 others; rounding says whether the 5th
    assert prdc(x, x + 100) == (0, 0, 0, 0)


def test_coverage_falls_and_precision_stays_where_half_is_left_out() -> None:
    """Two far clusters, one of them generated: half of the real ones are covered, all generated ones look real."""
    rng = np.random.default_rng(2)
    near, far = rng.standard_normal((1000, 2)), rng.standard_normal((1000, 2)) + 50
    precision, recall, _, coverage = prdc(np.concatenate([near, far]), rng.standard_normal((2000, 2)))
    assert precision > 0.97
    assert recall == pytest.approx(0.5, abs=0.02)
    assert 0.45 < coverage <= 0.5


def test_coverage_of_the_true_distribution_has_its_known_mean() -> None:
    """Naeem et al. 2020, lemma 2: with as many real as generated, 1 - (n - 1)…(n - k) / ((2n - 1)…(2n - k))."""
    rng, n, k = np.random.default_rng(3), 200, 5
    found = np.mean([prdc(rng.standard_normal((n, 2)), rng.standard_normal((n, 2)), k)[3] for _ in range(40)])
    steps = np.arange(1, k + 1)
    assert found == pytest.approx(1 - np.prod((n - steps) / (2 * n - steps)), abs=0.005)


def test_frechet_distance_of_gaussians_is_the_closed_form() -> None:
    rng = np.random.default_rng(4)
    means = rng.standard_normal((2, 6))
    roots = rng.standard_normal((2, 6, 6))
    covariances = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(6)
    a, b = (of_moments(mean, c, 50, rng) for mean, c in zip(means, covariances, strict=True))
    cross = np.trace(sqrtm(covariances[0] @ covariances[1]).real)
    expected = ((means[0] - means[1]) ** 2).sum() + np.trace(covariances.sum(axis=0)) - 2 * cross
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-10)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-10)


def test_frechet_distance_on_a_line() -> None:
    """N(m, s²) and N(p, t²): (m - p)² + (s - t)²."""
    rng = np.random.default_rng(5)
    a, b = of_moments(np.array([1.0]), np.array([[4.0]]), 30, rng), of_moments(np.array([-2.0]), np.array([[0.25]]), 40, rng)
    assert frechet_distance(a, b) == pytest.approx(9 + 1.5**2, rel=1e-12)


def test_frechet_distance_without_full_rank() -> None:
    """Fewer rows than features, and features that are always 0: exactly 0 from itself, and the distance shifted by."""
    x = np.random.default_rng(6).standard_normal((20, 64)) * (np.arange(64) < 40)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-11)
    assert frechet_distance(x, x + 0.5) == pytest.approx(64 * 0.25, rel=1e-11)
    assert frechet_distance(x, 3 * x) == pytest.approx(4 * x.var(axis=0, ddof=1).sum() + 4 * (x.mean(axis=0) ** 2).sum())


def test_a_turn_of_the_features_changes_nothing() -> None:
    rng = np.random.default_rng(7)
    turn = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    a, b = rng.standard_normal((100, 5)) * np.arange(1, 6), rng.standard_normal((100, 5)) + 1
    assert frechet_distance(a @ turn, b @ turn) == pytest.approx(frechet_distance(a, b), rel=1e-10)
    assert prdc(a @ turn, b @ turn) == pytest.approx(prdc(a, b), abs=1e-12)


def test_fidelity_names_its_feature_space_and_takes_spaces_sets_and_arrays() -> None:
    rng = np.random.default_rng(8)
    x = rng.standard_normal((300, 2, 3)).astype(np.float32)
    held_out = np.arange(300) >= 100
    codes = np.zeros((300, 2), np.float32)
    space = LatentSpace(codes, codes, x, lambda z: x[: len(z)], NormalSampler(2), held_out=held_out)
    generated = rng.standard_normal((150, 2, 3)).astype(np.float32)
    found = fidelity(space, Decoded(codes[:150], generated), FLAT)
    assert (found.real, found.generated, found.features) == (200, 150, "flat values")
    assert found == fidelity(x[100:], generated, FLAT) == fidelity(Dataset.of(x[100:]), generated, FLAT)
    assert "(flat values; 150 generated, 200 real)" in found.reading
    assert fidelity(x, generated, FLAT, most=100).real == 100
    assert fidelity(space, x[100:], FLAT).fid == pytest.approx(0, abs=1e-10)


def test_wrong_use_is_named() -> None:
    x = np.random.default_rng(9).standard_normal((20, 3))
    with pytest.raises(ConfigError, match="k=20: expected a whole number, at least 1 and less than the 20 examples"):
        fidelity(x, x, FLAT, k=20)
    with pytest.raises(ConfigError, match=r"k=2\.5"):
        fidelity(x, x, FLAT, k=2.5)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"generated examples are of shape \(4,\), real ones of shape \(3,\)"):
        fidelity(x, np.ones((20, 4)), FLAT)
    with pytest.raises(DataError, match="1 of the generated examples hold NaN or infinity, the first in row 7"):
        fidelity(x, np.where(np.arange(20)[:, None] == 7, np.nan, x), FLAT)
    with pytest.raises(DataError, match=r"'broken' gave shape \(20,\) for 20 examples; expected \(20, F\)"):
        fidelity(x, x, Features("broken", lambda x: x.sum(axis=1)))
    with pytest.raises(DataError, match="'broken' hold NaN or infinity for 20 of 20 examples"):
        fidelity(x, x, Features("broken", lambda x: x * np.nan))
    with pytest.raises(DataError, match="'broken' cannot be computed"):
        fidelity(x, x, Features("broken", lambda x: [["a"]] * len(x)))  # type: ignore[arg-type,return-value]
    with pytest.raises(DataError, match="one side has 3 features, the other 2"):
        frechet_distance(x, x[:, :2])
    with pytest.raises(DataError, match="at least 2 examples"):
        fidelity(x, x[:1], FLAT)
    with pytest.raises(DataError, match="at least 2 examples"):
        frechet_distance(x[:0], x)
