"""Does `completeness` find holes of known size? N(0, I_D) with a region of prior mass h removed is 1 - h complete.

    python benchmarks/planted_holes.py [seeds]

Four shapes of hole: none; a ball one deviation off the centre; a slab across an axis; the same slab across a random
direction. 60,000 encoded points, 40,000 draws: 20,000 a side to train and 20,000 a side to judge. Writes
benchmarks/results/planted_holes.md. About 8 minutes of CPU for 2 seeds, on one thread.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from common.facts import RESULTS, facts
from numpy.typing import NDArray
from scipy.stats import ncx2, norm

from latentwalk.latent.criteria.completeness import acceptance
from latentwalk.latent.criteria.measure import Measure

Array = NDArray[Any]
RESULT = RESULTS / "planted_holes.md"
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


def row(dim: int, shape: str, mass: float, runs: list[Measure]) -> str:
    error = max(abs(run.value - (1 - mass)) for run in runs)
    alone = [f"{np.mean([run.details[name] for run in runs]):.3f}" for name in ("trees_alone", "network_alone")]
    covered = sum(run.low <= 1 - mass <= run.high for run in runs)
    cells = [str(dim), shape, f"{1 - mass:.1f}", " ".join(f"{run.value:.3f}" for run in runs), f"{error:.3f}", *alone]
    return f"| {' | '.join(cells)} | {covered} of {len(runs)} |"


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    runs: dict[tuple[int, str, float], list[Measure]] = {}
    seconds: list[float] = []
    for seed in range(seeds):
        for dim in (32, 8, 2):
            for shape, mass in CASES:
                measure, took = found(shape, dim, mass, seed)
                runs.setdefault((dim, shape, mass), []).append(measure)
                seconds.append(took)
                print(row(dim, shape, mass, runs[dim, shape, mass]), f"{took:.1f} s", flush=True)
        RESULT.write_text(page([row(*case, runs[case]) for case in sorted(runs)], seconds, seed + 1))


def page(lines: list[str], seconds: list[float], seeds: int) -> str:
    return (
        "# Planted holes\n\n"
        "`python benchmarks/planted_holes.py`: N(0, I_D) with a region of prior mass h removed; the truth is 1 - h.\n"
        "60,000 encoded points, 40,000 draws; 20,000 a side train, 20,000 a side judge.\n\n"
        "| D | hole | truth | measured, one a seed | largest error | trees alone | network alone | intervals with the truth |\n"
        "| ---: | --- | ---: | --- | ---: | ---: | ---: | ---: |\n" + "\n".join(lines) + "\n\n"
        f"CPU seconds a measurement, on one thread: median {np.median(seconds):.1f}, most {max(seconds):.1f}. "
        f"{facts('numpy', 'scikit-learn', 'torch', 'latentwalk')} Seeds 0 to {seeds - 1}.\n"
    )


if __name__ == "__main__":
    main()
