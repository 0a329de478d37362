"""`latentwalk report`: judge a saved model on its data, or draw an old report again."""

from pathlib import Path

import typer

from latentwalk.app.comparing import verdicts, write_report
from latentwalk.app.output import check_writable, saving
from latentwalk.app.runs import Run
from latentwalk.comparison import Entry, judge

__all__ = ["judged", "redrawn"]


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


def redrawn(folder: Path) -> None:
    """Draw report.html again from the report.json in `folder`."""
    from latentwalk.report import redraw

    with saving():
        page = redraw(folder)
    typer.echo(f"look: {page}")
