"""Saved models and runs: whatever their files hold, a model that works, or an error of ours that begins with the path."""

import hashlib
import json
import os
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bombs import npy_header
from damage import FUZZ, bytes_like, damaged, flips, json_like, outcome, refused, tenths
from hypothesis import given
from hypothesis import strategies as st

from latentwalk.app.commands.denoise import _csv, _numbers
from latentwalk.app.run import Run
from latentwalk.app.source import Source
from latentwalk.data import Dataset
from latentwalk.data.original import pictures_like
from latentwalk.data.sources.sounds import sound
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.criteria.measure import Measure
from latentwalk.latent.samplers import flow
from latentwalk.networks.build import Network

IMAGES = np.random.default_rng(0).random((24, 9, 10, 3))
SIGNALS = Dataset.of(np.random.default_rng(0).random((24, 20, 2)), kind="signal")
OPTIONS = {
    "dense": ("vae", IMAGES, {"network": Network("dense", widths=(8,))}),
    "conv": ("denoising", IMAGES, {"network": Network("conv", widths=(6,), channels=(3, 4), blocks=1), "latent": 3}),
    "signal": ("k-sparse", SIGNALS, {"network": Network("gru", widths=(5,)), "latent": 12}),
    "table": (
        "iwae",
        IMAGES[:, :2, :3, 0].reshape(24, -1),
        {"network": Network("dense", widths=(4,)), "likelihood": "student-t"},
    ),
}
SAMPLERS = {"dense": "mixture", "conv": "flow", "table": "vamp", "signal": "neighbours"}  # saved with the models


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    """A run of every kind."""
    folders = {}
    for name, (recipe, x, options) in OPTIONS.items():
        folders[name] = tmp_path_factory.mktemp(name)
        data = x if isinstance(x, Dataset) else Dataset.of(x)
        model = Autoencoder(recipe, epochs=1, random_state=0, progress=False, **options).fit(data)
        if kind := SAMPLERS.get(name):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(flow, "STEPS", 5)
                patch.setattr(flow, "WIDTH", 8)
                model.fit_sampler(data, kind)
            measured = {kind: Measure("likeness", 0.9, 0.8, 1.0, "", {"held_out": 3.0})}
            model.trained_ = replace(model.trained_, likeness=measured)
        Run.of(folders[name], model, Source("digits", {}, 0), data, 1).save()
    return folders


@pytest.fixture
def copy(runs, tmp_path):
    """A copy of a run that may be spoilt."""

    def copied(name: str) -> Path:
        shutil.copytree(runs[name], tmp_path, dirs_exist_ok=True)
        return tmp_path

    return copied


def check(folder: Path) -> None:
    """Load the model; if there is one, it must answer for what its spec says it learnt from."""
    model = outcome(Autoencoder.load, folder)
    if model is not None:
        with refused():
            model.transform(np.zeros((2, *model.spec_.shape), model.spec_.dtype))
        if model.sampler_ is not None:
            assert model.sampler_(2, np.random.default_rng(0)).shape == (2, model.sampler_.dim)


def described(folder: Path, description: object) -> None:
    (folder / "model.json").write_text(json.dumps(description))


@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_not_damaged_is_loaded(runs, name):
    run = Run.open(runs[name])
    assert run.source == Source("digits", {}, 0) and run.epochs == 1
    assert np.isfinite(run.model.transform(np.zeros((2, *run.model.spec_.shape)))).all()


@pytest.mark.parametrize("file", ["model.json", "run.json"])
def test_cut_and_flipped(copy, file):
    folder = copy("dense")
    content = (folder / file).read_bytes()
    for wounded in [*tenths(content), *flips(content, 64)]:
        (folder / file).write_bytes(wounded)
        check(folder)
        outcome(Run.open, folder)


@pytest.mark.parametrize("name", OPTIONS)
@FUZZ
@given(data=st.data())
def test_a_description_with_something_else_in_it(runs, tmp_path_factory, name, data):
    folder = tmp_path_factory.getbasetemp() / f"described-{name}"
    shutil.copytree(runs[name], folder, dirs_exist_ok=True)
    described(folder, data.draw(json_like(json.loads((runs[name] / "model.json").read_text()))))
    check(folder)


@pytest.mark.parametrize("name", SAMPLERS)
@FUZZ
@given(data=st.data())
def test_weights_with_the_right_checksum(runs, tmp_path_factory, name, data):
    folder = tmp_path_factory.getbasetemp() / f"weights-{name}"
    shutil.copytree(runs[name], folder, dirs_exist_ok=True)
    (path,) = folder.glob("weights-*")
    content = data.draw(bytes_like([path.read_bytes()]))
    path.write_bytes(content)
    described(folder, json.loads((runs[name] / "model.json").read_text()) | {"sha256": hashlib.sha256(content).hexdigest()})
    check(folder)


