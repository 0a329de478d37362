"""`latentwalk predict`: the likely futures of a film."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentwalk import app
from latentwalk.app.options import DataAgain, Force, Out, RunFolder, Seed
from latentwalk.app.output import destination, save_png, say, write_bytes
from latentwalk.errors import ConfigError, DataError

if TYPE_CHECKING:
    from latentwalk.app.run import Run
    from latentwalk.arrays import Array
    from latentwalk.estimators.predictor import FramePredictor

__all__ = ["predict"]

ENDINGS = (".gif", ".mp4", ".png", ".npz")
MOST = 100  # futures that are drawn side by side


def predict(
    run: RunFolder,
    film: Annotated[
        str,
        typer.Argument(metavar="FILM", help="A file, a folder of numbered frames, or row:N.", show_default=False),
    ],
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Frames to predict.")] = 10,
    draws: Annotated[int, typer.Option(min=1, metavar="N", help="Futures to draw.")] = 5,
    seen: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Frames that are seen. Default: all but STEPS of a row; all of a file.",
            show_default=False,
        ),
    ] = None,
    temperature: Annotated[float, typer.Option(min=0, metavar="T", help="How far futures differ; 0: the mean path.")] = 1.0,
    fps: Annotated[float, typer.Option(min=0.1, max=100, metavar="N", help="Frames a second of what is written.")] = 8.0,
    seed: Seed = 0,
    data: DataAgain = None,
    out: Out = None,
    force: Force = False,
) -> None:
    """Predict the next frames of a film, several futures side by side.

    The first film is the one given, as far as it is known; a red bar is under what is predicted. Written as an animation (.gif,
    .mp4), as strips (.png), or as arrays (.npz: futures, seen).

    A FILM is a file (.gif, .webp, .mp4, .npy, …), a folder of numbered frames, or row:12, that film of the data learnt from,
    counted from 0.

    \b
    Examples:
      latentwalk fit bouncing-digits --out run
      latentwalk predict run row:3 --steps 10 --draws 5 --out future.gif
      latentwalk predict run film.mp4 --temperature 0 --draws 1 --out next.png
    """
    import numpy as np

    opened = app.run.Run.open(run)
    predictor = app.films.opened_predictor(opened)
    target = destination(out, opened.folder / "future.gif", [Path(film)], force=force)
    if target.suffix.lower() not in ENDINGS:
        raise ConfigError(f"--out {target}: expected a file ending in {', '.join(ENDINGS)}.")
    if draws > MOST and target.suffix.lower() != ".npz":
        raise ConfigError(f"--draws {draws}: at most {MOST} futures are drawn side by side. Draw fewer, or write a .npz.")
    whole, said = _film(opened, predictor, film, data)
    known = seen if seen is not None else len(whole) - steps if film.startswith("row:") else len(whole)
    if known < 1:
        raise DataError(
            f"{said} has {len(whole)} frames: with --steps {steps}, none are left to be seen before. Say --seen N, from "
            f"1 to {len(whole)}, or fewer --steps."
        )
    if known > len(whole):
        raise DataError(f"{said} has {len(whole)} frames, and {known} were to be seen. Say --seen N, from 1 to {len(whole)}.")
    futures = predictor.predict(whole[:known], steps, draws, temperature=temperature, seed=seed)
    if target.suffix.lower() == ".npz":
        import io

        file = io.BytesIO()
        np.savez_compressed(file, futures=futures, seen=whole[:known])
        write_bytes(target, file.getvalue())
    else:
        _draw(target, whole, futures, known, predictor, fps)
    say(f"{said}: {known} frames seen, {steps} predicted, {draws} future{'s' * (draws != 1)}")
    if draws > 1:
        apart = float(np.nanstd(futures, axis=0).mean() / max(predictor.spec_.high - predictor.spec_.low, 1e-30))
        say(f"the futures differ by {apart:.3f} of the range on average")
    say(target)


def _film(run: "Run", predictor: "FramePredictor", film: str, data: str | None) -> "tuple[Array, str]":
    """The film (t, *frame) that is named so, and what it is in words. Raises DataError, ConfigError."""
    import numpy as np

    from latentwalk.data.footage import as_films, ends_of_films
    from latentwalk.data.sources.films import ANIMATIONS, STRETCH, VIDEOS, holds_films

    if film.startswith("row:"):
        found = run.where(data).train()
        row = film.removeprefix("row:")
        if not row.isdecimal() or int(row) >= len(found):
            raise ConfigError(f"{film}: expected row:N, N from 0 to {len(found) - 1}.")
        x, said = found.x[int(row)][None], f"film {row}"
    else:
        height, width = predictor.spec_.shape[1:3]
        path = Path(film).expanduser()
        array = path.suffix.lower() in (".npy", ".npz")
        if path.is_file() and not array and not holds_films(path):
            known = ", ".join((*ANIMATIONS, *VIDEOS, ".npy", ".npz"))
            raise DataError(f"{path}: expected a film, {known}, or a folder of numbered frames.")
        found = app.source.films_like((height, width), predictor.spec_.channels, path)
        whole_films = {STRETCH.sub("", name) for name in found.names}
        if len(found) != 1 and len(whole_films) != 1:
            raise DataError(f"{film} holds {len(found)} films where one is expected. Give one of them.")
        app.source.tell_skipped(found)
        x, said = found.x[-1:], found.names[-1] if len(found) > 1 else path.name
    films = as_films(x, predictor.spec_)
    count = int(ends_of_films(np.asarray(films.x))[0])
    return np.asarray(films.x)[0, :count], said


def _draw(target: Path, whole: "Array", futures: "Array", known: int, predictor: "FramePredictor", fps: float) -> None:
    """Write the film, as far as it is known, and its futures."""
    import numpy as np

    from latentwalk.drawing.film import gif_bytes, mp4_bytes
    from latentwalk.drawing.films import film_strip, playing

    steps = futures.shape[1]
    seen = np.broadcast_to(whole[:known].astype(np.float32), (len(futures), known, *whole.shape[1:]))
    truth = np.full((known + steps, *whole.shape[1:]), np.nan, np.float32)
    shown = whole[: known + steps]
    truth[: len(shown)] = shown
    films = np.concatenate([truth[None], np.concatenate([seen, futures], axis=1)])
    if target.suffix.lower() == ".png":
        save_png(target, film_strip(films, predictor.spec_, known))
        return
    frames = playing(films, predictor.spec_, known)
    content = mp4_bytes(frames, fps) if target.suffix.lower() == ".mp4" else gif_bytes(frames, fps, back=False)
    write_bytes(target, content)
