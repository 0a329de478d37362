"""Random numbers of one's own, which do not depend on how a batch is divided.

PyTorch's generators belong to the whole program: who seeds them takes them from all others, and two threads that do so spoil
each other's numbers. So each thread draws from generators of its own here, between `from_seed` and its end; they give what
PyTorch's would give after the same seed. What cannot be handed a generator (first weights of a layer, a distribution's draws)
is drawn inside `covered`, or, where every step counts, inside `lent`.

Several processes, or several passes of one, may work on parts of one batch. If each drew its own noise, the same seed would
train another model for each number of processes. Here a part draws the noise of the *whole* batch, from a generator in the
same state as everybody's, and keeps its own rows: dropout, corruption and reparameterised draws are those of one process that
sees the whole batch at once.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.utils._python_dispatch import TorchDispatchMode

from latentwalk.checks import whole

__all__ = [
    "Dropout",
    "covered",
    "fresh_seed",
    "from_seed",
    "generator",
    "lent",
    "normal",
    "part_of",
    "poisson",
    "random_state",
    "rng_of",
    "seed_of",
    "seeded",
    "set_random_state",
    "signs",
    "uniform",
]

CPU = torch.device("cpu")
SEEDS = 2**32 - 1  # the largest that all generators take


class _Generators:
    """A generator for each device, all begun from one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.made = {CPU: torch.Generator().manual_seed(seed)}

    def __getitem__(self, device: torch.device) -> torch.Generator:
        device = _placed(device)
        if device not in self.made:
            self.made[device] = torch.Generator(device).manual_seed(self.seed)
        return self.made[device]


class _Here(threading.local):
    """What this thread draws from, None for PyTorch's own generators; and which part of a batch: (first row, rows, of all)."""

    generators: _Generators | None = None
    part: tuple[int, int, int] | None = None


_here = _Here()
_lending = threading.RLock()


# ---------------------------------------------------------------------- where numbers come from


@contextmanager
def from_seed(seed: int | None) -> Iterator[None]:
    """Inside, all that this thread draws by the functions of this file starts from `seed`. None changes nothing.

    Nothing outside is touched, neither PyTorch's generators nor what other threads draw.
    """
    if seed is None:
        yield
        return
    before, _here.generators = _here.generators, _Generators(seed)
    try:
        yield
    finally:
        _here.generators = before


@contextmanager
def covered() -> Iterator[None]:
    """Inside, whatever PyTorch draws in this thread comes from the thread's stream, where it has one.

    Each operation takes some microseconds longer: right for the first weights of a network, or a distribution's draws.
    """
    if _here.generators is None:
        yield
        return
    with _Covered(_here.generators):
        yield


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """`from_seed`, `covered`: inside, whatever this thread draws starts from `seed`, and nothing outside is touched."""
    with from_seed(seed), covered():
        yield


@contextmanager
def lent(device: torch.device = CPU) -> Iterator[None]:
    """Inside, PyTorch's own generators, also that of `device`, are where this thread's stream is; then they are put back.

    For what is too quick to be covered and takes no generator: a step through modules of the user's own, or compiled. One
    thread at a time; a thread of the program that draws from PyTorch meanwhile without us draws from the stream.
    """
    own = _here.generators
    if own is None:
        yield
        return
    own[device]  # there from now on
    with _lending:
        theirs = {device: _default(device) for device in own.made}
        before = {device: generator.get_state() for device, generator in theirs.items()}
        checked = Distribution._validate_args
        Distribution.set_default_validate_args(
            False
        )  # a scale that is no number is for the loop to see, not an error of PyTorch's
        for device, generator in theirs.items():
            generator.set_state(own[device].get_state())
        _here.generators = None
        try:
            yield
        finally:
            _here.generators = own
            Distribution.set_default_validate_args(checked)
            for device, generator in theirs.items():
                own[device].set_state(generator.get_state())
                generator.set_state(before[device])


def generator(device: torch.device = CPU) -> torch.Generator | None:
    """This thread's generator on that device, to be handed to PyTorch; None for PyTorch's own."""
    return None if _here.generators is None else _here.generators[device]


def random_state(device: torch.device) -> list[Tensor]:
    """Where this thread's generators are: the processor's, then, for a GPU, its own."""
    devices = [CPU, device] if device.type == "cuda" else [CPU]
    return [(generator(one) or _default(_placed(one))).get_state() for one in devices]


def set_random_state(states: Sequence[Tensor], device: torch.device) -> None:
    """Put the generators back to where `random_state` found them; a GPU's that was not there is left alone."""
    (generator() or _default(CPU)).set_state(states[0])
    if device.type == "cuda" and len(states) > 1:
        (generator(device) or _default(_placed(device))).set_state(states[1])


