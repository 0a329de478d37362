"""Is the latent space continuous and complete? The verdicts on all of MNIST (or another set), over several seeds.

    python benchmarks/verdicts.py [--data mnist] [--seeds 3] [--latent 2 8 32]

The setting of the study in docs/design.md: MLP 784-512-256, 8 epochs, batches of 128, Adam 1e-3, Bernoulli targets. PCA, AE,
VAE without KL, VAE; each trained on the training rows, continuity on the test rows, completeness on the codes of all
rows. Every entry is kept in a JSON-lines file as it is finished (`--keep`), and a second run goes on from there. Writes
benchmarks/results/verdicts.md (verdicts-NAME.md for another set). About 40 minutes for MNIST on 2 cores.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from common.facts import RESULTS, earlier, facts, keep

from latentwalk.data import Dataset, load
from latentwalk.studies.comparison import Comparison, Entry

RECIPES = ("pca", "ae", "vae-without-kl", "vae")
MEASURES = {
    "continuity": "continuity, s = .1",
    "prior": "complete, N(0, I)",
    "prior_reach": "reach, N(0, I)",
    "matched": "complete, matched Gaussian",
    "matched_reach": "reach, matched Gaussian",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--latent", type=int, nargs="+", default=[2, 8, 32])
    parser.add_argument("--keep", type=Path, default=Path("runs/verdicts.jsonl"))
    asked = parser.parse_args()
    train, test = load(asked.data), load(asked.data, split="test")
    kept = earlier(asked.keep)
    for seed in range(asked.seeds):
        for latent in asked.latent:
            for recipe in RECIPES:
                key = [train.name, recipe, latent, seed]
                if not any(found["key"] == key for found in kept):
                    kept.append({"key": key} | measured(recipe, latent, seed, train, test))
                    keep(asked.keep, kept[-1])
    kept = [found for found in kept if found["key"][0] == train.name and found["key"][3] < asked.seeds]
    name = "verdicts.md" if train.name == "mnist" else f"verdicts-{train.name}.md"
    (RESULTS / name).write_text(page(kept, train, test, asked.seeds))


def measured(recipe: str, latent: int, seed: int, train: Dataset, test: Dataset) -> dict[str, Any]:
    """Train and judge one model."""
    start = time.perf_counter()
    options = {} if recipe == "pca" else {"network": "dense", "epochs": 8, "random_state": seed}
    (entry,) = Comparison([recipe], latent=[latent], **options).fit(train, test).entries_
    return numbers(entry) | {"minutes": (time.perf_counter() - start) / 60}


def numbers(entry: Entry) -> dict[str, Any]:
    judged = entry.judgement
    values = {key: [m.value, m.low, m.high] for key, m in judged.measures.items()}
    details = judged.measures["continuity"].details
    curve = dict(zip(details["curve_scales"], details["curve"], strict=True))  # type: ignore[arg-type]
    return values | {"error": judged.error, "active": judged.active, "curve .2": curve[0.2], "seconds": entry.tried.seconds}


def page(kept: list[dict[str, Any]], train: Dataset, test: Dataset, seeds: int) -> str:
    continuity, *others = MEASURES.values()
    head = f"| D | model | {continuity} | s = .2 | {' | '.join(others)} | squared error | active |"
    rows = [row(kept, recipe, latent) for latent in sorted({f["key"][2] for f in kept}) for recipe in RECIPES]
    return (
        f"# Verdicts: {train.name}\n\n{facts('torch', 'numpy', 'scikit-learn', 'latentwalk')} Seeds 0 to {seeds - 1}; "
        f"{len(train):,} training rows (a tenth chooses the best epoch), {len(test):,} test rows. MLP 784-512-256, 8 epochs, "
        "batches of 128, Adam 1e-3. Continuity on test rows, completeness and reach on one draw of q(z | x) for every row "
        "(codes for AE and PCA). Each cell: the median over the "
        "seeds, and in brackets the lowest and highest end of the seeds' 95 % intervals. Squared error: mean per value of the "
        f"test rows, in units of the range. Script: `benchmarks/verdicts.py --data {train.name}`.\n\n"
        f"{head}\n| ---: | --- |{' ---: |' * 8}\n" + "\n".join(rows) + "\n\n" + "\n".join(claims(kept)) + "\n"
    )


def row(kept: list[dict[str, Any]], recipe: str, latent: int) -> str:
    runs = [found for found in kept if found["key"][1:3] == [recipe, latent]]
    cells = [cell(runs, name) for name in MEASURES]
    cells.insert(1, f"{median([run['curve .2'] for run in runs]):.2f}")
    extra = [f"{median([run['error'] for run in runs]):.4f}", f"{median([run['active'] for run in runs]):.0f}"]
    return f"| {latent} | {recipe} | {' | '.join([*cells, *extra])} |"


def cell(runs: list[dict[str, Any]], name: str) -> str:
    low, high = min(run[name][1] for run in runs), max(run[name][2] for run in runs)
    return f"{median([run[name][0] for run in runs]):.3f} ({low:.3f}–{high:.3f})"


def claims(kept: list[dict[str, Any]]) -> list[str]:
    """Whether the VAE's intervals lie above the AE's, for every seed of each, measured rather than said."""
    lines = []
    for latent in sorted({found["key"][2] for found in kept}):
        runs = {r: [f for f in kept if f["key"][1:3] == [r, latent]] for r in RECIPES}
        for name in MEASURES:
            gap = min(run[name][1] for run in runs["vae"]) - max(run[name][2] for run in runs["ae"])
            says = f"lies {gap:.3f} above" if gap > 0 else f"does not lie above (overlap {-gap:.3f})"
            lines.append(f"- D = {latent}, {MEASURES[name]}: the lowest interval of the VAE {says} the highest of the AE.")
    return lines


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main()
