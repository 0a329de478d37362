"""What people use against noise without learning a network: the rivals of a denoising autoencoder, each at its best.

    median, mean, gaussian   a window that slides over pixels or steps                      SciPy
    wavelet                  shrinkage of wavelet coefficients (Chang et al. 2000)          scikit-image, PyWavelets
    savitzky-golay           a polynomial through a sliding window; signals                 SciPy
    linear                   the best affine map from noisy to clean examples               least squares

All but the last have something to choose (a width, a wavelet): `tuned` chooses it on clean examples, for each level of noise.
Arrays are images (n, H, W[, C]) or signals (n, T[, F]), in units of their range or deviation.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage
from scipy.signal import savgol_filter

from latentwalk.arrays import Array
from latentwalk.errors import ConfigError, unknown
from latentwalk.surroundings import hushed, imported

__all__ = ["FILTERS", "Filter", "Linear", "filters_for", "tuned"]

Denoise = Callable[[Array], Array]
INSTALL = "wavelet shrinkage needs scikit-image and PyWavelets. Install them with: pip install 'latentwalk[denoise]'"
RIDGE = 1e-4  # of the mean variance, added to that of the noisy values: where some never vary


@dataclass(frozen=True, slots=True)
class Filter:
    """A way to take noise away. choices: what may be chosen. apply: (x (n, *S), choice, axes of pixels or steps) → (n, *S)."""

    choices: tuple[Any, ...]
    apply: Callable[[Array, Any, tuple[int, ...]], Array]
    images: bool = True


@dataclass(frozen=True, slots=True)
class Linear:
    """x → A x + b, with the least mean squared error from noisy to clean examples.

    For clean values of covariance C and noise of variance s², A = C (C + s² I)^-1: the Wiener filter.
    """

    matrix: Array
    shift: Array

    @classmethod
    def fit(cls, clean: Array, noisy: Array) -> "Linear":
        """Learn from pairs (n, *S)."""
        y, x = (part.reshape(len(part), -1).astype(np.float64) for part in (clean, noisy))
        mean_x, mean_y = x.mean(0), y.mean(0)
        both = (x - mean_x).T @ (x - mean_x) / len(x)
        both[np.diag_indices_from(both)] += RIDGE * max(np.trace(both) / len(both), 1e-12)
        matrix = np.linalg.solve(both, (x - mean_x).T @ (y - mean_y) / len(x)).T
        return cls(matrix, mean_y - matrix @ mean_x)

    def __call__(self, noisy: Array) -> Array:
        return (noisy.reshape(len(noisy), -1) @ self.matrix.T + self.shift).reshape(noisy.shape)


def filters_for(image: bool) -> list[str]:
    """The names of the rivals that fit images, or signals."""
    return [name for name, one in FILTERS.items() if one.images or not image] + ["linear"]


def tuned(name: str, clean: Array, noisy: Array, *, image: bool, channels: bool) -> tuple[Denoise, Any]:
    """The filter of that name with the choice that does best on these pairs (n, *S), and that choice.

    channels: whether the last axis is one of channels. Raises ConfigError for an unknown name, or a package that is missing.
    """
    if name == "linear":
        return Linear.fit(clean, noisy), None
    if name not in filters_for(image):
        raise unknown("filter", name, filters_for(image))
    axes = tuple(range(1, clean.ndim - channels))
    one = FILTERS[name]
    fitting = [choice for choice in one.choices if _fits(name, choice, clean.shape[1])]
    errors = [float(np.square(one.apply(noisy, choice, axes) - clean).mean()) for choice in fitting]
    best = fitting[int(np.argmin(errors))]
    return lambda x: one.apply(x, best, axes), best


def _fits(name: str, choice: Any, length: int) -> bool:
    return name != "savitzky-golay" or choice[0] <= length


def _median(x: Array, width: int, axes: tuple[int, ...]) -> Array:
    return ndimage.median_filter(x, size=_sizes(x, width, axes), mode="nearest")


def _mean(x: Array, width: int, axes: tuple[int, ...]) -> Array:
    return ndimage.uniform_filter(x, size=_sizes(x, width, axes), mode="nearest")


def _gaussian(x: Array, deviation: float, axes: tuple[int, ...]) -> Array:
    return ndimage.gaussian_filter(x, deviation, axes=axes, mode="nearest")


def _savitzky_golay(x: Array, choice: tuple[int, int], axes: tuple[int, ...]) -> Array:
    return savgol_filter(x, *choice, axis=axes[0], mode="interp")


def _wavelet(x: Array, choice: tuple[str, str], axes: tuple[int, ...]) -> Array:
    """Each example, and each of its channels, by itself; the deviation of the noise is estimated, as in use."""
    try:
        imported("pywt")
        shrink = imported("skimage.restoration").denoise_wavelet
    except ImportError as error:
        raise ConfigError(INSTALL) from error
    method, wavelet = choice
    channel = None if len(axes) == x.ndim - 1 else -1
    with hushed():  # of a constant example, which has no noise, and of one that is short
        found = [shrink(one, method=method, wavelet=wavelet, channel_axis=channel, rescale_sigma=False) for one in x]
    return np.where(np.isfinite(found), found, x)


def _sizes(x: Array, width: int, axes: Iterable[int]) -> list[int]:
    return [width if axis in set(axes) else 1 for axis in range(x.ndim)]


def _windows(widths: Sequence[int], orders: Sequence[int]) -> tuple[tuple[int, int], ...]:
    return tuple((width, order) for width in widths for order in orders if order < width)


FILTERS = {
    "median": Filter((1, 3, 5, 7, 9), _median),
    "mean": Filter((1, 3, 5, 7, 9), _mean),
    "gaussian": Filter((0.01, 0.4, 0.6, 0.8, 1.0, 1.3, 1.7, 2.2, 3.0, 4.0), _gaussian),
    "wavelet": Filter(
        tuple((method, name) for method in ("BayesShrink", "VisuShrink") for name in ("db1", "db2", "sym8")), _wavelet
    ),
    "savitzky-golay": Filter(_windows((5, 7, 9, 11, 15, 21, 31), (1, 2, 3, 4)), _savitzky_golay, images=False),
}
