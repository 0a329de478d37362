"""p(z): what codes are drawn from before anything is seen.

A prior is one section of this file and one row of `PRIORS`. It gives a distribution to learn with (PyTorch), and a sampler to
draw, score and lay out codes with after learning (NumPy).
"""

import copy
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, MixtureSameFamily, Normal

from latentwalk.arrays import Array
from latentwalk.chance import seeded
from latentwalk.errors import ConfigError, unknown
from latentwalk.models.conditional import Lazy
from latentwalk.models.posterior import DiagonalGaussian

__all__ = [
    "PRIORS",
    "ConditionalPrior",
    "LearntMixture",
    "MixtureSampler",
    "NormalSampler",
    "Prior",
    "PriorSampler",
    "StandardNormal",
    "UnitNormal",
    "prior_named",
    "temperature_of",
]

LAID_OUT = 20_000  # draws that quantiles are read off, where there is no formula
LOG_2_PI = np.log(2 * np.pi)
COMPONENTS = 50  # Gaussians of a learnt mixture
LOG_SCALE = (-7.0, 7.0)  # a Gaussian that closes in on one code would drive its density to infinity
SMALLEST = 1e-9  # scale, where a cold mixture has none
FURTHEST, HALVINGS = 40.0, 64  # deviations within which a quantile is looked for, and how often that is halved


# ---------------------------------------------------------------------- what a prior is


class Prior(Lazy):
    """p(z): calling it gives a distribution over one event (D,). Abstract.

    dim: D. title: what people call it, "N(0, I)". factorised: whether it is independent in each dimension, so that its KL is
    known one dimension at a time (`free_nats` needs that).
    """

    title: str
    factorised: ClassVar[bool] = False

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    @abstractmethod
    def forward(self, c: Tensor | None = None) -> Distribution: ...

    def sampler(self) -> "PriorSampler":
        """The prior as it is now, to draw codes from."""
        return _Sampled(copy.deepcopy(self).cpu().eval().requires_grad_(False))


