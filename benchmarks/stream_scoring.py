"""A CSV of a million rows and 20 columns: read, scored with a kept detector and written; how fast, and in how much memory.

    python benchmarks/stream_scoring.py [--rows 1000000] [--learnt 20000]

The table is drawn: 10 numbers, 4 counts, 3 categories (text), 1 truth, 2 dates, gaps in some. The detector learns from rows of
another seed. Scoring is the command itself, in a process of its own, whose peak of memory and seconds of processor are the
system's count. The same file is then gone through without scoring, which says what share is reading.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from latentwalk.app.run import Run
from latentwalk.data.sources import pieces_of

TOWNS = np.array([f"town {number}" for number in range(200)])
STEP = 50_000  # rows drawn at once


def drawn(rows: int, seed: int, path: Path) -> Path:
    """Write a table of so many rows."""
    rng = np.random.default_rng(seed)
    names = [*(f"n{i}" for i in range(10)), *(f"k{i}" for i in range(4)), "town", "kind", "level", "vip", "joined", "seen"]
    with path.open("w") as file:
        print(*names, sep=",", file=file)
        for start in range(0, rows, STEP):
            n = min(STEP, rows - start)
            common = rng.normal(size=(n, 2))
            numbers = common @ rng.normal(size=(2, 10)) + rng.normal(size=(n, 10))
            columns = [[f"{value:.4f}" for value in column] for column in (100 + 10 * numbers).T]
            columns[3] = ["" if gap else field for field, gap in zip(columns[3], rng.random(n) < 0.1, strict=True)]
            columns += [list(map(str, column)) for column in rng.poisson(np.exp(1 + 0.5 * common[:, :1]), (n, 4)).T]
            columns += [TOWNS[rng.integers(0, 200, n)].tolist(), rng.choice(["a", "b", "c"], n).tolist()]
            columns += [rng.choice(["low", "middle", "high", ""], n).tolist(), rng.choice(["true", "false"], n).tolist()]
            days = np.datetime64("2020-01-01") + rng.integers(0, 2000, n)
            seconds = np.datetime64("2024-01-01T00:00:00") + rng.integers(0, 10_000_000, n)
            columns += [days.astype(str).tolist(), [text.replace("T", " ") for text in seconds.astype(str)]]
            file.writelines(",".join(row) + "\n" for row in zip(*columns, strict=True))
    return path


def called(*words: object) -> tuple[float, float, float]:
    """Seconds that a command takes, by the clock and of a processor, and the MiB it holds at most."""
    before, busy = time.perf_counter(), worked(resource.RUSAGE_CHILDREN)
    code = (
        "import resource, sys; from latentwalk.app.cli import main\n"
        "try: main()\n"
        "finally: print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - before
    return seconds, worked(resource.RUSAGE_CHILDREN) - busy, int(done.stderr.split("peak ")[1].split()[0]) / 1024


def worked(who: int) -> float:
    """Seconds of a processor."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--learnt", type=int, default=20_000)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        old, kept = drawn(asked.learnt, 0, base / "old.csv"), base / "kept"
        seconds, _, peak = called("anomalies", old, "--run", kept, "--out", base / "old-scores.csv")
        print(f"learnt from {asked.learnt:,} rows in {seconds:.0f} s, peak {peak:.0f} MiB", flush=True)
        for rows in (asked.rows // 10, asked.rows):
            new = drawn(rows, 1, base / "new.csv")
            size = new.stat().st_size / 2**20
            out = base / f"scores-{rows}.csv"
            seconds, busy, peak = called("anomalies", new, "--model", kept, "--out", out)
            rates = f"{seconds:.1f} s, {rows / seconds:,.0f} rows/s; {busy:.1f} s of a processor, {rows / busy:,.0f} rows/s"
            print(f"{rows:,} rows, {size:.0f} MiB: {rates}; peak {peak:.0f} MiB", flush=True)
            assert sum(1 for _ in out.open()) == rows + 1
        spec = Run.open(kept).model.spec_
        start = worked(resource.RUSAGE_SELF)
        pieces = pieces_of(new, spec.named)
        looked = worked(resource.RUSAGE_SELF) - start
        read = sum(len(piece) for piece in pieces)
        reading = worked(resource.RUSAGE_SELF) - start - looked
        print(f"of a processor: looked at in {looked:.1f} s, then read in {reading:.1f} s: {read:,} rows")


if __name__ == "__main__":
    main()
