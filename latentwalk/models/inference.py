"""Using a trained model on arrays: encode, decode, bound the likelihood, a chunk of rows at a time.

Chunks are always full, the last one padded: matrix products of one shape round alike, so a row's answer does not depend on
the company it comes in. Of what goes in, `len` and slices are asked for and nothing else, so rows may be read as they are
needed; answers are written into one array, so that no more than a chunk is ever held beside them.
"""

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentwalk.arrays import Array
from latentwalk.chance import seeded
from latentwalk.data.rows import pieces, release
from latentwalk.data.scaling import as_tensor
from latentwalk.errors import ConfigError, DataError
from latentwalk.models.latent_model import LatentModel, Pass
from latentwalk.models.objective import log_weights
from latentwalk.models.observed import each_log_prob
from latentwalk.networks.layers import channels_last

__all__ = ["Coder", "chunk", "signature"]

DENSE, OTHER = 512, 128  # convolutions and recurrent layers are slower when what is between their layers outgrows the cache
CODES = 2048  # draws decoded at once


def chunk(model: LatentModel) -> int:
    """How many rows are put through the networks of this model at once, always exactly so many."""
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

        means, deviations = self._in_chunks(moments, x)
        self._check_numbers(x, means, "no code")
        return means, deviations

    def decode(self, z: Array) -> NDArray[np.float32]:
        """Likelihood means of codes (n, D), in the units and shape of the data: (n, *E)."""

        def mean(codes: Tensor, given: Tensor | None = None) -> tuple[Tensor]:
            return (self.model.scaling.inverse(self.model.decoder(codes, given).mean),)

        return self._in_chunks(mean, z)[0]

    def draw(self, z: Array, seed: int) -> NDArray[np.float32]:
        """One draw of p(x | z) for each of codes (n, D), in the units and shape of the data: (n, *E)."""

        def sample(codes: Tensor, given: Tensor | None = None) -> tuple[Tensor]:
            return (self.model.scaling.inverse(self.model.decoder(codes, given).sample()),)

        with seeded(seed):
            return self._in_chunks(sample, z)[0]

    def bound(self, x: Array, draws: int) -> NDArray[np.float32]:
        """log 1/K sum_k p(x, z_k) / q(z_k | x) for raw data (n, *E), in units of `scaling.unit`: (n,).

        For a posterior that is a point, log p(x | z). The draws of a row depend on its values alone. Raises DataError for a row
        so far from all that was learnt from that the bound is no number.
        """
        model, size = self.model, chunk(self.model)

        def bound(raw: Tensor, noise: Tensor, given: Tensor | None = None) -> tuple[Tensor]:  # raw (B, *E), noise (B, K, D)
            x = channels_last(model.scaling(raw))
            q = model.encoder(x, given)
            prior = model.prior()
            weights = []
            for some in noise.movedim(1, 0).split(CODES // size):
                z = q.mean + q.stddev * some
                p = Pass(x, z, q, prior, model.decoder(z, given, x))
                weights.append(log_weights(p) if q.spreads else p.likelihood.log_prob(x))
            found = torch.logsumexp(torch.cat(weights), 0) - np.log(draws)
            return (found if model.scaling.power is None else found + model.scaling.log_slope(raw).flatten(1).sum(1),)

        found = []
        for start in range(0, len(x), size):  # noise for all rows at once would not fit
            rows = x[start : start + size]
            noise = np.stack([_noise(row, draws, model.dim) for row in rows])
            found += self._in_chunks(bound, rows, noise, start=start)
            self._check_numbers(rows, found[-1], "no score", start)
        return np.concatenate(found)

    def log_probs(self, x: Array) -> NDArray[np.float32]:
        """log p(value | z) of each value of raw data (n, *E), z the mean of q(z | x), in units of `scaling.unit`.

        Raises DataError where that is no number.
        """
        model = self.model

        def each(raw: Tensor, given: Tensor | None = None) -> tuple[Tensor]:
            inside = channels_last(model.scaling(raw))
            likelihood = model.decoder(model.encoder(inside, given).mean, given, inside)
            found = each_log_prob(likelihood, inside)
            return (model.scaling.arranged(found if model.scaling.power is None else found + model.scaling.log_slope(raw)),)

        found = self._in_chunks(each, x)[0]
        self._check_numbers(x, found, "no score")
        return found

    def check_decoded(self, x: Array, back: Array) -> None:
        """Raise DataError where the reconstruction (n, *E) of a row of x (n, *E) is no number."""
        self._check_numbers(x, back, "no reconstruction")

    # ------------------------------------------------------------------ inside

    def _check_numbers(self, x: Array, answers: Array, what: str, start: int = 0) -> None:
        """Raise DataError naming the first row of x (n, *E), which begins at row `start`, whose answer (n, …) is no number."""
        for first, some in pieces(answers):
            wrong = ~np.isfinite(some).reshape(len(some), -1).all(axis=1)
            if wrong.any():
                row = first + int(np.argmax(wrong))
                where = self.model.scaling.furthest(x[row : row + 1], start + row)
                raise DataError(
                    f"there is {what} for row {start + row} of X: float32 does not hold it. Its value furthest from what was "
                    f"learnt is at {where}. Drop or clip it, or mark it as missing (NaN) if the model knows missing values."
                )

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    @torch.inference_mode()
    def _in_chunks(
        self, function: Callable[..., tuple[Tensor, ...]], *rows: Array, start: int = 0
    ) -> list[NDArray[np.float32]]:
        """What `function` answers for rows and their conditions, which begin at `start`: (n, …) for each of its answers."""
        device, count, size = self._device, len(rows[0]), chunk(self.model)
        sources = rows if self.given is None else (*rows, self._conditions(start, count))
        whole: list[Tensor] = []
        for first in range(0, max(count, 1), size):  # one chunk even of no rows: it tells the shapes
            answers = function(*(as_tensor(_filled(some[first : first + size], size)).to(device) for some in sources))
            if not whole:
                whole = [torch.empty((count, *answer.shape[1:]), dtype=answer.dtype) for answer in answers]
            for all_, answer in zip(whole, answers, strict=True):
                all_[first : first + size] = answer[: count - first]
            for some in sources:
                release(some)
        return [all_.numpy() for all_ in whole]

    def _conditions(self, start: int, count: int) -> NDArray[np.float32]:
        """The conditions of `count` rows from `start` on: (count, C)."""
        assert self.given is not None
        if self.given.ndim == 1:
            return np.tile(self.given, (count, 1))
        assert start + count <= len(self.given), f"{len(self.given)} conditions are fewer than {start + count} rows"
        return self.given[start : start + count]


def _filled(rows: Array, size: int) -> Array:
    """Rows (n, …), n at most `size`, with zeros after them: (size, …)."""
    if len(rows) == size:
        return rows
    full = np.zeros((size, *rows.shape[1:]), rows.dtype)
    full[: len(rows)] = rows
    return full


def _noise(row: Array, draws: int, latent: int) -> NDArray[np.float32]:
    """Standard normal noise (K, D) that depends on the values of the row and on nothing else."""
    generator = np.random.Generator(np.random.Philox(key=zlib.crc32(np.ascontiguousarray(row).tobytes())))
    return generator.standard_normal((draws, latent), dtype=np.float32)
