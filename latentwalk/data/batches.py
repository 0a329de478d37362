"""Mini-batches of data that lies in memory: one `index_select` each, no worker processes, no copies of Python objects."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Batches"]


@dataclass(frozen=True, slots=True)
class Batches:
    """Rows of a resident tensor (n, *E), in batches of `size`. Iterating shuffles anew when there is a generator.

    A last batch of one row is dropped when shuffling (unless all have one): a step on it costs as much as a full one and is
    all noise.
    """

    data: Tensor
    size: int
    generator: torch.Generator | None = None

    def __iter__(self) -> Iterator[Tensor]:
        if self.generator is None:
            yield from self.data.split(self.size)
            return
        order = torch.randperm(len(self.data), generator=self.generator).to(self.data.device)
        for rows in order.split(self.size):
            if len(rows) > 1 or self.size == 1 or len(order) == 1:
                yield self.data.index_select(0, rows)

    def __len__(self) -> int:
        return -(-len(self.data) // self.size)
