"""Making a space complete: fitting a sampler to its codes, and choosing one.

Candidates are fitted to some rows and judged by the codes of others, by how alike draws and codes are distributed (`likeness`),
which asks for both: that draws make sense, and that they reach all of the data. The best is fitted again, to all rows. Where
the intervals do not tell candidates apart, the simpler one is taken; so nothing is tried after one that cannot be told from the
codes at all.

That takes minutes. The quick sampler, with which every fit ends, takes a second or two: a mixture of Gaussians, whose draws are
looked at by a small network in more than 16 dimensions, which was the best of those that do
(`benchmarks/results/defaults.md`), fitted to some of the codes. Codes held out from it say below which density
only 5 % of them lie, as in `holes`; so the share of the prior's draws that lie above is known as well, for who asks for these.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array, Doubles
from latentwalk.errors import DataError, unknown
from latentwalk.latent.criteria.likeness import likeness
from latentwalk.latent.criteria.measure import Measure
from latentwalk.latent.criteria.region import FEWEST_TO_TELL
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.holes import OUTSIDE
from latentwalk.latent.samplers import KINDS, FittedSampler, Flow, Mixture, MomentMatched, Resampled, Sampler
from latentwalk.latent.samplers.resampled import QUICKLY

__all__ = ["BEST", "ENCODED", "QUICK", "Completion", "Quick", "check_sampler", "completion", "quick_sampler"]

BEST, QUICK = "best", "quick"
ENCODED = 10_000  # codes that the quick sampler is made of, at most: twice as many take three times as long
FEWEST, SEVERAL = 20, 200  # codes, of fewer of which nothing is made, or a single Gaussian
WIDE, WIDEST = 128, 1_000  # dimensions up to which Gaussians have a covariance each, and beyond which nothing has one
FLAT = 16  # dimensions up to which a mixture alone follows the codes
TOLD, DRAWN = 1_000, 4_000  # codes, a tenth of which say where they lie; draws of the prior that are looked at
MOST = 60_000  # rows that a sampler is fitted to
FEW = 16  # dimensions up to which a flow is a candidate: its draws go through a network once for each
ENOUGH = 5_000  # held-out rows that judge alone; with fewer, half of all rows do


@dataclass(frozen=True, slots=True)
class Completion:
    """The sampler, and how like the codes each candidate was measured to draw, by its kind; nothing where rows were too few."""

    sampler: FittedSampler
    measures: Mapping[str, Measure]


@dataclass(frozen=True, slots=True)
class Quick:
    """The quick sampler. prior: the share of the prior's draws that land where 95 % of codes lie, over .95; None: not known."""

    sampler: FittedSampler
    prior: float | None = None


def check_sampler(name: object, *more: str) -> str:
    """The name, if it is "best", that of a sampler, or one of some `more`. Raises ConfigError."""
    if not isinstance(name, str) or name not in (BEST, *more, *KINDS):
        raise unknown("sampler", name, (BEST, *more, *KINDS))
    return name


def quick_sampler(codes: Array, prior: Sampler | None = None, seed: int = 0) -> Quick | None:
    """A sampler for codes (n, D), in a second or two for 10,000; None where they are too few, or too wide, for any.

    A mixture of Gaussians; a single one for fewer than 200 codes, or more than 128 dimensions; for 1,000 codes or more, of more
    than 16 dimensions, one whose draws are chosen among (`Resampled`, taught quickly). prior: the model's own, to be
    judged. Codes that no sampler can be made of, of any reason, have none.
    """
    if len(codes) < FEWEST or codes.shape[1] > WIDEST or not np.isfinite(codes).all():
        return None
    codes = np.random.default_rng(seed).permutation(codes)
    held = len(codes) // 10 if len(codes) >= TOLD else 0
    sampler: FittedSampler
    density: Callable[[Array], Doubles]
    single = len(codes) < SEVERAL or codes.shape[1] > WIDE
    with np.errstate(all="ignore"):
        try:
            base = (MomentMatched if single else Mixture).fit(codes[held:], seed)
            sampler, density = base, base.log_density
            if isinstance(base, Mixture) and held and codes.shape[1] > FLAT:
                sampler = looking = Resampled.over(base, codes[held:], seed, QUICKLY)
                density = looking.log_weight
            drawn = sampler(2, np.random.default_rng(seed))
        except (ValueError, np.linalg.LinAlgError):  # a spread that no float holds
            return None
    if not np.isfinite(drawn).all():
        return None
    return Quick(sampler, None if prior is None or not held else _landing(density, codes[:held], prior, seed))


def _landing(density: Callable[[Array], Doubles], held: Array, prior: Sampler, seed: int) -> float:
    """The share of the prior's draws that are denser, by this logarithm, than all but 5 % of held-out codes, over .95."""
    level = np.quantile(density(held), OUTSIDE)
    draws = prior(DRAWN, np.random.default_rng(seed))
    return min(1.0, float((density(draws) >= level).mean()) / (1 - OUTSIDE))


def completion(
    space: Encoded,
    sampler: str = BEST,
    *,
    candidates: Sequence[str] = tuple(KINDS),
    held_out: NDArray[np.intp] | None = None,
    seed: int = 0,
    most: int = 10_000,
) -> Completion:
    """The sampler of that name, fitted to the codes of a space; "best" is the one whose draws are most like the codes.

    held_out: row numbers that should judge; a random half does unless there are 5,000. most: points a side to judge with.
    Raises ConfigError, and DataError where codes are too few to choose by, or to fit to.
    """
    slow = {Flow.kind} if space.dim > FEW else set()
    kinds = [kind for kind in KINDS if kind in candidates and kind not in slow] if check_sampler(sampler) == BEST else [sampler]
    learning, judging = _parts(len(space), held_out, np.random.default_rng(seed))
    measures: dict[str, Measure] = {}
    if len(judging) >= FEWEST_TO_TELL:
        judges = space.among(judging)
        for kind in kinds:
            measures[kind] = likeness(judges, space.fit_sampler(kind, learning, seed), seed=seed, most=most)
            if measures[kind].high >= 1:
                break
    elif sampler == BEST:
        raise DataError(
            f"{len(space)} rows are too few to choose a sampler by: half of them must be {FEWEST_TO_TELL}. Name one: "
            'fit_sampler(X, "gaussian").'
        )
    kind = _simplest(measures) if sampler == BEST else sampler
    return Completion(space.fit_sampler(kind, np.sort(np.concatenate([learning, judging])), seed), measures)


def _parts(n: int, held_out: NDArray[np.intp] | None, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows to fit to and rows to judge by, in order."""
    rows = rng.permutation(n)[:MOST]
    if held_out is not None and ENOUGH <= len(held_out) < n:
        return np.sort(np.setdiff1d(rows, held_out)), np.sort(held_out)
    return np.sort(rows[: -(-len(rows) // 2)]), np.sort(rows[-(-len(rows) // 2) :])


def _simplest(measures: Mapping[str, Measure]) -> str:
    """The first whose interval reaches up to the best value: candidates are in order from the simplest on."""
    best = max(measure.value for measure in measures.values())
    return next(kind for kind, measure in measures.items() if measure.high >= best)
