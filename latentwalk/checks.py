"""Numbers that are given: the one sentence, a ConfigError, for one that cannot be meant; and how a number is shown in one."""

import math
from numbers import Integral, Real
from typing import Any

from latentwalk.errors import ConfigError

__all__ = ["digits_of", "positive", "share", "whole"]


def whole(name: str, value: object, of: str = "", *, least: int = 0, most: int | None = None, none: str = "") -> None:
    """Expect a whole number from `least` to `most`.

    of: what is counted, if that needs saying. none: what None stands for, where it may be given instead.

    >>> whole("epochs", 0.5, "passes over the data", least=1)
    Traceback (most recent call last):
    latentwalk.errors.ConfigError: epochs=0.5: expected a whole number of passes over the data, at least 1.
    """
    if none and value is None:
        return
    if not (isinstance(value, Integral) and least <= int(value) <= (math.inf if most is None else most)):
        kind = f"a whole number of {of}" if of else "a whole number"
        span = f"from {least} to {most}" if most is not None else f"at least {least}" if least else "0 or more"
        raise ConfigError(f"{name}={value!r}: expected {kind}, {span}{_or(none)}.")


def positive(name: str, value: object, *, zero: bool = False, none: str = "") -> None:
    """Expect a number above 0, or, where that is allowed, `zero`; a finite one, where None may not be given. none: see `whole`.

    >>> positive("clip", -1, none="no limit")
    Traceback (most recent call last):
    latentwalk.errors.ConfigError: clip=-1: expected a number above 0, or None for no limit.
    """
    if none and value is None:
        return
    number = float(value) if isinstance(value, Real) else math.nan
    if not (number > 0 or (zero and number == 0)) or (number == math.inf and not none):
        raise ConfigError(f"{name}={value!r}: expected a number{', 0 or more' if zero else ' above 0'}{_or(none)}.")


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
