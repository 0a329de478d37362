"""Content → one HTML page that needs nothing else: no script, no font, no picture from elsewhere.

`report.json` is written first and holds everything; `report.html` is drawn from it and can be drawn again at any time.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from latentwalk.checks import duration
from latentwalk.errors import DataError
from latentwalk.files import complaint, json_of, telling, write_atomically
from latentwalk.report import figures, words
from latentwalk.report.content import REPORT_FORMAT, REPORT_VERSION
from latentwalk.report.earlier import current
from latentwalk.studies.judgement import definite

__all__ = ["page", "redraw", "stored", "write_page"]

Content = Mapping[str, Any]
JSON, HTML = "report.json", "report.html"
ABOUT = ("scorecard", "diagnosis", "between", "grafts")  # what only a page on one model may have
REACH = "reach"  # how the key of such a measure ends
BAR = 92  # pixels: the length of a bar that stands for 1


def write_page(folder: str | os.PathLike[str], content: Content) -> Path:
    """Write `report.json`, then `report.html` drawn from it, into `folder`; returns the page's path.

    Each file appears whole or not at all. Raises CheckpointError when the folder cannot be written to.
    """
    folder = Path(folder)
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    _keep(folder / JSON, text)
    return _keep(folder / HTML, page(json.loads(text)))


def redraw(folder: str | os.PathLike[str]) -> Path:
    """Draw `report.html` again from the `report.json` in `folder`; returns the page's path.

    Raises DataError when that file is missing, damaged, foreign or newer than this library, CheckpointError when the page
    cannot be written.
    """
    path = Path(folder) / JSON
    content = stored(path, "report", REPORT_FORMAT, REPORT_VERSION, version="format_version")
    try:
        text = page(content)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, jinja2.UndefinedError) as error:
        raise DataError(f"{path} is damaged: {type(error).__name__}: {error}. Make the report again.") from error
    return _keep(Path(folder) / HTML, text)


def page(content: Content) -> str:
    """The HTML page of a report's content, of this version or an earlier one. The same content gives the same page."""
    content = current(content)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(percent=words.percentage, number=words.amount, duration=duration, definite=definite)
    template = environment.from_string(resources.files(__package__).joinpath("page.html.j2").read_text(encoding="utf-8"))
    groups, prior = words.by_latent(content), words.shared_prior(content)
    return template.render(
        content=content,
        summary=words.summary(content),
        disagreements=words.disagreements(content),
        warnings=words.warnings(content),
        hero=_hero(content),
        table={latent: [_row(entry) for entry in entries] for latent, entries in groups.items()},
        curves={latent: figures.continuity_curves(entries) for latent, entries in groups.items()},
        groups=[_group(content, latent, entries) for latent, entries in groups.items()],
        alone=len(content["entries"]) == 1,
        about=dict.fromkeys(ABOUT) | (content.get("about") or {}),
        completed=any(entry.get("completed") for entry in content["entries"]),
        heads=[
            words.head(key, one, prior)
            for key, one in content["entries"][0]["judgement"]["measures"].items()
            if not key.endswith(REACH)
        ],
        prior=prior,
        usual=next((one for entry in content["entries"] if (one := entry.get("condition")) is not None), None),
        conditions=next((one for entry in content["entries"] if (one := entry["samples"].get("conditions"))), []),
        circles=all(entry["posterior"]["prior"] for entry in content["entries"]),
        gallery=[_card(content, entry) for entry in content["entries"]] if content.get("gallery") else [],
        marks=_marks(content),
        light=figures.LIGHT,
        dark=figures.DARK,
        plural=words.plural,
    )


# ---------------------------------------------------------------------- what the template is told


def _hero(content: Content) -> Content:
    """The entry whose walk opens the page: a VAE if there is one that has not collapsed, a network if not, and of those the one
    whose walk changes most (in an earlier report: that loses least).
    """
    return min(
        content["entries"],
        key=lambda e: (
            e["judgement"].get("collapsed", False),
            e["recipe"] != "vae",
            not e["history"],
            -(e["walk"].get("change") or 0.0),
            e["judgement"]["error"] or 0.0,
        ),
    )


def _marks(content: Content) -> dict[str, dict[str, str]]:
    """For each recipe the name of its CSS variable, and its colour on a light and on a dark page."""
    recipes = dict.fromkeys(entry["recipe"] for entry in content["entries"])
    return {
        recipe: {
            "name": f"--model-{at}",
            "light": figures.model_colour(recipe, figures.LIGHT),
            "dark": figures.model_colour(recipe, figures.DARK),
        }
        for at, recipe in enumerate(recipes)
    }


