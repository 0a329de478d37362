"""`latentwalk reconstruct`: pictures and tables beside what a model makes of them."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sheets import levels, tiles

from latentwalk.data import load
from latentwalk.estimators.autoencoder import Autoencoder


def test_an_image_file_is_made_like_the_examples_learnt_from(call: Any, run: Path, tmp_path: Path) -> None:
    row = load("digits").x[5]
    Image.fromarray(np.round(row / 16 * 255).astype(np.uint8)).save(tmp_path / "five.png")
    call("reconstruct", run, tmp_path / "five.png", "--out", tmp_path / "r.png")
    call("reconstruct", run, tmp_path / "five.png", "--out", tmp_path / "each")
    expected = levels(Autoencoder.load(run).reconstruct(row[None])[0])
    alone = np.asarray(Image.open(tmp_path / "each" / "five.png")).astype(float)
    assert alone.shape == (8, 8)
    assert np.abs(alone - expected).max() <= 3  # the input was rounded to bytes, of 16 levels
    assert np.abs(tiles(tmp_path / "r.png", 8, 1)[0] - levels(row)).max() <= 1


def test_what_is_read_is_never_written_to(call: Any, run: Path, tmp_path: Path) -> None:
    picture = tmp_path / "mine.png"
    Image.new("L", (8, 8)).save(picture)
    before = picture.read_bytes()
    for out in (picture, tmp_path):
        assert "is read by this command" in call("reconstruct", run, picture, "--out", out, code=2)
    np.save(tmp_path / "x.npy", load("digits").x[:5])
    (tmp_path / "kept.csv").write_text("mine")
    assert "--force" in call("encode", run, tmp_path / "x.npy", "--out", tmp_path / "kept.csv", code=2)
    call("encode", run, tmp_path / "x.npy", "--out", tmp_path / "kept.csv", "--force")
    assert picture.read_bytes() == before
