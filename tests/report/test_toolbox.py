"""What a report says of a space besides the two words: what can be done in it, and what is wrong with it."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from latentwalk.data.synthetic.faces import faces
from latentwalk.latent.criteria.completeness import completeness, reach
from latentwalk.latent.moves.directions import Direction
from latentwalk.report import content, page

NEW = ("detour", "completed")


@pytest.fixture(scope="module")
def people(judge_all):
    """A report on one model of drawn faces, whose factors are known."""
    return content(judge_all([("vae", 3)], faces(700, size=16)), title="People", data="faces")


@pytest.fixture(scope="module")
def text(people):
    return page(people)


def test_every_measure_has_a_row_and_what_is_absent_its_reason(people, text):
    card = people["about"]["scorecard"]
    assert {"completeness", "reach", "continuity", "mutual information", "linear probe"} <= card["measures"].keys()
    for name in (*card["measures"], *card["absent"]):
        assert f'<tr><th scope="row">{name}</th>' in text


def test_the_diagnosis_is_told_with_what_to_try(people, text):
    told = [one for one in people["about"]["diagnosis"]["findings"] if one["severity"] != "fine"]
    assert told, "two epochs on 700 faces leave something to be found"
    assert "What is wrong, and what to try" in text
    assert all(f"<code>{one['in_words']}</code>" in text for one in told if one["in_words"])
    assert "{&#39;" not in text  # no dictionary where words belong


def test_walks_say_where_they_cross_holes(people, text):
    (entry,) = people["entries"]
    for walk in (entry["walk"], entry["detour"]):
        assert "hole" in walk["reading"]
        assert walk["reading"].split(";")[0] in text
    assert "around the holes" in text


def test_a_fitted_sampler_has_a_column_and_a_picture(people, text):
    completed = people["entries"][0]["completed"]
    assert completed["kind"] == "mixture" and completed["saved"]
    assert all(0 < completed["measures"][name]["value"] <= 1 for name in ("completeness", "reach"))
    assert "Fitted sampler</th>" in text


def test_a_sampler_saved_with_the_model_is_the_one_that_is_shown(judge_all):
    data = faces(700, size=16)
    (entry,) = judge_all([("ae", 2)], data)
    model = entry.tried.model.fit_sampler(data, "gaussian")
    entry = replace(entry, tried=replace(entry.tried, space=model.space(data)))
    completed = content([entry], title="One", data="faces")["entries"][0]["completed"]
    assert completed["kind"] == "gaussian" and completed["saved"]
    space = model.space(data)
    assert completed["measures"]["completeness"]["value"] == completeness(space, "fitted").value
    assert completed["measures"]["reach"]["value"] == reach(space, "fitted").value


def test_transplants_are_shown_for_what_directions_tell_best(people, text):
    grafts = people["about"]["grafts"]
    assert len(grafts) == 4
    told = [float(graft["reading"].split("tells ")[1].split(" %")[0]) for graft in grafts]
    assert told == sorted(told, reverse=True)
    assert "Transplants" in text and all(graft["name"] in text for graft in grafts)
    assert Direction(np.zeros(2), "moustache").reading.startswith("moustache: ")  # what the page leaves out of the line


def test_parts_that_the_data_does_not_allow_are_left_out(entries):
    few = content(entries[:2], title="Few", data="bars")  # 260 rows: too few to fit a sampler and judge it
    assert few["about"] is None
    assert all(entry["completed"] is None for entry in few["entries"])
    assert "Fitted sampler</th>" not in page(few)


def test_a_report_written_before_these_parts_is_drawn_again(people):
    old = copy.deepcopy(people)
    del old["about"]
    for entry in old["entries"]:
        del entry["walk"]["reading"]
        for name in NEW:
            del entry[name]
    text = page(old)
    assert "A walk" in text and "around the holes" not in text and "Everything measured" not in text
