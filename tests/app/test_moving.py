"""`latentwalk walk`, `blend` and `swap`: what they write is what the library computes, and they say where holes are."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from latentwalk.app.cli import app
from latentwalk.data import load
from latentwalk.estimators.autoencoder import Autoencoder

DIGITS = load("digits")


def call(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moving") / "run"
    call("fit", "digits", "--out", folder, "--epochs", 3, "--latent", 3)
    return folder


@pytest.fixture(scope="module")
def model(run: Path) -> Autoencoder:
    return Autoencoder.load(run)


def digit(path: Path, row: int) -> Path:
    Image.fromarray(np.round(DIGITS.x[row] / 16 * 255).astype(np.uint8)).save(path)
    return path


def test_a_walk_can_move_and_a_loop_goes_round(run: Path, tmp_path: Path) -> None:
    said = call("walk", run, "--from", "0", "--to", "1", "--steps", 4, "--out", tmp_path / "w.gif")
    assert "in 4 steps" in said and "hole" in said
    call("walk", run, "--from", "0", "--via", "3", "--via", "5", "--to", "1", "--loop", "--out", tmp_path / "round.gif")
    with Image.open(tmp_path / "w.gif") as walk, Image.open(tmp_path / "round.gif") as loop:
        assert walk.n_frames == 6  # there and back, neither end twice
        assert 30 <= loop.n_frames <= 40  # pictures that look alike to the last bit are one, shown for longer


@pytest.mark.parametrize("path", ["spherical", "linear", "quantile", "density"])
def test_arrays_of_a_walk_are_those_of_the_library(run: Path, model: Autoencoder, tmp_path: Path, path: str) -> None:
    out = tmp_path / "w.npz"
    said = call("walk", run, "--from", "row:3", "--via", "row:5", "--to", "row:9", "--path", path, "--steps", 9, "--out", out)
    assert "from row 3 to row 5 to row 9 in 9 steps" in said
    with np.load(out) as read:
        codes = model.transform(DIGITS.x[[3, 5, 9]])
        assert (read["z"][[0, -1]] == codes[[0, 2]]).all() and (read["z"] == codes[1]).all(axis=1).any()
        np.testing.assert_array_equal(read["x"], model.inverse_transform(read["z"]))
        z = read["z"]
    if path != "density":
        np.testing.assert_array_equal(z, model.space(DIGITS).journey([3, 5, 9], 9, path).z)


def test_without_the_data_holes_are_not_known(run: Path, model: Autoencoder, tmp_path: Path) -> None:
    model.save(tmp_path / "bare")
    ends = ["--from", digit(tmp_path / "a.png", 1), "--to", digit(tmp_path / "b.png", 2)]
    said = call("walk", tmp_path / "bare", *ends)
    assert "holes are not looked for" in said and "does not say what its model learnt from" in said
    assert (tmp_path / "bare" / "walk.png").exists()
    assert "--data" in call("walk", tmp_path / "bare", *ends, "--path", "density", code=2)
    call("walk", tmp_path / "bare", *ends, "--path", "density", "--data", "digits")


def test_two_examples_are_blended_step_by_step_and_more_by_weight(run: Path, model: Autoencoder, tmp_path: Path) -> None:
    call("blend", run, "row:1", "row:2", "--out", tmp_path / "two.npz")
    with np.load(tmp_path / "two.npz") as read:
        assert read["z"].shape == (7, 3)
        np.testing.assert_allclose(read["z"][3], model.transform(DIGITS.x[[1, 2]]).mean(0), rtol=1e-5)
    said = call(
        *("blend", run, "row:1", "row:2", digit(tmp_path / "c.png", 4), "--weights", "5,3,2", "--how", "product"),
        *("--out", tmp_path / "three.csv"),
    )
    assert "0.5 row 1 + 0.3 row 2 + 0.2" in said
    _, row = csv.reader((tmp_path / "three.csv").read_text().splitlines())
    space = model.space(np.stack([DIGITS.x[1], DIGITS.x[2], np.round(DIGITS.x[4] / 16 * 255) / 255 * 16]))
    expected = space.blend([0, 1, 2], [5, 3, 2], "product").x
    np.testing.assert_allclose(np.array(row, float), expected.ravel(), atol=0.05)  # the file was rounded to bytes


def test_pictures_show_what_went_in_and_what_came_out(run: Path) -> None:
    for words in (["blend", run, "3", "8"], ["swap", run, "3", "8", "--axes", "0,2"]):
        said = call(*words)
        assert "3 (row" in said and "8 (row" in said
    with Image.open(run / "blend.png") as blend, Image.open(run / "swap.png") as swap:
        assert blend.width == pytest.approx(11 * 76, abs=50) and swap.width == pytest.approx(5 * 76, abs=50)
        assert blend.height == swap.height == 80


def test_a_swap_is_one_with_coordinates_of_the_other(run: Path, model: Autoencoder, tmp_path: Path) -> None:
    assert "z1 z3 of row 2" in call("swap", run, "row:1", "row:2", "--axes", "0,2", "--out", tmp_path / "s.npz")
    one, other = model.transform(DIGITS.x[[1, 2]])
    with np.load(tmp_path / "s.npz") as read:
        assert read["z"].tolist() == [other[0], one[1], other[2]]


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
def test_bad_input_is_one_message(run: Path, words: list[str], message: str) -> None:
    assert message in " ".join(call(words[0], run, *words[1:], code=2).split())
