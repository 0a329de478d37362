"""What commit 075521f left on a disk loads, goes on and answers as it did then; see `write.py`.

On the processor and PyTorch it was made with, to the last bit; on others to rounding, which training makes larger.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner
from write import processor

from latentwalk import AnomalyDetector, Autoencoder, Network, Settings, Sweep, load
from latentwalk.app.cli import app
from latentwalk.latent.criteria.likeness import likeness
from latentwalk.models.inference import signature

HERE = Path(__file__).parent
ANSWERS = json.loads((HERE / "answers.json").read_text())
SAME = ANSWERS["processor"] == processor()


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """A copy of all that was kept, to be written into."""
    return Path(shutil.copytree(HERE, tmp_path / "golden"))


def check(answer, expected, loosely: float = 1e-4) -> None:
    """The same numbers: to the last bit where the same kernels ran."""
    if SAME:
        np.testing.assert_array_equal(np.asarray(answer, dtype=np.float64), expected)
    else:
        np.testing.assert_allclose(answer, expected, rtol=loosely, atol=loosely)


def test_a_model_and_its_sampler_answer_as_they_did():
    digits, expected = load("digits"), ANSWERS["model"]
    vae = Autoencoder.load(HERE / "model")
    check(vae.transform(digits.x[:8]), expected["transform"])
    check(vae.reconstruct(digits.x[:2]), expected["reconstruct"])
    check(vae.sample(3), expected["sample"])
    check(vae.sample(3, source="prior"), expected["prior"])
    check(vae.score_samples(digits.x[:8], draws=5), expected["score_samples"])
    space = vae.space(digits)
    found = likeness(space, space.sampler("fitted")).value  # its classifiers have become others since
    assert found == pytest.approx(expected["completeness"], abs=0.05)  # what it was called
    check(vae.space(digits).walk(0, 7, steps=3).x, expected["walk"])


def test_a_model_that_was_kept_is_kept_again_as_it_was(golden):
    vae = Autoencoder.load(golden / "model")
    vae.save(golden / "again")
    again = Autoencoder.load(golden / "again")
    assert again.get_params() == vae.get_params()
    assert signature(again.model_) == signature(vae.model_)
    np.testing.assert_array_equal(again.sample(5), vae.sample(5))


def test_a_training_that_was_cut_short_arrives_where_it_would_have(golden):
    digits, expected = load("digits"), ANSWERS["cut"]
    network = Network("dense", widths=(12,))
    training = Settings(ema=0.9, clip=5.0, checkpoint_every=0.0)
    options = {
        "network": network,
        "epochs": 2,
        "learning_rate": 3e-3,
        "random_state": 0,
        "progress": False,
        "training": training,
    }
    went_on = Autoencoder("vae", latent=2, **options).fit(digits, checkpoint=golden / "cut")
    check([epoch.validation_loss for epoch in went_on.history_], expected["losses"], loosely=1e-3)
    check(went_on.transform(digits.x[:8]), expected["transform"], loosely=1e-2)
    if SAME:
        assert signature(went_on.model_) == expected["signature"]


def test_a_detector_blames_as_it_did():
    table = np.random.default_rng(0).normal(size=(300, 4)) @ np.random.default_rng(1).normal(size=(4, 4))
    expected, detector = ANSWERS["detector"], AnomalyDetector.load(HERE / "detector")
    check(detector.score_samples(table[:8]), expected["score_samples"])
    check(detector.blame(table[:4]), expected["blame"])
    assert np.mean(detector.predict(table) == expected["predict"]) > (0.999 if SAME else 0.99)


def test_the_trials_of_a_sweep_are_found_again(golden, monkeypatch):
    monkeypatch.setattr(Autoencoder, "fit", lambda *_, **__: pytest.fail("a trial that was done is done again"))
    few = load("digits").take(np.arange(500))
    network = Autoencoder.load(HERE / "model").network_
    usual = {"network": network, "epochs": 1, "batch_size": 128, "training": Settings(ema=None)}  # what was usual then
    found = Sweep({"latent": [2, 3]}, seeds=1, folder=golden / "sweep", **usual).fit(few)
    for row, expected in zip(found.results_, ANSWERS["sweep"]["results"], strict=True):
        named = {name.replace("completeness", "likeness"): value for name, value in expected.items()}  # what it was called
        assert {name: row[name] for name in named if name in row} == named


def test_a_run_answers_draws_its_page_and_goes_on(golden, monkeypatch):
    monkeypatch.chdir(golden)
    vae, data, expected = Autoencoder.load("run"), load("table.csv", label="kind"), ANSWERS["run"]
    check(vae.transform(data)[:8], expected["transform"])
    check(np.float32(vae.sample(3)), expected["sample"])  # answers about float64 were rounded then
    report = json.loads(Path("run/report.json").read_text())
    for words in ("report run", "fit table.csv --out run --resume --epochs 3"):
        done = CliRunner().invoke(app, words.split())
        assert done.exit_code == 0, done.output
        if words.startswith("report"):
            again = json.loads(Path("run/report.json").read_text())
            assert again["format"] == report["format"]
            assert Path("run/report.html").stat().st_size > 10_000
    longer = Autoencoder.load("run")
    check(longer.transform(data)[:8], expected["third"]["transform"], loosely=1e-2)
    if SAME:
        assert signature(longer.model_) == expected["third"]["signature"]


def test_a_report_is_drawn_again(golden):
    page = golden / "page"
    page.mkdir()
    shutil.copy(golden / "run" / "report.json", page / "report.json")
    done = CliRunner().invoke(app, ["report", str(page)])
    assert done.exit_code == 0, done.output
    assert "likeness" in (page / "report.html").read_text().lower()
