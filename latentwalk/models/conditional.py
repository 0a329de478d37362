"""p(y | c): a network, then a head that reads its output as a distribution.

Calling one gives a `Distribution`, never a tensor; who wants a tensor says which: `.mean`, `.sample()`, `.log_prob(y)`.
"""

from abc import ABC, abstractmethod

from torch import Tensor, nn
from torch.distributions import Distribution

__all__ = ["Conditional", "Head"]


class Head(nn.Module, ABC):
    """Raw network output (..., each * C, …) → a distribution with batch (...) over one event (C, …).

    axes: of the event. each: how many raw numbers the head needs for every number of the event, stacked along its first axis.
    A subclass that reads its raw numbers otherwise says how many in `raw_shape`.
    """

    each: int = 1

    def __init__(self, axes: int = 1) -> None:
        super().__init__()
        self.axes = axes

    def raw_shape(self, event: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the raw numbers for one event."""
        return (self.each * event[0], *event[1:])

    @abstractmethod
    def forward(self, raw: Tensor) -> Distribution: ...


class Conditional(nn.Module):
    """p(y | c): a body c (N, *C) → raw (N, …), then a head. `given` is the number of axes of one c; any axes may lead."""

    def __init__(self, body: nn.Module, head: Head, given: int) -> None:
        super().__init__()
        self.body = body
        self.head = head
        self.given = given

    def forward(self, c: Tensor) -> Distribution:
        """c (..., *C) → distribution with batch (...). Raw output is float32 at least: log-densities need the digits."""
        lead = c.shape[: c.ndim - self.given]
        raw: Tensor = self.body(c if len(lead) == 1 else c.flatten(0, len(lead) - 1))
        raw = raw.float() if raw.dtype.itemsize < 4 else raw
        distribution: Distribution = self.head(raw if len(lead) == 1 else raw.unflatten(0, lead))
        return distribution
