"""`latentwalk inspect`: what is wrong with a saved model, and with --try whether the one change that is asked for helps."""

import json
from pathlib import Path
from typing import Any

import typer

from latentwalk.app.output import check_writable, saving, write_text
from latentwalk.app.run import DIAGNOSIS, Run, holds_model
from latentwalk.errors import ConfigError
from latentwalk.latent.diagnosis import Diagnosis, named
from latentwalk.studies.improvement import improve

__all__ = ["inspect"]

FORMAT, VERSION = "latentwalk-diagnosis", 1


def inspect(run: Run, data: str | None, new: str | None, seed: int, *, out: Path | None, force: bool, tried: bool) -> None:
    """Print what is wrong with the run's model, write RUN/diagnosis.json, and, where asked, make the change and look again."""
    to = out or run.folder.with_name(f"{run.folder.resolve().name}-tried")
    if out is not None and not tried:
        raise ConfigError("--out says where the changed model goes. Add --try to make the change.")
    if tried:
        _check_free(to, run.folder, force=force)
    check_writable(run.folder)
    rows = None if new is None else run.read(new).x
    diagnosis = run.judged(data).diagnose(rows, seed)
    _keep(run.folder, diagnosis.to_json())
    typer.echo(diagnosis)
    first = diagnosis.first
    if not tried and first is not None and first.change:
        typer.echo(f"\nto change first: {named(first.change)}\nmake it, and look again: latentwalk inspect {run.folder} --try")
    if tried and first is not None:
        _try(run, diagnosis, data, seed, to)


def _try(run: Run, diagnosis: Diagnosis, data: str | None, seed: int, to: Path) -> None:
    """Make the first change, save the model in `to`, and print what came of it."""
    check_writable(to)
    train = run.train(data)

    def look(model: Any) -> Any:
        return Run(run.folder, model, run.source, run.data, run.classes, run.epochs).judged(data)

    found = improve(run.model, train, diagnosis=diagnosis, look=look, seed=seed)
    with saving():
        Run(to, found.model, run.where(data), run.data, run.classes, len(found.model.history_)).save()
    _keep(to, {**found.recheck.after.to_json(), "recheck": found.recheck.to_json()})
    typer.echo(f"\nchanged: {named(found.change)}\n{found}\nsaved: {to}")


def _keep(folder: Path, found: dict[str, Any]) -> None:
    said = {"format": FORMAT, "version": VERSION, **found}
    write_text(folder / DIAGNOSIS, json.dumps(said, indent=1) + "\n")


def _check_free(to: Path, run: Path, *, force: bool) -> None:
    if to.resolve() == run.resolve():
        raise ConfigError(f"--out {to} is the run itself, which stays as it is. Choose another --out.")
    if holds_model(to) and not force:
        raise ConfigError(f"{to} holds a model already. Choose another --out, or replace it with --force.")