def _row(entry: Content) -> dict[str, Any]:
    """A line of the verdict: a cell for continuity and for each sampler, and at the end one for the fitted sampler."""
    fitted = (entry.get("completed") or {}).get("measures", {})
    return {
        "entry": entry,
        "shares": [*_cells(entry["judgement"]["measures"]), [bar for cell in _cells(fitted) for bar in cell]],
    }


def _cells(measures: Mapping[str, Content]) -> list[list[dict[str, Any]]]:
    """Bars for measures, cell by cell: what a sampler reaches stands below how complete it is."""
    cells: list[list[dict[str, Any]]] = []
    for key, measure in measures.items():
        if key.endswith(REACH):
            cells[-1].append(_bar(measure) | {"label": "reach"})
        else:
            both = f"{key}_{REACH}" in measures or (REACH in measures)
            cells.append([_bar(measure) | {"label": "complete" if both else ""}])
    return cells


def _card(content: Content, entry: Content) -> dict[str, Any]:
    """A family in the gallery: its idea, its numbers, its pictures."""
    over = "prior" if entry["grid"]["over"] == "prior" and entry["history"] else "gaussian"
    return {
        "entry": entry,
        "idea": words.idea(entry),
        "numbers": words.card(entry),
        "scatter": figures.scatter(entry, content["data"]["classes"]),
        "draws": entry["samples"][over],
        "source": definite(entry["prior"]) if over == "prior" else "a Gaussian fitted to its codes",
    }


def _bar(measure: Content) -> dict[str, Any]:
    """A measure in words, and as lengths in pixels."""
    value, low, high = measure["value"], measure["low"], measure["high"]
    return {
        "text": words.percentage(value),
        "interval": words.interval(low, high),
        "reading": measure["reading"],
        **{name: round(BAR * share, 1) for name, share in (("value", value), ("low", low), ("high", high))},
    }


def _group(content: Content, latent: int, entries: Sequence[Content]) -> dict[str, Any]:
    """The plates of one number of dimensions. PCA stands in the strips and the table; in columns only if it is alone."""
    columns = [entry for entry in entries if entry["history"]] or list(entries)
    order = sorted(PLATES, key=lambda plate: (plate[0] == "losses", plate[1])) if len(columns) == 1 else PLATES
    return {
        "latent": latent,
        "entries": entries,
        "width": len(columns),
        "shadow": entries[0]["plane"]["shadow"],
        "plates": [
            plate for plate in (_plate(content, *described, columns, entries) for described in order) if plate["pictures"]
        ],
    }


def _plate(
    content: Content,
    key: str,
    strips: bool,
    picture: Callable[..., Any],
    columns: Sequence[Content],
    entries: Sequence[Content],
) -> dict[str, Any]:
    shown = [(entry, picture(content, entry)) for entry in (entries if strips else columns)]
    return {"key": key, "strips": strips, "pictures": [(entry, drawn) for entry, drawn in shown if drawn]}


PLATES: tuple[tuple[str, bool, Callable[[Content, Content], Any]], ...] = (
    ("scatter", False, lambda content, entry: figures.scatter(entry, content["data"]["classes"])),
    ("holes", False, lambda content, entry: figures.hole_chart(entry)),
    ("posterior", False, lambda content, entry: figures.posterior_chart(entry)),
    ("grid", False, lambda content, entry: entry["grid"]),
    ("walk", True, lambda content, entry: entry["walk"]),
    ("detour", True, lambda content, entry: entry.get("detour")),
    ("prior", False, lambda content, entry: entry["samples"]["prior"]),
    ("gaussian", False, lambda content, entry: entry["samples"]["gaussian"]),
    ("completed", False, lambda content, entry: entry.get("completed")),
    ("reconstructions", True, lambda content, entry: entry["reconstructions"]),
    ("losses", False, lambda content, entry: figures.losses(entry) if entry["history"] else None),
)


# ---------------------------------------------------------------------- files


def _keep(path: Path, text: str) -> Path:
    with telling("write", path, "Free some space or choose another folder, and try again."):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode())
    return path


def stored(path: Path, what: str, format: str, newest: int, *, version: str = "version") -> dict[str, Any]:
    """The content of a page, to draw it again; see `files.complaint`. Raises DataError."""
    try:
        content: dict[str, Any] = json_of(path)
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing: there is no {what} to draw again. Make one first.") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}.") from error
    except ValueError as error:
        raise DataError(f"{path} is damaged: it is not JSON ({error}). Make the {what} again.") from error
    if wrong := complaint(path, content, what, format, newest, version=version):
        raise DataError(wrong)
    return content
