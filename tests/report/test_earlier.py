"""Reports of version 1 are drawn as the same report of this version is; and every display shows whatever was measured."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest

from latentwalk import RECIPES, Autoencoder, Dataset
from latentwalk.app.commands.compare import verdicts
from latentwalk.latent.criteria.measure import Measure
from latentwalk.report import content, page, redraw
from latentwalk.studies import comparison
from latentwalk.studies.comparison import Comparison, Entry
from latentwalk.studies.methods import Tried
from latentwalk.studies.sweep import sweep as sweeping
from latentwalk.studies.sweep.sweep import Sweep


def of_version_1(report):
    """The same report as version 1 kept it."""
    old = copy.deepcopy(report) | {"format_version": 1}
    for entry in old["entries"]:
        judged = entry["judgement"]
        measures = {key: one for key, one in judged.pop("measures").items() if not key.endswith("reach")}
        for measure in measures.values():
            del measure["digits"], measure["better"]
            measure["name"] = measure.pop("title")
        judged["continuity"] = measures["continuity"]
        judged["completeness"] = {"own N(0, I)": measures["prior"], "matched Gaussian": measures["matched"]}
        del entry["prior"], judged["collapsed"], entry["condition"], entry["samples"]["conditions"]
    return old


def renamed(report):
    """The same report if it had been measured before completeness and reach were told apart."""
    old = copy.deepcopy(report)
    for entry in old["entries"]:
        measures = entry["judgement"]["measures"]
        entry["judgement"]["measures"] = {
            "continuity": measures["continuity"],
            "likeness": measures["prior"] | {"title": "likeness"},
            "matched_likeness": measures["matched"] | {"title": "matched likeness"},
        }
    return old


@pytest.mark.parametrize("alone", [False, True])
def test_a_report_of_version_1_is_drawn_as_one_of_today(entries, tmp_path, alone):
    told = "The posterior has collapsed."
    warned = [replace(e, judgement=replace(e.judgement, warning=e.judgement.warning and told)) for e in entries]
    today = content(warned[2:3] if alone else warned[1:3], title="Old", data="bars")
    (tmp_path / "report.json").write_text(json.dumps(of_version_1(today)), encoding="utf-8")
    drawn = redraw(tmp_path).read_text(encoding="utf-8")
    assert drawn == page(renamed(today))
    assert "Likeness</th>" in drawn and "reach" not in drawn.lower().partition("<table")[2].partition("</table")[0]


def test_what_is_measured_besides_is_seen_everywhere(entries, monkeypatch, capsys, tmp_path):
    """A new criterion is a line of `judge`: table, verdicts, report, curves and their page follow."""
    also = {"bright": Measure("brightness", 0.25, 0.2, 0.3, "A quarter is bright.")}
    rich = [replace(e, judgement=replace(e.judgement, measures={**e.judgement.measures, **also})) for e in entries]
    verdicts(rich)
    assert "brightness" in capsys.readouterr().out
    assert '<th scope="col">Brightness</th>' in page(content(rich[2:3], title="Bright", data="bars"))
    judgement = rich[0].judgement
    for place in (comparison, sweeping):
        monkeypatch.setattr(place, "judge", lambda *_, **__: judgement)
    x = np.random.default_rng(0).normal(size=(320, 4))
    assert Comparison(["pca"], latent=[1]).fit(x).table()[0]["brightness"] == 0.25
    sweep = Sweep({"latent": [1, 2]}, "ae", epochs=1, progress=False).fit(x)
    assert [(row["brightness"], row["brightness_low"]) for row in sweep.results_] == [(0.25, 0.2)] * 2
    assert "Brightness hardly changes: .25 at 1 dimension, .25 at 2." in sweep.summary()
    from latentwalk.report.sweep import sweep_report

    text = sweep_report(tmp_path, sweep, {}).read_text()
    assert "<b>Brightness</b>" in text and "<th>brightness</th>" in text


def test_a_learnt_prior_is_called_by_its_title_and_has_no_circles(entries):
    recipe = replace(RECIPES["vae"], prior="mixture")
    data = Dataset.of(entries[0].tried.space.data, entries[0].tried.space.labels)
    model = Autoencoder(recipe, latent=2, network="dense", epochs=1, random_state=0, progress=False).fit(data)
    entry = Entry(Tried(model, model.space(data), 1.0), replace(entries[2].judgement, warning=None, collapsed=False))
    found = content([entry], title="Learnt", data="bars")
    assert found["entries"][0]["posterior"]["prior"] is None
    text = page(found)
    assert "Drawn from the learnt mixture" in text and "codes drawn from the learnt mixture" in text
    assert "N(0, I)" not in text and "dashed circles" not in text


def test_a_model_with_a_condition_says_under_which_label_is_drawn(entries):
    data = Dataset.of(entries[0].tried.space.data, entries[0].tried.space.labels)
    options = {"latent": 2, "network": "dense", "epochs": 1, "random_state": 0, "progress": False}
    model = Autoencoder("vae", condition=True, **options).fit(data)
    found = content([Entry(Tried(model, model.space(data), 1.0), entries[2].judgement)], title="Told", data="bars")
    assert found["entries"][0]["samples"]["conditions"] == ["0", "1", "2"]
    assert "Each row is told another label: 0, 1, 2." in page(found)
