"""Gaps in sounds, filled by linear prediction, and, where that has faded, by what a model takes the whole for.

A linear prediction carries waves on into a gap, from both ends at once, and keeps their phases; it fades in a long one. What
a model decodes does not fade; it sounds as it should and starts anywhere in its wave, so it is put where its wave agrees with
what is heard before the gap, and once more with what is heard after it; in the gap one goes over into the other; at its ends
nothing jumps.

Source of the prediction: Janssen, Veldhuis & Vries 1986, "Adaptive interpolation of discrete-time signals that can be modeled
as autoregressive processes".
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, solve_toeplitz, solveh_banded
from scipy.ndimage import uniform_filter1d
from scipy.signal import correlate

from latentwalk.arrays import Array, Doubles
from latentwalk.data.overlap import best_shift

__all__ = ["runs", "without_gaps"]

TIMES = 4  # that what was filled in is looked at again (Rezende et al. 2014, appendix F)
CONTEXT, REACH = 256, 128  # samples by which waves are compared, and that they are moved by, at most
SOFT = 32  # samples over which a step at the end of a gap is evened out
ORDERS = (25, 50, 100, 200, 400)  # samples by which the next may be foretold
RIDGE = 1e-9  # of the power: noise that is always there
AROUND = 1600  # samples on either side of a gap by which the prediction is learnt, at most
ROUNDS = 3  # that the prediction is learnt again, from what it filled in
FADED = 1 / 16  # of the power that the model says: where a prediction has less, the model is heard
POWER = 64  # samples over which power is taken
LOUDER, OFTEN = 4.0, 0.25  # of the power of model and quieter side; a prediction with more in this share of a gap is not heard
BESIDE = 256  # samples on either side that are asked how loud it is
FEW, LONGER = 8, 8  # samples of a gap for which a prediction is learnt once only; its order in lengths of the gap, at most


def without_gaps(reconstruct: Callable[[Array], Array], x: Array) -> Array:
    """Sounds x (n, T[, C]) with something for NaN; what was there stays exactly as it was. A copy.

    reconstruct: sounds (n, T[, C]) → what a model makes of them.
    """
    filled = np.array(x)
    missing = np.isnan(x)
    rows = np.flatnonzero(missing.reshape(len(x), -1).any(1))
    if not len(rows):
        return filled
    some, gone = np.where(missing[rows], 0, x[rows]), missing[rows]
    for _ in range(TIMES):
        some = np.where(gone, reconstruct(some), some)
    found = reconstruct(some)
    for at, row in enumerate(rows):
        for start, end in runs(gone[at].reshape(len(some[at]), -1).any(1)):
            piece = _bridge(some[at], found[at], start, end)
            some[at, start:end] = np.where(gone[at, start:end], piece, some[at, start:end])
            wave = some[at].reshape(len(some[at]), -1)
            carried = np.stack([_carried(channel, start, end) for channel in wave.T], axis=1).reshape(piece.shape)
            filled[row, start:end] = np.where(gone[at, start:end], carried, some[at, start:end])
    return filled


def runs(marked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where True stands in one piece, (T,): first, and one past the last.

    >>> runs(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.r_[False, marked, False].astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _carried(x: Array, start: int, end: int) -> Doubles:
    """What goes from `start` to `end` of one channel (T,), in which the model's share of it stands already."""
    first, size = max(0, start - AROUND), end - start
    row = x[first : end + AROUND].astype(np.float64)
    begin = start - first
    forward = begin >= len(row) - begin - size  # the longer side comes first, and the prediction goes on from there
    row, begin = (row, begin) if forward else (row[::-1].copy(), len(row) - begin - size)
    inside = slice(begin, begin + size)
    middle = (row.sum() - row[inside].sum()) / max(len(row) - size, 1)
    row -= middle
    said = row[inside].copy()
    sides = [side for side in (row[max(0, begin - BESIDE) : begin], row[begin + size :][:BESIDE]) if len(side)]
    try:
        for _ in range(ROUNDS if size >= FEW else 1):
            row[inside] = _foretold(row, inside, size)
    except LinAlgError:  # silence, too short, or a wave that is foretold exactly
        row[inside] = 0
    found, least = row[inside], np.finfo(float).tiny
    power, wanted = (uniform_filter1d(one**2, min(POWER, size), mode="nearest") for one in (found, said))
    bearable = LOUDER * np.maximum(wanted, min((float((side**2).mean()) for side in sides), default=0.0))
    if (power > bearable).mean() > OFTEN:  # a burst nearby has decided, of which the gap has nothing
        found, power = np.zeros_like(found), np.zeros_like(power)
    share = np.clip(1 - power / (FADED * np.maximum(wanted, least)), 0, 1)
    return np.asarray(found + np.sqrt(share) * said + middle)[:: 1 if forward else -1]


