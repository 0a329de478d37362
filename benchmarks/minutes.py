"""What a rate that falls towards the end is worth, and what is lost by stopping when the validation loss no longer falls.

    python benchmarks/minutes.py [--data digits mnist-5k] [--seeds 3] [--keep runs/minutes.jsonl]

The models of the tour, as many epochs as it takes, on the rows that it learns from; once at a constant rate to the end, as
before, and once with a limit of time that is never reached, under which the rate falls over the last third of the epochs. Of
the first, what patience would have stopped it with is read off its history. Judged by rows that no one has seen: mean squared
error of the reconstruction, and the loss. Every model is kept in a JSON-lines file, and a second run goes on from there.
Writes a section of benchmarks/results/defaults.md.
"""

import argparse
import time
from itertools import groupby, product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from common.facts import RESULTS, earlier, facts, keep, put_section

from latentwalk.app.options import epochs_for, patience_for
from latentwalk.data import load
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.training.history import Epoch
from latentwalk.training.settings import Settings

TITLE = "Epochs are minutes"
ABOUT = (
    "The tour's models, batches of 128, Adam 1e-3; seeds: {seeds}; medians. Constant: all epochs at one rate, as before. "
    "Falling: with `minutes`, a limit that is not reached, so that the rate falls to 0 over the last third of the epochs. "
    "Error: mean squared, a value, of reconstructions of the test rows, times 1,000. Loss: the lowest on the validation rows, "
    "in nats. Patience: a fifth of the epochs, at least 20, read off the constant run: the epoch in which it stops, and the "
    "loss it ends with. Script: `benchmarks/minutes.py`."
)
HEAD = (
    "| data | model | D | epochs | error, constant | error, falling | loss, constant | loss, falling | stops in | loss then |\n"
    "| --- | --- | ---: |" + " ---: |" * 7
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["digits", "mnist-5k"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--latent", type=int, nargs="+", default=[2, 8])
    parser.add_argument("--keep", type=Path, default=Path("runs/minutes.jsonl"))
    asked = parser.parse_args()
    kept = earlier(asked.keep)
    for name, seed, latent, recipe in product(asked.data, range(asked.seeds), asked.latent, ("ae", "vae")):
        key = [name, recipe, latent, seed]
        if not any(found["key"] == key for found in kept):
            kept.append({"key": key} | measured(*key))
            keep(asked.keep, kept[-1])
            put_section(RESULTS / "defaults.md", TITLE, text(kept))
    put_section(RESULTS / "defaults.md", TITLE, text(kept))


def measured(name: str, recipe: str, latent: int, seed: int) -> dict[str, Any]:
    train, test = load(name, split="train"), load(name, split="test")
    epochs = epochs_for(len(train))
    found: dict[str, Any] = {"epochs": epochs}
    for way, training in (("constant", None), ("falling", Settings(minutes=1e6))):
        start = time.process_time()
        options: dict[str, Any] = {
            "latent": latent,
            "epochs": epochs,
            "random_state": seed,
            "progress": False,
            "complete": False,
        }
        model = Autoencoder(recipe, **options, training=training).fit(train)
        seconds = time.process_time() - start
        wrong = np.square((model.reconstruct(test.x) - test.x.astype(np.float32)) / (test.spec.high - test.spec.low)).mean()
        losses = [epoch.validation_loss for epoch in model.history_]
        found[way] = {"error": float(wrong), "loss": min(losses), "seconds": seconds}
        if training is None:
            found["stopped"] = stopped(model.history_, patience_for(epochs))
    return found


def stopped(history: list[Epoch], patience: int) -> dict[str, float]:
    """Where patience would have ended this training, and the lowest loss by then."""
    losses = [epoch.validation_loss or 0.0 for epoch in history]
    at = next((end for end in range(1, len(losses)) if end - int(np.argmin(losses[:end])) > patience), len(losses))
    return {"epoch": at, "loss": min(losses[:at])}


def text(kept: list[dict[str, Any]]) -> str:
    rows = []
    for (name, recipe, latent), group in groupby(sorted(kept, key=lambda one: one["key"]), lambda one: one["key"][:3]):
        runs = list(group)
        errors = [1000 * median(run[way]["error"] for run in runs) for way in ("constant", "falling")]
        losses = [median(run[way]["loss"] for run in runs) for way in ("constant", "falling")]
        stops = [median(run["stopped"][what] for run in runs) for what in ("epoch", "loss")]
        rows.append(
            f"| {name} | {recipe} | {latent} | {runs[0]['epochs']} | {errors[0]:.2f} | {errors[1]:.2f} | {losses[0]:.2f} | "
            f"{losses[1]:.2f} | {stops[0]:.0f} | {stops[1]:.2f} |"
        )
    seeds = " and ".join(
        f"{len({run['key'][3] for run in kept if run['key'][0] == name})} ({name})"
        for name in dict.fromkeys(run["key"][0] for run in kept)
    )
    known = facts("torch", "numpy", "scikit-learn", "latentwalk")
    return "\n".join([f"{known} {ABOUT.format(seeds=seeds)}", "", HEAD, *rows])


if __name__ == "__main__":
    main()
