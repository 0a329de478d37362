"""`latentwalk inspect`: what is wrong with a run, in words and in a file; and the change made, on a copy."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="module")
def run(call: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An autoencoder of one dimension for data of three."""
    folder = tmp_path_factory.mktemp("inspect")
    rng = np.random.default_rng(0)
    x = rng.standard_normal((600, 3)) @ rng.standard_normal((3, 8)) + 0.1 * rng.standard_normal((600, 8))
    np.save(folder / "rows.npy", x)
    np.save(folder / "others.npy", 255 * x[:50])
    call(
        "fit",
        folder / "rows.npy",
        "--out",
        folder / "run",
        "--recipe",
        "ae",
        "--latent",
        1,
        "--epochs",
        40,
        "--learning-rate",
        0.005,
    )
    return folder / "run"


def test_what_is_wrong_is_said_with_the_change_to_try(call: Any, run: Path) -> None:
    said = call("inspect", run)
    assert said.startswith("problem: too few dimensions.")
    assert "make it, and look again: latentwalk inspect" in said
    kept = json.loads((run / "diagnosis.json").read_text())
    assert (kept["format"], kept["first"]) == ("latentwalk-diagnosis", "too few dimensions")


def test_rows_given_are_judged(call: Any, run: Path) -> None:
    assert "Multiply the rows by 0.003922" in call("inspect", run, "--new", run.parent / "others.npy")


def test_the_change_is_made_on_a_copy_and_looked_at_again(call: Any, run: Path, tmp_path: Path) -> None:
    before = (run / "model.json").read_bytes()
    said = call("inspect", run, "--try", "--out", tmp_path / "better")
    assert "too few dimensions: gone" in said
    assert f"saved: {tmp_path / 'better'}" in said
    assert (run / "model.json").read_bytes() == before
    recheck = json.loads((tmp_path / "better" / "diagnosis.json").read_text())["recheck"]
    assert recheck["gone"]
    assert recheck["numbers"]["error"][1] < recheck["numbers"]["error"][0]
    assert "holds a model already" in call("inspect", run, "--try", "--out", tmp_path / "better", code=2)


def test_wrong_use_is_one_message(call: Any, run: Path, tmp_path: Path) -> None:
    assert "is the run itself" in call("inspect", run, "--try", "--out", run, code=2)
    assert "Add --try" in call("inspect", run, "--out", tmp_path, code=2)
    assert "no such folder" in call("inspect", tmp_path / "nowhere", code=2)
