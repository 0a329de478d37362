"""The KL term taken apart, and MMD, where both are known: Gaussians whose aggregate is a Gaussian, and posteriors far apart."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.criteria.gap import elbo_surgery, log_prior, mutual_information, prior_gap
from latentwalk.latent.criteria.mmd import SCALES, mmd, squared_mmd
from latentwalk.latent.samplers import Mixture
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

Array = NDArray[Any]


def space_of(mu: Array, sigma: Array | float, prior: Any = None) -> LatentSpace:
    """The codes themselves are the data; decoding changes nothing."""
    codes = np.asarray(mu, np.float32)
    scales = np.broadcast_to(np.asarray(sigma, np.float32), codes.shape)
    return LatentSpace(codes, scales, codes, lambda z: z, prior or NormalSampler(codes.shape[1]))


def gaussians(n: int, deviation: Array, sigma: float, seed: int = 100) -> LatentSpace:
    """Posteriors N(mu, sigma²), mu ~ N(0, deviation²): the aggregate is N(0, deviation² + sigma²) in each dimension."""
    return space_of(np.random.default_rng(seed).standard_normal((n, len(deviation))) * deviation, sigma)


def test_a_collapsed_posterior_knows_nothing_and_its_gap_is_the_closed_form() -> None:
    """All q(z | x) = N(m, s²): I = 0 and the gap is KL(N(m, s²) || N(0, 1)) = (m² + s² - 1) / 2 - ln s, in each of 2."""
    m, s = np.array([0.5, -1.0]), 0.6
    gap, information = elbo_surgery(space_of(np.tile(m, (2_000, 1)), s))
    truth = float(((m**2 + s**2 - 1) / 2 - np.log(s)).sum())
    assert information is not None
    assert information.value == pytest.approx(0, abs=0.04)
    assert information.details["encoded"] == pytest.approx(0, abs=1e-12)
    assert gap.value == pytest.approx(truth, abs=0.1)
    assert gap.low <= truth <= gap.high


def test_posteriors_that_do_not_touch_show_log_n() -> None:
    mu = 100.0 * np.arange(64)[:, None] * np.ones(3)
    found = mutual_information(space_of(mu, 0.5))
    assert found.low == pytest.approx(np.log(64), abs=1e-9)
    assert found.details["log_n"] == pytest.approx(np.log(64))


@pytest.mark.parametrize(("deviation", "sigma"), [([0.8, 0.8], 0.6), ([2.0, 0.5], 0.3), ([0.95] * 8, 0.3)])
def test_both_lie_on_either_side_of_what_is_known(deviation: list[float], sigma: float) -> None:
    """I(x; z) = sum of ln(1 + d² / s²) / 2, and the gap is the KL of the aggregate Gaussian; both within their intervals."""
    d = np.array(deviation)
    gap, information = elbo_surgery(gaussians(3_000, d, sigma))
    total = d**2 + sigma**2
    assert information is not None
    told, apart = np.log(1 + d**2 / sigma**2).sum() / 2, ((total - 1 - np.log(total)) / 2).sum()
    assert information.low <= told <= information.high
    assert gap.low - 0.02 <= apart <= gap.high
    assert information.value == pytest.approx(told, abs=0.2)
    assert gap.value == pytest.approx(apart, abs=0.2)


def test_the_kl_term_is_the_sum_of_the_two() -> None:
    """Hoffman & Johnson's identity: exact for the mixture of encoded examples, and to sampling error with the closed form."""
    space = gaussians(3_000, np.array([1.0, 0.3]), 0.4, seed=1)
    gap, information = elbo_surgery(space)
    mu, sigma = space.codes.astype(float), space.scales.astype(float)
    closed = ((mu**2 + sigma**2 - 1) / 2 - np.log(sigma)).sum(axis=1).mean()
    assert information is not None
    both = gap.details["encoded"] + information.details["encoded"]  # type: ignore[operator]
    assert both == pytest.approx(gap.details["average_kl"], rel=1e-12)
    assert both == pytest.approx(closed, abs=0.05)
    assert gap.value + information.value == pytest.approx(closed, abs=0.1)


def test_the_mixture_of_encoded_examples_is_that_of_scipy() -> None:
    rng = np.random.default_rng(2)
    mu, sigma = rng.standard_normal((50, 3)) + 7, rng.uniform(0.1, 1, (50, 3))
    z = rng.standard_normal((20, 3)) + 7
    from latentwalk.latent.criteria.gap import _log_aggregate

    expected = logsumexp(norm.logpdf(z[:, None], mu, sigma).sum(axis=-1), axis=1) - np.log(50)
    assert _log_aggregate(z, mu, sigma) == pytest.approx(expected, rel=1e-10)


def test_the_prior_may_be_wider_or_a_mixture() -> None:
    z = np.random.default_rng(3).standard_normal((100, 2))
    assert log_prior(NormalSampler(2, 1.5), z) == pytest.approx(multivariate_normal(np.zeros(2), 1.5**2).logpdf(z))
    assert log_prior(lambda n, rng: z[:n], z) is None
    own = Mixture.fit(np.random.default_rng(4).standard_normal((2_000, 2)) * 0.8, components=1)
    assert prior_gap(space_of(gaussians(2_000, np.ones(2) * 0.64, 0.48).codes, 0.48, own)).value < 0.02


