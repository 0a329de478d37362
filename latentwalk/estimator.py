"""The scikit-learn face: `Autoencoder("vae", latent=2).fit(X)`, and what can be done with it then."""

import os
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from latentwalk.data.batches import Batches
from latentwalk.data.dataset import Dataset, DataSpec, as_array, check_finite, check_labels
from latentwalk.data.scaling import Scaling, as_tensor
from latentwalk.errors import CheckpointError, ConfigError, DataError, NotGenerativeError, TrainingError, TrainingStopped
from latentwalk.latent.sampling import Sampler, StandardNormal
from latentwalk.latent.space import LatentSpace
from latentwalk.models.inference import bounds, decoded, encoded
from latentwalk.models.likelihood import Likelihood, likelihood_named
from latentwalk.models.recipes import Recipe, assemble, recipe_named
from latentwalk.networks.build import Network, network_named
from latentwalk.training import checkpoint, codec, history
from latentwalk.training.history import Epoch
from latentwalk.training.loop import Settings, train
from latentwalk.training.progress import with_progress
from latentwalk.training.runtime import device_named, seeded

__all__ = ["Autoencoder"]


class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """An autoencoder of any family, for arrays (n, *E) of numbers.

    recipe: "ae", "vae", "vae-without-kl", "denoising", "iwae", or a `Recipe`. latent: D, the number of dimensions of a code.
    network: "auto", "dense", "conv" or a `Network`. likelihood: "auto", "bernoulli", "continuous-bernoulli", "gaussian", or a
    `Likelihood`. epochs, batch_size, learning_rate, patience, precision, compile: see `Settings`. validation: share of the
    rows on which the best weights are chosen; they are not trained on. device: "auto", "cpu", "cuda", …. random_state: an
    integer makes fitting repeatable on one machine. warm_start: fitting again goes on from the weights there are.
    spec: a `DataSpec`, where the one read off X is not right. progress: draw a bar while fitting, on a terminal.

    Learned: model_ (a `LatentModel`), spec_, recipe_, network_, likelihood_, history_ (a list of `Epoch`),
    validation_rows_ (row numbers of X), interrupted_ (whether Ctrl-C cut the fit short).

    >>> X = np.random.default_rng(0).normal(size=(200, 5))
    >>> codes = Autoencoder("vae", latent=2, epochs=2, random_state=0).fit_transform(X)
    >>> codes.shape
    (200, 2)
    """

    def __init__(
        self,
        recipe: str | Recipe = "vae",
        *,
        latent: int = 2,
        network: str | Network = "auto",
        likelihood: str | Likelihood = "auto",
        epochs: int = 20,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        patience: int | None = None,
        validation: float = 0.1,
        precision: str = "float32",
        compile: bool = False,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        spec: DataSpec | None = None,
        progress: bool = True,
    ) -> None:
        self.recipe = recipe
        self.latent = latent
        self.network = network
        self.likelihood = likelihood
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation = validation
        self.precision = precision
        self.compile = compile
        self.device = device
        self.random_state = random_state
        self.warm_start = warm_start
        self.spec = spec
        self.progress = progress

    # ------------------------------------------------------------------ learning

    def fit(self, X: ArrayLike | Dataset, y: ArrayLike | None = None) -> Self:
        """Learn from X (n, *E), n at least 2. `y` is not used; its length is checked.

        Ctrl-C ends training early: the best weights so far are kept, and a warning says how to go on.
        Raises DataError, ConfigError, TrainingError.
        """
        settings, device = self._settings(), device_named(self.device)
        x = self._checked(X, reset=True)
        if y is not None:
            check_labels(np.asarray(y).reshape(-1), len(x))
        if len(x) < 2:
            raise DataError(f"found 1 sample (X has shape {x.shape}); learning needs at least 2 rows.")
        seed = self._seed()
        with seeded(seed, device):
            again = self.warm_start and hasattr(self, "model_")
            if not again:
                self._assemble(x, X.spec if isinstance(X, Dataset) else None)
            elif x.shape[1:] != self.spec_.shape:
                raise DataError(
                    f"warm_start goes on with examples of shape {self.spec_.shape}, as in training; got {x.shape[1:]}."
                )
            self._check_range(x)
            self.model_.to(device)
            learn, held = self._split(len(x), np.random.default_rng(seed))
            self.validation_rows_ = held
            data, size = as_tensor(x).to(device), int(self.batch_size)
            batches = Batches(data, size, torch.Generator().manual_seed(seed), torch.from_numpy(learn))
            validation = Batches(data, 4 * size, rows=torch.from_numpy(held)) if len(held) else None
            epochs = train(self.model_, self.recipe_.loss(), batches, settings, validation, going_on=again)
            self._learn(epochs, self.history_ if again else [])
        return self

    def _learn(self, epochs: Iterator[Epoch], before: list[Epoch]) -> None:
        """Run through `epochs`, keeping the history; Ctrl-C ends it and keeps what was learnt."""
        self.history_ = list(before)
        self.interrupted_ = False
        try:
            for epoch in with_progress(epochs, self.epochs) if self.progress else epochs:
                self.history_.append(replace(epoch, number=len(self.history_) + 1))
        except TrainingError:
            if not self.history_:
                del self.model_  # nothing was learnt: the estimator is as if never fitted
            raise
        except KeyboardInterrupt:
            self.interrupted_ = True
            epochs.close()  # type: ignore[attr-defined]  # a generator; closing it puts the best weights back
            warnings.warn(
                f"training was stopped after {len(self.history_)} of {len(before) + self.epochs} epochs; the best weights so "
                "far are kept. To go on: set_params(warm_start=True).fit(X).",
                TrainingStopped,
                stacklevel=3,
            )

    def _assemble(self, x: NDArray[Any], known: DataSpec | None) -> None:
        if not (isinstance(self.latent, (int, np.integer)) and self.latent >= 1):
            raise ConfigError(f"latent={self.latent!r} is not a number of dimensions. Expected a whole number, at least 1.")
        spec = self.spec or known or DataSpec.infer(x)
        if spec.shape != x.shape[1:]:
            raise ConfigError(f"spec says an example has shape {spec.shape}; in X it has {x.shape[1:]}.")
        recipe, network = recipe_named(self.recipe), network_named(self.network)
        likelihood = likelihood_named(self.likelihood, spec)
        scaling = Scaling.fit(x, spec, likelihood.scaling(spec))
        self.model_ = assemble(recipe, spec, network, likelihood, int(self.latent), scaling)
        self.spec_, self.recipe_, self.network_, self.likelihood_ = spec, recipe, network, likelihood
        self.n_features_in_ = spec.size

    def _settings(self) -> Settings:
        if not (isinstance(self.batch_size, (int, np.integer)) and self.batch_size >= 1):
            raise ConfigError(f"batch_size={self.batch_size!r}: expected a whole number, at least 1.")
        if not (isinstance(self.validation, (int, float, np.floating)) and 0 <= self.validation < 1):
            raise ConfigError(f"validation={self.validation!r} is not a share of the rows. Expected 0 <= validation < 1.")
        recipe = recipe_named(self.recipe)
        return Settings(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            patience=self.patience,
            precision=self.precision,
            compile=self.compile,
            draws=recipe.draws,
            corruption=recipe.corruption,
            max_norm=network_named(self.network).max_norm,
        )

    def _split(self, n: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row numbers to learn from and to choose the best weights on, each in order; none of the latter for very few rows."""
        held = min(round(self.validation * n), n - 1)
        rows = rng.permutation(n)
        return np.sort(rows[held:]), np.sort(rows[:held])

    # ------------------------------------------------------------------ using

    def transform(self, X: ArrayLike | Dataset) -> NDArray[np.float32]:
        """The codes: posterior means (n, D), float32. A row gets the same code alone as among others."""
        x = self._checked(X)
        return encoded(self.model_, x)[0]

    def inverse_transform(self, Z: ArrayLike) -> NDArray[np.float32]:
        """What codes Z (n, D) decode to: likelihood means (n, *E), in the units of the data."""
        check_is_fitted(self)
        latent = self._n_features_out
        try:
            z = np.asarray(Z, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(f"expected codes (n, {latent}), all numbers: {error}.") from error
        if z.ndim != 2 or z.shape[1] != latent:
            raise DataError(f"expected codes (n, {latent}), got shape {z.shape}.")
        check_finite(z)
        return decoded(self.model_, z)

    def reconstruct(self, X: ArrayLike | Dataset) -> NDArray[np.float32]:
        """X (n, *E), encoded to the posterior mean and decoded again: (n, *E), in the units of the data."""
        return self.inverse_transform(self.transform(X))

    def denoise(self, X: ArrayLike | Dataset) -> NDArray[np.float32]:
        """X (n, *E) without its noise. Any recipe does some of this; "denoising" is trained for it."""
        return self.reconstruct(X)

    def sample(self, n: int = 1, temperature: float = 1.0) -> NDArray[np.float32]:
        """`n` new examples (n, *E): codes from the prior, their spread times `temperature`, decoded to likelihood means.

        Repeatable when random_state is an integer. Raises NotGenerativeError for a recipe that does not train its codes to
        fill the prior.
        """
        check_is_fitted(self)
        if not self.recipe_.generative:
            raise NotGenerativeError(
                f'recipe "{self.recipe_.name}" has nothing to draw from: no known distribution is filled by its codes. '
                'Fit recipe="vae", or see what happens anyway: space(X).sample(n, source="gaussian").'
            )
        if not (isinstance(n, (int, np.integer)) and n >= 0):
            raise ConfigError(f"n={n!r}: expected a whole number of examples, 0 or more.")
        rng = np.random.default_rng(self._seed())
        return self.inverse_transform(self._prior(temperature)(int(n), rng))

    def score_samples(self, X: ArrayLike | Dataset, draws: int = 1) -> NDArray[np.float64]:
        """A lower bound on log p(x) for each row, in nats: (n,). Importance-weighted over `draws` draws of q(z | x).

        It grows with `draws` towards log p(x) (Burda et al. 2016). For data with a density, the density is that of X in its own
        units. A recipe without a distribution over codes ("ae") gives log p(x | z), which is not a bound. The draws of a row
        depend on its values alone, so that scores can be repeated.
        """
        x = self._checked(X)
        if not (isinstance(draws, (int, np.integer)) and draws >= 1):
            raise ConfigError(f"draws={draws!r}: expected a whole number, at least 1.")
        self._check_range(x)
        volume = self.model_.scaling.log_volume if self.likelihood_.is_density else 0.0
        return bounds(self.model_, x, int(draws)).astype(np.float64) - volume

    def score(self, X: ArrayLike | Dataset, y: ArrayLike | None = None) -> float:
        """The mean of `score_samples`: higher is better, as model selection expects."""
        return float(self.score_samples(X).mean())

    def space(self, X: ArrayLike | Dataset, y: ArrayLike | None = None, *, held_out: ArrayLike | None = None) -> LatentSpace:
        """The latent space as these examples (n, *E) see it; y: labels (n,). held_out: a mask of rows not trained on."""
        x = self._checked(X)
        labelled = X if isinstance(X, Dataset) and y is None else Dataset.of(np.zeros((len(x), 1)), y)
        codes, scales = encoded(self.model_, x)
        return LatentSpace(
            codes=codes,
            scales=scales,
            data=x,
            decode=self.inverse_transform,
            prior=self._prior(),
            labels=labelled.y,
            classes=labelled.classes,
            unit=self.model_.scaling.unit,
            held_out=None if held_out is None else _mask(held_out, len(x)),
        )

    # ------------------------------------------------------------------ keeping

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Save to a folder (safetensors and JSON), replacing a model saved there before. Raises CheckpointError."""
        check_is_fitted(self)
        description = {
            "params": {name: codec.to_json(value) for name, value in self.get_params(deep=False).items()},
            "recipe": codec.to_json(self.recipe_),
            "network": codec.to_json(self.network_),
            "likelihood": codec.to_json(self.likelihood_),
            "spec": codec.to_json(self.spec_),
            "latent": self._n_features_out,
            "features": [str(name) for name in getattr(self, "feature_names_in_", [])],
            "validation_rows": self.validation_rows_.tolist(),
            "history": history.to_json(self.history_),
            "interrupted": self.interrupted_,
        }
        checkpoint.write(folder, description, self.model_.state_dict())

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """The autoencoder that `save` wrote. Runs no code from the folder. Raises CheckpointError."""
        saved, weights = checkpoint.read(folder)
        try:
            self = cls(**{name: codec.from_json(value) for name, value in saved["params"].items()})
            self.recipe_, self.network_, self.likelihood_, self.spec_ = (
                codec.from_json(saved[part]) for part in ("recipe", "network", "likelihood", "spec")
            )
            with seeded(0):  # the first weights are thrown away; who loads a model expects no draw from their generator
                self.model_ = assemble(
                    self.recipe_, self.spec_, self.network_, self.likelihood_, saved["latent"], Scaling(self.spec_)
                )
            self.model_.load_state_dict(weights)
            self.history_ = history.from_json(saved["history"])
            self.validation_rows_ = np.asarray(saved["validation_rows"], dtype=np.int64)
            self.interrupted_ = bool(saved["interrupted"])
            self.n_features_in_ = self.spec_.size
            if saved["features"]:
                self.feature_names_in_ = np.asarray(saved["features"], dtype=object)
        except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0] if not isinstance(error, KeyError) else f"{error} is missing"
            raise CheckpointError(f"{folder}/{checkpoint.DESCRIPTION} does not describe its weights: {reason}.") from error
        self.model_.eval()
        return self

    # ------------------------------------------------------------------ scikit-learn's protocol

    def set_params(self, **params: Any) -> Self:
        """scikit-learn's; options of a recipe that was given by name can be set too (`recipe__beta=4`)."""
        inner = {name.removeprefix("recipe__"): value for name, value in params.items() if name.startswith("recipe__")}
        outer = {name: value for name, value in params.items() if not name.startswith("recipe__")}
        super().set_params(**outer)
        if inner:
            self.recipe = recipe_named(self.recipe).with_params(inner)
        return self

    @property
    def _n_features_out(self) -> int:
        return int(self.model_.prior().event_shape[0])

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # codes are float32 whatever comes in
        tags.non_deterministic = self.random_state is None
        return tags

    # ------------------------------------------------------------------ inside

    def _checked(self, X: ArrayLike | Dataset, reset: bool = False) -> NDArray[Any]:
        """X as an array (n, *E) of finite numbers like those learnt from."""
        if not reset:
            check_is_fitted(self)
        x = X.x if isinstance(X, Dataset) else X
        if (x.ndim if hasattr(x, "ndim") else np.asarray(x).ndim) <= 2:
            try:
                x = validate_data(self, x, reset=reset, dtype="numeric", ensure_all_finite=False, ensure_min_samples=0)
            except ValueError as error:
                raise DataError(str(error)) from error
        array = as_array(x)
        check_finite(array)
        if not reset and array.shape[1:] != self.spec_.shape:
            raise DataError(f"expected examples of shape {self.spec_.shape}, as in training; got {array.shape[1:]}.")
        return array

    def _check_range(self, x: NDArray[Any]) -> None:
        """Raise DataError where the likelihood knows no such values: outside the range that was scaled to [0, 1]."""
        if self.likelihood_.kind == "gaussian":
            return
        low, high = (self.spec_.low, self.spec_.high) if self.spec_.kind == "image" else (0.0, 1.0)
        for worst in (float(x.min()), float(x.max())):
            if not low <= worst <= high:
                raise DataError(
                    f'likelihood="{self.likelihood_.kind}" needs values in [{low:g}, {high:g}] here; X holds {worst:g}. '
                    'Clip or scale X, or fit with likelihood="gaussian".'
                )

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _prior(self, temperature: float = 1.0) -> Sampler:
        if not (np.isfinite(temperature) and temperature >= 0):
            raise ConfigError(f"temperature={temperature}: expected a number, 0 or more.")
        return StandardNormal(self._n_features_out, temperature)


def _mask(held_out: ArrayLike, rows: int) -> NDArray[np.bool_]:
    mask = np.asarray(held_out)
    if mask.dtype != bool or mask.shape != (rows,):
        raise DataError(
            f"held_out must be a mask: {rows} booleans, one for each row of X; got {mask.dtype} of shape {mask.shape}. "
            "From row numbers: np.isin(np.arange(len(X)), numbers)."
        )
    return mask
