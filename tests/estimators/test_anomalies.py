"""Anomalies: found, repeatable, blamed on what is strange, and scikit-learn's protocol for outlier detectors."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from latentwalk.data.dataset import Dataset
from latentwalk.errors import CheckpointError, ConfigError, LatentwalkError
from latentwalk.estimators.anomalies import AnomalyDetector, _TrainingScores
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.models.inference import Coder
from latentwalk.networks.build import Network
from latentwalk.training.settings import Settings

RNG = np.random.default_rng(0)


def data(n=400, strange=20):
    """A bent sheet in five dimensions, and rows that keep each column's values but not how they go together."""
    a, b = RNG.uniform(-2, 2, (2, n + strange))
    x = np.stack([a, b, a * b, np.sin(a), a - b], axis=1) + 0.05 * RNG.normal(size=(n + strange, 5))
    for column in range(5):
        x[n:, column] = RNG.permutation(x[:n, column])[:strange]
    return x, np.r_[np.zeros(n), np.ones(strange)].astype(int)


@pytest.fixture(scope="module")
def fitted():
    x, y = data()
    return AnomalyDetector(contamination=0.05, latent=2, random_state=0, epochs=60).fit(x), x, y


@parametrize_with_checks([AnomalyDetector(epochs=2, random_state=0)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_strange_rows_are_found_and_a_share_of_contamination_is_called_so(fitted):
    detector, x, y = fitted
    assert roc_auc_score(y, -detector.score_samples(x)) > 0.9
    assert (detector.predict(x) == -1).sum() == round(0.05 * len(x))
    assert np.array_equal(detector.predict(x) == -1, detector.decision_function(x) < 0)
    assert set(AnomalyDetector(epochs=1, random_state=0).fit_predict(x)) == {-1, 1}


def test_a_heavy_tail_is_not_bent_by_a_few_extreme_values():
    x, _ = data()
    x[-20:] *= 50
    score = {
        likelihood: roc_auc_score(
            data_[1],
            -AnomalyDetector(latent=2, epochs=40, likelihood=likelihood, random_state=0).fit(x).score_samples(data_[0]),
        )
        for data_ in [data()]
        for likelihood in ("student-t", "gaussian")
    }
    assert score["student-t"] > score["gaussian"]


def test_scores_are_deterministic_alone_and_among_others(fitted):
    detector, x, _ = fitted
    assert np.array_equal(detector.score_samples(x)[:3], detector.score_samples(x[:3]))
    assert np.array_equal(detector.blame(x)[7:8], detector.blame(x[7:8]))
    again = AnomalyDetector(contamination=0.05, latent=2, random_state=0, epochs=60).fit(x)
    assert np.array_equal(again.score_samples(x), detector.score_samples(x))


def test_blame_names_the_value_that_is_strange(fitted):
    detector, x, _ = fitted
    spoilt = np.repeat(x[:40], 5, axis=0)
    column = np.tile(np.arange(5), 40)
    spoilt[np.arange(200), column] += 15
    assert (detector.blame(spoilt).argmax(1) == column).mean() > 0.8
    np.testing.assert_allclose(detector.blame(x).mean(0), 0, atol=1e-4)


def test_blame_adds_up_to_the_log_likelihood_of_the_row():
    x = RNG.normal(size=(50, 4))
    model = Autoencoder("ae", likelihood="student-t", epochs=2, random_state=0, progress=False).fit(x)
    whole = model.score_samples(x) + model.model_.scaling.log_volume
    np.testing.assert_allclose(model.score_each(x).sum(1), whole, rtol=1e-4)
    assert Coder(model.model_).log_probs(x).shape == x.shape


@pytest.mark.parametrize("shape", [(40, 9, 8), (40, 9, 8, 3), (40, 3, 9, 8)])
def test_images_have_a_map_of_blame(shape):
    x = RNG.integers(0, 255, shape).astype(np.uint8)
    detector = AnomalyDetector(epochs=1, random_state=0).fit(x)
    assert detector.blame(x).shape == x.shape
    assert detector.predict(x).shape == (40,)


def test_missing_values_and_mixed_columns_are_welcome():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"age": RNG.normal(40, 5, 200), "town": RNG.choice(["a", "b"], 200), "n": RNG.poisson(9, 200) * 2})
    frame.loc[3, "age"] = np.nan
    frame.loc[199, "age"] = 900.0
    detector = AnomalyDetector(random_state=0, epochs=30).fit(frame)
    assert detector.score_samples(frame).argmin() == 199
    assert detector.blame(frame).iloc[199].argmax() == 0
    assert detector.blame(frame).iloc[3, 0] == 0


