"""The sentences of the report. Each follows from the numbers, and is not said where they do not bear it out."""

from collections.abc import Mapping, Sequence
from typing import Any

from latentwalk.checks import duration
from latentwalk.studies.judgement import definite

__all__ = ["amount", "by_latent", "card", "disagreements", "head", "idea", "interval", "percentage", "plural", "shared_prior"]
__all__ += ["summary", "warnings"]

Content = Mapping[str, Any]
HEADS = {"prior": "{prior}", "matched": "Fitted Gaussian"}  # of measures, by key: what is drawn from
HOLES = 0.95  # a completeness whose whole interval lies below this has holes worth telling of
CROWDED = 0.8  # a reach whose whole interval lies below this leaves out too much of the data
SMOOTH = 0.95  # a continuity whose whole interval lies above this is continuous for all purposes


IDEAS = {
    "pca": "No network: the flat subspace in which the data varies most. The floor to beat.",
    "ae": "A code with fewer numbers than the data has: what is kept must be worth keeping (Hinton & Salakhutdinov 2006).",
    "ae-conv": "The same with convolutions, which see neighbours first and are blind to position.",
    "ae-gru": "The same with a recurrent network, which reads step after step and remembers.",
    "ae-lstm": "The same with a recurrent network whose memory has gates (Hochreiter & Schmidhuber 1997).",
    "sparse": "A code as wide as the data, each unit of which may speak only rarely: its mean activity is held down (Ng 2011).",
    "l1-sparse": "A code as wide as the data that pays for every unit by how loud it is.",
    "k-sparse": "A code as wide as the data of which only the largest units are kept (Makhzani & Frey 2014).",
    "dropout": "A code as wide as the data of which half is silenced at random while learning (Srivastava et al. 2014).",
    "denoising": "Sees a spoilt input and is asked for the clean one (Vincent et al. 2010).",
    "contractive": "Pays for every code that moves when its input does (Rifai et al. 2011).",
    "vae": "An encoder that says how sure it is, and codes drawn towards {prior} (Kingma & Welling 2014).",
    "vae-conv": "The same with convolutions.",
    "vae-without-kl": "A VAE that is not drawn towards {prior}: what is left is a plain autoencoder with noise.",
    "denoising-vae": "A VAE that sees a spoilt input (Im et al. 2017).",
    "beta-tcvae": "A VAE that pays extra where dimensions depend on each other, so that each may mean one thing (Chen 2018).",
    "iwae": "A VAE that learns from several draws at once, for a tighter bound (Burda et al. 2016).",
}
SQUARED = "a mean squared error of {}"
ERRORS = {
    "text": "{} edits a unit make a reconstruction its original",
    "music": "{} of what sounds does not sound alike in a piece and its reconstruction",
}


def summary(content: Content) -> list[str]:
    """The result in plain words: one sentence or a few, for who reads nothing else."""
    groups = by_latent(content)
    if len(content["entries"]) == 1:
        return _alone(content["entries"][0])
    if content.get("gallery"):
        return _gallery(content["entries"], content["data"]["spec"]["kind"])
    pairs = {latent: pair for latent, entries in groups.items() if (pair := _pair(entries))}
    said = [_drawn(latent, *pair) for latent, pair in pairs.items()]
    return said + _orders(pairs) + _steps(groups)


def disagreements(content: Content) -> list[dict[str, str]]:
    """Where we measured something else than the textbook says: {"claim", "found"}, only what the intervals bear out."""
    rules = (
        ("A VAE that leaves out the KL term keeps a continuous latent space; it only loses completeness.", _no_gain),
        (f"A trained VAE is complete: whatever is drawn from {shared_prior(content)} makes sense.", _holes_in_vae),
        ("A plain autoencoder’s latent space is not continuous.", _smooth_with_holes),
        (f"What is drawn from {shared_prior(content)} makes no sense to a plain autoencoder.", _crowded),
    )
    groups = by_latent(content)
    found = [(claim, [rule(latent, entries) for latent, entries in groups.items()]) for claim, rule in rules]
    return [{"claim": claim, "found": " ".join(filter(None, said))} for claim, said in found if any(said)]


