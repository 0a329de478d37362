"""The commands for what autoencoders are used for: what goes in comes out of the same kind, and nothing is lost."""

import csv

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from latentwalk.app.cli import app
from latentwalk.data import Dataset, load
from latentwalk.data.sources.sounds import Sound, sound
from latentwalk.estimators.anomalies import AnomalyDetector
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.estimators.windows import denoised_picture, denoised_signal
from latentwalk.latent.criteria.measure import Measure
from latentwalk.networks.build import Network
from latentwalk.studies import judgement

RNG = np.random.default_rng(0)


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


class Same(Autoencoder):
    """An autoencoder that gives back what it gets: what is left are windows, formats and files."""

    def denoise(self, X):
        return np.asarray(X, np.float32)


def same(x, kind=None):
    data = Dataset.of(x, kind=kind)
    return Same("denoising", epochs=1, progress=False, latent=2, network=Network("dense", widths=(4,))).fit(data)


@pytest.mark.parametrize("layout", ["gray", "rgb", "first"])
def test_a_picture_larger_than_the_model_has_no_seams(layout):
    shapes = {"gray": (20, 12, 16), "rgb": (20, 12, 16, 3), "first": (20, 3, 12, 16)}
    model = same(RNG.integers(0, 255, shapes[layout]).astype(np.uint8))
    picture = RNG.integers(0, 255, (53, 40) if layout == "gray" else (53, 40, 3)).astype(np.uint8)
    assert np.array_equal(denoised_picture(model, picture), picture)


@pytest.mark.parametrize(("shape", "channels"), [((300,), 1), ((300, 2), 1), ((300, 2), 2)])
def test_a_long_signal_has_no_seams_and_a_model_of_one_channel_takes_each(shape, channels):
    model = same(RNG.normal(size=(20, 32) if channels == 1 else (20, 32, 2)), kind="signal")
    x = RNG.normal(size=shape)
    np.testing.assert_allclose(denoised_signal(model, x, "x"), x, atol=1e-6)


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    """A run trained on a sound, and that sound with noise."""
    folder = tmp_path_factory.mktemp("voice")
    t = np.arange(9000) / 8000
    x = 0.4 * np.sin(2 * np.pi * 300 * t)
    (folder / "clean.wav").write_bytes(Sound(x, 8000, "int16").content())
    (folder / "noisy.wav").write_bytes(Sound(x + 0.1 * RNG.normal(size=len(x)), 8000, "int16").content())
    words = ("--recipe", "denoising", "--noise", "0.1,0.6", "--network", "fully-conv", "--epochs", "40")
    done = run("fit", folder / "clean.wav", "--out", folder / "run", *words)
    assert done.exit_code == 0, done.output
    return folder


def test_a_sound_loses_noise_and_keeps_all_else(voice, tmp_path):
    done = run("denoise", voice / "run", voice / "noisy.wav", tmp_path / "out.wav")
    assert done.exit_code == 0, done.output
    clean, noisy, found = (sound(path) for path in (voice / "clean.wav", voice / "noisy.wav", tmp_path / "out.wav"))
    assert (found.rate, found.dtype, found.x.shape) == (noisy.rate, noisy.dtype, noisy.x.shape)
    assert np.square(found.x - clean.x).mean() < 0.5 * np.square(noisy.x - clean.x).mean()
    again = run("denoise", voice / "run", voice / "noisy.wav", tmp_path / "out.wav")
    assert (again.exit_code, "exists" in again.output) == (2, True)
    assert run("denoise", voice / "run", voice / "noisy.wav", voice / "noisy.wav", "--force").exit_code == 2


