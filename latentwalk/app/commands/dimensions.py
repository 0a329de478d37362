"""`latentwalk dimensions`: where the error of held-out rows stops falling with more dimensions."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentwalk import app
from latentwalk.app.bundles import AS_FOUND, ReadingOptions, bundled
from latentwalk.app.options import MODEL, OUTPUT, Data, Epochs, Force, Latents, Seed, counts, epochs_for
from latentwalk.app.output import check_table, destination, note, saving, say, watched, write_table
from latentwalk.errors import DataError

if TYPE_CHECKING:
    from latentwalk.data import Dataset
    from latentwalk.studies.dimensions import Trial

__all__ = ["dimensions"]

COLUMNS = ("method", "latent", "error", "active", "seconds")


@bundled
def dimensions(
    data: Data,
    latent: Latents = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the numbers.", rich_help_panel=OUTPUT)] = Path(
        "dimensions.csv"
    ),
    recipe: Annotated[
        str, typer.Option(metavar="NAME", help="ae, vae, … as for fit; or pca alone.", rich_help_panel=MODEL)
    ] = "ae",
    epochs: Epochs = None,
    seed: Seed = 0,
    reading: ReadingOptions = AS_FOUND,
    force: Force = False,
) -> None:
    """How many dimensions does the data need?

    The error of held-out rows over the number of dimensions, for PCA and an autoencoder, and where it stops falling. With
    --recipe vae also how many dimensions are used of those there are.

    \b
    Examples:
      latentwalk dimensions table.csv
      latentwalk dimensions mnist-5k --latent 1,2,4,8,16,32 --recipe vae
    """
    from latentwalk.report.reduction import dimensions_report
    from latentwalk.studies.dimensions import USUAL, elbows

    asked = None if latent is None else counts(latent)
    source = app.source.Source.named(data, **reading)
    check_table(out)
    to = destination(out, out, [Path(source.what)], force=force)
    for page in (to.with_suffix(".html"), to.with_suffix(".json")):
        destination(page, page, [Path(source.what)], force=force)
    _, train, test = source.halves(seed)
    most = min(train.spec.size, len(train) - 1)
    found = _tried(train, test, asked or [number for number in USUAL if number <= most], recipe, epochs, seed)
    said = elbows(found)
    near = _near(train)
    kept = [{**trial.to_json(), "active": "" if trial.active is None else trial.active} for trial in found]
    write_table(to, {name: [row[name] for row in kept] for name in COLUMNS})
    for one in said:
        say(str(one))
    if near is not None:
        say(f"Around each row, the data spreads in about {near:.1f} dimensions (two nearest neighbours).")
    with saving():
        page = dimensions_report(to.with_suffix(".html"), found, said, near, data=train.name)
    say(f"{to}\nlook: {page}")


def _tried(train: "Dataset", test: "Dataset", latent: list[int], recipe: str, epochs: int | None, seed: int) -> "list[Trial]":
    """PCA and the recipe at each number of dimensions. Ctrl-C keeps what was tried until then."""
    from latentwalk.checks import duration
    from latentwalk.studies.dimensions import trials

    methods = [name for name in dict.fromkeys(("pca", recipe)) if name != "pca" or not train.spec.missing]
    found: list[Trial] = []
    start = time.perf_counter()
    passes = epochs or epochs_for(len(train))
    try:
        for trial in trials(train, test, latent, methods, random_state=seed, epochs=passes, progress=False):
            found.append(trial)
            if watched() and trial.method not in ("pca", "mean"):
                seconds = time.perf_counter() - start
                note(f"{trial.title}, {trial.latent} dimensions: error {trial.error:.4f}; {duration(seconds)} so far")
    except KeyboardInterrupt:
        if len({trial.method for trial in found}) < 2:
            raise
        note("stopped; what was tried until then:")
    return found


def _near(train: "Dataset") -> float | None:
    from latentwalk.studies.dimensions import intrinsic_dimension

    try:
        return intrinsic_dimension(train)
    except DataError:
        return None
