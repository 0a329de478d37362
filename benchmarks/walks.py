"""Do density-aware walks cross fewer holes than straight ones? MNIST, in 2 and 8 dimensions, judged by others than their guide.

    python benchmarks/walks.py [--data ../shared/data/mnist] [--walks 300] [--seeds 1 2 3] [--latent 2 8]

AE and VAE, MLP 784-512-256, 8 epochs, batches of 512. Ways lead between random test examples. The guide (graph and holes) sees
codes of 20,000 training rows. Two judges see codes of test rows only: other holes (`Holes`: a mixture of Gaussians, the
5 % quantile of its density), and boosted trees told codes from points on other straight walks, of which the 5 % of codes that
look least like codes are called holes. A share is that of 201 places evenly along a way. Seed 0 is left out: the price of a
hole was chosen by looking at its models. Measurements are kept in a JSON-lines file (`--keep`), and a second run goes on
from there. Writes benchmarks/results/walks.md. About 12 minutes of one core.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, earlier, facts, keep
from sklearn.ensemble import HistGradientBoostingClassifier

from latentwalk import Autoencoder, Dataset, LatentSpace, read
from latentwalk.latent.holes import OUTSIDE, Holes
from latentwalk.latent.moves.graph import Graph
from latentwalk.latent.moves.paths import along
from latentwalk.latent.moves.walks import course
from latentwalk.training.runtime import one_thread

PATHS = ("linear", "spherical", "quantile", "density")
GUIDE = 20_000  # training rows the guide sees
PLACES = np.linspace(0, 1, 201)
FINE = np.linspace(0, 1, 1001)
Judge = Callable[[np.ndarray], np.ndarray]  # codes (m, D) → which lie in holes (m,)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="../shared/data/mnist")
    parser.add_argument("--walks", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--latent", type=int, nargs="+", default=[2, 8])
    parser.add_argument("--keep", type=Path, default=Path("runs/walks.jsonl"))
    asked = parser.parse_args()
    train, test = read(asked.data, split="train"), read(asked.data, split="test")
    kept = earlier(asked.keep)
    for seed in asked.seeds:
        for latent in asked.latent:
            for recipe in ("ae", "vae"):
                key = [recipe, latent, seed, asked.walks]
                if not any(found["key"] == key for found in kept):
                    kept.append({"key": key} | measured(recipe, latent, seed, asked.walks, train, test))
                    keep(asked.keep, kept[-1])
    wanted = [[recipe, d, seed, asked.walks] for recipe in ("ae", "vae") for d in asked.latent for seed in asked.seeds]
    kept = [found for found in kept if found["key"] in wanted]
    (RESULTS / "walks.md").write_text(page(kept, asked.walks, asked.seeds))


def measured(recipe: str, latent: int, seed: int, walks: int, train: Dataset, test: Dataset) -> dict[str, Any]:
    """Train one model, walk, and judge: for each path, the mean over walks of what `judged` says."""
    options: dict[str, Any] = {"network": "dense", "epochs": 8, "batch_size": 512, "learning_rate": 2e-3, "progress": False}
    model = Autoencoder(recipe, latent=latent, random_state=seed, **options).fit(train)
    rng = np.random.default_rng(seed)
    guide, other = model.space(train.take(rng.permutation(len(train))[:GUIDE])), model.space(test)
    start = time.process_time()
    guide.kept(Graph).way(*other.codes[:2])
    prepared = time.process_time() - start
    with one_thread():
        judges = {"holes": Holes.of(other, seed + 100), "trees": trees(other, seed)}
        pairs = rng.permutation(len(other))[: 2 * walks].reshape(-1, 2)
        found, spent = {}, {}
        for path in PATHS:
            start = time.process_time()
            lines = [course(guide, *other.codes[pair], path)(FINE) for pair in pairs]  # type: ignore[arg-type]
            spent[path] = (time.process_time() - start) / walks
            found[path] = judged([along(line, PLACES) for line in lines], judges, guide)
    codes = other.draw_codes(np.random.default_rng(seed))
    return {
        "means": {path: {name: float(each.mean()) for name, each in said.items()} for path, said in found.items()},
        "free": {path: float((said["holes, inner"] == 0).mean()) for path, said in found.items()},
        "gaps": {judge: paired(found["linear"][judge], found["density"][judge]) for judge in judges},
        "codes": {name: float(judge(codes).mean()) for name, judge in judges.items()},
        "spent": {"guide": prepared, **spent},
    }


def paired(one: np.ndarray, other: np.ndarray) -> list[float]:
    """The mean of one - other, both (walks,), and half its 95 % interval."""
    gap = one - other
    return [float(gap.mean()), float(1.96 * gap.std() / np.sqrt(len(gap)))]


def trees(space: LatentSpace, seed: int) -> Judge:
    """Boosted trees told half of the codes from as many points on straight walks; the other half says what 5 % are below."""
    rng = np.random.default_rng(seed)
    codes = rng.permutation(space.draw_codes(rng))
    half = len(codes) // 2
    a, b, t = codes[rng.integers(half, size=half)], codes[rng.integers(half, size=half)], rng.random((half, 1))
    x, y = np.concatenate([codes[:half], (1 - t) * a + t * b]), np.repeat([1, 0], half)
    score = HistGradientBoostingClassifier(max_iter=500, early_stopping=True, random_state=seed).fit(x, y).decision_function
    edge = np.quantile(score(codes[half:]), OUTSIDE)
    return lambda z: np.asarray(score(z) < edge)


def judged(ways: list[np.ndarray], judges: dict[str, Judge], space: LatentSpace) -> dict[str, Any]:
    """Of ways (places, D): the share in holes, by each judge; the same without holes an end lies in; lengths: (walks,) each."""
    points = np.concatenate(ways)
    moved = space.outputs(points).reshape(len(ways), len(PLACES), -1)
    said: dict[str, Any] = {"length": np.linalg.norm(np.diff(moved, axis=1), axis=2).sum(axis=1)}
    for name, judge in judges.items():
        inside = judge(points).reshape(len(ways), -1)
        said[name] = inside.mean(axis=1)
        said[f"{name}, inner"] = (inside & ~at_the_ends(inside)).mean(axis=1)
    return said


def at_the_ends(inside: np.ndarray) -> np.ndarray:
    """Which places belong to a hole that the way begins or ends in: (walks, places)."""
    return np.logical_and.accumulate(inside, axis=1) | np.logical_and.accumulate(inside[:, ::-1], axis=1)[:, ::-1]


def page(kept: list[dict[str, Any]], walks: int, seeds: list[int]) -> str:
    head = (
        "| D | model | path | in holes, judge 1 | judge 2 | inner holes, judge 1 | judge 2 | walks without inner holes | "
        "length | CPU ms a walk |"
    )
    models = sorted({(f["key"][1], f["key"][0]) for f in kept})
    rows = [row(kept, *model, path) for model in models for path in PATHS]
    codes = {name: [f["codes"][name] for f in kept] for name in ("holes", "trees")}
    return (
        f"# Walks and holes: MNIST\n\n{facts('torch', 'numpy', 'scikit-learn', 'scipy', 'latentwalk')} Seeds "
        f"{', '.join(map(str, seeds))}; {walks} walks a model between random test examples. MLP 784-512-256, 8 epochs, batches "
        f"of 512, Adam 2e-3. The guide of density walks saw codes of {GUIDE:,} training rows, both judges codes of the 10,000 "
        "test rows. Judge 1: `Holes` fitted to them; judge 2: boosted trees told codes from points on other straight walks, a "
        "ratio of densities, so that places where straight walks crowd count as holes even among codes (see the limit of "
        "completeness in docs/design.md). Of the test codes themselves judge 1 calls "
        f"{between(codes['holes'])} holes, judge 2 {between(codes['trees'])}, so some "
        "ends lie in holes: inner holes are those that neither end lies in. Each cell: the median over seeds of the mean over "
        "walks, and in brackets the lowest and highest seed. Length: how far the decoder's output moves, over that of the "
        f"straight line. A guide takes {median([f['spent']['guide'] for f in kept]):.0f} s of CPU. Script: "
        "`benchmarks/walks.py`.\n\n"
        f"{head}\n| ---: | --- | --- |{' ---: |' * 7}\n" + "\n".join(rows) + "\n\n" + "\n".join(claims(kept)) + "\n"
    )


def row(kept: list[dict[str, Any]], latent: int, recipe: str, path: str) -> str:
    runs = [found for found in kept if found["key"][:2] == [recipe, latent]]
    names = ("holes", "trees", "holes, inner", "trees, inner")
    cells = [cell([run["means"][path][name] for run in runs]) for name in names]
    free = cell([run["free"][path] for run in runs], 2)
    length = cell([run["means"][path]["length"] / run["means"]["linear"]["length"] for run in runs], 2)
    spent = f"{1000 * median([run['spent'][path] for run in runs]):.1f}"
    return f"| {latent} | {recipe} | {path} | {' | '.join([*cells, free, length, spent])} |"


def cell(values: list[float], digits: int = 3) -> str:
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def between(values: list[float]) -> str:
    return f"{min(values):.3f} to {max(values):.3f}"


def claims(kept: list[dict[str, Any]]) -> list[str]:
    """For each model, whether density walks are less in holes than straight ones, for every seed, by paired 95 % intervals."""
    lines = []
    for latent, recipe in sorted({(f["key"][1], f["key"][0]) for f in kept}):
        runs = [f for f in kept if f["key"][:2] == [recipe, latent]]
        for name, judge in (("holes", "judge 1"), ("trees", "judge 2")):
            surely = sum(gap > half for gap, half in (run["gaps"][name] for run in runs))
            straight, density = (median([run["means"][path][name] for run in runs]) for path in ("linear", "density"))
            lines.append(
                f"- {recipe}, D = {latent}, {judge}: {density:.3f} of a density walk and {straight:.3f} of a straight one in "
                f"holes; less, with a paired 95 % interval above 0, for {surely} of {len(runs)} seeds."
            )
    return lines


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main()
