"""Sweeps: all of a grid and nothing twice, however often it is cut short; numbers that are those of a comparison."""

import json
import math
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import loguniform

from latentwalk import Autoencoder, Comparison, Dataset, Network, Recipe, Settings, Sweep
from latentwalk.errors import CheckpointError, ConfigError, DataError, TrainingError, TrainingStopped, TrainingWarning
from latentwalk.latent.criteria import ratio
from latentwalk.studies.sweep import sweep as sweeping
from latentwalk.studies.sweep.ledger import Ledger, identity
from latentwalk.studies.sweep.points import Setting, settings

RNG = np.random.default_rng(0)
X = (RNG.normal(size=(360, 2)) @ RNG.normal(size=(2, 5)) + 0.1 * RNG.normal(size=(360, 5))).astype(np.float32)
DATA = Dataset.of(X, np.where(X[:, 0] > 0, "right", "left"))
FAST = {"epochs": 2, "batch_size": 64, "network": Network(widths=(8,))}
GRID = {"latent": [1, 2], "recipe__beta": [0.5, 2.0]}
POOR = {"_network": partial(ratio._network, steps=1), "_trees": lambda x, y, seed: lambda z: z[:, 0]}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """How well completeness is measured is tested elsewhere; here its classifiers may be poor ones."""
    for name, poor in POOR.items():
        monkeypatch.setattr(ratio, name, poor)


def timeless(rows):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


# ------------------------------------------------------------------ the grid


@pytest.mark.parametrize("lengths", [(1,), (3,), (2, 3), (2, 1, 4)])
def test_a_grid_has_the_product_of_the_lengths_of_its_axes(lengths):
    axes = ["latent", "epochs", "batch_size"]
    grid = {axis: list(range(1, length + 1)) for axis, length in zip(axes, lengths, strict=False)}
    found = settings(grid, {"a": 9, "b": 9}, range(3))
    assert len({str(one) for one in found}) == len(found) == math.prod(lengths) * 2 * 3
    assert [one.seed for one in found] == sorted(one.seed for one in found)  # whole curves of one seed, then of the next


def test_more_draws_begin_with_those_of_fewer():
    grid, far = {"latent": list(range(1, 30)), "epochs": [1, 2]}, {"recipe__beta": loguniform(0.1, 10), "latent": [2, 4]}
    for axes in (grid, far):
        few, many = (settings(axes, {"a": 9}, [0], n_iter) for n_iter in (5, 20))
        assert few == many[:5]
        assert len({str(one) for one in many}) == 20
    assert len(settings(grid, {"a": 9}, [0], 1_000)) == 58
    assert {str(one) for one in settings(grid, {"a": 9}, [0], 7)} < {str(one) for one in settings(grid, {"a": 9}, [0])}
    assert all(0.1 <= one.values["recipe__beta"] <= 10 for one in settings(far, {"a": 9}, [0], 20))


def test_values_reach_the_model_and_fewer_rows_take_as_many_steps():
    network = {"network": Network(widths=(8,)), "network__dropout": 0.5}
    values = {"recipe": "denoising-vae", "recipe__beta": 3.0, "latent": 4, **network, "rows": 90}
    model = Setting("a", values, seed=7).model("ae", {"epochs": 5}, of=360)
    assert (model.recipe.name, model.recipe.beta, model.latent, model.random_state) == ("denoising-vae", 3.0, 4, 7)
    assert model.network == Network(widths=(8,), dropout=0.5)
    assert model.epochs == 20


# ------------------------------------------------------------------ the numbers


def test_a_trial_is_judged_as_a_comparison_judges():
    train, test = DATA.take(np.arange(300)), DATA.take(np.arange(300, 360))
    (row,) = Sweep({"latent": [2]}, **FAST).fit(train, test).results_
    (entry,) = Comparison(["vae"], latent=[2], random_state=0, progress=False, **FAST).fit(train, test).entries_
    judged = entry.judgement
    names = ("continuity", "completeness", "reach", "matched_completeness", "matched_reach")
    for name, measure in zip(names, judged.measures.values(), strict=True):
        assert (row[name], row[f"{name}_low"], row[f"{name}_high"]) == (measure.value, measure.low, measure.high)
    assert (row["error"], row["active"], row["class_accuracy"]) == (judged.error, judged.active, judged.class_accuracy)
    assert (row["data"], row["latent"], row["seed"], row["failure"]) == ("data", 2, 0, None)


