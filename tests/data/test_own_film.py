"""A film from anywhere, as a model sees it: frame by frame what a picture is, within bounds, up to where it is damaged."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from latentwalk.data.original import Original
from latentwalk.data.own_film import Bounds, own_film
from latentwalk.data.spec import DataSpec
from latentwalk.errors import DataError

GRAY = DataSpec("image", (8, 8), "HW", "uint8", 0.0, 255.0, 0.0)
RGB = DataSpec("image", (8, 8, 3), "HWC", "uint8", 0.0, 255.0, 0.0)
UNIT = DataSpec("image", (8, 8), "HW", "float32", 0.0, 1.0, 0.0)
MOVING = {".gif": ("GIF", {}), ".webp": ("WEBP", {"lossless": True}), ".apng": ("PNG", {})}


def noise(count, height=8, width=8, channels=()):
    return np.random.default_rng(0).integers(0, 256, (count, height, width, *channels), dtype=np.uint8)


def film(frames, ending=".gif"):
    kind, how = MOVING[ending]
    file, pictures = io.BytesIO(), [Image.fromarray(one) for one in frames]
    pictures[0].save(file, kind, save_all=True, append_images=pictures[1:], duration=40, **how)
    return file.getvalue()


def picture(pixels, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def packed(members, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def complaint(content, name, **bounds):
    with pytest.raises(DataError) as found:
        own_film(content, name, GRAY, Bounds(**bounds))
    return str(found.value)


@pytest.mark.parametrize("ending", MOVING)
def test_a_film_of_the_models_size_is_what_it_was(ending):
    x = noise(7)
    found = own_film(film(x, ending), f"a{ending}", GRAY)
    np.testing.assert_array_equal(found.frames, x)
    assert found.size == (8, 8) and found.remarks == ()
    np.testing.assert_allclose(own_film(film(x, ending), f"A{ending.upper()}", UNIT).frames, x / 255, atol=1e-6)


@pytest.mark.parametrize("spec", [GRAY, RGB, UNIT])
def test_a_frame_is_seen_as_a_picture_is(spec):
    x = noise(3, 20, 31, (3,))
    frames = own_film(packed({f"{at}.png": picture(one) for at, one in enumerate(x)}), "a.zip", spec).frames
    alone = [Original.of(Image.fromarray(one)).seen(spec) for one in x]
    np.testing.assert_array_equal(frames, np.stack(alone))


def test_numbered_images_are_in_the_order_of_their_numbers():
    x, order = noise(12), [3, 11, 0, 7, 1, 10, 2, 9, 4, 8, 5, 6]
    members = {f"shot/frame {at}.png": picture(x[at]) for at in order}
    others = {"shot/read me.txt": b"hello", "__MACOSX/shot/._frame 1.png": b"chatter", "shot/.hidden.png": b""}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        found = own_film(packed(members | others, method), "shot.zip", GRAY)
        np.testing.assert_array_equal(found.frames, x)
        assert found.remarks == ()
    del members["shot/frame 5.png"]
    assert "not numbered evenly: after shot/frame 4.png" in own_film(packed(members), "shot.zip", GRAY).remarks[0]
    deep = {f"{at}.png": picture(one.astype(np.uint16) * 257) for at, one in enumerate(x)}
    np.testing.assert_array_equal(own_film(packed(deep), "deep.zip", GRAY).frames, x)


def test_one_image_is_a_film_of_one_frame():
    x = noise(1)
    for content, name in ((picture(x[0]), "a.png"), (film(x), "a.gif"), (packed({"a.png": picture(x[0])}), "a.zip")):
        np.testing.assert_array_equal(own_film(content, name, GRAY).frames, x)
    np.testing.assert_array_equal(own_film(packed({"a.gif": film(noise(5))}), "a.zip", GRAY).frames, noise(5))


def test_a_video_is_read_by_pyav_where_it_is_there(tmp_path):
    pytest.importorskip("av")
    from latentwalk.drawing.film import mp4_bytes

    x = np.zeros((9, 48, 64, 3), np.uint8)
    for at in range(9):
        x[at, :, 7 * at : 7 * at + 6] = 255
    content = mp4_bytes(x, 10)
    found = own_film(content, "a.mp4", GRAY)
    assert found.frames.shape == (9, 8, 8) and found.size == (48, 64) and found.remarks == ()
    alone = [Original.of(Image.fromarray(one)).seen(GRAY) for one in x]
    assert np.abs(found.frames.astype(int) - np.stack(alone)).mean() < 6
    assert len(own_film(content, "a.mp4", GRAY, Bounds(frames=4)).frames) == 4
    assert "pixels" in complaint(content, "a.mp4", pixels=3000) or "no frame" in complaint(content, "a.mp4", pixels=3000)
    assert "no frame of it can be read" in complaint(content[:500], "a.mp4")


def test_a_play_list_that_names_itself_opens_nothing(monkeypatch):
    av = pytest.importorskip("av")
    opened, usual = [], av.open

    def watched(*args, **options):
        opened.append(options["container_options"])
        return usual(*args, **options)

    monkeypatch.setattr(av, "open", watched)
    assert "no frame of it can be read" in complaint(b"ffconcat version 1.0\nfile film.mp4\n", "a.mp4")
    assert all("concat" not in one["format_whitelist"] and "hls" not in one["format_whitelist"] for one in opened) and opened


def test_a_zip_of_too_many_names_is_told_before_they_are_read():
    content = packed({f"{at:06}.png": b"" for at in range(20_000)})
    assert "list of files has" in complaint(content, "a.zip")


def test_a_video_whose_streams_show_late_is_read_within_bounds_too(tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.mpg"), "w") as file:
        stream = file.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for at in range(9):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * at, np.uint8), format="rgb24")
            file.mux(stream.encode(picture))
        file.mux(stream.encode())
    found = own_film((tmp_path / "a.mpg").read_bytes(), "a.mpg", GRAY)
    assert found.frames.shape == (9, 8, 8) and np.abs(found.frames.mean((1, 2)) - 20 * np.arange(9)).max() < 6


@pytest.mark.parametrize("ending", [".gif", ".apng"])
def test_a_film_ends_where_it_is_damaged_and_says_so(ending):
    x = noise(7, 40, 40)
    content = film(x, ending)
    for share in (0.4, 0.55, 0.8):
        found = own_film(content[: int(share * len(content))], f"a{ending}", GRAY)
        whole = own_film(content, f"a{ending}", GRAY).frames
        assert 0 < len(found.frames) < 7
        np.testing.assert_array_equal(found.frames, whole[: len(found.frames)])
        assert f"only its first {len(found.frames)} frames can be read: it is damaged or cut off" in found.remarks[0]


def test_a_film_cut_between_two_frames_is_told():
    content, two = film(noise(7)), film(noise(7)[:2])
    cut = next(at for at in range(len(two) - 40, len(two) + 40) if _frames_of(content[:at]) == 2)
    assert own_film(content[:cut], "a.gif", GRAY).remarks


def _frames_of(content):
    with Image.open(io.BytesIO(content)) as image:
        return getattr(image, "n_frames", 1)


def test_in_an_archive_too():
    x = noise(4)
    members = {f"{at}.png": picture(one) for at, one in enumerate(x)}
    found = own_film(packed(members | {"2.png": members["2.png"][:60]}), "a.zip", GRAY)
    np.testing.assert_array_equal(found.frames, x[:2])
    assert "only its first 2 frames can be read: 2.png: " in found.remarks[0]
    sizes = own_film(packed(members | {"2.png": picture(noise(1, 16, 16)[0])}), "a.zip", GRAY)
    assert len(sizes.frames) == 4 and "differ in size" in sizes.remarks[0]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"Once upon a time", "tale.gif", "not an image of a known format"),
        (b"", "nothing.gif", "not an image of a known format"),
        (b"Once upon a time", "tale.zip", "not a .zip"),
        (packed({"notes.txt": b"hello"}), "notes.zip", "it holds none"),
        (packed({"a.gif": film(noise(2)), "b.gif": film(noise(2))}), "two.zip", "several images that move"),
        (b"Once upon a time", "tale.txt", "expected a film, as one of .gif"),
        (film(noise(2)), "no ending", "expected a film"),
        (film(noise(2))[:30], "cut.gif", "no frame of it can be read"),
    ],
)
def test_what_is_no_film_is_told(content, name, said):
    found = complaint(content, name)
    assert said in found and found.startswith(f"{name}: ") and "latentwalk-" not in found


def test_no_more_is_read_than_there_are_bounds_for():
    content = film(noise(9))
    found = own_film(content, "a.gif", GRAY, Bounds(frames=4))
    assert len(found.frames) == 4 and found.remarks == ("it has more than 4 frames, of which these are the first",)
    assert len(own_film(content, "a.gif", GRAY, Bounds(values=3 * 64)).frames) == 3
    late = own_film(content, "a.gif", GRAY, Bounds(seconds=1e-9))
    assert len(late.frames) == 1 and "as many as are decoded in 1e-09 seconds" in late.remarks[0]
    assert own_film(content, "a.gif", GRAY, Bounds(frames=9)).remarks == ()
    assert "20 × 10 pixels: at most 100 are read" in complaint(film(noise(2, 10, 20)), "a.gif", pixels=100)


def bomb(side):
    """A PNG of a few kB that says it is white, and `side` pixels high and wide."""
    rows = zlib.compress(b"\0" * 1000, 9)
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")]
    chunks = (struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_bombs_do_not_go_off():
    for side in (5_000, 50_000):
        for content, name in ((bomb(side), "a.png"), (packed({"0.png": picture(noise(1)[0]), "1.png": bomb(side)}), "a.zip")):
            said = _told(content, name)
            assert "pixels" in said
    zeros = packed({"0.png": b"\0" * (68 << 20)}, zipfile.ZIP_DEFLATED)
    assert len(zeros) < 1 << 18 and "taken for a trap" in complaint(zeros, "a.zip")
    wide = packed({"0.png": picture(noise(1)[0]) + b"\0" * (1 << 20)}, zipfile.ZIP_DEFLATED)
    assert "larger than the 100,000 bytes" in complaint(wide, "a.zip", size=100_000)
    header = bytearray(film(noise(3)))
    header[6:10] = struct.pack("<HH", 65_535, 65_535)  # the screen on which a GIF says that it is played
    assert "pixels" in _told(bytes(header), "a.gif")


def _told(content, name):
    """What is said of a film: a refusal, or a remark."""
    try:
        return " ".join(own_film(content, name, GRAY).remarks)
    except DataError as error:
        return str(error)
