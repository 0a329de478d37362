"""Grafts: what is changed in a picture, and what is left as it was to the last bit."""

from dataclasses import replace

import numpy as np
import pytest

from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError
from latentwalk.latent.moves.directions import Direction
from latentwalk.latent.moves.grafts import mask
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

H, W, D = 12, 10, 3
SHAPES = {"HW": (H, W), "HWC": (H, W, 3), "CHW": (3, H, W)}


def made(layout="HWC"):
    """Pictures of bytes with details that the decoder, a linear map, cannot draw."""
    rng = np.random.default_rng(0)
    size = int(np.prod(SHAPES[layout]))
    map_ = rng.normal(0, 12, (D, size)).astype(np.float32)
    codes = rng.normal(size=(30, D)).astype(np.float32)

    def decode(z):
        return (np.asarray(z, np.float32) @ map_ + 128).reshape(-1, *SHAPES[layout])

    data = np.clip(decode(codes) + rng.normal(0, 30, (30, *SHAPES[layout])), 0, 255).astype(np.uint8)

    def encode(x):
        z = (np.asarray(x, np.float32).reshape(len(x), -1) - 128) @ np.linalg.pinv(map_)
        return z.astype(np.float32), np.zeros_like(z)

    spec = DataSpec.infer(data, "image", layout)
    assert (spec.low, spec.high) == (0, 255)
    known = {"encode": encode, "spec": spec, "model": "this"}
    return LatentSpace(encode(data)[0], codes * 0, data, decode, NormalSampler(D), **known)


STEP = np.array([1.5, -1, 0.5], np.float32)


@pytest.mark.parametrize("layout", SHAPES)
def test_strength_zero_is_the_very_picture(layout):
    space = made(layout)
    for x in (4, space.data[4], space.data):
        np.testing.assert_array_equal(space.graft(x, STEP, 0).x, space.data[4] if x is not space.data else space.data)
    assert not np.array_equal(space.graft(4, STEP, 0, onto="reconstruction").x, space.data[4])


def test_a_picture_gets_what_the_step_changes_and_stays_in_its_range():
    space = made()
    far = space.graft(4, STEP, 3, region=None)
    change = space.decode(space.codes[[4]] + 3 * STEP)[0] - space.decode(space.codes[[4]])[0]
    np.testing.assert_allclose(far.x, np.clip(space.data[4] + change, 0, 255), atol=1e-4)
    assert (far.x.min(), far.x.max()) == (0, 255)  # both ends were cut, so there was something to cut
    np.testing.assert_allclose(far.z, space.codes[4] + 3 * STEP)


def test_onto_a_reconstruction_is_the_plain_decode():
    space = made()
    decoded = space.graft(4, STEP, 2, onto="reconstruction")
    np.testing.assert_array_equal(decoded.x, space.decode((space.codes[4] + 2 * STEP)[None])[0])
    np.testing.assert_array_equal(space.graft(space.codes[4], STEP, 2).x, decoded.x)  # a code has no picture


@pytest.mark.parametrize("layout", SHAPES)
@pytest.mark.parametrize("onto", ["picture", "reconstruction"])
def test_outside_a_region_nothing_changes_at_all(layout, onto):
    space = made(layout)
    region = np.zeros((H, W))
    region[3:6, 2:7] = 1
    before, after = space.graft(4, STEP, 0, onto=onto).x, space.graft(4, STEP, 1, onto=onto, region=region).x
    free = space.graft(4, STEP, 1, onto=onto, region=None).x
    inside = np.broadcast_to(region[..., None] if layout == "HWC" else region, SHAPES[layout]) == 1
    np.testing.assert_array_equal(after[~inside], before[~inside])
    np.testing.assert_allclose(after[inside], free[inside], atol=1e-4)
    assert (after[inside] != before[inside]).any()
    boxed = space.graft(4, STEP, 1, onto=onto, region=(3 / H, 2 / W, 6 / H, 7 / W)).x
    np.testing.assert_array_equal(boxed[~inside], before[~inside])


def test_a_box_is_soft_within_itself_but_not_at_the_border():
    spec = made().spec
    np.testing.assert_array_equal(mask((0, 0, 1, 1), spec), np.ones((H, W)))
    large = replace(spec, shape=(200, 100, 3))
    box = mask((0.25, 0, 0.75, 0.5), large)
    assert (box[:50] == 0).all()
    assert (box[150:] == 0).all()
    assert (box[:, 50:] == 0).all()
    assert (box[75:125, :35] == 1).all()
    rise = box[50:75, 0]
    assert (np.diff(rise) >= 0).all()
    assert 0 < rise[0] < 0.01 < rise[10] < 1
    np.testing.assert_allclose(box, box[::-1])
    weights = np.random.default_rng(0).random((H, W)).astype(np.float32)
    np.testing.assert_array_equal(mask(weights, spec), weights)


