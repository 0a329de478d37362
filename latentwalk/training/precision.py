"""Which precision is the quicker one here: steps of each are timed before one is chosen, for processors differ by 14 times."""

import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import replace

import torch

from latentwalk.chance import part_of, random_state, set_random_state
from latentwalk.data.batches.batch import Batch, Batches
from latentwalk.errors import TrainingWarning
from latentwalk.training.runtime import quick
from latentwalk.training.step import Step

__all__ = ["quickest"]

TRIED = ("float32", "bfloat16")
ROUNDS = 3  # after one that is not timed
SLOW = 1.5  # times as long as float32: from here on it is worth a word


def quickest(step: Step, batches: Batches, drawing: Callable[[], AbstractContextManager[object]]) -> str:
    """The precision to train in, where `step.precision` is "auto" or "bfloat16": the faster one, or what was asked for.

    Who asked for bfloat16 gets it, and a warning where float32 is the faster. Both are timed in turn on the first batch, up to
    the gradients; weights, buffers and generators are then as they were.
    """
    if step.precision not in ("auto", "bfloat16"):
        return step.precision
    if step.group.size > 1:  # each would find another answer
        return "float32" if step.precision == "auto" else step.precision
    with closing(iter(batches.epoch(1))) as found:  # type: ignore[type-var]
        batch = next(found)
    seconds = dict(zip(TRIED, _timed(step, batch, drawing), strict=True))
    if step.precision == "auto":
        return min(TRIED, key=seconds.__getitem__)
    ratio = seconds["bfloat16"] / seconds["float32"]
    if ratio > SLOW:
        warnings.warn(
            f"a step in bfloat16 takes {ratio:.2g} times as long here as one in float32. precision='auto' takes the faster.",
            TrainingWarning,
            stacklevel=2,
        )
    return step.precision


def _timed(step: Step, batch: Batch, drawing: Callable[[], AbstractContextManager[object]]) -> list[float]:
    """Seconds of a step in each of `TRIED`, the quickest of some rounds."""
    device = batch.raw.device
    random, buffers = random_state(device), {name: value.clone() for name, value in step.model.named_buffers()}
    steps = [replace(step, precision=precision) for precision in TRIED]
    rounds = []
    try:
        for _ in range(1 + ROUNDS):
            rounds.append([_seconds(one, batch, drawing) for one in steps])
    finally:
        step.optimiser.zero_grad(set_to_none=True)
        for name, value in step.model.named_buffers():
            value.copy_(buffers[name])
        set_random_state(random, device)
    return [min(times) for times in zip(*rounds[1:], strict=True)]


def _seconds(step: Step, batch: Batch, drawing: Callable[[], AbstractContextManager[object]]) -> float:
    step.optimiser.zero_grad(set_to_none=True)
    start = time.perf_counter()
    with quick(), part_of(batch.first, len(batch), batch.total), drawing():
        step.terms(batch.raw, 0.0, batch.given)[1].loss.backward()
    if batch.raw.device.type == "cuda":
        torch.cuda.synchronize(batch.raw.device)
    return time.perf_counter() - start
