"""Chorales of Bach in four voices on a grid of sixteenths: nats a step and a changed note, and draws held to his rules.

    python benchmarks/voices.py [--epochs 30] [--seed 0] [--out ../docs/chorales]

The split of Boulanger-Lewandowski (229, 76, 77 chorales), each moved to C major or A minor by the key that is found for it,
cut into windows of four bars (64 steps, 256 words): to learn from with a new window every two bars, to judge by one after the
other; what is left over at the end of a chorale is left out. The file knows pitches and not which are struck anew, so one that
stays is held. A VAE of 32 numbers as it comes (a recurrent decoder that is told voice and place in the bar), its weights
those of the least bound on the validation windows, looked at every few epochs; and the same decoder without a code, of the best
of as many epochs. The test windows are looked at once. A changed note: a voice that has another pitch than at the step before.
*Changed notes*: what the words there cost, nats each, given what was before, and of the VAE given the mean of the code, whose
KL is beside it; and how often the likeliest word is the right one.

Draws: codes of the fitted sampler, units drawn. Rules are counted on pitches: two voices are parallel where they move the same
way and are an octave (unison) or a fifth apart before and after, octaves aside; of moves of two voices or more.
Writes a section of benchmarks/results/chorales.md, and the first ten draws as MIDI files and rolls.
"""

import argparse
import copy
import json
import tempfile
import time
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common.codeless import LATENT, codeless, nats
from common.facts import RESULTS, facts, put_section
from drawn_chorales import SCALE, parallel
from numpy.typing import NDArray
from torch.nn.functional import log_softmax

from latentwalk import Autoencoder, Dataset, Network
from latentwalk.data.music import Piece
from latentwalk.data.sources.midi import midi_content
from latentwalk.drawing.roll import piano_roll

