"""`latentwalk compare`: models on the same data, saved and reported."""

from pathlib import Path
from typing import Any

import pytest

from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.criteria.measure import Measure
from latentwalk.studies import judgement
from latentwalk.training.settings import Settings

pytestmark = pytest.mark.usefixtures("quick")


def test_compare_saves_models_that_can_be_used_and_reported(call: Any, few: Path, tmp_path: Path) -> None:
    out = tmp_path / "seen"
    said = call("compare", few, "--recipes", "pca,ae", "--latent", "2", "--epochs", 1, "--out", out)
    assert "PCA" in said
    assert "AE" in said
    assert str(out / "report.html") in said
    call("walk", out / "models" / "ae-2", "--from", "0", "--to", "1")
    assert str(out / "models" / "ae-2") in call("walk", out, "--from", "0", "--to", "1", code=2)
    (out / "report.html").unlink()
    call("report", out)
    assert (out / "report.html").exists()


def test_ctrl_c_in_a_comparison_keeps_what_is_finished(call: Any, few: Path, tmp_path: Path, stops_after: Any) -> None:
    stops_after(1)
    said = call("compare", few, "--recipes", "ae,vae", "--latent", 2, "--epochs", 1, "--out", tmp_path / "c", code=130)
    assert f"1 of 2 models were finished: AE (2). Saved in {tmp_path / 'c' / 'models'}: ae-2. The one at work is not." in said
    assert f"goes to {tmp_path / 'c' / 'report.html'}" in said
    assert (tmp_path / "c" / "models" / "ae-2" / "run.json").exists()
    assert not (tmp_path / "c" / "models" / "vae-2").exists()
    assert (tmp_path / "c" / "report.html").exists()


def test_ctrl_c_before_anything_is_finished_keeps_nothing(call: Any, few: Path, tmp_path: Path, stops_after: Any) -> None:
    stops_after(0)
    said = call("compare", few, "--recipes", "ae,vae", "--latent", 2, "--epochs", 1, "--out", tmp_path / "c", code=130)
    assert "before the first of 2 models was finished: nothing is kept" in said
    assert not (tmp_path / "c" / "report.html").exists()


def test_the_time_is_shared_by_those_that_learn(call: Any, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentwalk.app.commands.compare.write_report", lambda folder, *_, **__: folder / "report.html")
    words = ("--recipes", "pca,ae", "--latent", 2, "--epochs", 1, "--minutes", 4, "--out", tmp_path / "c")
    said = call("compare", few, *words)
    assert "2 models: up to 1 epoch and 4 min each, 4 min in all at most" in said
    assert "1/2  PCA, 2 dimensions" in said and "trained in " in said
    assert Autoencoder.load(tmp_path / "c" / "models" / "ae-2").training == Settings(minutes=4.0)


def test_every_family_in_one_page(call, few, tmp_path, monkeypatch):
    measured = Measure("completeness", 0.5, 0.4, 0.6, "Half of them.")  # measuring 14 models takes minutes
    for name in ("completeness", "reach"):
        monkeypatch.setattr(judgement, name, lambda *_, **__: measured)
    call("compare", few, "--all", "--latent", "2", "--epochs", "1", "--out", tmp_path)
    page = (tmp_path / "report.html").read_text()
    for title in ("PCA", "Sparse AE (rate)", "k-sparse AE", "Denoising AE", "Contractive AE", "Convolutional VAE", "IWAE"):
        assert f"{title}</h3>" in page
    assert len(list((tmp_path / "models").iterdir())) == 14
    assert "--all is every recipe" in call("compare", few, "--all", "--recipes", "ae", "--out", tmp_path / "x", code=2)


def test_pca_is_left_out_where_it_cannot_learn_and_nobody_asked_for_it(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latentwalk.app.commands.compare.write_report", lambda folder, *_, **__: folder / "report.html")
    lines = tmp_path / "lines.txt"
    lines.write_text("\n".join(f"the {who} can {do}" for who in "abcdefghijklmnopqrst" for do in "ABCDEFGHIJKLMNOP") + "\n")
    words = ("--units", "words", "--latent", 2, "--epochs", 1)
    assert "PCA is left out: PCA reads values" in call("compare", lines, *words, "--out", tmp_path / "c")
    assert [one.name for one in sorted((tmp_path / "c" / "models").iterdir())] == ["ae-2", "vae-2"]
    refused = call("compare", lines, *words, "--recipes", "pca,ae", "--out", tmp_path / "d", code=2)
    assert "PCA reads values, and a text has units. Leave 'pca' out." in refused
