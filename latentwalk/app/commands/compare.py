"""`latentwalk tour` and `compare`: several models on the same data, measured, saved, and drawn as one report."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from latentwalk.app.fitting import epochs_for, halved
from latentwalk.app.output import check_writable, note, saving, show
from latentwalk.app.run import REPORT, Run
from latentwalk.app.source import Source
from latentwalk.data import Dataset
from latentwalk.errors import ConfigError, LatentwalkError
from latentwalk.latent.criteria.measure import Measure
from latentwalk.studies.comparison import NAMES, Comparison, Entry, Family, check_recipes, families

__all__ = ["compared", "verdicts", "write_report"]

USUAL = (2, 8)  # numbers of dimensions: one that can be looked at, one that is better


def compared(
    recipes: Sequence[str] | None,
    source: Source,
    out: Path,
    latent: Sequence[int] | None,
    epochs: int | None,
    batch_size: int,
    seed: int,
    title: str,
    force: bool,
) -> None:
    """Train and judge every recipe at every number of dimensions; save models and report in `out`; print the verdicts.

    recipes: None for every family that fits the data, as a gallery.
    """
    start = time.perf_counter()
    check_recipes(recipes or ())  # before the data is read, which may take long
    _check_out(out, force)
    source, train, test = halved(source, seed)
    asked = latent is not None
    latent = _dimensions(latent, train)
    gallery = recipes is None
    members = families(train.spec) if recipes is None else list(recipes)
    latent = latent[-1:] if gallery and not asked else latent
    epochs = epochs or epochs_for(len(train))
    check_writable(out)
    console = Console(stderr=True)
    if console.is_terminal:
        shape = " x ".join(map(str, train.spec.shape))
        note(f"{train.name}: {len(train):,} rows to learn from, {len(test):,} to judge by, each {shape}; {epochs} epochs")
    comparison = Comparison(members, latent=latent, epochs=epochs, batch_size=batch_size, random_state=seed)
    settings = {"epochs": epochs, "batch size": batch_size, "seed": seed}
    done: list[Entry] = []
    try:
        for entry in _followed(comparison, train, test, console):
            done.append(entry)
            if entry.model is not None:
                with saving():
                    Run.of(_folder(out, entry), entry.model, source, train, epochs).save()
    except (KeyboardInterrupt, LatentwalkError) as error:
        if done:
            _finish(out, done, title, train.name, time.perf_counter() - start, settings, gallery)
        if isinstance(error, KeyboardInterrupt):
            finished = f"{len(done)} of {len(members) * len(latent)} models were finished"
            note(f"stopped; {finished}" + (f", and are saved in {out}. To have all, run it again." if done else "."))
            raise typer.Exit(130) from None
        raise
    _finish(out, done, title, train.name, time.perf_counter() - start, settings, gallery)


def write_report(folder: Path, entries: Sequence[Entry], **about: Any) -> Path:
    """Write report.json and report.html; the path of the latter. Raises OutputError."""
    from latentwalk.report import content, write

    with saving():
        return write(folder, content(entries, **about))


def verdicts(entries: Sequence[Entry]) -> None:
    """Print the table of what was measured, and the warnings."""
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("model", no_wrap=True)
    table.add_column("D", justify="right")
    for name in ("continuity", "complete, own N(0, I)", "complete, Gaussian of codes", "error", "seconds"):
        table.add_column(name, justify="right")
    for entry in entries:
        found = entry.judgement
        complete = [_interval(measure, "≤ ") for measure in found.completeness.values()]
        numbers = (_interval(found.continuity), *complete, f"{found.error:.4f}", f"{entry.seconds:.0f}")
        table.add_row(entry.title, str(entry.latent), *numbers)
    show(table)
    typer.echo(
        "continuity: share of small steps that keep the output. complete: share of draws that land where data is, at most."
    )
    for entry in entries:
        if entry.judgement.warning:
            note(f"{entry.title}, D = {entry.latent}: {entry.judgement.warning}")


def _interval(measure: Measure, bound: str = "") -> str:
    return f"{bound}{measure.value:.2f} [{measure.low:.2f}, {measure.high:.2f}]"


def _followed(comparison: Comparison, train: Dataset, test: Dataset, console: Console) -> Iterator[Entry]:
    """The entries as they are finished, with a line for each on a terminal. Ctrl-C stops it."""
    members = [_called(recipe, latent) for latent in comparison.latent for recipe in comparison.recipes]
    entries = comparison.each(train, test)
    for index, (name, latent) in enumerate(members, 1):
        start = time.perf_counter()
        if console.is_terminal:
            note(f"{index}/{len(members)}  {name}, {latent} dimensions: training, then measuring")
        entry = next(entries)
        if console.is_terminal:
            rest = time.perf_counter() - start - entry.seconds
            note(f"     {entry.judgement.continuity}; trained in {entry.seconds:.0f} s, measured in {rest:.0f} s")
        yield entry


def _called(recipe: Any, latent: int) -> tuple[str, int]:
    """The name of a member, and how many dimensions it has."""
    if isinstance(recipe, Family):
        return NAMES.get(recipe.recipe.name, recipe.recipe.name), recipe.latent or latent
    return NAMES.get(recipe, recipe), latent


def _finish(
    out: Path,
    entries: Sequence[Entry],
    title: str,
    data: str,
    seconds: float,
    settings: Mapping[str, Any],
    gallery: bool,
) -> None:
    page = write_report(out, entries, title=title, data=data, seconds=seconds, settings=settings, gallery=gallery)
    verdicts(entries)
    typer.echo(f"look: {page}")
    walkable = [entry for entry in entries if entry.model is not None and len(entry.space.classes) > 1]
    if walkable:
        best = walkable[-1]
        ends = f'--from "{best.space.classes[0]}" --to "{best.space.classes[-1]}"'
        typer.echo(f"walk in it: latentwalk walk {_folder(out, best)} {ends}")


def _folder(out: Path, entry: Entry) -> Path:
    return out / "models" / f"{entry.recipe}-{entry.latent}"


def _dimensions(latent: Sequence[int] | None, train: Dataset) -> Sequence[int]:
    """The numbers of dimensions asked for, or the usual ones that are fewer than the numbers of an example."""
    size = min(train.spec.size, len(train))
    if latent is None:
        return [d for d in USUAL if d < size] or [1]
    if max(latent) > size:
        raise ConfigError(f"--latent {max(latent)} is more than the {size} numbers of an example (or rows). Choose fewer.")
    return latent


def _check_out(out: Path, force: bool) -> None:
    """Raise ConfigError for a folder that holds something else than a tour or a comparison."""
    if out.is_dir() and any(out.iterdir()) and not (out / REPORT).exists() and not (out / "models").is_dir() and not force:
        raise ConfigError(f"{out} is not empty and holds no report. Choose another --out, or write into it with --force.")