def test_all_rows_are_the_same_as_no_word_about_rows(tmp_path):
    plain = Sweep({"latent": [2]}, folder=tmp_path, **FAST).fit(DATA)
    grid = {"latent": [2], "rows": [60, 120, len(DATA) - 36]}
    swept = Sweep(grid, folder=tmp_path, **FAST).fit(DATA)
    assert [row["epochs"] for row in swept.results_] == [11, 5, 2]
    assert timeless(swept.results_)[2] | {"rows": None} == timeless(plain.results_)[0] | {"rows": None}
    assert len((tmp_path / "trials.jsonl").read_text().splitlines()) == 3  # not 4: the last one was done
    few, more, every = (sweeping._Data.of("a", DATA, None).rows(count, 5) for count in (60, 120, None))
    rows = [set(map(bytes, one.x)) for one in (few, more, every)]
    assert [len(some) for some in rows] == [60, 120, 324]
    assert rows[0] < rows[1] < rows[2]


def test_several_data_sets_are_an_axis():
    other = Dataset.of(X[:, :3] * 2)
    sweep = Sweep({"latent": [1]}, **FAST).fit({"whole": DATA, "part": other}, {"part": other.take(np.arange(50))})
    assert sweep.axes_ == ["data", "latent"]
    assert [(row["data"], row["class_accuracy"] is None) for row in sweep.results_] == [("whole", False), ("part", True)]


def test_a_trial_that_fails_is_a_row_and_the_sweep_goes_on(monkeypatch):
    def trained(model, *args):
        if model.latent == 1:
            raise TrainingError("the loss is no number")
        return model.fit(*args[:1])

    monkeypatch.setattr(sweeping, "trained", trained)
    sweep = Sweep(GRID, **FAST).fit(X)
    assert [row["failure"] for row in sweep.results_] == ["the loss is no number"] * 2 + [None] * 2
    assert sweep.best()["latent"] == 2
    assert [row["seeds"] for row in sweep.means()] == [0, 0, 1, 1]
    assert sweep.plot().get_lines()[0].get_xdata().tolist() == [2.0]


# ------------------------------------------------------------------ going on

KILLED = """
import os, signal
from latentwalk.training import loop
from latentwalk.training.settings import Settings
from test_sweep import DATA, FAST, GRID, POOR, Sweep, ratio
vars(ratio).update(POOR)
real, left = loop._Run._pausing, iter(range(15))  # a trial is 10 steps long
def pausing(self):
    asked = real(self)
    if next(left, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    return asked
loop._Run._pausing = pausing
Sweep(GRID, seeds=1, folder="FOLDER", training=Settings(checkpoint_every=0.0), **FAST).fit(DATA)
"""


def test_a_sweep_that_was_killed_ends_in_the_numbers_of_one_that_was_not(tmp_path, monkeypatch):
    whole = Sweep(GRID, seeds=1, folder=tmp_path / "whole", **FAST).fit(DATA)
    code = KILLED.replace("FOLDER", str(tmp_path / "cut"))
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len((tmp_path / "cut" / "trials.jsonl").read_text().splitlines()) == 1
    (begun,) = tmp_path.glob("cut/trial-*")
    assert list(begun.glob("checkpoint-*"))
    again = Sweep(GRID, seeds=1, folder=tmp_path / "cut", **FAST).fit(DATA)
    assert timeless(again.results_) == timeless(whole.results_)
    assert {path.name for path in (tmp_path / "cut").iterdir()} <= {"trials.jsonl", "sweep.lock"}


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(tmp_path, monkeypatch):
    whole = Sweep(GRID, **FAST).fit(DATA)
    real, left = sweeping.judge, iter(range(2))

    def judge(*args, **options):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return real(*args, **options)

    monkeypatch.setattr(sweeping, "judge", judge)
    sweep = Sweep(GRID, folder=tmp_path, **FAST)
    with pytest.warns(TrainingStopped, match=r"after 2 of 4 trials.*fit again with folder="):
        sweep.fit(DATA)
    assert sweep.interrupted_
    assert timeless(sweep.results_) == timeless(whole.results_[:2])
    monkeypatch.setattr(sweeping, "judge", real)
    assert timeless(sweep.fit(DATA).results_) == timeless(whole.results_)
    assert not sweep.interrupted_


