"""Mini-batches: which rows a step looks at, in which order, and which of them are this process's own.

The order of an epoch is a function of a seed and the epoch's number, and of nothing else. So an epoch can be begun anywhere,
again, by another process, or by several that share each batch: `share` of (1, 4) is the second of four quarters.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Batch", "Batches", "Extent", "Own", "alike", "batch_count", "portion", "shuffled"]

Extent = Callable[[NDArray[Any]], NDArray[np.int64]]  # rows (n, T, …) → how much of each there is to read: (n,)
MIXED = 32  # batches whose rows are put in order of their lengths together


@dataclass(frozen=True, slots=True)
class Batch:
    """This process's part of one mini-batch.

    raw: (B, *E).
    rows: (B,) where they stand in the data.
    first, total: they are rows first … first + B of the whole batch's `total`.
    counted: False for a stand-in, whose one row belongs to another process: it must weigh nothing.
    given: (B, C) the condition of each row, for a model that takes one.
    """

    raw: Tensor
    rows: Tensor
    first: int
    total: int
    counted: bool = True
    given: Tensor | None = None

    def __len__(self) -> int:
        return len(self.raw)

    def split(self, parts: int) -> "list[Batch]":
        """The same rows as at most `parts` batches of nearly equal size, none empty."""
        cuts = [portion(len(self), part, parts) for part in range(parts)]
        return [
            replace(
                self,
                raw=self.raw[cut],
                rows=self.rows[cut],
                first=self.first + cut.start,
                given=None if self.given is None else self.given[cut],
            )
            for cut in cuts
            if cut.stop > cut.start
        ]


@dataclass(frozen=True, slots=True)
class Own:
    """Which part of a whole batch's rows is this process's own; see `Batch`."""

    part: slice
    total: int
    counted: bool = True

    @classmethod
    def of(cls, total: int, share: tuple[int, int]) -> "Own":
        """Part k of n (`share`) of a batch of `total` rows; a stand-in where there are too few for all."""
        part = portion(total, *share)
        return cls(part, total) if part.stop > part.start else cls(slice(0, 1), total, counted=False)

    def batch(self, raw: Tensor, rows: Tensor, given: Tensor | None = None) -> Batch:
        """The batch of these rows, which are the own ones."""
        return Batch(raw, rows, self.part.start, self.total, self.counted, given)


class Batches(ABC):
    """Rows of some data in batches. Abstract: `Resident` holds them in memory, on the device that trains; `streaming.Windowed`
    reads them ahead of training, `stream.Passing` takes them as they come."""

    @abstractmethod
    def __len__(self) -> int:
        """Batches an epoch."""

    @abstractmethod
    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number`, from the batch numbered `start` on (from 0)."""


def batch_count(rows: int, size: int, *, shuffling: bool) -> int:
    """How many batches of `size` so many rows make; see `Resident` for the last one."""
    full, rest = divmod(rows, size)
    alone = rest == 1 and shuffling and full > 0 and size > 1
    return full + (rest > 0 and not alone)


def portion(total: int, part: int, parts: int) -> slice:
    """Part `part` of `total` things divided among `parts`, as evenly as can be, in order.

    >>> [portion(10, part, 3) for part in range(3)]
    [slice(0, 3, None), slice(3, 6, None), slice(6, 10, None)]
    """
    return slice(total * part // parts, total * (part + 1) // parts)


def shuffled(rows: NDArray[np.int64], seed: int, epoch: int) -> NDArray[np.int64]:
    """`rows` (n,) in the order that this seed and epoch give them."""
    return np.random.default_rng((seed, epoch)).permutation(rows)


def alike(
    rows: NDArray[np.int64], lengths: NDArray[np.int64], size: int, seed: int | None = None, epoch: int = 0
) -> NDArray[np.int64]:
    """`rows` (m,) in another order, in which those of a batch of `size` are about as long as each other.

    lengths: (n,) of all rows there are. The rows of some dozens of batches are sorted by length, and these batches mixed
    again; a last one that is not full stays the last. Without a seed all are sorted, the shortest first.
    """
    if seed is None:
        return rows[np.argsort(lengths[rows], kind="stable")]
    rng, found = np.random.default_rng((seed, epoch, 1)), []
    for start in range(0, len(rows), MIXED * size):
        some = rows[start : start + MIXED * size]
        full = len(some) // size * size
        sorted_ = some[:full][np.argsort(lengths[some[:full]], kind="stable")].reshape(-1, size)
        found += [rng.permutation(sorted_).reshape(-1), some[full:]]
    return np.concatenate(found)