def test_a_plain_autoencoder_has_a_fitted_gap_and_no_information() -> None:
    """Codes N(0, 2²) in one dimension: KL to N(0, 1) is (4 - 1 - ln 4) / 2."""
    space = space_of(2 * np.random.default_rng(5).standard_normal((4_000, 1)), 0.0)
    gap, information = elbo_surgery(space)
    assert information is None
    assert gap.low <= (3 - np.log(4)) / 2 <= gap.high
    with pytest.raises(DataError, match=r"that of this model is a point \(a plain autoencoder\)"):
        mutual_information(space)


def test_wrong_use_of_the_gap_is_named() -> None:
    space = gaussians(100, np.ones(2), 0.5)
    with pytest.raises(DataError, match="needs at least 40 codes; got 30"):
        prior_gap(space_of(space.codes[:30], 0.5))
    with pytest.raises(DataError, match="1 of 100 codes hold NaN"):
        prior_gap(space_of(np.where(np.arange(100)[:, None] == 3, np.nan, space.codes), 0.5))
    with pytest.raises(DataError, match="function has no density"):
        prior_gap(space_of(space.codes, 0.5, lambda n, rng: space.codes[:n]))


# ---------------------------------------------------------------------- MMD


def test_mmd_is_nought_in_the_mean_for_one_distribution_and_its_null_is_right() -> None:
    rng, values, above = np.random.default_rng(6), [], 0
    for _ in range(200):
        found = squared_mmd(rng.standard_normal((60, 2)), rng.standard_normal((60, 2)), rng)
        values.append(found.value)
        above += found.value > found.details["null_95"]  # type: ignore[operator]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)
    assert min(values) < 0
    assert 0.01 <= above / 200 <= 0.10


def test_mmd_is_the_mean_of_h_over_pairs() -> None:
    """Written out pair by pair, in one dimension."""
    rng = np.random.default_rng(7)
    x, y = rng.standard_normal((12, 1)), rng.standard_normal((12, 1)) + 1
    width = np.median((x - y.T) ** 2)

    def kernel(a: float, b: float) -> float:
        return float(np.mean([s / (s + (a - b) ** 2 / width) for s in SCALES]))

    a, b = x[:, 0], y[:, 0]
    h = [
        kernel(a[i], a[j]) + kernel(b[i], b[j]) - kernel(a[i], b[j]) - kernel(a[j], b[i])
        for i in range(12)
        for j in range(12)
        if i != j
    ]
    assert squared_mmd(x, y, rng).value == pytest.approx(np.mean(h), rel=1e-12)


def test_mmd_grows_with_the_distance_and_knows_no_unit() -> None:
    rng = np.random.default_rng(8)
    x, y = rng.standard_normal((300, 2)), rng.standard_normal((300, 2))
    found = [squared_mmd(x, y + shift, np.random.default_rng(0)) for shift in (0, 0.5, 2, 10)]
    assert [one.value for one in found] == sorted(one.value for one in found)
    assert found[1].low > 0 and found[1].details["p"] < 0.01  # type: ignore[operator]
    assert found[0].reading.startswith("Nothing tells") and found[1].reading.startswith("Draws and encoded data differ")
    moved = squared_mmd(1e4 * x + 7, 1e4 * (y + 0.5) + 7, np.random.default_rng(0))
    assert moved.value == pytest.approx(found[1].value, rel=1e-6)


def test_intervals_of_mmd_cover() -> None:
    """N(0, 1) and N(1, 1): 100 samples of 80, against the mean over samples of 80, which is the truth, being unbiased."""
    rng = np.random.default_rng(9)
    found = [squared_mmd(rng.standard_normal((80, 1)), rng.standard_normal((80, 1)) + 1, rng) for _ in range(150)]
    truth = np.mean([one.value for one in found])
    assert 0.88 <= np.mean([one.low <= truth <= one.high for one in found]) <= 1


def test_mmd_of_a_space_and_wrong_use() -> None:
    space = gaussians(1_000, np.array([0.8, 0.8]), 0.6)
    assert mmd(space).details["p"] > 0.02  # type: ignore[operator]
    assert mmd(space, NormalSampler(2, 0.3)).low > 0
    assert mmd(space_of(np.zeros((50, 2)), 0.0, NormalSampler(2, 0.0))).value == 0
    with pytest.raises(ConfigError, match=r"sampler gave shape .*, 3\); expected"):
        mmd(space, NormalSampler(3))
    with pytest.raises(DataError, match="MMD needs at least 40 codes; got 10"):
        mmd(space_of(space.codes[:10], 0.6))
    with pytest.raises(ConfigError, match="as many codes as draws"):
        squared_mmd(space.codes, space.codes[:5], np.random.default_rng(0))
