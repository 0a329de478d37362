"""Where points lie: a region that holds 95 % of them, learnt from these points alone.

Alone, so that how often other points come to a place does not matter, only whether they come where these are: draws that crowd
into a part of the data are in its region. Three tests look at a point, and it lies outside where any of them says so:

    ratio  how much likelier it is one of the points than a draw of the Gaussian with their moments: sees holes
    tail   its distance from their mean, by Mahalanobis: sees what lies beyond all of them
    near   its distance to the nearest of them: sees what lies beyond, in any direction, and between

Each says it as a rank, the share of points held out from learning that look stranger; `tail` and `near` are allowed to refuse
half as many of them as `ratio`. Where the points are likelier than the Gaussian's draws by calibrated odds of .7 or more,
`ratio` refuses nothing: how dense points lie does not make a place strange.
Few points show few holes: they meet more draws than they are, `ratio` learns of their clusters from a mixture too, and the low
end of every interval lies the lower, the fewer points there are for their dimensions.
Where points are draws of a sampler that knows its density, nothing is learnt: the region is where they are dense.

Sources: Sajjadi et al. 2018, "Assessing generative models via precision and recall"; Simon, Webster & Rabin 2019, "Revisiting
precision and recall definition for generative model evaluation"; the regions of planted spaces are measured in
`benchmarks/planted.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.neighbors import NearestNeighbors

from latentwalk.arrays import Array
from latentwalk.checks import MADE, whole
from latentwalk.latent.codes import check_codes
from latentwalk.latent.criteria.ratio import Logit, Moments, Standard, logits
from latentwalk.latent.holes import OUTSIDE
from latentwalk.latent.samplers import Isotropic, Mixture, Sampler
from latentwalk.models.prior import PriorSampler

__all__ = ["FEWEST_TO_TELL", "Region", "accepted", "parted", "points"]

Density = Callable[[Array], Array]

FEWEST_TO_TELL = 300  # points below which a third of them cannot hold a 5 % quantile
FEWEST_TO_JUDGE = 100
ODDS = 0.7  # of a point and a draw of the Gaussian, from which on `ratio` refuses nothing
GENTLE = 0.5  # by how much more often `ratio` may refuse than the others
FEW = 10_000  # points to learn from, below which a mixture is asked as well
GAUSSIANS = (2, 4, 8, 16)  # in a mixture of few points
ROUNDS = 40  # of a network that learns from many points; fewer points are soon learnt by heart
OVERLOOKED = 0.02  # of a share: planted regions of up to 8 dimensions are missed by less, 9 times in 10
UNSEEN = 0.6  # of a share, times the root of dimensions a point: by how much more the fewer points miss holes
REFITS = 2  # regions that are learnt, with other points held out and other chances
BESIDE = 10_000  # resamples


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A region, learnt several times over: how much the answers differ says how sure they are."""

    fits: tuple["_Tests | _Level", ...]
    learnt_from: int  # points

    @classmethod
    def fit(cls, points: Array, seed: int = 0, *, most: int = 20_000) -> "Region":
        """The region of points (n, D). A third of them, at most `most`, are held out, up to `most` of the rest are learnt from.

        Raises DataError for fewer than 300 points or any that is no number.
        """
        points = check_codes(
            points, FEWEST_TO_TELL, "a region needs at least {} codes, to learn from most and judge by the rest"
        )
        fits = tuple(_Tests.fit(points, seed + 1_000 * again, most) for again in range(REFITS))
        return cls(fits, parted(len(points), most)[0])

    @classmethod
    def of_sampler(cls, sampler: Sampler, draws: Array, seed: int = 0, *, most: int = 20_000) -> "Region":
        """The region of what a sampler draws, of which draws (n, D) are some; where it knows its density, the densest one."""
        known = _Level.of(sampler, draws)
        return cls.fit(draws, seed, most=most) if known is None else cls((known,), len(draws))

    def share(self, points: Array, seed: int = 0) -> tuple[float, float, float]:
        """The share of points (k, D) that lie in it, over .95 and cut at 1, and its 95 % interval: value, low, high.

        The interval covers which points were drawn and held out, and what differs when a region is learnt again; and a margin
        for what all that learn from these points overlook alike (`OVERLOOKED`); below, also for holes in which so few points
        would hardly be missed (`UNSEEN`).

        Raises DataError for what is no number.
        """
        points = check_codes(points, 1, "a share needs at least {} point")
        found = [fit.share(points, np.random.default_rng(seed)) for fit in self.fits]
        value = float(np.mean([value for value, _ in found])) / (1 - OUTSIDE)
        low, high = np.quantile(np.concatenate([resampled for _, resampled in found]), [0.025, 0.975]) / (1 - OUTSIDE)
        if any(isinstance(fit, _Tests) for fit in self.fits):
            low -= OVERLOOKED + UNSEEN * np.sqrt(points.shape[1] / self.learnt_from)
            high += OVERLOOKED
        return min(1.0, value), float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Tests:
    """One region of points: three tests, and the smallest rank that 95 % of the points held out have."""

    standard: Standard
    gaussian: Moments
    nearest: NearestNeighbors
    ratio: tuple[Logit, ...]
    known: tuple[Array, Array, Array]  # what each test says of the points held out, ascending
    cap: float  # of `ratio`, from which on it refuses nothing
    ranks: Array  # of the points held out, ascending

    @classmethod
    def fit(cls, points: Array, seed: int, most: int) -> "_Tests":
        rng = np.random.default_rng(seed)
        count, held_out = parted(len(points), most)
        points = rng.permutation(points)
        held, learnt = points[:held_out], points[held_out : held_out + count]
        standard = Standard(learnt)
        held, learnt = standard(held), standard(learnt)
        gaussian = Moments.of(learnt)
        ratio = _ratio(learnt, gaussian, seed)
        nearest = NearestNeighbors(n_neighbors=1).fit(learnt.astype(np.float32))
        said = _said(held, ratio, gaussian, nearest)
        cap = _cap(said[0], _log_ratio(gaussian.draw(held_out, rng), ratio))
        known = tuple(np.sort(one) for one in said)
        ranks = np.sort(_rank(said, known, cap))
        return cls(standard, gaussian, nearest, ratio, known, cap, ranks)  # type: ignore[arg-type]

    def share(self, points: Array, rng: np.random.Generator) -> tuple[float, Array]:
        """The share of points inside, and resampled ones (r,): both sides are resampled, see `accepted`."""
        return accepted(self.ranks, np.sort(self._ranks(points)), rng)

    def _ranks(self, points: Array) -> Array:
        points = self.standard(points)
        return _rank(_said(points, self.ratio, self.gaussian, self.nearest), self.known, self.cap)


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """The densest region that holds 95 % of what a sampler draws, which knows its density."""

    density: Density
    known: Array  # of draws, ascending

    @classmethod
    def of(cls, sampler: Sampler, draws: Array) -> "_Level | None":
        """That of a sampler, of which draws (n, D) are some; None where it does not know its density."""
        density = getattr(sampler, "log_density", None)
        plain = isinstance(sampler, (PriorSampler, Isotropic)) or getattr(sampler, "temperature", 1.0) == 1
        if density is None or not plain or getattr(sampler, "temperature", 1.0) == 0:
            return None
        return cls(density, np.sort(density(draws)))

    def share(self, points: Array, rng: np.random.Generator) -> tuple[float, Array]:
        return accepted(self.known, np.sort(self.density(points)), rng)