def _foretold(row: Doubles, inside: slice, size: int) -> Doubles:
    """What makes the errors of a linear prediction of a wave (T,) smallest inside of it. Raises LinAlgError."""
    weights = _prediction(row, len(row) - size, LONGER * size)
    order = len(weights) - 1
    near = slice(max(0, inside.start - order), inside.stop + order)
    begin = inside.start - near.start
    known = row[near].copy()
    known[begin : begin + size] = 0
    errors = np.convolve(known, weights)
    errors[len(known) :] = 0  # of what nobody heard, or what is in the gap has no part in
    towards = np.correlate(errors, weights)[begin : begin + size]
    lags = range(min(order + 1, size))
    products = np.array([np.r_[np.zeros(lag), weights[lag:] * weights[: order + 1 - lag]] for lag in lags])
    told = np.minimum(len(row) - 1 - np.arange(inside.start, inside.stop), order)  # samples after it whose errors are heard
    band = products.cumsum(1)[:, told]
    band *= np.arange(size) < size - np.arange(len(band))[:, None]
    return np.asarray(solveh_banded(band, -towards, lower=True))


def _prediction(row: Doubles, known: int, most: int) -> Doubles:
    """1 and the weights (p,) of the samples before one whose sum with it is least, of the longest order that is worth it.

    By Akaike's criterion it must be worth more than the shortest; the longer, the less it fades. most: the longest, or the
    shortest there is.
    """
    orders = [order for order in ORDERS if 3 * order <= known and order <= max(most, ORDERS[0])]
    lags = correlate(row, row, "full", "fft")[len(row) - 1 :][: max(orders, default=0) + 1]
    if not orders or not lags[0] > 0:
        raise LinAlgError
    lags[0] *= 1 + RIDGE

    def weighed(order: int) -> tuple[Doubles, float]:
        weights = np.r_[1.0, -solve_toeplitz(lags[:order], lags[1 : order + 1])]
        return weights, known * np.log(max(weights @ lags[: order + 1], RIDGE * lags[0])) + 2 * len(weights)

    shortest, bound = weighed(orders[0])
    for order in reversed(orders[1:]):
        weights, cost = weighed(order)
        if cost <= bound:
            return weights
    return shortest


def _bridge(x: Array, found: Array, start: int, end: int) -> Doubles:
    """What goes from `start` to `end` of a sound x (T[, C]), of another that sounds like it."""
    ends = [_moved(x, found, start, end, before) for before in (True, False)]
    rise = (np.sin(np.pi / 2 * (np.arange(end - start) + 0.5) / (end - start)) ** 2).reshape(-1, *[1] * (x.ndim - 1))
    return np.asarray(ends[0] * (1 - rise) + ends[1] * rise)


def _moved(x: Array, found: Array, start: int, end: int, before: bool) -> Doubles:
    """The part of `found` for the gap, moved to agree with what lies before it, or after, and evened out at that end."""
    first, last = (max(0, start - CONTEXT), start) if before else (end, min(len(x), end + CONTEXT))
    padded = np.pad(found.astype(np.float64), [(REACH, REACH)] + [(0, 0)] * (x.ndim - 1))
    shift = best_shift(padded[first : last + 2 * REACH], x[first:last]) if last - first > SOFT else 0
    piece = padded[start + REACH + shift : end + REACH + shift].copy()
    beside = start - 1 if before else end
    if 0 <= beside < len(x):
        step = x[beside] - padded[beside + REACH + shift]
        width = min(SOFT, end - start)
        fall = (np.cos(np.pi / 2 * (np.arange(width) + 1) / (width + 1)) ** 2).reshape(-1, *[1] * (x.ndim - 1))
        if before:
            piece[:width] += step * fall
        else:
            piece[len(piece) - width :] += step * fall[::-1]
    return piece
