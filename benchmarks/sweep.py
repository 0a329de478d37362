"""What shapes a latent space: dimensions, beta, width of the network, amount of data. Curves on MNIST, over several seeds.

    python benchmarks/sweep.py [--seeds 3]

VAE 784-512-256, 8 epochs of 20,000 rows, batches of 128, Adam 1e-3; everything else is an axis. Trials are kept in runs/sweep
as they are finished, and a second run goes on from there. Writes benchmarks/results/sweep.md and docs/images/sweep.png. About
25 minutes on one core.
"""

import argparse
from pathlib import Path

import numpy as np

from latentwalk import Network, Sweep, load
from latentwalk.data import Dataset

ROWS, MOST = 20_000, 5_000  # rows to learn from; points a side that completeness is judged by
PLAIN = Network("dense", widths=(512, 256))
GRIDS = {
    "latent": {"latent": [2, 4, 8, 16, 32], "recipe__beta": [0.25, 1.0, 4.0]},
    "widths": {"network__widths": [(64,), (256,), (512, 256), (1024, 512, 256)]},
    "rows": {"rows": [1_000, 4_000, ROWS]},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--keep", type=Path, default=Path("runs/sweep"))
    asked = parser.parse_args()
    train, test = load(asked.data), load(asked.data, split="test")
    train = train.take(np.sort(np.random.default_rng(0).permutation(len(train))[:ROWS]))
    for seed in range(asked.seeds):  # all curves of one seed, then those of the next: stopped early, it has whole curves
        for name in GRIDS:
            swept(name, range(seed, seed + 1), asked.keep, train, test)


def swept(name: str, seeds: range, folder: Path, train: Dataset, test: Dataset) -> Sweep:
    """One of the grids, as far as these seeds."""
    usual = {"latent": [8], "recipe__beta": [1.0]}
    sweep = Sweep(usual | GRIDS[name], seeds=seeds, folder=folder, most=MOST, epochs=8, network=PLAIN)
    return sweep.fit(train, test)


if __name__ == "__main__":
    main()
