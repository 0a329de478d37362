"""Guided steps, on codes where an attribute shows in another way for each kind of example."""

import numpy as np
import pytest
from PIL import Image

from latentwalk.data.original import Original
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError
from latentwalk.latent.moves.guide import Reader, kinds_of
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

N, D, KINDS = 1500, 5, 3
RNG = np.random.default_rng(0)
CENTRES, WAYS = 3 * RNG.normal(size=(KINDS, D)), 2 * RNG.normal(size=(KINDS, D))


def codes_of(kind, has):
    return (CENTRES[kind] + has[:, None] * WAYS[kind]).astype(np.float32)


def nearest(z):
    """Of codes (m, D), the kind and whether it is there: those whose planted code is nearest."""
    planted = np.stack([codes_of(np.arange(KINDS), np.full(KINDS, has)) for has in (0, 1)])  # (2, KINDS, D)
    found = np.square(z[:, None, None] - planted).sum(-1).reshape(len(z), -1).argmin(1)
    return found % KINDS, found // KINDS


def decode(z):
    """What a decoder of words does: one of a few examples, the one that is nearest."""
    kind, has = nearest(z)
    return codes_of(kind, has)


def space_of(encode=lambda x: (x, np.zeros_like(x)), **more):
    rng = np.random.default_rng(1)
    kind, has = rng.integers(KINDS, size=N), rng.integers(2, size=N)
    codes = codes_of(kind, has) + 0.2 * rng.normal(size=(N, D)).astype(np.float32)
    attributes = {"has": has, "kind": kind, "amount": rng.normal(size=N), **more}
    return LatentSpace(codes, codes * 0, codes, decode, NormalSampler(D), attributes=attributes, encode=encode)


@pytest.fixture(scope="module")
def space():
    return space_of()


@pytest.fixture(scope="module")
def step(space):
    return space.direction("has", without="kind", keep="kind")


def test_each_example_gets_the_step_that_is_its_own(space, step):
    lacking = np.flatnonzero(space.attributes["has"] == 0)[:120]
    kind = space.attributes["kind"][lacking]
    plain, guided = (nearest(space.graft(space.codes[lacking], step, how).x) for how in (1.0, "guided"))
    right = [np.mean((found == kind) & (has == 1)) for found, has in (plain, guided)]
    assert right[1] >= 0.97
    assert right[1] > right[0] + 0.1  # what is right on average is wrong for many


def test_a_point_and_a_list_of_points_are_moved_alike_and_always_in_the_same_way(space, step):
    alone, among = space.graft(3, step, "guided"), space.graft(space.codes[[3, 5]], step, "guided")
    assert alone.z.shape == (D,) and among.z.shape == (2, D)
    np.testing.assert_allclose(among.z[0], alone.z, rtol=1e-5)
    assert np.array_equal(space.graft(3, step, "guided").z, alone.z)
    assert np.array_equal(space.graft(space.codes[[3, 5]], step, 0.0).z, space.codes[[3, 5]])
    assert len(space.graft(3, step, [0.0, 1.0]).z) == 2  # a direction with a guide is a direction


def test_a_reader_says_how_likely_each_kind_is(space):
    reader = Reader.of(space.codes, space.attributes["kind"])
    shares = reader.shares(space.codes)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert np.mean(shares.argmax(axis=1) == space.attributes["kind"]) > 0.97
    values = np.where(np.arange(N) < 300, space.attributes["kind"].astype(float), np.nan)
    assert Reader.of(space.codes, values).kinds == KINDS  # what is not known teaches nothing
    assert kinds_of(np.array([5.0, 2.0, 5.0])).tolist() == [1, 0, 1]
    assert np.bincount(kinds_of(np.arange(100.0))).tolist() == [25] * 4


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda space: space.graft(0, space.direction("has"), "guided"), "found with keep="),
        (lambda space: space.graft(0, np.ones(D), "guided"), "found with keep="),
        (lambda space: space.direction("has", keep="king"), "attribute to keep"),
        (lambda space: space.direction("has", keep=["kind", "has"]), "'has' is what is to change"),
        (lambda space: space.direction("has", keep=[np.zeros(N)]), "attribute 1 has one value only"),
        (lambda space: space.direction("has", keep=[np.zeros(3)]), "expected 1500 numbers"),
        (lambda space: space_of(None).graft(0, space.direction("has", keep="kind"), "guided"), "this space encodes nothing"),
    ],
)
def test_what_cannot_be_guided_says_so(space, what, said):
    with pytest.raises((ConfigError, ValueError), match=said):
        what(space)


def test_all_is_every_other_attribute(space):
    assert set(space.direction("has", keep="all").guide.kept) == {"kind", "amount"}
    several = space.attributes["has"] + 2 * (np.arange(N) % 5 == 0)  # 0, 1, and what is on neither side
    other = space_of(several=several)
    found = other.direction(several == 1, several == 0, keep="all").guide
    assert set(found.kept) == {"kind", "amount"}  # not what the sides are made of
    assert found.has.kinds == 3


