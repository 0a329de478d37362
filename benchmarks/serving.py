"""How a server bears load: 200 single decodes a second from 32 connections for a minute, then more than it can do.

    python -m venv benchmarks/.venv
    benchmarks/.venv/bin/pip install -c constraints.txt -e '.[studio]'
    benchmarks/.venv/bin/python benchmarks/serving.py [--seconds 60] [--rate 200] [--threads 1] [--run FOLDER] [--data mnist-5k]

A convolutional VAE of MNIST's digits, 16 dimensions, is trained for a few epochs (what is learnt has no part in how long it
takes) and served by `latentwalk serve` in a process of its own. Clients are one process of bare sockets. Requests begin at
times that were laid down before, whatever the answers: a latency counts from then on, so that a server that stands still is
seen to. Resident memory is read off /proc each second. Then 600 connections ask as soon as they are answered, for ten seconds;
and then single decodes again, one after the other. Writes benchmarks/results/serving.md. About 3 minutes on 2 cores, shared by
server and clients.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

CONNECTIONS, MANY = 32, 600
SATURATED = 10  # seconds
DIM = 16
WARM = 5  # seconds before memory is looked at


@dataclass
class Seen:
    """What became of requests: seconds of those that were answered 200, statuses, and what else went wrong."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    again: int = 0

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        return 1000 * float(np.quantile(self.seconds, share)) if self.seconds else float("nan")


class Connection:
    """One connection, kept alive."""

    def __init__(self, port: int, kind: str) -> None:
        self.port, self.kind, self.streams = port, kind, None

    async def decode(self, code: np.ndarray) -> tuple[int, bool]:
        """The status of an answer, and whether it says when to come again."""
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        body = json.dumps({"codes": [code.tolist()]}).encode()
        writer.write(
            b"POST /v1/run/decode HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Accept: %s\r\nContent-Length: %d\r\n\r\n%s" % (self.kind.encode(), len(body), body)
        )
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(re.search(rb"content-length: (\d+)", head)[1])
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            raise
        return int(head.split()[1]), b"retry-after" in head.lower()

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


async def ask(connection: Connection, code: np.ndarray, since: float, seen: Seen) -> None:
    try:
        status, again = await asyncio.wait_for(connection.decode(code), 30)
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        seen.errors[type(error).__name__] += 1
        connection.close()
        return
    seen.statuses[status] += 1
    seen.again += again
    if status == 200:
        seen.seconds.append(time.perf_counter() - since)


async def paced(port: int, kind: str, rate: float, seconds: float) -> Seen:
    """So many decodes a second, each connection at its own even times."""
    seen, rng, start = Seen(), np.random.default_rng(0), time.perf_counter() + 0.2
    codes = rng.standard_normal((int(rate * seconds), DIM)).round(4)

    async def one(number: int) -> None:
        connection = Connection(port, kind)
        for at in range(number, len(codes), CONNECTIONS):
            due = start + at / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await ask(connection, codes[at], due, seen)
        connection.close()

    await asyncio.gather(*map(one, range(CONNECTIONS)))
    return seen


async def flood(port: int, kind: str) -> Seen:
    """As many decodes as MANY connections can ask for."""
    seen, rng, end = Seen(), np.random.default_rng(1), time.perf_counter() + SATURATED
    codes = rng.standard_normal((MANY, DIM)).round(4)

    async def one(number: int) -> None:
        connection = Connection(port, kind)
        while time.perf_counter() < end:
            before = seen.statuses[503]
            await ask(connection, codes[number], time.perf_counter(), seen)
            if seen.statuses[503] > before:
                await asyncio.sleep(0.05)  # not the second it is told to wait: this is no polite client
        connection.close()

    await asyncio.gather(*map(one, range(MANY)))
    return seen


async def single(port: int, kind: str, count: int = 200) -> Seen:
    """Decodes one after the other."""
    seen, connection = Seen(), Connection(port, kind)
    for code in np.random.default_rng(2).standard_normal((count, DIM)).round(4):
        await ask(connection, code, time.perf_counter(), seen)
    connection.close()
    return seen


async def watched(pid: int, work: asyncio.Future) -> tuple[Seen, list[float]]:
    """What work gives, and the MB of memory that a process has, each second."""
    memory = []

    async def look() -> None:
        while True:
            memory.append(resident(pid))
            await asyncio.sleep(1)

    task = asyncio.create_task(look())
    try:
        return await work, memory
    finally:
        task.cancel()


def resident(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) / 1000


