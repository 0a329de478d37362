"""What a fit made, as a folder and back: safetensors and JSON. Loading runs no code from the folder."""

import os
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentwalk.chance import seeded
from latentwalk.data.columns import decoded
from latentwalk.data.scaling import Scaling
from latentwalk.data.spec import DataSpec
from latentwalk.errors import CheckpointError, ConfigError
from latentwalk.estimators.conditions import Labels
from latentwalk.estimators.options import flat_json, params_of
from latentwalk.estimators.trained import Trained
from latentwalk.latent.criteria.measure import Measure
from latentwalk.latent.samplers import FittedSampler, restored
from latentwalk.models.latent_model import LatentModel
from latentwalk.models.recipes import assemble, has_own
from latentwalk.models.size import weightless
from latentwalk.networks.denoiser import Denoiser, DenoiserShape
from latentwalk.saving.folder import DESCRIPTION, packed, read_weights, write_weights
from latentwalk.saving.options import TYPES, from_json, own_parts, to_json
from latentwalk.training import history

__all__ = ["check_keepable", "from_folder", "to_folder"]

SAMPLER, DENOISER = "sampler.", "denoiser."  # what the names of their arrays begin with, among the weights
PARTS = ("spec", "recipe", "network", "likelihood")


def to_folder(
    folder: str | os.PathLike[str], trained: Trained, params: Mapping[str, Any], beside: Mapping[str, Any] | None = None
) -> None:
    """Save to a folder, replacing a model saved there before. params: of the estimator. beside: see `write_weights`.

    Raises CheckpointError, ConfigError.
    """
    if changed := _difference(_untrained(trained), trained.model):
        raise ConfigError(
            f"{changed}, which was put in by hand: a folder could not say so, and the model could not be loaded again. Fit "
            "with it instead: Autoencoder(Recipe(…, prior=…, objective=…), network=(encoder, decoder))."
        )
    sampler, arrays = (None, {}) if trained.sampler is None else trained.sampler.parts()
    description = {
        "params": flat_json(params),
        "recipe": to_json(trained.recipe),
        "network": to_json(trained.network),
        "likelihood": to_json(trained.likelihood),
        "spec": to_json(trained.spec),
        "latent": trained.latent,
        "features": list(trained.features),
        "validation_rows": trained.validation_rows.tolist(),
        "history": history.epochs_to_json(trained.history),
        "interrupted": trained.interrupted,
        "labels": None if trained.labels is None else asdict(trained.labels),
        "sampler": sampler,
        "likeness": {kind: measure.to_json() for kind, measure in trained.likeness.items()},
        "denoiser": None if trained.denoiser is None else asdict(trained.denoiser.shape) | {"guided": trained.guided},
        "drawing": {"quick": trained.quick, "seconds": trained.sampler_seconds, "prior": trained.prior_share},
    }
    held = {SAMPLER + name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
    cleaning = {} if trained.denoiser is None else trained.denoiser.state_dict(prefix=DENOISER)
    write_weights(folder, description, trained.model.state_dict() | held | cleaning, beside=beside)


def check_keepable(trained: Trained) -> None:
    """Raise ConfigError where a model could be trained, but not be saved and loaded again."""
    for part in PARTS:
        if strange := _strange(getattr(trained, part)):
            raise ConfigError(
                f"{part}: {strange} is a subclass of an option of this library, and a saved model could not be loaded again. "
                "Give the option itself."
            )
    if not has_own(trained.recipe, trained.network):
        return
    try:
        packed(trained.model.state_dict())
    except Exception as error:  # anybody's modules
        raise ConfigError(
            f"the weights of these parts cannot be saved: {str(error).strip().partition(chr(10))[0]} Keep plain tensors in "
            "state_dict, each in one place."
        ) from error


def from_folder(folder: str | os.PathLike[str], parts: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], Trained]:
    """The estimator's params and what it had learnt, as `to_folder` saved them.

    parts: those of the maker's own, "network", "prior" and "objective", which no folder holds. Raises CheckpointError.
    """
    own = {name: part for name, part in (parts or {}).items() if part is not None}
    said, tensors = read_weights(folder)
    _check_parts(folder, said, own)
    weights = {name: tensor for name, tensor in tensors.items() if not name.startswith((SAMPLER, DENOISER))}
    arrays, cleaning = (
        {name.removeprefix(part): tensor for name, tensor in tensors.items() if name.startswith(part)}
        for part in (SAMPLER, DENOISER)
    )
    try:
        params = params_of(said["params"], own)
        made = {name: from_json(said[name], own) for name in PARTS}
        labels = _labels(said.get("labels"))
        model = _assembled(made, said["latent"], 0 if labels is None else len(labels.names), weights)
        _check_finite(weights, own)
        model.load_state_dict(weights)
        model.eval()
        _check_columns(made["spec"])
        trained = Trained(
            model,
            **made,
            features=_features(said["features"], made["spec"].size),
            epochs=int(params["epochs"]),
            learning_rate=params["learning_rate"],
            history=tuple(history.epochs_from_json(said["history"])),
            validation_rows=np.asarray(said["validation_rows"], dtype=np.int64),
            interrupted=bool(said["interrupted"]),
            sampler=_restored(said.get("sampler"), arrays, said["latent"]),
            labels=labels,
            likeness={
                str(kind): Measure.from_json(one) for kind, one in said.get("likeness", said.get("completeness", {})).items()
            },
            denoiser=_denoiser(said.get("denoiser"), cleaning, made["spec"]),
            guided=bool((said.get("denoiser") or {}).get("guided", False)),
            **_drawing(said.get("drawing", {})),
        )  # missing in a model of an earlier version, or, what is likeness, called completeness
    except Exception as error:  # options of a foreign file have any type, and the parts are made for those of ours
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error).partition("\n")[0]
        raise CheckpointError(f"{folder}/{DESCRIPTION} does not describe its weights: {reason}.") from error
    return params, trained


