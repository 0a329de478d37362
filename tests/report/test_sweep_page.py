"""The page of a sweep, from rows made by hand: one section a third axis, failures told, foreign names escaped."""

import json

import pytest

from latentwalk import Sweep
from latentwalk.errors import DataError
from latentwalk.report.sweep import redraw_sweep, sweep_report

COLUMNS = ("completeness", "matched_completeness", "continuity", "error", "active", "class_accuracy", "epochs", "seconds")


def row(failure=None, seed=0, **values):
    numbers = dict.fromkeys(COLUMNS, None if failure else 0.5)
    return {"data": "<i>", "seed": seed, **values, **numbers, "warning": None, "failure": failure}


def swept(axes, rows):
    sweep = Sweep({axis: [1] for axis in axes})
    sweep.prior_, sweep.axes_ = "N(0, I)", axes
    sweep.results_ = [{"data": "<i>", **{axis: one[axis] for axis in axes}, **one} for one in rows]
    return sweep


def test_a_third_axis_makes_sections_and_failures_are_told(tmp_path):
    rows = [row(latent=d, recipe="<b>", rows=n) for d in (2, None) for n in (9, 99)]
    rows += [row(latent=d, recipe="ae", rows=n, seed=s) for d in (2, None) for n in (9, 99) for s in (0, 1)]
    rows[-1] = row("it went wrong.", latent=None, recipe="ae", rows=99, seed=1)
    page = sweep_report(tmp_path, swept(["latent", "recipe", "rows"], rows), {"epochs": 3}).read_text()
    assert "<h2>9 rows</h2>" in page and "<h2>99 rows</h2>" in page
    assert "1 trial failed. it went wrong. (seed 1)" in page
    assert "<b>" not in page.replace("<b>Comp", "").replace("<b>Cont", "").replace("<b>Rec", "").replace("<b>Act", "")
    assert "&lt;i&gt; · epochs 3 · 12 trials from 2 seeds" in page


def test_a_sweep_of_which_nothing_came_is_still_a_page(tmp_path):
    page = sweep_report(tmp_path, swept(["latent"], [row("no.", latent=2), row("no.", latent=4)]), {}).read_text()
    assert "2 trials failed. no. (seed 0)" in page
    one = sweep_report(tmp_path / "one", swept(["latent"], [row(latent=2)]), {}).read_text()
    assert "1 trial from 1 seed" in one


@pytest.mark.parametrize("change", [{"rows": [{}]}, {"axes": 3}, {"settings": None}, {"version": 9}, {"format": "x"}])
def test_a_changed_file_is_not_drawn(tmp_path, change):
    path = sweep_report(tmp_path, swept(["latent"], [row(latent=2)]), {}).with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=r"sweep\.json"):
        redraw_sweep(tmp_path)
