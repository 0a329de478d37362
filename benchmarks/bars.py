"""Long pieces: a flat decoder against one of two levels, which writes a code for each bar first, and the notes from that.

    python benchmarks/bars.py --data FOLDER [--epochs 20] [--only gru]          FOLDER of .mid files, say Nottingham's

The first sixteen bars of each tune in 4/4, its melody by eighths (128 steps), moved to C major or A minor; a tenth of the tunes
are judged by. Teacher-forced: the share of steps at which the likeliest unit, given those of the original before it and the
code, is the original's; sampled: the same where the decoder goes on from what it wrote itself, the likeliest each time; by
chance: the same of the commonest unit. Both decoders have as many units and are learnt alike. Writes a section of
results/music.md.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common.facts import RESULTS, facts, put_section

from latentwalk import Autoencoder, Dataset, Recipe, linear, read
from latentwalk.data.units import END

BARS, GRID, LATENT, BATCH = 16, "eighth", 64, 32
STEPS = BARS * 4 * 2
NETWORKS = {"flat": "gru", "two levels": "hierarchical", "flat, transformer": "transformer"}
PARTS = ((0, 32), (32, 64), (64, 96), (96, 128))  # steps, four bars each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    whole = read(asked.data, bars=BARS, grid=GRID)
    first = [
        replace(one, beats=(4, 4))
        for one, name in zip(whole.pieces, whole.names, strict=True)
        if name.endswith("bar 1") and one.total == STEPS
    ]
    order = np.random.default_rng(0).permutation(len(first))
    all_ = Dataset.of_pieces([first[at] for at in order], 1)
    held = len(first) // 10
    test, train = all_.take(np.arange(held)), all_.take(np.arange(held, len(first)))
    recipe = Recipe("long", generative=True, target_rate=32, beta=linear(0.2, over=asked.epochs / 4))
    rows = []
    for name, network in NETWORKS.items():
        if asked.only in name:
            rows.append(judged(name, network, recipe, train, test, asked))
            print(rows[-1], flush=True)
    units, counts = np.unique(test.x[test.x != END], return_counts=True)
    text = f"""{__doc__.split(chr(10), 4)[4].strip()}

{facts("torch", "numpy", "mido", "latentwalk")} Script: `benchmarks/bars.py`. {len(train):,} tunes to learn from, {held:,} to
judge by, {len(all_.spec.vocabulary):,} words; 128 recurrent units, D = {LATENT}, 32 nats free, beta .2, {asked.epochs} epochs
in batches of {BATCH}, Adam {asked.rate:g}, seed 0. **A small budget**, since the machine was shared. By chance
{counts.max() / counts.sum():.3f} (of `{all_.spec.vocabulary.units[units[counts.argmax()] - 2]}`).

| decoder | teacher-forced | sampled | sampled, bars 1-4 | 5-8 | 9-12 | 13-16 | nats a tune | seconds |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{chr(10).join(rows)}"""
    put_section(RESULTS / "music.md", "Sixteen bars", text)


def judged(name: str, network: str, recipe: Any, train: Dataset, test: Dataset, asked: argparse.Namespace) -> str:
    start = time.process_time()
    options = {"latent": LATENT, "epochs": asked.epochs, "batch_size": BATCH, "random_state": 0, "progress": False}
    model = Autoencoder(recipe, network=network, learning_rate=asked.rate, complete=False, **options).fit(train)
    seconds = time.process_time() - start
    decoder, x = model.model_.decoder, torch.from_numpy(np.asarray(test.x)).long()
    with torch.no_grad():
        z = torch.from_numpy(model.transform(test))
        forced = decoder.body.scores(decoder.body(z, x)).argmax(-1)
        written = decoder(z).mean
    there = x != END
    shares = [(forced == x)[there].double().mean(), (written == x)[there].double().mean()]
    shares += [(written == x)[:, a:b][there[:, a:b]].double().mean() for a, b in PARTS]
    nats = -float(model.score_samples(test).mean())
    return f"| {name} | {' | '.join(f'{share:.3f}' for share in shares)} | {nats:.1f} | {seconds:,.0f} |"


if __name__ == "__main__":
    main()
