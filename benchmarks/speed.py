"""How fast is training? The same VAE on the same data: latentwalk, a bare loop, pythae, Lightning and Keras, interleaved.

    python -m venv benchmarks/.venv
    benchmarks/.venv/bin/pip install -c constraints.txt -e . pydantic dill imageio cloudpickle tqdm
    benchmarks/.venv/bin/pip install --no-deps pythae==0.1.2
    benchmarks/.venv/bin/pip install -c constraints.txt lightning==2.6.6 keras==3.15.1 jax==0.10.2
    benchmarks/.venv/bin/python benchmarks/speed.py --data PATH [--rounds 3] [--tables mlp conv gru] [--small]

Measured with Python 3.11. PATH is a folder with MNIST's files; the signals are drawn. Every measurement is a process of its
own, so that memory and settings of one cannot help another. In each round all contestants run one after the other; ratios are
taken within a round, and the median over rounds is reported with its range. The first epoch is warm-up, the second is timed.
Measurements are kept in a JSON-lines file (`--keep`), from which a second run goes on. Writes benchmarks/results/speed.md.
--small goes through everything once with few examples, and only prints what it finds.

About 20 minutes on 2 cores that do nothing else; where they do, the numbers mean nothing. More tables: mlp-1 (one core),
mlp-512 (batches of 512), compiled (needs a C++ compiler).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, earlier, facts, keep

from latentwalk.data import load

CONTESTANTS = Path(__file__).parent / "common" / "contestants.py"
LIMIT, BARE, PYTHAE = "products alone", "bare loop", "pythae"
OURS = (LIMIT, BARE, "latentwalk", "bare loop bfloat16", "latentwalk bfloat16")
OTHERS = (PYTHAE, "Lightning", "Keras, torch", "Keras, JAX")
COMPILED = "latentwalk compiled bfloat16"
EXAMPLES = {"mlp": 60_000, "conv": 10_240, "gru": 1_280}
FEWER = {("conv", "Keras, JAX"): 8, ("gru", "Keras, torch"): 5}  # times fewer examples, for who would take minutes
NETWORKS = {
    "mlp": "784-512-256-2 MLP, images",
    "conv": "conv 32-64, dense 256, z = 2, images",
    "gru": "GRU of 128 units (two to encode, one to decode), z = 2, signals of 140 steps",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Who is compared on what."""

    case: str
    contestants: tuple[str, ...]
    cores: int = 2
    batch: int = 128


