"""`latentwalk anomalies`: which rows are strange, and the columns to blame."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import latentwalk
from latentwalk import app
from latentwalk.app.options import (
    MODEL,
    OUTPUT,
    ColorOption,
    Data,
    Epochs,
    Force,
    KindOption,
    Label,
    Seed,
    SizeOption,
)
from latentwalk.app.output import check_csv, check_writable, destination, write_csv

if TYPE_CHECKING:
    from latentwalk.data import Dataset
    from latentwalk.estimators.anomalies import AnomalyDetector

__all__ = ["anomalies"]

BLAMED = 3  # columns named for each row
WORST = 5  # rows printed


def anomalies(
    data: Data,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the scores.", rich_help_panel=OUTPUT)] = Path(
        "anomalies.csv"
    ),
    contamination: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Share of the rows that are strange, above 0, at most .5.", rich_help_panel=MODEL),
    ] = 0.1,
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
    force: Force = False,
) -> None:
    """Find the rows that do not belong.

    Writes a score for each row (log-likelihood in nats: low is strange), whether it is called an anomaly, and the columns most
    to blame. No labels are needed; a label column is left out.

    \b
    Example:
      latentwalk anomalies payments.csv --contamination 0.01 --out strange.csv
    """
    source = app.source.Source.named(data, size=size, color=color, label=label, kind=kind)
    check_csv(out)
    to = destination(out, out, [Path(source.what)], force=force)
    rows = source.train(tell=True)
    if run is not None:
        check_writable(run)
    detector = latentwalk.AnomalyDetector(
        contamination=contamination, epochs=epochs, random_state=seed, options={"progress": True}
    ).fit(rows)
    scores = detector.score_samples(rows)
    strange = scores < detector.offset_
    blamed = _blamed(detector, rows)
    named = {"name": rows.names} if rows.names else {}
    columns = {f"blame {i + 1}": blamed[:, i] for i in range(blamed.shape[1])}
    write_csv(to, {"row": range(len(rows)), **named, "score": scores, "anomaly": strange.astype(int), **columns})
    if run is not None:
        detector.save(run)
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
