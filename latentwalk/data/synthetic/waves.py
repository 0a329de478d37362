"""Drawn signals with known factors: waves, chirps, bursts, steps and pulses, free of noise.

Each is a sum of one to three parts, each part of one of five kinds, then standardised to deviation 1. The main part's kind is
the class. What makes a signal hard to clean is all there: edges that windows blur, tones that polynomials miss.
"""

import numpy as np
from numpy.typing import NDArray

from latentwalk.chance import rng_of
from latentwalk.checks import COUNTED, MADE, whole
from latentwalk.data.dataset import Dataset

__all__ = ["WAVES", "signals"]

WAVES = ("wave", "chirp", "burst", "steps", "pulses")
PARTS = 3
Array = NDArray[np.float64]


def signals(n: int = 4000, *, seed: int = 0, length: int = 128) -> Dataset:
    """`n` signals (n, length), float32; the class is the kind of the main part; factors: its frequency, and how many parts.

    >>> data = signals(20)
    >>> data.x.shape, data.spec.kind
    ((20, 128), 'signal')
    """
    whole("n", n, "signals", least=1, most=COUNTED)
    whole("length", length, "steps", least=16, most=MADE)
    rng = rng_of(seed)
    t = np.linspace(0, 1, length)
    kinds, parts = rng.integers(0, len(WAVES), n), rng.integers(1, PARTS + 1, n)
    x, frequency = np.empty((n, length), np.float32), np.empty(n)
    for row in range(n):
        main, frequency[row] = _drawn(rng, t, WAVES[kinds[row]])
        others = [0.5 * _drawn(rng, t, WAVES[rng.integers(len(WAVES))])[0] for _ in range(parts[row] - 1)]
        total = np.sum([main, *others], axis=0)
        x[row] = (total - total.mean()) / total.std()
    data = Dataset.of(x, np.array(WAVES)[kinds], kind="signal", name="signals")
    return Dataset(data.x, data.spec, data.y, data.classes, "signals", factors={"frequency": frequency, "parts": parts})


def _drawn(rng: np.random.Generator, t: Array, kind: str) -> tuple[Array, float]:
    """One part (length,), and its frequency: turns, or changes, over the whole signal."""
    f, phase = rng.uniform(2, 9), rng.uniform(0, 2 * np.pi)
    match kind:
        case "wave":
            return np.sin(2 * np.pi * f * t + phase), f
        case "chirp":
            return np.sin(2 * np.pi * (f / 2 * t + f / 2 * t**2) + phase), f
        case "burst":
            centre, width = rng.uniform(0.2, 0.8), rng.uniform(0.05, 0.15)
            return np.exp(-0.5 * ((t - centre) / width) ** 2) * np.sin(2 * np.pi * 2 * f * t + phase), 2 * f
        case "steps":
            count = rng.integers(2, 6)
            edges = np.sort(rng.uniform(0.1, 0.9, count))
            return rng.normal(size=count + 1)[np.searchsorted(edges, t)] + 1e-3 * t, float(count)
        case _:
            turn = (f * t + phase) % 1.0
            return np.exp(-0.5 * ((turn - 0.3) / 0.05) ** 2) - 0.4 * np.exp(-0.5 * ((turn - 0.55) / 0.1) ** 2), f
