"""What `latentwalk denoise` does: the noise is taken out of pictures, sounds and tables, which stay what they were otherwise.

What is larger than the model's examples is cut into windows that overlap by half, and put together again without a seam.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from latentwalk.app.output import destination, note, write_bytes, write_csv
from latentwalk.app.run import Run
from latentwalk.app.source import PICTURES
from latentwalk.data.examples import padded
from latentwalk.data.sources import read, tables
from latentwalk.data.sources.arrays import mapped
from latentwalk.data.sources.sounds import apart, sound, together
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError, DataError
from latentwalk.estimators.autoencoder import Autoencoder

__all__ = ["denoise"]

Array = NDArray[Any]


def denoise(run: Run, given: Path, out: Path, *, force: bool) -> None:
    """Write `given` without its noise to `out`. Raises DataError, ConfigError, OutputError."""
    if run.model.recipe_.corruption is None:
        note(f'{run.folder} was trained as "{run.model.recipe_.name}", not against noise: expect little. Better: '
             "latentwalk fit DATA --recipe denoising --noise 0.1,0.6")  # fmt: skip
    if not given.exists():
        raise DataError(f"{given}: no such file or folder.")
    pairs = _folder(given, out) if given.is_dir() else [(given, out)]
    targets = [destination(target, target, [source], force=force) for source, target in pairs]
    for (source, _), target in zip(pairs, targets, strict=True):
        write = _picture if run.model.spec_.kind == "image" else _sound if source.suffix.lower() == ".wav" else _table
        write(run.model, source, target)
    typer.echo(out if len(pairs) == 1 else f"{len(pairs)} files\n{out}")


def _folder(given: Path, out: Path) -> list[tuple[Path, Path]]:
    files = sorted(path for path in given.rglob("*") if path.suffix.lower() in (*PICTURES, ".wav"))
    if not files:
        raise DataError(f"{given} holds no picture and no .wav.")
    if out.is_file():
        raise ConfigError(f"{given} is a folder and {out} a file. Give a folder to write into.")
    return [(path, out / path.relative_to(given)) for path in files]


# ---------------------------------------------------------------------- pictures


def _picture(model: Autoencoder, source: Path, target: Path) -> None:
    spec = model.spec_
    try:
        with Image.open(source) as image:
            x = np.asarray(image.convert("L" if spec.channels == 1 else "RGB"))
            form = image.format
    except FileNotFoundError as error:
        raise DataError(f"{source}: no such file.") from error
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{source}: not readable as a picture: {error}.") from error
    clean = denoised_picture(model, x)
    ending = Image.registered_extensions().get(target.suffix.lower(), form)
    file = io.BytesIO()
    try:
        Image.fromarray(clean).save(file, ending)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(f"{target}: pictures cannot be written as {target.suffix or 'that'}. Use .png.") from error
    write_bytes(target, file.getvalue())


def denoised_picture(model: Autoencoder, x: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bytes (H, W) or (H, W, 3), at least as large as the model's images, without noise; larger ones window by window."""
    spec = model.spec_
    height, width = spec.event[1:]
    if x.shape[0] < height or x.shape[1] < width:
        raise DataError(
            f"the picture has {x.shape[0]} x {x.shape[1]} pixels, fewer than the {height} x {width} the model learnt from. "
            "Enlarge it first."
        )
    columns = apart(x.swapaxes(0, 1), width)  # (m, width, H[, 3])
    rows = np.stack([apart(column.swapaxes(0, 1), height) for column in columns])  # (m, n, height, width[, 3])
    tiles = rows.reshape(-1, *rows.shape[2:])
    found = _from_raw(spec, model.denoise(_to_raw(spec, tiles))).reshape(rows.shape)
    across = np.stack([together(part, x.shape[0]).swapaxes(0, 1) for part in found])  # (m, width, H[, 3])
    return np.rint(together(across, x.shape[1]).swapaxes(0, 1)).clip(0, 255).astype(np.uint8)


def _to_raw(spec: DataSpec, tiles: Array) -> Array:
    """Bytes (n, H, W[, 3]) in the range and layout of the model's images."""
    raw = spec.low + tiles.astype(np.float32) / 255 * (spec.high - spec.low)
    if spec.layout == "CHW":
        return raw[:, None] if raw.ndim == 3 else np.moveaxis(raw, -1, 1)
    return raw if raw.shape[1:] == spec.shape else raw[..., None]


