"""`latentwalk reduce` and `dimensions`: a table, a page, and nothing overwritten."""

import csv
import json

from typer.testing import CliRunner

from latentwalk.app.cli import app
from latentwalk.estimators.autoencoder import Autoencoder


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_codes_are_a_table_and_the_side_by_side_a_page(tmp_path):
    out = tmp_path / "codes.csv"
    words = ("reduce", "digits", "-d", "2", "--out", out, "--epochs", "2", "--compare", "--run", tmp_path / "run")
    done = run(*words)
    assert done.exit_code == 0, done.output
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1797
    assert set(rows[0]) == {"part", "label", "z1", "z2"}
    page, numbers = out.with_suffix(".html").read_text(), json.loads(out.with_suffix(".json").read_text())
    assert "Kernel PCA" in page
    assert [one["method"] for one in numbers["found"]][:3] == ["ae", "pca", "kernel-pca"]
    model = Autoencoder.load(tmp_path / "run")
    assert model.inverse_transform([[float(rows[0]["z1"]), float(rows[0]["z2"])]]).shape == (1, 8, 8)
    assert run(*words).exit_code == 2  # the table is there already
    assert run("reduce", "digits", "-d", "70", "--out", tmp_path / "x.csv").exit_code == 2
    assert run("reduce", "digits", "--out", tmp_path / "x.txt").exit_code == 2


def test_dimensions_are_a_curve_and_a_sentence(tmp_path):
    out = tmp_path / "d.csv"
    done = run("dimensions", "digits", "--latent", "1,4", "--recipe", "vae", "--epochs", "2", "--out", out)
    assert done.exit_code == 0, done.output
    assert "PCA: " in done.output
    assert "two nearest neighbours" in done.output
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows} == {"mean", "pca", "vae"}
    assert "How many dimensions?" in out.with_suffix(".html").read_text()
    assert run("dimensions", "digits", "--latent", "0", "--out", tmp_path / "x.csv").exit_code == 2