def test_saving_keeps_scores_and_threshold(fitted, tmp_path):
    detector, x, _ = fitted
    detector.save(tmp_path)
    back = AnomalyDetector.load(tmp_path)
    assert np.array_equal(back.decision_function(x), detector.decision_function(x))
    assert np.array_equal(back.blame(x), detector.blame(x))
    (tmp_path / "anomalies.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"anomalies\.json"):
        AnomalyDetector.load(tmp_path)


def test_a_loaded_detector_has_its_parameters_and_clones_to_the_same(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(RNG.normal(size=(120, 4)), columns=list("abcd"))
    options = {"noise": (0.1, 0.3), "patience": 3, "training": Settings(ema=0.9)}
    for given in (
        {},
        {"latent": 3, "epochs": 3, "likelihood": "gaussian", "network": Network(widths=(8,)), "contamination": "auto"},
        {"epochs": 2, "options": options},
        {"epochs": 2, "options": {}},
    ):
        detector = AnomalyDetector(random_state=0, **{"epochs": 2, **given}).fit(frame)
        detector.save(tmp_path / "kept")
        back = AnomalyDetector.load(tmp_path / "kept")
        assert back.get_params() == detector.get_params()
        assert list(back.feature_names_in_) == list("abcd")
        assert (back.offset_, back.n_features_in_) == (detector.offset_, 4)
        assert np.array_equal(clone(back).fit(frame).score_samples(frame), detector.score_samples(frame))


def test_contamination_may_be_changed_afterwards(fitted, tmp_path):
    detector, x, _ = fitted
    detector = clone(detector).set_params(epochs=3).fit(x)
    detector.save(tmp_path)
    scores = detector.score_samples(x)
    for one in (detector, AnomalyDetector.load(tmp_path)):
        for share in (0.01, 0.1, 0.5):
            one.set_params(contamination=share)
            assert one.offset_ == pytest.approx(np.percentile(scores, 100 * share), rel=1e-12)
            assert (one.predict(x) == -1).sum() == pytest.approx(share * len(x), abs=1)
        with pytest.raises(ConfigError, match="contamination="):
            one.set_params(contamination=0.6).predict(x)
    with pytest.raises(NotFittedError):
        AnomalyDetector().predict(x)
    assert not hasattr(AnomalyDetector(), "offset_")


def test_a_detector_of_before_keeps_the_line_it_had():
    old = AnomalyDetector.load(Path(__file__).parents[1] / "golden" / "detector")
    assert old.offset_ == pytest.approx(-8.893419140576093)
    with pytest.raises(ConfigError, match=r"kept no training scores, so its line stays where contamination=0\.05 drew it"):
        old.set_params(contamination=0.1).predict(np.zeros((1, 4)))


def test_very_many_training_scores_are_thinned_where_no_line_is_drawn():
    scores = np.random.default_rng(0).normal(size=200_000)
    kept = _TrainingScores.of(scores)
    assert len(kept.scores) == 20_000
    for share in (1e-5, 1e-3, 0.04):
        assert kept.quantile(share) == pytest.approx(np.percentile(scores, 100 * share), rel=1e-12)
    assert kept.quantile(0.3) == pytest.approx(np.percentile(scores, 30), abs=1e-3)


def test_the_automatic_line_is_the_one_it_says_for_exponential_scores():
    scores = -np.random.default_rng(0).exponential(3.0, 200_000)
    for shift in (0.0, 1e4):
        line = _TrainingScores.of(scores + shift).line()
        assert (scores + shift < line).mean() == pytest.approx(0.005, rel=0.05)
    alike = np.r_[np.zeros(900), -np.arange(100.0)]
    assert -99 < _TrainingScores.of(alike).line() < 0


@pytest.mark.parametrize("share", [0.0, 0.01, 0.05, 0.15])
def test_auto_finds_planted_outliers_however_many_there_are(share):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(600, 4)) @ rng.normal(size=(4, 4))
    planted = np.arange(600) < share * 600
    x[planted] += 12 * rng.choice([-1, 1], (planted.sum(), 4)) * x.std(0)
    detector = AnomalyDetector(contamination="auto", epochs=20, random_state=0).fit(x)
    found = detector.predict(x) == -1
    assert found[planted].all()
    assert found[~planted].mean() <= 0.01


def test_only_observed_values_count():
    x = RNG.normal(size=(300, 4))
    x[:270, 1] = np.nan
    detector = AnomalyDetector(random_state=0, epochs=10).fit(x)
    alone = detector._columns(torch.from_numpy(x))
    each = detector.model_.score_each(x) + detector._columns.against(alone).numpy()
    np.testing.assert_allclose(detector.usual_, np.nanmean(np.where(np.isnan(x), np.nan, each), axis=0))
    blame = detector.blame(x)
    assert (blame[np.isnan(x)] == 0).all()
    assert blame[270:, 1].mean() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("network", [None, "gru"])
def test_signals_of_different_lengths_are_welcome(network, tmp_path):
    x = [RNG.normal(size=(int(RNG.integers(5, 20)), 2)) for _ in range(40)]
    detector = AnomalyDetector(epochs=1, random_state=0, network=network).fit(x)
    assert detector.predict(x).shape == (40,)
    blame = detector.blame(x)
    assert all((one[len(signal) :] == 0).all() for one, signal in zip(blame, x, strict=True))
    detector.save(tmp_path)
    assert np.array_equal(AnomalyDetector.load(tmp_path).score_samples(x), detector.score_samples(x))


def test_lists_and_data_sets_are_welcome():
    x = RNG.normal(size=(40, 6))
    array, rows, data = (AnomalyDetector(epochs=1, random_state=0).fit(one) for one in (x, x.tolist(), Dataset.of(x)))
    assert array.model_.likelihood == rows.model_.likelihood == data.model_.likelihood == "student-t"
    assert np.array_equal(array.score_samples(x), rows.score_samples(x.tolist()))
    assert np.array_equal(array.score_samples(x), data.score_samples(Dataset.of(x)))
    signals = Dataset.of(x, kind="signal")
    assert AnomalyDetector(epochs=1, random_state=0).fit(signals).model_.likelihood == "auto"


def test_what_the_numbers_cannot_hold_is_strange_and_blamed():
    x = np.random.default_rng(0).random((100, 16, 16)).astype(np.float32) * 0.01 + 1
    detector = AnomalyDetector(random_state=0, epochs=2).fit(x)
    new = x[:2].copy()
    new[0, 3, 5] = 3e38
    scores, blame = detector.score_samples(new), detector.blame(new)
    assert np.isfinite(scores).all()
    assert scores.argmin() == 0
    assert detector.predict(new)[0] == -1
    assert np.isfinite(blame).all()
    assert blame[0].argmax() == 3 * 16 + 5


def test_what_is_new_in_a_column_is_strange_and_blamed():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"a": rng.normal(size=300), "town": rng.choice(["Bern", "Oslo"], 300), "n": rng.poisson(9, 300), "unit": 1e-9}
    )
    detector = AnomalyDetector(random_state=0, epochs=10, contamination=0.02).fit(frame)
    for new, column in (({"town": "Paris"}, 1), ({"n": -5}, 2), ({"unit": 2e-9}, 3)):
        row = frame.iloc[:1].assign(**new)
        assert detector.predict(row) == [-1]
        assert np.asarray(detector.blame(row))[0].argmax() == column


