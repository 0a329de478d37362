"""Rows to learn from and rows to judge by."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from latentwalk.chance import rng_of
from latentwalk.data.adopt import adopt
from latentwalk.data.dataset import Dataset
from latentwalk.errors import ConfigError

__all__ = ["halves", "parts"]


def parts(train: Dataset | ArrayLike, test: Dataset | ArrayLike | None, seed: Any = None) -> tuple[Dataset, Dataset]:
    """Data sets to learn from and to judge by, of anything that `adopt` takes; without `test`, `halves` of `train`."""
    train = adopt(train)
    return halves(train, seed) if test is None else (train, adopt(test))


def halves(data: Dataset, seed: Any = None) -> tuple[Dataset, Dataset]:
    """Rows to learn from and rows to judge by, drawn at random: a tenth, and at least 20, of the rows are the latter."""
    held = max(20, len(data) // 10)
    if len(data) < 2 * held:
        raise ConfigError(f"{len(data)} rows are too few to hold {held} out to judge by. At least 40 are needed.")
    rows = rng_of(seed if isinstance(seed, Integral) else 0).permutation(len(data))
    return data.take(np.sort(rows[held:])), data.take(np.sort(rows[:held]))
