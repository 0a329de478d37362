"""Anomalies: found, repeatable, blamed on what is strange, and scikit-learn's protocol for outlier detectors."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from latentwalk.errors import CheckpointError, ConfigError, LatentwalkError
from latentwalk.estimators.anomalies import AnomalyDetector
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.models.inference import Coder

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
    assert detector.blame(frame)[199].argmax() == 0
    assert detector.blame(frame)[3, 0] == pytest.approx(detector.usual_[0])


def test_saving_keeps_scores_and_threshold(fitted, tmp_path):
    detector, x, _ = fitted
    detector.save(tmp_path)
    back = AnomalyDetector.load(tmp_path)
    assert np.array_equal(back.decision_function(x), detector.decision_function(x))
    assert np.array_equal(back.blame(x), detector.blame(x))
    (tmp_path / "anomalies.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"anomalies\.json"):
        AnomalyDetector.load(tmp_path)


@pytest.mark.parametrize("contamination", [0, 0.7, "few", -1])
def test_contamination_is_a_share(contamination):
    with pytest.raises(ConfigError, match="contamination=") as caught:
        AnomalyDetector(contamination=contamination).fit(RNG.normal(size=(30, 3)))
    assert isinstance(caught.value, LatentwalkError)
