"""The commands that put examples together: blend, swap."""

from typing import Annotated

import typer

from latentwalk.app.options import DataAgain, Force, Out, RunFolder, reals, whole

__all__ = ["blend", "swap"]


def blend(
    run: RunFolder,
    given: Annotated[list[str], typer.Argument(metavar="A B…", help="Examples: see below.", show_default=False)],
    weights: Annotated[
        str | None, typer.Option(metavar="W,W,…", help="One for each, 0 or more; divided by their sum. Default: equal.")
    ] = None,
    how: Annotated[str, typer.Option(metavar="mean|spherical|product", help="How codes are put together.")] = "mean",
    out: Out = None,
    data: DataAgain = None,
    force: Force = False,
) -> None:
    """Blend two examples or more.

    Images: the examples, their reconstructions, and the blend (.png); of two without weights, the blends between. Tables: rows
    (.csv). Also: arrays (.npz).

    A, B… are each the name of a class (its most typical example), row:123 (that row of the data learnt from, counted from 0),
    or an image file. A product lets the example decide more whose posterior is narrower; it needs a VAE.

    \b
    Examples:
      latentwalk blend run 3 8
      latentwalk blend run row:5 row:7 me.jpg --weights .5,.3,.2 --how spherical
    """
    from latentwalk.app import moving
    from latentwalk.app.run import Run

    shares = None if weights is None else reals(weights, "--weights")
    moving.blend(Run.open(run), given, shares, how, out, data, force=force)


def swap(
    run: RunFolder,
    one: Annotated[str, typer.Argument(metavar="A", help="An example: a class, row:123 or an image file.", show_default=False)],
    other: Annotated[str, typer.Argument(metavar="B", help="Whose coordinates it gets.", show_default=False)],
    axes: Annotated[str, typer.Option(metavar="N,N,…", help="Which dimensions, counted from 0.", show_default=False)],
    out: Out = None,
    data: DataAgain = None,
    force: Force = False,
) -> None:
    """Give one example some latent coordinates of another.

    Images: both, their reconstructions, and A with those coordinates of B (.png). Tables: a row (.csv). Also: arrays (.npz).

    \b
    Example:
      latentwalk swap run 3 8 --axes 0,3
    """
    from latentwalk.app import moving
    from latentwalk.app.run import Run

    moving.swap(Run.open(run), one, other, whole(axes, "--axes"), out, data, force=force)
