"""A small classifier of real, labelled examples, whose last hidden layer is a feature space.

It is trained once on a data set, in about a minute on one core, and kept: numbers of two occasions are comparable only in the
same feature space. The example's own pixels are what it sees; what it was trained to tell apart is what it notices.
"""

import os
from dataclasses import dataclass
from itertools import chain, count, islice
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from latentwalk.arrays import Array
from latentwalk.chance import covered, from_seed, rng_of
from latentwalk.data.batches.resident import Resident
from latentwalk.data.dataset import Dataset
from latentwalk.data.fingerprint import fingerprint
from latentwalk.data.rows import pieces
from latentwalk.data.scaling import Scaling, as_tensor
from latentwalk.data.spec import DataSpec
from latentwalk.errors import CheckpointError, ConfigError, DataError
from latentwalk.latent.criteria.features import Features
from latentwalk.networks.build import Network
from latentwalk.networks.layers import channels_last
from latentwalk.saving.folder import read_weights, write_weights
from latentwalk.saving.options import from_json, to_json
from latentwalk.surroundings import imported, unmoved
from latentwalk.training.runtime import one_thread, quick

__all__ = ["Classifier", "classifier_features"]

WHAT = "classifier"  # in the file that describes it
FEWEST = 50  # labelled examples, a tenth of which tell how well it has learnt
BATCH, AT_ONCE = 128, 512


