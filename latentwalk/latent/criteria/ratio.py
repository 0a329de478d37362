"""Which of two sets of points a point is likelier to be of: the logit of classifiers that tell one from the other.

The logit of a classifier that was trained on equally many of both is an estimate of the logarithm of the ratio of their
densities. Two are added up because each is blind where the other sees: trees miss tilted holes in many dimensions, a small
network misses thin slabs.

Sources: Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests"; Sugiyama et al. 2012 (classifiers as density ratios).
`docs/design.md` tells why these two classifiers.
"""

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from latentwalk.arrays import Array
from latentwalk.chance import seeded
from latentwalk.surroundings import imported
from latentwalk.training.runtime import one_thread

__all__ = ["Logit", "Standard", "logits"]

Logit = Callable[[Array], Array]  # (m, D) → (m,), higher where a point looks like one of the first set


class Standard:
    """Points (m, D) less the mean of some, over their deviation. A constant dimension is only shifted.

    Cut at 1,000 deviations: nothing is lost so far out, and a network would overflow on what an untrained space can hold.
    """

    def __init__(self, points: Array) -> None:
        self.mean, deviation = points.mean(axis=0, dtype=np.float64), points.std(axis=0, dtype=np.float64)
        self.deviation = np.where(deviation > 0, deviation, 1.0)

    def __call__(self, points: Array) -> Array:
        return ((points - self.mean) / self.deviation).clip(-1e3, 1e3)


def logits(first: Array, second: Array, seed: int, rounds: int = 40, batch: int = 512) -> tuple[Logit, Logit]:
    """What trees and a network say, trained to tell `first` (n, D) from `second` (k, D), both standardised.

    Both sides count alike, however many of either there are. rounds: of 70 steps of the network; batch: points a step.
    """
    x = np.concatenate([first, second])
    y = np.repeat([1, 0], [len(first), len(second)])
    return _trees(x, y, seed), _network(x, y, seed, rounds=rounds, batch=batch)


def _trees(x: Array, y: Array, seed: int) -> Logit:
    """Boosted trees on x (n, D) and y (n,), stopped early: their logit of y = 1."""
    trees = HistGradientBoostingClassifier(max_iter=500, early_stopping=True, random_state=seed)
    odds = (len(y) - y.sum()) / y.sum()
    with one_thread():
        trees.fit(x, y, None if odds == 1 else np.where(y == 1, odds, 1.0))

    def score(z: Array) -> Array:
        with one_thread():
            found: Array = trees.decision_function(z)
        return found

    return score


def _network(
    x: Array, y: Array, seed: int, *, rounds: int = 40, steps: int = 70, batch: int = 512, rate: float = 5e-3
) -> Logit:
    """A D-128-128-1 network on x (n, D) and y (n,): its logit of y = 1.

    One-cycle AdamW, weights averaged over the last 250 steps or so; a tenth of the points choose the best of the averages,
    looked at after each of `rounds`. The averaging and the high rate make tilted holes of mass .1 in 8 dimensions visible (.90
    found instead of .97). All rounds are run: such a hole is found late, after a long stretch without progress, and a stop
    after ten idle rounds once missed it (.99).
    """
    generator = torch.Generator().manual_seed(seed)
    points, marks = torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y.astype(np.float32))
    shuffled = torch.randperm(len(points), generator=generator)
    check, learn = shuffled[: len(points) // 10], shuffled[len(points) // 10 :]
    odds = (len(points) - marks.sum()) / marks.sum()
    weight = None if odds == 1 else odds
    sides = [learn] if odds == 1 else [learn[marks[learn] == side] for side in (1, 0)]
    network = _layers(x.shape[1], seed)
    average = deepcopy(network).requires_grad_(False)
    best, least = average.state_dict(), float("inf")
    imported("torch._dynamo")  # the optimiser would, and leave its marks
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-4, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=rounds * steps)
    for _ in range(rounds):
        for _ in range(steps):
            rows = torch.cat([side[torch.randint(len(side), (batch // len(sides),), generator=generator)] for side in sides])
            loss = binary_cross_entropy_with_logits(network(points[rows]).squeeze(1), marks[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            torch._foreach_lerp_(list(average.parameters()), [p.detach() for p in network.parameters()], 0.004)
        now = float(binary_cross_entropy_with_logits(average(points[check]).squeeze(1), marks[check], pos_weight=weight))
        if now < least:
            best, least = deepcopy(average.state_dict()), now
    average.load_state_dict(best)
    return lambda z: average(torch.from_numpy(z.astype(np.float32))).squeeze(1).numpy().astype(np.float64)


def _layers(dim: int, seed: int) -> nn.Sequential:
    """D-128-128-1 with weights drawn from `seed`; the caller's own random numbers go on as if nothing had happened."""
    with seeded(seed):
        return nn.Sequential(nn.Linear(dim, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 1)).float()
