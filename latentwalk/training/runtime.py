"""Where and how numbers are crunched: device, precision, threads, and two settings that make PyTorch quick on a CPU."""

import bisect
import contextlib
import ctypes
import functools
import platform
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from latentwalk.errors import ConfigError, unknown
from latentwalk.surroundings import FENV, floats

__all__ = [
    "autocast",
    "calculates_bfloat16",
    "device_named",
    "one_thread",
    "processor",
    "quick",
    "roomy",
    "stop_asked",
]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
SMALLEST, LARGEST = 128 << 10, 32 << 20  # bytes: where glibc's own mmap threshold begins, and its upper bound
PAGE = 4096
REGION = ctypes.CFUNCTYPE(None, ctypes.c_void_p)  # what a thread of OpenMP runs
GRAIN = 32768  # numbers that are worth a thread to PyTorch
MAPPED = 2  # the bit before a buffer that says that it has pages of its own


# ---------------------------------------------------------------------- two settings, and back


@contextlib.contextmanager
def quick() -> Iterator[None]:
    """Inside, subnormal numbers count as 0, in this thread and in those that PyTorch computes with for it.

    After a few epochs a quarter of Adam's first moments are subnormal, and arithmetic on them is many times slower. Then
    each thread is as this one was before, rounding and all; so nothing of the caller's may run inside.
    """
    library = floats()
    if library is None:
        was = torch.finfo(torch.float64).tiny / 2 == 0
        torch.set_flush_denormal(True)
        try:
            yield
        finally:
            torch.set_flush_denormal(was)
        return
    before, inside = (ctypes.create_string_buffer(FENV) for _ in range(2))
    library.fegetenv(before)
    each, mixed = {0: before}, _team_differs()
    if mixed:
        _in_team(REGION(lambda _: library.fegetenv(each.setdefault(_number(), ctypes.create_string_buffer(FENV)))))
    torch.set_flush_denormal(True)
    library.fegetenv(inside)
    _in_team(library.fesetenv, inside)
    try:
        yield
    finally:
        if mixed:
            _in_team(REGION(lambda _: library.fesetenv(each.get(_number(), before))))
        _in_team(library.fesetenv, before, alone=mixed)


@contextlib.contextmanager
def roomy() -> Iterator[None]:
    """Inside, glibc keeps the memory that is freed; then its thresholds are as before, and it gives all back.

    By default it gives every large buffer back to the kernel, which then zeroes its pages anew at each step. These belong to
    the process: the first to come sets them, the last to leave puts them back.
    """
    global _staying, _threshold
    libc = _glibc()
    if libc is None:
        yield
        return
    with _rooms:
        _staying += 1
        if _staying == 1:
            _threshold = _keep(libc)
    try:
        yield
    finally:
        with _rooms:
            _staying -= 1
            if _staying == 0:
                libc.mallopt(M_MMAP_THRESHOLD, _threshold)
                libc.mallopt(M_TRIM_THRESHOLD, SMALLEST if _threshold <= SMALLEST else 2 * _threshold)
                libc.malloc_trim(0)


_rooms, _staying, _threshold = threading.Lock(), 0, SMALLEST


def _keep(libc: ctypes.CDLL) -> int:
    """Tell glibc to keep what is freed; the size from which on a buffer had pages of its own until now.

    Nothing tells that size, so it is tried out. Buffers are not freed before the threshold is set, for freeing one moves it.
    """
    tried: list[int] = []

    def mapped(pages: int) -> bool:
        at = libc.malloc(pages * PAGE)
        if at is None:
            return True
        tried.append(at)
        return bool(ctypes.c_size_t.from_address(at - ctypes.sizeof(ctypes.c_size_t)).value & MAPPED)

    found = PAGE * bisect.bisect_left(range(LARGEST // PAGE), True, lo=1, key=mapped)
    libc.mallopt(M_MMAP_THRESHOLD, LARGEST)
    libc.mallopt(M_TRIM_THRESHOLD, -1)
    for at in tried:
        libc.free(at)
    return found


@functools.cache
def _glibc() -> ctypes.CDLL | None:
    """glibc, where this process has it."""
    if platform.libc_ver()[0] != "glibc":
        return None
    libc = ctypes.CDLL("libc.so.6")
    libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
    return libc


def _in_team(function: Any, pointer: Any = None, *, alone: bool = False) -> None:
    """Call a C function of one pointer in each thread that PyTorch's OpenMP computes with for this one. alone: here only.

    libgomp keeps these threads for the thread that they work for, so what they are told holds for later work. Where they are
    not reached, this thread alone is told; those that it starts inside are then as it is there.
    """
    threads, openmp = torch.get_num_threads(), _openmp()
    if alone or threads == 1 or openmp is None:
        function(pointer)
    else:
        openmp.GOMP_parallel(function, pointer, threads, 0)


def _team_differs() -> bool:
    """Whether some of these threads flush subnormals and others do not: where `set_flush_denormal` came after they began.

    Rare, and then each is asked for its own state, which takes milliseconds, for each has to wait for Python.
    """
    threads = torch.get_num_threads()
    if threads == 1 or _openmp() is None:
        return False
    kept = int((_subnormals(threads * GRAIN) * 1.0).view(torch.int64).count_nonzero())
    return kept not in (0, threads * GRAIN)


@functools.cache
def _subnormals(count: int) -> torch.Tensor:
    return torch.ones(count, dtype=torch.int64).view(torch.float64)


def _number() -> int:
    openmp = _openmp()
    return 0 if openmp is None else int(openmp.omp_get_thread_num())


@functools.cache
def _openmp() -> ctypes.CDLL | None:
    """The OpenMP that PyTorch itself uses, where it has GNU's call for a parallel region."""
    with contextlib.suppress(OSError):
        library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"))
        if hasattr(library, "GOMP_parallel") and hasattr(library, "omp_get_thread_num"):
            return library
    return None


# ---------------------------------------------------------------------- the machine


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
    raise unknown("precision", precision, ("auto", "float32", "bfloat16", "float16"))


def calculates_bfloat16(device: torch.device) -> bool:
    """Whether the device itself multiplies numbers of 16 bits, which is then about twice as quick; where it has to be done for
    it, many times slower. A property of the machine, so that what is learnt on one is repeatable."""
    if device.type == "cpu":
        known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        return any(known.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


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
    small layers took 5 s with one thread and 30 to 60 s with two; boosted trees, 1 s and 150 s. How many OpenMP takes is a
    thread's own; that of BLAS belongs to the process: the first to come sets it, the last to leave puts it back.
    """
    global _single, _blas
    with _singles:
        _single += 1
        if _single == 1:
            _blas = threadpool_limits(1, "blas")
    try:
        with threadpool_limits(1, "openmp"):
            yield
    finally:
        with _singles:
            _single -= 1
            if _single == 0 and _blas is not None:
                _blas.restore_original_limits()


_singles, _single = threading.Lock(), 0
_blas: threadpool_limits | None = None
