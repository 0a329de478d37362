"""Who trains in speed.py and time_to_quality.py: each contestant fits the same VAE, in a process of its own.

    python benchmarks/common/contestants.py "latentwalk bfloat16" mlp images.npy --batch 128 --cores 1

Prints one line of JSON: examples a second in the last epoch, the mean loss of that epoch, peak memory in MB, and for each epoch
the seconds since training was asked for, without those of looking at held-out rows, and the mean loss of those rows.

All but Keras train latentwalk's own bodies, so that only the loop around them differs. Keras builds the same layers of its
own; its "same" padding of a convolution of stride 2 adds the odd row on the other side, and its weights start elsewhere.
"""

import argparse
import json
import math
import os
import resource
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:  # each contestant imports what it needs and nothing else: that is part of its memory
    import torch


@dataclass(frozen=True, slots=True)
class Case:
    """A network and what its decoder gives: "bernoulli" reads gray values as probabilities; "gaussian" has sigma 1.

    held: examples that are not trained on, and looked at after each epoch.
    """

    network: Literal["dense", "conv", "gru"]
    likelihood: Literal["bernoulli", "gaussian"]
    batch: int = 128
    rate: float = 1e-3
    latent: int = 2
    epochs: int = 2
    held: np.ndarray | None = None
    start: Literal["line", "plain"] = "line"


@dataclass(slots=True)
class Laps:
    """What came of each epoch: seconds (from the one before, or the start), its mean loss, the loss of held-out rows."""

    case: Case
    seconds: list[float] = field(default_factory=list)
    losses: list[float | None] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    _last: float = field(default_factory=time.perf_counter)

    def done(self, loss: float | None, judged: "Callable[[np.ndarray], float]") -> None:
        """An epoch is; `judged` says the mean loss of examples."""
        self.seconds.append(time.perf_counter() - self._last)
        self.losses.append(loss)
        if self.case.held is not None:
            self.held.append(judged(self.case.held))
        self._last = time.perf_counter()


CASES = {"mlp": ("dense", "bernoulli"), "conv": ("conv", "bernoulli"), "gru": ("gru", "gaussian")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=CONTESTANTS)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("data", type=Path)
    parser.add_argument("--held", type=Path)
    for option, usual in (("batch", 128), ("cores", 2), ("latent", 2), ("epochs", 2)):
        parser.add_argument(f"--{option}", type=int, default=usual)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--start", default="line")
    asked = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):  # XLA has no other way of being told
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: asked.cores])
    held = None if asked.held is None else np.load(asked.held)
    x, case = (
        np.load(asked.data),
        Case(*CASES[asked.case], asked.batch, asked.rate, asked.latent, asked.epochs, held, asked.start),
    )
    laps = CONTESTANTS[asked.name](x, case)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"rate": len(x) / laps.seconds[-1], "loss": laps.losses[-1], "memory": memory}
    print(json.dumps(found | {"seconds": np.cumsum(laps.seconds).tolist(), "held": laps.held}))


# ---------------------------------------------------------------------- latentwalk, and the loop it must not fall behind


def ours(x: np.ndarray, case: Case, precision: str = "float32", compiled: bool = False) -> Laps:
    from latentwalk import Settings

    settings = Settings(precision=precision, compile=compiled)
    return fitted(
        x, case, epochs=case.epochs, batch_size=case.batch, learning_rate=case.rate, validation=0.0, training=settings
    )


