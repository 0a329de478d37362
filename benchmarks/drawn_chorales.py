"""Chorales drawn from the model of `chorales.py`, held to rules of four-part writing beside Bach's own.

    python benchmarks/drawn_chorales.py [--run runs/chorales-0] [--out runs/drawn-chorales]

A roll has no parts: those of a step are its keys from the highest down, so parts never cross here, and that cannot be asked.
Steps with four keys after steps with four keys are asked for parallels: two parts that move the same way, by any distance, and
are an octave (or unison) apart before and after, or a fifth. Draws are step after step, keys drawn, not the likeliest, as many
and as long as the test chorales. Writes a section of benchmarks/results/chorales.md, and ten of them, the first 32 quarters
each, as MIDI files and rolls.
"""

import argparse
import json
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
from chorales import songs
from common.facts import RESULTS, facts, put_section

from latentwalk import Autoencoder
from latentwalk.data.music import Piece
from latentwalk.data.sources.midi import midi_content
from latentwalk.drawing.roll import piano_roll

KEPT, QUARTERS = 10, 32
SCALE = {0, 2, 4, 5, 7, 9, 11}  # C major
RULES = (
    "steps with four keys",
    "keys outside of Bach's range",
    "keys outside of C major",
    "steps that repeat the one before",
    "parallel octaves, of moves of four keys to four",
    "parallel fifths, likewise",
    "leaps of the highest part beyond a fifth, of its moves",
    "leaps of the lowest part beyond an octave, of its moves",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/jsb-chorales/jsb-chorales-quarter.json"))
    parser.add_argument("--run", type=Path, default=Path("runs/chorales-0"))
    parser.add_argument("--out", type=Path, default=Path("runs/drawn-chorales"))
    asked = parser.parse_args()
    own, learnt = songs(asked.data, "test"), songs(asked.data, "train")
    model = Autoencoder.load(asked.run)
    drawn = model.sample(len(own), source="prior", decoding="sample")
    drawn = [piece.cut(0, one.total) for piece, one in zip(drawn, own, strict=True)]
    every = np.concatenate([piece.notes[:, 2] for piece in learnt])
    ends = int(every.min()), int(every.max())
    table = {name: (kept(pieces, ends)) for name, pieces in (("Bach, test", own), ("drawn", drawn))}
    shares = [" | ".join(f"{100 * found[at]:.1f} %" for found in table.values()) for at in range(len(RULES))]
    rows = "\n".join(f"| {rule} | {share} |" for rule, share in zip(RULES, shares, strict=True))
    text = f"""{facts("torch", "numpy", "latentwalk")} Script: `benchmarks/drawn_chorales.py`, seed 0.

{__doc__.split(chr(10) * 2, 2)[2].strip()}

| of {len(own)} chorales each | {" | ".join(table)} |
| --- | ---: | ---: |
{rows}"""
    put_section(RESULTS / "chorales.md", "Drawn chorales", text)
    asked.out.mkdir(parents=True, exist_ok=True)
    for at, piece in enumerate(drawn[:KEPT], 1):
        part = piece.cut(0, QUARTERS)
        (asked.out / f"{at:02}.mid").write_bytes(midi_content(part))
        piano_roll(part, 16, ends).save(asked.out / f"{at:02}.png", optimize=True)
    print(json.dumps({name: np.round(found, 4).tolist() for name, found in table.items()}))


def kept(pieces: Sequence[Piece], ends: tuple[int, int]) -> list[float]:
    """The share of each of `RULES` in these pieces. ends: Bach's lowest and highest key."""
    four = steps = outside = foreign = keys = again = moves = octaves = fifths = 0
    leaps, lines = [0, 0], [0, 0]
    for piece in pieces:
        chords = [tuple(int(key) + 21 for key in np.flatnonzero(step)[::-1]) for step in piece.roll()]
        steps += len(chords)
        four += sum(len(chord) == 4 for chord in chords)
        flat = [key for chord in chords for key in chord]
        keys += len(flat)
        outside += sum(not ends[0] <= key <= ends[1] for key in flat)
        foreign += sum(key % 12 not in SCALE for key in flat)
        for a, b in pairwise(chords):
            again += a == b
            if a and b:
                for part, (at, most) in enumerate(((0, 7), (-1, 12))):
                    lines[part] += a[at] != b[at]
                    leaps[part] += abs(a[at] - b[at]) > most
            if len(a) == len(b) == 4 and a != b:
                moves += 1
                kinds = {(a[i] - a[j]) % 12 for i, j in combinations(range(4), 2) if parallel(a[i], b[i], a[j], b[j])}
                octaves += 0 in kinds
                fifths += 7 in kinds
    pairs = steps - len(pieces)
    shares = [(four, steps), (outside, keys), (foreign, keys), (again, pairs), (octaves, moves), (fifths, moves)]
    return [part / max(whole, 1) for part, whole in [*shares, *zip(leaps, lines, strict=True)]]


def parallel(high: int, then: int, low: int, after: int) -> bool:
    """Whether two parts move the same way and are as far apart before and after, octaves aside."""
    return (then - high) * (after - low) > 0 and (high - low) % 12 == (then - after) % 12


if __name__ == "__main__":
    main()
