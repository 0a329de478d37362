"""Learning, an epoch at a time: a generator that prints nothing and calls no one back.

Who iterates decides what to do between epochs: draw a bar, stop early, save. However the iteration ends (to the end, by
closing the generator, by an exception), the model is left with the best weights seen.
"""

import math
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor
from torch.amp import GradScaler

from latentwalk.chance import covered, lent, part_of
from latentwalk.data.batches.batch import Batch, Batches
from latentwalk.errors import CheckpointError, ConfigError, TrainingError
from latentwalk.models.collapse import ACTIVE
from latentwalk.models.latent_model import LatentModel, Learner
from latentwalk.models.objective import Objective, Terms
from latentwalk.models.start import begin_anew
from latentwalk.networks.layers import clip_norms
from latentwalk.networks.line import EncoderLine
from latentwalk.training.checkpoints import Checkpoints
from latentwalk.training.group import ALONE, Group
from latentwalk.training.history import Epoch
from latentwalk.training.mean import Mean, wide
from latentwalk.training.optimise import (
    Average,
    Guard,
    optimiser_named,
    rate_share,
    set_rate,
)
from latentwalk.training.pace import Pace, Pacing
from latentwalk.training.plan import Plan
from latentwalk.training.precision import quickest
from latentwalk.training.rescue import Broken, breakdown, finite
from latentwalk.training.runtime import autocast, quick, roomy
from latentwalk.training.state import Place, Snapshot, State
from latentwalk.training.step import Step

__all__ = ["train"]

RESCUES = 5  # times that training is taken back, in all
SLOWER = 0.25  # what the learning rate is multiplied with each time
AGREE = 50  # steps after which several processes ask the first one whether to save or stop
GO_ON, SAVE, STOP = 0, 1, 2


def train(
    model: Learner,
    objective: Objective,
    batches: Batches,
    plan: Plan,
    validation: Batches | None = None,
    *,
    going_on: bool = False,
    keeper: Checkpoints | None = None,
    start: Snapshot | None = None,
    group: Group = ALONE,
    asked: Callable[[], bool] = lambda: False,
    lending: bool = False,
    paced: Callable[[Pace], None] | None = None,
) -> Generator[Epoch]:
    """Train `model` in place, yielding after each epoch.

    batches: raw training data, shuffled anew each epoch. validation: raw data the best weights are chosen on; the training
    loss decides where there is none. going_on: the model says something already; new weights must do better than its own on the
    validation data to replace them. keeper: writes checkpoints on the way. start: one of those, to begin from. group: the
    processes that train together. asked: whether to stop; looked at between two steps. lending: whether something in a step
    draws from PyTorch's own generators (see `chance.lent`). paced: told once, after the first steps, how fast it goes.
    Raises TrainingError when the loss, or a weight, stops being a finite number and lower rates do not help.
    """
    model.train()
    if plan.max_norm is not None and start is None:
        clip_norms(model, plan.max_norm)  # the weights there are may be the best there will be
    step = _step(model, objective, plan, group)
    drawing = partial(lent, step.learnt[0].device) if lending else nullcontext
    precision = quickest(step, batches, drawing) if start is None else start.place.precision or step.precision
    step = replace(step, precision=precision)
    state = State(step, Place(precision=precision))
    run = _Run(state, batches, validation, plan, keeper, asked, drawing, paced)
    if start is not None:
        _restore(run.state, start, group)
    elif going_on and validation is not None:
        with quick():
            run.state.place.best = run.measured(validation, 0)[0]
    try:
        with roomy():
            yield from run.epochs()
    finally:
        model.load_state_dict(run.state.best)
        model.eval()


def _restore(state: State, start: Snapshot, group: Group) -> None:
    try:
        state.restore(start, leads=group.leads)
    except (KeyError, TypeError, ValueError, RuntimeError, IndexError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error).splitlines()[0]
        raise CheckpointError(f"the checkpoint does not fit this training: {reason}. Begin anew in another folder.") from error


