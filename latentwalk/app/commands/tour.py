"""`latentwalk tour`: four models side by side, to begin with."""

from pathlib import Path
from typing import Annotated

import typer

from latentwalk import app
from latentwalk.app.commands.compare import Learning, compared
from latentwalk.app.options import (
    DATA,
    OUTPUT,
    TRAINING,
    BatchSize,
    ColorOption,
    Epochs,
    Force,
    Label,
    Latents,
    Seed,
    SizeOption,
)

__all__ = ["tour"]

RECIPES = ("pca", "ae", "vae-without-kl", "vae")


def tour(
    data: Annotated[
        str,
        typer.Option(metavar="NAME|PATH", help="A name (see: latentwalk data), file or folder.", rich_help_panel=DATA),
    ] = "mnist-5k",
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the report and the models go.", rich_help_panel=OUTPUT)
    ] = Path("tour"),
    latent: Latents = None,
    epochs: Epochs = None,
    minutes: Annotated[
        float,
        typer.Option(
            metavar="M",
            help="Time to train all models in, at most; with fewer epochs, less.",
            rich_help_panel=TRAINING,
        ),
    ] = 5.0,
    batch_size: BatchSize = 128,
    seed: Seed = 0,
    size: SizeOption = None,
    color: ColorOption = None,
    label: Label = None,
    force: Force = False,
) -> None:
    """Train four models, measure them, draw the report.

    PCA, a plain autoencoder, a VAE without KL and a VAE, each at two numbers of dimensions. There are as many epochs as there
    is time for, the same time for each; to measure and to draw takes some minutes more.

    \b
    Examples:
      latentwalk tour
      latentwalk tour --data photos/ --size 64 --out photo-tour
      latentwalk tour --data photos/ --size 64 --minutes 30 --out long-tour
    Then look at tour/report.html, and walk in a model:
      latentwalk walk tour/models/vae-2 --from 0 --to 7
    """
    source = app.source.Source.named(data, size=size, color=color, label=label)
    title = "Which latent spaces can you walk in?"
    how = Learning(epochs, minutes, batch_size, seed)
    compared(source, RECIPES, latent, out, title, how, usual=True, force=force)
