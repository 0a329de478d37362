"""`latentwalk fit`: begin a run, lose nothing however it is stopped, go on with it."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import latentwalk
from latentwalk import app
from latentwalk.app.bundles import AS_FOUND, READING, ReadingOptions, bundled
from latentwalk.app.options import (
    MACHINE,
    MODEL,
    OUTPUT,
    TIMED,
    TRAINING,
    Attributes,
    BatchSize,
    Data,
    Epochs,
    Force,
    Minutes,
    Noise,
    Seed,
    epochs_for,
    patience_for,
    was_typed,
)
from latentwalk.app.output import STOPPED, check_writable, note, saving, say, word
from latentwalk.errors import ConfigError, TrainingStopped
from latentwalk.surroundings import hushed

if TYPE_CHECKING:
    from latentwalk.app.run import Run
    from latentwalk.app.source import Source
    from latentwalk.data import Dataset
    from latentwalk.estimators.autoencoder import Autoencoder

__all__ = ["fit"]

OF_DATA = (*READING, "attributes")
PLACE = ("data", "out", "resume", "force")  # and what else does not go to the model
PARAMETERS = {
    "seed": "random_state",
    "prior": "recipe__prior",
    "network": "network__kind",
    "dropout": "network__dropout",
    "max_norm": "network__max_norm",
    "word_dropout": "network__word_dropout",
}  # options that the model knows by other names; those of its training are `training__…`


@bundled
def fit(
    context: typer.Context,
    data: Data,
    out: Annotated[
        Path,
        typer.Option(metavar="RUN", help="The folder to save the model in.", show_default=False, rich_help_panel=OUTPUT),
    ],
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the training in RUN, up to --epochs in all.", rich_help_panel=OUTPUT),
    ] = False,
    force: Force = False,
    reading: ReadingOptions = AS_FOUND,
    attributes: Attributes = None,
    recipe: Annotated[
        str, typer.Option(metavar="NAME", help="vae, ae, denoising, … (all: see above).", rich_help_panel=MODEL)
    ] = "vae",
    latent: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="D",
            help="Number of latent dimensions. Default: the recipe's own, mostly 2; of texts 32.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="normal, mixture. Default: the recipe's own.",
            show_default=False,
            rich_help_panel=MODEL,
        ),
    ] = None,
    condition: Annotated[
        bool,
        typer.Option(
            "--condition",
            help="Tell encoder and decoder the label of each example; then: sample --condition LABEL.",
            rich_help_panel=MODEL,
        ),
    ] = False,
    network: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="auto, dense, conv, fully-conv, gru, lstm, transformer, hierarchical, storn.",
            rich_help_panel=MODEL,
        ),
    ] = "auto",
    likelihood: Annotated[
        str,
        typer.Option(metavar="NAME", help="auto, gaussian, bernoulli, … (all: see above).", rich_help_panel=MODEL),
    ] = "auto",
    transforms: Annotated[
        str,
        typer.Option(metavar="NAME", help="Of a table's skewed columns: auto, centred, none.", rich_help_panel=MODEL),
    ] = "auto",
    noise: Noise = None,
    dropout: Annotated[
        float, typer.Option(metavar="SHARE", help="Hidden units silenced while learning.", rich_help_panel=MODEL)
    ] = 0.0,
    max_norm: Annotated[
        float | None,
        typer.Option(metavar="LENGTH", help="Longest allowed incoming weights of a unit.", rich_help_panel=MODEL),
    ] = None,
    word_dropout: Annotated[
        float,
        typer.Option(
            "--word-dropout",
            metavar="SHARE",
            help="Of texts: units hidden from the decoder while learning, so that it asks the code.",
            rich_help_panel=MODEL,
        ),
    ] = 0.0,
    complete: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Sampler fitted then: quick, best, mixture, … (see: latentwalk complete), none. Default: quick.",
            show_default=False,
            rich_help_panel=MODEL,
        ),
    ] = None,
    epochs: Epochs = None,
    minutes: Minutes = None,
    batch_size: BatchSize = 128,
    optimizer: Annotated[str, typer.Option(metavar="NAME", help="adam, adamw, adamax.", rich_help_panel=TRAINING)] = "adam",
    learning_rate: Annotated[
        float, typer.Option(metavar="RATE", help="The optimizer's step size.", rich_help_panel=TRAINING)
    ] = 1e-3,
    learning_schedule: Annotated[
        str,
        typer.Option(metavar="NAME", help="constant, or cosine: falls to 0 at the end.", rich_help_panel=TRAINING),
    ] = "constant",
    warmup: Annotated[
        float,
        typer.Option(metavar="EPOCHS", help="The learning rate rises over so many epochs.", rich_help_panel=TRAINING),
    ] = 0.0,
    weight_decay: Annotated[
        float, typer.Option(metavar="RATE", help="How much weights are drawn to 0.", rich_help_panel=TRAINING)
    ] = 0.0,
    clip: Annotated[
        float | None, typer.Option(metavar="LENGTH", help="Longest allowed gradient.", rich_help_panel=TRAINING)
    ] = None,
    skip: Annotated[
        float | None,
        typer.Option(
            metavar="TIMES",
            help="Leave out steps whose gradient is so many times the usual.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    ema: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            help="What stays of a moving average of the weights at a step; 0: none.",
            rich_help_panel=TRAINING,
        ),
    ] = 0.999,
    validation: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Rows the best weights are chosen on.", rich_help_panel=TRAINING),
    ] = 0.1,
    patience: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="EPOCHS",
            help="Stop after so many without progress; 0: never. Default: a fifth of all, at least 20.",
            show_default=False,
            rich_help_panel=TRAINING,
        ),
    ] = None,
    seed: Seed = 0,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1, …", rich_help_panel=MACHINE)] = "auto",
    precision: Annotated[
        str,
        typer.Option(metavar="NAME", help="float32, bfloat16, or auto, the faster; on a GPU float16.", rich_help_panel=MACHINE),
    ] = "float32",
    compile: Annotated[
        bool,
        typer.Option(
            "--compile",
            help="Compile the training step: half a minute, then faster.",
            rich_help_panel=MACHINE,
        ),
    ] = False,
    accumulate: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Parts a batch is worked on in, to save memory.",
            rich_help_panel=MACHINE,
        ),
    ] = 1,
    checkpoint_every: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="Time between two checkpoints.", rich_help_panel=MACHINE),
    ] = 60.0,
    track: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write curves and pictures for TensorBoard there.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
) -> None:
    """Train one model and save it.

    Ctrl-C keeps the best so far. However training ends, by Ctrl-C, a crash or a lost machine, --resume goes on from the last
    checkpoint as if nothing had happened.

    \b
    Examples:
      latentwalk fit mnist-5k --out run
      latentwalk fit photos/ --size 64 --latent 32 --epochs 50 --out photos-run
      latentwalk fit mnist-5k --out run --resume --epochs 200
      latentwalk fit photos/ --size 64 --latent 32 --minutes 20 --out photos-run
      latentwalk fit beats.npy --kind signal --network gru --recipe ae --latent 8 --out beats
      latentwalk fit mnist-5k --out digits --condition --prior mixture
      latentwalk fit lines.txt --out words
      latentwalk fit reviews.csv --column said --units words --out reviews
      latentwalk fit songs/ --bars 4 --latent 32 --out composer
      latentwalk fit bouncing-digits --out films
      latentwalk fit clips/ --kind film --size 64 --length 20 --minutes 30 --out films

    Recipes: ae, sparse, l1-sparse, k-sparse, dropout, denoising, contractive, vae, vae-without-kl, denoising-vae, beta-tcvae,
    iwae.

    Films (a .mp4 or .gif, a folder of such; with --kind film of folders of numbered frames) are learnt frame by frame, and what
    comes next: see latentwalk predict.

    Likelihoods: bernoulli, continuous-bernoulli, gaussian; for tables also student-t, negative-binomial, mixed; for texts and
    music units; for sounds spectral.

    Noise: gaussian, masking, salt-and-pepper, poisson, blur, missing-steps. Without --noise, denoising learns against Gaussian
    noise of any strength.

    How long it takes is said before it begins. The weights that are kept are those of the lowest validation loss; training ends
    when that has not fallen for a while (--patience). With --minutes, there are as many epochs as there is time for, and the
    learning rate falls over the last third.

    With --resume, what was given before need not be repeated; of the options that make it another training, none can change.
    Only --epochs can, with a constant learning rate, and --minutes, --patience, --device, --checkpoint-every, --complete.

    On several cores, GPUs or machines: torchrun --nproc-per-node 2 -m latentwalk fit … ; with --max-restarts 3 a lost process
    costs no more than the time since the last checkpoint.
    """
    given = context.params
    source = app.source.Source.named(data, **reading, attributes=attributes)
    typed = {name: value for name, value in given.items() if was_typed(context, name)}
    if typed.pop("types", None):
        typed["columns"] = source.options["columns"]
    again = _restarted(out)
    if resume or again:
        typed = {name: value for name, value in typed.items() if not (again and name == "force")}
        if app.films.holds_films_training(out):
            app.films.resume_films(out, {name: value for name, value in typed.items() if name not in (*OF_DATA, *PLACE)})
        else:
            _resume(out, source, typed)
    else:
        asked = {name: value for name, value in given.items() if name not in (*OF_DATA, *PLACE)}
        _begin(out, source, asked, {name: asked[name] for name in typed if name in asked}, force=force)


def _begin(out: Path, source: "Source", given: Mapping[str, Any], typed: Mapping[str, Any], *, force: bool) -> None:
    """Train a new model, with the options `given`, of which some were `typed`, and save it in `out`."""
    from latentwalk.training.group import first_here

    def free() -> None:
        app.run.check_free(out, "--out", force=force, instead="Go on with it: --resume.")

    if first_here():  # the others may come when it has begun already
        free()
    model = latentwalk.Autoencoder().set_params(**_parameters(given))
    train = source.train(tell=True)
    if train.spec.kind == "film":
        app.films.begin_films(out, source, train, typed, given["seed"], force=force)
        return
    model.epochs = given["epochs"] or (epochs_for(len(train)) if given["minutes"] is None else TIMED)
    if given["patience"] is None:
        model.patience = patience_for(model.epochs)
    if first_here():
        check_writable(out)
    with _alone(out):
        if first_here():
            free()  # while the data was read, another may have begun, or ended
        _learn(app.run.Run.of(out, model, source, train, model.epochs), train, anew=True)


def _resume(out: Path, source: "Source", typed: Mapping[str, Any]) -> None:
    """Go on with the training in `out`, exactly as if it had never stopped. typed: the options that were typed."""
    from latentwalk.estimators.options import FREE
    from latentwalk.training.group import first_here

    if typed.get("force"):
        raise ConfigError("--resume goes on with the model in RUN, --force replaces it. Choose one.")
    run, past = app.run.Run.unfinished(out)
    done = len(past)
    free = {name: value for name, value in typed.items() if name in FREE}
    _check_same(run, {name: value for name, value in typed.items() if name not in free})
    total = typed.get("epochs") or run.epochs
    if done >= total and app.run.holds_model_of(out, past):
        if first_here():
            with _alone(out):
                app.run.Run.open(out).tidy()
        say(f"{out} has learnt for {done} epochs; nothing is left of {total}. To go further: --epochs {done + total}")
        return
    known = run.source or source
    train = replace(source, options={**known.options, **source.options}, apart=known.apart).train(tell=True)
    if first_here():
        check_writable(out)
    if "patience" not in free and run.model.patience == patience_for(run.epochs):
        run.model.patience = patience_for(total)
    run.model.set_params(**{**_parameters(free), "progress": True, "epochs": total})
    with _alone(out):
        _learn(app.run.Run.of(out, run.model, known, train, total), train, anew=False)


def _parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the command as parameters of the model, by the names of `Autoencoder.set_params`."""
    named = {field.name: f"training__{field.name}" for field in fields(latentwalk.Settings)} | PARAMETERS
    asked = {option: value for option, value in given.items() if value is not None or option not in ("epochs", "prior")}
    return {named.get(option, option): _value(option, value) for option, value in asked.items()}


