"""How an estimator learns: looking at the data, putting the model together, training it, saying what goes wrong."""

import math
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from latentwalk.arrays import Array
from latentwalk.chance import covered, from_seed
from latentwalk.data.adopt import as_known
from latentwalk.data.batches.batch import Batches, Extent
from latentwalk.data.batches.passing import Stream, is_stream
from latentwalk.data.batches.windowed import batches_of, placed
from latentwalk.data.columns import check_known, is_time
from latentwalk.data.dataset import Dataset, numbered
from latentwalk.data.examples import check_one_each
from latentwalk.data.gaps import MissingPatterns
from latentwalk.data.limits import Limit, limits_of
from latentwalk.data.music import played_to
from latentwalk.data.powers import powers_of
from latentwalk.data.rows import taken
from latentwalk.data.scaling import Scaling, as_tensor
from latentwalk.data.spec import DataSpec
from latentwalk.data.units import read_to
from latentwalk.errors import CheckpointError, ConfigError, DataError, DataWarning, TrainingStopped, TrainingWarning
from latentwalk.estimators.conditions import Conditions, Labels
from latentwalk.estimators.denoising import Known, plan_of_codes, wants_denoiser, with_denoiser
from latentwalk.estimators.given import first_seen
from latentwalk.estimators.options import Options
from latentwalk.estimators.resuming import Kept, begun
from latentwalk.estimators.saved import check_keepable
from latentwalk.estimators.trained import Trained
from latentwalk.latent.completion import QUICK
from latentwalk.memory import sized
from latentwalk.models.collapse import BLIND, COLLAPSED
from latentwalk.models.latent_model import LatentModel
from latentwalk.models.likelihood import Likelihood, likelihood_named
from latentwalk.models.recipes import EARLIER, HEARD_BY, WIDE, Recipe, assemble, has_own, suited
from latentwalk.models.size import LEARNING, check_weights, each_takes
from latentwalk.models.start import begin
from latentwalk.models.stepwise import StepwiseConditional
from latentwalk.networks.build import Network, network_named
from latentwalk.saving.options import is_same, to_json
from latentwalk.training.group import Group, process_group
from latentwalk.training.loop import train
from latentwalk.training.progress import foretold, with_progress
from latentwalk.training.runtime import device_named, stop_asked
from latentwalk.training.state import Snapshot
from latentwalk.training.tracking import Gallery, Tracker

__all__ = ["fit", "forming", "split"]

QUIET = 5  # epochs in a row without an active dimension after which that is said, at the end of a training;
BEGUN, FEWEST_BEGUN, BEGUN_VALUES = 4096, 256, 1 << 24  # rows, the fewest, and values, from which a beginning is found
MANY = 10_000_000  # weights of the usual network: nobody asked for so many
LEARNT = 100  # steps, in fewer of which nothing is learnt at all
LINE = ("slope", "middle", "mean")  # what weights of a straight line are called
STEPS = 500  # before that after so many steps: a code may just not have been found yet


