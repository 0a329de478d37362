"""Tables of mixed columns through the estimator: frames in, frames out, and what is missing is filled in."""

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

from latentwalk.data import Dataset, load
from latentwalk.errors import ConfigError, DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.models.likelihood import Likelihood
from latentwalk.networks.build import Network
from latentwalk.training.settings import Settings

pd = pytest.importorskip("pandas")
RNG = np.random.default_rng(0)
KIND = RNG.integers(0, 3, 600)
TOWNS = np.array(["Bern", "Oslo", "Rome"])


def whole():
    return pd.DataFrame(
        {
            "age": RNG.normal(30 + 10 * KIND, 3),
            "visits": RNG.poisson(1 + 6 * KIND),
            "town": TOWNS[KIND],
            "member": RNG.random(600) < 0.1 + 0.4 * KIND,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(100 * KIND + RNG.integers(0, 10, 600), unit="D"),
        }
    )


def holed(frame):
    frame = frame.copy()
    frame.loc[::7, "town"], frame.loc[::5, "age"] = None, np.nan
    return frame


@pytest.fixture(scope="module")
def fitted():
    frame = holed(whole())
    model = Autoencoder("vae", latent=2, epochs=80, network=Network(widths=(64,)), random_state=0, progress=False)
    return model.fit(frame), frame


def test_a_sample_is_a_frame_like_the_one_that_came_in(fitted):
    model, frame = fitted
    drawn = model.sample(2000)
    assert drawn.dtypes.equals(frame.dtypes)
    assert set(drawn.town) == set(TOWNS)
    assert drawn.visits.min() >= 0
    for name in ("age", "visits"):
        assert abs(drawn[name].mean() - frame[name].mean()) < 0.25 * frame[name].std()
    together = drawn.groupby("town").age.mean()
    assert together["Bern"] + 10 < together["Rome"]  # columns go together, as in the data
    pd.testing.assert_frame_equal(drawn, model.sample(2000))


def test_missing_cells_are_imputed_and_observed_ones_come_back_exactly(fitted):
    model, frame = fitted
    filled = model.impute(frame)
    assert not filled.isna().any().any()
    assert (filled.town == TOWNS[KIND]).mean() > 0.98
    assert np.abs(filled.age - (30 + 10 * KIND))[::5].mean() < 2
    for name in frame:
        there = frame[name].notna()
        assert (filled[name][there] == frame[name][there]).all()
    assert filled.dtypes.equals(frame.dtypes)


def test_saving_keeps_columns_and_answers(fitted, tmp_path):
    model, frame = fitted
    model.save(tmp_path)
    back = Autoencoder.load(tmp_path)
    assert back.spec_ == model.spec_
    assert np.array_equal(back.transform(frame), model.transform(frame))
    pd.testing.assert_frame_equal(back.sample(20), model.sample(20))
    pd.testing.assert_frame_equal(back.reconstruct(frame), model.reconstruct(frame))
    assert list(model.feature_names_in_) == list(frame)


def test_what_stands_in_a_missing_cell_never_influences_a_code_or_a_score(fitted):
    model, frame = fitted
    one = frame.iloc[[0]]
    assert one.town.isna().all()
    others = pd.concat([one, frame.iloc[1:50]])
    assert np.array_equal(model.transform(one), model.transform(others)[:1])
    assert model.score_samples(one) == model.score_samples(others)[:1]
    assert np.isfinite(model.score_samples(frame)).all()


