"""The folder of checkpoints: damage costs one interval, never the training; what cannot be written loses nothing."""

import errno
import os
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from latentwalk import Autoencoder, Network
from latentwalk.errors import CheckpointError
from latentwalk.saving import folder as checkpoint
from latentwalk.training import checkpoints as keeper
from latentwalk.training import loop
from latentwalk.training.settings import Settings

X = np.random.default_rng(0).random((60, 6)).astype(np.float32)


def fit(folder, **options):
    usual = {"epochs": 3, "batch_size": 16, "random_state": 0, "progress": False, "training": Settings(checkpoint_every=0.0)}
    return Autoencoder(network=Network("dense", widths=(6,)), **usual | options).fit(X, checkpoint=folder)


def weights(model):
    return torch.cat([value.flatten().double() for value in model.model_.state_dict().values()])


def files(folder):
    """The newest first."""
    return sorted(folder.glob("checkpoint-*"), reverse=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return weights(fit(tmp_path_factory.mktemp("whole")))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A training that was cut short in the middle of its second epoch."""

    class Cut(Exception):
        pass

    def cut(self):
        if (self.state.place.epoch, self.state.place.index) == (2, 2):
            self._save()
            raise Cut
        self._save()

    with monkeypatch.context() as patch:
        patch.setattr(loop._Run, "_pausing", cut)
        with pytest.raises(Cut):
            fit(tmp_path)
    return tmp_path


def test_two_are_kept(folder):
    assert [keeper.NAME.fullmatch(path.name) is not None for path in files(folder)] == [True, True]


@pytest.mark.parametrize("tenth", range(10))
def test_a_truncated_one_costs_one_interval(folder, tenth, whole):
    newest, _ = files(folder)
    content = newest.read_bytes()
    newest.write_bytes(content[: len(content) * tenth // 10])
    with pytest.warns(UserWarning, match=f"{newest.name} is damaged"):
        assert torch.equal(weights(fit(folder)), whole)


@pytest.mark.parametrize("where", [0, 9, 500, -5000, -1])
def test_a_flipped_bit_costs_one_interval(folder, where, whole):
    newest, _ = files(folder)
    content = bytearray(newest.read_bytes())
    content[where] ^= 1
    newest.write_bytes(content)
    with pytest.warns(UserWarning, match="damaged"):
        assert torch.equal(weights(fit(folder)), whole)


def test_when_all_are_damaged_nothing_is_begun_anew_unasked(folder):
    for path in files(folder):
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(UserWarning, match="damaged"), pytest.raises(CheckpointError, match="all checkpoints .* are damaged"):
        fit(folder)
    assert len(files(folder)) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no checkpoint of latentwalk"),
        (b"\xff" * 40, "no checkpoint of latentwalk"),
        (checkpoint.bytes_of({"a": torch.zeros(2)}), "no checkpoint of latentwalk"),
        (checkpoint.bytes_of({"a": torch.zeros(2)}, {"latentwalk": "[]"}), "is not a latentwalk checkpoint"),
        (checkpoint.bytes_of({"a": torch.zeros(2)}, {"latentwalk": "{"}), "no checkpoint of latentwalk"),
        (
            checkpoint.bytes_of({"a": torch.zeros(2)}, {"latentwalk": '{"format": "latentwalk-training", "version": 9}'}),
            "newer latentwalk",
        ),
        (
            checkpoint.bytes_of({"a": torch.zeros(2)}, {"latentwalk": '{"format": "latentwalk-training", "version": 1}'}),
            "no checkpoint of latentwalk",
        ),
    ],
)
def test_a_whole_file_that_is_no_checkpoint(tmp_path, content, message):
    (tmp_path / f"checkpoint-00000001-{keeper._digest(content)}.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        fit(tmp_path)


@pytest.mark.parametrize("missing", ["model", "random"])
def test_a_checkpoint_with_a_part_missing_is_refused(folder, missing):
    content = keeper.newest(folder)
    about, snapshot = keeper.opened(content, folder)
    for path in files(folder):
        path.unlink()
    tensors = {name: value for name, value in snapshot.tensors.items() if not name.startswith(f"{missing}.")}
    with keeper.Checkpoints(folder, about, 0.0) as keeping:
        keeping.write(replace(snapshot, tensors=tensors))
    with pytest.raises(CheckpointError, match="does not fit this training"):
        fit(folder)


def test_what_a_killed_process_left_half_written_is_cleared_away(folder, whole):
    (folder / ".checkpoint-00000099-abc.safetensors-xyz").write_bytes(b"half")
    assert torch.equal(weights(fit(folder)), whole)
    assert not list(folder.glob(".checkpoint-*"))


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_ends_training_in_words_and_loses_nothing(folder, call, monkeypatch, whole):
    before = {path: path.read_bytes() for path in files(folder)}

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(CheckpointError, match=f"cannot keep the training in {folder}: No space left"):
            fit(folder)
    assert {path: path.read_bytes() for path in files(folder)} == before
    assert torch.equal(weights(fit(folder)), whole)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(CheckpointError, match="cannot keep the training in .*Permission denied"):
        fit(tmp_path / "run")


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(CheckpointError, match="cannot keep the training in"):
        fit(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "mine"


def test_the_clock_of_the_day_does_not_matter(folder, monkeypatch, whole):
    now = iter(range(10_000_000, 0, -1000))
    monkeypatch.setattr(time, "time", lambda: float(next(now)))
    assert torch.equal(weights(fit(folder)), whole)