def _said(points: Array, ratio: Sequence[Logit], gaussian: Moments, nearest: NearestNeighbors) -> tuple[Array, Array, Array]:
    """What the three tests say of points (m, D): (m,) each, the lower, the stranger."""
    near = nearest.kneighbors(points.astype(np.float32))[0][:, 0]
    return _log_ratio(points, ratio), -gaussian.distance(points), -near


def _log_ratio(points: Array, ratio: Sequence[Logit]) -> Array:
    """By how much, as a logarithm, points (m, D) are likelier than draws of the Gaussian: (m,)."""
    found: Array = np.sum([one(points) for one in ratio], axis=0)
    return found


def _ratio(learnt: Array, gaussian: Moments, seed: int) -> tuple[Logit, ...]:
    """What tells points from draws of the Gaussian: two classifiers, and of few points also a mixture, if one is needed.

    Few points meet more draws than they are themselves.
    """
    rounds = min(ROUNDS, max(10, len(learnt) // 500))
    if len(learnt) >= FEW:
        return logits(learnt, gaussian.draw, seed, rounds)
    both = logits(learnt, gaussian.draw, seed, rounds, batch=256)
    mixture = _mixture(learnt, seed)
    return both if mixture is None else (*both, lambda z: mixture.log_density(z) - gaussian.log_density(z))


def _mixture(points: Array, seed: int) -> Mixture | None:
    """A mixture under which points held out are likelier than under a Gaussian, beyond doubt; None where none is.

    Beyond doubt: by two standard errors. More Gaussians are tried until two trials in a row are no better than the best.
    """
    held, learnt = np.split(points, [len(points) // 5])
    best, likely, idle = None, Moments.of(learnt).log_density(held), 0
    for count in GAUSSIANS:
        if idle == 2 or 5 * count * points.shape[1] > len(learnt):
            break
        trial = Mixture.fit(learnt, seed, components=count)
        now = trial.log_density(held)
        gain, idle = now - likely, idle + 1
        if gain.mean() > 2 * gain.std() / np.sqrt(len(held)):
            best, likely, idle = trial, now, 0
    return best


def _cap(held: Array, drawn: Array) -> float:
    """The largest log-ratio at which a point is at most `ODDS` times as likely as a draw of the Gaussian, calibrated.

    held, drawn: what `ratio` says of points and of draws, equally many, neither learnt from.
    """
    order = np.sort(np.concatenate([held, drawn]))
    calibrated = IsotonicRegression(out_of_bounds="clip").fit(
        np.concatenate([held, drawn]), np.repeat([1.0, 0.0], [len(held), len(drawn)])
    )
    share = calibrated.predict(order)
    few = order[share / np.maximum(1 - share, 1e-9) <= ODDS]
    return float(few.max(initial=-np.inf))


def _rank(said: Sequence[Array], known: Sequence[Array], cap: float) -> Array:
    """How strange points are, by the test that finds them strangest: (m,), in shares of the points held out."""
    ratio, tail, near = (np.searchsorted(of, one, side="right") / len(of) for one, of in zip(said, known, strict=True))
    ratio = np.where(said[0] > cap, 1.0, ratio)
    found: Array = np.minimum(ratio, np.minimum(tail, near) / GENTLE)
    return found


def points(most: object) -> int:
    """How many points to learn from and to judge by. Raises ConfigError."""
    whole("most", most, "points to learn from and to judge by", least=FEWEST_TO_JUDGE, most=MADE)
    return int(most)  # type: ignore[call-overload]


def parted(n: int, most: int) -> tuple[int, int]:
    """How many of n points are learnt from, and how many judge: two thirds and one third, `most` at most."""
    held_out = min(most, n // 3)
    return min(most, n - held_out), held_out


def accepted(known: Array, others: Array, rng: np.random.Generator, resamples: int = BESIDE) -> tuple[float, Array]:
    """P(other >= t), t the 5 % quantile of `known`, and resampled ones (r,); both ascending, (m,) and (k,).

    Both are resampled, and without drawing a single resample: t in a resample is the known score of rank floor(m B),
    B ~ Beta(r, m - r + 1), as the r-th smallest of m uniform ranks is; and the resampled share of others above it is
    Binomial(k, share) / k. The same distribution as resampling, at no cost.
    """
    m, k = len(known), len(others)
    r = int(OUTSIDE * (m - 1)) + 1
    ranks = np.append(r - 1, (m * rng.beta(r, m - r + 1, resamples)).astype(np.int64).clip(max=m - 1))
    shares = 1 - np.searchsorted(others, known[ranks], side="left") / k  # (1 + resamples,), the first is the estimate
    return float(shares[0]), rng.binomial(k, shares[1:]) / k
