"""p(frame | frames before it): the codes of a frame autoencoder, and how they go on.

    h_t    = GRU(h_{t-1}, y_t, y_t - y_{t-1})      what is remembered; y_t is the code of frame x_t
    z_t+1  ~ p(z | h_t)                            what is new, and cannot be foreseen: a learnt prior
    x_t+1  ~ p(x | y_t + f(y_t, h_t, z_t+1))       the frame decoder, on the code one step on

While it learns, q(z | h_t, y_t+1) sees the next frame, and the KL between the two is what that costs. The posterior is the
prior, moved (Vahdat & Kautz 2020, "NVAE", eq. 3): where it moves nothing, nothing is paid. A state depends on frames alone, so
a frame that was predicted is seen like any other, and predictions of one step are predictions of many.

At first every frame is seen as it was; later, from a random frame on, what was predicted is seen in its place. Begun with
what it predicts, it would learn to see a blur and to foresee one.
Sources: Denton & Fergus 2018, "Stochastic video generation with a learned prior" (SVG-LP); Bengio et al. 2015, "Scheduled
sampling for sequence prediction with recurrent neural networks".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from latentwalk import chance
from latentwalk.data.scaling import Scaling
from latentwalk.models.conditional import Conditional
from latentwalk.models.divergence import kl_per_dimension
from latentwalk.models.latent_model import LatentModel, Learner, Pass
from latentwalk.models.posterior import DiagonalNormal
from latentwalk.models.prior import ConditionalPrior
from latentwalk.networks.dynamics import Advance, DynamicsShape, Innovation, Recurrence
from latentwalk.networks.layers import channels_last

__all__ = ["WEANED", "FilmLikelihood", "FilmModel", "FilmState", "frames_there"]

KNOWN = 1 / 3  # of a film is seen where nothing is learnt, and the rest is predicted
WEANED = (0.3, 0.8)  # of a training: until then all frames are seen, and from then on as few as one
MOVED = (-8.0, 4.0)  # by how much log sigma² of a posterior differs from the prior's


@dataclass(frozen=True, slots=True)
class FilmState:
    """What is known after a frame: state (B, W, h, w); codes (B, 2 C, h, w), the frame's, and how it differs from the last."""

    state: Tensor
    codes: Tensor

    @property
    def code(self) -> Tensor:
        """The frame's code, (B, C, h, w)."""
        return self.codes.chunk(2, dim=1)[0]


