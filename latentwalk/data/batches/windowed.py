"""Batches of data that is not in memory: read ahead of training, in another thread, and shuffled without jumping about.

Rows are shuffled twice. Blocks of consecutive rows are put in a random order, and then, in windows of several dozen blocks, the
rows. A disk reads a block in one go, memory holds one window in use and one being read, and each batch is mixed from as many
places as a window has blocks. Data that fits into one window is shuffled as `Resident` shuffles it, to the same batches.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentwalk.arrays import Array
from latentwalk.data.batches.batch import Batch, Batches, Extent, Own, batch_count, shuffled
from latentwalk.data.batches.resident import Resident
from latentwalk.data.rows import fits, nbytes, release, taken
from latentwalk.data.scaling import as_tensor

__all__ = ["Windowed", "ahead", "batches_of", "placed"]

T = TypeVar("T")
_END = object()
ROOM = 0.5  # the share of a graphics card's free memory that data may take
WINDOW = 1 << 25  # bytes of rows that are shuffled together, if no batch is larger
BLOCKS = 64  # blocks in a window: half a megabyte read in one go


def placed(x: Array, device: torch.device) -> Tensor | Array:
    """`x` (n, *E) as a tensor on the device, where it fits there and into memory (see `rows.fits`); else `x` as it is."""
    if not fits(x) or (device.type == "cuda" and nbytes(x) > ROOM * torch.cuda.mem_get_info(device)[0]):
        return x
    held = as_tensor(np.asarray(x)).to(device)
    release(x)
    return held


def batches_of(
    x: Tensor | Array,
    device: torch.device,
    size: int,
    seed: int | None = None,
    rows: NDArray[np.int64] | None = None,
    share: tuple[int, int] = (0, 1),
    given: Array | None = None,
    measure: Extent | None = None,
) -> Batches:
    """Batches of data (n, *E) on a device: `Resident` for a tensor, `Windowed` for all else. See `placed`.

    size, seed, rows, share: see `Resident`. given: (n, C) the condition of each row. measure: how much of a row (T, …) there is
    to read: batches are no wider than the longest of their rows, and what is in memory comes in batches of like lengths.
    """
    beside = None if given is None else as_tensor(given).to(device)
    if isinstance(x, Tensor):
        return Resident(x, size, seed, rows, share, beside, None if measure is None else measure(x.cpu().numpy()))
    return Windowed(x, device, size, seed, rows, share, beside, measure)


@dataclass(frozen=True, slots=True)
class Windowed(Batches):
    """Rows of `x` (n, *E) that are read when their batch is near, in windows, by a thread of its own.

    device: where batches go; to a CUDA device they are copied while it calculates. The rest is as of `Resident`.
    """

    x: Array
    device: torch.device
    size: int
    seed: int | None = None
    rows: NDArray[np.int64] | None = None
    share: tuple[int, int] = (0, 1)
    given: Tensor | None = None
    measure: Extent | None = None

    def __len__(self) -> int:
        return batch_count(self._taking_part, self.size, shuffling=self.seed is not None)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        with closing(ahead(map(self._read, self._windows(number, start)))) as windows:
            for window, raw in windows:
                longest = None if self.measure is None else self.measure(raw.numpy())
                yield from window.batches(raw.to(self.device, non_blocking=True), self.given, longest)

    def _windows(self, number: int, start: int) -> Iterator["_Window"]:
        """What there is to read for the batches of an epoch from `start` on, a window at a time."""
        several = max(1, WINDOW * len(self.x) // max(1, nbytes(self.x)) // self.size)  # batches in a window
        order = Order(self._taking_part, several * self.size, self.seed, number)
        for window in range(start // several, -(-len(self) // several) if start < len(self) else 0):
            places = order.window(window)
            rows = places if self.rows is None else self.rows[places]
            parts = [rows[at : at + self.size] for at in range(0, len(rows), self.size)][: len(self) - window * several]
            yield _Window.of(parts[max(0, start - window * several) :], self.share)

    def _read(self, window: "_Window") -> tuple["_Window", Tensor]:
        """The rows of a window, in the order in which they lie in the data. Runs in the thread."""
        raw = as_tensor(taken(self.x, np.sort(window.rows)))
        return window, raw.pin_memory() if self.device.type == "cuda" else raw

    @property
    def _taking_part(self) -> int:
        return len(self.x) if self.rows is None else len(self.rows)


class Order:
    """The numbers 0 … n - 1 as an epoch has them, a window of `window` at a time: in order without a seed, else shuffled twice.

    A function of seed and epoch; any window can be asked for without those before it.
    """

    def __init__(self, n: int, window: int, seed: int | None, epoch: int) -> None:
        self.n, self.size, self.seed, self.epoch = n, window, seed, epoch
        self.block = max(1, window // BLOCKS)
        blocks = np.arange(-(-n // self.block))
        self.blocks = blocks if seed is None else shuffled(blocks, seed, epoch)
        self.ends = np.cumsum(np.minimum(self.block, n - self.blocks * self.block))

    def window(self, number: int) -> NDArray[np.int64]:
        """The numbers of window `number`, fewer than `window` in the last."""
        start, stop = number * self.size, min(self.n, (number + 1) * self.size)
        if self.seed is None:
            return np.arange(start, stop)
        if self.n <= self.size:
            return shuffled(np.arange(self.n), self.seed, self.epoch)
        first, last = np.searchsorted(self.ends, [start, stop - 1], side="right")
        touched = [
            np.arange(block * self.block, min(self.n, (block + 1) * self.block)) for block in self.blocks[first : last + 1]
        ]
        skipped = start - (self.ends[first] - len(touched[0]))
        inside = np.concatenate(touched)[skipped : skipped + stop - start]
        return np.random.default_rng((self.seed, self.epoch, number + 1)).permutation(
            inside
        )  # ending in 0 it would be as blocks


@dataclass(frozen=True, slots=True)
class _Window:
    """Rows that are read together. rows: (m,) the own rows of one batch after the other. own: which of each batch they are."""

    rows: NDArray[np.int64]
    own: tuple[Own, ...]

    @classmethod
    def of(cls, batches: Sequence[NDArray[np.int64]], share: tuple[int, int]) -> "_Window":
        """The window of these whole batches, and this process's share of them."""
        own = tuple(Own.of(len(batch), share) for batch in batches)
        return cls(np.concatenate([batch[one.part] for batch, one in zip(batches, own, strict=True)]), own)

    def batches(self, raw: Tensor, given: Tensor | None, lengths: NDArray[np.int64] | None = None) -> Iterator[Batch]:
        """The batches, of all the window's rows (m, *E) in the order of their numbers; given: of all rows (n, C).

        lengths: (m,) how much of each row there is to read; batches are no wider than the longest of their own.
        """
        places = torch.from_numpy(np.argsort(np.argsort(self.rows))).to(raw.device)
        rows = torch.from_numpy(self.rows).to(raw.device)
        start = 0
        for own in self.own:
            part = slice(start, start + own.part.stop - own.part.start)
            beside = None if given is None else given.index_select(0, rows[part])
            some = raw.index_select(0, places[part])
            if lengths is not None:
                some = some[:, : int(lengths[places[part].cpu().numpy()].max())]
            yield own.batch(some, rows[part], beside)
            start = part.stop


def ahead(items: Iterable[T], depth: int = 1) -> Generator[T]:
    """The same items, made by a thread of its own while those before are in use; at most `depth` are waiting.

    What goes wrong there is raised here. However the iteration ends, the thread has ended as well, after the item at hand.
    """
    source: Iterator[Any] = iter(items)
    with ThreadPoolExecutor(1, "latentwalk-ahead") as thread:
        waiting: deque[Future[Any]] = deque(thread.submit(next, source, _END) for _ in range(depth))
        try:
            while (item := waiting.popleft().result()) is not _END:
                waiting.append(thread.submit(next, source, _END))
                yield item
        finally:
            for one in waiting:
                one.cancel()
