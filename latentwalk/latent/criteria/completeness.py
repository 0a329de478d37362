"""Is the latent space complete? Completeness as a number.

A point is plausible if encoded data lies around it. Take the smallest region A that holds 95 % of the encoded codes P,
smallest in what it catches of the sampling distribution Q; completeness is min over A of Q(A) / .95, with P(A) >= .95.
By Neyman and Pearson that region is where the likelihood ratio P/Q is high, and the logit of a classifier that tells P from Q
is an estimate of that ratio. Whatever the classifier fails to see only makes Q(A) larger, so the number is an upper bound.
Two classifiers are added up because each is blind where the other sees: trees miss tilted holes in many dimensions, a small
network misses thin slabs. The threshold and the shares come from points neither of them was trained on.

Sources: Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests"; Sugiyama et al. 2012 (classifiers as density ratios).
Planted holes of known size are measured in `benchmarks/planted_holes.py`; `docs/design.md` tells why these two classifiers.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from latentwalk.arrays import Array
from latentwalk.chance import seeded
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.codes import check_codes
from latentwalk.latent.criteria.measure import Measure, percent
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.samplers import Sampler
from latentwalk.surroundings import imported
from latentwalk.training.runtime import one_thread

__all__ = ["FEWEST_TO_TELL", "acceptance", "accepted_share", "completeness", "draws_of"]

Score = Callable[[Array], Array]  # (m, D) → (m,), higher where the point looks encoded

OUTSIDE = 0.05  # the share of encoded data that may fall outside the accepted region
FEWEST_TO_TELL = 300  # codes below which a third of them cannot hold a 5 % quantile

SOURCES = {
    "prior": "the model's own prior",
    "gaussian": "the Gaussian with the codes' mean and covariance",
    "fitted": "the sampler saved with the model",
}
WHOLE = ("prior", "gaussian")  # what the codes that judge cannot have been learnt by heart by


def completeness(space: Encoded, sampler: str | Sampler = "prior", *, seed: int = 0, most: int = 20_000) -> Measure:
    """At most this share of draws from a sampling distribution lands where encoded data lies, in [0, 1].

    sampler: "prior", "gaussian" (mean and covariance of the codes), "fitted" (the one saved with the model), another kind that
    `LatentSpace.sampler` knows, or any sampler (n, generator) → (n, D).
    Encoded data is one draw of q(z | x) per example, or the code itself for a plain autoencoder; all rows take part, for
    what matters is where the decoder has been. But a sampler that could learn codes by heart is fitted to one half of the
    rows and judged by the other; "fitted" is judged by the rows that were held out, where it is known which these are.
    most: points a side to train the classifiers with, and again to judge by.
    Raises DataError for fewer than 300 codes or any that is no number; ConfigError for an unknown sampler, or one of
    another dimension.
    """
    rng = np.random.default_rng(seed)
    encoded = space.draw_codes(rng)
    draw, judges = _apart(space, sampler, seed)
    encoded = encoded[judges]
    wanted = _split(len(encoded), most)[0] + most
    found = acceptance(encoded, draws_of(draw, wanted, space.dim, rng), seed=seed, most=most)
    source = SOURCES.get(sampler, f"{sampler!r}, fitted to other codes,") if isinstance(sampler, str) else "the given sampler"
    reading = _acceptance_reading(found.value, found.high, f"draws from {source}")
    return replace(found, title="completeness", reading=reading)


def _apart(space: Encoded, sampler: str | Sampler, seed: int) -> tuple[Sampler, Array]:
    """The sampler, and the rows that may judge it: those that it was not fitted to."""
    if sampler == "fitted" and space.held_out is not None and space.held_out.sum() >= FEWEST_TO_TELL:
        return space.sampler(sampler), np.flatnonzero(space.held_out)
    if not isinstance(sampler, str) or sampler in (*WHOLE, "fitted"):
        return space.sampler(sampler), np.arange(len(space))
    rows = np.random.default_rng(seed).permutation(len(space))
    half = len(rows) // 2
    return space.fit_sampler(sampler, np.sort(rows[:half]), seed), np.sort(rows[half:])


def acceptance(encoded: Array, drawn: Array, *, seed: int = 0, most: int = 20_000) -> Measure:
    """The share of `drawn` (m, D) that two classifiers together cannot tell from `encoded` (n, D): P(score >= t) / .95.

    t is the 5 % quantile of the score of encoded points held out from training. A third of `encoded` (at most `most`) is
    held out; of the rest up to `most` train, against as many drawn points; the other drawn points (at most `most`) are judged.
    5,000 codes: 3,333 train and 1,667 are held out; from 60,000 on it is 20,000 and 20,000. The interval resamples the held-out
    points of both sides; the classifiers stay as they are. Details: what either classifier accepts alone.
    Raises DataError, ConfigError.
    """
    check_codes(encoded, FEWEST_TO_TELL, "completeness needs at least {} codes, to learn from most and judge by the rest")
    rng = np.random.default_rng(seed)
    training, held_out = _split(len(encoded), most)
    if len(drawn) <= training:
        raise ConfigError(f"{len(drawn)} drawn points are too few: {training} train the classifiers. Draw twice as many.")
    encoded, drawn = _standardised(rng.permutation(encoded), drawn)
    x = np.concatenate([encoded[:training], drawn[:training]])  # (2 * training, D)
    y = np.repeat([1, 0], training)
    encoded, drawn = encoded[training : training + held_out], drawn[training : training + most]

    with one_thread():
        scores = [(score(encoded), score(drawn)) for score in (_trees(x, y, seed), _network(x, y, seed))]
    trees, network = (accepted_share(*pair)[0] for pair in scores)
    value, low, high = accepted_share(scores[0][0] + scores[1][0], scores[0][1] + scores[1][1], seed=seed)
    details = {"trees_alone": trees, "network_alone": network, "training": float(training), "held_out": float(held_out)}
    reading = _acceptance_reading(value, high, "the drawn points")
    return Measure("acceptance", value, low, high, reading, details, better="higher")


def accepted_share(encoded: Array, drawn: Array, *, seed: int = 0, resamples: int = 10_000) -> tuple[float, float, float]:
    """P(drawn >= t) / .95, t the 5 % quantile of `encoded`, cut at 1; with its 95 % bootstrap interval: value, low, high.

    encoded (m,), drawn (k,): scores. Both are resampled, and without drawing a single resample: t in a resample is the
    encoded score of rank floor(m B), B ~ Beta(r, m - r + 1), as the r-th smallest of m uniform ranks is; and the resampled
    share of `drawn` above it is Binomial(k, share) / k. The same distribution as resampling, at no cost.
    """
    rng = np.random.default_rng(seed)
    encoded, drawn = np.sort(encoded), np.sort(drawn)
    m, k = len(encoded), len(drawn)
    r = int(OUTSIDE * (m - 1)) + 1
    ranks = np.append(r - 1, (m * rng.beta(r, m - r + 1, resamples)).astype(np.int64).clip(max=m - 1))
    shares = 1 - np.searchsorted(drawn, encoded[ranks], side="left") / k  # (1 + resamples,), the first is the estimate
    low, high = np.quantile(rng.binomial(k, shares[1:]) / k, [0.025, 0.975])
    value, low, high = (min(1.0, float(share) / (1 - OUTSIDE)) for share in (shares[0], low, high))
    return value, low, high


def _split(n: int, most: int) -> tuple[int, int]:
    """How many of n encoded points train the classifiers, and how many judge: two thirds and one third, `most` at most."""
    held_out = min(most, n // 3)
    return min(most, n - held_out), held_out


def _standardised(encoded: Array, drawn: Array) -> tuple[Array, Array]:
    """Both sides less the encoded mean, over the encoded deviation. A constant dimension is only shifted.

    Cut at 1,000 deviations: nothing is lost so far out, and the network would overflow on what an untrained space can hold.
    """
    mean, deviation = encoded.mean(axis=0, dtype=np.float64), encoded.std(axis=0, dtype=np.float64)
    deviation = np.where(deviation > 0, deviation, 1.0)
    return ((encoded - mean) / deviation).clip(-1e3, 1e3), ((drawn - mean) / deviation).clip(-1e3, 1e3)


def _trees(x: Array, y: Array, seed: int) -> Score:
    """Boosted trees on x (n, D) and y (n,), stopped early: their logit of y = 1."""
    trees = HistGradientBoostingClassifier(max_iter=500, early_stopping=True, random_state=seed)
    score: Score = trees.fit(x, y).decision_function
    return score


def _network(
    x: Array, y: Array, seed: int, *, rounds: int = 40, steps: int = 70, batch: int = 512, rate: float = 5e-3
) -> Score:
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
    network = _layers(x.shape[1], seed)
    average = deepcopy(network).requires_grad_(False)
    best, least = average.state_dict(), float("inf")
    imported("torch._dynamo")  # the optimiser would, and leave its marks
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-4, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=rounds * steps)
    for _ in range(rounds):
        for _ in range(steps):
            rows = learn[torch.randint(len(learn), (batch,), generator=generator)]
            loss = binary_cross_entropy_with_logits(network(points[rows]).squeeze(1), marks[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            torch._foreach_lerp_(list(average.parameters()), [p.detach() for p in network.parameters()], 0.004)
        now = float(binary_cross_entropy_with_logits(average(points[check]).squeeze(1), marks[check]))
        if now < least:
            best, least = deepcopy(average.state_dict()), now
    average.load_state_dict(best)
    return lambda z: average(torch.from_numpy(z.astype(np.float32))).squeeze(1).numpy().astype(np.float64)


def _layers(dim: int, seed: int) -> nn.Sequential:
    """D-128-128-1 with weights drawn from `seed`; the caller's own random numbers go on as if nothing had happened."""
    with seeded(seed):
        return nn.Sequential(nn.Linear(dim, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 1)).float()


def _acceptance_reading(value: float, high: float, source: str) -> str:
    if high >= 1:
        return f"Nothing tells {source} from encoded data: as complete as this test can see."
    return (
        f"At most {percent(value)} of {source} land where encoded data lies; the rest decode to something the decoder was "
        "never shown."
    )


def draws_of(sampler: Sampler, n: int, dim: int, rng: np.random.Generator) -> Array:
    """`n` draws of a sampler, (n, dim). Raises ConfigError, DataError where it gives anything else."""
    z = np.asarray(sampler(n, rng))
    if z.shape != (n, dim):
        raise ConfigError(
            f"the sampler gave shape {z.shape}; expected ({n}, {dim}): {n} draws in this space's {dim} dimensions."
        )
    if not np.isfinite(z).all():
        raise DataError("the sampler drew NaN or infinity. Fit it again, or use sampler='gaussian'.")
    return z
