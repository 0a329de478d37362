"""`latentwalk export`: a model for machines without PyTorch."""

import numpy as np
import pytest

from latentwalk.data import load
from latentwalk.estimators.autoencoder import Autoencoder


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
    call(*words, "--force")
    assert not (tmp_path / "run" / "encoder.onnx").exists()
