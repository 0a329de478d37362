"""Save and load: the same numbers come back, or an error that names the file; what was there before is never lost."""

import errno
import hashlib
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from latentwalk.data.corruption import Corruption
from latentwalk.errors import CheckpointError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.recipes import RECIPES, Recipe
from latentwalk.models.schedule import cyclical, linear
from latentwalk.networks.build import Network
from latentwalk.saving import folder as checkpoint
from latentwalk.saving import options as codec

IMAGES = np.random.default_rng(0).random((24, 9, 10, 3))
WARM = Recipe("mine", beta=linear(2.0, over=3), corruption=Corruption("masking", 0.2), free_nats=0.05, draws=2, generative=True)
NETWORKS = [Network("dense", widths=(6,)), Network("conv", widths=(), channels=(3, 4))]
LIKELIHOODS = ["auto", "bernoulli", "continuous-bernoulli", Likelihood(sigma="each"), Likelihood(sigma=0.2)]
CYCLES = Recipe("cycles", beta=cyclical(every=4))


def fitted(recipe="vae", x=IMAGES, **options):
    return Autoencoder(recipe, epochs=1, random_state=0, progress=False, **options).fit(x)


@pytest.fixture(scope="module")
def model():
    return fitted(network=Network("dense", widths=(8,)))


@pytest.fixture
def folder(model, tmp_path):
    model.save(tmp_path / "run")
    return tmp_path / "run"


def weights_of(folder):
    (path,) = folder.glob("weights-*.safetensors")
    return path


def changed(folder, **header):
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | header))


@pytest.mark.parametrize("recipe", [*RECIPES, WARM, CYCLES], ids=lambda r: getattr(r, "name", r))
@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=str)
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.kind)
def test_the_same_numbers_come_back(recipe, likelihood, network, tmp_path):
    ours = fitted(recipe, likelihood=likelihood, network=network, latent=3)
    ours.save(tmp_path)
    theirs = Autoencoder.load(tmp_path)
    for numbers in (lambda m: m.transform(IMAGES), lambda m: m.reconstruct(IMAGES), lambda m: m.score_samples(IMAGES, 3)):
        np.testing.assert_array_equal(numbers(theirs), numbers(ours))
    assert theirs.get_params() == ours.get_params()
    assert (theirs.spec_, theirs.recipe_, theirs.likelihood_) == (ours.spec_, ours.recipe_, ours.likelihood_)
    assert theirs.history_ == ours.history_
    assert not theirs.model_.training
    np.testing.assert_array_equal(theirs.validation_rows_, ours.validation_rows_)


def test_a_table_with_names_comes_back_and_goes_on(tmp_path):
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)), columns=["a", "b", "c"])
    fitted(x=table, spec=None).save(tmp_path)
    loaded = Autoencoder.load(tmp_path).set_params(warm_start=True)
    assert loaded.feature_names_in_.tolist() == ["a", "b", "c"]
    assert len(loaded.fit(table).history_) == 2


def test_options_survive_json():
    for value in (WARM, CYCLES, Network(widths=(3, 4), dropout=0.5), Likelihood(sigma=0.1), None, 3, "x", (1, 2)):
        assert codec.from_json(json.loads(json.dumps(codec.to_json(value)))) == value
    with pytest.raises(CheckpointError, match="type 'Popen' is not known"):
        codec.from_json({"type": "Popen"})


def test_nothing_is_pickled_and_nothing_else_is_left(folder):
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".safetensors"]
    for path in folder.iterdir():
        assert not zipfile.is_zipfile(path)
        with pytest.raises(Exception):  # noqa: B017, PT011  # whatever it says: it is no pickle
            pickle.loads(path.read_bytes())


def test_saving_again_replaces(folder):
    other = fitted("ae", network=Network("dense", widths=(4,)))
    other.save(folder)
    assert len(list(folder.iterdir())) == 2
    np.testing.assert_array_equal(Autoencoder.load(folder).transform(IMAGES), other.transform(IMAGES))


@pytest.mark.parametrize("part", ["model.json", "weights"])
@pytest.mark.parametrize("tenth", range(10))
def test_truncated_anywhere(folder, part, tenth):
    path = folder / part if part == "model.json" else weights_of(folder)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * tenth // 10])
    with pytest.raises(CheckpointError, match=path.name):
        Autoencoder.load(folder)


