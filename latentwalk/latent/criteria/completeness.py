"""Is the latent space complete, and is all of it reached? Two shares, of draws and of data, and a third that mixes them not.

    completeness  the share of draws that land in the region which holds 95 % of encoded data: a drawn point makes sense
    reach         the share of encoded data in the region which holds 95 % of draws: what can be drawn at all

A sampler that always draws the same good point is complete, and reaches nothing; one that spreads far beyond the data reaches
all of it, and is not complete. Both are about codes: where no code was, pictures may still look right (`recognisable`).

Sources: Sajjadi et al. 2018, "Assessing generative models via precision and recall"; Kynkäänniemi et al. 2019, "Improved
precision and recall metric for assessing generative models". How the regions are found: `region`; how far to trust them:
`benchmarks/results/planted.md`.
"""

import numpy as np
from numpy.typing import NDArray

from latentwalk.chance import rng_of, seed_of
from latentwalk.latent.criteria.classifier import Classifier
from latentwalk.latent.criteria.measure import Measure, percent, wilson
from latentwalk.latent.criteria.region import FEWEST_TO_TELL, Region, points
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.holes import OUTSIDE
from latentwalk.latent.samplers import Sampler, draws_of

__all__ = ["completeness", "reach", "recognisable"]

MOST = 20_000
SOURCES = {
    "prior": "the model's own prior",
    "gaussian": "the Gaussian with the codes' mean and covariance",
    "fitted": "the sampler saved with the model",
}
WHOLE = ("prior", "gaussian")  # what the codes that judge cannot have been learnt by heart by
CROWDED = 0.8  # reach below which draws crowd
JUDGED = 4_000  # draws and reconstructions that a classifier looks at


def completeness(space: Encoded, sampler: str | Sampler = "prior", *, seed: int = 0, most: int = MOST) -> Measure:
    """About this share of draws from a sampling distribution lands where encoded data lies, in [0, 1].

    Where that is: the region that holds 95 % of encoded data, one draw of q(z | x) per example, or the code itself of a plain
    autoencoder; all rows take part, for what matters is where the decoder has been. It is found once a space (`Region`).
    sampler: "prior", "gaussian" (mean and covariance of the codes), "fitted" (the one saved with the model), another kind that
    `LatentSpace.sampler` knows, or any sampler (n, generator) → (n, D).
    most: points to learn the region from, and again to judge by.
    Raises DataError for fewer than 300 codes or any that is no number; ConfigError for an unknown sampler, or one of
    another dimension.
    """
    seed, most = seed_of(seed), points(most)
    rng = rng_of(seed)
    draws = draws_of(space.sampler(sampler), most, space.dim, rng)
    region = _region(space, seed, most)
    value, low, high = region.share(draws, seed)
    said = f"{_about(value, high)} of draws from {_source(sampler)} land where encoded data lies"
    rest = "." if high >= 1 else "; where the rest land, no data was encoded, though what they decode to may still look right."
    return Measure("completeness", value, low, high, f"{said}{rest}", {"learnt_from": float(region.learnt_from)})


def reach(space: Encoded, sampler: str | Sampler = "prior", *, seed: int = 0, most: int = MOST) -> Measure:
    """About this share of encoded data lies where draws from a sampling distribution land, in [0, 1].

    Where that is: the region that holds 95 % of draws; of a sampler that knows its density, the densest such region, and
    otherwise one that is learnt (`Region`). A sampler that was fitted to codes is judged by others: "fitted" by the rows held
    out, where it is known which these are, one fitted here by the half it did not see.
    Options and errors are those of `completeness`.
    """
    seed, most = seed_of(seed), points(most)
    rng = rng_of(seed)
    encoded = space.draw_codes(rng)
    draw, judges = _apart(space, sampler, seed)
    draws = draws_of(draw, 2 * most, space.dim, rng)
    judging = rng.permutation(encoded[judges])[:most]
    value, low, high = Region.of_sampler(draw, draws, seed, most=most).share(judging, seed)
    source = _source(sampler)
    crowded = f"Draws from {source} crowd into part of the data: they reach {percent(value)} of it."
    usual = f"Draws from {source} reach {_about(value, high).lower()} of encoded data."
    return Measure("reach", value, low, high, crowded if high < CROWDED else usual)


def recognisable(
    space: Encoded, classifier: Classifier, sampler: str | Sampler = "prior", *, seed: int = 0, most: int = JUDGED
) -> Measure:
    """The share of decoded draws of which a classifier of the data is as sure as of the model's own reconstructions, in [0, 1].

    As sure as: its highest probability is that of the 5 % of reconstructions it is least sure of, or more. That share over .95,
    cut at 1. It looks at what draws decode to, and so tells what codes do not: whether it looks like anything. Its interval is
    Wilson's. Raises DataError, ConfigError.
    """
    most = points(most)
    rng = rng_of(seed)
    rows = np.sort(rng.permutation(space.unseen)[:most])
    line = float(np.quantile(_sureness(classifier, space.decode_as(space.codes[rows], rows)), OUTSIDE))
    drawn = _sureness(classifier, space.decode(draws_of(space.sampler(sampler), most, space.dim, rng)))
    hits = int((drawn >= line).sum())
    value, low, high = (min(1.0, share / (1 - OUTSIDE)) for share in (hits / most, *wilson(hits, most)))
    reading = (
        f"A classifier of the data is as sure of {percent(value)} of what draws from {_source(sampler)} decode to as it is of "
        "reconstructions."
    )
    return Measure("recognisable draws", value, low, high, reading, {"accuracy": classifier.accuracy})


# ---------------------------------------------------------------------- inside


def _region(space: Encoded, seed: int, most: int) -> Region:
    """The region of a space's encoded data: found once."""
    return space.once((Region, seed, most), lambda: Region.fit(space.draw_codes(rng_of(seed)), seed, most=most))


def _apart(space: Encoded, sampler: str | Sampler, seed: int) -> tuple[Sampler, NDArray[np.intp]]:
    """The sampler, and the rows that may judge it: those that it was not fitted to."""
    if (
        isinstance(sampler, str)
        and sampler == "fitted"
        and space.held_out is not None
        and space.held_out.sum() >= FEWEST_TO_TELL
    ):
        return space.sampler(sampler), np.flatnonzero(space.held_out)
    if not isinstance(sampler, str) or sampler in (*WHOLE, "fitted"):
        return space.sampler(sampler), np.arange(len(space))
    rows = rng_of(seed).permutation(len(space))
    half = len(rows) // 2
    return space.fit_sampler(sampler, np.sort(rows[:half]), seed), np.sort(rows[half:])


def _sureness(classifier: Classifier, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """The highest probability of a class of each example (n, *E): (n,)."""
    found: NDArray[np.float64] = classifier.probabilities(x).max(axis=1)
    return found


def _source(sampler: str | Sampler) -> str:
    if not isinstance(sampler, str):
        return "the given sampler"
    return SOURCES.get(sampler, f"{sampler!r}, fitted to the codes,")


def _about(value: float, high: float) -> str:
    """How large a share is, to begin a sentence with."""
    if high >= 1 and value >= 0.995:
        return "Practically all"
    return "Practically none" if value < 0.005 else f"About {percent(value)}"
