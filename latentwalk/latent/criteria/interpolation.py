"""How much worse is what lies between two examples than what the examples themselves decode to?

A decoder that blurs spoils reconstructions as well; only what it does worse halfway between two of them is the fault of the
way. So the Fréchet distance of decoded midpoints to data is taken less that of reconstructions to the same data, as many of
either, in one feature space (`features.py`). Straight lines between codes leave the region of data more often than not in many
dimensions: Agustsson et al. 2018, "Optimal transport maps for distribution matching operations on latent spaces", measure it
by the inception score of midpoints; Berthelot et al. 2018, "Understanding and improving interpolation in autoencoders via an
adversarial regularizer", train against it.
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student

from latentwalk.arrays import Array
from latentwalk.chance import rng_of
from latentwalk.data.rows import taken
from latentwalk.errors import ConfigError
from latentwalk.latent.codes import check_codes
from latentwalk.latent.criteria.features import Features
from latentwalk.latent.criteria.fidelity import frechet_distance
from latentwalk.latent.criteria.measure import Measure, percent
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.holes import Holes

__all__ = ["interpolation_gap"]

FEWEST = 100  # held-out examples, half of which stand for data
GROUPS = 10  # of the jackknife


def interpolation_gap(
    space: Encoded, features: Features, *, at: Sequence[float] = (0.5,), most: int = 10_000, seed: int = 0
) -> Measure:
    """FID of decoded points between two examples, to data, less that of reconstructions, to the same data. Best near 0.

    Of at most `most` rows the model was not trained on (any rows where that is not known), half are data, and the other half
    are reconstructed and are the ends of straight lines, each of two. at: where on the line, whose ends are 0 and 1: the
    middle, or a whole walk, whose points are taken together. The interval is a jackknife's over ten groups of rows.
    Details: both distances, and the share of points between, and of codes, in holes (`space.holes`: .05 of encoded data).
    Raises DataError for fewer than 100 such rows, or values that are no numbers; ConfigError for places off the line.
    """
    places = np.asarray(at, dtype=np.float64)
    if places.ndim != 1 or not len(places) or not ((places > 0) & (places < 1)).all():
        raise ConfigError(f"at={at!r}: expected places between the ends of a line, above 0 and below 1.")
    rows = space.unseen
    check_codes(space.codes[rows], FEWEST, "the interpolation gap needs at least {} held-out codes")
    rows = rng_of(seed).permutation(rows)[:most]
    half = len(rows) // 2
    ends = space.codes[rows[half : 2 * half]]
    between = np.stack([(1 - place) * ends + place * np.roll(ends, 1, axis=0) for place in places])  # (P, half, D)
    data = features(np.asarray(taken(space.data, np.sort(rows[:half]))))
    apart = [features(np.asarray(space.decode(z.astype(np.float32)))) for z in (ends, *between)]

    worse = _worse(data, apart)
    value = worse[0] - worse[1]
    error = _jackknife(data, apart)
    inside = space.kept(Holes)
    holes = float(inside(between.reshape(-1, space.dim)).mean()), float(inside(ends).mean())
    details: dict[str, float | list[float]] = {
        "between": worse[0],
        "reconstructions": worse[1],
        "holes_between": holes[0],
        "holes_codes": holes[1],
    }
    where = "Halfway" if len(places) == 1 and places[0] == 0.5 else "On the straight line"
    reading = (
        f"{where} between two examples, what is decoded has FID {worse[0]:.3g}; at the examples, {worse[1]:.3g} "
        f"({features.name}; {half:,} of each). {percent(holes[0])} of the points between lie in a hole, {percent(holes[1])} of "
        "the codes."
    )
    return Measure("interpolation gap", value, value - error, value + error, reading, details, "FID", digits=1, better="lower")


def _worse(data: Array, apart: Sequence[Array]) -> tuple[float, float]:
    """The Fréchet distance to `data` (m, F) of the features between, all but the first, and of the first, reconstructions."""
    return frechet_distance(np.concatenate(apart[1:]), data), frechet_distance(apart[0], data)


def _jackknife(data: Array, apart: Sequence[Array]) -> float:
    """Half of the 95 % interval of the difference of the two: each tenth of the rows is left out in turn."""
    left = []
    for group in range(GROUPS):
        kept = np.arange(len(data)) % GROUPS != group
        between, reconstructions = _worse(data[kept], [one[kept] for one in apart])
        left.append(between - reconstructions)
    error = np.sqrt((GROUPS - 1) * np.var(left))
    return float(student.ppf(0.975, GROUPS - 1) * error)
