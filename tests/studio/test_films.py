"""Films on the page: they play, are a way on the map, and futures are drawn that are the predictor's."""

import base64
import io

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from latentwalk.serving.application import application
from latentwalk.studio.routes import studio_routes

MOMENT = "section[aria-label=Films] input[type=range]"


def floats(text, *shape):
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(shape)


def screens(page):
    """What each screen shows, (k, H, W), gray."""
    found = page.evaluate("() => [...document.querySelectorAll('.screens canvas')].map((one) => one.toDataURL())")
    pngs = (io.BytesIO(base64.b64decode(one.partition(",")[2])) for one in found)
    return np.stack([np.asarray(Image.open(one).convert("L")) for one in pngs]).astype(int)


@pytest.fixture
def seat(watched, address):
    """The page on the second film, once it is read."""
    page = watched.open(f"{address}/#run=films&tab=films&film=1&moment=2")
    page.wait_for_selector(".screens canvas")
    return watched


def test_a_film_plays_and_stops(seat, moving):
    page = seat.page
    frames = [page.locator(MOMENT).input_value() for _ in range(4) if not page.wait_for_timeout(200)]
    assert len(set(frames)) > 1
    page.get_by_role("button", name="Pause").click()
    page.locator(MOMENT).fill("4")
    seat.settle()
    np.testing.assert_array_equal(screens(page)[0], moving[0].x[1, 4])
    page.wait_for_timeout(300)
    assert page.locator(MOMENT).input_value() == "4"
    page.locator(MOMENT).press("ArrowRight")
    seat.settle()
    np.testing.assert_array_equal(screens(page)[0], moving[0].x[1, 5])


def test_a_number_is_typed_while_the_film_plays(seat):
    field = seat.page.get_by_label("film", exact=True)
    field.fill("7")
    seat.page.wait_for_timeout(400)
    assert field.input_value() == "7"
    field.press("Enter")
    seat.page.wait_for_function("() => document.querySelector('section[aria-label=Films]').innerText.includes('film 7 of')")


def test_where_motion_is_to_be_reduced_nothing_moves_by_itself(browser, seat, address):
    still = type(seat)(browser, reduced_motion="reduce")
    page = still.open(f"{address}/#run=films&tab=films&film=1&moment=2")
    page.wait_for_selector(".screens canvas")
    page.wait_for_timeout(400)
    assert page.locator(MOMENT).input_value() == "2" and page.get_by_role("button", name="Play").is_visible()
    still.context.close()


def test_its_way_and_surprise_are_the_predictors(seat, cinema, predictor, moving):
    page, film = seat.page, moving[0].x[1]
    way = cinema.space.path(film)
    codes = np.array(page.evaluate("async () => [...(await latentwalk.scenes.value[0].source.reel('films', 1)).codes]"))
    assert codes.reshape(7, -1) == pytest.approx(way.z, abs=1e-5)
    surprise = predictor.surprise(film)
    label = page.locator(".surprise svg").get_attribute("aria-label")
    assert label.endswith(f"the most in frame {int(np.nanargmax(surprise)) + 1}")
    assert f"from {np.nanmin(surprise):.0f} to {np.nanmax(surprise):.0f}" in label
    with_way = page.evaluate("() => [...latentwalk.maps.values()][0].above.toDataURL()")
    page.get_by_role("tab", name="Probe").click()
    seat.settle()
    assert page.evaluate("() => [...latentwalk.maps.values()][0].above.toDataURL()") != with_way


def test_futures_are_drawn_and_play_after_what_was_seen(seat, predictor, moving):
    page, film = seat.page, moving[0].x[1]
    page.get_by_role("button", name="Pause").click()
    for label, number in (("after", "3"), ("draw", "6"), ("more", "2")):
        page.locator("section[aria-label=Films] label", has_text=label).last.locator("input").fill(number)
        page.keyboard.press("Tab")
    page.get_by_role("button", name="Draw futures").click()
    page.wait_for_selector(".screens.n3")
    futures = predictor.predict(film[:3], 6, 2, seed=0)
    for moment in (1, 4, 8):
        page.locator(MOMENT).fill(str(moment))
        seat.settle()
        shown = screens(page)
        expected = np.floor(futures[:, moment - 3] + 0.5).clip(0, 255) if moment >= 3 else film[[moment, moment]]
        assert np.abs(shown[1:] - expected).max() <= 1
        assert page.locator(".screens .drawn").count() == (2 if moment >= 3 else 0)
    assert page.locator(".screens .over").count() == 1  # of what came, seven frames are known
    page.get_by_role("button", name="Move the probe to this frame").click()
    seat.settle()
    assert seat.code() == pytest.approx(predictor.codes(futures)[0, 5], abs=1e-5)


def test_a_click_on_the_map_leads_to_the_film(seat, cinema):
    page = seat.page
    page.get_by_role("button", name="Pause").click()
    page.evaluate("() => latentwalk.scenes.value[0].moveToRow(58)")  # the third frame of the first film held out
    assert page.locator(".facts .link").first.inner_text() == "held-out film 0, frame 3"
    page.get_by_role("button", name="nearest frame").click()
    page.wait_for_function("() => document.querySelector('section[aria-label=Films]').innerText.includes('held out while')")
    assert page.get_by_label("film", exact=True).input_value() == "8" and page.locator(MOMENT).input_value() == "2"
    assert cinema.names[58] == "held-out film 0, frame 3"


def test_the_view_is_accessible(seat):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    seat.page.get_by_role("button", name="Draw futures").click()
    seat.page.wait_for_selector(".screens.n4")
    for scheme in ("light", "dark"):
        seat.page.emulate_media(color_scheme=scheme)
        rules = ["wcag2a", "wcag2aa", "best-practice"] if scheme == "light" else ["color-contrast"]
        found = axe.run(seat.page, options={"runOnly": rules}).response["violations"]
        assert [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found] == [], scheme


def test_films_that_are_examples_move_and_stop_together(watched, address):
    page = watched.open(f"{address}/#run=clips&tab=walk&stops=0,5&path=linear")
    page.wait_for_selector(".frames canvas")
    pictures = "() => ['.big canvas', '.frames canvas'].map((one) => document.querySelector(one).toDataURL())"
    seen = [page.evaluate(pictures) for _ in range(8) if not page.wait_for_timeout(130)]
    assert all(len(set(each)) > 2 for each in zip(*seen, strict=True))
    page.locator(".big .film").get_by_role("button", name="Pause").click()
    watched.settle()
    still = page.evaluate(pictures)
    page.wait_for_timeout(400)
    assert page.evaluate(pictures) == still


def test_what_cannot_be_shown_is_said(shows):
    client = TestClient(application(shows.served, routers=[studio_routes(shows)]), base_url="http://127.0.0.1")
    assert client.get("/studio/runs/vae/films/0").status_code == 404
    assert "film 10 is not among the 10" in client.get("/studio/runs/films/films/10").json()["detail"]
    assert client.get("/studio/runs/films/films/-1").status_code == 422
    ask = "/studio/runs/films/films/9/futures"
    assert "has 7 frames, and 8 were to be seen" in client.post(ask, json={"seen": 8}).json()["detail"]
    for wrong in ({"seen": 0}, {"seen": 2, "steps": 61}, {"seen": 2, "draws": 5}, {"seen": 2, "seed": -1}):
        assert client.post(ask, json=wrong).status_code == 422
    found = client.post(ask, json={"seen": 7, "steps": 2, "draws": 1}).json()
    assert floats(found["frames"], 1, 2, 8, 8).shape == (1, 2, 8, 8) and "differ" not in found["reading"]
