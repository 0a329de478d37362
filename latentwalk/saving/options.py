"""Options as JSON and back: numbers, strings, lists, and the frozen dataclasses that options are made of.

A part of a researcher's own (the bodies of a network, a prior, an objective) is written as its name alone,
{"type": "own", "name": "module.Class"}, and never made from a file: who reads the options gives the part again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import numpy as np
from torch import nn

from latentwalk.checks import unboxed
from latentwalk.data.columns import Column
from latentwalk.data.corruption import Corruption
from latentwalk.data.counts import Totals
from latentwalk.data.gaps import MissingPatterns
from latentwalk.data.limits import Limit
from latentwalk.data.music import Notation
from latentwalk.data.powers import Power
from latentwalk.data.spec import DataSpec
from latentwalk.data.units import Vocabulary
from latentwalk.errors import CheckpointError
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.recipes import Recipe
from latentwalk.models.schedule import Schedule
from latentwalk.models.sparsity import Sparsity
from latentwalk.networks.build import Network, network_named

__all__ = ["from_json", "is_same", "own_parts", "params_from_json", "params_to_json", "to_json"]

TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Column,
        Corruption,
        DataSpec,
        Likelihood,
        Limit,
        MissingPatterns,
        Network,
        Power,
        Recipe,
        Schedule,
        Notation,
        Sparsity,
        Vocabulary,
        Totals,
    )
}
LATER: dict[str, dict[str, Any]] = {
    "Network": {"start": "plain", "upsampling": "transposed", "positions": False},
}  # what an option was before it could be given
OWN = "own"
PARTS = {"network": "network", "bodies": "network", "prior": "prior", "objective": "objective"}  # by the name of a field


def to_json(value: Any) -> Any:
    """Plain JSON values for an option. A part of one's own becomes its name; what has no JSON form else, None."""
    if is_dataclass(value) and type(value).__name__ in TYPES:
        return {"type": type(value).__name__} | {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if _is_own(value):
        return {"type": OWN, "name": ", ".join(map(_name, value if isinstance(value, Sequence) else [value]))}
    if isinstance(value, (list, tuple, range)):
        return [to_json(item) for item in value]
    if hasattr(value, "tolist"):  # an array, a column of a frame, a number of NumPy's
        return to_json(value.tolist())
    value = unboxed(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else None


def from_json(value: Any, parts: Mapping[str, Any] | None = None, name: str = "") -> Any:
    """The option that `to_json` wrote; lists come back as tuples. Only the types of this library are ever made.

    parts: a researcher's own "network", "prior" and "objective", where one is needed. name: of this option.
    Raises CheckpointError, also for a part that is needed and not given.
    """
    if not isinstance(value, Mapping):
        return tuple(from_json(item, parts) for item in value) if isinstance(value, list) else value
    if value.get("type") == OWN:
        return _given(value, parts or {}, name)
    kind = TYPES.get(str(value.get("type")))
    if kind is None:
        raise CheckpointError(f"an option of type {value.get('type')!r} is not known here. Expected one of {', '.join(TYPES)}.")
    values = LATER.get(kind.__name__, {}) | {name: item for name, item in value.items() if name != "type"}
    return kind(**{field: from_json(item, parts, field) for field, item in values.items()})


def own_parts(value: Any, name: str = "") -> dict[str, str]:
    """Which parts of options as JSON were a researcher's own: "network", "prior", "objective", and what each was called."""
    if isinstance(value, Mapping):
        if value.get("type") == OWN:
            return {PARTS.get(name, name): str(value.get("name"))}
        return {part: said for field, item in value.items() for part, said in own_parts(item, field).items()}
    if isinstance(value, list):
        return {part: said for item in value for part, said in own_parts(item).items()}
    return {}


def is_same(before: Any, now: Any) -> bool:
    """Whether two options as JSON are the same; a field that one of them does not know has its default there.

    One that there once was not (`LATER`) is the same as any: who could not say it did not mean another.
    """
    if isinstance(before, list) and isinstance(now, list):
        return len(before) == len(now) and all(map(is_same, before, now))
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return bool(before == now)
    defaults = _defaults(TYPES.get(str(now.get("type"))))
    unsaid = {name for name in LATER.get(str(now.get("type")), {}) if name not in before or name not in now}
    sides = [{name: one for name, one in (defaults | dict(side)).items() if name not in unsaid} for side in (before, now)]
    return sides[0].keys() == sides[1].keys() and all(is_same(sides[0][field], sides[1][field]) for field in sides[0])


def params_to_json(params: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an estimator, by name, as plain JSON values."""
    return {name: to_json(value) for name, value in params.items()}


def params_from_json(params: Mapping[str, Any], parts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The options that `params_to_json` wrote; parts as for `from_json`. Raises CheckpointError."""
    return {name: from_json(value, parts, name) for name, value in params.items()}


# ---------------------------------------------------------------------- inside


def _is_own(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(item, nn.Module) for item in value)
    return isinstance(value, nn.Module) or (callable(value) and not isinstance(value, np.generic))


def _name(part: Any) -> str:
    """Where a part of one's own is found: "module.Class", "module.function"."""
    while hasattr(part, "func"):  # functools.partial
        part = part.func
    named: Callable[..., Any] = part if hasattr(part, "__qualname__") else type(part)
    return f"{named.__module__}.{named.__qualname__}"


def _given(value: Mapping[str, Any], parts: Mapping[str, Any], name: str) -> Any:
    """The part of one's own that stands for a name. Raises CheckpointError where it was not given."""
    part = PARTS.get(name, name)
    if parts.get(part) is None:
        raise CheckpointError(
            f"it has a {part} of its maker's own, {value.get('name')}, which is no part of a saved model. Give the same again: "
            f"load(folder, {part}=…)."
        )
    return network_named(parts[part]).bodies if name == "bodies" else parts[part]


def _defaults(kind: type | None) -> dict[str, Any]:
    """What the fields of a type of options have as a default, as JSON."""
    return {} if kind is None else {f.name: to_json(f.default) for f in fields(kind) if f.default is not MISSING}
