"""How far epochs, or other long steps, have come: a bar on a terminal; anywhere else a plain line now and then.

What is done in seconds says nothing. What takes longer says beforehand how long, and then, where there is no bar to see it by,
how much of that is left, twice a minute.
"""

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from latentwalk.checks import duration
from latentwalk.plain import plain
from latentwalk.training.history import Epoch
from latentwalk.training.pace import FAR, Pace

__all__ = ["foretold", "progressed", "with_practice", "with_progress"]

Step = TypeVar("Step")
REMEMBERED = 3600.0  # seconds over which the time of a step is averaged: steps may take minutes
LONG, EVERY = 5.0, 30.0  # seconds that are worth a word beforehand; and between two lines where there is no terminal


def _say(text: object) -> None:
    """A line on standard error."""
    print(plain(text), file=sys.stderr, flush=True)


def foretold(pace: Pace) -> None:
    """Say on standard error how long a training will take, where that is long."""
    if pace.seconds >= LONG:
        _say(pace)


def with_progress(
    epochs: Iterable[Epoch], total: int, done: int = 0, title: str = "training", limit: float | None = None
) -> Iterator[Epoch]:
    """The same epochs, with a bar or lines on standard error; `done` of `total` are behind us. limit: seconds there are."""
    return progressed(epochs, total, done, title=title, unit="epoch", said=_said, limit=limit)


def with_practice(rounds: Iterable[float], steps: int, each: int, limit: float = math.inf) -> Iterator[float]:
    """The same rounds of `each` steps of `practise`, with a bar or lines; after the first, how long all will take.

    limit: seconds there are.
    """

    def told() -> Iterator[float]:
        start = time.perf_counter()
        for number, error in enumerate(rounds, start=1):
            whole = min((time.perf_counter() - start) * steps / each, limit)
            if number == 1 and whole >= LONG:
                _say(f"about {duration(whole)} more, in which a network learns to take noise away")
            yield error

    return progressed(
        told(),
        steps,
        title="noise",
        unit="step",
        said=lambda error: f"{error:.1f} dB",
        size=lambda _: each,
        limit=limit if limit < math.inf else None,
    )


def progressed(
    steps: Iterable[Step],
    total: int,
    done: int = 0,
    *,
    title: str,
    unit: str,
    said: Callable[[Step], str],
    size: Callable[[Step], int] | None = None,
    limit: float | None = None,
) -> Iterator[Step]:
    """The same steps, as a bar, or as lines where there is no terminal.

    said: what is written beside it once a step is done. size: of a step, in units. limit: seconds after which they end.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield from _told(steps, total, done, unit, said, size, limit)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn(unit + " {task.fields[done]} · {task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=console, transient=True, speed_estimate_period=REMEMBERED) as bar:
        start = time.perf_counter()
        task = bar.add_task(title, total=1.0, done=_counted(done, total, limit), note="starting")
        bar.update(task, completed=done / max(total, 1))
        for step in steps:
            done += 1 if size is None else size(step)
            timed = 0.0 if limit is None else min((time.perf_counter() - start) / max(limit, 1e-9), 1.0)
            share = max(done / max(total, 1), timed)
            bar.update(task, completed=share, done=_counted(done, total, limit), note=plain(said(step)))
            yield step


def _told(
    steps: Iterable[Step],
    total: int,
    done: int,
    unit: str,
    said: Callable[[Step], str],
    size: Callable[[Step], int] | None,
    limit: float | None,
) -> Iterator[Step]:
    """The same steps, with a line every half a minute: how far it is, and the time left."""
    start = last = time.perf_counter()
    first = done
    for step in steps:
        done += 1 if size is None else size(step)
        now = time.perf_counter()
        if now - last >= EVERY and done < total and (limit is None or now - start < limit):
            last, left = now, (now - start) / (done - first) * (total - done)
            left = left if limit is None else min(left, max(limit - (now - start), 0.0))
            _say(f"{unit} {_counted(done, total, limit)}: {said(step)}; about {duration(left)} left")
        yield step


def _counted(done: int, total: int, limit: float | None) -> str:
    """How many are done, and of how many, where there are not just as many as there is time for."""
    return f"{done:,}" if limit is not None and total > FAR else f"{done:,}/{total:,}"


def _said(epoch: Epoch) -> str:
    loss = epoch.loss if epoch.validation_loss is None else epoch.validation_loss
    return f"{loss:,.2f} nats · {epoch.rate:,.0f} examples/s"
