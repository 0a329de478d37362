"""A classifier as a feature space: learns, is repeatable, and is kept in files that can be trusted."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from latentwalk.data.dataset import Dataset
from latentwalk.errors import CheckpointError, ConfigError, DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.criteria import classifier
from latentwalk.latent.criteria.classifier import Classifier, classifier_features


def bars(n: int, seed: int = 0) -> Dataset:
    """Images 8 x 8 of a bright bar, upright or lying."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 60, (n, 8, 8)).astype(np.uint8)
    upright = rng.integers(0, 2, n)
    for row, at in enumerate(rng.integers(0, 8, n)):
        x[(row, slice(None), at) if upright[row] else (row, at)] = 255
    return Dataset.of(x, np.array(["lying", "upright"])[upright], name="bars")


def test_it_learns_and_says_how_well() -> None:
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    found = Classifier.train(bars(1500), width=16, steps=150)
    assert torch.equal(before, torch.get_rng_state()) and torch.get_num_threads() == threads
    assert found.accuracy > 0.95
    fresh = bars(300, 1)
    assert (found.classes(fresh.x) == fresh.y).mean() > 0.95
    assert found.features.name == f"bars classifier ({100 * found.accuracy:.1f} %), 16 features"
    assert found.features(fresh.x.astype(np.float32)).shape == (300, 16)
    np.testing.assert_array_equal(found.features(fresh.x[:5]), found.features(fresh.x[:5].astype(np.float32)))


@pytest.mark.parametrize("kind", ["table", "signal"])
def test_tables_and_signals_have_one_too(kind: str) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 400)
    x = rng.normal(y[:, None], 0.3, (400, 12))
    found = Classifier.train(Dataset.of(1000 + 50 * x, y, kind=kind), width=8, steps=150)  # type: ignore[arg-type]
    assert found.accuracy > 0.9


def test_kept_it_is_the_same_and_of_other_data_it_is_trained_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bars(200)
    first = classifier_features(data, 3, width=8, steps=5, folder=tmp_path)
    np.testing.assert_array_equal(first(data.x), classifier_features(data, 3, width=8, steps=5)(data.x))
    other = classifier_features(data, 4, width=8, steps=5)
    assert not np.array_equal(first(data.x), other(data.x))

    def untrained(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    with monkeypatch.context() as patched:
        patched.setattr(classifier.Classifier, "train", untrained)
        again = classifier_features(data, 3, width=8, steps=5, folder=tmp_path)
        with pytest.raises(AssertionError, match="trained again"):
            classifier_features(bars(200, 1), 3, width=8, steps=5, folder=tmp_path)
    assert again.name == first.name
    np.testing.assert_array_equal(first(data.x), again(data.x))


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    Classifier.train(bars(100), width=8, steps=5).save(tmp_path)
    described = tmp_path / "classifier.json"
    good = described.read_text()
    wider = json.loads(good)
    wider["classifier"]["origin"]["width"] = 10**12
    described.write_text(json.dumps(wider))
    with pytest.raises(CheckpointError, match="does not describe its weights"):
        Classifier.load(tmp_path)
    described.write_text(good.replace('"accuracy"', '"acuracy"'))
    with pytest.raises(CheckpointError, match="'accuracy' is missing"):
        Classifier.load(tmp_path)
    described.write_text(good.replace("latentwalk-classifier", "latentwalk-model"))
    with pytest.raises(CheckpointError, match="not a latentwalk classifier"):
        Classifier.load(tmp_path)
    with pytest.raises(CheckpointError, match=r"model\.json is missing"):
        Autoencoder.load(tmp_path)


def test_wrong_use_is_named() -> None:
    data = bars(100)
    with pytest.raises(DataError, match="needs labels"):
        classifier_features(Dataset.of(data.x))
    with pytest.raises(DataError, match="at least 50 labelled examples; got 40"):
        classifier_features(data.take(np.arange(40)))
    with pytest.raises(DataError, match="all examples have the same label"):
        classifier_features(Dataset.of(data.x, np.zeros(100)))
    with pytest.raises(ConfigError, match="width=0"):
        classifier_features(data, width=0)
    with pytest.raises(DataError, match=r"sees examples of shape \(8, 8\); got \(9, 9\)"):
        classifier_features(data, width=8, steps=5)(np.ones((2, 9, 9)))