# ---------------------------------------------------------------------- pictures of their own size

SIDE = 6


def halves(x):
    """The codes (n, 2) of pictures (n, 6, 6): how bright the left half is, and the right one."""
    return np.stack([x[..., :3].mean((1, 2)), x[..., 3:].mean((1, 2))], axis=1).astype(np.float32) / 64 - 2


def painted(z):
    return (64 * (np.asarray(z, np.float32) + 2)).repeat(3, axis=1)[:, None].repeat(SIDE, axis=1).clip(0, 255)


@pytest.fixture(scope="module")
def pictures():
    """A space of pictures whose halves are dark or bright: "right" is to be given, "left" to stay."""
    rng = np.random.default_rng(3)
    left, right = rng.integers(2, size=(2, 600))
    z = np.stack([left, right], axis=1) * 1.5 - 1 + 0.1 * rng.normal(size=(600, 2))
    data = painted(z).round().astype(np.uint8)
    spec = DataSpec.infer(data, "image")
    known = {"right": right, "left": left}
    codes = halves(data)
    return LatentSpace(
        codes, 0 * codes, data, painted, NormalSampler(2), attributes=known, spec=spec,
        encode=lambda x: (halves(x), np.zeros((len(x), 2), np.float32)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def brighter(pictures):
    return pictures.direction("right", keep="left")


def test_a_picture_of_the_models_size_is_given_what_an_example_is(pictures, brighter):
    for row in np.flatnonzero(pictures.attributes["right"] == 0)[:3]:
        x = pictures.data[row]
        example, picture = (pictures.graft(one, brighter, "guided") for one in (x, Image.fromarray(x)))
        np.testing.assert_array_equal(picture.z, example.z)
        np.testing.assert_array_equal(picture.x, example.x.round().astype(np.uint8))
        assert picture.x.dtype == np.uint8 and (picture.x != x).any()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_picture_of_its_own_size_is_given_as_much_as_it_takes(pictures, brighter, mode):
    row = int(np.flatnonzero(pictures.attributes["right"] == 0)[0])
    noise = np.random.default_rng(0).integers(-9, 10, (90, 90, 1))
    levels = (pictures.data[row].astype(int).repeat(15, axis=0).repeat(15, axis=1)[..., None] + noise).clip(0, 255)
    given = Image.fromarray(levels[..., 0].astype(np.uint8)).convert(mode)
    found = pictures.graft(given, brighter, "guided")
    code = pictures.encode(Original.of(given).seen(pictures.spec)[None])[0]
    move = brighter.guide.steps(pictures, code)[0]
    np.testing.assert_allclose(found.z, code[0] + move, atol=1e-6)
    np.testing.assert_array_equal(found.x, pictures.graft(given, move, 1).x)  # put on as a strength is
    before, after = np.asarray(given), np.asarray(found.x)
    assert after.shape == before.shape and after.dtype == np.uint8
    np.testing.assert_array_equal(after[:, :20], before[:, :20])  # where nothing changes, to the last bit
    if mode == "RGBA":
        np.testing.assert_array_equal(after[..., 3], before[..., 3])
    lacked, has = brighter.guide.seen(pictures, np.stack([code[0], found.z]))
    assert lacked < 0.5 < has
    again = pictures.encode(Original.of_array(after, pictures.spec).seen(pictures.spec)[None])[0] if mode != "RGBA" else None
    assert again is None or (again[0, 1] > 0 > code[0, 1] and abs(again[0, 0] - code[0, 0]) < 0.1)
    boxed = np.asarray(pictures.graft(given, brighter, "guided", region=(0.5, 0.5, 1, 1)).x)
    np.testing.assert_array_equal(boxed[:45], before[:45])
    assert (boxed[60:, 60:] != before[60:, 60:]).any()


def test_of_several_pictures_each_is_given_its_own(pictures, brighter):
    lacking, having = (np.flatnonzero(pictures.attributes["right"] == has)[0] for has in (0, 1))
    sizes = ((40, 40), (66, 66))
    both = [Image.fromarray(pictures.data[row]).resize(size) for row, size in zip((lacking, having), sizes, strict=True)]
    found = pictures.graft(both, brighter, "guided")
    for one, picture in zip(found, both, strict=True):
        np.testing.assert_array_equal(one.x, pictures.graft(picture, brighter, "guided").x)
    moved = [np.abs(np.asarray(one.x, int) - np.asarray(picture, int)).mean() for one, picture in zip(found, both, strict=True)]
    assert moved[0] > 3 * moved[1]  # one that has it takes little
    with pytest.raises(ConfigError, match="found with keep="):
        pictures.graft(both[0], pictures.direction("right"), "guided")
