"""Noise that a denoising autoencoder learns to take away: it sees the corrupted x and is asked for the clean one.

Source: Vincent et al. 2010, "Stacked denoising autoencoders", section 3.3.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from latentwalk.errors import ConfigError, unknown

__all__ = ["Corruption"]


@dataclass(frozen=True, slots=True)
class Corruption:
    """A kind of noise and how much of it, in the units that networks see.

    "gaussian": amount is the deviation added. "masking": amount is the share of values set to 0.
    """

    kind: Literal["gaussian", "masking"] = "gaussian"
    amount: float = 0.3

    def __post_init__(self) -> None:
        if self.kind not in ("gaussian", "masking"):
            raise unknown("corruption", self.kind, ("gaussian", "masking"))
        if not 0 <= self.amount <= (1 if self.kind == "masking" else float("inf")):
            raise ConfigError(
                f"{self.kind} corruption cannot have amount={self.amount}. Expected a share, or a deviation of 0 or more."
            )

    def __call__(self, x: Tensor) -> Tensor:
        """A corrupted copy of x (B, *event), drawn from PyTorch's generator."""
        if self.kind == "gaussian":
            return x + self.amount * torch.randn_like(x)
        return x * (torch.rand_like(x) >= self.amount)
