"""How fast is a trained model used? latentwalk beside bare PyTorch in chunks, and ONNX beside PyTorch for one row at a time.

    python -m venv benchmarks/.venv
    benchmarks/.venv/bin/pip install -c constraints.txt -e '.[export]'
    benchmarks/.venv/bin/python benchmarks/inference.py [--images 100000] [--rounds 5] [--threads 1 2] [--data PATH]

Many rows: MNIST's images, repeated, as bytes. Bare PyTorch does what transform and inverse_transform promise of an answer, in
inference mode and chunks of 128, 512 and 1,024 rows, each written into one array; it keeps no promise about the last bit of a
row. One row: the median of many calls. In each round all contestants run one after the other; ratios are taken within a
round, and the median over rounds is reported with its range. Measurements are kept in a JSON-lines file (`--keep`), from
which a second run goes on. Writes benchmarks/results/inference.md. About 10 minutes on 2 cores.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

NETWORKS = {"mlp": "784-512-256-2 MLP", "conv": "conv 32-64, dense 256, z = 2"}
CHUNKS = (128, 512, 1024)
TRAINED = 2_000  # images: what is learnt has no part in how long it takes
CALLS = 300  # for the latency of one row
OURS = "latentwalk"
WAYS = ("encode", "decode")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--keep", type=Path, default=Path("runs/inference.jsonl"))
    parser.add_argument("--worker", nargs=3, metavar=("NETWORK", "IMAGES", "ROUNDS"))
    asked = parser.parse_args()
    if asked.worker:
        network, images, rounds = asked.worker
        print(json.dumps(worker(network, int(images), int(rounds), asked.data)))
        return
    from common.facts import RESULTS, earlier, facts, keep

    kept = earlier(asked.keep)
    for threads in asked.threads:
        for network in NETWORKS:
            key = [network, threads, asked.images, asked.rounds]
            if not any(found["key"] == key for found in kept):
                words = (network, str(asked.images), str(asked.rounds))
                kept.append({"key": key} | measured(words, threads, asked.data))
                keep(asked.keep, kept[-1])
    about = facts("torch", "numpy", "onnxruntime", "latentwalk")
    RESULTS.mkdir(exist_ok=True)
    shown = [found for found in kept if found["key"][2:] == [asked.images, asked.rounds] and found["key"][1] in asked.threads]
    (RESULTS / "inference.md").write_text(page(shown, asked.images, asked.rounds, about))


def measured(words: tuple[str, str, str], threads: int, data: str) -> dict[str, Any]:
    """All rounds for one network and number of threads, in a process of its own."""
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    command = [sys.executable, __file__, "--data", data, "--worker", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{words}:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def page(kept: list[dict[str, Any]], images: int, rounds: int, machine: str) -> str:
    return (
        "# Speed of use\n\n"
        f"{machine} {rounds} interleaved rounds; medians, ranges in brackets; ratios within a round. MNIST, bytes in and "
        "float32 in their units out. `transform` and `inverse_transform` check what they are given and answer a row alike "
        "alone and among others, to the last bit; bare PyTorch does neither. "
        "While other work runs on the machine, threads wait for each other, with small chunks most: a first run with two "
        "threads, set aside for that, read .63 and .68 for the convolutional network, encode and decode, at bare's best chunk. "
        "Script: `benchmarks/inference.py`.\n\n"
        f"## {images:,} images\n\n"
        "| | threads | latentwalk, images/s | x bare, 128 a chunk | 512 | 1,024 | x bare at its best chunk |\n"
        "|---|" + "---:|" * 6 + "\n" + "\n".join(many(found, way) for found in kept for way in WAYS) + "\n\n"
        "## One image, microseconds a call\n\n"
        "PyTorch: the same modules in inference mode, a batch of one. `transform` pads one row to a chunk.\n\n"
        "| | threads | ONNX | PyTorch | latentwalk | PyTorch / ONNX |\n"
        "|---|" + "---:|" * 5 + "\n" + "\n".join(one(found, way) for found in kept for way in WAYS) + "\n\n"
        f"Largest difference of ONNX from PyTorch, of the range of the answers: {max(found['apart'] for found in kept):.1e}.\n"
    )


def many(found: dict[str, Any], way: str) -> str:
    """A row of the table of many images."""
    (network, threads, images, _), runs = found["key"], found["many"][way]
    rates = [images / seconds for seconds in runs[OURS]]
    ratios = {size: [b / a for a, b in zip(runs[OURS], runs[str(size)], strict=True)] for size in CHUNKS}
    best = max(CHUNKS, key=lambda size: statistics.median([-ratio for ratio in ratios[size]]))
    return (
        f"| {NETWORKS[network]}, {way} | {threads} | {spread(rates, ',.0f')} | "
        + " | ".join([*(spread(ratios[size]) for size in CHUNKS), f"{spread(ratios[best])}, {best}"])
        + " |"
    )


def one(found: dict[str, Any], way: str) -> str:
    """A row of the table of one image."""
    (network, threads, *_), runs = found["key"], found["one"][way]
    ratios = [b / a for a, b in zip(runs["onnx"], runs["torch"], strict=True)]
    times = " | ".join(spread([1e6 * seconds for seconds in runs[name]], ",.0f") for name in ("onnx", "torch", OURS))
    return f"| {NETWORKS[network]}, {way} | {threads} | {times} | {spread(ratios)} |"


def spread(values: list[float], form: str = ".2f") -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


# ---------------------------------------------------------------------- the measurements of one network


def worker(network: str, images: int, rounds: int, data: str) -> dict[str, Any]:
    """Seconds for all images and for one, encoded and decoded, by contestant; and how far ONNX is from PyTorch."""
    from latentwalk import Autoencoder, load

    x = np.resize(np.asarray(load(data).x), (images, 28, 28))
    kind = {"mlp": "dense", "conv": "conv"}[network]
    options = {"validation": 0.0, "random_state": 0, "progress": False, "epochs": 1}
    model = Autoencoder("vae", network=kind, likelihood="bernoulli", **options).fit(x[:TRAINED])
    z = model.transform(x)
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder)
        one, apart = single(model, x[:1], z[:1], folder)
    ways = dict(zip(WAYS, ((model.transform, encoding(model), x), (model.inverse_transform, decoding(model), z)), strict=True))
    many = {way: contest(*which) for way, which in ways.items()}
    for calls in (*many.values(), *one.values()):
        for call in calls.values():
            call()
    return {
        "many": {way: interleaved(calls, rounds, 1) for way, calls in many.items()},
        "one": {way: interleaved(calls, rounds, CALLS) for way, calls in one.items()},
        "apart": apart,
    }


def contest(ours: Callable[[Any], Any], bare: Callable[[Any, int], Any], given: Any) -> dict[str, Callable[[], Any]]:
    return {OURS: lambda: ours(given)} | {str(size): lambda size=size: bare(given, size) for size in CHUNKS}


def encoding(model: Any) -> Callable[[Any, int], Any]:
    """Posterior means as a user of PyTorch would write it for this model."""
    import torch

    body = model.model_.encoder.body

    @torch.inference_mode()
    def bare(x: np.ndarray, size: int) -> np.ndarray:
        codes = np.empty((len(x), 2), np.float32)
        for start in range(0, len(x), size):
            some = torch.from_numpy(x[start : start + size]).unsqueeze(1) / 255
            codes[start : start + size] = body(some.contiguous(memory_format=torch.channels_last))[:, :2].numpy()
        return codes

    return bare


def decoding(model: Any) -> Callable[[Any, int], Any]:
    """Means of the Bernoulli likelihood, as bytes count."""
    import torch

    body = model.model_.decoder.body

    @torch.inference_mode()
    def bare(z: np.ndarray, size: int) -> np.ndarray:
        x = np.empty((len(z), 28, 28), np.float32)
        for start in range(0, len(z), size):
            x[start : start + size] = (body(torch.from_numpy(z[start : start + size])).sigmoid() * 255)[:, 0].numpy()
        return x

    return bare


def single(model: Any, x: np.ndarray, z: np.ndarray, folder: str) -> tuple[dict[str, dict[str, Callable[[], Any]]], float]:
    """The contestants for one row, and the largest difference of ONNX from PyTorch, of the range of the answers."""
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    encoder, decoder = (
        onnxruntime.InferenceSession(f"{folder}/{half}.onnx", options, providers=["CPUExecutionProvider"])
        for half in ("encoder", "decoder")
    )
    encode, decode = encoding(model), decoding(model)
    calls: dict[str, dict[str, Callable[[], Any]]] = {
        "encode": {
            "onnx": lambda: encoder.run(None, {"x": x})[0],
            "torch": lambda: encode(x, 1),
            OURS: lambda: model.transform(x),
        },
        "decode": {
            "onnx": lambda: decoder.run(None, {"codes": z})[0],
            "torch": lambda: decode(z, 1),
            OURS: lambda: model.inverse_transform(z),
        },
    }
    apart = [np.abs(way["onnx"]() - way["torch"]()).max() / np.ptp(way["torch"]()) for way in calls.values()]
    return calls, float(max(apart))


def interleaved(calls: dict[str, Callable[[], Any]], rounds: int, times: int) -> dict[str, list[float]]:
    """Seconds a call by contestant and round: the median of `times` calls."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            taken = []
            for _ in range(times):
                start = time.perf_counter()
                call()
                taken.append(time.perf_counter() - start)
            seconds[name].append(statistics.median(taken))
    return seconds


if __name__ == "__main__":
    main()
