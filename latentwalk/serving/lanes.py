"""Threads that do what requests ask for, one thing after the other.

A queue has an end: who comes when it is full is told so, and when to come again. Small jobs of one kind are done together:
while the model is busy others arrive, and the next round takes them all. Nobody waits for company.
"""

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from latentwalk.arrays import Array
from latentwalk.errors import LatentwalkError

__all__ = ["Lane", "Late", "Saturated"]

Answers = tuple[Array, ...]
SHORTEST = 1  # seconds after which one who was turned away is told to come again


class Saturated(LatentwalkError, RuntimeError):
    """More is asked for than can be done. again: in so many seconds it may be tried once more."""

    def __init__(self, message: str, again: int = SHORTEST) -> None:
        super().__init__(message)
        self.again = again


class Late(Saturated):
    """What was asked for was not done in time."""


@dataclass(slots=True, eq=False)
class _Job:
    """Something to do. key: jobs of one key may be done together, by `work` on their rows one below the other."""

    work: Callable[..., Any]
    key: Hashable = None
    rows: Answers = ()
    future: "Future[Any]" = field(default_factory=Future)

    @property
    def size(self) -> int:
        return len(self.rows[0]) if self.rows else 0


class Lane:
    """One thread, begun when it is first needed, and a queue of at most `most` jobs.

    batch: rows of jobs that are done together.
    """

    def __init__(self, name: str, most: int, batch: int = 1) -> None:
        self.name, self.most, self.batch = name, most, batch
        self._jobs: deque[_Job] = deque()
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._pace = 0.0  # seconds a job, smoothed
        self.rows_done = self.calls_done = 0

    @property
    def waiting(self) -> int:
        """Jobs that are not begun."""
        return len(self._jobs)

    async def do(self, work: Callable[[], Any], patience: float) -> Any:
        """What `work` gives, done in the lane's thread. Raises what it raises; Saturated; Late after `patience` seconds."""
        return await self._answer(_Job(work), patience)

    async def rows(self, work: Callable[..., Answers], key: Hashable, rows: Answers, patience: float) -> Answers:
        """What `work` answers to arrays (n, …), as arrays (n, …). Calls under one key are one call, where they are small."""
        found: Answers = await self._answer(_Job(work, key, rows), patience)
        return found

    def close(self, patience: float | None = None) -> None:
        """Do nothing more: what waits is turned away, what is begun is ended. Waits for that, at most so many seconds."""
        with self._change:
            self._closed = True
            left, self._jobs = list(self._jobs), deque()
            self._change.notify()
        for job in left:
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(Saturated("the server is closing."))
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(patience)

    # ------------------------------------------------------------------ asked, in the loop's thread

    async def _answer(self, job: _Job, patience: float) -> Any:
        self._put(job)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(job.future), patience)
        except TimeoutError:
            raise Late(f"this was not done in {patience:g} seconds: the model is busy. Ask for less, or later.") from None

    def _put(self, job: _Job) -> None:
        with self._change:
            if self._closed:
                raise Saturated("the server is closing.")
            if len(self._jobs) >= self.most:
                again = max(SHORTEST, math.ceil(self._pace * len(self._jobs)))
                raise Saturated(f"{len(self._jobs)} requests wait for this model already. Try again in {again} s.", again)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"latentwalk-{self.name}", daemon=True)
                self._thread.start()
            self._jobs.append(job)
            self._change.notify()

    # ------------------------------------------------------------------ done, in its own

    def _work(self) -> None:
        while (jobs := self._next()) is not None:
            start = time.perf_counter()
            self._do(jobs)
            self.rows_done += sum(job.size for job in jobs)
            self.calls_done += 1
            self._pace += 0.1 * ((time.perf_counter() - start) / max(1, len(jobs)) - self._pace)

    def _next(self) -> list[_Job] | None:
        """The job that has waited longest and those of its kind that are done with it; None once the lane is closed."""
        with self._change:
            self._change.wait_for(lambda: self._jobs or self._closed)
            if self._closed:
                return None
            first = self._jobs.popleft()
            together, size = [first], first.size
            if first.key is not None:
                for job in [one for one in self._jobs if one.key == first.key]:
                    if size + job.size > self.batch:
                        break
                    together.append(job)
                    size += job.size
                self._jobs = deque(one for one in self._jobs if one not in together)
        return [job for job in together if job.future.set_running_or_notify_cancel()]

    def _do(self, jobs: Sequence[_Job]) -> None:
        try:
            answers = _together(jobs)
        except BaseException as error:
            if len(jobs) == 1:
                jobs[0].future.set_exception(error)
                return
            for job in jobs:  # one of them is at fault, and the others are not to hear of it
                self._do([job])
            return
        for job, answer in zip(jobs, answers, strict=True):
            job.future.set_result(answer)


def _together(jobs: Sequence[_Job]) -> list[Any]:
    """The answer to each job, from one call."""
    if not jobs:
        return []
    if len(jobs) == 1:
        return [jobs[0].work(*jobs[0].rows)]
    answers = jobs[0].work(*(np.concatenate(parts) for parts in zip(*(job.rows for job in jobs), strict=True)))
    ends = np.cumsum([job.size for job in jobs])
    return [tuple(one[end - job.size : end] for one in answers) for job, end in zip(jobs, ends, strict=True)]
