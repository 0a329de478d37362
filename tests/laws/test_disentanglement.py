"""Scores of disentanglement on planted codes, where the answer is known, and against the formulas of the papers."""

import numpy as np
import pytest
from scipy.linalg import hadamard
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score

from latentwalk import LatentSpace
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.criteria.disentanglement import (
    dci,
    disentanglement,
    mutual_information_gap,
    separated_predictability,
)
from latentwalk.latent.criteria.factor_vae import factor_vae_score
from latentwalk.models.prior import NormalSampler

RNG = np.random.default_rng(0)
N = 1800
GRID = RNG.permutation(np.tile(np.indices((5, 6, 3)).reshape(3, -1), 20), axis=1)  # each combination as often: independent
FACTORS = dict(zip("abc", GRID, strict=True))
OWN = np.stack([*FACTORS.values(), np.zeros(N)], 1).astype(float)  # a dimension for each factor, and one that is not used
TURN = hadamard(4) / 2  # each dimension is made of all factors, as much of each
ROTATED = (OWN - OWN.mean(0)) / OWN.std(0).clip(1) @ TURN
NOISE = RNG.normal(size=(N, 4))
VALUES = {name: np.unique(values) for name, values in FACTORS.items()}


def held(change=lambda z: z):
    """The FactorVAE score of codes that are the factors, changed."""
    return factor_vae_score(lambda v: change(np.stack([*v.values(), np.zeros(len(v["a"]))], 1).astype(float)), VALUES)


def scores(codes):
    known = dci(codes, FACTORS)
    return np.array(
        [
            mutual_information_gap(codes, FACTORS).value,
            separated_predictability(codes, FACTORS).value,
            known.disentanglement,
            known.completeness,
        ]
    )


def test_a_dimension_for_each_factor_scores_one():
    np.testing.assert_allclose(scores(OWN), 1, atol=1e-9)
    assert dci(OWN, FACTORS).informativeness == 1
    assert held().value == 1


def test_a_collapsed_dimension_that_never_moves_is_not_voted_for():
    shaken = held(lambda z: z + np.random.default_rng(0).normal(size=z.shape) * [0.1, 0.1, 0.1, 0])
    assert shaken.value == 1 and shaken.details["collapsed"] == 1


def test_rotated_codes_know_as_much_but_are_not_disentangled():
    assert (scores(ROTATED) < 0.5).all()
    assert dci(ROTATED, FACTORS).informativeness > 0.6
    assert held(lambda z: z / [1.4, 1.7, 0.8, 1] @ TURN).value < 0.8


def test_noise_scores_nothing_and_knows_no_more_than_chance():
    assert (scores(NOISE)[:2] < 0.02).all()
    known = dci(NOISE, FACTORS)
    assert known.disentanglement < 0.1 and known.completeness < 0.1
    assert known.informativeness == pytest.approx((1 / 5 + 1 / 6 + 1 / 3) / 3, abs=0.05)
    assert held(lambda z: np.random.default_rng(0).normal(size=z.shape)).value < 0.5


def test_order_sign_and_scale_of_dimensions_do_not_matter():
    mixed = OWN + 0.7 * OWN[:, [1, 2, 0, 3]]
    changed = mixed[:, [2, 0, 3, 1]] * [2.0, 0.5, 4.0, 8.0] - 3.0  # powers of two: no bin edge is rounded elsewhere
    np.testing.assert_allclose(scores(changed), scores(mixed), atol=0.03)  # trees break ties by order
    np.testing.assert_allclose(scores(changed)[:2], scores(mixed)[:2], atol=1e-9)
    turned = -mixed
    np.testing.assert_allclose(
        separated_predictability(turned, FACTORS).matrix, separated_predictability(mixed, FACTORS).matrix
    )
    assert mutual_information_gap(turned, FACTORS).value == pytest.approx(
        mutual_information_gap(mixed, FACTORS).value, abs=0.05
    )


def test_mutual_information_gap_is_its_formula():
    codes = OWN[:, :2] + RNG.normal(size=(N, 2))
    often = FACTORS["a"] // 3  # 0 more often than 1
    found = mutual_information_gap(codes, {"a": often})
    edges = [np.linspace(column.min(), column.max(), 21)[1:-1] for column in codes.T]
    known = [mutual_info_score(often, np.digitize(column, edge)) for column, edge in zip(codes.T, edges, strict=True)]
    known = np.array(known) / entropy([3, 2])
    np.testing.assert_allclose(found.matrix[:, 0], known, atol=1e-3)
    assert found.value == found.gaps["a"] == pytest.approx(abs(known[0] - known[1]), abs=1e-3)


