"""What several symptoms look at, each measured once and only when it is asked for.

Two sets of rows never meet: yardsticks (principal components, neighbours) are learnt from `learnt`, and judged on `judged`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.decomposition import PCA

from latentwalk.arrays import Array
from latentwalk.errors import DataError
from latentwalk.latent.codes import check_codes
from latentwalk.latent.criteria.nearest import two_nearest
from latentwalk.latent.criteria.structure import Units, active_units
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.origin import Origin
from latentwalk.latent.samplers import Sampler
from latentwalk.models.likelihood import likelihood_named
from latentwalk.models.recipes import RECIPES

__all__ = ["FEWEST", "Evidence", "beyond_chance", "square"]

FEWEST = 100  # rows, below which no share or ratio of errors says anything
LEARNT, JUDGED = 3_000, 1_500  # rows looked at, at most
NUMBERS = 2**25  # values of them held at once: 128 MB as float32
COMPONENTS = 64  # principal components, at most
WRITTEN = 500  # texts, which take long to decode
KEPT = 0.02  # of the data's variance that leaving directions of the codes out may cost
WIDEST = 512  # dimensions beyond which nobody asks which are needed
STREAM = 4187
EDGE = 1e-4  # a probability is never nearer to 0 or 1: a decoder that is sure and wrong would decide everything


@dataclass(frozen=True, eq=False)  # without slots, for the cached properties
class Evidence:
    """A space under examination. new: rows (m, *E) given to be judged beside it, or None.

    Raises DataError for fewer than 100 codes, codes that are no numbers, or examples that are all the same.
    """

    space: Encoded
    new: Array | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_codes(self.space.codes, FEWEST, "a diagnosis needs at least {} codes")
        judged = self._rows[1]
        varies = self.variance > 0 if self.valued else bool((self.space.data[judged] != self.space.data[judged[:1]]).any())
        if not varies:
            raise DataError("all examples are equal: there is nothing that a code could say of them.")

    def rng(self) -> np.random.Generator:
        """A stream of its own: data that was drawn with the same seed must not meet the same noise again."""
        return np.random.default_rng([self.seed, STREAM])

    # ------------------------------------------------------------------ what it is of

    @cached_property
    def origin(self) -> Origin:
        """How the model came about; a plain VAE, or AE where the codes are points, where that is not known."""
        return self.space.origin or Origin(RECIPES["vae" if self.gaussian else "ae"])

    @cached_property
    def gaussian(self) -> bool:
        """Whether a code is a distribution, and not a point."""
        return bool((self.space.scales > 0).all())

    @property
    def drawn_from(self) -> Sampler:
        """Where the model draws new codes from: the sampler fitted to it, or else its prior."""
        return self.space.fitted or self.space.prior

    @cached_property
    def units(self) -> Units:
        """What each dimension is used for."""
        return active_units(self.space)

    @property
    def valued(self) -> bool:
        """Whether examples have values that can be subtracted: not texts, nor music as words."""
        return not self.space.serial

    # ------------------------------------------------------------------ rows

    @cached_property
    def held(self) -> bool:
        """Whether enough rows are known that were held out while learning, and enough that were not."""
        mask = self.space.held_out
        return mask is not None and mask.sum() >= FEWEST // 5 and (~mask).sum() >= FEWEST // 2

    @cached_property
    def _rows(self) -> tuple[Array, Array]:
        rng = self.rng()
        mask = self.space.held_out if self.held else None
        if mask is None:
            mask = np.arange(len(self.space)) >= 2 * len(self.space) // 3
            mask = rng.permutation(mask)
        size = max(1, int(np.prod(self.space.data.shape[1:])))
        learnt, judged = (rng.permutation(np.flatnonzero(of)) for of in (~mask, mask))
        most = max(FEWEST, NUMBERS // size) if self.valued else WRITTEN
        return np.sort(learnt[: min(LEARNT, most)]), np.sort(judged[: min(JUDGED, most)])

    @property
    def learnt(self) -> Array:
        """Numbers of rows the model was trained on; of any, where that is not known."""
        return self._rows[0]

    @property
    def judged(self) -> Array:
        """Numbers of other rows: held out, where that is known."""
        return self._rows[1]

    # ------------------------------------------------------------------ examples, flat and in units of the data

    @cached_property
    def x(self) -> tuple[Array, Array]:
        """The examples of `learnt` (m, C) and of `judged` (k, C)."""
        learnt, judged = (self.space.flat(np.asarray(self.space.data[rows])) for rows in self._rows)
        return learnt, judged

    @cached_property
    def y(self) -> tuple[Array, Array]:
        """What their codes decode to."""
        learnt, judged = (self.space.outputs(self.space.codes[rows], rows) for rows in self._rows)
        return learnt, judged

    @cached_property
    def residual(self) -> tuple[Array, Array]:
        """What the model leaves of them: x - y."""
        return self.x[0] - self.y[0], self.x[1] - self.y[1]

    @cached_property
    def variance(self) -> float:
        """Mean squared distance of the judged examples from the mean of the learnt ones, per value."""
        return square(self.x[1] - self.x[0].mean(axis=0))

    @cached_property
    def errors(self) -> Array:
        """How far each judged row is from what its code decodes to, (k,): mean squared error per value, or `Encoded.apart`."""
        return np.square(self.residual[1]).mean(axis=1) if self.valued else self._apart(self.judged)

    @cached_property
    def error(self) -> float:
        """Mean squared error of the judged rows, per value; of what has no values, how far they are apart."""
        return square(self.residual[1]) if self.valued else float(self.errors.mean())

    @cached_property
    def error_learnt(self) -> float:
        """The same of the learnt rows."""
        return square(self.residual[0]) if self.valued else float(self._apart(self.learnt[: len(self.judged)]).mean())

    def _apart(self, rows: Array) -> Array:
        return self.space.apart(np.asarray(self.space.data[rows]), self.space.decoded_rows(self.space.codes[rows], rows))

    # ------------------------------------------------------------------ yardsticks

    @cached_property
    def linear(self) -> Array:
        """The share of the judged rows' variance that k principal components of the learnt rows reach, k = 1 … K: (K,)."""
        return explained(*self.x, self.seed)

    @cached_property
    def linear_error(self) -> float:
        """Mean squared error of the judged rows that as many principal components leave as the space has dimensions."""
        return self.variance * (1 - float(self.linear[min(self.space.dim, len(self.linear)) - 1]))

    @property
    def shrinkage(self) -> float:
        """What the best linear VAE errs beyond principal components, for it gives less of what noise hides from its codes.

        A component of variance s is given shrunk by the noise v in it, so that v^2 / s of it is left (Tipping & Bishop 1999,
        eq. 9 to 17); beta multiplies the noise. 0 where codes are points, which nothing shrinks.
        """
        dim, size = min(self.space.dim, len(self.linear)), self.x[0].shape[1]
        if not self.gaussian or dim >= size:
            return 0.0
        given = np.diff(self.linear[:dim], prepend=0.0).clip(min=1e-300)
        noise = self.origin.beta * (1 - self.linear[dim - 1]) / (size - dim)
        return self.variance * float(np.minimum(given, noise**2 / given).sum())

    @cached_property
    def left(self) -> Array:
        """What k further linear dimensions would take off the judged error, beyond chance: (K,), in shares of the variance."""
        gains = beyond_chance(*self.residual, self.seed) * self.error / self.variance
        return np.maximum.accumulate(gains)  # further ones, where only noise is left, would seem to take some back

    @cached_property
    def dimension(self) -> float | None:
        """In how many dimensions the examples spread around each other; None where that cannot be said."""
        return _dimension(self.x[0])

    @property
    def wide(self) -> bool:
        """Whether codes are meant to have more dimensions than are needed: sparse ones, and those as wide as the data."""
        dim = self.space.dim
        return self.origin.recipe.sparsity is not None or dim >= self.x[0].shape[1] or dim > WIDEST

    @cached_property
    def needed(self) -> int:
        """How many directions of the codes give all that the decoder gives, but for 2 % of the data's variance.

        The directions are the principal axes of the codes; what is left out stays at its mean. By bisection: the error falls
        with each direction that is let in.
        """
        codes, x = self.space.codes, self.x[1]
        centre = codes.mean(axis=0, dtype=np.float64)
        axes = np.linalg.eigh(np.atleast_2d(np.cov(codes.astype(np.float64), rowvar=False)))[1][:, ::-1]
        away, low, high = codes[self.judged] - centre, 0, self.space.dim
        while low < high:
            middle = (low + high) // 2
            kept = axes[:, :middle]
            cost = square(x - self.space.outputs(away @ kept @ kept.T + centre, self.judged)) - self.error
            low, high = (low, middle) if cost <= KEPT * self.variance else (middle + 1, high)
        return low

    @cached_property
    def price(self) -> float | None:
        """How many nats of likelihood one more nat in the codes would bring: beta, read off the model itself.

        At a minimum of reconstruction + beta KL, the noise sigma of a code costs beta (1 - sigma²) / 2 nats a dimension: the
        derivative by log sigma is 0. So beta = 2 (cost of that noise) / sum (1 - sigma²), whatever the training called it.
        Nats are those of the likelihood that suits the data: Bernoulli where values lie at the ends of their range, else a
        Gaussian with the sigma of the residuals. A model trained with another likelihood, or a sigma fixed too large, shows
        as a price far from 1. None for points, and where no code says anything.
        Measured: .9 to 1.1 for VAEs of 2 to 32 dimensions on MNIST (beta = 1).
        """
        capacity = float((1 - np.square(self.space.scales[self.learnt], dtype=np.float64)).clip(0).mean(axis=0).sum())
        if not self.gaussian or capacity < 0.05 or not self.units.active.any():
            return None
        noisy = self.space.outputs(self.space.draw_codes(self.rng())[self.learnt], self.learnt)
        return max(0.0, 2 * self._cost(noisy) / capacity)

    def _cost(self, noisy: Array) -> float:
        """Nats an example that `noisy` (m, C) is worse than what the codes themselves decode to."""
        spec, x, y = self.space.spec, self.x[0], self.y[0]
        if spec is not None and not spec.columns and likelihood_named("auto", spec).kind == "bernoulli":
            scale = spec.high / np.asarray(self.space.unit, np.float64).reshape(-1)
            return _bernoulli(x / scale, noisy / scale) - _bernoulli(x / scale, y / scale)
        columns = spec.columns if spec is not None else ()
        kept = np.array([column.kind != "category" for column in columns] or [True] * x.shape[1])
        if not kept.any():
            return 0.0
        if columns:  # each column has a sigma of its own
            before, after = (np.square(x - of)[:, kept].mean(axis=0, dtype=np.float64) for of in (y, noisy))
        else:
            before, after = (np.array([square(x - of)]) for of in (y, noisy))
        each = np.divide(after - before, after, out=np.zeros_like(after), where=after > 0)
        return float(each.mean() * kept.sum() / 2)


