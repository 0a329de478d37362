"""`latentwalk report`: judge a saved model on its data, or draw an old report again."""

from pathlib import Path

import numpy as np
import typer

from latentwalk.app.comparing import verdicts, write_report
from latentwalk.app.output import check_writable, saving
from latentwalk.app.run import REPORT, Run
from latentwalk.studies.comparison import Entry
from latentwalk.studies.judgement import judge

__all__ = ["judged", "redrawn"]

LEARNT, JUDGED = 5_000, 300  # examples that filters learn from, and on which all are judged


def judged(run: Run, data: str | None) -> None:
    """Judge the model, write RUN/report.json and RUN/report.html, and print the verdict."""
    check_writable(run.folder)
    space, model = run.judged(data), run.model
    seconds = sum(epoch.seconds for epoch in model.history_)
    entry = Entry(model.recipe_.name, space.dim, model, space, judge(space), seconds)
    name = data or (run.source.what if run.source else "")
    settings = {"epochs": len(model.history_), "batch size": model.batch_size, "seed": model.random_state}
    page = write_report(run.folder, [entry], title=entry.title, data=Path(name).name, seconds=seconds, settings=settings)
    verdicts([entry])
    typer.echo(f"look: {page}")
    if model.recipe_.corruption is not None and model.spec_.kind != "table" and not model.spec_.missing:
        typer.echo(f"look: {_against_noise(run, data, name)}")


def _against_noise(run: Run, data: str | None, name: str) -> Path:
    """How much noise the model takes away, beside filters: the path of RUN/denoising.html."""
    from latentwalk.report.denoising import denoising_report
    from latentwalk.studies.denoising import noise_sweep

    source = run.where(data)
    train, test = source.train(), source.test()
    learnt, held = np.arange(len(train)), run.model.validation_rows_ if data is None else np.arange(0)
    if test is None:
        test = train.take(held) if len(held) else train
        learnt = np.setdiff1d(learnt, held)
    found = noise_sweep(run.model, train.take(learnt[:LEARNT]), test.take(np.arange(min(len(test), JUDGED))))
    with saving():
        return denoising_report(run.folder, found, run.model.spec_, title="How much noise is left?", data=Path(name).name)


def redrawn(folder: Path) -> None:
    """Draw report.html again from the report.json in `folder`, or sweep.html from sweep.json."""
    from latentwalk.report import redraw
    from latentwalk.report.sweep import redraw_sweep

    with saving():
        page = redraw(folder) if (folder / REPORT).exists() else redraw_sweep(folder)
    typer.echo(f"look: {page}")
