"""What the page is told, by HTTP; its files, and those of others among them."""

import base64
import hashlib
import io
import json
import subprocess
import sys
import zipfile
import zlib
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from latentwalk.drawing.film import png_bytes
from latentwalk.errors import ConfigError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.serving.application import application
from latentwalk.studio.exhibit import Exhibit
from latentwalk.studio.routes import studio_routes

PAGE = Path(str(resources.files("latentwalk.studio") / "page"))
OCTETS = {"content-type": "application/octet-stream"}


@pytest.fixture(scope="module")
def client(shows):
    app = application(shows.served, routers=[studio_routes(shows)])
    return TestClient(app, base_url="http://127.0.0.1", follow_redirects=False)  # no context: its end would close the runs


def test_the_page_and_its_files(client):
    assert client.get("/").headers["location"] == "/studio/"
    page = client.get("/studio/")
    assert page.headers["content-type"].startswith("text/html") and "start.js" in page.text
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy and "unsafe" not in policy
    assert client.get("/studio/vendor/preact.mjs").headers["content-type"].startswith("text/javascript")
    for path in ("/", "/studio/", "/studio/about", "/studio/runs/vae/codes"):  # a name of others that was made to point here
        assert client.get(path, headers={"host": "evil.example"}).status_code == 421
    for path in ("nothing.js", "../exhibit.py", "%2e%2e/exhibit.py", "..%5cexhibit.py", "vendor/../../routes.py"):
        assert client.get(f"/studio/{path}").status_code == 404


def test_codes_columns_and_numbers(client, exhibit):
    about = client.get("/studio/runs/vae/about").json()
    assert (about["shown"], about["total"], about["dim"]) == (len(exhibit.space), exhibit.total, 2)
    codes = np.frombuffer(client.get("/studio/runs/vae/codes").content, "<f4").reshape(-1, 2)
    assert np.array_equal(codes, exhibit.space.codes)
    labels = np.frombuffer(client.get("/studio/runs/vae/columns/0").content, "<f4")
    assert np.array_equal(labels, exhibit.space.labels)
    assert np.frombuffer(client.get("/studio/runs/vae/numbers").content, "<u4").tolist() == list(range(exhibit.total))
    assert client.get("/studio/runs/vae/columns/7").status_code == 422
    assert client.get("/studio/runs/none/about").status_code == 404


