"""Several processes: the numbers of one, whichever way a batch is divided; a lost one ends the job, and what it did is kept."""

import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from latentwalk import Autoencoder, Network, Recipe, Settings, chance
from latentwalk.models.recipes import EARLIER
from latentwalk.training import checkpoints as keeper

X = np.random.default_rng(0).random((203, 9, 10)).astype(np.float32)

OPTIONS = [{"recipe": "iwae"}, {"recipe": EARLIER["denoising"], "noise": 0.3, "training": Settings(ema=0.9, clip=1.0)}]


def fitted(options):
    network = Network("dense", widths=(16,), dropout=0.2)
    return Autoencoder(network=network, epochs=3, batch_size=32, random_state=0, progress=False, **options)


def member(rank, size, port, options, folder):
    """What one process of a group does: as torchrun would have it, which takes seconds to start each."""
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_RANK": str(rank)} | where
    model = fitted(options).fit(X, checkpoint=folder)
    if rank == 0:
        model.save(folder)


def together(processes, size, options, folder):
    """The model that a group of so many processes trains."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    members = [processes.Process(target=member, args=(rank, size, port, options, folder)) for rank in range(size)]
    for one in members:
        one.start()
    for one in members:
        one.join(120)
        one.kill()
    assert [one.exitcode for one in members] == [0] * size
    return Autoencoder.load(folder)


def torchrun(*words, processes=2, **popen):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", processes, *words]
    return subprocess.Popen([str(word) for word in command], env=environment, stderr=subprocess.PIPE, text=True, **popen)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: o["recipe"])
def test_one_two_and_three_processes_give_the_same_curve(options, processes, tmp_path):
    """203 rows in batches of 32: the last batch of 23 is divided unevenly, and so are the rows held out."""
    alone = fitted(options).fit(X)
    for size in (2, 3):
        shared = together(processes, size, options, tmp_path / str(size))
        for ours, theirs in zip(shared.history_, alone.history_, strict=True):
            assert ours.loss == pytest.approx(theirs.loss, rel=1e-5)
            assert ours.validation_loss == pytest.approx(theirs.validation_loss, rel=1e-5)
            assert ours.train == pytest.approx(theirs.train, rel=1e-4)
        np.testing.assert_allclose(shared.transform(X), alone.transform(X), atol=2e-4)


@pytest.mark.parametrize("parts", [2, 5, 100])
def test_a_batch_worked_on_in_parts_is_the_same_batch(parts):
    recipe = Recipe("mine", objective="importance_weighted", draws=3, generative=True)
    options = {"network": Network("dense", widths=(16,), dropout=0.3), "epochs": 3, "random_state": 0, "progress": False}
    whole, divided = (Autoencoder(recipe, training=Settings(accumulate=n), **options).fit(X) for n in (1, parts))
    for ours, theirs in zip(divided.history_, whole.history_, strict=True):
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-5)
        assert ours.validation_loss == pytest.approx(theirs.validation_loss, rel=1e-5)
    np.testing.assert_allclose(divided.transform(X), whole.transform(X), atol=2e-4)


@pytest.mark.parametrize("draw", [chance.normal, chance.uniform, chance.signs])
@pytest.mark.parametrize("axis", [0, 1])
def test_parts_draw_the_noise_of_the_whole(draw, axis):
    like, shape = torch.zeros(()), [4, 4]
    shape[axis] = 10
    torch.manual_seed(0)
    whole = draw(shape, like, axis)
    after = torch.rand(1)
    pieces = []
    for first, own in ((0, 3), (3, 1), (4, 6)):
        torch.manual_seed(0)
        shape[axis] = own
        with chance.part_of(first, own, 10):
            pieces.append(draw(shape, like, axis))
        assert torch.rand(1) == after  # and leave the generator where the whole leaves it
    assert torch.equal(torch.cat(pieces, axis), whole)


def test_dropout_of_several_draws_is_divided_by_rows():
    layer = chance.Dropout(0.5)
    x = torch.rand(3 * 10, 4)  # K = 3 draws of B = 10 rows
    torch.manual_seed(0)
    whole = layer(x).unflatten(0, (3, 10))
    torch.manual_seed(0)
    with chance.part_of(2, 5, 10):
        part = layer(x.unflatten(0, (3, 10))[:, 2:7].flatten(0, 1)).unflatten(0, (3, 5))
    assert torch.equal(part, whole[:, 2:7])
    assert torch.equal(layer.eval()(x), x)


def test_a_lost_process_ends_the_job_and_a_restart_goes_on(tmp_path):
    """kill -9 of one of two: torchrun starts both anew, and they arrive where one alone would have."""
    np.save(tmp_path / "x.npy", X)
    words = ("fit", tmp_path / "x.npy", "--epochs", 40, "--checkpoint-every", 0.05, "--network", "dense", "--patience", 0)
    out = tmp_path / "run"
    with torchrun("--max-restarts", 2, "-m", "latentwalk", *words, "--out", out, stdout=subprocess.PIPE) as job:
        while not (out / keeper.HISTORY).exists() or len((out / keeper.HISTORY).read_text().splitlines()) < 5:
            assert job.poll() is None, job.stderr.read()
            time.sleep(0.05)
        workers = subprocess.run(["pgrep", "-P", str(job.pid)], capture_output=True, text=True, check=True).stdout.split()
        os.kill(int(workers[-1]), signal.SIGKILL)
        said = job.communicate(timeout=240)
    assert job.returncode == 0, said
    assert said[0].count("saved:") == 1  # one speaks for all
    history = Autoencoder.load(out).history_
    assert [epoch.number for epoch in history] == list(range(1, 41))