def warnings(content: Content) -> list[dict[str, str]]:
    """What is wrong with a model, and the remedy: {"who", "text"}."""
    entries = content["entries"]
    return [
        {"who": f"{entry['title']}, {plural(entry['latent'], 'dimension')}", "text": entry["judgement"]["warning"]}
        for entry in entries
        if entry["judgement"]["warning"]
    ]


def by_latent(content: Content) -> dict[int, list[Content]]:
    """The entries of each number of dimensions, fewest first."""
    entries = content["entries"]
    return {d: [e for e in entries if e["latent"] == d] for d in sorted({entry["latent"] for entry in entries})}


def shared_prior(content: Content) -> str:
    """The title of what all models draw from; where they differ, that it is their own."""
    titles = {entry["prior"] for entry in content["entries"]}
    return definite(titles.pop()) if len(titles) == 1 else "its own prior"


def head(key: str, measure: Content, prior: str) -> str:
    """What stands above the column of a measure, in one line or two."""
    title = measure["title"]
    return HEADS.get(key, f"{title[:1].upper()}{title[1:]}").format(prior=prior)


def percentage(value: float | None) -> str:
    """62 %. Never "100 %" nor "0 %" for a share that is neither.

    >>> percentage(0.996), percentage(1.0)
    ('99.6\u202f%', '100\u202f%')
    """
    if value is None:
        return "–"
    digits = 1 if 0 < value < 0.01 or 0.99 < value < 1 else 0
    text = f"{100 * value:.{digits}f}"
    text = {"0.0": "< 0.1", "100.0": "> 99.9"}.get(text, text)
    return f"{text}\u202f%"


def interval(low: float, high: float) -> str:
    """Both ends of an interval in per cent, without the sign; one, where they read alike.

    >>> interval(0.93, 0.9996)
    '93–99.9'
    """
    ends = [f"{100 * min(end, 0.999):.1f}" if 0.99 < end < 1 else f"{100 * end:.0f}" for end in (low, high)]
    return "–".join(dict.fromkeys(ends))


def amount(value: float | None, digits: int = 3) -> str:
    """A number with so many digits that count; a dash for none."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"


def idea(entry: Content) -> str:
    """What a family does, in a sentence."""
    return IDEAS.get(entry["recipe"], "").format(prior=definite(entry["prior"]))


def card(entry: Content) -> list[tuple[str, str]]:
    """What was measured of a family: names and values, ready to be read."""
    judged, measures = entry["judgement"], entry["judgement"]["measures"]
    own = "prior" if entry["history"] and entry["grid"]["over"] == "prior" else "matched"
    found = [("error", amount(judged["error"])), ("continuity", percentage(measures["continuity"]["value"]))]
    found += [
        (name, percentage(measures[key]["value"]))
        for name, key in (("completeness", own), ("reach", f"{own}_reach"))
        if key in measures
    ]
    if judged["class_accuracy"] is not None:
        found.append(("class accuracy", percentage(judged["class_accuracy"])))
    if judged.get("speaking") is not None:
        found.append(("units that speak", percentage(judged["speaking"])))
    found.append(("dimensions", f"{judged['active']} of {entry['latent']} active"))
    return [*found, ("trained in", duration(entry["seconds"]))]


def plural(n: int, what: str) -> str:
    """'1 dimension', '8 dimensions'."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


# ---------------------------------------------------------------------- inside


def _alone(entry: Content) -> list[str]:
    measures = entry["judgement"]["measures"]
    smooth = measures["continuity"]
    if entry["judgement"]["collapsed"]:
        return [f"The {entry['title']} has collapsed: its decoder ignores the code, and all draws look alike."]
    drawn = f"Of codes drawn from {definite(entry['prior'])}, {{}} land where the {entry['title']} has encoded data{{}}"
    return [
        *([drawn.format(_about(measures["prior"]), _reached(measures))] if "prior" in measures else []),
        f"A small step in its latent space leaves the output nearly as it was {percentage(smooth['value'])} of the time.",
    ]