def fit(
    options: Options,
    X: ArrayLike | Dataset,
    y: ArrayLike | None = None,
    *,
    before: Trained | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    keep: Callable[[Trained], None] = lambda trained: None,
    drawing: bool = True,
) -> Trained:
    """Learn from X (n, *E): see `Autoencoder.fit`.

    before: what is gone on from, its model trained further in place. keep: given what there is after each epoch, which is all
    there is should an error end the training; its model then has the best weights so far.
    drawing: whether codes matter by themselves, so that it is told where they say nothing.
    Raises DataError, ConfigError, TrainingError, CheckpointError.
    """
    plan = options.plan()
    device = device_named(options.device)
    sampler = options.sampler()
    if before is not None and checkpoint is not None:
        raise ConfigError("a checkpoint folder is gone on from by itself. Use warm_start=False with it.")
    stream = Stream.of(X) if is_stream(X) else X if isinstance(X, Stream) else None
    X = stream.held if stream is not None else as_known(X)
    x, spec, features = first_seen(X, options) if before is None else (before.given(X), before.spec, before.features)
    if before is not None:
        _check_same(options, before)
        check_known(x, spec.columns)
    if y is not None and not options.condition:
        _check_count(y, len(x))
    labels, told = (None, None) if not options.condition else _told(X, y, len(x), before, stream)
    if len(x) < 2:
        raise DataError(f"found 1 sample (X has shape {x.shape}); learning needs at least 2 rows.")
    with ExitStack() as stack:
        group = stack.enter_context(process_group(device))
        beginning = stack.enter_context(begun(_place(checkpoint), group, options, x, told))
        stack.enter_context(from_seed(beginning.seed))
        with covered():
            trained = _untrained(options, x, spec, features, labels) if before is None else before
            if before is None and beginning.start is not None:
                earlier = _as_begun(options, trained, beginning.start)
                trained = trained if earlier is options else _untrained(earlier, x, spec, features, labels)
        if before is None:
            check_keepable(trained)
        trained.check_range(x)
        trained.check_reach(x)
        trained.model.to(group.device)
        batches, validation, learn, held = _batches(options, x, told, stream, beginning.seed, group, _measure(trained))
        straight = False
        if before is None and beginning.start is None:
            some = _some(x, learn)
            given = None if told is None else torch.from_numpy(taken(told, some)).to(group.device)
            straight = begin(trained.model, as_tensor(taken(x, some)).to(group.device), given)
        past = beginning.past if before is None else before.history
        trained = replace(
            trained,
            epochs=int(options.epochs),
            learning_rate=float(options.learning_rate),
            history=past,
            validation_rows=held,
            interrupted=False,
            sampler=None,  # what there was fitted the codes of other weights
            likeness={},
            quick=False,
            sampler_seconds=0.0,
            prior_share=None,
        )
        ahead = trained.recipe.pretraining if before is None else 0.0
        asked = stack.enter_context(stop_asked())
        epochs = train(
            trained.model,
            replace(trained.recipe, pretraining=ahead).loss(len(x) - len(held) if stream is None else None),
            batches,
            replace(plan_of_codes(plan, trained), corruption=trained.recipe.corruption, pretraining=ahead),
            validation,
            going_on=before is not None or straight,
            keeper=beginning.keeper,
            start=beginning.start,
            group=group,
            asked=asked,
            lending=options.settings.compile or trained.has_own_parts,
            paced=foretold if options.progress and group.leads else None,
        )
        if beginning.keeper is not None:
            beginning.keeper.begin(list(past))
        watching = [keep, *(stack.enter_context(_tracked(options.settings.track, trained, x, told)) if group.leads else ())]
        total = options.epochs + (len(past) if options.warm_start else 0)
        spent = sum(epoch.seconds for epoch in beginning.past)
        minutes = plan_of_codes(plan, trained).settings.minutes
        limit = None if minutes is None else max(60 * minutes - spent, 0.0)
        shown = with_progress(epochs, total, len(past), limit=limit) if options.progress and group.leads else epochs
        try:
            for epoch in shown:
                trained = replace(trained, history=(*trained.history, replace(epoch, number=len(trained.history) + 1)))
                if group.leads:
                    _remark(trained, len(batches), drawing)
                for look in watching:
                    look(trained)
        except KeyboardInterrupt:
            trained = replace(trained, interrupted=True)
            epochs.close()  # puts the best weights back
        if group.leads and drawing and not (trained.interrupted or asked()):
            _remark_at_the_end(trained, len(batches))
        if wants_denoiser(trained) and not (trained.interrupted or asked()):
            known = Known(x, told, stream, learn, validation)
            here = trained.history[0 if before is None else len(past) :]
            spent = sum(epoch.seconds for epoch in here)
            trained = with_denoiser(options, trained, known, spent, beginning.seed, group, asked)
        if trained.interrupted or asked():
            trained = replace(trained, interrupted=True)
            warnings.warn(
                f"training was stopped after {len(trained.history)} of {total} epochs; the best weights so far are kept. To go "
                "on: fit again with the same checkpoint folder, or set_params(warm_start=True).fit(X).",
                TrainingStopped,
                stacklevel=3,
            )
    keep(trained)
    if sampler is not None and drawing:
        try:
            trained = trained.quickened(x, told, beginning.seed)
        except KeyboardInterrupt:
            trained = replace(trained, interrupted=True)
    if sampler is not None and sampler != QUICK and not trained.interrupted:
        trained = trained.completed(X, sampler, options.seed(), y if labels else None)
    return trained


