"""`latentwalk blend`: several examples in one."""

from pathlib import Path
from typing import Annotated, cast

import typer

from latentwalk import app
from latentwalk.app.options import ConditionOption, DataAgain, Force, Out, RawCells, RunFolder, reals
from latentwalk.app.output import say

__all__ = ["blend"]

BETWEEN = 7  # blends between two examples


def blend(
    run: RunFolder,
    given: Annotated[list[str], typer.Argument(metavar="A B…", help="Examples: see above.", show_default=False)],
    weights: Annotated[
        str | None, typer.Option(metavar="W,W,…", help="One for each, 0 or more; divided by their sum. Default: equal.")
    ] = None,
    how: Annotated[str, typer.Option(metavar="mean|spherical|product", help="How codes are put together.")] = "mean",
    condition: ConditionOption = None,
    data: DataAgain = None,
    out: Out = None,
    force: Force = False,
    raw_cells: RawCells = False,
) -> None:
    """Blend two examples or more.

    Images: the examples, their reconstructions, and the blend (.png); of two without weights, the blends between. Tables: rows
    (.csv, .parquet). Sounds: the blend, or those between two, one going over into the next (.wav). Also: arrays (.npz).

    A, B… are each the name of a class (its most typical example), row:123 (that row of the data learnt from, counted from 0),
    an image file, or the name of a file of the data. A product lets the example decide more whose posterior is narrower; it
    needs a VAE.

    \b
    Examples:
      latentwalk blend run 3 8
      latentwalk blend run row:5 row:7 me.jpg --weights .5,.3,.2 --how spherical
    """
    from latentwalk.latent.moves.barycentres import BlendName, shares

    asked = None if weights is None else reals(weights, "--weights")
    opened = app.run.Run.open(run)
    parts = shares(len(given), asked)
    endings = app.named.endings(opened, ".png", ".npz", ".csv")
    to = app.named.target(opened, out, "blend", endings, inputs=[Path(one) for one in given], force=force)
    space, names = app.named.around(opened, given, data, "example", condition=condition)
    between = len(given) == 2 and asked is None
    named = cast(BlendName, how)
    made = space.between(0, 1, BETWEEN, named) if between else space.blend(range(len(given)), asked, named)
    app.named.write_decoded(opened, made, to, space, len(given), raw=raw_cells)
    say(" and ".join(names) if between else " + ".join(f"{w:.3g} {name}" for w, name in zip(parts, names, strict=True)))
    say(to)
