"""`latentwalk fit` on films, `predict`, and what else works on such a run."""

import json
import shutil
import signal
from contextlib import contextmanager
from pkgutil import resolve_name

import numpy as np
import pytest
from PIL import Image

from latentwalk.estimators.predictor import FramePredictor


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Films of a spot that goes to the right, as a .npy."""
    x = np.zeros((18, 6, 8, 8), np.uint8)
    for row, film in enumerate(x):
        for t, frame in enumerate(film):
            left = 2 * ((row + t) % 4)
            frame[2 * (row % 3) : 2 * (row % 3) + 2, left : left + 2] = 255
    path = tmp_path_factory.mktemp("films") / "spots.npy"
    np.save(path, x)
    return path


@pytest.fixture(scope="module")
def run(call, films):
    folder = films.parent / "run"
    options = ("--epochs", 2, "--latent", 8, "--learning-schedule", "constant", "--precision", "float32")
    said = call("fit", films, "--kind", "film", *options, "--out", folder)
    assert "latentwalk predict" in said and "nats a frame" in said
    return folder


def test_futures_are_written_as_they_are_asked_for(call, run, tmp_path):
    said = call("predict", run, "row:3", "--steps", 2, "--draws", 3, "--out", tmp_path / "a.gif")
    assert "4 frames seen, 2 predicted, 3 futures" in said
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == 6 and film.width > 3 * 72
    call("predict", run, "row:3", "--steps", 2, "--draws", 3, "--out", tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as strip:
        assert strip.height > 4 * 72 and strip.width > 6 * 72
    call("predict", run, "row:3", "--steps", 2, "--draws", 3, "--out", tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as found:
        x = np.load(run.parent / "spots.npy")
        assert found["futures"].shape == (3, 2, 8, 8) and np.array_equal(found["seen"], x[3, :4])
        assert np.array_equal(found["futures"], FramePredictor.load(run).predict(x[3, :4], 2, 3))


def test_a_film_of_ones_own(call, run, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for at in range(3):
        Image.fromarray(np.full((16, 16), 40 * at, np.uint8)).save(folder / f"{at}.png")
    said = call("predict", run, folder, "--steps", 2, "--draws", 1, "--temperature", 0, "--out", tmp_path / "a.gif")
    assert "mine: 3 frames seen, 2 predicted, 1 future" in said


def test_what_cannot_be_predicted_is_told(call, run, films, tmp_path):
    assert "row:N, N from 0 to 17" in call("predict", run, "row:18", code=2)
    assert "--seen N, from 1 to 6" in call("predict", run, "row:0", "--seen", 9, code=2)
    assert "or fewer --steps" in call("predict", run, "row:0", "--steps", 6, code=2)
    assert "expected a file ending in .gif" in call("predict", run, "row:0", "--out", tmp_path / "a.txt", code=2)
    many = ("predict", run, "row:0", "--steps", 2, "--draws", 10**6)
    assert "at most 100 futures are drawn side by side" in call(*many, code=2)
    assert "are the most at once" in call(*many, "--seen", 4, "--steps", 10**6, "--out", tmp_path / "a.npz", code=2)
    call("fit", "digits", "--out", tmp_path / "other", "--epochs", 1)
    assert "predicts no films" in call("predict", tmp_path / "other", "row:0", code=2)
    assert "--noise is not for films" in call("fit", films, "--kind", "film", "--noise", 0.1, "--out", tmp_path / "n", code=2)
    assert "Go on with it: --resume" in call("fit", films, "--kind", "film", "--out", run, code=2)


def test_a_training_of_films_goes_on(call, run, films):
    said = call("fit", films, "--kind", "film", "--resume", "--epochs", 3, "--out", run)
    assert "3 epochs over 18 films" in said
    assert len(FramePredictor.load(run).history_) == 3
    assert "cannot change" in call("fit", films, "--kind", "film", "--resume", "--latent", 9, "--out", run, code=2)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"a":' * 5000, b"\xff\xfe"])
def test_a_damaged_predictor_is_not_called_a_model_of_images(call, run, tmp_path, content):
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "predictor" / "predictor.json").write_bytes(content)
    said = call("predict", tmp_path / "run", "row:0", code=2)
    assert "predictor.json is" in said and "predicts no films" not in said


def test_films_that_are_none_or_not_whole_are_told(call, run, tmp_path):
    (tmp_path / "a.txt").write_text("no film")
    assert "expected a film, .gif" in call("predict", run, tmp_path / "a.txt", code=2)
    assert "none are left to be seen before" in call("predict", run, "row:0", "--steps", 10**6, code=2)
    for at in (0, 1, 2, 5):
        Image.fromarray(np.full((8, 8), 40 * at, np.uint8)).save(tmp_path / f"{at}.png")
    words = ("--steps", 1, "--draws", 1, "--out", tmp_path / "o.npz")
    assert "after 2.png comes 5.png" in call("predict", run, tmp_path, *words)
    for at in range(9):
        Image.fromarray(np.full((8, 8), 20 * at, np.uint8)).save(tmp_path / f"{at}.png")
    (tmp_path / "4.png").write_bytes(b"")
    said = call("predict", run, tmp_path, *words, "--force")
    assert (
        "follow one another" not in said and "skipped" in said and "[4:8]: 4 frames seen" in said
    )  # what came last, and nothing from before the gap


@pytest.mark.filterwarnings("always::latentwalk.errors.TrainingWarning")
def test_a_training_that_was_stopped_at_its_frames_goes_on(call, films, tmp_path, monkeypatch):
    folder = tmp_path / "cut"
    with monkeypatch.context() as patched:
        patched.setattr("latentwalk.estimators.fitting.stop_asked", _always)
        said = call("fit", films, "--kind", "film", "--epochs", 2, "--latent", 8, "--out", folder, code=130)
    assert "single frames only" in said and "cannot foresee anything yet" in said and "--resume" in said
    assert FramePredictor.load(folder).history_ == []
    said = call("predict", folder, "row:0", "--steps", 1, "--draws", 1)
    assert "nothing can be foreseen yet" in said
    said = call("fit", films, "--kind", "film", "--resume", "--out", folder)
    assert "2 epochs over 18 films" in said


@pytest.mark.parametrize("place", ["models.film.FilmModel.begin", "estimators.trained.quick_sampler", "app.films.Run.of"])
def test_ctrl_c_anywhere_tells_what_is_kept(call, films, tmp_path, monkeypatch, place):
    """Between two trainings, while what comes after them is made, while it is saved."""
    folder = tmp_path / "cut"
    options = ("--kind", "film", "--epochs", 1, "--latent", 8, "--out", folder)

    def pressed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"latentwalk.{place}", pressed)
        said = call("fit", films, *options, code=130)
    assert "Nothing was saved" not in said and f'To go on: latentwalk fit "{films}"' in said
    assert "1 epochs over 18 films" in call("fit", films, "--out", folder, "--resume")
    assert FramePredictor.load(folder).history_
    if "begin" in place:
        monkeypatch.setattr("latentwalk.app.films.Kept", pressed)
        assert "Nothing was saved" in call("fit", films, *options, "--force", code=130)  # what is there is the other's


@contextmanager
def _always():
    yield lambda: True


def test_the_report_shows_futures_errors_and_surprise(call, run):
    said = call("report", run)
    page = (run / "prediction.html").read_text()
    assert "prediction.html" in said and "mean path:" in said
    assert page.count("data:image/gif;base64,") == 3 and "@media print" in page and "Surprise over time" in page
    numbers = json.loads((run / "prediction.json").read_text())
    assert len(numbers["spread"]) == 4 and numbers["seen"] == 2 and set(numbers["mse"]) >= {"mean path", "best of draws"}


def test_frames_of_the_run_are_walked_and_drawn(call, run, tmp_path):
    call("walk", run, "--from", "row:0", "--to", "row:20", "--out", tmp_path / "walk.png")
    call("sample", run, "-n", 4, "--out", tmp_path / "drawn.png")
    assert (tmp_path / "walk.png").exists() and (tmp_path / "drawn.png").exists()


@pytest.mark.parametrize("ending", [".gif", ".png", ".npz"])
@pytest.mark.parametrize("moment", ["films.Foresight._futures", "fsync", "replace", "say"])
def test_ctrl_c_in_a_prediction_leaves_the_old_file_or_the_new_and_says_which(call, run, tmp_path, monkeypatch, moment, ending):
    out = tmp_path / f"future{ending}"
    out.write_bytes(b"old")
    place = {"fsync": "os.fsync", "replace": "os.replace", "say": "typer.echo"}.get(moment, f"latentwalk.estimators.{moment}")
    owner, _, name = place.rpartition(".")
    real = getattr(resolve_name(owner), name)

    def stopped(*given, **options):
        found = real(*given, **options) if moment == "replace" else None
        monkeypatch.undo()
        signal.raise_signal(signal.SIGINT)
        return found

    monkeypatch.setattr(place, stopped)
    said = call("predict", run, "row:3", "--steps", 2, "--draws", 2, "--out", out, "--force", code=130)
    assert list(tmp_path.iterdir()) == [out]
    if moment in ("replace", "say"):
        assert out.read_bytes() != b"old" and said.endswith(f"stopped. Written before that: {out}\n")
    else:
        assert out.read_bytes() == b"old" and said.endswith("stopped. Nothing was saved.\n")


def test_ctrl_c_once_a_predictor_is_saved_says_so(call, run, films, tmp_path, monkeypatch):
    def stopped(*_):
        monkeypatch.undo()
        raise KeyboardInterrupt

    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    monkeypatch.setattr("latentwalk.app.films.say", stopped)
    said = call("fit", films, "--kind", "film", "--resume", "--epochs", 5, "--out", folder, code=130)
    assert "Nothing was saved" not in said and "Written before that:" in said and f"{folder}" in said
    assert len(FramePredictor.load(folder).history_) == 5


def test_films_are_encoded_reconstructed_and_denoised_frame_by_frame(call, run, films, tmp_path):
    x = np.load(films)
    model = FramePredictor.load(run).frames_
    call("encode", run, films, "--out", tmp_path / "codes.csv")
    rows = (tmp_path / "codes.csv").read_text().splitlines()
    assert len(rows) == 1 + 18 * 6 and rows[1].startswith("000/0000,") and rows[-1].startswith("017/0005,")
    np.testing.assert_allclose([float(one) for one in rows[8].split(",")[1:]], model.transform(x[1, 1:2])[0], rtol=1e-5)
    pictures = [Image.fromarray(frame) for frame in x[3]]
    pictures[0].save(tmp_path / "film.gif", save_all=True, append_images=pictures[1:], duration=40)
    assert "6 codes" in call("encode", run, tmp_path / "film.gif", "--out", tmp_path / "gif.csv")
    call("reconstruct", run, films, "--out", tmp_path / "frames")
    assert len(list((tmp_path / "frames").rglob("*.png"))) == 18 * 6
    call("denoise", run, films, tmp_path / "clean.npy")
    clean = np.load(tmp_path / "clean.npy")
    assert clean.shape == x.shape and clean.dtype == x.dtype
    np.save(tmp_path / "other.npy", x[:, :, :7])
    assert "expected one image of shape (8, 8)" in call("denoise", run, tmp_path / "other.npy", tmp_path / "o.npy", code=2)
