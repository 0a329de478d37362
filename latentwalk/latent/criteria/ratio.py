"""Which of two sets of points a point is likelier to be of: the logit of classifiers that tell one from the other.

The logit of a classifier that was trained on equally many of both is an estimate of the logarithm of the ratio of their
densities. Two are added up because each is blind where the other sees: trees miss tilted holes in many dimensions, a small
network misses thin slabs. The network looks at how far out a point is, too: in many dimensions a round hole is a matter of
distances, which sums of coordinates are long in finding. Where one set can be drawn from without end, it sees nothing of it
twice, so that it cannot learn those draws by heart.

Sources: Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests"; Sugiyama et al. 2012 (classifiers as density ratios).
`docs/design.md` tells why these two classifiers.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from latentwalk.arrays import Array
from latentwalk.chance import seeded
from latentwalk.surroundings import imported
from latentwalk.training.runtime import one_thread

__all__ = ["Draw", "Logit", "Moments", "Standard", "logits"]

Logit = Callable[[Array], Array]  # (m, D) → (m,), higher where a point looks like one of the first set
Draw = Callable[[int, np.random.Generator], Array]  # so many points (n, D)

FLAT = 1e-8  # of the largest variance, below which a direction is called flat
FEWEST_DRAWS = 10_000  # that trees see: draws cost little, and make holes plain
FARTHEST = 1e3  # deviations: nothing is lost so far out, and a network would overflow on what an untrained space can hold


class Standard:
    """Points (m, D) less the mean of some, over their deviation, cut at `FARTHEST`. A constant dimension is only shifted."""

    def __init__(self, points: Array) -> None:
        self.mean, deviation = points.mean(axis=0, dtype=np.float64), points.std(axis=0, dtype=np.float64)
        self.deviation = np.where(deviation > 0, deviation, 1.0)

    def __call__(self, points: Array) -> Array:
        return ((points - self.mean) / self.deviation).clip(-FARTHEST, FARTHEST)


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """The Gaussian with the mean (D,) and the covariance of some points, flat directions a little thick."""

    mean: Array
    axes: Array  # (D, D), in columns
    spreads: Array  # (D,)
    flat: Array  # (D,), of bool

    @classmethod
    def of(cls, points: Array) -> "Moments":
        values, axes = np.linalg.eigh(np.atleast_2d(np.cov(points, rowvar=False)))
        least = FLAT * values.max(initial=FLAT)
        return cls(points.mean(axis=0), axes, np.sqrt(values.clip(min=least)), values <= least)

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        noise: Array = rng.standard_normal((n, len(self.mean)))
        return self.mean + noise * self.spreads @ self.axes.T

    def distance(self, points: Array) -> Array:
        """Mahalanobis': (m,)."""
        return self._lengths(self._along(points))

    def log_density(self, points: Array) -> Array:
        """In nats: (m,)."""
        return -np.square(self.distance(points)) / 2 - np.log(np.sqrt(2 * np.pi) * self.spreads).sum()

    def features(self, points: Array) -> Array:
        """Points (m, D), and how far out they lie, about N(0, 1) for draws: (m, D + 1). Flat directions have no part."""
        thick = self._along(points)[:, ~self.flat]
        out = np.sqrt(2) * (self._lengths(thick) - np.sqrt(thick.shape[1]))
        return np.column_stack([points, out.clip(max=FARTHEST)])

    def _along(self, points: Array) -> Array:
        found: Array = (points - self.mean) @ self.axes / self.spreads
        return found

    @staticmethod
    def _lengths(points: Array) -> Array:
        found: Array = np.square(points).sum(axis=1)
        return np.sqrt(found)


