"""Networks for units that come one after the other (the words of a text): read in both directions, written from left to right.

The encoder remembers a row forwards and backwards, up to its end, and never what stands behind it. The decoder writes each unit
knowing those before it and the code. While it learns it is shown what should come out, all of it at once (it forces its
teacher); to write by itself it takes one step after the other, and keeps what it remembers.
Source of the pair: Bowman et al. 2016, "Generating sentences from a continuous space", section 2.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from latentwalk import chance
from latentwalk.chance import Dropout
from latentwalk.data.units import END, UNKNOWN
from latentwalk.networks.layers import stack
from latentwalk.networks.recurrent import CELLS, RecurrentKind

__all__ = ["Memory", "SerialDecoder", "SerialEncoder", "ends_of"]

SHOWN = 256  # numbers that a unit is looked up as, at most
Memory = tuple[Tensor, ...]  # of a decoder, between two steps


def ends_of(x: Tensor) -> Tensor:
    """Where the end of each row x (B, T) of units is: (B,), T where there is none."""
    at_end = x == END
    return torch.where(at_end.any(1), at_end.int().argmax(1), x.shape[1])


class SerialEncoder(nn.Module):
    """Units (B, T) → (B, *out): two recurrent layers, one for each direction, up to the end of each row; then dense layers.

    units: how many there are. widths: units of each recurrent layer, then of dense layers.
    """

    def __init__(
        self,
        kind: RecurrentKind,
        units: int,
        out: tuple[int, ...],
        widths: Sequence[int],
        act: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.out = out
        hidden, *dense = widths
        shown = min(SHOWN, hidden)
        self.look = nn.Embedding(units, shown)
        self.forget = Dropout(dropout)
        self.forwards = CELLS[kind](shown, hidden, batch_first=True)
        self.backwards = CELLS[kind](shown, hidden, batch_first=True)
        sizes = [2 * hidden, *dense]
        self.layers = nn.Sequential(Dropout(dropout), *stack(sizes, act, dropout), nn.Linear(sizes[-1], math.prod(out)))

    def forward(self, x: Tensor) -> Tensor:
        last = ends_of(x).clamp(max=x.shape[1] - 1)  # (B,): the end is read, too
        turned = (last[:, None] - torch.arange(x.shape[1], device=x.device)).clamp(min=0)  # last, last - 1, …, 0, 0, …
        at = last[:, None, None].expand(-1, 1, self.forwards.hidden_size)
        remembered = [
            layer(self.forget(self.look(row)))[0].gather(1, at).squeeze(1)
            for layer, row in ((self.forwards, x), (self.backwards, x.gather(1, turned)))
        ]
        y: Tensor = self.layers(torch.cat(remembered, dim=-1))
        return y.unflatten(1, self.out)


class SerialDecoder(nn.Module):
    """Code (B, D), and the units before → scores (logits) of the next one. The code is the first memory, and read at each step.

    units: how many there are. length: the units a row has room for, its end included. widths: as of the encoder. blind: the
    share of the units shown while learning that are made unknown (Bowman's word dropout). given: how many of the numbers of a
    code are a condition.
    """

    def __init__(
        self,
        kind: RecurrentKind,
        code: int,
        units: int,
        length: int,
        widths: Sequence[int],
        act: str = "relu",
        dropout: float = 0.0,
        blind: float = 0.0,
        given: int = 0,
    ) -> None:
        super().__init__()
        self.length, self.units, self.blind, self.given = length, units, blind, given
        hidden, *dense = widths
        shown = min(SHOWN, hidden)
        sizes = [code, *reversed(dense)]
        self.before = nn.Sequential(*stack(sizes, act, dropout))
        self.first = nn.Linear(sizes[-1], hidden)
        self.look = nn.Embedding(units, shown)
        self.forget = Dropout(dropout)
        self.recurrent = CELLS[kind](shown + sizes[-1], hidden, batch_first=True)
        self.narrow = nn.Linear(hidden, shown)
        self.after = nn.Linear(shown, units)

    def forward(self, z: Tensor, target: Tensor) -> Tensor:
        """What is remembered before each unit of target (B, T), which `scores` reads: (B, T, H)."""
        shown = target if not (self.training and self.blind) else self._blinded(target)
        start = shown.new_full((len(shown), 1), END)
        known, memory = self.begin(z)
        read = torch.cat(
            [self.look(torch.cat([start, shown[:, :-1]], dim=1)), known[:, None].expand(-1, shown.shape[1], -1)], dim=-1
        )
        steps, _ = self.recurrent(self.forget(read), self._held(memory))
        return self.forget(self.narrow(steps))

    def scores(self, remembered: Tensor) -> Tensor:
        """The scores of each unit (…, units), given what is remembered (…, H)."""
        y: Tensor = self.after(remembered)
        return y

    def begin(self, z: Tensor) -> tuple[Tensor, Memory]:
        """What is known all the time, and what is remembered before the first unit."""
        known: Tensor = self.before(z)
        memory = torch.tanh(self.first(known))[None]  # (1, B, H)
        return known, ((memory, torch.zeros_like(memory)) if isinstance(self.recurrent, nn.LSTM) else (memory,))

    def step(self, last: Tensor, known: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """The scores (B, units) of the unit after `last` (B,), and what is remembered then."""
        read = torch.cat([self.look(last), known], dim=-1)[:, None]
        steps, held = self.recurrent(read, self._held(memory))
        return self.scores(self.narrow(steps[:, 0])), held if isinstance(held, tuple) else (held,)

    def _held(self, memory: Memory) -> Tensor | Memory:
        """Memory as the recurrent layer takes it."""
        return memory if isinstance(self.recurrent, nn.LSTM) else memory[0]

    def _blinded(self, target: Tensor) -> Tensor:
        hidden = chance.uniform(target.shape, target.new_empty(0, dtype=torch.float32)) < self.blind
        return torch.where(hidden & (target != END), UNKNOWN, target)
