"""What a fit made, as a folder and back: safetensors and JSON. Loading runs no code from the folder."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentwalk.chance import seeded
from latentwalk.data.scaling import Scaling
from latentwalk.errors import CheckpointError
from latentwalk.estimators.conditions import Labels
from latentwalk.estimators.options import params_from_json, params_to_json
from latentwalk.estimators.trained import Trained
from latentwalk.latent.criteria.measure import Measure
from latentwalk.latent.samplers import FittedSampler, restored
from latentwalk.models.latent_model import LatentModel
from latentwalk.models.recipes import assemble
from latentwalk.saving import folder as disk
from latentwalk.saving import options as codec
from latentwalk.training import history

__all__ = ["read", "write"]

SAMPLER = "sampler."  # what the names of a sampler's arrays begin with, among the weights
PARTS = ("spec", "recipe", "network", "likelihood")


def write(folder: str | os.PathLike[str], trained: Trained, params: Mapping[str, Any]) -> None:
    """Save to a folder, replacing a model saved there before. params: of the estimator. Raises CheckpointError."""
    sampler, arrays = (None, {}) if trained.sampler is None else trained.sampler.parts()
    description = {
        "params": params_to_json(params),
        "recipe": codec.to_json(trained.recipe),
        "network": codec.to_json(trained.network),
        "likelihood": codec.to_json(trained.likelihood),
        "spec": codec.to_json(trained.spec),
        "latent": trained.latent,
        "features": list(trained.features),
        "validation_rows": trained.validation_rows.tolist(),
        "history": history.to_json(trained.history),
        "interrupted": trained.interrupted,
        "labels": None if trained.labels is None else asdict(trained.labels),
        "sampler": sampler,
        "completeness": {kind: measure.to_json() for kind, measure in trained.completeness.items()},
    }
    held = {SAMPLER + name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
    disk.write(folder, description, trained.model.state_dict() | held)


def read(folder: str | os.PathLike[str]) -> tuple[dict[str, Any], Trained]:
    """The estimator's params and what it had learnt, as `write` saved them. Raises CheckpointError."""
    said, tensors = disk.read(folder)
    weights = {name: tensor for name, tensor in tensors.items() if not name.startswith(SAMPLER)}
    arrays = {name.removeprefix(SAMPLER): tensor for name, tensor in tensors.items() if name.startswith(SAMPLER)}
    try:
        params = params_from_json(said["params"])
        parts = {name: codec.from_json(said[name]) for name in PARTS}
        labels = _labels(said.get("labels"))
        model = _assembled(parts, said["latent"], 0 if labels is None else len(labels.names), weights)
        model.load_state_dict(weights)
        model.eval()
        trained = Trained(
            model,
            **parts,
            features=_features(said["features"], parts["spec"].size),
            epochs=int(params["epochs"]),
            learning_rate=params["learning_rate"],
            history=tuple(history.from_json(said["history"])),
            validation_rows=np.asarray(said["validation_rows"], dtype=np.int64),
            interrupted=bool(said["interrupted"]),
            sampler=_restored(said.get("sampler"), arrays, said["latent"]),
            labels=labels,
            completeness={str(kind): Measure.from_json(one) for kind, one in said.get("completeness", {}).items()},
        )  # labels, sampler and completeness are missing in a model of an earlier version
    except Exception as error:  # options of a foreign file have any type, and the parts are made for those of ours
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error).partition("\n")[0]
        raise CheckpointError(f"{folder}/{disk.DESCRIPTION} does not describe its weights: {reason}.") from error
    return params, trained


def _features(names: Any, size: int) -> tuple[str, ...]:
    """Names of features, or none. Raises ValueError for other than so many."""
    if names and (len(names) != size or not all(isinstance(name, str) for name in names)):
        raise ValueError(f"expected {size} names of features, found {names!r:.80}")
    return tuple(names)


def _labels(said: Mapping[str, Any] | None) -> Labels | None:
    """The labels that a model is told, None for one that takes no condition. Raises ValueError, KeyError for anything else."""
    return None if said is None else Labels(tuple(said["names"]), tuple(float(share) for share in said["shares"]))


def _restored(numbers: Mapping[str, Any] | None, tensors: Mapping[str, Tensor], latent: int) -> FittedSampler | None:
    """The sampler that was saved with the model, None where none was. Raises ValueError where it is not this model's."""
    if numbers is None:
        return None
    sampler = restored(numbers, {name: tensor.numpy() for name, tensor in tensors.items()})
    if sampler.dim != latent:
        raise ValueError(f"its sampler has {sampler.dim} dimensions, its codes {latent}")
    return sampler


def _assembled(parts: Mapping[str, Any], latent: int, classes: int, weights: Mapping[str, Tensor]) -> LatentModel:
    """The model these weights belong to. Raises ValueError where the description says another, before it is made.

    A foreign file may describe what no machine can hold, and what it would take for ever to build.
    """
    network, spec = parts["network"], parts["spec"]
    made = (parts["recipe"], spec, network, parts["likelihood"], latent)
    if len((network.widths or ()) + (network.channels or ())) + (network.blocks or 0) > len(weights):
        raise ValueError(f"it has more layers than its {len(weights)} weights")
    with torch.device("meta"):  # shapes alone, without memory
        claimed = assemble(*made, Scaling(spec), classes).state_dict()
    for name in sorted(claimed.keys() | weights.keys()):
        said, found = (tuple(some[name].shape) if name in some else "none" for some in (claimed, weights))
        if said != found:
            raise ValueError(f"expected {name} of shape {said}, found {found}")
    with seeded(0):  # the first weights are thrown away; who loads a model expects no draw from their generator
        return assemble(*made, Scaling(spec), classes)
