"""The page, as who uses it: what is drawn where the pointer goes."""

import csv
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from latentwalk.data.formulas import harmless
from latentwalk.studio.moves import transplant_of


def painted(x: np.ndarray, high: float = 16.0) -> np.ndarray:
    """Digits (H, W) as bytes, as the page paints them."""
    return np.floor(x.astype(np.float64) / high * 255 + 0.5).clip(0, 255).astype(np.uint8)  # Math.round


def apart(places: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How far each place lies from the nearest other one."""
    away = np.linalg.norm(places[:, None] - others[None], axis=2)
    return np.where(away == 0, np.inf, away).min(axis=1)


@pytest.fixture
def places(exhibit: Any) -> np.ndarray:
    return exhibit.space.codes.astype(np.float64)


def test_what_is_drawn_is_what_the_model_decodes_where_the_pointer_is(opened, exhibit):
    seen = []
    for place in np.array([[0.5, 0.5], [-1.0, 0.3], [0.2, -1.2]]):
        opened.page.mouse.move(*opened.on_screen(place[None])[0])
        opened.settle()
        code = opened.code()
        assert np.abs(code - place).max() < 0.02  # a pixel
        drawn = opened.decoded()
        assert np.abs(drawn.astype(int) - painted(exhibit.decode(code[None])[0])).max() <= 1
        seen.append(drawn)
    assert (seen[0] != seen[1]).mean() > 0.2 and (seen[1] != seen[2]).mean() > 0.2


def test_the_newest_request_wins(opened, exhibit):
    for x in range(300, 700, 4):
        opened.page.mouse.move(x, 400)
    opened.settle()
    drawn = opened.decoded()
    assert np.abs(drawn.astype(int) - painted(exhibit.decode(opened.code()[None])[0])).max() <= 1
    assert opened.page.evaluate("() => latentwalk.scenes.value[0].timings.length") < 100  # those in between were not asked for


def test_a_link_leads_to_the_same_pixels(opened, browser, address, places):
    page = opened.page
    page.mouse.click(*opened.on_screen(places[:1])[0])
    page.mouse.move(600, 420)
    page.mouse.wheel(0, -300)
    page.locator(".legend input").nth(3).uncheck()
    page.get_by_role("tab", name="Walk").click()
    page.wait_for_timeout(400)
    opened.settle()
    other = type(opened)(browser)
    other.open(page.url)
    other.page.wait_for_function("() => latentwalk.scenes.value[0].shown.value")
    other.page.wait_for_timeout(200)
    other.settle()
    assert np.array_equal(other.code(), opened.code())
    assert np.array_equal(other.decoded(), opened.decoded())
    assert other.dots() == opened.dots()
    assert other.page.get_by_role("tab", name="Walk").get_attribute("aria-selected") == "true"
    assert other.complaints == []
    other.context.close()


def test_a_lasso_of_three_points_holds_three(opened, places):
    order = np.argsort(places[:, 0])
    (left, _), (right, _) = opened.on_screen(places[order[[2, 3]]])
    assert right - left > 1  # between the third and the fourth there is a way
    ends = opened.on_screen(places[order[:3]])
    edge, low, high = (left + right) / 2, ends[:, 1].min() - 9, ends[:, 1].max() + 9
    page = opened.page
    page.get_by_role("button", name="Lasso").first.click()
    corners = [(ends[0, 0] - 9, low), (edge, low), (edge, high), (ends[0, 0] - 9, high)]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner)
    page.mouse.up()
    assert page.locator(".group b").first.inner_text() == "3"
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert sorted(int(row["row"]) for row in rows) == sorted(order[:3].tolist())
    assert all(row["group"] == "A" and row["label"] in "0123456789" for row in rows)
    found = np.array([[row["z1"], row["z2"]] for row in rows], float)
    assert np.allclose(found, places[[int(row["row"]) for row in rows]], atol=1e-6)


def test_examples_are_found_by_class_name_and_number_and_classes_are_counted(opened, exhibit, cinema, address, watched):
    page, labels = opened.page, exhibit.space.labels
    page.wait_for_function("() => document.querySelector('.legend .tally')?.innerText")
    counts = page.locator(".legend .tally").all_inner_texts()
    assert counts == [str(count) for count in np.bincount(labels.astype(int))]
    page.get_by_role("tab", name="Groups").click()

    def find(words, count):
        """What is said, once a group of so many is chosen."""
        page.get_by_role("searchbox").fill(words)
        page.get_by_role("button", name="Find").click()
        page.wait_for_function("(count) => document.querySelector('.group b').innerText === String(count)", arg=count)
        opened.settle()

    find("7", int((labels == 7).sum()) + int(labels[7] != 7))  # and the row of that number
    find("1234", 1)
    assert opened.code() == pytest.approx(exhibit.space.codes[1234], abs=1e-6)
    find("<b>x</b>", 1)
    page.wait_for_function("() => document.querySelector('p.said').innerText === 'Nothing here is called <b>x</b>.'")
    watched.open(f"{address}/#run=films&tab=groups")
    find("held-out film 1, frame", 7)
    assert opened.code() == pytest.approx(cinema.space.codes[cinema.names.index("held-out film 1, frame 1")], abs=1e-6)


def test_cells_are_made_harmless_as_in_files_of_ours(opened):
    texts = ["=1+1", "-1.5", "-1,5", "+3e4", "- see above", "'=1+1", "''@x", " =2", "\t=3", "\tx", "＝1+1", "=", "a=1"]
    ask = "async (texts) => { const { cell } = await import('/studio/select.js'); return texts.map(cell); }"
    assert next(csv.reader([",".join(opened.page.evaluate(ask, texts))])) == [harmless(text) for text in texts]


def test_hover_names_the_right_row_after_a_filter(opened, exhibit, places):
    labels = exhibit.space.labels
    kept = np.flatnonzero(labels != 3)
    lonely = kept[np.argsort(-apart(places[kept], places[kept]))]
    inside = lonely[(np.abs(places[lonely]) < 2.5).all(axis=1)][:3]
    opened.page.locator(".legend input").nth(3).uncheck()
    opened.page.wait_for_function("() => latentwalk.scenes.value[0].shown.value")
    hidden = np.flatnonzero(labels == 3)[:3]
    for row in (*inside, *hidden):
        opened.page.mouse.move(*opened.on_screen(places[[row]])[0])
        opened.settle()
        nearest = kept[np.linalg.norm((places[kept] - opened.code()) / places.std(axis=0), axis=1).argmin()]
        said = opened.page.locator(".facts .quiet").first.inner_text()
        assert f"row {nearest}," in said and f"label {labels[nearest]}," in said
        hover = opened.page.evaluate("() => latentwalk.scenes.value[0].hover.value")
        assert hover == -1 or labels[hover] != 3
    assert "pass the filter" in opened.page.locator(".count").inner_text()


def test_arrows_move_the_probe_by_a_tenth_of_a_deviation_and_it_is_said(opened, places):
    top = opened.page.locator("canvas.top").first
    before = opened.code()
    top.press("ArrowRight")
    top.press("Shift+ArrowUp")
    opened.settle()
    assert opened.code() - before == pytest.approx([0.1 * places[:, 0].std(), places[:, 1].std()], rel=1e-4)
    opened.page.wait_for_function("() => document.querySelector('.said').textContent.includes('nearest row')")
    slider = opened.page.locator(".slider input").first
    before = opened.code()
    slider.press("ArrowLeft")
    assert np.abs(opened.code() - before).max() == pytest.approx(
        0.1 * places.std(axis=0)[places.std(axis=0).argmax()], rel=1e-3
    )


def test_holes_are_where_the_library_finds_them(opened, exhibit, deep):
    ask = """async ([run, codes]) => {
      const { Density } = await import("/studio/density.js");
      const about = await latentwalk.scenes.value[0].source.about(run), density = new Density(about.holes, about.dim);
      return codes.map((z) => density.depth(z));
    }"""
    for one in (exhibit, deep):
        codes = np.random.default_rng(0).normal(0, 2, (40, one.space.dim)).astype(np.float32)
        found = opened.page.evaluate(ask, [one.name, codes.tolist()])
        assert found == pytest.approx(one.space.holes.depth(codes).tolist(), rel=1e-6, abs=1e-6)


def test_a_walk_is_the_librarys_and_is_saved_as_a_film(opened, exhibit, places):
    page = opened.page
    for row in (10, 500):
        page.evaluate("(row) => { const s = latentwalk.scenes.value[0]; s.moveToRow(row); }", row)
        page.locator("canvas.top").first.press("Enter")
    page.wait_for_selector(".frames canvas")
    page.get_by_label("linear").check()
    page.wait_for_timeout(300)
    wide = page.locator(".frames canvas").evaluate("(c) => c.width")
    assert wide == 11 * 60 - 4
    page.locator(".frames canvas").click(position={"x": 5, "y": 20})
    page.locator("section[aria-label=Walk] input[type=range]").fill("5")
    middle = exhibit.space.walk(10, 500, 11, "linear").z[5]
    assert opened.code() == pytest.approx(middle, abs=1e-6)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save GIF").click()
    assert download.value.path().read_bytes()[:6] == b"GIF89a"


def test_blends_and_transplants_move_what_is_drawn(opened, exhibit):
    page = opened.page
    for row in (3, 40, 700):
        page.evaluate("(row) => latentwalk.scenes.value[0].moveToRow(row)", row)
        page.locator("canvas.top").first.press("Enter")
    page.get_by_role("tab", name="Blend").click()
    pad = page.locator(".pad")
    box = pad.bounding_box()
    corner = page.evaluate("() => [...latentwalk.scenes.value[0].code(3)]")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 2)  # the top of the triangle is the first point alone
    opened.settle()
    assert opened.code() == pytest.approx(corner, abs=1e-5)
    page.get_by_role("tab", name="Transplant").click()
    page.locator("section[aria-label=Transplant] select").select_option("label=0")
    page.wait_for_selector(".both canvas")
    step = exhibit.space.direction(np.flatnonzero(exhibit.space.labels == 0), np.flatnonzero(exhibit.space.labels != 0)).vector
    before = opened.code()
    page.get_by_role("button", name="Move the probe there").click()
    assert opened.code() - before == pytest.approx(step, abs=1e-5)


def test_a_guided_transplant_gives_each_what_it_takes(opened, exhibit):
    page, heavy = opened.page, exhibit.space.attributes["heavy"]
    row = int(np.flatnonzero(heavy == 0)[5])
    page.evaluate("(row) => latentwalk.scenes.value[0].moveToRow(row)", row)
    page.get_by_role("tab", name="Transplant").click()
    page.locator("section[aria-label=Transplant] select").select_option("heavy=yes")
    page.get_by_label("guided").check()
    said = page.locator("section[aria-label=Transplant] .reading").nth(1).inner_text()
    assert "read to have it" in said and "to stay as they are: low" in said
    before = opened.code()
    page.get_by_role("button", name="Move the probe there").click()
    opened.settle()
    step = transplant_of(exhibit, np.flatnonzero(heavy == 1).tolist(), np.flatnonzero(heavy == 0).tolist())
    assert opened.code() - before == pytest.approx(step.guided(before.tolist())["move"], abs=1e-5)
    lacked, has = step.guide.seen(exhibit.space, np.stack([before, opened.code()]))
    assert lacked < 0.5 < has
    assert opened.decoded().mean() > painted(exhibit.decode(before[None])[0]).mean()
    page.wait_for_timeout(400)
    assert "strength=guided" in page.url
    file, large = io.BytesIO(), Image.fromarray(np.kron(exhibit.examples([row])[0] * 15, np.ones((9, 9))).astype(np.uint8))
    large.save(file, "PNG")
    page.get_by_label("Your own picture").set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    page.wait_for_selector(".both img")
    shown = page.get_by_alt_text("The picture with what was transplanted")
    read = "async (one) => { await one.decode(); const c = new OffscreenCanvas(one.naturalWidth, one.naturalHeight); "
    read += (
        "const at = c.getContext('2d'); at.drawImage(one, 0, 0); return [...at.getImageData(0, 0, c.width, c.height).data]; }"
    )
    pixels = np.array(shown.evaluate(read)).reshape(72, 72, 4)[..., 0]
    direction = replace(step.direction, guide=step.guide)
    np.testing.assert_array_equal(pixels, exhibit.space.graft(large, direction, "guided").x)


def test_two_runs_follow_one_pointer(opened, deep):
    page = opened.page
    page.locator("summary", has_text="Compare").click()
    page.get_by_label("AE", exact=True).check()
    page.wait_for_function("() => latentwalk.scenes.value.length === 2")
    page.locator("summary", has_text="Compare").click()
    seen = []
    for x in (200, 300):
        page.mouse.move(x, 400)
        opened.settle()
        assert np.abs(opened.decoded("ae").astype(int) - painted(deep.decode(opened.code(1)[None])[0])).max() <= 1
        seen.append(opened.decoded("ae"))
    assert (seen[0] != seen[1]).any()
    assert page.locator(".map").count() == 2


def test_names_are_data_and_no_markup(opened):
    assert opened.page.locator("header b").count() == 0
    assert "VAE of <b>digits</b>" in opened.page.locator("header select").inner_text()


def test_nothing_is_asked_of_others_and_the_policy_holds(opened, address):
    assert all(url.startswith((address, "blob:", "data:")) for url in opened.asked)
    refused = opened.page.evaluate(
        "() => new Promise((done) => { document.addEventListener('securitypolicyviolation', (e) => done(e.violatedDirective)); "
        "const s = document.createElement('script'); s.textContent = 'window.broken = 1'; document.body.append(s); })"
    )
    assert refused.startswith("script-src") and opened.page.evaluate("() => window.broken") is None
    assert opened.complaints.pop().startswith("error: Executing inline script violates")


ALL, DARK = ("Probe", "Groups", "Walk", "Blend", "Transplant", "Train"), ("Walk", "Train")


@pytest.mark.parametrize(
    ("scheme", "views", "rules"),
    [("light", ALL, ["wcag2a", "wcag2aa", "best-practice"]), ("dark", DARK, ["color-contrast"])],
)
def test_every_view_is_accessible(watched, address, scheme, views, rules):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = watched.open(f"{address}/")
    page.emulate_media(color_scheme=scheme)
    for row in (3, 40, 700):
        page.evaluate("(row) => latentwalk.scenes.value[0].moveToRow(row)", row)
        page.locator("canvas.top").first.press("Enter")
    for view in views:
        page.locator("[role=tab], nav button", has_text=view).click()
        page.wait_for_timeout(100)
        found = axe.run(page, options={"runOnly": rules}).response["violations"]
        told = [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found]
        assert told == [], view
