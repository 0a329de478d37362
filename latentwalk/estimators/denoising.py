"""After codes have been learnt, a network beside them learns to take noise away, where the recipe has one.

A code is narrow, so that it says what there is, and a walk among codes means something; noise wants the opposite, a way for
every pixel. So the two are apart: neither costs the other anything, and codes, walks and draws are what they would be without.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.chance import from_seed, seeded
from latentwalk.data.batches.batch import Batches
from latentwalk.data.batches.passing import Stream
from latentwalk.data.batches.windowed import batches_of, placed
from latentwalk.estimators.conditions import Conditions
from latentwalk.estimators.options import Options
from latentwalk.estimators.trained import Trained
from latentwalk.models.inference import guessed
from latentwalk.networks.denoiser import Denoiser, DenoiserShape
from latentwalk.networks.layers import channels_last
from latentwalk.training.denoising import ROUND, Practice, examples_a_step, log_error, practise
from latentwalk.training.group import Group
from latentwalk.training.pace import FAR
from latentwalk.training.plan import Plan
from latentwalk.training.progress import with_practice
from latentwalk.training.runtime import calculates_bfloat16
from latentwalk.training.settings import Settings

__all__ = ["Known", "plan_of_codes", "wants_denoiser", "with_denoiser"]

PRACTICE = {1: 6000, 2: 4000}  # steps in which a network learns to take noise away, by the number of sides of an example,
EPOCHS, ENOUGH = 8, 512  # and fewer where fewer epochs than this were asked for, or there are fewer examples to learn from
JUDGED = 256  # examples on which it is compared with what codes do
CODED = 0.5  # of a limited time, for the codes: the rest is for that network


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to learn from.

    x: (n, *E). told: what the model is told of its rows. stream: whose beginning they are. learn: the rows that are learnt
    from. validation: batches of the others.
    """

    x: Array
    told: Conditions | None
    stream: Stream | None
    learn: NDArray[np.int64]
    validation: Batches | None

    def batches(self, device: torch.device, size: int, seed: int) -> Batches:
        """Batches of `size` to learn from; each process of several sees all."""
        if self.stream is not None:
            return self.stream.batches(device, size, seed, apart=self.validation is not None)
        return batches_of(placed(self.x, device), device, size, seed, self.learn, given=self.told)


def wants_denoiser(trained: Trained) -> bool:
    """Whether a network is to learn, beside the codes, to take noise away."""
    return trained.recipe.denoiser and not trained.spec.form.columned


def plan_of_codes(plan: Plan, trained: Trained) -> Plan:
    """What the training of the codes is to do, where a limited time is for more than that."""
    if plan.settings.minutes is None or not wants_denoiser(trained):
        return plan
    return replace(plan, settings=replace(plan.settings, minutes=CODED * plan.settings.minutes))


def with_denoiser(
    options: Options,
    trained: Trained,
    known: Known,
    spent: float,
    seed: int,
    group: Group,
    asked: Callable[[], bool],
) -> Trained:
    """The same with a network that takes noise away, where on rows not learnt from it does so better than codes do.

    spent: seconds that codes took. asked: whether to stop.
    """
    corruption, size = trained.recipe.corruption, examples_a_step(trained.spec)
    assert corruption is not None
    limit, minutes = math.inf, options.settings.minutes
    passes = options.epochs / EPOCHS if options.epochs < EPOCHS or (minutes and options.epochs > FAR) else 1.0
    steps = max(1, round(PRACTICE[len(trained.spec.event) - 1] * passes * min(1.0, len(known.learn) / ENOUGH)))
    if minutes is not None:
        limit = max(60 * minutes - spent, 0.0)
    with seeded(seed):
        denoiser = copy.deepcopy(trained.denoiser) or Denoiser(DenoiserShape.usual(trained.spec))
    denoiser = denoiser.to(group.device)
    batches = known.batches(group.device, size, seed)
    precision = options.settings.precision
    if precision in (Settings().precision, "auto"):
        precision = "bfloat16" if calculates_bfloat16(group.device) else "float32"
    practice = Practice(steps, limit, precision)
    rounds = practise(denoiser, trained.model, corruption, batches, practice, seed, asked)
    shown = with_practice(rounds, steps, ROUND, limit) if options.progress and group.leads else rounds
    try:
        for _ in shown:
            pass
    except KeyboardInterrupt:
        trained = replace(trained, interrupted=True)
        rounds.close()
    codes, alone, told = _errors(trained, denoiser, known.validation or batches, seed)
    better = min(alone, told) < codes
    return replace(trained, denoiser=denoiser if better else None, guided=better and told < alone)


@torch.no_grad()
def _errors(trained: Trained, denoiser: Denoiser, batches: Batches, seed: int) -> tuple[float, float, float]:
    """The mean log error on the first of these rows of what codes say, of the denoiser alone, and of the denoiser told that."""
    batch, model, corruption = next(iter(batches.epoch(1))), trained.model, trained.recipe.corruption
    assert corruption is not None
    some = slice(0, JUDGED)
    clean = channels_last(model.scaling(batch.raw[some]))
    with from_seed(seed):
        noisy = corruption(clean)
    guess = guessed(model, noisy, None if batch.given is None else batch.given[some])
    codes, alone, told = (float(log_error(x, clean).mean()) for x in (guess, denoiser(noisy), denoiser(noisy, guess)))
    return codes, alone, told
