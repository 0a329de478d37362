"""`latentwalk anomalies`: which rows are strange, and the columns to blame; by a detector that is learnt, or was kept."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import latentwalk
from latentwalk import app
from latentwalk.app.options import (
    MODEL,
    OUTPUT,
    ColorOption,
    ColumnsOption,
    Data,
    DropOption,
    Epochs,
    Force,
    KindOption,
    Label,
    Seed,
    SeparatorOption,
    SizeOption,
    was_typed,
)
from latentwalk.app.output import check_table, check_writable, destination, saving, write_table
from latentwalk.errors import ConfigError

if TYPE_CHECKING:
    from latentwalk.data import Dataset
    from latentwalk.estimators.anomalies import AnomalyDetector

__all__ = ["anomalies"]

BLAMED = 3  # columns named for each row
WORST = 5  # rows printed
LEARNING = ("run", "epochs", "seed", "size", "color", "kind")  # options that a kept detector has no use for


def line(text: str) -> Any:
    """Where the line is drawn: "auto", or a share of the rows, "0.01" → 0.01. Raises BadParameter."""
    if text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r}: expected a share of the rows, for example 0.01, or auto.") from None


def anomalies(
    context: typer.Context,
    data: Data,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="DETECTOR",
            help="Score with this one, kept by --run; nothing is learnt or changed.",
            show_default=False,
            rich_help_panel=MODEL,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the scores.", rich_help_panel=OUTPUT)] = Path(
        "anomalies.csv"
    ),
    contamination: Annotated[
        Any,
        typer.Option(
            parser=line,
            metavar="SHARE|auto",
            help="Share of the rows that are strange, above 0, at most .5; or auto. Default: .1, or the detector's.",
            show_default=False,
            rich_help_panel=MODEL,
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the detector here.", show_default=False, rich_help_panel=OUTPUT),
    ] = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    size: SizeOption = None,
    color: ColorOption = None,
    label: Label = None,
    kind: KindOption = None,
    drop: DropOption = None,
    columns: ColumnsOption = None,
    separator: SeparatorOption = None,
    force: Force = False,
) -> None:
    """Find the rows that do not belong.

    Writes a score for each row (log-likelihood in nats: low is strange), whether it is called an anomaly, and the columns most
    to blame. No labels are needed; a label column is left out.

    \b
    Examples:
      latentwalk anomalies payments.csv --contamination 0.01 --out strange.csv --run detector
      latentwalk anomalies tomorrow.csv --model detector --out strange-tomorrow.csv
    """
    of_cells = {"drop": drop, "columns": columns, "separator": separator}
    source = app.source.Source.named(data, size=size, color=color, label=label, kind=kind, **of_cells)
    check_table(out)
    to = destination(out, out, [Path(source.what)], force=force)
    if model is not None:
        idle = [f"--{name}" for name in LEARNING if was_typed(context, name)]
        if idle:
            raise ConfigError(f"--model scores with a detector that has learnt. Leave out {', '.join(idle)}.")
        detector, rows = _kept(model, data, label)
        if contamination is not None:
            detector.set_params(contamination=contamination)
        _tell(detector, rows, to)
        return
    if run is not None:
        app.run.check_free(run, "--run", force=force, instead=f"Score with it: --model {run}.")
        check_writable(run)
    rows = source.train(tell=True)
    detector = latentwalk.AnomalyDetector(
        contamination=0.1 if contamination is None else contamination,
        epochs=epochs,
        random_state=seed,
        options={"progress": True},
    ).fit(rows)
    if run is not None:
        with saving():
            app.run.forget(run)
            app.run.Run.of(run, detector.model_, source, rows, detector.model_.epochs).save()
            detector.save(run)
    _tell(detector, rows, to)


def _kept(folder: Path, data: str, label: str | None) -> "tuple[AnomalyDetector, Dataset]":
    """The detector kept in the folder, and the data made like what it learnt from. Raises CheckpointError, DataError."""
    opened = app.run.Run.open(folder)
    detector = latentwalk.AnomalyDetector.load(folder)
    if label is None:
        return detector, opened.read(data)
    return detector, app.source.read_like(opened.model.spec_, data, label=label)


def _tell(detector: "AnomalyDetector", rows: "Dataset", to: Path) -> None:
    """Write the scores of the rows, and print the strangest."""
    scores = detector.score_samples(rows)
    strange = ~(scores >= detector.offset_)
    blamed = _blamed(detector, rows)
    named = {"name": rows.names} if rows.names else {}
    blames = {f"blame {i + 1}": blamed[:, i] for i in range(blamed.shape[1])}
    write_table(to, {"row": range(len(rows)), **named, "score": scores, "anomaly": strange.astype(int), **blames})
    typer.echo(f"{int(strange.sum()):,} of {len(rows):,} rows are called strange. The strangest:")
    for row in scores.argsort()[:WORST]:
        name = f" ({rows.names[row]})" if rows.names else ""
        typer.echo(f"  row {row}{name}: {scores[row]:.1f} nats; {', '.join(blamed[row])}")
    typer.echo(to)


def _blamed(detector: "AnomalyDetector", data: "Dataset") -> Any:
    """The values most to blame for each row, by name: (n, up to 3)."""
    import numpy as np

    blame = detector.blame(data)
    flat = blame.reshape(len(blame), -1)
    order = np.argsort(-flat, axis=1)[:, :BLAMED]
    if data.spec.named:
        names = np.array([column.name for column in data.spec.named])
    elif len(data.spec.shape) == 1:
        names = np.array([f"x{i + 1}" for i in range(flat.shape[1])])
    else:
        names = np.array([str(place) for place in np.ndindex(*data.spec.shape)])
    return names[order]