def forming(options: Options, X: ArrayLike | Dataset, start: Snapshot) -> Trained:
    """What the training that began with these options, on this X, had learnt when the snapshot was taken: to be looked at.

    Raises DataError, ConfigError, CheckpointError where they do not belong together.
    """
    x, spec, features = first_seen(as_known(X), options)
    with covered():
        trained = _untrained(options, x, spec, features, None)
    try:
        trained.model.load_state_dict(dict(start.part("model")))
    except RuntimeError as error:
        raise CheckpointError(f"the snapshot is not of a training with these options: {str(error).splitlines()[0]}") from error
    trained.model.eval()
    return replace(trained, history=tuple(start.place.history))


def _place(checkpoint: str | os.PathLike[str] | None) -> Kept | None:
    return checkpoint if checkpoint is None or isinstance(checkpoint, Kept) else Kept(Path(checkpoint))


def _told(X: Any, y: ArrayLike | None, rows: int, before: Trained | None, stream: Stream | None) -> tuple[Labels, Conditions]:
    """The labels to learn with, and the conditions (n, C) of the rows. Raises ConfigError, DataError."""
    if stream is not None:
        raise ConfigError(
            "condition=True needs a label for each row, and the examples of a stream come without. Read them first."
        )
    if before is None:
        labels, at = Labels.of(X, y, rows)
        return labels, labels.rows(at)
    if before.labels is None:
        raise ConfigError("the model that is gone on from takes no condition. Fit anew: set_params(warm_start=False).")
    told = before.told(y, X, rows)
    assert told is not None
    return before.labels, told


def _untrained(options: Options, x: Array, spec: DataSpec, features: tuple[str, ...], labels: Labels | None) -> Trained:
    """The model of these options for data x (n, *E), before it has learnt. Raises ConfigError."""
    recipe, network, latent = _chosen(options, spec)
    likelihood = likelihood_named(options.likelihood, spec)
    spec = _described(x, spec, likelihood, options)
    scaling = Scaling.fit(x, spec, likelihood.scaling(spec))
    classes = 0 if labels is None else len(labels.names)
    made = (recipe, spec, network, likelihood, latent, scaling, classes)
    if not has_own(recipe, network):
        check_weights(
            lambda: assemble(*made),
            each_takes(device_named(options.device)),
            f"latent={latent}, network={network.kind!r}, examples of {spec.size:,} values",
            "Choose a smaller latent=, smaller widths= or channels= of the network, or make examples smaller.",
        )
    model = assemble(*made)
    if isinstance(options.network, str) and options.network == "auto":
        _tell_size(model, spec)
    return Trained(model, spec, recipe, network, likelihood, features, labels=labels)


def _tell_size(model: LatentModel, spec: DataSpec) -> None:
    """Say that a network nobody chose is a huge one."""
    weights = sum(parameter.numel() for parameter in model.parameters())
    if weights > MANY and not spec.form.serial:
        advice = "Read windows of it (length=), or choose" if spec.form.timed else "Make examples smaller, or choose"
        warnings.warn(
            f"an example has {spec.size:,} values, so that the usual network has {weights:,} weights: slow to learn, and "
            f"{sized(LEARNING * weights)} while it does. {advice} another: network=Network('conv', …).",
            DataWarning,
            stacklevel=4,
        )


def _as_begun(options: Options, trained: Trained, start: Snapshot) -> Options:
    """The options with which the training that is gone on with was begun: an earlier version transformed nothing, its
    networks began as they are, it enlarged pictures in another way, and told no decoder the place of a unit."""
    kept = start.tensors.get("model.scaling.shift")
    if trained.spec.powers and kept is not None and not torch.equal(kept.cpu(), trained.model.scaling.shift.cpu()):
        options = replace(options, transforms="none")
    if trained.network.bodies is None:
        found = {name: start.tensors.get(f"model.{name}") for name, _ in trained.model.named_parameters()}
        wanted = {name: weight.shape for name, weight in trained.model.named_parameters()}
        other = [name for name, weight in found.items() if weight is None or weight.shape != wanted[name]]
        if other:
            begun = "plain" if any(name.rpartition(".")[2] in LINE for name in other) else trained.network.start
            placed = trained.network.positions and not trained.spec.form.serial
            earlier = replace(trained.network, start=begun, upsampling="transposed", positions=placed)
            options = replace(options, network=earlier)
    return options


