"""The means of an epoch: summed on the device, so that no step waits for a number to come back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from latentwalk.models.objective import Terms
from latentwalk.training.group import ALONE, Group

__all__ = ["Mean", "wide"]


@dataclass(slots=True)
class Mean:
    """Sums over the examples seen so far. rows: how many. sums: of the loss and of each named term, (); also of codes, (D,)."""

    rows: int = 0
    sums: dict[str, Tensor] = field(default_factory=dict)

    def add(self, terms: Terms, *, counted: bool = True) -> None:
        """Take in the terms of some examples; a stand-in's are not `counted`."""
        rows = len(next(iter(terms.values.values()))) * counted
        self.rows += rows
        self.add_sum("loss", terms.loss.detach(), rows)
        for name, values in terms.values.items():
            self.add_sum(name, values.detach().sum(), int(counted))

    def add_sum(self, name: str, value: Tensor, times: int = 1) -> None:
        """Add `times * value` to the sum of that name."""
        if name not in self.sums:
            self.sums[name] = wide(torch.zeros_like(value))
        self.sums[name].add_(value, alpha=times)

    def total(self, group: Group = ALONE) -> "Mean":
        """The sums over all processes."""
        if group.size == 1 or not self.sums:  # which all have, or none
            return self
        names = sorted(self.sums)
        flat = torch.cat([self.sums[name].flatten() for name in names])
        added = group.add_up(torch.cat([flat, flat.new_tensor([self.rows])]))
        pieces = added[:-1].split([self.sums[name].numel() for name in names])
        return Mean(int(added[-1]), {n: piece.reshape(self.sums[n].shape) for n, piece in zip(names, pieces, strict=True)})

    def means(self) -> Mapping[str, Tensor]:
        """The mean of each, on the processor."""
        return {name: value.cpu() / self.rows for name, value in self.sums.items()}


def wide(values: Tensor) -> Tensor:
    """The same numbers in float64, so that many can be summed; as they are on Apple's backend, which has none."""
    return values if values.device.type == "mps" else values.double()
