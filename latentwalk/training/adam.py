"""Adam and AdamW in one fused kernel a step: PyTorch's own function, without PyTorch's class.

Making any `torch.optim.Optimizer` imports the compiler behind `torch.compile`: 72 MB and a second, for nothing where nothing is
compiled; and its bookkeeping costs a small network some per cent of a step.
Sources: Kingma & Ba 2015 (Adam); Loshchilov & Hutter 2019 (AdamW).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

__all__ = ["Adam"]


class Adam:
    """The part of PyTorch's protocol of an optimiser that training uses. decoupled: decay weights as AdamW does.

    groups: the same weights, each lot with what is said of it. found_inf: (), where it is 1 the next step is not taken; it is
    read by the kernel, so nothing waits for the device.
    """

    def __init__(
        self,
        weights: Sequence[nn.Parameter],
        lr: float,
        weight_decay: float,
        *,
        decoupled: bool,
        groups: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.weights = list(weights)
        self.param_groups: list[dict[str, Any]] = [{"lr": lr, **group} for group in groups or ({"params": self.weights},)]
        self.weight_decay, self.decoupled = weight_decay, decoupled
        self.state: dict[nn.Parameter, dict[str, Tensor]] = {}
        self.defaults = {"fused": True}
        self.grad_scale: Tensor | None = None
        self.found_inf: Tensor | None = None

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for weight in self.weights:
            weight.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move the weights that have a gradient."""
        for group in self.param_groups:
            self._move(group)

    def _move(self, group: Mapping[str, Any]) -> None:
        weights = [weight for weight in group["params"] if weight.grad is not None]
        moments = [self.state.get(weight) or self._first(weight) for weight in weights]
        adam(
            weights,
            [weight.grad for weight in weights],
            [moment["exp_avg"] for moment in moments],
            [moment["exp_avg_sq"] for moment in moments],
            [],
            [moment["step"] for moment in moments],
            fused=True,
            found_inf=self.found_inf,
            decoupled_weight_decay=self.decoupled,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=group["lr"],
            weight_decay=self.weight_decay,
            eps=1e-8,
            maximize=False,
        )

    def state_dict(self) -> dict[str, Any]:
        """The moments by the number of their weight, as PyTorch's optimisers have them."""
        return {"state": {i: self.state[w] for i, w in enumerate(self.weights) if w in self.state}, "param_groups": []}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over moments that `state_dict` gave. Raises IndexError for a weight that is not there."""
        self.state = {self.weights[index]: dict(moments) for index, moments in saved["state"].items()}

    def _first(self, weight: nn.Parameter) -> dict[str, Tensor]:
        self.state[weight] = {
            "step": torch.zeros((), device=weight.device),
            "exp_avg": torch.zeros_like(weight, memory_format=torch.preserve_format),
            "exp_avg_sq": torch.zeros_like(weight, memory_format=torch.preserve_format),
        }
        return self.state[weight]
