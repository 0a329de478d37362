"""The default call against noise, `Autoencoder("denoising").fit(x)` and `.denoise(noisy)`, beside filters told everything.

    LATENTWALK_DATA=../shared/data python benchmarks/default_denoising.py [--seeds 3] [--only mnist] [--keep FILE]

The model is given no option and no level of noise. Each filter has the setting that is best at that level for the very
examples it is judged by, which it chooses on the first of them by their clean versions; the linear one learns from pairs of
that level; BM3D is told the level, as it was before values were clipped. Levels are in units of an image's range (and images
clipped to it) or of a signal's deviation. Seven data sets: MNIST and Fashion-MNIST (15,000 each), faces of LFW (gray, 32x32),
photographs (LFW in colour, 64x64: 1,000), drawn signals, drawn sounds (2,500 of half a second), ECG5000. BM3D takes a second an
image, so it is judged on the first few alone. Writes a section of benchmarks/results/denoising.md, and of defaults.md.
"""

import argparse
import os
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, earlier, facts, keep, put_section
from PIL import Image
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

from latentwalk import Autoencoder, Dataset, load
from latentwalk.data.corruption import Corruption
from latentwalk.studies.denoising import psnr, spoilt
from latentwalk.studies.filters import FILTERS, Linear
from latentwalk.training.runtime import one_thread

FOLDER = Path(os.environ.get("LATENTWALK_DATA", "../shared/data"))
LEVELS = (0.1, 0.2, 0.3, 0.5, 0.8)
CHOSEN, FEW = 40, 5  # examples on which a filter's setting is chosen; and on which BM3D is judged
MANY = 15_000  # images that are learnt from, at most
PAIRS = 10_000  # that the linear filter learns from
WIDE = 2_000  # values of an example, beyond which its covariance is taken from components


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", choices=tuple(SETS))
    parser.add_argument("--keep", type=Path, default=Path("runs/default_denoising.jsonl"))
    asked = parser.parse_args()
    kept = earlier(asked.keep)
    for seed in range(asked.seeds):
        for name in SETS if asked.only is None else (asked.only,):
            if not any(found["key"] == [name, seed] for found in kept):
                with one_thread():
                    kept.append({"key": [name, seed]} | measured(name, seed))
                keep(asked.keep, kept[-1])
    write(kept)


# ---------------------------------------------------------------------- data


def photographs(many: int) -> Any:
    """Evenly spaced photographs of LFW in colour: (n, 64, 64, 3)."""
    with zipfile.ZipFile(FOLDER / "lfw" / "lfw64_rgb.zip") as folder:
        names = sorted(name for name in folder.namelist() if name.endswith(".jpg"))
        some = names[:: len(names) // many][:many]
        return np.stack([np.asarray(Image.open(BytesIO(folder.read(name)))) for name in some])


def halves(x: Any, judged: int, **options: Any) -> tuple[Dataset, Any]:
    """What is learnt from, and what is judged: others."""
    x = np.random.default_rng(0).permutation(x)
    return Dataset.of(x[judged:], **options), x[:judged]


SETS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "mnist": lambda: (load("mnist").take(np.arange(MANY)), load("mnist", split="test").x[:200]),
    "fashion": lambda: (load("fashion-mnist").take(np.arange(MANY)), load("fashion-mnist", split="test").x[:200]),
    "faces": lambda: halves(np.load(FOLDER / "lfw" / "lfw32_gray.npz")["images"], 200),
    "photographs": lambda: halves(photographs(1100), 100),
    "signals": lambda: (load("signals"), load("signals", n=500, seed=1, split="test").x),
    "tones": lambda: (load("tones", n=2500), load("tones", n=200, seed=1).x),
    "ecg": lambda: halves(np.load(FOLDER / "ecg5000" / "ecg5000.npz")["signals"], 500, kind="signal"),
}
TITLES = {
    "mnist": "MNIST",
    "fashion": "Fashion-MNIST",
    "faces": "faces, gray 32x32",
    "photographs": "photographs, colour 64x64",
    "signals": "drawn signals",
    "tones": "drawn sounds",
    "ecg": "ECG5000",
}


