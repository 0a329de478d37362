"""`latentwalk dimensions`: a curve and a sentence."""

import csv


def test_dimensions_are_a_curve_and_a_sentence(call, tmp_path):
    out = tmp_path / "d.csv"
    said = call("dimensions", "digits", "--latent", "1,4", "--recipe", "vae", "--epochs", "2", "--out", out)
    assert "PCA: " in said
    assert "two nearest neighbours" in said
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows} == {"mean", "pca", "vae"}
    assert "How many dimensions?" in out.with_suffix(".html").read_text()
    call("dimensions", "digits", "--latent", "0", "--out", tmp_path / "x.csv", code=2)
