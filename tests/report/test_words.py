"""The sentences follow the numbers: turn a number round and the sentence turns, or is not said."""

from typing import Any

import pytest

from latentwalk.report import words

TITLES = {"ae": "AE", "vae": "VAE", "vae-without-kl": "VAE without KL", "pca": "PCA"}


def made_up(
    recipe: str, latent: int, continuity: float, own: float, matched: float = 0.5, reach: float = 0.99
) -> dict[str, Any]:
    """What the sentences read of an entry, with intervals of two points to each side."""

    def measure(value: float) -> dict[str, Any]:
        return {"value": value, "low": max(0.0, value - 0.02), "high": min(1.0, value + 0.02)}

    return {
        "recipe": recipe,
        "title": TITLES[recipe],
        "latent": latent,
        "prior": "N(0, I)",
        "history": [] if recipe == "pca" else [{}],
        "posterior": {"share": 0.01},
        "judgement": {
            "measures": {
                "continuity": measure(continuity),
                "prior": measure(own),
                "prior_reach": measure(reach),
                "matched": measure(matched),
                "matched_reach": measure(0.99),
            },
            "collapsed": False,
            "warning": None,
        },
    }


def said(function: Any, *entries: dict[str, Any]) -> str:
    found = function({"entries": list(entries)})
    return " ".join(item if isinstance(item, str) else f"{item['claim']} {item['found']}" for item in found)


@pytest.mark.parametrize(
    ("vae", "ae", "expected"),
    [(0.85, 0.62, "order holds"), (0.62, 0.85, "against the textbook’s order"), (0.70, 0.71, "intervals overlap")],
)
def test_the_order_is_the_one_measured(vae, ae, expected):
    text = said(words.summary, made_up("ae", 2, 0.6, ae), made_up("vae", 2, 0.9, vae))
    assert expected in text
    assert f"about {words.percentage(vae)} of the codes drawn from N(0, I) land where the VAE" in text
    assert f"for the plain autoencoder it is about {words.percentage(ae)}" in text
    assert "at most" not in text


def test_draws_that_crowd_are_said_to_crowd():
    ae, vae = made_up("ae", 2, 0.6, 0.99, reach=0.38), made_up("vae", 2, 0.9, 0.94, reach=0.82)
    text = said(words.summary, ae, vae)
    assert "its draws crowd into a part of the data, and the VAE’s reach more of it" in text
    assert "and practically all" not in text and "about 38" in text
    assert "crowd into a part of it, and reach about 38" in said(words.disagreements, ae, vae)
    assert "they crowd into a part of it, about 38" in said(words.summary, ae)


def test_a_collapsed_model_is_not_praised_for_being_complete():
    ae, vae = made_up("ae", 2, 0.6, 0.6), made_up("vae", 2, 0.9, 1.0)
    vae["judgement"]["collapsed"] = True
    text = said(words.summary, ae, vae)
    assert "has collapsed" in text and "complete" not in text and "order" not in text
    assert "complete" not in said(words.summary, vae)


def test_orders_that_differ_between_dimensions_are_told_apart():
    entries = [made_up("ae", 2, 0.6, 0.6), made_up("vae", 2, 0.9, 0.9), made_up("ae", 8, 0.6, 0.9), made_up("vae", 8, 0.9, 0.6)]
    text = said(words.summary, *entries)
    assert "In 2 dimensions the textbook’s order holds" in text
    assert "In 8 dimensions the plain autoencoder is the more complete, against the textbook’s order" in text


def test_without_vae_and_ae_the_most_and_the_least_complete_network_are_compared():
    entries = made_up("pca", 2, 1, 0.99), made_up("ae", 2, 0.6, 0.3), made_up("vae-without-kl", 2, 0.6, 0.5)
    text = said(words.summary, *entries)
    assert "where the VAE without KL has encoded data, and reach" in text and "of it; for the plain autoencoder" in text
    assert "textbook" not in text


@pytest.mark.parametrize(("continuity", "shown"), [(0.63, True), (0.80, False), (0.94, False)])
def test_leaving_out_the_kl_is_told_of_only_where_it_gains_nothing(continuity, shown):
    entries = made_up("ae", 2, 0.63, 0.6), made_up("vae-without-kl", 2, continuity, 0.6), made_up("vae", 2, 0.94, 0.98)
    assert ("leaves out the KL" in said(words.disagreements, *entries)) == shown


@pytest.mark.parametrize(("own", "shown"), [(0.85, True), (0.94, False), (1.0, False)])
def test_holes_of_a_vae_are_told_of_only_where_the_interval_shows_them(own, shown):
    text = said(words.disagreements, made_up("vae", 2, 0.94, own))
    assert ("A trained VAE is complete" in text) == shown
    assert ("about 85\u202f% of the draws from its own prior land where data lies." in text) == shown


@pytest.mark.parametrize(
    ("continuity", "own", "matched", "shown"),
    [(0.99, 0.0, 0.4, True), (0.63, 0.0, 0.4, False), (0.99, 0.0, 0.97, False), (0.99, 0.97, 0.4, False)],
)
def test_a_smooth_autoencoder_full_of_holes(continuity, own, matched, shown):
    text = said(words.disagreements, made_up("ae", 8, continuity, own, matched))
    assert ("by holes, not by jumps" in text) == shown


def test_nothing_is_said_where_the_textbook_is_right():
    entries = made_up("ae", 2, 0.6, 0.6), made_up("vae-without-kl", 2, 0.93, 0.6), made_up("vae", 2, 0.94, 0.99)
    assert words.disagreements({"entries": list(entries)}) == []


def test_a_single_model_is_told_as_it_is():
    assert "about 80\u202f% land where the VAE has encoded data, and reach about 99" in said(
        words.summary, made_up("vae", 2, 0.9, 0.8)
    )
    assert "practically all land where the VAE" in said(words.summary, made_up("vae", 2, 0.9, 1.0))
    before = made_up("vae", 2, 0.9, 0.8)
    measures = before["judgement"]["measures"]
    before["judgement"]["measures"] = {"continuity": measures["continuity"], "likeness": measures["prior"]}
    assert "encoded data" not in said(words.summary, before)  # what it once called completeness was something else


@pytest.mark.parametrize(
    ("share", "text"), [(0.62, "62"), (0.995, "99.5"), (0.9999, "> 99.9"), (1.0, "100"), (0.0, "0"), (0.0001, "< 0.1")]
)
def test_no_share_is_rounded_to_all_or_nothing(share, text):
    assert words.percentage(share) == f"{text}\u202f%"
