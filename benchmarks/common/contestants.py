"""Who trains in speed.py: each contestant fits the same VAE for two epochs, in a process of its own.

    python benchmarks/common/contestants.py "latentwalk bfloat16" mlp 128 1 images.npy      contestant, case, batch, cores, data

Prints one line of JSON: examples a second in the second epoch, the mean loss of that epoch, peak memory in MB.

All but Keras train latentwalk's own bodies, so that only the loop around them differs. Keras builds the same layers of its
own; its "same" padding of a convolution of stride 2 adds the odd row on the other side, and its weights start elsewhere.
"""

import json
import math
import os
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:  # each contestant imports what it needs and nothing else: that is part of its memory
    import torch

RATE, LATENT = 1e-3, 2
Result = tuple[float, float | None]  # examples a second, loss


@dataclass(frozen=True, slots=True)
class Case:
    """A network and what its decoder gives: "bernoulli" reads gray values as probabilities; "gaussian" has sigma 1."""

    network: Literal["dense", "conv", "gru"]
    likelihood: Literal["bernoulli", "gaussian"]
    batch: int = 128


CASES = {"mlp": ("dense", "bernoulli"), "conv": ("conv", "bernoulli"), "gru": ("gru", "gaussian")}


def main() -> None:
    name, network, batch, cores, data = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):  # XLA has no other way of being told
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    rate, loss = CONTESTANTS[name](np.load(data), Case(*CASES[network], int(batch)))
    print(json.dumps({"rate": rate, "loss": loss, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


# ---------------------------------------------------------------------- latentwalk, and the loop it must not fall behind


def ours(x: np.ndarray, case: Case, precision: str = "float32", compiled: bool = False) -> Result:
    from latentwalk.estimators.autoencoder import Autoencoder
    from latentwalk.models.likelihood import Likelihood
    from latentwalk.training.settings import Settings

    options = {
        "validation": 0.0,
        "random_state": 0,
        "training": Settings(precision=precision, compile=compiled),
        "progress": False,
    }
    likelihood = Likelihood(case.likelihood, 1.0)
    sizes = {"latent": LATENT, "epochs": 2, "batch_size": case.batch, "learning_rate": RATE}
    model = Autoencoder("vae", network=case.network, likelihood=likelihood, **sizes, **options).fit(x)
    # The others leave out the constant of a Gaussian's log-density.
    constant = 0.5 * math.log(2 * math.pi) * x[0].size if case.likelihood == "gaussian" else 0.0
    return model.history_[-1].rate, model.history_[-1].loss - constant


def bare(x: np.ndarray, case: Case, precision: str = "float32") -> Result:
    """The least code that trains this VAE, with the same settings of the process and the same resident data."""
    import torch

    from latentwalk.training.runtime import autocast, quick, roomy

    torch.manual_seed(0)
    encoder, decoder = (body.to(memory_format=torch.channels_last) for body in bodies(x, case))
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], RATE, fused=True)
    data, generator = torch.from_numpy(x), torch.Generator().manual_seed(0)
    with quick(), roomy():
        for _ in range(2):
            total, start = torch.zeros(()), time.perf_counter()
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
            seconds = time.perf_counter() - start
    return len(data) / seconds, float(total) / len(data)


def bodies(x: np.ndarray, case: Case) -> "tuple[torch.nn.Module, torch.nn.Module]":
    """The encoder, x (B, 1, …) → mean and log-variance (B, 2D), and the decoder, z (B, D) → (B, 1, …)."""
    from latentwalk.data.spec import DataSpec
    from latentwalk.networks.build import Network

    image = x.ndim == 3
    kind, layout, high = ("image", "HW", 255.0) if image else ("signal", "T", 8.0)
    spec = DataSpec(kind, x.shape[1:], layout, x.dtype.name, 0.0 if image else -high, high, 1.0)
    made = Network(case.network)
    return made.encoder(spec, (2 * LATENT,)), made.decoder(spec, LATENT, spec.event)


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


# ---------------------------------------------------------------------- the others, as their users write them


def pythae(x: np.ndarray, case: Case) -> Result:
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
    config = VAEConfig(input_dim=tuple(examples.shape[1:]), latent_dim=LATENT, reconstruction_loss=kind)
    model = VAE(config, Encoder(), Decoder())
    with tempfile.TemporaryDirectory() as folder:
        settings = BaseTrainerConfig(folder, case.batch, case.batch, num_epochs=2, learning_rate=RATE, seed=0, no_cuda=True)
        settings.keep_best_on_train = True
        trainer = BaseTrainer(model, BaseDataset(examples, torch.zeros(len(examples))), training_config=settings)
        trainer.prepare_training()
        for epoch in (1, 2):
            start = time.perf_counter()
            loss = trainer.train_step(epoch)
            seconds = time.perf_counter() - start
    return len(x) / seconds, float(loss)


def lightning(x: np.ndarray, case: Case) -> Result:
    """Its Trainer without logger, checkpoints or bar; a DataLoader over a TensorDataset."""
    import torch
    from lightning.pytorch import LightningModule, Trainer, seed_everything
    from torch.utils.data import DataLoader, TensorDataset

    class Model(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = bodies(x, case)

        def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
            loss = negative_elbo(*self.passed(batch[0]), case)
            self.total += len(batch[0]) * loss.detach()
            return loss

        def passed(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            raw, mu, log_variance = passed(self.encoder, self.decoder, x)
            return raw, x, mu, log_variance

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), RATE)

        def on_train_epoch_start(self) -> None:
            self.total, self.start = torch.zeros(()), time.perf_counter()

        def on_train_epoch_end(self) -> None:
            self.seconds = time.perf_counter() - self.start

    seed_everything(0, verbose=False)
    model = Model()
    loader = DataLoader(TensorDataset(torch.from_numpy(scaled(x)[:, None])), case.batch, shuffle=True)
    silent = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    Trainer(accelerator="cpu", max_epochs=2, **silent).fit(model, loader)
    return len(x) / model.seconds, float(model.total) / len(x)


def keras(x: np.ndarray, case: Case, backend: str) -> Result:
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

    class Clock(k.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds = time.perf_counter() - self.start

    model, clock = VAE(), Clock()
    model.compile(k.optimizers.Adam(RATE), loss=missing)
    history = model.fit(examples, examples, batch_size=case.batch, epochs=2, verbose=0, callbacks=[clock])
    return len(x) / clock.seconds, float(history.history["loss"][-1])


def keras_bodies(k: Any, event: tuple[int, ...], case: Case) -> tuple[Any, Any]:
    """The layers of `bodies` in Keras: x (B, …, 1) → (B, 2D), z (B, D) → (B, …, 1)."""
    of, conv = k.layers, {"strides": 2, "padding": "same", "activation": "relu"}
    seen, code = k.Input(event), k.Input((LATENT,))
    match case.network:
        case "dense":
            read = [of.Flatten(), of.Dense(512, "relu"), of.Dense(256, "relu")]
            write = [of.Dense(256, "relu"), of.Dense(512, "relu"), of.Dense(math.prod(event)), of.Reshape(event)]
        case "conv":
            read = [of.Conv2D(32, 3, **conv), of.Conv2D(64, 3, **conv), of.Flatten(), of.Dense(256, "relu")]
            grown = [of.Conv2DTranspose(32, 3, **conv), of.Conv2DTranspose(32, 3, **conv), of.Conv2D(1, 3, padding="same")]
            write = [of.Dense(256, "relu"), of.Dense(7 * 7 * 64, "relu"), of.Reshape((7, 7, 64)), *grown]
        case _:
            memory = of.Dense(128, "tanh")(code)
            steps = of.GRU(128, return_sequences=True)(of.RepeatVector(event[0])(code), initial_state=memory)
            encoder = k.Sequential([seen, of.Bidirectional(of.GRU(128)), of.Dense(2 * LATENT)])
            return encoder, k.Model(code, of.Dense(1)(steps))
    return k.Sequential([seen, *read, of.Dense(2 * LATENT)]), k.Sequential([code, *write])


def scaled(x: np.ndarray) -> np.ndarray:
    """Bytes as float32 in [0, 1]; anything else is scaled already."""
    return x.astype(np.float32) / 255 if x.dtype == np.uint8 else x


def limit(x: np.ndarray, case: Case) -> Result:
    """A step that is nothing but the case's products in float32: see limits.py."""
    import torch
    from limits import seconds_of_products

    encoder, decoder = bodies(x, case)
    return case.batch / seconds_of_products(encoder, decoder, torch.from_numpy(scaled(x[: case.batch])[:, None])), None


CONTESTANTS: dict[str, Callable[[np.ndarray, Case], Result]] = {
    "products alone": limit,
    "bare loop": bare,
    "bare loop bfloat16": lambda x, case: bare(x, case, "bfloat16"),
    "latentwalk": ours,
    "latentwalk bfloat16": lambda x, case: ours(x, case, "bfloat16"),
    "latentwalk compiled": lambda x, case: ours(x, case, compiled=True),
    "latentwalk compiled bfloat16": lambda x, case: ours(x, case, "bfloat16", True),
    "pythae": pythae,
    "Lightning": lightning,
    "Keras, torch": lambda x, case: keras(x, case, "torch"),
    "Keras, JAX": lambda x, case: keras(x, case, "jax"),
}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
