"""How far one distribution is from another, in nats."""

from torch import Tensor
from torch.distributions import Distribution, Independent, kl_divergence

from latentwalk.errors import ConfigError
from latentwalk.models.posterior import DiagonalNormal
from latentwalk.models.prior import UnitNormal

__all__ = ["kl", "kl_per_dimension"]


def kl(q: Distribution, p: Distribution, z: Tensor) -> Tensor:
    """KL from q to the prior, in nats.

    q: batch (B,), event (D,). p: batch (), event (D,). z: (K, B, D), draws of q, used only where no closed form is known.
    Returns (B,), never below 0 when exact; an estimate may dip.
    """
    if isinstance(q, Independent) and isinstance(p, Independent):
        return kl_per_dimension(q, p).sum(-1)
    try:
        return kl_divergence(q, p)
    except NotImplementedError:
        return (q.log_prob(z) - p.log_prob(z)).mean(0)


def kl_per_dimension(q: Distribution, p: Distribution) -> Tensor:
    """The same, one dimension at a time: (B, D). Both must be independent in each dimension; raises ConfigError otherwise.

    For the usual pair, N(mu, sigma²) and N(0, 1): (mu² + sigma² - 1 - log sigma²) / 2.
    Source: Kingma & Welling 2014, appendix B.
    """
    match q, p:
        case DiagonalNormal(), UnitNormal():
            # Half the operations of torch's formula for two arbitrary Gaussians, and no log of an exp.
            return 0.5 * (q.mean * q.mean + q.log_variance.exp() - q.log_variance - 1)
        case Independent(), Independent():
            return kl_divergence(q.base_dist, p.base_dist)
    raise ConfigError("free_nats needs a posterior and a prior that are independent in each dimension.")
