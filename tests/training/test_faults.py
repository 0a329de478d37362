"""What can go wrong while a model is saved: afterwards the old one or the new one is there, whole."""

import os
import shutil
import signal
import subprocess
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from latentwalk.errors import CheckpointError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.networks.build import Network

X = np.random.default_rng(0).random((24, 6))
KILLS = 40


def fitted(latent: int) -> Autoencoder:
    network = Network("dense", widths=(300, 300))  # a megabyte of weights, so that writing them takes a while
    return Autoencoder(latent=latent, epochs=1, random_state=0, progress=False, network=network).fit(X)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[int, Path]:
    """Two models, known apart by their number of dimensions."""
    folders = {}
    for latent in (2, 3):
        folders[latent] = tmp_path_factory.mktemp("model") / str(latent)
        fitted(latent).save(folders[latent])
    return folders


@pytest.fixture
def mount(tmp_path):
    """A file system of half a megabyte, where this process may mount one."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)]
    if os.name != "posix" or shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def answers(folder: Path) -> np.ndarray:
    return Autoencoder.load(folder).transform(X)


def saving(models: list[Autoencoder], folder: Path) -> int:
    """A process, and its number, that saves the models in turn for ever, once it has saved each."""
    ready, tell = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads, which are not copied; none of theirs is needed here
        child = os.fork()
    if child == 0:
        while True:
            for model in models:
                model.save(folder)
            os.write(tell, b"x")
    os.close(tell)
    assert os.read(ready, 1) == b"x"
    os.close(ready)
    return child


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_random_moments_one_of_the_two_is_there(models, tmp_path):
    """SIGKILL, `KILLS` times, to a process that saves two models in turn into one folder."""
    folder, rng, seen = tmp_path / "run", np.random.default_rng(0), set()
    shutil.copytree(models[2], folder)
    known = {latent: answers(one) for latent, one in models.items()}
    loaded = [Autoencoder.load(one) for one in models.values()]
    for _ in range(KILLS):
        child = saving(loaded, folder)
        time.sleep(rng.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = answers(folder)
        seen.add(found.shape[1])
        np.testing.assert_array_equal(found, known[found.shape[1]])
    assert seen == {2, 3}
    loaded[1].save(folder)
    np.testing.assert_array_equal(answers(folder), known[3])
    assert len(list(folder.iterdir())) == 2  # what killed processes left beside the model is cleared away


def test_a_disk_that_is_really_full(models, mount):
    """The first model fits, the second does not beside it: the first is still there, and no space is lost."""
    small = Autoencoder(epochs=1, random_state=0, progress=False, network=Network("dense", widths=(4,))).fit(X)
    small.save(mount / "run")
    before, expected = sorted(mount.rglob("*")), small.transform(X)
    with pytest.raises(CheckpointError, match="No space left"):
        Autoencoder.load(models[2]).save(mount / "run")
    assert sorted(mount.rglob("*")) == before
    np.testing.assert_array_equal(answers(mount / "run"), expected)
    (mount / "fill").write_bytes(bytes(shutil.disk_usage(mount).free))
    with pytest.raises(CheckpointError, match="No space left"):
        small.save(mount / "run")
    np.testing.assert_array_equal(answers(mount / "run"), expected)


def test_a_file_system_that_cannot_be_written(models, mount):
    """Mounted read-only, since permissions do not bind root."""
    shutil.copytree(models[2], mount / "run", ignore=shutil.ignore_patterns("weights-*"))
    subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
    before = sorted(mount.rglob("*"))
    with pytest.raises(CheckpointError, match=r"cannot save the model in .*Read-only file system"):
        Autoencoder.load(models[3]).save(mount / "run")
    assert sorted(mount.rglob("*")) == before


def test_a_folder_that_cannot_be_written(models, tmp_path):
    shutil.copytree(models[2], tmp_path / "run")
    (tmp_path / "run").chmod(0o555)
    if os.access(tmp_path / "run", os.W_OK):
        pytest.skip("permissions do not bind root")
    with pytest.raises(CheckpointError, match=r"cannot save the model in .*Permission denied"):
        Autoencoder.load(models[3]).save(tmp_path / "run")
    assert answers(tmp_path / "run").shape[1] == 2


def test_a_clock_that_goes_backwards(tmp_path, monkeypatch):
    """Training and saving go by no clock of the day: an hour less at each look changes nothing but what is said of speed."""
    expected, now = fitted(2).transform(X), iter(range(10**9, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: next(now))
    model = fitted(2)
    model.save(tmp_path)
    model.save(tmp_path)
    np.testing.assert_array_equal(answers(tmp_path), expected)
    assert all(epoch.seconds >= 0 for epoch in Autoencoder.load(tmp_path).history_)
