"""`latentwalk sweep`: trials over a grid, kept one by one; a page of curves, a small table."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import latentwalk
from latentwalk import app
from latentwalk.app.bundles import AS_FOUND, ReadingOptions, bundled
from latentwalk.app.options import MODEL, OUTPUT, TRAINING, BatchSize, Epochs, counts, epochs_for, layers, weights, words
from latentwalk.app.output import STOPPED, check_writable, note, saving, say, show
from latentwalk.errors import ConfigError, TrainingStopped
from latentwalk.surroundings import hushed

if TYPE_CHECKING:
    from latentwalk.app.source import Source
    from latentwalk.data import Dataset
    from latentwalk.studies.sweep.sweep import Sweep

__all__ = ["sweep"]

APART = 0  # the seed with which rows to judge by are drawn: the same for all trials


@bundled
def sweep(
    data: Annotated[
        list[str], typer.Argument(metavar="DATA…", help="Names (see: latentwalk data), files or folders.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where trials, curves and page go.", rich_help_panel=OUTPUT)] = Path(
        "sweep"
    ),
    recipe: Annotated[
        str, typer.Option(metavar="NAME,…", help="As for fit; several are an axis.", rich_help_panel=MODEL)
    ] = "vae",
    latent: Annotated[
        str, typer.Option(metavar="D,D,…", help="Numbers of latent dimensions.", rich_help_panel=MODEL)
    ] = "2,4,8,16",
    beta: Annotated[
        str | None,
        typer.Option(metavar="B,B,…", help="Weights of the KL.", show_default=False, rich_help_panel=MODEL),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(metavar="NAME,…", help="As for fit: dense,conv.", show_default=False, rich_help_panel=MODEL),
    ] = None,
    widths: Annotated[
        str | None,
        typer.Option(metavar="W,WxW,…", help="Hidden layers: 256,512x256.", show_default=False, rich_help_panel=MODEL),
    ] = None,
    rows: Annotated[
        str | None,
        typer.Option(
            metavar="N,N,…", help="Rows learnt from, for as many steps.", show_default=False, rich_help_panel=TRAINING
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="Trials of each combination.", rich_help_panel=TRAINING)] = 3,
    trials: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Only N combinations, drawn at random.",
            show_default=False,
            rich_help_panel=TRAINING,
        ),
    ] = None,
    epochs: Epochs = None,
    batch_size: BatchSize = 128,
    reading: ReadingOptions = AS_FOUND,
) -> None:
    """What shapes the latent space? Curves over dimensions, beta, data, …

    Trains and judges a model for every combination from every seed. Ctrl-C keeps the trials that are finished; the same command
    goes on, and with more values it makes only what is new. Writes DIR/trials.jsonl, sweep.json and sweep.html.

    \b
    Examples:
      latentwalk sweep mnist-5k --latent 2,4,8,16 --beta .25,1,4 --out curves
      latentwalk sweep digits fashion-mnist --latent 2,8 --rows 500,1000 --seeds 1 --out data
      latentwalk sweep photos/ --size 32 --network dense,conv --latent 8,32 --out networks
    """
    sources = [app.source.Source.named(one, **reading) for one in data]
    axes = {
        "latent": counts(latent),
        "recipe__beta": None if beta is None else weights(beta),
        "network": None if network is None else words(network, "--network"),
        "network__widths": None if widths is None else layers(widths),
        "rows": None if rows is None else counts(rows, "--rows"),
        "recipe": words(recipe, "--recipe"),
    }
    grid = {axis: values for axis, values in axes.items() if values}
    check_writable(out)
    halves = _halves(sources)
    few = min(len(train) for train, _ in halves.values())
    options: dict[str, Any] = {"epochs": epochs or epochs_for(few), "batch_size": batch_size}
    swept = latentwalk.Sweep(grid, seeds=seeds, n_iter=trials, folder=out, **options)
    with hushed(TrainingStopped), saving():  # said below, with the command that goes on
        swept.fit({name: train for name, (train, _) in halves.items()}, {name: test for name, (_, test) in halves.items()})
    if swept.results_:
        _tell(swept, out, {"recipe": ", ".join(words(recipe)), **options})
    if swept.interrupted_:
        note(f"stopped; {len(swept.results_)} trials are finished and kept in {out}. To go on, run the same command again.")
        raise typer.Exit(STOPPED)


def _halves(sources: "Sequence[Source]") -> "dict[str, tuple[Dataset, Dataset]]":
    """Rows to learn from and to judge by, by the name of each data set."""
    found = {}
    for source in sources:
        _, train, test = source.halves(APART)
        if train.name in found:
            raise ConfigError(f"two data sets are called {train.name}. Rename one of the files.")
        found[train.name] = train, test
    return found


def _tell(sweep: "Sweep", out: Path, settings: Mapping[str, Any]) -> None:
    from latentwalk.report.sweep import sweep_report
    from latentwalk.studies.sweep.curves import label, shown, varied
    from latentwalk.studies.sweep.points import heading

    with saving():
        page = sweep_report(out, sweep, settings)
    axes = varied(sweep.results_, sweep.axes_) or sweep.axes_[:1]
    columns = shown(sweep.results_, "head")
    digits = {name: column.digits for name, column in columns.items()}
    heads = [column.head.format(prior=sweep.prior_) for column in columns.values()]
    show([*map(heading, axes), *heads], _rows(sweep, axes, digits), names=0)
    say("\n".join(sweep.summary()))
    failed = [row for row in sweep.results_ if row["failure"] is not None]
    for row in failed:
        note(f"failed: {', '.join(label(axis, row[axis]) for axis in (*sweep.axes_, 'seed'))}: {row['failure']}")
    say(f"look: {page}")


def _rows(sweep: "Sweep", axes: Sequence[str], digits: Mapping[str, int]) -> Iterator[Sequence[str]]:
    """The means over seeds, as they are printed."""
    from latentwalk.studies.sweep.curves import numeral, short

    for row in sweep.means():
        numbers = ("–" if row.get(name) is None else numeral(row[name], some) for name, some in digits.items())
        yield *(short(row[axis]) for axis in axes), *numbers
