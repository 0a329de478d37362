"""Samplers fitted to the codes: how like the codes their draws are, how good what they draw looks, and whether they copy.

    python benchmarks/samplers.py [--data mnist fashion-mnist] [--seeds 3] [--latent 32 8 2] [--keep runs/samplers.jsonl]

MLP 784-512-256, 8 epochs, batches of 128, Adam 1e-3, Bernoulli targets; ae and vae, trained on the training rows. One draw of
q(z | x) for every row, train and test; each sampler is fitted to a random half of them and judged by the other: likeness
(10,000 points a side), and the distance of its draws to the nearest code it was fitted to, over that of codes it never saw.
Coverage and FID are those of 5,000 decoded draws against 5,000 test rows, in the features of a small classifier
(`benchmarks/features.py`). Every sampler is kept in a JSON-lines file as it is measured, and a second run goes on from there;
the page says how many seeds a cell has. Writes benchmarks/results/samplers.md. About four minutes of one core for each model.
"""

import argparse
import time
from collections.abc import Iterator
from itertools import groupby, product
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, earlier, facts, keep
from common.features import feature_space
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from latentwalk.data import Dataset, load
from latentwalk.data.dataset import join
from latentwalk.errors import CheckpointError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.criteria.features import Features
from latentwalk.latent.criteria.fidelity import fidelity
from latentwalk.latent.criteria.likeness import acceptance
from latentwalk.latent.samplers import FittedSampler
from latentwalk.latent.space import LatentSpace

