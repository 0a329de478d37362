"""What arrays of numbers are called here; their shapes are in the words beside them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Doubles"]

Array = NDArray[Any]
Doubles = NDArray[np.float64]
