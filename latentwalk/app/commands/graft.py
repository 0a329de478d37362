"""`latentwalk graft`: what others have, on the face of someone who lacks it."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from latentwalk import app
from latentwalk.app.options import Attributes, ConditionOption, DataAgain, Force, Out, RawCells, RunFolder, reals, words
from latentwalk.app.output import save_png, say, write_table
from latentwalk.errors import ConfigError

if TYPE_CHECKING:
    from latentwalk.app.run import Run
    from latentwalk.data import Dataset
    from latentwalk.latent.moves.grafts import Onto

__all__ = ["graft"]

ENOUGH = 20_000  # rows whose codes say what a step means, at most
ACROSS = 12  # pictures in a row


def graft(
    run: RunFolder,
    image: Annotated[
        str | None, typer.Argument(metavar="[IMAGE]", help="Onto what: an image file, row:123, or a class.", show_default=False)
    ] = None,
    attribute: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to graft: an attribute, or a class.", show_default=False)
    ] = None,
    strength: Annotated[float, typer.Option(metavar="S", help="How much of it; -1 takes it away.")] = 1.0,
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
    attributes: Annotated[bool, typer.Option("--attributes", help="List what can be grafted, and stop.")] = False,
    condition: ConditionOption = None,
    data: DataAgain = None,
    table: Attributes = None,
    out: Out = None,
    force: Force = False,
    raw_cells: RawCells = False,
) -> None:
    """Give an example what others have: a moustache, a smile.

    Images: a strip, the original first (.png). Tables: rows (.csv, .parquet). Texts: a line each (.txt), or rows (.csv).

    What can be grafted are the attributes of the data learnt from (fit --attributes FILE), or of a --table, and its classes.

    With --without Male,Young whoever gets a moustache need not become a man, nor older. "auto" takes out all attributes
    that go along with it, by correlation; also those it shows in (No_Beard, of a moustache), and then little of it is left.

    \b
    Examples:
      latentwalk graft run --attributes
      latentwalk graft run me.jpg --attribute Mustache --without Male,Young --strength 1.5
      latentwalk graft run row:5 --attribute Smiling --strengths 0,0.5,1,1.5,2 --region 0.5,0.2,0.9,0.8 --out smile.png
    """
    opened = app.run.Run.open(run)
    model = opened.model
    known = Known(opened, data, table)
    if attributes:
        say(known.listing)
        return
    several = [strength] if strengths is None else reals(strengths, "--strengths")
    taken = [] if without == "none" else without if without == "auto" else words(without)
    if image is None or attribute is None:
        missing = "IMAGE: onto what to graft" if image is None else "--attribute: what to graft"
        raise ConfigError(f"say {missing}. {known.said}")
    files = [Path(name) for name in (image, region or image)]
    to = app.named.target(opened, out, "graft", app.named.endings(opened), inputs=files, force=force)
    end = known.ends.find(image)
    where = None if region is None else app.named.region_named(region, model.spec_)
    space = model.space(known.rows) if condition is None else model.space(known.rows).under(condition)
    direction = space.direction(attribute, without=taken)
    grafts = space.graft(end.x, direction, several, region=where, onto=cast("Onto | None", onto))
    if app.named.draws(opened):
        _write_strip(opened, end.x, grafts.x, to)
    elif app.named.writes(opened):
        app.named.write_decoded(opened, grafts, to, raw=raw_cells)
    else:
        rows = app.named.columns(model.inverse_transform(grafts.z), model.spec_)
        write_table(to, {"strength": several, **rows}, raw=raw_cells)
    say(direction.reading)
    say(f"onto {end.said}, {'strength' if len(several) == 1 else 'strengths'} {', '.join(f'{s:g}' for s in several)}")
    say(to)


class Known:
    """What is known of the rows of a run's data, read at most once."""

    def __init__(self, run: "Run", data: str | None, table: Path | None) -> None:
        self.ends = app.named.Ends(run, data, "example to graft onto")
        self.table = table

    @cached_property
    def rows(self) -> "Dataset":
        """The rows that directions are found from, with their attributes."""
        import numpy as np

        from latentwalk.data.sources import attributed

        rows = self.ends.rows if self.table is None else attributed(self.ends.rows, self.table)
        return rows.take(np.arange(min(len(rows), ENOUGH)))

    @property
    def said(self) -> str:
        """In a sentence, what can be grafted."""
        names = [*self.rows.factors, *self.rows.classes]
        if not names:
            return "The data has no attributes and no classes. Name a table of them: --table FILE."
        return f"Known: {', '.join(names)}."

    @property
    def listing(self) -> str:
        """A line for each attribute and class: what it is called, and how many have it or how far it goes."""
        import numpy as np

        found = {name: _summary(values) for name, values in self.rows.factors.items()}
        for code, name in enumerate(self.rows.classes):  # an attribute goes before a class of that name, as in `direction`
            found.setdefault(name, f"class of {np.count_nonzero(self.rows.y == code):,}")
        width = max(map(len, found), default=0)
        return "\n".join(f"{name:{width}}  {what}" for name, what in found.items()) or self.said


def _summary(values: Any) -> str:
    """How many of the values (n,) say that it is there; or, of an amount, from where to where it goes."""
    import numpy as np

    if values.dtype.kind not in "biuf":
        return "text"
    values = values[np.isfinite(values)]
    if not len(values):
        return "not known of any"
    low, high = values.min(), values.max()
    if len(np.unique(values)) > 2 and not (low >= 0 and high <= 1):
        return f"an amount, {low:g} to {high:g}"
    return f"{int((values > (low + high) / 2 if len(np.unique(values)) == 2 else values > 0.5).sum()):,} of {len(values):,}"


def _write_strip(run: "Run", x: Any, grafted: Any, to: Path) -> None:
    """The original (*E), then what became of it (n, *E)."""
    import numpy as np

    from latentwalk.drawing.tiles import enlarged, pixels, sheet

    shown = pixels(np.concatenate([x[None].astype(np.float32), grafted]), run.model.spec_)
    save_png(to, sheet(enlarged(shown), min(len(shown), ACROSS)))
