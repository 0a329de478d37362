"""Two-dimensional maps of the MNIST test images: trustworthiness, and whether the 10 nearest have the same digit.

    python benchmarks/maps.py [--seeds 3] [--only AE]

Every method learns from the 60,000 training images without their labels (kernel PCA from 4,000 of them, UMAP from 10,000, drawn
at random), maps 4,000 of the test images, and is measured on these, with 15 neighbours. Every measurement is kept in a
JSON-lines file (`--keep`). Writes benchmarks/results/maps.md. About 15 minutes of one core a seed.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, earlier, facts, keep

from latentwalk import Network, load
from latentwalk.studies.reduction import reductions
from latentwalk.training.runtime import one_thread
from latentwalk.training.settings import Settings

ROWS = 4_000
QUICK = {"training": Settings(precision="bfloat16", learning_schedule="cosine"), "validation": 0.02, "progress": False}
DEEP = Network("dense", widths=(1024, 512, 256, 128), activation="gelu")
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "PCA": ("pca", {}),
    "kernel PCA": ("kernel-pca", {}),
    "UMAP": ("umap", {}),
    "AE 512-256, 20 epochs": ("ae", {"epochs": 20, "progress": False, "network": "dense"}),
    "AE 1024-512-256-128, 40 epochs": ("ae", {"epochs": 40, "network": DEEP, "learning_rate": 7e-4, **QUICK}),
    "VAE 1024-512-256-128, 40 epochs": ("vae", {"epochs": 40, "network": DEEP, "learning_rate": 7e-4, **QUICK}),
    "contractive AE 1024-512-256-128, 20 epochs": (
        "contractive",
        {"epochs": 20, "network": DEEP, "learning_rate": 7e-4, **QUICK},
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="methods whose name begins so")
    parser.add_argument("--keep", type=Path, default=Path("runs/maps.jsonl"))
    asked = parser.parse_args()
    train, test = load("mnist"), load("mnist", split="test")
    kept = earlier(asked.keep)
    for seed in range(asked.seeds):
        rows = np.sort(np.random.default_rng(seed).permutation(len(test))[:ROWS])
        for name, (method, options) in METHODS.items():
            if name.startswith(asked.only) and not any(found["key"] == [name, seed] for found in kept):
                start = time.process_time()
                with one_thread():
                    (found,) = reductions(train, test.take(rows), [2], [method], random_state=seed, **options)
                kept.append({"key": [name, seed], "cpu": time.process_time() - start} | found.to_json())
                keep(asked.keep, kept[-1])
    (RESULTS / "maps.md").write_text(page(kept))


def page(kept: list[dict[str, Any]]) -> str:
    names = ("trustworthiness", "neighbour_preservation", "class_accuracy", "error")
    lines = [
        "| method | trustworthiness | preservation | 10-NN accuracy | squared error | learnt from | CPU seconds | seeds |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for method in METHODS:
        runs = [found for found in kept if found["key"][0] == method]
        if runs:
            cells = [spread([run[name] for run in runs], 4 if name == "error" else 3) for name in names]
            seconds = f"{np.median([run['cpu'] for run in runs]):.0f}"
            lines.append(f"| {method} | {' | '.join(cells)} | {runs[0]['learnt']:,} | {seconds} | {len(runs)} |")
    return (
        f"# Two-dimensional maps of MNIST\n\n{facts('torch', 'scikit-learn', 'umap-learn', 'latentwalk')} 4,000 test images "
        "a seed, 15 neighbours, no labels in learning. Preservation: trustworthiness with data and map exchanged. Error: "
        "mean per value of the way there and back. Median over seeds (lowest–highest). CPU seconds include the measuring.\n\n"
        + "\n".join(lines)
        + "\n\nAims: trustworthiness at least .955, 10-NN accuracy at least .92. Script: `benchmarks/maps.py`.\n"
    )


def spread(values: list[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    middle = f"{np.median(known):.{digits}f}"
    return middle if len(known) == 1 else f"{middle} ({min(known):.{digits}f}–{max(known):.{digits}f})"


if __name__ == "__main__":
    main()
