"""`latentwalk export`: a model for machines without PyTorch."""

import numpy as np
import pytest

from latentwalk.data import load
from latentwalk.estimators.anomalies import AnomalyDetector
from latentwalk.estimators.autoencoder import Autoencoder

pytest.importorskip("onnxscript")
pytestmark = pytest.mark.usefixtures("operators_once")


def test_a_run_is_exported_and_a_new_model_takes_its_export_away(call, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    words = ("fit", "digits", "--epochs", "1", "--out", tmp_path / "run")
    call(*words)
    said = call("export", tmp_path / "run")
    assert "x (n, 8, 8), float32 → codes (n, 2)" in said
    model, x = Autoencoder.load(tmp_path / "run"), load("digits").x
    session = onnxruntime.InferenceSession(tmp_path / "run" / "encoder.onnx")
    np.testing.assert_allclose(session.run(None, {"x": x[:9]})[0], model.transform(x[:9]), atol=1e-5)
    call("export", tmp_path / "run", "--out", tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder" / "decoder.onnx").is_file()
    call("export", tmp_path / "run", "--out", tmp_path / "run" / "model.json", code=1)
    call("export", tmp_path / "nothing", code=2)
    call(*words, "--seed", 1, "--force")
    assert not (tmp_path / "run" / "encoder.onnx").exists()


def test_a_model_that_is_told_labels_takes_them_in_its_export(call, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    call("fit", "digits", "--epochs", "1", "--condition", "--prior", "mixture", "--out", tmp_path / "run")
    said = call("export", tmp_path / "run")
    assert "given (n, 10), float32 → codes (n, 2)" in said and "labels: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9" in said
    model, codes = Autoencoder.load(tmp_path / "run"), np.zeros((1, 2), np.float32)
    session = onnxruntime.InferenceSession(tmp_path / "run" / "decoder.onnx")
    seven = session.run(None, {"codes": codes, "given": np.eye(10, dtype=np.float32)[[7]]})[0]
    np.testing.assert_allclose(seven, model.inverse_transform(codes, condition="7"), atol=1e-4)


def test_a_detector_is_exported_with_a_scorer_of_columns(call, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    lines = [f"{rng.normal():.3f},{town}" for town in rng.choice(["Bern", "Oslo"], 80)]
    (tmp_path / "t.csv").write_text("amount,town\n" + "\n".join(lines) + "\n")
    call("anomalies", tmp_path / "t.csv", "--epochs", 1, "--run", tmp_path / "kept", "--out", tmp_path / "s.csv")
    said = call("export", tmp_path / "kept")
    assert "2 columns by name, each (n,) → score (n,), decision (n,), blame (n, 2)" in said
    rows = {"amount": np.array([0.5, np.nan]), "town": np.array(["Paris", ""], object)}
    score, decision, _ = onnxruntime.InferenceSession(tmp_path / "kept" / "scorer.onnx").run(None, rows)
    pd = pytest.importorskip("pandas")
    detector = AnomalyDetector.load(tmp_path / "kept")
    frame = pd.DataFrame({"amount": [0.5, 0.5], "town": ["Paris", None]})
    np.testing.assert_allclose(score[0], detector.score_samples(frame)[0], rtol=1e-5)
    np.testing.assert_allclose(decision, score - detector.offset_)
    call("fit", tmp_path / "t.csv", "--epochs", 1, "--out", tmp_path / "kept", "--force")
    assert not (tmp_path / "kept" / "scorer.onnx").exists()  # it was of the detector that is gone


def test_a_repository_for_triton_is_a_folder_of_its_own(call, run, tmp_path):
    call("export", run, "--layout", "triton", "--out", tmp_path / "models")
    assert (tmp_path / "models" / "run-encoder" / "1" / "model.onnx").is_file()
    assert 'name: "codes", data_type: TYPE_FP32' in (tmp_path / "models" / "run-decoder" / "config.pbtxt").read_text()
    assert "--force" in call("export", run, "--layout", "triton", "--out", tmp_path / "models", code=2)
    assert "Say where" in call("export", run, "--layout", "triton", code=2)
    assert "unknown layout 'tritn'. Did you mean 'triton'?" in call("export", run, "--layout", "tritn", code=2)
