"""Every kind of data has a page: nothing on it is asked of a kind that has no such thing."""

import json
from functools import partial

import numpy as np
import pytest

from latentwalk.data.adopt import adopt
from latentwalk.data.dataset import Dataset
from latentwalk.data.music import Piece
from latentwalk.data.spec import FORMS, Kind
from latentwalk.data.synthetic import signals, tones
from latentwalk.data.synthetic.melodies import MELODY_FACTORS, tune
from latentwalk.report import content, page

KINDS: list[Kind] = ["signal", "music", "roll", "sound"]
ELSEWHERE = {"image", "table", "text"}  # have tests of their own in this folder
NEVER = {"film"}  # its frames are judged, which are images


def pieces() -> list[Piece]:
    rng = np.random.default_rng(0)
    return [tune({name: int(rng.integers(len(v))) for name, v in MELODY_FACTORS.items()}, rng) for _ in range(120)]


def examples(kind: Kind) -> Dataset:
    drawn = {"signal": partial(signals, n=150), "sound": partial(tones, n=120, length=1024)}
    return drawn[kind]() if kind in drawn else adopt(pieces(), kind=kind)


def test_all_kinds_are_here_or_elsewhere():
    assert set(KINDS) | ELSEWHERE | NEVER == set(FORMS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_of_every_kind(judge_all, kind):
    report = content(judge_all([("vae", 3)], examples(kind)), title="All kinds", data=kind)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    html = page(report)
    assert html.count("<img") > 6
    assert ("<audio" in html) is (FORMS[kind].scored or FORMS[kind].heard)
    assert "What is wrong, and what to try" in html
