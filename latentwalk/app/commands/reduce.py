"""`latentwalk reduce`: fewer numbers for each row, beside what other methods make of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentwalk import app
from latentwalk.app.bundles import AS_FOUND, ReadingOptions, bundled
from latentwalk.app.options import MODEL, OUTPUT, Data, Epochs, Force, RawCells, Seed, epochs_for
from latentwalk.app.output import STOPPED, check_table, check_writable, destination, note, saving, say, show, write_table

if TYPE_CHECKING:
    from latentwalk.data import Dataset
    from latentwalk.studies.reduction import Reduction

__all__ = ["reduce"]

NEIGHBOURS = 15  # of each held-out row, by which a map is judged; fewer where fewer rows are held out
COLUMNS = ("method", "error", "trustworthiness", "preservation", "class accuracy", "learnt from", "took")


@bundled
def reduce(
    data: Data,
    latent: Annotated[
        int,
        typer.Option("-d", "--latent", min=1, metavar="D", help="How many numbers a row is left with.", rich_help_panel=MODEL),
    ] = 2,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the codes.", rich_help_panel=OUTPUT)] = Path(
        "codes.csv"
    ),
    recipe: Annotated[
        str,
        typer.Option(metavar="NAME", help="ae, vae, … as for fit; or pca, kernel-pca, umap.", rich_help_panel=MODEL),
    ] = "ae",
    beside: Annotated[
        bool,
        typer.Option("--compare", help="Also PCA, kernel PCA and UMAP, as a page.", rich_help_panel=OUTPUT),
    ] = False,
    run: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the model here.", show_default=False, rich_help_panel=OUTPUT),
    ] = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    reading: ReadingOptions = AS_FOUND,
    force: Force = False,
    raw_cells: RawCells = False,
) -> None:
    """Write each row as a few numbers, and say how good they are.

    Measured on rows held out: reconstruction error, whether neighbours stay neighbours, and, with labels, whether the nearest
    rows have the same.

    \b
    Examples:
      latentwalk reduce mnist-5k -d 2 --out codes.csv --compare
      latentwalk reduce table.csv -d 3 --recipe vae --run kept
    """
    from latentwalk.studies.reduction import reductions

    source = app.source.Source.named(data, **reading)
    check_table(out)
    to = destination(out, out, [Path(source.what)], force=force)
    if beside:
        for page in (to.with_suffix(".html"), to.with_suffix(".json")):
            destination(page, page, [Path(source.what)], force=force)
    if run is not None:
        app.run.check_free(run, "--run", force=force)
        check_writable(run)
    source, train, test = source.halves(seed)
    methods = [recipe, *(_rivals(recipe) if beside else ())]
    passes = epochs or epochs_for(len(train))
    found: list[Reduction] = []
    neighbours = min(NEIGHBOURS, max(1, (len(test) - 1) // 2))
    for one in reductions(train, test, [latent], methods, neighbours=neighbours, random_state=seed, epochs=passes):
        found.append(one)
        if one.tried.model is not None and run is not None:
            with saving(), app.run.locked(run):
                app.run.forget(run)
                app.run.Run.of(run, one.tried.model, source, train, passes).save()
    _write_codes(found[0], [("train", train), ("test", test)], to, raw=raw_cells)
    show(COLUMNS, [_row(one) for one in found])
    if neighbours < NEIGHBOURS:
        note(f"measured on {len(test)} rows held out, by the {neighbours} nearest of each: rough numbers.")
    say(f"{len(train) + len(test):,} codes of {latent} dimensions\n{to}")
    if beside:
        from latentwalk.report.reduction import reduction_report

        with saving():
            page = reduction_report(to.with_suffix(".html"), found, data=train.name)
        say(f"look: {page}")
    if found[0].tried.stopped:
        note("stopped early; the codes are those of the best weights so far.")
        raise typer.Exit(STOPPED)


def _rivals(recipe: str) -> list[str]:
    """The methods to compare with."""
    from latentwalk.studies.methods import RIVALS, has_umap

    if not has_umap():
        note("UMAP is not installed, and left out: pip install 'latentwalk[maps]'")
    return [name for name in RIVALS if name != recipe and (name != "umap" or has_umap())]


def _write_codes(best: "Reduction", parts: "Sequence[tuple[str, Dataset]]", to: Path, *, raw: bool) -> None:
    """All codes as a table: of which half a row is, its name and its label where these are known, then the code."""
    import numpy as np

    codes = np.concatenate([best.tried.fitted.transform(data) for _, data in parts])
    known = [app.named.known(data) for _, data in parts]
    shared = [name for name in known[0] if all(name in one for one in known)]
    named = {name: np.concatenate([np.asarray(one[name]) for one in known]) for name in shared}
    part = np.repeat([name for name, _ in parts], [len(data) for _, data in parts])
    write_table(to, {"part": part, **named, **{f"z{i + 1}": codes[:, i] for i in range(codes.shape[1])}}, raw=raw)


def _row(one: "Reduction") -> Sequence[str]:
    """What is printed of a method."""
    from latentwalk.checks import duration

    quality = one.quality
    shares = (quality.trustworthiness, quality.neighbour_preservation, quality.class_accuracy)
    error = "–" if quality.error is None else f"{quality.error:.4f}"
    numbers = ["–" if share is None else f"{share:.3f}" for share in shares]
    return one.tried.title, error, *numbers, f"{one.learnt:,}", duration(one.tried.seconds)
