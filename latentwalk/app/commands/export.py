"""`latentwalk export`: a model for machines without PyTorch."""

from pathlib import Path
from typing import Annotated

import typer

import latentwalk
from latentwalk import app
from latentwalk.app.options import OUTPUT, Force, RunFolder
from latentwalk.app.output import destination, saving, say

__all__ = ["export"]


def export(
    run: RunFolder,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write. Default: RUN.", show_default=False)
    ] = None,
    scorer: Annotated[
        bool, typer.Option("--scorer", help="Also scorer.onnx, of a model that is no detector.", rich_help_panel=OUTPUT)
    ] = False,
    force: Force = False,
) -> None:
    """Write the model as encoder.onnx and decoder.onnx, for use without PyTorch; and a detector as scorer.onnx.

    The encoder takes data in its own units, layout and type, and gives codes; the decoder takes codes and gives data. The
    scorer takes each column of a table as it comes, strings too, and gives the score, how far it lies above the line, and the
    blame. Of texts and music, the decoder gives what is known before the first unit, and step.onnx the scores of the next one.
    Files of an earlier export are replaced in RUN, all at once, and elsewhere with --force.

    \b
    Examples:
      latentwalk export run
      latentwalk export detector --out deployed
    """
    from latentwalk.estimators.anomalies import DETECTOR
    from latentwalk.saving.onnx import DECODER, ENCODER, STEP
    from latentwalk.saving.scorer import SCORER

    model = app.run.Run.open(run).model
    detector = (run / DETECTOR).exists()
    serial = model.spec_.form.serial
    for name in (ENCODER, DECODER, *([STEP] if serial else []), *([SCORER] if detector or scorer else [])):
        if out is not None and out.resolve() != run.resolve():
            destination(out / name, out / name, force=force)
    folder = run if out is None else out
    with saving():
        paths = latentwalk.AnomalyDetector.load(run).export(folder) if detector else model.export(folder, scorer=scorer)
    spec = model.spec_
    example = ", ".join(map(str, spec.shape))
    latent = model.model_.dim
    given = f", given (n, {len(model.classes_)}), float32" if model.condition else ""
    say(f"{paths[0]}: x (n, {example}), {spec.dtype}{given} → codes (n, {latent})")
    if serial:
        say(f"{paths[1]}: codes (n, {latent}){given} → known, memory")
        say(f"{paths[2]}: last (n,), int64, known, memory → scores (n, {spec.high + 1:.0f}), memory_after")
    else:
        say(f"{paths[1]}: codes (n, {latent}){given} → x (n, {example})")
    for path in paths[3 if serial else 2 :]:
        rows = f"{len(spec.named)} columns by name, each (n,)" if spec.named else f"x (n, {example}), {spec.dtype}"
        answers = "score (n,), decision (n,), blame" if detector else "score (n,), each"
        say(f"{path}: {rows}{given} → {answers} (n, {example})")
    if given:
        say(f"given is 1 at the label's place, 0 elsewhere; labels: {', '.join(model.classes_)}")
