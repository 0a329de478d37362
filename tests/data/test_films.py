"""Films: drawn ones keep their laws, files come back as they went, and what is wrong with one is said."""

import io

import numpy as np
import pytest
from PIL import Image

from latentwalk.data import Dataset, load, read
from latentwalk.data.footage import as_films, clips, ends_of_films, frames_of
from latentwalk.data.rows import Rows
from latentwalk.data.scaling import Scaling, as_tensor
from latentwalk.data.synthetic import bouncing_digits, bouncing_shapes, render_bouncing
from latentwalk.drawing.film import gif_bytes, mp4_bytes, save_film, webp_bytes
from latentwalk.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
FILMS = RNG.integers(0, 256, (3, 5, 10, 12), dtype=np.uint8)
GLYPHS = np.zeros((3, 28, 28), np.uint8)
GLYPHS[:, 6:22, 8:20] = np.array([90, 170, 250])[:, None, None]


# ---------------------------------------------------------------------- drawn


def test_a_film_is_the_same_whatever_is_drawn_with_it():
    many = bouncing_digits(GLYPHS, 60, seed=3)
    few = bouncing_digits(GLYPHS, 20, seed=3)
    assert np.array_equal(many.x[:20], few.x)
    assert not np.array_equal(bouncing_digits(GLYPHS, 20, seed=4).x, few.x)


@pytest.mark.parametrize("random", [False, True])
@pytest.mark.parametrize("size", [32, 64])
def test_digits_stay_inside_and_move_a_step_at_a_time(random, size):
    from latentwalk.data.synthetic.bouncing import BouncingDigits

    drawn = BouncingDigits(GLYPHS, 200, 0, size, 40, random)
    places = drawn.places(np.arange(200))
    assert places.min() == 0 and places.max() == size - drawn.side
    steps = np.abs(np.diff(places, axis=1))
    assert steps.max() == 2 * size // 32 and steps.max(-1).min() >= 0
    ink = drawn.read(np.arange(5))
    for film, frame in np.ndindex(5, 40):
        top, left = places[film, frame, 0]
        assert ink[film, frame, top : top + drawn.side, left : left + drawn.side].max() >= 90


def test_only_random_films_surprise():
    """As light leaves a mirror, two frames say all that follows; at random the same two are followed by different ones."""

    def futures(random):
        from latentwalk.data.synthetic.bouncing import BouncingDigits

        drawn = BouncingDigits(GLYPHS, 20_000, 0, 32, 6, random).places(np.arange(20_000))
        one = drawn[:, :, 0].reshape(len(drawn), -1)
        seen = {}
        for row in one:
            seen.setdefault(tuple(row[:8]), set()).add(tuple(row[8:]))
        return max(map(len, seen.values()))

    assert futures(False) == 1 and futures(True) > 1


def test_millions_of_films_take_no_memory_until_they_are_asked_for():
    data = bouncing_digits(GLYPHS, 5_000_000)
    assert isinstance(data.x, Rows) and data.x[4_999_999].shape == (15, 32, 32)


def test_shapes_are_where_their_factors_say():
    x = render_bouncing({"x": [0.0, 1.0], "y": 0.5, "radius": 4.0, "shape": 1, "colour": 5, "speed_x": [1.0, -1.0]}, length=9)
    ink = x[..., 0].astype(float)
    middle = (ink * (np.arange(32) + 0.5)).sum((2, 3)) / ink.sum((2, 3))
    assert np.allclose(middle[0], 4 + np.arange(9), atol=0.1) and np.allclose(middle[1], 28 - np.arange(9), atol=0.1)
    fast = bouncing_shapes(50, length=60)
    assert fast.x.shape == (50, 60, 32, 32, 3) and set(fast.factors) >= {"speed_x", "colour", "radius"}
    assert fast.x.reshape(50, 60, -1).max(-1).min() > 100  # it never leaves


