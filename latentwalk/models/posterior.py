"""q(z | x): what an encoder says about the code of an input.

A VAE's encoder gives a diagonal Gaussian; a plain autoencoder's gives a point. Which of the two a distribution is, it says
itself: `spreads`. Only the *approximate* posterior is chosen
Gaussian: the true one, p(z | x), is whatever prior and decoder make it.
"""

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal
from torch.nn.functional import hardtanh

from latentwalk import chance
from latentwalk.models.conditional import Head

__all__ = ["DiagonalGaussian", "DiagonalNormal", "PointHead", "PointMass"]

LOG_VARIANCE = (-20.0, 10.0)  # exp of a run-away log-variance overflows; these bounds leave all sane values alone


class DiagonalGaussian(Head):
    """raw (..., 2D) → N(mu, sigma²), independent in each dimension. The encoder emits mu, then log sigma²."""

    each = 2

    def forward(self, raw: Tensor) -> Distribution:
        mu, log_variance = raw.chunk(2, dim=-1)
        return DiagonalNormal(mu, hardtanh(log_variance, *LOG_VARIANCE))


class DiagonalNormal(Independent):  # type: ignore[type-arg]
    """N(mu, sigma²) with event (D,), which remembers the log-variance it was made from: its KL needs it exactly."""

    spreads = True
    jacobian: Tensor | None = None  # (B,), where the encoder is `Sensed`

    def __init__(self, mu: Tensor, log_variance: Tensor) -> None:
        self.log_variance = log_variance
        super().__init__(Normal(mu, (0.5 * log_variance).exp(), validate_args=False), 1, validate_args=False)

    def rsample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        """mu + sigma * noise, (*sample_shape, B, D), gradients passing through mu and sigma."""
        mu = self.base_dist.loc
        noise = chance.normal((*sample_shape, *mu.shape), mu, axis=len(sample_shape))
        return mu + self.base_dist.scale * noise


class PointHead(Head):
    """raw (..., D) → all mass on one code: the encoder of a plain autoencoder.

    squash: a sigmoid keeps each unit within (0, 1). keep: only the so many largest units of a code are kept, the others are 0
    (Makhzani & Frey 2014, "k-sparse autoencoders"). silence: the share of units that Dropout silences while training.
    """

    def __init__(self, *, squash: bool = False, keep: int | None = None, silence: float = 0.0) -> None:
        super().__init__()
        self.squash = squash
        self.keep = keep
        self.silence = chance.Dropout(silence)

    def forward(self, raw: Tensor) -> Distribution:
        z = raw.sigmoid() if self.squash else raw
        if self.keep is not None:
            largest = z.topk(self.keep, dim=-1).indices
            z = torch.zeros_like(z).scatter(-1, largest, z.gather(-1, largest))
        return PointMass(self.silence(z))


class PointMass(Distribution):
    """All probability on one point (..., D). It has no density, so no `log_prob`, and no KL to anything that has one."""

    spreads = False
    jacobian: Tensor | None = None  # (B,), where the encoder is `Sensed`
    has_rsample = True
    arg_constraints = {}  # noqa: RUF012  # torch's own convention

    def __init__(self, point: Tensor) -> None:
        self.point = point
        super().__init__(point.shape[:-1], point.shape[-1:], validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.point

    @property
    def stddev(self) -> Tensor:
        return torch.zeros_like(self.point)

    def rsample(self, sample_shape: torch.Size | tuple[int, ...] = ()) -> Tensor:  # type: ignore[override]
        return self.point.expand(*sample_shape, *self.point.shape)