@pytest.mark.parametrize("ending", ["csv", "npy"])
def test_a_long_table_is_one_signal_for_each_column(voice, tmp_path, ending):
    x = 0.4 * np.sin(np.arange(700)[:, None] / [3.0, 5.0]) + 0.1 * RNG.normal(size=(700, 2))
    given, out = tmp_path / f"in.{ending}", tmp_path / f"out.{ending}"
    if ending == "npy":
        np.save(given, x)
    else:
        np.savetxt(given, x, delimiter=",", header="left,right", comments="")
    done = run("denoise", voice / "run", given, out)
    assert done.exit_code == 0, done.output
    found = np.load(out) if ending == "npy" else np.loadtxt(out, delimiter=",", skiprows=1)
    assert found.shape == x.shape
    assert ending == "npy" or out.read_text().startswith("left,right\n")


def test_what_cannot_be_denoised_is_refused(voice, tmp_path):
    np.save(tmp_path / "short.npy", np.zeros(20))
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    (tmp_path / "text.csv").write_text("a,b\n1,x\n2,y\n")
    for given, out, message in (
        (tmp_path / "nope.wav", "o.wav", "no such file"),
        (tmp_path / "short.npy", "o.npy", "fewer than the 256"),
        (tmp_path / "bad.wav", "o.wav", "WAV"),
        (tmp_path / "text.csv", "o.csv", "text|columns"),
        (voice / "noisy.wav", "o.mp3", "written as .wav"),
    ):
        done = run("denoise", voice / "run", given, tmp_path / out)
        assert done.exit_code == 2
        assert any(word in done.output for word in message.split("|")), done.output
        assert not (tmp_path / out).exists()


