"""Each symptom is found where it was planted, and not where it was not: analytic spaces whose truth is known."""

import json
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.criteria.nearest import two_nearest
from latentwalk.latent.diagnosis import SYMPTOMS, Diagnosis, Evidence, Finding, Recheck, wording
from latentwalk.latent.diagnosis.learnt import falling
from latentwalk.latent.origin import Origin
from latentwalk.latent.space import LatentSpace
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.prior import NormalSampler
from latentwalk.models.recipes import RECIPES
from latentwalk.models.schedule import Schedule
from latentwalk.networks.build import Network
from latentwalk.training.history import Epoch

Array = NDArray[Any]
RNG = np.random.default_rng(0)
BASIS = np.linalg.qr(np.random.default_rng(1).standard_normal((12, 12)))[0].T  # rows are orthonormal
NOISE = 0.2


def linear(
    dim: int = 2, *, factors: int | None = None, beta: float = 1.0, n: int = 1200, seed: int = 0, **more: Any
) -> LatentSpace:
    """The exact posterior of x = W z + noise of deviation .2, z ~ N(0, I), for a VAE with this beta and the first `dim` of z.

    W is orthonormal, so each dimension has a posterior of its own, of precision 1 + 1 / (beta noise²).
    """
    rng = np.random.default_rng(seed)
    factors = dim if factors is None else factors
    z = rng.standard_normal((n, factors))
    x = z @ BASIS[:factors] + NOISE * rng.standard_normal((n, 12))
    variance = NOISE**2 + max(0, factors - dim) / 12  # of what the decoder leaves
    precision = 1 + 1 / (beta * variance)
    codes = (x @ BASIS[:dim].T) / (beta * variance) / precision
    scales = np.full((n, dim), precision**-0.5)
    decode = more.pop("decode", lambda z: (z @ BASIS[:dim]).astype(np.float32))
    held = np.arange(n) >= 2 * n // 3
    space = LatentSpace(codes, scales, x, decode, NormalSampler(dim), held_out=held)
    return replace(space, **more)


def found(space: LatentSpace, name: str, new: Array | None = None) -> Finding:
    answer = SYMPTOMS[name](Evidence(space, new))
    assert isinstance(answer, Finding), answer
    assert answer.name == name
    return answer


def history(losses: list[float]) -> list[Epoch]:
    return [Epoch(i + 1, loss, loss, {}, {}, True, 1.0, 1.0) for i, loss in enumerate(losses)]


def origin(recipe: Any = RECIPES["vae"], **more: Any) -> Origin:
    return Origin(recipe, **more)


# ---------------------------------------------------------------------- a healthy space


def test_where_nothing_is_wrong_nothing_is_said() -> None:
    for seed in range(3):
        diagnosis = linear(seed=seed).diagnose(seed=seed)
        assert diagnosis.first is None, str(diagnosis)
        assert set(SYMPTOMS) == {one.name for one in diagnosis}
        assert str(diagnosis).startswith("Nothing is wrong.")


# ---------------------------------------------------------------------- the price of a nat


def optimum(beta: float, **more: Any) -> LatentSpace:
    """What a linear beta-VAE with a learnt sigma settles on, for two wide values of twelve, each with a dimension of its own.

    For x of deviation w, the encoder says N((1 - s²) x / w, s²) and the decoder w z. At the optimum s² = beta v / (w² +
    beta v), where v is the error per value at a draw: a fixed point, found by going round.
    """
    rng = np.random.default_rng(0)
    width = np.array([3.0, 2.0])
    x = rng.standard_normal((3000, 12)) * np.array([*width, *[0.1] * 10])
    v = 0.5
    for _ in range(200):
        s = np.sqrt(beta * v / (width**2 + beta * v))
        missed = np.square(x[:, :2] * s**2).sum(axis=1).mean() + np.square(x[:, 2:]).sum(axis=1).mean()
        v = float(missed + np.square(width * s).sum()) / 12
    axes = np.eye(12)[:2] * width[:, None]
    codes = (1 - s**2) * x[:, :2] / width
    space = LatentSpace(codes, np.tile(s, (3000, 1)), x, lambda z: (z @ axes).astype(np.float32), NormalSampler(2))
    return replace(space, **more)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0, 8.0])
