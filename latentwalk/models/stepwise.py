"""p(x | z) of a roll: at each step the keys are independent Bernoullis, given the step's own code and what sounded before."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from latentwalk import chance
from latentwalk.models.conditional import Lazy
from latentwalk.models.forced import Forced
from latentwalk.networks.stepwise import StepDecoder

__all__ = ["Stepwise", "StepwiseConditional"]


class StepwiseConditional(Lazy):
    """p(x | z) as a decoder's body gives it; given what should come out, its log-probability is found in one pass."""

    def __init__(self, body: StepDecoder) -> None:
        super().__init__()
        self.body = body

    def forward(self, c: Tensor | None = None, given: Tensor | None = None, target: Tensor | None = None) -> "Stepwise":
        """c (…, D) → a distribution with batch (…) over rolls (C, T). target: what should come out, (…, C, T) or with fewer
        leading axes; its last steps may be left out, where they are over in all of them. It takes no condition.
        """
        assert c is not None and given is None, "a conditional depends on its code, and this one on nothing else"
        found = Stepwise(self.body, c)
        if target is not None:
            found.force(target)
        return found


class Stepwise(Forced):
    """A distribution over rolls (C, T): each step given those before it. c: (…, D) codes."""

    body: StepDecoder

    def log_prob(self, value: Tensor) -> Tensor:
        """log p of what was observed of rolls (…, C, T), NaN where one is over: (…)."""
        return self.log_prob_each(value).flatten(-2).sum(-1)

    @property
    def mean(self) -> Tensor:
        """How likely each key sounds (…, C, T), where at each step before those sounded that were likelier than not."""
        return self.unrolled(lambda odds: (odds > 0).to(odds))[0]

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Rolls (*sample_shape, …, C, T), step after step, 1 for a key that sounds."""
        return self.expanded(sample_shape).unrolled(lambda odds: (chance.uniform(odds.shape, odds) < odds.sigmoid()).to(odds))[
            1
        ]

    @torch.no_grad()
    def unrolled(self, choice: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """How likely each key sounds and what was chosen by its log-odds (n, C), (…, C, T) each, step after step."""
        body, z = self.body, self.body.codes(self.c.flatten(0, -2))
        before, memory = body.begin(len(z), z)
        likely, chosen = [], []
        for at in range(body.length):
            odds, memory = body.step(z[:, at], before, memory)
            before = choice(odds)
            likely.append(odds.sigmoid())
            chosen.append(before)
        lead = self.c.shape[:-1]
        return torch.stack(likely, -1).unflatten(0, lead), torch.stack(chosen, -1).unflatten(0, lead)

    def _event(self) -> tuple[int, ...]:
        return (self.body.keys, self.body.length)

    def _each(self, value: Tensor) -> Tensor:
        """See `log_prob_each`."""
        lead, event = self.c.shape[:-1], value.shape[-2:]
        shared = value.ndim <= 3 and (value.ndim == 2 or lead[-1:] == value.shape[:1])  # what sounded is remembered once a row
        rows = lead[-1] if lead else 1
        draws = math.prod(lead[:-1])
        if shared:
            target, z = value.expand(rows, *event), self.c.reshape(draws, rows, -1)
        else:
            target, z = value.expand(*lead, *event).reshape(-1, *event), self.c.reshape(1, draws * rows, -1)
        odds = self.body(z, target)
        odds = odds.float() if odds.dtype.itemsize < 4 else odds
        known = ~target.isnan()
        loss = binary_cross_entropy_with_logits(odds, torch.where(known, target, 0.0).expand_as(odds), reduction="none")
        return torch.where(known, -loss, 0.0).reshape(*lead, *event)
