"""How fast is training? The same network on the same data: a bare loop, latentwalk, and pythae's trainer, interleaved.

    python -m venv benchmarks/.venv
    benchmarks/.venv/bin/pip install -c constraints.txt -e . pydantic dill imageio cloudpickle tqdm
    benchmarks/.venv/bin/pip install --no-deps pythae
    benchmarks/.venv/bin/python benchmarks/speed.py [--rounds 4] [--data PATH]

Every measurement is a process of its own, so that memory and thread settings of one cannot help another. In each round all
contestants run one after the other; ratios are taken within a round, and the median over rounds is reported with its range.
The first epoch is warm-up, the second is timed. Batches of 128, Adam, Bernoulli reconstruction (gray MNIST), z = 2.
Measurements are kept in a JSON-lines file (`--keep`), from which a second run goes on. Writes benchmarks/results/speed.md.
About 20 minutes on 2 cores.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

BATCH, RATE = 128, 1e-3
IMAGES = {"mlp": 60_000, "conv": 12_000}
NETWORKS = {"mlp": "784-512-256-2 MLP", "conv": "conv 32-64, dense 256, z = 2"}
PLAIN = ("bare loop", "latentwalk", "latentwalk bf16", "pythae")
TABLES = (
    ("mlp", 2, (*PLAIN, "latentwalk compiled", "latentwalk compiled bf16")),
    ("mlp", 1, PLAIN),
    ("conv", 2, PLAIN),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--keep", type=Path, default=Path("runs/speed.jsonl"))
    parser.add_argument("--worker", nargs=2, metavar=("CONTESTANT", "NETWORK"))
    asked = parser.parse_args()
    if asked.worker:
        print(json.dumps(worker(*asked.worker, asked.data)))
        return
    from facts import RESULTS, earlier, facts, keep  # here, so that a worker measures without what it imports

    kept = earlier(asked.keep)
    for network, threads, contestants in TABLES:
        for number in range(asked.rounds):
            for name in contestants:
                key = [network, threads, name, number]
                if not any(found["key"] == key for found in kept):
                    kept.append({"key": key} | measured(name, network, threads, asked.data))
                    keep(asked.keep, kept[-1])
    about = facts("torch", "numpy", "pythae", "latentwalk")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "speed.md").write_text(page("\n\n".join(table(*which, kept) for which in TABLES), asked.rounds, about))


def measured(name: str, network: str, threads: int, data: str) -> dict[str, float]:
    """One measurement, in a process of its own."""
    command = [sys.executable, __file__, "--data", data, "--worker", name, network]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{name}, {network}:\n{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(network: str, threads: int, contestants: tuple[str, ...], kept: list[dict[str, Any]]) -> str:
    """The results for one network and number of threads, as Markdown."""
    runs = {name: [f for f in kept if f["key"][:3] == [network, threads, name]] for name in contestants}
    rows = [row(name, runs[name], runs["pythae"], runs["bare loop"]) for name in contestants]
    head = "| | images/s, median (range) | x pythae | x bare loop | best x best pythae | peak memory, MB | x pythae's | loss |"
    what = f"{NETWORKS[network]}, {IMAGES[network]:,} images, {threads} thread{'s' * (threads > 1)}"
    return "\n".join([f"### {what}", "", head, "|---|" + "---:|" * 7, *rows])


def row(name: str, mine: list[dict[str, float]], pythae: list[dict[str, float]], bare: list[dict[str, float]]) -> str:
    def ratio(key: str, other: list[dict[str, float]]) -> str:
        ratios = [a[key] / b[key] for a, b in zip(mine, other, strict=True)]
        return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"

    rates = [run["rate"] for run in mine]
    best = max(rates) / max(run["rate"] for run in pythae)
    memory, loss = (statistics.median(run[key] for run in mine) for key in ("memory", "loss"))
    return (
        f"| {name} | {statistics.median(rates):,.0f} ({min(rates):,.0f}–{max(rates):,.0f}) | {ratio('rate', pythae)} | "
        f"{ratio('rate', bare)} | {best:.2f} | {memory:,.0f} | {ratio('memory', pythae)} | {loss:.1f} |"
    )


def page(tables: str, rounds: int, machine: str) -> str:
    return (
        "# Training speed\n\n"
        f"{machine} {rounds} interleaved rounds, one process a measurement; medians, ranges in brackets; ratios within a "
        "round. Gray MNIST as Bernoulli targets, batches of 128, Adam 1e-3, z = 2, seed 0; epoch 2 is timed. Peak memory is "
        "the process's largest resident set, imports and data included. pythae's decoder ends in a sigmoid and its loss is "
        "`binary_cross_entropy`, as its models expect; the others take logits. On a virtual machine whose two cores are at "
        "times one core's two threads, all rates come in two sizes; 'best x best' compares the fastest run of each. "
        f"GEMM limit of the MLP step (its matrix products alone, float32): {gemm_limit():,.0f} images/s. "
        "Script: `benchmarks/speed.py`.\n\n"
        f"{tables}\n"
    )


def gemm_limit() -> float:
    """Images a second if an MLP step were nothing but its matrix products: forward, and both products backward."""
    import torch

    widths = [(784, 512), (512, 256), (256, 4), (2, 256), (256, 512), (512, 784)]
    layers = [(torch.randn(BATCH, i), torch.randn(i, o), torch.randn(BATCH, o)) for i, o in widths]
    best = float("inf")
    for _ in range(200):
        start = time.perf_counter()
        for index, (x, weight, gradient) in enumerate(layers):
            torch.mm(x, weight)
            torch.mm(x.t(), gradient)
            if index:
                torch.mm(gradient, weight.t())
        best = min(best, time.perf_counter() - start)
    return BATCH / best


# ---------------------------------------------------------------------- one measurement


def worker(name: str, network: str, data: str) -> dict[str, float]:
    """Train for two epochs in this process; images a second in the second one, final loss, peak memory in MB."""
    from latentwalk.data import load

    x = np.asarray(load(data).x[: IMAGES[network]])
    rate, loss = RUNS[name](x, network)
    return {"rate": rate, "loss": loss, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def ours(x: np.ndarray, network: str, precision: str = "float32", compiled: bool = False) -> tuple[float, float]:
    from latentwalk.estimator import Autoencoder

    kind = {"mlp": "dense", "conv": "conv"}[network]
    options = {"validation": 0.0, "random_state": 0, "precision": precision, "compile": compiled, "progress": False}
    model = Autoencoder("vae", network=kind, likelihood="bernoulli", epochs=2, batch_size=BATCH, **options).fit(x)
    return model.history_[-1].rate, model.history_[-1].loss


def bare(x: np.ndarray, network: str) -> tuple[float, float]:
    """The least code that trains this VAE, with the same settings of the process and the same resident bytes."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    from latentwalk.training.runtime import prepare

    prepare()
    torch.manual_seed(0)
    encoder, decoder = (body.to(memory_format=torch.channels_last) for body in bodies(network))
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], RATE, fused=True)
    data, generator = torch.from_numpy(x.copy()), torch.Generator().manual_seed(0)
    for _ in range(2):
        total, start = torch.zeros(()), time.perf_counter()
        for rows in torch.randperm(len(data), generator=generator).split(BATCH):
            target = (data.index_select(0, rows).unsqueeze(1) / 255).contiguous(memory_format=torch.channels_last)
            mu, log_variance = encoder(target).chunk(2, 1)
            z = mu + torch.randn_like(mu) * (0.5 * log_variance).exp()
            loss = binary_cross_entropy_with_logits(decoder(z), target, reduction="sum")
            loss = (loss + 0.5 * (mu.square() + log_variance.exp() - 1 - log_variance).sum()) / len(rows)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            total += len(rows) * loss.detach()
        seconds = time.perf_counter() - start
    return len(data) / seconds, float(total) / len(data)


