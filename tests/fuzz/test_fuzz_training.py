"""Checkpoints of a training: whatever their bytes, the newest whole one is found, or an error of ours names the folder."""

import hashlib
import json
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from damage import FUZZ, bytes_like, flips, json_like, outcome, refused, tenths
from hypothesis import given
from hypothesis import strategies as st

from latentwalk.app.run import Run
from latentwalk.errors import CheckpointError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.networks.build import Network
from latentwalk.training import checkpoints as keeper
from latentwalk.training.settings import Settings

X = np.random.default_rng(0).random((24, 6))


def learn(folder: Path, epochs: int) -> Autoencoder:
    network = Network("dense", widths=(4,))
    options = {"network": network, "random_state": 0, "progress": False, "training": Settings(checkpoint_every=0)}
    return Autoencoder(epochs=epochs, **options).fit(X, checkpoint=folder)


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Path:
    """A folder with the two newest checkpoints of a training of two epochs."""
    folder = tmp_path_factory.mktemp("begun")
    learn(folder, 2)
    return folder


def checkpoints(folder: Path) -> list[Path]:
    """The newest first."""
    return sorted(folder.glob("checkpoint-*"), reverse=True)


def put(folder: Path, content: bytes) -> Path:
    """These bytes as the only checkpoint, with a name that vouches for them."""
    for path in checkpoints(folder):
        path.unlink()
    path = folder / f"checkpoint-00000009-{hashlib.sha256(content).hexdigest()[:16]}.safetensors"
    path.write_bytes(content)
    return path


def test_damage_costs_one_interval(begun, tmp_path):
    """Cut at every tenth, or with a bit flipped, the newest is passed over, and the one before it taken."""
    shutil.copytree(begun, tmp_path, dirs_exist_ok=True)
    newest, before = checkpoints(tmp_path)
    for content in [*tenths(newest.read_bytes()), *flips(newest.read_bytes())]:
        newest.write_bytes(content)
        with pytest.warns(UserWarning, match=r"is damaged or cannot be read"):
            assert keeper.newest(tmp_path) == before.read_bytes()
    newest.unlink()
    os.mkfifo(newest)
    with pytest.warns(UserWarning, match=r"is damaged or cannot be read"):
        assert keeper.newest(tmp_path) == before.read_bytes()
    before.write_bytes(b"")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert outcome(keeper.latest, tmp_path, within=True) is None


@FUZZ
@given(data=st.data())
def test_any_bytes_with_the_right_name(begun, tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    put(folder, data.draw(bytes_like([path.read_bytes() for path in checkpoints(begun)])))
    outcome(keeper.latest, folder)


@FUZZ
@given(data=st.data())
def test_going_on_from_something_else(begun, tmp_path_factory, data):
    """A header that was changed, under a name that vouches for it: training goes on, or says why not."""
    folder = tmp_path_factory.getbasetemp() / "other"
    folder.mkdir(exist_ok=True)
    content = checkpoints(begun)[0].read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    inner = data.draw(json_like(json.loads(header["__metadata__"]["latentwalk"])))
    header["__metadata__"]["latentwalk"] = json.dumps(inner)
    text = json.dumps(header).encode()
    put(folder, len(text).to_bytes(8, "little") + text + content[8 + size :])
    outcome(keeper.latest, folder)
    outcome(Run.unfinished, folder)
    with refused():
        learn(folder, 2)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("network", {"type": "Network", "kind": "x"}),
        ("training", {"type": "Settings", "ema": 1}),
        ("network", {"type": "Network", "kindx": 1}),
        ("x", 1),
    ],
)
def test_options_of_a_checkpoint_that_are_none(begun, tmp_path, option, value):
    content = checkpoints(begun)[0].read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    inner = json.loads(header["__metadata__"]["latentwalk"])
    inner["about"]["params"][option] = value
    header["__metadata__"]["latentwalk"] = json.dumps(inner)
    text = json.dumps(header).encode()
    put(tmp_path, len(text).to_bytes(8, "little") + text + content[8 + size :])
    with pytest.raises(CheckpointError, match="does not describe a model"):
        Run.unfinished(tmp_path)