def test_beta_is_read_off_a_linear_model_at_its_optimum(beta: float) -> None:
    assert Evidence(optimum(beta)).price == pytest.approx(beta, rel=0.1)


def test_pressed_codes_are_told_with_the_beta_to_try() -> None:
    finding = found(optimum(8, origin=origin(replace(RECIPES["vae"], beta=8.0))), "over-regularised")
    assert finding.severity == "problem"
    assert finding.change == {"recipe__beta": 1.0}
    assert found(optimum(1), "over-regularised").severity == "fine"
    assert found(linear(3), "over-regularised").severity == "fine"


def test_a_warm_up_stays_a_warm_up() -> None:
    recipe = replace(RECIPES["vae"], beta=Schedule(8.0, 5.0))
    assert found(optimum(8, origin=origin(recipe)), "over-regularised").change == {"recipe__beta": Schedule(1.0, 5.0)}


def test_a_likelihood_that_does_not_suit_the_data_is_the_cause() -> None:
    spec = DataSpec("table", (12,), "flat", "float64", -4.0, 4.0, 0.0)
    used = origin(likelihood=Likelihood("gaussian", sigma=1.0))
    assert found(optimum(8, spec=spec, origin=used), "over-regularised").change == {"likelihood": "gaussian"}


# ---------------------------------------------------------------------- did it learn


def test_a_total_collapse_is_a_problem_only_where_there_is_something_to_say() -> None:
    space = linear(2)
    dead = replace(space, codes=0 * space.codes, scales=np.ones_like(space.scales), decode=lambda z: np.zeros((len(z), 12)))
    finding = found(dead, "collapse")
    assert (finding.severity, finding.change) == ("problem", {"recipe__beta": Schedule(1.0, 5.0)})
    noise = replace(dead, data=RNG.standard_normal((len(dead), 12)))
    assert (found(noise, "collapse").severity, found(noise, "collapse").change) == ("note", None)
    assert found(space, "collapse").severity == "fine"


def test_the_change_after_a_collapse_follows_what_the_model_was_made_of() -> None:
    space = linear(2)
    dead = replace(space, codes=0 * space.codes, scales=np.ones_like(space.scales), decode=lambda z: np.zeros((len(z), 12)))
    changes = [
        found(replace(dead, origin=origin(recipe, history=past)), "collapse").change
        for recipe, past in (
            (replace(RECIPES["vae"], beta=30.0), ()),
            (replace(RECIPES["vae"], beta=Schedule(1.0, 5.0)), ()),
            (RECIPES["iwae"], ()),
            (RECIPES["vae"], history([9, 7, 5, 3])),
        )
    ]
    assert changes[:3] == [{"recipe__beta": 1.0}, {"recipe__free_nats": 0.25}, {"recipe": "vae"}]
    assert changes[3] is not None and set(changes[3]) == {"epochs"}


def test_dimensions_out_of_use_are_missed_only_where_there_is_something_left() -> None:
    def half_dead(factors: int) -> LatentSpace:
        space = linear(4, factors=factors)
        codes, scales = space.codes.copy(), space.scales.copy()
        codes[:, 2:], scales[:, 2:] = 0, 1
        return replace(space, codes=codes, scales=scales, decode=lambda z: z[:, :2] @ BASIS[:2])

    assert found(half_dead(4), "collapse").severity == "problem"
    assert found(half_dead(2), "collapse").severity == "fine"


def test_codes_of_a_plain_autoencoder_that_are_all_one_point_are_a_collapse() -> None:
    space = linear(2)
    dead = replace(space, codes=0 * space.codes, scales=0 * space.scales, decode=lambda z: np.zeros((len(z), 12)))
    assert found(dead, "collapse").change == {"learning_rate": 1e-4}