def test_two_dimensions_that_both_know_a_factor_leave_no_gap_but_are_disentangled():
    twice = np.repeat(OWN[:, :3], 2, axis=1)
    np.testing.assert_allclose(list(mutual_information_gap(twice, FACTORS).gaps.values()), 0, atol=1e-12)
    known = dci(twice, FACTORS)
    assert known.disentanglement == pytest.approx(1) and known.completeness < 0.7
    assert mutual_information_gap(OWN[:, :1], FACTORS).gaps["a"] == pytest.approx(1)  # alone, there is no second


def test_dci_is_the_formula_of_its_importances():
    known = dci(ROTATED + 0.1 * NOISE, FACTORS)
    share = known.importance / known.importance.sum(axis=1, keepdims=True)
    alone = 1 + (share * np.log(share)).sum(axis=1) / np.log(3)
    assert known.disentanglement == pytest.approx(alone @ known.importance.sum(axis=1) / known.importance.sum())
    whole = 1 + (known.importance * np.log(known.importance)).sum(axis=0) / np.log(4)
    assert known.completeness == pytest.approx(whole.mean())
    np.testing.assert_allclose(known.importance.sum(axis=0), 1)


def test_boosted_trees_are_named_and_agree_on_clear_codes():
    known = dci(OWN[:300], {name: values[:300] for name, values in FACTORS.items()}, trees="boosted trees")
    assert known.trees == "boosted trees"
    assert known.disentanglement > 0.99 and known.completeness > 0.99


def test_one_dimensional_predictions_are_squared_correlations_or_accuracies():
    codes = OWN + NOISE
    found = separated_predictability(codes, FACTORS, classes=["c"])
    assert found.matrix[1, 0] == pytest.approx(np.corrcoef(codes[:, 1], FACTORS["a"])[0, 1] ** 2)
    assert found.matrix[0, 2] == pytest.approx(1 / 3, abs=0.05) and found.matrix[2, 2] > 0.5


def test_continuous_factors_are_cut_into_bins():
    v = RNG.random(N)
    assert mutual_information_gap(np.stack([v, RNG.random(N)], 1), {"v": v}).value == pytest.approx(1, abs=0.05)


def test_held_factors_are_told_by_factor_and_in_an_interval():
    found = factor_vae_score(lambda v: np.stack([v["a"], v["b"] + v["c"]], 1), VALUES, votes=400)
    assert found.low < found.value < found.high
    assert found.details["a"] == 1 and min(found.details["b"], found.details["c"]) == 0


def test_a_space_is_judged_by_its_attributes():
    space = LatentSpace(OWN, np.zeros_like(OWN), OWN, lambda z: z, NormalSampler(4), attributes=FACTORS)
    found = disentanglement(space, classes=["c"])
    assert found.mig.value == pytest.approx(1) and found.dci.trees == "random forest"
    assert found.reading.startswith("Of 3 factors, a, b, c have a dimension of their own (mutual information gap 1.00)")
    assert (
        "no factor has"
        in disentanglement(LatentSpace(NOISE, NOISE, NOISE, lambda z: z, NormalSampler(4), attributes=FACTORS)).reading
    )


@pytest.mark.parametrize(
    ("codes", "factors", "says"),
    [
        (OWN, {"a": np.ones(N)}, "factor 'a' is 1 everywhere"),
        (OWN, {"a": np.where(np.arange(N) == 7, np.nan, 1.0)}, "the first in row 7"),
        (OWN, {"a": FACTORS["a"][1:]}, "one a code"),
        (OWN, {"a": np.full(N, "x")}, "expected 1800 numbers"),
        (OWN, {}, "needs known factors"),
        (OWN[:19], {"a": FACTORS["a"][:19]}, "at least 20 codes, as many as bins"),
        (np.where(OWN == 0, np.nan, OWN), FACTORS, "NaN or infinity"),
        (OWN[:, 0], FACTORS, "expected codes"),
    ],
)
@pytest.mark.parametrize("score", [mutual_information_gap, separated_predictability, dci])
def test_bad_input_is_named(score, codes, factors, says):
    with pytest.raises(DataError, match=says):
        score(codes, factors)


def test_what_cannot_be_compared_is_said():
    with pytest.raises(DataError, match="2 dimensions and 2 factors"):
        dci(OWN[:, :1], FACTORS)
    with pytest.raises(ConfigError, match="unknown trees"):
        dci(OWN, FACTORS, trees="oak")
    with pytest.raises(ConfigError, match="unknown factor"):
        separated_predictability(OWN, FACTORS, classes=["z"])
    with pytest.raises(DataError, match="collapsed"):
        held(np.zeros_like)
    with pytest.raises(ConfigError, match="2 factors or more"):
        factor_vae_score(lambda v: v["a"], {"a": [0, 1]})
    constant = dci(np.zeros((N, 3)), FACTORS)
    assert constant.disentanglement == constant.completeness == pytest.approx(0)