def classifier_features(
    train: Dataset, seed: int = 0, *, width: int = 128, steps: int = 1_500, folder: str | os.PathLike[str] | None = None
) -> Features:
    """The feature space (n, *E) → (n, width) of a small classifier of `train`, a data set with labels.

    Deterministic: the same data and seed give the same features, on one machine. folder: where it is kept; what was kept there
    of the same data and options is loaded instead of trained. Raises DataError, ConfigError, CheckpointError.
    """
    asked = {"data": fingerprint(train), "seed": seed, "width": width, "steps": steps}
    if folder is not None and (Path(folder) / f"{WHAT}.json").exists():
        kept = Classifier.load(folder)
        if kept.origin == asked:
            return kept.features
    trained = Classifier.train(train, seed, width=width, steps=steps)
    if folder is not None:
        trained.save(folder)
    return trained.features


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """A trained classifier of examples like `spec`.

    hidden: raw (B, *E) → features (B, width). last: features → logits (B, classes). data: the name of what it was trained on.
    accuracy: on the tenth of the examples that it did not learn from. origin: the data's fingerprint, seed and options.
    """

    spec: DataSpec
    hidden: nn.Sequential
    last: nn.Linear
    data: str
    accuracy: float
    origin: dict[str, Any]

    @classmethod
    def train(cls, train: Dataset, seed: int = 0, *, width: int = 128, steps: int = 1_500) -> Self:
        """Learn to tell the classes of `train` apart. Adam, one cycle up to a rate of .003, batches of 128.

        Raises DataError without labels, with one class only or fewer than 50 examples; ConfigError.
        """
        y = _labels(train)
        if not (isinstance(width, int) and isinstance(steps, int) and width >= 1 and steps >= 2):
            raise ConfigError(f"expected a width of at least 1 and at least 2 steps; got width={width!r}, steps={steps!r}.")
        rows = rng_of(seed).permutation(len(train))
        held, learn = rows[: len(rows) // 10], rows[len(rows) // 10 :]
        scaling = Scaling.natural(train.x, train.spec)
        with one_thread(), quick(), from_seed(seed):
            with covered():
                hidden, last = _layers(train.spec, scaling, width, int(y.max()) + 1)
            _learn(nn.Sequential(hidden, last), as_tensor(np.asarray(train.x)), torch.from_numpy(y), learn, steps, seed)
        origin = {"data": fingerprint(train), "seed": seed, "width": width, "steps": steps}
        untested = cls(train.spec, hidden.eval(), last.eval(), train.name, np.nan, origin)
        accuracy = float((untested.classes(train.x[np.sort(held)]) == y[np.sort(held)]).mean())
        return cls(train.spec, untested.hidden, untested.last, train.name, accuracy, origin)

    @property
    def features(self) -> Features:
        """Its last hidden layer, named after data, accuracy and width."""
        name = f"{self.data} classifier ({100 * self.accuracy:.1f} %), {self.last.in_features} features"
        return Features(name, lambda x: self._run(self.hidden, x))

    def probabilities(self, x: Array) -> NDArray[np.float64]:
        """How likely each class is of each example (n, *E): (n, classes)."""
        logits = self._run(nn.Sequential(self.hidden, self.last), x).astype(np.float64)
        return np.asarray(softmax(logits, axis=1))

    def classes(self, x: Array) -> NDArray[np.int64]:
        """The most likely class of each example (n, *E): (n,)."""
        return self._run(nn.Sequential(self.hidden, self.last), x).argmax(axis=1)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write classifier.json and its weights (safetensors) to a folder. Raises CheckpointError."""
        described = {
            "spec": to_json(self.spec),
            "classes": self.last.out_features,
            "data": self.data,
            "accuracy": self.accuracy,
            "origin": self.origin,
        }
        weights = nn.ModuleList([self.hidden, self.last]).state_dict()
        write_weights(folder, described, weights, what=WHAT)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """The classifier that `save` wrote. Runs no code from the folder. Raises CheckpointError."""
        said, weights = read_weights(folder, what=WHAT)
        try:
            spec, origin = from_json(said["spec"]), said["origin"]
            with unmoved(), torch.device("meta"):  # shapes alone: a foreign file may claim what no machine can hold
                hidden, last = _layers(spec, Scaling(spec), origin["width"], said["classes"])
            nn.ModuleList([hidden, last]).load_state_dict(weights, assign=True)
            return cls(spec, hidden.eval(), last.eval(), str(said["data"]), float(said["accuracy"]), origin)
        except Exception as error:  # options of a foreign file have any type
            reason = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]
            raise CheckpointError(f"{folder}/{WHAT}.json does not describe its weights: {reason}.") from error

    def _run(self, network: nn.Module, x: Array) -> Array:
        """What `network` answers for examples x (n, *E), a few at a time. Raises DataError for examples of another shape."""
        if x.shape[1:] != self.spec.shape:
            raise DataError(f"the {self.data} classifier sees examples of shape {self.spec.shape}; got {x.shape[1:]}.")
        with one_thread(), torch.inference_mode():
            parts = (part for _, rows in pieces(x) for part in np.array_split(rows, -(-len(rows) // AT_ONCE)))
            return torch.cat([network(as_tensor(part)) for part in parts]).numpy()


class _Scaled(nn.Module):
    """raw (B, *E) → x (B, *event), laid out as convolutions like it."""

    def __init__(self, scaling: Scaling) -> None:
        super().__init__()
        self.scaling = scaling

    def forward(self, raw: Tensor) -> Tensor:
        return channels_last(self.scaling(raw))


def _layers(spec: DataSpec, scaling: Scaling, width: int, classes: int) -> tuple[nn.Sequential, nn.Linear]:
    """raw (B, *E) → features (B, width), and features → logits (B, classes)."""
    body = Network("dense", widths=(256,)) if spec.form.columned else Network("conv", widths=())
    return nn.Sequential(_Scaled(scaling), body.encoder(spec, (width,)), nn.ReLU()), nn.Linear(width, classes)


def _learn(network: nn.Module, x: Tensor, y: Tensor, rows: NDArray[np.int64], steps: int, seed: int) -> None:
    batches = Resident(x, BATCH, seed, rows)
    imported("torch._dynamo")  # the optimiser would, and leave its marks
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    for batch in islice(chain.from_iterable(map(batches.epoch, count())), steps):
        loss = cross_entropy(network(batch.raw), y[batch.rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()


def _labels(train: Dataset) -> NDArray[np.int64]:
    if train.y is None:
        raise DataError("a classifier needs labels. Give them: Dataset.of(X, y).")
    if len(train) < FEWEST:
        raise DataError(f"a classifier needs at least {FEWEST} labelled examples; got {len(train)}.")
    if len(np.unique(train.y)) < 2:
        raise DataError("all examples have the same label: there is nothing to tell apart. Give examples of two classes.")
    return train.y
