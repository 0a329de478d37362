"""Is this commit as fast, as light and as quick to start as another one? Both run in turn; ratios are taken within a round.

    git worktree add ../old 075521f
    python benchmarks/commits.py ../old                 writes results/commits.md: about ten minutes on two cores
    python benchmarks/commits.py ../old --small         a round of each, on less, printed

A measurement is a process of its own whose package is that of the one checkout or the other. Training: the fastest epoch after
the first, by the rates in the model's own history; the order of the two is drawn anew each round. Start: the wall clock of
`import latentwalk` and of `latentwalk --help`, the best of several. Memory: the largest resident set of the training process.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
TRAINING = """
import json, resource, sys
import numpy as np
from latentwalk import Autoencoder, Network, load
case, rows = sys.argv[1], int(sys.argv[2])
network = Network("dense", widths=(512, 256)) if case == "mlp" else Network("conv", channels=(32, 64), widths=(256,))
data = load("mnist").x[:rows]
options = {"network": network, "likelihood": "bernoulli", "epochs": 5, "validation": 0.0, "random_state": 0, "progress": False}
model = Autoencoder("vae", latent=2, **options).fit(data)
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
rate = max(epoch.rate for epoch in model.history_[1:])
print(json.dumps({"rate": rate, "memory": memory, "loss": model.history_[-1].loss}))
"""
CASES = {"mlp": 60_000, "conv": 10_240}
STARTS = {"import latentwalk": ["-c", "import latentwalk"], "latentwalk --help": ["-m", "latentwalk", "--help"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="a checkout of the commit to compare with")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--small", action="store_true")
    asked = parser.parse_args()
    rounds = 1 if asked.small else asked.rounds
    sides = {"before": asked.other.resolve(), "now": HERE}
    rows = [in_turn(case, sides, rounds, trainer(case, count // (10 if asked.small else 1))) for case, count in CASES.items()]
    starts = [in_turn(what, sides, rounds, starter(command)) for what, command in STARTS.items()]
    text = page(sides, rounds, rows, starts)
    if asked.small:
        print(text)
        return
    (HERE / "benchmarks" / "results" / "commits.md").write_text(text)


def in_turn(what: str, sides: dict[str, Path], rounds: int, measure: Callable[[Path], dict[str, float]]) -> dict[str, object]:
    """What is measured of both sides, round by round."""
    order, chance = list(sides), random.Random(what)
    found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for _ in range(rounds):
        chance.shuffle(order)
        for side in order:
            found[side].append(measure(sides[side]))
            print(what, side, found[side][-1], file=sys.stderr, flush=True)
    return {"what": what, **found}


def trainer(case: str, rows: int) -> Callable[[Path], dict[str, float]]:
    def measure(checkout: Path) -> dict[str, float]:
        done = run(checkout, ["-c", TRAINING, case, str(rows)])
        found: dict[str, float] = json.loads(done.splitlines()[-1])
        return found

    return measure


def starter(command: list[str]) -> Callable[[Path], dict[str, float]]:
    def measure(checkout: Path) -> dict[str, float]:
        times = []
        for _ in range(10):
            start = time.perf_counter()
            run(checkout, command)
            times.append(time.perf_counter() - start)
        return {"seconds": min(times)}

    return measure


def run(checkout: Path, command: list[str]) -> str:
    """What a Python with the package of that checkout prints."""
    done = subprocess.run(
        [sys.executable, *command],
        env=os.environ | {"PYTHONPATH": str(checkout)},
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def commit(checkout: Path) -> str:
    command = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def ratios(row: dict[str, object], key: str) -> str:
    """Now against before, within each round: the median, and the range."""
    found = [now[key] / before[key] for now, before in zip(row["now"], row["before"], strict=True)]  # type: ignore[call-overload]
    return f"{statistics.median(found):.3f} ({min(found):.3f}–{max(found):.3f})"


def medians(row: dict[str, object], key: str, form: str) -> str:
    return " | ".join(format(statistics.median(one[key] for one in row[side]), form) for side in ("before", "now"))  # type: ignore[attr-defined]


def page(sides: dict[str, Path], rounds: int, rows: list[dict[str, object]], starts: list[dict[str, object]]) -> str:
    from common.facts import facts

    trained = "\n".join(
        f"| {row['what']}, {CASES[str(row['what'])]:,} images | {medians(row, 'rate', ',.0f')} | {ratios(row, 'rate')} "
        f"| {medians(row, 'memory', ',.0f')} | {ratios(row, 'memory')} | {medians(row, 'loss', '.4f')} |"
        for row in rows
    )
    started = "\n".join(f"| {row['what']} | {medians(row, 'seconds', '.3f')} | {ratios(row, 'seconds')} |" for row in starts)
    before, now = (commit(checkout) for checkout in sides.values())
    return (
        f"# Against commit {before}\n\n{facts('torch', 'numpy')} {rounds} interleaved rounds of commit {before} and commit "
        f"{now}, one process a measurement, in an order drawn anew; medians, and the median and range of the ratios within a "
        "round. VAE of MNIST, batches of 128, float32, seed 0; the fastest of epochs 2 to 5. Script: "
        "`benchmarks/commits.py`.\n\n"
        "| training | images/s before | now | ratio | peak memory before, MB | now | ratio | loss before | now |\n"
        f"|---|{'---:|' * 8}\n{trained}\n\n| start | seconds before | now | ratio |\n|---|{'---:|' * 3}\n{started}\n"
    )


if __name__ == "__main__":
    main()
