"""Autoencoder among scikit-learn's own: its checks, clone, Pipeline, GridSearchCV, set_output."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from latentwalk.data.corruption import Corruption
from latentwalk.errors import ConfigError, DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.models.recipes import RECIPES, Recipe, recipe_named
from latentwalk.models.schedule import linear
from latentwalk.networks.build import Network

X = np.random.default_rng(0).normal(size=(60, 4)) @ np.random.default_rng(1).normal(size=(4, 4)) + 3
QUICK = {"epochs": 2, "random_state": 0, "progress": False, "network": Network(widths=(16,))}


@parametrize_with_checks([Autoencoder(recipe, **QUICK) for recipe in RECIPES])  # none is expected to fail
def test_scikit_learn_agrees(estimator, check):
    check(estimator)


def test_clone_copies_every_option_and_nothing_learned():
    recipe = Recipe("mine", beta=linear(over=3), corruption=Corruption("masking"))
    model = Autoencoder(recipe, latent=3, **QUICK).fit(X)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "model_")
    np.testing.assert_array_equal(copy.fit(X).transform(X), model.transform(X))


def test_options_of_a_recipe_are_seen_and_set():
    named = Autoencoder("vae").set_params(recipe__beta=4.0, latent=3)
    assert (named.recipe.beta, named.recipe.name, named.latent) == (4.0, "vae", 3)
    given = Autoencoder(recipe_named("vae"))
    assert given.get_params()["recipe__beta"] == 1.0
    assert given.set_params(recipe__beta=2.0).get_params()["recipe__beta"] == 2.0
    assert recipe_named("vae").beta == 1.0  # the table of recipes is as it was
    assert Autoencoder("ae").set_params(recipe="vae", recipe__free_nats=0.5).recipe.name == "vae"
    with pytest.raises(ConfigError, match="Did you mean 'beta'"):
        named.set_params(recipe__bta=1)
    with pytest.raises(ValueError, match="latnt"):
        named.set_params(latnt=1)


def test_pipeline_there_and_back():
    pipe = make_pipeline(StandardScaler(), Autoencoder("ae", latent=4, **QUICK | {"epochs": 60, "learning_rate": 1e-2})).fit(X)
    assert pipe.transform(X).shape == (60, 4)
    error = np.square(pipe.inverse_transform(pipe.transform(X)) - X).mean()
    assert error < 0.3 * X.var(0).mean()
    assert np.isfinite(pipe.score(X))
    assert make_pipeline(Autoencoder(**QUICK), KNeighborsClassifier()).fit(X, X[:, 0] > 3).predict(X).shape == (60,)


def test_grid_search_over_latent_and_recipe():
    grid = {"latent": [1, 3], "recipe__beta": [0.1, 1.0]}
    quick = QUICK | {"network": Network(widths=(8,), start="mean")}  # from a line, nothing better may be learnt so quickly
    search = GridSearchCV(Autoencoder("vae", **quick), grid, cv=2, error_score="raise").fit(X)
    scores = search.cv_results_["mean_test_score"]
    assert len(set(scores)) == 4
    assert search.best_score_ == max(scores)
    assert search.best_estimator_.recipe_.beta == search.best_params_["recipe__beta"]
    through = make_pipeline(StandardScaler(), Autoencoder(**QUICK))
    found = GridSearchCV(through, {"autoencoder__recipe__beta": [0.5, 2.0]}, cv=2, error_score="raise").fit(X)
    assert found.best_estimator_[-1].recipe_.beta in (0.5, 2.0)


@pytest.mark.filterwarnings("ignore:the posterior has collapsed")  # so it has, with a beta of 100
def test_cross_validation_prefers_the_right_number_of_dimensions():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 1)) @ rng.normal(size=(1, 6)) + 0.05 * rng.normal(size=(300, 6))
    model = Autoencoder("vae", latent=1, **QUICK | {"epochs": 60, "learning_rate": 5e-3, "batch_size": 32})
    good = cross_val_score(model, x, cv=2).mean()
    poor = cross_val_score(clone(model).set_params(recipe__beta=100.0), x, cv=2).mean()
    assert good > poor


def test_set_output_pandas_and_names():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(X, columns=list("abcd"), index=range(100, 160))
    model = Autoencoder(**QUICK).set_output(transform="pandas")
    codes = model.fit_transform(table)
    assert codes.columns.tolist() == ["autoencoder0", "autoencoder1"]
    assert codes.index.tolist() == list(range(100, 160))
    assert model.feature_names_in_.tolist() == list("abcd")
    assert model.n_features_in_ == 4
    np.testing.assert_array_equal(model.reconstruct(table), model.inverse_transform(codes))
    pd.testing.assert_frame_equal(model.transform(table[list("dcba")]), codes)  # columns are known by name
    with pytest.raises(DataError, match="missing: 'd'; unknown: 'e'"):
        model.transform(table.rename(columns={"d": "e"}))
    table.loc[102, "c"] = np.nan
    with pytest.raises(DataError, match="row 2, column 2"):
        model.transform(table)


def test_a_fitted_model_can_be_pickled_and_says_so_in_words():
    model = Autoencoder(**QUICK).fit(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(X), model.transform(X))
    assert repr(Autoencoder("ae", latent=3)) == "Autoencoder(latent=3, recipe='ae')"
    assert "Autoencoder" in model._repr_html_()
