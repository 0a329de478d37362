"""Grafts on photographs (Labeled Faces in the Wild), judged by a classifier of attributes that learnt from real photographs.

People, not pictures, are divided: 70 % to learn from (the autoencoder, the directions and the classifier), 10 % to choose a
strength on, 20 % to test. The classifier reads all 39 attributes; it "sees" one where its output is above the value at which it
errs on as many validation photographs that have it as on those that lack it. A graft counts on faces that lack the attribute,
by the table and by the classifier.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from common.judges import Judge, judge, read
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score, roc_curve
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

import latentwalk
from latentwalk import RECIPES, Autoencoder, Dataset, Direction, LatentSpace, Network
from latentwalk.training.settings import Settings

Array = NDArray[Any]
Region = Sequence[float] | Literal["change"] | None
VALIDATED, TESTED = 300, 600  # faces, about
STRENGTHS = (1.0, 1.5, 2.0, 3.0, 4.0)
BOXES: dict[str, Sequence[float] | None] = {  # where each may change the picture: top, left, bottom, right
    "Mustache": (0.56, 0.15, 0.92, 0.85),
    "Smiling": (0.5, 0.1, 1.0, 0.9),
    "Eyeglasses": (0.18, 0.02, 0.62, 0.98),
    "Gray_Hair": None,
}
CHANGE: Literal["change"] = "change"  # where each changes the picture most, which is the default
# not "auto", which also takes out what an attribute shows in, such as No_Beard of a moustache
WITHOUT = ("Male", "Young")
SETTING: dict[str, Any] = {
    "recipe": RECIPES["vae"].with_params({"beta": 0.1}),
    "latent": 128,
    "network": Network(kind="conv", channels=(16, 32, 64, 128), widths=(), activation="silu"),
    "epochs": 10,
    "batch_size": 32,
    "learning_rate": 1e-3,
    "training": Settings(learning_schedule="cosine", warmup=0.2, precision="bfloat16"),
    "validation": 0.05,
}


@dataclass(frozen=True, slots=True)
class Photographs:
    """What is learnt from, chosen on and tested on: the photographs with attributes."""

    learn: Dataset
    valid: Dataset
    test: Dataset

    @classmethod
    def read(cls, folder: Path) -> "Photographs":
        """From `lfw64_rgb.zip` and `lfw_attributes.csv.gz`."""
        data = latentwalk.read(folder / "lfw64_rgb.zip", attributes=folder / "lfw_attributes.csv.gz")
        person = np.array([Path(name).stem.rsplit("_", 1)[0] for name in data.names])
        people = np.random.default_rng(0).permutation(np.unique(person))
        bounds = [math.ceil(share * len(people)) for share in (0, 0.7, 0.8, 1)]
        parts = [np.isin(person, people[a:b]) for a, b in pairwise(bounds)]
        known = np.isfinite(data.factors["Mustache"])
        return cls(*(data.take(np.flatnonzero(part & known)) for part in parts))


def attributes(data: Dataset) -> NDArray[np.float32]:
    """(n, 39) probabilities."""
    return np.stack(list(data.factors.values()), axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Classifier:
    """The judge, by what its outputs are called; levels: above which each attribute is seen; auc: on test photographs."""

    judge: Judge
    names: tuple[str, ...]
    levels: Array
    auc: dict[str, float]

    @classmethod
    def of(cls, photographs: Photographs, keep: Path) -> "Classifier":
        """Trained on the photographs to learn from, mirrored at random; who has a rare attribute weighs up to 20 times more."""
        target = torch.from_numpy(attributes(photographs.learn))
        share = (target > 0.5).float().mean(0)
        weight = ((1 - share) / share).clamp(max=20)

        def loss(found: Tensor, rows: Tensor) -> Tensor:
            return binary_cross_entropy_with_logits(found, target[rows], pos_weight=weight)

        file, x = keep / "lfw-judge.safetensors", photographs.learn.x
        made = judge(file, x, target.shape[1], loss, epochs=16, mirrored=True, dropout=0.3)
        has, seen = attributes(photographs.valid) > 0.5, read(made, photographs.valid.x)[0]
        levels = np.array([_even(has[:, at], seen[:, at]) for at in range(has.shape[1])])
        has, seen = attributes(photographs.test) > 0.5, read(made, photographs.test.x)[0]
        names = tuple(photographs.learn.factors)
        auc = {name: float(roc_auc_score(has[:, at], seen[:, at])) for at, name in enumerate(names) if has[:, at].any()}
        return cls(made, names, levels, auc)

    def __call__(self, x: Array) -> NDArray[np.bool_]:
        """Which attributes are seen on pictures (n, H, W, 3): (n, 39)."""
        return read(self.judge, np.round(x))[0] > self.levels


def _even(has: Array, seen: Array) -> float:
    """The value at which as many who have it are missed as others are taken for it."""
    if not has.any():
        return 0.0
    false, true, levels = roc_curve(has, seen)
    return float(levels[np.argmin(np.abs(1 - true - false))])


def learnt(photographs: Photographs, keep: Path, seed: int) -> tuple[LatentSpace, int, float]:
    """The space as the photographs learnt from see it, and the epochs and the seconds of processor that its model took."""
    folder, x = keep / f"lfw-{seed}", photographs.learn.x
    if (folder / "model.json").exists():
        model, seconds = Autoencoder.load(folder), float((folder / "seconds").read_text())
    else:
        start = time.process_time()
        model = Autoencoder(**SETTING, random_state=seed, progress=False).fit(np.concatenate([x, x[:, :, ::-1]]))
        seconds = time.process_time() - start
        model.save(folder)
        (folder / "seconds").write_text(str(seconds))
    return model.space(photographs.learn), len(model.history_), seconds


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of grafts at one strength: on how many faces, the share on which it is seen, and which other attributes are
    seen to change on how many of them, the most often first.
    """

    faces: int
    seen: float
    others: dict[str, float]


def outcomes(
    classifier: Classifier,
    space: LatentSpace,
    direction: Direction,
    held: Dataset,
    strengths: Sequence[float],
    most: int,
    region: Region,
) -> list[Outcome]:
    """Give the attribute to about `most` evenly chosen held-out faces that lack it, at each strength, within a region."""
    at, before = classifier.names.index(direction.name), classifier(held.x)
    rows = np.flatnonzero((held.factors[direction.name] <= 0.5) & ~before[:, at])
    rows = rows[:: max(1, len(rows) // most)]
    found = []
    for strength in strengths:
        after = classifier(space.graft(held.x[rows], direction, strength, region=region).x)
        changed = (after != before[rows]).mean(axis=0)
        others = {classifier.names[i]: float(changed[i]) for i in np.argsort(-changed) if i != at}
        found.append(Outcome(len(rows), float(after[:, at].mean()), others))
    return found


def chosen(classifier: Classifier, space: LatentSpace, direction: Direction, held: Dataset, region: Region) -> float:
    """The least strength whose graft is seen on 90 % of validation faces; where none is, the one seen most."""
    seen = [one.seen for one in outcomes(classifier, space, direction, held, STRENGTHS, VALIDATED, region)]
    return STRENGTHS[next((at for at, share in enumerate(seen) if share >= 0.9), int(np.argmax(seen)))]
