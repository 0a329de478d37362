"""Tables as people have them, skewed, bounded, with gaps and many categories: what comes out could have gone in."""

import numpy as np
import pandas as pd
import pytest

from latentwalk.data.columns import MOST_CATEGORIES, columns_of, encoded
from latentwalk.errors import ConfigError, DataError, DataWarning
from latentwalk.estimators.anomalies import AnomalyDetector
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.networks.build import Network

ROWS = 3000


def customers(rows=ROWS):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "income": rng.lognormal(10, 1, rows),
            "share": rng.beta(0.5, 2, rows),
            "spend": np.where(rng.random(rows) < 0.3, 0.0, rng.lognormal(3, 1, rows)),
            "age": rng.normal(45, 12, rows).clip(18, 90).round(),
            "balance": rng.normal(0, 100, rows),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.exponential(300, rows).round(), unit="D"),
            "city": [f"city {at}" for at in rng.zipf(1.5, rows).clip(max=300)],
        }
    )
    frame.loc[rng.random(rows) < 0.2, ["income", "age"]] = np.nan
    return frame


def fitted(X, **options):
    usual = {"latent": 3, "epochs": 3, "network": Network(widths=(16,)), "random_state": 0, "progress": False}
    return Autoencoder(**usual | options).fit(X)


@pytest.fixture(scope="module")
def model():
    return fitted(customers())


def check_possible(frame):
    numbers = frame[["income", "share", "spend", "age"]]
    assert not (numbers < 0).any(axis=None)
    assert not (frame.share > 1).any()
    assert (frame.age.dropna() % 1 == 0).all()
    assert frame.age.min() >= 18
    assert (frame.since == frame.since.dt.normalize()).all()
    assert set(frame.city) <= set(customers().city)


def test_whatever_comes_out_is_within_the_limits_of_its_column(model):
    frame, cold = customers(), np.random.default_rng(1).normal(size=(400, 3)) * 20
    for some in (model.sample(2000), model.sample(500, temperature=3), model.reconstruct(frame), model.inverse_transform(cold)):
        check_possible(some)
        assert np.isfinite(some.select_dtypes("number")).all(axis=None)
    check_possible(model.impute(frame))
    assert model.sample(2000).balance.min() < 0
    assert (model.sample(2000).spend == 0).mean() > 0.05


def test_gaps_are_drawn_as_they_were_where_they_are_asked_for(model):
    assert not model.sample(500).isna().any(axis=None)
    samples = model.sample(4000, missing=True)
    assert samples.income.isna().mean() == pytest.approx(0.2, abs=0.03)
    assert (samples.income.isna() == samples.age.isna()).all()
    assert not samples.drop(columns=["income", "age"]).isna().any(axis=None)
    whole = fitted(customers().dropna(), epochs=1)
    assert not whole.sample(50, missing=True).isna().any(axis=None)
    with pytest.raises(ConfigError, match="missing=True leaves out cells of a table"):
        fitted(np.random.default_rng(0).random((20, 6, 6)), network="auto", epochs=1).sample(2, missing=True)


def test_a_saved_model_keeps_transforms_limits_gaps_and_vectors(model, tmp_path):
    model.save(tmp_path)
    again = Autoencoder.load(tmp_path)
    assert again.spec_ == model.spec_
    assert again.spec_.powers[0] is not None
    assert again.spec_.columns[-1].embedded
    frame = customers(200)
    np.testing.assert_array_equal(again.score_samples(frame), model.score_samples(frame))
    pd.testing.assert_frame_equal(again.sample(50, missing=True), model.sample(50, missing=True))


def test_scores_are_densities_in_the_units_of_the_data_whatever_the_transform():
    x = np.random.default_rng(0).lognormal(3, 1, (1500, 2))
    for likelihood in ("gaussian", "student-t"):
        one, thousand = (fitted(unit * x, recipe="ae", likelihood=likelihood) for unit in (1.0, 1024.0))
        assert all(one.spec_.powers)
        shift = 2 * np.log(1024)
        np.testing.assert_allclose(thousand.score_samples(1024 * x[:99]) + shift, one.score_samples(x[:99]), rtol=1e-3)
        np.testing.assert_allclose(thousand.score_each(1024 * x[:99]), one.score_each(x[:99]), atol=1e-2)


