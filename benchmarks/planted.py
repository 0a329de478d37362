"""Do completeness and likeness find what was planted? Codes and draws whose truth is known, in 2, 8 and 32 dimensions.

    python benchmarks/planted.py [seeds]

The truth: the share of draws in the densest region that holds 95 % of encoded data, over .95. Kinds of planted spaces: draws
like the codes; crowded and wide ones (N(0, s² I) against N(0, I)); N(0, I) with a region of mass h removed from the codes (a
ball, a slab, a tilted slab); codes on a shell, draws in its hollow; ten clusters, a lattice of clusters and a band along a
spiral, each with draws of the Gaussian with their moments; a heavy-tailed cloud (Student-t, 4 degrees) with a Gaussian's draws.
60,000 codes; 20,000 learn, 20,000 judge, 20,000 draws. The margin of the intervals was set on seed 0 of all but the last three
kinds. Writes benchmarks/results/planted.md after every seed. About 20 minutes of CPU a seed, on one thread.
"""

import itertools
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from common.facts import RESULTS, facts
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.special import logsumexp
from scipy.stats import chi2, ncx2, norm

from latentwalk.latent.criteria.likeness import acceptance
from latentwalk.latent.criteria.region import Region

Array = NDArray[Any]
RESULT = RESULTS / "planted.md"
CODES, DRAWS = 60_000, 20_000
DIMENSIONS = (2, 8, 32)
FRESH = ("spiral", "lattice", "heavy tails")  # kinds that nothing was chosen on
KINDS = [
    ("like the codes", 0.0),
    ("crowded", 0.5),
    ("crowded", 0.1),
    ("wide", 1.5),
    ("wide", 2.0),
    *((hole, mass) for hole in ("ball", "slab", "tilted slab") for mass in (0.1, 0.3, 0.5)),
    ("shell", 0.0),
    ("clusters", 0.0),
    *((kind, 0.0) for kind in FRESH),
]


@dataclass(frozen=True)
class Planted:
    """Codes (n, D), at least twice as many draws as are judged, and the share of these that lies on data."""

    codes: Array
    draws: Array
    truth: float


def planted(kind: str, size: float, dim: int, rng: np.random.Generator) -> Planted:
    def normal(n: int) -> Array:
        return rng.standard_normal((n, dim))

    match kind:
        case "like the codes":
            return Planted(normal(CODES), normal(3 * DRAWS), 1.0)
        case "crowded":
            return Planted(normal(CODES), size * normal(3 * DRAWS), 1.0)
        case "wide":
            truth = chi2.cdf(chi2.ppf(0.95, dim) / size**2, dim) / 0.95
            return Planted(normal(CODES), size * normal(3 * DRAWS), float(truth))
        case "ball" | "slab" | "tilted slab":
            z = normal(3 * CODES)
            return Planted(z[~inside(kind, dim, size, rng)(z)][:CODES], normal(3 * DRAWS), 1 - size)
        case "shell":
            u = normal(CODES)
            codes = u / np.linalg.norm(u, axis=1, keepdims=True) * rng.normal(3, 0.15, (CODES, 1))
            return Planted(codes, 0.3 * normal(3 * DRAWS) / np.sqrt(dim), 0.0)
        case "clusters":
            return clusters(3 * normal(10), dim, rng)
        case "lattice":
            along = min(dim, 5)
            centres = np.zeros((2**along, dim))
            centres[:, :along] = 2 * np.array([*itertools.product((-1, 1), repeat=along)])
            return clusters(centres, dim, rng)
        case "spiral":
            return spiral(dim, rng)
        case "heavy tails":
            codes = heavy(CODES, dim, rng)
            edge = np.quantile(np.linalg.norm(heavy(400_000, dim, rng), axis=1), 0.95)
            draws = np.sqrt(2.0) * normal(3 * DRAWS)
            return Planted(codes, draws, min(1.0, float((np.linalg.norm(draws, axis=1) <= edge).mean()) / 0.95))
    raise ValueError(kind)


def inside(kind: str, dim: int, mass: float, rng: np.random.Generator) -> Callable[[Array], Array]:
    """True for the points (n, D) inside a region that N(0, I) hits with probability `mass`."""
    if kind == "ball":
        squared = ncx2.ppf(mass, dim, 1.0)
        return lambda z: ((z - np.eye(dim)[0]) ** 2).sum(axis=1) < squared
    u = np.eye(dim)[0] if kind == "slab" else rng.standard_normal(dim)
    half = norm.ppf(0.5 + mass / 2)
    return lambda z: np.abs(z @ (u / np.linalg.norm(u))) < half


def clusters(centres: Array, dim: int, rng: np.random.Generator, spread: float = 0.5) -> Planted:
    """Equally many codes around each centre; draws of the Gaussian with their moments."""

    def drawn(n: int) -> Array:
        return centres[rng.integers(len(centres), size=n)] + spread * rng.standard_normal((n, dim))

    def density(z: Array) -> Array:
        squares = (z**2).sum(1)[:, None] - 2 * z @ centres.T + (centres**2).sum(1)
        return np.asarray(logsumexp(-squares / (2 * spread**2), axis=1))

    return matched(drawn(CODES), density(drawn(60_000)), density, rng)


