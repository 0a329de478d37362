"""How an estimator learns: looking at the data, putting the model together, training it, going on with what was cut short."""

import os
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from latentwalk.chance import seeded
from latentwalk.data.batches.batch import Batches
from latentwalk.data.batches.passing import Stream, is_stream
from latentwalk.data.batches.windowed import batches_of, placed
from latentwalk.data.columns import columns_of, is_frame, needs_columns, unnamed
from latentwalk.data.columns import encoded as encoded_columns
from latentwalk.data.corruption import Corruption, corruption_named
from latentwalk.data.dataset import Dataset, adopted
from latentwalk.data.examples import check_finite, check_labels, is_ragged, padded
from latentwalk.data.fingerprint import fingerprint
from latentwalk.data.rows import value_range
from latentwalk.data.scaling import Scaling
from latentwalk.data.spec import DataSpec, Kind
from latentwalk.errors import ConfigError, DataError, TrainingError, TrainingStopped, TrainingWarning
from latentwalk.estimators.saved import Keeping
from latentwalk.latent.completion import BEST, check_sampler
from latentwalk.latent.samplers import Vamp
from latentwalk.models.collapse import COLLAPSED
from latentwalk.models.likelihood import OF_COLUMNS, Likelihood, likelihood_named
from latentwalk.models.recipes import Recipe, assemble, recipe_named
from latentwalk.networks.build import CONVOLUTIONAL, RECURRENT, Network, network_named
from latentwalk.saving import options as codec
from latentwalk.training.checkpoints import Checkpoints, opened
from latentwalk.training.group import Group, process_group
from latentwalk.training.history import Epoch
from latentwalk.training.loop import train
from latentwalk.training.plan import Plan
from latentwalk.training.progress import with_progress
from latentwalk.training.runtime import device_named, stop_asked
from latentwalk.training.settings import Settings
from latentwalk.training.state import Snapshot
from latentwalk.training.tracking import Gallery, Tracker

__all__ = ["FREE", "Learner"]

# Options that may differ when a training is gone on with; random_state, where it is not the same seed, is told apart by that.
FREE = ("epochs", "patience", "device", "warm_start", "progress", "checkpoint_every", "random_state", "track", "complete")
LEARNING = (
    "optimizer",
    "learning_schedule",
    "warmup",
    "weight_decay",
    "clip",
    "skip",
    "accumulate",
    "ema",
    "precision",
    "compile",
    "checkpoint_every",
    "track",
)  # options that `Settings` has under the same names
QUIET = 5  # epochs in a row without an active dimension after which that is said,
STEPS = 500  # and steps, before which a code may just not have been found yet


