"""Sparse codes: as many units as the data has numbers, or more, of which few speak at a time.

    l1       `amount` nats for each unit of |z|: many units end near 0
    rate     a sigmoid keeps units in (0, 1); `weight` nats for each nat of sum_j KL(amount || mean activity of unit j)
    top-k    only the `amount` largest units of a code are kept; below 1, that share of the units
    dropout  a share `amount` of the units is silenced at random while training

A penalty is a term of the loss; the other two are what the encoder's head does (`PointHead`).
Sources: Ng 2011, "Sparse autoencoder" (l1, rate); Makhzani & Frey 2014 (top-k); Srivastava et al. 2014 (dropout).
"""

import math
from dataclasses import dataclass
from numbers import Real
from typing import Literal, get_args

import torch
from torch import Tensor

from latentwalk.checks import COUNTED, own_numbers, positive
from latentwalk.errors import ConfigError, unknown
from latentwalk.models.posterior import PointHead

__all__ = ["Sparsity", "SparsityKind", "activity"]

SparsityKind = Literal["l1", "rate", "top-k", "dropout"]
USUAL = {"l1": 0.01, "rate": 0.05, "top-k": 0.1, "dropout": 0.5}
EDGE = 1e-6  # activities are kept this far from 0 and 1, where the KL's gradient is infinite
SPEAKS = 1e-3  # a unit of |z| below this share of the code's largest says nothing


@dataclass(frozen=True, slots=True)
class Sparsity:
    """What keeps a code sparse, and how much. amount: see above, None for the usual one. weight: of the rate's KL."""

    kind: SparsityKind = "rate"
    amount: float | None = None
    weight: float = 30.0

    def __post_init__(self) -> None:
        own_numbers(self)
        if self.kind not in get_args(SparsityKind):
            raise unknown("sparsity", self.kind, get_args(SparsityKind))
        if self.amount is None:
            object.__setattr__(self, "amount", USUAL[self.kind])
        positive("weight", self.weight, zero=True, most=COUNTED)
        value = float(self.amount) if isinstance(self.amount, Real) and abs(self.amount) <= COUNTED else math.nan
        fits, wanted = {
            "l1": (value >= 0, "a weight, 0 or more"),
            "rate": (0 < value < 1, "a mean activity between 0 and 1"),
            "top-k": (0 < value < 1 or (value >= 1 and value % 1 == 0), "a number of units, at least 1, or a share"),
            "dropout": (0 <= value < 1, "a share of units, 0 or more and below 1"),
        }[self.kind]
        if not fits:
            raise ConfigError(f"{self.kind} sparsity cannot have amount={self.amount!r}. Expected {wanted}.")

    @property
    def value(self) -> float:
        """The amount."""
        assert self.amount is not None
        return self.amount

    def head(self, latent: int) -> PointHead:
        """The encoder's head for a code of so many units. Raises ConfigError where more are to be kept than there are."""
        kept = int(self.value) if self.value >= 1 else max(1, round(self.value * latent))
        if self.kind == "top-k" and kept > latent:
            raise ConfigError(f"top-k sparsity cannot keep {kept} of {latent} units. Use a larger latent, or a smaller k.")
        return PointHead(
            squash=self.kind == "rate",
            keep=kept if self.kind == "top-k" else None,
            silence=self.value if self.kind == "dropout" else 0.0,
        )

    def penalty(self, z: Tensor) -> Tensor | None:
        """What the codes of a batch (K, B, D) cost, in nats an example: (B,). None for the kinds that cost nothing."""
        match self.kind:
            case "l1":
                return self.value * z.abs().sum(-1).mean(0)
            case "rate":
                active, wanted = z.mean((0, 1)).clamp(EDGE, 1 - EDGE), z.new_tensor(self.value)
                divergence = wanted * (wanted / active).log() + (1 - wanted) * ((1 - wanted) / (1 - active)).log()
                return (self.weight * divergence.sum()).expand(z.shape[1])
            case _:
                return None


def activity(codes: Tensor) -> tuple[float, float]:
    """The mean of codes (n, D) over units and examples, and the share of units in a code that say anything."""
    largest = codes.abs().amax(-1, keepdim=True).clamp(min=torch.finfo(codes.dtype).tiny)
    return float(codes.mean()), float((codes.abs() > SPEAKS * largest).double().mean())
