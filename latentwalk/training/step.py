"""One step of gradient descent, and the same measurement without the step."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latentwalk.data.corruption import Corruption
from latentwalk.models.latent_model import LatentModel
from latentwalk.models.objective import Objective, Terms, Time
from latentwalk.networks.layers import channels_last, clip_norms
from latentwalk.training.runtime import autocast

__all__ = ["Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """Raw batch in, weights moved, terms out. `corruption` spoils the input; its clean version stays the target."""

    model: LatentModel
    objective: Objective
    optimiser: torch.optim.Optimizer
    draws: int = 1
    corruption: Corruption | None = None
    precision: str = "float32"
    max_norm: float | None = None
    clip: float | None = None

    def __call__(self, raw: Tensor, epoch: Time) -> Terms:
        """One step on raw data (B, *E), at this time in epochs."""
        terms = self.terms(raw, epoch)
        self.optimiser.zero_grad(set_to_none=True)
        terms.loss.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimiser.step()
        if self.max_norm is not None:
            clip_norms(self.model, self.max_norm)
        return terms

    def terms(self, raw: Tensor, epoch: Time = None) -> Terms:
        """The terms of a raw batch, weights untouched. Without a time, every schedule is at its end."""
        x = channels_last(self.model.scaling(raw))
        seen = x if self.corruption is None else self.corruption(x)
        with autocast(self.precision, raw.device):
            p = self.model(seen, x, self.draws)
        return self.objective(p, epoch)

    def compiled(self) -> Callable[[Tensor, float], Terms]:
        """The whole step, optimiser and all, through `torch.compile`.

        Time goes in as a tensor: a float would be a constant of the program, and every step would compile a new one.
        """
        take = torch.compile(self.__call__)
        return lambda raw, epoch: take(raw, torch.tensor(epoch, device=raw.device))
