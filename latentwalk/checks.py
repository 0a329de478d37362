"""Numbers, names and lists that are given: the one sentence, a ConfigError, for what cannot be meant; how a number is shown.

Whatever type a number has (NumPy's from a grid, a fraction), options hold Python's own: these are equal to what a file holds.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from numbers import Integral, Real
from typing import Any

import numpy as np

from latentwalk.errors import ConfigError, unknown

__all__ = [
    "COUNTED",
    "MADE",
    "digits_of",
    "duration",
    "flag",
    "one_of",
    "own_numbers",
    "positive",
    "several",
    "share",
    "unboxed",
    "whole",
]

COUNTED = 10**9  # passes, rows of a batch, weights of a term: more is a slip of the hand
MADE = 10**6  # dimensions, units, draws: more fit into no memory


def own_numbers(options: Any) -> None:
    """Have the fields of a frozen dataclass hold Python's own numbers, where they hold others; for `__post_init__`."""
    for one in fields(options):
        value = getattr(options, one.name)
        own = unboxed(value)
        if own is not value:
            object.__setattr__(options, one.name, own)


def unboxed(value: Any) -> Any:
    """A number as Python's own int, float or bool, also within a tuple or a list; all else as it is.

    >>> unboxed((np.int64(3), "a", np.float64(0.5)))
    (3, 'a', 0.5)
    """
    if isinstance(value, (bool, int, float, str)) and not isinstance(value, np.generic):
        return value
    if isinstance(value, (np.bool_, np.str_)):
        return value.item()
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return tuple(value.tolist())
    if type(value) in (tuple, list):
        own = [unboxed(one) for one in value]
        return type(value)(own) if any(one is not other for one, other in zip(own, value, strict=True)) else value
    return value


def whole(name: str, value: object, of: str = "", *, least: int = 0, most: int | None = None, none: str = "") -> None:
    """Expect a whole number from `least` to `most`.

    of: what is counted, if that needs saying. none: what None stands for, where it may be given instead.

    >>> whole("epochs", 0.5, "passes over the data", least=1)
    Traceback (most recent call last):
    latentwalk.errors.ConfigError: epochs=0.5: expected a whole number of passes over the data, at least 1.
    """
    if none and value is None:
        return
    if isinstance(value, (bool, np.bool_)) or not (
        isinstance(value, Integral) and least <= int(value) <= (math.inf if most is None else most)
    ):
        kind = f"a whole number of {of}" if of else "a whole number"
        span = f"from {least} to {most}" if most is not None else f"at least {least}" if least else "0 or more"
        raise ConfigError(f"{name}={value!r}: expected {kind}, {span}{_or(none)}.")


def positive(name: str, value: object, *, zero: bool = False, most: float | None = None, none: str = "") -> None:
    """Expect a number above 0, or, where that is allowed, `zero`, to `most`; a finite one, where None may not be given.

    none: see `whole`.

    >>> positive("clip", -1, none="no limit")
    Traceback (most recent call last):
    latentwalk.errors.ConfigError: clip=-1: expected a number above 0, or None for no limit.
    """
    if none and value is None:
        return
    number = float(value) if isinstance(value, Real) else math.nan
    above = number > 0 or (zero and number == 0)
    if not (above and (number <= most if most is not None else number < math.inf or bool(none))):
        to = "" if most is None else f"{' and' if zero else ','} at most {most:g}"
        raise ConfigError(f"{name}={value!r}: expected a number{', 0 or more' if zero else ' above 0'}{to}{_or(none)}.")


def share(name: str, value: object, of: str, *, zero: bool = True, most: float | None = None, none: str = "") -> None:
    """Expect a share of `of`: from 0, if `zero`, or above it, to `most`, or below 1. none: see `whole`.

    >>> share("validation", 1, "the rows")
    Traceback (most recent call last):
    latentwalk.errors.ConfigError: validation=1 is not a share of the rows. Expected 0 <= validation < 1.
    """
    if none and value is None:
        return
    number = float(value) if isinstance(value, Real) else math.nan
    above = number >= 0 if zero else number > 0
    if not (above and (number < 1 if most is None else number <= most)):
        span = f"0 {'<=' if zero else '<'} {name} {'< 1' if most is None else f'<= {most}'}"
        raise ConfigError(f"{name}={value!r} is not a share of {of}. Expected {span}{_or(none)}.")


def flag(name: str, value: object) -> None:
    """Expect True or False.

    >>> flag("find", "no")
    Traceback (most recent call last):
    latentwalk.errors.ConfigError: find='no': expected True or False.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ConfigError(f"{name}={value!r}: expected True or False.")


def one_of(what: str, name: object, known: Iterable[str]) -> None:
    """Expect one of the names: text, and no array of such, of which each would have to be asked."""
    names = list(known)
    if not isinstance(name, str) or name not in names:
        raise unknown(what, name, names)


def several(name: str, value: object, of: str) -> list[Any]:
    """What was given as a list: of a list, a tuple, a range, an array with one axis. Not of text, nor of one thing alone.

    >>> several("latent", range(2, 4), "numbers of dimensions")
    [2, 3]
    >>> several("latent", 2, "numbers of dimensions")
    Traceback (most recent call last):
    latentwalk.errors.ConfigError: latent=2: expected several numbers of dimensions, as a list; one alone as [2].
    """
    found = unboxed(value)
    if not isinstance(found, Iterable) or isinstance(found, (str, bytes, Mapping, np.ndarray)):
        raise ConfigError(f"{name}={value!r}: expected several {of}, as a list; one alone as [{value!r}].")
    return list(found)


def digits_of(value: Any) -> str:
    """A number in as few digits as say which it is, and no fewer.

    >>> digits_of(1.0), digits_of(1.0000001), digits_of(255), digits_of(1e200)
    ('1', '1.0000001', '255', '1e+200')
    """
    number = float(value)
    short = f"{number:g}"
    return short if float(short) == number else str(value)


def _or(none: str) -> str:
    return f", or None for {none}" if none else ""


def duration(seconds: float) -> str:
    """A span of time as people say it, in its two largest units; below ten seconds, with a tenth.

    >>> [duration(seconds) for seconds in (0.04, 0.44, 9.96, 59.6, 580, 3600, 30_000, 200_000)]
    ['0.1 s', '0.4 s', '10 s', '1 min', '9 min 40 s', '1 h', '8 h 20 min', '55 h 33 min']
    """
    if seconds < 9.95:
        return f"{max(seconds, 0.1) if seconds > 0 else 0:.1f} s"
    whole_seconds = round(seconds)
    if whole_seconds < 3600:
        minutes, rest = divmod(whole_seconds, 60)
        parts = ((minutes, "min"), (rest, "s"))
    else:
        hours, rest = divmod(round(seconds / 60), 60)
        parts = ((hours, "h"), (rest, "min"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)
