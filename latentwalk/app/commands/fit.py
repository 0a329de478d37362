"""`latentwalk fit`: begin a run, lose nothing however it is stopped, go on with it."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from latentwalk.app.completing import table
from latentwalk.app.output import check_writable, note, saving
from latentwalk.app.run import Run, forget, holds_model
from latentwalk.app.source import Source, fingerprint
from latentwalk.data import Dataset
from latentwalk.data.corruption import Corruption
from latentwalk.data.halves import halves
from latentwalk.errors import ConfigError, DataError, TrainingStopped
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.estimators.fitting import FREE
from latentwalk.networks.build import Network
from latentwalk.training.checkpoints import holds_checkpoint
from latentwalk.training.group import first_here, restarts

__all__ = ["begin", "epochs_for", "halved", "next_steps", "restarted", "resume", "tell_skipped"]

WORK = 400_000  # rows seen in all that a small model is good after; the tour on 5,000 rows stays under five minutes
STOPPED = 130
READING = ("size", "color", "label", "kind")  # options of the data
MODEL = {"seed": "random_state"}  # what an option of the command is called in the model, where it is called otherwise
NETWORK = {"network": "kind", "dropout": "dropout", "max_norm": "max_norm"}


def epochs_for(rows: int) -> int:
    """How many passes over so many rows are usually enough: 8 to 100."""
    return max(8, min(100, WORK // rows))


def begin(
    out: Path,
    source: Source,
    *,
    force: bool,
    epochs: int | None,
    network: str,
    dropout: float,
    max_norm: float | None,
    noise: Any,
    **options: Any,
) -> None:
    """Train a new model and save it in `out`."""
    if first_here() and (holds_model(out) or holds_checkpoint(out)) and not force:  # the first process may have begun already
        what = "a model already" if holds_model(out) else "a training that was cut short"
        raise ConfigError(f"{out} holds {what}. Go on with it: --resume. Replace it: --force. Or choose another --out.")
    built = Network(kind=network, dropout=dropout, max_norm=max_norm)  # type: ignore[arg-type]  # checked there
    model = Autoencoder(network=built, noise=_noise(noise), **options)
    train = _read(source)
    model.epochs = epochs or epochs_for(len(train))
    if first_here():
        check_writable(out)
        forget(out)
    _learn(Run.of(out, model, source, train, model.epochs), train)


def resume(out: Path, source: Source, given: Mapping[str, Any]) -> None:
    """Go on with the training in `out`, exactly as if it had never stopped. given: the options that were typed."""
    if given.get("force"):
        raise ConfigError("--resume goes on with the model in RUN, --force replaces it. Choose one.")
    run, done = Run.unfinished(out)
    _check_same(run, given)
    total = given.get("epochs") or run.epochs
    if done >= total and holds_model(out):
        typer.echo(f"{out} has learnt for {done} epochs; nothing is left of {total}. To go further: --epochs {done + total}")
        return
    known = run.source or source
    train = _read(replace(source, options={**known.options, **source.options}, apart=known.apart))
    if first_here():
        check_writable(out)
    free = {name: str(given[name]) if name == "track" else given[name] for name in FREE if name in given}
    run.model.set_params(**free | {"progress": True, "epochs": total})
    _learn(Run.of(out, run.model, known, train, total), train)


def restarted(out: Path) -> bool:
    """Whether torchrun has started this process anew after one was lost, and there is something to go on from."""
    return restarts() > 0 and holds_checkpoint(out)


def _noise(asked: Any) -> Any:
    """What was typed as --noise, as `Autoencoder` takes it."""
    named = isinstance(asked, tuple) and isinstance(asked[0], str)
    return Corruption(*asked) if named else asked


def halved(source: Source, seed: int) -> tuple[Source, Dataset, Dataset]:
    """Rows to learn from and to judge by, and the source from which just these can be had again."""
    train = source.train()
    tell_skipped(train)
    test = source.test()
    if test is None or fingerprint(test) == fingerprint(train):
        source = replace(source, apart=seed)
        train, test = halves(train, seed)
    return source, train, test


def tell_skipped(data: Dataset) -> None:
    """Say which files could not be read."""
    if data.skipped:
        more = f"\n  and {len(data.skipped) - 5} more" if len(data.skipped) > 5 else ""
        note(f"{len(data.skipped)} skipped:\n  " + "\n  ".join(data.skipped[:5]) + more)


def next_steps(run: Run) -> list[str]:
    """Commands worth trying now, ready to be pasted."""
    model, folder = run.model, run.folder
    ends = run.classes[:: max(1, len(run.classes) - 1)][:2] if len(run.classes) > 1 else ("row:0", "row:1")
    steps = [("walk in it", f'latentwalk walk {folder} --from "{ends[0]}" --to "{ends[1]}"')]
    if not model.recipe_.generative and model.sampler_ is None:
        steps.append(("complete it", f"latentwalk complete {folder}"))
    steps.append(("draw from it", f"latentwalk sample {folder} -n 64"))
    steps.append(("judge it", f"latentwalk report {folder}"))
    return [f"{what + ':':14}{command}" for what, command in steps]


def _learn(run: Run, train: Dataset) -> None:
    """Fit the model of `run`, save, and say what came of it. Leaves with 130 after Ctrl-C."""
    model = run.model
    with saving():
        if first_here():
            run.describe()  # before training, so that one that is killed can be gone on with
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrainingStopped)  # said below, with the command that goes on
            try:
                model.fit(train, checkpoint=run.folder)
            except (ConfigError, DataError):
                run.withdraw()
                raise
        if not first_here():
            return
        run.save()
    done = len(model.history_)
    if model.interrupted_:
        note(
            f"stopped after {done} of {run.epochs} epochs; the best so far is saved in {run.folder}.\n"
            f'To go on: latentwalk fit "{run.source.what if run.source else train.name}" --out {run.folder} --resume'
        )
        raise typer.Exit(STOPPED)
    typer.echo(_summary(model, train))
    if model.sampler_ is not None and model.completeness_:
        typer.echo(table(model.completeness_, model.sampler_.kind))
    typer.echo("\n".join([f"{'saved:':14}{run.folder}", *next_steps(run)]))


def _summary(model: Autoencoder, train: Dataset) -> str:
    best = [epoch for epoch in model.history_ if epoch.best][-1]
    loss = best.loss if best.validation_loss is None else best.validation_loss
    which = "training" if best.validation_loss is None else "validation"
    seconds = sum(epoch.seconds for epoch in model.history_)
    dimensions = len(model.get_feature_names_out())
    return (
        f"{model.recipe_.name}, {dimensions} dimensions: {len(model.history_)} epochs over {len(train):,} rows of "
        f"{train.name} in {seconds:.0f} s; best {which} loss {loss:.2f} nats, in epoch {best.number}"
    )


def _read(source: Source) -> Dataset:
    train = source.train()
    tell_skipped(train)
    return train


def _check_same(run: Run, given: Mapping[str, Any]) -> None:
    """Raise ConfigError where an option that was typed would make another training."""
    model = run.model
    kept = {option: getattr(model, MODEL.get(option, option)) for option in given if hasattr(model, MODEL.get(option, option))}
    kept |= {option: getattr(model.network, part) for option, part in NETWORK.items()}
    kept |= {option: (run.source.options if run.source else given).get(option) for option in READING}
    given = dict(given) | ({"noise": _noise(given["noise"])} if "noise" in given else {})
    for option, value in kept.items():
        if option in given and option not in FREE and given[option] != value:
            raise ConfigError(
                f"--{option.replace('_', '-')} {given[option]} is not what {run.folder} was begun with ({value}). "
                "Leave it out to go on, or begin anew in another --out."
            )
