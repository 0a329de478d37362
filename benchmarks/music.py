"""Drawn tunes: what a VAE of them gives back, draws and walks through, read by the tunes' own reader.

    python benchmarks/music.py [--epochs 60] [--seed 0] [--only "as it comes"]

`melodies` (5,000 tunes of four bars to learn from, 1,000 to judge by, one note at a time on a grid of sixteenths), VAEs of 32
numbers, all with as many epochs in batches of 64. Alike: the share of what sounds in a tune or its reconstruction that sounds
alike in both. A tune is read where it has one note after the other without a gap, in one scale, four whole bars of one metre,
beats that are parted in one way and an end on the tonic or the fifth; nearly: cut or filled up to whole bars of the original's
metre first. Walks: 100 between two tunes not learnt from, 9 steps each. Minor: held-out tunes in major, put into minor, other
factors taken out of the direction, at the least strength that moves 95 % of 300 tunes learnt from, and by a graft that is
guided; of those that are tunes then, the share that is in minor, and of each other factor that is not as in the reconstruction.
Writes a section of benchmarks/results/music.md.
"""

import argparse
import time
from typing import Any

import numpy as np
from common.facts import RESULTS, facts, put_section

from latentwalk import Autoencoder, Dataset, Network, Recipe, linear, load
from latentwalk.data.music import REST, Piece
from latentwalk.data.synthetic import MELODY_FACTORS, factors_of_tune

LATENT, BATCH = 32, 64
JUDGED, DRAWN, WALKS, STEPS = 500, 500, 100, 9
STRENGTHS, WANTED = (1.0, 1.5, 2.0, 2.5, 3.0), 0.95  # of a graft, and of tunes that it should move
WARM: dict[str, Any] = {"generative": True, "beta": linear(1.0, over=5)}
VARIANTS: dict[str, tuple[Any, Any]] = {
    "before: not told the place, 8 nats free, a quarter each": (
        Recipe("before", free_nats=8 / LATENT, **WARM),
        Network("gru", positions=False),
    ),
    "told the place": (Recipe("told", free_nats=8 / LATENT, **WARM), "gru"),
    "as it comes: told the place, 8 nats free together": ("vae", "auto"),
    "transformer": ("vae", "transformer"),
    "hierarchical": ("vae", "hierarchical"),
}
HEAD = (
    "| model | nats | alike | tunes | nearly | draws | walks | seconds | graft | tunes then | minor | changed by it |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: | --- |"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--only", default="", help="variants whose name has this in it")
    asked = parser.parse_args()
    train, test = load("melodies"), load("melodies", split="test")
    test = test.take(np.arange(JUDGED))
    rows, factors = [], []
    for name in (one for one in VARIANTS if asked.only in one):
        row, kept = judged(name, train, test, asked)
        rows.append(row)
        factors.append(f"- {name}: {kept}")
        print(row, factors[-1], sep="\n", flush=True)
    text = f"""{__doc__.split(chr(10), 4)[4].strip()}

{facts("torch", "numpy", "mido", "latentwalk")} Script: `benchmarks/music.py`. {asked.epochs} epochs, Adam {asked.rate:g}, seed
{asked.seed}; *nats*: the held-out bound, a tune; seconds of one core, of learning.

{HEAD}
{chr(10).join(rows)}

Of reconstructions that are nearly tunes, each factor as in the original:

{chr(10).join(factors)}"""
    put_section(RESULTS / "music.md", f"Drawn tunes, {asked.epochs} epochs", text)


def judged(name: str, train: Dataset, test: Dataset, asked: argparse.Namespace) -> tuple[str, str]:
    """A row of the table, and which factors are kept."""
    recipe, network = VARIANTS[name]
    start = time.process_time()
    options = {"latent": LATENT, "epochs": asked.epochs, "batch_size": BATCH, "random_state": asked.seed, "progress": False}
    model = Autoencoder(recipe, network=network, learning_rate=asked.rate, **options).fit(train)
    seconds = time.process_time() - start
    space, learnt = model.space(test), model.space(train)
    alike = 1 - space.apart(np.asarray(test.x), space.decode(space.codes)).mean()
    originals, again = test.pieces, model.reconstruct(test)
    known, found = read(originals), read(again)
    near = [factors_of_tune(_filled(piece, whole.total)) for piece, whole in zip(again, originals, strict=True)]
    drawn = read(model.sample(DRAWN))
    rng, walked = np.random.default_rng(asked.seed), []
    for _ in range(WALKS):
        a, b = rng.choice(JUDGED, 2, replace=False)
        walked += read(space.walk(int(a), int(b), steps=STEPS).pieces[1:-1])
    others = [learnt.attributes[one] for one in MELODY_FACTORS if one != "mode"]
    step = learnt.direction("minor", "major", without=others, keep=[one for one in MELODY_FACTORS if one != "mode"])
    some = train.take(np.arange(300))
    strength = next((s for s in STRENGTHS if grafted(learnt, some, step, s)["mode"] >= WANTED), STRENGTHS[-1])
    nats = -float(model.score_samples(test).mean())
    shares = " | ".join(f"{share:.3f}" for share in (alike, *map(_share, (found, near, drawn, walked))))
    kept = ", ".join(f"{one} {_right(near, known, one):.2f}" for one in MELODY_FACTORS)
    rows = []
    for how, strong in ((f"{strength:g}", strength), ("guided", "guided")):
        minor = grafted(space, test, step, strong)
        changed = ", ".join(f"{one} {minor[one]:.2f}" for one in MELODY_FACTORS if one != "mode")
        about = f"| {how} | {minor['tunes']:.3f} | {minor['mode']:.3f} | {changed} |"
        rows.append(f"| {name} | {nats:.1f} | {shares} | {seconds:,.0f} {about}")
    return "\n".join(rows), kept


def grafted(space: Any, data: Dataset, step: Any, strength: float | str) -> dict[str, float]:
    """Tunes in major, put into minor: the share that are tunes then; of these, of those in it, and of each factor changed."""
    major = data.x[data.factors["mode"] == 0]
    before, after = (read(space.graft(major, step, s).pieces) for s in (0.0, strength))
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if a and b and a["mode"] == 0]
    changed = {one: float(np.mean([a[one] != b[one] for a, b in pairs])) if pairs else np.nan for one in MELODY_FACTORS}
    minor = float(np.mean([b["mode"] == 1 for _, b in pairs])) if pairs else np.nan
    return changed | {"mode": minor, "tunes": _share([b for a, b in zip(before, after, strict=True) if a])}


def read(pieces: list[Piece]) -> list[dict[str, int] | None]:
    return [factors_of_tune(piece) for piece in pieces]


def _filled(piece: Piece, total: int) -> Piece:
    """The piece cut to so many steps, or its last note held until then."""
    words = piece.words()[0][:total]
    return Piece.of_words([*words, *["-" if words and words[-1] != REST else REST] * (total - len(words))], beats=piece.beats)


def _share(read: list[dict[str, int] | None]) -> float:
    return float(np.mean([one is not None for one in read]))


def _right(read: list[dict[str, int] | None], known: list[dict[str, int] | None], name: str) -> float:
    pairs = [(a[name], b[name]) for a, b in zip(read, known, strict=True) if a is not None and b is not None]
    return float(np.mean([a == b for a, b in pairs])) if pairs else float("nan")


if __name__ == "__main__":
    main()
