"""The scikit-learn face: `Autoencoder("vae", latent=2).fit(X)`, and what can be done with it then."""

import os
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latentwalk.data.columns import decoded as decoded_columns
from latentwalk.data.corruption import Corruption
from latentwalk.data.dataset import Dataset
from latentwalk.data.examples import check_finite
from latentwalk.data.rows import changed_by_row
from latentwalk.data.scaling import as_tensor
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError, DataError, NotGenerativeError
from latentwalk.estimators.fitting import Learner
from latentwalk.latent.completion import BEST, completion
from latentwalk.latent.origin import Origin
from latentwalk.latent.samplers import KINDS, Isotropic, Posterior, Sampler, Vamp
from latentwalk.latent.space import LatentSpace
from latentwalk.models.inference import Coder, signature
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.prior import PriorSampler
from latentwalk.models.recipes import Recipe
from latentwalk.networks.build import Network
from latentwalk.networks.layers import channels_last
from latentwalk.training.optimise import LearningSchedule, OptimizerName

__all__ = ["Autoencoder"]


class Autoencoder(Learner):
    """An autoencoder of any family, for arrays (n, *E) of numbers, signals of any length, and frames of mixed columns.

    recipe: a name in `RECIPES` ("ae", "sparse", "denoising", "contractive", "vae", …) or a `Recipe`. latent: D, the number of
    dimensions of a code; None is the recipe's own: 2, 64 for "denoising", as many as X has features for a sparse one.
    network: "auto", "dense", "conv", "fully-conv", "gru", "lstm" or a `Network`. likelihood: "auto", "bernoulli",
    "continuous-bernoulli", "gaussian", for tables "student-t", "negative-binomial", "mixed", or a `Likelihood`. noise: what
    spoils the input while training, instead of what the recipe says: a deviation (0.5), a range of them ((0.1, 0.6), for noise
    of unknown strength), the name of a kind ("masking"), or a `Corruption`. batch_size: rows of a
    training step. epochs, optimizer, learning_rate, learning_schedule, warmup, weight_decay, patience, precision, compile,
    clip, skip, accumulate, ema: see `Settings`. validation: share of the rows on which the best weights are chosen; they are
    not trained on. device: "auto", "cpu", "cuda", …. random_state: an integer makes fitting repeatable on one machine.
    warm_start: fitting again goes on from the weights there are. spec: a `DataSpec`, where the one read off X is not right.
    progress: draw a bar while fitting, on a terminal. checkpoint_every: seconds between two checkpoints of `fit(…,
    checkpoint=FOLDER)`. track: a folder for TensorBoard, to see losses, rates, active units and pictures while it learns.
    complete: fit a sampler to the codes after training, see `fit_sampler`: its name, or True for the best.

    Learned: model_ (a `LatentModel`), spec_, recipe_, network_, likelihood_, history_ (a list of `Epoch`),
    validation_rows_ (row numbers of X), interrupted_ (whether Ctrl-C cut the fit short), sampler_ (None, or the fitted one),
    completeness_ (how complete samplers were measured to be, by name).

    >>> X = np.random.default_rng(0).normal(size=(200, 5))
    >>> codes = Autoencoder("vae", latent=2, epochs=2, random_state=0).fit_transform(X)
    >>> codes.shape
    (200, 2)
    """

    def __init__(
        self,
        recipe: str | Recipe = "vae",
        *,
        latent: int | None = None,
        network: str | Network = "auto",
        likelihood: str | Likelihood = "auto",
        noise: float | tuple[float, float] | str | Corruption | None = None,
        epochs: int = 20,
        batch_size: int = 128,
        optimizer: OptimizerName = "adam",
        learning_rate: float = 1e-3,
        learning_schedule: LearningSchedule = "constant",
        warmup: float = 0.0,
        weight_decay: float = 0.0,
        clip: float | None = None,
        skip: float | None = None,
        accumulate: int = 1,
        ema: float | None = None,
        patience: int | None = None,
        validation: float = 0.1,
        precision: str = "float32",
        compile: bool = False,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        spec: DataSpec | None = None,
        progress: bool = True,
        checkpoint_every: float = 60.0,
        track: str | os.PathLike[str] | None = None,
        complete: bool | str = False,
    ) -> None:
        self.recipe = recipe
        self.latent = latent
        self.network = network
        self.likelihood = likelihood
        self.noise = noise
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_schedule = learning_schedule
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.clip = clip
        self.skip = skip
        self.accumulate = accumulate
        self.ema = ema
        self.patience = patience
        self.validation = validation
        self.precision = precision
        self.compile = compile
        self.device = device
        self.random_state = random_state
        self.warm_start = warm_start
        self.spec = spec
        self.progress = progress
        self.checkpoint_every = checkpoint_every
        self.track = track
        self.complete = complete

    # ------------------------------------------------------------------ using

    def transform(self, X: ArrayLike | Dataset) -> NDArray[np.float32]:
        """The codes: posterior means (n, D), float32. A row gets the same code alone as among others."""
        x = self._checked(X)
        return Coder(self.model_).encode(x)[0]

    def inverse_transform(self, Z: ArrayLike) -> Any:
        """What codes Z (n, D) decode to: likelihood means (n, *E), float32, in the units of the data.

        A table that came as a frame with categories goes as one, each cell what it most likely is.
        """
        return self._framed(self._decoded(Z))

    def _decoded(self, Z: ArrayLike) -> NDArray[np.float32]:
        check_is_fitted(self)
        latent = self._n_features_out
        try:
            z = np.asarray(Z, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(f"expected codes (n, {latent}), all numbers: {error}.") from error
        if z.ndim != 2 or z.shape[1] != latent:
            raise DataError(f"expected codes (n, {latent}), got shape {z.shape}.")
        check_finite(z)
        return Coder(self.model_).decode(z)

    def reconstruct(self, X: ArrayLike | Dataset) -> Any:
        """X (n, *E), encoded to the posterior mean and decoded again: (n, *E), float32, in the units of the data.

        A signal that ends early is NaN from there on, as in X. A frame comes back as a frame.
        """
        return self._framed(self._reconstructed(self._checked(X)))

    def _reconstructed(self, x: NDArray[Any]) -> NDArray[np.float32]:
        coder = Coder(self.model_)
        decoded_ = coder.decode(coder.encode(x)[0])
        if self.spec_.kind == "signal" and self.spec_.missing:
            decoded_[_after_the_end(x)] = np.nan
        return decoded_

    def denoise(self, X: ArrayLike | Dataset) -> Any:
        """X (n, *E) without its noise. Any recipe does some of this; "denoising" is trained for it."""
        return self.reconstruct(X)

    def impute(self, X: ArrayLike | Dataset) -> Any:
        """X (n, *E) with the model's reconstruction where a value is missing; what was observed stays exactly as it was.

        A signal that ends early is not made longer. A frame comes back as a frame.
        """
        x = self._checked(X)
        return self._framed(np.where(np.isnan(x), self._reconstructed(x), x) if self.spec_.missing else x)

    def fit_sampler(self, X: ArrayLike | Dataset, sampler: str = BEST) -> Self:
        """Fit a distribution to the codes of X (n, *E), for `sample` to draw from; any recipe is generative then.

        sampler: "gaussian", "mixture", "vamp", "resampled", "flow", "neighbours" or "prior" (see `latent.samplers`), or "best":
        the one whose draws are hardest to tell from codes that it was not fitted to, the simpler of equals. "neighbours" keeps
        codes of X; the others do not. Sets sampler_, which is saved with the model, and completeness_; a new `fit` takes them
        away.
        Raises ConfigError; DataError for too few rows.
        """
        space = self.space(X)
        needs = {Isotropic.kind: self.recipe_.generative, Vamp.kind: self.recipe_.spreads}
        found = completion(
            space,
            sampler,
            candidates=[kind for kind in KINDS if needs.get(kind, True)],
            held_out=self.validation_rows_[self.validation_rows_ < len(space)],
            seed=self._seed(),
        )
        self.sampler_, self.completeness_ = found.sampler, dict(found.measures)
        return self

    def sample(self, n: int = 1, temperature: float = 1.0, source: str | Sampler | None = None) -> Any:
        """`n` new examples (n, *E): codes drawn from `source`, their spread times `temperature`, decoded to likelihood means.

        source: "fitted", the sampler of `fit_sampler`; "prior"; a sampler (n, generator) → (n, D), whose temperature is its own
        affair; by default the fitted one where there is one, else the prior.
        The rows of a table whose columns have likelihoods of their own are drawn from them: whole counts, and categories as
        often as they should be; a frame, like the one learnt from, if it was one.
        Repeatable when random_state is an integer. Raises NotGenerativeError for a recipe that does not train its codes to
        fill the prior, where no sampler was fitted.
        """
        check_is_fitted(self)
        sampler = self._source(source, temperature)
        if not (isinstance(n, (int, np.integer)) and n >= 0):
            raise ConfigError(f"n={n!r}: expected a whole number of examples, 0 or more.")
        rng = np.random.default_rng(self._seed())
        z = sampler(int(n), rng)
        if not self.spec_.columns:
            return self._decoded(z)
        return self._framed(Coder(self.model_).draw(z.astype(np.float32), int(rng.integers(2**31))))

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
        return Coder(self.model_).bound(x, int(draws)).astype(np.float64) - volume

    def score_each(self, X: ArrayLike | Dataset) -> NDArray[np.float64]:
        """log p(value | z) of each value of X (n, *E), at its row's code, in nats of the scaled values: (n, *E).

        Which values a model finds strange; 0 where one is missing.
        """
        return Coder(self.model_).log_probs(self._checked(X)).astype(np.float64)

    def score(self, X: ArrayLike | Dataset, y: ArrayLike | None = None) -> float:
        """The mean of `score_samples`: higher is better, as model selection expects."""
        return float(self.score_samples(X).mean())

    def space(self, X: ArrayLike | Dataset, y: ArrayLike | None = None, *, held_out: ArrayLike | None = None) -> LatentSpace:
        """The latent space as these examples (n, *E) see it; y: labels (n,). held_out: a mask of rows not trained on."""
        x = self._checked(X)
        labelled = X if isinstance(X, Dataset) and y is None else Dataset.of(np.zeros((len(x), 1)), y)
        codes, scales = Coder(self.model_).encode(x)
        return LatentSpace(
            codes=codes,
            scales=scales,
            data=changed_by_row(x, partial(self._filled, codes)) if self.spec_.missing else x,
            decode=self._decoded,
            prior=self._prior(),
            labels=labelled.y,
            classes=labelled.classes,
            unit=self.model_.scaling.unit,
            held_out=None if held_out is None else _mask(held_out, len(x)),
            encode=self._encoded,
            spec=self.spec_,
            attributes=dict(X.factors) if isinstance(X, Dataset) else {},
            model=signature(self.model_),
            fitted=self.sampler_,
            posterior=Posterior(self.model_.encoder, partial(self._inputs, x)) if self.recipe_.spreads else None,
            origin=self._origin(),
        )

    # ------------------------------------------------------------------ inside

    def _encoded(self, X: ArrayLike | Dataset) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Means and deviations of q(z | x) for X (n, *E): (n, D) each."""
        return Coder(self.model_).encode(self._checked(X))

    def _filled(self, codes: NDArray[np.float32], rows: NDArray[np.int64], x: NDArray[Any]) -> NDArray[Any]:
        """Rows `rows` of the data, x, with what their codes decode to where a value is missing."""
        return np.where(np.isnan(x), self._decoded(codes[rows]), x)

    def _framed(self, x: NDArray[Any]) -> Any:
        return decoded_columns(x, self.spec_.columns) if self.spec_.framed else x

    def _origin(self) -> Origin:
        """What the model was made of and how it learnt."""
        made = (self.recipe_, self.network_, self.likelihood_)
        return Origin(*made, int(self.epochs), self.learning_rate, tuple(self.history_))

    def _inputs(self, x: NDArray[Any], rows: NDArray[Any]) -> Tensor:
        """Rows of the data, x, as networks see them, with 0 where nothing was observed: (m, *E)."""
        device = next(self.model_.parameters()).device
        with torch.no_grad():
            return channels_last(self.model_.scaling(as_tensor(x[rows]).to(device)).nan_to_num())

    def _prior(self) -> PriorSampler:
        return self.model_.prior.sampler()

    def _source(self, source: str | Sampler | None, temperature: float) -> Sampler:
        """What to draw codes from. Raises NotGenerativeError, ConfigError."""
        if callable(source):
            return source
        if source not in (None, "fitted", "prior"):
            raise ConfigError(
                f'source={source!r}: a model draws from "fitted" or "prior". For others: fit_sampler(X, "mixture"), or '
                'space(X).sample(n, "mixture").'
            )
        if self.sampler_ is not None and source != "prior":
            return self.sampler_.at(temperature)
        if source == "fitted" or not self.recipe_.generative:
            raise NotGenerativeError(
                f'recipe "{self.recipe_.name}" has nothing to draw from: '
                + ("no sampler was fitted. " if source == "fitted" else "no known distribution is filled by its codes. ")
                + 'Make it generative: fit_sampler(X, "mixture"), or `latentwalk complete RUN`. Or fit recipe="vae".'
            )
        return self._prior().at(temperature)


def _after_the_end(x: NDArray[Any]) -> NDArray[np.bool_]:
    """Where signals (n, T[, F]) are over: True at every step after the last one with an observed value."""
    observed = ~np.isnan(x)
    return ~np.logical_or.accumulate(observed.any(axis=tuple(range(2, x.ndim)))[:, ::-1], axis=1)[:, ::-1]


def _mask(held_out: ArrayLike, rows: int) -> NDArray[np.bool_]:
    mask = np.asarray(held_out)
    if mask.dtype != bool or mask.shape != (rows,):
        raise DataError(
            f"held_out must be a mask: {rows} booleans, one for each row of X; got {mask.dtype} of shape {mask.shape}. "
            "From row numbers: np.isin(np.arange(len(X)), numbers)."
        )
    return mask
