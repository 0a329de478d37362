"""Examples that come one after the other and are never all there: a Hugging Face `datasets.IterableDataset`.

The first of them are held in memory. What the data is and how it is scaled is read off these, and the best weights are chosen
on them; training passes over all others, in the order in which `shuffle` and `set_epoch` give them, which is a function of seed
and epoch.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, Self

import numpy as np
import torch

from latentwalk.arrays import Array
from latentwalk.checks import whole
from latentwalk.data.batches.batch import Batch, Batches, Own
from latentwalk.data.batches.windowed import WINDOW, ahead
from latentwalk.data.dataset import Dataset
from latentwalk.data.examples import check_finite
from latentwalk.data.scaling import as_tensor
from latentwalk.data.sources.huggingface import Example, Reading, is_stream, undecoded
from latentwalk.data.sources.images import Color, Size, as_bytes
from latentwalk.data.spec import Kind
from latentwalk.errors import DataError

__all__ = ["Passing", "Stream", "is_stream"]

HELD = 4096  # examples held in memory, unless told
MIXED = (256, 10_000)  # fewest and most examples among which the next is drawn, unless told
AHEAD = 4  # batches made while one is in use


@dataclass(frozen=True, slots=True)
class Stream:
    """Examples that pass by, and the first of them, which are held.

    source: the stream, its images not decoded. reading: how examples become rows. held: the first examples. steps: batches an
    epoch; None: one pass over the stream. mixed: among how many examples the next is drawn.
    """

    source: Any
    reading: Reading
    held: Dataset
    steps: int | None = None
    mixed: int = MIXED[0]

    @classmethod
    def of(
        cls,
        source: Any,
        *,
        held: int = HELD,
        steps: int | None = None,
        mixed: int | None = None,
        kind: Kind | None = None,
        column: str | None = None,
        label: str | None = None,
        size: Size | None = None,
        color: Color | None = None,
    ) -> Self:
        """The stream of a `datasets.IterableDataset`.

        held: examples to hold; should they be all, training has none left. steps, mixed: see `Stream`. kind, column, label,
        size, color: see `sources.huggingface.of_table`. Raises DataError, ConfigError.
        """
        whole("held", held, "examples", least=1)
        whole("steps", steps, "batches", least=1, none="one pass over the stream")
        whole("mixed", mixed, "examples", least=1, none="what suits their size")
        source = undecoded(source, column)
        first = list(islice(source, held))
        if not first:
            raise DataError("the stream is empty. At least two examples are needed.")
        reading = Reading.of(source.features, first, column=column, label=label, size=size, color=color)
        kept = Dataset.of(reading.rows(first), kind=kind, skipped=reading.left_out)
        if mixed is None:
            mixed = int(np.clip(WINDOW * len(first) // kept.x.nbytes, *MIXED))
        return cls(source, reading, as_bytes(kept) if reading.form == "image" else kept, steps, mixed)

    def batches(
        self, device: torch.device, size: int, seed: int | None = None, share: tuple[int, int] = (0, 1), *, apart: bool = True
    ) -> "Passing":
        """Batches to learn from. size, seed, share: see `Resident`. apart: leave out the examples that are held."""
        return Passing(self, device, size, seed, share, apart)

    def parts(self, rows: int = HELD) -> Iterator[Array]:
        """All examples in order, so many at a time: to be transformed, or scored."""
        examples = iter(self.source)
        while some := list(islice(examples, rows)):
            yield self.rows(some)

    def rows(self, examples: Sequence[Example]) -> Array:
        """Examples as an array (B, *E) of numbers like those held. Raises DataError."""
        found = self.reading.rows(examples)
        check_finite(found, missing=self.held.spec.missing)
        return found


class Passing(Batches):
    """Batches of a stream. `rows` of a batch are places in the pass: an example that passes by has no number.

    An epoch is one pass; or `steps` batches, the next one beginning where it ended, over as many passes as that takes. How
    many batches a pass has is known once there was one; before, `len` is as large as can be, and schedules within the first
    epoch stand still. An epoch begun later passes over what comes before it, undecoded.
    """

    def __init__(
        self, stream: Stream, device: torch.device, size: int, seed: int | None, share: tuple[int, int], apart: bool
    ) -> None:
        self.stream, self.device, self.size, self.seed, self.share, self.apart = stream, device, size, seed, share, apart
        self.counted: int | None = None  # batches of a pass
        self.reached: tuple[int, Iterator[_Whole]] = (-1, iter(()))  # batches given so far, and those that follow

    def __len__(self) -> int:
        return self.stream.steps or self.counted or sys.maxsize

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        whole = self._pass(number, start) if self.stream.steps is None else self._steps(number, start)
        with closing(ahead(map(self._read, whole), AHEAD)) as ready:
            for own, raw, rows in ready:
                yield own.batch(raw.to(self.device, non_blocking=True), rows.to(self.device))

    def _pass(self, number: int, start: int = 0) -> Iterator["_Whole"]:
        """The whole batches of one pass, from the one numbered `start` on."""
        source = self.stream.source.skip(len(self.stream.held)) if self.apart else self.stream.source
        if self.seed is not None:
            source = source.shuffle(seed=self.seed, buffer_size=self.stream.mixed)
            source.set_epoch(number)
        examples = islice(source, start * self.size, None)
        for index in count(start):
            batch = list(islice(examples, self.size))
            lonely = len(batch) == 1 and self.seed is not None and self.size > 1 and index > 0
            if not batch or lonely:
                break
            yield index * self.size, batch
        if index == 0:
            raise DataError(
                f"the stream has no examples but the {len(self.stream.held)} that are held to choose the best weights on. "
                "Hold fewer: Stream.of(…, held=…); or fit with validation=0."
            )
        if index > start or start == 0:
            self.counted = index

    def _steps(self, number: int, start: int) -> Iterator["_Whole"]:
        """The batches of an epoch of `steps`, from the one numbered `start` on."""
        assert self.stream.steps is not None
        wanted = (number - 1) * self.stream.steps + start
        reached, following = self.reached
        if reached != wanted:
            following = islice(self._passes(), wanted, None)
        for index in range(self.stream.steps - start):
            batch = next(following)
            self.reached = (wanted + index + 1, following)
            yield batch

    def _passes(self) -> Iterator["_Whole"]:
        for number in count(1):
            yield from self._pass(number)

    def _read(self, whole: "_Whole") -> tuple[Own, torch.Tensor, torch.Tensor]:
        """This process's part of a batch, decoded. Runs in the thread."""
        first, examples = whole
        own = Own.of(len(examples), self.share)
        raw = as_tensor(self.stream.rows(examples[own.part]))
        rows = torch.arange(first + own.part.start, first + own.part.stop)
        return own, raw.pin_memory() if self.device.type == "cuda" else raw, rows


_Whole = tuple[int, list[Example]]  # the place in the pass of a batch's first example, and its examples
