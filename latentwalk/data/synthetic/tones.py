"""Drawn sounds with known factors, and a reader that finds these in any sound.

A tone is a sum of overtones, each `brightness` times as strong as the one below, that begins within its attack and dies away,
with a vibrato of five turns a second and white noise under the same envelope. The sum is closed (Moorer 1976, "The synthesis of
complex audio spectra by means of discrete summation formulas", eq. 4), and ends below half the rate: nothing is heard as
something else. Where in its period a tone begins is drawn too, and is no factor: two tones that sound alike differ in every
sample, which is what makes sounds hard to learn sample by sample.

The reader takes what it is given, drawn, decoded or recorded: the pitch is that whose overtones lie on the peaks of the
spectrum, brightness is read off these peaks, the attack off the envelope, the vibrato off how the lowest overtones turn, noise
is what is left between overtones.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import minimum_filter1d

from latentwalk.arrays import Array, Doubles
from latentwalk.chance import rng_of
from latentwalk.checks import COUNTED, MADE, whole
from latentwalk.data.dataset import Dataset
from latentwalk.errors import DataError

__all__ = ["TONE_FACTORS", "factors_of_tones", "render_tones", "tones"]

TONE_RATE = 8_000
TONE_FACTORS: dict[str, tuple[float, float]] = {
    "pitch": (45.0, 81.0),  # semitones, 69 being 440 Hz: three octaves, 110 to 880 Hz
    "brightness": (0.2, 0.8),  # of an overtone to the one below
    "attack": (0.005, 0.15),  # seconds until it is as loud as it gets; drawn evenly in its logarithm
    "vibrato": (0.0, 0.5),  # semitones up and down
    "noise": (0.0, 0.3),  # deviation, beside a tone of deviation 1
}
"""What tones are drawn from, each from its lowest to its highest."""
TURNS = 5.0  # of a vibrato a second
FADE = 0.6  # seconds in which it falls to 1 / e
LOUD = 0.25  # deviation of a tone at its loudest
HIGHEST = 0.45  # of the rate: there are no overtones above it
PIECE = 256  # tones that are made at once
EDGES = np.array([0.1, 0.9])  # of the loudest, between which the attack is measured
BRIGHTEST = 1.5  # that is read: a tone whose overtones grow is none of these
FLOOR = 1e-9


def tones(n: int = 4000, *, seed: int = 0, length: int = 4096, rate: int = TONE_RATE) -> Dataset:
    """`n` sounds (n, length), float32; factors: those of `TONE_FACTORS`, (n,) each.

    >>> data = tones(8, length=2048)
    >>> data.x.shape, data.spec.kind, data.spec.rate, list(data.factors)
    ((8, 2048), 'sound', 8000, ['pitch', 'brightness', 'attack', 'vibrato', 'noise'])
    """
    whole("n", n, "sounds", least=1, most=COUNTED)
    whole("length", length, "samples", least=256, most=MADE)
    whole("rate", rate, "samples a second", least=4_000, most=192_000)
    rng = rng_of(seed)
    drawn = {name: rng.uniform(low, high, n) for name, (low, high) in TONE_FACTORS.items()}
    low, high = TONE_FACTORS["attack"]
    drawn["attack"] = low * (high / low) ** rng.random(n)
    x = render_tones(drawn, rng, length=length, rate=rate)
    return Dataset.of(x, kind="sound", rate=rate, name="tones", factors=drawn)


def render_tones(
    factors: Mapping[str, ArrayLike], rng: np.random.Generator, *, length: int = 4096, rate: int = TONE_RATE
) -> NDArray[np.float32]:
    """Sounds (n, length) of these factors, (n,) each, see `TONE_FACTORS`; phases and noise are drawn. Raises DataError."""
    missing = [name for name in TONE_FACTORS if name not in factors]
    if missing:
        raise DataError(f"a tone has {', '.join(TONE_FACTORS)}; these factors lack {', '.join(missing)}.")
    given = [np.atleast_1d(np.asarray(factors[name], np.float64)) for name in TONE_FACTORS]
    columns = np.broadcast_arrays(*given)
    x = np.empty((len(columns[0]), length), np.float32)
    for start in range(0, len(x), PIECE):
        some = {name: column[start : start + PIECE, None] for name, column in zip(TONE_FACTORS, columns, strict=True)}
        x[start : start + PIECE] = _rendered(some, rng, length, rate)
    return x


def _rendered(factors: Mapping[str, Array], rng: np.random.Generator, length: int, rate: int) -> Array:
    """Tones (n, length) of factors (n, 1) each."""
    pitch, brightness, attack, vibrato, noise = factors.values()
    t = np.arange(length) / rate
    first, turn = (2 * np.pi * rng.random(pitch.shape) for _ in range(2))
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    depth = vibrato * np.log(2) / 12  # of the frequency, nearly
    wave = frequency * (t + depth / (2 * np.pi * TURNS) * (np.sin(2 * np.pi * TURNS * t + turn) - np.sin(turn)))
    phase = ((wave % 1.0) * 2 * np.pi + first).astype(np.float32)
    r = brightness.astype(np.float32)
    count = np.maximum(1, np.floor(HIGHEST * rate / (frequency * 2 ** (vibrato / 12)))).astype(np.float32)
    last = r**count
    tone = r * np.sin(phase) - r * last * (np.sin((count + 1) * phase) - r * np.sin(count * phase))
    tone /= 1 + r * r - 2 * r * np.cos(phase)
    power = r * r * (1 - last * last) / (1 - r * r) / 2
    envelope = np.sin(np.pi / 2 * np.clip(t / attack, 0, 1)) ** 2 * np.exp(-t / FADE)
    rough = noise.astype(np.float32) * rng.standard_normal(tone.shape, np.float32)
    return LOUD * envelope.astype(np.float32) * (tone / np.sqrt(power) + rough)


# ---------------------------------------------------------------------- read back


def factors_of_tones(x: ArrayLike, rate: int = TONE_RATE) -> dict[str, Doubles]:
    """The factors of sounds x (n, T), by name, (n,) each, in the units of `TONE_FACTORS`; NaN for what is silent.

    The pitch is looked for from 55 to 1,760 Hz. Raises DataError: shorter than 1,024 samples or an eighth of a second.
    """
    sounds = np.atleast_2d(np.asarray(x, np.float64))
    if sounds.ndim != 2 or sounds.shape[1] < max(1024, rate // 8):
        raise DataError(f"expected sounds (n, T) of {max(1024, rate // 8):,} samples or more; got {sounds.shape}.")
    found = [_read(one, rate) for one in sounds]
    return {name: np.array([one[at] for one in found]) for at, name in enumerate(TONE_FACTORS)}


def _read(x: Doubles, rate: int) -> tuple[float, float, float, float, float]:
    if not np.isfinite(x).all() or np.abs(x).max() < FLOOR:
        return (np.nan,) * 5
    frequency = _pitch(x, rate)
    brightness, noise = _overtones(x, rate, frequency)
    return 69 + 12 * np.log2(frequency / 440), brightness, _attack(x, rate, frequency), _vibrato(x, rate, frequency), noise


def _spectrum(x: Doubles, size: int) -> Doubles:
    return np.abs(np.fft.rfft(x * np.hanning(len(x)), size))


def _pitch(x: Doubles, rate: int) -> float:
    """The fundamental frequency: the best of those in steps of an eighth of a semitone, then finer.

    A frequency is as good as the amplitudes at its overtones together, each less what is half-way to the next; an octave below
    has half of these in gaps, an octave above misses half of the peaks.
    """
    size = 1 << int(np.ceil(np.log2(4 * len(x))))
    amplitude = np.sqrt(_spectrum(x, size))
    grid = 55 * 2 ** (np.arange(0, 60 * 8 + 1) / 96)

    def quality(frequencies: Doubles) -> Doubles:
        k = np.arange(1, 13)
        at, between = (frequencies[:, None] * place * size / rate for place in (k, k - 0.5))
        heard = np.where(at < amplitude.size - 1, 0.84 ** (k - 1), 0)
        bins = np.arange(amplitude.size)
        peaks, gaps = (np.interp(place, bins, amplitude, right=0) for place in (at, between))
        return (heard * (peaks - gaps)).sum(1)

    best = grid[int(np.argmax(quality(grid)))]
    for width in (1 / 96, 1 / 960):
        near = best * 2 ** (np.linspace(-1.5, 1.5, 31) * width)
        best = near[int(np.argmax(quality(near)))]
    return float(best)


def _overtones(x: Doubles, rate: int, frequency: float) -> tuple[float, float]:
    """How much weaker each overtone is than the one below, and the deviation of what is no overtone, by that of the tone."""
    size = 1 << int(np.ceil(np.log2(len(x))))
    power = _spectrum(x, size) ** 2
    step = frequency * size / rate
    place = np.arange(power.size) / step  # in units of the fundamental
    near = np.rint(place)
    wide = np.maximum(0.03 * near, 3 * size / len(x) / step)  # a vibrato widens high overtones more
    tonal = (np.abs(place - near) < np.minimum(wide, 0.35)) & (near >= 1)
    count = int(min(12, HIGHEST * rate / frequency))
    strength = np.array([power[tonal & (near == k)].sum() for k in range(1, count + 1)])
    rest = ~tonal & (place > 0.5)
    level = float(np.median(power[rest])) / np.log(2) if rest.any() else 0.0  # of an exponential law: its mean
    noise = level * power.size
    widths = np.array([(tonal & (near == k)).sum() for k in range(1, count + 1)])
    clear = (strength - level * widths).clip(min=FLOOR * strength.max())
    kept = np.flatnonzero(clear > 2 * level * widths + 1e-5 * clear.max())
    if len(kept) > 1:
        weight = np.sqrt(clear[kept])
        slope = np.polyfit(kept, 0.5 * np.log(clear[kept]), 1, w=weight / weight.max())[0]
        brightness = float(np.exp(slope))
    else:
        brightness = float(np.sqrt(clear[1] / clear[0])) if count > 1 else 0.0
    return min(brightness, BRIGHTEST), float(np.sqrt(noise / max(clear.sum(), FLOOR)))


def _attack(x: Doubles, rate: int, frequency: float) -> float:
    """Seconds from the beginning to the loudest: the time between a tenth and nine tenths of it, by the share that this is."""
    width = max(2, round(rate / frequency))  # a period
    kernel = np.hanning(2 * width + 1)
    padded = np.concatenate([np.zeros(width), x * x, np.full(width, (x[-2 * width :] ** 2).mean())])
    envelope = np.sqrt(np.convolve(padded, kernel / kernel.sum(), mode="valid"))
    envelope *= np.exp(np.arange(len(envelope)) / rate / FADE)
    loud = float(np.median(np.sort(envelope)[len(envelope) // 2 :]))
    rises = [np.flatnonzero(envelope >= share * loud) for share in EDGES]
    if not all(len(some) for some in rises):
        return np.nan
    first, last = (int(some[0]) for some in rises)
    share = np.diff(np.arcsin(np.sqrt(EDGES)) * 2 / np.pi)[0]
    return max(0.0, (last - first) / rate / share)


def _vibrato(x: Doubles, rate: int, frequency: float) -> float:
    """Semitones that the fundamental goes up and down: its phase, followed through the tone, beside a turning one."""
    t = np.arange(len(x)) / rate
    width = max(8, round(3 * rate / frequency))
    kernel = np.hanning(2 * width + 1)
    low = np.convolve(x * np.exp(-2j * np.pi * frequency * t), kernel / kernel.sum(), mode="same")
    loud = minimum_filter1d(np.abs(low), width)
    phase = np.unwrap(np.angle(low))
    weight = np.where(loud > 0.1 * loud.max(), np.abs(low), 0.0)
    weight[: width // 2], weight[-width // 2 :] = 0, 0
    turn = 2 * np.pi * TURNS * t
    columns = np.stack([np.ones_like(t), t, np.sin(turn), np.cos(turn)], axis=1)
    found = np.linalg.lstsq(columns * weight[:, None], phase * weight, rcond=None)[0]
    swing = np.hypot(found[2], found[3]) * TURNS / frequency  # of the frequency, by which it goes up and down
    return float(12 * swing / np.log(2))
