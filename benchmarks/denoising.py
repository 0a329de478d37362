"""Noise removal: MNIST with clipped Gaussian noise, and signals (drawn ones, and ECG5000) with Gaussian noise.

    python benchmarks/denoising.py [--seeds 3] [--only signals] [--ecg PATH/ecg5000.npz]

What codes can do alone, without a network beside them: one denoising autoencoder for each level on MNIST, as the published
figures have it; on signals one for little noise, trained on the range .03 to .3 of their deviation, and one for much, .3 to
1.2, while each filter is tuned to each level on clean training signals. Measured on test rows. Every measurement is kept in a
JSON-lines file (`--keep`). Writes sections of benchmarks/results/denoising.md.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, earlier, facts, keep, put_section

from latentwalk import Autoencoder, Dataset, Network, load
from latentwalk.data.corruption import Corruption
from latentwalk.models.recipes import EARLIER
from latentwalk.studies.denoising import noise_sweep, psnr, spoilt
from latentwalk.studies.filters import tuned
from latentwalk.training.runtime import one_thread
from latentwalk.training.settings import Settings

LEVELS = (0.1, 0.2, 0.5, 1.0)
OF_IMAGES = Network("fully-conv", channels=(32, 64), activation="gelu")
OF_SIGNALS = Network("fully-conv", channels=(32, 64), activation="gelu")
MNIST = {
    "network": OF_IMAGES,
    "epochs": 30,
    "validation": 0.02,
    "training": Settings(precision="bfloat16", learning_schedule="cosine"),
}
SIGNALS = {"network": OF_SIGNALS, "batch_size": 64, "training": Settings(learning_schedule="cosine")}
RANGES = {(0.03, 0.3): (0.1, 0.2), (0.3, 1.2): (0.5, 1.0)}  # what a model is trained on, and the levels it is judged at
RIVALS = ("savitzky-golay", "wavelet", "gaussian", "median", "linear")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=("mnist", "signals", "ecg"))
    parser.add_argument("--ecg", type=Path, default=Path("../shared/data/ecg5000/ecg5000.npz"))
    parser.add_argument("--keep", type=Path, default=Path("runs/denoising.jsonl"))
    asked = parser.parse_args()
    jobs = {"signals": drawn, "ecg": lambda seed: heart(asked.ecg, seed), "mnist .5": digits(0.5), "mnist .4": digits(0.4)}
    kept = earlier(asked.keep)
    for seed in range(asked.seeds):
        for name, job in jobs.items():
            wanted = asked.only is None or name.startswith(asked.only)
            if wanted and not any(found["key"] == [name, seed] for found in kept):
                start = time.process_time()
                with one_thread():
                    found = job(seed)
                kept.append({"key": [name, seed], "cpu": time.process_time() - start} | found)
                keep(asked.keep, kept[-1])
    for title, text in sections(kept).items():
        put_section(RESULTS / "denoising.md", title, text)


def digits(sigma: float) -> Any:
    """PSNR (mean over images) and BCE on the MNIST test images, for the model, a 3 x 3 median and the best linear map."""

    def job(seed: int) -> dict[str, Any]:
        train, test = load("mnist"), load("mnist", split="test")
        noise = Corruption("gaussian", sigma)
        model = Autoencoder(EARLIER["denoising"], noise=noise, random_state=seed, progress=False, **MNIST).fit(train)
        noise = noise.fitted(model.spec_)
        clean, noisy = test.x / 255, spoilt(model, test.x, noise, seed) / 255
        pairs = train.x / 255, spoilt(model, train.x, noise, seed + 1) / 255
        found = {"model": model.denoise(255 * noisy) / 255, "noisy": noisy}
        found["median 3 x 3"] = tuned("median", pairs[0][:500], pairs[1][:500], image=True, channels=False)[0](noisy)
        found["linear"] = tuned("linear", *pairs, image=True, channels=False)[0](noisy).clip(0, 1)
        return {
            "epochs": len(model.history_),
            "psnr": {name: psnr(clean, x, 1.0) for name, x in found.items()},
            "bce": {name: bce(clean, x) for name, x in found.items()},
        }

    return job


def drawn(seed: int) -> dict[str, Any]:
    train, test = load("signals", n=24_000, seed=2 * seed), load("signals", n=3_000, seed=2 * seed + 1, split="test")
    return gains(train, test.x, 12, seed)


def heart(path: Path, seed: int) -> dict[str, Any]:
    """ECG5000: its beats taken for clean, 4,000 to learn from and 1,000 to judge by."""
    with np.load(path) as file:
        beats = np.random.default_rng(seed).permutation(file["signals"])
    return gains(Dataset.of(beats[:4_000], kind="signal"), beats[4_000:], 40, seed)


def gains(train: Dataset, clean: Any, epochs: int, seed: int) -> dict[str, Any]:
    scores = []
    for noise, levels in RANGES.items():
        options: dict[str, Any] = {"noise": noise, "epochs": epochs, "random_state": seed, "progress": False}
        model = Autoencoder(EARLIER["denoising"], **options, **SIGNALS).fit(train)
        scores += noise_sweep(model, train.x[:4_000], clean, levels=levels, rivals=RIVALS, seed=seed).scores
    return {"gain": {f"{level}": {one.method: one.gain for one in scores if one.level == level} for level in LEVELS}}


def bce(clean: Any, found: Any) -> float:
    p = found.clip(1e-6, 1 - 1e-6)
    return float(-(clean * np.log(p) + (1 - clean) * np.log(1 - p)).mean())


def sections(kept: list[dict[str, Any]]) -> dict[str, str]:
    """The text of each section by its title."""
    about = (
        f"{facts('torch', 'numpy', 'scipy', 'scikit-image', 'PyWavelets', 'latentwalk')} Median over seeds (lowest–highest). "
        "Codes alone, without a denoiser. Script: `benchmarks/denoising.py`."
    )
    found = {
        "MNIST, clipped Gaussian noise": f"{about} A fully convolutional denoising autoencoder (32-64 channels, one residual "
        "block a level, code 7 x 7 x 16), one for each sigma; 10,000 test images. PSNR: mean over images. BCE a pixel.\n\n"
        f"{images(kept)}\n\nAims: PSNR at sigma .5 at least 21.5 dB (conv AE elsewhere 20.18); BCE at sigma .4 at most .080 "
        "(keras-io .0839)."
    }
    for name, title in (("signals", "Drawn signals"), ("ecg", "ECG5000")):
        runs = [found for found in kept if found["key"][0] == name]
        if runs:
            said = "One model for little noise (.03 to .3) and one for much (.3 to 1.2); filters tuned to each level."
            found[f"{title}: SNR gain in dB"] = f"{about} {said}\n\n{table(runs)}\n\n{verdict(runs)}"
    return found


def images(kept: list[dict[str, Any]]) -> str:
    lines = ["| sigma | method | PSNR, dB | BCE | epochs | minutes of one core | seeds |", f"| ---: | --- |{' ---: |' * 5}"]
    for sigma in (".5", ".4"):
        runs = [found for found in kept if found["key"][0] == f"mnist {sigma}"]
        for name in runs[0]["psnr"] if runs else ():
            epochs, minutes = "", ""
            if name == "model":
                epochs, minutes = str(runs[0]["epochs"]), f"{np.median([run['cpu'] for run in runs]) / 60:.0f}"
            numbers = [spread([run[measure][name] for run in runs], digits) for measure, digits in (("psnr", 2), ("bce", 4))]
            lines.append(f"| {sigma} | {name} | {' | '.join(numbers)} | {epochs} | {minutes} | {len(runs)} |")
    return "\n".join(lines)


def table(runs: list[dict[str, Any]]) -> str:
    methods = [name for name in runs[0]["gain"][str(LEVELS[0])] if name != "noisy"]
    lines = [f"| noise | {' | '.join(methods)} |", f"| ---: |{' ---: |' * len(methods)}"]
    for level in LEVELS:
        cells = [spread([run["gain"][str(level)][name] for run in runs], 2) for name in methods]
        lines.append(f"| {level} | {' | '.join(cells)} |")
    return "\n".join(lines)


def verdict(runs: list[dict[str, Any]]) -> str:
    ahead = [
        level for level in LEVELS
        if all(run["gain"][str(level)]["model"] > max(run["gain"][str(level)][r] for r in RIVALS[:2]) for run in runs)
    ]  # fmt: skip
    at = ", ".join(map(str, ahead)) or "no level"
    return f"Ahead of Savitzky-Golay and wavelet shrinkage, for every seed, at: {at} of {LEVELS}."


def spread(values: list[float], digits: int) -> str:
    middle = f"{np.median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.{digits}f}–{max(values):.{digits}f})"


if __name__ == "__main__":
    main()
