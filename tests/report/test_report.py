"""The report: JSON first, every number in it finite, and a page that is drawn from it alone and needs nothing else."""

import copy
import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from latentwalk.data.dataset import Dataset
from latentwalk.errors import CheckpointError, ConfigError, DataError
from latentwalk.report import content, page, redraw, write_page
from latentwalk.report.content import as_json


@pytest.fixture(scope="module")
def report(entries):
    return content(entries, title="Bars & <b>holes</b>", data="bars", seconds=3.0, settings={"epochs": 2, "rate": math.inf})


@pytest.fixture(scope="module")
def small(entries):
    return content(entries[2:3], title="One", data="bars")


@pytest.fixture(scope="module")
def html(report):
    return page(report)


@pytest.fixture(scope="module")
def text(small):
    return page(small)


def numbers(value):
    """Every number in a JSON value."""
    if isinstance(value, dict):
        return [n for item in value.values() for n in numbers(item)]
    if isinstance(value, list):
        return [n for item in value for n in numbers(item)]
    return [value] if isinstance(value, float | int) else []


def test_all_numbers_are_finite_and_survive_json(report):
    found = numbers(report)
    assert len(found) > 1000
    assert all(math.isfinite(number) for number in found)
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_what_is_no_number_becomes_none():
    assert as_json({"a": np.float32("nan"), 1: np.array([1.0, np.inf]), "b": (np.int64(3), object)}) == {
        "a": None,
        "1": [1.0, None],
        "b": [3, "<class 'object'>"],
    }


def test_the_report_holds_what_was_measured(report, entries):
    assert [entry["recipe"] for entry in report["entries"]] == ["pca", "ae", "vae", "vae"]
    assert report["entries"][2]["judgement"]["measures"]["prior"]["high"] == 0.65
    assert report["data"]["train"], report["data"]["test"] == (200, 60)
    assert len(report["entries"][1]["history"]) == 2
    assert report["entries"][1]["posterior"]["share"] == 0
    assert report["entries"][2]["posterior"]["share"] > 0
    np.testing.assert_allclose(report["entries"][1]["scatter"]["points"], entries[1].tried.space.codes[200:], rtol=1e-3)
    assert [entry["plane"]["shadow"] for entry in report["entries"]] == [False, False, False, True]
    assert [entry["grid"]["over"] for entry in report["entries"]] == ["prior", "codes", "prior", "prior"]


def test_the_page_leaves_the_content_as_it_was_and_is_always_the_same(small, text):
    before = copy.deepcopy(small)
    assert page(small) == text
    assert small == before


def test_the_page_needs_nothing_from_elsewhere(html):
    assert not re.search(r"""(?:src|href|srcset|action|data)\s*=\s*["']?\s*(?!data:image/png;base64,)[^"'\s>]""", html)
    assert not re.search(r"https?://|url\(|@import|<script|<link|<iframe", html)


def test_names_are_escaped(report, html):
    assert "Bars &amp; &lt;b&gt;holes&lt;/b&gt;" in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html  # the walk starts at the class of that name


def test_every_picture_has_words_for_who_cannot_see_it(html):
    images = re.findall(r"<img [^>]*>", html)
    assert len(images) > 30
    assert all(re.search(r'alt="[^"]{5,}"', image) for image in images)


def test_the_page_says_verdict_and_warning(html):
    for text in ("PCA", "VAE", "60\u202f%", "55–65", "It has collapsed. Lower beta.", "prefers-color-scheme: dark"):
        assert text in html


def test_a_single_model_has_a_page_of_its_own(text):
    assert "A look inside" in text
    assert "80 % of steps." in text  # its readings in full
    assert "It has collapsed" in text
    assert text.count('<tr><th scope="row"><i') == 1  # of models


@pytest.mark.parametrize("latent", [1, 2])
def test_tables_without_labels(judge_all, latent):
    rows = np.random.default_rng(1).normal(size=(120, 5)) @ np.diag([1, 10, 0.1, 3, 0])
    report = content(judge_all([("vae", latent)], Dataset.of(rows)), title="Table", data="rows")
    assert report["walk"] == {"start": None, "end": None}
    assert report["entries"][0]["scatter"]["labels"] is None
    assert all(math.isfinite(number) for number in numbers(report))
    text = page(report)
    assert "One map for each column" in text
    assert "Class<br>accuracy" not in text