class FilmLikelihood(Distribution):
    """p(x_2, …, x_T) of films (B, C, T, H, W), their first frame given: batch (1, B). What is NaN has no part.

    parts: of the frames from the second on, one after the other, the likelihoods: each of one frame, batch (B,), or of several
    that follow each other, batch (frames * B,).
    """

    arg_constraints = {}  # noqa: RUF012  # torch's own convention

    def __init__(self, parts: Sequence[Distribution], batch: int) -> None:
        self.parts = parts
        super().__init__(torch.Size([1, batch]), validate_args=False)

    @property
    def mean(self) -> Tensor:
        """The frames' means: (1, B, C, T - 1, H, W)."""
        return torch.cat([self._frames(part.mean) for part in self.parts]).movedim(0, 2)[None]

    def log_prob(self, value: Tensor) -> Tensor:
        """log p of films (B, C, T, H, W): (1, B)."""
        return self.log_prob_each(value).sum(-1)[None]

    def log_prob_each(self, value: Tensor) -> Tensor:
        """log p of each frame but the first, 0 where there is none: (B, T - 1)."""
        there = frames_there(value)[:, 1:]
        frames = value.nan_to_num().movedim(2, 0)[1:]  # (T - 1, B, C, H, W)
        counts = [part.batch_shape[0] // self.batch_shape[1] for part in self.parts]
        each = [
            self._frames(part.log_prob(some.flatten(0, 1))) for part, some in zip(self.parts, frames.split(counts), strict=True)
        ]
        return torch.where(there, torch.cat(each).T, 0.0)

    def _frames(self, values: Tensor) -> Tensor:
        """Values (frames * B, …) of a part as (frames, B, …)."""
        return values.unflatten(0, (-1, self.batch_shape[1]))


class FilmModel(Learner):
    """The whole: `scaling` of films, `frames`, an autoencoder of single ones, and the dynamics of its codes.

    An innovation of 0 numbers leaves nothing to chance: one future.
    """

    centre: Tensor
    spread: Tensor
    trained: float = 1.0  # the share of its training that is over

    def __init__(self, scaling: Scaling, frames: LatentModel, shape: DynamicsShape) -> None:
        super().__init__()
        self.scaling = scaling
        self.frames = frames
        self.shape = shape
        self.recurrence = Recurrence(shape)
        self.advance = Advance(shape)
        drawn = shape.innovation > 0
        self.prior = ConditionalPrior(shape.innovation, Innovation(shape)) if drawn else None
        self.posterior = Innovation(shape, extra=2 * shape.code[0]) if drawn else None
        self.register_buffer("centre", torch.zeros(shape.code[0], 1, 1))
        self.register_buffer("spread", torch.ones(shape.code[0], 1, 1))

    def standardise(self, codes: Tensor) -> None:
        """Have codes read in deviations from their mean, channel by channel, as codes (n, D) of frames have them."""
        each = codes.unflatten(1, self.shape.code)
        self.centre.copy_(each.mean((0, 2, 3)).reshape(self.centre.shape))
        self.spread.copy_(each.std((0, 2, 3)).clamp(min=1e-6).reshape(self.spread.shape))

    def begin(self, x: Tensor) -> None:
        """Have the spread of decoded frames begin at how far the last one, decoded, is off, in films x (B, C, T, H, W)."""
        assert isinstance(self.frames.decoder, Conditional)
        before, after = (part.movedim(2, 1).flatten(0, 1) for part in (x[:, :, :-1], x[:, :, 1:]))
        decoded = self.shown(self.code(before.nan_to_num())).mean
        self.frames.decoder.head.begin((decoded - after).square().nanmean(0))

    # ------------------------------------------------------------------ a frame at a time

    def code(self, frames: Tensor) -> Tensor:
        """The codes (B, C, h, w) of frames (B, C, H, W)."""
        found: Tensor = self.frames.encoder(channels_last(frames)).mean.unflatten(1, self.shape.code)
        return (found - self.centre) / self.spread

    def shown(self, code: Tensor) -> Distribution:
        """What codes (B, C, h, w) say of frames."""
        return self.frames.decoder((code * self.spread + self.centre).flatten(1))

    def frame(self, likelihood: Distribution) -> Tensor:
        """The frame (B, C, H, W) that is shown, and seen after that: the mean, within black and white."""
        return likelihood.mean.clamp(0, 1)

    def see(self, frames: Tensor, memory: FilmState | None = None) -> FilmState:
        """What is known once frames (B, C, H, W) were seen, after what was known before."""
        return self._seen(self.code(frames), memory)

    def ahead(self, memory: FilmState, noise: Tensor, temperature: float = 1.0) -> Distribution:
        """What comes next, for draws noise (B, Z) of N(0, I): the prior's own at temperature 1, its mean at 0."""
        z = noise
        if self.prior is not None:
            prior = self.prior(memory.state)
            z = prior.mean + temperature * prior.stddev * noise
        return self._next(memory, z)

    def bounds(self, x: Tensor, noise: Tensor) -> Tensor:
        """log 1/K sum_k p(x_t, z_k | before) / q(z_k | …) of each frame but the first of x (B, C, T, H, W): (B, T - 1), nats.

        noise: (K, T - 1, Z), of which each film uses all. NaN behind the last frame.
        """
        draws, rows = len(noise), len(x)
        there, filled = frames_there(x), x.nan_to_num()
        memory, found = self.see(filled[:, :, 0]), []
        for at in range(x.shape[2] - 1):
            frame = filled[:, :, at + 1]
            following = self.code(frame)
            both: Any = self._innovation(memory, following)
            prior, posterior = both
            z = posterior.mean + posterior.stddev * noise[:, None, at]  # (K, B, Z)
            many = FilmState(*(part.repeat(draws, 1, 1, 1) for part in (memory.state, memory.codes)))
            decoded: Any = self._next(many, z.flatten(0, 1))
            likelihood = decoded.log_prob(frame.repeat(draws, 1, 1, 1)).unflatten(0, (draws, rows))
            weights = likelihood + prior.log_prob(z) - posterior.log_prob(z)
            found.append(weights.logsumexp(0) - torch.tensor(float(draws)).log())
            memory = self._seen(following, memory)
        return torch.where(there[:, 1:], torch.stack(found, dim=1), torch.nan)

    def told(self, x: Tensor) -> tuple[float, float]:
        """What innovations tell of films x (B, C, T, H, W), in nats a frame, and what nobody foresees without them.

        The latter is a share of what changes from frame to frame: squared error of the mean path, a step ahead, to that of the
        last frame. NaN where nothing changes.
        """
        there, filled = frames_there(x), x.nan_to_num()
        memory, nats, left, changed = None, x.new_zeros(()), x.new_zeros(()), x.new_zeros(())
        for at in range(x.shape[2] - 1):
            frame, following, told = filled[:, :, at], filled[:, :, at + 1], there[:, at + 1]
            memory = self.see(frame, memory)
            prior, posterior = self._innovation(memory, self.code(following))
            foreseen = self.frame(self._next(memory, prior.mean))
            nats += (kl_per_dimension(posterior, prior).sum(-1) * told).sum()
            left += ((foreseen - following).square().mean((1, 2, 3)) * told).sum()
            changed += ((frame - following).square().mean((1, 2, 3)) * told).sum()
        return float((nats / there[:, 1:].sum()).detach()), float((left / changed).detach())

    # ------------------------------------------------------------------ learning

    def forward(self, x: Tensor, target: Tensor | None = None, draws: int = 1, given: Tensor | None = None) -> Pass:
        """Films x (B, C, T, H, W): each seen up to a frame of its own, and from there on what was predicted is seen.

        What was predicted is seen as if it had been there: what would have made it easier to see is not asked for.
        The event of posterior and prior is all innovations of a film, ((T - 1) Z,); where a film is over both are N(0, I).
        """
        assert draws == 1 and given is None, "films are learnt with one draw, and without labels"
        rows, _, length = x.shape[:3]
        there, filled = frames_there(x), x.nan_to_num()
        true = self.code(filled.movedim(2, 1).flatten(0, 1)).unflatten(0, (rows, length))
        known = self._known(x)
        shown = int(known.min())  # frames of all films that are seen
        memory, fed = None, true[:, 0]
        innovations, together, parts = [], [], []
        for at in range(length - 1):
            seen = (at < known)[:, None, None, None]
            memory = self._seen(torch.where(seen, true[:, at], fed), memory)
            prior, posterior = self._innovation(memory, true[:, at + 1], there[:, at + 1])
            z = posterior.rsample((1,))[0]
            innovations.append((posterior, prior, z))
            together.append(self._following(memory, z))
            if at + 1 < shown and at + 2 < length:
                continue  # nobody needs to see yet what was predicted
            likelihood = self.shown(torch.cat(together))
            parts.append(likelihood)
            if at + 2 < length:
                fed = self.code(self.frame(likelihood)[-rows:].detach())
            together = []
        posteriors, priors, drawn = zip(*innovations, strict=True)
        z = torch.cat(drawn, dim=1)[None]
        likelihood = FilmLikelihood(parts, rows)
        return Pass(x if target is None else target, z, _joined(posteriors), _joined(priors), likelihood)

    def trained_for(self, share: float) -> None:
        self.trained = share

    # ------------------------------------------------------------------ inside

    def _seen(self, code: Tensor, memory: FilmState | None) -> FilmState:
        state = code.new_zeros(len(code), *self.shape.state) if memory is None else memory.state
        codes = torch.cat([code, torch.zeros_like(code) if memory is None else code - memory.code], dim=1)
        return FilmState(self.recurrence(codes, state), codes)

    def _next(self, memory: FilmState, z: Tensor) -> Distribution:
        return self.shown(self._following(memory, z))

    def _following(self, memory: FilmState, z: Tensor) -> Tensor:
        """The code (B, C, h, w) of what comes next."""
        return memory.code + self.advance(memory.codes, memory.state, z)

    def _innovation(
        self, memory: FilmState, following: Tensor, there: Tensor | None = None
    ) -> tuple[DiagonalNormal, DiagonalNormal]:
        """p(z | state), and q(z | state, the next code (B, C, h, w)); N(0, I) both where there is no next frame, (B,)."""
        if self.prior is None or self.posterior is None:
            nothing = memory.code.new_zeros(len(memory.code), 0)
            return DiagonalNormal(nothing, nothing), DiagonalNormal(nothing, nothing)
        prior = self.prior(memory.state)
        assert isinstance(prior, DiagonalNormal)
        news = torch.cat([memory.state, following, following - memory.code], dim=1)
        by, wider = self.posterior(news).float().chunk(2, dim=-1)
        middle, log_variance = prior.mean, prior.log_variance
        moved, spread = middle + prior.stddev * by, log_variance + wider.clamp(*MOVED)
        if there is not None:
            parts = (middle, log_variance, moved, spread)
            middle, log_variance, moved, spread = (torch.where(there[:, None], part, 0.0) for part in parts)
        return DiagonalNormal(middle, log_variance), DiagonalNormal(moved, spread)

    def _known(self, x: Tensor) -> Tensor:
        """How many frames of each film are seen, and not predicted: (B,), 1 at least; the fewer, the longer it has learnt."""
        length, (first, last) = x.shape[2], WEANED
        if not self.training:
            return torch.full((len(x),), max(1, round(KNOWN * length)), device=x.device)
        weaned = min(1.0, max(0.0, (self.trained - first) / (last - first)))
        least = 1 + round((1 - weaned) * (length - 1))
        return least + (chance.uniform((len(x),), x) * (length - least)).floor().long()


def frames_there(x: Tensor) -> Tensor:
    """Which frames of films (B, C, T, H, W) there are, (B, T)."""
    return ~x[:, 0, :, 0, 0].isnan()


def _joined(parts: Sequence[DiagonalNormal]) -> DiagonalNormal:
    return DiagonalNormal(
        torch.cat([part.mean for part in parts], dim=1), torch.cat([part.log_variance for part in parts], dim=1)
    )