RECIPES = ("ae", "vae")
KINDS = ("gaussian", "mixture", "resampled", "neighbours", "vamp", "prior", "flow")  # the slow one last
AIMS = {"vae": {2: 0.99, 8: 0.99, 32: 0.97}, "ae": {2: 0.99, 8: 0.99, 32: 0.90}}
MOST, DECODED, MEASURED = 10_000, 5_000, 2_000  # points judged, examples decoded, codes whose neighbours are looked for
MODELS = Path("runs/samplers")
HEAD = (
    "| data | D | model | epochs | sampler | seeds | likeness | coverage | precision | FID | nearest | fit, s | draw, s |\n"
    "| --- | ---: | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)
ABOUT = (
    "MLP 784-512-256, batches of 128, Adam 1e-3; trained on the training rows. Each sampler is fitted to a "
    "random half of all codes (one draw of q(z | x) a row, train and test), and judged by the other half. Likeness, at "
    "most: 10,000 points a side; median over the seeds, in brackets the lowest and highest end of their 95 % intervals. "
    "Coverage, precision, FID: 5,000 decoded draws against 5,000 test rows, in the features of {features} (never to be set "
    "beside a published FID). Nearest: the median distance of a draw to the nearest code that the sampler was fitted "
    "to, over that of codes it never saw; 1 is as new as new data, 0 is a copy. Seconds of one core: fitting, and 20,000 "
    "draws. Script: `benchmarks/samplers.py`."
)
Key = list[Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["mnist", "fashion-mnist"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--latent", type=int, nargs="+", default=[32, 8, 2])
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--keep", type=Path, default=Path("runs/samplers.jsonl"))
    asked = parser.parse_args()
    kept = earlier(asked.keep)
    wanted = [
        [*model, kind]
        for seed, name, latent, recipe in product(range(asked.seeds), asked.data, asked.latent, asked.recipes)
        for model in [[name, recipe, latent, seed]]
        for kind in asked.kinds
        if not skipped(recipe, kind)
    ]
    for model, todo in groupby([key for key in wanted if key not in [found["key"] for found in kept]], lambda key: key[:4]):
        for found in measured(model, [kind for *_, kind in todo], load(model[0]), load(model[0], split="test")):
            kept.append(found)
            keep(asked.keep, found)
            (RESULTS / "samplers.md").write_text(page(kept, wanted))
    (RESULTS / "samplers.md").write_text(page(kept, wanted))


def skipped(recipe: str, kind: str) -> bool:
    """Whether there is no such sampler: a plain autoencoder has no posteriors, and knows nothing of the prior."""
    return recipe == "ae" and kind in ("prior", "vamp")


def measured(key: Key, kinds: list[str], train: Dataset, test: Dataset) -> Iterator[dict[str, Any]]:
    """Train one model, unless it was, and measure samplers of these kinds."""
    model = trained(key, train)
    space = model.space(join(train, test))
    features, rows = feature_space(train), np.random.default_rng(key[3]).permutation(len(space))
    error = float(np.square((model.reconstruct(test.x) - test.x.astype(np.float32)) / 255).mean())
    learning, judging = np.sort(rows[: len(rows) // 2]), np.sort(rows[len(rows) // 2 :])
    for kind in kinds:
        start = time.process_time()
        sampler = space.fit_sampler(kind, learning, key[3])
        spent = {"fit seconds": time.process_time() - start}
        about = {"key": [*key, kind], "error": error, "epochs": len(model.history_)}
        yield about | spent | judged(sampler, space, learning, judging, test, features)


def trained(key: Key, train: Dataset) -> Autoencoder:
    """The model of that data set, recipe, number of dimensions and seed."""
    folder = MODELS / "-".join(map(str, key))
    try:
        return Autoencoder.load(folder)
    except CheckpointError:
        _, recipe, latent, seed = key
        model = Autoencoder(recipe, latent=latent, network="dense", epochs=8, random_state=seed, progress=False).fit(train)
        model.save(folder)
        return model


def judged(
    sampler: FittedSampler,
    space: LatentSpace,
    learning: NDArray[np.intp],
    judging: NDArray[np.intp],
    test: Dataset,
    features: Features,
) -> dict[str, Any]:
    codes = space.draw_codes(np.random.default_rng(1))
    start = time.process_time()
    draws = sampler(2 * MOST, np.random.default_rng(2))
    seconds = time.process_time() - start
    likeness = acceptance(codes[judging], draws, most=MOST)
    looks = fidelity(test, space.decode(draws[:DECODED]), features, most=DECODED)
    nearest = NearestNeighbors(algorithm="brute").fit(codes[learning])
    near = [np.median(nearest.kneighbors(some[:MEASURED])[0][:, 0]) for some in (draws, codes[judging])]
    return {
        "likeness": [likeness.value, likeness.low, likeness.high],
        "fid": looks.fid,
        "coverage": looks.coverage,
        "precision": looks.precision,
        "nearest": float(near[0] / near[1]),
        "draw seconds": seconds,
        "features": looks.features,
    }


def page(kept: list[dict[str, Any]], wanted: list[Key]) -> str:
    known = facts("torch", "numpy", "scikit-learn", "zuko", "latentwalk")
    rows = "\n".join(row(runs) for runs in cells(kept))
    about = ABOUT.format(features=kept[0]["features"])
    return f"# Samplers\n\n{known} {about}\n\n{HEAD}\n{rows}\n\n" + "\n".join([*aims(kept), *missing(kept, wanted)]) + "\n"


def missing(kept: list[dict[str, Any]], wanted: list[Key]) -> list[str]:
    """What was asked for and has not been measured yet: a line for each data set."""
    left = [key for key in wanted if key not in [found["key"] for found in kept]]
    return [
        f"- Not measured yet, {name}: {len(of_it)} of {sum(key[0] == name for key in wanted)} samplers"
        + (", among them all of " + ", ".join(whole) if (whole := unseen(of_it, kept)) else "")
        + ". The same command goes on."
        for name in dict.fromkeys(key[0] for key in left)
        for of_it in [[key for key in left if key[0] == name]]
    ]


def unseen(left: list[Key], kept: list[dict[str, Any]]) -> list[str]:
    """The models of which nothing was measured, whatever the seed: "vae, D = 8"."""
    seen = {tuple(found["key"][:3]) for found in kept}
    return list(
        dict.fromkeys(f"{recipe}, D = {latent}" for name, recipe, latent, *_ in left if (name, recipe, latent) not in seen)
    )


def cells(kept: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """What was measured of the same data, number of dimensions, model and sampler: one for each seed."""
    names = dict.fromkeys(found["key"][0] for found in kept)
    for name, latent, recipe, kind in product(names, (2, 8, 32), RECIPES, KINDS):
        runs = [f for f in kept if (f["key"][0], f["key"][1], f["key"][2], f["key"][4]) == (name, recipe, latent, kind)]
        if runs:
            yield runs


def row(runs: list[dict[str, Any]]) -> str:
    name, recipe, latent, _, kind = runs[0]["key"]
    low, high = min(run["likeness"][1] for run in runs), max(run["likeness"][2] for run in runs)
    likeness = f"{median([run['likeness'][0] for run in runs]):.3f} ({low:.3f}–{high:.3f})"
    forms = {"coverage": ".3f", "precision": ".3f", "fid": ".2f", "nearest": ".2f", "fit seconds": ".0f", "draw seconds": ".0f"}
    rest = [format(median([run[what] for run in runs]), form) for what, form in forms.items()]
    return f"| {name} | {latent} | {recipe} | {runs[0]['epochs']} | {kind} | {len(runs)} | {likeness} | {' | '.join(rest)} |"


def aims(kept: list[dict[str, Any]]) -> list[str]:
    """Whether the best sampler reaches what is aimed at, for every model; said as it is."""
    lines = []
    runs = list(cells(kept))
    for where in dict.fromkeys(tuple(some[0]["key"][:3]) for some in runs):
        name, recipe, latent = where
        found = {some[0]["key"][4]: some for some in runs if tuple(some[0]["key"][:3]) == where}
        best = max(found, key=lambda kind: median([run["likeness"][0] for run in found[kind]]))
        value, aim = median([run["likeness"][0] for run in found[best]]), AIMS[recipe][latent]
        says = ("reached" if value >= aim else "missed") + (", so far" if len(found[best]) < 3 else "")  # a claim takes three
        error = median([run["error"] for run in found[best]])
        lines.append(
            f"- {name}, {recipe}, D = {latent}: {best} is best, {value:.3f}, seeds: {len(found[best])}; aim {aim:.2f}: {says}. "
            f"Squared error {error:.4f}, with and without a sampler: fitting one does not touch the model."
        )
    return lines


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main()
