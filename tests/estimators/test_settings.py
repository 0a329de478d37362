"""Options in one place: what is the training's stands in `Settings`, wherever it is seen, set, saved or compared."""

import json

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from latentwalk import AnomalyDetector, Autoencoder, Network, Settings
from latentwalk.errors import ConfigError, DataError
from latentwalk.estimators.options import FREE, IDLE, SETTINGS, flat, flat_json, params_of

X = np.random.default_rng(0).normal(size=(60, 4))
QUICK = {"epochs": 2, "random_state": 0, "progress": False, "network": Network(widths=(16,))}


def test_options_of_the_training_are_seen_and_set():
    model = Autoencoder()
    assert model.training is None and model.get_params()["training__ema"] == Settings().ema == 0.999
    assert "training__ema" not in model.get_params(deep=False)
    model.set_params(training__ema=0.9, training__optimizer="adamw", epochs=3)
    assert (model.training, model.epochs) == (Settings(ema=0.9, optimizer="adamw"), 3)
    assert model.get_params()["training__ema"] == 0.9
    assert clone(model).training == model.training
    assert Autoencoder().set_params(training=Settings(clip=2.0), training__skip=3.0).training == Settings(clip=2.0, skip=3.0)
    with pytest.raises(ConfigError, match="Did you mean 'ema'"):
        model.set_params(training__eam=0.9)


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_an_option_that_has_moved_says_where_it_is_now(name):
    with pytest.raises(ConfigError, match=rf"{name} is an option of the training. Say it there: training=Settings\({name}=1\)"):
        Autoencoder(**{name: 1})
    with pytest.raises(ConfigError, match=rf"Say it there: training__{name}=1"):
        Autoencoder().set_params(**{name: 1})


def test_other_words_are_refused_as_ever():
    with pytest.raises(TypeError, match="unexpected keyword argument 'latnt'"):
        Autoencoder(latnt=2)
    with pytest.raises(ConfigError, match=r"training='fast': expected Settings"):
        Autoencoder(training="fast").fit(X)
    with pytest.raises(ConfigError, match=r"training=Settings\(ema=0.9\)"):
        AnomalyDetector(options={"ema": 0.9}).fit(X)


def test_settings_that_are_the_usual_ones_train_the_same_model():
    plain, said = (Autoencoder(training=training, **QUICK).fit(X) for training in (None, Settings()))
    np.testing.assert_array_equal(plain.transform(X), said.transform(X))
    search = GridSearchCV(Autoencoder(**QUICK), {"training__ema": [None, 0.5]}, cv=2, error_score="raise").fit(X)
    assert len(set(search.cv_results_["mean_test_score"])) == 2


def test_what_may_differ_and_what_is_idle():
    assert sorted(IDLE) == ["checkpoint_every", "complete", "device", "extra", "progress", "track", "warm_start"]
    assert sorted(FREE - IDLE) == ["epochs", "minutes", "patience", "random_state"]


def test_a_model_is_saved_with_its_options_side_by_side_as_ever(tmp_path):
    model = Autoencoder(training=Settings(ema=0.5, clip=3.0), **QUICK).fit(X)
    model.save(tmp_path)
    said = json.loads((tmp_path / "model.json").read_text())["model"]["params"]
    assert (said["ema"], said["clip"], said["optimizer"]) == (0.5, 3.0, "adam") and "training" not in said
    assert Autoencoder.load(tmp_path).training == model.training
    assert flat(model.get_params(deep=False))["ema"] == 0.5


@pytest.mark.parametrize("training", [None, Settings(ema=0.5, warmup=2.0)])
def test_options_come_back_from_json(training):
    params = Autoencoder(training=training, **QUICK).get_params(deep=False)
    assert params_of(json.loads(json.dumps(flat_json(params)))) == params
    for spoilt in ({"ema": 7}, {"ema": "x"}, {"surprise": 1}):
        with pytest.raises(ConfigError):
            params_of(flat_json(params) | spoilt)


def test_a_failed_fit_leaves_the_estimator_as_it_was():
    model = Autoencoder(**QUICK).fit(X)
    before = model.trained_
    for wrong in (lambda: model.set_params(likelihood="bernoulli").fit(X), lambda: model.fit(X[:1, :3])):
        with pytest.raises((ConfigError, DataError)):
            wrong()
        assert model.trained_ is before and model.n_features_in_ == 4
    for name in ("model_", "history_", "sampler_", "classes_", "n_features_in_", "feature_names_in_"):
        assert not hasattr(Autoencoder(), name)
        with pytest.raises(AttributeError):
            setattr(model, name, None)
