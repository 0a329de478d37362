"""Where examples are compared: a feature space with a name, so that numbers found in one are never set beside another's.

How real a picture looks cannot be told pixel by pixel. The usual way out is to compare what a network trained to tell real
pictures apart sees in them. Published numbers (FID and its kin) use Inception, trained on ImageNet; here a small classifier of
the very data is used (`classifier.py`), or any function of the user's. The name goes with every reading.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.errors import DataError

__all__ = ["Features"]


@dataclass(frozen=True, slots=True)
class Features:
    """A feature space: `function` takes examples (n, *E), in the units of the data, to numbers (n, F).

    name: what it is, in words, for whoever reads a number found in it.

    >>> Features("sums of rows", lambda x: x.sum(axis=-1))(np.ones((5, 2, 3))).shape
    (5, 2)
    """

    name: str
    function: Callable[[Array], Array]

    def __call__(self, x: Array) -> NDArray[np.float64]:
        """The features (n, F) of examples (n, *E). Raises DataError where the function gives anything else, or NaN."""
        try:
            found = np.asarray(self.function(x), dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"features {self.name!r} cannot be computed of examples {np.shape(x)}: {error}") from error
        if found.ndim != 2 or len(found) != len(x) or found.shape[1] == 0:
            raise DataError(
                f"features {self.name!r} gave shape {found.shape} for {len(x)} examples; expected ({len(x)}, F), one row each."
            )
        bad = ~np.isfinite(found).all(axis=1)
        if bad.any():
            raise DataError(
                f"features {self.name!r} hold NaN or infinity for {bad.sum()} of {len(x)} examples, the first {bad.argmax()}. "
                "The examples, or the function, must be mended first."
            )
        return found
