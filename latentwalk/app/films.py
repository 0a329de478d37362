"""What `fit` does with films: a `FramePredictor`, and a run whose model is the autoencoder of their frames."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any

import typer

from latentwalk.app.output import STOPPED, check_writable, note, saving, say
from latentwalk.app.run import Run, check_free, going_on, stopping
from latentwalk.app.source import Source
from latentwalk.checks import duration
from latentwalk.data import Dataset
from latentwalk.errors import CheckpointError, ConfigError, TrainingStopped
from latentwalk.estimators.films import ADDED, FALLING, FRAMES
from latentwalk.estimators.predictor import PREDICTOR, FramePredictor
from latentwalk.estimators.resuming import Kept
from latentwalk.saving.options import from_json
from latentwalk.surroundings import hushed
from latentwalk.training.checkpoints import holds_checkpoint, latest, locked
from latentwalk.training.settings import Settings

__all__ = ["begin_films", "holds_films_training", "holds_predictor", "opened_predictor", "resume_films"]

OWN = {
    "recipe": "recipe",
    "latent": "latent",
    "network": "network",
    "likelihood": "likelihood",
    "epochs": "epochs",
    "batch_size": "batch_size",
    "learning_rate": "learning_rate",
    "validation": "validation",
    "patience": "patience",
    "seed": "random_state",
    "device": "device",
}  # options of `fit` that a predictor has, and what it calls them
AGAIN = ("epochs", "patience", "device", "minutes")  # what may be typed anew where a training is gone on with


def begin_films(out: Path, source: Source, train: Dataset, typed: Mapping[str, Any], seed: int, *, force: bool) -> None:
    """Learn from films, with the options that were typed, and save in `out`. Raises ConfigError, OutputError."""
    predictor = FramePredictor(**{"random_state": seed} | _parameters(typed))
    check_writable(out)
    with ExitStack() as held:
        with saving():
            held.enter_context(locked(out))
        check_free(out, "--out", force=force, instead="Go on with it: --resume.")  # while it was read, others may have begun
        _learn(out, predictor, source, train, anew=True)


def resume_films(out: Path, typed: Mapping[str, Any]) -> None:
    """Go on with the training of films in `out`. Raises ConfigError, CheckpointError."""
    begun_with = _begun_with(out)
    if begun_with is None:
        raise CheckpointError(f"{out} does not say what it learnt from. Begin anew in another --out.")
    known = Source.from_json(begun_with["source"])
    if other := sorted({*typed} - {*AGAIN, "resume"}):
        raise ConfigError(
            f"--{other[0].replace('_', '-')} cannot change where a training of films is gone on with. Leave it out."
        )
    params = ADDED | begun_with["params"]
    training = params.pop("training")
    predictor = FramePredictor(
        **{name: from_json(value) for name, value in params.items()},
        training=None if training is None else Settings(**training),
    )
    again = _parameters(typed)
    if "training" in again and predictor.training is None:
        raise ConfigError("--minutes cannot be given to a training that was begun without. Say --epochs.")
    predictor.set_params(**again)
    with ExitStack() as held:
        with saving():
            held.enter_context(locked(out))
        _learn(out, predictor, known, known.train(tell=True), anew=False)


def holds_films_training(folder: Path) -> bool:
    """Whether the folder's newest checkpoint is that of a predictor, or of the frames it begins with."""
    return _begun_with(folder) is not None


def holds_predictor(folder: Path) -> bool:
    """Whether the folder holds a predictor beside the autoencoder of its frames, whole or damaged."""
    return (folder / PREDICTOR / f"{PREDICTOR}.json").exists()


def opened_predictor(run: Run) -> FramePredictor:
    """The predictor of a run. Raises CheckpointError where it has none."""
    if not holds_predictor(run.folder):
        raise CheckpointError(
            f"{run.folder} holds a model of {run.model.spec_.kind}s, which predicts no films. One is made by: latentwalk fit "
            "bouncing-digits --out RUN"
        )
    found = FramePredictor.load(run.folder)
    found.progress = False
    return found


# ---------------------------------------------------------------------- inside


def _begun_with(folder: Path) -> dict[str, Any] | None:
    """The source and the options of the training of films that is kept in a folder; None where there is none."""
    for place in (folder, folder / FRAMES):
        if holds_checkpoint(place):
            run = latest(place)[0].get("run")
            of_films = isinstance(run, dict) and isinstance(run.get("params"), dict) and "innovation" in run["params"]
            return run if of_films else None
    return None


def _parameters(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Options that were typed, as a predictor knows them. Raises ConfigError for one that is not for films."""
    settings = {one.name for one in fields(Settings)}
    found: dict[str, Any] = {}
    training: dict[str, Any] = {}
    for option, value in typed.items():
        if option in OWN:
            found[OWN[option]] = (value or None) if option == "patience" else value
        elif option in settings:
            training[option] = str(value) if option == "track" else value
        elif option not in ("out", "data", "resume", "force"):
            raise ConfigError(f"--{option.replace('_', '-')} is not for films. Leave it out.")
    if training:
        found["training"] = Settings(**FALLING | {"precision": "auto"} | training)
    return found


def _learn(out: Path, predictor: FramePredictor, source: Source, train: Dataset, *, anew: bool) -> None:
    """Fit, save, and say what came of it. Leaves with 130 after Ctrl-C."""
    said = {"source": source.to_json(), "params": predictor.params_json()}
    with stopping(source.what, out, out / FRAMES, anew=anew), saving():
        with hushed(TrainingStopped):  # said below, with the command that goes on
            predictor.fit(train, checkpoint=Kept(out, said, anew))
        run = Run.of(out, predictor.frames_, source, train, len(predictor.history_))
        run.save()
        predictor.save(out, run=run.said)
    done = len(predictor.history_)
    if predictor.interrupted_:
        kept = f"the best so far is saved in {out}"
        if not done:
            kept = f"it has looked at single frames only, which are kept in {out}, and cannot foresee anything yet"
        note(f"stopped after {done} epoch{'s' * (done != 1)} of films; {kept}.\n{going_on(source.what, out)}")
        raise typer.Exit(STOPPED)
    best = min((epoch.validation_loss or epoch.loss for epoch in predictor.history_), default=float("nan"))
    frames = predictor.spec_.shape[0] - 1
    seconds = sum(epoch.seconds for epoch in (*predictor.frames_.history_, *predictor.history_))
    say(
        f"{done} epochs over {len(train):,} films of {train.name} in {duration(seconds)}; best validation loss "
        f"{best / frames:.2f} nats a frame, {best:.1f} a film of {predictor.spec_.shape[0]}"
    )
    steps = [
        ("predict", f"latentwalk predict {out} row:0 --out future.gif"),
        ("judge it", f"latentwalk report {out}"),
        ("walk", f"latentwalk walk {out} --from row:0 --to row:1"),
    ]
    say("\n".join([f"{'saved:':14}{out}", *(f"{what + ':':14}{command}" for what, command in steps)]))
