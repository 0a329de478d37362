"""Drawn tones: what models of sounds give back, what lies between two of them, and whether it clicks.

    python benchmarks/sound.py [--n 3000] [--length 2048] [--epochs 20] [--seeds 1]

`tones` at 8,000 samples a second, five sixths to learn from, 500 others to judge by; VAEs of 8 numbers, all with as many
epochs, in batches of 32 at a learning rate of 2e-3. Beside the model as it comes: the same without its spectral term, a plain
one (a Gaussian of the samples, so mean squared error; convolutions on the wave, channels chosen for as many
weights), that with the spectral term, and PCA of the samples with as many components.

LSD, the log-spectral distance: the root of the mean squared difference of log-magnitudes, in dB (windows of 256 and 1,024
samples, power averaged over 3 x 3 neighbours); that of each sound to another one drawn is beside it. Nats: the bound on
log p(x) a sound. Loudness: the deviation of what is decoded by that of the original. Factors are read back by
`factors_of_tones`, which never sees how a tone was drawn: of reconstructions against what is read in the original, of blends of
two (codes' mean) against half-way between what is read in the parents, pitch in semitones (half-way in octaves), attack in ms,
mean errors; by chance: against half-way between two others. Clicks: walks between 50 pairs, 7 steps; the largest step from
one sample to the next in the walk's sound, by the 99.9 % quantile of those of the training sounds, and the share of walks (and
of training sounds) above it; beside it the same sounds put one after the other. Gaps: the middle of 100 sounds is missing; what
is put there by `impute` (of a model of whole sounds), a straight line, or autoregression of order 64 (least squares, Janssen et
al. 1986, three times), by its signal to noise ratio there, in dB, and by its LSD over the 1,024 samples around; medians. Writes
benchmarks/results/sound.md.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from common.facts import RESULTS, facts, put_section
from scipy.linalg import solve_toeplitz
from sklearn.decomposition import PCA

from latentwalk import RECIPES, Autoencoder, Dataset, Network, load
from latentwalk.data.synthetic import TONE_FACTORS, factors_of_tones
from latentwalk.models.spectral import log_spectral_distance

LATENT, JUDGED, PAIRS, WALKS, STEPS = 8, 500, 300, 50, 7
UNITS = {"pitch": 1.0, "brightness": 1.0, "attack": 1000.0, "vibrato": 1.0, "noise": 1.0}
DECIBELS = 20 / np.log(10)
PLAIN = Network("conv", channels=(32, 48, 64, 96, 96, 128), widths=(256,))
MODELS: dict[str, tuple[float | None, dict[str, Any]]] = {
    "as it comes": (None, {}),
    "without the spectral term": (0.0, {}),
    "plain: mean squared error": (0.0, {"likelihood": "gaussian", "network": PLAIN}),
    "plain, with the spectral term": (None, {"likelihood": "gaussian", "network": PLAIN}),
}
HEAD = (
    "| model | weights | LSD, dB | nats | loudness | pitch | brightness | attack, ms | vibrato | noise | seconds |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)
BLENDS = (
    "| blends | pitch, mean (median) | brightness | attack, ms | vibrato | noise |\n| --- | ---: | ---: | ---: | ---: | ---: |"
)
GAPS, FILLED, AROUND, ORDER = (64, 256, 512), 100, 1024, 64
IMPUTED = "| gaps | " + " | ".join(f"{gap}: SNR, dB | LSD, dB" for gap in GAPS) + " |\n| --- |" + " ---: | ---: |" * len(GAPS)
CLICKS = (
    "| walks | largest step, median (most) | walks above | put together, median | above |\n| --- | ---: | ---: | ---: | ---: |"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=3000)
    parser.add_argument("--length", type=int, default=2048)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=list(MODELS))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for seed in range(asked.seeds):
        train = load("tones", n=asked.n, seed=2 * seed, length=asked.length)
        test = load("tones", n=JUDGED, seed=2 * seed + 1, length=asked.length, split="all")
        tables = judged_pca(train, test)
        for name in asked.only:
            for table, row in zip(tables, judged(name, train, test, asked.epochs, seed), strict=True):
                table.append(row)
            heads = (HEAD, BLENDS, CLICKS, IMPUTED)
            text = "\n\n".join("\n".join([head, *table]) for head, table in zip(heads, tables, strict=True))
            about = f"{facts('torch', 'numpy', 'scipy', 'latentwalk')} Script: `benchmarks/sound.py`."
            told = f"{len(train):,} tones of {asked.length:,} samples, {asked.epochs} epochs, seed {seed}; seconds of one core."
            put_section(RESULTS / "sound.md", f"Tones, seed {seed}", f"{about} {told}\n\n{text}")


def judged(name: str, train: Dataset, test: Dataset, epochs: int, seed: int) -> tuple[str, str, str, str]:
    """A row of each table."""
    spectral, options = MODELS[name]
    recipe = RECIPES["vae"].with_params({"name": "tones", "spectral": spectral})
    model = Autoencoder(
        recipe, latent=LATENT, epochs=epochs, batch_size=32, learning_rate=2e-3, random_state=seed, progress=False, **options
    )
    start = time.process_time()
    model.fit(train)
    seconds = time.process_time() - start
    weights = sum(part.numel() for part in model.model_.parameters())
    nats = f"{float(model.score_samples(test.x[:100]).mean()):,.0f}"
    row = _row(name, f"{weights:,}", nats, test, np.asarray(model.reconstruct(test.x)), train, seconds)
    z = model.transform(test.x)
    gaps = _imputed(name, train, test, model.impute)
    return row, _blended(name, test, z, model.inverse_transform), _clicks(name, train, test, model), gaps


def judged_pca(train: Dataset, test: Dataset) -> tuple[list[str], list[str], list[str], list[str]]:
    start = time.process_time()
    pca = PCA(LATENT, random_state=0).fit(train.x)
    seconds = time.process_time() - start
    z = pca.transform(test.x)
    back = pca.inverse_transform(z).astype(np.float32)
    others = np.roll(test.x, 1, axis=0)
    chance = _row("another tone", "", "", test, others, train, 0.0)
    row = _row("PCA", f"{pca.components_.size:,}", "", test, back, train, seconds)
    read = factors_of_tones(test.x)
    a, b = _pairs(len(test.x))
    halfway = {one: UNITS[one] * (read[one][a] + read[one][b]) / 2 for one in TONE_FACTORS}
    errors = {one: np.abs(values - np.roll(values, 1)) for one, values in halfway.items()}
    blends = [_errors("by chance", errors), _blended("PCA", test, z, pca.inverse_transform)]
    ways = (("a straight line", _straight), ("autoregression", _autoregressive))
    return [chance, row], blends, [], [_imputed(name, train, test, filled) for name, filled in ways]


def _row(name: str, weights: str, nats: str, test: Dataset, back: Any, train: Dataset, seconds: float) -> str:
    scale = float(train.x.std())
    pair = (torch.from_numpy(np.asarray(x, np.float32) / scale) for x in (back, test.x))
    apart = DECIBELS * float(log_spectral_distance(*pair).mean()) ** 0.5
    found, known = factors_of_tones(back), factors_of_tones(test.x)
    errors = [UNITS[one] * np.nanmean(np.abs(found[one] - known[one])) for one in TONE_FACTORS]
    said = " | ".join(_told(error) for error in errors)
    return f"| {name} | {weights} | {apart:.2f} | {nats} | {back.std() / test.x.std():.2f} | {said} | {seconds:,.0f} |"


def _pairs(count: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.permutation(count)[:PAIRS], rng.permutation(count)[:PAIRS]


def _blended(name: str, test: Dataset, z: Any, decode: Any) -> str:
    a, b = _pairs(len(z))
    found, read = factors_of_tones(decode((z[a] + z[b]) / 2)), factors_of_tones(test.x)
    return _errors(name, {o: UNITS[o] * np.abs(found[o] - (read[o][a] + read[o][b]) / 2) for o in TONE_FACTORS})


def _errors(name: str, errors: dict[str, Any]) -> str:
    others = " | ".join(_told(np.nanmean(errors[one])) for one in list(TONE_FACTORS)[1:])
    return f"| {name} | {np.nanmean(errors['pitch']):.2f} ({np.nanmedian(errors['pitch']):.2f}) | {others} |"


def _told(error: float) -> str:
    return f"{error:.3f}" if error < 1 else f"{error:.1f}" if error < 1000 else "unread"


def _clicks(name: str, train: Dataset, test: Dataset, model: Autoencoder) -> str:
    own = np.abs(np.diff(train.x, axis=1))
    limit = float(np.quantile(own, 0.999))
    space = model.space(test.x)
    walked, hard = [], []
    for at in range(WALKS):
        walk = space.walk(2 * at, 2 * at + 1, steps=STEPS)
        walked.append(float(np.abs(np.diff(walk.sound.x)).max()) / limit)
        hard.append(float(np.abs(np.diff(np.concatenate(list(walk.x)))).max()) / limit)
    share = float((own.max(1) > limit).mean())
    above = f"{np.mean(np.array(walked) > 1):.2f} (training sounds {share:.2f})"
    beside = f"{np.median(hard):.2f} | {np.mean(np.array(hard) > 1):.2f}"
    return f"| {name} | {np.median(walked):.2f} ({max(walked):.2f}) | {above} | {beside} |"


def _imputed(name: str, train: Dataset, test: Dataset, fill: Callable[[Any], Any]) -> str:
    cells = []
    for gap in GAPS:
        start = (test.x.shape[1] - gap) // 2
        holed = np.array(test.x[:FILLED], np.float32)
        holed[:, start : start + gap] = np.nan
        found, true = np.asarray(fill(holed), np.float64), np.asarray(test.x[:FILLED], np.float64)
        inside = slice(start, start + gap)
        wrong = ((found - true)[:, inside] ** 2).sum(1)
        ratio = 10 * np.log10((true[:, inside] ** 2).sum(1) / wrong)
        middle = slice((test.x.shape[1] - AROUND) // 2, (test.x.shape[1] + AROUND) // 2)
        pair = (torch.from_numpy((x[:, middle] / train.x.std()).astype(np.float32)) for x in (found, true))
        apart = DECIBELS * log_spectral_distance(*pair).sqrt()
        cells += [f"{np.median(ratio):.1f}", f"{float(apart.median()):.2f}"]
    return f"| {name} | {' | '.join(cells)} |"


def _straight(x: Any) -> Any:
    """A line from the last sample before a gap to the first after it."""
    at = np.arange(x.shape[1])
    return np.stack([np.interp(at, at[~np.isnan(row)], row[~np.isnan(row)]) for row in x])


def _autoregressive(x: Any, times: int = 3) -> Any:
    """What makes the errors of a linear prediction smallest; the prediction is learnt from the whole, as filled in before."""
    filled = np.where(np.isnan(x), 0, x).astype(np.float64)
    for row, holed in zip(filled, np.isnan(x), strict=True):
        gone = np.flatnonzero(holed)
        first, last = gone[0] - ORDER, gone[-1] + ORDER + 1
        for _ in range(times):
            lags = np.correlate(row, row, "full")[len(row) - 1 :][: ORDER + 1]
            lags[0] *= 1 + 1e-9
            errors = np.r_[1, -solve_toeplitz(lags[:ORDER], lags[1:])][::-1]
            size = last - first
            banded = np.zeros((size - ORDER, size))
            for at in range(size - ORDER):
                banded[at, at : at + ORDER + 1] = errors
            inner = slice(ORDER, size - ORDER)
            given = row[first:last].copy()
            given[inner] = 0
            row[gone] = np.linalg.lstsq(banded[:, inner], -banded @ given, rcond=None)[0]
    return filled


if __name__ == "__main__":
    main()
