"""Continuity against decoders whose jumps are known in closed form."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi, norm

from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.criteria.continuity import continuity, neighbour_distance
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

Array = NDArray[Any]
STEPS = 5_000


def space_of(codes: Array, data: Array, decode: Any, **more: Any) -> LatentSpace:
    return LatentSpace(codes, np.zeros_like(codes), data, decode, NormalSampler(codes.shape[1]), **more)


def whitened(n: int, dim: int, seed: int = 0) -> Array:
    """Codes (n, D) whose sample covariance is exactly the identity."""
    z = np.random.default_rng(seed).standard_normal((n, dim))
    root = np.linalg.cholesky(np.atleast_2d(np.cov(z, rowvar=False)))
    white: Array = np.linalg.solve(root, (z - z.mean(axis=0)).T).T
    return white


def lattice(n: int, gap: float, dim: int) -> Array:
    """Examples in a row, `gap` between neighbours."""
    row: Array = gap * np.arange(n)[:, None] * np.eye(dim)[0]
    return row


@pytest.mark.parametrize("gap", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("scale", [0.1, 0.2])
def test_isometry_gives_the_chi_distribution(gap: float, scale: float) -> None:
    """f(z) = Q z with QᵀQ = I and Sigma = I: the jump is scale * chi_D, the limit gap / 2."""
    q = np.linalg.qr(np.random.default_rng(1).standard_normal((6, 3)))[0]
    found = continuity(space_of(whitened(STEPS, 3), lattice(STEPS, gap, 6), lambda z: z @ q.T), scale=scale)
    truth = chi.cdf(gap / 2 / scale, 3)
    assert found.value == pytest.approx(truth, abs=0.02)
    assert found.details["jump_p99"] == pytest.approx(scale * chi.ppf(0.99, 3) / gap, rel=0.05)
    assert found.details["neighbour_distance"] == pytest.approx(gap)


def test_steps_follow_the_covariance_of_the_codes() -> None:
    """Codes with covariance C and decoder C^(-1/2) z: the same law as the isometry, whatever C."""
    root = np.array([[3.0, 0.0], [-1.0, 0.01]])
    codes = whitened(STEPS, 2) @ root.T
    found = continuity(space_of(codes, lattice(STEPS, 0.4, 2), lambda z: z @ np.linalg.inv(root).T))
    assert found.value == pytest.approx(chi.cdf(2.0, 2), abs=0.02)
    curve = [chi.cdf(0.2 / s, 2) for s in found.details["curve_scales"]]  # type: ignore[union-attr]
    assert found.details["curve"] == pytest.approx(curve, abs=0.035)


def test_a_step_in_the_decoder_is_met_as_often_as_it_should_be() -> None:
    """Codes evenly spread over [0, 1), f jumps at .5: a step of size d crosses it with probability E|d|."""
    codes = ((np.arange(STEPS) + 0.5) / STEPS)[:, None]
    found = continuity(space_of(codes, lattice(STEPS, 1.0, 1), lambda z: 10.0 * (z > 0.5)))
    crossed = 0.1 * codes.std() * np.sqrt(2 / np.pi)
    assert 1 - found.value == pytest.approx(crossed, abs=0.007)
    assert found.low < 1 - crossed < found.high


def test_units_of_the_data_do_not_matter() -> None:
    codes = whitened(STEPS, 2)
    plain = space_of(codes, lattice(STEPS, 0.3, 2), lambda z: z)
    bytes_ = space_of(codes, 255 * lattice(STEPS, 0.3, 2), lambda z: 255 * z, unit=np.array([255.0]))
    assert continuity(bytes_).value == continuity(plain).value


def test_only_held_out_rows_are_stepped_from() -> None:
    """The decoder jumps everywhere except where the held-out codes are."""
    codes = np.concatenate([whitened(500, 1), whitened(500, 1) + 100])
    noisy = space_of(codes, lattice(1_000, 1.0, 1), lambda z: np.where(z > 50, 0.0, 1e6 * np.sin(1e6 * z)))
    assert continuity(noisy, scale=1e-3).value < 0.6
    assert continuity(LatentSpace(**vars_of(noisy), held_out=codes[:, 0] > 50), scale=1e-3).value == 1


def vars_of(space: LatentSpace) -> dict[str, Any]:
    return {name: getattr(space, name) for name in ("codes", "scales", "data", "decode", "prior")}


def test_copies_in_the_data_count_once() -> None:
    data = lattice(50, 0.7, 2)[np.random.default_rng(2).integers(0, 50, 2_000)]
    space = space_of(whitened(2_000, 2), data, lambda z: z)
    assert neighbour_distance(space, np.random.default_rng(0)) == pytest.approx(0.7)


def test_neighbour_distance_is_the_median_over_examples() -> None:
    """Uniform points on a line, spacing 1 / n: the gaps to the nearer side are exponential with rate 2n, median ln 2 / 2n."""
    data = np.random.default_rng(3).uniform(size=(10_000, 1))
    space = space_of(whitened(10_000, 1), data, lambda z: z)
    assert neighbour_distance(space, np.random.default_rng(0)) == pytest.approx(np.log(2) / 20_000, rel=0.05)


def test_wrong_use_is_named() -> None:
    codes, data = whitened(100, 2), lattice(100, 1.0, 2)
    space = space_of(codes, data, lambda z: z)
    with pytest.raises(ConfigError, match="positive"):
        continuity(space, scale=0)
    with pytest.raises(DataError, match=r"at least 20 held-out codes; got 3"):
        continuity(space_of(codes, data, lambda z: z, held_out=np.arange(100) < 3))
    with pytest.raises(DataError, match="decoder gave NaN or infinity for 100 of 100"):
        continuity(space_of(codes, data, lambda z: z * np.nan))
    with pytest.raises(DataError, match=r"decoder gave shape \(100, 1\)"):
        continuity(space_of(codes, data, lambda z: z[:, :1]))
    with pytest.raises(DataError, match="all 100 examples are equal"):
        continuity(space_of(codes, np.zeros((100, 2)), lambda z: z))
    with pytest.raises(DataError, match="codes hold NaN"):
        continuity(space_of(codes * np.nan, data, lambda z: z))


def test_wilson_covers_shares_near_one() -> None:
    from latentwalk.latent.criteria.measure import wilson

    hits = np.random.default_rng(5).binomial(200, 0.95, 1_000)
    assert np.mean([low <= 0.95 <= high for low, high in (wilson(int(k), 200) for k in hits)]) > 0.93
    assert wilson(200, 200)[1] == 1
    assert norm.ppf(0.975) ** 2 / (200 + norm.ppf(0.975) ** 2) == pytest.approx(1 - wilson(200, 200)[0])
