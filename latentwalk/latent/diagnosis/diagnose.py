"""The table of symptoms, and one look for all of them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from latentwalk.arrays import Array
from latentwalk.chance import seed_of
from latentwalk.data.examples import check_finite
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.diagnosis.capacity import blurry_decoder, too_few, too_many
from latentwalk.latent.diagnosis.draws import crowding, discontinuity, draws_in_holes
from latentwalk.latent.diagnosis.evidence import Evidence
from latentwalk.latent.diagnosis.finding import Diagnosis, Finding
from latentwalk.latent.diagnosis.learnt import collapse, over_regularised, overfitting, under_trained
from latentwalk.latent.diagnosis.rows import out_of_range
from latentwalk.latent.encoded import Encoded

__all__ = ["SYMPTOMS", "diagnose"]

Symptom = Callable[[Evidence], Finding | str]

SYMPTOMS: dict[str, Symptom] = {  # causes before what they cause
    "out-of-range data": out_of_range,
    "collapse": collapse,
    "under-trained": under_trained,
    "over-regularised": over_regularised,
    "overfitting": overfitting,
    "blurry decoder": blurry_decoder,
    "too few dimensions": too_few,
    "discontinuity": discontinuity,
    "too many dimensions": too_many,
    "holes": draws_in_holes,
    "crowding": crowding,
}


def diagnose(space: Encoded, new: ArrayLike | None = None, seed: int = 0) -> Diagnosis:
    """What is wrong with a space, in plain words, the gravest first, each with the one change to try.

    new: rows (m, *E) to be judged beside those it was made of. On at most 4,500 of its rows. Each symptom's docstring says how
    it is seen, and how often it is where it is not. Of texts and music, which have no values, errors are how far examples are
    apart (see `Encoded.apart`), and symptoms that are seen in values alone are not looked for.
    Raises DataError: fewer than 100 codes, codes or decoded outputs that are no numbers, examples that are all the same, new
    rows of another shape; ConfigError for new rows where the space cannot encode.
    """
    e = Evidence(space, None if new is None else _checked(space, new), seed_of(seed))
    found = {name: symptom(e) for name, symptom in SYMPTOMS.items()}
    numbers = {"error": e.error, "active dimensions": float(e.units.active.sum())}
    if e.valued:
        numbers["error of PCA"] = e.linear_error
    if e.valued and e.price is not None:
        numbers["price of a nat"] = e.price
    return Diagnosis.of(found, numbers)


def _checked(space: Encoded, new: ArrayLike) -> Array:
    if space.encode is None:
        raise ConfigError("this space cannot encode new rows. Make it with Autoencoder.space(X).")
    rows = np.asarray(space.rows_of(new))
    if rows.shape[1:] != space.data.shape[1:] or len(rows) == 0:
        expected = ", ".join(map(str, space.data.shape[1:]))
        raise DataError(f"new rows have shape {rows.shape}; expected (m, {expected}), m at least 1.")
    check_finite(rows)
    return rows
