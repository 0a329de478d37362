"""Drawn tunes: what a VAE of them gives back, draws and walks through, read by the tunes' own reader.

    python benchmarks/music.py [--epochs 60] [--seed 0]

`melodies` (5,000 tunes of four bars to learn from, 1,000 to judge by, one note at a time on a grid of sixteenths), a VAE of 32
numbers as it comes but for batches of 64. Alike: the share of what sounds in a tune or its reconstruction that sounds alike in
both. A tune is read where it has one note after the other without a gap, in one scale, four whole bars of one metre, beats that
are parted in one way and an end on the tonic or the fifth; nearly: cut or filled up to whole bars of the original's metre
first. Walks: 100 between two tunes not learnt from, 9 steps each. Writes benchmarks/results/music.md.
"""

import argparse
import time

import numpy as np
from common.facts import RESULTS, facts

from latentwalk import Autoencoder, load
from latentwalk.data.music import REST, Piece
from latentwalk.data.synthetic import MELODY_FACTORS, factors_of_tune

LATENT, BATCH = 32, 64
JUDGED, DRAWN, WALKS, STEPS = 500, 500, 100, 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    train, test = load("melodies"), load("melodies", split="test")
    start = time.process_time()
    options = {"latent": LATENT, "epochs": asked.epochs, "batch_size": BATCH, "random_state": asked.seed, "progress": False}
    model = Autoencoder("vae", **options).fit(train)
    seconds = time.process_time() - start
    judged = test.take(np.arange(JUDGED))
    space = model.space(judged)
    alike = 1 - space.apart(np.asarray(judged.x), space.decode(space.codes)).mean()
    originals, again = judged.pieces, model.reconstruct(judged)
    known = [factors_of_tune(piece) for piece in originals]
    found = [factors_of_tune(piece) for piece in again]
    near = [factors_of_tune(_filled(piece, whole.total)) for piece, whole in zip(again, originals, strict=True)]
    drawn = [factors_of_tune(piece) for piece in model.sample(DRAWN)]
    rng, walked = np.random.default_rng(asked.seed), []
    for _ in range(WALKS):
        a, b = rng.choice(JUDGED, 2, replace=False)
        walked += [factors_of_tune(piece) for piece in space.walk(int(a), int(b), steps=STEPS).pieces[1:-1]]
    last = model.history_[-1]
    lines = [
        "# Music",
        "",
        __doc__.split("\n", 4)[4].strip(),
        "",
        f"{facts('torch', 'numpy', 'mido', 'latentwalk')} Script: `benchmarks/music.py`. {asked.epochs} epochs, seed "
        f"{asked.seed}, {seconds:,.0f} s of one core. Held-out loss "
        f"{min(one.validation_loss for one in model.history_):.1f} nats a tune, {last.active} of {LATENT} dimensions active.",
        "",
        "| what | share |",
        "| --- | ---: |",
        f"| reconstructions: sound alike | {alike:.3f} |",
        f"| reconstructions that are tunes | {_share(found):.3f} |",
        f"| … nearly | {_share(near):.3f} |",
        f"| draws that are tunes | {_share(drawn):.3f} |",
        f"| steps of walks that are tunes | {_share(walked):.3f} |",
        "",
        "Of reconstructions that are nearly tunes, each factor as in the original: "
        + ", ".join(f"{name} {_right(near, known, name):.2f}" for name in MELODY_FACTORS)
        + ".",
    ]
    (RESULTS / "music.md").write_text("\n".join(lines) + "\n")


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
