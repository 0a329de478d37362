"""Is the region of a real space too large when its codes are few? An autoencoder of 4,170 digits, and 60,000 codes of it.

    python benchmarks/few_codes.py [--before]

An AE and a VAE of 8 dimensions learn from mnist-5k as `latentwalk tour` lets them. Completeness of draws from N(0, I) and from
the Gaussian with the codes' moments, by the region of the 4,170 codes it learnt from, and by that of all of MNIST, encoded by
the same model: the same place to land, known by 14 times as many codes. Recognisable, an outside judge: the share of 2,000
decoded draws of which a classifier of MNIST is as sure as of 95 % of reconstructions, over .95.

Codes and draws are kept in a folder (`--folder`), so that an older latentwalk, which PYTHONPATH names, reads the same
(`--before`). Writes benchmarks/results/few_codes.md when both have. About 2 minutes of CPU.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, earlier, facts, keep

from latentwalk import Autoencoder
from latentwalk.data import load
from latentwalk.latent.criteria.classifier import Classifier
from latentwalk.latent.criteria.region import Region
from latentwalk.studies.comparison import Comparison

RECIPES = ("ae", "vae")
SAMPLERS = {"prior": "N(0, I)", "matched": "matched Gaussian"}
DIM, DRAWS, JUDGED = 8, 20_000, 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", action="store_true")
    parser.add_argument("--folder", type=Path, default=Path("runs/few_codes"))
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    for recipe in RECIPES:
        if not (asked.folder / f"{recipe}.npz").exists():
            prepare(recipe, asked.folder)
    kept = earlier(asked.folder / "kept.jsonl")
    for recipe in RECIPES:
        for codes in ("few",) if asked.before else ("few", "many"):  # of many, nothing has changed
            if not any([row["recipe"], row["codes"], row["before"]] == [recipe, codes, asked.before] for row in kept):
                kept.append(read(recipe, codes, asked.before, asked.folder))
                keep(asked.folder / "kept.jsonl", kept[-1])
    if {row["before"] for row in kept} == {True, False}:
        (RESULTS / "few_codes.md").write_text(page(kept))


def prepare(recipe: str, folder: Path) -> None:
    """Train, encode, draw, judge what is drawn; keep it all."""
    few, many = load("mnist-5k"), load("mnist")
    (entry,) = Comparison([recipe], latent=[DIM]).fit(few).entries_
    model = entry.tried.model
    assert isinstance(model, Autoencoder)
    rng = np.random.default_rng(0)
    codes = {"few": entry.tried.space.draw_codes(rng), "many": model.space(many).draw_codes(rng)}
    moments = codes["few"].mean(0), np.cov(codes["few"].T)
    draws = {"prior": rng.standard_normal((DRAWS, DIM)), "matched": rng.multivariate_normal(*moments, DRAWS)}
    classifier = Classifier.train(many.take(np.arange(20_000)), steps=600)
    known = sureness(classifier, model.reconstruct(many.x[-JUDGED:]))
    sure = {
        f"sure_{name}": (
            sureness(classifier, model.inverse_transform(z[:JUDGED].astype(np.float32))) >= np.quantile(known, 0.05)
        )
        for name, z in draws.items()
    }
    np.savez(folder / f"{recipe}.npz", **codes, **draws, **sure)  # type: ignore[arg-type]


def sureness(classifier: Classifier, x: Any) -> Any:
    return classifier.probabilities(x).max(axis=1)


def read(recipe: str, codes: str, before: bool, folder: Path) -> dict[str, Any]:
    found = np.load(folder / f"{recipe}.npz")
    start = time.process_time()
    region = Region.fit(found[codes])
    shares = {name: region.share(found[name]) for name in SAMPLERS}
    seconds = time.process_time() - start
    sure = {name: min(1.0, float(found[f"sure_{name}"].mean()) / 0.95) for name in SAMPLERS}
    count = len(found[codes])
    return {"recipe": recipe, "codes": codes, "n": count, "before": before, "seconds": seconds, "sure": sure, **shares}


def page(kept: list[dict[str, Any]]) -> str:
    lines = [
        "| model | draws | 4,170 codes, before | 4,170 codes, now | 60,000 codes | recognisable |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    of = {(row["recipe"], row["codes"], row["before"]): row for row in kept}
    for recipe in RECIPES:
        rows = [of[recipe, "few", True], of[recipe, "few", False], of[recipe, "many", False]]
        for name, said in SAMPLERS.items():
            cells = [f"{value:.3f} ({low:.3f}–{high:.3f})" for value, low, high in (row[name] for row in rows)]
            lines.append(f"| {recipe} | {said} | {' | '.join(cells)} | {rows[0]['sure'][name]:.2f} |")
    seconds = {
        old: np.mean([row["seconds"] for row in kept if row["codes"] == "few" and row["before"] is old])
        for old in (True, False)
    }
    return (
        "# Few codes\n\n`python benchmarks/few_codes.py`: "
        + " ".join((__doc__ or "").split("\n\n")[2].split())
        + f"\n\n{facts('torch', 'numpy', 'scikit-learn', 'latentwalk')} "
        + "One run, its training not seeded; value and 95 % interval.\n\n"
        + "\n".join(lines)
        + f"\n\nCPU seconds of a region and two shares, of 4,170 codes: {seconds[True]:.1f} before, {seconds[False]:.1f} now.\n"
    )


if __name__ == "__main__":
    main()
