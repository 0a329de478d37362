"""Can one tell which factor was held from which dimension of the code held still?

Examples are drawn in groups, in each of which one factor has one value and all others vary. Where each factor has a dimension
of its own, that dimension does not vary within the group.

Source: Kim & Mnih 2018, "Disentangling by factorising", section 4; collapsed dimensions as in Locatello et al. 2019.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.arrays import Array
from latentwalk.chance import rng_of
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.codes import check_codes
from latentwalk.latent.criteria.measure import Measure, percent, wilson

__all__ = ["factor_vae_score"]

Encode = Callable[[Mapping[str, Array]], ArrayLike]
STILL = 0.05  # a dimension whose deviation over all data is below this is collapsed, and is never voted for
SPREAD = 10_000  # examples by which the deviation of a dimension is known


def factor_vae_score(
    encode: Encode,
    values: Mapping[str, ArrayLike],
    *,
    votes: int = 800,
    batch: int = 64,
    seed: int = 0,
) -> Measure:
    """How often the dimension that varies least tells which factor was held, in [0, 1].

    In each of `votes` groups of `batch` examples one factor has one value, all others are drawn anew; the group votes for the
    dimension with the least variance, over that of all data. Each dimension stands for the factor that most of its votes came
    from; the score is the share of as many new groups that this gets right. Collapsed dimensions, of a deviation below .05,
    take no part. Details: the share of each factor that is told right, and "collapsed".
    encode: factors by name, (m,) each → codes (m, D), say `lambda v: model.transform(render_sprites(v))`. values: what each
    factor may be, by name. The interval is Wilson's.
    Raises ConfigError: no factor with two values, no votes; DataError: codes that are no numbers, all collapsed.
    """
    known = {name: np.unique(np.asarray(of)) for name, of in values.items()}
    if len(known) < 2 or min(map(len, known.values())) < 2 or votes < 1 or batch < 2:
        raise ConfigError(
            "the FactorVAE score needs 2 factors or more of 2 values or more each, 1 vote or more, groups of 2 or more; got "
            f"{ {name: len(of) for name, of in known.items()} }, votes={votes}, batch={batch}."
        )
    rng = rng_of(seed)
    spread = _encoded(encode, _drawn(known, SPREAD, rng)).std(axis=0)
    if not (spread >= STILL).any():
        raise DataError("every dimension of the code has collapsed: none varies with the data. Train with a lower beta.")

    def vote() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        held, factors = _groups(known, votes, batch, rng)
        return held, _stillest(_encoded(encode, factors).reshape(votes, batch, -1), spread)

    (held, voted), (asked, answered) = vote(), vote()
    table = np.zeros((len(spread), len(known)))
    np.add.at(table, (voted, held), 1)
    right = table.argmax(axis=1)[answered] == asked
    details = {name: float(right[asked == at].mean()) for at, name in enumerate(known) if (asked == at).any()}
    value = float(right.mean())
    reading = f"Which factor was held is told right in {percent(value)} of {votes} groups of {batch} examples."
    return Measure(
        *("FactorVAE score", value, *wilson(int(right.sum()), votes), reading),
        details | {"collapsed": float((spread < STILL).sum())},
        better="higher",
    )


def _groups(
    known: Mapping[str, Array], votes: int, batch: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], dict[str, Array]]:
    """The number of the factor that each group holds, (votes,); and the factors of all examples, (votes * batch,) each."""
    held = rng.integers(len(known), size=votes)
    drawn = {name: values.reshape(votes, batch) for name, values in _drawn(known, votes * batch, rng).items()}
    for at, values in enumerate(drawn.values()):
        values[held == at] = values[held == at, :1]
    return held, {name: values.reshape(-1) for name, values in drawn.items()}


def _stillest(codes: NDArray[np.float64], spread: Array) -> NDArray[np.int64]:
    """Of codes (votes, batch, D), the dimension of each group that varies least beside its deviation `spread` (D,)."""
    variance = codes.var(axis=1) / np.where(spread > 0, spread, 1.0) ** 2  # (votes, D)
    return np.where(spread >= STILL, variance, np.inf).argmin(axis=1)


def _drawn(known: Mapping[str, Array], n: int, rng: np.random.Generator) -> dict[str, Array]:
    return {name: rng.choice(values, n) for name, values in known.items()}


def _encoded(encode: Encode, factors: Mapping[str, Array]) -> NDArray[np.float64]:
    codes = np.asarray(encode(factors), dtype=np.float64)
    check_codes(codes, 2, "the FactorVAE score needs at least {} codes")
    return codes
