"""How long until it is good? Seconds of `fit`, as it comes, until the held-out loss that others reach after ten epochs.

    benchmarks/.venv/bin/python benchmarks/time_to_quality.py --data PATH [--rounds 3] [--cases mnist fashion-mnist lfw]

The environment is that of speed.py. PATH is a folder that holds `mnist`, `fashion-mnist` and `lfw`. A VAE with 16 numbers: an
MLP for digits and clothes, convolutions for gray faces of 32 pixels. Each trainer goes through the same rows for ten epochs
with its own defaults: pythae in batches of 64 at a rate of 1e-4, Keras on JAX in batches of 32 at 1e-3; Lightning has none and
gets 64 and 1e-3. The held-out loss is the mean negative ELBO of the rows of a test set (of faces, the last 2,000), one draw
each, looked at after each epoch while the clock stands. latentwalk is called without an option beside network, code and
likelihood; its networks begin at a line, the others' as PyTorch or Keras begin them. The clock starts with the call of `fit`,
imports apart. All contestants in turn, each in a process of its own; ratios within a round. Writes
benchmarks/results/time_to_quality.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, earlier, facts, keep

from latentwalk.data import load

CONTESTANTS = Path(__file__).parent / "common" / "contestants.py"
OURS = "latentwalk, as it comes"
OTHERS = {"pythae": (64, 1e-4), "Lightning": (64, 1e-3), "Keras, JAX": (32, 1e-3)}
CASES = {"mnist": "mlp", "fashion-mnist": "mlp", "lfw": "conv"}
HELD = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--keep", type=Path, default=Path("runs/time_to_quality.jsonl"))
    asked = parser.parse_args()
    kept = earlier(asked.keep)
    for number in range(asked.rounds):
        for case in asked.cases:
            x, held = examples(case, asked.data)
            for name in (OURS, *OTHERS):
                key = [case, name, number]
                if not any(found["key"] == key for found in kept):
                    kept.append({"key": key} | measured(name, case, x, held, asked.epochs))
                    keep(asked.keep, kept[-1])
    (RESULTS / "time_to_quality.md").write_text(page(kept, asked.cases, asked.epochs))


def examples(case: str, data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pictures to learn from and to judge by, bytes (n, H, W)."""
    if case == "lfw":
        x = np.load(data / "lfw" / "lfw32_gray.npz")["images"]
        return x[:-HELD], x[-HELD:]
    return tuple(np.asarray(load(str(data / case), split=split).x) for split in ("train", "test"))


def measured(name: str, case: str, x: np.ndarray, held: np.ndarray, epochs: int) -> dict[str, Any]:
    """One contestant, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, "x.npy"), Path(folder, "held.npy")]
        for file, values in zip(files, (x, held), strict=True):
            np.save(file, values)
        command = [sys.executable, CONTESTANTS, name, CASES[case], files[0], f"--held={files[1]}", "--latent=16"]
        if name in OTHERS:
            batch, rate = OTHERS[name]
            command += [f"--batch={batch}", f"--rate={rate}", f"--epochs={epochs}", "--start=plain"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode:
        raise SystemExit(f"{name}, {case}:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def until(found: dict[str, Any], loss: float) -> float:
    """Seconds until the held-out loss is no more than that; infinite where it never was."""
    return next((s for s, held in zip(found["seconds"], found["held"], strict=True) if held <= loss), float("inf"))


def page(kept: list[dict[str, Any]], cases: list[str], epochs: int) -> str:
    about = facts("torch", "numpy", "latentwalk", "pythae", "lightning", "keras", "jax")
    tables = "\n\n".join(table(case, [found for found in kept if found["key"][0] == case], epochs) for case in cases)
    return f"# Time to quality\n\n{__doc__.split(chr(10), 1)[1].strip()}\n\n{about}\n\n{tables}\n"


def table(case: str, kept: list[dict[str, Any]], epochs: int) -> str:
    """What the others reach and when, and when ours is there."""
    rounds = sorted({found["key"][2] for found in kept})
    runs = {(name, number): found for found in kept for name, number in [found["key"][1:]]}
    lines = [
        f"## {case}, {CASES[case]}, {len(rounds)} round{'s' * (len(rounds) > 1)}",
        "",
        f"| | held-out loss after {epochs} epochs, nats | seconds | latentwalk is there after | ratio |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in OTHERS:
        losses = [runs[name, number]["held"][-1] for number in rounds]
        seconds = [runs[name, number]["seconds"][-1] for number in rounds]
        ours = [until(runs[OURS, number], loss) for number, loss in zip(rounds, losses, strict=True)]
        ratios = [mine / theirs for mine, theirs in zip(ours, seconds, strict=True)]
        said = [
            f"{statistics.median(values):.{digits}f}" for values, digits in ((losses, 1), (seconds, 1), (ours, 1), (ratios, 2))
        ]
        lines.append(f"| {name} | {' | '.join(said)} |")
    ends = [runs[OURS, number] for number in rounds]
    best, all_ = (statistics.median(values) for values in ([min(e["held"]) for e in ends], [e["seconds"][-1] for e in ends]))
    hardest = [min(runs[name, number]["held"][-1] for name in OTHERS) for number in rounds]
    fastest = [min(runs[name, number]["seconds"][-1] for name in OTHERS) for number in rounds]
    ratio = statistics.median(until(runs[OURS, n], h) / f for n, h, f in zip(rounds, hardest, fastest, strict=True))
    return "\n".join(
        [
            *lines,
            "",
            f"Of the best loss of the three and the fewest seconds of the three, whoever's they are: {ratio:.2f}. "
            f"latentwalk, to its end: {best:.1f} nats, {all_:.0f} s.",
        ]
    )


if __name__ == "__main__":
    main()