@pytest.mark.parametrize("how", ["auto", "centred", "none"])
def test_the_density_of_a_skewed_column_integrates_to_one(how):
    x = np.random.default_rng(0).lognormal(3, 1, (2000, 1))
    model = fitted(x, latent=1, epochs=5, transforms=how)
    grid = np.sign(roots := np.linspace(-5, 12, 1501)) * roots**4  # finer about 0
    density = np.exp(model.score_samples(grid[:, None], draws=64))
    assert np.trapezoid(density, grid) == pytest.approx(1, abs=0.03)


def test_a_transform_makes_what_was_not_learnt_from_likelier_and_can_be_left_out():
    x = np.random.default_rng(0).lognormal(3, 1.2, (2000, 2))
    bent, centred, plain = (fitted(x[:1500], transforms=how) for how in ("auto", "centred", "none"))
    assert plain.spec_.powers == ()
    means = [model.score_samples(x[1500:], draws=16).mean() for model in (bent, centred, plain)]
    assert means[0] > means[1] > means[2]
    with pytest.raises(ConfigError, match="choice of transforms"):
        fitted(x, transforms="log")


def test_one_value_beside_which_all_others_are_one_is_refused_whatever_the_transform():
    x = np.random.default_rng(0).normal(size=(300, 3))
    x[5, 1] = 1e30
    for how in ("auto", "centred", "none"):
        with pytest.raises(DataError, match="row 5, column 1, so far from the others, most of which lie from -0"):
            fitted(x, transforms=how)


def test_a_detector_transforms_where_it_is_asked_to_and_blames_by_density():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.lognormal(3, 1, 800), rng.normal(size=(800, 3))])
    assert AnomalyDetector(epochs=1, random_state=0).fit(x).model_.spec_.powers == ()
    detector = AnomalyDetector(epochs=10, random_state=0, options={"transforms": "centred"}).fit(x)
    power = detector.model_.spec_.powers[0]
    assert power.centre == pytest.approx(x[:, 0].mean())
    strange = x[:1].copy()
    strange[0, 0] = 1e5
    assert detector.predict(strange) == [-1]
    assert detector.blame(strange).argmax() == 0
    np.testing.assert_allclose(detector.blame(x).mean(axis=0), 0, atol=1e-3)


def many(rows):
    rng = np.random.default_rng(0)
    ranks = (rng.pareto(0.6, rows) * 40).clip(max=9999).astype(int)
    return pd.DataFrame({"name": [f"n{at}" for at in ranks], "x": rng.normal(size=rows)})


def test_of_very_many_categories_the_most_frequent_are_learnt_and_no_name_is_lost():
    frame = many(20_000)
    different = frame.name.nunique()
    assert different > MOST_CATEGORIES
    (column, _) = columns_of(frame)
    assert (len(column.categories), column.learnt) == (different, MOST_CATEGORIES)
    counts = frame.name.value_counts()
    assert counts[list(column.categories[: column.learnt])].min() >= counts[list(column.categories[column.learnt :])].max()
    model = fitted(frame, epochs=1)
    assert set(model.sample(500).name) <= set(frame.name)
    back = model.impute(frame)
    pd.testing.assert_frame_equal(back, frame)
    new = frame.head(3).assign(name=["never seen", column.categories[-1], column.categories[0]])
    assert encoded(new, columns_of(frame), other=True)[:, 0].tolist() == [different, different - 1, 0]
    scores = model.score_samples(new)
    assert np.isfinite(scores).all()


def test_text_that_says_which_row_it_is_is_told():
    frame = customers(200).assign(id=[f"c{at:05d}" for at in range(200)])
    with pytest.warns(DataWarning, match="'id' is different in each of 200 rows.*drop"):
        fitted(frame, epochs=1)
    with pytest.raises(DataError, match="2,000 different values: it says which row it is"):
        fitted(customers(2000).assign(id=[f"c{at:05d}" for at in range(2000)]), epochs=1)
