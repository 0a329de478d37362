"""What the other criteria say of the latent spaces of benchmarks/verdicts.py, and how real their draws are.

    python benchmarks/criteria.py [--data mnist] [--seeds 3] [--latent 2 8 32]

The setting of benchmarks/verdicts.md: MLP 784-512-256, 8 epochs, batches of 128, Adam 1e-3, Bernoulli targets; AE, VAE without
KL, VAE; trained on the training rows, measured on the test rows. Continuity and completeness are in verdicts.md and are left
out here. The feature space is a classifier of the training rows (benchmarks/features.py). Every model's numbers are kept in a
JSON-lines file as they are finished (`--keep`), and a second run goes on from there. Writes benchmarks/results/criteria.md.
About 25 minutes for MNIST on one core.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, earlier, facts, keep
from common.features import feature_space

from latentwalk.data import Dataset, load
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.criteria.features import Features
from latentwalk.latent.criteria.fidelity import fidelity
from latentwalk.latent.criteria.scorecard import scorecard

RECIPES = ("ae", "vae-without-kl", "vae")
SOURCES = {"prior": "own N(0, I)", "gaussian": "matched Gaussian"}
DRAWS = 5_000
ENOUGH = 3  # seeds for a claim
SHARES = ("precision", "recall", "density", "coverage")
FOUND = {  # name of the measure → digits
    "active units": 2,
    "prior gap": 2,
    "mutual information": 1,
    "prior distance": 4,
    "draws in holes": 2,
    "trustworthiness": 3,
    "neighbours kept": 3,
    "class accuracy": 3,
    "linear probe": 3,
    "interpolation gap": 0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--latent", type=int, nargs="+", default=[2, 8, 32])
    parser.add_argument("--keep", type=Path, default=Path("runs/criteria.jsonl"))
    asked = parser.parse_args()
    train, test = load(asked.data), load(asked.data, split="test")
    features, kept = feature_space(train), earlier(asked.keep)
    if not any(found["key"] == [train.name, "real"] for found in kept):
        real = fidelity(test, train.x[:DRAWS], features).to_json()
        kept.append({"key": [train.name, "real"], "fidelity": {"real": real}})
        keep(asked.keep, kept[-1])
    for seed in range(asked.seeds):
        for latent in asked.latent:
            for recipe in RECIPES:
                key = [train.name, recipe, latent, seed]
                if not any(found["key"] == key for found in kept):
                    kept.append({"key": key} | measured(recipe, latent, seed, train, test, features))
                    keep(asked.keep, kept[-1])
                    write(kept, train, test, features)
    write(kept, train, test, features)


def measured(recipe: str, latent: int, seed: int, train: Dataset, test: Dataset, features: Features) -> dict[str, Any]:
    """Train one model and measure its space."""
    start = time.process_time()
    model = Autoencoder(recipe, latent=latent, network="dense", epochs=8, random_state=seed, progress=False).fit(train)
    trained = time.process_time()
    space = model.space(test)
    card = scorecard(space, features=features, without=["continuity", "completeness", "fidelity"], seed=seed)
    compared = {name: fidelity(space, space.sample(DRAWS, name, seed), features, seed=seed).to_json() for name in SOURCES}
    took = {"training": trained - start, "measuring": time.process_time() - trained}
    measures = {name: measure.to_json() for name, measure in card.measures.items()}
    return {"measures": measures, "fidelity": compared, "cpu seconds": took}


def write(kept: list[dict[str, Any]], train: Dataset, test: Dataset, features: Features) -> None:
    """The page, of all that has been measured so far."""
    kept = [found for found in kept if found["key"][0] == train.name]
    name = "criteria.md" if train.name == "mnist" else f"criteria-{train.name}.md"
    (RESULTS / name).write_text(page(kept, train, test, features))


def page(kept: list[dict[str, Any]], train: Dataset, test: Dataset, features: Features) -> str:
    models = [found for found in kept if len(found["key"]) == 4]
    groups = sorted({(found["key"][2], RECIPES.index(found["key"][1])) for found in models})
    runs = {
        (latent, RECIPES[at]): [found for found in models if found["key"][1:3] == [RECIPES[at], latent]]
        for latent, at in groups
    }
    counts = sorted({len(found) for found in runs.values()})
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} (the table says how many)"
    (real,) = (found["fidelity"]["real"] for found in kept if len(found["key"]) == 2)
    cpu = np.median([sum(found["cpu seconds"].values()) for found in models])
    return (
        f"# Criteria: {train.name}\n\n{facts('torch', 'numpy', 'scikit-learn', 'latentwalk')} Seeds: {seeds}; {len(train):,} "
        f"training rows (a tenth chooses the best epoch); measured on {len(test):,} test rows. MLP 784-512-256, 8 epochs, "
        "batches of 128, Adam 1e-3, as in verdicts.md, where continuity and completeness are. Each cell: the median over the "
        f"seeds, and in brackets their lowest and highest. A model takes {cpu:.0f} s of one core, training included. "
        f"Script: `benchmarks/criteria.py --data {train.name}`.\n\n"
        f"{card(runs)}\n\n"
        "Prior gap: KL(q(z) || N(0, I)) in nats, by a mixture fitted to half of the codes (at most the true gap; nothing draws "
        "the codes of AE and VAE without KL to N(0, I)). Mutual information: nats, by the same mixture; none for a posterior "
        "that is a point. Prior distance: MMD², inverse multiquadric kernels. Draws in holes: of N(0, I), where 5 % of encoded "
        "data lies. Interpolation gap: FID of decoded midpoints of straight lines less that of reconstructions.\n\n"
        f"## Draws against test rows\n\nFeature space: {features.name}; k = 5; {DRAWS:,} draws and {DRAWS:,} test rows. These "
        "numbers compare with each other only, never with published ones, which are found in other feature spaces.\n\n"
        f"{samples(runs, real)}\n\n{places(runs)}\n\n" + "\n".join(claims(runs)) + "\n"
    )


def card(runs: dict[tuple[int, str], list[dict[str, Any]]]) -> str:
    rows = []
    for (latent, recipe), found in runs.items():
        cells = [
            cell([run["measures"][name]["value"] for run in found if name in run["measures"]], FOUND[name]) for name in FOUND
        ]
        rows.append(f"| {latent} | {recipe} | {len(found)} | {' | '.join(cells)} |")
    return f"| D | model | seeds | {' | '.join(FOUND)} |\n| ---: | --- | ---: |{' ---: |' * len(FOUND)}\n" + "\n".join(rows)


def samples(runs: dict[tuple[int, str], list[dict[str, Any]]], real: dict[str, Any]) -> str:
    rows = []
    for (latent, recipe), found in runs.items():
        for source, title in SOURCES.items():
            sets = [run["fidelity"][source] for run in found]
            cells = [cell([one[name] for one in sets], 2) for name in SHARES] + [cell([one["fid"] for one in sets], 0)]
            rows.append(f"| {latent} | {recipe} | {title} | {' | '.join(cells)} |")
    floor = " | ".join([*(f"{real[name]:.2f}" for name in SHARES), f"{real['fid']:.1f}"])
    rows.append(f"| | training rows themselves | | {floor} |")
    return f"| D | model | draws from | {' | '.join(SHARES)} | FID |\n| ---: | --- | --- |{' ---: |' * 5}\n" + "\n".join(rows)


def places(runs: dict[tuple[int, str], list[dict[str, Any]]]) -> str:
    """Midpoints and reconstructions: where the interpolation gap comes from."""
    rows = []
    for (latent, recipe), found in runs.items():
        details = [run["measures"]["interpolation gap"]["details"] for run in found]
        cells = [cell([one[name] for one in details], 0) for name in ("reconstructions", "between")]
        cells += [cell([one[name] for one in details], 3) for name in ("holes_codes", "holes_between")]
        rows.append(f"| {latent} | {recipe} | {' | '.join(cells)} |")
    head = "| D | model | FID of reconstructions | FID of midpoints | codes in holes | midpoints in holes |"
    return f"{head}\n| ---: | --- |{' ---: |' * 4}\n" + "\n".join(rows)


def claims(runs: dict[tuple[int, str], list[dict[str, Any]]]) -> list[str]:
    """For each D, whether the best by FID is so for every seed, measured rather than said."""
    lines = []
    for latent in sorted({latent for latent, _ in runs}):
        named = {
            f"{recipe}, {title}": [run["fidelity"][source]["fid"] for run in runs[latent, recipe]]
            for recipe in RECIPES
            if (latent, recipe) in runs
            for source, title in SOURCES.items()
        }
        if min(map(len, named.values())) < ENOUGH or len(named) < len(RECIPES) * len(SOURCES):
            lines.append(f"- D = {latent}: fewer than {ENOUGH} seeds of each so far, so nothing is claimed.")
            continue
        best, second = sorted(named, key=lambda name: float(np.median(named[name])))[:2]
        clear = "for every seed" if max(named[best]) < min(named[second]) else "in the median, not for every seed"
        lines.append(f"- D = {latent}: the lowest FID of draws is that of {best}, ahead of {second} {clear}.")
    return lines


def cell(values: list[float], digits: int) -> str:
    if not values:
        return "–"
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{np.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


if __name__ == "__main__":
    main()
