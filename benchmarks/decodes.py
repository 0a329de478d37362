"""Can what draws decode to be judged without labels? Candidates that look at decodes, against a classifier that knows labels.

    LATENTWALK_DATA=FOLDER python benchmarks/decodes.py [--data mnist fashion-mnist] [--seeds 0] [--latent 2 8 32]

AE, VAE without KL and VAE, MLP 784-512-256, learn from 20,000 images for 6 epochs. 5,000 draws each from N(0, I), the Gaussian
with the codes' moments and a mixture fitted to the codes are decoded, and set beside reconstructions of the 10,000 test images
(one draw of q(z | x) each). The outside judge is `recognisable`: the share of decoded draws of which a classifier of the data
is as sure as of 95 % of reconstructions, over .95. Every candidate gives such a share too, knows no label, and is one that
learns from reconstructions alone, or that tells them from draws; it sees principal components of the reconstructions, or of the
features of a network that was not trained. How near it is to the judge: Spearman's rank correlation over all models and
samplers, and the mean absolute difference. What is chosen is chosen on MNIST, and judged on Fashion-MNIST.

Models and every measurement are kept under `--folder` as they are finished, and a second run goes on from there. Writes
benchmarks/results/decodes.md. About 2 minutes of CPU a model, on one thread, nine models a data set; `--groups` names the
measures wanted, where time is short.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, earlier, facts, keep
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import spearmanr
from sklearn.neighbors import NearestNeighbors

from latentwalk import Autoencoder, completeness, reach
from latentwalk.data import Dataset, load
from latentwalk.latent.criteria.classifier import Classifier
from latentwalk.latent.criteria.completeness import recognisable
from latentwalk.latent.criteria.likeness import acceptance, accepted_share, likeness
from latentwalk.latent.criteria.mmd import squared_mmd
from latentwalk.latent.criteria.region import Region, parted
from latentwalk.latent.samplers import Sampler
from latentwalk.latent.space import LatentSpace

Array = NDArray[Any]
Shares = dict[str, float]  # of each sampler's draws
DATA = ["mnist", "fashion-mnist"]
RECIPES = ("ae", "vae-without-kl", "vae")
SAMPLERS = {"prior": "N(0, I)", "gaussian": "matched Gaussian", "mixture": "mixture"}
ROWS, EPOCHS, DRAWS, STEPS = 20_000, 6, 5_000, 1_500


# ---------------------------------------------------------------------- what is looked at


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained model, its samplers, and what their draws decode to."""

    space: LatentSpace  # of the rows it learnt from
    unseen: LatentSpace  # of test rows
    judge: Callable[[int], Classifier]  # of that seed
    blind: Classifier  # not trained

    @cached_property
    def samplers(self) -> Mapping[str, Sampler]:
        return {name: self.space.sampler(name) for name in SAMPLERS}

    @cached_property
    def reconstructions(self) -> Array:
        return self.unseen.decode(self.unseen.draw_codes(np.random.default_rng(1)))

    @cached_property
    def decoded(self) -> Mapping[str, Array]:
        rng = np.random.default_rng(2)
        return {name: self.space.decode(sampler(DRAWS, rng)) for name, sampler in self.samplers.items()}

    def components(self, count: int, *, blind: bool = False, whitened: bool = True) -> tuple[Array, Mapping[str, Array]]:
        """Reconstructions (n, count) and each sampler's decoded draws (m, count), in principal components of the former."""

        def seen(x: Array) -> Array:
            return (self.blind.features(x) if blind else x.reshape(len(x), -1)).astype(np.float64)

        known = seen(self.reconstructions)
        mean = known.mean(axis=0)
        values, axes = np.linalg.eigh(np.cov(known - mean, rowvar=False))
        axes = axes[:, ::-1][:, :count]
        if whitened:
            axes = axes / np.sqrt(values[::-1][:count].clip(1e-8 * values.max()))
        return (known - mean) @ axes, {name: (seen(x) - mean) @ axes for name, x in self.decoded.items()}


# ---------------------------------------------------------------------- who judges


