"""Photographs at 64 pixels: what the same processor time gives with the networks of before, and with those of now.

    python benchmarks/photographs.py [--lfw ../shared/data/lfw] [--keep runs/transplants] [--epochs 3 9 8] [--seeds 3]

A VAE of 64 dimensions on every other photograph of Labeled Faces in the Wild, no person in two parts. before: transposed
convolutions that begin with 32 channels, and a line at the full rate; without texture: the default networks, a likelihood
alone; as it comes: the default, with its term of texture. The numbers of epochs are chosen so that all take about as long. FID
is in the last hidden layer of the classifier of attributes that judges grafts, between 2,000 test photographs and as many
reconstructions of them, or draws; each from the sampler saved with the model. Writes a section of
benchmarks/results/photographs.md; pictures of what was made, and of real people, stay in `--keep`.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import photographed_grafts as photographed
import torch
from common.facts import RESULTS, earlier, facts, keep, put_section
from common.judges import read
from numpy.typing import NDArray
from PIL import Image

from latentwalk import RECIPES, Autoencoder, Features, Network, Recipe, Settings, fidelity
from latentwalk.drawing.tiles import sheet
from latentwalk.networks import line

TESTED, LATENT = 2000, 64
WAYS = ("before", "without texture", "as it comes")
COLUMNS = ("epochs", "seconds", "ms", "nats", "error", "detail", "second", "made", "drawn")
TEXT = """{facts} Script: `benchmarks/photographs.py`. {seeds} seeds, means, and in brackets how far they are apart; one thread.

Labeled Faces in the Wild, 64 x 64 in colour, {learn:,} photographs to learn from and {test:,} of other people to judge by.
VAE, D = {latent}, batches of 64, rate falling to 0 along a cosine. before: transposed convolutions that begin with 32 channels,
a line at the full rate; without texture: the networks of now, `Recipe(spectral=0)`; as it comes: the default. *a step*:
processor time, all else that a fit does included. -ELBO: of validation rows. FID: in the 256 features of a small classifier of
39 attributes that learnt from other photographs of this set, which never saw a decode; comparable within this table alone.
*detail*: the mean difference of neighbouring pixels, as a share of that of the photographs. *every second pixel*: power at the
highest frequency beside that of its neighbours.

| networks | epochs | processor | a step | -ELBO | error | detail | every second pixel | FID, made | FID, draws |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
"""
Array = NDArray[Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lfw", type=Path, default=Path("../shared/data/lfw"))
    parser.add_argument("--keep", type=Path, default=Path("runs/transplants"))
    parser.add_argument("--epochs", type=int, nargs=len(WAYS), default=[3, 9, 8], help=f"of each: {', '.join(WAYS)}")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    photographs = photographed.Photographs.read(asked.lfw)
    judge = photographed.Classifier.of(photographs, asked.keep).judge
    seen = Features("a classifier of attributes", lambda x: read(judge, x)[1])
    learn, test = photographs.learn.x[::2], photographs.test.x[:TESTED]
    log = asked.keep / "photographs.jsonl"
    shown = [test[:12]]
    for seed in range(asked.seeds):
        for name, epochs in zip(WAYS, asked.epochs, strict=True):
            if not any(found["key"] == [name, epochs, seed] for found in earlier(log)):
                found, pictures = measured(name, epochs, seed, learn, test, seen)
                keep(log, {"key": [name, epochs, seed]} | found)
                shown += pictures if seed == 0 else []
    if len(shown) > 1:
        Image.fromarray(sheet(np.concatenate(shown), 12)).save(asked.keep / "photographs-64.png")
    rows = [f"| the photographs | | | | | | 1 | {_second(test):.2f} | 0 | 0 |"]
    for name, epochs in zip(WAYS, asked.epochs, strict=True):
        kept = [found for found in earlier(log) if found["key"][:2] == [name, epochs] and found["key"][2] < asked.seeds]
        rows.append(row(name, kept))
    text = TEXT.format(
        facts=facts("torch", "numpy", "latentwalk"),
        seeds=asked.seeds,
        learn=len(learn),
        test=len(photographs.test),
        latent=LATENT,
    )
    put_section(RESULTS / "photographs.md", "The same time, three ways", text + "\n".join(rows))


def row(name: str, kept: list[dict[str, Any]]) -> str:
    """A row of the table: means over seeds, and how far they are apart."""
    cells = []
    for column, form in zip(COLUMNS, (".0f", ".0f", ".0f", ",.0f", ".5f", ".2f", ".2f", ".1f", ".1f"), strict=True):
        values = [found[column] for found in kept]
        apart = f" ({max(values) - min(values):{form}})" if column in ("nats", "error", "detail", "made", "drawn") else ""
        cells.append(f"{np.mean(values):{form}}{apart}" + {"seconds": " s", "ms": " ms"}.get(column, ""))
    return f"| {name} | {' | '.join(cells)} |"


def measured(
    name: str, epochs: int, seed: int, learn: Array, test: Array, seen: Features
) -> tuple[dict[str, float], list[Array]]:
    """What the table says; reconstructions and draws to look at."""
    quiet = line.QUIET
    if name == "before":
        line.QUIET = 10**9
    network = Network("conv", upsampling="transposed") if name == "before" else "conv"
    start = time.process_time()
    model = Autoencoder(
        RECIPES["vae"] if name == "as it comes" else Recipe(name, generative=True, spectral=0.0),
        latent=LATENT,
        network=network,
        epochs=epochs,
        batch_size=64,
        random_state=seed,
        progress=False,
        training=Settings(learning_schedule="cosine"),
    ).fit(learn)
    seconds = time.process_time() - start
    line.QUIET = quiet
    made, drawn = (np.rint(x).clip(0, 255) for x in (model.reconstruct(test), model.sample(len(test))))
    found = {
        "epochs": len(model.history_),
        "seconds": seconds,
        "ms": 1000 * seconds / (len(model.history_) * len(learn) / 64),
        "nats": min(epoch.validation["reconstruction"] + epoch.validation["kl"] for epoch in model.history_),
        "error": float(np.square((made - test) / 255).mean()),
        "detail": _detail(made) / _detail(test),
        "second": _second(made),
        "made": fidelity(test, made, seen).fid,
        "drawn": fidelity(test, drawn, seen).fid,
    }
    return found, [x[:12].astype(np.uint8) for x in (made, drawn)]


def _detail(x: Array) -> float:
    x = x.astype(np.float32)
    return float(np.abs(np.diff(x, axis=1)).mean() + np.abs(np.diff(x, axis=2)).mean())


def _second(x: Array) -> float:
    """Power at every second pixel, across and down, beside that at the two frequencies next to it."""
    power = np.square(np.abs(np.fft.fft2(x.astype(np.float32).mean(-1), axes=(1, 2)))).mean(0)
    side = len(power) // 2
    at = [float(power[k].mean() + power[:, k].mean()) for k in (side, side - 1)]
    return at[0] / at[1]


if __name__ == "__main__":
    main()
