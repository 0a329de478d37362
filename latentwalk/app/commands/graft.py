"""What `latentwalk graft` does with a run."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from latentwalk.app.ends import Ends
from latentwalk.app.output import write_csv
from latentwalk.app.pictures import save_png
from latentwalk.app.results import columns, draws, endings, target
from latentwalk.app.run import Run
from latentwalk.data import Dataset
from latentwalk.data.sources import attributed
from latentwalk.data.spec import DataSpec
from latentwalk.drawing.tiles import enlarged, pixels, sheet
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.moves.grafts import Onto

__all__ = ["grafted", "listed"]

ENOUGH = 20_000  # rows whose codes say what a step means, at most
ACROSS = 12  # pictures in a row


def grafted(
    run: Run,
    image: str | None,
    attribute: str | None,
    strengths: Sequence[float],
    without: Sequence[str] | str,
    region: str | None,
    onto: str | None,
    out: Path | None,
    data: str | None,
    table: Path | None,
    *,
    force: bool,
) -> None:
    """Write `image` and what becomes of it at each strength, and say what the direction separates."""
    known = Known(run, data, table)
    if image is None or attribute is None:
        missing = "IMAGE: onto what to graft" if image is None else "--attribute: what to graft"
        raise ConfigError(f"say {missing}. {known.said}")
    files = [Path(name) for name in (image, region or image)]
    to = target(run, out, "graft", endings(run), inputs=files, force=force)
    x, called = known.ends.find(image)
    where = None if region is None else region_of(region, run.model.spec_)
    space = run.model.space(known.rows)
    direction = space.direction(attribute, without=without)
    grafts = space.graft(x, direction, strengths, region=where, onto=cast("Onto | None", onto))
    if draws(run):
        shown = pixels(np.concatenate([x[None].astype(np.float32), grafts.x]), run.model.spec_)
        save_png(to, sheet(enlarged(shown), min(len(shown), ACROSS)))
    else:
        write_csv(to, {"strength": strengths, **columns(run.model.inverse_transform(grafts.z))})
    typer.echo(direction.reading)
    typer.echo(f"onto {called}, {'strength' if len(strengths) == 1 else 'strengths'} {', '.join(f'{s:g}' for s in strengths)}")
    typer.echo(to)


def listed(run: Run, data: str | None, table: Path | None) -> None:
    """Print what can be grafted, and how many have it."""
    typer.echo(Known(run, data, table).listing)


class Known:
    """What is known of the rows of a run's data, read at most once."""

    def __init__(self, run: Run, data: str | None, table: Path | None) -> None:
        self.ends = Ends(run, data, "example to graft onto")
        self.table = table

    @cached_property
    def rows(self) -> Dataset:
        """The rows that directions are found from, with their attributes."""
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
        found = {name: _summary(values) for name, values in self.rows.factors.items()}
        for code, name in enumerate(self.rows.classes):  # an attribute goes before a class of that name, as in `direction`
            found.setdefault(name, f"class of {np.count_nonzero(self.rows.y == code):,}")
        width = max(map(len, found), default=0)
        return "\n".join(f"{name:{width}}  {what}" for name, what in found.items()) or self.said


def _summary(values: NDArray[Any]) -> str:
    """How many of the values (n,) say that it is there; or, of an amount, from where to where it goes."""
    if values.dtype.kind not in "biuf":
        return "text"
    values = values[np.isfinite(values)]
    if not len(values):
        return "not known of any"
    low, high = values.min(), values.max()
    if len(np.unique(values)) > 2 and not (low >= 0 and high <= 1):
        return f"an amount, {low:g} to {high:g}"
    return f"{int((values > (low + high) / 2 if len(np.unique(values)) == 2 else values > 0.5).sum()):,} of {len(values):,}"


def region_of(given: str, spec: DataSpec) -> Any:
    """A box "top,left,bottom,right", or the weights of an image file: white where the picture may change. Raises ConfigError,
    DataError.
    """
    path = Path(given).expanduser()
    if path.is_file() and spec.kind == "image":
        return _weights(path, spec)
    try:
        return tuple(float(part) for part in given.split(","))
    except ValueError:
        raise ConfigError(
            f"--region {given}: expected top,left,bottom,right in shares of the picture (for example 0.6,0.25,0.8,0.75), or an "
            "image file that is white where the picture may change."
        ) from None


def _weights(path: Path, spec: DataSpec) -> NDArray[np.float32]:
    """An image file as weights (H, W) in [0, 1], fitted to the size of the model's images."""
    height, width = spec.event[1:]
    try:
        with Image.open(path) as image:
            gray = image.convert("L").resize((width, height), Image.Resampling.BOX)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: not an image that can be read as a mask: {error}.") from error
    return np.asarray(gray, np.float32) / np.float32(255)
