"""`latentwalk reduce`: a table, a page, and nothing overwritten."""

import csv
import json

from latentwalk.estimators.autoencoder import Autoencoder


def test_codes_are_a_table_and_the_side_by_side_a_page(call, tmp_path):
    out = tmp_path / "codes.csv"
    words = ("reduce", "digits", "-d", "2", "--out", out, "--epochs", "2", "--compare", "--run", tmp_path / "run")
    call(*words)
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1797
    assert set(rows[0]) == {"part", "label", "z1", "z2"}
    page, numbers = out.with_suffix(".html").read_text(), json.loads(out.with_suffix(".json").read_text())
    assert "Kernel PCA" in page
    assert [one["method"] for one in numbers["found"]][:3] == ["ae", "pca", "kernel-pca"]
    model = Autoencoder.load(tmp_path / "run")
    assert model.inverse_transform([[float(rows[0]["z1"]), float(rows[0]["z2"])]]).shape == (1, 8, 8)
    call(*words, code=2)  # the table is there already
    call("reduce", "digits", "-d", "70", "--out", tmp_path / "x.csv", code=2)
    call("reduce", "digits", "--out", tmp_path / "x.txt", code=2)


def test_a_table_as_small_as_iris_is_reduced(call, tmp_path):
    rows = "".join(f"{a},{a % 7},{a % 5},{a % 3}\n" for a in range(150))
    (tmp_path / "i.csv").write_text("a,b,c,d\n" + rows)
    out = tmp_path / "z.csv"
    said = call("reduce", tmp_path / "i.csv", "--epochs", "2", "--out", out)
    with out.open() as file:
        assert len(list(csv.DictReader(file))) == 150
    assert "the 9 nearest of each" in str(said)
