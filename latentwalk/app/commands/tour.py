"""The commands that learn and judge: tour, compare, sweep, fit, report, inspect."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from latentwalk.app.options import (
    Attributes,
    Batch,
    Color,
    Data,
    DataAgain,
    Epochs,
    Force,
    Kind,
    Label,
    Latents,
    Noise,
    RunFolder,
    Seed,
    Size,
    layers,
    numbers,
    weights,
    words,
)

__all__ = ["compare", "fit", "inspect", "report", "sweep", "tour"]

TOUR = ("pca", "ae", "vae-without-kl", "vae")


def tour(
    data: Annotated[str, typer.Option(metavar="NAME|PATH", help="A name (see: latentwalk data), file or folder.")] = "mnist-5k",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the report and the models go.")] = Path("tour"),
    latent: Latents = None,
    epochs: Epochs = None,
    batch_size: Batch = 128,
    seed: Seed = 0,
    size: Size = None,
    color: Color = None,
    label: Label = None,
    force: Force = False,
) -> None:
    """Train four models, measure them, draw the report.

    PCA, a plain autoencoder, a VAE without KL and a VAE, each at two numbers of dimensions.

    \b
    Examples:
      latentwalk tour
      latentwalk tour --data photos/ --size 64 --out photo-tour
    Then look at tour/report.html, and walk in a model:
      latentwalk walk tour/models/vae-2 --from 0 --to 7
    """
    from latentwalk.app.comparing import compared
    from latentwalk.app.source import Source

    source = Source.named(data, size=size, color=color, label=label)
    compared(TOUR, source, out, _dimensions(latent), epochs, batch_size, seed, "Which latent spaces can you walk in?", force)


def compare(
    data: Data,
    recipes: Annotated[
        str | None, typer.Option(metavar="NAME,…", help="pca, or any recipe of fit. Default: pca,ae,vae.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every family that fits the data: a gallery.")] = False,
    latent: Latents = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the report and the models go.")] = Path("comparison"),
    epochs: Epochs = None,
    batch_size: Batch = 128,
    seed: Seed = 0,
    size: Size = None,
    color: Color = None,
    label: Label = None,
    kind: Kind = None,
    force: Force = False,
) -> None:
    """The same for recipes of your choice.

    \b
    Examples:
      latentwalk compare digits --recipes ae,denoising,vae --latent 2,4 --out digits
      latentwalk compare digits --all --out gallery
    """
    from latentwalk.app.comparing import compared
    from latentwalk.app.source import Source

    source = Source.named(data, size=size, color=color, label=label, kind=kind)
    if all_ and recipes is not None:
        raise typer.BadParameter("--all is every recipe; leave --recipes out.", param_hint="--all")
    chosen, title = (None, "Every family") if all_ else (words(recipes or "pca,ae,vae"), "Comparison")
    compared(chosen, source, out, _dimensions(latent), epochs, batch_size, seed, title, force)


def fit(
    context: typer.Context,
    data: Data,
    out: Annotated[Path, typer.Option(metavar="RUN", help="The folder to save the model in.", show_default=False)],
    recipe: Annotated[str, typer.Option(help="ae, vae, denoising, sparse, … (see below).")] = "vae",
    latent: Annotated[
        int | None, typer.Option(min=1, metavar="D", help="Number of latent dimensions. Default: the recipe's own, mostly 2.")
    ] = None,
    network: Annotated[str, typer.Option(help="auto, dense, conv, fully-conv, gru, lstm.")] = "auto",
    likelihood: Annotated[str, typer.Option(help="auto, gaussian, bernoulli, student-t, … (see below).")] = "auto",
    noise: Noise = None,
    dropout: Annotated[float, typer.Option(help="Share of hidden units silenced while learning.")] = 0.0,
    max_norm: Annotated[float | None, typer.Option(help="Longest allowed incoming weights of a unit.")] = None,
    epochs: Epochs = None,
    batch_size: Batch = 128,
    optimizer: Annotated[str, typer.Option(help="adam, adamw, adamax.")] = "adam",
    learning_rate: Annotated[float, typer.Option(help="The optimizer's step size.")] = 1e-3,
    learning_schedule: Annotated[str, typer.Option(help="constant, or cosine: falls to 0 at the end.")] = "constant",
    warmup: Annotated[float, typer.Option(metavar="EPOCHS", help="The learning rate rises over so many epochs.")] = 0.0,
    weight_decay: Annotated[float, typer.Option(help="How much weights are drawn to 0.")] = 0.0,
    clip: Annotated[float | None, typer.Option(help="Longest allowed gradient.")] = None,
    skip: Annotated[float | None, typer.Option(help="Leave out steps whose gradient is so many times the usual.")] = None,
    accumulate: Annotated[int, typer.Option(min=1, help="Parts a batch is worked on in, to save memory.")] = 1,
    ema: Annotated[float | None, typer.Option(metavar="SHARE", help="Keep a moving average of the weights: .999.")] = None,
    patience: Annotated[int | None, typer.Option(min=1, help="Stop after so many epochs without progress.")] = None,
    precision: Annotated[str, typer.Option(help="float32, bfloat16; on a GPU float16.")] = "float32",
    compile: Annotated[bool, typer.Option("--compile", help="Compile the training step: half a minute, then faster.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, …")] = "auto",
    track: Annotated[Path | None, typer.Option(metavar="DIR", help="Write curves and pictures for TensorBoard there.")] = None,
    checkpoint_every: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Time between two checkpoints.")] = 60.0,
    validation: Annotated[float, typer.Option(help="Share of the rows the best weights are chosen on.")] = 0.1,
    complete: Annotated[
        str | None, typer.Option(metavar="NAME", help="Then fit a sampler: best, mixture, … (see: latentwalk complete).")
    ] = None,
    seed: Seed = 0,
    size: Size = None,
    color: Color = None,
    label: Label = None,
    kind: Kind = None,
    attributes: Attributes = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the training in RUN, up to --epochs in all.")] = False,
    force: Force = False,
) -> None:
    """Train one model and save it.

    Ctrl-C keeps the best so far. However training ends, by Ctrl-C, a crash or a lost machine, --resume goes on from the last
    checkpoint as if nothing had happened.

    \b
    Examples:
      latentwalk fit mnist-5k --out run
      latentwalk fit photos/ --size 64 --latent 32 --epochs 50 --out photos-run
      latentwalk fit mnist-5k --out run --resume --epochs 200
      latentwalk fit beats.npy --kind signal --network gru --recipe ae --latent 8 --out beats
    Recipes: ae, sparse, l1-sparse, k-sparse, dropout, denoising, contractive, vae, vae-without-kl, denoising-vae, iwae.
    Likelihoods: bernoulli, continuous-bernoulli, gaussian; for tables also student-t, negative-binomial, mixed.
    Noise: gaussian, masking, salt-and-pepper, poisson, blur, missing-steps.
    With --resume, what was given before need not be repeated; of the options that make it another training, none can change.
    Only --epochs can, with a constant learning rate, and --patience, --device, --checkpoint-every, --complete.
    On several cores, GPUs or machines: torchrun --nproc-per-node 2 -m latentwalk fit … ; with --max-restarts 3 a lost process
    costs no more than the time since the last checkpoint.
    """
    from latentwalk.app import fitting
    from latentwalk.app.source import Source

    source = Source.named(data, size=size, color=color, label=label, kind=kind, attributes=attributes)
    given = {name: value for name, value in context.params.items() if _typed(context, name)}
    again = fitting.restarted(out)
    if resume or again:
        fitting.resume(out, source, {name: value for name, value in given.items() if not (again and name == "force")})
        return
    fitting.begin(
        out,
        source,
        force=force,
        recipe=recipe,
        latent=latent,
        network=network,
        likelihood=likelihood,
        noise=noise,
        dropout=dropout,
        max_norm=max_norm,
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,
        learning_rate=learning_rate,
        learning_schedule=learning_schedule,
        warmup=warmup,
        weight_decay=weight_decay,
        clip=clip,
        skip=skip,
        accumulate=accumulate,
        ema=ema,
        patience=patience,
        precision=precision,
        compile=compile,
        device=device,
        track=None if track is None else str(track),
        checkpoint_every=checkpoint_every,
        validation=validation,
        complete=complete or False,
        random_state=seed,
    )


def sweep(
    data: Annotated[
        list[str], typer.Argument(metavar="DATA…", help="Names (see: latentwalk data), files or folders.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where trials, curves and page go.")] = Path("sweep"),
    recipe: Annotated[str, typer.Option(metavar="NAME,…", help="As for fit; several are an axis.")] = "vae",
    latent: Annotated[str, typer.Option(metavar="D,D,…", help="Numbers of latent dimensions.")] = "2,4,8,16",
    beta: Annotated[str | None, typer.Option(metavar="B,B,…", help="Weights of the KL.", show_default=False)] = None,
    network: Annotated[str | None, typer.Option(metavar="NAME,…", help="As for fit: dense,conv.", show_default=False)] = None,
    widths: Annotated[
        str | None, typer.Option(metavar="W,WxW,…", help="Hidden layers: 256,512x256.", show_default=False)
    ] = None,
    rows: Annotated[
        str | None, typer.Option(metavar="N,N,…", help="Rows learnt from, for as many steps.", show_default=False)
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trials of each combination.")] = 3,
    trials: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only N combinations, drawn at random.", show_default=False)
    ] = None,
    epochs: Epochs = None,
    batch_size: Batch = 128,
    size: Size = None,
    color: Color = None,
    label: Label = None,
    kind: Kind = None,
) -> None:
    """What shapes the latent space? Curves over dimensions, beta, data, …

    Trains and judges a model for every combination from every seed. Ctrl-C keeps the trials that are finished; the same command
    goes on, and with more values it makes only what is new. Writes DIR/trials.jsonl, sweep.json and sweep.html.

    \b
    Examples:
      latentwalk sweep mnist-5k --latent 2,4,8,16 --beta .25,1,4 --out curves
      latentwalk sweep digits fashion-mnist --latent 2,8 --rows 500,1000 --seeds 1 --out data
      latentwalk sweep photos/ --size 32 --network dense,conv --latent 8,32 --out networks
    """
    from latentwalk.app.source import Source
    from latentwalk.app.sweeping import swept

    sources = [Source.named(one, size=size, color=color, label=label, kind=kind) for one in data]
    asked = {
        "latent": numbers(latent),
        "recipe__beta": None if beta is None else weights(beta),
        "network": None if network is None else words(network, "--network"),
        "network__widths": None if widths is None else layers(widths),
        "rows": None if rows is None else numbers(rows, "--rows"),
        "recipe": words(recipe, "--recipe"),
    }
    swept(sources, {axis: values for axis, values in asked.items() if values}, out, seeds, trials, epochs, batch_size)


def report(run: RunFolder, data: DataAgain = None) -> None:
    """Judge a saved model and draw its report.

    Writes RUN/report.json and RUN/report.html. For the folder of a tour or a sweep: draws its page again.

    \b
    Example:
      latentwalk report run
    """
    from latentwalk.app.judging import judged, redrawn
    from latentwalk.app.run import REPORT, SWEEP, Run, holds_model

    if not holds_model(run) and ((run / REPORT).exists() or (run / SWEEP).exists()):
        redrawn(run)
    else:
        judged(Run.open(run), data)


def inspect(
    run: RunFolder,
    data: DataAgain = None,
    new: Annotated[str | None, typer.Option(metavar="NAME|PATH", help="Rows to judge beside those learnt from.")] = None,
    tried: Annotated[bool, typer.Option("--try", help="Make the first change on a copy, and look again.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="RUN2", help="Where the changed model goes. Default: RUN-tried.", show_default=False)
    ] = None,
    seed: Seed = 0,
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
    from latentwalk.app import inspecting
    from latentwalk.app.run import Run

    inspecting.inspect(Run.open(run), data, new, seed, out=out, force=force, tried=tried)


def _dimensions(text: str | None) -> Sequence[int] | None:
    return None if text is None else numbers(text)


def _typed(context: typer.Context, name: str) -> bool:
    """Whether the user gave this option, rather than leaving its default."""
    origin = context.get_parameter_source(name)
    return origin is not None and origin.name in ("COMMANDLINE", "ENVIRONMENT")
