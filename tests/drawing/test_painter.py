"""Painters: one for each kind of data, and what they draw is what is there."""

import base64
import io
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from latentwalk.data.dataset import Dataset
from latentwalk.data.music import Piece, name_of
from latentwalk.data.spec import DataSpec, Kind
from latentwalk.drawing.html import figure
from latentwalk.drawing.pages import listed
from latentwalk.drawing.painter import Painter
from latentwalk.drawing.tiles import GAP, MARK
from latentwalk.errors import ConfigError

RNG = np.random.default_rng(0)
DATA = {"image": RNG.random((12, 8, 6)), "table": RNG.normal(size=(12, 5)), "signal": RNG.normal(size=(12, 30))}
DATA["sound"] = RNG.normal(size=(12, 300))
DATA["film"] = RNG.random((12, 3, 8, 6))
TEXTS = Dataset.of([f"{at} <b>cats</b>" for at in range(12)], units="words")
DATA["text"] = TEXTS.x
MUSIC = Dataset.of([Piece.of_words(["C4", "-", name_of(60 + at), "."]) for at in range(12)])
DATA["music"] = MUSIC.x
ROLLS = Dataset.of(MUSIC.pieces, kind="roll")
DATA["roll"] = ROLLS.x
SPECS = {"text": TEXTS.spec, "music": MUSIC.spec, "roll": ROLLS.spec}
KINDS = pytest.mark.parametrize("kind", get_args(Kind))


def painter(kind):
    return Painter.of(SPECS[kind] if kind in SPECS else DataSpec.infer(DATA[kind], kind), DATA[kind])


def shown(sheet):
    picture = Image.open(io.BytesIO(base64.b64decode(sheet["png"])))
    assert picture.size == (sheet["width"], sheet["height"])
    return np.asarray(picture.convert("RGBA"))


@KINDS
def test_every_kind_has_its_painter(kind):
    found = painter(kind)
    assert kind in found.kinds
    assert found.unit(np.array(found.low)).max() == 0 and found.unit(np.array(found.high)).min() == 1


@KINDS
def test_a_page_shows_every_example(kind):
    x = DATA[kind]
    count, columns = painter(kind).draws
    assert count % columns == 0 and painter(kind).steps > 1
    if kind == "text":
        assert painter(kind).sheet(x, 4) == {"texts": TEXTS.texts, "columns": 1}
        assert painter(kind).grid(x.reshape(3, 4, -1)) == {"texts": TEXTS.texts, "columns": 4}
        return
    sheet = shown(painter(kind).sheet(x, 4))
    if kind == "table":
        assert sheet.shape[0] % len(x) == 0 and (sheet[..., 3] == 255).all()
    else:
        one = shown(painter(kind).sheet(x[:1], 1, gap=0))
        assert sheet.shape[:2] == tuple(count * (side + 2) - 2 for count, side in zip((3, 4), one.shape[:2], strict=True))
    assert min(shown(painter(kind).grid(x.reshape(3, 4, *x.shape[1:]))).shape) > 0


def test_images_are_drawn_as_they_are():
    pixels = RNG.integers(0, 256, (5, 24, 22), dtype=np.uint8)
    sheet = shown(Painter.of(DataSpec.infer(pixels), pixels).sheet(pixels, 5))
    for at, one in enumerate(pixels):
        tile = sheet[:, at * 24 : at * 24 + 22]
        assert (tile[..., 0] == one).all() and (tile[..., 3] == 255).all()
    assert (sheet[:, 22:24, 3] == 0).all()


def test_colours_of_a_table_rise_with_its_values():
    x = np.sort(RNG.normal(size=(9, 1)), axis=0)
    found = Painter.of(DataSpec.infer(x), x)
    bright = found.heat(x).astype(float)[:, 0, :3].sum(axis=1)
    assert (np.diff(bright) >= 0).all() and bright[0] < bright[-1]


def test_a_line_ends_where_nothing_was_observed():
    x = np.where(np.arange(40) < 20, 0.0, np.nan)[None]
    found = Painter.of(DataSpec.infer(x, "signal"), np.linspace(-1, 1, 400).reshape(10, 40))
    ink = found.charts(x)[0, :, :, 3]
    assert ink[:, :54].any() and not ink[:, 60:].any()


@KINDS
def test_what_is_marked_is_red(kind):
    x = DATA[kind][:3]
    plain = painter(kind).strip(x, marked=[False] * 3)
    marked = painter(kind).strip(x, marked=[False, True, False])
    red = (marked == np.array(MARK, np.uint8)).all(axis=-1)
    assert red.any() and not (np.broadcast_to(plain, (*plain.shape[:2], 3)) == np.array(MARK, np.uint8)).all(axis=-1).any()
    assert red.sum() % GAP == 0


@KINDS
def test_lots_stand_side_by_side(kind):
    x = DATA[kind]
    found = painter(kind)
    both = found.side_by_side([x[:2], x[2:5]])
    parts = [found.strip(x[:2], columns=2), found.strip(x[2:5], columns=3)]
    along = sum(part.shape[found.along] for part in parts) + 4 * GAP
    assert both.shape[found.along] == along and both.shape[1 - found.along] == parts[0].shape[1 - found.along]


@KINDS
def test_films_are_of_images_and_signals(kind):
    if kind in ("table", *SPECS):
        with pytest.raises(ConfigError, match="a film shows images or signals; this is"):
            painter(kind).frames(DATA[kind])
    else:
        frames = painter(kind).frames(DATA[kind])
        assert len(frames) == (36 if kind == "film" else 12) and max(frames.shape[1:3]) >= 224


def test_a_text_is_never_markup():
    found = listed(["<script>alert(1)</script>", "b"], [False, True], "a < b")
    assert "&lt;script&gt;" in found and "<script" not in found and found.count("transparent") == 1 and "a &lt; b" in found


def test_a_notebook_shows_a_picture_and_its_sentences():
    assert figure(None, "a < b", "c") == '<figure style="margin:0"><figcaption>a &lt; b<br>c</figcaption></figure>'
    shown = figure(b"\0\1", alt="two bytes")
    assert 'src="data:image/png;base64,AAE="' in shown and 'alt="two bytes"' in shown


@pytest.mark.parametrize(
    ("kind", "shape"),
    [("sound", (3, 64)), ("signal", (3, 16)), ("image", (3, 4, 4)), ("table", (3, 5)), ("film", (3, 2, 5, 6))],
)
def test_truth_values_are_drawn_as_0_and_1(kind, shape):
    x = RNG.random(shape) > 0.5
    spec = DataSpec.infer(x, kind)
    drawn = Painter.of(spec, x).strip(x)
    assert np.array_equal(drawn, Painter.of(spec, x.astype(np.uint8)).strip(x.astype(np.uint8)))