def fitted(x: np.ndarray, case: Case, **options: Any) -> Laps:
    """What `fit` does, with these options and else as it comes."""
    from latentwalk import Autoencoder, Likelihood
    from latentwalk.estimators import fitting
    from latentwalk.models.inference import Coder
    from latentwalk.training.optimise import Average

    # The others leave out the constant of a Gaussian's log-density.
    constant = 0.5 * math.log(2 * math.pi) * x[0].size if case.likelihood == "gaussian" else 0.0
    train, average_of, laps, averages = fitting.train, Average.of, Laps(case), []

    def watched(model: Any, *arguments: Any, **named: Any) -> Any:
        def judged(held: np.ndarray) -> float:
            """Of the weights that would be kept: their average."""
            with nullcontext() if averages[-1] is None else averages[-1].in_place():
                return -float(Coder(model).bound(held, 1).mean()) - constant

        for epoch in train(model, *arguments, **named):
            laps.done(epoch.loss - constant, judged)
            yield epoch

    def noted(decay: Any, weights: Any) -> Any:
        averages.append(average_of(decay, weights))
        return averages[-1]

    fitting.train, Average.of = watched, noted  # type: ignore[method-assign]
    likelihood = Likelihood(case.likelihood, 1.0)
    usual = {"latent": case.latent, "network": case.network, "likelihood": likelihood, "random_state": 0}
    Autoencoder("vae", progress=False, complete=False, **usual, **options).fit(x)
    return laps


def bare(x: np.ndarray, case: Case, precision: str = "float32") -> Laps:
    """The least code that trains this VAE, with the same settings of the process and the same resident data."""
    import torch

    from latentwalk.training.runtime import autocast, quick, roomy

    torch.manual_seed(0)
    encoder, decoder = (body.to(memory_format=torch.channels_last) for body in bodies(x, case))
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], case.rate, fused=True)
    data, generator = torch.from_numpy(x), torch.Generator().manual_seed(0)
    laps = Laps(case)
    with quick(), roomy():
        for _ in range(case.epochs):
            total = torch.zeros(())
            for rows in torch.randperm(len(data), generator=generator).split(case.batch):
                target = data.index_select(0, rows).unsqueeze(1)
                if target.dtype == torch.uint8:
                    target = (target / 255).contiguous(memory_format=torch.channels_last)
                with autocast(precision, target.device):
                    raw, mu, log_variance = passed(encoder, decoder, target)
                loss = negative_elbo(raw.float(), target, mu.float(), log_variance.float(), case)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                total += len(rows) * loss.detach()
            laps.done(float(total) / len(data), lambda held: judged(encoder, decoder, held, case))
    return laps


def bodies(x: np.ndarray, case: Case) -> "tuple[torch.nn.Module, torch.nn.Module]":
    """The encoder, x (B, 1, …) → mean and log-variance (B, 2D), and the decoder, z (B, D) → (B, 1, …)."""
    from latentwalk.data.spec import DataSpec
    from latentwalk.networks.build import Network

    image = x.ndim == 3
    kind, layout, high = ("image", "HW", 255.0) if image else ("signal", "T", 8.0)
    spec = DataSpec(kind, x.shape[1:], layout, x.dtype.name, 0.0 if image else -high, high, 1.0)
    made = Network(case.network, start=case.start)
    return made.encoder(spec, (2 * case.latent,)), made.decoder(spec, case.latent, spec.event)


def passed(encoder: Any, decoder: Any, x: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor]":
    """One draw: what the decoder says of it, and the mean and log-variance it was drawn from."""
    import torch

    mu, log_variance = encoder(x).chunk(2, 1)
    z = mu + torch.randn_like(mu) * (0.5 * log_variance).exp()
    return decoder(z), mu, log_variance


def negative_elbo(
    raw: "torch.Tensor", x: "torch.Tensor", mu: "torch.Tensor", log_variance: "torch.Tensor", case: Case
) -> "torch.Tensor":
    """The mean over the batch, in nats."""
    from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

    if case.likelihood == "bernoulli":
        missing = binary_cross_entropy_with_logits(raw, x, reduction="sum")
    else:
        missing = 0.5 * mse_loss(raw, x, reduction="sum")
    return (missing + 0.5 * (mu.square() + log_variance.exp() - 1 - log_variance).sum()) / len(x)


def judged(encoder: Any, decoder: Any, held: np.ndarray, case: Case) -> float:
    """The mean negative ELBO of held-out examples, one draw each."""
    import torch

    with torch.no_grad():
        parts = torch.from_numpy(scaled(held)[:, None]).split(1000)
        return sum(len(x) * float(lost(encoder, decoder, x, case)) for x in parts) / len(held)