def _step(model: Learner, objective: Objective, plan: Plan, group: Group) -> Step:
    settings = plan.settings
    learnt = [weight for weight in model.parameters() if weight.requires_grad]
    device = learnt[0].device
    if settings.precision != "auto":
        autocast(settings.precision, device)  # raises for one that the device does not have
    if settings.minutes is not None and group.size > 1:
        raise ConfigError("minutes= is for one process, whose clock decides. Say epochs= under torchrun.")
    if settings.compile and group.size > 1:
        raise ConfigError("compile=True is for one process. Leave it out under torchrun.")
    lines = [part for part in model.modules() if isinstance(part, EncoderLine)]
    average = Average.of(settings.ema, learnt)
    after: list[Callable[[], None]] = []
    if plan.max_norm is not None:
        after.append(partial(clip_norms, model, plan.max_norm))
    return Step(
        model,
        objective,
        optimiser_named(
            settings.optimizer,
            learnt,
            plan.learning_rate,
            settings.weight_decay,
            light=settings.precision != "float16",
            compiled=settings.compile,
            paces={line.slope: line.pace for line in lines if line.slope is not None},
        ),
        draws=plan.draws,
        corruption=plan.corruption,
        precision=settings.precision,
        accumulate=settings.accumulate,
        guard=Guard.of(settings.clip, settings.skip, device),
        after=tuple(after),
        average=average,
        scaler=GradScaler(device.type) if settings.precision == "float16" else None,
        group=group,
    )


