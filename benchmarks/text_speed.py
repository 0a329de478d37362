"""How fast are sentences learnt from? `fit` beside a plain PyTorch loop of the same model, in one interleaved run.

    OMP_NUM_THREADS=1 python benchmarks/text_speed.py [--data FOLDER] [--rows 6000] [--rounds 5] [--width 128]

Sentences of the Penn Treebank as words; a VAE of 32 numbers, recurrent (GRU) in both directions, its words scored by a table of
their own. The plain loop is the module a person would write: the same layers and numbers of units without our places, begun as
PyTorch begins them; batches in random order, padded to the longest of each, Adam, clipped at 5. It knows the bound alone: no
warm-up, no pretraining, no checks of what is finite. Both see the same sentences in batches of 64; the second epoch of each
counts, in sentences a second. Ratios within a round. Writes a section of benchmarks/results/text.md.
"""

import argparse
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from common.facts import RESULTS, facts, put_section
from torch import Tensor, nn

from latentwalk import Autoencoder, Dataset, Network, read
from latentwalk.data.units import END
from latentwalk.training.settings import Settings

BATCH, LATENT, RATE, CLIP = 64, 32, 1e-3, 5.0


class Plain(nn.Module):
    """A VAE of sentences as a tutorial has it. Units (B, T), padded behind their end mark, → the negative bound (B,)."""

    def __init__(self, units: int, width: int) -> None:
        super().__init__()
        shown = min(256, width)
        self.read, self.write = nn.Embedding(units, shown), nn.Embedding(units, shown)
        self.encoder = nn.GRU(shown, width, batch_first=True, bidirectional=True)
        self.moments = nn.Linear(2 * width, 2 * LATENT)
        self.first = nn.Linear(LATENT, width)
        self.decoder = nn.GRU(shown + LATENT, width, batch_first=True)
        self.narrow = nn.Linear(width, shown)
        self.scores = nn.Linear(shown, units)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(self.read(x), lengths, batch_first=True, enforce_sorted=False)
        _, last = self.encoder(packed)
        mean, log_variance = self.moments(torch.cat([last[0], last[1]], dim=1)).chunk(2, dim=1)
        z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        before = torch.cat([x.new_full((len(x), 1), END), x[:, :-1]], dim=1)
        shown = torch.cat([self.write(before), z[:, None].expand(-1, x.shape[1], -1)], dim=2)
        remembered, _ = self.decoder(shown, self.first(z).tanh()[None])
        scores = self.scores(self.narrow(remembered))
        each = nn.functional.cross_entropy(scores.flatten(0, 1), x.flatten(), reduction="none").view(x.shape)
        there = torch.arange(x.shape[1]) < lengths[:, None]
        kl = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
        return (each * there).sum(1) + kl


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ptb"))
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--width", type=int, default=128)
    asked = parser.parse_args()
    train = read(asked.data / "ptb.train.txt.gz", units="words")
    train = train.take(np.sort(np.random.default_rng(0).permutation(len(train))[: asked.rows]))
    rounds = []
    for seed in range(asked.rounds):
        turns = [ours, theirs] if seed % 2 else [theirs, ours]  # who comes first takes turns, too
        found = {turn.__name__: turn(train, asked.width, seed) for turn in turns}
        rounds.append(found)
        print({name: round(rate) for name, rate in found.items()}, flush=True)
    ratios = [found["ours"] / found["theirs"] for found in rounds]
    rates = {name: median(found[name] for found in rounds) for name in ("ours", "theirs")}
    says = "reached" if median(ratios) >= 1.1 else "missed"
    text = f"""{facts("torch", "latentwalk")} Script: `benchmarks/text_speed.py`.

{__doc__.split(chr(10) * 2, 2)[2].strip()}

{asked.rows:,} sentences, {units(train):,} units, {asked.width} recurrent units, {asked.rounds} rounds, one thread.

| | sentences a second, median |
| --- | ---: |
| latentwalk | {rates["ours"]:,.0f} |
| the plain loop | {rates["theirs"]:,.0f} |

Ratio: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}). Aim 1.1: {says}."""
    put_section(RESULTS / "text.md", "How fast sentences are learnt from", text)


def units(data: Dataset) -> int:
    """How many units there are."""
    assert data.spec.vocabulary is not None
    return len(data.spec.vocabulary)


def ours(train: Dataset, width: int, seed: int) -> float:
    """Sentences a second of `fit`."""
    how: dict[str, Any] = {"epochs": 2, "batch_size": BATCH, "learning_rate": RATE, "training": Settings(clip=CLIP)}
    model = Autoencoder("vae", latent=LATENT, network=Network("gru", widths=(width,)), **how)
    model.set_params(validation=0.0, complete=False, random_state=seed, progress=False).fit(train)
    return model.history_[-1].rate


def theirs(train: Dataset, width: int, seed: int) -> float:
    """Sentences a second of the plain loop."""
    torch.manual_seed(seed)
    x = torch.from_numpy(train.x.astype(np.int64))
    lengths = (x == END).int().argmax(1) + 1
    model = Plain(units(train), width)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(2):
        start = time.perf_counter()
        for rows in torch.randperm(len(x)).split(BATCH):
            loss = model(x[rows, : int(lengths[rows].max())], lengths[rows]).mean()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimiser.step()
        seconds = time.perf_counter() - start
    return len(x) / seconds


if __name__ == "__main__":
    main()
