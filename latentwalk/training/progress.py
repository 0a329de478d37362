"""A progress bar around epochs: rate, loss and time left, on a terminal; silence anywhere else."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from latentwalk.training.history import Epoch

__all__ = ["with_progress"]


def with_progress(epochs: Iterable[Epoch], total: int, done: int = 0, title: str = "training") -> Iterator[Epoch]:
    """The same epochs, drawn as a bar on standard error while it is a terminal; `done` of `total` are behind us."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield from epochs
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("epoch {task.completed}/{task.total} · {task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=total, completed=done, note="starting")
        for epoch in epochs:
            loss = epoch.loss if epoch.validation_loss is None else epoch.validation_loss
            bar.update(task, advance=1, note=f"{loss:,.2f} nats · {epoch.rate:,.0f} examples/s")
            yield epoch
