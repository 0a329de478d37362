"""How far one distribution is from another, in nats."""

from torch import Tensor
from torch.distributions import Distribution, Independent, kl_divergence

from latentwalk.errors import ConfigError

__all__ = ["kl", "kl_per_dimension"]


def kl(q: Distribution, p: Distribution, z: Tensor) -> Tensor:
    """KL from q to the prior, in nats.

    q: batch (B,), event (D,). p: batch (), event (D,). z: (K, B, D), draws of q, used only where no closed form is known.
    Returns (B,), never below 0 when exact; an estimate may dip.
    Source: Kingma & Welling 2014, appendix B.
    """
    try:
        return kl_divergence(q, p)
    except NotImplementedError:
        return (q.log_prob(z) - p.log_prob(z)).mean(0)


def kl_per_dimension(q: Distribution, p: Distribution) -> Tensor:
    """The same, one dimension at a time: (B, D). Both must be independent in each dimension; raises ConfigError otherwise."""
    if not (isinstance(q, Independent) and isinstance(p, Independent)):
        raise ConfigError("free_nats needs a posterior and a prior that are independent in each dimension.")
    return kl_divergence(q.base_dist, p.base_dist)
