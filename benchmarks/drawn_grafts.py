"""Grafts on drawn faces, whose factors are known: five models, a moustache given and taken away, and a judge's readings.

The judge learns from 20,000 renderings, none of them decoded. It reads every factor of FACTORS but the thickness of a
moustache, which means nothing where there is none; readings are in units of the factor's range. The style of hair has no order:
its reading is a probability for each, and its change is half the summed change of these (total variation, 0 to 1).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from judges import Judge, judge, read
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from latentwalk import Autoencoder, Dataset, Direction, LatentSpace, Network
from latentwalk.data.synthetic import faces
from latentwalk.data.synthetic.faces import FACTORS

Array = NDArray[Any]
SIDE, LEARNT, HELD = 48, 8000, 1000
VALID, TEST, READ = 3000, 4000, 10_000  # seeds of drawn faces, from where on; models learn from seeds 0, 1, …
BOX = (0.5, 0.15, 0.85, 0.85)
STRENGTHS = (1.0, 1.25, 1.5, 2.0)
NUMBERS = tuple(name for name in FACTORS if name not in ("hair_style", "moustache_size"))
KINDS = int(FACTORS["hair_style"].high) + 1
OTHERS = (*(name for name in NUMBERS if name != "moustache"), "hair_style")
SETTING = {
    "recipe": "ae",
    "latent": 64,
    "network": Network(kind="conv", channels=(16, 32, 64)),
    "epochs": 16,
    "learning_rate": 1e-3,
    "learning_schedule": "cosine",
    "warmup": 0.2,
    "precision": "bfloat16",
    "validation": 0.05,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the judge reads: numbers (n, len(NUMBERS)) in shares of the range, kinds of hair (n, KINDS), features (n, 256)."""

    numbers: Array
    hair: Array
    features: Array

    @classmethod
    def of(cls, made: Judge, x: Array) -> "Reading":
        outputs, hidden = read(made, np.round(x))
        hair = torch.softmax(torch.from_numpy(outputs[:, len(NUMBERS) :]), 1).numpy()
        return cls(outputs[:, : len(NUMBERS)], hair, hidden)

    @property
    def moustache(self) -> Array:
        return self.numbers[:, NUMBERS.index("moustache")] > 0.5

    def change(self, other: "Reading") -> Array:
        """How far the reading of each of OTHERS is from that of other pictures: (n, len(OTHERS)), in shares of its range."""
        numbers = np.abs(self.numbers - other.numbers)[:, [NUMBERS.index(name) for name in OTHERS[:-1]]]
        return np.column_stack([numbers, np.abs(self.hair - other.hair).sum(axis=1) / 2])


def reader(keep: Path) -> tuple[Judge, dict[str, float]]:
    """The judge, and the mean error of its reading of each factor on faces held out (for the hair: how often it is wrong)."""
    drawn = faces(20_000, seed=READ, size=SIDE)
    numbers, hair = torch.from_numpy(_shares(drawn)), torch.from_numpy(drawn.factors["hair_style"])

    def loss(found: Tensor, rows: Tensor) -> Tensor:
        off = (found[:, : len(NUMBERS)] - numbers[rows]).square().sum(1).mean()
        return 10 * off + 0.2 * cross_entropy(found[:, len(NUMBERS) :], hair[rows])

    made = judge(keep / f"reader-{SIDE}.safetensors", drawn.x, len(NUMBERS) + KINDS, loss, epochs=12)
    held = faces(HELD, seed=READ + 1, size=SIDE)
    seen = Reading.of(made, held.x)
    errors = dict(zip(NUMBERS, np.abs(seen.numbers - _shares(held)).mean(axis=0).tolist(), strict=True))
    return made, errors | {"hair_style": float((seen.hair.argmax(axis=1) != held.factors["hair_style"]).mean())}


def _shares(drawn: Dataset) -> NDArray[np.float32]:
    """The factors of NUMBERS (n, F), each in shares of its range."""
    low, high = (np.array([getattr(FACTORS[name], end) for name in NUMBERS]) for end in ("low", "high"))
    return ((np.stack([drawn.factors[name] for name in NUMBERS], axis=1) - low) / (high - low)).astype(np.float32)


def learnt(seed: int, keep: Path) -> tuple[LatentSpace, float]:
    """The space of the model of this seed, as the faces it learnt from see it; and the seconds of processor it took."""
    drawn, folder = faces(LEARNT, seed=seed, size=SIDE), keep / f"faces-{seed}"
    if (folder / "model.json").exists():
        model, seconds = Autoencoder.load(folder), float((folder / "seconds").read_text())
    else:
        start = time.process_time()
        model = Autoencoder(**SETTING, random_state=seed, progress=False).fit(drawn.x)
        seconds = time.process_time() - start
        model.save(folder)
        (folder / "seconds").write_text(str(seconds))
    return model.space(drawn), seconds


def moustache(space: LatentSpace) -> Direction:
    """The step to a moustache, all other factors held."""
    return space.direction("moustache", without=[name for name in FACTORS if not name.startswith("moustache")])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of grafts on faces that lack it (or of taking it off faces that have it).

    seen: the share whose moustache changed, as the judge reads it. change: the mean change of each of OTHERS. single: the share
    of single readings of these, over faces and factors, that moved by less than .05. same: how often the face that is nearest
    to the graft, among all originals, is its own.
    """

    faces: int
    seen: float
    change: dict[str, float]
    single: float
    same: float

    @property
    def worst(self) -> str:
        return max(self.change, key=lambda name: self.change[name])


def outcome(made: Judge, space: LatentSpace, held: Dataset, strength: float, region: Sequence[float] | None) -> Outcome:
    """Give a moustache to all held-out faces that lack one; with a negative strength, take it from those that have one."""
    rows = held.factors["moustache"] == (strength < 0)
    grafts = space.graft(held.x[rows], moustache(space), strength, region=region).x
    before, after, all_ = (Reading.of(made, x) for x in (held.x[rows], grafts, held.x))
    change = after.change(before)
    nearest = _nearest(after.features, all_.features)
    return Outcome(
        faces=int(rows.sum()),
        seen=float((after.moustache == (strength > 0)).mean()),
        change=dict(zip(OTHERS, change.mean(axis=0).tolist(), strict=True)),
        single=float((change < 0.05).mean()),
        same=float((nearest == np.flatnonzero(rows)).mean()),
    )


def _nearest(some: Array, all_: Array) -> Array:
    """The row of `all_` (m, F) that is nearest to each of `some` (n, F): (n,)."""
    return np.asarray((np.square(all_).sum(axis=1) - 2 * some @ all_.T).argmin(axis=1))
