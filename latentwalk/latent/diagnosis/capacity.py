"""Is the code as wide as the data needs, and the decoder as able as the code allows?"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.fft import fft2, fftfreq
from sklearn.neighbors import KNeighborsRegressor

from latentwalk.arrays import Array
from latentwalk.latent.criteria.measure import percent
from latentwalk.latent.diagnosis.evidence import Evidence, square
from latentwalk.latent.diagnosis.finding import ORDER, Finding
from latentwalk.latent.diagnosis.learnt import FALLING, PRICE, collapse, falling, graded, over_regularised, under_trained
from latentwalk.networks.build import Network

__all__ = ["blurry_decoder", "too_few", "too_many"]

# of the data's variance that further dimensions would take off the error; `studies.dimensions` calls .05 an elbow
GAIN = (0.05, 0.10)
SPARE = 0.5  # of the dimensions that may be needed at most, for the rest to be worth telling of
FAULT = (0.03, 0.06)  # of the data's variance that codes foretell, or PCA reaches, and the decoder does not give
FINE_DETAIL = 0.25  # cycles a pixel, or a step, from which on detail is fine: half of the finest there is
SOFT = 0.15  # of the energy of fine detail, below which reconstructions look blurred
NEIGHBOURS = 20
VALUES = "it is seen in values, and units have none"


def too_few(e: Evidence) -> Finding | str:
    """Would more dimensions bring more? What further linear ones take off the error of other rows, beyond chance.

    As many more as lead to twice the dimensions, or to that in which the examples spread around each other (Facco et al. 2017),
    where that is more. A linear dimension is the least that a further one would bring. Noise, which the neighbours take for
    dimensions, is not foretold by other rows and brings nothing.
    """
    if not e.valued:
        return VALUES
    if e.gaussian and e.price is None:
        return "no code says anything: see collapse"
    if unused := int((~e.units.active).sum()) if e.gaussian else 0:
        said = f"{unused} of {e.space.dim} dimensions are not even in use."
        return Finding("too few dimensions", "fine", {"out of use": float(unused)}, said)
    dim, size = e.space.dim, e.x[0].shape[1]
    if _spare(e):
        said = f"{e.needed} of its {dim} directions give all that the decoder gives: more would lie idle too."
        return Finding("too few dimensions", "fine", {"dimensions": float(dim), "needed": float(e.needed)}, said)
    wanted = min(size, max(2 * dim, math.ceil(e.dimension or 0)))
    if wanted <= dim:
        return Finding("too few dimensions", "fine", {"dimensions": float(dim)}, "A code is as wide as the data.")
    gain = float(e.left[min(wanted - dim, len(e.left)) - 1])
    measured = {"dimensions": float(dim), "gain": gain, "variance explained": 1 - e.error / e.variance}
    if e.dimension is not None:
        measured["dimensions of the data"] = e.dimension
    severity = graded(gain, GAIN)
    said = f"{wanted - dim} more dimensions, even linear ones, would reach {percent(max(0, gain))} more of the data's variance."
    if severity == "fine":
        return Finding("too few dimensions", severity, measured, said)
    wanted = dim + min(wanted - dim, _enough(e, wanted - dim))
    return Finding("too few dimensions", severity, measured, said, f"Use {wanted} dimensions.", {"latent": wanted})


def _enough(e: Evidence, most: int) -> int:
    """How many further dimensions, up to `most`, bring all but a twentieth of what so many would."""
    gains = e.left[:most]
    return int(np.argmax(gains >= 0.95 * gains.max())) + 1


def too_many(e: Evidence) -> Finding | str:
    """Are dimensions spare? The fewest directions of the codes with which the decoder gives all but 2 % of the variance.

    Fewer would do than this says, for the decoder is not trained again; see `Evidence.needed`. Where further dimensions would
    bring much, those that are spare are not too many: they are not used, for another reason.
    """
    dim = e.space.dim
    if not e.valued:
        return VALUES
    if e.wide:
        return "the code is wide on purpose"
    if not e.units.active.any() and e.gaussian:
        return "no code says anything: see collapse"
    gain = float(e.left[min(dim, len(e.left)) - 1])
    measured = {"dimensions": float(dim), "needed": float(e.needed), "variance still to reach": gain}
    said = f"{e.needed} of {dim} directions of the codes give all that the decoder gives."
    if not _spare(e):
        return Finding("too many dimensions", "fine", measured, said)
    if gain >= GAIN[1]:
        return Finding("too many dimensions", "fine", measured, f"{said} The others could be used, and are not.")
    wanted = max(1, e.needed)
    advice = f"{wanted} will do; a space without idle dimensions is easier to walk in, and to fill."
    return Finding("too many dimensions", "note", measured, said, advice, {"latent": wanted})


def _spare(e: Evidence) -> bool:
    return e.space.dim >= 3 and not e.wide and e.needed <= SPARE * e.space.dim


def blurry_decoder(e: Evidence) -> Finding | str:
    """Could the decoder give more than it does? What its own codes foretell of what it leaves, or what PCA does better.

    A decoder that is as able as its code allows leaves nothing that can be told from the code: the mean of what remains of the
    nearest codes' rows (20 neighbours, other rows) explains none of it. And on the rows it learnt it does not lose to as many
    principal components. What the best linear VAE would leave as well counts for neither. Both in shares of the data's
    variance. Measured on MNIST: .01 and none for dense networks of 512 and 256 units after 60 epochs; .16 and none for a linear
    one; .08 to .10 and .25 to .29 for hidden layers of 8 units. Where codes are pressed, or training has not settled, that is
    the cause, not the decoder.
    Blurred, of images and signals: fine detail (waves of 4 pixels or less) keeps less than 15 % of its energy. Where the
    decoder is not at fault that is a note, with what the codes suffer from.
    """
    if not e.valued:
        return VALUES
    detail = _detail(e)
    fault = max(0.0, (_foretold(e) * e.error - e.shrinkage) / e.variance)
    behind = max(0.0, (e.error_learnt - e.linear_error - e.shrinkage) / e.variance)
    measured = {"foretold": fault, "behind PCA": behind} | ({} if detail is None else {"fine detail kept": detail})
    soft = "" if detail is None else f" Reconstructions keep {percent(min(1.0, detail))} of fine detail."
    said = (
        f"{percent(fault)} of the data's variance is foretold by the codes and not decoded, and {percent(behind)} is reached "
        f"by PCA with as many dimensions and not by the model.{soft}"
    )
    severity = graded(max(fault, behind), FAULT)
    if _unsettled(e):
        severity = "fine"
    if severity != "fine":
        network = _abler(e)
        advice = f"Use an abler network: {_named(network)}."
        return Finding("blurry decoder", severity, measured, said, advice, {"network": network})
    if detail is None or detail >= SOFT:
        return Finding("blurry decoder", "fine", measured, said)
    return Finding("blurry decoder", "note", measured, said, *_sharpened(e))


def _sharpened(e: Evidence) -> tuple[str, Mapping[str, Any]]:
    """What to change where pictures are blurred by no fault of the decoder: the gravest that the codes suffer from."""
    answers = [symptom(e) for symptom in (collapse, under_trained, over_regularised, too_few)]
    causes = [found for found in answers if isinstance(found, Finding) and found.change]
    if causes:
        found = min(causes, key=lambda one: ORDER.index(one.severity))
        return f"The cause is another ({found.name}). {found.advice}", found.change or {}
    if e.gaussian:
        beta = e.origin.beta / 2
        return f"The codes say no more at this price: lower beta to {beta:g}.", {"recipe__beta": beta}
    return f"Use {2 * e.space.dim} dimensions.", {"latent": 2 * e.space.dim}


def _unsettled(e: Evidence) -> bool:
    """Whether codes are pressed or training has not settled, so that what is left says nothing of the decoder."""
    pressed = e.gaussian and (e.price is None or e.price >= PRICE[0])
    return pressed or bool(e.origin.history and falling(e.origin.history) >= FALLING[0])


def _foretold(e: Evidence) -> float:
    """The share of the squared residuals of `judged` that the residuals of `learnt` rows with near codes foretell."""
    codes, (learnt, judged) = e.space.codes, e.residual
    near = KNeighborsRegressor(min(NEIGHBOURS, len(learnt) // 4)).fit(codes[e.learnt], learnt)
    return 1 - square(judged - near.predict(codes[e.judged])) / max(square(judged), 1e-300)


def _detail(e: Evidence) -> float | None:
    """The energy of fine detail in reconstructions over that in the examples; None where examples are no images or signals."""
    spec = e.space.spec
    if spec is None or not (spec.form.pictured or spec.kind == "signal"):
        return None
    channels, *sides = spec.event
    height, width = (*sides, 1)[:2]
    energies = []
    for part in (e.y[1], e.x[1]):
        first = spec.layout == "CHW"
        pictures = part.reshape(len(part), *((channels, height, width) if first else (height, width, channels)))
        energies.append(_fine(np.moveaxis(pictures, 1, -1) if first else pictures))
    return energies[0] / energies[1] if energies[1] > 0 else None


def _fine(pictures: Array) -> float:
    """The energy (m, H, W, C) has in frequencies of a quarter of a cycle a pixel or more."""
    power = np.square(np.abs(fft2(pictures, axes=(1, 2)))).sum(axis=(0, 3))
    radius = np.hypot(fftfreq(pictures.shape[1])[:, None], fftfreq(pictures.shape[2])[None])
    return float(power[radius >= FINE_DETAIL].sum())


def _abler(e: Evidence) -> Network:
    """The network to try instead: the usual one for one that was made narrower, convolutions for images, else a wider one."""
    network, spec = e.origin.network, e.space.spec
    if network.widths is not None and sum(network.widths) < 256:
        return Network(network.kind)
    if spec is not None and spec.form.pictured and network.kind in ("auto", "dense"):
        return Network("conv")
    return Network(network.kind, widths=(1024, 512))


def _named(network: Network) -> str:
    return network.kind + (" with its usual widths" if network.widths is None else f" with {network.widths} hidden units")
