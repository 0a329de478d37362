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
from common.judges import Judge, judge, read
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from latentwalk import Autoencoder, Dataset, Direction, LatentSpace, Network
from latentwalk.data.synthetic import faces
from latentwalk.data.synthetic.faces import FACTORS, render
from latentwalk.training.settings import Settings

Array = NDArray[Any]
SIDE, LEARNT, HELD = 48, 12_000, 1000
SEEN, CHOSEN_ON = 4000, 300  # faces that directions are found from, and those that strengths are chosen on
VALID, TEST, READ = 3000, 4000, 10_000  # seeds of drawn faces, from where on; models learn from seeds 0, 1, …
BOX = (0.5, 0.15, 0.85, 0.85)
STRENGTHS = (0.75, 1.0, 1.25, 1.5, 2.0)
NUMBERS = tuple(name for name in FACTORS if name not in ("hair_style", "moustache_size"))
KINDS = int(FACTORS["hair_style"].high) + 1
OTHERS = (*(name for name in NUMBERS if name != "moustache"), "hair_style")
SETTING: dict[str, Any] = {
    "recipe": "ae",
    "latent": 64,
    "network": Network(kind="conv", channels=(16, 32, 64), widths=(), activation="silu"),
    "epochs": 20,
    "batch_size": 32,
    "learning_rate": 2e-3,
    "training": Settings(learning_schedule="cosine", warmup=0.2, precision="bfloat16"),
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

    def take(self, rows: Array) -> "Reading":
        return Reading(self.numbers[rows], self.hair[rows], self.features[rows])

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
    """The space of the model of this seed, as some of the faces it learnt from see it; and the seconds of processor it took."""
    folder = keep / f"faces-{seed}"
    if (folder / "model.json").exists():
        model, seconds = Autoencoder.load(folder), float((folder / "seconds").read_text())
    else:
        start = time.process_time()
        model = Autoencoder(**SETTING, random_state=seed, progress=False).fit(faces(LEARNT, seed=seed, size=SIDE).x)
        seconds = time.process_time() - start
        model.save(folder)
        (folder / "seconds").write_text(str(seconds))
    return model.space(faces(SEEN, seed=seed, size=SIDE)), seconds


def moustache(space: LatentSpace) -> Direction:
    """The step to a moustache, all other factors held."""
    return space.direction("moustache", without=[name for name in FACTORS if not name.startswith("moustache")])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of grafts on faces that lack it (or of taking it off faces that have it).

    seen: the share whose moustache changed, as the judge reads it. change: the mean absolute change of each of OTHERS.
    single: the share of single readings of these, over faces and factors, that moved by less than .05. same: how often the
    face that is nearest to the graft, among all originals, is its own.
    """

    faces: int
    seen: float
    change: dict[str, float]
    single: float
    same: float

    @property
    def worst(self) -> str:
        return max(self.change, key=lambda name: self.change[name])

    @property
    def moved(self) -> list[str]:
        """The factors that move by .05 or more, the furthest first."""
        return sorted((name for name in self.change if self.change[name] >= 0.05), key=lambda name: -self.change[name])


def outcomes(
    made: Judge,
    space: LatentSpace,
    direction: Direction,
    held: Dataset,
    strengths: Sequence[float],
    region: Sequence[float] | None,
) -> list[Outcome]:
    """Give a moustache to all held-out faces that lack one; with negative strengths, take it from those that have one."""
    rows = np.flatnonzero(held.factors["moustache"] == (strengths[0] < 0))
    before = Reading.of(made, held.x)
    found = []
    for x in space.graft(held.x[rows], direction, strengths, region=region).x:
        found.append(_judged(made, before, rows, x, given=strengths[0] > 0))
    return found


def truth(made: Judge, held: Dataset, *, given: bool) -> Outcome:
    """What the judge says of a perfect graft: the same faces, drawn with the moustache they lack (or without theirs)."""
    rows = np.flatnonzero(held.factors["moustache"] == (not given))
    factors = {name: values[rows] for name, values in held.factors.items()} | {"moustache": float(given)}
    return _judged(made, Reading.of(made, held.x), rows, render(factors, size=SIDE), given=given)


def _judged(made: Judge, before: Reading, rows: Array, x: Array, *, given: bool) -> Outcome:
    """Pictures x that were made of `rows` of those read before."""
    after = Reading.of(made, x)
    change = after.change(before.take(rows))
    return Outcome(
        faces=len(rows),
        seen=float((after.moustache == given).mean()),
        change=dict(zip(OTHERS, change.mean(axis=0).tolist(), strict=True)),
        single=float((change < 0.05).mean()),
        same=float((_nearest(after.features, before.features) == rows).mean()),
    )


def chosen(made: Judge, spaces: Sequence[tuple[LatentSpace, Direction]], sign: int) -> tuple[float, Sequence[float] | None]:
    """The strength and the region that, on validation faces, move the worst other factor least, of those with which all models'
    grafts are seen on at least 97 % of faces; where there are none, those with which they are seen most.
    """
    held, signed = faces(CHOSEN_ON, seed=VALID, size=SIDE), [sign * strength for strength in STRENGTHS]
    ranked = []
    for region in (None, BOX):
        each = [outcomes(made, space, direction, held, signed, region) for space, direction in spaces]
        for at, strength in enumerate(signed):
            seen, worst = min(one[at].seen for one in each), max(one[at].change[one[at].worst] for one in each)
            ranked.append((-min(seen, 0.97), worst, strength, region))
    return min(ranked, key=lambda one: one[:2])[2:]


def entangled(made: Judge, space: LatentSpace, strength: float) -> dict[str, float]:
    """How far glasses come along with a moustache, in shares of their range, where the two go together (correlation .8) in the
    faces that the direction is found from: with and without taking them out. No region, which would hide it.
    """
    has, worn = (np.asarray(space.attributes[name]) == 1 for name in ("moustache", "glasses"))
    few = min((has & worn).sum(), (~has & ~worn).sum()) // 9
    often, seldom = 9 * few, few
    having = np.concatenate([np.flatnonzero(has & worn)[:often], np.flatnonzero(has & ~worn)[:seldom]])
    lacking = np.concatenate([np.flatnonzero(~has & ~worn)[:often], np.flatnonzero(~has & worn)[:seldom]])
    held = faces(CHOSEN_ON, seed=VALID, size=SIDE)
    rows = np.flatnonzero((held.factors["moustache"] == 0) & (held.factors["glasses"] == 0))
    at, before = NUMBERS.index("glasses"), Reading.of(made, held.x[rows]).numbers
    moved = {}
    for name, without in (("difference of means", ()), ("glasses taken out", ("glasses",))):
        direction = space.direction(having, lacking, without=without)
        after = Reading.of(made, space.graft(held.x[rows], direction, strength, region=None).x).numbers
        moved[name] = float((after - before)[:, at].mean())
    return moved


def _nearest(some: Array, all_: Array) -> Array:
    """The row of `all_` (m, F) that is nearest to each of `some` (n, F): (n,)."""
    return np.asarray((np.square(all_).sum(axis=1) - 2 * some @ all_.T).argmin(axis=1))
