"""`latentwalk complete`: a sampler for a saved model."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from latentwalk import app
from latentwalk.app.options import DataAgain, RunFolder
from latentwalk.app.output import check_writable, saving, say

if TYPE_CHECKING:
    from latentwalk.latent.criteria.measure import Measure

__all__ = ["candidates", "complete"]


def complete(
    run: RunFolder,
    sampler: Annotated[
        str,
        typer.Option(metavar="NAME", help="best, quick, or gaussian, mixture, vamp, resampled, flow, neighbours, prior."),
    ] = "best",
    data: DataAgain = None,
) -> None:
    """Make any model one to draw from.

    Fits a sampler to the codes of the data, and saves it with the model, in place of the quick one that every fit ends with.
    "best" fits all to some of the codes, judges them by the others, and takes the one whose draws are hardest to tell from
    codes; the simpler of equals: minutes. "neighbours" keeps codes of the data in the file; the others keep none.

    \b
    Examples:
      latentwalk complete run
      latentwalk complete run --sampler mixture
    """
    from latentwalk.latent.completion import QUICK, check_sampler

    opened = app.run.Run.open(run)
    check_sampler(sampler, QUICK)
    check_writable(run)
    model = opened.model.fit_sampler(opened.train(data), sampler)
    with saving():
        opened.save(stale=())  # all that was made of the model is still of it
    assert model.sampler_ is not None
    kind = model.sampler_.kind
    say(candidates(model.likeness_, kind) if model.likeness_ else f"{kind}: not judged by other codes")
    say(f"saved with the model: latentwalk sample {run} -n 64")


def candidates(measures: "Mapping[str, Measure]", chosen: str) -> str:
    """A line for each candidate: how like the codes its draws are, and which was taken."""
    width = max(map(len, measures))
    lines = [
        f"{kind:{width}}  {measure.value:.3f}  {measure.low:.3f} to {measure.high:.3f}{'  taken' if kind == chosen else ''}"
        for kind, measure in measures.items()
    ]
    return "\n".join([f"{'':{width}}  likeness to codes it was not fitted to, at most", *lines])
