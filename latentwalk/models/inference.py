"""Using a trained model on arrays: encode, decode, bound the likelihood, a chunk of rows at a time.

Chunks are always full, the last one padded: matrix products of one shape round alike, so a row's answer does not depend on
the company it comes in. Of what is given, `len` and slices are asked for and nothing else, so rows may be read as they are
needed; answers are written into one array, so that no more than a chunk is ever held beside them.
"""

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentwalk.data.rows import release
from latentwalk.data.scaling import as_tensor
from latentwalk.models.latent_model import LatentModel, Pass
from latentwalk.models.objective import log_weights
from latentwalk.models.observed import each_log_prob
from latentwalk.models.posterior import PointMass
from latentwalk.networks.layers import channels_last

__all__ = ["bounds", "chunk", "decoded", "drawn", "encoded", "log_probs"]

Array = NDArray[Any]
DENSE, OTHER = 512, 128  # convolutions and recurrent layers are slower when what is between their layers outgrows the cache
CODES = 2048  # draws decoded at once


def chunk(model: LatentModel) -> int:
    """How many rows are put through the networks of this model at once, always exactly so many."""
    other = (nn.Conv1d, nn.Conv2d, nn.RNNBase)
    return OTHER if any(isinstance(layer, other) for layer in model.modules()) else DENSE


def encoded(model: LatentModel, x: Array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Means and deviations of q(z | x) for raw data (n, *E), each (n, D)."""

    def moments(raw: Tensor) -> tuple[Tensor, Tensor]:
        q = model.encoder(channels_last(model.scaling(raw)))
        return q.mean, q.stddev

    means, deviations = _in_chunks(model, moments, x)
    return means, deviations


def decoded(model: LatentModel, z: Array) -> NDArray[np.float32]:
    """Likelihood means of codes (n, D), in the units and shape of the data: (n, *E)."""
    return _in_chunks(model, lambda codes: (model.scaling.inverse(model.decoder(codes).mean),), z)[0]


def drawn(model: LatentModel, z: Array, seed: int) -> NDArray[np.float32]:
    """One draw of p(x | z) for each of codes (n, D), in the units and shape of the data: (n, *E)."""
    device = next(model.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        return _in_chunks(model, lambda codes: (model.scaling.inverse(model.decoder(codes).sample()),), z)[0]


def bounds(model: LatentModel, x: Array, draws: int) -> NDArray[np.float32]:
    """log 1/K sum_k p(x, z_k) / q(z_k | x) for raw data (n, *E), in the units that networks see: (n,).

    For a posterior that is a point, log p(x | z). The draws of a row depend on its values alone.
    """
    latent, size = model.prior().event_shape[0], chunk(model)

    def bound(raw: Tensor, noise: Tensor) -> tuple[Tensor]:  # raw (B, *E), noise (B, K, D)
        x = channels_last(model.scaling(raw))
        q, prior = model.encoder(x), model.prior()
        weights = []
        for some in noise.movedim(1, 0).split(CODES // size):
            z = q.mean + q.stddev * some
            p = Pass(x, z, q, prior, model.decoder(z))
            weights.append(p.likelihood.log_prob(x) if isinstance(q, PointMass) else log_weights(p))
        return (torch.logsumexp(torch.cat(weights), 0) - np.log(draws),)

    chunks = (x[start : start + size] for start in range(0, len(x), size))  # noise for all rows at once would not fit
    return np.concatenate(
        [_in_chunks(model, bound, rows, np.stack([_noise(row, draws, latent) for row in rows]))[0] for rows in chunks]
    )


def log_probs(model: LatentModel, x: Array) -> NDArray[np.float32]:
    """log p(value | z) of each value of raw data (n, *E), z the mean of q(z | x), in the units that networks see: (n, *E)."""

    def each(raw: Tensor) -> tuple[Tensor]:
        inside = channels_last(model.scaling(raw))
        return (model.scaling.arranged(each_log_prob(model.decoder(model.encoder(inside).mean), inside)),)

    return _in_chunks(model, each, x)[0]


@torch.inference_mode()
def _in_chunks(model: LatentModel, function: Callable[..., tuple[Tensor, ...]], *given: Array) -> list[Array]:
    """What `function` answers for the rows of what is given, on the model's device: an array (n, …) for each of its answers."""
    device, rows, size = next(model.parameters()).device, len(given[0]), chunk(model)
    whole: list[Tensor] = []
    for start in range(0, max(rows, 1), size):  # one chunk even of no rows: it tells the shapes
        answers = function(*(as_tensor(_filled(some[start : start + size], size)).to(device) for some in given))
        if not whole:
            whole = [torch.empty((rows, *answer.shape[1:]), dtype=answer.dtype) for answer in answers]
        for all_, answer in zip(whole, answers, strict=True):
            all_[start : start + size] = answer[: rows - start]
        for some in given:
            release(some)
    return [all_.numpy() for all_ in whole]


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
