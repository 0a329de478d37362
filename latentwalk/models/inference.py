"""Using a trained model on arrays: encode, decode, bound the likelihood, a chunk of rows at a time.

Chunks are always full, the last one padded: matrix products of one shape round alike, so a row's answer does not depend on
the company it comes in. A few rows are put through in a small chunk, where that has been seen to round as a large one does:
which sums are taken in which order follows from the shape alone, so rows that agree to the last bit once always do.

Of what goes in, `len` and slices are asked for and nothing else, so rows may be read as they are needed; answers are written
into one array, so that no more than a chunk is ever held beside them.

Draws of a row depend on its values alone, by arithmetic that is the same to the last bit wherever it runs: a file exported to
ONNX has the same draws (`saving.scorer`).
"""

import hashlib
import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import cache
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentwalk.arrays import Array
from latentwalk.chance import seeded
from latentwalk.data.rows import pieces, release
from latentwalk.data.scaling import as_tensor
from latentwalk.errors import ConfigError, DataError
from latentwalk.memory import check_room
from latentwalk.models.decoding import Decoding
from latentwalk.models.latent_model import LatentModel, Pass
from latentwalk.models.objective import log_weights
from latentwalk.models.observed import each_log_prob
from latentwalk.networks.denoiser import Denoiser
from latentwalk.networks.layers import channels_last

__all__ = ["Coder", "Draws", "bound", "chunk", "each_at_code", "guessed", "signature"]

DENSE, OTHER = 512, 128  # convolutions and recurrent layers are slower when what is between their layers outgrows the cache
SMALL = (4, 16, 64)  # rows of chunks for a few
CLEANED, PLACES = 16, 1 << 18  # rows that noise is taken off at once, of so many pixels or steps at most
CODES = 2048  # draws decoded at once
POOL = 1 << 16  # normal numbers that draws are taken from
FINE, WRAP = 2.0**36, 2.0**31  # the parts of a column's unit that choose others, and where their count begins again


_Answer = Callable[..., tuple[Tensor, ...]]
_alike: WeakKeyDictionary[LatentModel, dict[Hashable, bool]] = WeakKeyDictionary()  # what was tried of a model


def chunk(model: LatentModel) -> int:
    """How many rows are put through the networks of this model at once, always exactly so many, but for a few alone."""
    other = (nn.Conv1d, nn.Conv2d, nn.RNNBase)
    return OTHER if any(isinstance(layer, other) for layer in model.modules()) else DENSE