def test_a_loss_that_still_falls_says_how_many_epochs_are_enough() -> None:
    """A fall as 1 / t has the share s = (1/(3T/4) - 1/T) / (1 - 1/T) in its last quarter, and s T hardly depends on T."""
    short, long = (history([100 + 100 / t for t in range(1, epochs + 1)]) for epochs in (4, 100))
    assert falling(history([1 / t for t in range(1, 9)])) == pytest.approx((1 / 6 - 1 / 8) / (1 - 1 / 8))
    finding = found(linear(origin=origin(history=short)), "under-trained")
    assert finding.severity in ("note", "problem")
    assert finding.change is not None and 12 <= finding.change["epochs"] <= 20
    assert found(linear(origin=origin(history=long)), "under-trained").severity == "fine"


def test_a_model_behind_pca_is_under_trained_where_no_history_says_so() -> None:
    assert found(linear(2), "under-trained").severity == "fine"
    weak = linear(2, scales=np.zeros((1200, 2)), decode=lambda z: 0.6 * (z @ BASIS[:2]))
    assert found(weak, "under-trained").severity == "problem"


def test_rows_learnt_by_heart() -> None:
    space = linear(2)
    space = replace(space, held_out=np.arange(1200) >= 900)
    heart = space.data.copy()
    heart[:900] = 0.3 * heart[:900] + 0.7 * (space.codes[:900] @ BASIS[:2])  # the trained rows lie nearer to what is decoded
    assert found(replace(space, data=heart), "overfitting").severity == "problem"
    assert found(space, "overfitting").severity == "fine"
    assert "not known" in str(SYMPTOMS["overfitting"](Evidence(replace(space, held_out=None))))


# ---------------------------------------------------------------------- capacity


def test_one_dimension_for_three_factors_is_too_few() -> None:
    finding = found(linear(1, factors=3), "too few dimensions")
    assert finding.severity == "problem"
    assert finding.change is not None and 3 <= finding.change["latent"] <= 12
    for seed in range(5):
        assert found(linear(3, seed=seed), "too few dimensions").severity == "fine"


def test_noise_is_not_missed() -> None:
    """Every value with a noise of its own, as loud as what is encoded: many dimensions, none of which would bring anything."""
    space = linear(2)
    loud = space.data + RNG.standard_normal(space.data.shape)
    assert two_nearest(loud) > 6
    assert found(replace(space, data=loud), "too few dimensions").severity == "fine"


def test_sixteen_dimensions_for_two_factors_are_too_many() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((1200, 2)) @ rng.standard_normal((2, 30)) + 0.05 * rng.standard_normal((1200, 30))
    axes = np.linalg.svd(x - x.mean(0), full_matrices=False)[2]
    codes = (x @ axes[:16].T).astype(np.float32)
    space = LatentSpace(codes, np.zeros_like(codes), x, lambda z: z @ axes[:16], NormalSampler(16))
    assert found(space, "too many dimensions").change == {"latent": 2}
    few = replace(space, codes=codes[:, :3], scales=codes[:, :3] * 0, decode=lambda z: z @ axes[:3], prior=NormalSampler(3))
    assert found(linear(3), "too many dimensions").severity == "fine"
    assert found(few, "too many dimensions").severity in ("fine", "note")


def bumps(n: int = 900) -> LatentSpace:
    """Pictures of one small bump each, at a place that the code tells exactly, with noise."""
    rng = np.random.default_rng(3)
    codes = rng.uniform(-1, 1, (n, 2)).astype(np.float32)

    def decode(z: Array) -> Array:
        across = np.arange(16)
        centre = 8 + 5 * z
        down, right = (np.exp(-((across[None] - centre[:, axis, None]) ** 2) / 2) for axis in (0, 1))
        return (down[:, :, None] * right[:, None, :]).astype(np.float32)

    x = decode(codes) + 0.03 * rng.standard_normal((n, 16, 16)).astype(np.float32)
    spec = DataSpec("image", (16, 16), "HW", "float32", 0.0, 1.0, 0.5)
    return LatentSpace(codes, np.zeros_like(codes), x, decode, NormalSampler(2), spec=spec)


