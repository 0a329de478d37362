"""Make the change that a diagnosis asks for, and look again: is what was wrong gone, and at what price?"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from latentwalk.data.dataset import Dataset
from latentwalk.errors import ConfigError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.completion import BEST
from latentwalk.latent.diagnosis import Diagnosis, Recheck
from latentwalk.latent.space import LatentSpace
from latentwalk.studies.methods import trained

__all__ = ["Improvement", "improve", "variant"]

Look = Callable[[Autoencoder], LatentSpace]


@dataclass(frozen=True, slots=True)
class Improvement:
    """A model with one change made, what the change was, and what was found before and after it."""

    model: Autoencoder
    change: Mapping[str, Any]
    recheck: Recheck

    def __str__(self) -> str:
        return str(self.recheck)


def improve(
    model: Autoencoder, train: Dataset, *, diagnosis: Diagnosis | None = None, look: Look | None = None, seed: int = 0
) -> Improvement:
    """The first change that the model's diagnosis asks for, made on a copy; `model` itself stays as it is.

    train: the rows it learnt from. diagnosis: where there is one already. look: the space in which a model is judged; unless
    given, that of `train`, of which the validation rows are known to be held out. seed: of the diagnoses.
    Raises ConfigError where nothing is wrong, or no option would help; KeyboardInterrupt where training is stopped.
    """
    look = look or (lambda one: _validated(one, train))
    before = look(model).diagnose(seed=seed) if diagnosis is None else diagnosis
    first = before.first
    if first is None:
        raise ConfigError("nothing is wrong with this model, so there is nothing to change.")
    if not first.change:
        raise ConfigError(f"no option of the model helps against {first.name}. {first.advice}")
    after = variant(model, first.change, train)
    return Improvement(after, first.change, before.compare(look(after).diagnose(seed=seed)))


def variant(model: Autoencoder, change: Mapping[str, Any], train: Dataset) -> Autoencoder:
    """The same model with some options changed and trained anew; where only a sampler is asked for, fitted to it as it is."""
    if set(change) == {"complete"}:
        kind = change["complete"]
        return deepcopy(model).set_params(**change).fit_sampler(train, BEST if kind is True else kind)
    return trained(clone(model).set_params(**change), train)


def _validated(model: Autoencoder, train: Dataset) -> LatentSpace:
    held_out = np.isin(np.arange(len(train)), model.validation_rows_)
    return model.space(train, held_out=held_out if held_out.any() else None)