def logits(first: Array, second: Array | Draw, seed: int, rounds: int = 40, batch: int = 512) -> tuple[Logit, Logit]:
    """What trees and a network say, trained to tell `first` (n, D) from `second` (k, D), both standardised.

    second: if it can be drawn, trees see as many as `first` is, `FEWEST_DRAWS` at least, and the network never the same one
    twice. Both sides count alike, however many of either there are. rounds: of 70 steps of the network; batch: points a step.
    """
    moments = Moments.of(first)
    if callable(second):
        draw, rng = second, np.random.default_rng(seed)
        others = draw(max(len(first), FEWEST_DRAWS), rng)

        def fresh(n: int) -> Array:
            return moments.features(draw(n, rng))
    else:
        others, fresh = second, None  # type: ignore[assignment]
    trees = _trees(first, others, seed)
    network = _network(moments.features(first), moments.features(others), fresh, seed, rounds=rounds, batch=batch)
    return trees, lambda z: network(moments.features(z))


def _trees(ones: Array, others: Array, seed: int) -> Logit:
    """Boosted trees on points (n, D) and others (k, D), stopped early: their logit of the former."""
    trees = HistGradientBoostingClassifier(max_iter=500, early_stopping=True, random_state=seed)
    x, y = np.concatenate([ones, others]), np.repeat([1, 0], [len(ones), len(others)])
    odds = len(others) / len(ones)
    with one_thread():
        trees.fit(x, y, None if odds == 1 else np.where(y == 1, odds, 1.0))

    def score(z: Array) -> Array:
        with one_thread():
            found: Array = trees.decision_function(z)
        return found

    return score


def _network(
    ones: Array,
    others: Array,
    fresh: Callable[[int], Array] | None,
    seed: int,
    *,
    rounds: int = 40,
    steps: int = 70,
    batch: int = 512,
    rate: float = 5e-3,
) -> Logit:
    """An F-128-128-1 network on points (n, F) and others (k, F): its logit of the former. fresh: gives so many others.

    One-cycle AdamW, weights averaged over the last 250 steps or so; a tenth of the points choose the best of the averages,
    looked at after each of `rounds`. The averaging and the high rate make tilted holes of mass .1 in 8 dimensions visible (.90
    found instead of .97). All rounds are run: such a hole is found late, after a long stretch without progress, and a stop
    after ten idle rounds once missed it (.99).
    """
    generator = torch.Generator().manual_seed(seed)
    sides, check = [], []
    for points in (ones, others):
        shuffled = _tensor(points)[torch.randperm(len(points), generator=generator)]
        check.append(shuffled[: len(points) // 10])
        sides.append(shuffled[len(points) // 10 :])
    checked, odds = torch.cat(check), torch.tensor(len(check[1]) / len(check[0]))
    marks, right = _marks(batch // 2, batch // 2), _marks(*map(len, check))
    network = _layers(ones.shape[1], seed)
    average = deepcopy(network).requires_grad_(False)
    best, least = average.state_dict(), float("inf")
    imported("torch._dynamo")  # the optimiser would, and leave its marks
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-4, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=rounds * steps)
    for _ in range(rounds):
        if fresh is not None:
            sides[1] = _tensor(fresh(steps * (batch // 2)))
        for step in range(steps):
            rows = [torch.randint(len(side), (batch // 2,), generator=generator) for side in sides]
            if fresh is not None:
                rows[1] = torch.arange(step * (batch // 2), (step + 1) * (batch // 2))
            shown = torch.cat([side[some] for side, some in zip(sides, rows, strict=True)])
            loss = binary_cross_entropy_with_logits(network(shown).squeeze(1), marks)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            torch._foreach_lerp_(list(average.parameters()), [p.detach() for p in network.parameters()], 0.004)
        now = float(binary_cross_entropy_with_logits(average(checked).squeeze(1), right, pos_weight=odds))
        if now < least:
            best, least = deepcopy(average.state_dict()), now
    average.load_state_dict(best)
    return lambda z: average(_tensor(z)).squeeze(1).numpy().astype(np.float64)


def _tensor(points: Array) -> torch.Tensor:
    return torch.from_numpy(points.astype(np.float32))


def _marks(ones: int, others: int) -> torch.Tensor:
    return torch.cat([torch.ones(ones), torch.zeros(others)])


def _layers(dim: int, seed: int) -> nn.Sequential:
    """F-128-128-1 with weights drawn from `seed`; the caller's own random numbers go on as if nothing had happened."""
    with seeded(seed):
        return nn.Sequential(nn.Linear(dim, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 1)).float()