def test_the_catalog_has_both():
    digits = load("bouncing-digits", n=60)
    assert digits.spec.kind == "film" and digits.x.shape == (50, 15, 32, 32)
    assert load("bouncing-digits", n=60, split="test").x.shape == (10, 15, 32, 32)
    assert load("bouncing-shapes", n=60, length=4, size=16).spec.layout == "THWC"
    with pytest.raises(ConfigError, match="32 or 64"):
        load("bouncing-digits", size=48)


# ---------------------------------------------------------------------- as arrays


def test_films_of_any_length_are_padded_and_come_back():
    films = [RNG.integers(0, 256, (t, 4, 6), dtype=np.uint8) for t in (3, 7, 5)]
    data = as_films(films)
    assert data.x.shape == (3, 7, 4, 6) and data.x.dtype == np.float16 and data.spec.missing
    assert (data.spec.low, data.spec.high) == (0, 255)
    assert ends_of_films(data.x).tolist() == [3, 7, 5]
    for padded, film in zip(data.x, films, strict=True):
        assert np.array_equal(padded[: len(film)].astype(np.uint8), film) and np.isnan(padded[len(film) :]).all()
    stills = frames_of(data)
    assert stills.spec.kind == "image" and stills.x.dtype == np.uint8
    assert np.array_equal(stills.x, np.concatenate(films))


@pytest.mark.parametrize("shape", [(4, 3, 8, 6), (4, 3, 8, 6, 3)])
def test_scaling_and_back_is_the_identity(shape):
    x = RNG.integers(0, 256, shape, dtype=np.uint8)
    spec = Dataset.of(x, kind="film").spec
    scaling = Scaling.fit(x, spec, "unit")
    scaled = scaling(as_tensor(x))
    assert scaled.shape == (4, shape[4] if len(shape) > 4 else 1, 3, 8, 6)
    assert np.allclose(scaling.inverse(scaled).numpy(), x, atol=1e-4)


def test_frames_of_more_than_is_held_are_some_of_them():
    data = Dataset.of(FILMS, kind="film")
    some = frames_of(data, most=4 * 120)
    assert len(some) == 4 and all((frame == FILMS.reshape(-1, 10, 12)).all((1, 2)).any() for frame in some.x)
    assert len(frames_of(data, most=None)) == 15


def test_clips_are_read_when_asked_for():
    frames = FILMS.reshape(-1, 10, 12)
    found = clips(frames, [0, 3, 10], [4, 4, 4])
    assert np.array_equal(found[1], frames[3:7]) and found.dtype == np.uint8


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros((5, 8, 8)), r"films are \(n, T, H, W\)"),
        (np.zeros((5, 8, 8, 3)), r"one film in colour.*X\[None\]"),
        ([], "the list is empty"),
        ([np.zeros((3, 8, 8)), np.zeros((3, 8, 9))], r"film 0 has \(8, 8\) and film 1 has \(8, 9\)"),
        ([np.zeros((3, 8, 8)), np.zeros((0, 8, 8))], "film 1 has no frames"),
        ([np.zeros((3, 8))], "film 0 is float64 of shape"),
        (Dataset.of(np.zeros((4, 8, 8), np.uint8)), "holds images"),
    ],
)
def test_what_are_no_films_is_told(given, said):
    with pytest.raises(DataError, match=said):
        as_films(given)


def test_a_gap_within_a_film_is_told():
    x = RNG.random((2, 5, 4, 4)).astype(np.float32)
    x[1, 2, 0, 0] = np.nan
    with pytest.raises(DataError, match="film 1 holds NaN in frame 2"):
        ends_of_films(x)


# ---------------------------------------------------------------------- files


def written(folder, film, start=1):
    folder.mkdir(parents=True)
    for at, frame in enumerate(film, start):
        Image.fromarray(frame).save(folder / f"frame{at}.png")


def test_numbered_frames_come_back_in_the_order_of_their_numbers(tmp_path):
    film = RNG.integers(0, 256, (12, 10, 12), dtype=np.uint8)
    written(tmp_path / "one", film)
    data = read(tmp_path / "one", kind="film")
    assert np.array_equal(data.x[0], film)
    assert read(tmp_path / "one").x.shape == (12, 10, 12)  # as images, where nothing is said