def test_a_blurred_decoder_is_told_from_one_that_knows_no_more() -> None:
    sharp = bumps()
    assert found(sharp, "blurry decoder").severity == "fine"
    blurred = replace(sharp, decode=lambda z: gaussian_filter(sharp.decode(z), (0, 1.5, 1.5)))
    finding = found(blurred, "blurry decoder")
    assert finding.severity == "problem"
    assert finding.measured["fine detail kept"] < 0.1
    assert finding.change == {"network": Network("conv")}
    first = replace(sharp, data=np.moveaxis(sharp.data[..., None], -1, 1), decode=lambda z: sharp.decode(z)[:, None])
    channels = replace(first, spec=DataSpec("image", (1, 16, 16), "CHW", "float32", 0.0, 1.0, 0.5))
    measured = found(sharp, "blurry decoder").measured["fine detail kept"]
    assert found(channels, "blurry decoder").measured["fine detail kept"] == pytest.approx(measured, rel=1e-5)


def test_a_vae_that_gives_less_of_what_noise_hides_is_not_blamed_on_its_decoder() -> None:
    width = np.array([1.6, 1.3])  # beside ten values of deviation 1: probabilistic PCA in closed form
    x = np.random.default_rng(0).standard_normal((3000, 12)) * np.array([*width, *[1.0] * 10])
    weight = np.sqrt(width**2 - 1)
    axes = np.eye(12)[:2] * weight[:, None]
    codes, spread = x[:, :2] * weight / width**2, np.tile(1 / width, (3000, 1))
    space = LatentSpace(codes, spread, x, lambda z: (z @ axes).astype(np.float32), NormalSampler(2))
    evidence = Evidence(space)
    assert evidence.error_learnt - evidence.linear_error > 0.04 * evidence.variance
    assert evidence.shrinkage == pytest.approx(evidence.error_learnt - evidence.linear_error, rel=0.15)
    assert found(space, "blurry decoder").severity == "fine"


def test_fine_detail_of_signals() -> None:
    t = np.arange(64)
    rng = np.random.default_rng(4)
    codes = rng.standard_normal((400, 2)).astype(np.float32)
    waves = np.stack([np.sin(0.2 * t), np.sin(2.5 * t)])
    x = (codes @ waves + 0.05 * rng.standard_normal((400, 64))).astype(np.float32)
    spec = DataSpec("signal", (64,), "T", "float32", -4.0, 4.0, 0.0)
    space = LatentSpace(codes, np.zeros_like(codes), x, lambda z: z @ waves, NormalSampler(2), spec=spec)
    assert found(space, "blurry decoder").severity == "fine"
    slow = replace(space, decode=lambda z: z @ (waves * [[1], [0]]))
    assert found(slow, "blurry decoder").measured["fine detail kept"] < 0.05


# ---------------------------------------------------------------------- between the codes


def test_holes_and_crowding_are_told_apart() -> None:
    rng = np.random.default_rng(5)
    ring = rng.standard_normal((3000, 2))
    ring *= ((1.2 + 0.3 * rng.random(3000)) / np.linalg.norm(ring, axis=1))[:, None]
    of = lambda codes: LatentSpace(codes, 0.01 * np.ones_like(codes), codes + 0, lambda z: z, NormalSampler(2))  # noqa: E731
    assert found(of(ring), "holes").severity == "problem"
    assert found(of(ring), "holes").change == {"complete": True}
    wide = of(4 * rng.standard_normal((3000, 2)))
    assert found(wide, "holes").severity == "fine"
    assert found(wide, "crowding").severity == "problem"
    filled = of(rng.standard_normal((3000, 2)))
    assert {found(filled, name).severity for name in ("holes", "crowding")} == {"fine"}


def test_a_sampler_that_was_fitted_is_the_one_that_is_judged() -> None:
    wide = linear(2)
    wide = replace(wide, codes=5 * wide.codes, decode=lambda z: wide.decode(z / 5))
    assert found(wide, "crowding").severity == "problem"
    assert found(replace(wide, fitted=wide.fit_sampler("gaussian")), "crowding").severity == "fine"


def test_a_plain_autoencoder_promised_no_draws() -> None:
    wide = linear(2)
    points = replace(wide, codes=5 * wide.codes, scales=0 * wide.scales, decode=lambda z: wide.decode(z / 5))
    assert found(points, "crowding").severity == "note"


