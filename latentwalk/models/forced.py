"""Distributions over what comes step after step, by a decoder that is shown what should come out: it forces its teacher."""

from abc import abstractmethod
from typing import Any, Self

import torch
from torch import Tensor
from torch.distributions import Distribution

__all__ = ["Forced"]


class Forced(Distribution):
    """A distribution whose log-probability of a target can be found beforehand, in the pass that learns.

    body: the decoder. c: (…, D) codes, a distribution each.
    """

    arg_constraints = {}  # noqa: RUF012  # torch's own convention

    def __init__(self, body: Any, c: Tensor) -> None:
        self.body, self.c = body, c
        self.forced: tuple[Tensor, Tensor] | None = None
        super().__init__(c.shape[:-1], torch.Size(self._event()), validate_args=False)

    def force(self, target: Tensor) -> None:
        """Find the log-probabilities of a target now, in the pass that learns."""
        self.forced = target, self._each(target)

    def log_prob_each(self, value: Tensor) -> Tensor:
        """log p of each part of values (…, *event) given those before it, 0 where there is none: (…, *event)."""
        if self.forced is not None and self.forced[0] is value:
            return self.forced[1]
        return self._each(value)

    def expanded(self, sample_shape: torch.Size | tuple[int, ...]) -> Self:
        """The same for several draws of each."""
        return self if not sample_shape else type(self)(self.body, self.c.expand(*sample_shape, *self.c.shape))

    @abstractmethod
    def _event(self) -> tuple[int, ...]:
        """The shape of what comes out."""

    @abstractmethod
    def _each(self, value: Tensor) -> Tensor:
        """See `log_prob_each`."""
