"""A page on a model of texts shows texts as texts, and nothing in them is markup."""

import json

import numpy as np
import pytest

from latentwalk.data.dataset import Dataset
from latentwalk.report import content, page


@pytest.fixture(scope="module")
def report(judge_all):
    rng = np.random.default_rng(0)
    words = ["<script>alert(1)</script>", "b&c", "cat", "dog", "runs"]
    texts = [" ".join(words[at] for at in rng.integers(0, 5, 1 + row % 4)) for row in range(120)]
    return content(judge_all([("ae", 3)], Dataset.of(texts, units="words")), title="Texts", data="lines")


def test_texts_are_rows_of_a_table_and_never_markup(report):
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    html = page(report)
    assert "<script" not in html and "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert html.count('<table class="texts">') >= 4  # a walk twice, the plane, draws, reconstructions
    for text in report["originals"]["texts"]:
        assert (
            f"<td>{text}</td>".replace("&", "&amp;")
            .replace("<script>", "&lt;script&gt;")
            .replace("</script>", "&lt;/script&gt;")
            in html
        )
    assert "up to 4 words each, of 5" in html and "120 texts" in html


def test_a_walk_is_as_long_as_it_says(report):
    walk = report["entries"][0]["walk"]
    assert len(walk["texts"]) == len(walk["marked"]) == 11
