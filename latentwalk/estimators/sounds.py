"""Sounds of any length, rate and number of channels, and a model that learnt from windows of one: what it makes of them.

They are brought to the model's rate, cut into windows that overlap by half, and put together again where their waves agree.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from latentwalk.arrays import Array, Doubles
from latentwalk.checks import COUNTED, positive
from latentwalk.data.overlap import aligned, apart
from latentwalk.data.sources.sounds import Sound, mixed, resampled, sound
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError, DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.estimators.gaps import runs, without_gaps
from latentwalk.estimators.windows import denoised_signal

__all__ = ["denoised_sound", "gaps_in", "imputed_sound", "like_the_learnt", "reconstructed_sound", "window_of"]

ALIGNED = 16  # the part of a window that it is moved by, at most
SILENT = 32  # samples of exactly the same value, in a row, that are taken for a gap


def like_the_learnt(spec: DataSpec, given: Sound) -> Doubles:
    """A sound as (T,) or (T, C), at the rate and with the channels of those learnt from. Raises ConfigError, DataError."""
    if not spec.form.heard:
        raise ConfigError(f"this model learnt from a {spec.kind} of shape {spec.shape}, not from sounds.")
    return resampled(mixed(given.x, spec.event[0]), given.rate, spec.rate).reshape(-1, *spec.shape[1:])


def window_of(spec: DataSpec, path: Path, seconds: float = 0.0) -> Array:
    """The window of a file's sound that begins there, (*E), as the examples learnt from; silence after its end.

    Raises ConfigError, DataError.
    """
    x = like_the_learnt(spec, sound(path))
    positive("seconds", seconds, zero=True, most=COUNTED)
    start = round(seconds * spec.rate)
    if start >= len(x):
        raise ConfigError(f"{path} ends after {len(x) / spec.rate:.3g} seconds, before {seconds:g}.")
    return _padded(x[start : start + spec.shape[0]], spec.shape[0]).astype(np.float32)


def reconstructed_sound(model: Autoencoder, given: Sound) -> Sound:
    """A sound of any length, encoded and decoded window by window: as long, at the model's rate. Raises DataError."""
    spec = model.spec_
    x = like_the_learnt(spec, given)
    return replace(given, x=_reworked(spec, x, lambda some: np.asarray(model.reconstruct(some))), rate=spec.rate).within()


def denoised_sound(model: Autoencoder, given: Sound, what: str = "the sound") -> Sound:
    """A sound of any length without its noise, at its own rate, as it came otherwise. Raises DataError.

    A model of one channel takes each channel by itself. Where the model learnt at another rate, what lies above the half of the
    lower one is left out.
    """
    spec = model.spec_
    x, rate = given.x, spec.rate or given.rate
    there = resampled(x, given.rate, rate)
    whole = _padded(there, spec.shape[0]) if spec.form.heard else there
    clean = denoised_signal(model, whole, what)[: len(there)]
    back = resampled(clean, rate, given.rate)[: len(x)]
    return replace(given, x=_padded(back, len(x)))


def gaps_in(given: Sound, said: Sequence[tuple[float, float]] = ()) -> list[tuple[int, int]]:
    """The gaps of a sound, first sample and one past the last: those said, in seconds, or where a value is held.

    Held is 32 samples or more, within the sound: drop-outs are so. Raises ConfigError for a gap that is none.
    """
    if said:
        found = [(round(start * given.rate), round(end * given.rate)) for start, end in said]
        for (start, end), (first, last) in zip(said, found, strict=True):
            if not 0 <= first < last <= len(given.x):
                raise ConfigError(
                    f"gap {start:g}:{end:g} is none of a sound of {len(given.x) / given.rate:.4g} seconds. Expected START:END."
                )
        return found
    lines = given.x.reshape(len(given.x), -1)
    held = np.r_[False, (np.diff(lines, axis=0) == 0).all(1)]
    found = [(start - 1, end) for start, end in runs(held) if end - start + 1 >= SILENT]
    return [(start, end) for start, end in found if start > 0 and end < len(lines)]


def imputed_sound(model: Autoencoder, given: Sound, gaps: Sequence[tuple[int, int]]) -> Sound:
    """A sound with something for its gaps, see `gaps_in`; every other sample stays as it was.

    Raises DataError for a gap that leaves less than a quarter of a window to go by.
    """
    spec = model.spec_
    length = spec.shape[0]
    whole = given.x.copy()
    learnt = like_the_learnt(spec, given)
    share = spec.rate / given.rate
    for start, end in gaps:
        first, last = int(start * share), min(len(learnt), int(np.ceil(end * share)))
        if last - first > 3 * length // 4:
            raise DataError(
                f"a gap of {(end - start) / given.rate:.3g} seconds is too long for a model that learnt from "
                f"{length / spec.rate:.3g}. Learn from larger windows."
            )
        begin = max(0, min((first + last) // 2 - length // 2, len(learnt) - length))
        window = _padded(learnt[begin : begin + length].copy(), length)
        window[first - begin : last - begin] = np.nan
        filled = without_gaps(lambda some: np.asarray(model.reconstruct(some)), window[None].astype(np.float32))[0]
        learnt[first:last] = filled[first - begin : last - begin]
        own = resampled(learnt[begin : begin + length], spec.rate, given.rate).reshape(-1, *learnt.shape[1:])
        at = round(begin / share)
        piece = own[start - at : end - at]
        if given.x.ndim == 2 and piece.ndim == 1:
            piece = np.repeat(piece[:, None], given.x.shape[1], axis=1)
        whole[start:end] = piece[: end - start]
    return replace(given, x=whole)


def _reworked(spec: DataSpec, x: Doubles, work: Callable[[Array], Array]) -> Doubles:
    """A sound (T[, C]) of any length, its windows worked on by themselves."""
    length, total = spec.shape[0], len(x)
    whole = _padded(x, length)
    parts = np.asarray(work(apart(whole, length).astype(np.float32)), np.float64)
    return aligned(parts, len(whole), length // ALIGNED)[:total]


def _padded(x: Array, length: int) -> Array:
    """A sound (T[, C]) with silence after it, of so many samples at least."""
    return x if len(x) >= length else np.concatenate([x, np.zeros((length - len(x), *x.shape[1:]), x.dtype)])
