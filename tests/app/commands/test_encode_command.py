"""`latentwalk encode`: codes as a table."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from latentwalk.data import load
from latentwalk.estimators.autoencoder import Autoencoder


def test_encode_writes_the_codes_in_full(call: Any, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "codes.csv"
    call("encode", run, "digits", "--split", "test", "--out", out)
    data = load("digits", split="test")
    header, *rows = csv.reader(out.read_text().splitlines())
    assert header == ["label", "z1", "z2"]
    assert [row[0] for row in rows] == [str(label) for label in data.y]
    assert np.array_equal(np.array([row[1:] for row in rows], np.float32), Autoencoder.load(run).transform(data))


def test_data_of_another_shape_is_refused(call: Any, run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "small.npy", np.zeros((3, 4, 4), np.float32))
    assert "(8, 8)" in call("encode", run, tmp_path / "small.npy", code=2)
