"""The page in a notebook: a widget, whose questions the kernel answers."""

import base64
import io
import json
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image

import latentwalk
from latentwalk.errors import ConfigError

pytest.importorskip("anywidget")

from latentwalk.studio.widget import ASKED, Explorer, widget_script, widget_style

PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>A notebook</title>
<style>html { font-size: 9px; background: %s } button, p { color: red !important; font-size: 40px; }</style>
<body><p>A cell</p><div id="cell"></div>
<script type="module">
const traits = await (await fetch("/traits")).json(), heard = new Set();
window.fromKernel = (said, buffers) => {
  const views = buffers.map((text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer));
  for (const listener of heard) listener(said, views);
};
const model = {
  get: (name) => traits[name],
  on: (name, listener) => heard.add(listener),
  off: (name, listener) => heard.delete(listener),
  send: async (said) => { for (const answer of await toKernel(JSON.stringify(said))) fromKernel(...answer); },
};
const widget = (await import(URL.createObjectURL(new Blob([traits._esm], { type: "text/javascript" })))).default;
const end = await widget.render({ model, el: document.getElementById("cell") });
window.latentwalk = document.querySelector("#cell > div").latentwalk;
window.ended = () => { end(); return heard.size; };
</script>"""


class Cable:
    """What a front end has of a widget: messages there and back, through JSON, as a comm carries them."""

    def __init__(self, widget: Explorer) -> None:
        self.widget, self.sent = widget, []
        widget.send = lambda said, buffers=None: self.sent.append(
            (json.loads(json.dumps(said, allow_nan=False)), buffers or [])
        )

    def ask(self, what: str, **given: Any) -> tuple[Any, list[bytes]]:
        self.widget._handle_custom_msg({"key": "k", "what": what, **given}, [])
        said, buffers = self.sent.pop()
        assert said["key"] == "k"
        return said, buffers


@pytest.fixture
def widget(exhibit: Any) -> Explorer:
    return exhibit.space.explore(points=1_000, height=600)


@pytest.fixture
def cable(widget: Explorer) -> Cable:
    return Cable(widget)


def floats(buffers: list[bytes]) -> np.ndarray:
    return np.frombuffer(buffers[0], "<f4")


def test_the_kernel_decodes_as_the_space_does(cable, widget, exhibit):
    z = np.random.default_rng(0).normal(0, 1, (3, 2)).astype(np.float32)
    _, buffers = cable.ask("decode", codes=z.ravel().tolist(), condition=None)
    assert np.array_equal(floats(buffers).reshape(3, 8, 8), exhibit.space.decode(z))
    cable.ask("decode", codes=z[1].tolist(), condition=None)
    assert np.array_equal(widget.code, z[1])


def test_the_kernel_tells_what_the_page_draws(cable, widget, exhibit):
    about, _ = cable.ask("about")
    assert about["said"]["shown"] == 1_000 and about["said"]["total"] == len(exhibit.space)
    rows = np.frombuffer(cable.ask("numbers")[1][0], "<u4")
    assert np.array_equal(floats(cable.ask("codes")[1]).reshape(-1, 2), exhibit.space.codes[rows])
    assert np.array_equal(floats(cable.ask("column", at=0)[1]), exhibit.space.labels[rows])
    assert np.array_equal(floats(cable.ask("places", axes="1,0")[1]).reshape(-1, 2), exhibit.space.codes[rows][:, ::-1])
    assert np.array_equal(floats(cable.ask("codes_of", rows=[4, 2])[1]).reshape(-1, 2), exhibit.space.codes[rows][[4, 2]])
    code = exhibit.space.codes[rows][6].tolist()
    assert cable.ask("nearest", code=code, count=3)[0]["said"][0] == pytest.approx([6, 0], abs=1e-6)
    walk, _ = cable.ask("walk", codes=[[1.0, 0.2], [-0.7, 1.1]], steps=5, path="linear")
    assert walk["said"]["codes"][2] == pytest.approx([0.15, 0.65], abs=1e-6)
    found, _ = cable.ask("direction", having=[0, 1, 2], lacking=[3, 4])
    step = widget.exhibit.space.direction([0, 1, 2], [3, 4]).vector
    assert found["said"]["direction"] == pytest.approx(step.tolist(), abs=1e-6)
    guided = cable.ask("guided", key_of="k", code=[0.3, -0.4], condition=None)[0]["said"]
    assert np.shape(guided["move"]) == (2,) and "read to have it" in guided["reading"]
    file = io.BytesIO()
    Image.fromarray(np.full((16, 16), 90, np.uint8)).save(file, "PNG")
    content = base64.b64encode(file.getvalue()).decode()
    grafted = cable.ask("graft", key_of="k", strength=1, content=content)[1][0]
    assert Image.open(io.BytesIO(grafted)).size == (16, 16)
    much = cable.ask("graft", key_of="k", strength="guided", content=content)[1][0]
    assert Image.open(io.BytesIO(much)).size == (16, 16) and much != grafted
    encoded, _ = cable.ask("encode", content=content)
    assert encoded["said"] == pytest.approx(exhibit.space.code(Image.open(file)).tolist(), abs=1e-6)
    _, film = cable.ask("film", codes=walk["said"]["codes"], marked=walk["said"]["marked"], ending=".gif", condition=None)
    assert film[0][:6] == b"GIF89a"


def test_films_play_in_a_notebook(predictor, moving):
    view = latentwalk.explore(predictor, moving[0])
    cable, film = Cable(view), np.asarray(moving[0].x[3])
    about = cable.ask("about")[0]["said"]
    assert about["films"]["count"] == 8 and about["shown"] == 56 and view.exhibit.names[8] == "film 1, frame 2"
    reel = cable.ask("reel", film=3)[0]["said"]
    assert floats([base64.b64decode(reel["frames"])]) == pytest.approx(film.ravel())
    assert reel["surprise"][1:] == pytest.approx(predictor.surprise(film)[1:])
    asked = {"seen": 3, "steps": 4, "draws": 2, "seed": 1}
    drawn = cable.ask("futures", film=3, key_of=None, **asked)[0]["said"]
    expected = predictor.predict(film[:3], 4, 2, seed=1)
    assert floats([base64.b64decode(drawn["frames"])]) == pytest.approx(expected.ravel(), abs=1e-3)
    assert np.array_equal(np.frombuffer(cable.ask("frames")[1][0], "<u4"), np.arange(56))
    file, pictures = io.BytesIO(), [Image.fromarray(one) for one in film]
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:])
    own = cable.ask("brought", name="a.gif", content=base64.b64encode(file.getvalue()).decode())[0]["said"]
    assert own["surprise"] == reel["surprise"]
    assert cable.ask("futures", film=None, key_of=own["key"], **asked)[0]["said"]["frames"] == drawn["frames"]
    assert "not known any more" in cable.ask("futures", film=None, key_of="old", **asked)[0]["failure"]
    assert "Draw fewer" in cable.ask("futures", film=3, **asked | {"steps": 60, "draws": 400})[0]["failure"]
    assert "not among the 8" in cable.ask("reel", film=8)[0]["failure"]
    with pytest.raises(ConfigError, match="films go with a predictor"):
        latentwalk.explore(view.space, moving[0])
    with pytest.raises(ConfigError, match="explored with films"):
        latentwalk.explore(predictor)


def test_what_cannot_be_is_told_to_the_page(cable, widget):
    assert "both groups" in cable.ask("direction", having=[0], lacking=[0])[0]["failure"]
    assert "not known any more" in cable.ask("graft", key_of="old", strength=1, content="")[0]["failure"]
    assert "picture" in cable.ask("encode", content="AAAA")[0]["failure"]
    assert "not a map of the frames" in cable.ask("reel", film=0)[0]["failure"]
    widget._handle_custom_msg({"key": "k", "what": "eval"}, [])
    assert cable.sent == [] and "eval" not in ASKED
    assert "failed at this" in cable.ask("walk")[0]["failure"]  # a message that the page never sends


def test_the_probe_is_moved_from_python(cable, widget, exhibit):
    widget.go(-1)
    assert cable.sent.pop()[0] == {"go": pytest.approx(exhibit.space.codes[-1].tolist())}
    with pytest.raises(ConfigError, match="not among"):
        widget.go(5_000)
    widget._handle_custom_msg({"groups": {"A": [3, 8], "B": []}}, [])
    assert widget.groups["A"].tolist() == [3, 8] and len(widget.groups["B"]) == 0
    assert "1,000 of 1,501 examples" in repr(widget)


def test_without_anywidget_it_is_said_what_to_install(exhibit, monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ConfigError, match=r"latentwalk\[studio\]"):
        latentwalk.explore(exhibit.space)
    with pytest.raises(ConfigError, match="points=1"):
        exhibit.space.explore(points=1)


def test_its_style_knows_nothing_of_the_notebooks():
    style = widget_style("a { padding: .5rem 2rem } @media (max-width: 900px) { b {} }")
    assert "padding: 6.5px 26px" in style and "@container (max-width:" in style and "rem" not in style.replace("@container", "")
    script = widget_script()
    assert "rem;" not in script and "import(" not in script and "eval(" not in script


@pytest.fixture
def cell(watched: Any, cable: Cable, widget: Explorer) -> Any:
    """How a notebook of some background shows the widget: the page, opened."""

    def heard(said: str) -> list[Any]:
        widget._handle_custom_msg(json.loads(said), [])
        answers, cable.sent = cable.sent, []
        return [[told, [base64.b64encode(one).decode() for one in buffers]] for told, buffers in answers]

    traits = json.dumps({"_esm": widget._esm, "height": widget.height})
    watched.page.expose_function("toKernel", heard)
    watched.page.route("**/traits", lambda route: route.fulfill(body=traits, content_type="application/json"))

    def opened(back: str = "#fff") -> Any:
        watched.page.route("http://cell.test/", lambda route: route.fulfill(body=PAGE % back, content_type="text/html"))
        return watched.open("http://cell.test/")

    return opened


def test_the_page_lives_in_a_cell(cell, watched, cable, widget, exhibit):
    page, seen = cell(), []
    for place in ([0.5, 0.5], [-1.0, 0.3]):
        page.mouse.move(*watched.on_screen(np.array([place]))[0])
        watched.settle()
        assert np.abs(watched.code() - place).max() < 0.02
        assert np.array_equal(widget.code, watched.code())
        drawn = watched.decoded()
        expected = np.floor(exhibit.space.decode(watched.code()[None])[0] / 16.0 * 255 + 0.5).clip(0, 255)
        assert np.abs(drawn - expected).max() <= 1
        seen.append(drawn)
    assert (seen[0] != seen[1]).mean() > 0.2
    page.locator("canvas.top").press("ArrowRight")
    page.get_by_role("tab", name="Groups").click()
    page.get_by_role("button", name="50 nearest").click()
    page.wait_for_function(
        "() => document.querySelector('#cell > div').shadowRoot.querySelector('.group b').textContent === '50'"
    )
    watched.settle()
    assert len(widget.groups["A"]) == 50 and set(widget.groups["A"].tolist()) <= set(widget.exhibit.rows.tolist())
    widget.go(7)
    said, _ = cable.sent.pop()
    page.evaluate("(said) => fromKernel(said, [])", said)
    watched.settle()
    assert watched.code() == pytest.approx(exhibit.space.codes[7].tolist(), abs=1e-6)
    assert "in its own" not in page.locator("header").inner_text() and page.locator("text=Copy link").count() == 0
    assert {url for url in watched.asked if not url.startswith(("blob:", "data:"))} == {
        "http://cell.test/",
        "http://cell.test/traits",
    }
    assert page.evaluate("() => ended()") == 0 and page.locator("#cell > div").count() == 0


@pytest.mark.parametrize(("back", "ink"), [("#fff", "rgb(29, 29, 31)"), ("#111", "rgb(236, 236, 236)")])
def test_it_is_as_light_as_the_notebook_and_has_a_style_of_its_own(back, ink, cell):
    page = cell(back)
    page.wait_for_function("() => document.querySelector('#cell > div').dataset.scheme")
    assert page.locator("h1").evaluate("(one) => getComputedStyle(one).color") == ink
    assert page.locator(".verdict").evaluate("(one) => getComputedStyle(one).fontSize") == "13px"
    assert page.evaluate("() => getComputedStyle(document.querySelector('p')).color") == "rgb(255, 0, 0)"
