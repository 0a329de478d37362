"""Completeness and reach where they are known: planted holes, crowded and wide draws, clusters."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import chi2, ncx2, norm

from latentwalk.data.dataset import Dataset
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.criteria.classifier import Classifier
from latentwalk.latent.criteria.completeness import completeness, reach, recognisable
from latentwalk.latent.criteria.region import Region
from latentwalk.latent.samplers import Mixture, MomentMatched
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

Array = NDArray[Any]
MOST = 3_000  # points a side, for speed


def space_of(codes: Array, **changed: Any) -> LatentSpace:
    """The codes themselves are the data; decoding changes nothing."""
    codes = codes.astype(np.float32)
    given: dict[str, Any] = {"scales": np.zeros_like(codes), "data": codes, "decode": lambda z: z}
    given["prior"] = NormalSampler(codes.shape[1])
    return LatentSpace(codes, **(given | changed))


def ball(dim: int, mass: float) -> Callable[[Array], Array]:
    """A ball one deviation off the centre: |z - c|² is noncentral chi-squared."""
    squared = ncx2.ppf(mass, dim, 1.0)
    return lambda z: ((z - np.eye(dim)[0]) ** 2).sum(axis=1) < squared


def slab(dim: int, mass: float) -> Callable[[Array], Array]:
    """Across a direction that is no axis: the projection on a unit vector is N(0, 1)."""
    u = np.random.default_rng(8).normal(size=dim)
    return lambda z: np.abs(z @ (u / np.linalg.norm(u))) < norm.ppf(0.5 + mass / 2)


def scaled(scale: float) -> Callable[[int, np.random.Generator], Array]:
    return lambda n, rng: scale * rng.standard_normal((n, 2))


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A region is learnt once, not twice."""
    monkeypatch.setattr("latentwalk.latent.criteria.region.REFITS", 1)


@pytest.fixture
def quick(once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """In half the steps, too: enough for what is seen from afar."""
    monkeypatch.setattr("latentwalk.latent.criteria.region.ROUNDS", 5)


@pytest.fixture(scope="module")
def normal() -> LatentSpace:
    """N(0, I): its own region is found by whoever asks first."""
    return space_of(np.random.default_rng(2).standard_normal((4_500, 2)))


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize(("hole", "dim", "mass"), [(ball, 2, 0.3), (slab, 2, 0.3), (ball, 8, 0.5)])
def test_draws_into_a_hole_are_no_sense(hole: Callable[..., Any], dim: int, mass: float) -> None:
    z = np.random.default_rng(1).standard_normal((40_000, dim))
    found = completeness(space_of(z[~hole(dim, mass)(z)][:9_000]), most=MOST)
    assert found.value == pytest.approx(1 - mass, abs=0.05)
    assert found.low <= found.value <= found.high


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0])
def test_draws_that_crowd_are_complete_and_reach_little(normal: LatentSpace, scale: float) -> None:
    """N(0, s² I) within N(0, I): all of it on data, and as much of the data in its region as lies within chi² / s²."""
    truth = chi2.cdf(scale**2 * chi2.ppf(0.95, 2), 2) / 0.95
    found = completeness(normal, scaled(scale), most=MOST)
    assert found.value > 0.98
    for draw in (scaled(scale), NormalSampler(2, scale)):  # the region of the first is learnt, of the second known
        found = reach(normal, draw, most=MOST)
        assert found.value == pytest.approx(truth, abs=0.04)
        assert ("crowd" in found.reading) == (scale < 1)


@pytest.mark.usefixtures("quick")
def test_draws_that_spread_reach_all_and_are_not_complete(normal: LatentSpace) -> None:
    truth = chi2.cdf(chi2.ppf(0.95, 2) / 4, 2) / 0.95
    assert completeness(normal, scaled(2.0), most=MOST).value == pytest.approx(truth, abs=0.07)
    assert reach(normal, scaled(2.0), most=MOST).value > 0.98


@pytest.mark.usefixtures("once")
def test_a_round_hole_in_32_dimensions_is_seen_by_few_codes() -> None:
    """Its truth is .5; classifiers of coordinates alone, which see the same draws again and again, find 1.0. About 5 s."""
    rng, beside = np.random.default_rng(5), ball(32, 0.5)
    z = rng.standard_normal((9_000, 32))
    found, low, high = Region.fit(z[~beside(z)][:3_000]).share(rng.standard_normal((4_000, 32)))
    assert low <= 0.5 <= high and found == pytest.approx(0.5, abs=0.1)


@pytest.mark.usefixtures("quick")
def test_a_sampler_that_repeats_one_good_point_is_complete_and_reaches_nothing(normal: LatentSpace) -> None:
    draw = lambda n, rng: 0.3 + 1e-4 * rng.standard_normal((n, 2))  # noqa: E731
    assert completeness(normal, draw, most=MOST).value > 0.99
    assert reach(normal, draw, most=MOST).value < 0.01


