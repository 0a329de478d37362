"""The commands for what autoencoders are used for: denoise, impute, reduce, dimensions, anomalies, export."""

from pathlib import Path
from typing import Annotated

import typer

from latentwalk.app.options import Color, Data, Epochs, Force, Kind, Label, Latents, RunFolder, Seed, Size, numbers

__all__ = ["anomalies", "denoise", "dimensions", "export", "impute", "reduce"]


def denoise(
    run: RunFolder,
    given: Annotated[
        Path, typer.Argument(metavar="IN", help="A picture, a .wav, .csv or .npy, or a folder.", show_default=False)
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where to write: of the same kind.", show_default=False)],
    force: Force = False,
) -> None:
    """Take the noise out of pictures, sounds or signals.

    Size, sample rate and type stay as they were. What is larger than the model's examples is cleaned in windows that overlap. A
    CSV has examples as rows, or is one long signal: rows are steps, columns are channels.

    \b
    Examples:
      latentwalk fit photos/ --size 64 --recipe denoising --noise 0.1,0.5 --network fully-conv --out cleaner
      latentwalk denoise cleaner scan.png clean.png
      latentwalk fit talk.wav --recipe denoising --noise 0.05,0.5 --network fully-conv --out voice
      latentwalk denoise voice noisy.wav clean.wav
    How good it is, beside other filters: latentwalk report cleaner
    """
    from latentwalk.app.denoising import denoise as denoised
    from latentwalk.app.run import Run

    denoised(Run.open(run), given, out, force=force)


def impute(
    run: RunFolder,
    given: Annotated[str, typer.Argument(metavar="IN", help="A table or signals with missing values.", show_default=False)],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the table.", show_default=False)],
    force: Force = False,
) -> None:
    """Fill in what is missing; what is there stays as it is.

    The model must have learnt from data in which values were missing, too.

    \b
    Examples:
      latentwalk fit people.csv --out people
      latentwalk impute people people.csv --out whole.csv
    """
    from latentwalk.app import using
    from latentwalk.app.run import Run

    using.impute(Run.open(run), given, out, force=force)


def reduce(
    data: Data,
    latent: Annotated[int, typer.Option("-d", "--latent", min=1, metavar="D", help="How many numbers a row is left with.")] = 2,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the codes.")] = Path("codes.csv"),
    recipe: Annotated[str, typer.Option(help="ae, vae, … as for fit; or pca, kernel-pca, umap.")] = "ae",
    beside: Annotated[bool, typer.Option("--compare", help="Also PCA, kernel PCA and UMAP, as a page.")] = False,
    run: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the model here.", show_default=False)] = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    size: Size = None,
    color: Color = None,
    label: Label = None,
    kind: Kind = None,
    force: Force = False,
) -> None:
    """Write each row as a few numbers, and say how good they are.

    Measured on rows held out: reconstruction error, whether neighbours stay neighbours, and, with labels, whether the nearest
    rows have the same.

    \b
    Examples:
      latentwalk reduce mnist-5k -d 2 --out codes.csv --compare
      latentwalk reduce table.csv -d 3 --recipe vae --run kept
    """
    from latentwalk.app.reducing import reduce as reduced
    from latentwalk.app.source import Source

    source = Source.named(data, size=size, color=color, label=label, kind=kind)
    reduced(source, latent, out, recipe, epochs, seed, run, beside=beside, force=force)


def dimensions(
    data: Data,
    latent: Latents = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the numbers.")] = Path("dimensions.csv"),
    recipe: Annotated[str, typer.Option(help="ae, vae, … as for fit; or pca alone.")] = "ae",
    epochs: Epochs = None,
    seed: Seed = 0,
    size: Size = None,
    color: Color = None,
    label: Label = None,
    kind: Kind = None,
    force: Force = False,
) -> None:
    """How many dimensions does the data need?

    The error of held-out rows over the number of dimensions, for PCA and an autoencoder, and where it stops falling. With
    --recipe vae also how many dimensions are used of those there are.

    \b
    Examples:
      latentwalk dimensions table.csv
      latentwalk dimensions mnist-5k --latent 1,2,4,8,16,32 --recipe vae
    """
    from latentwalk.app.reducing import dimensions as found
    from latentwalk.app.source import Source

    source = Source.named(data, size=size, color=color, label=label, kind=kind)
    found(source, None if latent is None else numbers(latent), out, recipe, epochs, seed, force=force)


def anomalies(
    data: Data,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the scores.")] = Path("anomalies.csv"),
    contamination: Annotated[float, typer.Option(help="Share of the rows that are strange, above 0, at most .5.")] = 0.1,
    run: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the detector here.", show_default=False)] = None,
    epochs: Epochs = None,
    seed: Seed = 0,
    size: Size = None,
    color: Color = None,
    label: Label = None,
    kind: Kind = None,
    force: Force = False,
) -> None:
    """Find the rows that do not belong.

    Writes a score for each row (log-likelihood in nats: low is strange), whether it is called an anomaly, and the columns most
    to blame. No labels are needed; a label column is left out.

    \b
    Example:
      latentwalk anomalies payments.csv --contamination 0.01 --out strange.csv
    """
    from latentwalk.app.finding import found
    from latentwalk.app.source import Source

    source = Source.named(data, size=size, color=color, label=label, kind=kind)
    found(source, out, contamination, run, epochs, seed, force=force)


def export(
    run: RunFolder,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write. Default: RUN.", show_default=False)
    ] = None,
) -> None:
    """Write the model as encoder.onnx and decoder.onnx, for use without PyTorch.

    The encoder takes data in its own units, layout and type, and gives codes; the decoder takes codes and gives data. Files of
    an earlier export are replaced, each at once.

    \b
    Examples:
      latentwalk export run
      latentwalk export run --out deployed
    """
    from latentwalk.app import using
    from latentwalk.app.run import Run

    using.export(Run.open(run), out)