class PriorSampler(ABC):
    """A prior that learns no more: a frozen value that draws n codes, (n, generator) → (n, D) float32. Abstract.

    temperature: how far draws spread about the prior's mean, 1 as the prior says. dim: D. title: as of the prior.
    """

    __slots__ = ()
    dim: int
    title: str
    temperature: float

    @abstractmethod
    def __call__(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """`n` codes (n, D). The same state of the generator gives the same codes."""

    @abstractmethod
    def log_density(self, z: Array) -> NDArray[np.float64]:
        """log p(z) of codes z (m, D), in nats, at a temperature above 0: (m,)."""

    @abstractmethod
    def quantiles(self, p: Array) -> NDArray[np.float64]:
        """For shares p (m,), what so much of the mass lies below in each dimension: (m, D)."""

    def at(self, temperature: float) -> Self:
        """The same distribution at another temperature, 0 or more. Raises ConfigError."""
        return replace(self, temperature=temperature_of(temperature))  # type: ignore[type-var]  # final ones are dataclasses


def temperature_of(value: Any) -> float:
    """The value, as a temperature: a number, 0 or more. Raises ConfigError."""
    if not (isinstance(value, (int, float, np.number)) and math.isfinite(value) and value >= 0):
        raise ConfigError(f"temperature={value}: expected a number, 0 or more.")
    return float(value)


@dataclass(frozen=True, slots=True, eq=False)
class _Sampled(PriorSampler):
    """Any prior: PyTorch draws from it, with a seed of the generator's; quantiles are those of seeded draws."""

    prior: Prior
    temperature: float = 1.0
    dim: int = field(init=False)
    title: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dim", self.prior.dim)
        object.__setattr__(self, "title", self.prior.title)

    def __call__(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        with seeded(int(rng.integers(2**31))), torch.no_grad():
            z = self.prior().sample(torch.Size([n])).numpy()
        if self.temperature != 1:
            z = self._centre() + self.temperature * (z - self._centre())
        return z.astype(np.float32)

    def log_density(self, z: Array) -> NDArray[np.float64]:
        centre = self._centre() if self.temperature != 1 else 0.0
        colder = centre + (np.asarray(z) - centre) / self.temperature
        like = next((some.dtype for some in (*self.prior.parameters(), *self.prior.buffers())), torch.float32)
        with torch.no_grad():
            found = self.prior().log_prob(torch.as_tensor(colder, dtype=like)).double().numpy()
        density: NDArray[np.float64] = found - self.dim * np.log(self.temperature)
        return density

    def quantiles(self, p: Array) -> NDArray[np.float64]:
        draws = self(LAID_OUT, np.random.default_rng(0)).astype(np.float64)
        return np.asarray(np.quantile(draws, p, axis=0))

    def _centre(self) -> NDArray[np.float64]:
        """What draws spread about: the prior's mean, (D,); where it has no formula, that of seeded draws."""
        with seeded(0), torch.no_grad():
            prior = self.prior()
            try:
                mean = prior.mean
            except NotImplementedError:
                mean = prior.sample(torch.Size([LAID_OUT])).mean(0)
        return np.asarray(mean.double().numpy())


# ---------------------------------------------------------------------- N(0, I)


class StandardNormal(Prior):
    """N(0, I) in `dim` dimensions."""

    title = "N(0, I)"
    factorised = True
    zeros: Tensor
    ones: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.register_buffer("zeros", torch.zeros(dim), persistent=False)
        self.register_buffer("ones", torch.ones(dim), persistent=False)

    def forward(self, c: Tensor | None = None) -> Distribution:
        return UnitNormal(self.zeros, self.ones)

    def sampler(self) -> "NormalSampler":
        return NormalSampler(self.dim)


class UnitNormal(Independent):  # type: ignore[type-arg]
    """N(0, I) with event (D,): a type of its own, so that its KL can be the short formula."""

    def __init__(self, zeros: Tensor, ones: Tensor) -> None:
        super().__init__(Normal(zeros, ones, validate_args=False), 1, validate_args=False)


@dataclass(frozen=True, slots=True)
class NormalSampler(PriorSampler):
    """N(0, temperature² I) in so many dimensions."""

    dim: int
    temperature: float = 1.0
    title: str = StandardNormal.title

    def __call__(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        return (self.temperature * rng.standard_normal((n, self.dim))).astype(np.float32)

    def log_density(self, z: Array) -> NDArray[np.float64]:
        t = self.temperature
        density: NDArray[np.float64] = -((z / t) ** 2 / 2 + np.log(t) + LOG_2_PI / 2).sum(axis=1)
        return density

    def quantiles(self, p: Array) -> NDArray[np.float64]:
        each = self.temperature * np.asarray(ndtri(p), dtype=np.float64)
        return np.repeat(each[:, None], self.dim, axis=1)


# ---------------------------------------------------------------------- p(z | c)


class ConditionalPrior(Prior):
    """p(z | c) = N(mu(c), sigma(c)²): what a network expects of a code, given what is known, c (B, *C). c must be given.

    body: c → raw numbers (B, 2 dim), mu and log sigma². `at(c)` is the prior for one c.
    """

    title = "learnt p(z | c)"
    factorised = True

    def __init__(self, dim: int, body: nn.Module) -> None:
        super().__init__(dim)
        self.body = body
        self.head = DiagonalGaussian()

    def forward(self, c: Tensor | None = None) -> Distribution:
        assert c is not None, "p(z | c) depends on something"
        return self.head(self.body(c))

    def at(self, c: Tensor) -> "Prior":
        """The prior where c (*C) is known: it depends on nothing more."""
        return _Settled(self, c)

    def sampler(self) -> "PriorSampler":
        raise ConfigError(f"{self.title} draws codes once c is known: prior.at(c).sampler().")


class _Settled(Prior):
    """p(z | c) for one c (*C)."""

    title = ConditionalPrior.title
    factorised = True
    c: Tensor

    def __init__(self, prior: ConditionalPrior, c: Tensor) -> None:
        super().__init__(prior.dim)
        self.prior = prior
        self.register_buffer("c", c, persistent=False)

    def forward(self, c: Tensor | None = None) -> Distribution:
        return self.prior.head(self.prior.body(self.c[None])[0])


# ---------------------------------------------------------------------- a learnt mixture


class LearntMixture(Prior):
    """sum_k w_k N(mu_k, diag(sigma_k²)): Gaussians that learn, with all else, where codes lie. Its KL is known by draws.

    It begins near N(0, I), in pieces: means with variance .64, each piece with variance .36 about its own.
    Source: Dilokthanakul et al. 2016, "Deep unsupervised clustering with Gaussian mixture VAEs", for a mixture as a prior.
    """

    title = "learnt mixture"

    def __init__(self, dim: int, components: int = COMPONENTS) -> None:
        super().__init__(dim)
        self.logits = nn.Parameter(torch.zeros(components))
        self.means = nn.Parameter(0.8 * torch.randn(components, dim))
        self.log_scales = nn.Parameter(torch.full((components, dim), math.log(0.6)))

    def forward(self, c: Tensor | None = None) -> Distribution:
        scales = self.log_scales.clamp(*LOG_SCALE).exp()
        each = Independent(Normal(self.means, scales, validate_args=False), 1, validate_args=False)
        return MixtureSameFamily(Categorical(logits=self.logits, validate_args=False), each, validate_args=False)

    def sampler(self) -> "MixtureSampler":
        with torch.no_grad():
            parts = (self.logits.softmax(0), self.means, self.log_scales.clamp(*LOG_SCALE).exp())
            weights, means, scales = (part.double().cpu().numpy() for part in parts)
        return MixtureSampler(self.dim, weights, means, scales)


@dataclass(frozen=True, slots=True, eq=False)
class MixtureSampler(PriorSampler):
    """What was learnt: weights (K,), means and scales (K, D). temperature: of each Gaussian's spread about its own mean."""

    dim: int
    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    temperature: float = 1.0
    title: str = LearntMixture.title

    def __call__(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        which = rng.choice(len(self.weights), n, p=self.weights / self.weights.sum())
        noise = self.temperature * rng.standard_normal((n, self.dim))
        return (self.means[which] + self.scales[which] * noise).astype(np.float32)

    def log_density(self, z: Array) -> NDArray[np.float64]:
        scales = self.temperature * self.scales
        level = np.log(self.weights) - np.log(scales).sum(axis=1) - self.dim * LOG_2_PI / 2
        found = np.full(len(z), -np.inf)
        for one, mean, scale in zip(level, self.means, scales, strict=True):  # a piece at a time: (m, K, D) may be large
            found = np.logaddexp(found, one - (((z - mean) / scale) ** 2).sum(axis=1) / 2)
        return found

    def quantiles(self, p: Array) -> NDArray[np.float64]:
        scales = np.maximum(self.temperature * self.scales, SMALLEST)
        far = FURTHEST * scales
        low = np.repeat((self.means - far).min(axis=0)[None], len(p), axis=0)
        high = np.repeat((self.means + far).max(axis=0)[None], len(p), axis=0)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = np.einsum("k,kmd->md", self.weights, ndtr((middle - self.means[:, None]) / scales[:, None]))
            more = below < np.asarray(p)[:, None]
            low = np.where(more, middle, low)
            high = np.where(more, high, middle)
        return (low + high) / 2


# ---------------------------------------------------------------------- all of them

PRIORS: dict[str, type[Prior]] = {"normal": StandardNormal, "mixture": LearntMixture}


def prior_named(prior: str | Prior, dim: int) -> Prior:
    """The prior of that name over codes (dim,); of a Prior, a copy. Raises ConfigError."""
    if isinstance(prior, Prior):
        return _tried(copy.deepcopy(prior), dim)
    if prior not in PRIORS:
        raise unknown("prior", prior, PRIORS)
    return PRIORS[prior](dim)


def _tried(prior: Prior, dim: int) -> Prior:
    """A prior of one's own, once it was seen to be a distribution over codes (dim,). Raises ConfigError."""
    name = type(prior).__name__
    found = prior()
    if not isinstance(found, Distribution) or (found.batch_shape, found.event_shape) != ((), (dim,)):
        shapes = [tuple(getattr(found, name, ())) for name in ("batch_shape", "event_shape")]
        raise ConfigError(
            f"the prior {name} gives a {type(found).__name__} with batch {shapes[0]} and event {shapes[1]}. Expected a "
            f"distribution with batch () and event ({dim},)."
        )
    if getattr(prior, "dim", None) != dim or not getattr(prior, "title", ""):
        raise ConfigError(f"the prior {name} must have dim={dim}, and a title. Call super().__init__(dim), and set title.")
    return prior