def _check_finite(weights: Mapping[str, Tensor], own: Mapping[str, Any]) -> None:
    """Raise ValueError where a weight is no number; parts of the maker's own may hold an infinity on purpose."""
    for name, weight in weights.items() if not own else ():
        if weight.is_floating_point() and not bool(weight.isfinite().all()):
            raise ValueError(f"the weights {name} hold NaN or infinity, of which nothing can be computed")


def _check_columns(spec: DataSpec) -> None:
    """Raise what making a row of such columns raises: their types are names in a file of anybody's."""
    if spec.named and find_spec("pandas"):
        decoded(np.zeros((1, len(spec.named))), spec.named)


def _features(names: Any, size: int) -> tuple[str, ...]:
    """Names of features, or none. Raises ValueError for other than so many."""
    if names and (len(names) != size or not all(isinstance(name, str) for name in names)):
        raise ValueError(f"expected {size} names of features, found {names!r:.80}")
    return tuple(names)


def _labels(said: Mapping[str, Any] | None) -> Labels | None:
    """The labels that a model is told, None for one that takes no condition. Raises ValueError, KeyError for anything else."""
    return None if said is None else Labels(tuple(said["names"]), tuple(float(share) for share in said["shares"]))


def _drawing(said: Mapping[str, Any]) -> dict[str, Any]:
    """How the sampler came about, and how the prior does, as `Trained` has it. Raises ValueError for anything else."""
    quick, seconds, prior = said.get("quick", False), said.get("seconds", 0.0), said.get("prior")
    numbers = [seconds, *([] if prior is None else [prior])]
    if not isinstance(quick, bool) or not all(type(one) in (int, float) and 0 <= one < np.inf for one in numbers):
        raise ValueError(f"expected how its sampler was fitted, found {said!r:.80}")
    return {"quick": quick, "sampler_seconds": float(seconds), "prior_share": None if prior is None else float(prior)}


def _restored(numbers: Mapping[str, Any] | None, tensors: Mapping[str, Tensor], latent: int) -> FittedSampler | None:
    """The sampler that was saved with the model, None where none was. Raises ValueError where it is not this model's."""
    if numbers is None:
        return None
    sampler = restored(numbers, {name: tensor.numpy() for name, tensor in tensors.items()})
    if sampler.dim != latent:
        raise ValueError(f"its sampler has {sampler.dim} dimensions, its codes {latent}")
    return sampler


