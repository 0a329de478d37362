"""Where and how numbers are crunched: device, precision, seed, and two settings that make PyTorch quick on a CPU."""

import contextlib
import ctypes
import functools
import platform
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from latentwalk.errors import ConfigError, unknown

__all__ = [
    "autocast",
    "device_named",
    "one_thread",
    "prepare",
    "processor",
    "random_state",
    "set_random_state",
    "stop_asked",
]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
KEEP = 32 << 20  # bytes; glibc's own upper bound for the mmap threshold


@functools.cache
def prepare() -> None:
    """Set this process up for training, once.

    Flushing subnormals: after a few epochs a quarter of Adam's first moments are subnormal, and arithmetic on them is many
    times slower. It takes effect in threads that start later, so it should come before the first parallel operation.
    Keeping freed memory: by default glibc gives every large buffer back to the kernel, which then zeroes its pages anew.
    """
    torch.set_flush_denormal(True)
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, KEEP)
        libc.mallopt(M_TRIM_THRESHOLD, -1)


def processor() -> str:
    """The processor's name as its maker writes it, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def device_named(name: str) -> torch.device:
    """The device of that name; "auto" is a GPU where there is one. Raises ConfigError for one that is not there."""
    if name == "auto":
        accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        # Apple's backend lacks float64, which tables are scaled in, so it must be asked for.
        return accelerator if accelerator is not None and accelerator.type == "cuda" else torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError, ValueError) as error:
        raise ConfigError(f"device={name!r} cannot be used here: {str(error).splitlines()[0]} Use device='auto'.") from error
    return device


def autocast(precision: str, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """The context in which networks run in this precision: "float32", "bfloat16", on a GPU "float16". Raises ConfigError."""
    match precision:
        case "float32":
            return contextlib.nullcontext()
        case "bfloat16":
            return torch.autocast(device.type, torch.bfloat16)
        case "float16" if device.type == "cuda":
            return torch.autocast(device.type, torch.float16)
        case "float16":
            raise ConfigError(f'precision="float16" needs a GPU; this is device="{device.type}". Use precision="bfloat16".')
    raise unknown("precision", precision, ("float32", "bfloat16", "float16"))


@contextlib.contextmanager
def stop_asked() -> Iterator[Callable[[], bool]]:
    """Inside, Ctrl-C does not interrupt, it asks: the answer is True from then on. A second one interrupts.

    So that training stops between two steps, with nothing half done. Where Ctrl-C already means something else, or cannot be
    caught (in a thread), it goes on doing what it did, and the answer stays False.
    """
    if threading.current_thread() is not threading.main_thread() or (
        signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield lambda: False
        return
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch and scikit-learn keep to one thread inside: right for work too small to share.

    Threads that wait for each other then cost more than they bring: on two cores of which one is busy, a network of three
    small layers took 5 s with one thread and 30 to 60 s with two; boosted trees, 1 s and 150 s.
    """
    before = torch.get_num_threads()
    with threadpool_limits(1):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def random_state(device: torch.device) -> list[Tensor]:
    """Where PyTorch's generators are: the processor's, then, for a GPU, its own."""
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state(device)] if device.type == "cuda" else states


def set_random_state(states: Sequence[Tensor], device: torch.device) -> None:
    """Put the generators back to where `random_state` found them; one that was not there is left alone."""
    torch.set_rng_state(states[0])
    if device.type == "cuda" and len(states) > 1:
        torch.cuda.set_rng_state(states[1], device)
