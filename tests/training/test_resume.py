"""What was cut short goes on as if it had never stopped: the same weights, history and moments, bit for bit."""

import json
import os
import random
import signal
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from latentwalk import Autoencoder, Network, Recipe, Settings, linear
from latentwalk.errors import CheckpointError, ConfigError, DataError, TrainingStopped
from latentwalk.estimators.options import Options
from latentwalk.models.recipes import EARLIER
from latentwalk.training import checkpoints as keeper
from latentwalk.training import loop

X = np.random.default_rng(0).random((150, 9, 10)).astype(np.float32)
WARM = Recipe("warm", beta=linear(over=3), free_nats=0.01, generative=True)


def training(**settings):
    return {"training": Settings(**{"checkpoint_every": 0.0} | settings)}


KINDS = {
    "dense": {"network": Network("dense", widths=(16,), dropout=0.2)},
    "conv": {"network": Network("conv", channels=(4, 6), widths=(8,))},
    "recurrent": {"network": Network("gru", widths=(8,))},
    "denoising": {"recipe": EARLIER["denoising"], "noise": (0.1, 0.5), "latent": 3},
    "iwae": {"recipe": "iwae", "network": Network("dense", widths=(16,), dropout=0.3, max_norm=1.0)},
    "all options": {"recipe": WARM, **training(ema=0.9, clip=5.0, skip=3.0, warmup=1.5, learning_schedule="cosine")},
    "adamw": training(optimizer="adamw", weight_decay=0.1, accumulate=3),
    "adamax": {"validation": 0.0, **training(optimizer="adamax", skip=10.0, precision="bfloat16")},
    "patience": {"patience": 2, "learning_rate": 0.02, "network": Network(widths=(16,), start="mean")},
}


def auto(**options):
    usual = {"epochs": 4, "batch_size": 16, "random_state": 0, "progress": False, **training()}
    return Autoencoder(**usual | options)


def timeless(history):
    return [replace(epoch, seconds=0.0, rate=0.0) for epoch in history]


def moments(folder):
    """The newest checkpoint, whole: weights, moments, averages, generators."""
    return keeper.latest(folder)[1].tensors


def assert_same(ours, theirs, folder, other):
    assert timeless(ours.history_) == timeless(theirs.history_)
    for name, value in theirs.model_.state_dict().items():
        assert torch.equal(ours.model_.state_dict()[name], value), name
    mine, others = moments(folder), moments(other)
    assert mine.keys() == others.keys()
    for name, value in others.items():
        assert torch.equal(mine[name], value), name


class Cut(Exception):
    """Stands for the end of the process: nothing after it is written."""