def test_imputation_of_a_linear_gaussian_table_approaches_the_closed_form():
    """x ~ N(0, S): what is missing is expected at S_mo S_oo^-1 x_o, and no imputation has a smaller squared error."""
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(5, 2))
    cov = mixing @ mixing.T + 0.1 * np.eye(5)
    x = rng.multivariate_normal(np.zeros(5), cov, 6000)
    hidden = rng.random(x.shape) < 0.25
    hidden[hidden.all(1), 0] = False
    seen = np.where(hidden, np.nan, x)
    model = Autoencoder(
        "vae", latent=2, network=Network(widths=(128,)), epochs=60, batch_size=256, learning_rate=3e-3,
        training=Settings(learning_schedule="cosine"), random_state=0, progress=False,
    ).fit(seen)  # fmt: skip
    exact = x.copy()
    for row, gone in enumerate(hidden):
        if gone.any():
            exact[row, gone] = cov[np.ix_(gone, ~gone)] @ np.linalg.solve(cov[np.ix_(~gone, ~gone)], x[row, ~gone])
    found = model.impute(seen)
    least, reached, none = (np.mean((guess - x)[hidden] ** 2) for guess in (exact, found, np.zeros_like(x)))
    assert least < 0.5 * none
    assert reached < least + 0.1 * (none - least)


def test_each_column_can_be_given_its_distribution():
    frame = whole()
    likelihood = Likelihood("mixed", columns={"age": "student-t"})
    model = Autoencoder("ae", likelihood=likelihood, epochs=1, progress=False).fit(frame)
    assert model.likelihood_.of_columns(model.spec_.columns)[0] == "student-t"
    for columns, message in (
        ({"agee": "student-t"}, "Did you mean 'age'"),
        ({"town": "student-t"}, "'town' is a category column and cannot have a student-t likelihood. Expected categorical"),
        ({"age": "studnet"}, "unknown likelihood of a column"),
    ):
        with pytest.raises(ConfigError, match=message):
            Autoencoder(likelihood=Likelihood("mixed", columns=columns), epochs=1, progress=False).fit(frame)
    with pytest.raises(ConfigError, match="needs named columns"):
        Autoencoder(likelihood="mixed", epochs=1, progress=False).fit(np.eye(5))
    with pytest.raises(ConfigError, match="is for tables"):
        Autoencoder(likelihood="student-t", epochs=1, progress=False).fit(np.zeros((5, 8, 8)))
    with pytest.raises(DataError, match="counts are whole numbers"):
        Autoencoder(likelihood="negative-binomial", epochs=1, progress=False).fit(RNG.normal(size=(20, 3)))


def test_going_on_keeps_the_codes_of_categories(fitted):
    """Rows of two towns only: their codes must still be those learnt, and a data set of its own is translated."""
    _, frame = fitted
    model = Autoencoder("vae", epochs=1, random_state=0, progress=False, warm_start=True).fit(frame)
    some = frame[frame.town.isin(["Oslo", "Rome"])].reset_index(drop=True)
    assert np.array_equal(model.transform(Dataset.of(some)), model.transform(some))
    model.fit(some)
    assert model.spec_.columns[2].categories == tuple(TOWNS)
    assert set(model.reconstruct(some).town) <= set(TOWNS)
    with pytest.raises(DataError, match="not seen in training"):
        model.fit(some.assign(town="Paris"))


@pytest.mark.filterwarnings("ignore:the posterior has collapsed")  # each column says nothing of the others
def test_counts_have_a_better_likelihood_as_counts():
    counts = RNG.negative_binomial(2, 0.2, (500, 6))
    scores = {
        name: Autoencoder(likelihood=name, epochs=30, random_state=0, progress=False).fit(counts).score(counts)
        for name in ("gaussian", "negative-binomial")
    }
    assert scores["negative-binomial"] > scores["gaussian"]
    drawn = Autoencoder(likelihood="negative-binomial", epochs=2, random_state=0, progress=False).fit(counts).sample(50)
    assert (drawn == np.rint(drawn)).all()
    assert drawn.min() >= 0


def test_a_csv_with_text_and_empty_fields_is_learnt_from_as_it_is(tmp_path):
    holed(whole()).drop(columns="since").to_csv(tmp_path / "people.csv", index=False)
    data = load(tmp_path / "people.csv")
    assert [column.kind for column in data.spec.columns] == ["continuous", "count", "category", "category"]
    model = Autoencoder("vae", epochs=2, random_state=0, progress=False).fit(data)
    assert list(model.sample(3)) == ["age", "visits", "town", "member"]
    (tmp_path / "one.csv").write_text("town,member,visits,age\nRome,True,3,\n")
    again = load(tmp_path / "one.csv", columns=data.spec.columns)
    assert model.impute(again).town.tolist() == ["Rome"]
    assert np.isfinite(model.impute(again).age).all()


