"""Using a trained model on arrays: encode, decode, bound the likelihood, a chunk of rows at a time.

Chunks are always full, the last one padded: matrix products of one shape round alike, so a row's answer does not depend on
the company it comes in.
"""

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentwalk.data.scaling import as_tensor
from latentwalk.models.latent_model import LatentModel, Pass
from latentwalk.models.objective import log_weights
from latentwalk.models.observed import each_log_prob
from latentwalk.models.posterior import PointMass
from latentwalk.networks.layers import channels_last

__all__ = ["CHUNK", "bounds", "decoded", "drawn", "encoded", "log_probs"]

Array = NDArray[Any]
CHUNK = 128  # rows put through a network at once, always exactly this many
DRAWS = 16  # draws of one chunk decoded at once


def encoded(model: LatentModel, x: Array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Means and deviations of q(z | x) for raw data (n, *E), each (n, D)."""

    def moments(raw: Tensor) -> Tensor:
        q = model.encoder(channels_last(model.scaling(raw)))
        return torch.stack([q.mean, q.stddev], dim=1)

    both = _in_chunks(model, moments, x)
    return both[:, 0], both[:, 1]


def decoded(model: LatentModel, z: Array) -> NDArray[np.float32]:
    """Likelihood means of codes (n, D), in the units and shape of the data: (n, *E)."""
    return _in_chunks(model, lambda codes: model.scaling.inverse(model.decoder(codes).mean), z)


def drawn(model: LatentModel, z: Array, seed: int) -> NDArray[np.float32]:
    """One draw of p(x | z) for each of codes (n, D), in the units and shape of the data: (n, *E)."""
    device = next(model.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        return _in_chunks(model, lambda codes: model.scaling.inverse(model.decoder(codes).sample()), z)


def bounds(model: LatentModel, x: Array, draws: int) -> NDArray[np.float32]:
    """log 1/K sum_k p(x, z_k) / q(z_k | x) for raw data (n, *E), in the units that networks see: (n,).

    For a posterior that is a point, log p(x | z). The draws of a row depend on its values alone.
    """
    latent = model.prior().event_shape[0]

    def bound(raw: Tensor, noise: Tensor) -> Tensor:  # raw (B, *E), noise (B, K, D)
        x = channels_last(model.scaling(raw))
        q, prior = model.encoder(x), model.prior()
        weights = []
        for some in noise.movedim(1, 0).split(DRAWS):
            z = q.mean + q.stddev * some
            p = Pass(x, z, q, prior, model.decoder(z))
            weights.append(p.likelihood.log_prob(x) if isinstance(q, PointMass) else log_weights(p))
        return torch.logsumexp(torch.cat(weights), 0) - np.log(draws)

    chunks = (x[start : start + CHUNK] for start in range(0, len(x), CHUNK))  # noise for all rows at once would not fit
    return np.concatenate(
        [_in_chunks(model, bound, rows, np.stack([_noise(row, draws, latent) for row in rows])) for rows in chunks]
    )


def log_probs(model: LatentModel, x: Array) -> NDArray[np.float32]:
    """log p(value | z) of each value of raw data (n, *E), z the mean of q(z | x), in the units that networks see: (n, *E)."""

    def each(raw: Tensor) -> Tensor:
        inside = channels_last(model.scaling(raw))
        return model.scaling.arranged(each_log_prob(model.decoder(model.encoder(inside).mean), inside))

    return _in_chunks(model, each, x)


@torch.inference_mode()
def _in_chunks(model: LatentModel, function: Callable[..., Tensor], *arrays: Array) -> Array:
    """`function` over rows of arrays, on the model's device."""
    device = next(model.parameters()).device
    rows = len(arrays[0])
    answers = []
    for start in range(0, max(rows, 1), CHUNK):
        some = [as_tensor(_padded(array[start : start + CHUNK])).to(device) for array in arrays]
        answers.append(function(*some).cpu().numpy())
    return np.concatenate(answers)[:rows]


def _padded(rows: Array) -> Array:
    return np.concatenate([rows, np.zeros((CHUNK - len(rows), *rows.shape[1:]), rows.dtype)])


def _noise(row: Array, draws: int, latent: int) -> NDArray[np.float32]:
    """Standard normal noise (K, D) that depends on the values of the row and on nothing else."""
    generator = np.random.Generator(np.random.Philox(key=zlib.crc32(np.ascontiguousarray(row).tobytes())))
    return generator.standard_normal((draws, latent), dtype=np.float32)
