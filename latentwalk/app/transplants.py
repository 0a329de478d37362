"""The command `graft`: what others have, on the face of someone who lacks it."""

from pathlib import Path
from typing import Annotated

import typer

from latentwalk.app.options import Attributes, DataAgain, Force, RunFolder, words

__all__ = ["graft"]


def graft(
    run: RunFolder,
    image: Annotated[
        str | None, typer.Argument(metavar="[IMAGE]", help="Onto what: an image file, row:123, or a class.", show_default=False)
    ] = None,
    attribute: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to graft: an attribute, or a class.", show_default=False)
    ] = None,
    strength: Annotated[float, typer.Option(help="How much of it; -1 takes it away.")] = 1.0,
    strengths: Annotated[
        str | None, typer.Option(metavar="S,S,…", help="Several, one picture each: 0,0.5,1,1.5.", show_default=False)
    ] = None,
    without: Annotated[
        str, typer.Option(metavar="NAME,…|auto|none", help="What goes along with it, and is not to be grafted.")
    ] = "none",
    region: Annotated[
        str | None,
        typer.Option(
            metavar="T,L,B,R|FILE", help="Where the picture may change: a box in shares of it, or a mask.", show_default=False
        ),
    ] = None,
    onto: Annotated[
        str | None,
        typer.Option(metavar="picture|reconstruction", help="Change the picture, or decode anew.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write. Default: into RUN.", show_default=False)
    ] = None,
    data: DataAgain = None,
    table: Attributes = None,
    attributes: Annotated[bool, typer.Option("--attributes", help="List what can be grafted, and stop.")] = False,
    force: Force = False,
) -> None:
    """Give an example what others have: a moustache, a smile.

    Images: a strip, the original first (.png). Tables: rows (.csv).

    What can be grafted are the attributes of the data learnt from (fit --attributes FILE), or of a --table, and its classes.

    With --without Male,Young whoever gets a moustache need not become a man, nor older. "auto" takes out all attributes
    that go along with it, by correlation; also those it shows in (No_Beard, of a moustache), and then little of it is left.

    \b
    Examples:
      latentwalk graft run --attributes
      latentwalk graft run me.jpg --attribute Mustache --without Male,Young --strength 1.5
      latentwalk graft run row:5 --attribute Smiling --strengths 0,0.5,1,1.5,2 --region 0.5,0.2,0.9,0.8 --out smile.png
    """
    from latentwalk.app import grafting
    from latentwalk.app.run import Run

    opened = Run.open(run)
    if attributes:
        grafting.listed(opened, data, table)
        return
    several = [strength] if strengths is None else _strengths(strengths)
    taken = [] if without == "none" else without if without == "auto" else words(without)
    grafting.grafted(opened, image, attribute, several, taken, region, onto, out, data, table, force=force)


def _strengths(text: str) -> list[float]:
    """Numbers separated by commas: "0,0.5" → [0.0, 0.5]. Raises BadParameter."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{text!r}: expected numbers separated by commas.", param_hint="--strengths") from None
