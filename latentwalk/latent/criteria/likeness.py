"""Are draws distributed as encoded data is? Likeness as a number, by which samplers are chosen.

A point is plausible if encoded data lies around it. Take the smallest region A that holds 95 % of the encoded codes P,
smallest in what it catches of the sampling distribution Q; likeness is min over A of Q(A) / .95, with P(A) >= .95.
By Neyman and Pearson that region is where the likelihood ratio P/Q is high, and the logit of a classifier that tells P from Q
is an estimate of that ratio. Whatever the classifier fails to see only makes Q(A) larger, so the number is an upper bound.
It is low where draws land beside data, and where they crowd into a part of it: `completeness` and `reach` tell which.

Sources: `ratio`; planted spaces are measured in `benchmarks/planted.py`.
"""

from dataclasses import replace

import numpy as np

from latentwalk.arrays import Array
from latentwalk.chance import rng_of, seed_of
from latentwalk.errors import ConfigError
from latentwalk.latent.codes import check_codes
from latentwalk.latent.criteria.measure import Measure, percent
from latentwalk.latent.criteria.ratio import Standard, logits
from latentwalk.latent.criteria.region import FEWEST_TO_TELL, accepted, parted, points
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.holes import OUTSIDE
from latentwalk.latent.samplers import Sampler, draws_of

__all__ = ["acceptance", "accepted_share", "likeness"]


def likeness(space: Encoded, sampler: Sampler, *, seed: int = 0, most: int = 20_000) -> Measure:
    """The share of a sampler's draws that two classifiers cannot tell from encoded data, in [0, 1]; an upper bound.

    The rows of the space judge, so they should be none that the sampler was fitted to. Encoded data is one draw of q(z | x) per
    example, or the code itself for a plain autoencoder. most: points a side to train the classifiers with, and again to judge
    by. Raises DataError for fewer than 300 codes or any that is no number; ConfigError for a sampler of another dimension.
    """
    seed, most = seed_of(seed), points(most)
    rng = rng_of(seed)
    encoded = space.draw_codes(rng)
    wanted = parted(len(encoded), most)[0] + most
    found = acceptance(encoded, draws_of(sampler, wanted, space.dim, rng), seed=seed, most=most)
    return replace(found, title="likeness", reading=_reading(found.value, found.high))


def acceptance(encoded: Array, drawn: Array, *, seed: int = 0, most: int = 20_000) -> Measure:
    """The share of `drawn` (m, D) that two classifiers together cannot tell from `encoded` (n, D): P(score >= t) / .95.

    t is the 5 % quantile of the score of encoded points held out from training. A third of `encoded` (at most `most`) is
    held out; of the rest up to `most` train, against as many drawn points; the other drawn points (at most `most`) are judged.
    5,000 codes: 3,333 train and 1,667 are held out; from 60,000 on it is 20,000 and 20,000. The interval resamples the held-out
    points of both sides; the classifiers stay as they are. Details: what either classifier accepts alone.
    Raises DataError, ConfigError.
    """
    check_codes(encoded, FEWEST_TO_TELL, "likeness needs at least {} codes, to learn from most and judge by the rest")
    rng = rng_of(seed)
    training, held_out = parted(len(encoded), most)
    if len(drawn) <= training:
        raise ConfigError(f"{len(drawn)} drawn points are too few: {training} train the classifiers. Draw twice as many.")
    standard = Standard(encoded)
    encoded, drawn = standard(rng.permutation(encoded)), standard(drawn)
    both = logits(encoded[:training], drawn[:training], seed)
    encoded, drawn = encoded[training : training + held_out], drawn[training : training + most]
    scores = [(score(encoded), score(drawn)) for score in both]
    trees, network = (accepted_share(*pair)[0] for pair in scores)
    value, low, high = accepted_share(scores[0][0] + scores[1][0], scores[0][1] + scores[1][1], seed=seed)
    details = {"trees_alone": trees, "network_alone": network, "training": float(training), "held_out": float(held_out)}
    reading = _reading(value, high)
    return Measure("acceptance", value, low, high, reading, details, better="higher")


def accepted_share(encoded: Array, drawn: Array, *, seed: int = 0, resamples: int = 10_000) -> tuple[float, float, float]:
    """P(drawn >= t) / .95, t the 5 % quantile of `encoded`, cut at 1; with its 95 % bootstrap interval: value, low, high.

    encoded (m,), drawn (k,): scores; both are resampled, see `region.accepted`.
    """
    share, resampled = accepted(np.sort(encoded), np.sort(drawn), rng_of(seed), resamples)
    value, low, high = (min(1.0, float(one) / (1 - OUTSIDE)) for one in (share, *np.quantile(resampled, [0.025, 0.975])))
    return value, low, high


def _reading(value: float, high: float) -> str:
    if high >= 1:
        return "Draws are distributed like encoded data, as far as this test can see."
    return (
        f"Draws are distributed like encoded data by {percent(value)} at most: the rest is beside it, or crowds in part of it."
    )