def test_a_detector_beside_another_model_is_not_taken_for_its_own(tmp_path):
    x = RNG.normal(size=(40, 3))
    AnomalyDetector(epochs=1, random_state=0).fit(x).save(tmp_path)
    Autoencoder(epochs=1, random_state=1, progress=False).fit(x).save(tmp_path)
    with pytest.raises(CheckpointError, match="is of another model than the one beside it"):
        AnomalyDetector.load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"scores": [1.0]},
        {"rows": "x"},
        {"scores": "x"},
        {"contamination": 7},
        {"given": 3},
        {"options": ["?"]},
        {"usual": "x"},
        {"model": None},
        {"model": [1]},
        {"offset": float("nan")},
        {"offset": "x"},
    ],
)
def test_a_damaged_detector_says_which_file(change, tmp_path):
    AnomalyDetector(epochs=1, random_state=0).fit(RNG.normal(size=(40, 3))).save(tmp_path)
    about = json.loads((tmp_path / "anomalies.json").read_text())
    (tmp_path / "anomalies.json").write_text(json.dumps(about | change))
    with pytest.raises(CheckpointError, match=r"anomalies\.json"):
        AnomalyDetector.load(tmp_path)


@pytest.mark.parametrize("contamination", [0, 0.7, "few", -1])
def test_contamination_is_a_share(contamination):
    with pytest.raises(ConfigError, match="contamination=") as caught:
        AnomalyDetector(contamination=contamination).fit(RNG.normal(size=(30, 3)))
    assert isinstance(caught.value, LatentwalkError)
