"""p(x | z) for rows of counts that have a total: how many there are, and into what kinds they fall.

    p(x | z) = p(t) p(x | t, z),   t = the row's total

p(t) is the law of totals in the training rows (`data.counts.Totals`), whatever the code is. Given it, counts are
Dirichlet-multinomial: portions g = softmax(raw) of the total on the average, more or less alike by one learned concentration a.
That is what negative binomials with means s g and dispersions a g become once their total is known, whatever the size s: so the
log of the total is an offset of every rate, and a code tells kinds alone. It is a proper distribution over all rows of counts.
Of a row with missing cells the others' counts, given *their* total, have the same law with their portions; p(t) is left out.
Sources: Mosimann 1962, "On the compound multinomial distribution"; Lopez et al. 2018, "Deep generative modeling for single-cell
transcriptomics" (the observed library size).
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from latentwalk.data.columns import Column
from latentwalk.data.counts import MOST_LOG, Totals
from latentwalk.models.conditional import Head
from latentwalk.models.mixed import portioned

__all__ = ["Portions", "PortionsHead"]

QUICK = 10.0  # Adam moves every parameter by about one learning rate a step; a log-concentration may have far to go
LOG_CONCENTRATION = (-3.0, 15.0)
LEAST = 1e-6  # of a kind's concentration: what a row must not hold at all would be infinitely surprising
FEWEST_COUNTED = 0.01  # a mean of counts is taken for this much at least
OTHER = math.log(1e-6)  # of a count below 0


class PortionsHead(Head):
    """raw (..., C), logarithms of portions but for a constant → `Portions` of one row (C,)."""

    usual: Tensor

    def __init__(self, columns: Sequence[Column], totals: Totals) -> None:
        super().__init__(axes=1)
        self.totals = totals
        typical = torch.tensor([column.typical for column in columns])
        self.register_buffer("usual", (typical / typical.sum()).log(), persistent=False)
        self.slow_log_concentration = nn.Parameter(torch.tensor(math.log(totals.typical) / QUICK))

    def forward(self, raw: Tensor) -> Distribution:
        concentration = (QUICK * self.slow_log_concentration).clamp(*LOG_CONCENTRATION)
        return Portions(raw + self.usual, concentration, self.totals)

    def raw_of(self, x: Tensor) -> Tensor:
        """Logarithms of counts at the typical total, beside their usual portions."""
        counts = portioned(x, self.totals)
        logs = counts.log1p()
        middle = (counts.nanmean(0) + FEWEST_COUNTED).log()
        return logs - logs.nanmean(0) + middle - middle.logsumexp(0) - self.usual


class Portions(Distribution):
    """Rows of counts (C,) by total and portions; logits (..., C) of the portions, log concentration ()."""

    arg_constraints = {}  # noqa: RUF012  # torch's own convention

    def __init__(self, logits: Tensor, log_concentration: Tensor, totals: Totals) -> None:
        self.logits = logits.log_softmax(-1)
        self.log_concentration = log_concentration
        self.totals = totals
        super().__init__(logits.shape[:-1], logits.shape[-1:], validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """log p of rows (..., C): (...). In float64 inside: differences of large lgamma."""
        seen, counts, a = self._parts(value)
        t, of_all = counts.sum(-1), torch.where(seen, a, 0.0).sum(-1)
        each = torch.lgamma(counts + a) - torch.lgamma(a) - torch.lgamma(counts + 1)
        found = torch.where(seen, each, 0.0).sum(-1) + torch.lgamma(t + 1) + torch.lgamma(of_all) - torch.lgamma(t + of_all)
        found = found + torch.where(seen.all(-1), self.log_total(t), 0.0)
        below = (value < 0).any(-1)
        return torch.where(below, found.clamp(max=OTHER), found).to(self.logits)

    def log_prob_each(self, value: Tensor) -> Tensor:
        """log p of each cell given its row's total, 0 where it is missing: (..., C). They are dependent, and do not add up.

        Beta-binomial: what the Dirichlet-multinomial is to one kind against all others.
        """
        seen, counts, a = self._parts(value)
        t = counts.sum(-1, keepdim=True)
        of_all = torch.where(seen, a, 0.0).sum(-1, keepdim=True)
        b = (of_all - a).clamp(min=LEAST)
        ways = torch.lgamma(t + 1) - torch.lgamma(counts + 1) - torch.lgamma(t - counts + 1)
        found = (
            ways
            + torch.lgamma(counts + a)
            - torch.lgamma(a)
            + torch.lgamma(t - counts + b)
            - torch.lgamma(b)
            + torch.lgamma(a + b)
            - torch.lgamma(t + a + b)
        )
        found = torch.where(value < 0, found.clamp(max=OTHER), found)
        return torch.where(seen, found, 0.0).to(self.logits)

    def log_total(self, t: Tensor) -> Tensor:
        """log P(total = t) of whole numbers t (...)."""
        after = ((t + 1).log() - self.totals.middle) / self.totals.width
        before = (t.log() - self.totals.middle) / self.totals.width
        gap = torch.where(t > 0, (1 / t.clamp(min=1)).log1p() / self.totals.width, torch.inf)
        return (-(-gap).exp()).log1p() - _softplus(-after) - _softplus(before)

    @property
    def mean(self) -> Tensor:
        """What each kind is expected to be in a row of the typical total: (..., C)."""
        return self.logits.exp() * self.totals.typical

    def sample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """Rows (*sample_shape, ..., C): totals are drawn too."""
        shape = torch.Size(sample_shape) + self.batch_shape
        at = torch.rand(shape, dtype=torch.float64, device=self.logits.device).clamp(1e-12, 1 - 1e-12).logit()
        left = (self.totals.middle + self.totals.width * at).clamp(max=MOST_LOG).exp().floor()
        a = self._concentrations().expand(*shape, -1)
        g = torch._standard_gamma(a).clamp(min=1e-300)
        rest = g.flip(-1).cumsum(-1).flip(-1)  # of this kind and all after it
        drawn = []
        for at_kind in range(a.shape[-1]):
            share = (g[..., at_kind] / rest[..., at_kind]).clamp(0, 1)
            drawn.append(torch.binomial(left, share))
            left = left - drawn[-1]
        return torch.stack(drawn, -1).to(self.logits)

    def _concentrations(self) -> Tensor:
        return (self.logits.double() + self.log_concentration.double()).exp().clamp(min=LEAST)

    def _parts(self, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Which cells are there, their counts, and the concentrations: (..., C) each."""
        value = value.expand(torch.broadcast_shapes(value.shape, self.logits.shape))
        seen = ~value.isnan()
        counts = torch.where(seen, value, 0.0).clamp(min=0).double()
        return seen, counts, self._concentrations()


def _softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)), also for infinity, and in float64 where a graph has no word for it."""
    return x.clamp(min=0) + (-x.abs()).exp().log1p()