def lost(encoder: Any, decoder: Any, x: "torch.Tensor", case: Case) -> "torch.Tensor":
    """The mean negative ELBO of a batch."""
    raw, mu, log_variance = passed(encoder, decoder, x)
    return negative_elbo(raw, x, mu, log_variance, case)


# ---------------------------------------------------------------------- the others, as their users write them


def pythae(x: np.ndarray, case: Case) -> Laps:
    """Its BaseTrainer. Its decoder ends in a sigmoid and its loss is binary_cross_entropy, as its models expect."""
    import torch
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    encoder_body, decoder_body = bodies(x, case)

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
            raw = self.body(z)
            return ModelOutput(reconstruction=raw.sigmoid() if case.likelihood == "bernoulli" else raw)

    examples = torch.from_numpy(scaled(x)[:, None])
    kind = {"bernoulli": "bce", "gaussian": "mse"}[case.likelihood]
    config = VAEConfig(input_dim=tuple(examples.shape[1:]), latent_dim=case.latent, reconstruction_loss=kind)
    model = VAE(config, Encoder(), Decoder())
    with tempfile.TemporaryDirectory() as folder:
        sizes = {"num_epochs": case.epochs, "learning_rate": case.rate, "seed": 0, "no_cuda": True}
        settings = BaseTrainerConfig(folder, case.batch, case.batch, **sizes)
        settings.keep_best_on_train = True
        trainer = BaseTrainer(model, BaseDataset(examples, torch.zeros(len(examples))), training_config=settings)
        laps = Laps(case)
        trainer.prepare_training()
        for epoch in range(1, case.epochs + 1):
            loss = trainer.train_step(epoch)
            laps.done(float(loss), lambda held: judged(encoder_body, decoder_body, held, case))
    return laps


def lightning(x: np.ndarray, case: Case) -> Laps:
    """Its Trainer without logger, checkpoints or bar; a DataLoader over a TensorDataset."""
    import torch
    from lightning.pytorch import LightningModule, Trainer, seed_everything
    from torch.utils.data import DataLoader, TensorDataset

    class Model(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = bodies(x, case)

        def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
            loss = lost(self.encoder, self.decoder, batch[0], case)
            self.total += len(batch[0]) * loss.detach()
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), case.rate)

        def on_train_epoch_start(self) -> None:
            self.total = torch.zeros(())

        def on_train_epoch_end(self) -> None:
            laps.done(float(self.total) / len(x), lambda held: judged(self.encoder, self.decoder, held, case))

    seed_everything(0, verbose=False)
    model = Model()
    loader = DataLoader(TensorDataset(torch.from_numpy(scaled(x)[:, None])), case.batch, shuffle=True)
    silent = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    laps = Laps(case)
    Trainer(accelerator="cpu", max_epochs=case.epochs, **silent).fit(model, loader)
    return laps


