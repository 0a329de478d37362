"""Options as JSON and back: numbers, strings, lists, and the frozen dataclasses that options are made of."""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
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

__all__ = ["completed", "from_json", "to_json"]

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


def completed(value: Any) -> Any:
    """A JSON option with all that one has today: what an earlier version did not write is as it is by default."""
    if isinstance(value, Mapping) and str(value.get("type")) in TYPES:
        kind = TYPES[str(value["type"])]
        usual = {f.name: to_json(f.default) for f in fields(kind) if f.default is not MISSING}
        return {name: completed(item) for name, item in (usual | dict(value)).items()}
    return [completed(item) for item in value] if isinstance(value, list) else value