def _from_raw(spec: DataSpec, x: Array) -> Array:
    """The way back: 0 to 255, as floats, (n, H, W) or (n, H, W, 3)."""
    levels = (spec.channels_last(x) - spec.low) / (spec.high - spec.low) * 255
    return levels[..., 0] if spec.channels == 1 else levels


# ---------------------------------------------------------------------- signals


def _sound(model: Autoencoder, source: Path, target: Path) -> None:
    heard = sound(source)
    if target.suffix.lower() != ".wav":
        raise ConfigError(f"{target}: a sound is written as .wav.")
    clean = denoised_signal(model, heard.x, str(source))
    write_bytes(target, type(heard)(clean, heard.rate, heard.dtype).content())


def _table(model: Autoencoder, source: Path, target: Path) -> None:
    """A .csv or .npy: rows that are examples, or one long signal of which rows are steps and columns channels."""
    if target.suffix.lower() != source.suffix.lower():
        raise ConfigError(f"{target}: expected a file ending in {source.suffix}, as what is read.")
    if source.suffix.lower() == ".npy":
        names, x = None, _numbers(source)
    else:
        names, x = _csv(source)
    spec = model.spec_
    long = spec.kind == "signal" and x.shape[1:] != spec.shape
    clean = denoised_signal(model, x if x.ndim > 1 else x[:, None], str(source)) if long else model.denoise(x)
    clean = np.asarray(clean).reshape(x.shape)
    if names is None:
        file = io.BytesIO()
        np.save(file, clean.astype(x.dtype if x.dtype.kind == "f" else np.float32), allow_pickle=False)
        write_bytes(target, file.getvalue())
    else:
        write_csv(target, dict(zip(names, clean.T, strict=True)))


def denoised_signal(model: Autoencoder, x: Array, what: str) -> Array:
    """A long signal (T,) or (T, F) without noise. A model of one channel takes each channel by itself."""
    spec = model.spec_
    if spec.kind != "signal":
        raise DataError(f"{what}: this model learnt from a {spec.kind} of shape {spec.shape}, not from signals.")
    length, channels = spec.shape[0], spec.event[0]
    if len(x) < length and not spec.missing:
        raise DataError(f"{what}: the signal has {len(x)} steps, fewer than the {length} of the model's examples.")
    lines = x[:, None] if x.ndim == 1 else x
    if channels not in (1, lines.shape[1]):
        raise DataError(f"{what}: the signal has {lines.shape[1]} channels; the model learnt from {channels}.")
    groups = lines.T[..., None] if channels == 1 else lines[None]  # (g, T, channels)
    found = np.stack([_whole(model, group, length) for group in groups])
    clean = found[..., 0].T if channels == 1 else found[0]
    return clean[:, 0] if x.ndim == 1 else clean


def _whole(model: Autoencoder, x: Array, length: int) -> Array:
    """One signal (T, channels), window by window."""
    if len(x) < length:
        return model.denoise(padded([x.reshape(-1, *model.spec_.shape[1:])], length))[0, : len(x)].reshape(x.shape)
    parts = apart(x, length)
    found = model.denoise(parts.reshape(-1, *model.spec_.shape).astype(np.float32))
    return together(np.asarray(found, np.float64).reshape(parts.shape), len(x))


def _numbers(source: Path) -> Array:
    try:
        x = mapped(source)
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror or error}.") from error
    except DataError as error:
        raise DataError(f"{source}: {error}") from None
    if x.dtype.kind not in "biuf" or not x.size or not 1 <= x.ndim <= 4:
        raise DataError(f"{source}: expected numbers, got {x.dtype} of shape {x.shape}.")
    return x


def _csv(source: Path) -> tuple[list[str], Array]:
    if source.suffix.lower() not in (".csv", ".tsv"):
        raise DataError(f"{source}: expected a picture, .wav, .csv or .npy that fits what the model learnt from.")
    data = read(source, split="all", kind="table", label="")
    if data.spec.columns:
        raise DataError(f"{source}: a signal is all numbers; some column is text.")
    names = tables.header(source)
    if len(names) != data.x.shape[1]:
        raise DataError(f"{source}: a signal is all numbers; found the columns {', '.join(names[:10])}.")
    return names, data.x