def cut_after(monkeypatch, steps):
    """Training ends abruptly after so many steps."""
    real, left = loop._Run._pausing, iter(range(steps))

    def pausing(self):
        if next(left, None) is None:
            raise Cut
        return real(self)

    monkeypatch.setattr(loop._Run, "_pausing", pausing)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What training comes to that nothing cuts short, and its folder."""

    @cache
    def trained(kind):
        folder = tmp_path_factory.mktemp("whole")
        return auto(epochs=3, **KINDS[kind]).fit(X[:, :, 0] if kind == "recurrent" else X, checkpoint=folder), folder

    return trained


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [1, 8, 13, 20])  # in the first step, at the end of an epoch, in the middle of the next
def test_going_on_is_bit_for_bit_what_never_stopped_would_be(kind, after, whole, tmp_path, monkeypatch):
    x = X[:, :, 0] if kind == "recurrent" else X
    model, folder = whole(kind)
    cut_after(monkeypatch, after)
    with pytest.raises(Cut):
        auto(epochs=3, **KINDS[kind]).fit(x, checkpoint=tmp_path)
    monkeypatch.undo()
    torch.manual_seed(after)  # whatever others drew in between
    again = auto(epochs=3, **KINDS[kind]).fit(x, checkpoint=tmp_path)
    assert_same(again, model, tmp_path, folder)


def test_keeping_changes_nothing(tmp_path):
    kept, plain = auto().fit(X, checkpoint=tmp_path), auto().fit(X)
    assert timeless(kept.history_) == timeless(plain.history_)
    np.testing.assert_array_equal(kept.transform(X), plain.transform(X))


def test_more_epochs_are_what_they_would_have_been_at_once(tmp_path):
    auto(epochs=2).fit(X, checkpoint=tmp_path / "a")
    longer = auto(epochs=4).fit(X, checkpoint=tmp_path / "a")
    whole = auto(epochs=4).fit(X, checkpoint=tmp_path / "b")
    assert_same(longer, whole, tmp_path / "a", tmp_path / "b")


def test_without_a_seed_the_first_one_is_kept(tmp_path, monkeypatch):
    cut_after(monkeypatch, 12)
    with pytest.raises(Cut):
        auto(random_state=None).fit(X, checkpoint=tmp_path / "cut")
    monkeypatch.undo()
    seed = keeper.latest(tmp_path / "cut")[0]["seed"]
    again = auto(random_state=None).fit(X, checkpoint=tmp_path / "cut")
    monkeypatch.setattr(Options, "seed", lambda self: seed)
    whole = auto(random_state=None).fit(X, checkpoint=tmp_path / "whole")
    assert_same(again, whole, tmp_path / "cut", tmp_path / "whole")


def test_ctrl_c_stops_between_two_steps_and_goes_on_exactly(tmp_path, monkeypatch):
    real = loop._Run._pausing
    count = iter(range(10_000))

    def pausing(self):
        if next(count) == 11:
            signal.raise_signal(signal.SIGINT)
        return real(self)

    monkeypatch.setattr(loop._Run, "_pausing", pausing)
    with pytest.warns(TrainingStopped, match="stopped after 1 of 4 epochs"):
        stopped = auto(**training(checkpoint_every=1e9)).fit(X, checkpoint=tmp_path / "cut")
    assert stopped.interrupted_
    assert stopped.transform(X).shape == (150, 2)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    monkeypatch.undo()
    again = auto(**training(checkpoint_every=1e9)).fit(X, checkpoint=tmp_path / "cut")
    whole = auto(**training(checkpoint_every=1e9)).fit(X, checkpoint=tmp_path / "whole")
    assert_same(again, whole, tmp_path / "cut", tmp_path / "whole")


# ------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"latent": 3}, ConfigError, "latent=3 is not what the training in .* was begun with: None"),
        ({"learning_rate": 0.1}, ConfigError, "learning_rate=0.1 is not"),
        ({"batch_size": 17}, ConfigError, "batch_size=17"),
        ({"network": "dense"}, ConfigError, "network="),
        ({"recipe": "ae"}, ConfigError, "recipe='ae'"),
        (training(ema=0.9), ConfigError, "ema=0.9"),
        ({"random_state": 1}, ConfigError, "random_state=1"),
    ],
)
def test_other_options_are_refused_by_name(options, error, message, tmp_path):
    auto(epochs=1).fit(X, checkpoint=tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(error, match=message):
        auto(epochs=1, **options).fit(X, checkpoint=tmp_path)
    assert sorted(tmp_path.iterdir()) == before


def test_other_data_is_refused_down_to_one_value(tmp_path):
    auto(epochs=1).fit(X, checkpoint=tmp_path)
    other = X.copy()
    other[77, 3, 4] += 1e-3
    with pytest.raises(DataError, match="both are 150 x 9 x 10 of float32, with other values"):
        auto(epochs=1).fit(other, checkpoint=tmp_path)
    with pytest.raises(DataError, match="it was 150 x 9 x 10 of float32, now it is 149 x 9 x 10"):
        auto(epochs=1).fit(X[:149], checkpoint=tmp_path)


def test_a_training_begun_before_there_were_transforms_goes_on_without(tmp_path, monkeypatch):
    table = np.random.default_rng(0).lognormal(3, 1, (150, 3))
    plain = auto(transforms="none").fit(table)
    with monkeypatch.context() as earlier:
        earlier.setattr("latentwalk.estimators.fitting.powers_of", lambda *_: ())
        auto(epochs=2).fit(table, checkpoint=tmp_path)
    found = auto().fit(table, checkpoint=tmp_path)
    assert found.spec_ == plain.spec_ != auto(epochs=1).fit(table).spec_
    np.testing.assert_array_equal(found.score_samples(table), plain.score_samples(table))


@pytest.mark.parametrize("start", ["line", "plain"])
def test_a_training_begun_when_pictures_were_enlarged_otherwise_goes_on_so(tmp_path, monkeypatch, start):
    small = {"channels": (4, 6), "widths": (8,)}
    before = Network("conv", upsampling="transposed", start=start, **small)
    straight = auto(network=before).fit(X)
    auto(epochs=2, network=before).fit(X, checkpoint=tmp_path)
    monkeypatch.setattr("latentwalk.estimators.resuming.is_same", lambda *_: True)  # who could not say it meant no other
    found = auto(network=Network("conv", **small)).fit(X, checkpoint=tmp_path)
    assert found.trained_.network == before
    np.testing.assert_array_equal(found.transform(X), straight.transform(X))


def test_a_cosine_cannot_be_made_longer(tmp_path):
    auto(**training(learning_schedule="cosine"), epochs=2).fit(X, checkpoint=tmp_path)
    with pytest.raises(ConfigError, match="epochs=3: the learning rate .* falls to 0 after 2 epochs"):
        auto(**training(learning_schedule="cosine"), epochs=3).fit(X, checkpoint=tmp_path)


def test_a_warm_start_and_a_checkpoint_are_two_things(tmp_path):
    model = auto(epochs=1, warm_start=True).fit(X)
    with pytest.raises(ConfigError, match="warm_start=False"):
        model.fit(X, checkpoint=tmp_path)


def test_a_refused_fit_leaves_no_trace(tmp_path):
    with pytest.raises(ConfigError):
        auto(likelihood="bernouli").fit(X, checkpoint=tmp_path / "new")
    assert not (tmp_path / "new").exists()


# ------------------------------------------------------------------ the history, as it grows


def test_history_is_a_line_an_epoch_also_after_going_on(tmp_path):
    auto(epochs=2).fit(X, checkpoint=tmp_path)
    with (tmp_path / keeper.HISTORY).open("a") as file:
        file.write('{"number": 3, "lo')  # a torn last line
    model = auto(epochs=4).fit(X, checkpoint=tmp_path)
    lines = [json.loads(line) for line in (tmp_path / keeper.HISTORY).read_text().splitlines()]
    assert [line["number"] for line in lines] == [1, 2, 3, 4]
    assert [line["loss"] for line in lines] == [epoch.loss for epoch in model.history_]


# ------------------------------------------------------------------ killed


def trains(folder: Path) -> None:
    """What a process does."""
    x = np.random.default_rng(0).random((3000, 20)).astype(np.float32)
    options = {"epochs": 12, "random_state": 0, "progress": False, **training(checkpoint_every=0.01)}
    Autoencoder("vae", **options).fit(x, checkpoint=folder).save(folder)


def place(folder: Path) -> tuple[int, int]:
    """The epoch and the batch that the newest checkpoint is at."""
    content = keeper.newest(folder)
    at = {"epoch": 1, "index": 0} if content is None else keeper.opened(content, folder)[1].numbers["place"]
    return at["epoch"], at["index"]


def written(folder: Path) -> int:
    """How many checkpoints there have been."""
    return max((number for number, _ in keeper._files(folder)), default=0)


@pytest.fixture
def child(processes):
    """Begins a process that trains."""

    def begun(folder: Path):
        process = processes.Process(target=trains, args=(folder,))
        process.start()
        return process

    return begun


def ends(process) -> bool:
    process.join(120)
    return process.exitcode == 0


def test_killed_at_random_moments_it_arrives_where_it_would_have(child, tmp_path):
    """kill -9, several times over, in steps, between epochs and in the middle of writing."""
    assert ends(child(tmp_path / "whole"))
    luck = random.Random(1)
    places = []
    for _ in range(6):
        begun, more = written(tmp_path / "cut"), luck.randint(1, 12)
        process = child(tmp_path / "cut")
        while process.is_alive() and written(tmp_path / "cut") < begun + more:
            time.sleep(0.001)
        time.sleep(luck.uniform(0.0, 0.02))
        process.kill()
        process.join()
        places.append(place(tmp_path / "cut"))
    assert len(set(places)) > 3, "nothing was cut short in the middle"
    assert ends(child(tmp_path / "cut"))
    ours, theirs = Autoencoder.load(tmp_path / "cut"), Autoencoder.load(tmp_path / "whole")
    assert_same(ours, theirs, tmp_path / "cut", tmp_path / "whole")
    assert not list((tmp_path / "cut").glob(".checkpoint-*"))


def test_a_second_process_is_refused_and_a_dead_one_is_no_obstacle(child, tmp_path):
    process = child(tmp_path)
    while not list(tmp_path.glob("checkpoint-*")):
        assert process.is_alive()
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(CheckpointError, match="another process trains in .*choose another folder"):
        auto().fit(X, checkpoint=tmp_path)
    process.kill()
    process.join()
    assert ends(child(tmp_path))
