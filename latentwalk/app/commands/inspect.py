"""`latentwalk inspect`: what is wrong with a saved model, and with --try whether the one change that is asked for helps."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import latentwalk
from latentwalk import app
from latentwalk.app.options import DataAgain, Force, RunFolder, Seed
from latentwalk.app.output import check_writable, saving, say, write_text
from latentwalk.errors import ConfigError

if TYPE_CHECKING:
    from latentwalk.app.run import Run
    from latentwalk.latent.diagnosis import Diagnosis

__all__ = ["inspect"]

FORMAT, VERSION = "latentwalk-diagnosis", 1


def inspect(
    run: RunFolder,
    data: DataAgain = None,
    new: Annotated[str | None, typer.Option(metavar="NAME|PATH", help="Rows to judge beside those learnt from.")] = None,
    tried: Annotated[bool, typer.Option("--try", help="Make the first change on a copy, and look again.")] = False,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="RUN2", help="Where the changed model goes. Default: RUN-tried.", show_default=False)
    ] = None,
    force: Force = False,
) -> None:
    """Say what is wrong with a saved model, and the one change to try.

    Looks for collapse, holes, codes pressed too hard, too few or too many dimensions, a blurry decoder, rows out of range
    and more; writes RUN/diagnosis.json. With --try it trains a copy with the change (or fits the sampler that is missing),
    looks again, and says whether what was wrong is gone.

    \b
    Examples:
      latentwalk inspect run
      latentwalk inspect run --new others.npy
      latentwalk inspect run --try --out run2
    """
    from latentwalk.latent.diagnosis import wording

    opened = app.run.Run.open(run)
    to = out or run.with_name(f"{run.resolve().name}-tried")
    if out is not None and not tried:
        raise ConfigError("--out says where the changed model goes. Add --try to make the change.")
    if tried:
        _check_free(to, run, force=force)
    check_writable(run)
    rows = None if new is None else opened.read(new).x
    diagnosis = opened.judged(data).diagnose(rows, seed)
    _keep(run, diagnosis.to_json())
    say(diagnosis)
    first = diagnosis.first
    if not tried and first is not None and first.change:
        say(f"\nto change first: {wording(first.change)}\nmake it, and look again: latentwalk inspect {run} --try")
    if tried and first is not None:
        _try(opened, diagnosis, data, seed, to)


def _try(run: "Run", diagnosis: "Diagnosis", data: str | None, seed: int, to: Path) -> None:
    """Make the first change, save the model in `to`, and print what came of it."""
    from latentwalk.latent.diagnosis import wording

    check_writable(to)
    train = run.train(data)

    def look(model: Any) -> Any:
        return app.run.Run(run.folder, model, run.source, run.data, run.classes, run.epochs).judged(data)

    found = latentwalk.improve(run.model, train, diagnosis=diagnosis, look=look, seed=seed)
    with saving():
        app.run.Run(to, found.model, run.where(data), run.data, run.classes, len(found.model.history_)).save()
    _keep(to, {**found.recheck.after.to_json(), "recheck": found.recheck.to_json()})
    say(f"\nchanged: {wording(found.change)}\n{found}\nsaved: {to}")


def _keep(folder: Path, found: dict[str, Any]) -> None:
    said = {"format": FORMAT, "version": VERSION, **found}
    write_text(folder / app.run.DIAGNOSIS, json.dumps(said, indent=1) + "\n")


def _check_free(to: Path, run: Path, *, force: bool) -> None:
    if to.resolve() == run.resolve():
        raise ConfigError(f"--out {to} is the run itself, which stays as it is. Choose another --out.")
    app.run.check_free(to, "--out", force=force)
