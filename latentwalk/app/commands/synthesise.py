"""`latentwalk synthesise`: a synthetic copy of a table, and a page that says how good it is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import latentwalk
from latentwalk import app
from latentwalk.app.options import DATA, OUTPUT, DataAgain, Force, RawCells, RunFolder, Seed
from latentwalk.app.output import check_table, destination, note, saving, say, write_table

if TYPE_CHECKING:
    from latentwalk.app.run import Run
    from latentwalk.data import Dataset
    from latentwalk.studies.synthesis.copy import SyntheticCopy

__all__ = ["synthesise"]

FEWEST = 20  # held-out rows that can judge


def synthesise(
    run: RunFolder,
    count: Annotated[
        int | None,
        typer.Option("-n", "--count", min=1, metavar="N", help="How many rows. Default: as many as there are."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to write them, .csv or .parquet. Default: copy.csv in RUN.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option(
            "--constraint",
            "-c",
            metavar="TEXT",
            help='What each row must keep: "amount >= 0". Several times.',
            show_default=False,
        ),
    ] = None,
    find: Annotated[
        bool, typer.Option("--find/--no-find", help="Also keep bounds, orders and sums that all rows learnt from keep.")
    ] = True,
    margins: Annotated[
        bool, typer.Option("--margins/--no-margins", help="Spread each column as the data's is, not as the model has it.")
    ] = True,
    sampler: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What codes are drawn from: best, gaussian, mixture, … Default: the run's own (see: complete), or else best.",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The column to learn from the others, on the page. Default: the label, or each in turn.",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Real rows to judge by. Default: those that the run held out.",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    page: Annotated[bool, typer.Option("--page/--no-page", help="Judge the copy, and write a page on it.")] = True,
    seed: Seed = 0,
    data: DataAgain = None,
    force: Force = False,
    raw_cells: RawCells = False,
) -> None:
    """Draw a synthetic copy of a table, to hand on.

    Rows are drawn, noise and all, with the columns, types and order of the table learnt from. All keep the constraints given,
    and those found: what breaks one is drawn again. The page beside the copy (.html) compares it with real rows: columns,
    pairs, whether a classifier tells them apart, what can be learnt from it, and whether it lies closer to rows learnt from
    than to others.

    \b
    Examples:
      latentwalk fit customers.csv --latent 8 --likelihood student-t --out run
      latentwalk synthesise run -n 5000 --out copy.csv
      latentwalk synthesise run --out copy.parquet -c "amount >= 0" -c "last_seen >= signup"

    Constraints: names of columns (`of several words` between backticks), numbers, dates in quotes, + - * /, and <, <=, ==, !=,
    >=, >.
    """
    opened = app.run.Run.open(run)
    if out is not None:
        check_table(out)
    source = opened.where(data)
    read = [Path(source.what), *([] if against is None else [Path(against)])]
    to = destination(out, run / "copy.csv", read, force=force)
    for path in (to.with_suffix(".html"), to.with_suffix(".json")) if page else ():
        destination(out and path, path, read, force=force)
    train, held = _rows(opened, data, against)
    copy = latentwalk.synthesise(
        opened.model, train, count, constraints=constraint or (), find=find, margins=margins, sampler=sampler, seed=seed
    )
    _write(opened, train, copy, to, raw=raw_cells)
    say(f"{copy}\n{to}")
    for remark in copy.remarks:
        note(remark)
    if page:
        _judge(train, held, copy, target, to.with_suffix(".html"), seed)


def _rows(run: "Run", data: str | None, against: str | None) -> "tuple[Dataset, Dataset | None]":
    """The rows learnt from, and others to judge by: those given, the test half, or those that chose the best weights."""
    import numpy as np

    from latentwalk.data.fingerprint import fingerprint

    source = run.where(data)
    train, test = source.train(), source.test()
    known = run.data is None or fingerprint(train) == run.data
    if not known:
        note(f"{source.what} is not what {run.folder} learnt from: what holds there is read off it all the same.")
    chosen = np.asarray(run.model.validation_rows_)
    learnt = train.take(np.setdiff1d(np.arange(len(train)), chosen)) if known and len(chosen) else train
    if against is not None:
        return learnt, run.read(against)
    if test is not None and fingerprint(test) != fingerprint(train):
        return train, run.read(source.what, split="test")
    if not (known and len(chosen) >= FEWEST):
        return train, None
    if run.model.sampler_ is not None and not run.model.trained_.quick:
        note("the run's sampler was fitted to the codes of all rows, those that judge among them. Another: --sampler best")
    return learnt, train.take(chosen)


def _write(run: "Run", train: "Dataset", copy: "SyntheticCopy", to: Path, *, raw: bool) -> None:
    """Write the rows, columns in the order of the table learnt from, the label among them. Raises OutputError."""
    label = {} if copy.labels is None else {copy.records.columns[-1].name if train.y is not None else "label": copy.labels}
    found = app.named.columns(copy.rows, run.model.spec_) | label
    write_table(to, {name: found[name] for name in _order(train, found)}, raw=raw)


def _order(train: "Dataset", found: Any) -> list[str]:
    """The names of columns in the order of the table learnt from; others come last."""
    names = list(found)
    return [name for name in train.header if name in names] + [name for name in names if name not in train.header]


def _judge(train: "Dataset", held: "Dataset | None", copy: "SyntheticCopy", target: str | None, page: Path, seed: int) -> None:
    """Measure the copy, say it, and write the page."""
    from dataclasses import replace

    from latentwalk.report.synthesis import synthesis_report
    from latentwalk.studies.synthesis.records import Records

    if held is None:
        note("too few rows were held out to judge by: the copy is compared with those learnt from. Others: --against FILE")
    if train.y is None or (held is not None and held.y is None) or copy.labels is None:
        train, held = replace(train, y=None), None if held is None else replace(held, y=None)
    columns = Records.of(train).columns
    records = Records(copy.records.x[:, : len(columns)], columns)
    label = None if train.y is None else columns[-1].name
    found = latentwalk.resemblance(records, train, held, target=target or label, seed=seed)
    width = max(len(one.title) for one in found.measures.values())
    for one in found.measures.values():
        say(f"{one.title:{width}}  {one.figure}  {one.reading}")
    with saving():
        say(f"look: {synthesis_report(page, copy, found, data=train.name)}")
