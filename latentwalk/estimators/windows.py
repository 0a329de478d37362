"""Denoising what is larger than the examples a model learnt from: pictures and signals of any size.

They are cut into windows that overlap by half, and put together again without a seam. Signals are learnt from as such windows,
too; a window of a picture shows anything, so what codes expect of an example is left out.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.data.examples import padded
from latentwalk.data.original import LUMA
from latentwalk.data.overlap import apart, together
from latentwalk.data.spec import DataSpec
from latentwalk.errors import DataError
from latentwalk.estimators.autoencoder import Autoencoder

__all__ = ["denoised_picture", "denoised_signal"]


def denoised_picture(model: Autoencoder, x: NDArray[Any]) -> NDArray[Any]:
    """A picture (H, W) or (H, W, 3), bytes or 16 bits, at least as large as the model's images, without noise.

    A model of gray images takes each colour by itself; one of coloured images takes gray for a colour. Raises DataError for
    smaller pictures.
    """
    spec = model.spec_
    height, width = spec.event[1:]
    if x.ndim == 3 and spec.channels == 1:
        return np.stack([denoised_picture(model, x[..., at]) for at in range(x.shape[-1])], axis=-1)
    if x.ndim == 2 and spec.channels == 3:
        return np.rint(denoised_picture(model, np.repeat(x[..., None], 3, axis=-1)) @ LUMA).astype(x.dtype)
    top = np.iinfo(x.dtype).max if x.dtype.kind in "ui" else 255
    if x.shape[0] < height or x.shape[1] < width:
        raise DataError(
            f"the picture has {x.shape[0]} x {x.shape[1]} pixels, fewer than the {height} x {width} the model learnt from. "
            "Enlarge it first."
        )
    columns = apart(x.swapaxes(0, 1), width)  # (m, width, H[, 3])
    rows = np.stack([apart(column.swapaxes(0, 1), height) for column in columns])  # (m, n, height, width[, 3])
    tiles = rows.reshape(-1, *rows.shape[2:])
    alike = x.shape[:2] == (height, width)
    found = _from_raw(spec, model.denoise(_to_raw(spec, tiles, top), alike=alike), top).reshape(rows.shape)
    across = np.stack([together(part, x.shape[0]).swapaxes(0, 1) for part in found])  # (m, width, H[, 3])
    return (
        np.rint(together(across, x.shape[1]).swapaxes(0, 1)).clip(0, top).astype(x.dtype if x.dtype.kind in "ui" else np.uint8)
    )


def _to_raw(spec: DataSpec, tiles: Array, top: float) -> Array:
    """Levels (n, H, W[, 3]) from 0 to `top` in the range and layout of the model's images."""
    raw = spec.low + tiles.astype(np.float32) / top * (spec.high - spec.low)
    if spec.layout == "CHW":
        return raw[:, None] if raw.ndim == 3 else np.moveaxis(raw, -1, 1)
    return raw if raw.shape[1:] == spec.shape else raw[..., None]


def _from_raw(spec: DataSpec, x: Array, top: float) -> Array:
    """The way back: 0 to `top`, as floats, (n, H, W) or (n, H, W, 3)."""
    levels = (spec.channels_last(x) - spec.low) / (spec.high - spec.low) * top
    return levels[..., 0] if spec.channels == 1 else levels


# ---------------------------------------------------------------------- signals


def denoised_signal(model: Autoencoder, x: Array, what: str = "X") -> Array:
    """A long signal (T,) or (T, F) without noise. A model of one channel takes each channel by itself.

    what: what the signal is called in a complaint. Raises DataError for one that is too short, or no signal of this model.
    """
    spec = model.spec_
    if not spec.form.timed:
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
    found = model.denoise(parts.reshape(-1, *model.spec_.shape).astype(np.result_type(x.dtype, np.float32)))
    return together(np.asarray(found, np.float64).reshape(parts.shape), len(x))
