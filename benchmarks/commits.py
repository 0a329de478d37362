"""Is this commit as fast, as light and as quick to start as another one? Both run in turn; ratios are taken within a round.

    git worktree add ../old 075521f
    python benchmarks/commits.py ../old                 writes results/commits.md: about ten minutes on two cores
    python benchmarks/commits.py ../old --small         a round of each, on less, printed

Training: a process of each, whose package is that of the one checkout or the other, learns for an epoch when it is its turn;
the order within a round is drawn, and a ratio is that of two epochs one after the other, so that a machine whose clock drifts
does not matter. Memory: the largest resident set of these processes. Start: the wall clock of `import latentwalk` and of
`latentwalk --help`, the best of ten, in turn.
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
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
TRAINING = """
import json, resource, sys
from latentwalk import Autoencoder, Network, load
case, rows = sys.argv[1], int(sys.argv[2])
network = Network("dense", widths=(512, 256)) if case == "mlp" else Network("conv", channels=(32, 64), widths=(256,))
options = {"network": network, "likelihood": "bernoulli", "epochs": 1, "validation": 0.0, "random_state": 0, "progress": False}
model = Autoencoder("vae", latent=2, warm_start=True, **options)
images = load("mnist").x[:rows]
model.fit(images)
for _ in sys.stdin:
    model.fit(images)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rate": model.history_[-1].rate, "loss": model.history_[-1].loss, "memory": memory}), flush=True)
"""
CASES = {"mlp": 20_480, "conv": 2_560}
STARTS = {"import latentwalk": ["-c", "import latentwalk"], "latentwalk --help": ["-m", "latentwalk", "--help"]}


Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="a checkout of the commit to compare with")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--small", action="store_true")
    asked = parser.parse_args()
    rounds = 2 if asked.small else asked.rounds
    sides = {"before": asked.other.resolve(), "now": HERE}
    rows = [trained(case, sides, rounds) for case in CASES]
    starts = [
        in_turn(what, rounds // 8 + 2, {side: starter(at, command) for side, at in sides.items()})
        for what, command in STARTS.items()
    ]
    text = page(sides, rounds, rows, starts)
    if asked.small:
        print(text)
        return
    (HERE / "benchmarks" / "results" / "commits.md").write_text(text)


def trained(case: str, sides: dict[str, Path], rounds: int) -> Row:
    """Epochs of both sides, in turn."""
    command = [sys.executable, "-W", "ignore", "-c", TRAINING, case, str(CASES[case])]
    with ExitStack() as running:
        learning = {
            side: running.enter_context(
                subprocess.Popen(command, env=of(at), cwd=at, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for side, at in sides.items()
        }
        found = in_turn(case, rounds, {side: partial(epoch, process) for side, process in learning.items()})
        for process in learning.values():
            process.kill()
    return found


def epoch(process: "subprocess.Popen[str]") -> dict[str, float]:
    """What a process says of one more epoch."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    found: dict[str, float] = json.loads(process.stdout.readline())
    return found


def in_turn(what: str, rounds: int, sides: dict[str, Callable[[], dict[str, float]]]) -> Row:
    """What is measured of both sides, round by round, in an order that is drawn."""
    order, chance = list(sides), random.Random(what)
    found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for _ in range(rounds):
        chance.shuffle(order)
        for side in order:
            found[side].append(sides[side]())
            print(what, side, found[side][-1], file=sys.stderr, flush=True)
    return {"what": what, **found}


def starter(checkout: Path, command: list[str]) -> Callable[[], dict[str, float]]:
    def measure() -> dict[str, float]:
        times = []
        for _ in range(10):
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], env=of(checkout), cwd=checkout, capture_output=True, check=True)
            times.append(time.perf_counter() - start)
        return {"seconds": min(times)}

    return measure


def of(checkout: Path) -> dict[str, str]:
    """The environment in which a Python has the package of that checkout."""
    return os.environ | {"PYTHONPATH": str(checkout)}


def commit(checkout: Path) -> str:
    command = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def ratios(row: Row, key: str) -> str:
    """Now against before, within each round: the median, and the middle half."""
    found = [now[key] / before[key] for now, before in zip(row["now"], row["before"], strict=True)]
    low, _, high = statistics.quantiles(found, n=4)
    return f"{statistics.median(found):.3f} ({low:.3f}–{high:.3f})"


def medians(row: Row, key: str, form: str) -> str:
    return " | ".join(format(statistics.median(one[key] for one in row[side]), form) for side in ("before", "now"))


def page(sides: dict[str, Path], rounds: int, rows: list[Row], starts: list[Row]) -> str:
    from common.facts import facts

    learnt = "\n".join(
        f"| {row['what']}, {CASES[str(row['what'])]:,} images | {medians(row, 'rate', ',.0f')} | {ratios(row, 'rate')} "
        f"| {medians(row, 'memory', ',.0f')} | {ratios(row, 'memory')} | {medians(row, 'loss', '.4f')} |"
        for row in rows
    )
    started = "\n".join(f"| {row['what']} | {medians(row, 'seconds', '.3f')} | {ratios(row, 'seconds')} |" for row in starts)
    before, now = (commit(checkout) for checkout in sides.values())
    return (
        f"# Against commit {before}\n\n{facts('torch', 'numpy')} Commit {before} and commit {now} in turn, {rounds} epochs of "
        "each, in an order drawn anew; medians, and the median and the middle half of the ratios within a round. VAE of MNIST, "
        "batches of 128, float32, seed 0. Script: `benchmarks/commits.py`.\n\n"
        "| training | images/s before | now | ratio | peak memory before, MB | now | ratio | loss before | now |\n"
        f"|---|{'---:|' * 8}\n{learnt}\n\n| start | seconds before | now | ratio |\n|---|{'---:|' * 3}\n{started}\n"
    )


if __name__ == "__main__":
    main()
