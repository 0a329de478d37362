"""Folders that somebody else made: what could not be calculated with, or written, is refused when it is loaded."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load as tensors_from
from safetensors.torch import save as bytes_of

from latentwalk.errors import CheckpointError
from latentwalk.estimators.anomalies import DETECTOR, AnomalyDetector
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.networks.build import Network

RNG = np.random.default_rng(0)
QUICK = {"epochs": 1, "random_state": 0, "network": Network("dense", widths=(8,))}


@pytest.fixture
def table():
    pd = pytest.importorskip("pandas")
    return pd.DataFrame({"size": RNG.normal(size=60), "town": RNG.choice(["a", "b"], 60), "visits": RNG.poisson(9, 60) ** 2})


def rewritten(folder: Path, change) -> None:
    path = folder / "model.json"
    about = json.loads(path.read_text())
    change(about)
    path.write_text(json.dumps(about))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers(tmp_path, value):
    Autoencoder("ae", progress=False, **QUICK).fit(RNG.normal(size=(60, 3))).save(tmp_path)
    (path,) = tmp_path.glob("weights-*")
    weights = tensors_from(path.read_bytes())
    name = next(name for name in weights if not name.startswith("sampler."))
    weights[name].view(-1)[0] = value
    path.write_bytes(bytes_of(weights))
    rewritten(tmp_path, lambda about: about.update(sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    with pytest.raises(CheckpointError, match="hold NaN or infinity"):
        Autoencoder.load(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("dtype", value) for value in (5, "no-type", "int64[pyarrow")),
        *(("name", value) for value in (3, "half \ud800", ["a"])),
        *(("typical", value) for value in ("much", -1, float("nan"))),
    ],
)
def test_columns_of_foreign_types(tmp_path, table, key, value):
    Autoencoder("vae", progress=False, **QUICK).fit(table).save(tmp_path)
    for at in range(3):
        folder = tmp_path / str(at)
        Autoencoder.load(tmp_path).save(folder)
        rewritten(folder, lambda about, at=at: about["model"]["spec"]["columns"][at].update({key: value}))
        with pytest.raises(CheckpointError):
            Autoencoder.load(folder)


@pytest.mark.parametrize("usual", [[0.0], [0.0, float("nan"), 0.0], "words", [[0.0, 0.0, 0.0]], None])
def test_a_detector_of_another_shape(tmp_path, table, usual):
    AnomalyDetector(**QUICK).fit(table).save(tmp_path)
    path = tmp_path / DETECTOR
    path.write_text(json.dumps(json.loads(path.read_text()) | {"usual": usual}))
    with pytest.raises(CheckpointError):
        AnomalyDetector.load(tmp_path)
