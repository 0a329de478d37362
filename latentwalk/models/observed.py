"""A distribution over events of which not all was observed: what is missing (NaN) has no part in their probability."""

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent
from torch.nn.functional import binary_cross_entropy_with_logits

__all__ = ["Observed", "each_log_prob"]

SAFE = 0.5  # stands for what was not observed: inside the support of every likelihood here


class Observed(Distribution):
    """An independent distribution; log p(value) is the sum over the values (*E) that were observed.

    Integrating a factorised density over its other values leaves just that sum.
    """

    arg_constraints = {}  # noqa: RUF012  # torch's own convention

    def __init__(self, base: Independent) -> None:  # type: ignore[type-arg]
        self.base = base
        super().__init__(base.batch_shape, base.event_shape, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.base.mean

    @property
    def stddev(self) -> Tensor:
        return self.base.stddev

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        return self.base.sample(torch.Size(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """log p of what was observed of value (..., *E): (...)."""
        return self.log_prob_each(value).flatten(-len(self.event_shape)).sum(-1)

    def log_prob_each(self, value: Tensor) -> Tensor:
        """The same for each value of the event, 0 where it is missing: (..., *E)."""
        seen = ~value.isnan()
        # Filled before, and left out after: the gradient of a branch that is not taken would still be NaN.
        return torch.where(seen, each_log_prob(self.base, torch.where(seen, value, SAFE)), 0.0)


def each_log_prob(p: Distribution, value: Tensor) -> Tensor:
    """log p of each value of an event (..., *E) by itself, for likelihoods that are independent in each."""
    if hasattr(p, "log_prob_each"):
        found: Tensor = p.log_prob_each(value)
        return found
    assert isinstance(p, Independent)
    base = p.base_dist
    if isinstance(base, torch.distributions.Bernoulli):  # gray values are read as probabilities
        logits, value = torch.broadcast_tensors(base.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")
    return base.log_prob(value)
