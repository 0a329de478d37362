"""Films on the page: they play, are a way on the map, and futures are drawn that are the predictor's."""

import base64
import io

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageOps

from latentwalk.latent.holes import Holes
from latentwalk.serving.application import application
from latentwalk.serving.limits import Limits
from latentwalk.studio import away
from latentwalk.studio.away import html_file
from latentwalk.studio.routes import studio_routes

MOMENT = "section[aria-label=Films] input[type=range]"


def floats(text, *shape):
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(shape)


def assert_surprise_and_place(page, seat, cinema, predictor, film, at):
    """Its surprise is told, and the probe can be moved to frame `at`, which is shown."""
    surprise = predictor.surprise(film)
    label = page.locator(".surprise svg").get_attribute("aria-label")
    assert label.endswith(f"the most in frame {int(np.nanargmax(surprise)) + 1}") and f"to {np.nanmax(surprise):.0f}" in label
    page.get_by_role("button", name="Move the probe to this frame").click()
    seat.settle()
    assert seat.code() == pytest.approx(cinema.space.path(film).z[at], abs=1e-5)


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


# ---------------------------------------------------------------------- films of one's own


def film_file(frames, kind="GIF"):
    """A film (t, H, W) as a file."""
    file, pictures = io.BytesIO(), [Image.fromarray(np.asarray(one)) for one in frames]
    pictures[0].save(file, kind, save_all=True, append_images=pictures[1:])
    return file.getvalue()


def brought(*files):
    """Files, each (name, content), as a browser has them chosen."""
    return [{"name": name, "mimeType": "application/octet-stream", "buffer": content} for name, content in files]


@pytest.fixture
def bring(seat):
    """Choose files on the page, and wait until what they hold is shown, or what is wrong with them."""

    def bring(*files):
        seat.page.evaluate("() => { document.querySelector('.trouble button')?.click(); }")
        before = seat.page.locator("section[aria-label=Films]").inner_text()
        seat.page.get_by_label("Your own film").set_input_files(brought(*files))
        seat.page.wait_for_function(
            "(before) => { const now = document.querySelector('section[aria-label=Films]').innerText; "
            "return (now !== before && !now.includes('Reading')) || document.querySelector('[role=alert]')?.innerText; }",
            arg=before,
        )
        seat.settle()

    return bring


def test_a_film_of_ones_own_is_shown_with_its_surprise_way_and_futures(seat, bring, cinema, predictor, moving):
    page, own = seat.page, np.asarray(moving[1].x[0][::-1])  # the dot goes to the left
    page.get_by_role("button", name="Pause").click()
    bring(("left.gif", film_file(own)))
    assert "left.gif, your own" in page.locator("section[aria-label=Films]").inner_text()
    page.locator(MOMENT).fill("3")
    seat.settle()
    np.testing.assert_array_equal(screens(page)[0], own[3])
    assert_surprise_and_place(page, seat, cinema, predictor, own, 3)
    page.get_by_role("button", name="Draw futures").click()
    page.wait_for_selector(".screens.n4")
    futures = predictor.predict(own[:5], 10, 3, seed=0)
    page.locator(MOMENT).fill("8")
    seat.settle()
    assert np.abs(screens(page)[1:] - np.floor(futures[:, 3] + 0.5).clip(0, 255)).max() <= 1
    page.get_by_role("tab", name="Probe").click()
    page.get_by_role("tab", name="Films").click()
    assert "left.gif, your own" in page.locator("section[aria-label=Films]").inner_text()
    page.get_by_role("button", name="The next film").click()
    page.wait_for_function("() => document.querySelector('section[aria-label=Films]').innerText.includes('film 2 of')")


def test_numbered_frames_are_a_film_and_what_is_none_is_told(seat, bring, moving):
    page, own = seat.page, np.asarray(moving[0].x[2])
    page.get_by_role("button", name="Pause").click()
    images = []
    for at in (3, 0, 6, 1, 5, 2, 4):
        file = io.BytesIO()
        Image.fromarray(own[at]).resize((24, 16), Image.Resampling.NEAREST).save(file, "PNG")
        images.append((f"frame é{at + 8}.png", file.getvalue()))  # 8 to 14
    bring(*images)
    said = page.locator("section[aria-label=Films]").inner_text()
    assert "and 6 more, your own" in said and "It is 24 × 16, and seen at 8 × 8" in said
    assert page.locator(MOMENT).get_attribute("max") == "6"
    wide = [np.asarray(Image.fromarray(one).resize((24, 16), Image.Resampling.NEAREST)) for one in own]
    expected = [np.asarray(ImageOps.fit(Image.fromarray(one), (8, 8), Image.Resampling.LANCZOS)) for one in wide]
    for at in (0, 4):
        page.locator(MOMENT).fill(str(at))
        seat.settle()
        np.testing.assert_array_equal(screens(page)[0], expected[at])
    bring(("still.png", images[0][1]))
    assert "One frame." in page.locator("section[aria-label=Films]").inner_text() and not page.locator(".surprise").count()
    bring(("tale.gif", b"Once upon a time"))
    assert "tale.gif: no frame of it can be read: not an image" in page.get_by_role("alert").inner_text()
    assert [one for one in seat.complaints if "422" not in one] == []
    seat.complaints.clear()
    assert "still.png, your own" in page.locator("section[aria-label=Films]").inner_text()  # what was there stays


