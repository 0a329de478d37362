"""What codes decode to, as points between which distances are measured: the decoder's metric."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.errors import DataError

if TYPE_CHECKING:
    from latentwalk.latent.space import LatentSpace

__all__ = ["flat", "outputs"]

Array = NDArray[Any]


def outputs(space: "LatentSpace", z: Array) -> Array:
    """What codes (m, D) decode to, flattened, in units of the data: (m, prod(E))."""
    x = np.asarray(space.decode(z.astype(space.codes.dtype)))
    if x.shape != (len(z), *space.data.shape[1:]):
        raise DataError(f"the decoder gave shape {x.shape} for {len(z)} codes; expected {(len(z), *space.data.shape[1:])}.")
    bad = ~np.isfinite(x.reshape(len(z), -1)).all(axis=1)
    if bad.any():
        raise DataError(
            f"the decoder gave NaN or infinity for {bad.sum()} of {len(z)} codes, the first {z[bad.argmax()]}. "
            "The model has diverged: train again with a lower learning rate."
        )
    return flat(x, space.unit)


def flat(x: Array, unit: Array) -> Array:
    """Examples (m, *E) in standard units, one row each: (m, prod(E)); float64 stays, all else becomes float32."""
    rows: Array = (x / np.asarray(unit, dtype=x.dtype if x.dtype == np.float64 else np.float32)).reshape(len(x), -1)
    return rows