def test_a_sweep_is_each_of_its_strengths_and_many_pictures_are_each_of_them():
    space = made()
    strengths = [-1, 0, 0.5, 2]
    sweep = space.graft(4, STEP, strengths)
    assert (sweep.z.shape, sweep.x.shape, len(sweep)) == ((4, D), (4, H, W, 3), 4)
    both = space.graft(space.data[2:7], STEP, strengths, region=(0.2, 0.2, 0.8, 0.8))
    assert both.x.shape == (4, 5, H, W, 3)
    for at, strength in enumerate(strengths):
        np.testing.assert_allclose(sweep[at].x, space.graft(4, STEP, strength).x, atol=1e-4)
        alone = space.graft(6, STEP, strength, region=(0.2, 0.2, 0.8, 0.8)).x
        np.testing.assert_allclose(both.x[at, 4], alone, atol=1e-3)
    codes = space.graft(space.codes[:3], STEP)
    np.testing.assert_array_equal(codes.x, space.decode(space.codes[:3] + STEP))


def test_a_graft_and_its_opposite_are_undone_where_nothing_was_cut():
    space = made()
    mild = 0.1 * STEP
    there = space.graft(4, mild, region=None).x
    back = space.graft(there, mild, -1, region=None).x
    free = (there > 0) & (there < 255)
    np.testing.assert_allclose(back[free], space.data[4][free], atol=1e-3)


def test_a_table_is_decoded_as_before():
    codes = np.random.default_rng(0).normal(size=(20, D)).astype(np.float32)
    space = LatentSpace(codes, codes * 0, codes, lambda z: 2 * z, NormalSampler(D), spec=DataSpec.infer(codes))
    np.testing.assert_array_equal(space.graft(3, STEP).x, 2 * (codes[3] + STEP))
    with pytest.raises(ConfigError, match="onto='picture' is for images"):
        space.graft(3, STEP, onto="picture")
    with pytest.raises(ConfigError, match="a region is a part of an image; this is table"):
        space.graft(3, STEP, region=(0, 0, 1, 1))


def test_a_direction_of_another_model_is_refused():
    space = made()
    found = space.direction([0, 1], [2, 3])
    assert found.model == "this"
    space.graft(0, found)
    for known in (np.asarray(found), Direction(found.vector, "bare")):  # where it comes from is not known
        space.graft(0, known)
    with pytest.raises(ConfigError, match="'the examples given' was found with another model"):
        replace(space, model="other").graft(0, found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"region": (0.5, 0.2, 0.4, 0.8)}, "expected top, left, bottom, right"),
        ({"region": (0.1, 0.2, 1.4, 0.8)}, "expected top, left, bottom, right"),
        ({"region": (0.5, 0.5, 0.501, 0.501)}, "some of the 12 x 10 pixels inside"),
        ({"region": (np.nan, 0, 1, 1)}, "expected top, left, bottom, right"),
        ({"region": np.ones((5, 5))}, r"a mask \(12, 10\) of weights from 0 to 1; got shape \(5, 5\)"),
        ({"region": np.full((H, W), 7.0)}, "from 7 to 7"),
        ({"region": np.full((H, W), np.nan)}, "weights from 0 to 1"),
        ({"region": "mouth"}, "a region is a box"),
        ({"onto": "pictures"}, "Did you mean 'picture'"),
        ({"strength": [1, np.inf]}, "expected a finite number, several, or"),
        ({"strength": "much"}, "expected a finite number, several, or"),
        ({"strength": []}, "expected a finite number, several, or"),
        ({"x": np.zeros(D), "onto": "picture"}, "needs a picture, and got a code"),
        ({"x": 99}, "row 99 is not among the 30"),
        ({"x": np.zeros((4, 4))}, r"or an example of shape \(12, 10, 3\)"),
        ({"x": [[1, 2], [3]]}, "a point is"),
        ({"direction": np.ones(2)}, r"a direction of shape \(3,\), got \(2,\)"),
    ],
)
def test_bad_input_is_refused_in_words(options, message):
    with pytest.raises(ConfigError, match=message):
        made().graft(**{"x": 4, "direction": STEP, **options})
