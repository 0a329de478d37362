"""Networks for units that come one after the other (the words of a text): read in both directions, written from left to right.

The encoder remembers a row forwards and backwards, up to its end, and never what stands behind it. The decoder writes each unit
knowing those before it and the code. While it learns it is shown what should come out, all of it at once (it forces its
teacher); to write by itself it takes one step after the other, and keeps what it remembers.
Each unit comes with its place in the row, so that nothing has to be counted: a bar is over, a sentence is long enough.
Sources: Bowman et al. 2016, "Generating sentences from a continuous space", section 2; of places, Vaswani et al. 2017, section
3.5, and Gehring et al. 2017, "Convolutional sequence to sequence learning", section 3.1, where they are learnt.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from latentwalk import chance
from latentwalk.chance import Dropout
from latentwalk.data.units import END, UNKNOWN
from latentwalk.networks.layers import stack
from latentwalk.networks.recurrent import CELLS, RecurrentKind

__all__ = ["AutoregressiveDecoder", "Memory", "Places", "SerialDecoder", "SerialEncoder", "ends_of"]

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


class Places(nn.Module):
    """Numbers for each place of a row: (T,) → (T, size). Sines and cosines of its phase at first, then learnt.

    length: places there are. periods: what has a phase, in units: those of the grid (voices of a step, steps of a beat and of a
        bar), and beside them 2, 4, 8, … up to twice the length.
    """

    def __init__(self, length: int, periods: Sequence[int] = ()) -> None:
        super().__init__()
        octaves = [2**k for k in range(1, math.ceil(math.log2(2 * length)) + 1)]
        self.periods = sorted({*octaves, *(period for period in periods if period > 1)})
        self.table = nn.Parameter(torch.empty(length, 2 * len(self.periods)))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Sines and cosines."""
        phase = 2 * math.pi * torch.arange(len(self.table))[:, None] / torch.tensor(self.periods)
        self.table.copy_(torch.cat([phase.sin(), phase.cos()], dim=1))

    @property
    def size(self) -> int:
        """Numbers for a place."""
        return self.table.shape[1]

    def forward(self, at: Tensor) -> Tensor:
        """at (…): places from 0 on → (…, size)."""
        return nn.functional.embedding(at, self.table)


