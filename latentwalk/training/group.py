"""Several processes that train one model: on the cores of a machine, on its GPUs, or on many machines.

PyTorch's `torchrun` starts them and tells each who it is; DistributedDataParallel averages their gradients. Each process works
on its own part of every batch, with its own part of the batch's noise (see `chance`), so that the numbers are those of one
process that does it all, to rounding. The first process does all the writing.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.distributed import PrefixStore  # type: ignore[attr-defined]  # public, but not in its __all__
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from latentwalk.errors import ConfigError, TrainingError

__all__ = ["ALONE", "Group", "first_here", "process_group", "restarts"]


CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Group:
    """This process among those that train together. rank: from 0."""

    rank: int = 0
    size: int = 1
    device: torch.device = CPU

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    @property
    def share(self) -> tuple[int, int]:
        """Which part of each batch is its own: see `Batches`."""
        return self.rank, self.size

    def wrapped(self, model: nn.Module) -> nn.Module:
        """The model as gradients are taken of it: averaged over the processes where there are several."""
        if self.size == 1:
            return model
        ids = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(model, ids, broadcast_buffers=False, gradient_as_bucket_view=True)

    def add_up(self, numbers: Tensor) -> Tensor:
        """The sum over processes of `numbers`, of which it takes the place."""
        if self.size > 1:
            distributed.all_reduce(numbers)
        return numbers

    def told(self, number: int) -> int:
        """What the first process says."""
        if self.size == 1:
            return number
        message = torch.tensor(number, device=self.device)
        distributed.broadcast(message, 0)
        return int(message)

    def handed(self, content: bytes | None) -> bytes | None:
        """The bytes that the first process has, or None if it has none."""
        if self.size == 1:
            return content
        length = self.told(-1 if content is None else len(content))
        if length < 0:
            return None
        message = torch.empty(length, dtype=torch.uint8, device=self.device)
        if content is not None:
            message.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
        distributed.broadcast(message, 0)
        return message.cpu().numpy().tobytes()


ALONE = Group()


def first_here() -> bool:
    """Whether this process is alone, or the first of those that `torchrun` started. Raises ConfigError: see `told_rank`."""
    return told_rank()[0] == 0


def told_rank() -> tuple[int, int]:
    """Which of how many processes this is, as `torchrun` says in the environment. Raises ConfigError for what it never says."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    size = _said("WORLD_SIZE", 1, least=1)
    rank = _said("RANK", 0)
    if ("RANK" in os.environ) != ("WORLD_SIZE" in os.environ):
        there, missing = ("RANK", "WORLD_SIZE") if "RANK" in os.environ else ("WORLD_SIZE", "RANK")
        raise ConfigError(
            f"{there}={os.environ[there]} is set in the environment, and {missing} is not: which of how many "
            f"processes is this? Start all of them with torchrun; or, for one alone, unset {there}."
        )
    if rank >= size:
        raise ConfigError(f"RANK={rank} in the environment: expected 0 to {size - 1}, for WORLD_SIZE={size}. Use torchrun.")
    return rank, size


def _said(variable: str, usual: int, least: int = 0) -> int:
    """What a variable of the environment says. Raises ConfigError where that is no whole number."""
    text = os.environ.get(variable)
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and least <= int(text) < 2**31):
        raise ConfigError(
            f"{variable}={text!r} in the environment: expected a whole number, at least {least}. torchrun sets it; without "
            f"torchrun, unset it."
        )
    return int(text)


@contextmanager
def process_group(device: torch.device) -> Iterator[Group]:
    """The group that `torchrun` made this process a member of; `ALONE` where it is none.

    device: where to train; of several GPUs, each process takes the one that is its own.
    Raises TrainingError when another process is lost, ConfigError for a group that cannot be joined.
    """
    if not _launched():
        yield Group(device=device)
        return
    ours = not distributed.is_initialized()
    if device.type == "cuda":
        device = torch.device("cuda", _said("LOCAL_RANK", 0))
        torch.cuda.set_device(device)
    try:
        if ours:
            _meet("nccl" if device.type == "cuda" else "gloo")
        group = Group(distributed.get_rank(), distributed.get_world_size(), device)
    except (RuntimeError, ValueError) as error:
        raise ConfigError(
            f"this process cannot join its group: {_first_line(error)} Start all of them with torchrun."
        ) from error
    try:
        yield group
        if ours and group.size > 1:
            distributed.barrier()  # who leaves early is taken for lost by those still talking
    except (distributed.DistError, RuntimeError) as error:
        if group.size > 1 and not isinstance(error, TrainingError) and _is_lost(error):
            raise TrainingError(
                f"another process of the {group.size} was lost ({_first_line(error)}) The last checkpoint is whole: start "
                "again to go on from it, or let torchrun do so with --max-restarts."
            ) from error
        raise
    finally:
        if ours and distributed.is_initialized():
            gc.collect()  # DistributedDataParallel refers to itself, and would outlive the group it talks to
            distributed.destroy_process_group()


def _meet(backend: str) -> None:
    """Join the group, each attempt in a room of its own: torchrun keeps its store, and in it the addresses of the dead."""
    store, rank, size = next(iter(rendezvous("env://")))
    room = PrefixStore(f"attempt-{restarts()}", store)
    distributed.init_process_group(backend, store=room, rank=rank, world_size=size)


def restarts() -> int:
    """How often torchrun has started this group anew."""
    return _said("TORCHELASTIC_RESTART_COUNT", 0)


def _launched() -> bool:
    return distributed.is_available() and (distributed.is_initialized() or told_rank()[1] > 1)


def _is_lost(error: Exception) -> bool:
    words = ("connection", "peer", "timed out", "timeout", "nccl", "gloo", "socket")
    return isinstance(error, distributed.DistError) or any(word in str(error).lower() for word in words)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") + "."
