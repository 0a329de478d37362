"""Did it learn? Codes that say nothing, training that ended too early, codes pressed too hard, rows learnt by heart."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from latentwalk.latent.criteria.measure import percent
from latentwalk.latent.diagnosis.evidence import Evidence, beyond_chance
from latentwalk.latent.diagnosis.finding import Finding, Severity
from latentwalk.models.likelihood import likelihood_named
from latentwalk.models.prior import NormalSampler
from latentwalk.models.schedule import Schedule
from latentwalk.networks.build import Network
from latentwalk.training.history import Epoch

__all__ = ["collapse", "falling", "graded", "over_regularised", "overfitting", "under_trained"]

STRUCTURE = 0.02  # of the data's variance that D principal components reach beyond chance: below it there is nothing to encode
LOST = 0.10  # of the variance that dimensions out of use could still take off the error: below it they are not missed
FALLING = (0.05, 0.10)  # of the whole fall of the loss made in the last quarter of training: a note, a problem
SETTLED = 0.03  # the same where longer training brings next to nothing
PRICE = (1.5, 3.0)  # nats of likelihood for a nat of code; 1 at the bound itself
BLIND = 0.4  # of the units of a text that a decoder which ignores its code is not shown
HEART = (1.6, 2.2)  # error of held-out rows over that of trained ones
LONGEST = 40  # times the epochs there were, at most, are asked for


def graded(value: float, limits: tuple[float, float]) -> Severity:
    """How grave a number is that is better the smaller it is; below the first limit it is fine."""
    return "problem" if value >= limits[1] else "note" if value >= limits[0] else "fine"


def collapse(e: Evidence) -> Finding:
    """Do the codes depend on the data? Active units (Burda et al. 2016), read beside what there is to say.

    All dimensions out of use is right for data without structure: where principal components reach no more of held-out rows
    than of the same values dealt out at random. Some out of use is right where they would not pay for their KL: they are missed
    only where further linear dimensions would take a tenth of the variance off the error, and the others are not pressed.
    """
    active, dim = int(e.units.active.sum()) if e.gaussian else int((e.units.variance > 1e-10).sum()), e.space.dim
    if not e.valued:
        return _silent(e, active)
    lost = float(e.left[min(max(dim - active, 1), len(e.left)) - 1])
    measured = {"active dimensions": float(active), "dimensions": float(dim), "variance still to reach": lost}
    if active == 0:
        structure = beyond_chance(*e.x, e.seed)
        if structure[min(dim, len(structure)) - 1] < STRUCTURE:
            said = f"None of the {dim} dimensions depends on the data, and {_linear(dim)} could say nothing of it either."
            return Finding("collapse", "note", measured, said, "Look at the data: its values do not go together.")
        said = f"None of the {dim} dimensions depends on the data, so the decoder gives the same for every code."
        return Finding("collapse", "problem", measured, said, *_revived(e))
    pressed = e.price is not None and e.price >= PRICE[0]
    if active < dim and lost >= LOST and not pressed and not _unsettled(e):
        said = (
            f"{dim - active} of {dim} dimensions do not depend on the data, while as many could reach {percent(lost)} more of "
            "its variance."
        )
        return Finding("collapse", "problem", measured, said, *_revived(e))
    used = f"All {dim} dimensions depend" if active == dim else f"{active} of {dim} dimensions depend"
    return Finding("collapse", "fine", measured, f"{used} on the data.")


def _silent(e: Evidence, active: int) -> Finding:
    """The same of what has no values, where no yardstick says what there would be to say: only codes that are all silent."""
    dim = e.space.dim
    measured = {"active dimensions": float(active), "dimensions": float(dim)}
    if active:
        used = f"All {dim} dimensions depend" if active == dim else f"{active} of {dim} dimensions depend"
        return Finding("collapse", "fine", measured, f"{used} on the data.")
    said = f"None of the {dim} dimensions depends on the data: the decoder goes by what it has written, whatever the code."
    if not e.gaussian or e.origin.recipe.objective != "elbo" or e.origin.network.word_dropout:
        return Finding("collapse", "problem", measured, said, *_revived(e))
    network = replace(e.origin.network, word_dropout=BLIND)
    advice = f"Hide {percent(BLIND)} of the units from the decoder while it learns, so that it has to ask the code."
    return Finding("collapse", "problem", measured, said, advice, {"network": network})


def under_trained(e: Evidence) -> Finding | str:
    """Was the loss still falling? The share of its whole fall, of the best so far, made in the last quarter of the epochs.

    A fall that goes as 1 / epochs, as measured for VAEs on MNIST (.30, .14, .06, .02 at 5, 10, 20, 60 epochs), has this share
    times the epochs constant: so it also says how many epochs are enough. Without a history: an error above that of as many
    principal components, where codes are not pressed.
    """
    history = e.origin.history
    measured = {"error": e.error} | ({"error of PCA": e.linear_error} if e.valued else {})
    if not history and not e.valued:
        return "how the loss fell is not known"
    if not history:
        able = e.linear_error + e.shrinkage
        ratio = e.error / able if able > 0 else 1.0
        pressed = e.price is None or e.price >= PRICE[0] if e.gaussian else False
        severity: Severity = "fine" if pressed else graded(ratio, (1.1, 1.3))
        said = f"The error of other rows is {ratio:.2f} times that of PCA with as many dimensions."
        if severity == "fine":
            return Finding("under-trained", "fine", measured, said)
        return Finding("under-trained", severity, measured, said, "Train longer.", {"epochs": 2 * e.origin.epochs})
    share, done = falling(history), len(history)
    measured = {"falling": share, "epochs": float(done), **measured}
    severity = graded(share, FALLING)
    last = "epoch" if done < 8 else f"{done // 4} epochs"
    said = f"{percent(share)} of the whole fall of the loss came in the last {last} of {done}."
    if severity == "fine":
        return Finding("under-trained", severity, measured, said)
    return Finding("under-trained", severity, measured, said, *_longer(e))


def falling(history: Sequence[Epoch]) -> float:
    """The share of the fall of the best loss, from the first epoch to the last, made in the last quarter of the epochs."""
    losses = [epoch.loss if epoch.validation_loss is None else epoch.validation_loss for epoch in history]
    best = np.minimum.accumulate(losses)
    if len(best) < 2 or not best[0] > best[-1]:
        return 1.0 if len(best) < 2 else 0.0
    return float((best[-1 - max(1, len(best) // 4)] - best[-1]) / (best[0] - best[-1]))


def over_regularised(e: Evidence) -> Finding | str:
    """Are the codes pressed so hard that they say too little? What a nat in the codes would bring; see `Evidence.price`.

    Measured on MNIST: .9 to 1.1 at beta = 1, whatever the number of dimensions; 2.0, 4.2, 8.6 at beta = 2, 4, 8; 7.9 for a
    Gaussian with sigma = 1 on values from 0 to 1. Before training has settled the number means little.
    """
    if not e.gaussian:
        return "its codes are points"
    if not e.valued:
        return "what a nat in the codes costs is read off values"
    if not isinstance(e.space.prior, NormalSampler):
        return "what a nat in the codes costs can be read off under the prior N(0, I) only"
    if e.origin.recipe.objective == "importance_weighted":
        return "an importance-weighted bound does not settle how wide its posteriors are"
    if e.price is None:
        return "no code says anything: see collapse"
    if _unsettled(e):
        return "training has not settled: see under-trained"
    measured = {"price of a nat": e.price, "error": e.error, "error of PCA": e.linear_error}
    severity = graded(e.price, PRICE)
    said = f"One more nat in the codes would bring {e.price:.1f} nats of likelihood; at the bound itself it is 1."
    if severity == "fine":
        return Finding("over-regularised", severity, measured, said)
    return Finding("over-regularised", severity, measured, said, *_eased(e, e.price))


def overfitting(e: Evidence) -> Finding | str:
    """Are rows learnt by heart? The error of held-out rows over that of trained ones.

    The changes are those that lowered the error of other rows on 600 digits of MNIST, 16 dimensions, 120 epochs: of a plain
    AE's .0313, a VAE makes .0294 and dropout of .3 .0301; of a VAE's .0294, convolutions make .0284. Noise on the input and
    fewer dimensions brought the two errors together, but both up.
    """
    if not e.held:
        return "which rows were held out while learning is not known"
    ratio = e.error / e.error_learnt if e.error_learnt > 0 else 1.0
    measured = {"error, held out": e.error, "error, learnt": e.error_learnt, "ratio": ratio}
    severity = graded(ratio, HEART)
    said = f"The error of held-out rows is {ratio:.2f} times that of the rows it learnt from."
    if severity == "fine":
        return Finding("overfitting", severity, measured, said)
    advice, change = _generalised(e)
    return Finding("overfitting", severity, measured, said, f"{advice} More rows would be better still.", change)


def _unsettled(e: Evidence) -> bool:
    """Whether the loss was still falling, so that what is seen may be gone later."""
    return bool(e.origin.history) and falling(e.origin.history) >= FALLING[1]


# ---------------------------------------------------------------------- changes


def _longer(e: Evidence) -> tuple[str, Mapping[str, Any]]:
    """As many epochs as make the share of the fall in their last quarter small."""
    share, done = falling(e.origin.history), len(e.origin.history)
    epochs = min(LONGEST * done, max(2 * done, math.ceil(done * share / SETTLED)))
    return f"Train for {epochs} epochs.", {"epochs": epochs}


def _revived(e: Evidence) -> tuple[str, Mapping[str, Any]]:
    """What brings dead dimensions to life."""
    origin = e.origin
    if not e.gaussian:
        rate = origin.learning_rate / 10
        return f"Learn at a rate of {rate:g}.", {"learning_rate": rate}
    if _foreign_likelihood(e):
        return _other_likelihood(e)
    if origin.recipe.objective != "elbo":
        return 'Train a plain VAE first, recipe="vae".', {"recipe": "vae"}
    if origin.beta > 1:
        return f"Lower beta from {origin.beta:g} to 1.", {"recipe__beta": 1.0}
    if _unsettled(e):
        return _longer(e)
    if origin.recipe.schedule().rise == 0:
        rise = max(1.0, float(origin.epochs // 4))
        return f"Let beta rise from 0 over {rise:g} epochs.", {"recipe__beta": Schedule(origin.beta, rise)}
    return "Let each dimension have a quarter of a nat for free.", {"recipe__free_nats": 0.25}


def _generalised(e: Evidence) -> tuple[str, Mapping[str, Any]]:
    """What makes other rows known better."""
    spec, network = e.space.spec, e.origin.network
    if not e.gaussian:
        return 'Let codes be distributions: recipe="vae".', {"recipe": "vae"}
    if spec is not None and spec.form.pictured and network.kind in ("auto", "dense"):
        return "Use convolutions, which know that neighbours go together.", {"network": Network("conv")}
    return "Silence hidden units while learning.", {"network": replace(network, dropout=0.3)}


def _eased(e: Evidence, price: float) -> tuple[str, Mapping[str, Any]]:
    """What brings the price of a nat to 1."""
    origin = e.origin
    if _foreign_likelihood(e) and price > 2 * origin.beta:
        return _other_likelihood(e)
    beta = _rounded(origin.beta / price)
    schedule = origin.recipe.schedule()
    change = replace(schedule, value=beta) if schedule.rise else beta
    return f"Lower beta from {origin.beta:g} to {beta:g}.", {"recipe__beta": change}


def _foreign_likelihood(e: Evidence) -> bool:
    """Whether the likelihood is not the one that suits the data: another kind, or a sigma that was not learnt."""
    used, spec = e.origin.likelihood, e.space.spec
    if used is None or spec is None or spec.columns:
        return False
    return used.kind != likelihood_named("auto", spec).kind or not isinstance(used.sigma, str)


def _other_likelihood(e: Evidence) -> tuple[str, Mapping[str, Any]]:
    assert e.space.spec is not None and e.origin.likelihood is not None
    suits = likelihood_named("auto", e.space.spec)
    how = " with a learnt sigma" if suits.kind == "gaussian" else ""
    return f"Use the likelihood that suits these values: {suits.kind}{how}.", {"likelihood": suits.kind}


def _rounded(beta: float) -> float:
    """Two digits; 1 where it is nearly that."""
    return 1.0 if 0.75 <= beta <= 1.33 else float(f"{beta:.2g}")


def _linear(count: int) -> str:
    return "1 linear dimension" if count == 1 else f"{count} linear dimensions"
