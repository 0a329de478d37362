"""Reports of earlier versions, as one of this version would hold them."""

from collections.abc import Mapping
from typing import Any

from latentwalk.models.prior import StandardNormal

__all__ = ["current"]

Content = Mapping[str, Any]
RENAMED = {"prior": "likeness", "matched": "matched_likeness"}
COLLAPSED = "posterior has collapsed"  # what version 1 said of it, in the words of its warning


def current(content: Content) -> Content:
    """The content of a report in the keys of this version. Raises KeyError where something is missing."""
    version = content["format_version"]
    entries = content["entries"]
    if version < 2:
        entries = [_keyed(entry) for entry in entries]
    if version < 3:
        entries = [_renamed(entry) for entry in entries]
    return {**content, "entries": entries}


def _renamed(entry: Content) -> Content:
    """Versions 1 and 2 called completeness what is likeness, and did not know reach."""
    judged = entry["judgement"]
    measures = {RENAMED.get(key, key): measure for key, measure in judged["measures"].items()}
    for key in set(RENAMED.values()) & set(measures):
        measures[key] = {**measures[key], "title": key.replace("_", " ")}
    completed = entry.get("completed")
    if completed:
        kept = {key: value for key, value in completed.items() if key != "measure"}
        completed = {**kept, "measures": {"likeness": {**completed["measure"], "title": "likeness"}}}
    return {**entry, "judgement": {**judged, "measures": measures}, "completed": completed}


def _keyed(entry: Content) -> Content:
    """Version 1 had N(0, I) for a prior, and its measures under other keys and no titles of their own."""
    judged = entry["judgement"]
    measures = {
        "continuity": judged["continuity"],
        "prior": judged["completeness"][f"own {StandardNormal.title}"],
        "matched": judged["completeness"]["matched Gaussian"],
    }
    titled = {key: {"title": measure["name"], **measure} for key, measure in measures.items()}
    collapsed = COLLAPSED in (judged["warning"] or "")
    return {**entry, "prior": StandardNormal.title, "judgement": {**judged, "measures": titled, "collapsed": collapsed}}
