"""What is heard of a sound, as numbers: how strong each frequency is at each time, in logarithms."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

from latentwalk.arrays import Array
from latentwalk.data.rows import pieces

__all__ = ["HANN", "OVERLAP", "QUIET", "frame_size", "log_spectra"]

SECONDS = 0.064  # of a frame, about
OVERLAP = 4
HANN = 0.375  # the mean square of its window
QUIET = 0.05  # of the magnitude of noise of deviation 1: what is weaker is silence


def frame_size(length: int, rate: int) -> int:
    """Samples of a frame of a sound of so many: some 64 ms, a power of two, at most a quarter of the sound, at least 8.

    >>> frame_size(4096, 8000)
    512
    """
    return 1 << max(3, round(math.log2(max(1.0, min(SECONDS * rate, length / OVERLAP)))))


def log_spectra(x: Array, rate: int) -> NDArray[np.float32]:
    """The log-magnitudes of sounds x (n, T[, C]) of deviation 1, flat: (n, channels x frames x bins); NaN counts as silence.

    Frames are Hann's, three quarters of each overlapping the next. What is told apart is told in nepers (8.7 dB).
    """
    size = frame_size(x.shape[1], rate)
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    found = []
    for _, some in pieces(x):
        lines = np.moveaxis(np.nan_to_num(some.reshape(*some.shape[:2], -1)).astype(np.float32), 2, 1)  # (m, C, T)
        padded = np.pad(lines, ((0, 0), (0, 0), (size // 2, size // 2)))
        frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=2)[:, :, :: size // OVERLAP]
        spectra = rfft(frames * window, axis=3)
        power = (spectra.real**2 + spectra.imag**2) / (HANN * size)
        found.append((np.log(power + QUIET**2) / 2).astype(np.float32).reshape(len(some), -1))
    return np.concatenate(found) if found else np.empty((0, 0), np.float32)
