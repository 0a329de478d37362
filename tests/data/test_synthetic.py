"""Drawn faces: the factors are the whole truth about the picture."""

import importlib

import numpy as np
import pytest

from latentwalk.data.synthetic import FACTORS, faces, render
from latentwalk.data.synthetic.canvas import Canvas, Spot
from latentwalk.errors import ConfigError

ROWS = {"moustache": slice(30, 56), "beard": slice(22, 60), "glasses": slice(16, 44)}
EVEN = {"yaw": 0, "roll": 0, "light": 0, "brow_tilt": 0.5, "hair_style": [0, 1, 3, 4, 5, 6]}


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    x = faces(8, seed=3).x
    assert x.dtype == np.uint8 and x.shape == (8, 64, 64, 3)
    assert np.array_equal(x, faces(8, seed=3).x)
    assert not np.array_equal(x, faces(8, seed=4).x)


def test_a_row_depends_neither_on_n_nor_on_chunks(monkeypatch):
    few, many = faces(10), faces(100)
    assert np.array_equal(few.x, many.x[:10])
    module = importlib.import_module("latentwalk.data.synthetic.faces")
    monkeypatch.setattr(module, "CHUNK", 7 * 64 * 64)
    assert np.array_equal(faces(100).x, many.x)


def test_factors_are_all_there_is_to_know():
    people = faces(20, seed=1, size=32)
    assert list(people.factors) == list(FACTORS)
    assert np.array_equal(render(people.factors, size=32), people.x)
    assert np.array_equal(people.y, people.factors["moustache"])


@pytest.mark.parametrize("name", ROWS)
def test_a_part_that_comes_and_goes_touches_only_its_own_rows(name):
    known = faces(200, seed=2).factors
    without, present = render({**known, name: 0}), render({**known, name: 1})
    differs = (without != present).any(-1)
    assert differs.any((1, 2)).all()
    differs[:, ROWS[name]] = False
    assert not differs.any()


def test_a_moustache_can_be_seen_on_everybody():
    known = faces(500, seed=5, beard=0).factors
    change = np.abs(render({**known, "moustache": 1}).astype(int) - render({**known, "moustache": 0})).max(-1)
    assert ((change > 20).sum((1, 2)) >= 20).all()


@pytest.mark.parametrize("name", FACTORS)
def test_every_factor_changes_the_picture(name):
    rest = {"moustache": 1} if name == "moustache_size" else {}
    low, high = render({**rest, name: [FACTORS[name].low, FACTORS[name].high]})
    assert not np.array_equal(low, high)


def test_factors_are_independent_and_fill_their_ranges():
    table = {name: factor.draw(5000, np.random.default_rng(i)) for i, (name, factor) in enumerate(FACTORS.items())}
    for name, values in table.items():
        assert values.min() >= FACTORS[name].low and values.max() <= FACTORS[name].high
    drawn = faces(5000, size=16).factors
    correlations = np.corrcoef(np.stack(list(drawn.values()))) - np.eye(len(drawn))
    assert np.abs(correlations).max() < 5 / np.sqrt(5000)  # 5 standard errors
    assert drawn["moustache"].mean() == pytest.approx(0.5, abs=0.03)


def test_a_face_in_even_light_that_looks_ahead_is_its_own_mirror_image():
    x = render(EVEN).astype(int)
    assert np.abs(x - x[:, :, ::-1]).max() <= 1


def test_turning_or_lighting_the_other_way_mirrors_the_picture():
    one, other = (render({**EVEN, "yaw": s, "roll": 0.7 * s, "light": s}).astype(int) for s in (1, -1))
    assert np.abs(one - other[:, :, ::-1]).max() <= 1


def test_windows_cut_nothing_off(monkeypatch):
    rng = np.random.default_rng(0)
    extreme = {
        name: rng.choice([f.low, f.high], 400) if name != "hair_style" else rng.integers(0, 7, 400)
        for name, f in FACTORS.items()
    }
    seen = render(extreme)
    window = Canvas.window
    monkeypatch.setattr(Canvas, "window", lambda canvas, x0, y0, x1, y1: window(canvas, x0 - 4, y0 - 4, x1 + 4, y1 + 4))
    assert np.array_equal(render(extreme), seen)


def test_the_area_of_an_ellipse_is_what_it_covers():
    canvas = Canvas.blank(64, 1)
    spot = Spot(*(np.array([value], np.float32) for value in (0.3, 33.2, 0.0)))
    field = canvas.ellipse(spot, 15.0, 9.0)
    assert np.clip(field, 0, 1).sum() / canvas.scale**2 == pytest.approx(np.pi * 15 * 9, rel=2e-3)


@pytest.mark.parametrize(("size", "tolerance"), [(16, 5), (48, 1.5), (96, 1.5)])  # a stroke is never below a pixel
def test_other_sizes_show_the_same_face(size, tolerance):
    large, other = render({"smile": 1}, size=256)[0], render({"smile": 1}, size=size)[0]
    assert other.shape == (size, size, 3)
    assert np.abs(large.mean((0, 1)) - other.mean((0, 1))).max() < tolerance


def test_pinned_factors_hold_and_leave_the_others_as_they_were():
    free, pinned = faces(6), faces(6, moustache=1, smile=np.linspace(-1, 1, 6))
    assert pinned.y.tolist() == [1] * 6 and pinned.classes == ("no moustache", "moustache")
    assert np.array_equal(pinned.factors["smile"], np.linspace(-1, 1, 6))
    assert np.array_equal(pinned.factors["skin"], free.factors["skin"])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: faces(3, mustache=1), "unknown factor 'mustache'. Did you mean 'moustache'"),
        (lambda: faces(3, smile=1.5), "smile=1.5 is out of range. Expected a number from -1 to 1"),
        (lambda: faces(3, smile=np.nan), "smile=nan is out of range"),
        (lambda: faces(3, glasses=0.5), "glasses=0.5 is out of range. Expected a whole number from 0 to 1"),
        (lambda: faces(3, glasses="yes"), "glasses='yes' is no number"),
        (lambda: faces(3, yaw=[0, 1]), r"yaw has shape \(2,\). Expected one value, or 3"),
        (lambda: faces(0), "n=0: expected a whole number of examples, from 1"),
        (lambda: faces(3, seed=-1), "seed=-1"),
        (lambda: faces(3, size=512), "size=512: expected a whole number of pixels along a side, from 16 to 256"),
        (lambda: render({"yaw": [0, 1], "roll": [0, 1, 0]}), r"yaw has shape \(2,\)"),
        (lambda: render({"wings": 1}), "unknown factor 'wings'"),
    ],
)
def test_bad_input_is_named(call, says):
    with pytest.raises(ConfigError, match=says):
        call()