class Learner(Keeping):
    """The side of `Autoencoder` that learns. Abstract: what its options mean is said there."""

    latent: int | None
    network: str | Network
    likelihood: str | Likelihood
    noise: float | tuple[float, float] | str | Corruption | None
    epochs: int
    batch_size: int
    validation: float
    device: str
    warm_start: bool
    spec: DataSpec | None
    progress: bool
    learning_rate: float
    patience: int | None
    learning_schedule: str
    compile: bool
    checkpoint_every: float
    track: str | os.PathLike[str] | None
    complete: bool | str

    @abstractmethod
    def fit_sampler(self, X: ArrayLike | Dataset, sampler: str = BEST) -> Self: ...

    def fit(
        self, X: ArrayLike | Dataset, y: ArrayLike | None = None, *, checkpoint: str | os.PathLike[str] | None = None
    ) -> Self:
        """Learn from X (n, *E), n at least 2. `y` is not used; its length is checked.

        In a table or a signal, NaN says that a value was not observed; X may be a list of signals of different lengths. What is
        memory-mapped, or read when asked for, is read ahead of training where it is large. X may be a Hugging Face
        `datasets.Dataset`, or a stream: an `IterableDataset`, or a `Stream` of one where there is something to say about it.
        Ctrl-C ends training early: the best weights so far are kept, and a warning says how to go on.
        checkpoint: a folder in which training is kept while it goes on (see `training.keeper`). Where one is there already, fit
        goes on from it, to the weights, history and moments of a fit that was never interrupted, bit for bit on one machine.
        Options and data must be the same; only `epochs` may grow, with a constant learning rate.
        Raises DataError, ConfigError, TrainingError, CheckpointError.
        """
        plan, device, sampler = self._plan(), device_named(self.device), self._wanted()
        again = self.warm_start and hasattr(self, "model_")
        if again and checkpoint is not None:
            raise ConfigError("a checkpoint folder is gone on from by itself. Use warm_start=False with it.")
        stream = Stream.of(X) if is_stream(X) else X if isinstance(X, Stream) else None
        X = adopted(X) if stream is None else stream.held
        x, spec = (self._checked(X), self.spec_) if again else self._first_seen(X)
        if y is not None:
            check_labels(np.asarray(y).reshape(-1), len(x))
        if len(x) < 2:
            raise DataError(f"found 1 sample (X has shape {x.shape}); learning needs at least 2 rows.")
        with ExitStack() as stack:
            group = stack.enter_context(process_group(device))
            seed = group.told(self._seed())
            keeper, start, seed = self._kept(stack, group, checkpoint, x, seed)
            stack.enter_context(seeded(seed, group.device))
            if not again:
                self._assemble(x, spec)
            self._check_range(x)
            self.sampler_, self.completeness_ = None, {}  # what there was fitted the codes of other weights
            self.model_.to(group.device)
            batches, validation = self._batches(x, stream, seed, group)
            asked = stack.enter_context(stop_asked())
            epochs = train(
                self.model_,
                self.recipe_.loss(len(x) - len(self.validation_rows_) if stream is None else None),
                batches,
                replace(plan, corruption=self.recipe_.corruption),
                validation,
                going_on=again,
                keeper=keeper,
                start=start,
                group=group,
                asked=asked,
            )
            before = self.history_ if again else _past(start)
            if keeper is not None:
                keeper.begin(before)
            tracker = stack.enter_context(Tracker(self.track, len(before) + 1)) if self.track and group.leads else None
            shown = Gallery.of(self.model_, self.spec_, x) if tracker is not None and self.spec_.kind == "image" else None
            self._learn(epochs, before, len(batches), group, asked, tracker, shown)
        if sampler is not None and not self.interrupted_:
            self.fit_sampler(X, sampler)
        return self

    def check(self) -> Self:
        """Raise ConfigError now for what `fit` would refuse whatever the data is: for who fits many, one after the other."""
        self._plan()
        device_named(self.device)
        network_named(self.network)
        if self.latent is not None:
            self._check_latent(self.latent)
        return self

    def _check_latent(self, latent: Any) -> None:
        if not (isinstance(latent, (int, np.integer)) and latent >= 1):
            raise ConfigError(f"latent={self.latent!r} is not a number of dimensions. Expected a whole number, at least 1.")

    def _learn(
        self,
        epochs: Iterator[Epoch],
        before: list[Epoch],
        steps: int,
        group: Group,
        asked: Callable[[], bool],
        tracker: Tracker | None,
        shown: Gallery | None,
    ) -> None:
        """Run through `epochs` of so many steps, keeping the history; Ctrl-C ends it and keeps what was learnt."""
        self.history_ = list(before)
        self.interrupted_ = False
        total = self.epochs + (len(before) if self.warm_start else 0)
        try:
            for epoch in with_progress(epochs, total, len(before)) if self.progress and group.leads else epochs:
                self.history_.append(replace(epoch, number=len(self.history_) + 1))
                if group.leads:
                    self._remark(steps)
                if tracker is not None:
                    tracker.record(self.history_[-1])
                if tracker is not None and shown is not None and epoch.best:
                    tracker.show(epoch.number, shown)
        except TrainingError:
            if not self.history_:
                del self.model_  # nothing was learnt: the estimator is as if never fitted
            raise
        except KeyboardInterrupt:
            self.interrupted_ = True
            epochs.close()  # type: ignore[attr-defined]  # a generator; closing it puts the best weights back
        if self.interrupted_ or asked():
            self.interrupted_ = True
            warnings.warn(
                f"training was stopped after {len(self.history_)} of {total} epochs; the best weights so far are kept. To go "
                "on: fit again with the same checkpoint folder, or set_params(warm_start=True).fit(X).",
                TrainingStopped,
                stacklevel=3,
            )

    def _remark(self, steps: int) -> None:
        """Say what went wrong in the epochs so far, once, while training still goes on."""
        *past, last = self.history_
        if last.rescues > (past[-1].rescues if past else 0):
            warnings.warn(
                f"in epoch {last.number} the loss stopped being a number; training was taken back to its last good state and "
                f"goes on with a learning rate of {last.learning_rate:.1e}.",
                TrainingWarning,
                stacklevel=4,
            )
        quiet = sum(1 for _ in takewhile(lambda epoch: epoch.active == 0, reversed(self.history_)))
        if self.recipe_.spreads and quiet == max(QUIET, -(-STEPS // steps)):
            warnings.warn(
                f"the posterior has collapsed: for {quiet} epochs none of the {self._n_features_out} latent dimensions has "
                f"depended on the data, {COLLAPSED}",
                TrainingWarning,
                stacklevel=4,
            )

    # ------------------------------------------------------------------ going on

    def _kept(
        self,
        stack: ExitStack,
        group: Group,
        checkpoint: str | os.PathLike[str] | None,
        x: NDArray[Any],
        seed: int,
    ) -> tuple[Checkpoints | None, Snapshot | None, int]:
        """Who keeps this training, where it begins, and its seed. The first process of a group reads and writes for all.

        Raises CheckpointError, ConfigError, DataError.
        """
        if checkpoint is None:
            return None, None, seed
        folder, keeper = Path(checkpoint), None
        about = {"params": codec.params_to_json(self.get_params(deep=False)), "data": fingerprint(x), "seed": seed}
        if group.leads:
            keeper = stack.enter_context(Checkpoints(folder, about, float(self.checkpoint_every)))
        content = group.handed(None if keeper is None else keeper.found)
        if content is None:
            return keeper, None, seed
        before, start = opened(content, folder)
        self._check_same(folder, before, about)
        if keeper is not None:
            keeper.about = about | {"seed": before["seed"]}
        return keeper, start, int(before["seed"])

    def _check_same(self, folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
        """Raise ConfigError or DataError, saying which, where going on would not be the same training."""
        for name, value in now["params"].items():
            if name not in FREE and not codec.is_same(before["params"].get(name), value):
                raise ConfigError(
                    f"{name}={value!r} is not what the training in {folder} was begun with: {before['params'].get(name)!r}. "
                    "Give the same options to go on, or choose another folder to begin anew."
                )
        if isinstance(self.random_state, int) and before["seed"] != now["seed"]:
            raise ConfigError(
                f"random_state={self.random_state} is not what the training in {folder} was begun with. Give the same to go "
                "on, or choose another folder to begin anew."
            )
        if before["data"] != now["data"]:
            raise DataError(
                f"X is not the data that the training in {folder} was begun with: {_difference(before['data'], now['data'])}. "
                "Give the same data to go on, or choose another folder to begin anew."
            )
        epochs = int(before["params"]["epochs"])
        if self.learning_schedule == "cosine" and self.epochs != epochs:
            raise ConfigError(
                f"epochs={self.epochs}: the learning rate of the training in {folder} falls to 0 after {epochs} epochs "
                '(learning_schedule="cosine"), so it cannot be made longer or shorter. Begin anew in another folder.'
            )

    # ------------------------------------------------------------------ the data and the model

    def _first_seen(self, X: ArrayLike | Dataset) -> tuple[NDArray[Any], DataSpec]:
        """The data to learn from, (n, *E), and what it is."""
        known = X.spec if isinstance(X, Dataset) else None
        kind: Kind | None = None
        likelihood = self.likelihood.kind if isinstance(self.likelihood, Likelihood) else self.likelihood
        if is_frame(X) and (needs_columns(X) or likelihood == "mixed"):
            columns = columns_of(X)
            X = encoded_columns(X, columns)
            known = DataSpec.of_columns(X, columns)
        elif is_ragged(X):
            X, kind = padded(X), "signal"
        x = self._as_array(X, reset=True)
        network = network_named(self.network).kind
        if known is None and (network in RECURRENT or (network in CONVOLUTIONAL and x.ndim == 2)):
            kind = "signal"  # these networks read (n, T) and (n, T, F) in one way only
        spec = self.spec or known or DataSpec.infer(x, kind)
        if spec.shape != x.shape[1:]:
            raise ConfigError(f"spec says an example has shape {spec.shape}; in X it has {x.shape[1:]}.")
        check_finite(x, missing=spec.missing)
        if likelihood in OF_COLUMNS and spec.kind == "table" and not spec.columns:
            if likelihood == "mixed":
                raise ConfigError('likelihood="mixed" needs named columns. Give a pandas frame, or a Dataset read from a file.')
            spec = replace(spec, columns=unnamed(x, "count" if likelihood == "negative-binomial" else "continuous"))
        return x, spec

    def _assemble(self, x: NDArray[Any], spec: DataSpec) -> None:
        recipe, network = self._recipe(), network_named(self.network)
        if recipe.corruption is not None:
            recipe = replace(recipe, corruption=recipe.corruption.fitted(spec))
        latent = network.code(spec, self.latent)
        if latent is None:
            latent = spec.size if recipe.latent is None else recipe.latent
        self._check_latent(latent)
        likelihood = likelihood_named(self.likelihood, spec)
        scaling = Scaling.fit(x, spec, likelihood.scaling(spec))
        self.model_ = assemble(recipe, spec, network, likelihood, int(latent), scaling)
        self.spec_, self.recipe_, self.network_, self.likelihood_ = spec, recipe, network, likelihood
        self.n_features_in_ = spec.size
        if spec.framed:
            self.feature_names_in_ = np.array([column.name for column in spec.columns], dtype=object)

    def _recipe(self) -> Recipe:
        """The recipe, with the noise that was asked for. Raises ConfigError."""
        recipe = recipe_named(self.recipe)
        return recipe if self.noise is None else replace(recipe, corruption=corruption_named(self.noise))

    def _plan(self) -> Plan:
        if not (isinstance(self.batch_size, (int, np.integer)) and self.batch_size >= 1):
            raise ConfigError(f"batch_size={self.batch_size!r}: expected a whole number, at least 1.")
        if not (isinstance(self.validation, (int, float, np.floating)) and 0 <= self.validation < 1):
            raise ConfigError(f"validation={self.validation!r} is not a share of the rows. Expected 0 <= validation < 1.")
        recipe = self._recipe()
        if self.compile and recipe.contraction:
            raise ConfigError("compile=True cannot differentiate a gradient, as a contractive recipe must. Use compile=False.")
        return Plan(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            patience=self.patience,
            draws=recipe.draws,
            max_norm=network_named(self.network).max_norm,
            settings=Settings(**{name: getattr(self, name) for name in LEARNING}),
        )

    def _wanted(self) -> str | None:
        """The sampler that is to be fitted after training, or "best". Raises ConfigError, before anything is learnt."""
        if self.complete is False:
            return None
        name = BEST if self.complete is True else check_sampler(self.complete)
        if name == Vamp.kind and not self._recipe().spreads:
            raise ConfigError(
                f'complete="vamp" needs an encoder whose q(z | x) has a spread, and that of recipe "{self._recipe().name}" has '
                'none. Use complete="mixture", or recipe="vae".'
            )
        return name

    def _batches(self, x: NDArray[Any], stream: Stream | None, seed: int, group: Group) -> tuple[Batches, Batches | None]:
        """Batches of x (n, *E) to learn from, and to choose the best weights on; those of a stream are what it holds."""
        learn, held = self._split(len(x), np.random.default_rng(seed))
        if stream is not None:
            held = np.arange(len(x) if self.validation else 0)
        self.validation_rows_ = held
        data, device, size = placed(x, group.device), group.device, int(self.batch_size)
        validation = batches_of(data, device, 4 * size, rows=held, share=group.share) if len(held) else None
        if stream is not None:
            return stream.batches(device, size, seed, group.share, apart=len(held) > 0), validation
        return batches_of(data, device, size, seed, learn, group.share), validation

    def _split(self, n: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row numbers to learn from and to choose the best weights on, each in order; none of the latter for very few rows."""
        held = min(round(self.validation * n), n - 1)
        rows = rng.permutation(n)
        return np.sort(rows[held:]), np.sort(rows[:held])

    def _check_range(self, x: NDArray[Any]) -> None:
        """Raise DataError where the likelihood knows no such values: outside the range that was scaled to [0, 1]."""
        if self.likelihood_.kind not in ("bernoulli", "continuous-bernoulli"):
            return
        low, high = (self.spec_.low, self.spec_.high) if self.spec_.kind == "image" else (0.0, 1.0)
        for worst in value_range(x):
            if not low <= worst <= high:
                raise DataError(
                    f'likelihood="{self.likelihood_.kind}" needs values in [{low:g}, {high:g}] here; X holds {worst:g}. '
                    'Clip or scale X, or fit with likelihood="gaussian".'
                )

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))


def _past(start: Snapshot | None) -> list[Epoch]:
    """The epochs that were done before."""
    return [] if start is None else list(start.place.history)


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    told = [" x ".join(map(str, about["shape"])) + f" of {about['dtype']}" for about in (before, now)]
    return f"both are {told[0]}, with other values" if told[0] == told[1] else f"it was {told[0]}, now it is {told[1]}"