def square(values: Array) -> float:
    """The mean of the squares."""
    return float(np.mean(np.square(values), dtype=np.float64))


def explained(learnt: Array, judged: Array, seed: int) -> Array:
    """The share of the variance of `judged` (k, C) that 1, 2, … principal components of `learnt` (m, C) take up: (K,)."""
    most = min(COMPONENTS, learnt.shape[1], len(learnt) - 1)
    solver = "randomized" if most < min(learnt.shape) // 2 else "full"
    found = PCA(most, svd_solver=solver, random_state=seed).fit(learnt)
    whole = float(np.square(judged - found.mean_).sum(axis=1, dtype=np.float64).mean())
    shares = np.cumsum(np.square(found.transform(judged), dtype=np.float64).mean(axis=0)) / max(whole, 1e-300)
    return np.asarray(shares.clip(0, 1))


def beyond_chance(learnt: Array, judged: Array, seed: int) -> Array:
    """`explained`, less what it is when each value is dealt out anew among the rows, and so goes with no other: (K,)."""
    rng = np.random.default_rng(seed)
    return explained(learnt, judged, seed) - explained(rng.permuted(learnt, axis=0), rng.permuted(judged, axis=0), seed)


def _bernoulli(x: Array, p: Array) -> float:
    """-log p(x) of gray values read as probabilities, in nats, the mean over rows of the sum over values."""
    p = p.astype(np.float64).clip(EDGE, 1 - EDGE)
    return float(-(x * np.log(p) + (1 - x) * np.log1p(-p)).sum(axis=1).mean())


def _dimension(x: Array) -> float | None:
    try:
        return two_nearest(x.astype(np.float64))
    except DataError:
        return None
