"""Batches of data that lies in memory, on the device that trains."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentwalk.data.batches.batch import Batch, Batches, Own, alike, batch_count, shuffled

__all__ = ["Resident"]


@dataclass(frozen=True, slots=True)
class Resident(Batches):
    """Rows of a tensor (n, *E) that lies in memory: one `index_select` a batch, no worker processes.

    size: rows of a whole batch. seed: rows are shuffled anew each epoch; None keeps their order. rows: (m,) the row numbers
    that take part, all unless given; nothing is copied for it. share: (k, n), this is process k of n. given: (n, C) the
    condition of each row, on the same device. lengths: (n,) how much of each row (T,) there is to read: batches are then of
    rows that are about as long, and no wider than the longest of them.
    A last batch of one row is dropped when shuffling (unless all have one): a step on it costs as much as a full one and is
    all noise.
    """

    data: Tensor
    size: int
    seed: int | None = None
    rows: NDArray[np.int64] | None = None
    share: tuple[int, int] = (0, 1)
    given: Tensor | None = None
    lengths: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return batch_count(self._taking_part, self.size, shuffling=self.seed is not None)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        order = np.arange(len(self.data)) if self.rows is None else self.rows
        if self.seed is not None:
            order = shuffled(order, self.seed, number)
        if self.lengths is not None:
            order = alike(order, self.lengths, self.size, self.seed, number)
        on_device = torch.from_numpy(order).to(self.data.device)
        for index in range(start, len(self)):
            whole = on_device[index * self.size : (index + 1) * self.size]
            own = Own.of(len(whole), self.share)
            some = whole[own.part]
            given = None if self.given is None else self.given.index_select(0, some)
            raw = self.data.index_select(0, some)
            if self.lengths is not None:
                raw = raw[:, : int(self.lengths[order[index * self.size : (index + 1) * self.size]].max())]
            yield own.batch(raw, some, given)

    @property
    def _taking_part(self) -> int:
        return len(self.data) if self.rows is None else len(self.rows)