def test_a_folder_of_folders_is_several_films(tmp_path):
    for at, film in enumerate(FILMS):
        written(tmp_path / "films" / f"take{at}", film[: 5 - at])
    data = read(tmp_path / "films", kind="film")
    assert data.names == ("take0", "take1", "take2") and ends_of_films(data.x).tolist() == [5, 4, 3]
    assert np.array_equal(data.x[2, :3].astype(np.uint8), FILMS[2, :3])
    lazy = read(tmp_path / "films", kind="film", lazy=True)
    assert np.array_equal(np.asarray(lazy.x), data.x, equal_nan=True)


def test_gray_gifs_and_lossless_webp_come_back_exactly(tmp_path):
    (tmp_path / "a.gif").write_bytes(gif_bytes(FILMS[0][..., None], back=False))
    data = read(tmp_path / "a.gif")
    assert data.spec.kind == "film" and np.array_equal(data.x[0], FILMS[0])
    colour = RNG.integers(0, 256, (4, 10, 12, 3), dtype=np.uint8)
    frames = [Image.fromarray(frame) for frame in colour]
    frames[0].save(tmp_path / "b.webp", save_all=True, append_images=frames[1:], lossless=True, exact=True, duration=100)
    assert np.array_equal(read(tmp_path / "b.webp").x[0], colour)


@pytest.mark.parametrize("ending", ["webp", "gif"])
def test_a_film_that_was_saved_comes_back_exactly(tmp_path, ending):
    shape = (5, 10, 12, 3) if ending == "webp" else (5, 10, 12)
    film = RNG.integers(0, 256, shape, dtype=np.uint8)
    save_film(tmp_path / f"a.{ending}", film, fps=10)
    assert np.array_equal(read(tmp_path / f"a.{ending}").x[0], film)
    save_film(tmp_path / f"b.{ending}", film / 255.0)
    assert np.array_equal(read(tmp_path / f"b.{ending}").x[0], film)


def test_a_film_is_saved_as_a_strip_or_not_at_all(tmp_path):
    save_film(tmp_path / "a.png", FILMS[0])
    with Image.open(tmp_path / "a.png") as strip:
        assert strip.width > 5 * 12
    for film, name, said in (
        (FILMS[0], "a.txt", "is written as"),
        (np.zeros((3, 4)), "a.gif", r"\(T, H, W\)"),
        (np.full((2, 3, 3), np.nan), "a.gif", "NaN or infinity"),
    ):
        with pytest.raises((ConfigError, DataError), match=said):
            save_film(tmp_path / name, film)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.png"]


def test_rate_and_length_and_size(tmp_path):
    frames = [Image.fromarray(np.full((8, 8), 40 * at, np.uint8)) for at in range(6)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=[100, 100, 300, 100, 100, 100])
    slow = read(tmp_path / "a.gif", rate=10)
    assert slow.x[0, :, 0, 0].tolist() == [0, 40, 80, 80, 80, 120, 160, 200]
    cut = read(tmp_path / "a.gif", length=4)
    assert cut.x.shape == (1, 4, 8, 8) and "2 frames at its end" in cut.remarks[0]
    assert read(tmp_path / "a.gif", size=(4, 6)).x.shape == (1, 6, 4, 6)
    with pytest.raises(DataError, match="no film has 9 frames; the longest has 6"):
        read(tmp_path / "a.gif", length=9)
    written(tmp_path / "frames", FILMS[0])
    with pytest.raises(ConfigError, match="numbered images do not"):
        read(tmp_path / "frames", kind="film", rate=5)
    with pytest.raises(ConfigError, match="rate=5 is for films"):
        read(tmp_path / "frames", rate=5)


