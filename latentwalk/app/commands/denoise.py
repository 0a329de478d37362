"""`latentwalk denoise`: pictures, sounds and tables without their noise, which stay what they were otherwise."""

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentwalk import app
from latentwalk.app.options import Force, RawCells, RunFolder
from latentwalk.app.output import TABLES, destination, note, say, write_bytes, write_table, writing
from latentwalk.errors import ConfigError, DataError

if TYPE_CHECKING:
    from latentwalk.app.run import Run
    from latentwalk.estimators.autoencoder import Autoencoder

__all__ = ["denoise"]

READ = (".csv", ".tsv")  # tables that are read


def denoise(
    run: RunFolder,
    given: Annotated[
        Path, typer.Argument(metavar="IN", help="A picture, a sound, a .csv or .npy, or a folder.", show_default=False)
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where to write: of the same kind.", show_default=False)],
    force: Force = False,
    raw_cells: RawCells = False,
) -> None:
    """Take the noise out of pictures, sounds or signals.

    It need not be told how much noise there is. Size, sample rate and type stay as they were, and so do colours and
    transparency. What is larger than the model's examples is cleaned in windows that overlap. A CSV has examples as rows, or is
    one long signal: rows are steps, columns are channels.

    \b
    Examples:
      latentwalk fit photos/ --size 64 --recipe denoising --out cleaner
      latentwalk denoise cleaner scan.png clean.png
      latentwalk fit talk.wav --recipe denoising --out voice
      latentwalk denoise voice noisy.wav clean.wav
    How good it is, beside other filters: latentwalk report cleaner
    """
    opened = app.run.Run.open(run)
    model = opened.model
    model.trained_.check_valued("denoise")
    if model.recipe_.corruption is None:
        note(
            f'{run} was trained as "{model.recipe_.name}", not against noise: expect little. Better: '
            "latentwalk fit DATA --recipe denoising"
        )
    if not given.exists():
        raise DataError(f"{given}: no such file or folder.")
    pairs = _folder(given, out) if given.is_dir() else [(given, out / given.name if out.is_dir() else out)]
    pictured = model.spec_.form.pictured
    for source, target in pairs:
        _check_ending(source, target, pictured and source.suffix.lower() != ".npy")
    targets = [destination(target, target, [source], force=force) for source, target in pairs]
    for (source, _), target in zip(pairs, targets, strict=True):
        if model.spec_.form.columned and source.suffix.lower() in (".csv", ".tsv"):
            _rows(opened, source, target, raw=raw_cells)
        elif pictured and source.suffix.lower() != ".npy":
            _picture(model, source, target)
        elif app.source.is_sound(source):
            _sound(model, source, target)
        else:
            _table(model, source, target, raw=raw_cells)
    say(targets[0] if len(pairs) == 1 else f"{len(pairs)} files\n{out}")


def _folder(given: Path, out: Path) -> list[tuple[Path, Path]]:
    files = sorted(path for path in given.rglob("*") if app.source.is_picture(path) or app.source.is_sound(path))
    if not files:
        raise DataError(f"{given} holds no picture and no sound.")
    if out.is_file():
        raise ConfigError(f"{given} is a folder and {out} a file. Give a folder to write into.")
    return [(path, out / path.relative_to(given)) for path in files]


def _check_ending(source: Path, target: Path, picture: bool) -> None:
    """Raise ConfigError where what is read cannot be written to a file that ends so."""
    if picture:
        from PIL import Image

        form = Image.registered_extensions().get(target.suffix.lower())
        if form not in Image.SAVE:
            said = target.suffix or "that"
            raise ConfigError(f"{source}: pictures cannot be written as {said}. Use .png, and put nothing else there.")
    elif app.source.is_sound(source):
        from latentwalk.data.sources.sounds import check_written

        check_written(target)
    elif target.suffix.lower() not in (found := TABLES if source.suffix.lower() in READ else (source.suffix.lower(),)):
        raise ConfigError(f"{target}: expected a file ending in {' or '.join(found)}, since {source.name} is read.")


def _picture(model: "Autoencoder", source: Path, target: Path) -> None:
    from PIL import Image

    from latentwalk.data.original import PICTURES, Original
    from latentwalk.estimators.windows import denoised_picture

    picture = Original.of(source)
    with Image.open(source) as image:
        frames = int(getattr(image, "n_frames", 1))
    if frames > 1:
        note(f"{source} holds {frames} frames, of which the first was taken.")
    levels = picture.levels
    found = denoised_picture(model, levels[..., 0] if levels.shape[-1] == 1 else levels)
    clean = replace(picture, levels=found.reshape(levels.shape))
    ending = target.suffix.lower()
    content = clean.content(clean.as_given(), ending if ending in PICTURES else ".png")
    if ending not in PICTURES:
        file = io.BytesIO()
        with Image.open(io.BytesIO(content)) as image:
            try:
                image.save(file, Image.registered_extensions()[ending])
            except (KeyError, ValueError, OSError) as error:
                raise ConfigError(f"{target}: this picture cannot be written as {ending}: {error}. Use .png.") from error
        content = file.getvalue()
    write_bytes(target, content)


def _sound(model: "Autoencoder", source: Path, target: Path) -> None:
    from latentwalk.data.sources.sounds import sound
    from latentwalk.estimators.sounds import denoised_sound

    heard = sound(source)
    clean = denoised_sound(model, heard, str(source))
    with writing(target):
        clean.save(target)


def _rows(run: "Run", source: Path, target: Path, *, raw: bool) -> None:
    """A .csv of the rows of a table, whose columns are known by name."""
    data = run.read(str(source))
    write_table(target, app.named.table(data, run.model.denoise(data)), raw=raw)


def _table(model: "Autoencoder", source: Path, target: Path, *, raw: bool) -> None:
    """A .csv or .npy: rows that are examples, or one long signal of which rows are steps and columns channels."""
    import numpy as np

    from latentwalk.estimators.windows import denoised_signal

    names, x = (None, _numbers(source)) if source.suffix.lower() == ".npy" else _csv(source)
    spec = model.spec_
    long = spec.form.timed and x.shape[1:] != spec.shape
    if spec.form.pictured and x.shape[-len(spec.shape) :] != spec.shape:
        raise DataError(f"{source}: expected one image of shape {spec.shape}, or several; got {x.shape}.")
    rows = x.reshape(-1, *spec.shape) if spec.form.pictured else x  # one image alone, or films
    clean = denoised_signal(model, x if x.ndim > 1 else x[:, None], str(source)) if long else model.denoise(rows)
    clean = np.asarray(clean).reshape(x.shape)
    if names is None:
        file = io.BytesIO()
        np.save(file, _as_kind(clean, x.dtype), allow_pickle=False)
        write_bytes(target, file.getvalue())
    else:
        write_table(target, dict(zip(names, clean.T, strict=True)), raw=raw)


def _as_kind(x: Any, dtype: Any) -> Any:
    """Numbers of this type: whole ones are the nearest that it holds, and truth values are numbers."""
    import numpy as np

    if dtype.kind not in "ui":
        return x.astype(dtype if dtype.kind == "f" else np.float32)
    held = np.iinfo(dtype)
    return np.rint(x.astype(np.float64)).clip(held.min, held.max).astype(dtype)


def _numbers(source: Path) -> Any:
    from latentwalk.data.sources.arrays import mapped

    try:
        x = mapped(source)
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror or error}.") from error
    except DataError as error:
        raise DataError(f"{source}: {error}") from None
    if x.dtype.kind not in "biuf" or not x.size or not 1 <= x.ndim <= 4:
        raise DataError(f"{source}: expected numbers, got {x.dtype} of shape {x.shape}.")
    return x


def _csv(source: Path) -> tuple[list[str], Any]:
    from latentwalk.data.sources import read, tables

    if source.suffix.lower() not in (".csv", ".tsv"):
        raise DataError(f"{source}: expected a picture, a sound, a .csv or .npy that fits what the model learnt from.")
    data = read(source, split="all", kind="table", label="")
    if data.spec.columns:
        raise DataError(f"{source}: a signal is all numbers; some column is text.")
    names = tables.header(source)
    if len(names) != data.x.shape[1]:
        raise DataError(f"{source}: a signal is all numbers; found the columns {', '.join(names[:10])}.")
    return names, data.x