@pytest.mark.parametrize("shape", [(3, 35, 31), (4, 4, 4)])
def test_colour_images_of_any_layout(judge_all, shape):
    x = np.random.default_rng(2).integers(0, 256, (80, *shape)).astype(np.uint8)
    report = content(judge_all([("ae", 2)], Dataset.of(x)), title="Colour", data="noise")
    assert report["entries"][0]["walk"]["width"] > 200
    assert "A walk between two far examples" in page(report)


def test_entries_are_asked_for_and_must_share_their_data(entries, judge_all):
    with pytest.raises(ConfigError, match="at least one"):
        content([], title="", data="")
    other = judge_all([("pca", 2)], Dataset.of(np.eye(90)))
    with pytest.raises(ConfigError, match="same examples"):
        content([*entries, *other], title="", data="")


def test_held_out_rows_need_not_be_known(entries):
    tried = entries[1].tried
    entry = replace(entries[1], tried=replace(tried, space=replace(tried.space, held_out=None)))
    report = content([entry], title="One", data="bars")
    assert report["data"] | {"spec": None} == {"name": "bars", "total": 260, "train": None, "test": None, "spec": None} | {
        "classes": report["data"]["classes"]
    }
    assert "260 pictures ·" in page(report)


def test_written_read_and_drawn_again(small, text, tmp_path):
    path = write_page(tmp_path / "new" / "folder", small)
    html = path.read_text(encoding="utf-8")
    assert html == text and html.startswith("<!doctype html>")
    assert json.loads((path.parent / "report.json").read_text(encoding="utf-8")) == small
    path.unlink()
    assert redraw(path.parent).read_text(encoding="utf-8") == html
    assert sorted(item.name for item in path.parent.iterdir()) == ["report.html", "report.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: None, "missing"),
        (lambda text: text[:-40], "damaged: it is not JSON"),
        (lambda text: "[]", "not a latentwalk report"),
        (lambda text: text.replace('"format_version":3', '"format_version":99'), "newer latentwalk"),
        (lambda text: text.replace('"judgement"', '"judgment"'), "damaged: KeyError"),
        (lambda text: text.replace('"centre"', '"center"'), "damaged: KeyError"),
        (lambda text: re.sub(r'"entries":\[.*\]', '"entries":[]', text), "damaged"),
    ],
)
def test_a_report_that_cannot_be_drawn_says_why(small, tmp_path, change, message):
    text = change(json.dumps(small, separators=(",", ":")))
    if text is not None:
        (tmp_path / "report.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        redraw(tmp_path)
    assert "report.json" in str(caught.value)
    assert not (tmp_path / "report.html").exists()


def test_a_folder_that_cannot_be_written(small, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot write"):
        write_page(tmp_path / "file", small)


def test_the_page_opens_with_the_walk_of_a_vae_that_changes_most(report):
    changed = copy.deepcopy(report)
    assert all(entry["walk"]["change"] >= 0 for entry in changed["entries"])
    for entry, change in zip(changed["entries"], (9.0, 8.0, 0.1, 0.2), strict=True):
        entry["walk"]["change"] = change
        entry["judgement"]["collapsed"] = False

    def opened_by(content):
        return re.search(r"through the latent space of the (.+?) \((\d+) dim", page(content)).groups()

    named = [(entry["title"], str(entry["latent"])) for entry in changed["entries"]]
    assert opened_by(changed) == named[3]
    changed["entries"][3]["judgement"]["collapsed"] = True
    assert opened_by(changed) == named[2]
    changed["entries"][2]["judgement"]["collapsed"] = True
    assert opened_by(changed) == named[1]  # a network, and no rival
    for entry in changed["entries"]:
        del entry["walk"]["change"]  # an earlier report
    assert opened_by(changed) == named[1]