def _denoiser(said: Mapping[str, Any] | None, weights: Mapping[str, Tensor], spec: DataSpec) -> Denoiser | None:
    """What takes noise away, None where the model has no such. Raises ValueError for what is not of this data, or no such."""
    if said is None:
        if weights:
            raise ValueError("it has weights of what takes noise away, and does not say of what size")
        return None
    shape = DenoiserShape(said["channels"], said["sides"], tuple(said["widths"]), said["missing"])
    if (shape.channels, shape.sides, shape.missing) != (spec.event[0], len(spec.event) - 1, spec.missing):
        raise ValueError(f"what takes noise away is not for data of shape {spec.shape}")
    _check_finite(weights, {})
    with weightless():
        _check_shapes(Denoiser(shape).state_dict(), weights)
    with seeded(0):
        made = Denoiser(shape)
    made.load_state_dict(weights)
    return made.eval()


def _check_shapes(claimed: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    """Raise ValueError where weights have other names or shapes than is claimed."""
    for name in sorted(claimed.keys() | weights.keys()):
        said, found = (tuple(some[name].shape) if name in some else "none" for some in (claimed, weights))
        if said != found:
            raise ValueError(f"expected {name} of shape {said}, found {found}")


def _assembled(parts: Mapping[str, Any], latent: int, classes: int, weights: Mapping[str, Tensor]) -> LatentModel:
    """The model these weights belong to. Raises ValueError where the description says another, before it is made.

    A foreign file may describe what no machine can hold, and what it would take for ever to build.
    """
    network = parts["network"]
    if len((network.widths or ()) + (network.channels or ())) + (network.blocks or 0) > len(weights):
        raise ValueError(f"it has more layers than its {len(weights)} weights")
    made = (parts["recipe"], parts["spec"], network, parts["likelihood"], latent, Scaling(parts["spec"]), classes)
    with weightless(own=has_own(parts["recipe"], network)):
        _check_shapes(assemble(*made).state_dict(), weights)  # shapes alone, without memory
    with seeded(0):  # the first weights are thrown away; who loads a model expects no draw from their generator
        return assemble(*made)


def _untrained(trained: Trained) -> LatentModel:
    """The model as its options say it is; without memory, where all parts are this library's own."""
    with weightless(own=has_own(trained.recipe, trained.network)):
        return assemble(
            trained.recipe,
            trained.spec,
            trained.network,
            trained.likelihood,
            trained.latent,
            Scaling(trained.spec),
            0 if trained.labels is None else len(trained.labels.names),
        )


def _difference(claimed: LatentModel, model: LatentModel) -> str | None:
    """Where a model is not what its options say; None where it is."""
    said, found = (dict(one.named_modules()) for one in (claimed, model))
    for name in [name for name in found if name] + [name for name in said if name not in found]:
        kinds = [type(one[name]).__name__ if name in one else "nothing" for one in (said, found)]
        if type(said.get(name)) is not type(found.get(name)):
            return f"model_.{name} is {kinds[1]} in place of {kinds[0]}"
    shapes = [{name: tuple(value.shape) for name, value in one.state_dict().items()} for one in (claimed, model)]
    name = next((name for name in shapes[0].keys() | shapes[1].keys() if shapes[0].get(name) != shapes[1].get(name)), None)
    return None if name is None else f"model_.{name} has the shape {shapes[1].get(name)} in place of {shapes[0].get(name)}"


def _strange(value: Any) -> str | None:
    """The name of the first type among options that is none of this library's; None where all are."""
    if not is_dataclass(value):
        return None
    if TYPES.get(type(value).__name__) is not type(value):
        return type(value).__name__
    return next((found for one in fields(value) if (found := _strange(getattr(value, one.name)))), None)


def _check_parts(folder: str | os.PathLike[str], said: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raise CheckpointError where parts of the maker's own are missing, ConfigError where there are none of that name."""
    needed = own_parts({name: said.get(name) for name in ("params", *PARTS)})
    if missing := [f"{part} ({name})" for part, name in needed.items() if part not in given]:
        words = ", ".join(f"{part}={'(encoder, decoder)' if part == 'network' else '…'}" for part in needed)
        raise CheckpointError(
            f"the model in {folder} has parts of its maker's own, and a folder holds no code: {', '.join(missing)}. Give the "
            f"same again: Autoencoder.load(folder, {words})."
        )
    if surplus := [part for part in given if part not in needed]:
        raise ConfigError(f"the model in {folder} has no {surplus[0]} of its maker's own. Leave {surplus[0]}= out.")
