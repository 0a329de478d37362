"""`latentwalk sweep`: trials over a grid, kept one by one; a page of curves, a small table."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.box import SIMPLE
from rich.table import Table

from latentwalk.app.fitting import STOPPED, epochs_for, halved
from latentwalk.app.output import check_writable, note, saving, show
from latentwalk.app.source import Source
from latentwalk.data import Dataset
from latentwalk.errors import ConfigError, TrainingStopped
from latentwalk.studies.sweep.curves import named, number, short, varied
from latentwalk.studies.sweep.points import title
from latentwalk.studies.sweep.sweep import Sweep

__all__ = ["swept"]

APART = 0  # the seed with which rows to judge by are drawn: the same for all trials
COLUMNS = {"completeness": 2, "matched_completeness": 2, "continuity": 2, "error": 4, "active": 1}  # and their digits


def swept(
    sources: Sequence[Source],
    asked: Mapping[str, Sequence[Any]],
    out: Path,
    seeds: int,
    trials: int | None,
    epochs: int | None,
    batch_size: int,
) -> None:
    """Make the trials that are not done yet, write the page, print means and what the curves say. Leaves with 130 after Ctrl-C.

    asked: values by axis; the first with several is what curves are drawn over, the second has a line for each value.
    """
    check_writable(out)
    data = _data(sources)
    few = min(len(train) for train, _ in data.values())
    options: dict[str, Any] = {"epochs": epochs or epochs_for(few), "batch_size": batch_size}
    sweep = Sweep(asked, seeds=seeds, n_iter=trials, folder=out, **options)
    with warnings.catch_warnings(), saving():
        warnings.simplefilter("ignore", TrainingStopped)  # said below, with the command that goes on
        sweep.fit({name: one for name, (one, _) in data.items()}, {name: test for name, (_, test) in data.items()})
    if sweep.results_:
        _tell(sweep, out, {"recipe": ", ".join(asked["recipe"]), **options})
    if sweep.interrupted_:
        note(f"stopped; {len(sweep.results_)} trials are finished and kept in {out}. To go on, run the same command again.")
        raise typer.Exit(STOPPED)


def _data(sources: Sequence[Source]) -> dict[str, tuple[Dataset, Dataset]]:
    """Rows to learn from and to judge by, by the name of each data set."""
    found = {}
    for source in sources:
        _, train, test = halved(source, APART)
        if train.name in found:
            raise ConfigError(f"two data sets are called {train.name}. Rename one of the files.")
        found[train.name] = train, test
    return found


def _tell(sweep: Sweep, out: Path, settings: Mapping[str, Any]) -> None:
    from latentwalk.report.sweep import sweep_report

    with saving():
        page = sweep_report(out, sweep, settings)
    show(_table(sweep))
    typer.echo("\n".join(sweep.summary()))
    failed = [row for row in sweep.results_ if row["failure"] is not None]
    for row in failed:
        note(f"failed: {', '.join(named(axis, row[axis]) for axis in (*sweep.axes_, 'seed'))}: {row['failure']}")
    typer.echo(f"look: {page}")


def _table(sweep: Sweep) -> Table:
    """The means over seeds."""
    shown = varied(sweep.results_, sweep.axes_) or sweep.axes_[:1]
    table = Table(box=SIMPLE, pad_edge=False)
    for name in (*shown, *COLUMNS):
        table.add_column(title(name), justify="right")
    for row in sweep.means():
        numbers = ("–" if row.get(name) is None else number(row[name], digits) for name, digits in COLUMNS.items())
        table.add_row(*(short(row[axis]) for axis in shown), *numbers)
    return table
