"""Samplers: densities and moments that are known, draws that come back from files, temperatures, bad input."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal
from zuko.flows import NSF

from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.completion import Completion, completion
from latentwalk.latent.criteria.completeness import reach
from latentwalk.latent.criteria.likeness import acceptance
from latentwalk.latent.criteria.measure import Measure
from latentwalk.latent.criteria.ratio import logits
from latentwalk.latent.samplers import (
    KINDS,
    Flow,
    Isotropic,
    Mixture,
    MomentMatched,
    Neighbours,
    Posterior,
    Vamp,
    fitted,
    flow,
    resampled,
    restored,
    vamp,
)
from latentwalk.latent.samplers.neighbours import _Kernels
from latentwalk.latent.space import LatentSpace

TRUTH = Mixture(
    np.array([0.7, 0.3]),
    np.array([[-2.0, 0.0], [3.0, 1.0]]),
    np.array([[[1.0, 0.0], [0.5, 0.3]], [[0.5, 0.0], [-0.2, 1.0]]]),
)
CODES = TRUTH(1_200, np.random.default_rng(0))


def posterior(means: np.ndarray, scale: float = 0.5) -> Posterior:
    """Of an encoder that is the identity, with one deviation for all."""

    def q(u: torch.Tensor) -> Independent:
        return Independent(Normal(u, torch.full_like(u, scale)), 1)

    return Posterior(q, lambda rows: torch.from_numpy(means[rows].astype(np.float32)))


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Nothing here needs the last digit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flow, "STEPS", 120)
        patch.setattr(flow, "WIDTH", 16)
        patch.setattr(resampled, "THOROUGHLY", replace(resampled.THOROUGHLY, steps=200, width=16))
        patch.setattr(vamp, "STEPS", 50)
        patch.setattr(vamp, "MOST", 40)
        yield


@pytest.fixture(scope="module")
def samplers(quick):
    """One of each kind, fitted to CODES."""
    return {kind: fitted(kind, CODES, 0, posterior(CODES)) for kind in KINDS}


def drawn(sampler, n: int = 4_000, seed: int = 1) -> np.ndarray:
    return sampler(n, np.random.default_rng(seed))


# ---------------------------------------------------------------------- laws


@pytest.mark.parametrize("kind", ["mixture", "flow", "vamp"])
def test_a_density_integrates_to_one_in_two_dimensions(samplers, kind):
    axis = np.linspace(-11, 11, 300)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    total = np.exp(samplers[kind].log_density(grid)).sum() * (axis[1] - axis[0]) ** 2
    assert total == pytest.approx(1, abs=0.01)


def test_a_density_integrates_to_one_in_one_dimension():
    codes, z = CODES[:, :1], np.linspace(-15, 15, 4_000)[:, None]
    found = [Mixture.fit(codes), Flow.fit(codes), Vamp.fit(codes, posterior=posterior(codes))]
    totals = [np.exp(sampler.log_density(z)).sum() * (z[1, 0] - z[0, 0]) for sampler in found]
    np.testing.assert_allclose(totals, 1, atol=0.01)


def test_the_kernels_density_integrates_to_one():
    sampler = Neighbours.fit(CODES[:60])
    axis = np.linspace(-9, 9, 60)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    near = np.tile(np.arange(len(sampler.codes)), (len(grid), 1))
    density = np.exp(_Kernels.of(sampler, grid, near).log_density(1.0, 0.5))
    assert density.sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("k", [1, 5])  # fewer neighbours than dimensions, and more
def test_the_kernels_density_is_that_of_the_covariance_written_out(k):
    rng = np.random.default_rng(0)
    codes, nearest = rng.normal(size=(8, 3)), np.array([[(i + j + 1) % 8 for j in range(k)] for i in range(8)], np.int32)
    sampler, z = Neighbours(codes, nearest, 0.7, 0.2), rng.normal(size=(4, 3))
    found = _Kernels.of(sampler, z, np.tile(np.arange(8), (4, 1))).log_density(0.7, 0.2)
    away = codes[nearest] - codes[:, None]
    covariances = 0.49 * np.einsum("nki,nkj->nij", away, away) / k + 0.04 * np.eye(3)
    expected = Mixture(np.full(8, 1 / 8), codes, np.linalg.cholesky(covariances)).log_density(z)
    np.testing.assert_allclose(found, expected)
    many = drawn(Neighbours(codes[:1], np.zeros((1, 1), np.int32), 0.7, 0.2), 20_000)
    np.testing.assert_allclose(np.cov(many.T), 0.04 * np.eye(3), atol=2e-3)


@pytest.mark.parametrize("kind", ["gaussian", "mixture", "flow", "resampled", "neighbours"])
def test_moments_of_a_known_mixture_are_recovered(samplers, kind):
    draws, many = drawn(samplers[kind], 20_000), drawn(TRUTH, 200_000, 2)
    rough = 0.35 if kind == "flow" else 0.2  # trained for two seconds
    np.testing.assert_allclose(draws.mean(axis=0), many.mean(axis=0), atol=rough)
    np.testing.assert_allclose(np.cov(draws.T), np.cov(many.T), atol=3 * rough)


def test_a_mixture_fitted_to_draws_of_one_is_as_complete_as_the_truth(monkeypatch):
    monkeypatch.setattr("latentwalk.latent.criteria.likeness.logits", partial(logits, rounds=10))  # enough in 2 dimensions
    codes = drawn(TRUTH, 6_000, 3)
    assert acceptance(codes[3_000:], drawn(Mixture.fit(codes[:3_000]), 4_000), most=2_000).value > 0.97


def test_a_flows_density_is_zukos(samplers):
    sampler = samplers["flow"]
    y = drawn(Isotropic(2), 50)
    z = sampler.mean + y @ sampler.root.T
    module = sampler.module()
    assert isinstance(module, NSF)
    expected = module().log_prob(torch.from_numpy(y)).numpy() - np.log(abs(np.linalg.det(sampler.root)))
    np.testing.assert_allclose(sampler.log_density(z), expected, rtol=1e-4, atol=1e-4)


def test_a_vamps_density_is_that_of_its_gaussians(samplers):
    vamp = samplers["vamp"]
    same = Mixture(
        np.full(len(vamp.means), 1 / len(vamp.means)),
        vamp.means.astype(float),
        np.stack([np.diag(scales) for scales in vamp.scales.astype(float)]),
    )
    np.testing.assert_allclose(vamp.log_density(CODES[:20]), same.log_density(CODES[:20]), rtol=1e-6)


def test_pseudo_inputs_that_are_learnt_are_likelier_than_the_examples_they_begin_as(monkeypatch):
    rng = np.random.default_rng(0)
    x = 2 * rng.normal(size=(400, 2))
    codes = x + 0.5 * rng.normal(size=x.shape)
    learnt = Vamp.fit(codes, posterior=posterior(x)).log_density(codes).mean()
    monkeypatch.setattr(vamp, "STEPS", 0)
    assert learnt > Vamp.fit(codes, posterior=posterior(x)).log_density(codes).mean() + 0.05


def test_resampling_moves_a_mixture_to_the_codes(monkeypatch):
    """A ring, and a base that is one Gaussian: what lies inside the ring is drawn less."""
    monkeypatch.setattr("latentwalk.latent.samplers.mixture.MOST", 1)
    monkeypatch.setattr(resampled, "THOROUGHLY", resampled.QUICKLY)
    rng = np.random.default_rng(0)
    ring = rng.normal(size=(2_000, 2))
    ring = (2 + 0.1 * rng.normal(size=(2_000, 1))) * ring / np.linalg.norm(ring, axis=1, keepdims=True)
    inside = [(np.linalg.norm(drawn(fitted(kind, ring)), axis=1) < 1).mean() for kind in ("mixture", "resampled")]
    assert inside[1] < 0.2 * inside[0]


def test_shrinkage_is_the_mean_of_covariances_weighted_by_codes():
    drawn_together = TRUTH._drawn(2.0, 100)  # the mean of all counts as 4 codes, the second has 30
    covariances = TRUTH.roots @ TRUTH.roots.swapaxes(1, 2)
    common = 0.7 * covariances[0] + 0.3 * covariances[1]
    expected = (30 * covariances[1] + 4 * common) / 34
    np.testing.assert_allclose((drawn_together.roots @ drawn_together.roots.swapaxes(1, 2))[1], expected)


def test_neighbours_do_not_copy():
    codes = drawn(Isotropic(4), 2_000, 5)
    kept, new = codes[:1_500], codes[1_500:]
    draws = drawn(Neighbours.fit(kept), 500)

    def nearest(points):
        return np.sqrt(((points[:, None] - kept) ** 2).sum(axis=-1)).min(axis=1)

    assert np.median(nearest(draws)) > 0.6 * np.median(nearest(new))


# ---------------------------------------------------------------------- saving, temperature


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_saved_draws_the_same(samplers, kind):
    numbers, arrays = samplers[kind].parts()
    again = restored(numbers, {name: array.copy() for name, array in arrays.items()})
    assert again.dim == 2
    np.testing.assert_array_equal(drawn(again, 100), drawn(samplers[kind], 100))


def test_a_file_that_does_not_say_among_how_many_means_128(samplers):
    numbers, arrays = samplers["resampled"].parts()
    assert numbers.pop("among") == 128
    np.testing.assert_array_equal(drawn(restored(numbers, arrays), 100), drawn(samplers["resampled"], 100))


@pytest.mark.parametrize("kind", KINDS)
def test_draws(samplers, kind):
    draws = drawn(samplers[kind], 100)
    assert draws.shape == (100, 2) and draws.dtype == np.float32
    np.testing.assert_array_equal(drawn(samplers[kind], 100), draws)
    assert drawn(samplers[kind], 0).shape == (0, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_temperature_scales_the_noise(samplers, kind):
    sampler = samplers[kind]
    cold, usual, hot = (drawn(sampler.at(t), 300).astype(float) for t in (0, 1, 2))
    if kind == "resampled":  # which of the draws is taken depends on where they are
        return
    if kind == "flow":
        assert len(np.unique(cold, axis=0)) == 1
    else:
        np.testing.assert_allclose(hot - cold, 2 * (usual - cold), atol=1e-4)
    centres = {"prior": np.zeros((1, 2)), "gaussian": CODES.mean(axis=0)[None], "neighbours": getattr(sampler, "codes", None)}
    centres |= {"mixture": getattr(sampler, "means", None), "vamp": getattr(sampler, "means", None), "flow": cold[:1]}
    assert all(np.abs(centres[kind] - z).sum(axis=1).min() < 1e-5 for z in cold[:50])


@pytest.mark.parametrize("temperature", [-1, np.nan, np.inf, "hot", None])
def test_no_temperature(temperature):
    with pytest.raises(ConfigError, match="temperature"):
        Isotropic(2).at(temperature)


# ---------------------------------------------------------------------- bad input


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "prior"])
def test_too_few_codes(kind):
    with pytest.raises(DataError, match=r"needs at least \d+ codes; got 1"):
        fitted(kind, CODES[:1], 0, posterior(CODES))


@pytest.mark.parametrize("kind", KINDS)
def test_codes_that_are_no_numbers(kind):
    codes = CODES.copy()
    codes[7, 1] = np.nan
    with pytest.raises(DataError, match=r"NaN or infinity, the first in row 7"):
        fitted(kind, codes, 0, posterior(CODES))
    with pytest.raises(DataError, match=r"expected codes \(n, D\), got shape \(1200,\)"):
        fitted(kind, CODES[:, 0], 0, posterior(CODES))


@pytest.mark.parametrize("kind", KINDS)
def test_a_flat_dimension_and_a_single_one(kind):
    flat = np.column_stack([CODES[:300, 0], np.full(300, 3.0)])
    draws = drawn(fitted(kind, flat, 0, posterior(flat, 0.1)))
    assert np.isfinite(draws).all()
    if kind not in ("prior", "vamp"):  # which have a spread of their own
        np.testing.assert_allclose(draws[:, 1], 3, atol=1 if kind == "neighbours" else 0.1)
    assert drawn(fitted(kind, flat[:, :1], 0, posterior(flat[:, :1]))).shape == (4_000, 1)


def test_codes_that_are_all_the_same():
    same = np.ones((50, 2))
    with pytest.raises(DataError, match="all 50 codes are the same"):
        Flow.fit(same)
    for kind in ("gaussian", "mixture", "neighbours"):
        np.testing.assert_allclose(drawn(fitted(kind, same), 9).astype(float), 1, atol=5)


def test_an_unknown_name_and_an_encoder_without_spread():
    with pytest.raises(ConfigError, match="Did you mean 'mixture'"):
        fitted("mixtures", CODES)
    for none in (None, posterior(CODES, 0.0)):
        with pytest.raises(ConfigError, match='Fit "mixture"'):
            fitted("vamp", CODES, 0, none)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_that_do_not_fit_together(samplers, kind):
    numbers, arrays = samplers[kind].parts()
    for name, array in arrays.items():
        for wrong in (array[:-1], array[None], array[:0], array * np.nan, array.astype("float16"), array.astype("int64")):
            with pytest.raises(ValueError, match="."):
                restored(numbers, arrays | {name: wrong})
        with pytest.raises(ValueError, match=name):
            restored(numbers, {other: value for other, value in arrays.items() if other != name})
    for name in numbers:
        for wrong in (None, -1, np.nan, "a", [1], True, 10**30):
            with pytest.raises(ValueError, match="."):
                restored(numbers | {name: wrong}, arrays)


@pytest.mark.parametrize("name", ["transforms", "width", "bins"])
def test_a_flow_said_to_be_huge_is_refused_before_it_is_built(samplers, name):
    numbers, arrays = samplers["flow"].parts()
    with pytest.raises(ValueError, match="do not make the flow"):
        restored(numbers | {name: 10**9}, arrays)


# ---------------------------------------------------------------------- choosing


def space(n: int = 1_400, seed: int = 0, **more) -> LatentSpace:
    codes = drawn(TRUTH, n, seed)
    return LatentSpace(codes, np.zeros_like(codes), codes, lambda z: np.asarray(z), Isotropic(2), **more)


def test_nothing_is_tried_after_what_cannot_be_told_from_codes_nor_a_slow_flow(monkeypatch):
    tried = []

    def judged(_, sampler, **__):
        tried.append(sampler.kind)
        value = {"mixture": 0.98}.get(sampler.kind, 0.5)
        return Measure("likeness", value, value, 1.0 if sampler.kind == "mixture" else value, "")

    monkeypatch.setattr("latentwalk.latent.completion.likeness", judged)
    assert completion(space()).sampler.kind == "mixture" and tried == ["prior", "gaussian", "mixture"]
    tried.clear()
    monkeypatch.setattr("latentwalk.latent.completion.FEW", 1)
    completion(space(), candidates=("flow", "gaussian"))
    assert tried == ["gaussian"]


@pytest.mark.parametrize(
    ("high", "taken"), [({}, "mixture"), ({"gaussian": 0.9}, "gaussian"), ({"prior": 0.95, "gaussian": 0.95}, "prior")]
)
def test_the_best_is_taken_and_the_simpler_of_equals(monkeypatch, high, taken):
    values = {"prior": 0.2, "gaussian": 0.5, "mixture": 0.9}

    def judged(_, sampler, **__):
        value = values[sampler.kind]
        return Measure("likeness", value, value, high.get(sampler.kind, value), "")

    monkeypatch.setattr("latentwalk.latent.completion.likeness", judged)
    found = completion(space(), candidates=("prior", "gaussian", "mixture"))
    assert found.sampler.kind == taken
    assert {kind: measure.value for kind, measure in found.measures.items()} == values


def test_who_judges_was_not_learnt_from(monkeypatch):
    asked = {}

    def judged(judges, sampler, **_):
        asked["codes"], asked["learnt"] = judges.codes, sampler.codes
        return Measure("likeness", 1.0, 1.0, 1.0, "")

    monkeypatch.setattr("latentwalk.latent.completion.likeness", judged)
    whole = space()
    found = completion(whole, "neighbours")
    assert isinstance(found, Completion)
    known = {tuple(code) for code in asked["learnt"]}
    assert len(asked["codes"]) == 700 and not any(tuple(code) in known for code in asked["codes"])
    assert len(found.sampler.codes) > 1_200  # all of them, but for those that choose its widths
    monkeypatch.setattr("latentwalk.latent.completion.ENOUGH", 400)
    held = np.arange(100, 600)
    completion(whole, "neighbours", held_out=held)
    np.testing.assert_array_equal(asked["codes"], whole.codes[held])


def test_too_few_rows_to_choose_by():
    with pytest.raises(DataError, match="Name one"):
        completion(space(100))
    assert completion(space(100), "gaussian").measures == {}
    with pytest.raises(ConfigError, match="unknown sampler 'bst'. Did you mean 'best'"):
        completion(space(100), "bst")


def test_a_space_fits_samplers_by_name_once():
    whole = space(fitted=MomentMatched.fit(CODES))
    assert isinstance(whole.sampler("mixture"), Mixture)
    assert whole.sampler("mixture") is whole.sampler("mixture")
    assert whole.sampler("fitted") is whole.fitted
    assert whole.sample(3, "neighbours").z.shape == (3, 2)
    with pytest.raises(ConfigError, match="fit_sampler"):
        space().sampler("fitted")
    with pytest.raises(ConfigError, match="unknown sampling distribution 'mixtur'"):
        whole.sampler("mixtur")


def test_a_sampler_is_reached_by_rows_that_it_was_not_fitted_to(monkeypatch):
    asked = []

    def share(self, points, seed):
        asked.append(len(points))
        return 1.0, 1.0, 1.0

    monkeypatch.setattr("latentwalk.latent.criteria.region.Region.share", share)
    for held_out in (None, np.arange(900) >= 500, np.arange(900) >= 800):  # the last too few
        reach(space(900, fitted=TRUTH, held_out=held_out), "fitted", most=1_000)
    reach(space(900), "gaussian", most=1_000)
    reach(space(900), "mixture", most=1_000)
    assert asked == [900, 400, 900, 900, 450]
