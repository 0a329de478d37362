"""Rows that are not like those the model learnt from."""

import numpy as np

from latentwalk.arrays import Array
from latentwalk.data.units import UNKNOWN
from latentwalk.latent.criteria.measure import percent, wilson
from latentwalk.latent.diagnosis.evidence import Evidence
from latentwalk.latent.diagnosis.finding import Finding, Severity
from latentwalk.latent.holes import Holes

__all__ = ["out_of_range"]

MARGIN = 0.10  # of a value's range, by which a row may leave it: a few rows always do
RARE = 0.01  # of the rows it is compared with that look as strange as a foreign one
MANY = 0.05  # foreign rows, surely, beyond which data is another
LEARN = "Look at these rows. If they are meant to be known, learn from such rows too."
SCALES = (255.0, 1 / 255.0)  # by which values are multiplied by mistake


def out_of_range(e: Evidence) -> Finding | str:
    """Are the rows given like those learnt from? Which leave the range of the values, lie in a hole, or are decoded badly.

    A row is foreign when a value leaves the learnt range (in a table, that of its column) by a tenth of it, or when its code
    lies deeper in a hole, or its error is larger, than for 99 of 100 known rows: held-out ones where they are known, for a
    model knows its own too well. So of 100 rows like the known ones about 2 are foreign; a problem when surely more than 5 are.
    Of new rows even one that leaves the range is noted. Without new rows, the held-out ones are compared with the others, by
    values and holes alone.
    """
    name, rows = "out-of-range data", e.new
    if rows is None and not e.held:
        return "no new rows were given, and none are known to be held out"
    if rows is None:
        x, codes, known, error = (
            e.x[1] if e.valued else np.asarray(e.space.data[e.judged]),
            e.space.codes[e.judged],
            e.learnt,
            None,
        )
    else:
        if e.space.encode is None:
            return "this space cannot encode new rows"
        codes, known = e.space.encode(rows)[0], e.judged
        x = e.space.flat(np.asarray(rows)) if e.valued else np.asarray(rows)
        error = (
            np.square(x - e.space.outputs(codes)).mean(axis=1) if e.valued else e.space.apart(x, e.space.decoded_rows(codes))
        )
    columned = e.space.spec is not None and e.space.spec.form.columned
    beyond = _leaves(e.x[0], x, apart=columned) if e.valued else (x == UNKNOWN).any(axis=1)
    holes = e.space.kept(Holes)
    apart = holes.depth(codes) > np.quantile(holes.depth(e.space.codes[known]), 1 - RARE)
    badly = np.zeros(len(x), bool) if error is None else error > np.quantile(e.errors, 1 - RARE)
    foreign = beyond | apart | badly
    count, total = int(foreign.sum()), len(x)
    reasons = {
        "values out of range" if e.valued else "units never learnt": beyond,
        "codes in holes": apart,
        "decoded badly": badly,
    }
    measured = {"foreign": count / total, **{what: float(which.mean()) for what, which in reasons.items()}}
    noted: Severity = "note" if rows is not None and beyond.any() else "fine"
    severity: Severity = "problem" if wilson(count, total)[0] > MANY else noted
    which = "new" if rows is not None else "held-out"
    if severity == "fine":
        said = f"{count} of {total:,} {which} rows look strange; of rows alike, 1 in 50 does."
        return Finding(name, severity, measured, said)
    first = int(np.argmax(foreign)) if rows is not None else int(e.judged[np.argmax(foreign)])
    measured["first"] = float(first)
    told = ", ".join(f"{what} {percent(float(of.mean()))}" for what, of in reasons.items() if of.any())
    said = f"{count} of {total:,} {which} rows are unlike those learnt from ({told}), row {first} first."
    return Finding(name, severity, measured, said, _remedy(e.x[0], x) if e.valued else LEARN)


def _leaves(learnt: Array, x: Array, *, apart: bool) -> Array:
    """Which rows have a value beyond the learnt range by more than the margin: (m,). apart: each column has a range of its own.

    A column that never varied is given the margin of the widest.
    """
    axis = 0 if apart else None
    low, high = learnt.min(axis=axis), learnt.max(axis=axis)
    width = high - low
    margin = MARGIN * np.where(width > 0, width, width.max())
    return np.asarray(((x < low - margin) | (x > high + margin)).any(axis=1))


def _remedy(learnt: Array, x: Array) -> str:
    """What to do: scale, where all values are off by a factor that is known; otherwise look, and learn from such rows too."""
    spread, now = float(learnt.std()), float(x.std())
    for scale in SCALES:
        if now > 0 and 0.5 < scale * now / spread < 2:
            return f"Multiply the rows by {scale:.4g}: they seem to be on another scale than those learnt from."
    return LEARN
