"""`latentwalk report`: a saved model judged on its data, or an old report drawn again."""

from pathlib import Path
from typing import TYPE_CHECKING

from latentwalk import app
from latentwalk.app.commands.compare import verdicts, write_report
from latentwalk.app.options import DataAgain, RunFolder
from latentwalk.app.output import check_writable, saving, say
from latentwalk.errors import DataError

if TYPE_CHECKING:
    from latentwalk.app.run import Run

__all__ = ["report"]

JUDGED_FILMS, DRAWN = 100, 10  # films, and futures of each, that predictions are judged by
LEARNT, JUDGED = 5_000, 300  # examples that filters learn from, and on which all are judged


def report(run: RunFolder, data: DataAgain = None) -> None:
    """Judge a saved model and draw its report.

    Writes RUN/report.json and RUN/report.html. For the folder of a tour or a sweep: draws its page again. Of a run that learnt
    films: RUN/prediction.html, with futures, errors by step and surprise.

    \b
    Example:
      latentwalk report run
    """
    if app.run.holds_model(run) and app.films.holds_predictor(run):
        _foresee(app.run.Run.open(run), data)
    elif not app.run.holds_model(run) and any((run / name).exists() for name in (app.run.REPORT, app.run.SWEEP)):
        _redraw(run)
    else:
        _judge(app.run.Run.open(run), data)


def _judge(run: "Run", data: str | None) -> None:
    """Judge the model, write RUN/report.json and RUN/report.html, and print the verdict."""
    from latentwalk.studies.comparison import Entry
    from latentwalk.studies.judgement import judge
    from latentwalk.studies.methods import Tried

    check_writable(run.folder)
    space, model = run.judged(data), run.model
    seconds = sum(epoch.seconds for epoch in model.history_)
    entry = Entry(Tried(model, space, seconds), judge(space))
    name = Path(data or (run.source.what if run.source else "")).name
    settings = {"epochs": len(model.history_), "batch size": model.batch_size, "seed": model.random_state}
    page = write_report(run.folder, [entry], title=entry.tried.title, data=name, seconds=seconds, settings=settings)
    verdicts([entry])
    say(f"look: {page}")
    if model.recipe_.corruption is not None and not model.spec_.form.columned and not model.spec_.missing:
        say(f"look: {_against_noise(run, data, name)}")


def _foresee(run: "Run", data: str | None) -> None:
    """How well the next frames are predicted: RUN/prediction.html, and the verdict."""
    import numpy as np

    from latentwalk.data.footage import ends_of_films
    from latentwalk.report.prediction import prediction_report
    from latentwalk.studies.prediction import forecast

    predictor = app.films.opened_predictor(run)
    source = run.where(data)
    test = source.test()
    judged = source.train() if test is None else test
    where = "films that were learnt from" if test is None else "test films"
    length = predictor.spec_.shape[0]
    seen = max(1, length // 3)
    counts = ends_of_films(judged.x[:JUDGED_FILMS])
    rows = np.flatnonzero(counts >= length)
    if not len(rows):
        raise DataError(f"no film has {length} frames, as those learnt from. Say other data: --data.")
    judged = judged.take(rows)
    found = forecast(predictor, judged.x[:, :length] if judged.x.shape[1] > length else judged, seen=seen, draws=DRAWN)
    name = Path(data or (run.source.what if run.source else "")).name
    with saving():
        title = "What comes next?"
        page = prediction_report(run.folder, predictor, judged.x[:3], found, title=title, data=f"{name}, {where}")
    for way, values in found.psnr.items():
        say(f"{way + ':':24}{values[0]:5.1f} dB at the first step, {values[-1]:5.1f} at the last")
    say(f"look: {page}")


def _against_noise(run: "Run", data: str | None, name: str) -> Path:
    """How much noise the model takes away, beside filters: the path of RUN/denoising.html."""
    import numpy as np

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
        return denoising_report(run.folder, found, run.model.spec_, title="How much noise is left?", data=name)


def _redraw(folder: Path) -> None:
    """Draw report.html again from the report.json in `folder`, or sweep.html from sweep.json."""
    from latentwalk.report import redraw
    from latentwalk.report.sweep import redraw_sweep

    with saving():
        page = redraw(folder) if (folder / app.run.REPORT).exists() else redraw_sweep(folder)
    say(f"look: {page}")
