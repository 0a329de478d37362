"""`latentwalk walk`: from one example to another."""

from pathlib import Path
from typing import Annotated, cast

import typer

from latentwalk import app
from latentwalk.app.options import ConditionOption, DataAgain, Force, Out, RawCells, RunFolder
from latentwalk.app.output import say

__all__ = ["walk"]


def walk(
    run: RunFolder,
    start: Annotated[str, typer.Option("--from", metavar="END", help="Where to start: see above.", show_default=False)],
    to: Annotated[str, typer.Option("--to", metavar="END", help="Where to arrive.", show_default=False)],
    via: Annotated[
        list[str] | None, typer.Option(metavar="END", help="Where to pass; may be given several times.", show_default=False)
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(min=2, metavar="N", help="How many pictures, both ends included. Default: ten a leg, and one."),
    ] = None,
    path: Annotated[
        str, typer.Option(metavar="spherical|linear|quantile|density", help="The way; density goes around holes.")
    ] = "spherical",
    loop: Annotated[bool, typer.Option("--loop", help="Go back to the start in the end.")] = False,
    condition: ConditionOption = None,
    data: DataAgain = None,
    out: Out = None,
    force: Force = False,
    raw_cells: RawCells = False,
) -> None:
    """Walk from one example to another, and be told where the way crosses holes.

    Images: a strip (.png) with a red bar under what lies in a hole, or a film (.gif, .mp4). Tables: rows (.csv,
    .parquet), or a heat map (.png). Also: arrays (.npz).

    Texts: a line a step (.txt), or rows (.csv). Music: one piece after the other (.mid, .wav), or their rolls (.png).

    An END is the name of a class (its most typical example), row:123 (that row of the data learnt from, counted from 0), an
    image file, or, of a run that learnt texts, a text.

    \b
    Examples:
      latentwalk walk run --from 0 --to 7 --path density
      latentwalk walk run --from row:5 --to me.jpg --steps 25 --out walk.gif
      latentwalk walk run --from 0 --via 3 --via 5 --to 8 --loop --steps 80 --out round.mp4
    """
    from latentwalk.latent.decoded import ENDINGS
    from latentwalk.latent.moves.paths import PathName, check_path

    opened = app.run.Run.open(run)
    check_path(path)
    stops = [start, *(via or []), to]
    endings = app.named.endings(opened, *ENDINGS, ".csv")
    target = app.named.target(opened, out, "walk", endings, inputs=[Path(stop) for stop in stops], force=force)
    space, names = app.named.around(opened, stops, data, "end of a walk", condition=condition, needed=path == "density")
    way = space.journey(range(len(stops)), steps, cast(PathName, path), loop=loop)
    app.named.write_decoded(opened, way, target, raw=raw_cells)
    say(f"from {' to '.join([*names, *names[:loop]])} in {len(way)} steps")
    say(way.reading)
    say(target)