def test_what_is_brought_is_bounded_and_kept_for_a_while(shows, cinema, predictor, moving, monkeypatch):
    monkeypatch.setattr(shows.served["films"], "limits", Limits(frames=20))
    client = TestClient(application(shows.served, routers=[studio_routes(shows)]), base_url="http://127.0.0.1")
    ask, octets = "/studio/runs/films/films/own", {"content-type": "application/octet-stream"}

    def sent(content, name="a.gif", to=ask, headers=octets):
        return client.post(to, params={"name": name}, content=content, headers=headers)

    own = np.asarray(moving[1].x[1])
    found = sent(film_file(own)).json()
    np.testing.assert_array_equal(floats(found["frames"], 7, 8, 8), own)
    np.testing.assert_allclose(floats(found["codes"], 7, -1), cinema.space.path(own).z, atol=1e-5)
    assert found["surprise"][1:] == pytest.approx(predictor.surprise(own)[1:]) and found["surprise"][0] is None
    asked = {"seen": 4, "steps": 2, "draws": 2, "seed": 3}
    drawn = client.post(f"{ask}/{found['key']}/futures", json=asked).json()
    np.testing.assert_allclose(floats(drawn["frames"], 2, 2, 8, 8), predictor.predict(own[:4], 2, 2, seed=3), atol=1e-3)
    assert sent(film_file(own)).json()["key"] == found["key"]
    assert "has 7 frames, and 8" in client.post(f"{ask}/{found['key']}/futures", json={"seen": 8}).json()["detail"]
    assert client.post(f"{ask}/other/futures", json=asked).status_code == 404
    assert sent(film_file(own), to="/studio/runs/vae/films/own").status_code == 404
    assert sent(film_file(own), headers={"content-type": "image/gif"}).status_code == 415
    for content, name, said in (
        (b"Once upon a time", "tale.gif", "not an image"),
        (film_file(own)[:40], "cut.gif", "no frame of it"),
        (film_file(own), "../../tale.exe", "expected a film"),
        (film_file(own)[:6] + b"\xff" * 4 + film_file(own)[10:], "bomb.gif", "pixels"),  # how large it says it is
    ):
        answer = sent(content, name)
        assert answer.status_code == 422 and said in answer.json()["detail"]
    long = sent(film_file(np.concatenate([own] * 3))).json()
    assert long["count"] == 20 and "more than 20 frames, of which these are the first" in long["reading"]
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 8), dtype=np.uint8)
    outside = cinema.space.kept(Holes)(cinema.space.path(noise).z.astype(np.float64)).sum()
    assert outside and f"{outside} of the 6 lie in holes" in sent(film_file(noise)).json()["reading"]
    for at in range(1, 5):
        sent(film_file(own[:at]))
    assert client.post(f"{ask}/{found['key']}/futures", json=asked).status_code == 404  # four others came since


# ---------------------------------------------------------------------- in a file


def test_films_go_along_in_a_file(cinema, predictor, moving, watched, tmp_path):
    to = tmp_path / "films.html"
    to.write_bytes(html_file(cinema, {}))
    page = watched.open(f"{to.as_uri()}#run=films&tab=films&film=9")
    page.wait_for_selector(".screens canvas")
    page.get_by_role("button", name="Pause").click()
    section = page.locator("section[aria-label=Films]")
    assert "held out while learning; 10 of them are in this file" in section.inner_text()
    assert not page.get_by_role("button", name="Draw futures").count() and not page.get_by_label("Your own film").count()
    film = np.asarray(moving[1].x[1])
    for at in (0, 5):
        page.locator(MOMENT).fill(str(at))
        watched.settle()
        np.testing.assert_array_equal(screens(page)[0], film[at])
    assert_surprise_and_place(page, watched, cinema, predictor, film, 5)
    page.get_by_role("button", name="The film before").click()
    page.wait_for_function("() => document.querySelector('section[aria-label=Films]').innerText.includes('held-out film 0 of')")
    assert [url for url in watched.asked if not url.startswith("blob:")] == [to.as_uri()]


def test_of_more_films_than_fit_some_go_along(cinema, monkeypatch):
    monkeypatch.setattr(away, "REELS", 4)
    blocks, numbers = away._films(cinema, 1 << 20)
    assert numbers == [0, 3, 6, 9] and set(blocks) == {"films", "films-frames", "films-codes"}
    assert away._films(cinema, sum(map(len, blocks.values())) - 1)[1] == [0, 6]
    assert away._films(cinema, 10) == ({}, [])
