"""The command line: what it writes is what the library computes, and what it says of bad input."""

import csv
import json
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import latentwalk
from latentwalk.app import output
from latentwalk.app.cli import app
from latentwalk.data import load
from latentwalk.drawing import tiles as pictures
from latentwalk.errors import DataError, TrainingError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.criteria.measure import Measure
from latentwalk.saving import folder as checkpoint
from latentwalk.training import loop

EPOCHS, RATE = 12, 0.004  # enough that two digits are decoded differently


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def good(*words: object) -> str:
    result = call(*words)
    assert result.exit_code == 0, result.output
    return result.output


def bad(*words: object, code: int = 2) -> str:
    result = call(*words)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def tiles(path: Path, side: int, columns: int) -> np.ndarray:
    """The first row of tiles of a sheet of 8 x 8 images, at their own size and in [0, 255]."""
    sheet, gap = np.asarray(Image.open(path)).astype(float), pictures.GAP
    big = -(-pictures.SIDE // side) * side
    lefts = [gap + column * (big + gap) for column in range(columns)]
    return np.stack([sheet[gap : gap + big : big // side, left : left + big : big // side] for left in lefts])


def levels(x: np.ndarray) -> np.ndarray:
    """Digits, whose values count to 16, as they are drawn."""
    return np.clip(x / 16 * 255, 0, 255)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "run"
    good("fit", "digits", "--out", folder, "--epochs", EPOCHS, "--learning-rate", RATE)
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "ae"
    good("fit", "digits", "--out", folder, "--epochs", 1, "--recipe", "ae")
    return folder


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng, path = np.random.default_rng(0), tmp_path / "flowers.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["a", "b", "c", "species"])
        for row in range(320):
            rows.writerow([*rng.normal(3 * (row % 2), 1, 3), ["setosa", "virginica"][row % 2]])
    return path


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Completeness takes seconds a model and has its own tests; here a constant stands for it."""
    measure = Measure("completeness", 0.5, 0.4, 0.6, "Half of the draws land where data is.")
    for place in ("studies.judgement", "latent.completion"):
        monkeypatch.setattr(f"latentwalk.{place}.completeness", lambda *_, **__: measure)


@pytest.fixture
def stops_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Ctrl-C while the epoch after so many is trained."""

    def after(epochs: int) -> None:
        real = loop._Run._pass
        count = iter(range(10_000))

        def pressed(self: Any) -> Any:
            if next(count) >= epochs:
                signal.raise_signal(signal.SIGINT)
            return real(self)

        monkeypatch.setattr(loop._Run, "_pass", pressed)

    return after


# ---------------------------------------------------------------------- what is written


def test_fit_saves_a_model_and_where_it_comes_from(run: Path) -> None:
    about = json.loads((run / "run.json").read_text())
    assert about["source"] == {"what": "digits", "options": {}, "apart": None}
    assert about["classes"] == list("0123456789")
    assert len(Autoencoder.load(run).history_) == about["epochs"] == EPOCHS


def test_fit_is_the_estimator(run: Path) -> None:
    data = load("digits")
    model = Autoencoder(epochs=EPOCHS, learning_rate=RATE, random_state=0, progress=False).fit(data)
    assert np.array_equal(model.transform(data), Autoencoder.load(run).transform(data))


def test_encode_writes_the_codes_in_full(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "codes.csv"
    good("encode", run, "digits", "--split", "test", "--out", out)
    data = load("digits", split="test")
    header, *rows = csv.reader(out.read_text().splitlines())
    assert header == ["label", "z1", "z2"]
    assert [row[0] for row in rows] == [str(label) for label in data.y]
    assert np.array_equal(np.array([row[1:] for row in rows], np.float32), Autoencoder.load(run).transform(data))


def test_a_walk_ends_at_the_reconstructions_of_its_ends(run: Path, tmp_path: Path) -> None:
    good("walk", run, "--from", "row:3", "--to", "7", "--steps", 5, "--out", tmp_path / "w.png")
    data, model = load("digits"), Autoencoder.load(run)
    sevens = data.take(np.flatnonzero(data.y == 7))
    typical = sevens.x[model.space(sevens).typical("7")]
    strip = tiles(tmp_path / "w.png", 8, 5)
    strip = strip if strip.ndim == 3 else strip[..., 0]  # with a red bar under what lies in a hole, the sheet has colours
    expected = levels(model.reconstruct(np.stack([data.x[3], typical])))
    assert np.abs(expected[0] - expected[1]).max() > 50
    assert np.abs(strip[[0, -1]] - expected).max() <= 1


def test_an_image_file_is_made_like_the_examples_learnt_from(run: Path, tmp_path: Path) -> None:
    row = load("digits").x[5]
    Image.fromarray(np.round(row / 16 * 255).astype(np.uint8)).save(tmp_path / "five.png")
    good("reconstruct", run, tmp_path / "five.png", "--out", tmp_path / "r.png")
    good("reconstruct", run, tmp_path / "five.png", "--out", tmp_path / "each")
    expected = levels(Autoencoder.load(run).reconstruct(row[None])[0])
    alone = np.asarray(Image.open(tmp_path / "each" / "five.png")).astype(float)
    assert alone.shape == (8, 8)
    assert np.abs(alone - expected).max() <= 3  # the input was rounded to bytes, of 16 levels
    assert np.abs(tiles(tmp_path / "r.png", 8, 1)[0] - levels(row)).max() <= 1


def test_samples_are_those_of_the_model(run: Path) -> None:
    good("sample", run, "-n", 9, "--seed", 4)
    expected = levels(Autoencoder.load(run).set_params(random_state=4).sample(9)[:3])
    assert np.abs(tiles(run / "samples.png", 8, 3) - expected).max() <= 1


def test_a_plain_autoencoder_is_sampled_from_the_gaussian_of_its_codes_only(plain: Path) -> None:
    told = bad("sample", plain)
    assert "--source gaussian" in told and f"latentwalk complete {plain}" in told
    assert f"latentwalk complete {plain}" in bad("sample", plain, "--source", "fitted")
    assert "Did you mean 'mixture'" in bad("sample", plain, "--source", "mixtur")
    good("sample", plain, "--source", "gaussian", "--temperature", 0, "-n", 4)
    drawn = tiles(plain / "samples.png", 8, 2)
    model = Autoencoder.load(plain)
    centre = model.transform(load("digits")).mean(axis=0, keepdims=True)
    assert np.abs(drawn - levels(model.inverse_transform(centre))).max() <= 1


def test_a_completed_run_is_drawn_from(plain: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(plain, tmp_path / "run"))
    said = good("complete", run, "--sampler", "gaussian")
    assert "completeness, at most" in said and "gaussian  0." in said and "taken" in said
    good("sample", run, "-n", 9, "--seed", 4)
    model = Autoencoder.load(run).set_params(random_state=4)
    assert set(model.completeness_) == {"gaussian"}
    assert np.abs(tiles(run / "samples.png", 8, 3) - levels(model.sample(9)[:3])).max() <= 1
    assert "Did you mean 'mixture'" in bad("complete", run, "--sampler", "mixtur")
    assert "this model has none" in bad("complete", run, "--sampler", "vamp")


def test_tables_are_written_as_tables(table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    good("fit", table, "--label", "species", "--out", folder, "--epochs", 1)
    model, data = Autoencoder.load(folder), load(table, label="species")
    good("reconstruct", folder, table)
    _, *rows = csv.reader((folder / "reconstructions.csv").read_text().splitlines())
    assert np.array_equal(np.array(rows, np.float32), model.reconstruct(data))
    good("walk", folder, "--from", "setosa", "--to", "row:9", "--steps", 3)
    _, *rows = csv.reader((folder / "walk.csv").read_text().splitlines())
    assert np.array_equal(np.array(rows[-1][1:], np.float32), model.reconstruct(data.x[9:10])[0])
    good("sample", folder, "-n", 5)
    assert len((folder / "samples.csv").read_text().splitlines()) == 6
    good("report", folder)
    assert (folder / "report.html").stat().st_size > 1000


def test_compare_saves_models_that_can_be_used_and_reported(tmp_path: Path) -> None:
    out = tmp_path / "seen"
    said = good("compare", "digits", "--recipes", "pca,ae", "--latent", "2", "--epochs", 1, "--out", out)
    assert "PCA" in said
    assert "AE" in said
    assert str(out / "report.html") in said
    good("walk", out / "models" / "ae-2", "--from", "0", "--to", "1")
    assert str(out / "models" / "ae-2") in bad("walk", out, "--from", "0", "--to", "1")
    (out / "report.html").unlink()
    good("report", out)
    assert (out / "report.html").exists()


def test_rows_drawn_apart_in_a_comparison_are_those_judged_later(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "seen"
    good("compare", table, "--recipes", "vae", "--epochs", 1, "--out", out, "--label", "species")
    folder = out / "models" / "vae-2"
    good("report", folder)
    first, again = (json.loads((where / "report.json").read_text())["entries"][0] for where in (out, folder))
    assert first["judgement"] == again["judgement"]


# ---------------------------------------------------------------------- stopping and going on


def test_ctrl_c_keeps_the_best_and_resume_goes_on(tmp_path: Path, stops_after: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context():
        stops_after(2)
        said = bad("fit", "digits", "--out", folder, "--epochs", 5, "--latent", 3, code=130)
    monkeypatch.undo()
    assert "--resume" in said
    before = Autoencoder.load(folder).history_
    assert len(before) == 2
    good("fit", "digits", "--out", folder, "--resume")
    history = Autoencoder.load(folder).history_
    assert history[:2] == before
    assert [epoch.number for epoch in history] == [1, 2, 3, 4, 5]
    assert "--epochs 10" in good("fit", "digits", "--out", folder, "--resume")


def test_killed_before_its_model_was_saved_it_is_saved_by_going_on(tmp_path: Path) -> None:
    good("fit", "digits", "--out", tmp_path / "run", "--epochs", 2)
    codes = Autoencoder.load(tmp_path / "run").transform(load("digits"))
    for path in [tmp_path / "run" / "model.json", *(tmp_path / "run").glob("weights-*")]:
        path.unlink()
    assert "cut short" in bad("report", tmp_path / "run")
    assert "cut short" in bad("fit", "digits", "--out", tmp_path / "run")
    good("fit", "digits", "--out", tmp_path / "run", "--resume")
    assert np.array_equal(Autoencoder.load(tmp_path / "run").transform(load("digits")), codes)


def test_ctrl_c_in_a_comparison_keeps_what_is_finished(tmp_path: Path, stops_after: Any) -> None:
    stops_after(1)
    said = bad("compare", "digits", "--recipes", "ae,vae", "--latent", 2, "--epochs", 1, "--out", tmp_path / "c", code=130)
    assert "1 of 2 models" in said
    assert (tmp_path / "c" / "models" / "ae-2" / "run.json").exists()
    assert not (tmp_path / "c" / "models" / "vae-2").exists()
    assert (tmp_path / "c" / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["digits", "--latent", "3"], "--latent 3 is not what"),
        (["digits", "--seed", "1"], "--seed 1 is not what"),
        (["digits", "--force"], "Choose one"),
    ],
)
def test_resume_refuses_another_model(run: Path, words: list[str], told: str) -> None:
    assert told in bad("fit", *words, "--out", run, "--resume")


def test_resume_refuses_other_data(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", rng.random((50, 4)))
    good("fit", tmp_path / "a.npy", "--out", tmp_path / "run", "--epochs", 1)
    np.save(tmp_path / "a.npy", rng.random((50, 4)))
    assert "other values" in bad("fit", tmp_path / "a.npy", "--out", tmp_path / "run", "--resume", "--epochs", 2)
    np.save(tmp_path / "a.npy", rng.random((50, 5)))
    assert "50 x 5" in bad("fit", tmp_path / "a.npy", "--out", tmp_path / "run", "--resume", "--epochs", 2)


# ---------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fit", "mnist5k", "--out", "x"], "Did you mean 'mnist-5k'"),
        (["fit", "no/such.csv", "--out", "x"], "no such file"),
        (["fit", "digits", "--out", "x", "--recipe", "vea"], "Did you mean 'vae'"),
        (["fit", "digits", "--out", "x", "--latent", "two"], "--latent"),
        (["fit", "digits", "--out", "x", "--size", "big"], "HEIGHTxWIDTH"),
        (["fit", "digits"], "--out"),
        (["compare", "digits", "--out", "x", "--recipes", "ae,vea"], "Did you mean 'vae'"),
        (["compare", "digits", "--out", "x", "--latent", "0"], "whole numbers"),
        (["compare", "digits", "--out", "x", "--latent", "65"], "64 numbers of an example"),
        (["sample", "no-such-run"], "no such folder"),
        (["wlak"], "wlak"),
    ],
)
def test_wrong_use_is_one_message_and_exit_code_2(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert told in bad(*words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["walk", "--from", "nine", "--to", "7"], "unknown end of a walk 'nine'"),
        (["walk", "--from", "row:5000", "--to", "7"], "row:0 to row:1500"),
        (["walk", "--from", "0", "--to", "7", "--path", "sphericl"], "Did you mean 'spherical'"),
        (["sample", "--source", "priro"], "Did you mean 'prior'"),
        (["sample", "--temperature", "-1"], "--temperature"),
        (["sample", "--out", "samples.jpg"], "ending in .png"),
        (["reconstruct", "nothing.png"], "nothing.png"),
    ],
)
def test_wrong_use_of_a_run(run: Path, words: list[str], told: str) -> None:
    command, *rest = words
    assert told in bad(command, run, *rest)


def test_data_of_another_shape_is_refused(run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "small.npy", np.zeros((3, 4, 4), np.float32))
    assert "(8, 8)" in bad("encode", run, tmp_path / "small.npy")


def test_a_run_is_not_replaced_unasked(run: Path) -> None:
    before = (run / "model.json").read_bytes()
    assert "--force" in bad("fit", "digits", "--out", run)
    assert (run / "model.json").read_bytes() == before


def test_a_damaged_run_says_which_file(run: Path, tmp_path: Path) -> None:
    for name, content in (("run.json", b"{"), ("run.json", b"[]"), ("model.json", b'{"format": 1}')):
        broken = tmp_path / f"broken-{len(content)}"
        shutil.copytree(run, broken)
        (broken / name).write_bytes(content)
        assert f"{broken / name}" in bad("walk", broken, "--from", "0", "--to", "1")


def test_what_is_read_is_never_written_to(run: Path, tmp_path: Path) -> None:
    picture = tmp_path / "mine.png"
    Image.new("L", (8, 8)).save(picture)
    before = picture.read_bytes()
    for out in (picture, tmp_path):
        assert "is read by this command" in bad("reconstruct", run, picture, "--out", out)
    np.save(tmp_path / "x.npy", load("digits").x[:5])
    (tmp_path / "kept.csv").write_text("mine")
    assert "--force" in bad("encode", run, tmp_path / "x.npy", "--out", tmp_path / "kept.csv")
    good("encode", run, tmp_path / "x.npy", "--out", tmp_path / "kept.csv", "--force")
    assert picture.read_bytes() == before


def test_a_place_that_cannot_be_written_is_a_failure_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for command in (["fit", "digits"], ["compare", "digits"]):
        assert "cannot write" in bad(*command, "--out", tmp_path / "file" / "run", code=1)


def test_a_full_disk_is_a_failure(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    for module in (checkpoint, output):
        monkeypatch.setattr(module, "write_atomically", full)
    assert "No space left" in bad("sample", run, code=1)
    assert "No space left" in bad("fit", "digits", "--epochs", 1, "--out", tmp_path / "r", code=1)


@pytest.mark.parametrize(("error", "code"), [(TrainingError("nan"), 1), (DataError("nan"), 2), (KeyboardInterrupt(), 130)])
def test_errors_have_their_exit_codes(error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*_: Any, **__: Any) -> Iterator[Any]:
        raise error

    monkeypatch.setattr(Autoencoder, "fit", broken)
    bad("fit", "digits", "--out", tmp_path / "r", code=code)


def test_an_unexpected_error_is_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Autoencoder, "fit", lambda *_, **__: 1 / 0)
    result = call("fit", "digits", "--out", tmp_path / "r")
    assert result.exit_code == 1
    assert isinstance(result.exception, ZeroDivisionError)


def test_every_command_has_an_example() -> None:
    for command in ("tour", "fit", "report", "sample", "walk", "reconstruct", "encode", "compare", "data"):
        assert f"  latentwalk {command}" in good(command, "--help")


def test_version() -> None:
    assert good("--version").strip() == f"latentwalk {latentwalk.__version__}"