# ---------------------------------------------------------------------- filters


def measured(name: str, seed: int) -> dict[str, Any]:
    """Mean PSNR in dB of each method at each level; of images in their range, of signals in the deviation of all."""
    train, clean = SETS[name]()
    start = time.process_time()
    model = Autoencoder("denoising", random_state=seed, progress=False).fit(train)
    minutes = (time.process_time() - start) / 60
    image = model.spec_.form.pictured
    unit, low = (255.0, 0.0) if image else (np.asarray(model.model_.scaling.unit), 0.0)
    x = (clean - low) / unit
    found: dict[str, Any] = {}
    for level in LEVELS:
        noise = Corruption(amount=level).fitted(model.spec_)
        noisy = (spoilt(model, clean, noise, seed) - low) / unit
        some = train.x[np.sort(np.random.default_rng(seed).permutation(len(train.x))[:PAIRS])]
        pairs = (some - low) / unit, (spoilt(model, some, noise, seed + 1) - low) / unit
        ours = (model.denoise(unit * noisy + low) - low) / unit
        answers = {"noisy": noisy, "ours": ours, "codes alone": (model.reconstruct(unit * noisy + low) - low) / unit}
        for rival, (choices, apply) in rivals(image, x.ndim == 4).items():
            answers[rival] = best(x, noisy, choices, apply, level)
        answers["linear"] = (linear if x[0].size <= WIDE else components)(*pairs, noisy, level)
        scores = {method: psnr(x, np.clip(y, 0, 1) if image else y, 1.0) for method, y in answers.items()}
        if image and (bm3d := block_matching(x.ndim == 4)) is not None:
            shown = np.stack([bm3d(one, level) for one in noisy[:FEW]]).reshape(noisy[:FEW].shape)
            scores["BM3D"] = psnr(x[:FEW], np.clip(shown, 0, 1), 1.0)
            scores["ours, where BM3D was judged"] = psnr(x[:FEW], ours[:FEW], 1.0)
        found[str(level)] = scores
    return {"psnr": found, "minutes": minutes, "examples": len(train.x), "judged": len(clean), "guided": model.trained_.guided}


def rivals(image: bool, colour: bool) -> dict[str, tuple[Any, Any]]:
    """Filters by name: what may be chosen, and (x, choice, level) → x."""
    axes = (1, 2) if image else (1,)
    channel = -1 if colour else None

    def each(function: Any) -> Any:
        return lambda x, choice, level: np.stack([function(one, choice, level) for one in x])

    found: dict[str, tuple[Any, Any]] = {
        name: (FILTERS[name].choices, lambda x, choice, level, one=FILTERS[name]: one.apply(x, choice, axes))
        for name in ("median", "gaussian", "wavelet", *(() if image else ("savitzky-golay",)))
    }
    shares = (0.25, 0.5, 0.8, 1.2, 1.8, 2.5, 4.0)
    found["TV"] = (shares, each(lambda x, share, level: denoise_tv_chambolle(x, share * level, channel_axis=channel)))
    if image:
        patches = [(share, size) for share in (0.4, 0.7, 1.0, 1.4) for size in (3, 5)]
        found["non-local means"] = (
            patches,
            each(
                lambda x, choice, level: denoise_nl_means(
                    x, patch_size=choice[1], patch_distance=7, h=choice[0] * level, sigma=level, channel_axis=channel
                )
            ),
        )
    return found


def best(clean: Any, noisy: Any, choices: Any, apply: Any, level: float) -> Any:
    """What a filter leaves with the choice that does best on the first examples, by their clean versions."""
    few = [psnr(clean[:CHOSEN], apply(noisy[:CHOSEN], choice, level), 1.0) for choice in choices]
    return apply(noisy, choices[int(np.argmax(few))], level)


def linear(clean: Any, noisy: Any, x: Any, level: float) -> Any:
    return Linear.fit(clean, noisy)(x)