VOICES, WINDOW, HOP = 4, 64, 32
LOOK, PATIENCE = 3, 3  # epochs between two looks, and looks without a better one
KEPT = 10
RULES = (
    "places in which a voice is silent",
    "notes outside of the range of Bach's voice",
    "notes outside of C major",
    "steps at which no voice moves",
    "steps at which two voices are crossed",
    "parallel octaves, of moves of several voices",
    "parallel fifths, likewise",
    "leaps of the soprano beyond a fifth, of its moves",
    "leaps of the bass beyond an octave, of its moves",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/jsb-chorales/Jsb16thSeparated.json"))
    parser.add_argument("--epochs", type=int, default=30, help="at most")
    parser.add_argument("--widths", type=int, default=256)
    parser.add_argument("--dropout", type=float, default=0.3)
    parser.add_argument("--network", default="gru")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--draws", type=int, default=50, help="draws of the posterior for a bound")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("../docs/chorales"))
    parser.add_argument("--trial", action="store_true", help="validation windows alone, and write nothing")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    pieces = {half: windows(asked.data, half, HOP if half == "train" else WINDOW) for half in ("train", "valid", "test")}
    known = Dataset.of_pieces([one for half in pieces.values() for one in half], VOICES)
    data, first = {}, 0
    for half, some in pieces.items():
        data[half] = known.take(np.arange(first, first + len(some)))
        first += len(some)
    judged_by = "valid" if asked.trial else "test"
    network = Network(asked.network, widths=(asked.widths,), dropout=asked.dropout)
    model, seconds = fitted(asked, network, data["train"], data["valid"])
    alone, took = codeless(network, data["train"], data["valid"], asked.epochs, batch=asked.batch, rate=asked.rate)
    test = data[judged_by]
    rows = [of_vae(model, test, asked.draws, seconds), of_decoder(alone, test, took)]
    drawn = [played(one) for one in model.sample(len(test), decoding="sample")]
    own = {half: np.stack([pitches(one) for one in pieces[half]]) for half in ("train", judged_by)}
    lines = [(part[part >= 0].min(), part[part >= 0].max()) for part in np.moveaxis(own["train"], 2, 0)]
    shares = [kept(some, lines) for some in (own[judged_by], np.stack([pitches(one) for one in drawn]))]
    text = page(asked, rows, shares, {half: len(some) for half, some in pieces.items()})
    print(text)
    if asked.trial:
        return
    put_section(RESULTS / "chorales.md", "Voices on sixteenths", text)
    asked.out.mkdir(parents=True, exist_ok=True)
    ends = int(min(low for low, _ in lines)), int(max(high for _, high in lines))
    for at, piece in enumerate(drawn[:KEPT], 1):
        (asked.out / f"{at:02}.mid").write_bytes(midi_content(piece))
        piano_roll(piece, 8, ends).save(asked.out / f"{at:02}.png", optimize=True)


def fitted(asked: argparse.Namespace, network: Network, train: Dataset, valid: Dataset) -> tuple[Autoencoder, float]:
    """The VAE of the least bound on the validation windows, and the seconds it took."""
    start, best, kept, since = time.perf_counter(), np.inf, None, 0
    how: dict[str, Any] = {"batch_size": asked.batch, "learning_rate": asked.rate, "validation": 0.0, "complete": False}
    model = Autoencoder("vae", latent=LATENT, network=network, random_state=asked.seed, progress=False, **how)
    with tempfile.TemporaryDirectory() as folder:
        for epochs in range(LOOK, asked.epochs + 1, LOOK):
            model.set_params(epochs=epochs).fit(train, checkpoint=folder)
            now = -float(model.score_samples(valid).mean()) / WINDOW
            print(f"{epochs} epochs, {time.perf_counter() - start:.0f} s: {now:.3f}", flush=True)
            since = 0 if now < best else since + 1
            if now < best:
                best, kept = now, copy.deepcopy(model.trained_)
            if since == PATIENCE:
                break
    model.trained_ = kept
    seconds = time.perf_counter() - start
    return model.fit_sampler(train), seconds


def page(asked: argparse.Namespace, rows: list[str], shares: list[list[float]], counts: dict[str, int]) -> str:
    said = "\n".join(f"| {rule} | {100 * a:.1f} % | {100 * b:.1f} % |" for rule, a, b in zip(RULES, *shares, strict=True))
    return f"""{facts("torch", "numpy", "latentwalk")} Script: `benchmarks/voices.py`, seed {asked.seed}.

{__doc__.split(chr(10) * 2, 2)[2].strip()}

{counts["train"]:,}, {counts["valid"]:,} and {counts["test"]:,} windows. {asked.epochs} epochs, {asked.widths} units, dropout
{asked.dropout:g}, batches of {asked.batch}, Adam {asked.rate:g}; {asked.draws} draws; seconds.

| model | -ELBO, nats a step | importance-weighted | KL | changed notes, nats | right | active | seconds |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{chr(10).join(rows)}

| of {counts["valid" if asked.trial else "test"]} windows each | Bach | drawn |
| --- | ---: | ---: |
{said}"""


def windows(path: Path, half: str, hop: int) -> list[Piece]:
    """The chorales of a half of the split, settled and cut."""
    found = []
    for song in json.loads(path.read_text())[half]:
        steps = np.array(song)
        notes = [note for part in range(VOICES) for note in held(steps[:, part], part)]
        piece = Piece(np.array(notes, np.int32), len(steps), tempo=80.0).settled()
        found += [piece.cut(at, WINDOW) for at in range(0, len(steps) - WINDOW + 1, hop)]
    return found


def held(line: NDArray[Any], part: int) -> list[tuple[int, int, int, int]]:
    """The notes of a voice (T,), each as long as its pitch stays."""
    starts = np.r_[0, np.flatnonzero(np.diff(line)) + 1]
    ends = np.r_[starts[1:], len(line)]
    return [(int(a), int(b - a), int(line[a]), part) for a, b in zip(starts, ends, strict=True) if line[a] >= 0]


def played(piece: Piece) -> Piece:
    """A draw as long as the others: what was written, and silence."""
    return piece.cut(0, WINDOW)


def pitches(piece: Piece) -> NDArray[np.int64]:
    """What sounds in each voice at each step, (T, 4), -1 for nothing."""
    rows = np.full((piece.total, VOICES), -1)
    for start, length, pitch, part in piece.notes:
        rows[start : start + length, part] = pitch
    return rows


# ---------------------------------------------------------------------- what is known of new ones


def changed(test: Dataset) -> NDArray[np.bool_]:
    """Which words (n, T) are of a voice that has another pitch than at the step before; each voice's first is none."""
    rows = np.stack([pitches(one) for one in test.pieces])
    moves = np.zeros(rows.shape, bool)
    moves[:, 1:] = rows[:, 1:] != rows[:, :-1]
    return moves.reshape(len(rows), -1)


def at_changes(decoder: Any, z: torch.Tensor, test: Dataset) -> str:
    """What words cost at changed notes, nats each, and how often the likeliest is the right one: two cells."""
    marked = changed(test)
    costs, right = [], []
    with torch.no_grad():
        for rows in np.array_split(np.arange(len(test)), -(-len(test) // 64)):
            x = torch.from_numpy(np.asarray(test.x[rows])).long()
            scores = decoder.body.scores(decoder.body(z[rows], x))[:, : marked.shape[1]]
            x, there = x[:, : marked.shape[1]], torch.from_numpy(marked[rows])
            costs.append(-log_softmax(scores, -1).gather(-1, x[..., None])[..., 0][there])
            right.append((scores.argmax(-1) == x)[there])
    return f"{float(torch.cat(costs).mean()):.3f} | {float(torch.cat(right).double().mean()):.3f}"


def of_vae(model: Autoencoder, test: Dataset, draws: int, seconds: float) -> str:
    means, scales = (part.astype(np.float64) for part in model.trained_.encode(test.x))
    each = (0.5 * (means**2 + scales**2 - 1) - np.log(scales)).mean(axis=0)
    bound, better = (-float(model.score_samples(test, draws=count).mean()) / WINDOW for count in (1, draws))
    there = at_changes(model.model_.decoder, torch.from_numpy(means.astype(np.float32)), test)
    active = f"{int((means.var(axis=0) > 0.01).sum())} of {means.shape[1]}"
    return f"| VAE | {bound:.3f} | {better:.3f} | {each.sum() / WINDOW:.3f} | {there} | {active} | {seconds:,.0f} |"


def of_decoder(alone: Any, test: Dataset, seconds: float) -> str:
    cost = float(nats(alone, test.x).mean()) / WINDOW
    there = at_changes(alone, torch.zeros(len(test), LATENT), test)
    return f"| the same decoder without a code | {cost:.3f} | {cost:.3f} | 0 | {there} | – | {seconds:,.0f} |"


# ---------------------------------------------------------------------- rules


def kept(pieces: NDArray[np.int64], ranges: list[tuple[int, int]]) -> list[float]:
    """The share of each of `RULES` in pieces (n, T, 4), -1 for silence. ranges: of Bach's voices, lowest and highest."""
    sounds = pieces >= 0
    low, high = (np.array([one[end] for one in ranges]) for end in (0, 1))
    outside = sounds & ((pieces < low) | (pieces > high))
    foreign = sounds & ~np.isin(pieces % 12, list(SCALE))
    crossed = (sounds[..., :-1] & sounds[..., 1:] & (pieces[..., :-1] < pieces[..., 1:])).any(-1)
    before, after = pieces[:, :-1], pieces[:, 1:]
    there = (before >= 0) & (after >= 0)
    moved = there & (before != after)
    several = moved.sum(-1) >= 2
    octaves = fifths = 0
    for a, b in zip(before[several], after[several], strict=True):
        pairs = [(i, j) for i, j in combinations(range(VOICES), 2) if min(a[i], a[j], b[i], b[j]) >= 0]
        kinds = {int(a[i] - a[j]) % 12 for i, j in pairs if parallel(a[i], b[i], a[j], b[j])}
        octaves, fifths = octaves + (0 in kinds), fifths + (7 in kinds)
    leaps = [abs(after - before)[..., part][moved[..., part]] > most for part, most in ((0, 7), (3, 12))]
    return [
        float((~sounds).mean()),
        outside.sum() / sounds.sum(),
        foreign.sum() / sounds.sum(),
        float((before == after).all(-1).mean()),
        float(crossed.mean()),
        octaves / max(several.sum(), 1),
        fifths / max(several.sum(), 1),
        *(float(leap.mean()) for leap in leaps),
    ]


if __name__ == "__main__":
    main()
