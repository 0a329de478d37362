"""Every error this library raises on purpose.

    LatentwalkError
    ├── ConfigError          an option, a name or a combination that cannot work      (also a ValueError)
    ├── DataError            data that cannot be read, or cannot be used as it is      (also a ValueError)
    ├── TrainingError        training that went wrong: a loss that is no number        (also a RuntimeError)
    ├── NotGenerativeError   sampling asked of a model that has nothing to draw from   (also a RuntimeError)
    └── CheckpointError      a saved model that cannot be written or read              (also a RuntimeError)

    UserWarning
    ├── DataWarning          data that is hardly what was meant: in other units than the data learnt from
    ├── SamplingWarning      draws are asked for from where, as is known, the data does not lie
    ├── TrainingStopped      Ctrl-C ended training early; what was learnt is kept
    └── TrainingWarning      something is wrong with a training that goes on: a collapse, a rescue

A message says what happened, where, what was found, what was expected, and what to do about it.
"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "CheckpointError",
    "ConfigError",
    "DataError",
    "DataWarning",
    "LatentwalkError",
    "NotGenerativeError",
    "SamplingWarning",
    "TrainingError",
    "TrainingStopped",
    "TrainingWarning",
    "unknown",
]


class LatentwalkError(Exception):
    """The root: `except LatentwalkError` catches all that this library raises on purpose."""


class ConfigError(LatentwalkError, ValueError):
    """An option, a name or a combination of them that cannot work."""


class DataError(LatentwalkError, ValueError):
    """Data that cannot be read, or that cannot be used as it is."""


class TrainingError(LatentwalkError, RuntimeError):
    """Training that went wrong."""


class DataWarning(UserWarning):
    """A warning: data can be used as it is, but is hardly what was meant."""


class SamplingWarning(UserWarning):
    """A warning: what is drawn from is known to miss the data; how often, and what draws better."""


class TrainingStopped(UserWarning):
    """A warning: Ctrl-C ended training early, and what was learnt until then is kept."""


class TrainingWarning(UserWarning):
    """A warning: training goes on, but not well; what is wrong, and what to try."""


class NotGenerativeError(LatentwalkError, RuntimeError):
    """Sampling asked of a model that has no distribution to draw from."""


class CheckpointError(LatentwalkError, RuntimeError):
    """A saved model that cannot be written or read."""


def unknown(what: str, got: object, known: Iterable[str]) -> ConfigError:
    """The error for a name that is none of `known`; suggests the nearest.

    >>> print(unknown("recipe", "vea", ["ae", "vae"]))
    unknown recipe 'vea'. Did you mean 'vae'? Known: ae, vae.
    """
    names = list(known)
    near = get_close_matches(str(got), names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ConfigError(f"unknown {what} {got!r}.{hint} Known: {', '.join(names)}.")
