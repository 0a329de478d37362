"""`latentwalk studio`: a latent space under the pointer."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentwalk import app
from latentwalk.app.options import DataAgain
from latentwalk.app.output import note, say

if TYPE_CHECKING:
    from latentwalk.studio.exhibit import Exhibit

__all__ = ["studio"]


def studio(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Folders of trained models.", show_default=False)],
    points: Annotated[int, typer.Option(min=2, metavar="N", help="Examples on a map, at most.")] = 100_000,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; other than loopback asks for a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="0: one that is free.")] = 8000,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            envvar="LATENTWALK_TOKEN",
            help="What every request is to bring. Default: none on loopback, elsewhere a new one.",
            show_default=False,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name that the server may be called by; may be given several times."),
    ] = None,
    data: DataAgain = None,
) -> None:
    """Open a page on trained models: their maps, decoded under the pointer.

    Walks, blends, transplants, several runs side by side on one pointer. Answers this machine alone unless --host names another
    address; then every request is to bring a token.

    \b
    Examples:
      latentwalk studio run
      latentwalk studio ae vae --port 9000
    """
    served = app.served.served_runs(runs, data)
    from latentwalk.serving.application import application
    from latentwalk.serving.limits import Limits
    from latentwalk.studio import routes

    address = app.served.Address.of(host, port, token, allow_host or ())
    exhibits = {}
    for folder, (name, run) in zip(runs, served.items(), strict=True):
        note(f"{name}: encoding …")
        exhibits[name] = _exhibit(folder, data, points)
        run.warm_up()
        say(f"{name}: {len(exhibits[name].space):,} of {exhibits[name].total:,} examples, {run.dim} dimensions")
    shows = routes.Shows(exhibits)
    address.serve(partial(application, served), Limits(), routers=[routes.studio(shows)])


def _exhibit(folder: Path, data: str | None, points: int) -> "Exhibit":
    """What the page is told about the run in a folder, made ready. Raises CheckpointError, DataError, ConfigError."""
    from latentwalk.studio.exhibit import Exhibit

    run = app.run.Run.open(folder)  # a model of its own: that of the server decodes in another thread
    space = run.judged(data)
    names = run.train(data).names
    found = Exhibit.of(folder.resolve().name, folder.resolve().name, space, names, most=points)
    assert found.about
    return found
