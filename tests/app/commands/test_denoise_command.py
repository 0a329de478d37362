"""`latentwalk denoise`: what goes in comes out of the same kind, and without noise."""

import numpy as np
import pytest
from PIL import Image

from latentwalk.data import Dataset, load
from latentwalk.data.sources.sounds import Sound, sound
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.estimators.windows import denoised_picture, denoised_signal
from latentwalk.networks.build import Network

RNG = np.random.default_rng(0)


class Same(Autoencoder):
    """An autoencoder that gives back what it gets: what is left are windows, formats and files."""

    def denoise(self, X, alike=True):
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
def voice(call, tmp_path_factory):
    """A run trained on a sound, and that sound with noise."""
    folder = tmp_path_factory.mktemp("voice")
    t = np.arange(9000) / 8000
    x = 0.4 * np.sin(2 * np.pi * 300 * t)
    (folder / "clean.wav").write_bytes(Sound(x, 8000, "int16").content())
    (folder / "noisy.wav").write_bytes(Sound(x + 0.1 * RNG.normal(size=len(x)), 8000, "int16").content())
    words = ("--recipe", "denoising", "--epochs", "2", "--window", "256")
    call("fit", folder / "clean.wav", "--out", folder / "run", *words)
    return folder


def test_a_sound_loses_noise_and_keeps_all_else(call, voice, tmp_path):
    call("denoise", voice / "run", voice / "noisy.wav", tmp_path / "out.wav")
    clean, noisy, found = (sound(path) for path in (voice / "clean.wav", voice / "noisy.wav", tmp_path / "out.wav"))
    assert (found.rate, found.dtype, found.x.shape) == (noisy.rate, noisy.dtype, noisy.x.shape)
    assert np.square(found.x - clean.x).mean() < 0.5 * np.square(noisy.x - clean.x).mean()
    assert "exists" in call("denoise", voice / "run", voice / "noisy.wav", tmp_path / "out.wav", code=2)
    call("denoise", voice / "run", voice / "noisy.wav", voice / "noisy.wav", "--force", code=2)


@pytest.mark.parametrize("ending", ["csv", "npy"])
def test_a_long_table_is_one_signal_for_each_column(call, voice, tmp_path, ending):
    x = 0.4 * np.sin(np.arange(700)[:, None] / [3.0, 5.0]) + 0.1 * RNG.normal(size=(700, 2))
    given, out = tmp_path / f"in.{ending}", tmp_path / f"out.{ending}"
    if ending == "npy":
        np.save(given, x)
    else:
        np.savetxt(given, x, delimiter=",", header="left,right", comments="")
    call("denoise", voice / "run", given, out)
    found = np.load(out) if ending == "npy" else np.loadtxt(out, delimiter=",", skiprows=1)
    assert found.shape == x.shape
    assert ending == "npy" or out.read_text().startswith("left,right\n")


def test_what_cannot_be_denoised_is_refused(call, voice, tmp_path):
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
        said = call("denoise", voice / "run", given, tmp_path / out, code=2)
        assert any(word in said for word in message.split("|")), said
        assert not (tmp_path / out).exists()


