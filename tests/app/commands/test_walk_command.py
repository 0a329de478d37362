"""`latentwalk walk`: what it writes is what the library computes, and it says where holes are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sheets import levels, tiles

from latentwalk.data import load
from latentwalk.estimators.autoencoder import Autoencoder


def test_a_walk_ends_at_the_reconstructions_of_its_ends(call: Any, run: Path, tmp_path: Path) -> None:
    call("walk", run, "--from", "row:3", "--to", "7", "--steps", 5, "--out", tmp_path / "w.png")
    data, model = load("digits"), Autoencoder.load(run)
    sevens = data.take(np.flatnonzero(data.y == 7))
    typical = sevens.x[model.space(sevens).typical("7")]
    strip = tiles(tmp_path / "w.png", 8, 5)
    strip = strip if strip.ndim == 3 else strip[..., 0]  # with a red bar under what lies in a hole, the sheet has colours
    expected = levels(model.reconstruct(np.stack([data.x[3], typical])))
    assert np.abs(expected[0] - expected[1]).max() > 50
    assert np.abs(strip[[0, -1]] - expected).max() <= 1


DIGITS = load("digits")


@pytest.fixture(scope="module")
def model(deep: Path) -> Autoencoder:
    return Autoencoder.load(deep)


def digit(path: Path, row: int) -> Path:
    Image.fromarray(np.round(DIGITS.x[row] / 16 * 255).astype(np.uint8)).save(path)
    return path


def test_a_walk_can_move_and_a_loop_goes_round(call: Any, deep: Path, tmp_path: Path) -> None:
    said = call("walk", deep, "--from", "0", "--to", "1", "--steps", 4, "--out", tmp_path / "w.gif")
    assert "in 4 steps" in said and "hole" in said
    call("walk", deep, "--from", "0", "--via", "3", "--via", "5", "--to", "1", "--loop", "--out", tmp_path / "round.gif")
    with Image.open(tmp_path / "w.gif") as walk, Image.open(tmp_path / "round.gif") as loop:
        assert walk.n_frames == 6  # there and back, neither end twice
        assert 30 <= loop.n_frames <= 40  # pictures that look alike to the last bit are one, shown for longer


@pytest.mark.parametrize("path", ["spherical", "linear", "quantile", "density"])
def test_arrays_of_a_walk_are_those_of_the_library(
    call: Any, deep: Path, model: Autoencoder, tmp_path: Path, path: str
) -> None:
    out = tmp_path / "w.npz"
    said = call("walk", deep, "--from", "row:3", "--via", "row:5", "--to", "row:9", "--path", path, "--steps", 9, "--out", out)
    assert "from row 3 to row 5 to row 9 in 9 steps" in said
    with np.load(out) as read:
        codes = model.transform(DIGITS.x[[3, 5, 9]])
        assert (read["z"][[0, -1]] == codes[[0, 2]]).all() and (read["z"] == codes[1]).all(axis=1).any()
        np.testing.assert_array_equal(read["x"], model.inverse_transform(read["z"]))
        z = read["z"]
    if path != "density":
        np.testing.assert_array_equal(z, model.space(DIGITS).journey([3, 5, 9], 9, path).z)


def test_without_the_data_holes_are_not_known(call: Any, deep: Path, model: Autoencoder, tmp_path: Path) -> None:
    model.save(tmp_path / "bare")
    ends = ["--from", digit(tmp_path / "a.png", 1), "--to", digit(tmp_path / "b.png", 2)]
    said = call("walk", tmp_path / "bare", *ends)
    assert "holes are not looked for" in said and "does not say what its model learnt from" in said
    assert (tmp_path / "bare" / "walk.png").exists()
    assert "--data" in call("walk", tmp_path / "bare", *ends, "--path", "density", code=2)
    call("walk", tmp_path / "bare", *ends, "--path", "density", "--data", "digits")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["blend", "nine", "7"], "unknown example 'nine'"),
        (["blend", "3", "7", "--weights", "1"], "expected 2 weights"),
        (["blend", "3", "7", "--weights", "1,-1"], "0 or more"),
        (["blend", "3", "7", "--weights", "1,x"], "expected numbers"),
        (["blend", "3", "7", "--how", "spheric"], "Did you mean 'spherical'"),
        (["blend", "3", "7", "--out", "b.gif"], "ending in .png"),
        (["swap", "3", "7", "--axes", "0,5"], "axis 5 is not among the 3"),
        (["swap", "3", "7", "--axes", "a"], "whole numbers"),
        (["walk", "--from", "3", "--to", "7", "--via", "5", "--steps", "2"], "at least 3 steps"),
        (["walk", "--from", "3", "--to", "7", "--out", "w.bmp"], "ending in .png or .gif or .mp4 or .npz or .csv"),
    ],
)
def test_bad_input_is_one_message(call: Any, deep: Path, words: list[str], message: str) -> None:
    assert message in " ".join(call(words[0], deep, *words[1:], code=2).split())


@pytest.mark.parametrize("name", ["a.txt", "a.npy", "a.csv"])
def test_an_end_of_another_kind_is_told(call: Any, deep: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.npy":
        np.save(path, np.zeros((1, 5)))
    else:
        path.write_text({"a.txt": "a line\n", "a.csv": "x,y\n1,2\n"}[name])
    said = call("walk", deep, "--from", path, "--to", "row:0", code=2)
    assert said.startswith("error:") and ("the model learnt from" in said or "expect" in said)


def test_ends_are_said_one_after_the_other_or_by_name(call: Any, run: Path, tmp_path: Path) -> None:
    for name, words in (("a", ("row:3", "7", "row:1")), ("b", ("--from", "row:3", "--via", "7", "--to", "row:1"))):
        call("walk", run, *words, "--steps", 5, "--out", tmp_path / f"{name}.npz")
    with np.load(tmp_path / "a.npz") as one, np.load(tmp_path / "b.npz") as other:
        np.testing.assert_array_equal(one["z"], other["z"])
    assert "one after the other, or" in call("walk", run, "3", "7", "--via", "1", code=2)
    for words in (("3",), ("--from", "3"), ("--via", "3", "--to", "1"), ()):
        assert "walk RUN A B" in call("walk", run, *words, code=2)
