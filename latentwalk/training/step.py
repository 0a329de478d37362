"""One step of gradient descent, and the same measurement without the step."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.nn.parallel import DistributedDataParallel

from latentwalk.chance import part_of, random_state, set_random_state
from latentwalk.data.batches.batch import Batch
from latentwalk.data.corruption import Corruption
from latentwalk.models.latent_model import Learner, Pass
from latentwalk.models.objective import Objective, Terms
from latentwalk.models.schedule import Time
from latentwalk.networks.layers import channels_last
from latentwalk.training.group import ALONE, Group
from latentwalk.training.optimise import Average, Guard
from latentwalk.training.runtime import autocast

__all__ = ["Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """A batch in, weights moved, terms out.

    draws: codes drawn for each input.
    corruption: spoils the input; its clean version stays the target.
    precision: see `Settings`.
    accumulate: how many parts a batch is worked on in, one after the other; the step is that of the whole batch.
    guard: see `optimise`.
    after: what is done, in this order, once weights have moved.
    average: of the weights, which is then what is judged and kept; see `optimise`. It is for others to take weights into it.
    scaler: of the loss, for float16.
    group: the processes that share each batch.
    """

    model: Learner
    objective: Objective
    optimiser: torch.optim.Optimizer
    draws: int = 1
    corruption: Corruption | None = None
    precision: str = "float32"
    accumulate: int = 1
    guard: Guard | None = None
    after: tuple[Callable[[], None], ...] = ()
    average: Average | None = None
    scaler: GradScaler | None = None
    group: Group = ALONE
    learnt: Sequence[nn.Parameter] = field(init=False)
    wrapped: nn.Module = field(init=False)  # what gradients are taken of

    def __post_init__(self) -> None:
        object.__setattr__(self, "learnt", [weight for weight in self.model.parameters() if weight.requires_grad])
        object.__setattr__(self, "wrapped", self.group.wrapped(self.model))

    def __call__(self, batch: Batch, now: Time) -> Terms:
        """One step on this process's part of a batch, at this time in epochs; the terms of its rows."""
        if self.accumulate == 1 and len(batch) == batch.total:
            return self.alone(batch.raw, now, batch.given)
        self.optimiser.zero_grad(set_to_none=True)
        parts = batch.split(self.accumulate)
        before = random_state(batch.raw.device)
        terms = []
        for part in parts:
            set_random_state(before, batch.raw.device)  # each draws the noise of the whole batch, and uses its own rows'
            with part_of(part.first, len(part), part.total), self._syncing(part is parts[-1]):
                found = self.terms(part.raw, now, part.given)[1]
                weight = self.group.size * len(part) / part.total if batch.counted else 0.0  # processes are averaged over
                loss = weight * found.loss
                (loss if self.scaler is None else self.scaler.scale(loss)).backward()
            terms.append(found)
        self.move()
        return _joined(terms, [len(part) for part in parts])

    def alone(self, raw: Tensor, now: Time, given: Tensor | None = None) -> Terms:
        """One step on a whole batch of raw data (B, *E), and conditions (B, C)."""
        _, terms = self.terms(raw, now, given)
        self.optimiser.zero_grad(set_to_none=True)
        # Here, and not in a function: `torch.compile` would look for the gradient of a loss handed to one, and warn.
        (terms.loss if self.scaler is None else self.scaler.scale(terms.loss)).backward()
        self.move()
        return terms

    def terms(self, raw: Tensor, now: Time = None, given: Tensor | None = None) -> tuple[Pass, Terms]:
        """The pass and the terms of raw data, weights untouched. Without a time, every schedule is at its end."""
        x = channels_last(self.model.scaling(raw))
        seen = x if self.corruption is None else self.corruption(x)
        model = self.wrapped if torch.is_grad_enabled() else self.model
        with autocast(self.precision, raw.device):
            p = model(seen, x, self.draws, given)
        return p, self.objective(p, now)

    def compiled(self) -> Callable[[Batch, float], Terms]:
        """The whole step, optimiser and all, through `torch.compile`; on a GPU as CUDA graphs.

        Time goes in as a tensor: a float would be a constant of the program, and every step would compile a new one.
        """
        cuda = self.learnt[0].device.type == "cuda"
        take = torch.compile(self.alone, mode="reduce-overhead" if cuda else None)

        def step(batch: Batch, now: float) -> Terms:
            if cuda:
                torch.compiler.cudagraph_mark_step_begin()
            terms = take(batch.raw, torch.tensor(now, device=batch.raw.device), batch.given)
            # The graph's outputs are overwritten by its next run.
            return Terms({name: value.clone() for name, value in terms.values.items()}, terms.loss.clone()) if cuda else terms

        return step

    def move(self) -> None:
        """Use the gradients."""
        if self.scaler is not None:
            self.scaler.unscale_(self.optimiser)
            if self.guard is not None and self.guard.clip is not None:
                nn.utils.clip_grad_norm_(self.learnt, self.guard.clip)
            self.scaler.step(self.optimiser)
            self.scaler.update()
        elif self.guard is not None:
            self.guard(self.learnt, self.optimiser)
        else:
            self.optimiser.step()
        for act in self.after:
            act()

    def judged(self) -> AbstractContextManager[object]:
        """Inside, the model has the weights that are judged and kept: the average, where there is one."""
        return nullcontext() if self.average is None else self.average.in_place()

    def _syncing(self, last: bool) -> AbstractContextManager[object]:
        """Gradients of several parts are averaged over processes once, with the last part's."""
        return nullcontext() if last or not isinstance(self.wrapped, DistributedDataParallel) else self.wrapped.no_sync()


def _joined(terms: list[Terms], rows: list[int]) -> Terms:
    """The terms of all parts: values one after the other, the loss their mean over rows."""
    if len(terms) == 1:
        return terms[0]
    values = {name: torch.cat([part.values[name] for part in terms]) for name in terms[0].values}
    loss = torch.stack([part.loss.detach() * count for part, count in zip(terms, rows, strict=True)]).sum() / sum(rows)
    return Terms(values, loss)
