"""Directions, on codes whose factors are planted: what least squares must find, and what it must leave alone."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score

from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.moves.directions import Direction
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

N, D, RHO = 4000, 6, 0.8


def space_of(codes, attributes=None, **known):
    codes = np.asarray(codes, np.float32)
    return LatentSpace(
        codes, codes * 0, codes, lambda z: z, NormalSampler(codes.shape[1]), attributes=attributes or {}, **known
    )


def planted(noise=0.0, seed=0):
    """Codes a U + c V, where a is 0 or 1, c a number, and their correlation about RHO; what each factor adds (D,)."""
    rng = np.random.default_rng(seed)
    c = rng.normal(size=N)
    a = (c + 0.25 * rng.normal(size=N) > 0).astype(int)
    u, v = rng.normal(size=(2, D))
    codes = np.outer(a, u) + np.outer(c, v) + 3 + noise * rng.normal(size=(N, D))
    return space_of(codes, {"a": a, "c": c}), u, v


def test_a_confounder_is_taken_out_exactly_and_the_difference_of_means_keeps_it():
    space, u, v = planted()
    assert np.corrcoef(space.attributes["a"], space.attributes["c"])[0, 1] == pytest.approx(RHO, abs=0.05)
    probe = LinearRegression().fit(space.codes, space.attributes["c"])
    partial, plain = space.direction("a", without="c"), space.direction("a")
    np.testing.assert_allclose(partial, u, rtol=1e-4, atol=1e-5)
    assert abs(np.asarray(partial) @ probe.coef_) < 1e-4
    gap = space.attributes["c"][space.attributes["a"] == 1].mean() - space.attributes["c"][space.attributes["a"] == 0].mean()
    np.testing.assert_allclose(plain, u + gap * v, rtol=1e-3, atol=1e-4)  # what goes along comes along
    assert np.asarray(plain) @ probe.coef_ == pytest.approx(gap, rel=0.01)
    assert gap > 1


def test_with_noise_the_other_factor_moves_by_noise_alone():
    moved = []
    for seed in range(10):
        space, _, _ = planted(noise=0.5, seed=seed)
        probe = LinearRegression().fit(space.codes, space.attributes["c"])
        moved.append([np.asarray(space.direction("a", without=how)) @ probe.coef_ for how in ("c", ())])
    with_it, plain = np.mean(moved, axis=0)
    spread = np.std([pair[0] for pair in moved]) / np.sqrt(len(moved))
    assert plain > 0.8
    assert abs(with_it) < 0.15 * plain + 4 * spread  # the probe itself mistakes some of the one for the other


def test_a_direction_changes_with_the_axes_as_codes_do():
    space, _, _ = planted(noise=0.5)
    map_ = np.random.default_rng(1).normal(size=(D, D))
    other = replace(space, codes=(space.codes @ map_ + 7).astype(np.float32))
    for without in ((), "c"):
        there, here = other.direction("a", without=without), space.direction("a", without=without)
        np.testing.assert_allclose(there, np.asarray(here) @ map_, rtol=1e-3, atol=1e-3)
        assert there.auc == pytest.approx(here.auc, abs=0.01)


def test_auto_finds_what_goes_along_and_nothing_else():
    space, u, _ = planted(noise=0.1)
    rng = np.random.default_rng(2)
    a = space.attributes["a"]
    others = {"loose": rng.normal(size=N), "again": 1.0 - a, "nearly": np.where(rng.random(N) < 0.01, 1 - a, a)}
    found = replace(space, attributes={**space.attributes, **others}).direction("a", without="auto")
    assert list(found.confounders) == ["c"]  # not what has nothing to do with it, nor the attribute under another name
    assert found.confounders["c"] == pytest.approx(np.corrcoef(a, space.attributes["c"])[0, 1])
    np.testing.assert_allclose(found, u, atol=0.05)


def test_unordered_kinds_are_taken_out_as_kinds():
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 4, N)
    a = (rng.random(N) < np.array([0.9, 0.1, 0.8, 0.2])[kind]).astype(int)  # no slope along 0, 1, 2, 3
    effect, u = rng.normal(size=(4, D)), rng.normal(size=D)
    space = space_of(np.outer(a, u) + effect[kind], {"a": a, "kind": kind})
    found = space.direction("a", without="auto")
    np.testing.assert_allclose(found, u, atol=1e-4)
    assert found.confounders["kind"] > 0.6
    assert np.abs(np.asarray(space.direction("a")) - u).max() > 0.3


def test_confounders_may_be_arrays_and_cost_nothing_where_they_are_constant():
    space, u, _ = planted()
    found = space.direction("a", without=[space.attributes["c"], np.ones(N)])
    np.testing.assert_allclose(found, u, rtol=1e-4, atol=1e-5)
    assert list(found.confounders) == ["confounder 1", "confounder 2"]
    assert found.confounders["confounder 2"] == 0


def test_sides_by_name_mask_rows_and_class_are_the_same():
    space, _, _ = planted(noise=0.2)
    a = space.attributes["a"]
    labelled = replace(space, labels=a.astype(np.int64), classes=("bare", "bearded"))
    expected = space.codes[a == 1].mean(0) - space.codes[a == 0].mean(0)
    for having, lacking in (("a", None), (a == 1, None), (np.flatnonzero(a), a == 0), ("bearded", None), ("bearded", "bare")):
        np.testing.assert_allclose(labelled.direction(having, lacking), expected, atol=1e-5)
    np.testing.assert_allclose(labelled.direction("bare"), -expected, atol=1e-5)


def test_a_probability_above_a_half_has_it_the_larger_of_two_has_it_and_nan_is_on_neither_side():
    codes = np.arange(6.0)[:, None]
    attributes = {"p": np.array([0.9, 0.4, np.nan, 0.6, 0.5, 0.1]), "signs": np.array([-1, 1, -1, -1, 1, 1])}
    space = space_of(codes, attributes)
    np.testing.assert_allclose(space.direction("p"), [(0 + 3) / 2 - (1 + 4 + 5) / 3], rtol=1e-6)
    np.testing.assert_allclose(space.direction("signs"), [10 / 3 - 5 / 3], rtol=1e-6)


def test_rows_whose_confounder_is_not_known_have_no_part():
    space, u, _ = planted()
    c = space.attributes["c"].copy()
    c[::3] = np.nan
    codes = space.codes.copy()
    codes[::3] = 1e6
    found = replace(space, codes=codes, attributes={"a": space.attributes["a"], "c": c}).direction("a", without="c")
    np.testing.assert_allclose(found, u, rtol=1e-3, atol=1e-3)
    assert found.having + found.lacking == np.isfinite(c).sum()


@pytest.mark.parametrize("each", [1, 3, 10])
def test_from_few_examples_the_confounders_effect_is_that_of_all_rows(each):
    rng = np.random.default_rng(3)
    c, u, v = rng.normal(size=N), rng.normal(size=D), rng.normal(size=D)
    a = np.zeros(N, int)
    a[rng.choice(np.flatnonzero(c > 0.5), 12, replace=False)] = 1  # rare, and tied to c
    space = space_of(np.outer(a, u) + np.outer(c, v), {"c": c})
    having, lacking = np.flatnonzero(a)[:each], np.flatnonzero((a == 0) & (c < -0.5))[:each]
    np.testing.assert_allclose(space.direction(having, lacking, without="c"), u, atol=0.05)
    assert np.abs(np.asarray(space.direction(having, lacking)) - u).max() > 0.5


def test_auc_is_that_of_examples_held_out():
    rng = np.random.default_rng(0)
    a = np.arange(600) % 2
    noise = space_of(rng.normal(size=(600, 300)), {"a": a})
    assert 0.4 < noise.direction("a").auc < 0.6  # seen again, 300 dimensions would tell 600 rows apart
    codes = rng.normal(size=(4000, 2)) * [1, 50] + np.outer(np.arange(4000) % 2, [2, 0])
    space = space_of(codes, {"a": np.arange(4000) % 2})
    best = roc_auc_score(space.attributes["a"], codes[:, 0])
    assert space.direction("a").auc == pytest.approx(best, abs=0.01)  # the loud axis that says nothing is not listened to
    assert space_of(rng.normal(size=(60, 1)), {}).direction([0], [1, 2]).auc is None


def test_one_dimension():
    space = space_of(np.arange(40.0)[:, None], {"late": np.arange(40) >= 20})
    found = space.direction("late")
    np.testing.assert_allclose(found, [20.0])
    assert found.auc == 1


def test_a_direction_says_what_it_is():
    space, _, _ = planted(noise=0.5)
    found = replace(space, model="0123").direction("a", without=["c"])
    assert (found.name, found.model, found.having + found.lacking) == ("a", "0123", N)
    tie = np.corrcoef(space.attributes["a"], space.attributes["c"])[0, 1]
    assert found.reading.startswith("a: tells ")
    assert f"{found.having:,} with it, {found.lacking:,} without; taken out: c (correlation {tie:+.2f})." in found.reading
    assert "nothing taken out" in space.direction("a").reading
    assert np.asarray(found).dtype == np.float32
    assert np.array(found, dtype=np.float64).dtype == np.float64
    assert not np.shares_memory(np.array(found), found.vector)
    assert isinstance(found, Direction)


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda s: s.direction("aa"), ConfigError, "unknown attribute 'aa'. Did you mean 'a'"),
        (
            lambda s: s.direction("c"),
            ConfigError,
            r"'c' goes from .*: neither two values nor a probability.*attributes\['c'\] >",
        ),
        (lambda s: s.direction("place"), DataError, "attribute 'place': expected 4000 numbers"),
        (lambda s: s.direction("a", without=["place"]), DataError, "place: expected 4000 numbers"),
        (lambda s: s.direction("all"), DataError, r"`lacking` selects no example \('all' has one class only\)"),
        (lambda s: s.direction("never"), DataError, r"`having` selects no example \('never' has one class only\)"),
        (lambda s: s.direction("unknown"), DataError, "`having` selects no example"),
        (lambda s: s.direction([0, 1], [1, 2]), DataError, "row 1 is on both sides"),
        (lambda s: s.direction("a", without="b"), ConfigError, "unknown confounder 'b'"),
        (lambda s: s.direction("a", without=["a"]), ConfigError, "cannot be taken out of its own direction"),
        (lambda s: s.direction("a", without=[s.attributes["a"]]), ConfigError, "nothing is left of 'a'"),
        (lambda s: s.direction("a", without=["c", "opposite"]), ConfigError, "Leave opposite out of `without`"),
        (lambda s: s.direction("a", without=[np.ones(3)]), DataError, "confounder 1: expected 4000 numbers, .*; got .*3,"),
        (lambda s: s.direction("a", without=[["x"] * N]), DataError, "confounder 1: expected 4000 numbers"),
        (lambda s: s.direction("a", without="unknown"), DataError, "no example that has a has a value of every confounder"),
        (
            lambda s: s.direction([0], [1], without="mostly unknown"),
            DataError,
            "at least 30 rows, 10 a coefficient; they are for 9",
        ),
    ],
)
def test_bad_input_is_refused_in_words(ask, error, message):
    space, _, _ = planted()
    more = {
        "all": np.ones(N),
        "place": np.array(["here", "there"] * (N // 2)),
        "never": np.zeros(N),
        "unknown": np.full(N, np.nan),
        "opposite": 1 - space.attributes["a"],
        "mostly unknown": np.where(np.arange(N) < 9, np.arange(N) + 0.5, np.nan),
    }
    with pytest.raises(error, match=message):
        ask(replace(space, attributes={**space.attributes, **more}))
