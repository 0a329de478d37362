"""`latentwalk swap`: an example with latent coordinates of another."""

from pathlib import Path
from typing import Annotated

import typer

from latentwalk import app
from latentwalk.app.options import ConditionOption, DataAgain, Force, Out, RawCells, RunFolder, indices
from latentwalk.app.output import say

__all__ = ["swap"]


def swap(
    run: RunFolder,
    one: Annotated[str, typer.Argument(metavar="A", help="An example: a class, row:123 or an image file.", show_default=False)],
    other: Annotated[str, typer.Argument(metavar="B", help="Whose coordinates it gets.", show_default=False)],
    axes: Annotated[str, typer.Option(metavar="N,N,…", help="Which dimensions, counted from 0.", show_default=False)],
    condition: ConditionOption = None,
    data: DataAgain = None,
    out: Out = None,
    force: Force = False,
    raw_cells: RawCells = False,
) -> None:
    """Give one example some latent coordinates of another.

    Images: both, their reconstructions, and A with those coordinates of B (.png). Tables: a row (.csv,
    .parquet). Also: arrays (.npz).

    \b
    Example:
      latentwalk swap run 3 8 --axes 0,3
    """
    chosen = indices(axes, "--axes")
    opened = app.run.Run.open(run)
    endings = app.named.endings(opened, ".png", ".npz", ".csv")
    to = app.named.target(opened, out, "swap", endings, inputs=[Path(one), Path(other)], force=force)
    space, names = app.named.around(opened, [one, other], data, "example", condition=condition)
    app.named.write_decoded(opened, space.swap(0, 1, chosen), to, space, 2, raw=raw_cells)
    say(f"{names[0]} with z{' z'.join(str(axis + 1) for axis in chosen)} of {names[1]}")
    say(to)
