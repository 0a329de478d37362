"""Guided steps, on codes where an attribute shows in another way for each kind of example."""

import numpy as np
import pytest

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
