"""Making a space complete: fitting a sampler to its codes, and choosing one.

Candidates are fitted to some rows and judged by the codes of others, by how alike draws and codes are distributed (`likeness`),
which asks for both: that draws make sense, and that they reach all of the data. The best is fitted again, to all rows. Where
the intervals do not tell candidates apart, the simpler one is taken; so nothing is tried after one that cannot be told from the
codes at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentwalk.errors import DataError, unknown
from latentwalk.latent.criteria.likeness import likeness
from latentwalk.latent.criteria.measure import Measure
from latentwalk.latent.criteria.region import FEWEST_TO_TELL
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.samplers import KINDS, FittedSampler, Flow

__all__ = ["BEST", "Completion", "check_sampler", "completion"]

BEST = "best"
MOST = 60_000  # rows that a sampler is fitted to
FEW = 16  # dimensions up to which a flow is a candidate: its draws go through a network once for each
ENOUGH = 5_000  # held-out rows that judge alone; with fewer, half of all rows do


@dataclass(frozen=True, slots=True)
class Completion:
    """The sampler, and how like the codes each candidate was measured to draw, by its kind; nothing where rows were too few."""

    sampler: FittedSampler
    measures: Mapping[str, Measure]


def check_sampler(name: object) -> str:
    """The name, if it is "best" or that of a sampler. Raises ConfigError."""
    if not isinstance(name, str) or name not in (BEST, *KINDS):
        raise unknown("sampler", name, (BEST, *KINDS))
    return name


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
