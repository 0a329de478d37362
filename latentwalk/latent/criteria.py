"""Is the latent space complete, and is it continuous? The textbook's two words, as numbers.

Completeness. A point is plausible if encoded data lies around it. Take the smallest region A that holds 95 % of the encoded
codes P, smallest in what it catches of the sampling distribution Q; completeness is min over A of Q(A) / .95, with P(A) >= .95.
By Neyman and Pearson that region is where the likelihood ratio P/Q is high, and the logit of a classifier that tells P from Q
is an estimate of that ratio. Whatever the classifier fails to see only makes Q(A) larger, so the number is an upper bound.
Two classifiers are added up because each is blind where the other sees: trees miss tilted holes in many dimensions, a small
network misses thin slabs. The threshold and the shares come from points neither of them was trained on.

Continuity. A finite network is always continuous as a function, so the question needs a scale: of steps that are a tenth of the
codes' own spread, how many change the output by less than half of what lies between two neighbouring examples?

Sources: Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests"; Sugiyama et al. 2012 (classifiers as density ratios).
Planted holes of known size are measured in `benchmarks/planted_holes.py`; the choice of the two classifiers is told in `docs/design.md`.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import NearestNeighbors
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.measure import Measure, mean_interval, wilson

if TYPE_CHECKING:
    from latentwalk.latent.sampling import Sampler
    from latentwalk.latent.space import LatentSpace

__all__ = ["acceptance", "accepted_share", "completeness", "continuity", "foreign_classes", "neighbour_distance"]

Array = NDArray[Any]
Score = Callable[[Array], Array]  # (m, D) → (m,), higher where the point looks encoded

OUTSIDE = 0.05  # the share of encoded data that may fall outside the accepted region
FEWEST_TO_TELL = 300  # codes below which a third of them cannot hold a 5 % quantile
FEWEST_TO_STEP = 20  # held-out codes below which a share says nothing
CURVE = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)  # the steps s of continuity's curve
CURVE_CODES = 2_000  # codes the curve is drawn from; the headline uses all
NEIGHBOURS = 10_000  # examples among which neighbours are looked for
AT_ONCE = 2**25  # numbers decoded or held at once: 128 MB as float32

SOURCES = {"prior": "the model's own prior", "gaussian": "the Gaussian with the codes' mean and covariance"}


# ---------------------------------------------------------------------- completeness


def completeness(
    space: "LatentSpace", sampler: "str | Sampler" = "prior", *, seed: int = 0, most: int = 20_000
) -> Measure:
    """At most this share of draws from a sampling distribution lands where encoded data lies, in [0, 1].

    sampler: "prior", "gaussian" (mean and covariance of the codes), or any sampler (n, generator) → (n, D).
    Encoded data is one draw of q(z | x) per example, or the code itself for a plain autoencoder; all rows take part, for
    what matters is where the decoder has been. most: points a side to train the classifiers with, and again to judge by.
    Raises DataError for fewer than 300 codes or any that is no number; ConfigError for an unknown sampler, or one of
    another dimension.
    """
    rng = np.random.default_rng(seed)
    encoded = space.draw_codes(rng)
    draw, wanted = space.sampler(sampler), _split(len(encoded), most)[0] + most
    found = acceptance(encoded, _drawn(draw, wanted, space.dim, rng), seed=seed, most=most)
    source = SOURCES[sampler] if isinstance(sampler, str) else "the given sampler"
    return replace(found, name="completeness", reading=_completeness_reading(found, source))


def acceptance(encoded: Array, drawn: Array, *, seed: int = 0, most: int = 20_000) -> Measure:
    """The share of `drawn` (m, D) that two classifiers together cannot tell from `encoded` (n, D): P(score >= t) / .95.

    t is the 5 % quantile of the score of encoded points held out from training. A third of `encoded` (at most `most`) is
    held out; of the rest up to `most` train, against as many drawn points; the other drawn points (at most `most`) are judged.
    5,000 codes: 3,333 train and 1,667 are held out; from 60,000 on it is 20,000 and 20,000. The interval resamples the held-out
    points of both sides; the classifiers stay as they are. Details: what either classifier accepts alone.
    Raises DataError, ConfigError.
    """
    _check_codes(encoded, FEWEST_TO_TELL, "completeness needs at least {} codes, to learn from most and judge by the rest")
    rng = np.random.default_rng(seed)
    training, held_out = _split(len(encoded), most)
    if len(drawn) <= training:
        raise ConfigError(f"{len(drawn)} drawn points are too few: {training} train the classifiers. Draw twice as many.")
    encoded, drawn = _standardised(rng.permutation(encoded), drawn)
    x = np.concatenate([encoded[:training], drawn[:training]])  # (2 * training, D)
    y = np.repeat([1, 0], training)
    encoded, drawn = encoded[training : training + held_out], drawn[training : training + most]

    scores = [(score(encoded), score(drawn)) for score in (_trees(x, y, seed), _network(x, y, seed))]
    alone = {name: accepted_share(*pair)[0] for name, pair in zip(("trees", "network"), scores, strict=True)}
    value, low, high = accepted_share(*np.sum([np.concatenate(pair) for pair in scores], axis=0)[: len(encoded)], ...)
    return Measure("acceptance", value, low, high, "", alone)
