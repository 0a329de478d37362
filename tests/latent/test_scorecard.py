"""The scorecard: all that can be measured, what cannot and why, plain JSON, and a table that shows it."""

import json
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from latentwalk.errors import ConfigError
from latentwalk.latent.criteria import scorecard as module
from latentwalk.latent.criteria.features import Features
from latentwalk.latent.criteria.measure import WIDTH, Measure
from latentwalk.latent.criteria.scorecard import active_share, holes_drawn, scorecard
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

CODES = np.random.default_rng(0).standard_normal((400, 2)).astype(np.float32)


def space_of(scale: float, **more: Any) -> LatentSpace:
    scales = np.full_like(CODES, scale)
    return LatentSpace(CODES, scales, CODES, lambda z: z, NormalSampler(2), **more)


def test_a_card_of_all_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRAWS", 500)
    for name in ("completeness", "reach"):
        monkeypatch.setattr(module, name, lambda *_, name=name, **__: Measure(name, 0.9, 0.8, 1, "nearly"))
    card = scorecard(space_of(0.1, labels=np.digitize(CODES[:, 0], [0])), features=Features("values", lambda x: x))
    assert not card.absent
    assert set(card.measures) > {"continuity", "completeness", "reach", "prior gap", "mutual information", "linear probe"}
    assert all(one.title == name for name, one in card.measures.items())
    assert card.fidelity is not None and card.fidelity.features == "values"
    assert card["trustworthiness"].value == 1
    assert card["prior gap"].value < 0.2
    assert all(took >= 0 for took in card.seconds.values()) and "fidelity" in card.seconds
    again = json.loads(json.dumps(card.to_json(), allow_nan=False))
    assert again["measures"]["continuity"]["value"] == card["continuity"].value
    assert again["fidelity"]["coverage"] == card.fidelity.coverage
    html = card._repr_html_()
    assert all(name in html for name in (*card.measures, "coverage", "Fréchet distance"))
    ElementTree.fromstring(html)  # every element is closed


def test_what_cannot_be_measured_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for slow in ("continuity", "completeness", "reach", "mmd"):
        monkeypatch.setattr(module, slow, lambda *_, **__: Measure("quick", 1, 1, 1, "<so & so>"))
    card = scorecard(space_of(0.0))
    assert set(card.absent) == {"mutual information", "class accuracy", "linear probe"}
    assert "labels" in card.absent["linear probe"]
    assert "&lt;so &amp; so&gt;" in card._repr_html_()
    assert card.absent["mutual information"] in card._repr_html_()
    assert "prior gap" not in scorecard(space_of(0.0), without=["prior gap"]).measures
    with pytest.raises(ConfigError, match="unknown measure 'prior gp'. Did you mean 'prior gap'"):
        scorecard(space_of(0.0), without=["prior gp"])
    with pytest.raises(ConfigError, match="sampling distribution 'priro'"):
        scorecard(space_of(0.0), sampler="priro")


def test_shares_of_holes_and_of_units() -> None:
    assert holes_drawn(space_of(0.0)).value == pytest.approx(0.05, abs=0.03)
    assert holes_drawn(space_of(0.0), lambda n, rng: np.full((n, 2), 50.0, np.float32)).value == 1
    half = LatentSpace(CODES * [1, 0], CODES * 0 + 1, CODES, lambda z: z, NormalSampler(2))
    assert active_share(half).value == 0.5
    assert active_share(half).reading.startswith("1 of 2 latent dimensions")


def test_a_measure_shows_itself() -> None:
    shown = ElementTree.fromstring(Measure("<odd>", 0.5, 0.4, 0.75, "half & half")._repr_html_())
    text = "".join(shown.itertext())
    assert "<odd>" in text and "0.500" in text and "0.400 to 0.750" in text and "half & half" in text
    widths = [float(box.get("width", 0)) for box in shown.iter("rect")]
    assert widths[:3] == pytest.approx([WIDTH, 0.4 * WIDTH, 0.35 * WIDTH])
    nats = Measure("prior gap", 0.1234, 0.01, 20.0, "far", unit="nats")
    assert str(nats) == "prior gap 0.123 [0.01, 20] nats"
    assert "<svg" not in nats._repr_html_() and "0.123 nats" in nats._repr_html_()
    assert "to" not in "".join(ElementTree.fromstring(Measure("a", 1, 1, 1, "")._repr_html_()).itertext())


def test_a_measure_carries_its_column_and_loads_from_before_it_did() -> None:
    told = Measure("prior distance", 0.1, 0.0, 0.2, "apart", {"p": 0.5}, "MMD²", digits=4, better="lower")
    assert Measure.from_json(json.loads(json.dumps(told.to_json()))) == told
    old = {"name": "completeness", "value": 0.9, "low": 0.8, "high": 1, "reading": "so", "details": {}, "unit": ""}
    assert Measure.from_json(old) == Measure("completeness", 0.9, 0.8, 1, "so", {}, digits=2, better="higher")
    for wrong in ({"better": "best"}, {"digits": -1}, {"digits": 1.5}, {"value": float("nan")}, {"name": 3}):
        with pytest.raises(ValueError, match="expected a measure"):
            Measure.from_json(old | wrong)
