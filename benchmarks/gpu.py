"""How fast is training on a GPU? The MLP 784-400-20 and a small convolutional VAE, by batch size, precision and compilation.

    python benchmarks/gpu.py --data PATH [--cases mlp conv] [--batches 128 512 2048 8192] [--precisions float32 tf32 bfloat16]

PATH is a folder with MNIST's files. Every measurement is a process of its own: one epoch warms up (and compiles, and records
the CUDA graphs), then epochs are timed until 5 seconds have passed, by the clock on the wall, with all that an epoch costs: its
steps, its means, a look at every weight, the copy of the best ones. The data, on the device as bytes, is MNIST ten times over,
so that an epoch is not over too soon. tf32 is float32 whose products round their factors to 10 bits, as PyTorch lets
convolutions do unless told otherwise; rows called float32 do not. Measurements are kept in a JSON-lines file (`--keep`), from
which a second run goes on. Writes benchmarks/results/gpu.md. About 30 minutes in all; needs a C++ compiler to compile.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, astuple, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common.facts import RESULTS, earlier, facts, keep

from latentwalk.data import Dataset, load
from latentwalk.data.batches.resident import Resident
from latentwalk.data.scaling import Scaling
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.recipes import assemble, recipe_named
from latentwalk.networks.build import Network
from latentwalk.training.loop import train
from latentwalk.training.plan import Plan
from latentwalk.training.settings import Settings

PRECISIONS = ("float32", "tf32", "bfloat16")
LATENT, TIMES, SECONDS = 20, 10, 5.0
NETWORKS = {"mlp": Network("dense", (400,)), "conv": Network("conv")}
NAMES = {"mlp": "784-400-20 MLP", "conv": "conv 32-64, dense 256, z = 20"}
AIMS = {"mlp": 1_000_000, "conv": 200_000}  # images a second


@dataclass(frozen=True, slots=True)
class Setup:
    """One measurement."""

    case: str
    batch: int
    precision: str
    compiled: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--cases", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--batches", nargs="+", type=int, default=[128, 512, 2048, 8192])
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    parser.add_argument("--keep", type=Path, default=Path("runs/gpu.jsonl"))
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("gpu.py measures training on a CUDA GPU, and PyTorch finds none here. On a processor: speed.py.")
    if asked.worker:
        print(json.dumps(worker(Setup(**json.loads(asked.worker)), np.load(asked.data))))
        return
    plans = [Setup(*which) for which in product(asked.cases, asked.batches, asked.precisions, (False, True))]
    kept = earlier(asked.keep)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "images.npy")
        np.save(file, np.asarray(load(asked.data).x))
        for plan in plans:
            key = list(astuple(plan))
            if not any(found["key"] == key for found in kept):
                kept.append({"key": key} | measured(plan, file))
                keep(asked.keep, kept[-1])
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "gpu.md").write_text(page(asked.cases, plans, kept))


def measured(plan: Setup, file: Path) -> dict[str, Any]:
    """One measurement, in a process of its own; why there is none, where it failed."""
    command = [sys.executable, __file__, "--data", file, "--worker", json.dumps(asdict(plan))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def worker(plan: Setup, x: np.ndarray) -> dict[str, float]:
    """Images a second, the loss of the last epoch, the seconds of the first, and the device's peak memory in MB."""
    rounded = plan.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = rounded
    torch.manual_seed(0)
    device, spec, recipe, likelihood = torch.device("cuda"), Dataset.of(x).spec, recipe_named("vae"), Likelihood("bernoulli")
    scaling = Scaling.fit(x, spec, likelihood.scaling(spec))
    model = assemble(recipe, spec, NETWORKS[plan.case], likelihood, LATENT, scaling).to(device)
    data = torch.from_numpy(x).to(device).repeat(TIMES, 1, 1)
    precision = "float32" if rounded else plan.precision
    training = Plan(1_000_000, settings=Settings(precision=precision, compile=plan.compiled))
    epochs = train(model, recipe.loss(), Resident(data, plan.batch, seed=0), training)
    first = time.perf_counter()
    next(epochs)
    torch.cuda.synchronize()
    start, done, seconds = time.perf_counter(), 0, 0.0
    while seconds < SECONDS:
        loss, done = next(epochs).loss, done + 1
        torch.cuda.synchronize()
        seconds = time.perf_counter() - start
    epochs.close()  # type: ignore[attr-defined]  # a generator
    memory = torch.cuda.max_memory_allocated() / 2**20
    return {"rate": done * len(data) / seconds, "loss": loss, "first": start - first, "memory": memory}


def page(cases: list[str], plans: list[Setup], kept: list[dict[str, Any]]) -> str:
    found = {tuple(one["key"]): one for one in kept}
    tables = "\n\n".join(table(case, [plan for plan in plans if plan.case == case], found) for case in cases)
    return (
        "# Training speed on a GPU\n\n"
        f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}; {facts('torch', 'numpy', 'latentwalk')} Gray MNIST as "
        f"Bernoulli targets, {TIMES} times over, resident as bytes; Adam 1e-3, seed 0. The first epoch is warm-up; then whole "
        f"epochs, by the clock on the wall, for at least {SECONDS:.0f} seconds; one process and one run each. 'Start' is the "
        "time of the first epoch, compilation included. Memory is what PyTorch had allocated on the device at most, the data's "
        f"{TIMES * 60_000 * 784 / 2**20:,.0f} MB included. Script: `benchmarks/gpu.py`.\n\n"
        f"{tables}\n"
    )


def table(case: str, plans: list[Setup], found: dict[tuple[Any, ...], dict[str, Any]]) -> str:
    """The results for one network, as Markdown."""
    head = "| batch | precision | | images/s | x aim | start, s | memory, MB | loss |"
    rows = [row(plan, found[astuple(plan)]) for plan in plans]
    return "\n".join([f"### {NAMES[case]}; aim {AIMS[case]:,} images/s", "", head, "|---:|---|---|" + "---:|" * 5, *rows])


def row(plan: Setup, one: dict[str, Any]) -> str:
    begin = f"| {plan.batch} | {plan.precision} | {'compiled' if plan.compiled else 'eager'} |"
    if "failed" in one:
        return f"{begin} failed: {one['failed'].replace('|', '/')} | | | | |"
    share, loss = one["rate"] / AIMS[plan.case], one["loss"]
    return f"{begin} {one['rate']:,.0f} | {share:.2f} | {one['first']:.1f} | {one['memory']:,.0f} | {loss:.1f} |"


if __name__ == "__main__":
    main()
