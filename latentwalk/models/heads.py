"""The heads of decoders whose data is all of one kind: raw numbers → a distribution over one event.

Sources: Loaiza-Ganem & Cunningham 2019, "The continuous Bernoulli"; Rybkin et al. 2021, "Simple and effective VAE training
with calibrated decoders" (the shared sigma).
"""

import math

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, ContinuousBernoulli, Distribution, Independent, Normal
from torch.nn.functional import binary_cross_entropy_with_logits

from latentwalk.models.conditional import Head
from latentwalk.models.observed import Observed

__all__ = ["STEEP", "BernoulliHead", "Bits", "ContinuousBernoulliHead", "GaussianHead", "Gray", "ObservedHead"]

LOG_SIGMA = (-7.0, 7.0)  # a decoder that reproduces its data exactly would drive sigma to 0 and the density to infinity
SMALL_LOGIT = 0.1  # below it the continuous Bernoulli's formulas divide 0 by 0; their series are exact to rounding there
IMAGE_AXES = 3  # (C, H, W)
FIRST_SIGMA = 0.1  # where learning it starts for images, in their range: from 1 the KL wins first, and the posterior collapses
EDGE = 1e-3  # what is closer to 0 or 1 is taken for so much when a line is put through it
STEEP, FLAT = 0.05, 0.02  # the least slope of a tangent to the mean of a Bernoulli, and of a continuous one
MOST, KNOTS = 7.0, 4096  # logits up to sinh(7) = 548
QUICK = 10.0  # Adam moves every parameter by about one learning rate a step; log sigma may have far to go


class ObservedHead(Head):
    """Another head's distribution, in which values that were not observed (NaN) have no part."""

    def __init__(self, head: Head) -> None:
        super().__init__(head.axes)
        self.head = head

    def raw_shape(self, event: tuple[int, ...]) -> tuple[int, ...]:
        return self.head.raw_shape(event)

    def forward(self, raw: Tensor) -> Distribution:
        return Observed(self.head(raw))

    def raw_of(self, x: Tensor) -> Tensor:
        return self.head.raw_of(x)

    def begin(self, square: Tensor) -> None:
        self.head.begin(square)


class BernoulliHead(Head):
    """raw (..., C, …) → independent Bernoullis with these logits."""

    def forward(self, raw: Tensor) -> Distribution:
        return Bits(raw, self.axes)

    def raw_of(self, x: Tensor) -> Tensor:
        """The tangent at the mean; near 0 or 1 less steep than it is, since a line would leave [0, 1] at once."""
        mean = x.nanmean(0).clamp(EDGE, 1 - EDGE)
        return mean.logit() + (x - mean) / (mean * (1 - mean)).clamp(min=STEEP)


class Bits(Independent):  # type: ignore[type-arg]
    """Independent Bernoullis whose event is the last `axes` axes; values between 0 and 1 are read as probabilities."""

    def __init__(self, logits: Tensor, axes: int) -> None:
        super().__init__(Bernoulli(logits=logits, validate_args=False), axes, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value), (*batch): the sign is turned after the sum, which saves two passes over the event."""
        logits = self.base_dist.logits
        loss = binary_cross_entropy_with_logits(logits, value.expand_as(logits), reduction="none")
        return -loss.flatten(-len(self.event_shape)).sum(-1)


class ContinuousBernoulliHead(Head):
    """raw (..., C, …) → independent continuous Bernoullis with these logits."""

    def forward(self, raw: Tensor) -> Distribution:
        return Independent(Gray(logits=raw, validate_args=False), self.axes, validate_args=False)

    def raw_of(self, x: Tensor) -> Tensor:
        """The tangent at the mean, as for a Bernoulli; what a logit's mean is, and its slope there, are read off a table."""
        logits = torch.linspace(-MOST, MOST, KNOTS, device=x.device).sinh()
        means = Gray(logits=logits, validate_args=False).mean
        slopes = means.diff() / logits.diff()
        mean = x.nanmean(0)
        at = torch.searchsorted(means, torch.where(mean.isnan(), 0.5, mean).contiguous()).clamp(1, KNOTS - 1) - 1
        steepness = slopes[at]
        return logits[at] + (mean - means[at]) / steepness + (x - mean) / steepness.clamp(min=FLAT)


class Gray(ContinuousBernoulli):
    """The continuous Bernoulli, exact for any logit.

    torch's own works from the clamped probability: in float32 its density integrates to .53 at a logit of 30, and its mean
    never comes closer than .06 to black or white. In the logit l, the constant is l / tanh(l / 2) and the mean
    1 / (1 - exp(-l)) - 1 / l, each with a series around 0.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value), broadcast over batch and event."""
        logits, value = torch.broadcast_tensors(self.logits, value)
        small, near, away = self._cases()
        series = math.log(2) + near**2 / 12 - 7 * near**4 / 1440
        log_norm = torch.where(small, series, away.abs().log() - (0.5 * away).tanh().abs().log())
        return log_norm - binary_cross_entropy_with_logits(logits, value, reduction="none")

    @property
    def mean(self) -> Tensor:
        """E[x], within (0, 1)."""
        small, near, away = self._cases()
        return torch.where(small, 0.5 + near / 12 - near**3 / 720, -1 / torch.expm1(-away) - 1 / away)

    def _cases(self) -> tuple[Tensor, Tensor, Tensor]:
        """Which logits are small; them, or 0; the others, or 1: so that no formula, nor its gradient, meets its bad places."""
        small = self.logits.abs() < SMALL_LOGIT
        return small, torch.where(small, self.logits, 0.0), torch.where(small, 1.0, self.logits)


class GaussianHead(Head):
    """raw → N(mean, sigma²): raw is the mean, and for sigma="each" then log sigma along the event's first axis."""

    def __init__(self, axes: int, sigma: float | str = "shared") -> None:
        super().__init__(axes)
        self.each = 2 if sigma == "each" else 1
        self.learned = isinstance(sigma, str)
        first = sigma if not isinstance(sigma, str) else FIRST_SIGMA if axes == IMAGE_AXES else 1.0
        self.slow_log_sigma = nn.Parameter(torch.tensor(math.log(first) / QUICK), requires_grad=sigma == "shared")

    def forward(self, raw: Tensor) -> Distribution:
        mean, log_sigma = raw.chunk(2, dim=-self.axes) if self.each == 2 else (raw, QUICK * self.slow_log_sigma)
        sigma = (log_sigma.clamp(*LOG_SIGMA) if self.learned else log_sigma).exp()
        return Independent(Normal(mean, sigma, validate_args=False), self.axes, validate_args=False)

    def raw_of(self, x: Tensor) -> Tensor:
        if self.each == 1:
            return x
        return torch.cat([x, torch.full_like(x, QUICK * float(self.slow_log_sigma))], dim=-self.axes)

    def begin(self, square: Tensor) -> None:
        if self.slow_log_sigma.requires_grad:
            self.slow_log_sigma.copy_(0.5 * square.mean().log().clamp(2 * LOG_SIGMA[0]) / QUICK)
