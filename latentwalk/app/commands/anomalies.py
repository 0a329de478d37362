"""`latentwalk anomalies`: which rows are strange, and the columns to blame; by a detector that is learnt, or was kept."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import latentwalk
from latentwalk import app
from latentwalk.app.bundles import AS_FOUND, ReadingOptions, bundled
from latentwalk.app.options import MODEL, OUTPUT, Data, Epochs, Force, RawCells, Seed, was_typed
from latentwalk.app.output import check_table, check_writable, destination, saving, say, table_rows
from latentwalk.errors import ConfigError

if TYPE_CHECKING:
    from latentwalk.data import Dataset
    from latentwalk.estimators.anomalies import AnomalyDetector

__all__ = ["anomalies"]

BLAMED = 3  # columns named for each row
WORST = 5  # rows printed
LEARNING = ("run", "epochs", "seed", "size", "color", "kind", "columns", "types")  # of no use to a kept detector


def line(text: str) -> Any:
    """Where the line is drawn: "auto", or a share of the rows, "0.01" → 0.01. Raises BadParameter."""
    if text == "auto":
        return text
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r}: expected a share of the rows, for example 0.01, or auto.") from None


@bundled
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
    reading: ReadingOptions = AS_FOUND,
    force: Force = False,
    raw_cells: RawCells = False,
) -> None:
    """Find the rows that do not belong.

    Writes a score for each row (log-likelihood in nats: low is strange), whether it is called an anomaly, and the columns most
    to blame. No labels are needed; a label column is left out.

    \b
    Examples:
      latentwalk anomalies payments.csv --contamination 0.01 --out strange.csv --run detector
      latentwalk anomalies tomorrow.csv --model detector --out strange-tomorrow.csv
    """
    source = app.source.Source.named(data, **reading)
    check_table(out)
    to = destination(out, out, [Path(source.what)], force=force)
    if model is not None:
        idle = [f"--{name}" for name in LEARNING if was_typed(context, name)]
        if idle:
            raise ConfigError(f"--model scores with a detector that has learnt. Leave out {', '.join(idle)}.")
        opened, detector = app.run.Run.open(model), latentwalk.AnomalyDetector.load(model)
        if contamination is not None:
            detector.set_params(contamination=contamination)
        pieces = opened.pieces(data, label=reading["label"], separator=reading["separator"])
        _tell(detector, pieces, pieces.rows, to, raw=raw_cells)
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
        with saving(), app.run.locked(run):
            app.run.forget(run)
            app.run.Run.of(run, detector.model_, source, rows, detector.model_.epochs).save()
            detector.save(run)
    _tell(detector, [rows], len(rows), to, raw=raw_cells)


def _tell(detector: "AnomalyDetector", pieces: "Iterable[Dataset]", total: int, to: Path, *, raw: bool) -> None:
    """Write the scores of the rows, which come in pieces, and print the strangest. Ctrl-C leaves no file."""
    from latentwalk.training.progress import progressed

    found, strange = _Followed(), 0
    worst: list[tuple[float, int, str, str]] = []
    scored = progressed(_scored(detector, pieces), total, title="scoring", unit="row", said=found.rate, size=len)
    with table_rows(to, raw=raw) as add:
        for one in scored:
            rows = range(found.done, found.done + len(one))
            named = {"name": one.names} if one.names else {}
            blames = {f"blame {i + 1}": one.blamed[:, i] for i in range(one.blamed.shape[1])}
            add({"row": rows, **named, "score": one.scores, "anomaly": one.strange.astype(int), **blames})
            strange += int(one.strange.sum())
            worst = sorted([*worst, *one.worst(rows.start)])[:WORST]
            found.follow(len(one))
    say(f"{strange:,} of {found.done:,} rows are called strange. The strangest:")
    for score, row, name, blamed in worst:
        say(f"  row {row}{name}: {score:.1f} nats; {blamed}")
    say(to)


class _Followed:
    """How many rows are written."""

    def __init__(self) -> None:
        self.done, self.begun = 0, time.monotonic()

    def follow(self, rows: int) -> None:
        """So many rows more are written."""
        self.done += rows

    def rate(self, _: Any = None) -> str:
        """How fast."""
        return f"{self.done / max(time.monotonic() - self.begun, 1e-9):,.0f} rows/s"


@dataclass(frozen=True, slots=True)
class _Scored:
    """Rows (n,) and what is said of each: its score, whether it is strange, and the values most to blame (n, up to 3)."""

    names: Sequence[str]
    scores: Any
    strange: Any
    blamed: Any

    def __len__(self) -> int:
        return len(self.scores)

    def worst(self, first: int) -> list[tuple[float, int, str, str]]:
        """The strangest rows: score, number, counted from `first` on, name and what is to blame."""
        return [
            (
                float(self.scores[row]),
                first + int(row),
                f" ({self.names[row]})" if self.names else "",
                ", ".join(self.blamed[row]),
            )
            for row in self.scores.argsort(kind="stable")[:WORST]
        ]


def _scored(detector: "AnomalyDetector", pieces: "Iterable[Dataset]") -> Iterator[_Scored]:
    for rows in pieces:
        scores = detector.score_samples(rows)
        yield _Scored(rows.names, scores, ~(scores >= detector.offset_), _blamed(detector, rows))


def _blamed(detector: "AnomalyDetector", data: "Dataset") -> Any:
    """The values most to blame for each row, by name: (n, up to 3)."""
    import numpy as np

    blame = detector.blame(data)
    flat = blame.reshape(len(blame), -1)
    order = np.argsort(-flat, axis=1)[:, :BLAMED]
    if data.spec.form.serial:
        return _units(detector, data)[np.arange(len(order))[:, None], order]
    if data.spec.named:
        names = np.array([column.name for column in data.spec.named])
    elif len(data.spec.shape) == 1:
        names = np.array([f"x{i + 1}" for i in range(flat.shape[1])])
    else:
        names = np.array([str(place) for place in np.ndindex(*data.spec.shape)])
    return names[order]


def _units(detector: "AnomalyDetector", data: "Dataset") -> Any:
    """The unit in each place of texts or pieces, and where it stands, counted from 1: (n, T)."""
    import numpy as np

    trained = detector.model_.trained_
    assert trained.spec.vocabulary is not None
    units, places = trained.spec.vocabulary.written(trained.given(data))
    said = np.array([unit or "end, or unknown" for unit in units], object)[places]
    return np.array([[f"{one} ({at})" for at, one in enumerate(row, 1)] for row in said], object)
