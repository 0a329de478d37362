"""Transformers for units that come one after the other: each looks at all others, or, in a decoder, at those before it.

Layers are normalised before they are read (Xiong et al. 2020), so that they learn without a slow beginning. The decoder is
shown what should come out, all of it at once; to write by itself it keeps the keys and values of all units before.
Sources: Vaswani et al. 2017, "Attention is all you need"; a code read at each step, Fang et al. 2021, "Transformer-based
conditional variational autoencoder for controllable story generation", section 3.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from latentwalk.chance import Dropout
from latentwalk.networks.layers import activation, stack
from latentwalk.networks.serial import SHOWN, AutoregressiveDecoder, Memory, Places, ends_of

__all__ = ["TransformerDecoder", "TransformerEncoder"]

HEAD = 32  # numbers of a head of attention, about
WIDER = 4  # how much wider the dense layer of a block is


class _Block(nn.Module):
    """What is remembered of each place (B, T, H) → the same, having looked at others, and thought about it."""

    def __init__(self, width: int, act: str, dropout: float) -> None:
        super().__init__()
        self.heads = max(1, round(width / HEAD))
        while width % self.heads:
            self.heads -= 1
        self.normal, self.normal_again = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked = nn.Linear(width, 3 * width)
        self.told = nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, WIDER * width), activation(act), nn.Linear(WIDER * width, width))
        self.forget = Dropout(dropout)

    def asking(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of x (B, T, H): (heads, B, T, H / heads) each."""
        query, key, value = self.asked(self.normal(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 3, 0, 1, 4)
        return query, key, value

    def forward(self, x: Tensor, query: Tensor, key: Tensor, value: Tensor, *, seen: Tensor | None, causal: bool) -> Tensor:
        """seen: which keys may be looked at (B, 1, T). causal: each place looks at none after it."""
        told = scaled_dot_product_attention(query, key, value, attn_mask=seen, is_causal=causal)
        x = x + self.forget(self.told(told.permute(1, 2, 0, 3).flatten(2)))
        y: Tensor = x + self.forget(self.dense(self.normal_again(x)))
        return y


def _blocks(held: nn.ModuleList) -> list[_Block]:
    """The blocks, as what they are."""
    return [block for block in held if isinstance(block, _Block)]


class TransformerEncoder(nn.Module):
    """Units (B, T) → (B, *out): blocks in which each unit looks at all others up to the end; the mean of all; dense layers.

    units: how many there are. length: places of a row. widths: of the blocks, then of dense layers. periods: see `Places`.
    """

    def __init__(
        self,
        units: int,
        length: int,
        out: tuple[int, ...],
        widths: Sequence[int],
        blocks: int = 2,
        act: str = "relu",
        dropout: float = 0.0,
        periods: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.out = out
        width, *dense = widths
        shown = min(SHOWN, width)
        self.look, self.places, self.forget = nn.Embedding(units, shown), Places(length, periods), Dropout(dropout)
        self.enter = nn.Linear(shown + self.places.size, width)
        self.blocks = nn.ModuleList(_Block(width, act, dropout) for _ in range(blocks))
        self.normal = nn.LayerNorm(width)
        sizes = [width, *dense]
        self.layers = nn.Sequential(Dropout(dropout), *stack(sizes, act, dropout), nn.Linear(sizes[-1], math.prod(out)))

    def forward(self, x: Tensor) -> Tensor:
        at = torch.arange(x.shape[1], device=x.device)
        read = at <= ends_of(x)[:, None]  # (B, T): the end is read, too
        places = self.places(at).expand(*x.shape, -1)
        steps = self.enter(torch.cat([self.forget(self.look(x)), places], dim=-1))
        for block in _blocks(self.blocks):
            steps = block(steps, *block.asking(steps), seen=read[:, None], causal=False)
        weights = read.to(steps) / read.sum(1, keepdim=True)
        y: Tensor = self.layers((self.normal(steps) * weights[..., None]).sum(1))
        return y.unflatten(1, self.out)


class TransformerDecoder(AutoregressiveDecoder):
    """Code (B, D), and the units before → scores of the next one. The code is read at each place.

    code: D. widths: as of the encoder. The rest as of an `AutoregressiveDecoder`. What is remembered between two steps are the
    keys and values of each block, (heads, B, t, H / heads), of the t places so far.
    """

    def __init__(
        self,
        code: int,
        units: int,
        length: int,
        widths: Sequence[int],
        blocks: int = 2,
        act: str = "relu",
        dropout: float = 0.0,
        blind: float = 0.0,
        given: int = 0,
        tied: bool = False,
        periods: Sequence[int] = (),
    ) -> None:
        super().__init__(units, length, blind, given, tied=tied)
        width, *dense = widths
        shown = min(SHOWN, width)
        sizes = [code, *reversed(dense)]
        self.before = nn.Sequential(*stack(sizes, act, dropout))
        self._look_up(shown)
        self.places, self.forget = Places(length, periods), Dropout(dropout)
        self.enter = nn.Linear(shown + sizes[-1] + self.places.size, width)
        self.blocks = nn.ModuleList(_Block(width, act, dropout) for _ in range(blocks))
        self.normal = nn.LayerNorm(width)
        self._end(width, shown)

    def forward(self, z: Tensor, target: Tensor) -> Tensor:
        """See `AutoregressiveDecoder.forward`."""
        at = torch.arange(target.shape[1], device=target.device)
        steps = self._read(self.before_each(target), self.before(z), at)
        for block in _blocks(self.blocks):
            steps = block(steps, *block.asking(steps), seen=None, causal=True)
        return self.forget(self.narrow(self.normal(steps)))

    def begin(self, z: Tensor) -> tuple[Tensor, Memory]:
        """See `AutoregressiveDecoder.begin`."""
        known: Tensor = self.before(z)
        heads, width = _blocks(self.blocks)[0].heads, self.enter.out_features
        none = known.new_zeros(heads, len(z), 0, width // heads)
        return known, (none,) * 2 * len(self.blocks)

    def step(self, last: Tensor, known: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """See `AutoregressiveDecoder.step`."""
        steps = self._read(last[:, None], known, torch.full((1,), memory[0].shape[2], device=last.device))
        held: Memory = ()
        for block, *before in zip(_blocks(self.blocks), memory[::2], memory[1::2], strict=True):
            query, *now = block.asking(steps)
            both = [torch.cat(pair, dim=2) for pair in zip(before, now, strict=True)]
            steps = block(steps, query, *both, seen=None, causal=False)
            held = (*held, *both)
        return self.scores(self.narrow(self.normal(steps[:, 0]))), held

    def _read(self, before: Tensor, known: Tensor, at: Tensor) -> Tensor:
        """What goes into the blocks at each place `at` (T,), with the units before (B, T)."""
        places = self.places(at).expand(*before.shape, -1)
        y: Tensor = self.enter(
            torch.cat([self.forget(self.look(before)), known[:, None].expand(-1, len(at), -1), places], dim=-1)
        )
        return y
