"""Chorales of Bach on a grid of quarters, 88 keys struck or not: nats a step of a VAE with a code for every step.

    python benchmarks/chorales.py [--minutes 30] [--seed 0]

The file of Boulanger-Lewandowski's split (229, 76, 77 chorales, moved to one key), read as rolls: at each step the keys are
independent, given the step's code and what sounded before (`Network("storn")`). Weights are those of the least bound on the
validation chorales, looked at every few epochs; then the learning rate falls to 0, which is kept where it helps there. Beside
it stands the same decoder without a code. Nats are sums over the 88 keys, divided by all steps of a split together, first steps
included. Importance-weighted: since the codes of two steps have nothing to do with each other given the piece, log p(x) is the
sum over its steps of log p(step | before), and each of these is bounded by itself, with so many draws. The test chorales are
looked at once.
"""

import argparse
import copy
import json
import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common.facts import RESULTS, facts, put_section
from torch import Tensor

from latentwalk import Autoencoder, Dataset, Network, Recipe, Settings, linear
from latentwalk.chance import seeded
from latentwalk.data.music import KEYS, LOWEST, Piece, played_to
from latentwalk.models.stepwise import StepwiseConditional
from latentwalk.networks.stepwise import StepDecoder

WIDTHS, OWN, DROPOUT = (200,), 16, 0.25
FREE, EMA = 0.0, 0.99
BATCH, RATE, WARM, LOOK = 16, 3e-3, 10.0, 10  # chorales; epochs over which the KL is warmed up, and between two looks
PATIENCE = 6  # looks without a better one
CHOSEN_BY, JUDGED_BY = 10, 100  # draws
FALLING = 30  # epochs in which the rate falls to 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/jsb-chorales/jsb-chorales-quarter.json"))
    parser.add_argument("--minutes", type=float, default=30.0, help="at most, for the VAE; a quarter of it for the other")
    parser.add_argument("--widths", type=int, nargs="+", default=list(WIDTHS))
    parser.add_argument("--own", type=int, default=OWN, help="numbers of a step's code")
    parser.add_argument("--dropout", type=float, default=DROPOUT)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--warm", type=float, default=WARM, help="epochs over which the KL is warmed up")
    parser.add_argument("--free", type=float, default=FREE, help="nats of each number of a step's code that are not pressed")
    parser.add_argument("--ema", type=float, default=EMA, help="how much of a moving average of the weights stays at a step")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trial", action="store_true", help="validation chorales alone, and write nothing")
    asked = parser.parse_args()
    read = {half: songs(asked.data, half) for half in ("train", "valid", "test")}
    room = max(song.total for half in read.values() for song in half)
    halves = {half: Dataset.of_rolls(found, room) for half, found in read.items()}
    model, seconds, epochs = fitted(asked, halves["train"], halves["valid"])
    if asked.trial:
        found = judged(model, halves["valid"], CHOSEN_BY)
        print(f"valid, {CHOSEN_BY} draws: {found}, {epochs} epochs, {seconds:.0f} s", flush=True)
        return
    lines = []
    for half in ("valid", "test"):
        found = judged(model, halves[half], JUDGED_BY)
        lines.append(f"| a code for every step, {half} | {found['bound']:.3f} | {found['weighted']:.3f} | {found['kl']:.2f} |")
        print(lines[-1], flush=True)
    body, without, passes = alone(asked, halves["train"], halves["valid"])
    for half in ("valid", "test"):
        nats = cost(body, halves[half])
        lines.append(f"| the same decoder without a code, {half} | {nats:.3f} | {nats:.3f} | 0 |")
        print(lines[-1], flush=True)
    active = units(model, halves["test"])
    text = f"""{facts("torch", "numpy", "latentwalk")} Script: `benchmarks/chorales.py`, seed {asked.seed}.

{__doc__.split(chr(10) * 2, 2)[2].strip()}

{asked.widths[0]} units, {asked.own} numbers a step, dropout {asked.dropout:g}, batches of {BATCH}, Adam {asked.rate:g}.
With a code, weights are averaged ({asked.ema:g}).
{epochs} epochs in {seconds / 60:.0f} minutes of one core; {passes} in {without / 60:.0f} minutes without a code.
{JUDGED_BY} draws. {active} of the {asked.own} numbers of a step depend on it (variance of their means over the test above .01).

| nats a step | -ELBO | importance-weighted | KL |
| --- | ---: | ---: | ---: |
{chr(10).join(lines)}

The aim is 6.87, a deep Markov model's (Krishnan et al. 2017); the best published of this kind is 6.39; without a code a GRU has
8.54 (Bai et al. 2018)."""
    put_section(RESULTS / "chorales.md", "Quarters, keys given a code", text)
    model.save(f"runs/chorales-{asked.seed}")


def songs(path: Path, half: str) -> list[Piece]:
    """The chorales of a half of the split."""
    found = []
    for song in json.loads(path.read_text())[half]:
        roll = np.zeros((len(song), KEYS), bool)
        for at, step in enumerate(song):
            roll[at, [int(pitch) - LOWEST for pitch in step]] = True
        found.append(Piece.of_roll(roll, steps=1, tempo=90.0))
    return found


