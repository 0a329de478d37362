"""`latentwalk swap`: an example with coordinates of another."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentwalk.data import load
from latentwalk.estimators.autoencoder import Autoencoder

DIGITS = load("digits")


@pytest.fixture(scope="module")
def model(deep: Path) -> Autoencoder:
    return Autoencoder.load(deep)


def test_a_swap_is_one_with_coordinates_of_the_other(call: Any, deep: Path, model: Autoencoder, tmp_path: Path) -> None:
    assert "z1 z3 of row 2" in call("swap", deep, "row:1", "row:2", "--axes", "0,2", "--out", tmp_path / "s.npz")
    one, other = model.transform(DIGITS.x[[1, 2]])
    with np.load(tmp_path / "s.npz") as read:
        assert read["z"].tolist() == [other[0], one[1], other[2]]