class _Covered(TorchDispatchMode):
    """Hands each operation that draws a generator."""

    def __init__(self, generators: _Generators) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.generators = generators

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: to be skipped, PyTorch would import its compiler, which takes a second and 72 MB."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags or kwargs.get("generator") is not None:
            return func(*args, **kwargs)
        device = next((x.device for x in (*args, *kwargs.values()) if isinstance(x, Tensor)), kwargs.get("device") or CPU)
        if torch.device(device).type == "meta":  # nothing is drawn; for a normal_, PyTorch would import its compiler
            return args[0] if func.overloadpacket.__name__.endswith("_") else func(*args, **kwargs)
        packet, name = func.overloadpacket, func._overloadname
        takes = "generator" if name == "default" else f"{name}_generator"
        if any(argument.name == "generator" for argument in func._schema.arguments):
            return func(*args, **kwargs | {"generator": self.generators[torch.device(device)]})
        if takes in packet.overloads():
            return getattr(packet, takes)(*args, **kwargs | {"generator": self.generators[torch.device(device)]})
        with lent(torch.device(device)):
            return func(*args, **kwargs)


def _placed(device: torch.device) -> torch.device:
    """The device with its number, as tensors on it name it."""
    return torch.device("cuda", torch.cuda.current_device()) if device.type == "cuda" and device.index is None else device


def _default(device: torch.device) -> torch.Generator:
    """PyTorch's own generator for that device."""
    return torch.cuda.default_generators[device.index] if device.type == "cuda" else torch.default_generator


# ---------------------------------------------------------------------- draws


@contextmanager
def part_of(first: int, own: int, total: int) -> Iterator[None]:
    """Inside, rows of a batch are rows first … first + own of `total`."""
    before, _here.part = _here.part, (first, own, total) if own < total else None
    try:
        yield
    finally:
        _here.part = before


def seed_of(seed: object, name: str = "seed") -> int:
    """A seed as Python's own number. Raises ConfigError for what is none."""
    whole(name, seed, most=SEEDS)
    return int(seed)  # type: ignore[call-overload]


def fresh_seed() -> int:
    """A seed that no one chose, of the operating system's entropy: neither NumPy's generator nor PyTorch's is read or moved."""
    return int(np.random.default_rng().integers(2**31 - 1))


def rng_of(seed: object) -> np.random.Generator:
    """NumPy's generator from a seed, or from none. Raises ConfigError for what is no seed."""
    return np.random.default_rng(None if seed is None else seed_of(seed))


def normal(shape: Sequence[int], like: Tensor, axis: int = 0) -> Tensor:
    """N(0, 1) of this shape, on the device and with the dtype of `like`; the rows of the batch are along `axis`."""
    return _drawn(lambda x, own: x.normal_(generator=own), shape, like, axis)


def uniform(shape: Sequence[int], like: Tensor, axis: int = 0) -> Tensor:
    """Uniform on [0, 1), as `normal`."""
    return _drawn(lambda x, own: x.uniform_(generator=own), shape, like, axis)


def signs(shape: Sequence[int], like: Tensor, axis: int = 0) -> Tensor:
    """-1 or 1, each as likely, as `normal`."""
    return _drawn(lambda x, own: x.bernoulli_(0.5, generator=own), shape, like, axis).mul_(2).sub_(1)


def poisson(rate: Tensor) -> Tensor:
    """Counts with these rates (B, …). A part's are other counts than the whole's, with the same distribution: how many random
    numbers a count takes depends on its rate, which only its owner knows.
    """
    if torch.compiler.is_compiling():
        return torch.poisson(rate)
    if _here.part is None:
        return torch.poisson(rate, generator(rate.device))
    seed = int(torch.randint(2**31, (), generator=generator()))  # everybody's; with the first row's number it is one's own
    return torch.poisson(rate, torch.Generator(rate.device).manual_seed(seed + _here.part[0]))


class Dropout(nn.Module):
    """Silences a share `p` of the values while training, and scales up the others. Source: Srivastava et al. 2014."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """x (B, …), or (K * B, …) with the rows of each draw together."""
        if not self.training or self.p == 0:
            return x
        kept = _drawn(lambda mask, own: mask.bernoulli_(1 - self.p, generator=own), x.shape, x, 0)
        return x * kept.div_(1 - self.p)


def _drawn(fill: Callable[[Tensor, torch.Generator | None], Tensor], shape: Sequence[int], like: Tensor, axis: int) -> Tensor:
    if torch.compiler.is_compiling():  # it sees neither through generators nor through what belongs to a thread
        return fill(torch.empty(shape, dtype=like.dtype, device=like.device), None)
    own = generator(like.device)
    if _here.part is None:
        return fill(torch.empty(shape, dtype=like.dtype, device=like.device), own)
    first, rows, total = _here.part
    draws = shape[axis] // rows  # K where draws and rows share an axis, else 1
    size = (*shape[:axis], draws, total, *shape[axis + 1 :])
    whole = fill(torch.empty(size, dtype=like.dtype, device=like.device), own)
    return whole.narrow(axis + 1, first, rows).flatten(axis, axis + 1)
