"""Networks with a code for every step of a roll: which keys sound together, given those before.

Each step has some numbers of the code to itself, whose prior is N(0, I) whatever came before; what came before is remembered by
a recurrent layer, and both together say which keys sound. So, given its part of the code, the keys of a step are independent;
without it they go together. The encoder reads a step and what came before it, since nothing that comes later says more.
Source: Bayer & Osendorf 2014, "Learning stochastic recurrent networks" (STORN), but that the memory holds what sounded alone,
and not the codes of earlier steps: the steps' codes are then independent given the piece, and all steps are gone through at
once.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from latentwalk.chance import Dropout
from latentwalk.errors import ConfigError
from latentwalk.networks.layers import activation, stack

__all__ = ["STEPWISE", "StepDecoder", "StepEncoder", "own_numbers_of"]

STEPWISE: Literal["storn"] = "storn"
OWN = 16  # numbers of a step, unless told
FLAT = -3.0  # log-odds that a key sounds, where learning begins


def own_numbers_of(steps: int, latent: int | None) -> int:
    """How many numbers of a code of `latent` each of so many steps has; the usual, if None. Raises ConfigError."""
    if latent is not None and latent % steps:
        nearest = steps * max(1, round(latent / steps))
        raise ConfigError(f"latent={latent} cannot be shared by {steps} steps. Use latent={nearest}, or None for {OWN} a step.")
    return OWN if latent is None else latent // steps


class _Memory(nn.Module):
    """What sounded (B, C, T) → what is remembered before each step (B, T, H)."""

    def __init__(self, keys: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.recurrent = nn.GRU(keys, hidden, batch_first=True)
        self.forget = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        steps = x.movedim(1, 2)  # (B, T, C)
        before = torch.cat([torch.zeros_like(steps[:, :1]), steps[:, :-1]], dim=1)
        held: Tensor = self.forget(self.recurrent(self.forget(before))[0])
        return held


class StepEncoder(nn.Module):
    """Roll (B, C, T), NaN where it is over → (B, each T D'): for all steps the D' numbers of its code, `each` times.

    keys: C. length: steps there is room for, at least T; of what is over, the numbers are 0: the prior's, where they are means
    and log-variances. own: D', numbers of a step. widths: units that remember, then of dense layers.
    """

    def __init__(
        self, keys: int, length: int, own: int, each: int, widths: Sequence[int], act: str = "relu", dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.length, self.own, self.each = length, own, each
        hidden, *dense = widths
        self.memory = _Memory(keys, hidden, dropout)
        self.layers = nn.Sequential(*stack([hidden + keys, *(dense or [hidden])], act, dropout))
        self.said = nn.Linear((dense or [hidden])[-1], each * own)

    def forward(self, x: Tensor) -> Tensor:
        known = ~x.isnan()
        x = torch.where(known, x, 0.0)
        seen = torch.cat([self.memory(x), x.movedim(1, 2)], dim=-1)
        y = self.said(self.layers(seen)) * known.any(1)[..., None]  # (B, T, each D')
        y = nn.functional.pad(y, (0, 0, 0, self.length - y.shape[1]))
        return y.unflatten(-1, (self.each, self.own)).movedim(2, 1).flatten(1)  # (B, each T D')


class StepDecoder(nn.Module):
    """Codes (…, T D') and what sounded before → the log-odds that each key sounds. See `StepEncoder`."""

    given = 0  # it takes no condition

    def __init__(
        self, keys: int, length: int, own: int, widths: Sequence[int], act: str = "relu", dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.keys, self.length, self.own = keys, length, own
        hidden, *dense = widths
        wide = (dense or [hidden])[-1]
        self.memory = _Memory(keys, hidden, dropout)
        self.held = nn.Linear(hidden, wide)
        self.code = nn.Linear(own, wide, bias=False) if own else None
        self.act = nn.Sequential(activation(act), *([Dropout(dropout)] if dropout else []), *stack([wide, wide], act, dropout))
        self.after = nn.Linear(wide, keys)
        nn.init.constant_(self.after.bias, FLAT)

    def forward(self, z: Tensor, target: Tensor) -> Tensor:
        """The log-odds (K, B, C, T) for codes z (K, B, T' D'), T' at least T, given what sounded before in target (B, C, T)."""
        held = self.held(self.memory(torch.nan_to_num(target)))  # (B, T, W)
        codes = self.codes(z)[:, :, : held.shape[1]]
        odds = self._odds(held.expand(len(z), -1, -1, -1).flatten(0, 1), codes.flatten(0, 1))  # (K B, C, T)
        return odds.unflatten(0, z.shape[:2])

    def codes(self, z: Tensor) -> Tensor:
        """Codes (…, T D') a step: (…, T, D')."""
        return z.unflatten(-1, (self.length, self.own))

    def begin(self, rows: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """What sounded (n, C), and what is remembered (1, n, H), before the first step."""
        return like.new_zeros(rows, self.keys), like.new_zeros(1, rows, self.memory.recurrent.hidden_size)

    def step(self, code: Tensor, before: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The log-odds (n, C) of a step by its code (n, D'), what sounded before it (n, C) and the memory; and that after."""
        held, memory = self.memory.recurrent(before[:, None], memory)
        return self._odds(self.held(held), code[:, None])[..., 0], memory

    def _odds(self, held: Tensor, codes: Tensor) -> Tensor:
        y = held if self.code is None else held + self.code(codes)
        odds: Tensor = self.after(self.act(y))
        return odds.movedim(-1, -2)
