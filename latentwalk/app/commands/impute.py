"""`latentwalk impute`: a table without its gaps."""

from pathlib import Path
from typing import Annotated

import typer

from latentwalk import app
from latentwalk.app.options import Force, RawCells, RunFolder
from latentwalk.app.output import check_table, destination, say, write_table
from latentwalk.errors import ConfigError

__all__ = ["impute"]


def impute(
    run: RunFolder,
    given: Annotated[str, typer.Argument(metavar="IN", help="A table or signals with missing values.", show_default=False)],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the table.", show_default=False)],
    force: Force = False,
    raw_cells: RawCells = False,
) -> None:
    """Fill in what is missing; what is there stays as it is, columns that were not learnt from too.

    The model must have learnt from data in which values were missing, too.

    \b
    Examples:
      latentwalk fit people.csv --out people
      latentwalk impute people people.csv --out whole.csv
    """
    import numpy as np

    opened = app.run.Run.open(run)
    opened.model.trained_.check_valued("impute")
    if not opened.model.spec_.missing:
        raise ConfigError(f"{run} learnt from data in which nothing was missing, so it cannot tell what may be.")
    to = destination(out, out, [Path(given)], force=force)
    check_table(to)
    data = opened.read(given)
    write_table(to, app.named.table(data, opened.model.impute(data)), raw=raw_cells)
    say(f"{int(np.isnan(data.x).sum()):,} missing values in {len(data):,} rows\n{to}")