def _described(x: Array, spec: DataSpec, likelihood: Likelihood, options: Options) -> DataSpec:
    """The spec with what there is to say of a table x (n, *E): limits, gaps, and transforms of what is scaled."""
    if not spec.form.columned:
        return spec
    kinds = [one.kind for one in spec.columns] or ["continuous"] * spec.size
    among = [at for at, kind in enumerate(kinds) if kind == "continuous"]
    limits = limits_of(x, spec.size, among, [at for at, one in enumerate(spec.columns) if is_time(one.dtype)])
    scaled = likelihood.scaling(spec) == "standard"
    powers = powers_of(x, limits, among, options.transforms) if scaled else ()  # type: ignore[arg-type]  # checked
    limits = limits if any(one != Limit() for one in limits) else ()
    return replace(spec, limits=limits, powers=powers, gaps=MissingPatterns.of(x) if spec.missing else None)


def _chosen(options: Options, spec: DataSpec) -> tuple[Recipe, Network, int]:
    """Recipe, network and number of latent dimensions that these options come to for data like `spec`. Raises ConfigError."""
    recipe = options.noisy_recipe()
    network = network_named(options.network)
    if recipe.corruption is not None:
        recipe = replace(recipe, corruption=recipe.corruption.fitted(spec))
    latent = network.code(spec, options.latent)
    if latent is None:
        least = WIDE if spec.form.serial else HEARD_BY if spec.form.heard else 1
        latent = spec.size if recipe.latent is None else max(recipe.latent, least)
    options.check_latent(latent)
    return suited(recipe, spec), network, int(latent)


def _check_same(options: Options, before: Trained) -> None:
    """Raise ConfigError where an option asks for another model than the one that is gone on from."""
    recipe, network, latent = _chosen(options, before.spec)
    if options.noise is None and (meant := EARLIER.get(str(options.recipe))) is not None:
        meant = replace(meant, corruption=meant.corruption and meant.corruption.fitted(before.spec))
        recipe = meant if is_same(to_json(_unsourced(before.recipe)), to_json(_unsourced(meant))) else recipe
    if latent != before.latent:
        _refuse("latent", latent, before.latent)
    for name, now, then in (("recipe", recipe, before.recipe), ("network", network, before.network)):
        if not is_same(to_json(_unsourced(then)), to_json(_unsourced(now))):
            _refuse(name, now, then)
    likelihood = options.likelihood
    if likelihood != "auto" and likelihood_named(likelihood, before.spec) != before.likelihood:
        _refuse("likelihood", likelihood, before.likelihood)
    if options.spec is not None and _undescribed(options.spec) != _undescribed(before.spec):
        _refuse("spec", options.spec, before.spec)
    if before.labels is not None and not options.condition:
        _refuse("condition", options.condition, True)


def _undescribed(spec: DataSpec) -> DataSpec:
    """The spec without what `fit` finds."""
    return replace(spec, columns=(), limits=(), powers=(), gaps=None, counted=False, totals=None)


def _refuse(name: str, now: object, then: object) -> NoReturn:
    raise ConfigError(
        f"{name}={now!r}, and the model that is gone on from was made with {then!r}: warm_start=True trains it further, and "
        "changes no part of it. Fit anew: set_params(warm_start=False)."
    )


def _unsourced(part: Recipe | Network) -> Recipe | Network:
    """The part without what is only said about it, or was not asked for, which may be otherwise in another version."""
    if isinstance(part, Recipe):
        return replace(part, source="", denoiser=False)
    return replace(part, start="plain", upsampling="transposed", positions=False)


def _check_count(y: Any, rows: int) -> None:
    """Raise DataError where labels that are not learnt are other than one for each row."""
    shape = (len(y),) if isinstance(y, (list, tuple)) else tuple(y.shape) if hasattr(y, "shape") else np.asarray(y).shape
    if shape[:1] != (rows,):
        check_one_each(shape, rows)


def _batches(
    options: Options,
    x: Array,
    told: Conditions | None,
    stream: Stream | None,
    seed: int,
    group: Group,
    measure: Extent | None,
) -> tuple[Batches, Batches | None, NDArray[np.int64], NDArray[np.int64]]:
    """Batches of x (n, *E) to learn from and to choose the best weights on, and the rows of either.

    Those of a stream are what it holds. measure: how much of a row there is to read, where some end before others.
    """
    share = options.validation
    if isinstance(share, Sequence):
        learn, held = _parted(share, len(x), stream)
    else:
        learn, held = split(len(x), share, np.random.default_rng(seed))
    if stream is not None:
        learn, held = np.arange(len(x)), np.arange(len(x) if share else 0)
    device = group.device
    size = int(options.batch_size)
    data = placed(x, device)
    beside: dict[str, Any] = {"share": group.share, "given": told, "measure": measure}
    validation = batches_of(data, device, 4 * size, rows=held, **beside) if len(held) else None
    if stream is not None:
        return stream.batches(device, size, seed, group.share, apart=len(held) > 0), validation, learn, held
    return batches_of(data, device, size, seed, learn, **beside), validation, learn, held


