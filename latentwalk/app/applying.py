"""The commands for what autoencoders are used for: denoise, impute, anomalies."""

from pathlib import Path
from typing import Annotated

import typer

from latentwalk.app.options import Color, Data, Epochs, Force, Label, RunFolder, Seed, Size

__all__ = ["anomalies", "denoise", "impute"]


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
    from latentwalk.app.runs import Run

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
    from latentwalk.app.runs import Run

    using.impute(Run.open(run), given, out, force=force)


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

    source = Source.named(data, size=size, color=color, label=label)
    found(source, out, contamination, run, epochs, seed, force=force)
