"""`latentwalk graft`: what others have, on the face of someone who lacks it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, cast

import typer

from latentwalk import app
from latentwalk.app.options import Attributes, ConditionOption, DataAgain, Force, Out, RawCells, RunFolder, reals, words
from latentwalk.app.output import save_png, say, write_bytes, write_table
from latentwalk.errors import ConfigError

if TYPE_CHECKING:
    from latentwalk.app.run import Run
    from latentwalk.data import Dataset
    from latentwalk.data.original import Original
    from latentwalk.latent.moves.grafts import Onto

__all__ = ["graft"]

ENOUGH = 20_000  # rows whose codes say what a step means, at most
ACROSS = 12  # pictures in a row


def graft(
    run: RunFolder,
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="[IMAGE]…", help="Onto what: image files, row:123, or a class.", show_default=False),
    ] = None,
    attribute: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to graft: an attribute, or a class.", show_default=False)
    ] = None,
    strength: Annotated[
        str, typer.Option(metavar="S|guided", help="How much of it; -1 takes it away; guided: as much as each example takes.")
    ] = "1",
    strengths: Annotated[
        str | None, typer.Option(metavar="S,S,…", help="Several, one picture each: 0,0.5,1,1.5.", show_default=False)
    ] = None,
    without: Annotated[
        str, typer.Option(metavar="NAME,…|auto|none", help="What goes along with it, and is not to be grafted.")
    ] = "none",
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,…|all", help="Of --strength guided: what is to stay as it is. Default: all.", show_default=False
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="T,L,B,R|FILE|all",
            help="Where the picture may change: a box in shares of it, or a mask. Default: where it changes most.",
            show_default=False,
        ),
    ] = None,
    frame: Annotated[
        str | None,
        typer.Option(
            metavar="T,L,B,R",
            help="Which part of an image file the model is to see: around the face, say. Default: all.",
            show_default=False,
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

    Image files: the picture at its own size, changed where the step changes it (.png, .jpg, .webp); with several strengths, a
    strip of small copies to choose from; of several files, one each in the folder --out. Rows and classes: a strip, the
    original first (.png). Tables: rows (.csv, .parquet). Texts: a line
    each (.txt), or rows (.csv).

    What can be grafted are the attributes of the data learnt from (fit --attributes FILE), or of a --table, and its classes.

    With --without Male,Young whoever gets a moustache need not become a man, nor older. "auto" takes out all attributes
    that go along with it, by correlation; also those it shows in (No_Beard, of a moustache), and then little of it is left.
    --strength guided takes for each row and picture the step after which it is read to have it, and all else (--keep) as
    before.

    \b
    Examples:
      latentwalk graft run --attributes
      latentwalk graft run me.jpg --attribute Mustache --without Male,Young --strength 1.5 --out moustache.jpg
      latentwalk graft run party.jpg --frame 0.1,0.55,0.5,0.8 --attribute Smiling
      latentwalk graft run anna.jpg ben.jpg --attribute Smiling --out smiling
      latentwalk graft run anna.jpg --attribute Smiling --strength guided
      latentwalk graft run row:5 --attribute Smiling --strengths 0,0.5,1,1.5,2 --region 0.5,0.2,0.9,0.8 --out smile.png
    """
    opened = app.run.Run.open(run)
    model = opened.model
    known = Known(opened, data, table)
    if attributes:
        say(known.listing)
        return
    several = _amounts(strength, strengths, keep)
    taken = [] if without == "none" else without if without == "auto" else words(without)
    if not images or attribute is None:
        missing = "--attribute: what to graft" if images else "IMAGE: onto what to graft"
        raise ConfigError(f"say {missing}. {known.said}")
    grounds = [_Ground.of(name, opened, onto, frame) for name in images]
    targets = _targets(opened, grounds, out, [Path(region or images[0])], strip=len(several or ()) > 1, force=force)
    ends = [None if ground.picture is not None else known.ends.find(ground.name) for ground in grounds]
    space = model.space(known.rows) if condition is None else model.space(known.rows).under(condition)
    kept = None if several is not None else "all" if keep in (None, "all") else words(keep)
    direction = space.direction(attribute, without=taken, keep=kept)
    shown = ["guided"] if several is None else [f"{one:g}" for one in several]
    strengths_said = f"strength{'s' * (len(shown) > 1)} {', '.join(shown)}"

    def grafted(x: Any, **how: Any) -> Any:
        """An example with each of the strengths, or with its own: (k, *E)."""
        return (
            space.graft(x[None], direction, "guided", **how) if several is None else space.graft(x, direction, several, **how)
        )

    if len(grounds) > 1:
        say(direction.reading)
    for ground, end, to in zip(grounds, ends, targets, strict=True):
        spec = model.spec_ if ground.picture is None else ground.picture.spec
        where = "change" if region is None else None if region == "all" else app.named.region_named(region, spec)
        how: dict[str, Any] = {"region": where, "onto": cast("Onto | None", onto)}
        if end is None:
            amount: Any = "guided" if several is None else several[0] if len(several) == 1 else several
            made = space.graft(cast(Any, ground.picture), direction, amount, frame=ground.frame, **how)
            write_bytes(to, made.content(to.suffix))
        elif app.named.draws(opened):
            _write_strip(opened, end.x, grafted(end.x, **how).x, to)
        elif app.named.writes(opened) or app.named.hears(opened):
            app.named.write_decoded(opened, grafted(end.x, onto=how["onto"]), to, raw=raw_cells)
        else:
            made = grafted(end.x, **how)
            rows = app.named.columns(model.inverse_transform(made.z), model.spec_)
            write_table(to, {"strength": several or shown, **rows}, raw=raw_cells)
        if len(grounds) == 1:
            say(direction.reading)
        said = ground.name if end is None else end.said
        if ground.picture is not None:
            height, width = ground.picture.levels.shape[:2]
            said = f"{said} ({width} x {height})"
        say(f"onto {said}, {strengths_said}")
        say(to)