def test_what_the_page_does_not_hold_is_told_when_it_asks(client, deep):
    space, ask = deep.space, "/studio/runs/ae"
    codes, spread = space.codes.astype(np.float64), space.codes.astype(np.float64).std(axis=0)
    falls = np.frombuffer(client.get(f"{ask}/places?axes=3,1").content, "<f4").reshape(-1, 2)
    assert np.array_equal(falls, space.codes[:, [3, 1]])
    plane = deep.about["principal"]
    falls = np.frombuffer(client.get(f"{ask}/places").content, "<f4").reshape(-1, 2)
    assert falls == pytest.approx((codes - plane["mean"]) @ np.array(plane["axes"]).T, abs=1e-5)
    for wrong in ("4,0", "-1,0", "0", "0,1,2", "one,two", ""):
        assert client.get(f"{ask}/places?axes={wrong}").status_code == 422
    some = client.post(f"{ask}/codes", json={"rows": [5, 3, 5]}).content
    assert np.array_equal(np.frombuffer(some, "<f4").reshape(3, 4), space.codes[[5, 3, 5]])
    assert client.post(f"{ask}/codes", json={"rows": [len(codes)]}).status_code == 422

    chosen = np.random.default_rng(0).random(len(codes)) < 0.1
    bits = base64.b64encode(np.packbits(chosen, bitorder="little").tobytes()).decode()
    for z in (codes[9], codes[9] + 0.3 * spread, 50 * spread):
        away = np.sqrt((((codes - z.astype(np.float32)) / spread) ** 2).sum(axis=1))
        for shown, rows in ((None, np.arange(len(codes))), (bits, np.flatnonzero(chosen))):
            found = client.post(f"{ask}/nearest", json={"code": z.tolist(), "count": 12, "shown": shown}).json()["rows"]
            expected = rows[np.argsort(away[rows], kind="stable")[:12]]
            assert [row for row, _ in found] == expected.tolist()
            assert [far for _, far in found] == pytest.approx(away[expected], rel=1e-5, abs=1e-6)
    none = base64.b64encode(bytes(-(-len(codes) // 8))).decode()
    assert client.post(f"{ask}/nearest", json={"code": z.tolist(), "shown": none}).json()["rows"] == []
    for wrong in ({"shown": "AAAA"}, {"shown": "no bits"}, {"code": [0.0]}, {"count": 257}):
        assert client.post(f"{ask}/nearest", json={"code": z.tolist()} | wrong).status_code == 422
    assert deep.about["held"]


def test_texts_are_found_by_their_words():
    texts = [
        f"the {animal} {verb} {count} times"
        for animal in ("Mouse", "cat", "owl")
        for verb in ("sang", "slept")
        for count in "1234"
    ]
    model = Autoencoder("ae", latent=2, epochs=1, random_state=0, progress=False).fit(texts)
    found = Exhibit.of("texts", "Texts", model.space(texts))
    for words in ("mouse", "SLEPT", "owl sang 3", "dog"):
        assert found.holding(words) == [row for row, text in enumerate(texts) if words.lower() in text.lower()]


def test_codes_are_decoded(client, exhibit):
    z = np.random.default_rng(0).normal(size=(3, 2)).astype("<f4")
    answer = client.post("/studio/runs/vae/decode", content=z.tobytes(), headers=OCTETS)
    assert np.frombuffer(answer.content, "<f4") == pytest.approx(exhibit.decode(z).ravel(), abs=1e-5)
    assert client.post("/studio/runs/vae/decode", content=b"123", headers=OCTETS).status_code == 422
    nan = np.full((1, 2), np.nan, "<f4").tobytes()
    assert client.post("/studio/runs/vae/decode", content=nan, headers=OCTETS).status_code == 422


def test_walks_directions_and_grafts(client, exhibit):
    asked = {"codes": exhibit.space.codes[[3, 90]].tolist(), "path": "density", "steps": 6}
    walk = client.post("/studio/runs/vae/walk", json=asked).json()
    assert np.array(walk["codes"]) == pytest.approx(exhibit.space.walk(3, 90, 6, "density").z, abs=1e-6)
    both = {"having": [0, 1, 2], "lacking": [3, 4, 5]}
    found = client.post("/studio/runs/vae/direction", json=both).json()
    assert found["direction"] == pytest.approx(exhibit.space.direction([0, 1, 2], [3, 4, 5]).vector.tolist())
    assert client.post("/studio/runs/vae/direction", json=both | {"lacking": [2, 3]}).status_code == 422
    assert client.post("/studio/runs/vae/direction", json=both).json()["key"] == found["key"]  # and its guide is there yet
    assert client.post("/studio/runs/vae/direction", json=both | {"lacking": [3, 4]}).json()["key"] != found["key"]
    onto = {"key": found["key"], "code": exhibit.space.codes[7].tolist()}
    guided = client.post("/studio/runs/vae/guided", json=onto).json()
    assert np.shape(guided["move"]) == (2,) and "to stay as they are: heavy, low" in guided["reading"]
    assert client.post("/studio/runs/vae/guided", json=onto | {"key": "other"}).status_code == 404
    assert client.post("/studio/runs/vae/guided", json=onto | {"code": [0.0]}).status_code == 422
    picture = np.random.default_rng(0).integers(0, 255, (30, 40, 1), np.uint8)
    sent = {"content": png_bytes(picture), "headers": {"content-type": "image/png"}}
    answer = client.post(f"/studio/runs/vae/graft?key={found['key']}&strength=2", **sent)
    assert answer.headers["content-type"] == "image/png", answer.text
    assert client.post("/studio/runs/vae/graft?key=other", **sent).status_code == 404
    much = Image.open(io.BytesIO(client.post(f"/studio/runs/vae/graft?key={found['key']}&strength=guided", **sent).content))
    mine = Image.fromarray(picture[..., 0])
    move = client.post("/studio/runs/vae/guided", json=onto | {"code": exhibit.space.code(mine).tolist()}).json()["move"]
    assert np.array_equal(np.asarray(much), exhibit.space.graft(mine, np.float32(move), 1).x)
    assert client.post(f"/studio/runs/vae/graft?key={found['key']}&strength=much", **sent).status_code == 422
    film = client.post("/studio/runs/vae/film", json={"codes": walk["codes"], "ending": ".gif"})
    assert film.content[:6] == b"GIF89a"


def test_more_rows_than_are_shown_are_counted(exhibit):
    some = Exhibit.of("some", "Some", exhibit.space, most=100)
    assert (some.about["shown"], some.about["total"], len(some.rows)) == (100, exhibit.total, 100)
    assert np.array_equal(some.space.codes, exhibit.space.codes[some.rows])
    with pytest.raises(ConfigError, match="not among"):
        some.examples([100])
    with pytest.raises(ConfigError, match="at once"):
        exhibit.tiles(range(257))


def test_every_vendored_file_is_in_the_manifest_as_it_was_published():
    manifest = json.loads((PAGE / "vendor" / "manifest.json").read_text())
    told = {one["file"]: one for one in manifest["files"]}
    there = {one.name for one in (PAGE / "vendor").iterdir()} - {"manifest.json", "LICENSES.txt"}
    assert set(told) == there
    licences = (PAGE / "vendor" / "LICENSES.txt").read_text()
    for name, one in told.items():
        content = (PAGE / "vendor" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == one["sha256"] and len(content) == one["bytes"], name
        assert one["licence"] in ("MIT", "Apache-2.0") and one["package"] in licences and one["version"][0].isdecimal()
    assert sum(one["bytes"] for one in manifest["files"] if not one.get("taken_along")) < 30_000
    packed = (PAGE / "vendor" / "ort.wasm.gz").read_bytes()
    assert hashlib.sha256(zlib.decompress(packed, 31)).hexdigest() == told["ort.wasm.gz"]["published_sha256"]


def test_the_page_names_no_other_host():
    allowed = {"http://www.w3.org/2000/svg"}
    for path in PAGE.iterdir():
        if path.suffix in (".js", ".css", ".html", ".svg"):
            text = path.read_text()
            found = {word.strip("\"'`();>") for word in text.split() if "://" in word} - allowed
            assert {one for one in found if not any(name in one for name in allowed)} == set(), path.name
            assert "eval(" not in text and "innerHTML" not in text


def test_the_wheel_holds_the_page(tmp_path):
    hatchling = pytest.importorskip("hatchling.build")
    assert hatchling is not None
    root = Path(__file__).resolve().parents[2]
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    made = subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=root, capture_output=True, text=True, check=True)
    with zipfile.ZipFile(tmp_path / made.stdout.split()[-1]) as wheel:
        held = {name for name in wheel.namelist() if name.startswith("latentwalk/studio/page/")}
    there = {f"latentwalk/studio/page/{one.relative_to(PAGE).as_posix()}" for one in PAGE.rglob("*") if one.is_file()}
    assert held == there
