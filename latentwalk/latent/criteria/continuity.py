"""Is the latent space continuous? Continuity as a number.

A finite network is always continuous as a function, so the question needs a scale: of steps that are a tenth of the codes'
own spread, how many change the output by less than half of what lies between two neighbouring examples?
"""

import math
from numbers import Real

import numpy as np
from sklearn.neighbors import NearestNeighbors

from latentwalk.arrays import Array
from latentwalk.chance import rng_of
from latentwalk.checks import whole
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.codes import check_codes
from latentwalk.latent.criteria.measure import Measure, percent, wilson
from latentwalk.latent.encoded import Encoded

__all__ = ["FEWEST_TO_STEP", "continuity", "neighbour_distance"]

FEWEST_TO_STEP = 20  # held-out codes below which a share says nothing
CURVE = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)  # the steps s of continuity's curve
WRITTEN = 1_000  # codes of texts, which take long to decode
CURVE_CODES = 2_000  # codes the curve is drawn from; the headline uses all
NEIGHBOURS = 10_000  # examples among which neighbours are looked for
CELLS = 2**27  # of tables of edits that are gone through to find neighbours among texts
AT_ONCE = 2**25  # numbers decoded or held at once: 128 MB as float32


def continuity(space: Encoded, *, scale: float = 0.1, seed: int = 0, most: int = 5_000) -> Measure:
    """The share of held-out codes z with d(f(z), f(z + s Sigma^(1/2) eps)) <= half the median neighbour distance, in [0, 1].

    f: the decoder. eps ~ N(0, I). s: `scale`. Sigma: the covariance of all codes. d: the root of the summed squared
    difference, in units of `space.unit`; of texts, the edits that make one the other, as a share of the longer. The neighbour
    distance is that of the data (`neighbour_distance`). At most `most` codes are stepped from; of texts, which are written unit
    after unit, 1,000. The interval is Wilson's: it covers which codes were looked at, not the neighbour distance.
    Details: the curve over s, and the 99th percentile of the jump in neighbour distances.
    Raises DataError for too few held-out codes, or codes, data or decoded outputs that are no numbers; ConfigError for a
    scale that is not positive.
    """
    if not isinstance(scale, Real) or not (math.isfinite(scale) and scale > 0):
        raise ConfigError(f"continuity's scale must be a positive number, got {scale}. Usual is 0.1, a tenth of the spread.")
    whole("most", most, "codes", least=1)
    most = min(most, WRITTEN if space.serial else len(space.unseen))
    if not isinstance(seed, int):
        return _continuity(space, scale, seed, most)
    return space.once((continuity, scale, seed, most), lambda: _continuity(space, scale, seed, most))  # it is asked for often


def _continuity(space: Encoded, scale: float, seed: int, most: int) -> Measure:
    """See `continuity`."""
    rng = rng_of(seed)
    rows = space.unseen
    check_codes(space.codes[rows], FEWEST_TO_STEP, "continuity needs at least {} held-out codes")
    near = neighbour_distance(space, rng)
    rows = rng.permutation(rows)[:most]
    z = space.codes[rows]
    step = rng.standard_normal(z.shape) @ _root(space.codes)  # one direction a code, shared by all scales

    jump = _jumps(space, z, rows, step, (scale,))[0] / near  # (m,), in neighbour distances
    few = WRITTEN // 4 if space.serial else CURVE_CODES
    curve = _jumps(space, z[:few], rows[:few], step[:few], CURVE) / near  # (S, m)
    hits = int((jump <= 0.5).sum())
    details: dict[str, float | list[float]] = {
        "scale": float(scale),
        "neighbour_distance": near,
        "jump_p99": float(np.quantile(jump, 0.99)),
        "curve_scales": list(CURVE),
        "curve": (curve <= 0.5).mean(axis=1).tolist(),
        "curve_jump_p99": np.quantile(curve, 0.99, axis=1).tolist(),
    }
    reading = (
        f"A step of {scale:g} of the codes' own spread leaves the output within half the distance between neighbouring "
        f"examples {percent(hits / len(z))} of the time; the largest 1 % of changes reach "
        f"{details['jump_p99']:.2g} of that distance or more."
    )
    return Measure("continuity", hits / len(z), *wilson(hits, len(z)), reading, details, better="higher")


def neighbour_distance(space: Encoded, rng: np.random.Generator) -> float:
    """The median distance from an example to the nearest different one, among up to 10,000 of the data, in `space.unit`s.

    Equal examples count once: where half the data are copies the median would otherwise be zero, and every decoder
    discontinuous. Neighbours lie closer in a larger sample, so numbers are comparable between samples of one size.
    Raises DataError when all examples are equal, or one holds a NaN.
    """
    if space.serial:  # which takes long, and is asked several times
        return space.once(_edits_to_neighbour, lambda: _edits_to_neighbour(space, rng_of(0)))
    event = max(1, int(np.prod(space.data.shape[1:])))
    rows = np.sort(rng.permutation(len(space.data))[: min(NEIGHBOURS, max(100, 4 * AT_ONCE // event))])
    x = space.flat(np.asarray(space.data[rows]))  # (m, prod(E))
    if not np.isfinite(x).all():
        raise DataError("the data of this space hold NaN or infinity; distances between examples need numbers.")
    x = x[list({row.tobytes(): at for at, row in enumerate(x)}.values())]
    if len(x) < 2:
        raise DataError(f"all {len(rows)} examples are equal: continuity compares with the distance between neighbours.")
    asked = x[rng.permutation(len(x))[: max(100, min(len(x), AT_ONCE // event))]]
    distances, _ = NearestNeighbors(n_neighbors=2).fit(x).kneighbors(asked)  # the first of the two is the example itself
    return float(np.median(distances[:, 1]))


def _edits_to_neighbour(space: Encoded, rng: np.random.Generator) -> float:
    """The median distance from a text to the nearest different one, among as many as there is time to compare."""
    x = np.unique(np.asarray(space.data), axis=0)
    if len(x) < 2:
        raise DataError(f"all {len(space)} texts are equal: continuity compares with the distance between neighbours.")
    x = rng.permutation(x)[: NEIGHBOURS // 4]
    asked = x[: max(20, CELLS // (len(x) * x.shape[1] ** 2))]
    apart = space.apart(asked.repeat(len(x), axis=0), np.tile(x, (len(asked), 1))).reshape(len(asked), len(x))
    apart[np.arange(len(asked)), np.arange(len(asked))] = np.inf
    return float(np.median(apart.min(axis=1)))


def _jumps(space: Encoded, z: Array, rows: Array, step: Array, scales: tuple[float, ...]) -> Array:
    """How far the output moves when codes z (m, D) of rows (m,) move by scale * step: (S, m), in units of the data."""
    event = max(1, int(np.prod(space.data.shape[1:])))
    once = max(1, AT_ONCE // event)
    found = np.empty((len(scales), len(z)))
    for start in range(0, len(z), once):
        part = slice(start, start + once)
        here = space.decoded_rows(z[part], rows[part])
        for at, scale in enumerate(scales):
            there = space.decoded_rows(z[part] + scale * step[part], rows[part])
            found[at, part] = space.apart(here, there)
    return found


def _root(codes: Array) -> Array:
    """The symmetric root (D, D) of the codes' covariance; a flat direction has none and is not stepped along."""
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(codes.astype(np.float64), rowvar=False)))
    root: Array = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    return root
