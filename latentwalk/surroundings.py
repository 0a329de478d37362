"""The process that uses this library is left as it was: warnings, environment, Python's random numbers, floating-point modes.

What others' packages change in passing while they are imported (filters of warnings, variables of the environment) is put back.
"""

import contextlib
import ctypes
import functools
import os
import random
import re
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["FENV", "floats", "heard", "hushed", "imported", "same_floats", "unmoved"]

FENV = 256  # bytes: more than any platform's fenv_t
OPENMP = ("libiomp", "libomp")  # LLVM's, which read the variables that guard against a second one
DISTRIBUTIONS = "torch.distributions"
_lock = threading.Lock()


class _Mine:
    """Stands for the message in a filter of warnings: matches in one thread only."""

    def __init__(self, beginning: str) -> None:
        self.begins, self.thread = re.compile(beginning, re.IGNORECASE), threading.get_ident()
        self.pattern = beginning  # which scikit-learn asks of a filter, to set it up again where it works in parallel

    def match(self, message: str) -> bool:
        """Whether this thread says such a thing."""
        return threading.get_ident() == self.thread and self.begins.match(message) is not None


class _Heard(_Mine):
    """The same, and keeps what it has matched."""

    def __init__(self) -> None:
        super().__init__("")
        self.said: list[str] = []

    def match(self, message: str) -> bool:
        mine = super().match(message)
        if mine:
            self.said.append(message)
        return mine


@contextlib.contextmanager
def hushed(*kinds: type[Warning], beginning: str = "") -> Iterator[None]:
    """Inside, warnings of these kinds (all, if none is named) whose text begins so are not shown, if this thread gives them.

    `warnings.catch_warnings` would put back the whole list of filters as it found it, and two threads that do so leave it as
    neither found it. Here one filter comes, holds for this thread, and goes.
    """
    with _ruled(_Mine(beginning), kinds or (Warning,)):
        yield


@contextlib.contextmanager
def heard() -> Iterator[list[str]]:
    """Inside, the warnings that this thread gives to users are not shown, but are in this list afterwards, each once."""
    mine = _Heard()
    said: list[str] = []
    with _ruled(mine, (UserWarning,)):
        yield said
    said += dict.fromkeys(mine.said)


@contextlib.contextmanager
def _ruled(mine: _Mine, kinds: tuple[type[Warning], ...]) -> Iterator[None]:
    """Inside, warnings of these kinds that it matches are not shown."""
    rules: list[Any] = [("ignore", mine, kind, None, 0) for kind in kinds]
    filters: Any = warnings.filters  # the list of now; a `catch_warnings` around or inside works with another
    with _lock:
        filters[:0] = rules
    try:
        yield
    finally:
        with _lock:
            for there in (filters, warnings.filters):
                there[:] = [rule for rule in there if not any(rule is ours for ours in rules)]  # type: ignore[index]


@contextlib.contextmanager
def unmoved(setting: Mapping[str, str] | None = None) -> Iterator[None]:
    """Inside, others' packages may be imported; then filters of warnings, environment and Python's `random` are as before.

    setting: variables of the environment that hold inside. One stays that was set by a package: of those that keep LLVM's
    OpenMP from ending a process that has it twice, where it is there.
    """
    filters, environment, numbers, checked = list(warnings.filters), dict(os.environ), random.getstate(), _checked()
    os.environ.update(setting or {})
    try:
        yield
    finally:
        added = {name: value for name, value in os.environ.items() if name not in environment}
        keep = {name: value for name, value in added.items() if name.startswith("KMP_") and _guarded()}
        if dict(os.environ) != environment | keep:
            for name in added.keys() - keep.keys():
                del os.environ[name]
            os.environ.update(environment)
        if warnings.filters != filters:
            warnings.filters[:] = filters  # type: ignore[index]
        random.setstate(numbers)
        if checked is not None and _checked() is not checked:
            sys.modules[DISTRIBUTIONS].Distribution.set_default_validate_args(checked)


def imported(name: str) -> ModuleType:
    """The module of that name, imported `unmoved`. Raises ImportError."""
    if name in sys.modules:
        return import_module(name)
    with unmoved():
        return import_module(name)


@contextlib.contextmanager
def same_floats() -> Iterator[None]:
    """How this thread computes with floats (rounding, subnormals) may be changed inside; afterwards it is as before."""
    library = floats()
    if library is None:
        yield
        return
    before = ctypes.create_string_buffer(FENV)
    library.fegetenv(before)
    try:
        yield
    finally:
        library.fesetenv(before)


@functools.cache
def floats() -> ctypes.CDLL | None:
    """Where C says how this thread computes with floats (fenv.h); None where it cannot be asked."""
    for name in ("libm.so.6", None):
        with contextlib.suppress(OSError, TypeError):  # TypeError: no library without a name on Windows
            library = ctypes.CDLL(name)
            if hasattr(library, "fegetenv"):
                return library
    return None


def _checked() -> bool | None:
    """Whether PyTorch's distributions check their parameters, which zuko turns off for all; None while there are none."""
    distributions = sys.modules.get(DISTRIBUTIONS)
    return None if distributions is None else bool(distributions.Distribution._validate_args)


def _guarded() -> bool:
    from threadpoolctl import threadpool_info

    return any(library["prefix"] in OPENMP for library in threadpool_info())