def _amounts(strength: str, strengths: str | None, keep: str | None) -> list[float] | None:
    """The strengths that are asked for; None where each example is to have its own. Raises ConfigError, BadParameter."""
    if strength == "guided":
        if strengths is not None:
            raise ConfigError("--strength guided finds the strength of each example. Leave --strengths out.")
        return None
    if keep is not None:
        raise ConfigError("--keep goes with --strength guided; with a number, what goes along is taken out by --without.")
    if strengths is not None:
        return reals(strengths, "--strengths")
    found = reals(strength, "--strength")
    if len(found) != 1:
        raise ConfigError(f"--strength {strength}: expected one number, or guided. Several: --strengths {strength}.")
    return found


@dataclass(frozen=True, slots=True)
class _Ground:
    """What is grafted onto, as it was named; its picture, where it is one of its own size; and the part that is seen of it."""

    name: str
    picture: "Original | None" = None
    frame: tuple[float, ...] | None = None

    @classmethod
    def of(cls, name: str, run: "Run", onto: str | None, frame: str | None) -> Self:
        """Raises DataError, ConfigError."""
        from latentwalk.data.original import Original

        path = Path(name).expanduser()
        own = app.source.is_picture(path) and path.is_file() and name not in run.classes
        seen = None if frame is None else tuple(reals(frame, "--frame"))
        if not (own and app.named.draws(run) and onto != "reconstruction"):
            if seen is not None:
                raise ConfigError(f"--frame is for an image file and its very picture; {name} is none, or is decoded anew.")
            return cls(name)
        return cls(name, Original.of(path), seen)


def _targets(
    run: "Run", grounds: "Sequence[_Ground]", out: Path | None, inputs: list[Path], *, strip: bool, force: bool
) -> list[Path]:
    """Where each is written: one file, or of several one each in a folder. strip: whether one is several small pictures."""
    from latentwalk.data.original import PICTURES

    whole = (".png",) if strip else tuple(PICTURES)
    kinds = [app.named.endings(run) if ground.picture is None else whole for ground in grounds]
    inputs = [*inputs, *(Path(ground.name).expanduser() for ground in grounds)]
    if len(grounds) == 1:
        return [app.named.target(run, out, "graft", kinds[0], inputs=inputs, force=force)]
    folder = run.folder / "grafts" if out is None else out
    if folder.suffix.lower() in kinds[0] or folder.is_file():
        raise ConfigError(f"--out {folder}: {len(grounds)} pictures need a folder to go to. Expected the name of one.")
    names = [f"{Path(ground.name).stem.replace(':', '-')}{kind[0]}" for ground, kind in zip(grounds, kinds, strict=True)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"two of the pictures would both be written to {folder / twice}. Graft them one at a time.")
    return [
        app.named.target(run, folder / name, name, kind, inputs=inputs, force=force)
        for name, kind in zip(names, kinds, strict=True)
    ]


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