def _measure(trained: Trained) -> Extent | None:
    """How much of a row there is to read, for networks that read as far as there is; None where all are read whole."""
    if trained.spec.form.serial:
        return read_to
    return played_to if isinstance(trained.model.decoder, StepwiseConditional) else None


def _some(x: Array, learn: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of the rows `learn` of x (n, *E) that stand for all of them where a beginning is found."""
    most = max(FEWEST_BEGUN, min(BEGUN, BEGUN_VALUES // math.prod(x.shape[1:])))
    return learn[np.unique(np.linspace(0, len(learn) - 1, most).round().astype(np.int64))]


def split(
    n: int, share: float, rng: np.random.Generator, most: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers to learn from and to choose the best weights on, each in order; none of the latter for very few rows.

    most: how many of the latter there can be.
    """
    held = min(round(share * n), n - 1)
    held = held if most is None else min(held, most)
    rows = rng.permutation(n)
    return np.sort(rows[held:]), np.sort(rows[:held])


def _parted(rows: Sequence[int | bool], count: int, stream: Stream | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same where it is said which rows choose. Raises DataError for what are no rows, ConfigError for those of a stream."""
    if stream is not None:
        raise ConfigError("validation= names rows, and a stream has none to name. Give the share of them.")
    found = numbered(rows, count, "validation") % count
    marked = np.zeros(count, bool)
    marked[found] = True
    if marked.sum() < len(found):
        raise DataError("validation= names a row twice. Name each once, or mark each row with True or False.")
    if marked.all():
        raise DataError(f"validation= leaves none of {count:,} rows to learn from.")
    return np.flatnonzero(~marked), np.flatnonzero(marked)


@contextmanager
def _tracked(
    folder: str | os.PathLike[str] | None, trained: Trained, x: Array, told: Conditions | None
) -> Iterator[list[Callable[[Trained], None]]]:
    """Who writes curves and pictures of a training to a folder; no one where none is given."""
    if not folder:
        yield []
        return
    shown = Gallery.of(trained.model, trained.spec, x, given=told) if trained.spec.form.pictured else None
    with Tracker(folder, len(trained.history) + 1) as tracker:

        def record(trained: Trained) -> None:
            epoch = trained.history[-1]
            tracker.record(epoch)
            if shown is not None and epoch.best:
                tracker.show(epoch.number, shown)

        yield [record]


def _remark(trained: Trained, steps: int, drawing: bool) -> None:
    """Say what went wrong in the epochs so far, once, while training still goes on."""
    *past, last = trained.history
    if last.rescues > (past[-1].rescues if past else 0):
        warnings.warn(
            f"in epoch {last.number} the loss stopped being a number; training was taken back to its last good state and "
            f"goes on with a learning rate of {last.learning_rate:.1e}.",
            TrainingWarning,
            stacklevel=4,
        )
    if drawing and trained.recipe.spreads and _quiet(trained) == max(QUIET, -(-STEPS // steps)):
        _tell_collapse(trained)


def _remark_at_the_end(trained: Trained, steps: int) -> None:
    """Say that codes say nothing at the end of a training, where they were not silent for long enough to be told so before."""
    learnt = len(trained.history) >= QUIET and steps * len(trained.history) >= LEARNT
    soon = learnt and 1 <= _quiet(trained) < max(QUIET, -(-STEPS // steps))
    if trained.recipe.spreads and soon:
        _tell_collapse(trained)


def _quiet(trained: Trained) -> int:
    """For how many epochs, up to the last one, no latent dimension has depended on the data."""
    return sum(1 for _ in takewhile(lambda epoch: epoch.active == 0, reversed(trained.history)))


def _tell_collapse(trained: Trained) -> None:
    quiet = _quiet(trained)
    warnings.warn(
        f"the posterior has collapsed: for {quiet} epoch{'s' * (quiet > 1)} none of the {trained.latent} latent dimensions has "
        f"depended on the data, {COLLAPSED}{BLIND if trained.spec.form.serial else ''}",
        TrainingWarning,
        stacklevel=5,
    )