def components(clean: Any, noisy: Any, x: Any, level: float) -> Any:
    """Wiener's filter, C (C + s² I)^-1, where examples are too wide for C: each principal component by itself."""
    flat = clean.reshape(len(clean), -1).astype(np.float32)
    mean, off = flat.mean(0), noisy.reshape(len(noisy), -1).mean(0).astype(np.float32)
    variance, rows = np.linalg.eigh((flat - mean) @ (flat - mean).T / len(flat))
    keep_ = variance > 1e-6 * variance[-1]
    axes = (flat - mean).T @ rows[:, keep_] / np.sqrt(len(flat) * variance[keep_])
    weights = variance[keep_] / (variance[keep_] + level**2)
    return (mean + ((x.reshape(len(x), -1) - off) @ axes * weights) @ axes.T).reshape(x.shape)


def block_matching(colour: bool) -> Any:
    """BM3D (Dabov et al. 2007), where the package is installed."""
    try:
        import bm3d
    except ImportError:
        return None
    return bm3d.bm3d_rgb if colour else bm3d.bm3d


# ---------------------------------------------------------------------- what is written


def write(kept: list[dict[str, Any]]) -> None:
    versions = facts("torch", "numpy", "scikit-image", "PyWavelets", "bm3d", "latentwalk")
    about = (
        f"{versions} Script: `benchmarks/default_denoising.py`. Mean PSNR in dB over test examples: of images in their range, "
        "with clipped noise; of signals in units of their deviation. "
        '`Autoencoder("denoising").fit(x)` and `.denoise(noisy)` have no option and know no level; '
        "filters have the setting that is best at that level for these examples. Medians over seeds. "
        "*Codes alone*: the reconstruction of the same model; before, `denoise` answered with such a one, of codes learnt "
        "against a noise of .3."
    )
    parts = [f"{about}\n"]
    for name in SETS:
        if runs := [found for found in kept if found["key"][0] == name]:
            parts.append(f"\n**{TITLES[name]}** ({said(runs)})\n\n{table(runs)}\n")
    put_section(RESULTS / "denoising.md", "The default call", "".join(parts))
    put_section(RESULTS / "defaults.md", "Denoising", f"{about}\n\n{summary(kept)}")


def said(runs: list[dict[str, Any]]) -> str:
    first = runs[0]
    minutes = np.median([run["minutes"] for run in runs])
    seeds = f"{len(runs)} seed{'s' * (len(runs) > 1)}"
    return f"{first['examples']:,} examples, {first['judged']} judged, {seeds}; the fit takes {minutes:.1f} min of one core"


def of(runs: list[dict[str, Any]], level: float, method: str) -> float:
    return float(np.median([run["psnr"][str(level)][method] for run in runs]))


def table(runs: list[dict[str, Any]]) -> str:
    methods = list(runs[0]["psnr"][str(LEVELS[0])])
    lines = [f"| noise | {' | '.join(methods)} |", f"| ---: |{' ---: |' * len(methods)}"]
    lines += [f"| {level} | {' | '.join(f'{of(runs, level, method):.2f}' for method in methods)} |" for level in LEVELS]
    return "\n".join(lines)


def summary(kept: list[dict[str, Any]]) -> str:
    """Of each data set and level: ours, what codes alone leave, the best of all filters; and BM3D, where that was judged."""
    lines = [
        f"| data | noise | codes alone | ours | best filter | which | ahead by, dB | ahead of BM3D by ({FEW} examples) |",
        "| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: |",
    ]
    for name in SETS:
        runs = [found for found in kept if found["key"][0] == name]
        for level in LEVELS if runs else ():
            others = [m for m in runs[0]["psnr"][str(level)] if m not in ("noisy", "codes alone", "BM3D") and "ours" not in m]
            which = max(others, key=lambda method: of(runs, level, method))
            codes, ours, rival = (of(runs, level, method) for method in ("codes alone", "ours", which))
            beside = ""
            if "BM3D" in runs[0]["psnr"][str(level)]:
                beside = f"{of(runs, level, 'ours, where BM3D was judged') - of(runs, level, 'BM3D'):+.2f}"
            numbers = f"{codes:.2f} | {ours:.2f} | {rival:.2f} | {which} | {ours - rival:+.2f} | {beside}"
            lines.append(f"| {TITLES[name]} | {level} | {numbers} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
