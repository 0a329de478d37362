"""The commands that use a saved model: sample, complete, walk, reconstruct, encode."""

from pathlib import Path
from typing import Annotated

import typer

from latentwalk.app.options import Data, DataAgain, Force, Out, RunFolder, Seed

__all__ = ["complete", "encode", "reconstruct", "sample", "walk"]


def sample(
    run: RunFolder,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many.")] = 64,
    out: Out = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="fitted (see: latentwalk complete), prior, which is N(0, I), or what is then fitted to the data's codes: "
            "gaussian, mixture, vamp, resampled, flow, neighbours. Default: fitted, or else prior.",
            show_default=False,
        ),
    ] = None,
    temperature: Annotated[float, typer.Option(help="Spread of the draws; below 1 they are more ordinary.")] = 1.0,
    seed: Seed = 0,
    data: DataAgain = None,
    force: Force = False,
) -> None:
    """Draw new examples.

    Images: a sheet of them (.png). Tables: rows (.csv).

    \b
    Examples:
      latentwalk sample run -n 64 --out samples.png
      latentwalk sample run --source gaussian --temperature 0.7
    """
    from latentwalk.app import completing
    from latentwalk.app.run import Run

    completing.sample(Run.open(run), count, out, source, temperature, seed, data, force=force)


def complete(
    run: RunFolder,
    sampler: Annotated[
        str,
        typer.Option(metavar="NAME", help="best, or gaussian, mixture, vamp, resampled, flow, neighbours, prior."),
    ] = "best",
    data: DataAgain = None,
) -> None:
    """Make any model one to draw from.

    Fits a sampler to the codes of the data, and saves it with the model. "best" fits all to some of the codes, judges them by
    the others, and takes the one whose draws are hardest to tell from codes; the simpler of equals. "neighbours" keeps codes
    of the data in the file; the others keep none.

    \b
    Examples:
      latentwalk complete run
      latentwalk complete run --sampler mixture
    """
    from latentwalk.app import completing
    from latentwalk.app.run import Run

    completing.complete(Run.open(run), sampler, data)


def walk(
    run: RunFolder,
    start: Annotated[str, typer.Option("--from", metavar="END", help="Where to start: see below.", show_default=False)],
    to: Annotated[str, typer.Option("--to", metavar="END", help="Where to arrive.", show_default=False)],
    via: Annotated[
        list[str] | None, typer.Option(metavar="END", help="Where to pass; may be given several times.", show_default=False)
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=2, help="How many pictures, both ends included. Default: ten a leg, and one.")
    ] = None,
    path: Annotated[
        str, typer.Option(metavar="spherical|linear|quantile|density", help="The way; density goes around holes.")
    ] = "spherical",
    loop: Annotated[bool, typer.Option("--loop", help="Go back to the start in the end.")] = False,
    out: Out = None,
    data: DataAgain = None,
    force: Force = False,
) -> None:
    """Walk from one example to another, and be told where the way crosses holes.

    Images: a strip (.png) with a red bar under what lies in a hole, or a film (.gif, .mp4). Tables: rows (.csv), or a heat map
    (.png). Also: arrays (.npz).

    An END is the name of a class (its most typical example), row:123 (that row of the data learnt from, counted from 0), or
    an image file.

    \b
    Examples:
      latentwalk walk run --from 0 --to 7 --path density
      latentwalk walk run --from row:5 --to me.jpg --steps 25 --out walk.gif
      latentwalk walk run --from 0 --via 3 --via 5 --to 8 --loop --steps 80 --out round.mp4
    """
    from latentwalk.app import moving
    from latentwalk.app.run import Run

    moving.walk(Run.open(run), [start, *(via or []), to], steps, path, out, data, loop=loop, force=force)


def reconstruct(
    run: RunFolder,
    files: Annotated[
        list[str], typer.Argument(metavar="FILES…", help="Image files, or data (a name, file or folder).", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE|DIR", help="A sheet, or a folder. Default: into RUN.", show_default=False),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="Examples on a sheet, at most.")] = 40,
    force: Force = False,
) -> None:
    """Encode and decode what you have.

    Images: originals above their reconstructions (.png), or one picture each (--out DIR); they are fitted to the size and
    colour the model learnt from. Tables: rows (.csv).

    \b
    Examples:
      latentwalk reconstruct run one.png two.jpg --out both.png
      latentwalk reconstruct run photos/ --out reconstructed/
    """
    from latentwalk.app import using
    from latentwalk.app.run import Run

    using.reconstruct(Run.open(run), files, out, rows, force=force)


def encode(
    run: RunFolder,
    data: Data,
    out: Out = None,
    split: Annotated[str, typer.Option(metavar="all|train|test", help="Which half, where the data has halves.")] = "all",
    force: Force = False,
) -> None:
    """Write the codes of data as a table.

    Columns: name and label where there are any, then z1, z2, ….

    \b
    Example:
      latentwalk encode run mnist-5k --out codes.csv
    """
    from latentwalk.app import using
    from latentwalk.app.run import Run

    using.encode(Run.open(run), data, out, split, force=force)
