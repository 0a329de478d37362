"""A model that is told labels: what it draws, decodes and scores under each; kept, looked at, refused."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from latentwalk import Autoencoder, Dataset, Network, continuity
from latentwalk.errors import CheckpointError, ConfigError, DataError
from latentwalk.studies.judgement import reconstruction_error

RNG = np.random.default_rng(0)
SHIFT = np.array([[4.0, 0, 0, 0, 0], [-4.0, 0, 0, 0, 0], [0, 4.0, 0, 0, 0]])
Y = np.array(["a", "b", "c"])[RNG.choice(3, 300, p=[0.2, 0.5, 0.3])]
X = SHIFT[np.searchsorted(["a", "b", "c"], Y)] + RNG.normal(size=(300, 1)) + 0.1 * RNG.normal(size=(300, 5))


def auto(**options):
    usual = {"epochs": 40, "batch_size": 50, "learning_rate": 5e-3, "random_state": 0, "progress": False, "latent": 1}
    return Autoencoder(**{"network": Network("dense", widths=(32,)), "condition": True, **usual, **options})


@pytest.fixture(scope="module")
def model():
    return auto().fit(X, Y)


def test_what_is_drawn_and_decoded_is_what_the_label_says(model):
    assert model.classes_ == ("a", "b", "c")
    for label, shift in zip("abc", SHIFT, strict=True):
        for made in (model.sample(200, condition=label), model.inverse_transform(np.zeros((1, 1)), condition=label)):
            np.testing.assert_allclose(made.mean(0) - made.mean(0)[2:].mean(), shift, atol=0.7)
    each = model.inverse_transform(np.zeros((3, 1)), condition=["c", "a", "c"])
    np.testing.assert_array_equal(each[:1], model.inverse_transform(np.zeros((1, 1)), condition="c"))
    np.testing.assert_array_equal(each[0], each[2])
    assert model.sample(0).shape == (0, 5)


def test_without_a_condition_labels_are_drawn_as_often_as_in_training(model):
    made = model.sample(2000)
    nearest = np.argmin(((made[:, None, :2] - made[:, None, 2:].mean(-1, keepdims=True) - SHIFT[:, :2]) ** 2).sum(-1), axis=1)
    np.testing.assert_allclose(np.bincount(nearest, minlength=3) / 2000, [np.mean(name == Y) for name in "abc"], atol=0.04)
    np.testing.assert_array_equal(model.sample(5), model.sample(5))


def test_labels_of_any_form_are_the_same_labels(model):
    data = Dataset.of(X, Y)
    codes = model.transform(X, condition=Y)
    np.testing.assert_array_equal(model.transform(data), codes)
    np.testing.assert_array_equal(auto().fit(data).transform(data), codes)
    np.testing.assert_array_equal(auto().fit_transform(X, Y), codes)
    numbers = np.searchsorted(["a", "b", "c"], Y) + 5
    told = auto().fit(X, numbers)
    assert told.classes_ == ("5", "6", "7")
    np.testing.assert_array_equal(told.transform(X, condition=numbers), codes)
    np.testing.assert_array_equal(told.sample(4, condition=7), told.sample(4, condition="7"))
    some = Dataset.of(X[Y != "a"], Y[Y != "a"])  # whose own numbering is another
    np.testing.assert_array_equal(model.transform(some), codes[Y != "a"])


def test_every_use_takes_the_condition(model):
    data = Dataset.of(X, Y)
    for use in (model.reconstruct, model.denoise, model.impute, model.score_samples, model.score_each):
        np.testing.assert_array_equal(use(X, condition=Y), use(data))
    right, wrong = model.score(X, Y), model.score(X, condition="a")
    assert right == model.score_samples(data).mean() and right > wrong + 1


def test_a_condition_explains_what_the_code_then_need_not(model):
    assert model.score(X, Y) > auto(condition=False).fit(X, Y).score(X) + 0.3


def test_rows_decode_under_their_own_labels_where_they_are_asked_for_and_all_points_under_one(model):
    space = model.space(X, Y)
    rows = np.arange(len(X))
    np.testing.assert_array_equal(space.decode_as(space.codes, rows), model.reconstruct(X, condition=Y))
    some = space.among(rows[5:])
    np.testing.assert_array_equal(some.decode_as(some.codes, rows[:-5]), model.reconstruct(X[5:], condition=Y[5:]))
    np.testing.assert_array_equal(space.codes, model.space(Dataset.of(X, Y)).codes)
    np.testing.assert_array_equal(space.decode(space.codes), model.inverse_transform(space.codes, condition="b"))
    errors = np.square(model.reconstruct(X, condition=Y) - X) / np.square(space.unit)
    assert reconstruction_error(space) == pytest.approx(errors.mean(), rel=1e-5)
    rows = np.flatnonzero(Y == "c")  # a step changes what is decoded, never the label it is decoded under
    assert continuity(space.among(rows)).value == continuity(space.under("c").among(rows)).value
    under = space.under("c")
    np.testing.assert_array_equal(under.decode(space.codes), model.inverse_transform(space.codes, condition="c"))
    np.testing.assert_array_equal(under.encode(X[:3])[0], model.transform(X[:3], condition="c"))
    np.testing.assert_array_equal(under.codes, space.codes)
    assert under.sample(3).x.shape == (3, 5) and space.among(np.arange(9)).under("a").walk(0, 1).x.shape == (11, 5)
    assert space.classes == ("a", "b", "c")
    with pytest.raises(ConfigError, match="unknown label 'd'"):
        space.under("d")
    with pytest.raises(ConfigError, match="takes no condition"):
        auto(condition=False, epochs=1).fit(X).space(X).under("a")


def test_it_is_saved_and_loaded_and_gone_on_with(model, tmp_path):
    model.save(tmp_path / "saved")
    again = Autoencoder.load(tmp_path / "saved")
    assert again.classes_ == model.classes_ and again.condition is True
    np.testing.assert_array_equal(again.sample(20), model.sample(20))
    np.testing.assert_array_equal(again.transform(X, condition=Y), model.transform(X, condition=Y))
    auto(epochs=2).fit(X, Y, checkpoint=tmp_path / "run")
    longer = auto(epochs=4).fit(X, Y, checkpoint=tmp_path / "run")
    np.testing.assert_array_equal(longer.sample(9), auto(epochs=4).fit(X, Y).sample(9))
    with pytest.raises(DataError, match="y holds other labels"):
        auto(epochs=5).fit(X, Y[::-1], checkpoint=tmp_path / "run")


def test_a_warm_start_keeps_the_labels():
    model = auto(epochs=2, warm_start=True).fit(X, Y)
    model.fit(X[Y != "a"], Y[Y != "a"])
    assert model.classes_ == ("a", "b", "c") and len(model.history_) == 4
    with pytest.raises(ConfigError, match="unknown label 'aa'. Did you mean 'a'"):
        model.fit(X, np.where(Y == "a", "aa", Y))


def test_a_sampler_is_fitted_to_its_codes(model):
    fitted = clone(model).set_params(epochs=3).fit(X, Y).fit_sampler(X, "gaussian", condition=Y)
    assert fitted.sample(3, condition="a").shape == (3, 5)
    assert auto(epochs=2, complete="gaussian").fit(X, Y).sampler_ is not None


def test_scikit_learn_hands_labels_on():
    search = GridSearchCV(auto(epochs=2), {"latent": [1, 2]}, cv=2, error_score="raise").fit(X, Y)
    assert np.isfinite(search.best_score_)


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda m: auto().fit(X), ConfigError, r"condition=True needs labels: fit\(X, y\)"),
        (lambda m: auto().fit(X, Y[:5]), DataError, "expected 300 labels"),
        (
            lambda m: auto().fit(X, np.where(Y == "a", np.nan, 1.0)),
            DataError,
            r"has no label \(nan\), nor have",
        ),
        (lambda m: auto(condition="label").fit(X, Y), ConfigError, "condition='label'"),
        (lambda m: auto(complete="vamp").fit(X, Y), ConfigError, "inputs have no labels"),
        (lambda m: m.transform(X), ConfigError, "condition='b' for all"),
        (lambda m: m.transform(X, condition=Y[:7]), DataError, "expected 300 labels"),
        (lambda m: m.sample(3, condition="aa"), ConfigError, "unknown label 'aa'. Did you mean 'a'"),
        (lambda m: m.sample(3, condition=["a", "b"]), DataError, "expected 3 labels"),
        (lambda m: m.inverse_transform(np.zeros((2, 1))), ConfigError, "is told a label"),
        (lambda m: m.space(X), ConfigError, "is told a label"),
        (lambda m: auto(condition=False, epochs=1).fit(X).sample(3, condition="a"), ConfigError, "takes no condition"),
    ],
)
def test_what_cannot_be_is_refused_in_words(model, use, error, message):
    with pytest.raises(error, match=message):
        use(model)


def test_labels_that_do_not_fit_the_weights_are_refused(model, tmp_path):
    model.save(tmp_path)
    path = tmp_path / "model.json"
    whole = path.read_text()
    for spoilt in (whole.replace('"shares"', '"share"'), whole.replace('"a",', "", 1), whole.replace('"a",', "3,", 1)):
        path.write_text(spoilt)
        with pytest.raises(CheckpointError, match="does not describe its weights"):
            Autoencoder.load(tmp_path)
