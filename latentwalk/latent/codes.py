"""Codes, as everything in a latent space sees them, and a look at them before anything is learnt or measured of them."""

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.errors import DataError
from latentwalk.memory import check_room

__all__ = ["Codes", "check_codes", "check_draws"]

Codes = NDArray[np.float32]


def check_draws(n: int, dim: int, values: int) -> None:
    """Raise ConfigError where n codes (n, dim), and examples of so many values each, are more than memory holds."""
    n = int(n)
    check_room(n * (8 * dim + 4 * values), f"n={n}: to draw so many examples", "Draw fewer at a time.")


def check_codes(codes: Array, fewest: int, need: str) -> NDArray[np.float64]:
    """Codes (n, D) in double precision. need: what needs so many, "a map needs at least {} codes".

    Raises DataError for fewer than `fewest`, other shapes, and what is no number.
    """
    codes = np.asarray(codes)
    if codes.ndim != 2 or codes.shape[1] < 1:
        raise DataError(f"expected codes (n, D), got shape {codes.shape}.")
    if len(codes) < fewest:
        raise DataError(f"{need.format(fewest)}; got {len(codes)}. Encode more data.")
    bad = ~np.isfinite(codes).all(axis=1)
    if bad.any():
        raise DataError(
            f"{bad.sum()} of {len(codes)} codes hold NaN or infinity, the first in row {bad.argmax()}. "
            "The model has diverged: train again with a lower learning rate."
        )
    return codes.astype(np.float64)
