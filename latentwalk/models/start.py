"""Where a model begins: at the best that a straight line can do, found from some of the data in closed form.

The codes of the line are principal components, each of deviation 1, shrunk and spread as those of probabilistic PCA where codes
are distributions: which is the best linear VAE there is. The decoder's line is the regression of the data on them.

Components that are no larger than noise alone would make them begin silent (beyond the edge of Marchenko & Pastur 1967).

Sources: Tipping & Bishop 1999, "Probabilistic principal component analysis", eq. 7 to 9; Lucas et al. 2019, "Don't blame the
ELBO! A linear VAE perspective on posterior collapse".
"""

from typing import NamedTuple

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

from latentwalk.arrays import Doubles
from latentwalk.models.conditional import Conditional, Shifted
from latentwalk.models.latent_model import LatentModel
from latentwalk.models.posterior import LOG_VARIANCE
from latentwalk.networks.line import DecoderLine, EncoderLine, silenced

__all__ = ["begin", "begin_anew"]

FLAT = 0.1  # a number that varies less than this share of what the others do is not blown up further
LEFT = 0.05  # of the data's deviation: the least that the network's own part speaks in
EMPTY = 1e-6  # the share of the largest component's variance below which one is rounding
SURE = 1e-4  # the least share of a component's variance that is taken for noise


class _Line(NamedTuple):
    """The line to codes: c (n, S) → c @ weight.T, (D, S), which leaves the variance `spread` (D,)."""

    weight: Tensor
    spread: Tensor


@torch.no_grad()
def begin(model: LatentModel, raw: Tensor, given: Tensor | None = None) -> bool:
    """Put a model that has not learnt where a straight line would, in place; raw: some rows of the data (n, *E).

    given: their conditions (n, C), of which one is 1, for a model that takes them: codes then say how rows differ from others
    of the same condition.
    Whether it says anything now: networks of one's own, and plain ones, have no such beginning.
    """
    reading = next((part for part in model.encoder.modules() if isinstance(part, EncoderLine)), None)
    writing = next((part for part in model.decoder.modules() if isinstance(part, DecoderLine)), None)
    if reading is None or writing is None or not isinstance(model.decoder, Conditional):
        return False
    x = model.scaling(raw)
    _centre(reading, x if reading.inputs is None else reading.inputs(x))
    c = reading.centred(x).flatten(1)
    c = torch.where(c.isnan(), 0.0, c)
    said = model.decoder.head.raw_of(x).flatten(1)  # (n, R)
    seen, middle = ~said.isnan(), said.nanmean(0)
    if reading.everywhere:
        middle = _everywhere(middle.unflatten(0, writing.raw)).flatten()
    writing.mean.copy_(torch.where(middle.isnan(), 0.0, middle))
    off = torch.where(seen, said - middle, 0.0)
    blur: Tensor | float = 0.0
    usual, c = _parted(c, given)
    spoken = float(off.square().mean().sqrt())
    if reading.slope is not None and reading.middle is not None and writing.slope is not None:
        writing.slope.zero_()
        silenced(reading.body)
        silenced(writing.body)
        latent, rest = model.dim, len(reading.middle) - model.dim
        line = _principal(c, latent, spreads=rest > 0)
        reading.slope.copy_(torch.cat([line.weight, line.weight.new_zeros(rest, c.shape[1])]))
        reading.middle.copy_(torch.cat([torch.zeros_like(line.spread), line.spread.log()[:rest].clamp(*LOG_VARIANCE)]))
        codes = c @ line.weight.T
        for part in model.encoder.modules():
            if isinstance(part, Shifted):
                part.shift.zero_()
                part.shift[:, :latent] = -usual @ line.weight.T
        means, off = _parted(off, given)
        writing.slope[:, latent:] = means.T
        off = off * seen
        slope = off.T @ codes / len(codes)  # codes and their spread vary by 1 together
        writing.slope[:, :latent] = slope
        off = off - (codes @ slope.T) * seen
        blur = slope.square() @ line.spread if rest else 0.0
    left = float(off.square().mean().sqrt())
    writing.deviation.fill_(max(left, LEFT * spoken) or 1.0)
    square = off.square().sum(0) / seen.sum(0).clamp(min=1) + blur
    model.decoder.head.begin(square.unflatten(0, writing.raw))
    return writing.slope is not None


def begin_anew(part: nn.Module) -> None:
    """Give a part of a model, in place, the weights that it might have had at first."""
    for layer in part.modules():
        reset = getattr(layer, "reset_parameters", None)
        if reset is not None:
            reset()


def _centre(reading: EncoderLine, seen: Tensor) -> None:
    """Let it read deviations from the mean: of the whole of an image or a signal by one measure, of columns each by its own."""
    mean = _everywhere(seen.nanmean(0)) if reading.everywhere else seen.nanmean(0)
    square = (seen - mean).square().nanmean(0)
    of_all = float(square.nanmean().sqrt())
    deviation = square.sqrt().clamp(min=FLAT * of_all) if seen.ndim == 2 else torch.full_like(mean, of_all)
    mean, deviation = torch.where(mean.isnan(), 0.0, mean), torch.where(deviation > 0, deviation, 1.0)
    reading.centre(mean, deviation)


def _everywhere(mean: Tensor) -> Tensor:
    """The mean (C, …) of each channel in all places."""
    return mean.flatten(1).nanmean(1).view(-1, *(1 for _ in mean.shape[1:])).expand_as(mean)


def _parted(rows: Tensor, given: Tensor | None) -> tuple[Tensor, Tensor]:
    """The means (C, S) of rows (n, S) under each condition, of which `given` (n, C) says which is theirs; and what is left.

    0 is the mean under one without rows; where nothing is given, C is 0, and all is left.
    """
    if given is None:
        return rows.new_zeros(0, rows.shape[1]), rows
    means = (given.T @ rows) / given.sum(0).clamp(min=1)[:, None]
    return means, rows - given @ means


def _principal(c: Tensor, latent: int, *, spreads: bool) -> _Line:
    """The line to `latent` principal components of rows c (n, S), whose mean is 0, each of deviation 1 with its spread."""
    n, size = c.shape
    weight, spread = c.new_zeros(latent, size), c.new_ones(latent)
    if n < 2 or not bool((c != c[0]).any()):
        return _Line(weight, spread)
    found = PCA(min(latent, n - 1, size), random_state=0).fit(c.cpu().numpy())
    variance = found.singular_values_.astype(np.float64) ** 2 / n
    told = int(np.count_nonzero(variance > EMPTY * variance[0]))  # what never varied would be blown up without end
    variance = variance[:told]
    share = np.zeros_like(variance)
    if spreads:
        signal, noise = _signal(variance, float(c.double().square().mean()) * size, n, size)
        share = np.where(np.arange(len(variance)) < signal, (noise / variance).clip(SURE, 1.0), 1.0)
    rows = found.components_[:told] * np.sqrt((1 - share) / variance)[:, None]
    weight[: len(rows)] = torch.from_numpy(rows).to(c)
    spread[: len(rows)] = torch.from_numpy(share).to(c)
    return _Line(weight, spread)


def _signal(variance: Doubles, total: float, n: int, size: int) -> tuple[int, float]:
    """How many of the largest components, with these variances, are more than noise would make; and a number's own noise.

    total: the variance of all `size` components together, found from n rows.
    """
    for many in range(len(variance), -1, -1):
        noise = max(total - float(variance[:many].sum()), 0.0) / max(size - many, 1)
        if many == 0 or variance[many - 1] > noise * (1 + np.sqrt(size / n)) ** 2:
            break
    return many, noise