@pytest.mark.usefixtures("quick")
def test_between_clusters_is_nowhere_and_a_mixture_reaches_all_of_them() -> None:
    rng = np.random.default_rng(5)
    centres = np.array([[-3.0, 0], [3, 0], [0, 5]])
    space = space_of(centres[rng.integers(3, size=4_500)] + 0.3 * rng.standard_normal((4_500, 2)))
    matched, mixture = (completeness(space, kind, most=MOST).value for kind in ("gaussian", "mixture"))
    assert matched < 0.25 and mixture > 0.97
    assert reach(space, "gaussian", most=MOST).value > 0.97
    assert reach(space, "mixture", most=MOST).value > 0.97
    assert reach(space, lambda n, rng: centres[0] + 0.3 * rng.standard_normal((n, 2)), most=MOST).value == pytest.approx(
        1 / 3, abs=0.03
    )


@pytest.mark.usefixtures("quick")
def test_a_known_density_gives_the_reach_that_is_learnt() -> None:
    codes = np.random.default_rng(6).standard_normal((4_500, 2)) @ [[1, 0.8], [0, 0.6]]
    space = space_of(codes)
    for sampler in (MomentMatched.fit(codes[::2]), Mixture.fit(codes[::2])):
        known, learnt = (reach(space, one, most=MOST).value for one in (sampler, lambda n, rng, s=sampler: s(n, rng)))
        assert known == pytest.approx(learnt, abs=0.02)


def test_a_region_is_learnt_twice_with_other_points_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentwalk.latent.criteria.region.ROUNDS", 2)
    first, second = Region.fit(np.random.default_rng(7).standard_normal((900, 2)), most=300).fits
    assert not np.array_equal(first.known[1], second.known[1])  # type: ignore[union-attr]


@pytest.mark.usefixtures("quick")
def test_the_region_of_a_space_is_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    space = space_of(np.random.default_rng(7).standard_normal((900, 2)))
    completeness(space, most=300)
    monkeypatch.setattr("latentwalk.latent.criteria.region.logits", lambda *_: pytest.fail("a region is learnt again"))
    completeness(space, "gaussian", most=300)


def test_the_fewer_codes_the_less_is_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The low end says it: a hole is missed where few codes would have been. The value and the high end stay."""
    blind = (lambda points: np.zeros(len(points)),)  # classifiers, for speed
    monkeypatch.setattr("latentwalk.latent.criteria.region.logits", lambda *_, **__: blind)
    z = np.random.default_rng(10).standard_normal((300, 8))
    region = Region.fit(z)
    found = [replace(region, learnt_from=count).share(z / 2) for count in (200, 2_000, 20_000)]
    assert [low for _, low, _ in found] == sorted(low for _, low, _ in found) and found[0][1] < found[1][1] - 0.05
    assert len({(value, high) for value, _, high in found}) == 1


def test_what_a_classifier_is_sure_of_is_recognisable() -> None:
    """Two classes, told apart by their sign: between them, nobody can be sure."""
    rng = np.random.default_rng(8)
    codes = np.where(rng.random((4_000, 1)) < 0.5, -3.0, 3.0) + 0.3 * rng.standard_normal((4_000, 1))
    codes = np.hstack([codes, rng.standard_normal((4_000, 1))]).astype(np.float32)
    classifier = Classifier.train(Dataset.of(codes, codes[:, 0] > 0, kind="table"), steps=60)
    space = space_of(codes)
    assert recognisable(space, classifier, "mixture").value > 0.98
    found = recognisable(space, classifier, lambda n, rng: 0.05 * rng.standard_normal((n, 2)))
    assert found.value < 0.1 and found.details["accuracy"] == classifier.accuracy


@pytest.mark.usefixtures("quick")
def test_a_fitted_gaussian_repairs_what_the_prior_misses() -> None:
    space = space_of(5 + 0.01 * np.random.default_rng(6).standard_normal((3_000, 2)))
    prior, gaussian = completeness(space), completeness(space, "gaussian")
    assert prior.value < 0.002
    assert gaussian.value > 0.97
    assert prior.reading.startswith("Practically none of draws from the model's own prior")


@pytest.mark.usefixtures("quick")
def test_same_seed_same_number_and_the_callers_randomness_is_left_alone() -> None:
    """One of the two dimensions is constant, as a dead unit of an autoencoder is; that is no error."""
    codes = np.random.default_rng(7).standard_normal((400, 2)) * [1, 0]
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    found, again = (completeness(space_of(codes), "gaussian", seed=3) for _ in range(2))  # each learns a region of its own
    assert found.to_json() == again.to_json()
    assert found.value > 0.9
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


@pytest.mark.usefixtures("quick")
def test_wrong_use_is_named() -> None:
    space = space_of(np.random.default_rng(9).standard_normal((400, 2)))
    with pytest.raises(DataError, match=r"at least 300 codes.*got 200"):
        completeness(space_of(space.codes[:200]))
    with pytest.raises(DataError, match="1 of 400 codes hold NaN or infinity, the first in row 7"):
        completeness(space_of(np.where(np.arange(400)[:, None] == 7, np.nan, space.codes)))
    with pytest.raises(ConfigError, match="Did you mean 'prior'"):
        completeness(space, "priro")
    with pytest.raises(ConfigError, match=r"sampler gave shape .*, 3\); expected"):
        completeness(space, NormalSampler(3))
    with pytest.raises(DataError, match="sampler drew NaN"):
        completeness(space, lambda n, rng: np.full((n, 2), np.nan, np.float32))