@pytest.mark.parametrize("where", [0, 7, 60, -1000, -1])
def test_a_flipped_bit_in_the_weights(folder, where):
    path = weights_of(folder)
    content = bytearray(path.read_bytes())
    content[where] ^= 4
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"{path.name} is damaged"):
        Autoencoder.load(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "model.json is damaged or not a latentwalk model: it is not JSON"),
        (b"\x80\x04K\x01.", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b"3", "is not a latentwalk model"),
        (b"[]", "is not a latentwalk model"),
        (b'{"format": "pytorch"}', "expected format 'latentwalk-model'"),
        (b'{"format": "latentwalk-model", "version": 99}', "newer latentwalk .format version 99"),
        (b'{"format": "latentwalk-model", "version": "1"}', "format version 1"),
        (b'{"format": "latentwalk-model", "version": 1}', "'weights' is missing"),
    ],
)
def test_foreign_newer_and_nonsense_descriptions(folder, content, message):
    (folder / "model.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        Autoencoder.load(folder)


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret", "..", "", "a\0b", "half \ud800", "model.json", "x" * 5000])
def test_weights_are_only_ever_looked_for_in_the_folder(folder, name):
    (folder.parent / "secret").write_bytes(weights_of(folder).read_bytes())
    changed(folder, weights=name)
    with pytest.raises(CheckpointError):
        Autoencoder.load(folder)


def corrupt(saved, path, value):
    *way, last = path
    for key in way:
        saved = saved[key]
    saved[last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("latent",), 7),
        (("latent",), "two"),
        (("recipe", "type"), "Popen"),
        (("recipe", "posterior"), "gausian"),
        (("params", "surprise"), 1),
        (("spec", "shape"), [3, 3, 3]),
        (("history",), 5),
        (("network", "widths"), [1]),
        (("likelihood",), None),
        (("recipe",), {}),
    ],
)
def test_a_description_that_does_not_fit_its_weights(folder, path, value):
    header = json.loads((folder / "model.json").read_text())
    corrupt(header["model"], path, value)
    changed(folder, model=header["model"])
    with pytest.raises(CheckpointError, match=r"model\.json does not describe its weights"):
        Autoencoder.load(folder)


@pytest.mark.parametrize("part", ["params", "recipe", "network", "likelihood", "spec", "latent", "features", "history"])
def test_a_description_with_something_missing(folder, part):
    header = json.loads((folder / "model.json").read_text())
    del header["model"][part]
    changed(folder, model=header["model"])
    with pytest.raises(CheckpointError, match=f"'{part}' is missing"):
        Autoencoder.load(folder)


def test_missing_files(folder, tmp_path):
    weights_of(folder).unlink()
    with pytest.raises(CheckpointError, match=r"weights-.*safetensors is missing"):
        Autoencoder.load(folder)
    with pytest.raises(CheckpointError, match=r"nowhere/model.json is missing"):
        Autoencoder.load(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="cannot be read"):
        Autoencoder.load(folder / "model.json")


@pytest.mark.parametrize("moment", ["fsync", "chmod", "replace"])
@pytest.mark.parametrize("file", [0, 1])
def test_a_full_disk_loses_nothing(folder, model, monkeypatch, moment, file):
    """The first file that fails is the weights', the second the description's."""
    calls, real = [], getattr(os, moment)

    def failing(*args, **kwargs):
        calls.append(args)
        if len(calls) > file:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*args, **kwargs)

    monkeypatch.setattr(checkpoint.os, moment, failing)
    other = fitted("ae", network=Network("dense", widths=(4,)))
    with pytest.raises(CheckpointError, match=f"cannot save the model in {folder}: No space left.*Free some space"):
        other.save(folder)
    monkeypatch.undo()
    np.testing.assert_array_equal(Autoencoder.load(folder).transform(IMAGES), model.transform(IMAGES))
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]  # no half-written leftovers
    other.save(folder)  # and when there is space again
    assert len(list(folder.iterdir())) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_device_that_is_really_full(folder, model, monkeypatch):
    """The kernel's own ENOSPC, from a write to /dev/full."""
    real = os.fdopen

    def full(handle, mode):
        os.close(handle)
        return real(os.open("/dev/full", os.O_WRONLY), mode)

    monkeypatch.setattr(checkpoint.os, "fdopen", full)
    with pytest.raises(CheckpointError, match="No space left"):
        model.save(folder)
    monkeypatch.undo()
    assert Autoencoder.load(folder)


def test_a_file_where_the_folder_should_be(model, tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(CheckpointError, match="cannot save the model in"):
        model.save(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "mine"


def test_weights_that_are_no_safetensors(folder):
    path = weights_of(folder)
    content = b"not tensors"
    path.write_bytes(content)
    changed(folder, sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(CheckpointError, match="is not a safetensors file"):
        Autoencoder.load(folder)


def test_loading_leaves_the_random_state_alone(folder):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    Autoencoder.load(folder)
    assert torch.rand(1) == expected
