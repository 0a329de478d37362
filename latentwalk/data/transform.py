"""A power transform of the columns of a table, by which those that are skewed are learnt, and the way back.

Of u = (x - centre) / width, with an exponent e in [0, 2],

    y = ((1 + u)^e - 1) / e                   where u >= 0: log(1 + u) at e = 0
    y = -((1 - u)^(2 - e) - 1) / (2 - e)      elsewhere: -log(1 - u) at e = 2

which is monotone and smooth, takes all numbers to all numbers, and is the identity at e = 1. The logarithm of its slope belongs
to a density, see `Scaling`.
Source: Yeo & Johnson 2000, "A new family of power transformations to improve normality or symmetry".
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from latentwalk.data.powers import Power

__all__ = ["PowerTransform"]

LARGEST = 80.0  # of log(1 + |u|) on the way back: what a decoder says far from all data is still a number


class PowerTransform(nn.Module):
    """Columns (B, C) ↔ the same, those with a `Power` transformed, in float64; NaN stays NaN."""

    centre: Tensor
    width: Tensor
    exponent: Tensor
    bent: Tensor

    def __init__(self, powers: Sequence[Power | None]) -> None:
        super().__init__()
        plain = Power(0.0, 1.0, 1.0)
        for name in ("centre", "width", "exponent"):
            values = torch.tensor([getattr(one or plain, name) for one in powers], dtype=torch.float64)
            self.register_buffer(name, values, persistent=False)
        self.register_buffer("bent", torch.tensor([one is not None for one in powers]), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C) → y (B, C)."""
        u = (x.double() - self.centre) / self.width
        e, log = self._sided(u), u.abs().log1p()
        y = torch.where(e == 0, log, torch.expm1(e * log) / torch.where(e == 0, 1.0, e))
        return torch.where(self.bent, torch.where(u < 0, -y, y), x.double())

    def inverse(self, y: Tensor) -> Tensor:
        """y (B, C) → x (B, C)."""
        u = y.double()
        e, size = self._sided(u), u.abs()
        log = torch.where(e == 0, size, (e * size).log1p() / torch.where(e == 0, 1.0, e))
        x = torch.expm1(log.clamp(max=LARGEST)) * self.width
        return torch.where(self.bent, torch.where(u < 0, -x, x) + self.centre, u)

    def log_slope(self, x: Tensor) -> Tensor:
        """log dy/dx (B, C), in nats; 0 where x is NaN and in columns without a transform."""
        u = (x.double() - self.centre) / self.width
        slope = (self._sided(u) - 1) * u.abs().log1p() - self.width.log()
        return torch.where(self.bent & ~u.isnan(), slope, 0.0)

    def _sided(self, u: Tensor) -> Tensor:
        """The exponent on the side of 0 that u (B, C) lies on."""
        return torch.where(u < 0, 2 - self.exponent, self.exponent)
