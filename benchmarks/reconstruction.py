"""How well do autoencoders reconstruct MNIST? The best small ones within ten minutes, and the founding text's own experiment.

    python benchmarks/reconstruction.py [--seeds 3] [--only "2-d"]

Each model learns from 58,800 of the 60,000 training images (the others choose the best epoch) and is looked at once on the
10,000 test images. Floors (mean image, PCA, the data's own entropy) stand in the same table. Every measurement is kept in a
JSON-lines file (`--keep`), and a second run goes on from there. Writes benchmarks/results/reconstruction.md.
About 100 minutes of one core for three seeds.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, earlier, facts, keep
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from latentwalk import Autoencoder, Likelihood, Network, load
from latentwalk.training.runtime import one_thread
from latentwalk.training.settings import Settings

Array = NDArray[Any]
QUICK = {"training": Settings(precision="bfloat16", learning_schedule="cosine"), "validation": 0.02}
DEEP = Network("dense", widths=(1024, 512, 256, 128), activation="gelu")
WIDE = Network("dense", widths=(1024, 512), activation="gelu")
CONV = Network("conv", widths=(512,), channels=(32, 64), activation="gelu")
TEXT = Network("dense", widths=(512, 256))
SPOILT = Network("dense", widths=(512, 256), dropout=0.5, max_norm=2.0)
MODELS: dict[str, dict[str, Any]] = {
    "2-d, MLP 1024-512-256-128": {"latent": 2, "network": DEEP, "epochs": 100, "learning_rate": 7e-4, **QUICK},
    "30-d, conv 32-64 and 512": {
        "latent": 30, "network": CONV, "epochs": 12, "likelihood": Likelihood("gaussian", 0.1), **QUICK,
    },
    "32-d, MLP 1024-512": {"latent": 32, "network": WIDE, "epochs": 30, "batch_size": 256, **QUICK},
    "2-d, MLP 512-256": {"latent": 2, "network": TEXT, "epochs": 20},
    "2-d, MLP 512-256, Dropout .5, max-norm 2": {"latent": 2, "network": SPOILT, "epochs": 20},
    "32-d, MLP 512-256": {"latent": 32, "network": TEXT, "epochs": 20},
    "32-d, MLP 512-256, Dropout .5, max-norm 2": {"latent": 32, "network": SPOILT, "epochs": 20},
}  # fmt: skip
AIMS = (
    ("2-d, MLP 1024-512-256-128", "bce", 0.155, "the founding text .25, keras-io .179"),
    ("30-d, conv 32-64 and 512", "squared", 2.8, "Hinton & Salakhutdinov 3.00"),
    ("32-d, MLP 1024-512", "bce", 0.075, "the Keras blog about .08, the founding text .09"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="models whose name begins so")
    parser.add_argument("--keep", type=Path, default=Path("runs/reconstruction.jsonl"))
    asked = parser.parse_args()
    train, test = load("mnist"), load("mnist", split="test")
    kept = earlier(asked.keep)
    for seed in range(asked.seeds):
        for name, options in MODELS.items():
            key = [name, seed]
            if name.startswith(asked.only) and not any(found["key"] == key for found in kept):
                wall, cpu = time.perf_counter(), time.process_time()
                with one_thread():
                    model = Autoencoder("ae", random_state=seed, progress=False, **options).fit(train)
                seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
                kept.append({"key": key} | errors(test.x / 255, model.reconstruct(test) / 255) | seconds)
                keep(asked.keep, kept[-1])
    (RESULTS / "reconstruction.md").write_text(page(kept, floors(train.x / 255, test.x / 255)))


def errors(x: Array, decoded: Array) -> dict[str, float]:
    """Binary cross-entropy a pixel, and squared error an image, of images (n, 28, 28) in [0, 1]."""
    p = decoded.clip(1e-6, 1 - 1e-6)
    bce = -(x * np.log(p) + (1 - x) * np.log(1 - p))
    return {"bce": float(bce.mean()), "squared": float(np.square(decoded - x).sum((1, 2)).mean())}


def floors(train: Array, test: Array) -> dict[str, dict[str, float]]:
    found = {"the mean image": errors(test, np.broadcast_to(train.mean(0), test.shape))}
    for latent in (2, 30, 32):
        pca = PCA(latent, random_state=0).fit(train.reshape(-1, 784))
        found[f"PCA, {latent} dimensions"] = errors(
            test, pca.inverse_transform(pca.transform(test.reshape(-1, 784))).reshape(test.shape)
        )
    return found | {"perfect": errors(test, test)}


def page(kept: list[dict[str, Any]], floor: dict[str, dict[str, float]]) -> str:
    perfect = floor["perfect"]["bce"]
    lines = [f"| {name} | {e['bce']:.4f} | {e['bce'] - perfect:.4f} | {e['squared']:.2f} | | |" for name, e in floor.items()]
    for name in MODELS:
        runs = [found for found in kept if found["key"][0] == name]
        if runs:
            bce = [run["bce"] for run in runs]
            minutes = median([run["cpu"] for run in runs]) / 60
            lines.append(
                f"| **{name}** | {spread(bce, 4)} | {median(bce) - perfect:.4f} | {spread([r['squared'] for r in runs], 2)} | "
                f"{minutes:.1f} | {len(runs)} |"
            )
    return (
        f"# Reconstruction of MNIST\n\n{facts('torch', 'numpy', 'scikit-learn', 'latentwalk')} 60,000 training images, of "
        "which 2 % (a tenth for 512-256) choose the best epoch; measured once on 10,000 test images, values in [0, 1]. BCE: "
        "binary cross-entropy a pixel in nats, gray values read as probabilities; excess: less the data's own entropy. Squared "
        "error: summed over an image. Median over seeds (lowest–highest). One core each; other work ran on the second.\n\n"
        "| model | BCE | excess | squared error | minutes of one core | seeds |\n| --- | ---: | ---: | ---: | ---: | ---: |\n"
        + "\n".join(lines) + "\n\n" + "\n".join(verdicts(kept)) + "\n\nScript: `benchmarks/reconstruction.py`.\n"
    )  # fmt: skip


def verdicts(kept: list[dict[str, Any]]) -> list[str]:
    lines = []
    for name, measure, aim, anchor in AIMS:
        values = [found[measure] for found in kept if found["key"][0] == name]
        if values:
            said = "met by every seed" if max(values) <= aim else "met by the median" if median(values) <= aim else "missed"
            lines.append(f"- {name}: {spread(values, 4)}, aim {aim} ({said}); elsewhere: {anchor}.")
    return lines


def spread(values: list[float], digits: int) -> str:
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def median(values: list[float]) -> float:
    return float(np.median(values))


if __name__ == "__main__":
    main()