def test_a_larger_grid_makes_only_what_is_new(tmp_path, monkeypatch):
    made = []
    real = sweeping.trained
    monkeypatch.setattr(sweeping, "trained", lambda model, *rest: made.append(model.latent) or real(model, *rest))
    Sweep({"latent": [1, 2]}, folder=tmp_path, **FAST).fit(X)
    larger = Sweep({"latent": [1, 2, 3]}, folder=tmp_path, **FAST).fit(X)
    assert made == [1, 2, 3]
    assert [row["latent"] for row in larger.results_] == [1, 2, 3]
    Sweep({"latent": [2]}, folder=tmp_path, **FAST | {"epochs": 3}).fit(X)
    Sweep({"latent": [2]}, folder=tmp_path, most=100, **FAST).fit(X)
    assert made == [1, 2, 3, 2, 2]  # other epochs, and other judging, are other trials


def test_a_line_torn_anywhere_costs_that_trial_alone(tmp_path):
    path = tmp_path / "trials.jsonl"
    shape = {"shape": [9, 2], "dtype": "uint8"}
    params = identity({"latent": 2} | Autoencoder().get_params(deep=False))
    abouts = [{"data": {"name": "a", "train": shape, "test": shape}, "params": params, "at": at} for at in range(2)]
    with Ledger(tmp_path) as ledger:
        for about in abouts:
            ledger.add(about, {"error": 0.1})
    content = path.read_bytes()
    first = content.index(b"\n") + 1
    for cut in range(first + 1, len(content)):
        path.write_bytes(content[:cut])
        with pytest.warns(TrainingWarning, match="torn"), Ledger(tmp_path) as ledger:
            assert [ledger.find(about) for about in abouts] == [{"error": 0.1}, None]
        assert path.read_bytes() == content[:first]
    path.write_bytes(content.replace(b"{", b"[", 1))
    with pytest.raises(CheckpointError, match=r"damaged in line 1"), Ledger(tmp_path):
        pass
    line = json.loads(content[:first])
    line["about"]["params"]["network"] = {"type": None}
    path.write_text(json.dumps(line) + "\n")
    with pytest.raises(CheckpointError, match=r"trials.jsonl is damaged in line 1 \(an option of type None"), Ledger(tmp_path):
        pass
    path.write_text(json.dumps({"format": "else"}) + "\n")
    with pytest.raises(CheckpointError, match="not a latentwalk sweep"), Ledger(tmp_path):
        pass


def test_lines_of_before_an_option_was_known_still_count(tmp_path, monkeypatch):
    sweep = Sweep({"recipe__beta": [0.5]}, folder=tmp_path, **FAST).fit(DATA)
    (line,) = map(json.loads, (tmp_path / "trials.jsonl").read_text().splitlines())
    del line["about"]["params"]["clip"], line["about"]["params"]["recipe"]["contraction"]
    (tmp_path / "trials.jsonl").write_text(json.dumps(line) + "\n")
    monkeypatch.setattr(sweeping, "trained", None)
    assert Sweep({"recipe__beta": [0.5]}, folder=tmp_path, **FAST).fit(DATA).results_ == sweep.results_


def test_two_processes_do_not_sweep_in_one_folder(tmp_path):
    with Ledger(tmp_path), pytest.raises(CheckpointError, match="another process sweeps"), Ledger(tmp_path):
        pass


