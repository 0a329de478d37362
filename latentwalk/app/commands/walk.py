"""`latentwalk walk`: from one example to another."""

from pathlib import Path
from typing import Annotated, cast

import typer

from latentwalk import app
from latentwalk.app.bundles import AS_FOUND, DecodingOptions, bundled
from latentwalk.app.options import ConditionOption, DataAgain, Force, Out, RawCells, RunFolder
from latentwalk.app.output import say
from latentwalk.errors import ConfigError

__all__ = ["walk"]


@bundled
def walk(
    run: RunFolder,
    ends: Annotated[
        list[str] | None, typer.Argument(metavar="[A B…]", help="From A to B, and on: see above.", show_default=False)
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="END", help="Where to start: see above.", show_default=False)
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="END", help="Where to arrive.", show_default=False)] = None,
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
    decoding: DecodingOptions = AS_FOUND,
    force: Force = False,
    raw_cells: RawCells = False,
) -> None:
    """Walk from one example to another, and be told where the way crosses holes.

    Images: a strip (.png) with a red bar under what lies in a hole, or a film (.gif, .mp4). Tables: rows (.csv,
    .parquet), or a heat map (.png). Also: arrays (.npz).

    Texts: a line a step (.txt), or rows (.csv). Music: one piece after the other (.mid, .wav), or their rolls (.png).
    Sounds: one that turns into another (.wav), its steps as files of a folder (--out DIR), or pictures (.png, .gif, .mp4).

    An END, as A and B, is the name of a class (its most typical example), row:123 (that row of the data learnt from, counted
    from 0), an image file, the name of a file of the data, of a run that learnt texts a text, or, of one
    that learnt sounds, a sound: a.wav, or a.wav@2.5, from so many seconds on.

    \b
    Examples:
      latentwalk walk run anna.jpg ben.jpg
      latentwalk walk run --from 0 --to 7 --path density
      latentwalk walk run --from row:5 --to me.jpg --steps 25 --out walk.gif
      latentwalk walk run --from 0 --via 3 --via 5 --to 8 --loop --steps 80 --out round.mp4
    """
    from latentwalk.latent.decoded import ENDINGS
    from latentwalk.latent.moves.paths import PathName, check_path

    opened = app.run.Run.open(run)
    check_path(path)
    stops = _stops(ends or [], start, via or [], to)
    endings = app.named.endings(opened, *ENDINGS, ".csv")
    target = app.named.target(opened, out, "walk", endings, inputs=[Path(stop) for stop in stops], force=force)
    chosen = app.named.decoding(opened, **decoding)
    space, names = app.named.around(
        opened, stops, data, "end of a walk", condition=condition, needed=path == "density", decoding=chosen
    )
    way = space.journey(range(len(stops)), steps, cast(PathName, path), loop=loop)
    app.named.write_decoded(opened, way, target, raw=raw_cells)
    say(f"from {' to '.join([*names, *names[:loop]])} in {len(way)} steps")
    say(way.reading)
    say(target)


def _stops(ends: list[str], start: str | None, via: list[str], to: str | None) -> list[str]:
    """The ends, and what is passed between them. Raises ConfigError."""
    if ends and (start is not None or via or to is not None):
        raise ConfigError("say the ends one after the other, or with --from, --via and --to, and not both.")
    stops = ends or [*([] if start is None else [start]), *via, *([] if to is None else [to])]
    if len(stops) < 2 or (not ends and (start is None or to is None)):
        raise ConfigError("a walk leads from one example to another. Say both: latentwalk walk RUN A B")
    return stops
