"""What can be read off the codes with a ruler: a linear probe of labels and attributes.

What a linear model finds in the codes lies along a direction of the space, and can be walked along or grafted. Accuracy says
nothing without the share of the commonest class beside it.

Source: Alain & Bengio 2016, "Understanding intermediate layers using linear classifier probes".
"""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from latentwalk.arrays import Array
from latentwalk.chance import rng_of
from latentwalk.checks import MADE, whole
from latentwalk.data.examples import check_one_each
from latentwalk.errors import DataError, unknown
from latentwalk.latent.codes import check_codes
from latentwalk.latent.criteria.measure import Measure, percent, wilson
from latentwalk.latent.encoded import Encoded
from latentwalk.surroundings import hushed
from latentwalk.training.runtime import one_thread

__all__ = ["linear_probe"]

FEWEST = 30  # examples, a third of which judge
RESAMPLES = 1_000


def linear_probe(space: Encoded, target: str | ArrayLike | None = None, *, most: int = 10_000, seed: int = 0) -> Measure:
    """How well a linear model reads `target` off the codes of examples it has not seen.

    target: None for the labels; the name of one of `space.attributes`; or an array (n,). Labels, text, booleans and numbers
    that are 0 or 1 are classes: the value is the accuracy of logistic regression, beside the share of the commonest class.
    Other numbers are predicted by ridge regression: the value is R², 1 for exact and 0 for the mean. Two thirds of at most
    `most` rows teach, one third judges; rows whose target is NaN, not known, are left out. Details: "baseline", "rows".
    Raises DataError without labels, for fewer than 30 known rows or a constant; ConfigError for an unknown name.
    """
    whole("most", most, "examples", least=FEWEST, most=MADE)
    name, y = _target(space, target)
    known = np.flatnonzero(np.ones(len(y), bool) if y.dtype.kind != "f" else np.isfinite(y))
    check_codes(space.codes[known], FEWEST, f"a probe of {name} needs at least {{}} codes of examples where it is known")
    rows = rng_of(seed).permutation(known)[:most]
    taught, judged = np.split(rows, [len(rows) - len(rows) // 3])
    if len(np.unique(y[taught])) < 2:
        raise DataError(
            f"{name} is the same for all {len(taught)} examples that teach the probe: there is nothing to read off."
        )
    read = _classes if target is None or _are_classes(y[rows]) else _numbers
    with one_thread():
        return read(name, space.codes[taught], y[taught], space.codes[judged], y[judged])


def _classes(name: str, z: Array, y: Array, z_judged: Array, y_judged: Array) -> Measure:
    """Accuracy of logistic regression taught with codes z (n, D) and classes y (n,), on others."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    with hushed(ConvergenceWarning):  # the last digit of the likelihood is not wanted
        hits = model.fit(z, y).predict(z_judged) == y_judged
    values, counts = np.unique(y, return_counts=True)
    baseline = float((y_judged == values[counts.argmax()]).mean())
    value = float(hits.mean())
    reading = (
        f"A linear model reads {name} off {percent(value)} of unseen codes; always naming the commonest class is right for "
        f"{percent(baseline)}."
    )
    details = {"baseline": baseline, "rows": float(len(y))}
    return Measure("linear probe", value, *wilson(int(hits.sum()), len(hits)), reading, details, better="higher")


def _numbers(name: str, z: Array, y: Array, z_judged: Array, y_judged: Array) -> Measure:
    """R² of ridge regression taught with codes z (n, D) and numbers y (n,), on others; its interval resamples those."""
    y, y_judged = y.astype(np.float64), y_judged.astype(np.float64)
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 7)))
    missed = (model.fit(z, y).predict(z_judged) - y_judged) ** 2
    spread = (y_judged - y.mean()) ** 2
    if not spread.any():
        raise DataError(f"{name} is the same for all {len(y_judged)} examples that judge the probe. Encode more data.")
    shares = np.random.default_rng(0).multinomial(len(y_judged), np.full(len(y_judged), 1 / len(y_judged)), RESAMPLES)
    resampled = 1 - (shares @ missed) / np.maximum(shares @ spread, np.finfo(np.float64).tiny)
    value, (low, high) = float(1 - missed.sum() / spread.sum()), np.quantile(resampled, [0.025, 0.975])
    reading = f"A linear model of the codes explains {percent(max(value, 0.0))} of the variance of {name} over unseen examples."
    details = {"baseline": 0.0, "rows": float(len(y))}
    return Measure("linear probe", value, float(low), float(high), reading, details, better="higher")


def _target(space: Encoded, target: str | ArrayLike | None) -> tuple[str, Array]:
    """What is read off, in words, and its values (n,)."""
    if target is None:
        if space.labels is None:
            raise DataError(
                "a linear probe needs labels or an attribute. Give them: space(X, y), or linear_probe(space, values)."
            )
        return "the class", space.labels
    if isinstance(target, str):
        if target not in space.attributes:
            raise unknown("attribute", target, space.attributes)
        return target, _one_each(space.attributes[target], len(space))
    return "the target", _one_each(target, len(space))


def _are_classes(y: Array) -> bool:
    return y.dtype.kind not in "iuf" or bool(np.isin(y, (0, 1)).all())


def _one_each(target: ArrayLike, rows: int) -> Array:
    """A target as (rows,), where NaN says that it is not known. Raises DataError for another number of them."""
    values = np.asarray(target)
    check_one_each(values.shape, rows)
    return values
