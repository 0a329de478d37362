"""A progress bar around epochs, or other long steps: rate, loss and time left, on a terminal; silence anywhere else."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from latentwalk.training.history import Epoch

__all__ = ["progressed", "with_progress"]

Step = TypeVar("Step")
REMEMBERED = 3600.0  # seconds over which the time of a step is averaged: steps may take minutes


def with_progress(epochs: Iterable[Epoch], total: int, done: int = 0, title: str = "training") -> Iterator[Epoch]:
    """The same epochs, drawn as a bar on standard error while it is a terminal; `done` of `total` are behind us."""
    return progressed(epochs, total, done, title=title, unit="epoch", said=_said)


def progressed(
    steps: Iterable[Step],
    total: int,
    done: int = 0,
    *,
    title: str,
    unit: str,
    said: Callable[[Step], str],
    size: Callable[[Step], int] | None = None,
) -> Iterator[Step]:
    """The same steps, as a bar; `said`: what is written beside it once a step is done. size: of a step, in units."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield from steps
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn(unit + " {task.completed:,}/{task.total:,} · {task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=console, transient=True, speed_estimate_period=REMEMBERED) as bar:
        task = bar.add_task(title, total=total, completed=done, note="starting")
        for step in steps:
            bar.update(task, advance=1 if size is None else size(step), note=said(step))
            yield step


def _said(epoch: Epoch) -> str:
    loss = epoch.loss if epoch.validation_loss is None else epoch.validation_loss
    return f"{loss:,.2f} nats · {epoch.rate:,.0f} examples/s"