def keras(x: np.ndarray, case: Case, backend: str) -> Laps:
    """compile and fit, the KL through add_loss; XLA compiles the step where the backend is JAX, as Keras has it by default."""
    os.environ["KERAS_BACKEND"] = backend
    import keras as k

    k.utils.set_random_seed(0)
    examples = scaled(x)[..., None]
    encoder, decoder = keras_bodies(k, examples.shape[1:], case)

    class VAE(k.Model):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = encoder, decoder
            self.seeds = k.random.SeedGenerator(0)

        def call(self, x: Any) -> Any:
            mu, log_variance = k.ops.split(self.encoder(x), 2, axis=1)
            z = mu + k.random.normal(k.ops.shape(mu), seed=self.seeds) * k.ops.exp(0.5 * log_variance)
            divergence = k.ops.square(mu) + k.ops.exp(log_variance) - 1 - log_variance
            self.add_loss(0.5 * k.ops.mean(k.ops.sum(divergence, axis=1)))
            return self.decoder(z)

    def missing(x: Any, raw: Any) -> Any:
        bernoulli = case.likelihood == "bernoulli"
        each = k.ops.binary_crossentropy(x, raw, from_logits=True) if bernoulli else 0.5 * k.ops.square(x - raw)
        return k.ops.sum(k.ops.reshape(each, (k.ops.shape(each)[0], -1)), axis=1)

    def judged(held: np.ndarray) -> float:
        shown = scaled(held)[..., None]
        return float(model.evaluate(shown, shown, batch_size=1000, verbose=0))

    class Clock(k.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            laps.done(float((logs or {})["loss"]), judged)

    model, laps = VAE(), Laps(case)
    model.compile(k.optimizers.Adam(case.rate), loss=missing)
    model.fit(examples, examples, batch_size=case.batch, epochs=case.epochs, verbose=0, callbacks=[Clock()])
    return laps


def keras_bodies(k: Any, event: tuple[int, ...], case: Case) -> tuple[Any, Any]:
    """The layers of `bodies` in Keras: x (B, …, 1) → (B, 2D), z (B, D) → (B, …, 1)."""
    of, conv = k.layers, {"strides": 2, "padding": "same", "activation": "relu"}
    seen, code = k.Input(event), k.Input((case.latent,))
    match case.network:
        case "dense":
            read = [of.Flatten(), of.Dense(512, "relu"), of.Dense(256, "relu")]
            write = [of.Dense(256, "relu"), of.Dense(512, "relu"), of.Dense(math.prod(event)), of.Reshape(event)]
        case "conv":
            read = [of.Conv2D(32, 3, **conv), of.Conv2D(64, 3, **conv), of.Flatten(), of.Dense(256, "relu")]
            grown = [of.Conv2DTranspose(32, 3, **conv), of.Conv2DTranspose(32, 3, **conv), of.Conv2D(1, 3, padding="same")]
            top = event[0] // 4, event[1] // 4, 64
            write = [of.Dense(256, "relu"), of.Dense(math.prod(top), "relu"), of.Reshape(top), *grown]
        case _:
            memory = of.Dense(128, "tanh")(code)
            steps = of.GRU(128, return_sequences=True)(of.RepeatVector(event[0])(code), initial_state=memory)
            encoder = k.Sequential([seen, of.Bidirectional(of.GRU(128)), of.Dense(2 * case.latent)])
            return encoder, k.Model(code, of.Dense(1)(steps))
    return k.Sequential([seen, *read, of.Dense(2 * case.latent)]), k.Sequential([code, *write])


def scaled(x: np.ndarray) -> np.ndarray:
    """Bytes as float32 in [0, 1]; anything else is scaled already."""
    return x.astype(np.float32) / 255 if x.dtype == np.uint8 else x


def limit(x: np.ndarray, case: Case) -> Laps:
    """A step that is nothing but the case's products in float32: see limits.py."""
    import torch
    from limits import seconds_of_products

    encoder, decoder = bodies(x, case)
    seconds = seconds_of_products(encoder, decoder, torch.from_numpy(scaled(x[: case.batch])[:, None]))
    return Laps(case, [seconds * len(x) / case.batch], [None])


CONTESTANTS: dict[str, Callable[[np.ndarray, Case], Laps]] = {
    "products alone": limit,
    "bare loop": bare,
    "bare loop bfloat16": lambda x, case: bare(x, case, "bfloat16"),
    "latentwalk": ours,
    "latentwalk bfloat16": lambda x, case: ours(x, case, "bfloat16"),
    "latentwalk compiled": lambda x, case: ours(x, case, compiled=True),
    "latentwalk compiled bfloat16": lambda x, case: ours(x, case, "bfloat16", True),
    "latentwalk, as it comes": fitted,
    "pythae": pythae,
    "Lightning": lightning,
    "Keras, torch": lambda x, case: keras(x, case, "torch"),
    "Keras, JAX": lambda x, case: keras(x, case, "jax"),
}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
