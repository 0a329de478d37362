"""`latentwalk studio`: a latent space under the pointer."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentwalk import app
from latentwalk.app.options import OUTPUT, AllowedHosts, DataAgain, Force, Host, Port, Token
from latentwalk.app.output import destination, note, say, write_bytes
from latentwalk.errors import ConfigError

if TYPE_CHECKING:
    from latentwalk.app.run import Run
    from latentwalk.serving.served import Served
    from latentwalk.studio.exhibit import Exhibit

__all__ = ["studio"]


def studio(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN…]", help="Folders of trained models.", show_default=False)
    ] = None,
    points: Annotated[int, typer.Option(min=2, metavar="N", help="Examples on a map, at most.")] = 100_000,
    trained: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where models that are trained on the page go.", rich_help_panel=OUTPUT)
    ] = Path("studio"),
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            help="Write the map as one file that decodes without a server, and end.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    force: Force = False,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    token: Token = None,
    allow_host: AllowedHosts = None,
    data: DataAgain = None,
) -> None:
    """Open a page on trained models: their maps, decoded under the pointer.

    Walks, blends, transplants, several runs on one pointer, and trainings, which go on when the page is closed. Answers this
    machine alone unless --host names another address; then every request is to bring a token.

    \b
    Examples:
      latentwalk studio run
      latentwalk studio ae vae --port 9000
      latentwalk studio run --export map.html
      latentwalk studio --trained models
    """
    folders = runs or []
    if export is not None:
        _export(folders, export, data, points, force=force)
        return
    served = app.served.served_runs(folders, data)
    from latentwalk.serving.application import application
    from latentwalk.serving.limits import Limits
    from latentwalk.studio.routes import Shows, studio_routes
    from latentwalk.studio.train_routes import training_routes
    from latentwalk.studio.training import Trainings

    address = app.served.Address.of(host, port, token, allow_host or ())
    shows = Shows()
    for folder, (name, run) in zip(folders, served.items(), strict=True):
        note(f"{name}: encoding …")
        own = app.run.Run.open(folder)  # with a model of its own: that of the server decodes in another thread
        shows.show(_exhibit(own, data, points), run)
        run.warm_up()
        say(f"{name}: {len(shows.exhibits[name].rows):,} of {shows.exhibits[name].total:,} examples, {run.dim} dimensions")
    trainings = Trainings(trained, lambda folder: shows.show(*_opened(folder, points)))
    trainings.begin()
    try:
        address.serve(partial(application, served), Limits(), routers=[studio_routes(shows, training_routes(trainings))])
    finally:
        trainings.close()


def _export(folders: list[Path], to: Path, data: str | None, points: int, *, force: bool) -> None:
    """Write one map as a file."""
    from latentwalk.studio.away import decoder_files, html_file

    if len(folders) != 1:
        raise ConfigError(f"--export writes the map of one RUN, got {len(folders)}.")
    if to.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"--export {to}: expected a file ending in .html.")
    destination(to, to, force=force)
    run = app.run.Run.open(folders[0])
    content = html_file(_exhibit(run, data, points), decoder_files(run.model))
    write_bytes(to, content)
    say(f"look: {to} ({len(content) / 1e6:.1f} MB)")


def _exhibit(run: "Run", data: str | None, points: int) -> "Exhibit":
    """What the page is told about a run, made ready. Raises DataError, ConfigError."""
    from latentwalk.app.run import JUDGED
    from latentwalk.studio.exhibit import Exhibit
    from latentwalk.studio.films import ShownFilms

    name, (train, test) = run.folder.resolve().name, run.halves(data)
    rows, held_out = run.together(train, test)
    films, names = None, rows.names
    if run.of_frames(train) and app.films.holds_predictor(run.folder):
        films = ShownFilms.of(app.films.opened_predictor(run), (train,) if test is None else (train, test), JUDGED)
        rows, names = replace(rows, factors={**rows.factors, "frame": films.moments}), films.names
    found = Exhibit.of(name, name, run.model.space(rows, held_out=held_out), names, most=points, films=films)
    assert found.about
    return found


def _opened(folder: Path, points: int) -> "tuple[Exhibit, Served]":
    """A run that was trained here, and the same as it is served."""
    (served,) = app.served.served_runs([folder], None).values()
    exhibit = _exhibit(app.run.Run.open(folder), None, points)
    served.warm_up()
    return exhibit, served
