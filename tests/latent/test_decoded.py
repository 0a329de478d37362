"""What a move leaves behind: arrays, strips and films that are read back by others."""

import builtins
import io

import numpy as np
import pytest
from PIL import Image

from latentwalk.data.spec import DataSpec
from latentwalk.drawing.tiles import GAP, MARK
from latentwalk.errors import ConfigError
from latentwalk.latent.decoded import Decoded
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler


def space_of(event, kind=None, **known):
    """Codes on an island around the origin, whose first coordinate is every value of an example, times 100."""

    def decode(z):
        return np.broadcast_to((100 * np.asarray(z, np.float32)[:, 0]).reshape(-1, *[1] * len(event)), (len(z), *event)).copy()

    codes = np.random.default_rng(0).normal(0.5, 0.1, (200, 2)).astype(np.float32)
    data = decode(codes).clip(0, 255).astype(np.uint8 if kind is None else np.float32)
    return LatentSpace(codes, codes * 0 + 0.01, data, decode, NormalSampler(2), spec=DataSpec.infer(data, kind), **known)


@pytest.fixture
def images():
    return space_of((8, 8))


def film(path):
    av = pytest.importorskip("av")
    with av.open(path) as container:
        stream = container.streams.video[0]
        return stream, [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_arrays_are_read_back_as_they_were(images, tmp_path):
    walk = images.walk([0.5, 0.5], [9.0, 0.5], 5)
    walk.save(tmp_path / "new" / "walk.npz")
    with np.load(tmp_path / "new" / "walk.npz") as read:
        for name in ("z", "x", "t", "holes"):
            np.testing.assert_array_equal(read[name], getattr(walk, name))
    images.sample(3).save(tmp_path / "draws.npz")
    with np.load(tmp_path / "draws.npz") as read:
        assert set(read) == {"z", "x"}


def test_a_strip_has_a_red_bar_under_what_lies_in_a_hole(images, tmp_path):
    walk = images.walk([0.5, 0.5], [2.5, 0.5], 4, path="linear")
    assert walk.holes.tolist() == [False, True, True, True]
    walk.save(tmp_path / "walk.PNG")
    strip = np.asarray(Image.open(tmp_path / "walk.PNG"))
    side = 72
    for step in range(4):
        left = GAP + step * (side + GAP)
        assert strip[GAP + side // 2, left + 5].tolist() == pytest.approx([50 + 200 * step / 3] * 3, abs=1)
        below = strip[GAP + side + 1, left + 5]
        assert below.tolist() == (list(MARK) if step else [255] * 3)
    images.walk([0.5, 0.5], [0.5, 0.51], 4).save(tmp_path / "inside.png")
    with Image.open(tmp_path / "inside.png") as inside:
        assert inside.mode == "L"  # nothing is marked: gray stays gray


def test_a_film_runs_there_and_back_and_a_loop_goes_round(images, tmp_path):
    images.walk(0, 1, 5).save(tmp_path / "walk.gif", fps=10)
    images.journey([0, 1, 2], 7, loop=True).save(tmp_path / "round.gif")
    with Image.open(tmp_path / "walk.gif") as walk, Image.open(tmp_path / "round.gif") as loop:
        assert walk.n_frames == 8 and walk.info["loop"] == 0 and walk.info["duration"] == 100
        assert loop.n_frames == 6  # the last step is the first again
        assert min(walk.size) >= 200


def test_an_mp4_holds_the_pictures_and_plays_in_browsers(tmp_path):
    space = space_of((7, 9, 3))
    walk = space.walk([0.5, 0.5], [2.0, 0.5], 6, path="linear")
    walk.save(tmp_path / "walk.mp4", fps=5)
    stream, frames = film(tmp_path / "walk.mp4")
    assert stream.codec_context.name == "h264" and stream.codec_context.pix_fmt == "yuv420p"
    assert float(stream.average_rate) == 5 and len(frames) == 6
    assert frames[0].shape[0] % 2 == frames[0].shape[1] % 2 == 0
    for frame, level in zip(frames, walk.x[:, 0, 0, 0], strict=True):
        assert np.abs(frame[:100, :100].mean() - level) < 4
    content = (tmp_path / "walk.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # it can be played while it is loaded


def test_without_pyav_it_says_what_to_install(images, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "av":
            raise ImportError
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install 'latentwalk\[video\]'"):
        images.walk(0, 1).content(".mp4")


@pytest.mark.parametrize("event", [(30,), (30, 2)])
def test_signals_are_charts_and_can_be_watched(event, tmp_path):
    walk = space_of(event, "signal").walk([0.5, 0.5], [2.5, 0.5], 4, path="linear")
    walk.save(tmp_path / "walk.png")
    strip = np.asarray(Image.open(tmp_path / "walk.png"))
    assert strip.shape == (56 + 2 * GAP, 4 * (112 + GAP) + GAP, 3)
    assert (strip[-2, -10] == MARK).all()
    walk.save(tmp_path / "walk.gif")
    with Image.open(tmp_path / "walk.gif") as film:
        assert film.size == (448, 224)


def test_rows_of_a_table_are_a_heat_map_and_no_film(tmp_path):
    walk = space_of((6,), "table").walk([0.5, 0.5], [2.5, 0.5], 4, path="linear")
    walk.save(tmp_path / "walk.png")
    strip = np.asarray(Image.open(tmp_path / "walk.png"))
    assert (strip[-2, 1] == MARK).all() and (strip[1, 1] == 255).all()
    with pytest.raises(ConfigError, match="a film shows images or signals; this is a table"):
        walk.save(tmp_path / "walk.mp4")


def test_a_plane_is_a_sheet_and_no_film(images):
    grid = images.grid(steps=3)
    with Image.open(io.BytesIO(grid.content(".png"))) as sheet:
        assert sheet.size == (3 * (72 + GAP) + GAP,) * 2
    with pytest.raises(ConfigError, match=r"points in a row; these have shape \(3, 3\)"):
        grid.content(".gif")
    assert "9 points of a latent space of 2 dimensions" in grid._repr_html_()
    assert "1 point of" in grid[0][0]._repr_html_()


def test_examples_of_unknown_kind_have_arrays_but_no_picture():
    bare = Decoded(np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32))
    assert "<img" not in bare._repr_html_()
    with pytest.raises(ConfigError, match="does not know what an example is"):
        bare.content(".png")


@pytest.mark.parametrize(
    ("name", "options"), [("walk.gfi", {}), ("walk", {}), ("walk.gif", {"fps": 0}), ("w.mp4", {"fps": np.nan})]
)
def test_other_endings_and_rates_are_refused_and_nothing_is_written(images, tmp_path, name, options):
    with pytest.raises(ConfigError, match="file ending|fps="):
        images.walk(0, 1).save(tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------- sheets of what was made


def test_a_sheet_shows_examples_reconstructions_and_what_was_made(images):
    sheet = images.sheet([0, 1], images.between(0, 1, 3))
    assert sheet.size == (2 * (2 * 76 + GAP) + 3 * 76 + GAP + 2 * 4 * GAP, 72 + 2 * GAP)
    levels = np.asarray(sheet)[GAP + 36, [GAP + 36, GAP + 76 + 36]]
    np.testing.assert_allclose(levels, images.data[[0, 1], 0, 0], atol=1)
    with pytest.raises(ConfigError, match="no bare code"):
        images.sheet([[0.0, 0.0]], images.between(0, 1))
