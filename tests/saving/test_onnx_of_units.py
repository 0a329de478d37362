"""A decoder of units as two ONNX files, called in turn, writes what the model writes."""

import json

import numpy as np
import pytest
import torch

from latentwalk import Autoencoder, load
from latentwalk.data.units import END
from latentwalk.errors import ConfigError
from latentwalk.networks.build import Network

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytestmark = pytest.mark.usefixtures("operators_once")


def fitted(data, **options):
    usual = {"latent": 3, "epochs": 2, "network": Network("gru", widths=(16, 8)), "random_state": 0, "progress": False}
    return Autoencoder("vae", **usual | options).fit(data)


def sessions(folder):
    return {path.stem: onnxruntime.InferenceSession(path) for path in folder.glob("*.onnx")}


def written(found, codes, length, given=None):
    """Rows (n, T) that the files write from codes (n, D), each unit the likeliest."""
    known, *memory = found["decoder"].run(None, {"codes": codes} | ({} if given is None else {"given": given}))
    names = [one.name for one in found["step"].get_inputs()][2:]
    last, over, rows = np.zeros(len(codes), np.int64), np.zeros(len(codes), bool), np.zeros((len(codes), length), np.int32)
    for at in range(length - 1):
        scores, *memory = found["step"].run(None, {"last": last, "known": known, **dict(zip(names, memory, strict=True))})
        last = np.where(over, END, scores.argmax(1))
        rows[:, at] = last
        over |= last == END
    return rows


def test_they_write_what_the_model_writes(tmp_path):
    data = load("phrases", n=200)
    model = fitted(data, network=Network("lstm", widths=(16, 8)))
    assert [path.name for path in model.export(tmp_path)] == ["encoder.onnx", "decoder.onnx", "step.onnx"]
    found = sessions(tmp_path)
    codes = found["encoder"].run(None, {"x": np.asarray(data.x[:20])})[0]
    np.testing.assert_allclose(codes, model.transform(data)[:20], atol=1e-4)
    spread = 3 * np.random.default_rng(0).standard_normal((20, 3), dtype=np.float32)
    rows = written(found, spread, data.spec.size)
    assert data.spec.vocabulary.texts(rows) == model.inverse_transform(spread)
    about = json.loads(found["step"].get_modelmeta().custom_metadata_map["spec"])
    assert about["vocabulary"]["units"] == list(data.spec.vocabulary.units)


def test_scores_of_a_step_are_those_of_pytorch(tmp_path):
    model = fitted(load("melodies", n=60))
    model.export(tmp_path)
    found, body = sessions(tmp_path), model.model_.decoder.body
    codes = np.random.default_rng(1).standard_normal((7, 3), dtype=np.float32)
    known, *memory = found["decoder"].run(None, {"codes": codes})
    names, last = [one.name for one in found["step"].get_inputs()][2:], np.arange(7)
    scores, *after = found["step"].run(None, {"last": last, "known": known, **dict(zip(names, memory, strict=True))})
    with torch.no_grad():
        want, held = body.step(torch.from_numpy(last), *body.begin(torch.from_numpy(codes)))
    np.testing.assert_allclose(scores, want, atol=1e-4)
    for part, own in zip(after, held, strict=True):
        np.testing.assert_allclose(part, own.transpose(0, 1), atol=1e-4)


def test_a_condition_is_told_to_encoder_and_decoder(tmp_path):
    data = load("phrases", n=200)
    model = fitted(data.labelled(np.asarray(data.factors["tense"])), condition=True)
    model.export(tmp_path)
    given = np.eye(len(model.classes_), dtype=np.float32)[[1, 0, 1]]
    codes = np.random.default_rng(1).standard_normal((3, 3), dtype=np.float32)
    rows = written(sessions(tmp_path), codes, data.spec.size, given)
    told = [model.classes_[at] for at in given.argmax(1)]
    assert data.spec.vocabulary.texts(rows) == model.inverse_transform(codes, condition=told)


def test_there_is_no_scorer_of_units(tmp_path):
    with pytest.raises(ConfigError, match="a scorer is for"):
        fitted(load("phrases", n=200)).export(tmp_path, scorer=True)
    assert not list(tmp_path.iterdir())
