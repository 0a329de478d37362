"""How much noise a model takes away, beside filters that do not learn: PSNR, SSIM and SNR gain over several levels.

PSNR      10 log10(range² / mean squared error), in dB, the mean over examples
SSIM      structural similarity of images, in [-1, 1] (Wang et al. 2004), as scikit-image has it
SNR gain  10 log10(squared error before / squared error after), in dB, over all examples together
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.chance import from_seed, seed_of
from latentwalk.checks import one_of, positive, several
from latentwalk.data.corruption import Corruption, CorruptionKind
from latentwalk.data.dataset import Dataset
from latentwalk.data.scaling import as_tensor
from latentwalk.errors import ConfigError, DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.studies.filters import filters_for, tuned
from latentwalk.surroundings import imported

__all__ = ["NoiseSweep", "Score", "noise_sweep", "psnr", "snr_gain", "spoilt", "ssim"]

LEVELS = (0.1, 0.2, 0.3, 0.5, 0.7)
CHOSEN_ON = 500  # clean examples on which a filter's width is chosen; the linear one learns from all
SHOWN = 8  # examples kept as pictures
NOISY, OURS = "noisy", "model"


@dataclass(frozen=True, slots=True)
class Score:
    """What one method leaves at one level of noise. choice: what was chosen for it. psnr, gain: dB. ssim: images only."""

    method: str
    level: float
    psnr: float
    gain: float
    ssim: float | None = None
    choice: Any = None


@dataclass(frozen=True, slots=True)
class NoiseSweep:
    """Scores of all methods at all levels, and some examples at one of them: pictures by method, (n, *E) in raw units."""

    kind: str
    scores: tuple[Score, ...]
    shown_at: float
    pictures: Mapping[str, Array]

    def best(self, level: float) -> Score:
        """The best at that level."""
        return max((score for score in self.scores if score.level == level), key=lambda score: score.gain)

    def rows(self) -> list[dict[str, Any]]:
        """One row a method and level, ready for `pandas.DataFrame` or JSON."""
        return [asdict(score) for score in self.scores]


def noise_sweep(
    model: Autoencoder,
    learnt: Array | Dataset,
    clean: Array | Dataset,
    *,
    levels: Sequence[float] = LEVELS,
    kind: CorruptionKind | None = None,
    rivals: Sequence[str] | None = None,
    seed: int = 0,
) -> NoiseSweep:
    """Spoil `clean` (n, *E) at every level, take the noise away with `model` and every rival, and compare with `clean`.

    learnt: clean examples that rivals may learn from: the linear one its matrix, the others their width. kind: of the noise
    (see `Corruption`); None is the one the model was trained against. Raises ConfigError, DataError.
    """
    if not isinstance(model, Autoencoder):
        raise ConfigError(f"{model!r:.200} is no model. Noise is taken away by an Autoencoder that learnt from such data.")
    levels, seed = several("levels", levels, "levels of noise"), seed_of(seed)
    for level in levels:
        positive("level", level, zero=True)
    if not levels:
        raise ConfigError("levels=[]: expected at least one level of noise.")
    if kind is not None:
        one_of("kind of noise", kind, get_args(CorruptionKind))
    spec = model.spec_
    if spec.form.columned or spec.missing:
        raise ConfigError(f"filters are for images and signals without gaps; the model learnt from a {spec.kind}.")
    learnt, clean = (part.x if isinstance(part, Dataset) else np.asarray(part) for part in (learnt, clean))
    for part in (learnt, clean):
        if part.shape[1:] != spec.shape or not len(part):
            raise DataError(f"expected clean examples of shape {spec.shape}, as in training; got {part.shape}.")
    trained = model.recipe_.corruption or Corruption()
    noise = Corruption(kind or trained.kind, clip=trained.clip).fitted(spec)
    names = filters_for(spec.form.pictured) if rivals is None else several("rivals", rivals, "filters")
    shown_at = levels[len(levels) // 2]
    scores, pictures = [], {"clean": clean[:SHOWN]}
    for level in levels:
        at = replace(noise, amount=float(level))
        noisy, pairs = spoilt(model, clean, at, seed), (learnt, spoilt(model, learnt, at, seed + 1))
        answers = {NOISY: (noisy, None), OURS: (model.denoise(noisy), None)}
        answers |= {name: _rival(name, model, pairs, noisy) for name in names}
        scores += [_score(name, level, model, clean, noisy, answer, choice) for name, (answer, choice) in answers.items()]
        if level == shown_at:
            pictures |= {name: answer[:SHOWN] for name, (answer, _) in answers.items()}
    return NoiseSweep(noise.kind, tuple(scores), shown_at, pictures)


def spoilt(model: Autoencoder, clean: Array, noise: Corruption, seed: int = 0) -> NDArray[np.float32]:
    """Noisy copies of clean examples (n, *E), in their own units; the noise is in those that networks see."""
    scaling = model.model_.scaling.cpu()
    with from_seed(seed), torch.inference_mode():
        noisy: NDArray[np.float32] = scaling.inverse(noise(scaling(as_tensor(clean)))).numpy()
    scaling.to(next(model.model_.parameters()).device)
    return noisy


def psnr(clean: Array, found: Array, width: float) -> float:
    """10 log10(width² / mean squared error) of each example (n, *E), and of these the mean, in dB."""
    error = np.square(np.asarray(found, np.float64) - clean).reshape(len(clean), -1).mean(1)
    return float(np.mean(10 * np.log10(width**2 / error.clip(min=1e-12 * width**2))))


def snr_gain(clean: Array, noisy: Array, found: Array) -> float:
    """By how many dB the signal-to-noise ratio rises: 10 log10(|noisy - clean|² / |found - clean|²)."""
    before, after = (np.square(np.asarray(part, np.float64) - clean).sum() for part in (noisy, found))
    if before == 0:
        return 0.0 if after == 0 else -np.inf
    return float(10 * np.log10(before / max(after, 1e-12 * before)))


def ssim(clean: Array, found: Array, width: float) -> float | None:
    """The mean structural similarity of images (n, H, W, C); None without scikit-image, or below 7 pixels."""
    try:
        similarity = imported("skimage.metrics").structural_similarity
    except ImportError:
        return None
    if min(clean.shape[1:3]) < 7:
        return None
    pairs = zip(clean.astype(np.float64), found.astype(np.float64), strict=True)
    return float(np.mean([similarity(a, b, data_range=width, channel_axis=-1) for a, b in pairs]))


# ---------------------------------------------------------------------- inside


def _rival(name: str, model: Autoencoder, pairs: tuple[Array, Array], noisy: Array) -> tuple[Array, Any]:
    """What a filter makes of noisy examples, and what was chosen for it. It sees channels last, in units of its own."""
    spec, unit = model.spec_, _unit(model)
    image = spec.form.pictured

    def seen(x: Array) -> Array:
        x = np.asarray(x, np.float64)
        x = np.moveaxis(x, 1, -1) if spec.layout == "CHW" else x
        return (x - spec.low) / unit if image else x / unit

    clean, spoilt_ = (seen(part) if name == "linear" else seen(part[:CHOSEN_ON]) for part in pairs)
    apply, choice = tuned(name, clean, spoilt_, image=image, channels=spec.layout in ("HWC", "CHW", "TF"))
    found = apply(seen(noisy)) * unit + (spec.low if image else 0.0)
    found = np.clip(found, spec.low, spec.high) if image else found
    return np.moveaxis(found, -1, 1) if spec.layout == "CHW" else found, choice


def _score(name: str, level: float, model: Autoencoder, clean: Array, noisy: Array, found: Array, choice: Any) -> Score:
    spec, width = model.spec_, model.spec_.high - model.spec_.low
    similar = None
    if spec.form.pictured:
        similar = ssim(spec.channels_last(clean), spec.channels_last(found), width)
    return Score(name, float(level), psnr(clean, found, width), snr_gain(clean, noisy, found), similar, choice)


def _unit(model: Autoencoder) -> NDArray[np.float32]:
    """One unit of what networks see in raw units: the range of images, the deviation of each channel of signals."""
    return model.model_.scaling.unit
