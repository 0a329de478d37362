"""What `latentwalk reduce` and `dimensions` do: fewer numbers for each row, beside what other methods make of them."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from latentwalk.app.fitting import epochs_for, halved
from latentwalk.app.output import destination, note, saving, show, write_csv
from latentwalk.app.run import Run
from latentwalk.app.source import Source
from latentwalk.data import Dataset
from latentwalk.errors import ConfigError, DataError
from latentwalk.studies.dimensions import USUAL, Trial, elbows, intrinsic_dimension, trials
from latentwalk.studies.reduction import RIVALS, Reduction, has_umap, reductions

__all__ = ["dimensions", "reduce"]


def reduce(
    source: Source,
    latent: int,
    out: Path,
    recipe: str,
    epochs: int | None,
    seed: int,
    run: Path | None,
    *,
    beside: bool,
    force: bool,
) -> None:
    """Write the codes of all rows as a table; with `beside`, also what other methods make of them, as a page beside it."""
    _check_csv(out)
    to = destination(out, out, [Path(source.what)], force=force)
    source, train, test = halved(source, seed)
    rivals = [name for name in RIVALS if name != recipe and (name != "umap" or has_umap())] if beside else []
    if beside and not has_umap():
        note("UMAP is not installed, and left out: pip install 'latentwalk[maps]'")
    epochs = epochs or epochs_for(len(train))
    found: list[Reduction] = []
    for one in reductions(train, test, [latent], [recipe, *rivals], random_state=seed, epochs=epochs):
        found.append(one)
        if one.model is not None and run is not None:
            with saving():
                Run.of(run, one.model, source, train, epochs).save()
    best = found[0]
    parts = [("train", train), ("test", test)]
    codes = np.concatenate([best.transform(_rows(best, data)) for _, data in parts])
    write_csv(to, {**_known([data for _, data in parts]), **{f"z{i + 1}": codes[:, i] for i in range(latent)}})
    _print_maps(found)
    typer.echo(f"{len(codes):,} codes of {latent} dimensions\n{to}")
    if beside:
        from latentwalk.report.reduction import reduction_report

        with saving():
            page = reduction_report(to.with_suffix(".html"), found, data=train.name)
        typer.echo(f"look: {page}")
    if best.stopped:
        note("stopped early; the codes are those of the best weights so far.")
        raise typer.Exit(130)


def dimensions(
    source: Source, latent: Sequence[int] | None, out: Path, recipe: str, epochs: int | None, seed: int, *, force: bool
) -> None:
    """Find where the error of held-out rows stops falling with more dimensions; write the curve as a table and a page."""
    _check_csv(out)
    to = destination(out, out, [Path(source.what)], force=force)
    _, train, test = halved(source, seed)
    most = min(train.spec.size, len(train) - 1)
    numbers = list(latent) if latent is not None else [number for number in USUAL if number <= most]
    methods = [name for name in ("pca", recipe) if name != "pca" or not train.spec.missing]
    console, found = Console(stderr=True), list[Trial]()
    options: dict[str, Any] = {"epochs": epochs or epochs_for(len(train)), "progress": False}
    start = time.perf_counter()
    try:
        for trial in trials(train, test, numbers, list(dict.fromkeys(methods)), random_state=seed, **options):
            found.append(trial)
            if console.is_terminal and trial.method not in ("pca", "mean"):
                seconds = time.perf_counter() - start
                note(f"{trial.title}, {trial.latent} dimensions: error {trial.error:.4f}; {seconds:.0f} s so far")
    except KeyboardInterrupt:
        if len({trial.method for trial in found}) < 2:
            raise
        note("stopped; what was tried until then:")
    said = elbows(found)
    near = _near(train)
    names = ("method", "latent", "error", "active", "seconds")
    kept = [{**trial.to_json(), "active": "" if trial.active is None else trial.active} for trial in found]
    write_csv(to, {name: [row[name] for row in kept] for name in names})
    for one in said:
        typer.echo(str(one))
    if near is not None:
        typer.echo(f"Around each row, the data spreads in about {near:.1f} dimensions (two nearest neighbours).")
    from latentwalk.report.reduction import dimensions_report

    with saving():
        page = dimensions_report(to.with_suffix(".html"), found, said, near, data=train.name)
    typer.echo(f"{to}\nlook: {page}")


def _check_csv(out: Path) -> None:
    if out.suffix.lower() != ".csv":
        raise ConfigError(f"--out {out}: expected a file ending in .csv.")


def _rows(one: Reduction, data: Dataset) -> Any:
    return data if one.model is not None else data.x


def _known(parts: Sequence[Dataset]) -> dict[str, Any]:
    """Which half a row is of, its name and its label, where these are known."""
    known: dict[str, Any] = {"part": np.repeat(["train", "test"], [len(part) for part in parts])}
    if all(part.names for part in parts):
        known["name"] = [name for part in parts for name in part.names]
    if all(part.y is not None for part in parts):
        known["label"] = [part.classes[y] if part.classes else y for part in parts for y in np.asarray(part.y)]
    return known


def _near(train: Dataset) -> float | None:
    try:
        return intrinsic_dimension(train)
    except DataError:
        return None


def _print_maps(found: Sequence[Reduction]) -> None:
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("method", no_wrap=True)
    for name in ("error", "trustworthiness", "preservation", "class accuracy", "learnt from", "seconds"):
        table.add_column(name, justify="right")
    for one in found:
        quality = one.quality
        shares = (quality.trustworthiness, quality.neighbour_preservation, quality.class_accuracy)
        error = "–" if quality.error is None else f"{quality.error:.4f}"
        numbers = ["–" if share is None else f"{share:.3f}" for share in shares]
        table.add_row(one.title, error, *numbers, f"{one.learnt:,}", f"{one.fit_seconds:.1f}")
    show(table)
