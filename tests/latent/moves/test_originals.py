"""Grafts onto pictures of any size: where the change lands, and what stays as it was to the last bit."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.ImageOps import fit

from latentwalk.data.original import Original, pictures_like
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.moves.grafts import changed_part
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

H, W = 16, 12
SHAPES = {"HW": (H, W), "HWC": (H, W, 3), "CHW": (3, H, W)}
STEP = np.array([1.0, 0.0], np.float32)


def space(pattern, layout="HWC", dtype=np.uint8):
    """A model that decodes gray, plus the first number of a code times a pattern (H, W); it encodes the mean of a picture."""
    high = 255 if dtype == np.uint8 else 1
    data = np.zeros((3, *SHAPES[layout]), dtype)
    data[0] = high
    shaped = {"HW": pattern, "HWC": pattern[..., None], "CHW": pattern[None]}[layout] * np.ones(SHAPES[layout], np.float32)

    def decode(z):
        return high * (0.5 + np.asarray(z)[:, 0].reshape(-1, *[1] * len(SHAPES[layout])) * shaped)

    def encode(x):
        return np.stack([0 * x.reshape(len(x), -1).mean(1), x.reshape(len(x), -1).mean(1)], 1), np.zeros((len(x), 2))

    spec = DataSpec.infer(data, "image", layout)
    return LatentSpace(encode(data)[0], np.zeros((3, 2)), data, decode, NormalSampler(2), encode=encode, spec=spec)


def picture(height, width, mode="RGB", seed=0):
    """Noise between 60 and 190."""
    channels = len(mode) if mode != "I;16" else 1
    levels = np.random.default_rng(seed).integers(60, 190, (height, width, channels)).astype(np.uint8)
    if mode == "I;16":
        return Image.fromarray(levels[..., 0].astype(np.uint16) * 257)
    return Image.fromarray(levels[..., 0] if channels == 1 else levels, mode)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("layout", SHAPES)
def test_strength_zero_is_the_very_picture_at_its_own_size(mode, layout):
    given = picture(50, 31, mode)
    found = space(np.ones((H, W)), layout).graft(given, STEP, 0)
    np.testing.assert_array_equal(found.x, np.asarray(given))
    assert found.x.dtype == np.asarray(given).dtype and found.z.shape == (2,)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(found.content(".png")))), np.asarray(given))


@pytest.mark.parametrize(("height", "width"), [(160, 120), (97, 40), (40, 97), (16, 12), (8, 6), (333, 120)])
def test_a_change_of_everything_lands_on_all_that_is_seen_and_on_nothing_else(height, width):
    given = picture(height, width)
    found = space(np.full((H, W), 0.1, np.float32)).graft(given, STEP, region=None).x.astype(int) - np.asarray(given)
    scale = min(height / H, width / W)  # the crop of the middle, by its definition
    rows = np.abs(np.arange(height) + 0.5 - height / 2) < scale * H / 2
    columns = np.abs(np.arange(width) + 0.5 - width / 2) < scale * W / 2
    seen = np.outer(rows, columns)
    assert (found[~seen] == 0).all()
    inner = np.outer(np.abs(np.arange(height) + 0.5 - height / 2) < scale * H * 0.42,
                     np.abs(np.arange(width) + 0.5 - width / 2) < scale * W * 0.42)  # fmt: skip
    assert set(np.unique(found[inner])) <= {25, 26}
    if seen.all():
        assert set(np.unique(found)) <= {25, 26}


@pytest.mark.parametrize("frame", [None, (0.1, 0.3, 0.7, 0.9), (0.5, 0.0, 1.0, 0.4)])
@pytest.mark.parametrize("size", [(320, 240), (200, 333)])
def test_a_spot_lands_where_it_was_seen(frame, size):
    at, spot = (11, 4), np.zeros((H, W), np.float32)
    spot[at] = 0.4
    change = space(spot).graft(picture(*size), STEP, frame=frame).x.astype(float) - np.asarray(picture(*size))
    weight = np.abs(change).sum(axis=-1)
    found = [(weight.sum(1 - axis) * (np.arange(size[axis]) + 0.5)).sum() / weight.sum() for axis in (0, 1)]
    top, left, bottom, right = frame or (0, 0, 1, 1)
    sides = ((bottom - top) * size[0], (right - left) * size[1])
    scale = min(sides[0] / H, sides[1] / W)
    centre = ((top + bottom) * size[0] / 2, (left + right) * size[1] / 2)
    wanted = [c + scale * (a + 0.5 - n / 2) for c, a, n in zip(centre, at, (H, W), strict=True)]
    np.testing.assert_allclose(found, wanted, atol=0.1 * scale + 0.5)
    # and the model sees there what it changes
    marked = np.full((*size, 3), 255, np.uint8)
    box = [slice(int(w - scale / 2) + 1, int(w + scale / 2)) for w in wanted]
    marked[box[0], box[1]] = 0
    seen = Original.of(Image.fromarray(marked)).seen(space(spot).spec, frame)
    assert np.unravel_index(seen[..., 0].argmin(), (H, W)) == at


def test_outside_the_change_a_picture_is_what_it_was_to_the_last_bit():
    spot = np.full((H, W), 0.002, np.float32)  # a little everywhere, as decoders do
    spot[10:12, 4:8] = 0.3
    given = np.asarray(picture(640, 480))
    free, own = (space(spot).graft(Image.fromarray(given), STEP, region=region).x for region in (None, "change"))
    part = changed_part(spot[None, ..., None], space(spot).spec)[0]
    assert part[11, 5] == 1 and (part[:5] == 0).all()
    np.testing.assert_array_equal(own[: 40 * 4], given[: 40 * 4])
    assert (free[: 40 * 4] != given[: 40 * 4]).any()
    np.testing.assert_array_equal(own[40 * 11 : 40 * 11 + 20, 40 * 5 : 40 * 7], free[40 * 11 : 40 * 11 + 20, 40 * 5 : 40 * 7])
    boxed = space(spot).graft(Image.fromarray(given), STEP, region=(0.6, 0.2, 0.8, 0.8)).x
    mask = np.zeros((640, 480))
    mask[384:512, 96:384] = 1
    np.testing.assert_array_equal(boxed[mask == 0], given[mask == 0])
    masked = space(spot).graft(Image.fromarray(given), STEP, region=mask).x
    np.testing.assert_array_equal(masked[mask == 1], free[mask == 1])


def test_turned_pictures_stand_upright(tmp_path):
    upright = picture(64, 48)
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    lying.save(tmp_path / "lying.png", exif=exif)
    pattern = np.linspace(0, 0.3, H * W, dtype=np.float32).reshape(H, W)
    turned, plain = (space(pattern).graft(one, STEP) for one in (tmp_path / "lying.png", upright))
    np.testing.assert_array_equal(turned.x, plain.x)
    np.testing.assert_array_equal(turned.z, plain.z)


def test_colours_are_kept():
    pattern = np.full((H, W), 0.1, np.float32)
    gray = space(pattern, "HWC").graft(picture(64, 48, "L"), STEP).x
    assert gray.shape == (64, 48)
    assert abs(int(gray[30, 20]) - int(np.asarray(picture(64, 48, "L"))[30, 20]) - 25.5) < 1
    colour = space(pattern, "HW").graft(picture(64, 48), STEP).x.astype(int) - np.asarray(picture(64, 48))
    assert set(np.unique(colour)) <= {25, 26}
    clear = space(pattern).graft(picture(64, 48, "RGBA"), STEP).x
    np.testing.assert_array_equal(clear[..., 3], np.asarray(picture(64, 48, "RGBA"))[..., 3])


def test_a_file_keeps_size_profile_and_name_of_its_kind(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    picture(90, 70).save(tmp_path / "in.png", icc_profile=profile)
    made = space(np.full((H, W), 0.1, np.float32)).graft(str(tmp_path / "in.png"), STEP)
    for name in ("out.png", "out.jpg", "out.webp"):
        made.save(tmp_path / name)
        with Image.open(tmp_path / name) as out:
            assert out.size == (70, 90) and out.info["icc_profile"] == profile
            if name != "out.jpg":
                np.testing.assert_array_equal(np.asarray(out), made.x)
    sweep = space(np.full((H, W), 0.1, np.float32)).graft(tmp_path / "in.png", STEP, [0, 1])
    assert sweep.picture().shape == (98, 152, 3)
    np.testing.assert_array_equal(sweep[1].x, made.x)
    np.testing.assert_array_equal(sweep[1].picture(), made.x)


def test_a_batch_of_sizes_is_each_of_them(tmp_path):
    picture(30, 80).save(tmp_path / "wide.png")
    here = space(np.linspace(0, 0.3, H * W, dtype=np.float32).reshape(H, W))
    given = [picture(64, 48), str(tmp_path / "wide.png"), np.asarray(picture(50, 50, seed=3))]
    for one, all_ in zip(given, here.graft(given, STEP, [0.5, 1]), strict=True):
        np.testing.assert_array_equal(here.graft(one, STEP, [0.5, 1]).x, all_.x)
    assert here.graft(given[2], STEP, 0).x.shape == (50, 50, 3)


def test_numbers_are_in_the_units_learnt_from():
    pattern = np.full((H, W), 0.1, np.float32)
    x = np.random.default_rng(0).uniform(0.2, 0.8, (3, 64, 48)).astype(np.float32)
    found = space(pattern, "CHW", np.float32).graft(x, STEP)
    np.testing.assert_allclose(found.x, x + 0.1, atol=1e-6)
    assert found.x.dtype == np.float32
    bytes_ = np.asarray(picture(64, 48))
    assert set(np.unique(space(pattern, "CHW", np.float32).graft(bytes_, STEP).x.astype(int) - bytes_)) <= {25, 26}


def test_what_is_seen_is_what_a_folder_would_have_held(tmp_path):
    for mode, size in (("RGB", (77, 50)), ("L", (40, 90)), ("RGBA", (64, 64))):
        path = tmp_path / f"{mode}.png"
        picture(*size, mode).save(path)
        for layout in SHAPES:
            spec = space(np.ones((H, W)), layout).spec
            np.testing.assert_array_equal(Original.of(path).seen(spec), pictures_like(spec, [path]).x[0])
    cut = picture(77, 50).crop((10, 20, 40, 70))
    seen = Original.of(picture(77, 50)).seen(space(np.ones((H, W))).spec, (20 / 77, 10 / 50, 70 / 77, 40 / 50))
    np.testing.assert_array_equal(seen, np.asarray(fit(cut, (W, H), Image.Resampling.LANCZOS)))


def test_a_picture_is_a_point(tmp_path):
    picture(50, 40).save(tmp_path / "anna.png")
    here = space(np.ones((H, W)))
    code = here.code(tmp_path / "anna.png")
    np.testing.assert_array_equal(code, here.code(Image.open(tmp_path / "anna.png")))
    np.testing.assert_allclose(here.walk(str(tmp_path / "anna.png"), 0, steps=3).z[0], code, rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        ("nowhere.png", {}, DataError, "nowhere.png: No such file"),
        (picture(9, 9), {"frame": (0.5, 0, 0.4, 1)}, ConfigError, "frame=.*expected top, left, bottom, right"),
        (picture(9, 9), {"frame": "face"}, ConfigError, "frame='face'"),
        (picture(9, 9), {"region": np.ones((4, 4))}, ConfigError, r"a mask \(9, 9\) of weights"),
        (picture(9, 9), {"region": "mouth"}, ConfigError, "region='mouth': a region is a box"),
        (0, {"frame": (0, 0, 1, 1)}, ConfigError, "frame= is for a picture of its own size"),
        ([picture(9, 9), np.zeros(4)], {}, ConfigError, "expected a picture"),
    ],
)
def test_bad_pictures_are_refused_in_words(given, options, error, message):
    with pytest.raises(error, match=message):
        space(np.ones((H, W))).graft(given, STEP, **options)


def test_a_file_that_is_no_picture_says_so(tmp_path):
    (tmp_path / "x.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"x.jpg: not an image of a known format"):
        space(np.ones((H, W))).graft(tmp_path / "x.jpg", STEP)