def test_pictures_come_back_as_pictures_and_a_report_says_how_good_it_is(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for row, image in enumerate(load("digits").x[:3]):
        Image.fromarray((image / 16 * 255).astype(np.uint8)).resize((20, 16)).save(folder / f"{row}.png")
    done = run("fit", "digits", "--recipe", "denoising", "--noise", "0.3", "--epochs", "2", "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    done = run("denoise", tmp_path / "run", folder, tmp_path / "out")
    assert done.exit_code == 0, done.output
    for row in range(3):
        with Image.open(tmp_path / "out" / f"{row}.png") as image:
            assert image.size == (20, 16)
    pytest.importorskip("skimage")
    done = run("report", tmp_path / "run")
    assert done.exit_code == 0, done.output
    page = (tmp_path / "run" / "denoising.html").read_text()
    assert "savitzky-golay" not in page
    for method in ("median", "wavelet", "linear", "autoencoder"):
        assert method in page


def people(path, missing=True):
    kind = RNG.integers(0, 3, 300)
    rows = [[f"{30 + 10 * k + RNG.normal():.2f}", "abc"[k], int(RNG.poisson(2 + 5 * k))] for k in kind]
    for row in rows[:: 6 if missing else 10**9]:
        row[0] = "" if missing else row[0]
    path.write_text("age,town,visits\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n")
    return rows


def test_a_table_is_imputed_sampled_and_encoded(tmp_path):
    rows = people(tmp_path / "people.csv")
    assert run("fit", tmp_path / "people.csv", "--epochs", "3", "--out", tmp_path / "run").exit_code == 0
    done = run("impute", tmp_path / "run", tmp_path / "people.csv", "--out", tmp_path / "whole.csv")
    assert done.exit_code == 0, done.output
    with (tmp_path / "whole.csv").open() as file:
        whole = list(csv.reader(file))
    assert whole[0] == ["age", "town", "visits"]
    for row, filled in zip(rows, whole[1:], strict=True):
        assert filled[1:] == [str(value) for value in row[1:]]
        assert float(filled[0]) == pytest.approx(float(row[0]) if row[0] else float(filled[0]))
    assert run("sample", tmp_path / "run", "-n", "5", "--out", tmp_path / "s.csv").exit_code == 0
    assert (tmp_path / "s.csv").read_text().startswith("age,town,visits\n")
    assert run("encode", tmp_path / "run", tmp_path / "people.csv").exit_code == 0
    (tmp_path / "other.csv").write_text("age,town,visits\n3,Paris,4\n")
    done = run("impute", tmp_path / "run", tmp_path / "other.csv", "--out", tmp_path / "o.csv")
    assert (done.exit_code, "not seen in training" in done.output) == (2, True)


def test_impute_refuses_a_model_that_never_saw_a_gap(tmp_path):
    people(tmp_path / "people.csv", missing=False)
    assert run("fit", tmp_path / "people.csv", "--epochs", "1", "--out", tmp_path / "run").exit_code == 0
    done = run("impute", tmp_path / "run", tmp_path / "people.csv", "--out", tmp_path / "whole.csv")
    assert (done.exit_code, "nothing was missing" in done.output) == (2, True)


def test_anomalies_are_scored_named_and_kept(tmp_path):
    x = RNG.normal(size=(200, 3))
    x[17] = [0, 40, 0]
    np.savetxt(tmp_path / "t.csv", x, delimiter=",", header="a,b,c", comments="")
    words = ("--out", tmp_path / "s.csv", "--contamination", "0.02", "--epochs", "20", "--run", tmp_path / "kept")
    done = run("anomalies", tmp_path / "t.csv", *words)
    assert done.exit_code == 0, done.output
    with (tmp_path / "s.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["anomaly"]) for row in rows) == 4
    assert min(rows, key=lambda row: float(row["score"]))["row"] == "17"
    assert rows[17]["blame 1"] == "x2"
    back = AnomalyDetector.load(tmp_path / "kept")
    assert float(rows[3]["score"]) == pytest.approx(back.score_samples(load(tmp_path / "t.csv"))[3])
    assert run("anomalies", tmp_path / "t.csv", "--out", tmp_path / "t.csv").exit_code == 2
    assert run("anomalies", tmp_path / "t.csv", "--contamination", "0.9", "--out", tmp_path / "z.csv").exit_code == 2


def test_a_run_is_exported_and_a_new_model_takes_its_export_away(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    words = ("fit", "digits", "--epochs", "1", "--out", tmp_path / "run")
    assert run(*words).exit_code == 0
    done = run("export", tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert "x (n, 8, 8), float32 → codes (n, 2)" in done.output
    model, x = Autoencoder.load(tmp_path / "run"), load("digits").x
    session = onnxruntime.InferenceSession(tmp_path / "run" / "encoder.onnx")
    np.testing.assert_allclose(session.run(None, {"x": x[:9]})[0], model.transform(x[:9]), atol=1e-5)
    assert run("export", tmp_path / "run", "--out", tmp_path / "new" / "folder").exit_code == 0
    assert (tmp_path / "new" / "folder" / "decoder.onnx").is_file()
    assert run("export", tmp_path / "run", "--out", tmp_path / "run" / "model.json").exit_code == 1
    assert run("export", tmp_path / "nothing").exit_code == 2
    assert run(*words, "--force").exit_code == 0
    assert not (tmp_path / "run" / "encoder.onnx").exists()


@pytest.mark.parametrize(
    "words", [("--noise", "masking:x"), ("--noise", "0.1,0.2,0.3"), ("--noise", "gausian"), ("--network", "gruu")]
)
def test_fit_refuses_noise_and_networks_it_does_not_know(tmp_path, words):
    done = run("fit", "digits", "--epochs", "1", "--out", tmp_path / "run", *words)
    assert done.exit_code == 2
    assert not (tmp_path / "run").exists()


def test_every_family_in_one_page(tmp_path, monkeypatch):
    measured = Measure("completeness", 0.5, 0.4, 0.6, "Half of them.")  # measuring 14 models takes minutes
    monkeypatch.setattr(judgement, "completeness", lambda *_, **__: measured)
    done = run("compare", "digits", "--all", "--latent", "2", "--epochs", "1", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    page = (tmp_path / "report.html").read_text()
    for title in ("PCA", "Sparse AE (rate)", "k-sparse AE", "Denoising AE", "Contractive AE", "Convolutional VAE", "IWAE"):
        assert f"{title}</h3>" in page
    assert len(list((tmp_path / "models").iterdir())) == 14
    done = run("compare", "digits", "--all", "--recipes", "ae", "--out", tmp_path / "x")
    assert (done.exit_code, "--all is every recipe" in done.output) == (2, True)
