"""Mini-batches of data that lies in memory: one `index_select` each, no worker processes, no copies of Python objects."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Batches"]


@dataclass(frozen=True, slots=True)
class Batches:
    """Rows of a resident tensor (n, *E), in batches of `size`. Iterating shuffles anew when there is a generator.

    rows: (m,) the row numbers that take part, all unless given; nothing is copied for it.
    A last batch of one row is dropped when shuffling (unless all have one): a step on it costs as much as a full one and is
    all noise.
    """

    data: Tensor
    size: int
    generator: torch.Generator | None = None
    rows: Tensor | None = None

    def __iter__(self) -> Iterator[Tensor]:
        order = self._order()
        for some in order.split(self.size):
            if len(some) > 1 or self.generator is None or self.size == 1 or len(order) == 1:
                yield self.data.index_select(0, some)

    def __len__(self) -> int:
        return -(-(len(self.data) if self.rows is None else len(self.rows)) // self.size)

    def _order(self) -> Tensor:
        rows = torch.arange(len(self.data)) if self.rows is None else self.rows
        if self.generator is not None:
            rows = rows[torch.randperm(len(rows), generator=self.generator)]
        return rows.to(self.data.device)
