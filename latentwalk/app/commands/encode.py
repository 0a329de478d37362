"""`latentwalk encode`: the codes of data."""

from pathlib import Path
from typing import Annotated

import typer

from latentwalk import app
from latentwalk.app.options import DATA, ConditionOption, Data, Force, Out, RawCells, RunFolder
from latentwalk.app.output import check_table, destination, say, write_table

__all__ = ["encode"]


def encode(
    run: RunFolder,
    data: Data,
    condition: ConditionOption = None,
    out: Out = None,
    split: Annotated[
        str, typer.Option(metavar="all|train|test", help="Which half, where the data has halves.", rich_help_panel=DATA)
    ] = "all",
    force: Force = False,
    raw_cells: RawCells = False,
) -> None:
    """Write the codes of data as a table.

    Columns: name and label where there are any, then z1, z2, ….

    \b
    Example:
      latentwalk encode run mnist-5k --out codes.csv
    """
    opened = app.run.Run.open(run)
    to = destination(out, run / "codes.csv", [Path(data)], force=force)
    check_table(to)
    rows = opened.read(data, split=split)
    codes = opened.model.transform(rows, condition=condition)
    write_table(to, {**app.named.known(rows), **{f"z{i + 1}": codes[:, i] for i in range(codes.shape[1])}}, raw=raw_cells)
    say(f"{len(codes):,} codes of {codes.shape[1]} dimensions\n{to}")
