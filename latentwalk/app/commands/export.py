"""`latentwalk export`: a model for machines without PyTorch."""

from pathlib import Path
from typing import Annotated

import typer

from latentwalk import app
from latentwalk.app.options import Force, RunFolder
from latentwalk.app.output import destination, saving

__all__ = ["export"]


def export(
    run: RunFolder,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write. Default: RUN.", show_default=False)
    ] = None,
    force: Force = False,
) -> None:
    """Write the model as encoder.onnx and decoder.onnx, for use without PyTorch.

    The encoder takes data in its own units, layout and type, and gives codes; the decoder takes codes and gives data. Files of
    an earlier export are replaced in RUN, each at once, and elsewhere with --force.

    \b
    Examples:
      latentwalk export run
      latentwalk export run --out deployed
    """
    from latentwalk.saving.onnx import DECODER, ENCODER

    model = app.run.Run.open(run).model
    for name in (ENCODER, DECODER):
        if out is not None and out.resolve() != run.resolve():
            destination(out / name, out / name, force=force)
    with saving():
        encoder, decoder = model.export(run if out is None else out)
    spec = model.spec_
    example = ", ".join(map(str, spec.shape))
    latent = model.model_.dim
    given = f", given (n, {len(model.classes_)}), float32" if model.condition else ""
    typer.echo(f"{encoder}: x (n, {example}), {spec.dtype}{given} → codes (n, {latent})")
    typer.echo(f"{decoder}: codes (n, {latent}){given} → x (n, {example})")
    if given:
        typer.echo(f"given is 1 at the label's place, 0 elsewhere; labels: {', '.join(model.classes_)}")
