"""A map taken away: one file that decodes from the disk, as the model does, and asks nobody."""

import gzip
import re
from typing import Any

import numpy as np
import pytest

from latentwalk.errors import ConfigError
from latentwalk.studio.away import _escaped, decoder_files, html_file
from latentwalk.studio.bundle import ascii_script, one_script

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="session")
def whole(exhibit: Any, vae: Any, tmp_path_factory: pytest.TempPathFactory, operators_once: None) -> Any:
    """The file of a VAE of digits."""
    path = tmp_path_factory.mktemp("away") / "map.html"
    path.write_bytes(html_file(exhibit, decoder_files(vae)))
    return path


def test_the_file_decodes_from_the_disk_as_pytorch_does(whole, watched, exhibit):
    assert whole.stat().st_size <= 8_000_000
    page = watched.open(whole.as_uri())
    codes = np.random.default_rng(0).normal(0, 1.5, (50, 2)).astype(np.float32)
    decode = "latentwalk.scenes.value[0].source.decode('vae', Float32Array.from(z))"
    ask = f"async (z) => [...(await {decode}).values]"
    found = np.array(page.evaluate(ask, codes.ravel().tolist()), np.float32).reshape(50, 8, 8)
    span = exhibit.spec.high - exhibit.spec.low
    assert np.abs(found - exhibit.decode(codes)).max() / span < 1e-4
    seen = []
    for x in (300, 500):
        page.mouse.move(x, 400)
        watched.settle()
        seen.append(watched.decoded())
    assert (seen[0] != seen[1]).mean() > 0.2
    assert [url for url in watched.asked if not url.startswith("blob:")] == [whole.as_uri()]
    policy = page.locator("meta[http-equiv]").get_attribute("content")
    assert "'wasm-unsafe-eval'" in policy and "unsafe-eval'" not in policy.replace("'wasm-unsafe-eval'", "")
    assert "unsafe-inline" not in policy and "default-src 'none'" in policy


def test_its_ways_are_the_librarys(whole, watched, exhibit):
    page, space = watched.open(whole.as_uri()), exhibit.space
    ends, bent = space.codes[:40].reshape(20, 2, 2).astype(np.float64), 0
    ways = [(np.array([[1.0, 0.2], [-0.7, 1.1]]), path) for path in ("linear", "spherical", "density")]
    ways += [(np.array([[2.5, 0.0], [0.3, 1.0], [-3.0, -0.5]]), path) for path in ("linear", "spherical", "density")]
    for codes, path in [*ways, *((pair, "density") for pair in ends)]:
        ask = "async (asked) => latentwalk.scenes.value[0].source.walk('vae', asked)"
        found = page.evaluate(ask, {"codes": codes.tolist(), "path": path, "steps": 9})
        expected = space.journey(list(codes.astype(np.float32)), 9, path)
        assert np.array(found["codes"]) == pytest.approx(expected.z, abs=2e-4), path
        assert found["marked"] == expected.holes.tolist()
        assert len(expected.crossings) > 1 or found["reading"] == expected.reading
        bent += path == "density" and bool(np.abs(expected.z - space.journey(list(codes), 9, "linear").z).max() > 0.1)
    assert bent > 3  # not all of them are straight


def test_without_a_decoder_what_it_shows_was_decoded_before(exhibit, watched, tmp_path):
    (tmp_path / "map.html").write_bytes(html_file(exhibit, {}))
    page = watched.open((tmp_path / "map.html").as_uri())
    ask = "async () => { const b = latentwalk.scenes.value[0].source.baked; return [[...b.codes], [...b.values]]; }"
    codes, values = page.evaluate(ask)
    expected = exhibit.decode(np.array(codes, np.float32).reshape(-1, 2))
    assert np.array(values) == pytest.approx(expected.ravel(), abs=1e-4)
    page.mouse.move(500, 300)
    watched.settle()
    assert "decoded beforehand" in page.locator(".facts").inner_text()


def test_more_rows_than_fit_are_left_out_and_a_decoder_that_does_not_is_told(exhibit):
    full = html_file(exhibit, {})
    small = html_file(exhibit, {}, most=len(full) - 1)
    assert len(small) < len(full)
    with pytest.raises(ConfigError, match="larger than"):
        html_file(exhibit, {}, most=200_000)


def test_bytes_come_through_html():
    content = bytes(range(256)) * 3
    text = _escaped(content).decode("latin-1")  # as windows-1252 has them, but for 32 that the page knows
    assert not set("\0\r\n<") & set(text)
    back = bytes((ord(one[1]) + 192) % 256 if one[0] == "=" else ord(one) for one in re.findall("=?.", text, re.DOTALL))
    assert back == content
    assert gzip.decompress(gzip.compress(content)) == content


def test_modules_become_one():
    files = {
        "start.js": 'import { two as three, go } from "./in/b.js";\nimport * as all from "./c.js";\nout(go(three), all.x);',
        "in/b.js": 'import{one}from"../c.js";\nexport async function go(k) { return k + one; }\nconst t = 2;\n'
        "export { t as two };",
        "c.js": "export const one = 1;\nexport class X {}\nconst x = 5;export{x};",
    }
    text = one_script(files, "start.js")
    assert text.index("$c_js =") < text.index("$in_b_js =") < text.index("$start_js =")
    assert "import" not in text and "export" not in text
    with pytest.raises(ConfigError, match="in a circle"):
        one_script({"a.js": 'import { b } from "./b.js";', "b.js": 'import { a } from "./a.js";'}, "a.js")
    with pytest.raises(ConfigError, match="form that is not read"):
        one_script({"a.js": "export let a = 1;"}, "a.js")
    with pytest.raises(ConfigError, match="not there"):
        one_script({"a.js": 'import { b } from "./b.js";'}, "a.js")


def test_a_script_is_ascii_and_ends_no_element():
    assert ascii_script("`a → 😀 </script> <!--`") == "`a \\u2192 \\ud83d\\ude00 <\\/script> <\\!--`"
