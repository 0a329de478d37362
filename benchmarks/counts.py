"""Counts with totals: do codes tell kinds of cells, or how deep these were read? osmFISH, before and after.

    python benchmarks/counts.py [--trials 3] [--data ../shared/data]

4,530 cells of mouse cortex, counts of 33 genes, six kinds of cells (Codeluppi et al. 2018). Codes of 8 dimensions are learnt
from all cells without labels, with the defaults of `Autoencoder`; then the share of cells whose kind 15 nearest neighbours
among the codes of the others tell (five folds), and the share of the variance of log totals that is linear in the codes (five
folds, 0 where it is none). "Before" is the negative binomial of version 0.1.0, in which no total is modelled. Every
measurement is kept in a JSON-lines file (`--keep`). Writes the section "Counts" of benchmarks/results/defaults.md.
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from common.facts import RESULTS, begun, facts, keep, put_section
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from latentwalk import Autoencoder, DataSpec
from latentwalk.training.runtime import one_thread

LATENT, NEIGHBOURS = 8, 15
Codes = Callable[[Any, int], Any]  # counts, seed → codes


def main() -> None:
    asked, kept, known = begun(__doc__, "counts", 3)
    with np.load(asked.data / "single-cell" / "osmfish.npz") as file:
        counts, kind = file["counts"], file["label"]
    for seed in range(asked.trials):
        for name, method in METHODS.items():
            if (name, seed) not in known:
                kept.append({"key": [name, seed]} | measured(method, counts, kind, seed))
                keep(asked.keep, kept[-1])
    put_section(RESULTS / "defaults.md", "Counts", page(kept))


def measured(method: Codes, counts: Any, kind: Any, seed: int) -> dict[str, float]:
    start = time.process_time()
    with warnings.catch_warnings(), one_thread():
        warnings.simplefilter("ignore")
        codes = method(counts, seed)
    seconds = time.process_time() - start
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    told = cross_val_score(KNeighborsClassifier(NEIGHBOURS), codes, kind, cv=folds).mean()
    totals = np.log(counts.sum(1) + 0.5)
    size = cross_val_score(LinearRegression(), codes, totals, cv=KFold(5, shuffle=True, random_state=seed)).mean()
    return {"told": float(told), "size": float(max(size, 0)), "seconds": seconds}


def logs(counts: Any) -> Any:
    return np.log1p(counts.astype(float))


def normalised(counts: Any) -> Any:
    totals = counts.sum(1, keepdims=True)
    return np.log1p(counts * (np.median(totals) / np.maximum(totals, 1)))


def learnt(recipe: str, likelihood: str, *, read: Callable[[Any], Any] = lambda counts: counts, counted: bool = True) -> Codes:
    def codes(counts: Any, seed: int) -> Any:
        x = read(counts)
        spec = None if counted else replace(DataSpec.infer(x), counted=False)
        options = {"latent": LATENT, "random_state": seed, "progress": False, "complete": False, "spec": spec}
        return Autoencoder(recipe, likelihood=likelihood, **options).fit_transform(x)

    return codes


METHODS: dict[str, Codes] = {
    "PCA of log1p": lambda counts, seed: PCA(LATENT, random_state=seed).fit_transform(logs(counts)),
    "PCA of log1p of normalised counts": lambda counts, seed: PCA(LATENT, random_state=seed).fit_transform(normalised(counts)),
    "VAE, Gaussian on log1p": learnt("vae", "gaussian", read=logs),
    "VAE, negative binomial, before": learnt("vae", "negative-binomial", counted=False),
    "VAE, counts with totals (now the default)": learnt("vae", "auto"),
    "AE, Gaussian on log1p": learnt("ae", "gaussian", read=logs),
    "AE, negative binomial, before": learnt("ae", "negative-binomial", counted=False),
    "AE, counts with totals (now the default)": learnt("ae", "auto"),
}


def page(kept: list[dict[str, Any]]) -> str:
    lines = [
        "| codes of 8 dimensions | kind told by 15 neighbours | log total told | CPU seconds |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name in METHODS:
        runs = [found for found in kept if found["key"][0] == name]
        told, size, seconds = (np.array([run[what] for run in runs]) for what in ("told", "size", "seconds"))
        lines.append(
            f"| {name} | {np.median(told):.3f} ({told.min():.3f} to {told.max():.3f}) | {np.median(size):.2f} | "
            f"{np.median(seconds):.1f} |"
        )
    seeds = len({found["key"][1] for found in kept})
    return (
        f"{facts('torch', 'scikit-learn', 'latentwalk')} osmFISH, 4,530 cells, 33 genes, six kinds; learnt without labels, the "
        f"defaults otherwise; medians of {seeds} seeds (lowest to highest). The largest kind is .462 of the cells. "
        "p(x | z) = p(total) p(x | total, z), see `models/portions.py`, so codes tell what was counted and not how much.\n\n"
        + "\n".join(lines)
        + "\n\nScript: `benchmarks/counts.py`."
    )


if __name__ == "__main__":
    main()