TABLES = {
    "mlp": Table("mlp", (*OURS, COMPILED, *OTHERS)),
    "conv": Table("conv", (*OURS, *OTHERS)),
    "gru": Table("gru", (*OURS, *OTHERS)),
    "mlp-1": Table("mlp", (*OURS, *OTHERS), cores=1),
    "mlp-512": Table("mlp", (*OURS, COMPILED, PYTHAE), batch=512),
    "compiled": Table("mlp", (LIMIT, BARE, "latentwalk compiled", "bare loop bfloat16", COMPILED, PYTHAE)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=["mlp", "conv", "gru"])
    parser.add_argument("--keep", type=Path, default=Path("runs/speed.jsonl"))
    parser.add_argument("--small", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.small:
            asked.rounds, asked.keep = 1, Path(folder, "speed.jsonl")
        kept = earlier(asked.keep)
        for which in asked.tables:
            x = examples(TABLES[which].case, asked.data, 10 if asked.small else 1)
            compare(which, x, asked.rounds, kept, asked.keep, Path(folder))
    about = facts("torch", "numpy", "latentwalk", "pythae", "lightning", "keras", "jax")
    text = page("\n\n".join(table(which, kept) for which in asked.tables), asked.rounds, about)
    if asked.small:
        print(text)
        return
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "speed.md").write_text(text)


def examples(case: str, data: str, fewer: int) -> np.ndarray:
    """Images (n, 28, 28), bytes; or standardised signals (n, 140), float32."""
    n = EXAMPLES[case] // fewer
    if case != "gru":
        return np.asarray(load(data).x[:n])
    drawn = np.asarray(load("signals", n=2 * n, length=140).x[:n])  # some are set aside for testing
    return ((drawn - drawn.mean()) / drawn.std()).astype(np.float32)


def compare(which: str, x: np.ndarray, rounds: int, kept: list[dict[str, Any]], path: Path, folder: Path) -> None:
    """Add to `kept` what is not there yet of this table."""
    case = TABLES[which].case
    for number in range(rounds):
        for name in TABLES[which].contestants:
            key = [which, name, number]
            if any(found["key"] == key for found in kept):
                continue
            file = folder / "examples.npy"
            np.save(file, x[: len(x) // FEWER.get((case, name), 1)])
            kept.append({"key": key} | measured(name, TABLES[which], file))
            keep(path, kept[-1])


def measured(name: str, table: Table, file: Path) -> dict[str, float | None]:
    """One measurement, in a process of its own."""
    command = [sys.executable, CONTESTANTS, name, table.case, file, f"--batch={table.batch}", f"--cores={table.cores}"]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(table.cores))
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | threads)
    if done.returncode:
        raise SystemExit(f"{name}, {table.case}:\n{done.stderr}")
    found: dict[str, float | None] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(which: str, kept: list[dict[str, Any]]) -> str:
    """The results of one table, as Markdown."""
    about = TABLES[which]
    runs = {name: [found for found in kept if found["key"][:2] == [which, name]] for name in about.contestants}
    rows = [row(name, runs, (about.case, name) in FEWER) for name in about.contestants]
    head = "| | examples/s, median (range) | x pythae | x bare loop | share of the limit | peak memory, MB | loss |"
    cores = f"{about.cores} core{'s' * (about.cores > 1)}"
    what = f"{NETWORKS[about.case]}; {EXAMPLES[about.case]:,} of them in batches of {about.batch}, {cores}"
    return "\n".join([f"### {what}", "", head, "|---|" + "---:|" * 6, *rows])


def row(name: str, runs: dict[str, list[dict[str, Any]]], fewer: bool) -> str:
    """One contestant's line. It is compared with the bare loop of its own precision, where there is one."""
    mine = runs[name]
    precise = f"{BARE} bfloat16" if "bfloat16" in name and f"{BARE} bfloat16" in runs else BARE

    def ratio(other: str, digits: int = 2) -> str:
        ratios = [a["rate"] / b["rate"] for a, b in zip(mine, runs[other], strict=True)]
        return f"{statistics.median(ratios):.{digits}f} ({min(ratios):.{digits}f}–{max(ratios):.{digits}f})"

    rates = [run["rate"] for run in mine]
    memory = statistics.median(run["memory"] for run in mine)
    loss = "–" if fewer or mine[0]["loss"] is None else f"{statistics.median(run['loss'] for run in mine):.1f}"
    return (
        f"| {name} | {statistics.median(rates):,.0f} ({min(rates):,.0f}–{max(rates):,.0f}) | {ratio(PYTHAE)} | "
        f"{ratio(precise, 3)} | {ratio(LIMIT)} | {memory:,.0f} | {loss} |"
    )


def page(tables: str, rounds: int, machine: str) -> str:
    return (
        "# Training speed\n\n"
        f"{machine} {rounds} interleaved rounds, one process a measurement; medians, ranges in brackets; ratios within a "
        "round. Adam 1e-3, seed 0; epoch 2 is timed, and its loss is given. Images are gray MNIST as Bernoulli targets; "
        "signals are drawn, their likelihood a Gaussian with sigma 1, its constant left out of the loss. 'x bare loop' is the "
        "ratio to the loop of the same precision. The limit is 'products alone': the step's matrix products and convolutions "
        "in float32, the best of many repetitions; bfloat16 may exceed it. Peak memory is the process's largest resident set, "
        "imports and data included. All train the same PyTorch layers but Keras, which has its own of the same sizes. Keras on "
        "JAX saw an eighth of the images with convolutions, Keras on torch a fifth of the signals: they would take minutes. "
        "Script: `benchmarks/speed.py`.\n\n"
        f"{tables}\n"
    )


if __name__ == "__main__":
    main()