QUICK = {"epochs": 2, "random_state": 0, "progress": False, "network": Network(widths=(16,))}


def test_tomorrows_rows_are_scored_and_what_is_new_in_them_is_unlikely(fitted):
    model, frame = fitted
    usual = model.score_samples(frame.iloc[1:2])
    for new in ({"town": "Paris"}, {"visits": -1}):
        row = frame.iloc[1:2].assign(**new)
        assert usual - 5 > model.score_samples(row)
        assert np.isfinite(model.transform(row)).all()
        assert np.isfinite(np.asarray(model.score_each(row))).all()
        with pytest.raises(DataError, match="row 0"):  # it could not be given back
            model.impute(row)
    assert set(model.reconstruct(frame.iloc[1:9].assign(town="Paris")).town) <= set(TOWNS)
    some = Dataset.of(frame.iloc[:20].assign(town="Paris"), columns=model.spec_.columns)
    assert np.array_equal(model.score_samples(some), model.score_samples(frame.iloc[:20].assign(town="Paris")))


def test_a_gap_where_none_was_is_scored_and_filled():
    frame = whole()
    model = Autoencoder(**QUICK).fit(frame)
    row = frame.iloc[:2].assign(age=[np.nan, 30.0], town=[None, "Oslo"])
    assert np.isfinite(model.score_samples(row)).all()
    assert np.asarray(model.score_each(row))[0, 0] == 0
    filled = model.impute(row)
    assert np.isfinite(filled.age).all()
    assert filled.town[0] in TOWNS


def test_a_constant_is_reproduced_exactly_and_may_change():
    frame = whole().assign(unit=1e-9, version=7, day=pd.Timestamp("2024-02-29"))
    model = Autoencoder(**QUICK).fit(frame)
    for made in (model.sample(5), model.reconstruct(frame.iloc[:5])):
        pd.testing.assert_frame_equal(made[["unit", "version", "day"]], frame[["unit", "version", "day"]].iloc[:5])
    before = model.score_samples(frame.iloc[:1])
    for new in ({"unit": 2e-9}, {"version": 8}, {"version": 10**12}, {"day": pd.Timestamp("2025-01-01")}):
        row = frame.iloc[:1].assign(**new)
        assert before - 5 > model.score_samples(row)
        assert np.array_equal(model.transform(row), model.transform(frame.iloc[:1]))
        pd.testing.assert_frame_equal(model.impute(row), row)


@pytest.mark.parametrize(
    "rare",
    [
        pytest.param([0.0] * 297 + [1.0, 2.0, 1.5], id="a number that is constant in two folds"),
        pytest.param([5] * 297 + [6, 7, 8], id="a whole number"),
        pytest.param(["a"] * 297 + ["b", "c", "d"], id="levels of one fold alone"),
        pytest.param([True] * 299 + [False], id="a truth"),
        pytest.param([*range(297), -1, -2, -3], id="counts, and some below 0"),
        pytest.param([1.0, 2.0] * 148 + [np.nan] * 4, id="gaps in one fold alone"),
        pytest.param([pd.Timestamp("2024-01-01")] * 299 + [pd.Timestamp("2024-01-02")], id="a date"),
    ],
)
def test_what_is_in_one_fold_alone_is_no_hindrance_to_cross_validation(rare):
    frame = pd.DataFrame({"z": RNG.normal(size=300), "rare": rare, "t": RNG.choice(list("ab"), 300)})
    scores = cross_val_score(Autoencoder(**QUICK), frame, cv=3, error_score="raise")
    assert np.isfinite(scores).all()