def of_codes(subject: Subject) -> dict[str, Shares]:
    """What the library measures of codes."""
    return {
        "completeness": {name: completeness(subject.space, name).value for name in SAMPLERS},
        "reach": {name: reach(subject.space, name).value for name in SAMPLERS},
    }


def of_likeness(subject: Subject) -> dict[str, Shares]:
    """By the codes of test rows, to which no sampler was fitted."""
    most = len(subject.unseen)
    shares = {name: likeness(subject.unseen, sampler, most=most).value for name, sampler in subject.samplers.items()}
    return {"likeness": shares}


def of_labels(seed: int) -> Callable[[Subject], dict[str, Shares]]:
    """The outside judge, and, by another seed, a second one: how far two judges agree."""

    def found(subject: Subject) -> dict[str, Shares]:
        judge = subject.judge(seed)
        return {JUDGE: {name: recognisable(subject.unseen, judge, one).value for name, one in subject.samplers.items()}}

    return found


def neighbours(known: Array, drawn: Mapping[str, Array]) -> dict[str, Shares]:
    """Distances to reconstructions, at several ranks and bandwidths, alone and together: as far as 95 % of those held out."""
    learnt_from, _ = parted(len(known), len(known))
    learnt, held = known[:learnt_from], known[learnt_from:]
    near = NearestNeighbors(n_neighbors=NEAREST, algorithm="brute").fit(learnt.astype(np.float32))
    own = near.kneighbors()[0]  # of each to the others
    width = np.median(own[:, 0])

    def scores(x: Array) -> dict[str, Array]:
        apart, whom = near.kneighbors(x.astype(np.float32))
        ranks = {f"nearest, rank {rank}": -apart[:, rank - 1] for rank in RANKS}
        kernels = {f"kernel, width {h:g}": logsumexp(-((apart / (h * width)) ** 2) / 2, axis=1) for h in WIDTHS}
        ball = {"ball to the 5th": (own[whom, 4] / np.maximum(apart, 1e-12)).max(axis=1)}
        return ranks | kernels | ball

    inside = scores(held)
    sorted_ = {name: np.sort(score) for name, score in inside.items()}

    def together(found: Mapping[str, Array], what: str) -> Array:
        """The smallest rank among those held out that any of them gives."""
        of = [np.searchsorted(sorted_[name], score, side="right") for name, score in found.items() if name.startswith(what)]
        smallest: Array = np.min(of, axis=0)
        return smallest

    shares: dict[str, Shares] = {}
    for source, x in drawn.items():
        outside = scores(x)
        pairs = {name: (inside[name], outside[name]) for name in inside}
        pairs |= {f"{what}, all together": (together(inside, what), together(outside, what)) for what in ("nearest", "kernel")}
        for name, pair in pairs.items():
            shares.setdefault(name, {})[source] = accepted_share(*pair, resamples=1)[0]
    return shares


def of_neighbours(count: int, **view: bool) -> Callable[[Subject], dict[str, Shares]]:
    return lambda subject: neighbours(*subject.components(count, **view))


def of_region(count: int, **view: bool) -> Callable[[Subject], dict[str, Shares]]:
    """The region that completeness is about, learnt from reconstructions in place of codes."""

    def found(subject: Subject) -> dict[str, Shares]:
        known, drawn = subject.components(count, **view)
        region = Region.fit(known)
        return {"region": {name: region.share(x)[0] for name, x in drawn.items()}}

    return found


def of_two_samples(count: int, **view: bool) -> Callable[[Subject], dict[str, Shares]]:
    """Two-sample tests: what two classifiers cannot tell from reconstructions, and MMD, as 1 - MMD."""

    def found(subject: Subject) -> dict[str, Shares]:
        known, drawn = subject.components(count, **view)
        told = {name: acceptance(known, x, most=TOLD).value for name, x in drawn.items()}
        rng = np.random.default_rng(3)
        mmd = {name: 1 - max(squared_mmd(known[:TOLD], x[:TOLD], rng).value, 0.0) ** 0.5 for name, x in drawn.items()}
        return {"two classifiers": told, "1 - MMD": mmd}

    return found


