"""`latentwalk complete` and `latentwalk sample`: give a saved model a sampler, and draw from one."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import typer

from latentwalk.app.output import check_writable, saving, write_csv
from latentwalk.app.pictures import save_png
from latentwalk.app.results import columns, draws, endings, target
from latentwalk.app.run import Run
from latentwalk.drawing.tiles import enlarged, pixels, sheet, square_columns
from latentwalk.errors import ConfigError, NotGenerativeError, unknown
from latentwalk.latent.completion import check_sampler
from latentwalk.latent.criteria.measure import Measure
from latentwalk.latent.samplers import KINDS, FittedSampler

__all__ = ["complete", "sample", "table"]

ENOUGH = 10_000  # rows whose codes say where codes lie


def complete(run: Run, sampler: str, data: str | None) -> None:
    """Fit a sampler to the codes of the run's data, say how complete the candidates are, and save it with the model."""
    check_sampler(sampler)
    check_writable(run.folder)
    run.model.fit_sampler(run.train(data), sampler)
    with saving():
        run.model.save(run.folder)
    kind = _kind(run)
    typer.echo(table(run.model.completeness_, kind) if run.model.completeness_ else f"{kind}: too few rows to judge it by")
    typer.echo(f"saved with the model: latentwalk sample {run.folder} -n 64")


def sample(
    run: Run,
    count: int,
    out: Path | None,
    source: str | None,
    temperature: float,
    seed: int,
    data: str | None,
    *,
    force: bool,
) -> None:
    """Draw `count` examples and write a sheet or a table."""
    model = run.model
    if source not in (None, "fitted", *KINDS):
        raise unknown("sampling distribution", source, ("fitted", *KINDS))
    if not (np.isfinite(temperature) and temperature >= 0):
        raise ConfigError(f"--temperature {temperature}: expected a number, 0 or more.")
    _check_drawable(run, source)
    to = target(run, out, "samples", endings(run), force=force)
    model.set_params(random_state=seed)
    if source in (None, "fitted", "prior"):
        x = model.sample(count, temperature, source)
    else:
        x = model.sample(count, source=_fitted(run, source, data).at(temperature))
    if draws(run):
        tiles = enlarged(pixels(x, model.spec_))
        save_png(to, sheet(tiles, square_columns(tiles)))
    else:
        write_csv(to, columns(x))
    typer.echo(to)


def table(measures: Mapping[str, Measure], chosen: str) -> str:
    """A line for each candidate: how complete it is, at most, and which was taken."""
    width = max(map(len, measures))
    lines = [
        f"{kind:{width}}  {measure.value:.3f}  {measure.low:.3f} to {measure.high:.3f}{'  taken' if kind == chosen else ''}"
        for kind, measure in measures.items()
    ]
    return "\n".join([f"{'':{width}}  completeness, at most, on codes it was not fitted to", *lines])


def _kind(run: Run) -> str:
    assert run.model.sampler_ is not None
    return run.model.sampler_.kind


def _fitted(run: Run, source: str, data: str | None) -> FittedSampler:
    rows = run.train(data)
    return run.model.space(rows.take(np.arange(min(len(rows), ENOUGH)))).fit_sampler(source)


def _check_drawable(run: Run, source: str | None) -> None:
    """Raise NotGenerativeError where there is nothing to draw from, with the commands that change it."""
    held = run.model.sampler_ is not None
    if (held and source != "prior") or source not in (None, "fitted", "prior"):
        return
    if source == "fitted":
        raise NotGenerativeError(f"no sampler was fitted to {run.folder}. Fit one: latentwalk complete {run.folder}")
    if not run.model.recipe_.generative:
        raise NotGenerativeError(
            f'the recipe "{run.model.recipe_.name}" has no distribution to draw from: its codes were not trained to fill one. '
            f"Fit one: latentwalk complete {run.folder}. Or see what happens with the Gaussian of the codes: "
            f"latentwalk sample {run.folder} --source gaussian"
        )
