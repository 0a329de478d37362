"""Options that go together, such as how data is read: a command has one parameter for all of them."""

import functools
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from latentwalk.app.options import (
    BarsOption,
    BeamWidth,
    ChannelsOption,
    ColorOption,
    ColumnOption,
    ColumnsOption,
    DecodingOption,
    DropOption,
    GridOption,
    HopOption,
    KindOption,
    Label,
    LengthOption,
    MovedOption,
    RateOption,
    SeparatorOption,
    SizeOption,
    TopP,
    TypesOption,
    UnitsOption,
    UnitTemperature,
    VoicesOption,
    WindowOption,
)

__all__ = ["AS_FOUND", "READING", "DecodingOptions", "ReadingOptions", "bundled"]

ReadingOptions = Mapping[str, Any]  # options of how data is read, by name: what was typed, None where nothing was
DecodingOptions = Mapping[str, Any]  # of how units are chosen, likewise
AS_FOUND: Mapping[str, Any] = MappingProxyType({})  # nothing was
READING = {
    "size": SizeOption,
    "color": ColorOption,
    "label": Label,
    "kind": KindOption,
    "drop": DropOption,
    "columns": ColumnsOption,
    "types": TypesOption,
    "separator": SeparatorOption,
    "column": ColumnOption,
    "units": UnitsOption,
    "length": LengthOption,
    "rate": RateOption,
    "window": WindowOption,
    "hop": HopOption,
    "channels": ChannelsOption,
    "grid": GridOption,
    "voices": VoicesOption,
    "bars": BarsOption,
    "moved": MovedOption,
}
DECODING = {
    "decoding": DecodingOption,
    "unit_temperature": UnitTemperature,
    "top_p": TopP,
    "beam_width": BeamWidth,
}
BUNDLES = {"reading": READING, "decoding": DECODING}


def bundled(command: Callable[..., None]) -> Callable[..., None]:
    """A command with all options of a bundle in place of the parameter of the bundle's name, whose value they are."""
    signature = inspect.signature(command)
    own = {name: bundle for name, bundle in BUNDLES.items() if name in signature.parameters}

    @functools.wraps(command)
    def with_options(*args: Any, **options: Any) -> None:
        told = {name: {one: options.pop(one) for one in bundle} for name, bundle in own.items()}
        command(*args, **options, **told)

    parameters = []
    for name, parameter in signature.parameters.items():
        some = own.get(name, {})
        parameters += [inspect.Parameter(one, parameter.kind, default=None, annotation=what) for one, what in some.items()]
        parameters += [] if some else [parameter]
    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": None}
    return with_options
