"""p(z): what codes are drawn from before anything is seen."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

__all__ = ["Prior", "StandardNormal", "UnitNormal"]


class Prior(nn.Module, ABC):
    """p(z): calling it gives a distribution over one event (D,)."""

    @abstractmethod
    def forward(self) -> Distribution: ...


class StandardNormal(Prior):
    """N(0, I) in `latent` dimensions."""

    zeros: Tensor
    ones: Tensor

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.register_buffer("zeros", torch.zeros(latent), persistent=False)
        self.register_buffer("ones", torch.ones(latent), persistent=False)

    def forward(self) -> Distribution:
        return UnitNormal(self.zeros, self.ones)


class UnitNormal(Independent):  # type: ignore[type-arg]
    """N(0, I) with event (D,): a type of its own, so that its KL can be the short formula."""

    def __init__(self, zeros: Tensor, ones: Tensor) -> None:
        super().__init__(Normal(zeros, ones, validate_args=False), 1, validate_args=False)