def signature(model: LatentModel) -> str:
    """Twelve hex digits that name the weights of a model: other weights have others."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True, slots=True, eq=False)
class Coder:
    """A trained model at work on arrays, on the device it is on.

    given: the condition of a model that takes one: (n, C), a row for each row that goes in, or (C,), the same for all.
    Raises ConfigError where it is missing, or where there should be none.
    """

    model: LatentModel
    given: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        wanted, found = self.model.classes, 0 if self.given is None else self.given.shape[-1]
        if wanted != found:
            raise ConfigError(f"the model takes conditions of {wanted} numbers, not of {found}.")

    def encode(self, x: Array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Means and deviations of q(z | x) for raw data (n, *E), each (n, D). Raises DataError where they are no numbers."""

        def moments(raw: Tensor, given: Tensor | None = None) -> tuple[Tensor, Tensor]:
            q = self.model.encoder(channels_last(self.model.scaling(raw)), given)
            return q.mean, q.stddev

        means, deviations = self._in_chunks(moments, x, "encode")
        self._check_numbers(x, means, "no code")
        return means, deviations

    def decode(self, z: Array) -> NDArray[np.float32]:
        """Likelihood means of codes (n, D), in the units and shape of the data: (n, *E)."""

        def mean(codes: Tensor, given: Tensor | None = None) -> tuple[Tensor]:
            return (self.model.scaling.inverse(self.model.decoder(codes, given).mean),)

        found = self._in_chunks(mean, z, "decode")[0]
        for first, some in pieces(found):
            wrong = ~np.isfinite(some).reshape(len(some), -1).all(axis=1)
            if wrong.any():
                row = first + int(np.argmax(wrong))
                raise DataError(
                    f"there is nothing that code {row} decodes to: float32 does not hold it. Its number furthest from 0 is "
                    f"{float(z[row][np.argmax(np.abs(z[row]))]):.3g}. Give codes nearer to those of examples."
                )
        return found

    def chosen(self, z: Array, decoding: Decoding, seed: int) -> NDArray[np.float32]:
        """What codes (n, D) decode to where units are chosen in this way, in the shape of the data: (n, *E).

        seed: of what is drawn. Raises ConfigError where the decoder chooses no units.
        """

        def rows(codes: Tensor, given: Tensor | None = None) -> tuple[Tensor]:
            return (self.model.scaling.inverse(decoding.rows(self.model.decoder(codes, given))),)

        with seeded(seed):
            return self._in_chunks(rows, z)[0]

    def draw(self, z: Array, seed: int) -> NDArray[np.float32]:
        """One draw of p(x | z) for each of codes (n, D), in the units and shape of the data: (n, *E)."""

        def sample(codes: Tensor, given: Tensor | None = None) -> tuple[Tensor]:
            return (self.model.scaling.inverse(self.model.decoder(codes, given).sample()),)

        with seeded(seed):
            return self._in_chunks(sample, z)[0]

    def denoised(self, x: Array, denoiser: Denoiser, *, guided: bool, clip: bool) -> Array:
        """Raw data x (n, *E) without its noise, in its own units. What has ends, as pixels have, is kept within them.

        guided: whether the denoiser is told what the codes of x decode to. clip: whether x is kept within its ends, as what the
        denoiser learnt from was.
        """
        scaling = self.model.scaling
        bounded = scaling.spec.form.bounded

        def clean(raw: Tensor, given: Tensor | None = None) -> tuple[Tensor]:
            seen = channels_last(scaling(raw))
            seen = seen.clamp(0, 1) if clip else seen
            found = denoiser(seen, guessed(self.model, seen, given) if guided else None)
            return (scaling.inverse(found.clamp(0, 1) if bounded else found),)

        size = max(1, min(CLEANED, PLACES // math.prod(scaling.spec.event[1:])))
        return self._answers(clean, x, size)[0]

    def bound(self, x: Array, draws: int) -> NDArray[np.float32]:
        """log 1/K sum_k p(x, z_k) / q(z_k | x) for raw data (n, *E), in units of `scaling.unit`: (n,).

        See the function `bound`. It is no number for a row so far from all that was learnt from that float32 does not hold it.
        """
        model = self.model
        draw = Draws(model, draws).to(self._device)
        some = max(1, CODES // chunk(model))

        def found(raw: Tensor, given: Tensor | None = None) -> tuple[Tensor]:
            return (bound(model, raw, draw(raw), given, some),)

        return self._in_chunks(found, x, ("bound", draws))[0]

    def log_probs(self, x: Array) -> NDArray[np.float32]:
        """log p(value | z) of each value of raw data (n, *E), z the mean of q(z | x), in units of `scaling.unit`.

        See `bound` for where that is no number.
        """

        def found(raw: Tensor, given: Tensor | None = None) -> tuple[Tensor]:
            return (each_at_code(self.model, raw, given),)

        return self._in_chunks(found, x, "log_probs")[0]

    def check_scored(self, x: Array, scores: Array) -> None:
        """Raise DataError where the score (n,), or that of a value (n, *E), of a row of x (n, *E) is no number."""
        self._check_numbers(x, scores, "no score")

    def check_decoded(self, x: Array, back: Array) -> None:
        """Raise DataError where the reconstruction (n, *E) of a row of x (n, *E) is no number."""
        self._check_numbers(x, back, "no reconstruction")

    # ------------------------------------------------------------------ inside

    def _check_numbers(self, x: Array, answers: Array, what: str) -> None:
        """Raise DataError naming the first row of x (n, *E) whose answer (n, …) is no number."""
        for first, some in pieces(answers):
            wrong = ~np.isfinite(some).reshape(len(some), -1).all(axis=1)
            if wrong.any():
                row = first + int(np.argmax(wrong))
                where = self.model.scaling.furthest(x[row : row + 1], row)
                raise DataError(
                    f"there is {what} for row {row} of X: float32 does not hold it. Its value furthest from what was "
                    f"learnt is at {where}. Drop or clip it, or mark it as missing (NaN) if the model knows missing values."
                )

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    def _in_chunks(self, function: _Answer, rows: Array, what: Hashable = None) -> list[NDArray[np.float32]]:
        """What `function` answers for rows and their conditions: (n, …) for each of its answers.

        what: its name, by which a few rows may go in a small chunk; without one, all chunks are large.
        """
        count, size = len(rows), chunk(self.model)
        if what is not None and 0 < count <= SMALL[-1] and self._device.type == "cpu":
            size = self._size(function, what, count)
        return self._answers(function, rows, size)

    def _size(self, function: _Answer, what: Hashable, count: int) -> int:
        """How large a chunk is to be for so few rows: the smallest that rounds as large ones do, which is tried out once."""
        whole, known = chunk(self.model), _alike.setdefault(self.model, {})
        for size in SMALL:
            key = what, size, torch.get_num_threads()
            if count <= size < whole:
                if key not in known:
                    known[key] = self._rounds_alike(function, what, size)
                if known[key]:
                    return size
        return whole

    def _rounds_alike(self, function: _Answer, what: Hashable, size: int) -> bool:
        """Whether rows get the same answers, to the last bit, in chunks of `size` as in large ones; tried on draws."""
        whole = chunk(self.model)
        coder = self if self.given is None else replace(self, given=np.resize(self.given, (whole, self.given.shape[-1])))
        rows: Array = np.random.default_rng(0).standard_normal((whole, self.model.dim), dtype=np.float32)
        if what != "decode":
            rows = coder.decode(rows)
        large = coder._answers(function, rows, whole)
        for part in (slice(size), slice(-size, None)):
            some = coder if coder.given is None else replace(coder, given=coder.given[part])
            if not all(map(np.array_equal, some._answers(function, rows[part], size), (one[part] for one in large))):
                return False
        return True

    @torch.inference_mode()
    def _answers(self, function: _Answer, rows: Array, size: int) -> list[NDArray[np.float32]]:
        """The same, in chunks of `size` rows."""
        device, count = self._device, len(rows)
        sources = (rows,) if self.given is None else (rows, self._conditions(count))
        whole: list[Tensor] = []
        for first in range(0, max(count, 1), size):  # one chunk even of no rows: it tells the shapes
            answers = function(*(as_tensor(_filled(some[first : first + size], size)).to(device) for some in sources))
            if not whole:
                each = sum(math.prod(answer.shape[1:]) * answer.element_size() for answer in answers)
                check_room(count * each, f"the answer for {count:,} rows", "Ask for fewer at a time.")
                whole = [torch.empty((count, *answer.shape[1:]), dtype=answer.dtype) for answer in answers]
            for all_, answer in zip(whole, answers, strict=True):
                all_[first : first + size] = answer[: count - first]
            for some in sources:
                release(some)
        return [all_.numpy() for all_ in whole]

    def _conditions(self, count: int) -> NDArray[np.float32]:
        """The conditions of `count` rows: (count, C)."""
        assert self.given is not None
        if self.given.ndim == 1:
            return np.tile(self.given, (count, 1))
        assert count <= len(self.given), f"{len(self.given)} conditions are fewer than {count} rows"
        return self.given[:count]


@torch.no_grad()
def guessed(model: LatentModel, x: Tensor, given: Tensor | None = None) -> Tensor:
    """What the codes of x (B, *event), as networks see it, decode to: (B, *event)."""
    return model.decoder(model.encoder(x, given).mean, given).mean


def _filled(rows: Array, size: int) -> Array:
    """Rows (n, …), n at most `size`, with zeros after them: (size, …)."""
    if len(rows) == size:
        return rows
    full = np.zeros((size, *rows.shape[1:]), rows.dtype)
    full[: len(rows)] = rows
    return full


def bound(model: LatentModel, raw: Tensor, noise: Tensor, given: Tensor | None = None, some: int | None = None) -> Tensor:
    """log 1/K sum_k p(x, z_k) / q(z_k | x) for raw data (B, *E), z_k = mu + sigma noise_k: (B,), in units of `scaling.unit`.

    For a posterior that is a point, log p(x | z). noise: (K, B, D). some: draws decoded at once.
    """
    x = channels_last(model.scaling(raw))
    q = model.encoder(x, given)
    prior = model.prior()
    weights = []
    for draws in noise.split(some or len(noise)):
        z = q.mean + q.stddev * draws
        p = Pass(x, z, q, prior, model.decoder(z, given, x))
        weights.append(log_weights(p) if q.spreads else p.likelihood.log_prob(x))
    found = torch.logsumexp(torch.cat(weights), 0) - math.log(len(noise))
    return found if model.scaling.power is None else found + model.scaling.log_slope(raw).flatten(1).sum(1)


def each_at_code(model: LatentModel, raw: Tensor, given: Tensor | None = None) -> Tensor:
    """log p(value | z) of each value of raw data (B, *E), z the mean of q(z | x), in units of `scaling.unit`."""
    x = channels_last(model.scaling(raw))
    likelihood = model.decoder(model.encoder(x, given).mean, given, x)
    found = each_log_prob(likelihood, x)
    return model.scaling.arranged(found if model.scaling.power is None else found + model.scaling.log_slope(raw))


class Draws(nn.Module):
    """Raw rows (B, *E) → standard normal noise (K, B, D) that depends on the values of each row and on nothing else.

    Each row takes numbers that follow one another in a pool of such, from a place that its values say: their sum, each in its
    own fine unit, as whole numbers. Every step is exact, or rounded once, so processors and libraries agree on the place.
    """

    units: Tensor
    pool: Tensor

    def __init__(self, model: LatentModel, draws: int) -> None:
        super().__init__()
        self.draws, self.dim = draws, model.dim
        unit = np.broadcast_to(model.scaling.unit, model.scaling.spec.shape).astype(np.float64).reshape(-1)
        mixed = np.random.Generator(np.random.Philox(key=0)).uniform(0.5, 1.0, len(unit))  # so that values do not cancel
        power = np.frexp(unit)[1]  # a unit may be rounded otherwise on another machine
        self.register_buffer("units", torch.from_numpy(FINE * np.ldexp(mixed, -power)))
        size = max(POOL, 1 << (draws * model.dim).bit_length())
        self.register_buffer("pool", torch.from_numpy(_normals(size)))

    def forward(self, raw: Tensor) -> Tensor:
        fine = raw.flatten(1).double() * self.units
        counted = torch.fmod(torch.where(fine.abs() < torch.inf, fine, 0.0), WRAP).floor().long()  # NaN is not below it either
        first = counted.sum(1) % len(self.pool)
        places = first[:, None] + torch.arange(self.draws * self.dim, device=raw.device)
        noise = self.pool[places % len(self.pool)]  # (B, K D)
        return noise.unflatten(1, (self.draws, self.dim)).movedim(1, 0)


@cache
def _normals(size: int) -> NDArray[np.float32]:
    """So many standard normal numbers, always the same."""
    return np.random.Generator(np.random.Philox(key=0)).standard_normal(size, dtype=np.float32)