def test_sixteen_bits_and_alpha(tmp_path):
    deep = (np.arange(2 * 64).reshape(2, 8, 8) * 300).astype(np.uint16)
    written(tmp_path / "deep", deep)
    assert np.array_equal(read(tmp_path / "deep", kind="film").x[0], deep)
    clear = np.zeros((2, 8, 8, 4), np.uint8)
    written(tmp_path / "clear", clear)
    assert (read(tmp_path / "clear", kind="film").x == 255).all()  # on white


@pytest.mark.parametrize(
    ("write", "shape", "fps"),
    [(gif_bytes, (2, 1, 70_000, 1), 8), (gif_bytes, (7000, 1, 1, 1), 8), (webp_bytes, (2, 1, 17_000, 3), 8)],
)
def test_what_a_format_does_not_hold_is_told(write, shape, fps):
    with pytest.raises(ConfigError, match="pictures of .* cannot be written as"):
        write(np.zeros(shape, np.uint8), fps)


def test_frames_of_another_size_are_told(tmp_path):
    written(tmp_path / "a", FILMS[0])
    Image.fromarray(np.zeros((6, 6), np.uint8)).save(tmp_path / "a" / "frame9.png")
    with pytest.raises(DataError, match=r"differ in size.*Pass size="):
        read(tmp_path / "a", kind="film")


def test_a_gif_that_is_cut_off_gives_what_could_be_read_and_says_so(tmp_path):
    whole = gif_bytes(RNG.integers(0, 256, (8, 40, 40, 1), dtype=np.uint8), back=False)
    path = tmp_path / "a.gif"
    said = []
    for keep in (0.95, 0.6, 0.02):
        path.write_bytes(whole[: int(keep * len(whole))])
        try:
            data = read(path)
            said.append(len(data.x[0]))
            assert 1 <= len(data.x[0]) <= 8
        except DataError as error:
            assert str(error).startswith(str(path))
            said.append(0)
    assert said[-1] == 0 and said[0] >= said[1]


