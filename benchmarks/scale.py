"""Does training scale? Ten times the data: does memory stay, and does an epoch take ten times as long? Two processes: the same
loss?

    python benchmarks/scale.py [--rounds 3] [--rows 60000] [--folder TEMPORARY]

Bytes like MNIST's (28 x 28, smooth blobs drawn from a seed) are written to a .npy in a temporary folder, once with `--rows`
rows and once with ten times as many; both are memory-mapped. Every measurement is a process of its own; in each round both
sizes run one after the other, and ratios are taken within a round. The second of two epochs is timed; nothing is held out, so
that an epoch is nothing but training. Then the fewer rows once more, by one process and by two, one thread each. Measurements
are kept in a JSON-lines file (`--keep`), from which a second run goes on. Writes benchmarks/results/scale.md. About 10 minutes
on 2 cores.
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

TIMES = 10
PROCESSES = (1, 2)
SIDE = 28
DRAWN = 1000  # rows drawn at a time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--folder", type=Path, help="where the data is written: 520 MB for 60000 rows")
    parser.add_argument("--keep", type=Path, default=Path("runs/scale.jsonl"))
    parser.add_argument("--results", type=Path, help="where the page is written, unless benchmarks/results")
    parser.add_argument("--worker", type=Path, metavar="DATA")
    asked = parser.parse_args()
    if asked.worker:
        found = trained(asked.worker)
        if os.environ.get("RANK", "0") == "0":
            print(json.dumps(found))
        return
    from common.facts import RESULTS, earlier, facts, keep  # here, so that a worker measures without what it imports

    kept = earlier(asked.keep)
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        sizes = (asked.rows, TIMES * asked.rows)
        files = {rows: written(Path(folder) / f"{rows}.npy", rows) for rows in sizes}
        runs = [("rows", rows, files[rows], 0) for rows in sizes]
        runs += [("processes", processes, files[asked.rows], processes) for processes in PROCESSES]
        for number in range(asked.rounds):
            for what, amount, path, processes in runs:
                key = [what, amount, number]
                if not any(found["key"] == key for found in kept):
                    kept.append({"key": key} | measured(path, processes))
                    keep(asked.keep, kept[-1])
    results = asked.results or RESULTS
    results.mkdir(exist_ok=True)
    tables = [table_of_rows(sizes, kept), table_of_processes(asked.rows, kept)]
    (results / "scale.md").write_text(page(tables, asked.rounds, facts("torch", "numpy", "latentwalk")))


def written(path: Path, rows: int) -> Path:
    """A .npy of `rows` images, never all of it in memory."""
    across = np.linspace(-1, 1, SIDE)
    file = np.lib.format.open_memmap(path, "w+", np.uint8, (rows, SIDE, SIDE))
    rng = np.random.default_rng(0)
    for start in range(0, rows, DRAWN):
        x, y, width = rng.uniform([-0.5, -0.5, 0.1], [0.5, 0.5, 0.4], (min(DRAWN, rows - start), 3)).T[:, :, None, None]
        distance = (across - x) ** 2 + (across[:, None] - y) ** 2  # (DRAWN, SIDE, SIDE)
        file[start : start + DRAWN] = 255 * np.exp(-distance / (2 * width**2))
    file.flush()
    return path


def measured(path: Path, processes: int) -> dict[str, float]:
    """One measurement, in a process of its own; or in so many that train together, with one thread each."""
    group = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)] if processes else []
    command = [sys.executable, *group, __file__, "--worker", str(path)]
    environment = os.environ | ({"OMP_NUM_THREADS": "1"} if processes else {})
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{path.name}:\n{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def trained(path: Path) -> dict[str, float]:
    """Train for two epochs in this process: seconds of the second one, rows a second, loss, peak memory in MB."""
    from latentwalk.data import load
    from latentwalk.estimators.autoencoder import Autoencoder

    data = load(path)
    options: dict[str, Any] = {"validation": 0.0, "random_state": 0, "progress": False}
    first, last = Autoencoder("vae", network="dense", likelihood="bernoulli", epochs=2, **options).fit(data).history_
    # Not getrusage, whose peak begins at that of the process that started this one, which wrote the data.
    status = Path("/proc/self/status").read_text()
    memory = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    return {"seconds": len(data) / last.rate, "rate": last.rate, "first": first.loss, "loss": last.loss, "memory": memory}


def table_of_rows(sizes: tuple[int, int], kept: list[dict[str, Any]]) -> str:
    """Few rows and many, as Markdown; the last line compares them within each round."""
    runs = {rows: [found for found in kept if found["key"][:2] == ["rows", rows]] for rows in sizes}
    head = "| rows | epoch, s | rows/s | peak memory, MB | loss |\n|---:|---:|---:|---:|---:|"
    lines = [
        f"| {rows:,} | {spread(runs[rows], 'seconds')} | {spread(runs[rows], 'rate', ',.0f')} | "
        f"{spread(runs[rows], 'memory', ',.0f')} | {spread(runs[rows], 'loss', '.1f')} |"
        for rows in sizes
    ]
    few, many = (runs[rows] for rows in sizes)
    seconds, memory = (ratio(many, few, key) for key in ("seconds", "memory"))
    return "\n".join(["### Ten times the rows, memory-mapped", "", head, *lines, f"| x | {seconds} | | {memory} | |"])


def table_of_processes(rows: int, kept: list[dict[str, Any]]) -> str:
    """One process and two, as Markdown, with their losses in full."""
    runs = {n: [found for found in kept if found["key"][:2] == ["processes", n]] for n in PROCESSES}
    head = "| processes | rows/s | x one | loss, epoch 1 | loss, epoch 2 |\n|---:|---:|---:|---:|---:|"
    lines = [
        f"| {n} | {spread(runs[n], 'rate', ',.0f')} | {ratio(runs[n], runs[1], 'rate')} | {runs[n][0]['first']:.6f} | "
        f"{runs[n][0]['loss']:.6f} |"
        for n in PROCESSES
    ]
    return "\n".join([f"### {rows:,} rows, one thread a process (gloo)", "", head, *lines])


def spread(runs: list[dict[str, Any]], key: str, form: str = ".1f") -> str:
    values = [run[key] for run in runs]
    return f"{statistics.median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def ratio(above: list[dict[str, Any]], below: list[dict[str, Any]], key: str) -> str:
    ratios = [a[key] / b[key] for a, b in zip(above, below, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def page(tables: list[str], rounds: int, machine: str) -> str:
    return (
        "# Scale\n\n"
        f"{machine} {rounds} interleaved rounds, one process a measurement; medians, ranges in brackets; ratios within a "
        "round. Drawn 28 x 28 bytes, the 784-512-256-2 VAE, batches of 128, Adam 1e-3, seed 0; epoch 2 is timed. Peak memory "
        "is the process's largest resident set, imports and mapped pages included. Script: `benchmarks/scale.py`.\n\n"
        + "\n\n".join(tables)
        + "\n"
    )


if __name__ == "__main__":
    main()
