"""ONNX files answer as the model does, stand alone, and are never half there."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from torch import nn

from latentwalk.data import Dataset, DataSpec
from latentwalk.data.columns import encoded
from latentwalk.data.scaling import Scaling
from latentwalk.errors import CheckpointError, ConfigError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.models.inference import Coder
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.recipes import assemble, recipe_named
from latentwalk.networks.build import Network
from latentwalk.saving import onnx as export

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytestmark = pytest.mark.usefixtures("operators_once")

RNG = np.random.default_rng(0)
SMALL = Network(widths=(16,), start="mean")  # of noise, components are silent, and all codes alike


def fitted(x, recipe="vae", **options):
    usual = {"epochs": 2, "latent": 3, "network": SMALL, "random_state": 0, "progress": False}
    return Autoencoder(recipe, **usual | options).fit(x)


def bytes_(*shape):
    return RNG.integers(0, 256, (40, *shape), dtype=np.uint8)


def holed(x, share=0.2):
    return np.where(RNG.random(x.shape) < share, np.nan, x)


def ended(length):
    return np.where(np.arange(length) > RNG.integers(5, length, 40)[:, None], np.nan, RNG.normal(size=(40, length)))


CASES = {
    "images": lambda: (bytes_(9, 7), "vae", {"likelihood": "bernoulli"}),
    "images of booleans, squashed codes": lambda: (RNG.random((40, 6, 7)) > 0.5, "sparse", {}),
    "images, channels last, sigma each": lambda: (
        bytes_(13, 11, 3),
        "vae",
        {"network": Network("conv", channels=(4, 8), widths=(8,), start="mean"), "likelihood": Likelihood(sigma="each")},
    ),
    "images, channels first, of 16 bits": lambda: (
        bytes_(3, 13, 11).astype(np.uint16) * 200,
        "ae",
        {"network": Network("conv", channels=(4, 8), widths=(8,), blocks=1)},
    ),
    "images, fully convolutional": lambda: (
        RNG.random((40, 12, 12)),
        "denoising",
        {"network": Network("fully-conv", channels=(4,)), "latent": None, "likelihood": "continuous-bernoulli"},
    ),
    "a table of large numbers, few units kept": lambda: (1e8 + RNG.normal(size=(40, 5)), "k-sparse", {"latent": 20}),
    "a table with heavy tails and gaps": lambda: (holed(RNG.normal(size=(40, 5))), "iwae", {"likelihood": "student-t"}),
    "a table of counts": lambda: (RNG.poisson(5, (40, 5)), "vae", {"likelihood": "negative-binomial"}),
    "signals, an encoder that senses": lambda: (RNG.normal(size=(40, 20)), "contractive", {"network": SMALL}),
    "signals, convolutional": lambda: (
        RNG.normal(size=(40, 50)),
        "vae",
        {"network": Network("conv", channels=(4,), start="mean")},
    ),
    "signals of channels, lstm": lambda: (RNG.normal(size=(40, 8, 2)), "vae", {"network": Network("lstm", widths=(8, 4))}),
    "signals that end, gru": lambda: (ended(9), "ae", {"network": Network("gru", widths=(8,))}),
}


def close(found, wanted, span):
    assert found.shape == wanted.shape
    np.testing.assert_array_less(np.abs(found - wanted), 1e-5 * span)


@pytest.mark.parametrize("case", CASES)
def test_onnx_answers_as_the_model_does(case, tmp_path):
    x, recipe, options = CASES[case]()
    model = fitted(x, recipe, **options)
    before = model.transform(x)
    encoder, decoder = (onnxruntime.InferenceSession(path) for path in model.export(tmp_path))
    codes = model.transform(x)
    np.testing.assert_array_equal(codes, before)  # tracing left the model as it was
    for rows in (slice(0, 40), slice(0, 1), slice(3, 10)):
        close(encoder.run(None, {"x": x[rows]})[0], codes[rows], np.ptp(codes))
        span = float(np.nanmax(x)) - float(np.nanmin(x))
        close(decoder.run(["x"], {"codes": codes[rows]})[0], model.inverse_transform(codes[rows]), span)


def test_a_frame_is_exported_as_numbers_and_says_what_they_mean(tmp_path):
    pd = pytest.importorskip("pandas")
    kind = RNG.integers(0, 3, 60)
    frame = pd.DataFrame(
        {
            "age": holed(RNG.normal(30 + 10 * kind, 3)),
            "visits": RNG.poisson(1 + 6 * kind),
            "town": np.array(["Bern", "Oslo", "Rome"])[kind],
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(100 * kind, unit="D"),
        }
    )
    model = fitted(frame, latent=2)
    paths = model.export(tmp_path)
    encoder, decoder = (onnxruntime.InferenceSession(path) for path in paths)
    codes = model.transform(frame)
    close(encoder.run(None, {"x": encoded(frame, model.spec_.columns)})[0], codes, np.ptp(codes))
    decoded = encoded(model.inverse_transform(codes), model.spec_.columns)
    found = decoder.run(None, {"codes": codes})[0]
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found[:, 2], decoded[:, 2])  # codes of categories
    day = 86_400e6
    np.testing.assert_allclose(found[:, 3], model.trained_.decode(codes)[:, 3], atol=1e-5 * 200 * day)
    np.testing.assert_array_equal(decoded[:, 3], np.rint(found[:, 3] / day) * day)
    for session in (encoder, decoder):
        about = session.get_modelmeta().custom_metadata_map
        columns = json.loads(about["spec"])["columns"]
        assert columns[2]["categories"] == ["Bern", "Oslo", "Rome"]
    assert len({onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map["model"] for path in paths}) == 1


def test_transforms_limits_and_vectors_are_part_of_the_files(tmp_path):
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    cities = [f"c{at}" for at in np.arange(400) % 90]
    frame = pd.DataFrame({"income": rng.lognormal(10, 1, 400), "debt": -rng.lognormal(3, 1, 400), "city": cities})
    frame.loc[::7, "income"] = np.nan
    model = fitted(frame, latent=2)
    spec = model.spec_
    assert spec.powers[0] and spec.powers[1] and spec.limits[1].high == 0 and spec.columns[2].embedded
    encoder, decoder = (onnxruntime.InferenceSession(path) for path in model.export(tmp_path))
    codes = model.transform(frame)
    close(encoder.run(None, {"x": encoded(frame, spec.columns)})[0], codes, np.ptp(codes))
    for some in (codes, 10 * codes):
        decoded = model.trained_.decode(some)
        close(decoder.run(None, {"codes": some})[0], decoded, np.ptp(decoded))
        assert decoded[:, 1].max() <= 0 <= decoded[:, 0].min()


def test_input_and_output_are_named_any_number_of_rows_fits_and_nothing_is_said(tmp_path, capfd):
    encoder, decoder = fitted(bytes_(9, 7)).export(tmp_path)
    assert capfd.readouterr() == ("", "")
    (given,), (found,) = (getattr(onnxruntime.InferenceSession(encoder), f"get_{end}puts")() for end in ("in", "out"))
    assert (given.name, given.type, given.shape) == ("x", "tensor(uint8)", ["n", 9, 7])
    assert (found.name, found.type, found.shape) == ("codes", "tensor(float)", ["n", 3])
    for path in (encoder, decoder):
        onnx.checker.check_model(onnx.load(path), full_check=True)


class Fickle(nn.Module):
    """What it does depends on its values, which no graph can say."""

    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_what_cannot_be_exported_says_so_and_leaves_the_old_files(tmp_path, monkeypatch):
    model = fitted(RNG.normal(size=(40, 5)))
    paths = model.export(tmp_path)
    before = [path.read_bytes() for path in paths]
    body = model.model_.encoder.body
    model.model_.encoder.body = nn.Sequential(Fickle(), body)
    with pytest.raises(ConfigError, match=r"makes codes cannot be exported to ONNX: .*Autoencoder\.load"):
        model.export(tmp_path)
    model.model_.encoder.body = body
    monkeypatch.setattr(export, "LARGEST", 100)
    with pytest.raises(ConfigError, match=r"weights are [\d,]+ bytes; an ONNX file holds 100"):
        model.export(tmp_path)
    monkeypatch.undo()
    with monkeypatch.context() as patch:
        patch.setattr(export._Encode, "forward", lambda self, raw: self.model.encoder(raw.float()).mean + torch.rand(1))
        with pytest.raises(ConfigError, match="does not answer as PyTorch does: they differ by up to"):
            model.export(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(ConfigError, match=r"export needs onnx and .*pip install 'latentwalk\[export\]'"):
            model.export(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match=r"cannot write to .*file"):
        model.export(tmp_path / "file")
    assert [path.read_bytes() for path in paths] == before


WRITES = """
import itertools, sys
from pathlib import Path
from latentwalk.files import write_together
out, *made = map(Path, sys.argv[1:])
made = itertools.cycle([{out / path.name: path.read_bytes() for path in folder.iterdir()} for folder in made])
print("ready", flush=True)
while True:
    write_together(next(made))
