"""When a loss is no number any more: where it began.

A step is taken back by restoring the last good state, and the rate lowered; that is the loop's work. If it does not help, the
steps since that state are taken once more here, each watched, until the one is found that goes wrong. The same state, the same
batches and the same noise give the same steps, so nothing has to be watched while all is well.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from latentwalk.data.batches.batch import Batch, Batches
from latentwalk.models.objective import Terms
from latentwalk.training.step import Step

__all__ = ["Breakdown", "Broken", "breakdown", "finite"]

LISTED = 5  # rows named one by one


class Broken(Exception):  # it never leaves the loop
    """A loss, or a weight, is not a finite number."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Where training broke down. index: of the batch. what: the term, and its value. rows: of the data. layer: where first."""

    index: int
    what: str
    rows: tuple[int, ...] = ()
    layer: str | None = None

    def __str__(self) -> str:
        rows = ", ".join(map(str, self.rows[:LISTED])) + (
            f" and {len(self.rows) - LISTED} more" if len(self.rows) > LISTED else ""
        )
        parts = [f"step {self.index + 1}: {self.what}"]
        parts += [f"for row{'s' * (len(self.rows) > 1)} {rows} of the data"] if self.rows else []
        parts += [f"first in the layer {self.layer}"] if self.layer else []
        return ", ".join(parts)


def finite(weights: list[Tensor]) -> bool:
    """Whether all these weights are finite numbers."""
    return bool(torch.stack(torch._foreach_norm(weights)).isfinite().all())


def breakdown(step: Step, batches: Batches, epoch: int, start: int, prepare: Callable[[float], None]) -> Breakdown | None:
    """Take the steps of `epoch` from batch `start` on, until one goes wrong. None where none does.

    The step's state is the one at `start`. prepare: sets what depends on the time in epochs, as the loop does.
    """
    for index, batch in enumerate(batches.epoch(epoch, start), start):
        now = epoch - 1 + index / len(batches)
        prepare(now)
        with _watched(step.model) as seen:
            _, terms = step.terms(batch.raw, now, batch.given)
        if found := _in_terms(terms, batch, index, seen[0] if seen else None):
            return found
        step.optimiser.zero_grad(set_to_none=True)
        terms.loss.backward()
        for name, weight in step.model.named_parameters():
            if weight.grad is not None and not bool(weight.grad.isfinite().all()):
                return Breakdown(index, "the loss is a number, but its gradient is not", layer=name.rpartition(".")[0])
        step.move()
    return None


def _in_terms(terms: Terms, batch: Batch, index: int, layer: str | None) -> Breakdown | None:
    for name, values in terms.values.items():
        bad = ~values.detach().isfinite()
        if bool(bad.any()):
            rows = tuple(int(row) for row in batch.rows[bad.to(batch.rows.device)])
            return Breakdown(index, f"`{name}` is {float(values.detach()[bad][0])}", rows, layer)
    loss = float(terms.loss.detach())
    return None if math.isfinite(loss) else Breakdown(index, f"`loss` is {loss}", layer=layer)


@contextmanager
def _watched(model: nn.Module) -> Iterator[list[str]]:
    """Inside, the names of layers that answer with something that is no number, in the order in which they do."""
    seen: list[str] = []

    def watch(name: str, kind: str) -> Callable[..., None]:
        def look(module: nn.Module, given: Any, answer: Any) -> None:
            if isinstance(answer, Tensor) and not bool(answer.isfinite().all()):
                seen.append(f"{name} ({kind})")

        return look

    leaves = ((name, layer) for name, layer in model.named_modules() if not any(layer.children()))
    hooks = [layer.register_forward_hook(watch(name, type(layer).__name__)) for name, layer in leaves if name != "scaling"]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
