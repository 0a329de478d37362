"""Sound files, and long signals as windows that overlap: cut apart to learn from, and put together again without a seam.

Windows are weighted by a raised cosine (Hann) and divided by the sum of the weights, so that parts which were not changed
give back the whole to rounding.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.checks import whole
from latentwalk.data.dataset import Dataset
from latentwalk.data.sources.packed import Split, undivided
from latentwalk.data.spec import Kind
from latentwalk.errors import ConfigError, DataError
from latentwalk.surroundings import hushed, imported

__all__ = ["WINDOW", "Sound", "apart", "read_wav", "sound", "together"]

WINDOW = 256  # steps of a window, unless said
FULL = {"int16": 2**15, "int32": 2**31, "int64": 2**63, "uint8": 2**7}  # what 1.0 is in a file's own type


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound: x (T,) or (T, channels) in [-1, 1], its samples a second, and the type its file keeps them in."""

    x: NDArray[np.float64]
    rate: int
    dtype: str

    def content(self) -> bytes:
        """The bytes of a WAV file; what is louder than the type can hold is cut off."""
        kept = self.x
        if self.dtype in FULL:
            limits, centre = np.iinfo(self.dtype), 128 if self.dtype == "uint8" else 0
            kept = np.rint(self.x * FULL[self.dtype] + centre).clip(limits.min, limits.max)
        file = io.BytesIO()
        _wavfile().write(file, self.rate, kept.astype(self.dtype))
        return file.getvalue()


def sound(path: Path) -> Sound:
    """The sound in a WAV file. Raises DataError that begins with the path."""
    try:
        return _sound(path)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def read_wav(path: Path, *, split: Split, kind: Kind | None, window: int | None = None) -> Dataset:
    """The windows of a .wav, half of each overlapping the next: (n, window) or (n, window, channels)."""
    undivided(split)
    if kind not in (None, "signal"):
        raise ConfigError(f"kind={kind!r}: a sound is a signal. Leave kind out.")
    length = WINDOW if window is None else window
    whole("window", length, "samples", least=2)
    x = _sound(path).x.astype(np.float32)
    if len(x) < length:
        raise DataError(f"the sound has {len(x)} samples, fewer than a window of {length}. Use a smaller window.")
    return Dataset.of(apart(x, length), kind="signal", name=path.stem)


def _sound(path: Path) -> Sound:
    if not path.is_file():
        raise DataError("no such file.")
    try:
        with hushed(), np.errstate(invalid="ignore"):  # chatter about chunks; NaN that signals
            rate, values = _wavfile().read(path)
            values = np.asarray(values, values.dtype.newbyteorder("="))
            dtype = values.dtype.name
            x = (values.astype(np.float64) - (128 if dtype == "uint8" else 0)) / FULL.get(dtype, 1)
    except Exception as error:  # SciPy meets damaged headers with whatever comes up, struct.error among them
        raise DataError(f"not readable as WAV: {error}. Save it again as PCM or float WAV.") from error
    if not values.size:
        raise DataError("the file holds no samples.")
    if not (np.abs(x) <= np.finfo(np.float32).max).all():
        raise DataError("the samples are not all finite numbers of 32 bits.")
    return Sound(x, int(rate), dtype)


def apart(x: Array, length: int) -> Array:
    """A long signal (T[, F]) as windows (n, length[, F]), half overlapping; the last ends where the signal does."""
    if len(x) < length:
        raise DataError(f"the signal has {len(x)} steps, fewer than the {length} of a window. Use a longer signal.")
    return np.stack([x[start : start + length] for start in _starts(len(x), length)])


def together(parts: Array, total: int) -> Array:
    """The signal (total[, F]) of which `apart` made these windows (n, length[, F])."""
    length = parts.shape[1]
    weight = np.hanning(length + 2)[1:-1]  # without its two zeros: every step has some weight
    shape = (-1, *[1] * (parts.ndim - 2))
    whole, weights = np.zeros((total, *parts.shape[2:])), np.zeros(total)
    for start, part in zip(_starts(total, length), parts, strict=True):
        whole[start : start + length] += part * weight.reshape(shape)
        weights[start : start + length] += weight
    return whole / weights.reshape(shape)


def _wavfile() -> Any:
    """SciPy's reader, imported when there is a sound to read: the list of data sets must not wait for it."""
    return imported("scipy.io.wavfile")


def _starts(total: int, length: int) -> list[int]:
    starts = list(range(0, total - length + 1, max(1, length // 2)))
    return starts if starts[-1] == total - length else [*starts, total - length]
