"""Do encoded data and draws from the prior come from one distribution? A distance that needs no density of either.

MMD, the maximum mean discrepancy, is the distance of the two means in the space of a kernel. It is 0 only where the two
distributions are the same, and works for a plain autoencoder as well, whose codes have no density.

Sources: Gretton et al. 2012, "A kernel two-sample test", lemma 6 (the unbiased estimate) and section 8 (the kernel's width);
Tolstikhin et al. 2018, "Wasserstein auto-encoders", section 4 (the inverse multiquadric kernel, summed over scales); Fromont et
al. 2012, "Kernels based tests with non-asymptotic bootstrap approaches", section 3 (the null by random signs).
"""

import numpy as np
from scipy.spatial.distance import cdist

from latentwalk.arrays import Array
from latentwalk.chance import rng_of
from latentwalk.checks import MADE, whole
from latentwalk.errors import ConfigError
from latentwalk.latent.codes import check_codes
from latentwalk.latent.criteria.measure import Measure, half_width
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.samplers import Sampler, draws_of
from latentwalk.training.runtime import one_thread

__all__ = ["mmd", "squared_mmd"]

FEWEST = 40  # codes below which the null's spread says nothing
SCALES = (0.1, 0.3, 1.0, 3.0, 10.0)  # of the kernels, in median squared distances
SIGNS = 400  # draws of the null


def mmd(space: Encoded, sampler: str | Sampler = "prior", *, most: int = 3_000, seed: int = 0) -> Measure:
    """MMD² between encoded data and draws from a sampling distribution, unbiased: 0 in the mean where they are the same.

    It is the mean over five inverse multiquadric kernels, whose widths are shares of the median squared distance: a number from
    about 0 (below it by chance) to 2 that depends on neither the codes' unit nor the number of examples. Encoded data is one
    draw of q(z | x) for at most `most` examples. sampler: as for `completeness`.
    Details: "null_95", what 95 % of pairs of samples from one distribution stay below; "p", the share of those above the value.
    Raises DataError for fewer than 40 codes or any that is no number; ConfigError.
    """
    check_codes(space.codes, FEWEST, "MMD needs at least {} codes")
    whole("most", most, "codes", least=FEWEST, most=MADE)
    rng = rng_of(seed)
    x = rng.permutation(space.draw_codes(rng))[:most]
    return squared_mmd(x, draws_of(space.sampler(sampler), len(x), space.dim, rng), rng)


def squared_mmd(x: Array, y: Array, rng: np.random.Generator) -> Measure:
    """Unbiased MMD² between codes x (n, D) and y (n, D); see `mmd`.

    With h_ij = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i) it is the mean of h over i != j. Where both come from one
    distribution x_i and y_i may change places, which turns the sign of row and column i: the null. The interval takes the rows'
    means as independent, which makes it wider than need be near 0.
    """
    if x.shape != y.shape or x.ndim != 2 or len(x) < 2:
        raise ConfigError(f"MMD compares as many codes as draws, (n, D) each, n at least 2; got {x.shape} and {y.shape}.")
    n = len(x)
    with one_thread():
        h = _pairs(x.astype(np.float64), y.astype(np.float64))
        means = h.sum(axis=1) / (n - 1)
        signs = rng.choice([-1.0, 1.0], (n, SIGNS))
        null = np.einsum("ns,ns->s", signs, h @ signs) / (n * (n - 1))
    value, half = float(means.mean()), 2 * half_width(means)
    usual, p = float(np.quantile(null, 0.95)), float((1 + (null >= value).sum()) / (1 + SIGNS))
    reading = (
        f"Draws and encoded data differ: MMD² is {value:.2g}; two samples from one distribution stay below {usual:.1g}."
        if value > usual
        else f"Nothing tells draws from encoded data: MMD² is {value:.1g}, within what chance gives (up to {usual:.1g})."
    )
    details = {"null_95": usual, "p": p}
    return Measure(
        *("prior distance", value, value - half, value + half, reading, details, "MMD²"),
        digits=4,
        better="lower",
    )


def _pairs(x: Array, y: Array) -> Array:
    """h (n, n) with nothing on its diagonal."""
    apart = [cdist(a, b, "sqeuclidean") for a, b in ((x, x), (y, y), (x, y))]
    width = max(float(np.median(apart[2])), np.finfo(np.float64).tiny)
    near, far, across = (_kernel(squared / width) for squared in apart)
    h: Array = near + far - across - across.T
    np.fill_diagonal(h, 0.0)
    return h


def _kernel(squared: Array) -> Array:
    """The mean of s / (s + d²) over the scales s."""
    total: Array = np.zeros_like(squared)
    for scale in SCALES:
        total += scale / (scale + squared)
    return total / len(SCALES)
