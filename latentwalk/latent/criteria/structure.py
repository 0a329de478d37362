"""What the codes look like from the inside: which dimensions are used, and whether neighbours in the data stay neighbours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import trustworthiness as sklearn_trustworthiness
from sklearn.metrics.pairwise import euclidean_distances

from latentwalk.arrays import Array
from latentwalk.chance import rng_of
from latentwalk.checks import MADE, whole
from latentwalk.errors import DataError
from latentwalk.latent.encoded import Encoded
from latentwalk.models.collapse import ACTIVE, COLLAPSED

__all__ = ["Units", "active_units", "collapsed", "neighbour_preservation", "trustworthiness"]

TEXTS = 1_000  # of which each is compared with each
NAMED = 8  # dimensions listed by number in a sentence; beyond that only their count is given


@dataclass(frozen=True, slots=True)
class Units:
    """What each latent dimension is used for.

    variance: (D,) of the posterior means over the examples. active: (D,) variance > .01. kl: (D,) KL(q || N(0, 1)) in nats,
    the mean over the examples; None for a plain autoencoder, whose posterior is a point.
    """

    variance: NDArray[np.float64]
    active: NDArray[np.bool_]
    kl: NDArray[np.float64] | None


def active_units(space: Encoded) -> Units:
    """Per dimension: Var_x(E_q[z]), whether that is above .01, and KL(q(z | x) || N(0, 1)) = (mu² + sigma² - 1) / 2 - ln sigma.

    The .01 rule is made for a space whose prior is N(0, I); a plain autoencoder may put its codes on any scale.
    Source: Burda et al. 2016, section 5.2; Kingma & Welling 2014, appendix B.
    """
    mu, sigma = space.codes.astype(np.float64), space.scales.astype(np.float64)
    if len(mu) < 2 or not np.isfinite(mu).all():
        raise DataError(f"active units need at least 2 codes, all of them numbers; got {len(mu)}.")
    variance = mu.var(axis=0)
    kl = ((mu**2 + sigma**2 - 1) / 2 - np.log(sigma)).mean(axis=0) if (sigma > 0).all() else None
    return Units(variance, variance > ACTIVE, kl)


def collapsed(space: Encoded) -> str | None:
    """A warning, with the remedy, where dimensions of the posterior carry nothing about the data; None where all do.

    A plain autoencoder has no posterior to collapse: only codes that are all one point are a warning there.
    """
    units = active_units(space)
    dim, dead = len(units.active), np.flatnonzero(~units.active)
    if units.kl is None:
        return _dead_encoder(units.variance)
    if len(dead) == 0:
        return None
    if len(dead) == dim:
        return (
            f"The posterior has collapsed: none of the {dim} latent dimensions depends on the data (the codes' variance is at "
            f"most {units.variance.max():.1e}), {COLLAPSED}"
        )
    which = f" ({', '.join(map(str, dead))})" if len(dead) <= NAMED else ""
    return (
        f"The posterior has partly collapsed: {len(dead)} of {dim} latent dimensions{which} do not depend on the data. "
        f"Nothing is lost if reconstructions are good: {_enough(dim - len(dead))} enough. If they are not, lower beta, "
        "warm it up from 0, give free nats, or train for more epochs."
    )


def trustworthiness(space: Encoded, *, k: int = 15, most: int = 4_000, seed: int = 0) -> float:
    """How far the k nearest codes of an example are also near it in the data, in [0, 1]; on at most `most` examples.

    Source: Venna & Kaski 2001, as scikit-learn computes it. Distances in the data are in units of `space.unit`.
    Raises DataError with too few examples for k.
    """
    rows, x = _looked_at(space, k, most, seed, "trustworthiness")
    if space.serial:
        return _kept(x, euclidean_distances(space.codes[rows]), k)
    return float(sklearn_trustworthiness(x, space.codes[rows], n_neighbors=k))


def neighbour_preservation(space: Encoded, *, k: int = 15, most: int = 4_000, seed: int = 0) -> float:
    """How far the k nearest neighbours of an example in the data are also near it among the codes, in [0, 1].

    Venna & Kaski 2001 call it the continuity of the map; `criteria.continuity` is another thing. It is the trustworthiness
    with data and codes changed over. Raises DataError with too few examples for k.
    """
    rows, x = _looked_at(space, k, most, seed, "neighbour preservation")
    if space.serial:
        return _kept(euclidean_distances(space.codes[rows]), x, k)
    return float(sklearn_trustworthiness(space.codes[rows], x, n_neighbors=k))


def _looked_at(space: Encoded, k: int, most: int, seed: int, what: str) -> tuple[Array, Array]:
    """At most `most` rows, and their data (m, C) in units of `space.unit`; of texts, how far they are apart (m, m)."""
    whole("k", k, "neighbours", least=1)
    whole("most", most, "examples", least=1, most=MADE)
    if min(most, len(space.codes)) <= 2 * k:
        raise DataError(f"{what} with k={k} needs more than {2 * k} examples; got {min(most, len(space.codes))}.")
    if space.serial:
        rows = np.sort(rng_of(seed).permutation(len(space.codes))[: min(most, TEXTS)])
        x, count = np.asarray(space.data[rows]), len(rows)
        return rows, space.apart(x.repeat(count, axis=0), np.tile(x, (count, 1))).reshape(count, count)
    rows = np.sort(rng_of(seed).permutation(len(space.codes))[:most])
    return rows, space.flat(np.asarray(space.data[rows]))


def _kept(near: Array, shown: Array, k: int) -> float:
    """How far those nearest by the distances `shown` (m, m) are also near by the distances `near`, in [0, 1]."""
    count = len(near)
    near, shown = (np.where(np.eye(count, dtype=bool), np.inf, distances) for distances in (near, shown))
    ranks = near.argsort(axis=1, kind="stable").argsort(axis=1)  # 0 is the nearest
    nearest = shown.argsort(axis=1, kind="stable")[:, :k]
    beyond = (np.take_along_axis(ranks, nearest, axis=1) + 1 - k).clip(0)
    return float(1 - 2 * beyond.sum() / (count * k * (2 * count - 3 * k - 1)))


def _enough(count: int) -> str:
    return "1 dimension is" if count == 1 else f"{count} dimensions are"


def _dead_encoder(variance: NDArray[np.float64]) -> str | None:
    if variance.max() > 1e-10:
        return None
    return "All examples have the same code: the encoder ignores its input. Lower the learning rate, or train for more epochs."
