"""Codes, as everything in a latent space sees them, and a look at them before anything is learnt or measured of them."""

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.errors import DataError

__all__ = ["Codes", "check_codes"]

Codes = NDArray[np.float32]


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
