"""The one learner that judges copies: boosted trees, which take numbers, codes and gaps as they are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from latentwalk.arrays import Array
from latentwalk.data.columns import Column

__all__ = ["booster", "cut"]

MOST_LEVELS = 60  # levels of a category that are told apart; the rarer ones are one


def booster(columns: Sequence[Column], rows: int, seed: int, *, number: bool = False) -> Any:
    """Untrained trees for rows of these columns, as `cut` has them. number: whether they are to say a number, or a class."""
    options = {
        "categorical_features": [column.kind == "category" for column in columns],
        "min_samples_leaf": int(np.clip(rows // 20, 3, 20)),
        "max_iter": 100,
        "early_stopping": False,
        "random_state": seed,
    }
    return HistGradientBoostingRegressor(**options) if number else HistGradientBoostingClassifier(**options)


def cut(x: Array, columns: Sequence[Column], known: Array) -> NDArray[np.float64]:
    """Rows x (n, C) whose categories have few codes: the most frequent in `known` (m, C), and one for all others."""
    found = np.array(x, np.float64)
    for at, column in enumerate(columns):
        if column.kind == "category":
            codes, counts = np.unique(known[~np.isnan(known[:, at]), at], return_counts=True)
            kept = codes[np.argsort(-counts, kind="stable")][:MOST_LEVELS]
            named = {float(code): place for place, code in enumerate(kept)}
            found[:, at] = [np.nan if code != code else named.get(float(code), len(kept)) for code in found[:, at]]
    return found