def test_jumps_are_told() -> None:
    space = linear(2)
    jumpy = replace(space, decode=lambda z: np.sign(np.sin(25 * z)) @ BASIS[:2])
    assert found(jumpy, "discontinuity").severity == "problem"
    assert found(jumpy, "discontinuity").change == {"latent": 8}


# ---------------------------------------------------------------------- new rows


def encoder(space: LatentSpace) -> LatentSpace:
    return replace(space, encode=lambda x: (x @ BASIS[:2].T / 1.04, np.full((len(x), 2), 0.2)))


def test_new_rows_like_the_others_are_not_foreign_and_shifted_ones_are() -> None:
    space = encoder(linear(2))
    for seed in range(3):
        assert found(space, "out-of-range data", linear(2, seed=10 + seed).data[:300]).severity != "problem"
    shifted = linear(2, seed=9).data[:300]
    shifted[40:] += 3
    finding = found(space, "out-of-range data", shifted)
    assert finding.severity == "problem"
    assert finding.measured["first"] <= 40
    assert finding.measured["foreign"] > 0.8
    assert finding.change is None


def test_rows_on_another_scale_are_told_by_how_much() -> None:
    finding = found(encoder(linear(2)), "out-of-range data", 255 * linear(2, seed=9).data[:100])
    assert "Multiply the rows by 0.003922" in finding.advice


def test_one_strange_row_is_a_note() -> None:
    rows = linear(2, seed=9).data[:300]
    rows[7] *= 20
    finding = found(encoder(linear(2)), "out-of-range data", rows)
    assert finding.severity == "note"
    assert finding.measured["values out of range"] == pytest.approx(1 / 300)


# ---------------------------------------------------------------------- what is handed over


def test_findings_are_ordered_and_end_in_plain_values() -> None:
    diagnosis = linear(1, factors=3, n=900).diagnose()
    order = [["problem", "note", "fine"].index(one.severity) for one in diagnosis]
    assert order == sorted(order)
    assert diagnosis.first is diagnosis.findings[0]
    assert json.loads(json.dumps(diagnosis.to_json()))["first"] == diagnosis.first.name
    assert escape(diagnosis.first.sentence) in diagnosis._repr_html_()
    assert wording({"recipe__beta": 0.5, "latent": 16}) == "beta = 0.5, latent = 16"
    changed = Finding("x", "note", {}, "s", "a", {"recipe__beta": Schedule(1.0, 5.0)}).to_json()
    assert json.loads(json.dumps(changed))["change"]["recipe__beta"]["rise"] == 5.0


def test_a_diagnosis_is_repeatable() -> None:
    space = linear(2)
    assert space.diagnose(seed=3).to_json() == space.diagnose(seed=3).to_json()


def test_a_recheck_says_what_became_of_the_first_finding() -> None:
    before, after = linear(1, factors=3).diagnose(), linear(3).diagnose()
    recheck = before.compare(after)
    assert isinstance(recheck, Recheck)
    assert (recheck.finding, recheck.gone, recheck.better, recheck.appeared) == (before.first, True, True, ())
    assert recheck.numbers["error"][1] < recheck.numbers["error"][0]
    assert "gone" in str(recheck)
    same = before.compare(before)
    assert (same.gone, same.better) == (False, False)
    assert "still there" in str(same)
    assert Diagnosis(()).compare(after).gone is False


def test_what_cannot_be_judged_is_refused_in_words() -> None:
    space = linear(2)
    with pytest.raises(DataError, match="at least 100 codes"):
        linear(2, n=60).diagnose()
    with pytest.raises(DataError, match="all examples are equal"):
        replace(space, data=np.ones((1200, 12))).diagnose()
    with pytest.raises(DataError, match="decoder gave NaN"):
        replace(space, decode=lambda z: np.full((len(z), 12), np.nan)).diagnose()
    with pytest.raises(ConfigError, match="cannot encode"):
        space.diagnose(space.data)
    with pytest.raises(DataError, match="expected \\(m, 12\\)"):
        encoder(space).diagnose(np.zeros((3, 5)))
    with pytest.raises(DataError, match="NaN"):
        encoder(space).diagnose(np.full((3, 12), np.nan))
