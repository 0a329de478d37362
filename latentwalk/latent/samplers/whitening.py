"""Codes made white, mean 0 and covariance I, for networks to learn from; and back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Doubles
from latentwalk.errors import DataError
from latentwalk.latent.samplers.sampler import expect_shape

__all__ = ["check_white", "white", "whitening"]

FLAT = 1e-9  # of the largest variance: below, codes have no spread in a direction


def whitening(codes: Doubles) -> tuple[Doubles, Doubles]:
    """Mean (D,) and root (D, R) with which mean + root y has the mean and covariance of codes (n, D) where y is white (R,).

    R is D less the directions in which all codes are the same. Raises DataError where there is no other.
    """
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(codes, rowvar=False)))
    kept = values > FLAT * values.max()
    if not values.max() > 0:
        raise DataError(f"all {len(codes)} codes are the same: there is nothing to learn from them. Train the model again.")
    return codes.mean(axis=0), vectors[:, kept] * np.sqrt(values[kept])


def white(codes: NDArray[Any], mean: Doubles, root: Doubles) -> Doubles:
    """The white coordinates (n, R) of codes (n, D)."""
    found: Doubles = (codes - mean) @ np.linalg.pinv(root).T
    return found


def check_white(mean: NDArray[Any], root: NDArray[Any]) -> None:
    """Raise ValueError where these are no mean (D,) and root (D, R)."""
    if mean.ndim != 1 or root.ndim != 2 or root.shape[1] > len(mean):
        raise ValueError(f"expected a mean (D,) and a root (D, R), found {mean.shape} and {root.shape}")
    expect_shape(root, (len(mean), root.shape[1]), "root")
