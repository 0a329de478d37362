"""A map of more numbers than the page holds: it is told where codes fall, and asks for the rest."""

import csv

import numpy as np
import pytest

from latentwalk.studio.exhibit import Exhibit


@pytest.fixture(scope="module")
def wide(deep):
    """A map whose codes stay with the server."""
    found = Exhibit.of("wide", "Wide", deep.space, room=100)
    assert not found.about["held"]
    return found


@pytest.fixture(scope="module")
def wide_address(wide, shows, listening):
    both = type(shows)()
    both.show(wide, shows.served["ae"])
    with listening(both) as address:
        yield address


@pytest.fixture
def seat(watched, wide_address):
    watched.open(f"{wide_address}/")
    return watched


def near(page, row):
    """Wait until a row is told to be the nearest."""
    page.wait_for_function("(row) => latentwalk.scenes.value[0].nearest.value[0]?.[0] === row", arg=row)


def test_codes_are_not_sent_and_dots_lie_where_they_fall(seat, wide):
    page, codes = seat.page, wide.space.codes.astype(np.float64)
    assert any("/places?" in url for url in seat.asked) and not any(url.endswith("/codes") for url in seat.asked)
    for axes in ("principal", "2,0"):
        page.evaluate("(axes) => { latentwalk.scenes.value[0].axes.value = axes; }", axes)
        page.wait_for_function("(axes) => latentwalk.scenes.value[0].fallen.value.axes === axes", arg=axes)
        found = np.array(page.evaluate("() => [...latentwalk.scenes.value[0].places.value]")).reshape(-1, 2)
        plane = wide.about["principal"]
        expected = (codes - plane["mean"]) @ np.array(plane["axes"]).T if axes == "principal" else codes[:, [2, 0]]
        assert found == pytest.approx(expected, abs=1e-5)
    x, y = seat.on_screen(codes[[7]][:, [2, 0]])[0]
    page.mouse.move(x, y)
    seat.settle()
    row = page.evaluate("() => latentwalk.scenes.value[0].hover.value")
    assert np.linalg.norm(codes[row][[2, 0]] - codes[7][[2, 0]]) < 0.05


def test_who_is_nearest_is_the_servers_answer_for_the_newest_place(seat, wide):
    page = seat.page
    for row in (3, 99, 41):
        page.evaluate("(row) => latentwalk.scenes.value[0].moveToRow(row)", row)
    near(page, 41)
    seat.settle()
    assert seat.code() == pytest.approx(wide.space.codes[41], abs=1e-6)
    rows = page.evaluate("() => latentwalk.scenes.value[0].nearest.value")
    assert [row for row, _ in rows] == [row for row, _ in wide.nearest(wide.space.codes[41], 8)]
    label = int(wide.space.labels[41])
    page.evaluate("async () => latentwalk.scenes.value[0].column(0)")
    page.evaluate(
        "(label) => { const one = latentwalk.scenes.value[0]; const values = one.columns.get(0); "
        "one.shown.value = Uint8Array.from(values, (value) => value !== label); }",
        label,
    )
    page.wait_for_function("() => latentwalk.scenes.value[0].nearest.value[0][0] !== 41")
    [first, *_] = page.evaluate("() => latentwalk.scenes.value[0].nearest.value")
    others = np.flatnonzero(wide.space.labels != label)
    spread = wide.space.codes.std(axis=0)
    away = np.linalg.norm((wide.space.codes[others] - wide.space.codes[41]) / spread, axis=1)
    assert first[0] == others[away.argmin()] and first[1] == pytest.approx(away.min(), rel=1e-4)


def test_walks_blends_groups_and_links_need_no_codes_beforehand(seat, wide, watched):
    page, codes = seat.page, wide.space.codes
    for row in (12, 30):
        page.evaluate("(row) => latentwalk.scenes.value[0].moveToRow(row)", row)
        near(page, row)
        page.locator("canvas.top").first.press("Enter")
        page.wait_for_function("(row) => document.querySelector('.stops')?.innerText.includes(`row ${row}`)", arg=row)
    page.wait_for_selector(".frames canvas")
    page.get_by_role("tab", name="Blend").click()
    page.wait_for_selector(".pad canvas")
    page.wait_for_timeout(400)
    link = page.url
    page.get_by_role("tab", name="Groups").click()
    page.get_by_role("button", name="50 nearest").click()
    page.wait_for_function("() => document.querySelector('.group b').innerText === '50'")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as CSV").click()
    lines = list(csv.DictReader(waiting.value.path().read_text().splitlines()))
    expected = sorted(row for row, _ in wide.nearest(codes[30], 50))
    assert [int(one["row"]) for one in lines] == expected
    saved = np.array([[float(one[f"z{d + 1}"]) for d in range(4)] for one in lines])
    assert saved == pytest.approx(codes[expected], abs=1e-6)
    page.goto("about:blank")
    watched.open(link)
    page.wait_for_selector(".pad canvas")
    assert page.locator(".stops li").count() == 2
