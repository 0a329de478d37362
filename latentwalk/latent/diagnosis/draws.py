"""What lies between the codes: is a draw from the model's own distribution, or a small step, something the decoder knows?"""

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from latentwalk.errors import DataError
from latentwalk.latent.criteria.continuity import continuity
from latentwalk.latent.criteria.measure import percent, wilson
from latentwalk.latent.diagnosis.evidence import Evidence
from latentwalk.latent.diagnosis.finding import Finding, Severity
from latentwalk.latent.holes import OUTSIDE, Holes

__all__ = ["crowding", "discontinuity", "draws_in_holes"]

DRAWN = 4_000
EMPTY = (0.10, 0.25)  # of draws that land where no data lies, beyond the 5 % that codes themselves do
MISSED = (0.20, 0.40)  # of encoded data that lies where next to no draws land, likewise
UNEVEN = (0.95, 0.80)  # of small steps that change next to nothing: less is a note, a problem
FEW = 4  # dimensions up to which jumps come from folding much data into little room


def draws_in_holes(e: Evidence) -> Finding | str:
    """Do draws from the model land where no data was encoded? The share in `space.holes`, less the 5 % of codes that are there.

    Draws that lie among the codes, however narrowly, are in no hole: that is `crowding`, and completeness alone mixes the two.
    With draws distributed as the codes are, 4,000 of each in 2 and 8 dimensions, the share is 0 within .015.
    """
    if e.gaussian and not e.units.active.any():
        return "no code says anything: see collapse"
    outside = e.space.kept(Holes)(e.drawn_from(DRAWN, e.rng()))
    said = "of draws land where no data was encoded, beyond the 5 % of codes that lie apart."
    return _outside(e, "holes", "draws in holes", outside, said, EMPTY)


def crowding(e: Evidence) -> Finding | str:
    """Do draws reach all of the data? `holes` turned round: the share of codes outside the region of 95 % of draws."""
    if e.gaussian and not e.units.active.any():
        return "no code says anything: see collapse"
    rng = e.rng()
    within = Holes.fit(e.drawn_from(DRAWN, rng), e.seed)
    outside = within(rng.permutation(e.space.draw_codes(rng))[:DRAWN])
    said = "of the data has codes where next to no draws land."
    return _outside(e, "crowding", "data never drawn", outside, said, MISSED)


def discontinuity(e: Evidence) -> Finding | str:
    """Do small steps change much? `criteria.continuity` of the whole space, in steps of a tenth of the codes' spread."""
    if e.gaussian and not e.units.active.any():
        return "no code says anything: see collapse"
    try:
        found = continuity(e.space, seed=e.seed, **({"most": len(e.judged)} if e.valued else {}))
    except DataError as error:
        return str(error)
    measured = {"continuity": found.value, "low": found.low, "high": found.high}
    severity: Severity = "problem" if found.high < UNEVEN[1] else "note" if found.high < UNEVEN[0] else "fine"
    if severity == "fine":
        return Finding("discontinuity", severity, measured, found.reading)
    if e.space.dim <= FEW:
        wanted = min(math.prod(e.space.data.shape[1:]), 4 * e.space.dim)
        return Finding("discontinuity", severity, measured, found.reading, f"Use {wanted} dimensions.", {"latent": wanted})
    if not e.gaussian:
        advice = 'Let codes be distributions, which the decoder has to smooth over: recipe="vae".'
        return Finding("discontinuity", severity, measured, found.reading, advice, {"recipe": "vae"})
    beta = 2 * max(e.origin.beta, 0.5)
    advice = f"Raise beta to {beta:g}, so that the decoder smooths over wider codes."
    return Finding("discontinuity", severity, measured, found.reading, advice, {"recipe__beta": beta})


def _outside(
    e: Evidence, name: str, what: str, outside: NDArray[np.bool_], of_them: str, limits: tuple[float, float]
) -> Finding:
    """A finding by the share that lies outside, beyond the 5 % that do so anyway; its change is a sampler fitted to the codes.

    No more than a note where the recipe promised no draws.
    """
    share, low, high = _beyond(float(outside.mean()), len(outside))
    measured, said, severity = {what: share, "low": low, "high": high}, f"{percent(share)} {of_them}", _graver(low, limits)
    if severity == "fine":
        return Finding(name, severity, measured, said)
    if not e.origin.recipe.generative and e.space.fitted is None:
        severity, said = "note", f"{said} This recipe was not trained to be drawn from."
    return Finding(name, severity, measured, said, "Fit a sampler to the codes and draw from that.", {"complete": True})


def _beyond(share: float, count: int) -> tuple[float, float, float]:
    """A share, and its 95 % interval, less the 5 % that lie outside by definition, stretched to [0, 1] again."""
    less = partial(max, 0.0)
    value, low, high = ((x - OUTSIDE) / (1 - OUTSIDE) for x in (share, *wilson(round(share * count), count)))
    return less(value), less(low), less(high)


def _graver(low: float, limits: tuple[float, float]) -> Severity:
    """Severity by the low end of an interval: what is said is true of at least that share."""
    return "problem" if low >= limits[1] else "note" if low >= limits[0] else "fine"