def _gallery(entries: Sequence[Content], kind: str) -> list[str]:
    """Which family reconstructs best, and which of those whose codes are drawn towards N(0, I) is the most complete."""
    best = min(entries, key=lambda e: e["judgement"]["error"])
    said = [
        f"Of {plural(len(entries), 'model')}, {best['title']} with {plural(best['latent'], 'dimension')} reconstructs held-out "
        f"examples best: {ERRORS.get(kind, SQUARED).format(amount(best['judgement']['error']))}."
    ]
    drawn = [e for e in _judged(entries) if e["history"] and e["grid"]["over"] == "prior" and not e["judgement"]["collapsed"]]
    if drawn:
        complete = max(drawn, key=lambda e: e["judgement"]["measures"]["prior"]["value"])
        measures = complete["judgement"]["measures"]
        said.append(
            f"Of those that can be drawn from, {complete['title']} is the most complete: {_about(measures['prior'])} of its "
            f"draws land where data was encoded{_reached(measures)}"
        )
    dead = [e["title"] for e in entries if e["judgement"]["collapsed"]]
    if dead:
        said.append(f"Collapsed, so that all draws look alike: {', '.join(dead)}.")
    return said


def _drawn(latent: int, better: Content, worse: Content) -> str:
    own, other = (entry["judgement"]["measures"] for entry in (better, worse))
    if better["judgement"]["collapsed"]:
        return f"In {plural(latent, 'dimension')} the {better['title']} has collapsed: all its draws look alike."
    return (
        f"In {plural(latent, 'dimension')}, {_about(own['prior'])} of the codes drawn from {definite(better['prior'])} land "
        f"where the {better['title']} has encoded data, and reach {_about(own['prior_reach'])} of it; for the {_plain(worse)} "
        f"it is {_about(other['prior'])}, and {_about(other['prior_reach'])}."
    )


def _orders(pairs: Mapping[int, tuple[Content, Content]]) -> list[str]:
    """Whether VAE and plain autoencoder stand in the textbook's order, for each number of dimensions that has both."""
    kinds: dict[str, list[int]] = {}
    for latent, (vae, ae) in pairs.items():
        dead = any(one["judgement"]["collapsed"] for one in (vae, ae))  # which is complete, and nothing else
        if (vae["recipe"], ae["recipe"]) == ("vae", "ae") and not dead:
            kinds.setdefault(_order(vae, ae), []).append(latent)
    if len(kinds) == 1:
        return [f"{sentence[0].upper()}{sentence[1:]}." for sentence in kinds]
    return [f"In {' and '.join(map(str, latents))} dimensions {sentence}." for sentence, latents in kinds.items()]


def _order(vae: Content, ae: Content) -> str:
    own, other = (entry["judgement"]["measures"] for entry in (vae, ae))
    more = _sign(own["prior"], other["prior"])
    further = _sign(own["prior_reach"], other["prior_reach"])
    if more > 0:
        return "the textbook’s order holds: the VAE is the more complete" + (
            ", and its draws reach more of the data" * (further > 0)
            + ", though the plain autoencoder’s draws reach more of the data" * (further < 0)
        )
    if more < 0:
        return "the plain autoencoder is the more complete" + (
            ": its draws crowd into a part of the data, and the VAE’s reach more of it" * (further > 0)
            + ", against the textbook’s order" * (further <= 0)
        )
    return "the intervals overlap: this run does not tell which is the more complete" + (
        "; the VAE’s draws reach more of the data" * (further > 0)
        + "; the plain autoencoder’s draws reach more of the data" * (further < 0)
    )


def _sign(first: Content, second: Content) -> int:
    """1 where the first measure is larger for certain, -1 where the second is, 0 where the intervals overlap."""
    return (first["low"] > second["high"]) - (first["high"] < second["low"])


def _steps(groups: Mapping[int, Sequence[Content]]) -> list[str]:
    """Continuity in the fewest dimensions, where models differ most."""
    for latent, entries in groups.items():
        vae, ae = _find(entries, "vae"), _find(entries, "ae")
        if vae and ae:
            smooth, other = (entry["judgement"]["measures"]["continuity"]["value"] for entry in (vae, ae))
            return [
                f"A small step leaves the output nearly as it was {percentage(smooth)} of the time in the VAE and "
                f"{percentage(other)} in the plain autoencoder ({plural(latent, 'dimension')})."
            ]
    return []