"""


def test_killed_at_any_moment_it_leaves_whole_files(tmp_path):
    """Nothing is loaded but what writes, so that nearly all of a process's time is spent on writing."""
    models = [fitted(RNG.normal(size=(40, 5)), network=Network(widths=(width,))) for width in (400, 2000)]
    whole = [{path.name: path.read_bytes() for path in model.export(tmp_path / str(at))} for at, model in enumerate(models)]
    out, wrote = tmp_path / "out", 0
    for _ in range(6):
        out.mkdir(exist_ok=True)
        words = [sys.executable, "-c", WRITES, *(str(tmp_path / name) for name in ("out", "0", "1"))]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"ready\n"
            time.sleep(RNG.uniform(0.02, 0.2))
            os.kill(process.pid, signal.SIGKILL)
        found = {path.name: path.read_bytes() for path in out.iterdir() if not path.name.startswith(".")}
        wrote += len(found)
        for name, content in found.items():
            onnxruntime.InferenceSession(content)
            assert content in [one[name] for one in whole]
    assert wrote > 6  # it had begun


def test_a_condition_is_an_input_of_both(tmp_path):
    x, given = RNG.normal(size=(40, 5)).astype(np.float32), np.eye(3, dtype=np.float32)[RNG.integers(3, size=40)]
    spec, likelihood = DataSpec.infer(x), Likelihood("gaussian")
    scaling = Scaling.fit(x, spec, likelihood.scaling(spec))
    model = assemble(recipe_named("vae"), spec, SMALL, likelihood, 2, scaling, classes=3).eval()
    with torch.no_grad():
        model.encoder.body.shift.normal_()
    encoder, decoder = (
        onnxruntime.InferenceSession(path) for path in export.exported(export.onnx_files(model, spec), tmp_path)
    )
    assert [one.name for one in encoder.get_inputs()] == ["x", "given"]
    codes = encoder.run(None, {"x": x, "given": given})[0]
    close(codes, Coder(model, given).encode(x)[0], np.ptp(codes))
    close(decoder.run(None, {"codes": codes, "given": given})[0], Coder(model, given).decode(codes), np.ptp(x))


def test_a_dataset_of_signals_is_exported_as_it_is_given(tmp_path):
    data = Dataset.of(RNG.normal(size=(40, 30)).astype(np.float32), kind="signal")
    model = fitted(data, network=Network("dense", widths=(8,), start="mean"))
    encoder = onnxruntime.InferenceSession(model.export(tmp_path)[0])
    close(encoder.run(None, {"x": data.x})[0], model.transform(data), np.ptp(model.transform(data)))
