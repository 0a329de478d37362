"""What the criteria share: words for a share, and a look at codes before anything is measured of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.errors import DataError

__all__ = ["check_codes", "percent"]


def percent(share: float) -> str:
    """62 %. A share that is neither none nor all is never called 0 % or 100 %."""
    percent = 100 * share
    if 0 < percent < 1 or 99 < percent < 100:
        return f"{min(max(percent, 0.1), 99.9):.1f} %"
    return f"{percent:.0f} %"


def check_codes(codes: NDArray[Any], fewest: int, need: str) -> None:
    if len(codes) < fewest:
        raise DataError(f"{need.format(fewest)}; got {len(codes)}. Encode more data.")
    bad = ~np.isfinite(codes).all(axis=1)
    if bad.any():
        raise DataError(
            f"{bad.sum()} of {len(codes)} codes hold NaN or infinity, the first in row {bad.argmax()}. "
            "The model has diverged: train again with a lower learning rate."
        )