def _no_gain(latent: int, entries: Sequence[Content]) -> str:
    without, vae, ae = (_find(entries, name) for name in ("vae-without-kl", "vae", "ae"))
    if not (without and vae and ae):
        return ""
    ours, full, plain = (entry["judgement"]["measures"]["continuity"] for entry in (without, vae, ae))
    if not (ours["high"] < full["low"] and ours["low"] <= plain["high"]):
        return ""
    part = without["posterior"]["share"]
    shrunk = part is not None and part < 0.1
    why = f" Nothing keeps sigma up: it shrinks to {percentage(part)} of the codes’ spread." if shrunk else ""
    return (
        f"In {plural(latent, 'dimension')} it is as continuous as the plain autoencoder, no more: {percentage(ours['value'])} "
        f"against {percentage(plain['value'])}, and {percentage(full['value'])} with the KL.{why}"
    )


def _holes_in_vae(latent: int, entries: Sequence[Content]) -> str:
    vae = _find(_judged(entries), "vae")
    if vae is None:
        return ""
    own = vae["judgement"]["measures"]["prior"]
    if own["high"] >= HOLES:
        return ""
    return f"In {plural(latent, 'dimension')}, {_about(own)} of the draws from its own prior land where data lies."


def _smooth_with_holes(latent: int, entries: Sequence[Content]) -> str:
    ae = _find(_judged(entries), "ae")
    if ae is None:
        return ""
    smooth, own = ae["judgement"]["measures"]["continuity"], ae["judgement"]["measures"]["prior"]
    matched = ae["judgement"]["measures"]["matched"]
    if not (smooth["low"] >= SMOOTH and max(own["high"], matched["high"]) < HOLES):
        return ""
    return (
        f"In {plural(latent, 'dimension')}, {percentage(smooth['value'])} of its small steps change next to nothing, yet "
        f"{_about(own)} of {definite(ae['prior'])} and {_about(matched)} of a Gaussian fitted to its codes land on data: it "
        "fails by holes, not by jumps."
    )


def _crowded(latent: int, entries: Sequence[Content]) -> str:
    ae = _find(_judged(entries), "ae")
    if ae is None:
        return ""
    own, reach = (ae["judgement"]["measures"][key] for key in ("prior", "prior_reach"))
    if not (own["low"] >= HOLES and reach["high"] < CROWDED):
        return ""
    return (
        f"In {plural(latent, 'dimension')}, {_about(own)} of such draws land where it has encoded data; but they crowd into a "
        f"part of it, and reach {_about(reach)}."
    )


def _reached(measures: Content) -> str:
    """How much of the data draws reach: the end of a sentence on how complete they are."""
    if "prior_reach" not in measures:
        return "."
    reach = measures["prior_reach"]
    return (
        f"; they crowd into a part of it, {_about(reach)}."
        if reach["high"] < CROWDED
        else f", and reach {_about(reach)} of it."
    )


def _about(measure: Content) -> str:
    """'about 62 %', in a sentence."""
    if measure["high"] >= 1 and measure["value"] >= 0.995:
        return "practically all"
    return "practically none" if measure["value"] < 0.005 else f"about {percentage(measure['value'])}"


def _judged(entries: Sequence[Content]) -> list[Content]:
    """Those of which completeness and reach are known: a report of an earlier version mixed the two, and says neither."""
    return [entry for entry in entries if "prior_reach" in entry["judgement"]["measures"]]


def _plain(entry: Content) -> str:
    return "plain autoencoder" if entry["recipe"] == "ae" else str(entry["title"])


def _find(entries: Sequence[Content], recipe: str) -> Content | None:
    return next((entry for entry in entries if entry["recipe"] == recipe), None)


def _pair(entries: Sequence[Content]) -> tuple[Content, Content] | None:
    """The two worth comparing in a sentence: VAE and plain autoencoder, or else the most and the least complete network."""
    entries = _judged(entries)
    vae, ae = _find(entries, "vae"), _find(entries, "ae")
    if vae and ae:
        return vae, ae
    networks = [entry for entry in entries if entry["history"]] or entries
    order = sorted(networks, key=lambda entry: -entry["judgement"]["measures"]["prior"]["value"])
    return (order[0], order[-1]) if len(order) > 1 else None
