"""`latentwalk export`: a model for machines without PyTorch."""

from pathlib import Path
from typing import Annotated

import typer

import latentwalk
from latentwalk import app
from latentwalk.app.options import OUTPUT, Force, RunFolder
from latentwalk.app.output import destination, saving, say, word
from latentwalk.checks import one_of
from latentwalk.errors import ConfigError

__all__ = ["export"]


def export(
    run: RunFolder,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write. Default: RUN.", show_default=False)
    ] = None,
    scorer: Annotated[
        bool, typer.Option("--scorer", help="Also scorer.onnx, of a model that is no detector.", rich_help_panel=OUTPUT)
    ] = False,
    layout: Annotated[
        str,
        typer.Option(metavar="files|triton", help="Plain files, or a Triton model repository.", rich_help_panel=OUTPUT),
    ] = "files",
    force: Force = False,
) -> None:
    """Write the model as encoder.onnx and decoder.onnx, for use without PyTorch; and a detector as scorer.onnx.

    The encoder takes data in its own units, layout and type, and gives codes; the decoder takes codes and gives data. The
    scorer takes each column of a table as it comes, strings too, and gives the score, how far it lies above the line, and the
    blame. Of texts and music, the decoder gives what is known before the first unit, and step.onnx the scores of the next one.
    Files of an earlier export are replaced in RUN, all at once, and elsewhere with --force.

    With --layout triton, --out is a model repository for Triton: RUN-encoder, RUN-decoder, called after the folder of the run.

    \b
    Examples:
      latentwalk export run
      latentwalk export detector --out deployed
      latentwalk export run --layout triton --out repository
    """
    from latentwalk.estimators.anomalies import DETECTOR
    from latentwalk.saving.onnx import DECODER, ENCODER, STEP
    from latentwalk.saving.scorer import SCORER

    model = app.run.Run.open(run).model
    detector = (run / DETECTOR).exists()
    serial = model.spec_.form.serial
    one_of("layout", layout, ("files", "triton"))
    name = run.resolve().name if layout == "triton" else None
    if name is not None and out is None:
        raise ConfigError(
            f"a repository is a folder of its own. Say where: latentwalk export {word(str(run))} --layout triton --out FOLDER"
        )
    folder = run if out is None else out
    for file in (ENCODER, DECODER, *([STEP] if serial else []), *([SCORER] if detector or scorer else [])):
        if folder.resolve() != run.resolve():
            to = folder / (file if name is None else f"{name}-{Path(file).stem}/1/model.onnx")
            destination(to, to, force=force)
    with saving():
        if detector:
            paths = latentwalk.AnomalyDetector.load(run).export(folder, repository=name)
        else:
            paths = model.export(folder, scorer=scorer, repository=name)
    if name is not None:
        paths = tuple(path for path in paths if path.suffix == ".onnx")
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
