"""Adam and AdamW on a CPU, without what torch.optim brings along.

torch's optimisers import the compiler (`torch._dynamo`) when the first one is made: 70 MB and most of a second, for nothing
unless something is compiled. The arithmetic is done by the same kernels, so the weights are the same to the last bit.
Sources: Kingma & Ba 2015, "Adam"; Loshchilov & Hutter 2019, "Decoupled weight decay regularization" (AdamW).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Adam"]

BETAS, EPSILON = (0.9, 0.999), 1e-8  # torch's own


class Adam:
    """Stands where a `torch.optim.Adam(…, fused=True)` may stand; its attributes and its state are called as there.

    decoupled: weight decay shrinks the weights (AdamW), instead of being part of the gradient. grad_scale, found_inf: what
    gradients are divided by, and whether to leave the next steps out (1 is yes); None for neither.
    """

    def __init__(
        self, weights: Sequence[nn.Parameter], lr: float, weight_decay: float = 0.0, *, decoupled: bool = False
    ) -> None:
        self.defaults: dict[str, Any] = {"lr": lr, "weight_decay": weight_decay, "fused": True}
        self.param_groups: list[dict[str, Any]] = [{"params": list(weights), **self.defaults}]
        self.state: dict[nn.Parameter, dict[str, Tensor]] = {}
        self.grad_scale: Tensor | None = None
        self.found_inf: Tensor | None = None
        self._move = torch._fused_adamw_ if decoupled else torch._fused_adam_

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients. set_to_none: for callers of torch.optim's; there is no other way here."""
        assert set_to_none
        for weight in self._weights:
            weight.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every weight that has a gradient."""
        moved: list[Any] = [weight for weight in self._weights if weight.grad is not None]
        if not moved:
            return
        kept = [self.state.get(weight) or self.state.setdefault(weight, _nothing(weight)) for weight in moved]
        steps, first, second = ([one[name] for one in kept] for name in ("step", "exp_avg", "exp_avg_sq"))
        torch._foreach_add_(steps, 1)
        self._move(
            moved,
            [weight.grad for weight in moved],
            first,
            second,
            [],
            steps,
            lr=self.param_groups[0]["lr"],
            beta1=BETAS[0],
            beta2=BETAS[1],
            weight_decay=self.param_groups[0]["weight_decay"],
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
            grad_scale=self.grad_scale,
            found_inf=self.found_inf,
        )
        if self.found_inf is not None:
            torch._foreach_sub_(steps, [self.found_inf] * len(steps))

    def state_dict(self) -> dict[str, Any]:
        """{"state": the moments of each weight by its number, "param_groups": the options}."""
        numbers = {weight: number for number, weight in enumerate(self._weights)}
        groups = [{**group, "params": list(range(len(numbers)))} for group in self.param_groups]
        return {"state": {numbers[weight]: dict(kept) for weight, kept in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on with the moments and options of a `state_dict`, which are copied."""
        weights = self._weights
        self.param_groups = [{**group, "params": weights} for group in saved["param_groups"]]
        self.state = {
            weights[number]: {name: value.detach().clone() for name, value in kept.items()}
            for number, kept in saved["state"].items()
        }

    @property
    def _weights(self) -> list[nn.Parameter]:
        weights: list[nn.Parameter] = self.param_groups[0]["params"]
        return weights


def _nothing(weight: Tensor) -> dict[str, Tensor]:
    zeros = {name: torch.zeros_like(weight, memory_format=torch.preserve_format) for name in ("exp_avg", "exp_avg_sq")}
    return {"step": torch.zeros((), dtype=torch.float32), **zeros}
