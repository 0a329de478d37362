"""What a sampler is."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Codes", "Sampler"]

Codes = NDArray[np.float32]
Sampler = Callable[[int, np.random.Generator], Codes]