class Table(nn.Embedding):
    """Units as numbers (units, size) of length 1, about: no score is large at first where they are what scores come from."""

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Normal numbers."""
        self.weight.normal_(std=self.embedding_dim**-0.5)


class AutoregressiveDecoder(nn.Module, ABC):
    """Code (B, D), and the units before → scores (logits) of the next one. What it remembers is up to who comes after it.

    units: how many there are. length: the units a row has room for, its end included. blind: the share of the units shown while
    learning that are made unknown (Bowman's word dropout). given: how many of the numbers of a code are a condition. tied:
    whether a unit is scored by the numbers that it is looked up as (Press & Wolf 2017), and not by others.
    """

    def __init__(self, units: int, length: int, blind: float = 0.0, given: int = 0, *, tied: bool = False) -> None:
        super().__init__()
        self.length, self.units, self.blind, self.given, self.tied = length, units, blind, given, tied

    def _look_up(self, size: int) -> None:
        """Make what units are looked up in."""
        self.look = (Table if self.tied else nn.Embedding)(self.units, size)

    def _end(self, remembered: int, size: int) -> None:
        """Make the last layers."""
        self.narrow = nn.Linear(remembered, size)
        if self.tied:
            self.often = nn.Parameter(torch.zeros(self.units))
        else:
            self.after = nn.Linear(size, self.units)

    def reset_parameters(self) -> None:
        """What no layer of it resets."""
        if self.tied:
            nn.init.zeros_(self.often)

    @abstractmethod
    def forward(self, z: Tensor, target: Tensor) -> Tensor:
        """What is remembered before each unit of target (B, T), which `scores` reads: (B, T, H)."""

    @abstractmethod
    def begin(self, z: Tensor) -> tuple[Tensor, Memory]:
        """What is known all the time (B, K), and what is remembered before the first unit: tensors (·, B, …)."""

    @abstractmethod
    def step(self, last: Tensor, known: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """The scores (B, units) of the unit after `last` (B,), and what is remembered then."""

    def scores(self, remembered: Tensor) -> Tensor:
        """The scores of each unit (…, units), given what is remembered (…, H)."""
        if self.tied:
            return nn.functional.linear(remembered, self.look.weight, self.often)
        y: Tensor = self.after(remembered)
        return y

    def before_each(self, target: Tensor) -> Tensor:
        """The unit before each of target (B, T), the end before the first; while learning, a share of them unknown."""
        shown = target if not (self.training and self.blind) else self._blinded(target)
        return torch.cat([shown.new_full((len(shown), 1), END), shown[:, :-1]], dim=1)

    def _blinded(self, target: Tensor) -> Tensor:
        hidden = chance.uniform(target.shape, target.new_empty(0, dtype=torch.float32)) < self.blind
        return torch.where(hidden & (target != END), UNKNOWN, target)


class SerialDecoder(AutoregressiveDecoder):
    """A recurrent one. The code is the first memory, and read at each step.

    widths: as of the encoder. periods: of `Places`; None goes without them, as models did that were learnt before there were.
    The rest as above.
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
        tied: bool = False,
        periods: Sequence[int] | None = None,
    ) -> None:
        super().__init__(units, length, blind, given, tied=tied)
        hidden, *dense = widths
        shown = min(SHOWN, hidden)
        sizes = [code, *reversed(dense)]
        self.before = nn.Sequential(*stack(sizes, act, dropout))
        self.first = nn.Linear(sizes[-1], hidden)
        self._look_up(shown)
        self.forget = Dropout(dropout)
        self.places = None if periods is None else Places(length, periods)
        seen = shown + sizes[-1] + (0 if self.places is None else self.places.size)
        self.recurrent = CELLS[kind](seen, hidden, batch_first=True)
        self._end(hidden, shown)

    def forward(self, z: Tensor, target: Tensor) -> Tensor:
        """See `AutoregressiveDecoder.forward`."""
        known, memory = self.begin(z)
        read = self._read(self.before_each(target), known, torch.arange(target.shape[1], device=target.device))
        steps, _ = self.recurrent(self.forget(read), self._held(memory))
        return self.forget(self.narrow(steps))

    def begin(self, z: Tensor) -> tuple[Tensor, Memory]:
        """See `AutoregressiveDecoder.begin`; the last of the memory, where there are places, is the next one (1, B)."""
        known: Tensor = self.before(z)
        memory: Memory = (torch.tanh(self.first(known))[None],)  # (1, B, H)
        if isinstance(self.recurrent, nn.LSTM):
            memory = (*memory, torch.zeros_like(memory[0]))
        return known, memory if self.places is None else (*memory, torch.zeros_like(memory[0][..., 0], dtype=torch.long))

    def step(self, last: Tensor, known: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """See `AutoregressiveDecoder.step`."""
        read = self._read(last[:, None], known, memory[-1][0, :, None])
        steps, held = self.recurrent(read, self._held(memory))
        found = held if isinstance(held, tuple) else (held,)
        return self.scores(self.narrow(steps[:, 0])), found if self.places is None else (*found, memory[-1] + 1)

    def _read(self, before: Tensor, known: Tensor, at: Tensor) -> Tensor:
        """What is read at each place `at`, (T,) or (B, T), with the units before (B, T)."""
        parts = [self.look(before), known[:, None].expand(-1, before.shape[1], -1)]
        if self.places is not None:
            parts.append(self.places(at).expand(*before.shape, -1))
        return torch.cat(parts, dim=-1)

    def _held(self, memory: Memory) -> Tensor | Memory:
        """Memory as the recurrent layer takes it."""
        return (memory[0], memory[1]) if isinstance(self.recurrent, nn.LSTM) else memory[0]
