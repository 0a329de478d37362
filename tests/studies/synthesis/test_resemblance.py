"""A copy that is as good as real rows measures so, and each way of being worse shows in the measure made for it."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp, spearmanr
from sklearn.metrics import roc_auc_score

from latentwalk import DataError, resemblance
from latentwalk.errors import ConfigError
from latentwalk.studies.synthesis.associations import associations
from latentwalk.studies.synthesis.closeness import closeness
from latentwalk.studies.synthesis.marginals import marginal_distances
from latentwalk.studies.synthesis.records import Records
from latentwalk.studies.synthesis.two_sample import area

ROWS = 500


def people(seed, n=ROWS):
    """Mixed columns that depend on each other, with gaps."""
    rng = np.random.default_rng(seed)
    age = rng.normal(45, 12, n)
    income = np.exp(0.03 * age + rng.normal(0, 0.4, n))
    plan = np.where(income + rng.normal(0, 0.5, n) > 4, "gold", "basic")
    visits = rng.negative_binomial(2, 0.3 + 0.3 * (plan == "gold"))
    frame = pd.DataFrame({"age": age, "income": income, "plan": plan, "visits": visits, "city": rng.choice(["a", "b", "c"], n)})
    frame.loc[rng.random(n) < 0.1, "income"] = np.nan
    return frame


TRAIN, HELD = people(0), people(1)


@pytest.fixture(scope="module")
def perfect():
    return resemblance(people(2), TRAIN, HELD, target="plan")


def test_other_real_rows_are_a_perfect_copy(perfect):
    found = perfect.measures
    assert found["classifier"].low <= 0.5 <= found["classifier"].high
    assert found["closeness"].low <= 0.5 <= found["closeness"].high and found["closeness"].details["copied"] == 0
    for name in ("marginals", "associations"):
        assert found[name].low <= found[name].details["real"] <= found[name].high
        assert found[name].value < 0.06
    assert found["skill"].value == pytest.approx(found["skill"].details["real"], abs=0.05)


def test_the_rows_learnt_from_are_told_to_be_copied():
    found = resemblance(TRAIN.sample(frac=1, random_state=0), TRAIN, HELD, target="plan").measures["closeness"]
    assert found.value == 1 and found.low > 0.95 and found.details["copied"] == 1
    assert "tells about single rows" in found.reading
    few = resemblance(TRAIN, TRAIN, HELD[:50], target="plan").measures["closeness"]
    assert few.value == 1 and few.low > 0.5  # ten times as many learnt from as held out


def test_unequal_halves_are_as_if_they_were_equal():
    rows = [Records.of(people(seed, n)) for seed, n in ((3, 4_000), (4, 4_000), (5, 400))]
    found = closeness(*rows, seed=0)
    assert found.low <= 0.5 <= found.high
    assert found.high - found.low < 0.15


def test_shuffled_columns_lose_what_goes_together_and_nothing_else():
    rng = np.random.default_rng(0)
    shuffled = TRAIN.apply(lambda column: rng.permutation(column.to_numpy()))
    found = resemblance(shuffled.astype(TRAIN.dtypes), TRAIN, HELD, target="plan").measures
    assert found["marginals"].value == pytest.approx(found["marginals"].details["real"], abs=1e-12)
    assert found["associations"].value > 3 * found["associations"].details["real"]
    assert found["classifier"].low > 0.6
    assert found["skill"].value < 0.4 < 0.8 < found["skill"].details["real"]
    assert found["closeness"].value < 0.65  # cells are those of rows learnt from, rows are not


def test_noise_shows_in_the_column_it_was_put_on():
    spoilt = people(2).assign(age=lambda frame: frame["age"] + 20)
    found = resemblance(spoilt, TRAIN, HELD, target="plan")
    worst = max(found.columns, key=lambda one: one.distance)
    assert worst.column.name == "age" and worst.distance > 0.4 > 4 * worst.real
    assert "age most" in found.measures["marginals"].reading
    assert found.measures["classifier"].low > 0.75


def test_distances_are_those_of_scipy_and_of_arithmetic():
    a, b = Records.of(TRAIN), Records.of(HELD)
    found = dict(zip([one.name for one in a.columns], marginal_distances(a, b), strict=True))
    assert found["age"] == pytest.approx(ks_2samp(TRAIN["age"], HELD["age"]).statistic)
    shares = [one["city"].value_counts(normalize=True).sort_index() for one in (TRAIN, HELD)]
    assert found["city"] == pytest.approx(np.abs(shares[0] - shares[1]).sum() / 2)
    gaps = HELD.assign(income=HELD["income"].where(np.arange(ROWS) % 2 == 0))
    missing = marginal_distances(a, Records.of(gaps, a.columns))[1]
    assert missing >= abs(gaps["income"].isna().mean() - TRAIN["income"].isna().mean())


def test_associations_are_known_ones():
    rng = np.random.default_rng(0)
    n = 5_000
    x = rng.normal(size=n)
    frame = pd.DataFrame({"x": x, "y": x + rng.normal(size=n), "sign": np.where(x > 0, "+", "-")})
    frame["same"], frame["other"] = frame["sign"].map({"+": "p", "-": "m"}), rng.choice(["a", "b", "c"], n)
    found = associations(Records.of(frame))
    assert found == pytest.approx(found.T) and (np.diag(found) == 1).all()
    assert found[0, 1] == pytest.approx(spearmanr(frame["x"], frame["y"]).statistic)
    assert found[0, 2] == pytest.approx(np.sqrt(0.75), abs=0.01)  # uniform ranks, of which half are above the middle
    assert found[2, 3] == pytest.approx(1, abs=1e-3)
    assert np.abs(found[4, :4]).max() < 0.04
    frame["hole"] = np.where(np.arange(n) % 3 == 0, np.nan, x)
    assert associations(Records.of(frame))[0, -1] == pytest.approx(1, abs=1e-2)


def test_chance_is_taken_off_where_a_category_takes_part():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(40):
        frame = pd.DataFrame(
            {"a": rng.choice(list("abcdefgh"), 100), "b": rng.choice(list("pqrstu"), 100), "x": rng.normal(size=100)}
        )
        found.append(associations(Records.of(frame))[[0, 0], [1, 2]] ** 2)
    assert (np.mean(found, axis=0) < 0.02).all()  # without: (K - 1) / n and more, .05 to .07


def test_the_area_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    positive, negative = rng.normal(1, 1, 80).round(1), rng.normal(0, 1, 50).round(1)
    value, variance = area(positive, negative)
    assert value == pytest.approx(roc_auc_score([1] * 80 + [0] * 50, np.concatenate([positive, negative])))
    drawn = [area(rng.choice(positive, 80), rng.choice(negative, 50))[0] for _ in range(400)]
    assert np.sqrt(variance) == pytest.approx(np.std(drawn), rel=0.25)


def test_without_rows_held_out_that_is_said_and_nothing_made_up():
    found = resemblance(TRAIN, TRAIN)
    assert not found.held_out and {*found.absent} == {"skill", "closeness"}
    assert "100 % of the copy are equal" in found.absent["closeness"]
    assert "real" not in found.measures["marginals"].details
    json.dumps(found.to_json(), allow_nan=False)


def test_each_column_is_learnt_in_turn_where_none_is_named(perfect):
    found = resemblance(people(2), TRAIN, HELD)
    told = {one.column.name: one.skill for one in found.columns}
    assert None not in told.values()
    assert abs(told["city"]) < 0.15 < 0.5 < told["plan"]  # the city depends on nothing
    assert "5 columns" in found.measures["skill"].reading
    assert [one.skill is None for one in perfect.columns].count(False) == 1


def test_what_cannot_be_compared_is_said():
    with pytest.raises(DataError, match="too few"):
        resemblance(TRAIN[:10], TRAIN, HELD)
    with pytest.raises(ConfigError, match="unknown target 'plans'. Did you mean 'plan'"):
        resemblance(TRAIN, TRAIN, HELD, target="plans")
    with pytest.raises(DataError, match="missing: 'age'"):
        resemblance(TRAIN.drop(columns="age"), TRAIN, HELD)
    with pytest.raises(DataError, match="made of tables"):
        resemblance(np.zeros((30, 4, 4)), np.zeros((30, 4, 4)))
