"""The sampler that every fit ends with: how like codes of new rows its draws are, beside others, and what it costs.

    python benchmarks/quick_samplers.py [--seeds 3] [--slow] [--keep runs/quick_samplers.jsonl]

MNIST-5k, the usual network, 20 epochs, all else as it comes; ae and vae in 2, 8 and 32 dimensions. Each sampler is fitted to
the codes of the rows that were learnt from, as `fit` does, and judged by the codes of MNIST's 10,000 test rows, which no one
has seen: likeness, and of the prior what `fit` says of it beside what the thorough criterion does. Every measurement is kept in
a JSON-lines file, and a second run goes on from there. Writes a section of benchmarks/results/defaults.md.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from itertools import groupby, product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from common.facts import RESULTS, earlier, facts, keep, put_section

from latentwalk.data import load
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.completion import quick_sampler
from latentwalk.latent.criteria.completeness import completeness
from latentwalk.latent.criteria.likeness import acceptance
from latentwalk.latent.samplers import FittedSampler, Isotropic, Mixture, MomentMatched, Neighbours, Resampled

TITLE = "What sample draws"
POINTS = 10_000
FITTED: dict[str, Callable[..., FittedSampler]] = {
    "prior": Isotropic.fit,
    "gaussian": MomentMatched.fit,
    "mixture of 10": partial(Mixture.fit, components=10),
    "mixture": Mixture.fit,
    "quick": lambda codes, seed: quick_sampler(codes, None, seed).sampler,  # type: ignore[union-attr]
    "neighbours": Neighbours.fit,
    "resampled": Resampled.fit,
}
SLOW = ("resampled",)  # measured where asked for
ABOUT = (
    "MNIST-5k ({rows:,} rows), the usual network, 20 epochs; seeds: {seeds}, medians; *resampled* where it was measured, once. "
    "Each sampler is fitted to the codes of the rows learnt from, and judged by those of MNIST's 10,000 test rows: "
    "likeness of 10,000 draws, at most. Script: `benchmarks/quick_samplers.py`."
)
SPENT = (
    "Seconds of one core: of the fit, of all that the quick sampler adds to it (encoding, too), and of fitting each sampler to "
    "the codes alone. Then, of draws from the prior: the share that lands where codes lie as `fit` knows it, and as the "
    "criterion `completeness` has it."
)
FOUND = (
    "Of those that take a second the mixture is the best or level with it everywhere. In 32 dimensions a small network looks "
    "at its draws besides, which costs two seconds more and helps a plain autoencoder most; `resampled`, in half a minute, is "
    "better still: `complete=True`, or `latentwalk complete`, finds it."
)
COSTS = (
    "| model | D | fit | quick, in all | gaussian | mixture of 10 | mixture | quick | neighbours | resampled | prior, said | "
    "complete |\n"
    "| --- | ---: |" + " ---: |" * 10
)
HEAD = "| model | D | " + " | ".join(FITTED) + " |\n| --- | ---: |" + " ---: |" * len(FITTED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--slow", action="store_true", help="resampled, too")
    parser.add_argument("--keep", type=Path, default=Path("runs/quick_samplers.jsonl"))
    asked = parser.parse_args()
    kept = earlier(asked.keep)
    for seed, recipe, latent in product(range(asked.seeds), ("ae", "vae"), (2, 8, 32)):
        if not any(found["key"] == [recipe, latent, seed] for found in kept):
            found = {"key": [recipe, latent, seed]} | measured(recipe, latent, seed, slow=asked.slow)
            kept.append(found)
            keep(asked.keep, found)
            put_section(RESULTS / "defaults.md", TITLE, text(kept))
    put_section(RESULTS / "defaults.md", TITLE, text(kept))


def measured(recipe: str, latent: int, seed: int, *, slow: bool) -> dict[str, Any]:
    train, test = load("mnist-5k"), load("mnist", split="test")
    start = time.process_time()
    model = Autoencoder(recipe, latent=latent, epochs=20, random_state=seed, progress=False, complete=False).fit(train)
    learning = time.process_time() - start
    start = time.process_time()
    model.fit_sampler(train, "quick")
    whole = time.process_time() - start
    codes = model.space(train).draw_codes(np.random.default_rng(seed))
    judging = model.space(test)
    others = judging.draw_codes(np.random.default_rng(seed + 1))
    found: dict[str, Any] = {}
    for name, fitted in FITTED.items():
        if name in SLOW and not slow:
            continue
        start = time.process_time()
        sampler = fitted(codes, seed)
        seconds = time.process_time() - start
        likeness = acceptance(others, sampler(2 * POINTS, np.random.default_rng(2)), seed=seed, most=POINTS)
        found[name] = {"likeness": likeness.value, "seconds": seconds}
    return {
        "samplers": found,
        "fit seconds": learning,
        "quick seconds": whole,
        "prior said": model.trained_.prior_share,
        "prior complete": completeness(judging, "prior", seed=seed, most=POINTS).value,
        "rows": len(train),
    }


def spent(runs: list[dict[str, Any]]) -> list[str]:
    """The cells of what was spent on these runs, and what is said of the prior."""
    found = [f"{median(run['fit seconds'] for run in runs):.1f}", f"{median(run['quick seconds'] for run in runs):.2f}"]
    for name in list(FITTED)[1:]:
        seen = [run["samplers"][name]["seconds"] for run in runs if name in run["samplers"]]
        found.append(f"{median(seen):.2f}" if seen else "")
    return [*found, *(f"{median(run[what] for run in runs):.2f}" for what in ("prior said", "prior complete"))]


def text(kept: list[dict[str, Any]]) -> str:
    rows, costs = [], []
    for (recipe, latent), group in groupby(sorted(kept, key=lambda one: one["key"][:2]), lambda one: one["key"][:2]):
        runs = list(group)
        cells = []
        for name in FITTED:
            seen = [run["samplers"][name] for run in runs if name in run["samplers"]]
            cells.append(f"{median(one['likeness'] for one in seen):.3f}" if seen else "")
        rows.append(f"| {recipe} | {latent} | " + " | ".join(cells) + " |")
        costs.append(f"| {recipe} | {latent} | " + " | ".join(spent(runs)) + " |")
    seeds = len({run["key"][2] for run in kept})
    known = facts("torch", "numpy", "scikit-learn", "latentwalk")
    about = ABOUT.format(rows=kept[0]["rows"], seeds=seeds)
    return "\n".join([f"{known} {about}", "", HEAD, *rows, "", FOUND, "", SPENT, "", COSTS, *costs])


if __name__ == "__main__":
    main()