def pythae(x: np.ndarray, network: str) -> tuple[float, float]:
    import torch
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    encoder_body, decoder_body = bodies(network)

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.body = encoder_body

        def forward(self, x: torch.Tensor) -> ModelOutput:
            mu, log_variance = self.body(x).chunk(2, 1)
            return ModelOutput(embedding=mu, log_covariance=log_variance)

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.body = decoder_body

        def forward(self, z: torch.Tensor) -> ModelOutput:
            return ModelOutput(reconstruction=self.body(z).sigmoid())

    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=2, reconstruction_loss="bce")
    model = VAE(config, Encoder(), Decoder())
    images = torch.from_numpy(x[:, None]).float() / 255
    with tempfile.TemporaryDirectory() as folder:
        settings = BaseTrainerConfig(folder, BATCH, BATCH, num_epochs=2, learning_rate=RATE, seed=0, no_cuda=True)
        settings.keep_best_on_train = True
        trainer = BaseTrainer(model, BaseDataset(images, torch.zeros(len(images))), training_config=settings)
        trainer.prepare_training()
        for epoch in (1, 2):
            start = time.perf_counter()
            loss = trainer.train_step(epoch)
            seconds = time.perf_counter() - start
    return len(x) / seconds, float(loss)


def bodies(network: str) -> tuple["torch.nn.Module", "torch.nn.Module"]:  # type: ignore[name-defined]  # noqa: F821
    """The encoder and decoder that all contestants train: latentwalk's own, so that only the loop differs."""
    from latentwalk.data.dataset import DataSpec
    from latentwalk.networks.build import Network

    spec = DataSpec("image", (28, 28), "HW", "uint8", 0.0, 255.0, 1.0)
    made = Network({"mlp": "dense", "conv": "conv"}[network])
    return made.encoder(spec, (4,)), made.decoder(spec, 2, spec.event)


RUNS = {
    "bare loop": bare,
    "latentwalk": ours,
    "latentwalk bf16": lambda x, network: ours(x, network, "bfloat16"),
    "latentwalk compiled": lambda x, network: ours(x, network, compiled=True),
    "latentwalk compiled bf16": lambda x, network: ours(x, network, "bfloat16", True),
    "pythae": pythae,
}

if __name__ == "__main__":
    main()