class _Run:
    """One training: the state that changes, and what it works with."""

    def __init__(
        self,
        state: State,
        batches: Batches,
        validation: Batches | None,
        plan: Plan,
        keeper: Checkpoints | None,
        asked: Callable[[], bool],
        drawing: Callable[[], AbstractContextManager[object]],
        paced: Callable[[Pace], None] | None,
    ) -> None:
        self.state, self.step, self.group = state, state.step, state.step.group
        self.batches, self.validation, self.plan = batches, validation, plan
        self.keeper, self.asked = keeper, asked
        self.pacing = None if paced is None else Pacing(paced)
        self.limit = math.inf if plan.settings.minutes is None else 60 * plan.settings.minutes
        self.judging = 0.0  # seconds that the last look at the validation rows took
        self.drawing = drawing
        settings = plan.settings
        self.take: Callable[[Batch, float], Terms] = self.step.compiled() if settings.compile else self.step
        self.watching = self.step.learnt[0].device.type == "cpu" and self.group.size == 1  # looking at a number costs nothing
        self.steady = settings.learning_schedule == "constant" and not settings.warmup and settings.minutes is None

    def epochs(self) -> Generator[Epoch]:
        """Train until all epochs are done, patience ends or someone asks to stop; save at the end."""
        good = self.state.snapshot()
        self._save()  # from now on there is something to go on from
        set_rate(self.step.optimiser, self._rate(0.0))
        while not self._finished():
            try:
                with quick():
                    if not self._pass():
                        break
                    epoch = self._judged()
            except Broken as broken:
                self._take_back(good, broken)
                continue
            good = self.state.snapshot()
            if self.keeper is not None:
                self.keeper.record(epoch)
            yield epoch
            if self._pausing():
                break
        self._save()

    def measured(self, batches: Batches, number: int) -> tuple[float, dict[str, float], int | None]:
        """Loss, terms and active units on rows that are not trained on, every schedule at its end."""
        mean = Mean()
        self.step.model.eval()
        with torch.no_grad():
            for batch in batches.epoch(number):
                with part_of(batch.first, len(batch), batch.total), self.drawing():
                    p, terms = self.step.terms(batch.raw, given=batch.given)
                mean.add(terms, counted=batch.counted)
                codes = wide(p.posterior.mean)
                mean.add_sum("code", codes.sum(0), int(batch.counted))
                mean.add_sum("square", codes.square().sum(0), int(batch.counted))
        self.step.model.train()
        means = dict(mean.total(self.group).means())
        variance = means.pop("square") - means.pop("code").square()
        loss, named = _numbers(means)
        return loss, named, int((variance > ACTIVE).sum())

    # ------------------------------------------------------------------ an epoch

    def _pass(self) -> bool:
        """Take the steps of the present epoch that are not done yet; False where someone asked to stop."""
        place, mean = self.state.place, self.state.mean
        start = time.perf_counter() - place.elapsed
        for batch in self.batches.epoch(place.epoch, place.index):
            now = place.epoch - 1 + place.index / len(self.batches)
            if self._pretrained():
                self._renew()
            if not self.steady:
                set_rate(self.step.optimiser, self._rate(now))
            self.step.model.trained_for(self._share(now))
            with self.drawing():
                terms = self.take(batch, now)
            mean.add(terms, counted=batch.counted)
            place.index += 1
            self._average()
            if self.watching and not math.isfinite(terms.loss.detach()):
                raise Broken
            place.elapsed = time.perf_counter() - start
            if self.pacing is not None:
                self._pace()
            if place.spent + place.elapsed + self.judging >= self.limit:
                break
            if place.index < len(self.batches) and self._pausing():
                return False
        if self.group.device.type == "cuda":
            torch.cuda.synchronize(self.group.device)  # once an epoch: what was asked for is not yet what was done
            place.elapsed = time.perf_counter() - start
        return True

    def _average(self) -> None:
        """Take the weights into their average, where it is time to."""
        average, index = self.step.average, self.state.place.index
        if average is not None and (not index % average.every or index == len(self.batches)):
            average.update(index % average.every or average.every)

    def _pretrained(self) -> bool:
        """Whether the next step is the first one after pretraining."""
        steps = round(self.plan.pretraining * len(self.batches))
        return steps > 0 and (self.state.place.epoch - 1) * len(self.batches) + self.state.place.index == steps

    def _renew(self) -> None:
        """Let the decoder begin anew, and the search for the best weights with it."""
        assert isinstance(self.step.model, LatentModel), "only codes of single examples are learnt beforehand"
        with covered():
            begin_anew(self.step.model.decoder)
        for weight in self.step.model.decoder.parameters():
            self.step.optimiser.state.pop(weight, None)
        if self.step.average is not None:
            for value, weight in zip(self.step.average.values, self.step.average.weights, strict=True):
                value.copy_(weight.detach())
        self.state.place.best, self.state.place.stale = math.inf, 0

    def _judged(self) -> Epoch:
        """What came of the epoch whose steps are done; the next one is then the present one."""
        place = self.state.place
        total = self.state.mean.total(self.group)
        loss, terms = _numbers(dict(total.means()))
        if not finite([weight.detach() for weight in self.step.learnt]):
            raise Broken
        start = time.perf_counter()
        unseen, unseen_terms, active = self._on_validation(place.epoch)
        judged = loss if unseen is None else unseen
        better = judged < place.best
        if better:
            place.best, self.state.best = judged, self.state.weights()
        place.stale = 0 if better else place.stale + 1
        self.judging = time.perf_counter() - start
        seconds, rate = place.elapsed + self.judging, total.rows / max(place.elapsed, 1e-9)
        now = place.epoch - 1 + max(place.index - 1, 0) / len(self.batches)
        epoch = Epoch(
            place.epoch, loss, unseen, terms, unseen_terms, better, seconds, rate, active, self._rate(now), place.rescues
        )
        place.history.append(epoch)
        place.epoch, place.index, place.elapsed, place.spent = place.epoch + 1, 0, 0.0, place.spent + seconds
        self.state.mean = Mean()
        return epoch

    def _on_validation(self, number: int) -> tuple[float | None, dict[str, float], int | None]:
        if self.validation is None:
            return None, {}, None
        with self.step.judged():
            return self.measured(self.validation, number)

    def _rate(self, now: float) -> float:
        plan = self.plan
        share = rate_share(plan.settings.learning_schedule, plan.settings.warmup, plan.epochs, now, self._timed())
        return plan.learning_rate * share * self.state.place.slower

    def _timed(self) -> float | None:
        """The share of a limited time that is over; None where it is not limited."""
        place = self.state.place
        return None if self.plan.settings.minutes is None else (place.spent + place.elapsed) / self.limit

    def _share(self, now: float) -> float:
        """The share of the training that is over: of its epochs or of its time, whichever is more."""
        return min(1.0, max(now / self.plan.epochs, self._timed() or 0.0))

    def _finished(self) -> bool:
        place, patience = self.state.place, self.plan.patience
        stale = patience is not None and place.stale >= patience
        return place.epoch > self.plan.epochs or stale or place.spent + self.judging >= self.limit

    def _pace(self) -> None:
        """Say how fast it goes, once that can be told."""
        assert self.pacing is not None
        place, steps = self.state.place, len(self.batches)
        if self.pacing.ticked(place.index, steps, self.group.device):
            self.pacing.say(steps, self.plan.epochs - place.epoch + 1, self.limit - place.spent)
            self.pacing = None

    # ------------------------------------------------------------------ between two steps

    def _pausing(self) -> bool:
        """Save, if it is time to; whether to stop, because someone asked. Several processes do what the first one says."""
        if self.group.size > 1 and self.state.place.index % AGREE:
            return False
        due = self.keeper is not None and self.keeper.due()
        wish = self.group.told(STOP if self.asked() else SAVE if due else GO_ON)
        if wish == SAVE:
            self._save()
        return wish == STOP

    def _save(self) -> None:
        """Write a checkpoint, where one is wanted. Every process of a group must come here."""
        total = self.state.mean.total(self.group)
        if self.keeper is not None and self._well(total):
            self.keeper.write(self.state.snapshot(total))

    def _well(self, mean: Mean) -> bool:
        """Whether the state is one to go back to. If not, the next look at the loss will tell."""
        sums = list(mean.sums.values())
        return finite([weight.detach() for weight in self.step.learnt]) and (not sums or finite(sums))

    def _take_back(self, good: Snapshot, broken: Broken) -> None:
        """Be again as when all was well, and go on more slowly. Raises TrainingError when that was tried often enough."""
        rescues, slower = self.state.place.rescues + 1, self.state.place.slower * SLOWER
        spent = self.state.place.spent + self.state.place.elapsed
        self.state.restore(good, leads=self.group.leads)
        if rescues > RESCUES:
            raise TrainingError(self._complaint()) from broken
        self.state.place.rescues, self.state.place.slower, self.state.place.spent = rescues, slower, spent
        set_rate(self.step.optimiser, self._rate(0.0))

    def _complaint(self) -> str:
        place = self.state.place
        epoch, index = place.epoch, place.index
        finding = None
        if self.group.size == 1:
            with quick(), self.drawing():
                finding = breakdown(
                    self.step, self.batches, epoch, index, lambda now: set_rate(self.step.optimiser, self._rate(now))
                )
        return (
            f"training broke down in epoch {epoch}, {finding or 'and the loss is no number'}. It was taken back to its last "
            f"good state {RESCUES} times, each time with a lower learning rate, in vain. The best weights so far are kept. Try "
            "a lower learning_rate, clip=1.0, precision='float32', or look for extreme values in these rows."
        )


def _numbers(means: dict[str, Tensor]) -> tuple[float, dict[str, float]]:
    """The loss and the named terms. Raises Broken where one is no number."""
    numbers = {name: float(mean) for name, mean in means.items()}
    if not all(math.isfinite(number) for number in numbers.values()):
        raise Broken
    return numbers.pop("loss"), numbers
