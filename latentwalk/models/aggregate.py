"""The aggregate posterior q(z) = 1/N sum_n q(z | x_n): what codes of all the data together look like, seen from one batch.

A batch of B out of N examples is stratified: the example that a code was drawn from stands for itself, with weight 1/N; the
other B - 1 stand for all others. Over batches the estimate is q(z) in the mean, and exact where a batch is all the data.
The logarithm of an estimate lies, in the mean, below that of q(z): by less the larger the batch.

Source: Chen et al. 2018, "Isolating sources of disentanglement in VAEs", appendix C.2; here all others weigh the same.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from latentwalk.errors import ConfigError
from latentwalk.models.posterior import DiagonalNormal

__all__ = ["Aggregate"]

LOG_2_PI = math.log(2 * math.pi)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """log q(z) at codes, (K, B), and of each dimension alone, log q(z_d), (K, B, D); in nats."""

    joint: Tensor
    marginals: Tensor

    @classmethod
    def of(cls, q: Distribution, z: Tensor, examples: int | None = None) -> "Aggregate":
        """At draws z (K, B, D) of the posteriors q of a batch, batch (B,), event (D,), out of so many examples.

        examples: N; None takes the batch for all there is. Raises ConfigError where q is not independent in each dimension.
        """
        if not isinstance(q, Independent):
            raise ConfigError(
                "total correlation needs a posterior that is independent in each dimension: posterior='gaussian'."
            )
        joint = shares = _log_shares(z.shape[1], examples, z)  # (B, B)
        marginals = []
        for each in _log_densities(q, z):  # a dimension at a time: its (B, B) numbers stay in the processor's cache
            joint = joint + each
            # Not logsumexp, which takes three times as long: a draw's own posterior keeps the sum away from 0.
            marginals.append((each + shares).exp().sum(-1).log())
        return cls(torch.logsumexp(joint, -1), torch.stack(marginals, -1))

    def total_correlation(self) -> Tensor:
        """log q(z) - sum_d log q(z_d): (K, B), whose mean is KL(q(z) || prod_d q(z_d))."""
        return self.joint - self.marginals.sum(-1)


def _log_densities(q: Independent, z: Tensor) -> Iterator[Tensor]:  # type: ignore[type-arg]
    """For each dimension, log q(z_d | x_j) of every draw under the posterior of every example j: (K, B, B)."""
    match q:
        case DiagonalNormal():  # half the operations of torch's formula
            precision = (-0.5 * q.log_variance).exp()
            for one, scale, shift, level in zip(
                *(t.unbind(-1) for t in (z, precision, -q.mean * precision, -0.5 * (q.log_variance + LOG_2_PI))), strict=True
            ):
                away = torch.addcmul(shift, one.unsqueeze(-1), scale)
                yield torch.addcmul(level, away, away, value=-0.5)
        case _:
            yield from q.base_dist.log_prob(z.unsqueeze(-2)).unbind(-1)


def _log_shares(batch: int, examples: int | None, like: Tensor) -> Tensor:
    """What each example of a batch stands for, seen from each: (B, B), log of weights that sum to 1 in each row."""
    if examples is None or examples <= batch or batch == 1:
        return like.new_full((batch, batch), -math.log(batch))
    others = math.log1p(-1 / examples) - math.log(batch - 1)
    return like.new_full((batch, batch), others).fill_diagonal_(-math.log(examples))
