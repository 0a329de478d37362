"""What is compared before training goes on, so that it goes on with the data it began with."""

import zlib
from typing import Any

import numpy as np

from latentwalk.arrays import Array
from latentwalk.data.dataset import Dataset
from latentwalk.data.rows import evenly, nbytes, pieces

__all__ = ["fingerprint"]

WHOLE = 1 << 30  # bytes of which every one is looked at: a second or so


def fingerprint(data: Dataset | Array) -> dict[str, Any]:
    """Shape, dtype, and a checksum (CRC-32) of the rows: of all up to a GiB of them, of evenly spaced ones beyond.

    The same rows have the same fingerprint, in memory or not. rows: how many were looked at.

    >>> fingerprint(np.eye(2, dtype=np.uint8))
    {'shape': [2, 2], 'dtype': 'uint8', 'rows': 2, 'check': 4009724143}
    """
    x = data.x if isinstance(data, Dataset) else data
    some, check = x if nbytes(x) <= WHOLE else evenly(x), 0
    for _, rows in pieces(some):
        check = zlib.crc32(np.ascontiguousarray(rows).data, check)
    return {"shape": list(x.shape), "dtype": str(x.dtype), "rows": len(some), "check": check}
