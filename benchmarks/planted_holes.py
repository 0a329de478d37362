"""Does `completeness` find holes of known size? N(0, I_D) with a region of prior mass h removed is 1 - h complete.

    python benchmarks/planted_holes.py [seeds]

Four shapes of hole: none; a ball one deviation off the centre; a slab across an axis; the same slab across a random
direction. 60,000 encoded points, 40,000 draws: 20,000 a side to train and 20,000 a side to judge. Writes
benchmarks/results/planted_holes.md. About 5 minutes for 2 seeds on 2 cores.
"""

import os
import platform
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import torch
from numpy.typing import NDArray
from scipy.stats import ncx2, norm

from latentwalk.latent.criteria import acceptance
from latentwalk.latent.measure import Measure

Array = NDArray[Any]
RESULTS = Path(__file__).parent / "results" / "planted_holes.md"
CASES = [("none", 0.0), *((shape, h) for shape in ("ball", "slab", "rotated slab") for h in (0.1, 0.3, 0.5))]


def hole(shape: str, dim: int, mass: float, rng: np.random.Generator) -> Callable[[Array], Array]:
    """True for the points (n, D) inside a region that N(0, I) hits with probability `mass`."""
    if shape == "none":
        return lambda z: np.zeros(len(z), bool)
    if shape == "ball":
        squared = ncx2.ppf(mass, dim, 1.0)
        return lambda z: ((z - np.eye(dim)[0]) ** 2).sum(axis=1) < squared
    u = np.eye(dim)[0] if shape == "slab" else rng.standard_normal(dim)
    half = norm.ppf(0.5 + mass / 2)
    return lambda z: np.abs(z @ (u / np.linalg.norm(u))) < half


def found(shape: str, dim: int, mass: float, seed: int) -> tuple[Measure, float]:
    """What is measured, and the CPU seconds it took (one thread)."""
    rng = np.random.default_rng(seed)
    inside = hole(shape, dim, mass, rng)
    z = rng.standard_normal((150_000, dim))
    encoded, drawn = z[~inside(z)][:60_000], rng.standard_normal((40_000, dim))
    start = time.process_time()
    return acceptance(encoded, drawn, seed=seed), time.process_time() - start


def row(dim: int, shape: str, mass: float, seeds: int) -> tuple[str, list[float]]:
    runs = [found(shape, dim, mass, seed) for seed in range(seeds)]
    values = [measure.value for measure, _ in runs]
    alone = [f"{np.mean([measure.details[name] for measure, _ in runs]):.3f}" for name in ("trees_alone", "network_alone")]
    error = max(abs(value - (1 - mass)) for value in values)
    covered = sum(measure.low <= 1 - mass <= measure.high for measure, _ in runs)
    cells = [str(dim), shape, f"{1 - mass:.2f}", " ".join(f"{value:.3f}" for value in values), f"{error:.3f}", *alone]
    return f"| {' | '.join(cells)} | {covered} of {seeds} |", [seconds for _, seconds in runs]


def machine() -> str:
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line] if info.exists() else []
    )
    return f"{(names or [platform.machine()])[0]}, {os.cpu_count()} cores"


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    lines: list[str] = []
    seconds: list[float] = []
    for dim in (2, 8, 32):
        for shape, mass in CASES:
            line, took = row(dim, shape, mass, seeds)
            print(line, f"{max(took):.1f} s", flush=True)
            lines.append(line)
            seconds += took
            RESULTS.write_text(page(lines, seconds, seeds))  # after each row: a run cut short keeps what it has


def page(lines: list[str], seconds: list[float], seeds: int) -> str:
    return (
        "# Planted holes\n\n"
        "`python benchmarks/planted_holes.py`: N(0, I_D) with a region of prior mass h removed; the truth is 1 - h.\n"
        "60,000 encoded points, 40,000 draws; 20,000 a side train, 20,000 a side judge.\n\n"
        "| D | hole | truth | measured, one a seed | largest error | trees alone | network alone | intervals with the truth |\n"
        "| ---: | --- | ---: | --- | ---: | ---: | ---: | ---: |\n" + "\n".join(lines) + "\n\n"
        f"CPU seconds a measurement, on one thread: median {np.median(seconds):.1f}, most {max(seconds):.1f}. "
        f"{machine()}; Python {platform.python_version()}, torch {torch.__version__}, scikit-learn {sklearn.__version__}, "
        f"numpy {np.__version__}; seeds 0 to {seeds - 1}; {date.today()}.\n"
    )


if __name__ == "__main__":
    main()
