"""Photographs at 64 pixels: what the same processor time gives with the networks of before, and with those of now.

    python benchmarks/photographs.py [--lfw ../shared/data/lfw] [--keep runs/transplants] [--before 3 --after 15]

A VAE of 64 dimensions on every other photograph of Labeled Faces in the Wild, no person in two parts. before: transposed
convolutions that begin with 32 channels, and a line at the full rate; after: the default. The numbers of epochs are chosen so
that both take about as long. FID is in the last hidden layer of the classifier of attributes that judges grafts, between 2,000
test photographs and as many reconstructions of them, or draws; each from the sampler saved with the model. Writes
benchmarks/results/photographs.md; pictures of what was made, and of real people, stay in `--keep`.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import photographed_grafts as photographed
import torch
from common.facts import RESULTS, facts
from common.judges import read
from numpy.typing import NDArray
from PIL import Image

from latentwalk import Autoencoder, Features, Network, Settings, fidelity
from latentwalk.drawing.tiles import sheet
from latentwalk.networks import line

TESTED, LATENT = 2000, 64
HEAD = """# Photographs at 64 pixels

{facts} Script: `benchmarks/photographs.py`. One seed, one thread.

Labeled Faces in the Wild, 64 x 64 in colour, {learn:,} photographs to learn from and {test:,} of other people to judge by.
VAE, D = {latent}, batches of 64, rate falling to 0 along a cosine. before: transposed convolutions that begin with 32 channels,
a line at the full rate; after: the default. *a step*: processor time, all else that a fit does included. FID: in the 256
features of a small classifier of 39 attributes that learnt from other photographs of this set, which never saw a decode;
comparable within this table alone. *detail*: the mean difference of neighbouring pixels, as a share of that of the photographs.
*every second pixel*: power at the highest frequency beside that of its neighbours.

| networks | epochs | processor | a step | held-out loss | error | detail | every second pixel | FID, made | FID, draws |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
"""
Array = NDArray[Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lfw", type=Path, default=Path("../shared/data/lfw"))
    parser.add_argument("--keep", type=Path, default=Path("runs/transplants"))
    parser.add_argument("--before", type=int, default=3, help="epochs")
    parser.add_argument("--after", type=int, default=15, help="epochs")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    photographs = photographed.Photographs.read(asked.lfw)
    judge = photographed.Classifier.of(photographs, asked.keep).judge
    seen = Features("a classifier of attributes", lambda x: read(judge, x)[1])
    learn, test = photographs.learn.x[::2], photographs.test.x[:TESTED]
    rows = [f"| the photographs | | | | | | 1 | {_second(test):.2f} | 0 | 0 |"]
    shown = [test[:12]]
    for name, epochs in (("before", asked.before), ("after", asked.after)):
        row, pictures = measured(name, epochs, learn, test, seen)
        rows.append(row)
        shown += pictures
    text = HEAD.format(facts=facts("torch", "numpy", "latentwalk"), learn=len(learn), test=len(photographs.test), latent=LATENT)
    (RESULTS / "photographs.md").write_text(text + "\n".join(rows) + "\n")
    Image.fromarray(sheet(np.concatenate(shown), 12)).save(asked.keep / "photographs-64.png")


def measured(name: str, epochs: int, learn: Array, test: Array, seen: Features) -> tuple[str, list[Array]]:
    """A row of the table; reconstructions and draws to look at."""
    quiet = line.QUIET
    if name == "before":
        line.QUIET = 10**9
    network = Network("conv", upsampling="transposed") if name == "before" else "conv"
    start = time.process_time()
    model = Autoencoder(
        "vae",
        latent=LATENT,
        network=network,
        epochs=epochs,
        batch_size=64,
        random_state=0,
        progress=False,
        training=Settings(learning_schedule="cosine"),
    ).fit(learn)
    seconds = time.process_time() - start
    line.QUIET = quiet
    made, drawn = (np.rint(x).clip(0, 255) for x in (model.reconstruct(test), model.sample(len(test))))
    error = float(np.square((made - test) / 255).mean())
    fids = [fidelity(test, x, seen).fid for x in (made, drawn)]
    best = min(epoch.validation_loss or np.inf for epoch in model.history_)
    steps = seconds / (len(model.history_) * len(learn) / 64)
    cells = (
        f"{len(model.history_)}",
        f"{seconds:.0f} s",
        f"{1000 * steps:.0f} ms",
        f"{best:,.0f}",
        f"{error:.5f}",
        f"{_detail(made) / _detail(test):.2f}",
        f"{_second(made):.2f}",
        f"{fids[0]:.2f}",
        f"{fids[1]:.2f}",
    )
    print(name, *cells, flush=True)
    return f"| {name} | {' | '.join(cells)} |", [x[:12].astype(np.uint8) for x in (made, drawn)]


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
