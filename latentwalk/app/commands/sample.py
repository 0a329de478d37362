"""`latentwalk sample`: new examples, drawn from a model."""

import math
from typing import TYPE_CHECKING, Annotated

import typer

from latentwalk import app
from latentwalk.app.bundles import AS_FOUND, DecodingOptions, bundled
from latentwalk.app.options import DataAgain, Force, Out, RawCells, RunFolder, Seed
from latentwalk.app.output import say
from latentwalk.errors import ConfigError, NotGenerativeError, unknown

if TYPE_CHECKING:
    from latentwalk.app.run import Run

__all__ = ["sample"]

ENOUGH = 10_000  # rows whose codes say where codes lie
OWN = (None, "fitted", "prior")  # sources that a model brings with it


@bundled
def sample(
    run: RunFolder,
    count: Annotated[int, typer.Option("-n", "--count", min=1, metavar="N", help="How many.")] = 64,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="fitted: saved with the model (see: latentwalk complete), prior: the model's own, or what is then fitted to "
            "the data's codes: gaussian, mixture, vamp, resampled, flow, neighbours. Default: fitted, or else prior.",
            show_default=False,
        ),
    ] = None,
    temperature: Annotated[
        float, typer.Option(metavar="SPREAD", help="Spread of the draws; below 1 they are more ordinary.")
    ] = 1.0,
    condition: Annotated[
        str | None,
        typer.Option(metavar="LABEL", help="Of a run made by fit --condition: the class to draw.", show_default=False),
    ] = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="Of tables: leave cells out as they were in training, in the same patterns.")
    ] = False,
    seed: Seed = 0,
    data: DataAgain = None,
    out: Out = None,
    decoding: DecodingOptions = AS_FOUND,
    force: Force = False,
    raw_cells: RawCells = False,
) -> None:
    """Draw new examples.

    Images: a sheet of them (.png). Tables: rows (.csv, .parquet). Texts: a line each (.txt), or rows (.csv). Music: one
    piece after the other (.mid, .wav), or their rolls (.png). Sounds: one after the other (.wav), each to a file of a folder
    (--out DIR), or pictures (.png).

    \b
    Examples:
      latentwalk sample run -n 64 --out samples.png
      latentwalk sample run --source gaussian --temperature 0.7
      latentwalk sample digits --condition 7
      latentwalk sample customers -n 5000 --missing --out copy.csv
    """
    import numpy as np

    from latentwalk.latent.samplers import KINDS

    opened = app.run.Run.open(run)
    model = opened.model
    if source not in (None, "fitted", *KINDS):
        raise unknown("sampling distribution", source, ("fitted", *KINDS))
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ConfigError(f"--temperature {temperature}: expected a number, 0 or more.")
    _check_drawable(opened, source)
    to = app.named.target(opened, out, "samples", app.named.endings(opened), force=force)
    model.set_params(random_state=seed)
    chosen = app.named.decoding(opened, **decoding)
    if source in OWN:
        x = model.sample(count, temperature, source, condition=condition, missing=missing, decoding=chosen)
    else:
        rows = opened.train(data)
        sampler = model.space(rows.take(np.arange(min(len(rows), ENOUGH)))).fit_sampler(source)
        x = model.sample(count, source=sampler.at(temperature), condition=condition, missing=missing, decoding=chosen)
    app.named.write_examples(opened, x, to, raw=raw_cells, force=force)
    if app.named.writes(opened):
        app.named.tell_texts(x)
    say(to)


def _check_drawable(run: "Run", source: str | None) -> None:
    """Raise NotGenerativeError where there is nothing to draw from, with the commands that change it."""
    held = run.model.sampler_ is not None
    if (held and source != "prior") or source not in OWN:
        return
    if held and not run.model.recipe_.generative:
        raise NotGenerativeError(
            f'the recipe "{run.model.recipe_.name}" trains its codes to fill no prior. Draw from the sampler fitted to them: '
            f"latentwalk sample {run.folder}"
        )
    if source == "fitted":
        raise NotGenerativeError(f"no sampler was fitted to {run.folder}. Fit one: latentwalk complete {run.folder}")
    if not run.model.recipe_.generative:
        raise NotGenerativeError(
            f'the recipe "{run.model.recipe_.name}" has no distribution to draw from: its codes were not trained to fill one. '
            f"Fit one: latentwalk complete {run.folder}. Or see what happens with the Gaussian of the codes: "
            f"latentwalk sample {run.folder} --source gaussian"
        )
