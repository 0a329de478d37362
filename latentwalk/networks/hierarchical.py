"""A decoder of two levels, for long pieces: a code for each bar from that of the whole, and the notes of a bar from the bar's.

A recurrent layer goes from bar to bar (Roberts' conductor), knowing the code alone; within a bar another one writes unit after
unit, beginning anew in each. So what a bar shares with one far away has to go through the code. While it learns, all bars are
written at once, which takes as long as a single one.
Source: Roberts et al. 2018, "A hierarchical latent vector model for learning long-term structure in music" (MusicVAE), section
3.2.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from latentwalk.chance import Dropout
from latentwalk.data.units import END
from latentwalk.networks.layers import stack
from latentwalk.networks.serial import SHOWN, AutoregressiveDecoder, Memory, Places

__all__ = ["HierarchicalDecoder"]


class HierarchicalDecoder(AutoregressiveDecoder):
    """Code (B, D), and the units before in the same bar → scores of the next one.

    code: D. bar: units of a bar. widths: units of both recurrent layers, then of dense layers that read the code. periods: see
    `Places`, here of the places within a bar. The rest as of an `AutoregressiveDecoder`. The last unit of the bar before is
    read, too, as MusicVAE does.
    """

    def __init__(
        self,
        code: int,
        units: int,
        length: int,
        bar: int,
        widths: Sequence[int],
        act: str = "relu",
        dropout: float = 0.0,
        blind: float = 0.0,
        given: int = 0,
        tied: bool = False,
        periods: Sequence[int] = (),
    ) -> None:
        super().__init__(units, length, blind, given, tied=tied)
        hidden, *dense = widths
        shown = min(SHOWN, hidden)
        sizes = [code, *reversed(dense)]
        self.bar, self.bars = bar, -(-length // bar)
        self.before = nn.Sequential(*stack(sizes, act, dropout))
        self._look_up(shown)
        self.forget = Dropout(dropout)
        self.order, self.places = Places(self.bars), Places(bar, periods)
        self.first = nn.Linear(sizes[-1], hidden)
        self.conductor = nn.GRU(sizes[-1] + self.order.size, hidden, batch_first=True)
        self.enter = nn.Linear(hidden, hidden)
        self.recurrent = nn.GRU(shown + hidden + self.places.size, hidden, batch_first=True)
        self._end(hidden, shown)

    def forward(self, z: Tensor, target: Tensor) -> Tensor:
        """See `AutoregressiveDecoder.forward`."""
        length = target.shape[1]
        bars = -(-length // self.bar)
        before = pad(self.before_each(target), (0, bars * self.bar - length), value=END)
        codes = self._conducted(z, bars).flatten(0, 1)  # (B * bars, H)
        read = self._read(before.reshape(-1, self.bar), codes, torch.arange(self.bar, device=target.device))
        steps, _ = self.recurrent(self.forget(read), torch.tanh(self.enter(codes))[None])
        return self.forget(self.narrow(steps.reshape(len(target), bars * self.bar, -1)[:, :length]))

    def begin(self, z: Tensor) -> tuple[Tensor, Memory]:
        """See `AutoregressiveDecoder.begin`. Known are the codes of all bars; remembered what is so in a bar, and the place."""
        codes = self._conducted(z, self.bars)
        return codes.flatten(1), (
            torch.zeros_like(codes[None, :, 0]),
            torch.zeros(1, len(z), dtype=torch.long, device=z.device),
        )

    def step(self, last: Tensor, known: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """See `AutoregressiveDecoder.step`."""
        held, at = memory
        bar, place = at[0] // self.bar, at[0] % self.bar
        codes = known.unflatten(1, (self.bars, -1))
        code = codes.gather(1, bar[:, None, None].expand(-1, 1, codes.shape[2]))[:, 0]  # (B, H)
        held = torch.where((place == 0)[:, None], torch.tanh(self.enter(code)), held)
        steps, held = self.recurrent(self._read(last[:, None], code, place[:, None]), held)
        return self.scores(self.narrow(steps[:, 0])), (held, at + 1)

    def _conducted(self, z: Tensor, bars: int) -> Tensor:
        """The codes (B, bars, H) of the first bars."""
        known = self.before(z)
        order = self.order(torch.arange(bars, device=z.device)).expand(len(z), -1, -1)
        read = torch.cat([known[:, None].expand(-1, bars, -1), order], dim=-1)
        codes: Tensor = self.conductor(read, torch.tanh(self.first(known))[None])[0]
        return codes

    def _read(self, before: Tensor, codes: Tensor, at: Tensor) -> Tensor:
        """What is read at each place of a bar `at`, (T,) or (B, T), with the units before (B, T), given its code (B, H)."""
        places = self.places(at).expand(*before.shape, -1)
        return torch.cat([self.look(before), codes[:, None].expand(-1, before.shape[1], -1), places], dim=-1)