JUDGE, OUTSIDE = "recognisable", "the outside judge"
CHOSEN = ("16 components, whitened: region", "16 components: ball to the 5th")  # on MNIST: by the difference, by rank
RESAMPLES, FEWEST = 2_000, 4  # models
NEAREST, RANKS, WIDTHS, TOLD = 50, (1, 5, 20), (0.3, 1.0, 3.0), 2_500
GROUPS: dict[str, Callable[[Subject], dict[str, Shares]]] = {
    "codes": of_codes,
    "likeness": of_likeness,
    OUTSIDE: of_labels(0),
    "a second judge": of_labels(1),
    **{f"{k} components": of_neighbours(k, whitened=False) for k in (8, 16, 32)},
    **{f"{k} components, whitened": of_neighbours(k) for k in (8, 16, 32)},
    "16 of blind features, whitened": of_neighbours(16, blind=True),
    **{f"{k} components, whitened: region": of_region(k) for k in (8, 16, 32)},
    "16 of blind features, whitened: region": of_region(16, blind=True),
    "16 components, whitened: tests": of_two_samples(16),
}


# ---------------------------------------------------------------------- measuring


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=DATA)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--latent", type=int, nargs="+", default=[2, 8, 32])
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--folder", type=Path, default=Path("runs/decodes"))
    asked = parser.parse_args()
    file = asked.folder / "kept.jsonl"
    kept = {tuple(row["key"]): row for row in earlier(file)}
    for data, seed in itertools.product(asked.data, asked.seeds):
        train, test = load(data).take(np.arange(ROWS)), load(data, split="test")
        for latent, recipe in itertools.product(asked.latent, RECIPES):
            keys = {group: (data, seed, latent, recipe, group) for group in asked.groups}
            if all(key in kept for key in keys.values()):
                continue
            subject = prepared(asked.folder, data, recipe, latent, seed, train, test)
            for group, key in keys.items():
                if key not in kept:
                    start = time.process_time()
                    found = GROUPS[group](subject)
                    kept[key] = {"key": key, "found": found, "seconds": time.process_time() - start}
                    keep(file, kept[key])
    (RESULTS / "decodes.md").write_text(page(list(kept.values())))


def prepared(folder: Path, data: str, recipe: str, latent: int, seed: int, train: Dataset, test: Dataset) -> Subject:
    """A model and its judges: trained, or kept from before."""
    where = folder / f"{data}-{recipe}-{latent}-{seed}"
    if where.exists():
        model = Autoencoder.load(where)
    else:
        model = Autoencoder(recipe, latent=latent, network="dense", epochs=EPOCHS, random_state=seed, progress=False).fit(train)
        model.save(where)
    blind = Classifier.train(train, steps=2)
    return Subject(
        model.space(train), model.space(test), lambda seed: judge(folder / f"{data}-judge-{seed}", data, seed), blind
    )


def judge(folder: Path, data: str, seed: int) -> Classifier:
    if not folder.exists():
        Classifier.train(load(data), seed, steps=STEPS).save(folder)
    return Classifier.load(folder)


# ---------------------------------------------------------------------- the page


@dataclass(frozen=True)
class Near:
    """How near a measure is to the outside judge, over the draws of `cells`."""

    title: str
    cells: int
    rank: float  # Spearman's
    gap: float  # mean absolute difference


def page(kept: list[dict[str, Any]]) -> str:
    sets = {
        data: by_measure([row for row in kept if row["key"][0] == data]) for data in dict.fromkeys(r["key"][0] for r in kept)
    }
    seeds = sorted({row["key"][1] for row in kept})
    about = " ".join((__doc__ or "").split("\n\n")[2].split())
    text = (
        "# A judge that looks at decodes\n\n"
        f"`python benchmarks/decodes.py`: {about}\n\n{facts('torch', 'numpy', 'scikit-learn', 'latentwalk')} "
        f"Seed{'s' if seeds[1:] else ''} {', '.join(map(str, seeds))}.\n\n"
    )
    for data, measures in sets.items():
        text += f"## {data}\n\n{differences(measures)}\n\n{nearness(measures)}\n\n{cells(measures)}\n\n"
    absent = [data for data in DATA if data not in sets]
    return text + (f"Not measured: {', '.join(absent)}; so nothing that was chosen is judged yet.\n" if absent else "")


