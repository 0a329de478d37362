"""Long signals and sounds as windows that overlap: cut apart to learn from, put together again without a seam.

Windows are weighted by a raised cosine (Hann) and divided by the sum of the weights, so that parts which were not changed
give back the whole to rounding. Sounds that follow each other go over into the next where their waves agree best.
"""

from collections.abc import Sequence

import numpy as np

from latentwalk.arrays import Array, Doubles
from latentwalk.errors import DataError

__all__ = ["aligned", "apart", "best_shift", "crossfaded", "starts", "together"]

FADE = 0.25  # of a sound, that goes over into the next
EQUAL = 1e-9  # cosines that differ by less are one
TINY = 1e-30
SEARCHED = 0.5  # of a fade: how far the next may be put later, so that waves agree


def apart(x: Array, length: int, hop: int | None = None) -> Array:
    """A long signal (T[, F]) as windows (n, length[, F]), half overlapping unless `hop` steps apart; the last ends where the
    signal does. Raises DataError where that is shorter.
    """
    if len(x) < length:
        raise DataError(f"the signal has {len(x)} steps, fewer than the {length} of a window. Use a longer signal.")
    return np.stack([x[start : start + length] for start in starts(len(x), length, hop)])


def together(parts: Array, total: int, hop: int | None = None) -> Array:
    """The signal (total[, F]) of which `apart` made these windows (n, length[, F])."""
    length = parts.shape[1]
    weight = np.hanning(length + 2)[1:-1]  # without its two zeros: every step has some weight
    shape = (-1, *[1] * (parts.ndim - 2))
    whole, weights = np.zeros((total, *parts.shape[2:])), np.zeros(total)
    for start, part in zip(starts(total, length, hop), parts, strict=True):
        whole[start : start + length] += part * weight.reshape(shape)
        weights[start : start + length] += weight
    return whole / np.where(weights > 0, weights, 1).reshape(shape)  # no step has none, but where hops are longer than windows


def aligned(parts: Array, total: int, reach: int) -> Doubles:
    """The same of sounds, each window put up to `reach` samples earlier or later, where its wave agrees best with those before.

    Windows that were decoded sound alike and are out of phase: put in their places, they would cancel.
    """
    length = parts.shape[1]
    shape = (-1, *[1] * (parts.ndim - 2))
    weight = np.hanning(length + 2)[1:-1]
    out, weights = np.zeros((total + 2 * reach, *parts.shape[2:])), np.zeros(total + 2 * reach)
    for start, part in zip(starts(total, length), np.asarray(parts, np.float64), strict=True):
        at = start + reach
        known = weights[at : at + length] > 0
        shift, over = 0, int(np.count_nonzero(known))
        if over > 2 * reach:
            there = out[at : at + over] / weights[at : at + over].reshape(shape)
            shift = -best_shift(part[:over], there[reach : over - reach])
        at += shift
        out[at : at + length] += part * weight.reshape(shape)
        weights[at : at + length] += weight
    whole = out / np.where(weights > 0, weights, 1).reshape(shape)
    return np.asarray(whole[reach : reach + total])


def best_shift(x: Array, wanted: Array) -> int:
    """How much later than in its middle a sound x (n[, C]) agrees best with a shorter one (m[, C]); 0 where that is as good."""
    middle = (len(x) - len(wanted)) // 2
    likeness = _likeness(wanted, x)
    best = int(np.argmax(likeness))
    return 0 if likeness[best] <= max(likeness[middle], 0) + EQUAL else best - middle


def starts(total: int, length: int, hop: int | None = None) -> list[int]:
    """Where windows of a signal begin: as `apart` cuts them."""
    found = list(range(0, total - length + 1, max(1, length // 2 if hop is None else hop)))
    return found if found[-1] == total - length else [*found, total - length]


def crossfaded(sounds: Sequence[Array], fade: int | None = None) -> Doubles:
    """Sounds (T[, C]), each going over into the next within `fade` samples, a quarter of the shorter unless given.

    The next is put later by up to half a fade, where its wave agrees best with what it follows: tones of one pitch do not
    cancel (Roucos & Wilgus 1985, "High quality time-scale modification for speech", SOLA). Equal sounds in one place stay what
    they are.
    """
    whole = np.asarray(sounds[0], np.float64)
    for following in sounds[1:]:
        after = np.asarray(following, np.float64)
        usual = int(FADE * min(len(whole), len(after)))
        width = max(1, min(usual if fade is None else fade, len(whole), len(after)))
        likeness = _likeness(whole[-width:], after[: width + int(SEARCHED * width)])
        after = after[int(np.argmax(likeness)) if likeness.max() > likeness[0] + EQUAL else 0 :]
        rise = (np.sin(np.pi / 2 * (np.arange(width) + 0.5) / width) ** 2).reshape(-1, *[1] * (whole.ndim - 1))
        over = whole[-width:] * (1 - rise) + after[:width] * rise
        whole = np.concatenate([whole[:-width], over, after[width:]])
    return whole


def _likeness(wanted: Array, x: Array) -> Doubles:
    """The cosine between a sound (m[, C]) and each part as long of another (n[, C]): (n - m + 1,)."""
    first, second = (part.reshape(len(part), -1).mean(1).astype(np.float64) for part in (wanted, x))
    products = np.correlate(second, first, mode="valid")
    energy = np.convolve(second**2, np.ones(len(first)), mode="valid")
    return np.asarray(products / np.sqrt(np.maximum(energy * (first @ first), TINY)))