def _value(option: str, value: Any) -> Any:
    """What was typed, as the model takes it."""
    from latentwalk.latent.completion import QUICK

    match option:
        case "noise" if isinstance(value, tuple) and isinstance(value[0], str):  # KIND:AMOUNT
            return latentwalk.Corruption(*value)
        case "track" if value is not None:
            return str(value)
        case "patience":
            return value or None
        case "complete":
            return {None: QUICK, "none": False}.get(value, value)
        case "drop" | "columns":
            return app.source.options_read({option: value})[option]
        case _:
            return value


def _check_same(run: "Run", typed: Mapping[str, Any]) -> None:
    """Raise ConfigError where an option that was typed would make another training."""
    from latentwalk.estimators.options import flat
    from latentwalk.models.recipes import recipe_named
    from latentwalk.networks.build import network_named

    model = run.model
    recipe = recipe_named(model.recipe)
    network = network_named(model.network)
    kept = flat(model.get_params(deep=False)) | {"recipe": recipe.name, "prior": recipe.prior, "seed": model.random_state}
    kept |= {"network": network.kind, "dropout": network.dropout, "max_norm": network.max_norm}
    kept |= {"word_dropout": network.word_dropout}
    kept |= {option: run.source.options.get(option) for option in OF_DATA if run.source and option != "attributes"}
    for option, value in typed.items():
        if option in kept and kept[option] != _value(option, value):
            raise ConfigError(
                f"--{option.replace('_', '-')} {value} is not what {run.folder} was begun with ({kept[option]}). "
                "Leave it out to go on, or begin anew in another --out."
            )


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Inside, no other process trains in the folder, until all is saved; nothing was touched before. Raises OutputError."""
    from latentwalk.training.checkpoints import locked
    from latentwalk.training.group import first_here

    with ExitStack() as held:
        if first_here():
            with saving():
                held.enter_context(locked(out))
        yield


def _learn(run: "Run", train: "Dataset", *, anew: bool) -> None:
    """Fit the model of `run`, save, and say what came of it. Leaves with 130 after Ctrl-C.

    anew: in place of the training that is there, whose checkpoints and model stay until those of the new one come.
    """
    from latentwalk.app.commands.complete import candidates
    from latentwalk.estimators.resuming import Kept
    from latentwalk.training.group import first_here

    model = run.model
    data = run.source.what if run.source else train.name
    with app.run.stopping(data, run.folder, anew=anew), saving():
        with hushed(TrainingStopped):  # said below, with the command that goes on
            model.fit(train, checkpoint=Kept(run.folder, run.said, anew, run.describe))
        if not first_here():
            return
        run.save()
    done = len(model.history_)
    if model.interrupted_:
        of = "" if run.epochs == TIMED else f" of {run.epochs}"
        note(
            f"stopped after {done}{of} epochs; the best so far is saved in {run.folder}.\n{app.run.going_on(data, run.folder)}"
        )
        raise typer.Exit(STOPPED)
    say(_summary(model, train))
    if model.sampler_ is not None and model.likeness_:
        say(candidates(model.likeness_, model.sampler_.kind))
    elif model.sampler_ is not None:
        say(f"{'draws from:':14}{_sampler(model)}")
    say("\n".join([f"{'saved:':14}{run.folder}", *_next_steps(run)]))


def _summary(model: "Autoencoder", train: "Dataset") -> str:
    from latentwalk.checks import duration

    number = max((epoch.number for epoch in model.history_ if epoch.best), default=0)
    if number:
        best = model.history_[number - 1]
        loss = best.loss if best.validation_loss is None else best.validation_loss
        which = "training" if best.validation_loss is None else "validation"
        reached = f"best {which} loss {loss:.2f} nats, in epoch {number}"
    else:
        reached = "no epoch was better on the validation rows than the straight line it began with, which is kept"
    seconds = sum(epoch.seconds for epoch in model.history_)
    dimensions = len(model.get_feature_names_out())
    said = (
        f"{model.recipe_.name}, {dimensions} dimensions: {len(model.history_)} epochs over {len(train):,} rows of "
        f"{train.name} in {duration(seconds)}; {reached}"
    )
    stale = len(model.history_) - number
    if model.patience is not None and stale >= model.patience and len(model.history_) < model.epochs:
        said += f"\n{'stopped:':14}no better for {stale} epochs; --patience 0 never stops"
    elif model.training is not None and model.training.minutes is not None and seconds >= 0.9 * 60 * model.training.minutes:
        said += f"\n{'stopped:':14}the time is over; more with --resume --minutes {2 * model.training.minutes:g}"
    return said


def _sampler(model: "Autoencoder") -> str:
    """What `sample` draws from, what it took, and how the prior would do, where that is known."""
    from latentwalk.checks import duration
    from latentwalk.latent.criteria.measure import percent

    learnt, kind = model.trained_, model.trained_.sampler.kind if model.trained_.sampler else ""
    said = f"{kind}, fitted to the codes in {duration(learnt.sampler_seconds)}"
    if learnt.prior_share is None:
        return said
    return f"{said}; of {learnt.model.prior.title}, {percent(learnt.prior_share)} land where codes lie"


def _next_steps(run: "Run") -> list[str]:
    """Commands worth trying now, ready to be pasted."""
    model, folder = run.model, run.folder
    ends = run.classes[:: max(1, len(run.classes) - 1)][:2] if len(run.classes) > 1 else ("row:0", "row:1")
    steps = [("walk in it", f"latentwalk walk {folder} --from {word(ends[0])} --to {word(ends[1])}")]
    if model.sampler_ is None or model.trained_.quick:
        steps.append(("complete it", f"latentwalk complete {folder}"))
    steps.append(("draw from it", f"latentwalk sample {folder} -n 64"))
    steps.append(("judge it", f"latentwalk report {folder}"))
    return [f"{what + ':':14}{command}" for what, command in steps]


def _restarted(out: Path) -> bool:
    """Whether torchrun has started this process anew after one was lost, and there is something to go on from."""
    from latentwalk.training.checkpoints import holds_checkpoint
    from latentwalk.training.group import restarts

    return restarts() > 0 and holds_checkpoint(out)