def fitted(asked: argparse.Namespace, train: Dataset, valid: Dataset) -> tuple[Autoencoder, float, int]:
    """The VAE of the least bound on the validation chorales, the seconds of one core it took, and its epochs."""
    start, end, epochs, since = time.process_time(), time.monotonic() + 60 * asked.minutes, 0, 0
    options: dict[str, Any] = {
        "recipe": Recipe("a code for every step", generative=True, beta=linear(1.0, over=asked.warm), free_nats=asked.free),
        "latent": asked.own * train.x.shape[1],
        "network": Network("storn", widths=tuple(asked.widths), dropout=asked.dropout),
        "batch_size": BATCH,
        "learning_rate": asked.rate,
        "validation": 0.0,
        "complete": False,
        "random_state": asked.seed,
        "progress": False,
        "training": Settings(ema=asked.ema),
    }
    model, best, kept, at = Autoencoder(**options), math.inf, None, 0
    with tempfile.TemporaryDirectory() as folder:
        while since < PATIENCE and time.monotonic() < end:
            epochs += LOOK
            model.set_params(epochs=epochs).fit(train, checkpoint=folder)
            now = judged(model, valid, CHOSEN_BY)["weighted"]
            print(f"{epochs} epochs, {time.process_time() - start:.0f} s: {now:.3f}", flush=True)
            since = 0 if now < best else since + 1
            if now < best:
                best, kept, at = now, copy.deepcopy(model.trained_), epochs
    assert kept is not None
    model.trained_ = copy.deepcopy(kept)
    settled = Recipe("a code for every step", generative=True)
    last = Autoencoder(**options | {"recipe": settled, "warm_start": True})
    last.trained_ = replace(copy.deepcopy(kept), recipe=settled)  # the KL is warm by then
    last.set_params(epochs=FALLING, learning_rate=asked.rate / 2, training__learning_schedule="cosine").fit(train)
    now = judged(last, valid, CHOSEN_BY)["weighted"]
    print(f"the rate falling: {now:.3f}", flush=True)
    if now < best:
        model, at = last, at + FALLING
    return model, time.process_time() - start, at


@torch.no_grad()
def judged(model: Autoencoder, data: Dataset, draws: int) -> dict[str, float]:
    """Nats a step: the bound of one draw, averaged over so many, the importance-weighted bound, and the KL."""
    net, sums, steps = model.model_.eval(), np.zeros(3), 0
    length = model.spec_.shape[0]
    with seeded(0):
        for x in batches(data, 8):
            known = ~x.isnan().any(1)  # (B, T)
            q = net.encoder(x)
            mu, sigma = q.mean, q.stddev
            weights = []
            for _ in range(draws):
                noise = torch.randn_like(mu)
                z = mu + sigma * noise
                said = net.decoder(z, None, x).log_prob_each(x).sum(-2)  # (B, T)
                ratio = 0.5 * (noise**2 - z**2) + sigma.log()
                weights.append(said + _each_step(ratio, length)[:, : x.shape[-1]])
            found = torch.stack(weights)
            kl = _each_step((mu**2 + sigma**2 - 1) / 2 - sigma.log(), length)[:, : x.shape[-1]]
            each = found.mean(0), found.logsumexp(0) - math.log(draws), kl
            sums += [float(one[known].double().sum()) for one in each]
            steps += int(known.sum())
    return {"bound": -sums[0] / steps, "weighted": -sums[1] / steps, "kl": sums[2] / steps}


def units(model: Autoencoder, data: Dataset) -> int:
    """How many numbers of a step's code depend on the step."""
    codes = model.transform(data).reshape(len(data), model.spec_.shape[0], -1)
    known = np.concatenate([code[:end] for code, end in zip(codes, played_to(data.x), strict=True)])
    return int((known.var(axis=0) > 0.01).sum())


def _each_step(values: Tensor, length: int) -> Tensor:
    """Sums (B, T) over the numbers of each step of (B, T D')."""
    return values.unflatten(-1, (length, -1)).sum(-1)


def batches(data: Dataset, size: int) -> Sequence[Tensor]:
    """Rolls (B, C, T) of about one length, no longer than the longest of theirs."""
    ends = played_to(data.x)
    order = np.argsort(ends, kind="stable")
    parts = [order[at : at + size] for at in range(0, len(order), size)]
    return [torch.from_numpy(data.x[part][:, : ends[part].max()]).movedim(1, 2) for part in parts]


def alone(asked: argparse.Namespace, train: Dataset, valid: Dataset) -> tuple[StepwiseConditional, float, int]:
    """The same decoder without a code, its weights those best on the validation chorales."""
    start, end, epoch, best, kept, at, since = (
        time.process_time(),
        time.monotonic() + 15 * asked.minutes,
        0,
        math.inf,
        None,
        0,
        0,
    )
    length = train.x.shape[1]
    with seeded(asked.seed):
        model = StepwiseConditional(StepDecoder(KEYS, length, 0, asked.widths, dropout=asked.dropout))
        optimiser = torch.optim.Adam(model.parameters(), lr=asked.rate)
        parts, rng = batches(train, BATCH), np.random.default_rng(asked.seed)
        while since < PATIENCE and time.monotonic() < end:
            epoch += 1
            model.train()
            for some in rng.permutation(len(parts)):
                x = parts[some]
                loss = -model(x.new_zeros(len(x), 0), target=x).log_prob(x).mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            if epoch % LOOK == 0:
                now = cost(model, valid)
                since = 0 if now < best else since + 1
                print(f"without a code, {epoch} epochs, {time.process_time() - start:.0f} s: {now:.3f}", flush=True)
                if now < best:
                    best, kept, at = now, copy.deepcopy(model.state_dict()), epoch
    assert kept is not None
    model.load_state_dict(kept)
    return model, time.process_time() - start, at


@torch.no_grad()
def cost(model: StepwiseConditional, data: Dataset) -> float:
    """Nats a step without a code."""
    model.eval()
    parts = batches(data, 8)
    nats = sum(float(model(x.new_zeros(len(x), 0)).log_prob(x).double().sum()) for x in parts)
    return -nats / int(played_to(data.x).sum())


if __name__ == "__main__":
    main()
