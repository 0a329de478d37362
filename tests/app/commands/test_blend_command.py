"""`latentwalk blend`: examples put together."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from latentwalk.data import load
from latentwalk.estimators.autoencoder import Autoencoder

DIGITS = load("digits")


@pytest.fixture(scope="module")
def model(deep: Path) -> Autoencoder:
    return Autoencoder.load(deep)


def digit(path: Path, row: int) -> Path:
    Image.fromarray(np.round(DIGITS.x[row] / 16 * 255).astype(np.uint8)).save(path)
    return path


def test_two_examples_are_blended_step_by_step_and_more_by_weight(
    call: Any, deep: Path, model: Autoencoder, tmp_path: Path
) -> None:
    call("blend", deep, "row:1", "row:2", "--out", tmp_path / "two.npz")
    with np.load(tmp_path / "two.npz") as read:
        assert read["z"].shape == (7, 3)
        np.testing.assert_allclose(read["z"][3], model.transform(DIGITS.x[[1, 2]]).mean(0), rtol=1e-5)
    said = call(
        *("blend", deep, "row:1", "row:2", digit(tmp_path / "c.png", 4), "--weights", "5,3,2", "--how", "product"),
        *("--out", tmp_path / "three.csv"),
    )
    assert "0.5 row 1 + 0.3 row 2 + 0.2" in said
    _, row = csv.reader((tmp_path / "three.csv").read_text().splitlines())
    space = model.space(np.stack([DIGITS.x[1], DIGITS.x[2], np.round(DIGITS.x[4] / 16 * 255) / 255 * 16]))
    expected = space.blend([0, 1, 2], [5, 3, 2], "product").x
    np.testing.assert_allclose(np.array(row, float), expected.ravel(), atol=0.05)  # the file was rounded to bytes


def test_pictures_show_what_went_in_and_what_came_out(call: Any, deep: Path) -> None:
    for words in (["blend", deep, "3", "8"], ["swap", deep, "3", "8", "--axes", "0,2"]):
        said = call(*words)
        assert "3 (row" in said and "8 (row" in said
    with Image.open(deep / "blend.png") as blend, Image.open(deep / "swap.png") as swap:
        assert blend.width == pytest.approx(11 * 76, abs=50) and swap.width == pytest.approx(5 * 76, abs=50)
        assert blend.height == swap.height == 80