def trained(folder: Path, data: str) -> None:
    """A model, saved."""
    from latentwalk import Autoencoder, load

    rows = load(data)
    Autoencoder("vae", latent=DIM, network="conv", epochs=3, random_state=0).fit(rows).save(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--run", type=Path, help="a folder called run with a model of 16 dimensions, made where it is missing")
    parser.add_argument("--data", default="mnist-5k")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.run or Path(scratch) / "run"
        if not (folder / "model.json").exists():
            trained(folder, asked.data)
        environment = os.environ | {"OMP_NUM_THREADS": str(asked.threads), "PYTHONUNBUFFERED": "1"}
        words = [sys.executable, "-m", "latentwalk", "serve", str(folder), "--port", "0"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as server:
            try:
                assert server.stdout is not None
                said = server.stdout.readline() + server.stdout.readline()
                port = int(re.search(r"127\.0\.0\.1:(\d+)", said)[1])
                found = asyncio.run(measured(server.pid, port, asked))
                server.send_signal(signal.SIGTERM)
                start = time.perf_counter()
                code = server.wait(20)
                found["end"] = (code, time.perf_counter() - start)
            finally:
                with suppress(ProcessLookupError):
                    server.kill()
    write(found, asked)


async def measured(pid: int, port: int, asked: argparse.Namespace) -> dict:
    found = {"threads": asked.threads, "load": os.getloadavg()[0]}
    found["alone"] = await single(port, "application/x-npy")
    for kind, name in (("application/x-npy", "npy"), ("application/json", "json")):
        ticks = processor_seconds(pid)
        found[name], memory = await watched(pid, asyncio.ensure_future(paced(port, kind, asked.rate, asked.seconds)))
        found[f"{name} memory"] = memory
        found[f"{name} processor"] = 1000 * (processor_seconds(pid) - ticks) / max(1, len(found[name].seconds))
    start = time.perf_counter()
    found["flood"], memory = await watched(pid, asyncio.ensure_future(flood(port, "application/x-npy")))
    found["flood seconds"], found["flood memory"] = time.perf_counter() - start, memory
    found["after"] = await single(port, "application/x-npy")
    found["memory after"] = resident(pid)
    return found


def processor_seconds(pid: int) -> float:
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def write(found: dict, asked: argparse.Namespace) -> None:
    from common.facts import RESULTS, facts

    lines = [
        "# Serving under load",
        "",
        f"{facts('torch', 'numpy', 'fastapi', 'uvicorn', 'latentwalk')} A convolutional VAE of MNIST (5,000 digits, {DIM} "
        f"dimensions), served by `latentwalk serve`, OMP_NUM_THREADS={asked.threads}; server and clients share two cores, and "
        f"{found['load']:.1f} other processes wanted to run on these when it began (load average). One run, seed 0. Latencies "
        "count from when a request was due. Script: `benchmarks/serving.py`.",
        "",
        f"## {asked.rate:g} single decodes a second, {CONNECTIONS} connections, {asked.seconds:g} s",
        "",
        "| answer | answered | errors | median, ms | p99, ms | largest, ms | processor, ms a decode | memory at 5 s, MB | "
        "at the end, MB |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, title in (("npy", "`.npy` (3 kB)"), ("json", "JSON (15 kB)")):
        seen, memory = found[name], found[f"{name} memory"]
        wrong = sum(seen.errors.values()) + sum(count for status, count in seen.statuses.items() if status != 200)
        lines.append(
            f"| {title} | {len(seen.seconds):,} | {wrong} | {seen.percentile(0.5):.1f} | {seen.percentile(0.99):.0f} | "
            f"{seen.percentile(1):.0f} | {found[f'{name} processor']:.2f} | {memory[min(WARM, len(memory) - 1)]:.0f} | "
            f"{statistics.median(memory[-5:]):.0f} |"
        )
    seen = found["flood"]
    lines += [
        "",
        f"## More than it can do: {MANY} connections for {SATURATED} s, each again as soon as it is answered",
        "",
        "| | |",
        "|---|---:|",
        f"| answered 200 | {seen.statuses[200]:,} ({seen.statuses[200] / found['flood seconds']:.0f} a second) |",
        f"| their p99 | {seen.percentile(0.99):.0f} ms |",
        f"| answered 503, with Retry-After | {seen.statuses[503]:,}, {seen.again:,} |",
        f"| other statuses, errors | {sum(seen.statuses.values()) - seen.statuses[200] - seen.statuses[503]}, "
        f"{sum(seen.errors.values())} {dict(seen.errors) or ''} |",
        f"| most memory | {max(found['flood memory']):.0f} MB |",
        f"| one decode, alone, before: median, p99 | {found['alone'].percentile(0.5):.1f}, "
        f"{found['alone'].percentile(0.99):.1f} ms |",
        f"| the same afterwards | {found['after'].percentile(0.5):.1f}, {found['after'].percentile(0.99):.1f} ms "
        f"({found['after'].statuses[200]} of {sum(found['after'].statuses.values())} answered 200) |",
        f"| memory afterwards | {found['memory after']:.0f} MB |",
        f"| ended by SIGTERM | exit code {found['end'][0]}, {found['end'][1]:.1f} s |",
        "",
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "serving.md").write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