def by_measure(kept: list[dict[str, Any]]) -> dict[str, dict[tuple[Any, ...], float]]:
    """The share that each measure gives each model's draws, by its title."""
    found: dict[str, dict[tuple[Any, ...], float]] = {}
    for row in kept:
        *model, group = row["key"][1:]
        for name, shares in row["found"].items():
            title = group if name == JUDGE else name if group in ("codes", "likeness") else f"{group}: {name}"
            title = title.replace(": region: ", ": ").replace(": tests: ", ": ")
            found.setdefault(title, {}).update({(*model, sampler): value for sampler, value in shares.items()})
    return found


def near(title: str, measures: dict[str, dict[tuple[Any, ...], float]], draws: list[tuple[Any, ...]]) -> Near:
    said, judged = ([measures[name][one] for one in draws] for name in (title, OUTSIDE))
    gap = float(np.mean(np.abs(np.subtract(said, judged))))
    return Near(title, len(draws), float(spearmanr(said, judged)[0]), gap)


def nearness(measures: dict[str, dict[tuple[Any, ...], float]]) -> str:
    """All measures, those of most models first, by the rank correlation."""
    rows = [near(title, measures, common(title, measures)) for title in measures if title != OUTSIDE]
    rows.sort(key=lambda one: (-one.cells, -one.rank))
    lines = [f"| {one.title} | {one.cells} | {one.rank:.3f} | {one.gap:.3f} |" for one in rows]
    return "| measure | draws | Spearman with the judge | mean difference |\n| --- | ---: | ---: | ---: |\n" + "\n".join(lines)


def common(title: str, measures: dict[str, dict[tuple[Any, ...], float]]) -> list[tuple[Any, ...]]:
    """The draws that both it and the outside judge have judged."""
    return [one for one in measures.get(title, {}) if one in measures.get(OUTSIDE, {})]


def differences(measures: dict[str, dict[tuple[Any, ...], float]]) -> str:
    """What others gain on completeness; models are resampled, with all their draws."""
    lines = [
        "| against completeness, 95 % interval by resampled models | models | Spearman, more by | mean difference, less by |",
        "| --- | ---: | ---: | ---: |",
    ]
    for title in (*CHOSEN, "likeness"):
        draws = [one for one in common(title, measures) if one in measures["completeness"]]
        models = [[one for one in draws if one[:-1] == model] for model in dict.fromkeys(one[:-1] for one in draws)]
        if len(models) < FEWEST:
            continue
        rng = np.random.default_rng(0)

        def gains(some: list[tuple[Any, ...]], title: str = title) -> tuple[float, float]:
            new, old = (near(name, measures, some) for name in (title, "completeness"))
            return new.rank - old.rank, old.gap - new.gap

        chance = [
            gains([one for at in rng.integers(len(models), size=len(models)) for one in models[at]]) for _ in range(RESAMPLES)
        ]
        (rank, gap), ends = gains(draws), np.nanquantile(chance, [0.025, 0.975], axis=0)
        said = [f"{value:.3f} ({ends[0, at]:.3f} to {ends[1, at]:.3f})" for at, value in enumerate((rank, gap))]
        lines.append(f"| {title} | {len(models)} | {' | '.join(said)} |")
    return "\n".join(lines)


def cells(measures: dict[str, dict[tuple[Any, ...], float]]) -> str:
    shown = [title for title in (OUTSIDE, "a second judge", "completeness", "reach", "likeness", *CHOSEN) if title in measures]
    lines = [f"| D | model | seed | draws from | {' | '.join(shown)} |", "| ---: | --- | ---: | --- |" + " ---: |" * len(shown)]
    for one in sorted(measures[OUTSIDE], key=lambda one: (one[1], RECIPES.index(one[2]), one[0], [*SAMPLERS].index(one[3]))):
        seed, latent, recipe, sampler = one
        said = [f"{measures[title][one]:.2f}" if one in measures[title] else "" for title in shown]
        lines.append(f"| {latent} | {recipe} | {seed} | {SAMPLERS[sampler]} | {' | '.join(said)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
