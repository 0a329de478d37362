"""Does encoded data, as a whole, fill the prior? What the codes know of the examples, and where they are not what is drawn.

q(z) is the mean of q(z | x) over the data: the aggregate posterior. The KL term of a VAE is the sum of two things of which
one is wanted and one is not (Hoffman & Johnson 2016, "ELBO surgery", equation 9), all in nats an example:

    mean of KL(q(z | x) || p(z))  =  I(x; z)  +  KL(q(z) || p(z))

- I(x; z), the mutual information: what a code says about which example it came from.
- KL(q(z) || p(z)), the prior gap: how far what is encoded, as a whole, is from what is drawn.

q(z) is not known, only n examples of q(z | x). Two estimates stand on either side of the gap. The mixture of the n encoded
examples themselves is known exactly, and its gap is at least that of q(z): it knows n bumps and nothing between them, so that
I(x; z) can be at most log n in it (Poole et al. 2019, "On variational bounds of mutual information"). A mixture of a few
Gaussians (`samplers.Mixture`), fitted to half of the data, has on the other half the gap less its own distance from q(z): at
most the gap. Where a code tells an example from more than n others, in 8 dimensions of MNIST already, the first says little and
the second is the one to read; so it is the value, and the first is the other end of the interval.

A plain autoencoder's q(z | x) is a point: I(x; z) is not defined there, and the gap has the fitted estimate alone. `mmd` needs
no density of either side.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from latentwalk.arrays import Array
from latentwalk.chance import rng_of
from latentwalk.checks import MADE, whole
from latentwalk.errors import DataError
from latentwalk.latent.codes import check_codes
from latentwalk.latent.criteria.measure import Measure, half_width
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.samplers import Mixture, Sampler
from latentwalk.training.runtime import one_thread

__all__ = ["elbo_surgery", "log_prior", "mutual_information", "prior_gap"]

FEWEST = 40  # codes, half of which are fitted a density
AT_ONCE = 2**22  # densities held at once: 32 MB
SMALL = 0.05  # nats below which a gap is none to speak of


def prior_gap(space: Encoded, *, most: int = 10_000, seed: int = 0) -> Measure:
    """KL(q(z) || p(z)) in nats: how far encoded data, as a whole, is from the model's prior. 0 where they are the same.

    The value is at most the true one (a fitted mixture's); the interval reaches up to what is at least it (that of the mixture
    of encoded examples). By one draw of q(z | x) of at most `most` examples. Details: both estimates, log n, and the mean KL.
    For a plain autoencoder the interval is that of the fitted estimate alone.
    Raises DataError for fewer than 40 codes, any that is no number, or a prior whose density is not known.
    """
    return elbo_surgery(space, most=most, seed=seed)[0]


def mutual_information(space: Encoded, *, most: int = 10_000, seed: int = 0) -> Measure:
    """I(x; z) in nats: what a code says about which example it came from. 0 where all posteriors are the same.

    The value is at least the true one (by a fitted mixture); the interval reaches down to what is at most it (by the mixture of
    the n encoded examples, which can show log n). By one draw of q(z | x) of at most `most` examples.
    Raises DataError as `prior_gap` does, and for a plain autoencoder, whose posterior has no density.
    """
    found = elbo_surgery(space, most=most, seed=seed)[1]
    if found is None:
        raise DataError(
            "mutual information needs a posterior with a density; that of this model is a point (a plain autoencoder). "
            'Use a recipe with one ("vae"), or measure the probe or the class accuracy of the codes.'
        )
    return found


def elbo_surgery(space: Encoded, *, most: int = 10_000, seed: int = 0) -> tuple[Measure, Measure | None]:
    """`prior_gap` and `mutual_information` of the same draws; None for the latter where the posterior is a point."""
    whole("most", most, "examples", least=FEWEST, most=MADE)
    check_codes(space.codes, FEWEST, "the prior gap needs at least {} codes")
    rng = rng_of(seed)
    rows = rng.permutation(len(space.codes))[:most]
    mu, sigma = space.codes[rows].astype(np.float64), space.scales[rows].astype(np.float64)
    z = mu + sigma * rng.standard_normal(mu.shape)
    prior, half = log_prior(space.prior, z), len(z) // 2
    if prior is None:
        raise DataError(f"{type(space.prior).__name__} has no density to compare that of encoded data with. `mmd` needs none.")
    with one_thread():
        fitted = Mixture.fit(z[:half], seed).log_density(z[half:])
        if not (sigma > 0).all():
            return _gap_of_points(fitted - prior[half:]), None
        encoded = _log_aggregate(z, mu, sigma)
    own = -((z - mu) ** 2 / sigma**2 / 2 + np.log(sigma)).sum(axis=1) - z.shape[1] / 2 * np.log(2 * np.pi)
    average = float((own - prior).mean())
    return (
        _gap(fitted - prior[half:], encoded - prior, average),
        _information(own[half:] - fitted, own - encoded),
    )


def log_prior(prior: Sampler, z: Array) -> NDArray[np.float64] | None:
    """log p(z) of codes z (m, D) under a sampling distribution: (m,); None for one whose density is not known."""
    density = getattr(prior, "log_density", None)
    return None if density is None or getattr(prior, "temperature", 1.0) <= 0 else np.asarray(density(z))


# ---------------------------------------------------------------------- inside


def _gap(fitted: Array, encoded: Array, average: float) -> Measure:
    """The measure, from log q(z) - log p(z) by the fitted mixture (m,) and by that of the encoded examples (n,)."""
    value = max(0.0, float(fitted.mean()))
    high = max(value, float(encoded.mean()) + half_width(encoded))
    details = {
        "fitted": float(fitted.mean()),
        "encoded": float(encoded.mean()),
        "average_kl": average,
        "log_n": float(np.log(len(encoded))),
    }
    reading = (
        f"Of the {average:.3g} nats that the KL term costs, about {value:.2g} (at most {high:.2g}) pay for a prior that is not "
        "where encoded data lies; the rest tells examples apart."
    )
    low = max(0.0, float(fitted.mean()) - half_width(fitted))
    return Measure("prior gap", value, low, high, reading, details, "nats", better="lower")


def _gap_of_points(fitted: Array) -> Measure:
    """The same for a plain autoencoder."""
    mean, half = float(fitted.mean()), half_width(fitted)
    value, low, high = (max(0.0, end) for end in (mean, mean - half, mean + half))
    reading = (
        f"Codes, as a whole, are about {value:.2g} nats from the prior, as a mixture fitted to half of them tells; "
        "nothing in a plain autoencoder draws them there."
    )
    return Measure("prior gap", value, low, high, reading, {"fitted": mean}, "nats", better="lower")


def _information(fitted: Array, encoded: Array) -> Measure:
    """The measure, from log q(z | x) - log q(z) by the fitted mixture (m,) and by that of the encoded examples (n,)."""
    shown, most = max(0.0, float(encoded.mean())), float(np.log(len(encoded)))
    value = max(shown, float(fitted.mean()))
    details = {"fitted": float(fitted.mean()), "encoded": float(encoded.mean()), "log_n": most}
    reading = (
        f"A code says about {value:.3g} nats of which example it came from, and {shown:.3g} at least "
        f"({len(encoded):,} examples can show {most:.3g})."
    )
    low, high = max(0.0, shown - half_width(encoded)), max(value, float(fitted.mean()) + half_width(fitted))
    return Measure("mutual information", value, low, high, reading, details, "nats")


def _log_aggregate(z: Array, mu: Array, sigma: Array) -> NDArray[np.float64]:
    """log 1/n sum_j N(z; mu_j, sigma_j²) at codes z (m, D) of n Gaussians (n, D): (m,).

    The squares are multiplied out, so that all pairs are one product of matrices; the codes are moved to their middle first.
    """
    centre = mu.mean(axis=0)
    z, mu, precision = z - centre, mu - centre, sigma**-2.0
    constant = -(mu**2 * precision / 2 + np.log(sigma)).sum(axis=1) - z.shape[1] / 2 * np.log(2 * np.pi) - np.log(len(mu))
    weights = np.concatenate([-precision / 2, mu * precision], axis=1).T  # (2D, n)
    found = np.empty(len(z))
    step = max(1, AT_ONCE // len(mu))
    for start in range(0, len(z), step):
        some = z[start : start + step]
        found[start : start + step] = logsumexp(np.concatenate([some**2, some], axis=1) @ weights + constant, axis=1)
    return found
