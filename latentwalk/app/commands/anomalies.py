"""What `latentwalk anomalies` does: learn what is ordinary, score every row, and name the columns to blame."""

from pathlib import Path

import numpy as np
import typer

from latentwalk.app.fitting import tell_skipped
from latentwalk.app.output import check_writable, destination, write_csv
from latentwalk.app.source import Source
from latentwalk.data import Dataset
from latentwalk.errors import ConfigError
from latentwalk.estimators.anomalies import AnomalyDetector

__all__ = ["found"]

BLAMED = 3  # columns named for each row
WORST = 5  # rows printed


def found(
    source: Source, out: Path, contamination: float, run: Path | None, epochs: int | None, seed: int, *, force: bool
) -> None:
    """Fit a detector on all rows, write their scores to `out`, and print the strangest."""
    if out.suffix.lower() != ".csv":
        raise ConfigError(f"--out {out}: expected a file ending in .csv.")
    to = destination(out, out, [Path(source.what)], force=force)
    data = source.train()
    tell_skipped(data)
    if run is not None:
        check_writable(run)
    options = {"progress": True}
    detector = AnomalyDetector(contamination=contamination, epochs=epochs, random_state=seed, options=options).fit(data)
    scores = detector.score_samples(data)
    strange = scores < detector.offset_
    blamed = _blamed(detector, data)
    named = {"name": data.names} if data.names else {}
    columns = {f"blame {i + 1}": blamed[:, i] for i in range(blamed.shape[1])}
    write_csv(to, {"row": range(len(data)), **named, "score": scores, "anomaly": strange.astype(int), **columns})
    if run is not None:
        detector.save(run)
    typer.echo(f"{int(strange.sum()):,} of {len(data):,} rows are called strange. The strangest:")
    for row in np.argsort(scores)[:WORST]:
        name = f" ({data.names[row]})" if data.names else ""
        typer.echo(f"  row {row}{name}: {scores[row]:.1f} nats; {', '.join(blamed[row])}")
    typer.echo(to)


def _blamed(detector: AnomalyDetector, data: Dataset) -> np.ndarray[tuple[int, int], np.dtype[np.str_]]:
    """The values most to blame for each row, by name: (n, up to 3)."""
    blame = detector.blame(data)
    flat = blame.reshape(len(blame), -1)
    order = np.argsort(-flat, axis=1)[:, :BLAMED]
    if data.spec.framed:
        names = np.array([column.name for column in data.spec.columns])
    elif len(data.spec.shape) == 1:
        names = np.array([f"x{i + 1}" for i in range(flat.shape[1])])
    else:
        names = np.array([str(place) for place in np.ndindex(*data.spec.shape)])
    found_: np.ndarray[tuple[int, int], np.dtype[np.str_]] = names[order]
    return found_
