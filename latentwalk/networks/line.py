"""A straight line beside a network: what is learnt is only how the data departs from it.

A network as PyTorch begins it gives almost the same for every input: hundreds of steps go into drawing the mean, and as many
into what principal components say at once. Here the encoder reads (x - mean) / deviation, and beside it a linear map finds the
code; the decoder adds what its network says, in deviations of the data, to a linear map of the code. Both maps, and the means,
begin where `models.start` puts them; the networks begin at 0 there, so that the first error is that of the line.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad

__all__ = ["DecoderLine", "EncoderLine", "silenced"]

QUIET = 256  # numbers that a line may read at the full learning rate
EVEN = 16  # a product with fewer columns rounds by where among its rows one lies


class EncoderLine(nn.Module):
    """An encoder's body: x (B, *seen) → line(c) + body(c), (B, *out), with c = (x - mean) / deviation.

    everywhere: whether all places of an image or a signal have one mean, as for a network to which they are alike.
    inputs: what makes numbers (B, *seen) of an example, where it is not that itself. straight: whether there is a line. Where
    nothing was observed x holds NaN, which the body reads as it likes; to the line it is the mean.
    pace: the share of the learning rate at which the line's slope moves. Adam moves each weight by about the rate, and
    neighbouring pixels go together: 12,288 of them at full rate move a code by several of its deviations in one step.
    """

    mean: Tensor
    gain: Tensor

    def __init__(
        self,
        body: nn.Module,
        seen: tuple[int, ...],
        out: tuple[int, ...],
        *,
        inputs: nn.Module | None = None,
        straight: bool = True,
        missing: bool = False,
        everywhere: bool = False,
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.body = body
        self.out = out
        self.missing = missing
        self.everywhere = everywhere
        self.pace = min(1.0, QUIET / math.prod(seen))
        self.register_buffer("mean", torch.zeros(seen))
        self.register_buffer("gain", torch.ones(seen))
        self.slope = nn.Parameter(torch.zeros(math.prod(out), math.prod(seen))) if straight else None
        self.middle = nn.Parameter(torch.zeros(math.prod(out))) if straight else None

    def forward(self, x: Tensor) -> Tensor:
        c = self.centred(x)
        y: Tensor = self.body(c)
        if self.slope is None or self.middle is None:
            return y
        known = torch.where(c.isnan(), 0.0, c) if self.missing else c
        return y + _straight(known.flatten(1), self.slope, self.middle).unflatten(1, self.out)

    def centred(self, x: Tensor) -> Tensor:
        """x (B, *E) as it is read: (B, *seen)."""
        seen: Tensor = x if self.inputs is None else self.inputs(x)
        return (seen - self.mean) * self.gain  # in two steps: one that does both rounds by where in memory a row lies

    def centre(self, mean: Tensor, deviation: Tensor) -> None:
        """Read (x - mean) / deviation from now on, both (*seen)."""
        self.mean.copy_(mean)
        self.gain.copy_(1 / deviation)


class DecoderLine(nn.Module):
    """A decoder's body: z (B, D) → line(z) + deviation * body(z), (B, *raw), raw numbers for a head.

    straight: whether the line depends on the code; its bias is the mean of the data.
    """

    deviation: Tensor

    def __init__(self, body: nn.Module, code: int, raw: tuple[int, ...], *, straight: bool = True) -> None:
        super().__init__()
        self.body = body
        self.raw = raw
        self.mean = nn.Parameter(torch.zeros(math.prod(raw)))
        self.slope = nn.Parameter(torch.zeros(math.prod(raw), code)) if straight else None
        self.register_buffer("deviation", torch.ones(()))

    def forward(self, z: Tensor) -> Tensor:
        line = self.mean if self.slope is None else _straight(z, self.slope, self.mean)
        y: Tensor = self.body(z)
        return line.unflatten(-1, self.raw) + y * self.deviation


def _straight(c: Tensor, slope: Tensor, middle: Tensor) -> Tensor:
    """middle + c @ slope.T, (B, R), rounded alike for a row wherever it lies."""
    size = len(middle)
    if size >= EVEN:
        return linear(c, slope, middle)
    return linear(c, pad(slope, (0, 0, 0, EVEN - size)), pad(middle, (0, EVEN - size)))[:, :size]


@torch.no_grad()
def silenced(body: nn.Module) -> None:
    """Let a body say 0, whatever it reads: the weights of its last layer become 0, in place."""
    *_, last = (part for part in body.modules() if isinstance(part, (nn.Linear, nn.Conv1d, nn.Conv2d)))
    for weight in last.parameters():
        weight.zero_()
