"""A short page: a headline, a few sentences, and sections of charts, a table or strips of pictures. Needs nothing else."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from latentwalk.files import telling, write_atomically
from latentwalk.report import figures
from latentwalk.report.content import as_json

__all__ = ["Cell", "Moving", "Picture", "Row", "Section", "write_leaflet"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart for light and dark pages (see `figures.twice`), its name above it, and what it shows for who cannot see it."""

    colours: Mapping[str, str]
    alt: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table. small: a second line. best: whether it is the best of its column."""

    text: str
    small: str = ""
    best: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table."""

    name: str
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Moving:
    """An animation (GIF, in base64), and what is printed in its place (PNG, in base64)."""

    name: str
    gif: str
    still: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page; what is empty is left out. strips: names and pictures, as `Painter.sheet` gives them."""

    heading: str = ""
    charts: Sequence[Picture] = ()
    head: Sequence[str] = ()
    rows: Sequence[Row] = ()
    strips: Sequence[tuple[str, Mapping[str, Any]]] = ()
    moving: Sequence[Moving] = ()
    note: str = ""


def write_leaflet(
    page: Path, *, title: str, kicker: str, summary: Sequence[str], sections: Sequence[Section], content: Mapping[str, Any]
) -> Path:
    """Write `page` (.html), and beside it the numbers, `content`, as .json. Returns `page`. Raises CheckpointError."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = resources.files(__package__).joinpath("leaflet.html.j2").read_text(encoding="utf-8")
    told = {"title": title, "kicker": kicker, "summary": summary, "sections": sections}
    html = environment.from_string(template).render(told, light=figures.LIGHT, dark=figures.DARK)
    numbers = json.dumps(as_json({"title": title, **content}), ensure_ascii=False, allow_nan=False, indent=1)
    with telling("write", page, "Free some space or choose another folder."):
        page.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(page.with_suffix(".json"), numbers.encode())
        write_atomically(page, html.encode())
    return page
