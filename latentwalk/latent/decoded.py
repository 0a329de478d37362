"""What a move in a latent space gives: points, and what they decode to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentwalk.data.dataset import DataSpec

__all__ = ["Decoded"]


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """Points of a latent space and what they decode to: z (*B, D), x (*B, *E) in the units of the data.

    spec: what an example is, where that is known.
    """

    z: NDArray[np.float32]
    x: NDArray[np.float32]
    spec: DataSpec | None = None

    def __len__(self) -> int:
        return len(self.z)

    def __getitem__(self, row: int) -> "Decoded":
        return Decoded(self.z[row], self.x[row], self.spec)