def test_a_film_that_is_cut_off_among_others_costs_only_its_own_frames(tmp_path):
    whole = gif_bytes(RNG.integers(0, 256, (8, 40, 40, 1), dtype=np.uint8), back=False)
    for name, content in (("a[1].gif", whole[: len(whole) // 2]), ("a[2].gif", whole), ("a[3].gif", whole)):
        (tmp_path / name).write_bytes(content)
    data = read(tmp_path, kind="film")
    lengths = ends_of_films(data.x)
    assert data.names == ("a[1].gif", "a[2].gif", "a[3].gif") and 1 <= lengths[0] < 8 and lengths[1:].tolist() == [8, 8]
    assert len(data.skipped) == 1 and data.skipped[0].startswith("a[1].gif: only")
    assert len(read(tmp_path / "a[1].gif", rate=10).x[0]) >= 1  # it says when frames are shown, though cut off


@pytest.mark.parametrize(
    ("numbers", "after"),
    [(range(5), None), (range(0, 50, 10), None), ([0, 1, 3, 5], "f1.png comes f3.png"), ([0, 5, 15], "f5.png")],
)
def test_frames_that_are_missing_by_their_numbers_are_told(tmp_path, numbers, after):
    for at in numbers:
        Image.fromarray(FILMS[0, 0]).save(tmp_path / f"f{at}.png")
    remarks = read(tmp_path, kind="film").remarks
    assert remarks == () if after is None else after in remarks[0]


def test_more_frames_a_second_than_can_be_are_refused(tmp_path):
    (tmp_path / "a.gif").write_bytes(gif_bytes(FILMS[0][..., None], back=False))
    with pytest.raises(ConfigError, match="rate=1e\\+09 makes"):
        read(tmp_path / "a.gif", rate=1e9)
    Image.fromarray(FILMS[0, 0]).save(tmp_path / "one.gif")
    assert read(tmp_path / "one.gif", rate=10).names == ("one.gif",)


def test_what_is_no_film_is_told(tmp_path):
    (tmp_path / "a.gif").write_bytes(b"no film at all")
    with pytest.raises(DataError, match=r"a\.gif.*(no image|no film)"):
        read(tmp_path / "a.gif")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no (film|image) here"):
        read(tmp_path / "empty", kind="film")
    with pytest.raises(DataError, match="not divided"):
        read(tmp_path / "a.gif", split="test")


def test_one_film_in_a_file_of_numpys(tmp_path):
    np.save(tmp_path / "a.npy", FILMS)
    assert read(tmp_path / "a.npy", kind="film").x.shape == FILMS.shape
    np.savez(tmp_path / "b.npz", frames=RNG.integers(0, 255, (6, 8, 9, 3), dtype=np.uint8))
    assert read(tmp_path / "b.npz", kind="film").x.shape == (1, 6, 8, 9, 3)


# ---------------------------------------------------------------------- by PyAV


def test_an_mp4_comes_back_nearly(tmp_path):
    pytest.importorskip("av")
    smooth = np.linspace(30, 220, 48)[None, :, None] + 20 * np.arange(6)[:, None, None] * 0.3 + np.zeros((1, 1, 64))
    film = smooth.astype(np.uint8)[..., None]
    (tmp_path / "a.mp4").write_bytes(mp4_bytes(film, 10))
    data = read(tmp_path / "a.mp4", color="gray")
    assert data.x.shape == (1, 6, 48, 64) and np.abs(data.x[0].astype(int) - film[..., 0]).max() <= 6
    assert read(tmp_path / "a.mp4", rate=5).x.shape == (1, 3, 48, 64, 3)
    assert np.array_equal(np.asarray(read(tmp_path / "a.mp4", color="gray", lazy=True).x), data.x)


def test_an_mp4_that_is_cut_off_or_none_is_told(tmp_path):
    pytest.importorskip("av")
    film = RNG.integers(0, 256, (40, 64, 64, 3), dtype=np.uint8)
    whole = mp4_bytes(film, 10)
    (tmp_path / "a.mp4").write_bytes(whole[: 2 * len(whole) // 3])
    data = read(tmp_path / "a.mp4")
    assert 1 <= data.x.shape[1] < 40 or data.skipped
    (tmp_path / "b.mp4").write_bytes(b"\0" * 100)
    with pytest.raises(DataError, match=r"b\.mp4"):
        read(tmp_path / "b.mp4")
    assert io.BytesIO(whole).getbuffer().nbytes > 0


@pytest.mark.parametrize(("codec", "ending"), [("mjpeg", "avi"), ("ffv1", "mkv")])
def test_a_video_that_ends_before_what_it_promises_says_so(tmp_path, codec, ending):
    av = pytest.importorskip("av")
    path = tmp_path / f"a.{ending}"
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=10)
        stream.height, stream.width, stream.pix_fmt = 64, 64, "yuvj420p" if codec == "mjpeg" else "bgr0"
        for frame in RNG.integers(0, 256, (20, 64, 64, 3), dtype=np.uint8):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode())
    data = read(path)
    assert data.x.shape[1] == 20 and data.skipped == ()
    path.write_bytes(path.read_bytes()[: 2 * path.stat().st_size // 3])
    data = read(path)
    assert 1 <= data.x.shape[1] < 20 and "frames can be read" in data.skipped[0]


# ---------------------------------------------------------------------- damaged


def counted(folder, count=10):
    """Frames whose every pixel says which they are."""
    folder.mkdir()
    for at in range(count):
        frame = np.random.default_rng(at).integers(0, 256, (8, 8), dtype=np.uint8)
        frame[0, 0] = at
        Image.fromarray(frame).save(folder / f"{at}.png")


def numbers(data):
    """The frames of each film by their number."""
    return [[int(frame[0, 0]) for frame in film[:count]] for film, count in zip(data.x, ends_of_films(data.x), strict=True)]


@pytest.mark.parametrize("keep", [0, 20, -60], ids=["empty", "no header", "cut off"])
def test_a_frame_that_cannot_be_read_cuts_the_film(tmp_path, keep):
    counted(tmp_path / "a")
    for at in (3, 4, 8):
        path = tmp_path / "a" / f"{at}.png"
        path.write_bytes(path.read_bytes()[:keep])
    (tmp_path / "a" / "6.txt").write_text("beside the frames: no frame of the film")
    data = read(tmp_path / "a", kind="film")
    assert numbers(data) == [[0, 1, 2], [5, 6, 7]]  # the last alone is no film
    assert data.skipped and len(set(data.names)) == 2
    lazily = read(tmp_path / "a", kind="film", lazy=True) if keep != -60 else data
    assert numbers(lazily) == numbers(data)


def test_a_film_without_a_whole_frame_is_told(tmp_path):
    counted(tmp_path / "a", 3)
    for path in (tmp_path / "a").iterdir():
        path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(DataError, match="no film here that can be decoded"):
        read(tmp_path / "a", kind="film")


def moving_square(count=60, side=96):
    film = np.repeat(np.random.default_rng(0).integers(0, 99, (1, side, side, 3), dtype=np.uint8), count, axis=0)
    for at in range(count):
        film[at, 8 + at : 24 + at, at : 16 + at] = 255
    return film


def a_video(path, codec, sound=None):
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=25)
        stream.width = stream.height = 96
        stream.pix_fmt, stream.gop_size = "yuvj420p" if codec == "mjpeg" else "yuv420p", 6
        heard = file.add_stream(sound, rate=44100) if sound else None
        for frame in moving_square():
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode())
        for at in range(0, 44100 * 60 // 25, 1024) if heard is not None else ():
            wave = (8000 * np.sin(np.arange(at, at + 1024) / 20)).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            frame.sample_rate, frame.pts = 44100, at
            file.mux(heard.encode(frame))
        if heard is not None:
            file.mux(heard.encode())
    return path.read_bytes()


def jumps_and_ghosts(data, whole):
    """How many frames of the films follow one that is not before them, and how many are none of the film's."""
    jumps = ghosts = 0
    for film, count in zip(data.x, ends_of_films(data.x), strict=True):
        apart = [np.abs(whole - frame.astype(float)).mean((1, 2, 3)) for frame in film[:count]]
        ghosts += sum(one.min() > 3 for one in apart)
        jumps += int((np.diff([one.argmin() for one in apart]) != 1).sum())
    return jumps, ghosts


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mpg", "mpeg2video"), ("a.ts", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mjpeg")]
)
def test_damage_in_the_middle_of_a_video_cuts_it(tmp_path, name, codec):
    content = a_video(tmp_path / name, codec)
    whole = read(tmp_path / name)
    assert whole.x.shape[1] == 60 and not whole.skipped
    middle = len(content) // 2
    (tmp_path / name).write_bytes(content[:middle] + bytes(300) + content[middle + 300 :])
    data = read(tmp_path / name)
    assert len(data) == 2 and 30 <= ends_of_films(data.x).sum() < 60
    assert "is damaged" in data.skipped[0] and "cut into 2 films" in data.skipped[0]
    assert jumps_and_ghosts(data, whole.x[0].astype(float)) == (0, 0)
    again = read(tmp_path / name, lazy=True)
    assert np.array_equal(np.asarray(again.x), np.asarray(data.x), equal_nan=True)


@pytest.mark.parametrize(
    ("name", "codec", "sound"),
    [("a.mkv", "libx264", "aac"), ("b.mkv", "mpeg4", "mp2"), ("c.ts", "mpeg2video", "mp2"), ("d.mpg", "mpeg2video", None)],
)
def test_a_video_with_sound_that_ends_early_says_so(tmp_path, name, codec, sound):
    content = a_video(tmp_path / name, codec, sound)
    whole = read(tmp_path / name)
    assert not whole.skipped and not whole.remarks
    (tmp_path / name).write_bytes(content[: 2 * len(content) // 3 + 50])
    data = read(tmp_path / name)
    assert ends_of_films(data.x).sum() < 60 and (
        "frames can be read" in data.skipped[0] if data.skipped else "may be cut off" in data.remarks[0]
    )
