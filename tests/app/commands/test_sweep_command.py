"""`latentwalk sweep`: a page, a table, going on; and what it says of bad input."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from latentwalk import Sweep
from latentwalk.latent.criteria import ratio
from latentwalk.studies.sweep import sweep as sweeping

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """How well completeness is measured is tested elsewhere; here its classifiers may be poor ones."""
    monkeypatch.setattr(ratio, "_network", partial(ratio._network, steps=1))
    monkeypatch.setattr(ratio, "_trees", lambda ones, others, seed: lambda z: z[:, 0])


@pytest.fixture
def table(tmp_path) -> Path:
    """A table of 360 rows, 4 columns and a class."""
    path, x = tmp_path / "little.npz", RNG.normal(size=(360, 2)) @ RNG.normal(size=(2, 4))
    np.savez(path, x=x.astype(np.float32), y=(x[:, 0] > 0).astype(int))
    return path


def test_a_sweep_is_a_page_a_table_and_sentences_and_goes_on(call, tmp_path, table, monkeypatch):
    out, first = tmp_path / "out", ("--latent", "1,2", "--beta", ".5,2", "--seeds", "2", "--epochs", "1")
    said = call("sweep", table, *first, "--out", out)
    assert "Completeness under N(0, I): with beta 0.5 it" in said
    assert "complete," in said and "reach," in said and "Gaussian" in said
    assert f"look: {out / 'sweep.html'}" in said
    content = json.loads((out / "sweep.json").read_text())
    assert content["format"] == "latentwalk-sweep"
    assert len(content["rows"]) == 8
    assert len((out / "trials.jsonl").read_text().splitlines()) == 8
    page = (out / "sweep.html").read_text()
    assert "What shapes this latent space?" in page and "http" not in page.replace("http://www.w3", "")
    assert page.count("data:image/png;base64") == 10  # five charts, light and dark
    monkeypatch.setattr(sweeping, "trained", None)  # nothing is left to train
    assert call("sweep", table, *first, "--out", out) == said
    assert (out / "sweep.html").read_text() == page
    (out / "sweep.html").unlink()
    call("report", out)
    assert (out / "sweep.html").read_text() == page
    (out / "sweep.json").write_text('{"format": "latentwalk-sweep", "version": 1}')
    assert "is damaged" in call("report", out, code=2)


def test_axes_of_the_command_are_those_of_the_library(call, tmp_path, table, monkeypatch):
    asked = {}

    def fit(self, train, test):
        asked.update(self.grid, n_iter=self.n_iter, seeds=self.seeds, data=list(train))
        self.results_, self.axes_, self.interrupted_ = [], [*self.grid], True
        return self

    monkeypatch.setattr(Sweep, "fit", fit)
    words = ["--recipe", "vae,ae", "--network", "dense", "--widths", "8,16x8", "--rows", "50,100", "--trials", "3"]
    other = tmp_path / "other.npy"
    np.save(other, RNG.normal(size=(360, 3)))
    said = call("sweep", table, other, *words, "--seeds", "1", "--out", tmp_path / "out", code=130)
    assert "stopped; 0 trials are finished" in said and "run the same command again" in said
    assert asked == {
        "latent": [2, 4, 8, 16],
        "network": ["dense"],
        "network__widths": [(8,), (16, 8)],
        "rows": [50, 100],
        "recipe": ["vae", "ae"],
        "n_iter": 3,
        "seeds": 1,
        "data": ["little", "other"],
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--latent", "0"), "--latent"),
        (("--beta", "-1"), "--beta"),
        (("--beta", "nan"), "--beta"),
        (("--widths", "12x"), "--widths"),
        (("--rows", "a"), "--rows"),
        (("--rows", "9999"), "rows=9,999: little has 324 rows"),
        (("--recipe", "vea"), "Did you mean 'vae'"),
        (("--network", "dens"), "Did you mean 'dense'"),
        (("--recipe", "ae", "--beta", "1"), "no KL for beta"),
        (("--seeds", "0"), "--seeds"),
    ],
)
def test_bad_words_are_told_before_anything_is_trained(call, tmp_path, table, words, message, monkeypatch):
    monkeypatch.setattr(sweeping, "trained", None)
    assert message in call("sweep", table, *words, "--out", tmp_path / "out", code=2).replace("\n", " ")


def test_two_files_of_one_name_are_refused(call, tmp_path, table):
    assert "two data sets are called little" in call("sweep", table, table, "--out", tmp_path / "out", code=2)
