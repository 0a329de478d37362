"""Recurrent networks for signals: GRU or LSTM, of any length up to the longest, padding without influence.

The encoder reads a signal forwards and backwards and keeps what it remembers after the last step. The decoder starts from
the code and is given it again at each step; it never sees its own output, so a mistake is not carried along.
Source of the pair: Srivastava et al. 2015, "Unsupervised learning of video representations using LSTMs", section 3.1.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from latentwalk.chance import Dropout
from latentwalk.networks.layers import stack

__all__ = ["CELLS", "RecurrentDecoder", "RecurrentEncoder", "RecurrentKind"]

RecurrentKind = Literal["gru", "lstm"]
CELLS = {"gru": nn.GRU, "lstm": nn.LSTM}


class RecurrentEncoder(nn.Module):
    """Signal (B, F, T) → (B, *out): two recurrent layers, one for each direction of time, then dense layers.

    masked: the last half of the F channels says what was observed (see `Filled`); steps after the last observed one are not
    read at all. widths: units of each recurrent layer, then of dense layers.
    """

    def __init__(
        self,
        kind: RecurrentKind,
        event: tuple[int, ...],
        out: tuple[int, ...],
        widths: Sequence[int],
        act: str = "relu",
        dropout: float = 0.0,
        masked: bool = False,
    ) -> None:
        super().__init__()
        self.out = out
        self.masked = masked
        units, *dense = widths
        self.forwards = CELLS[kind](event[0], units, batch_first=True)
        self.backwards = CELLS[kind](event[0], units, batch_first=True)
        sizes = [2 * units, *dense]
        forget = [Dropout(dropout)] if dropout else []
        self.layers = nn.Sequential(*forget, *stack(sizes, act, dropout), nn.Linear(sizes[-1], math.prod(out)))

    def forward(self, x: Tensor) -> Tensor:
        steps = x.movedim(1, 2)  # (B, T, F)
        last = self._last(x)  # (B,)
        time = torch.arange(steps.shape[1], device=x.device)
        turned = (last[:, None] - time).clamp(min=0)  # (B, T): last, last - 1, …, 0, 0, …
        reversed_ = steps.gather(1, turned[..., None].expand_as(steps))
        at = last[:, None, None].expand(-1, 1, self.forwards.hidden_size)  # take_along_dim cannot be exported for any batch
        remembered = [
            layer(some)[0].gather(1, at).squeeze(1) for layer, some in ((self.forwards, steps), (self.backwards, reversed_))
        ]
        y: Tensor = self.layers(torch.cat(remembered, dim=-1))
        return y.unflatten(1, self.out)

    def _last(self, x: Tensor) -> Tensor:
        """The last step at which anything was observed: (B,)."""
        batch, channels, length = x.shape
        if not self.masked:
            return torch.full((batch,), length - 1, device=x.device)
        observed = x[:, channels // 2 :].amax(1)  # (B, T)
        return (observed * torch.arange(1, length + 1, device=x.device)).argmax(1)


class RecurrentDecoder(nn.Module):
    """Code (B, D) → signal (B, F, T): the code is the first memory, and the input at each step."""

    def __init__(
        self,
        kind: RecurrentKind,
        code: int,
        event: tuple[int, ...],
        widths: Sequence[int],
        act: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        units, *dense = widths
        self.length = event[1]
        sizes = [code, *reversed(dense)]
        self.before = nn.Sequential(*stack(sizes, act, dropout))
        self.first = nn.Linear(sizes[-1], units)
        self.recurrent = CELLS[kind](sizes[-1], units, batch_first=True)
        forget = [Dropout(dropout)] if dropout else []
        self.after = nn.Sequential(*forget, nn.Linear(units, event[0]))

    def forward(self, z: Tensor) -> Tensor:
        given = self.before(z)  # (B, D')
        memory = torch.tanh(self.first(given))[None]  # (1, B, units)
        start = (memory, torch.zeros_like(memory)) if isinstance(self.recurrent, nn.LSTM) else memory
        steps, _ = self.recurrent(given[:, None].expand(-1, self.length, -1), start)
        y: Tensor = self.after(steps)
        return y.movedim(1, 2)  # (B, F, T)
