"""p(y | c): a network, then a head that reads its output as a distribution.

Calling one gives a `Distribution`, never a tensor; who wants a tensor says which: `.mean`, `.sample()`, `.log_prob(y)`.
"""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

__all__ = ["Appended", "Conditional", "Head", "Lazy", "Shifted"]


class Lazy(nn.Module, ABC):
    """A distribution that is there once what it depends on is: c, or None where it depends on nothing (a prior)."""

    @abstractmethod
    def forward(self, c: Tensor | None = None) -> Distribution: ...


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

    def raw_of(self, x: Tensor) -> Tensor:
        """Raw numbers (n, *raw) that say about as much as events x (n, *E) do; NaN for what was not observed."""
        raise NotImplementedError

    def begin(self, square: Tensor) -> None:
        """Let the spreads that the head learns by itself begin where raw numbers are off by so much, squared: (*raw)."""


class Conditional(Lazy):
    """p(y | c): a body c (N, *C) → raw (N, …), then a head. `axes` is the number of axes of one c; any axes may lead.

    forced: whether the body, while it learns, is shown what should come out (a decoder that forces its teacher).
    """

    def __init__(self, body: nn.Module, head: Head, axes: int, *, forced: bool = False) -> None:
        super().__init__()
        self.body = body
        self.head = head
        self.axes = axes
        self.forced = forced

    def forward(self, c: Tensor | None = None, given: Tensor | None = None, target: Tensor | None = None) -> Distribution:
        """c (..., *C) → distribution with batch (...). Raw output is float32 at least: log-densities need the digits.

        given: a condition (..., G), or with fewer leading axes, for a body that takes one, as its keyword `given`. target:
        what should come out (..., *E), for a body that is forced, as its keyword `target`; without it, it goes by itself.
        """
        assert c is not None, "a conditional depends on something"
        lead = c.shape[: c.ndim - self.axes]
        beside: dict[str, Any] = {}
        if given is not None:
            beside["given"] = given.expand(*lead, given.shape[-1]).reshape(-1, given.shape[-1])
        if self.forced and target is not None:
            event = target.shape[1:]
            beside["target"] = target.expand(*lead, *event).reshape(-1, *event)
        raw: Tensor = self.body(c if len(lead) == 1 else c.flatten(0, len(lead) - 1), **beside)
        raw = raw.float() if raw.dtype.itemsize < 4 else raw
        distribution: Distribution = self.head(raw if len(lead) == 1 else raw.unflatten(0, lead))
        return distribution


class Shifted(nn.Module):
    """A body c (N, *C) → raw (N, R) that is told a condition: a learnt linear map of `given` (N, G) is added to its output.

    It works behind any network. The map begins at 0, so that learning starts as if there were no condition.
    """

    def __init__(self, body: nn.Module, given: int, raw: int) -> None:
        super().__init__()
        self.body = body
        self.given = given
        self.shift = nn.Parameter(torch.zeros(given, raw))

    def forward(self, c: Tensor, given: Tensor) -> Tensor:
        raw: Tensor = self.body(c) + given @ self.shift
        return raw


class Appended(nn.Module):
    """A body of vectors that is told a condition: c (N, D) and `given` (N, G) go in as one, (N, D + G)."""

    def __init__(self, body: nn.Module, given: int) -> None:
        super().__init__()
        self.body = body
        self.given = given

    def forward(self, c: Tensor, given: Tensor) -> Tensor:
        raw: Tensor = self.body(torch.cat([c, given], dim=-1))
        return raw