@pytest.mark.usefixtures("quick")
def test_pictures_come_back_as_pictures_and_a_report_says_how_good_it_is(call, few, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for row, image in enumerate(load("digits").x[:3]):
        Image.fromarray((image / 16 * 255).astype(np.uint8)).resize((20, 16)).save(folder / f"{row}.png")
    call("fit", few, "--recipe", "denoising", "--noise", "0.3", "--epochs", "2", "--out", tmp_path / "run")
    call("denoise", tmp_path / "run", folder, tmp_path / "out")
    for row in range(3):
        with Image.open(tmp_path / "out" / f"{row}.png") as image:
            assert image.size == (20, 16)
    pytest.importorskip("skimage")
    call("report", tmp_path / "run")
    page = (tmp_path / "run" / "denoising.html").read_text()
    assert "savitzky-golay" not in page
    for method in ("median", "wavelet", "linear", "autoencoder"):
        assert method in page


@pytest.fixture(scope="module")
def cleaner(call, tmp_path_factory):
    """A denoiser of gray images of 12 x 12 pixels, hardly trained, and four pictures of its kind."""
    folder = tmp_path_factory.mktemp("cleaner")
    (folder / "in").mkdir()
    for at in range(4):
        Image.fromarray(RNG.integers(0, 256, (12, 12), dtype=np.uint8)).save(folder / "in" / f"{at}.png")
    call("fit", folder / "in", "--recipe", "denoising", "--latent", 2, "--epochs", 1, "--out", folder / "run")
    return folder


def test_colour_transparency_depth_and_what_is_up_stay_as_they_were(call, cleaner, tmp_path):
    seen = RNG.integers(0, 256, (20, 30, 4), dtype=np.uint8)
    Image.fromarray(seen).save(tmp_path / "clear.png")
    Image.fromarray(RNG.integers(0, 65536, (20, 20)).astype(np.uint16)).save(tmp_path / "deep.png")
    turned = Image.fromarray(seen[..., :3])
    exif = turned.getexif()
    exif[274] = 6  # to be shown turned by a quarter
    turned.save(tmp_path / "turned.jpg", exif=exif)
    for name, mode, size in (("clear", "RGBA", (30, 20)), ("deep", "I;16", (20, 20)), ("turned", "RGB", (20, 30))):
        given = next(tmp_path.glob(f"{name}.*"))
        call("denoise", cleaner / "run", given, tmp_path / f"{name}-clean.png")
        with Image.open(tmp_path / f"{name}-clean.png") as found:
            assert (found.mode, found.size) == (mode, size)
            assert name != "clear" or np.array_equal(np.asarray(found)[..., 3], seen[..., 3])
            assert name != "deep" or np.asarray(found).max() > 255


@pytest.mark.parametrize("ending", ["npy", "csv", "wav", "mid", "txt", "parquet", "xyz"])
def test_no_picture_is_written_to_what_is_called_otherwise(call, cleaner, tmp_path, ending):
    said = call("denoise", cleaner / "run", cleaner / "in" / "0.png", tmp_path / f"out.{ending}", code=2)
    assert f"pictures cannot be written as .{ending}. Use .png, and" in said and not list(tmp_path.iterdir())


def test_into_a_folder_goes_a_file_of_the_same_name_and_arrays_keep_their_type(call, cleaner, tmp_path):
    assert f"{tmp_path / '0.png'}" in call("denoise", cleaner / "run", cleaner / "in" / "0.png", tmp_path)
    (tmp_path / "file").write_text("")
    said = call("denoise", cleaner / "run", cleaner / "in" / "0.png", tmp_path / "file" / "0.png", code=1)
    assert f"{tmp_path / 'file'} is there, and is no folder" in said
    for x in (RNG.integers(0, 256, (5, 12, 12), dtype=np.uint8), RNG.random((12, 12)).astype(np.float64) * 255):
        np.save(tmp_path / "in.npy", x)
        call("denoise", cleaner / "run", tmp_path / "in.npy", tmp_path / "out.npy", "--force")
        found = np.load(tmp_path / "out.npy")
        assert (found.shape, found.dtype) == (x.shape, x.dtype) and found.max() > 1


def test_a_tsv_is_written_as_what_we_write(call, tmp_path):
    x = RNG.random((40, 3))
    for name, mark in (("in.csv", ","), ("in.tsv", "\t")):
        np.savetxt(tmp_path / name, x, delimiter=mark, header=mark.join("abc"), comments="")
    call("fit", tmp_path / "in.csv", "--recipe", "denoising", "--epochs", 1, "--out", tmp_path / "run")
    call("denoise", tmp_path / "run", tmp_path / "in.tsv", tmp_path / "out.csv")
    call("denoise", tmp_path / "run", tmp_path / "in.csv", tmp_path / "same.csv")
    assert (tmp_path / "out.csv").read_text() == (tmp_path / "same.csv").read_text()
    said = call("denoise", tmp_path / "run", tmp_path / "in.tsv", tmp_path / "out.tsv", code=2)
    assert "expected a file ending in .csv or .parquet" in said


def test_what_is_read_is_never_written_over(call, cleaner, voice, tmp_path):
    before = {path.name: path.read_bytes() for path in (cleaner / "in").iterdir()}
    said = call("reconstruct", cleaner / "run", cleaner / "in", "--out", cleaner / "in", code=2)
    assert "is read by this command" in said
    assert before == {path.name: path.read_bytes() for path in (cleaner / "in").iterdir()}
    sounds = ("reconstruct", voice / "run", voice / "noisy.wav", "--out", tmp_path)
    call(*sounds)
    assert "000.wav exists" in call(*sounds, code=2)
    call(*sounds, "--force")
