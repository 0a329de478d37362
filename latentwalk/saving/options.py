"""Options as JSON and back: numbers, strings, lists, and the frozen dataclasses that options are made of."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from latentwalk.data.columns import Column
from latentwalk.data.corruption import Corruption
from latentwalk.data.spec import DataSpec
from latentwalk.errors import CheckpointError
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.recipes import Recipe
from latentwalk.models.schedule import Schedule
from latentwalk.models.sparsity import Sparsity
from latentwalk.networks.build import Network

__all__ = ["from_json", "params_from_json", "params_to_json", "to_json"]

TYPES: dict[str, type] = {
    kind.__name__: kind for kind in (Column, Corruption, DataSpec, Likelihood, Network, Recipe, Schedule, Sparsity)
}


def to_json(value: Any) -> Any:
    """Plain JSON values for an option. What has no JSON form (a generator, say) becomes None."""
    if is_dataclass(value) and type(value).__name__ in TYPES:
        return {"type": type(value).__name__} | {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value if value is None or isinstance(value, (bool, int, float, str)) else None


def from_json(value: Any) -> Any:
    """The option that `to_json` wrote; lists come back as tuples. Only the types of this library are ever made.

    Raises CheckpointError.
    """
    if isinstance(value, Mapping):
        kind = TYPES.get(str(value.get("type")))
        if kind is None:
            raise CheckpointError(
                f"an option of type {value.get('type')!r} is not known here. Expected one of {', '.join(TYPES)}."
            )
        return kind(**{name: from_json(item) for name, item in value.items() if name != "type"})
    return tuple(from_json(item) for item in value) if isinstance(value, list) else value


def params_to_json(params: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an estimator, by name, as plain JSON values."""
    return {name: to_json(value) for name, value in params.items()}


def params_from_json(params: Mapping[str, Any]) -> dict[str, Any]:
    """The options that `params_to_json` wrote. Raises CheckpointError."""
    return {name: from_json(value) for name, value in params.items()}