@FUZZ
@given(data=st.data())
def test_a_run_with_something_else_in_it(runs, tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "run"
    shutil.copytree(runs["dense"], folder, dirs_exist_ok=True)
    about = json.loads((runs["dense"] / "run.json").read_text())
    spoilt = data.draw(json_like(about).map(lambda value: json.dumps(value).encode()) | damaged([json.dumps(about).encode()]))
    (folder / "run.json").write_bytes(spoilt)
    run = outcome(Run.open, folder)
    if run is not None:
        assert all(isinstance(name, str) for name in run.classes) and isinstance(run.epochs, int)
        with refused():
            run.train()


BIG = 10**9


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("network", "widths"), [BIG]),
        (("network", "widths"), [BIG, BIG]),
        (("network", "widths"), [1] * 100_000),
        (("network", "channels"), [BIG]),
        (("network", "blocks"), BIG),
        (("network", "kind"), "lstm"),
        (("latent",), BIG),
        (("latent",), 10**30),
        (("latent",), 1e999),
        (("spec", "shape"), [BIG, BIG, 3]),
        (("spec", "shape"), [BIG, BIG, BIG]),
        (("spec", "shape"), []),
        (("spec", "shape"), [-1, 9, 3]),
        (("validation_rows",), [10**30]),
        (("sampler", "transforms"), BIG),
        (("sampler", "width"), BIG),
        (("sampler", "bins"), 10**30),
        (("sampler", "temperature"), 1e999),
        (("sampler", "kind"), "neighbours"),
        (("sampler", "kind"), ["flow"]),
        (("sampler",), []),
        (("likeness",), {"flow": {"value": 1}}),
        (("recipe", "sparsity"), {"type": "Sparsity", "kind": "top-k", "amount": 1e999}),
    ],
)
def test_a_description_of_something_huge_takes_neither_memory_nor_time(copy, path, value):
    folder = copy("conv")
    header = json.loads((folder / "model.json").read_text())
    *way, last = path
    part = header["model"]
    for key in way:
        part = part[key]
    part[last] = value
    described(folder, header)
    assert outcome(Autoencoder.load, folder) is None


@pytest.mark.parametrize("depth", [900, 5_000, 100_000])
@pytest.mark.parametrize("file", ["model.json", "run.json"])
def test_nested_deeply(copy, file, depth):
    folder = copy("dense")
    about = json.loads((folder / file).read_text())
    whole = json.dumps(about)
    for key in about:
        (folder / file).write_text(whole.replace(f'"{key}": {json.dumps(about[key])}', f'"{key}": {"[" * depth}{"]" * depth}'))
        outcome(Run.open, folder)
    (folder / file).write_text("[" * depth)
    assert outcome(Run.open, folder) is None


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}',
        b'{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}',
        b"{}",
    ],
)
def test_tensors_of_strange_types(copy, header):
    folder = copy("dense")
    (path,) = folder.glob("weights-*")
    content = struct.pack("<Q", len(header)) + header + b"\0"
    path.write_bytes(content)
    described(folder, json.loads((folder / "model.json").read_text()) | {"sha256": hashlib.sha256(content).hexdigest()})
    assert outcome(Autoencoder.load, folder) is None


@pytest.mark.parametrize("file", ["model.json", "run.json", "weights"])
@pytest.mark.parametrize("what", ["pipe", "device", "folder", "loop"])
def test_what_is_no_file(copy, file, what):
    folder = copy("dense")
    path = next(folder.glob(f"{file}*"))
    path.unlink()
    match what:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path)
    assert outcome(Run.open, folder) is None


@pytest.mark.parametrize("name", ["x.npy", "x.csv", "x.wav", "x.png", "x.parquet"])
@pytest.mark.parametrize("what", ["pipe", "nonsense", "claims"])
def test_what_is_given_to_a_model_later(runs, tmp_path, name, what):
    """The readers that commands have beside `read`."""
    path, run = tmp_path / name, Run.open(runs["dense"])
    if what == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"\x93NUMPY" if what == "nonsense" else npy_header((1 << 40, 1 << 10), "<f8"))
    readers = [
        _numbers,
        _csv,
        sound,
        lambda given: pictures_like(run.model.spec_, [given]),
        lambda given: run.read(str(given)),
    ]
    for read in readers:
        assert outcome(read, path) is None