def spiral(dim: int, rng: np.random.Generator) -> Planted:
    """A band along a spiral in the first two dimensions, N(0, 1) in the others. The band's density: a histogram of many."""

    def band(n: int) -> Array:
        t = rng.uniform(0.5, 3, n)
        angle = 2 * np.pi * t
        return 1.2 * t[:, None] * np.c_[np.cos(angle), np.sin(angle)] + 0.12 * rng.standard_normal((n, 2))

    counts, *edges = np.histogram2d(*band(2_000_000).T, bins=220)
    counts = gaussian_filter(counts, 0.7)

    def drawn(n: int) -> Array:
        return np.c_[band(n), rng.standard_normal((n, dim - 2))]

    def density(z: Array) -> Array:
        cells = [np.searchsorted(edge, z[:, axis]) - 1 for axis, edge in enumerate(edges)]
        beyond = np.any([(cell < 0) | (cell >= counts.shape[0]) for cell in cells], axis=0)
        height = counts[tuple(np.clip(cell, 0, counts.shape[0] - 1) for cell in cells)]
        return np.where(beyond, -99.0, np.log(height + 1e-12)) - (z[:, 2:] ** 2).sum(1) / 2

    return matched(drawn(CODES), density(drawn(200_000)), density, rng)


def matched(codes: Array, known: Array, density: Callable[[Array], Array], rng: np.random.Generator) -> Planted:
    """Draws of the Gaussian with the codes' moments. known: the density at other codes."""
    draws = rng.multivariate_normal(codes.mean(0), np.atleast_2d(np.cov(codes.T)), 3 * DRAWS)
    return Planted(codes, draws, min(1.0, float((density(draws) >= np.quantile(known, 0.05)).mean()) / 0.95))


def heavy(n: int, dim: int, rng: np.random.Generator) -> Array:
    return rng.standard_normal((n, dim)) / np.sqrt(rng.chisquare(4, (n, 1)) / 4)


@dataclass(frozen=True)
class Found:
    seed: int
    truth: float
    likeness: float
    value: float
    low: float
    high: float
    seconds: float

    @property
    def covered(self) -> bool:
        return self.low <= self.truth <= self.high


def found(kind: str, size: float, dim: int, seed: int) -> Found:
    case = planted(kind, size, dim, np.random.default_rng([seed, dim, *map(ord, kind), round(100 * size)]))
    likeness = acceptance(case.codes, case.draws[: 2 * DRAWS], seed=seed).value
    start = time.process_time()
    value, low, high = Region.fit(case.codes, seed).share(case.draws[2 * DRAWS :], seed)
    return Found(seed, case.truth, likeness, value, low, high, time.process_time() - start)


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    runs: dict[tuple[int, str, float], list[Found]] = {}
    for seed in range(seeds):
        for dim in DIMENSIONS:
            for kind, size in KINDS:
                runs.setdefault((dim, kind, size), []).append(one := found(kind, size, dim, seed))
                print(dim, kind, size, one, flush=True)
        RESULT.write_text(page(runs, seed + 1))


def page(runs: dict[tuple[int, str, float], list[Found]], seeds: int) -> str:
    lines = [
        f"| {dim} | {kind}{f' {size:g}' if size else ''} | {np.mean([one.truth for one in some]):.3f} "
        f"| {' '.join(f'{one.likeness:.3f}' for one in some)} | {' '.join(f'{one.value:.3f}' for one in some)} "
        f"| {sum(one.covered for one in some)} of {len(some)} |"
        for (dim, kind, size), some in runs.items()
    ]
    said = []
    for dim in DIMENSIONS:
        of = {key: some for key, some in runs.items() if key[0] == dim}
        groups = {
            "known kinds, seed 0": [one for key, some in of.items() for one in some if key[1] not in FRESH and not one.seed],
            "known kinds, other seeds": [one for key, some in of.items() for one in some if key[1] not in FRESH and one.seed],
            "fresh kinds": [one for key, some in of.items() for one in some if key[1] in FRESH],
        }
        for name, group in groups.items():
            if group:
                error = np.mean([abs(one.value - one.truth) for one in group])
                old = np.mean([abs(one.likeness - one.truth) for one in group])
                inside_ = sum(one.covered for one in group)
                said.append(f"| {dim} | {name} | {len(group)} | {error:.3f} | {old:.3f} | {inside_ / len(group):.0%} |")
    seconds = [one.seconds for some in runs.values() for one in some]
    return (
        "# Planted spaces\n\n`python benchmarks/planted.py`: "
        + " ".join((__doc__ or "").split("\n\n")[2].split())
        + "\n\n| D | rows | number | mean error of completeness | of likeness, were it read so | intervals with the truth |\n"
        "| ---: | --- | ---: | ---: | ---: | ---: |\n" + "\n".join(said) + "\n\n"
        "| D | kind | truth | likeness, one a seed | completeness, one a seed | intervals with the truth |\n"
        "| ---: | --- | ---: | ---: | ---: | ---: |\n" + "\n".join(lines) + "\n\n"
        f"CPU seconds of a completeness, on one thread: median {np.median(seconds):.1f}, most {max(seconds):.1f}. "
        f"{facts('numpy', 'scikit-learn', 'torch', 'latentwalk')} Seeds 0 to {seeds - 1}.\n"
    )


if __name__ == "__main__":
    main()