def test_other_data_in_the_same_folder_is_refused_by_name(tmp_path):
    Sweep({"latent": [1]}, folder=tmp_path, **FAST).fit(DATA)
    changed = X.copy()
    changed[0, 0] += 1
    with pytest.raises(DataError, match=r"data is not the data .* with other values"):
        Sweep({"latent": [1]}, folder=tmp_path, **FAST).fit(Dataset.of(changed, DATA.y))
    with pytest.raises(DataError, match=r"is of data, not of digits.*data, digits"):
        Sweep({"latent": [1]}, folder=tmp_path, **FAST).fit(Dataset.of(X, name="digits"))
    both = Sweep({"latent": [1]}, folder=tmp_path, **FAST).fit({"data": DATA, "digits": Dataset.of(X[:, :4])})
    assert len(both.results_) == 2


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({}, "at least one axis"),
        ({"latent": []}, r"latent=\[\]: expected a list of at least one value"),
        ({"latent": 4}, "latent=4: expected a list"),
        ({"network": "conv"}, "network='conv': expected a list"),
        ({"latnet": [2]}, "unknown axis 'latnet'. Did you mean 'latent'"),
        ({"recipe__bata": [2]}, "Did you mean 'recipe__beta'"),
        ({"random_state": [1, 2]}, "seeds="),
        ({"device": ["cpu"]}, "unknown axis 'device'"),
        ({"data": ["a"]}, r"fit\(\{name"),
        ({"latent": [2, 0]}, "dimensions 0, seed 0: latent=0 is not a number of dimensions"),
        ({"latent": [2.5]}, "latent=2.5"),
        ({"recipe__beta": [1, -1]}, "beta -1.*0 or more"),
        ({"recipe__beta": ["a"]}, "beta a"),
        ({"recipe": ["vae", "vea"]}, "Did you mean 'vae'"),
        ({"network": ["dens"]}, "Did you mean 'dense'"),
        ({"epochs": [0]}, "epochs=0"),
        ({"latent": [2, 2.0]}, "two values that are called"),
        ({"recipe": ["ae"], "recipe__beta": [1.0]}, "no KL for beta to weigh"),
        ({"recipe": ["beta-tcvae", "iwae"], "recipe__beta": [1.0]}, "iwae, beta 1.0, seed 0: this recipe has no KL"),
        ({"recipe__beta": loguniform(0.1, 1)}, "Give n_iter"),
        ({"rows": [0]}, "rows=0"),
        ({"rows": [9_999]}, "rows=9,999: data has 324 rows"),
    ],
)
def test_grids_that_cannot_be_are_refused_before_anything_is_trained(grid, message, monkeypatch):
    monkeypatch.setattr(sweeping, "trained", None)
    with pytest.raises((ConfigError, DataError), match=message):
        Sweep(grid).fit(X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 0}, "seeds=0"),
        ({"seeds": [1, 1]}, "seeds="),
        ({"seeds": 2.5}, "seeds=2.5"),
        ({"n_iter": 0}, "n_iter=0"),
        ({"most": 5}, "most=5: expected a whole number of points"),
        ({"track": "a"}, "unknown option 'track'"),
        ({"training": Settings(track="a")}, "track is no option of a sweep"),
        ({"ema": 0.9}, r"training=Settings\(ema=0.9\)"),
        ({"complete": True}, "unknown option 'complete'"),
        ({"epoch": 3}, "unknown option 'epoch'. Did you mean 'epochs'"),
        ({"latent": 3}, "an axis of the grid and an option"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Sweep({"latent": [1]}, **options).fit(X)


def test_data_that_cannot_be_judged_is_refused(tmp_path):
    with pytest.raises(DataError, match="too few to judge by"):
        Sweep({"latent": [1]}).fit(X[:100])
    with pytest.raises(DataError, match="shape"):
        Sweep({"latent": [1]}).fit(X, X[:50, :3])
    with pytest.raises(DataError, match="at least 20"):
        Sweep({"latent": [1]}).fit(X, X[:10])
    with pytest.raises(ConfigError, match="under the same names"):
        Sweep({"latent": [1]}).fit({"a": X}, {"b": X})
    with pytest.raises(ConfigError, match="Fit it first"):
        Sweep({"latent": [1]}).best()
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot keep the sweep"):
        Sweep({"latent": [1]}, folder=tmp_path / "file").fit(X)


# ------------------------------------------------------------------ a recipe's and a network's options


def test_options_of_a_network_given_by_name_can_be_set():
    model = Autoencoder(network="dense").set_params(network__widths=(4,), recipe__beta=2.0, latent=3)
    assert model.network == Network("dense", widths=(4,))
    assert (model.recipe.beta, model.latent) == (2.0, 3)
    with pytest.raises(ConfigError, match="unknown network option 'width'"):
        Autoencoder().set_params(network__width=3)
    with pytest.raises(ValueError, match="other"):
        Autoencoder().set_params(other__widths=3)


def test_names_of_values_are_those_of_a_table():
    sweep = Sweep({"recipe": [Recipe("mine"), "vae"], "network": [Network("dense", widths=(8, 4)), "auto"]})
    assert repr(sweep) == "Sweep({recipe: ['mine', 'vae'], network: ['dense 8-4', 'auto']})"
