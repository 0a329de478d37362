"""Reports of earlier versions, as one of this version would hold them."""

from collections.abc import Mapping
from typing import Any

from latentwalk.models.prior import StandardNormal

__all__ = ["current"]

Content = Mapping[str, Any]
COLLAPSED = "posterior has collapsed"  # what version 1 said of it, in the words of its warning


def current(content: Content) -> Content:
    """The content of a report in the keys of this version. Raises KeyError where something is missing."""
    if content["format_version"] > 1:
        return content
    return {**content, "entries": [_entry(entry) for entry in content["entries"]]}


def _entry(entry: Content) -> Content:
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
