"""The scikit-learn face: `Autoencoder("vae", latent=2).fit(X)`, and what can be done with it then."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import nn

from latentwalk.arrays import Array
from latentwalk.checks import flag
from latentwalk.data.columns import is_frame
from latentwalk.data.corruption import Corruption
from latentwalk.data.dataset import Dataset
from latentwalk.data.powers import Transforms
from latentwalk.data.spec import DataSpec
from latentwalk.estimators import saved
from latentwalk.estimators.conditions import Conditions
from latentwalk.estimators.fitting import fit
from latentwalk.estimators.options import SETTINGS, Options, moved, places_told
from latentwalk.estimators.trained import Trained
from latentwalk.latent.completion import BEST
from latentwalk.latent.criteria.measure import Measure
from latentwalk.latent.samplers import FittedSampler, Sampler
from latentwalk.latent.space import LatentSpace
from latentwalk.models.decoding import Decoding, decoding_named
from latentwalk.models.inference import Coder
from latentwalk.models.latent_model import LatentModel
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.recipes import Recipe, recipe_named
from latentwalk.networks.build import Network, network_named
from latentwalk.networks.denoiser import Denoiser
from latentwalk.saving import onnx, triton
from latentwalk.saving.scorer import SCORER
from latentwalk.training.history import Epoch
from latentwalk.training.settings import Settings

__all__ = ["Autoencoder"]


class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """An autoencoder of any family, for arrays (n, *E) of numbers, signals of any length, texts, and frames of mixed columns.

    recipe: a name in `RECIPES` ("ae", "sparse", "denoising", "contractive", "vae", …) or a `Recipe`.
    latent: D, the number of dimensions of a code; None is the recipe's own: 2, 64 for "denoising", as many as X has features
        for a sparse one.
    network: "auto", "dense", "conv", "fully-conv", "gru", "lstm", "transformer", "hierarchical", a `Network`, or an encoder and
        a decoder of one's own: two modules, see `Network.bodies`.
    likelihood: "auto", "bernoulli", "continuous-bernoulli", "gaussian", for tables "student-t", "negative-binomial", "mixed",
        for texts "units", or a `Likelihood`.
    noise: what spoils the input while training, instead of what the recipe says: a deviation (0.5), a range of them ((0.1,
        0.6), for noise of unknown strength), the name of a kind ("masking"), or a `Corruption`.
    epochs: passes over the data, at most.
    batch_size: rows of a training step.
    learning_rate: how far weights go in a step.
    patience: stop after so many epochs without a better validation loss; None never does.
    validation: share of the rows on which the best weights are chosen; they are not trained on. Or which: row numbers, or a
        mark (n,) for each row, as where all rows of a person belong on one side.
    device: "auto", "cpu", "cuda", ….
    random_state: an integer makes fitting repeatable on one machine.
    warm_start: fitting again goes on from the weights there are.
    spec: a `DataSpec`, where the one read off X is not right.
    progress: draw a bar while fitting, on a terminal.
    complete: the sampler that is fitted to the codes after training, for `sample` to draw from, see `fit_sampler`: "quick", in
        a second; its name; True for the best, in minutes; or False for none.
    condition: tell encoder and decoder the label y of each example, so that codes need not say it, and examples with a label
        can be drawn; fit(X, y) then needs labels.
    extra: whether a frame may have columns beside those learnt from; they are left out then, and otherwise an error names them.
    transforms: of a table's skewed columns (incomes, durations), which makes them nearly normal before they are learnt: "auto",
        where it makes values and whole rows likelier; "centred", the same about the mean alone, which is gentler; "none".
        Likelihoods stay densities in the units of the data; what is decoded is the median in such a column.
    training: all else that a training can be told, as `Settings`: optimizer, schedule, precision, checkpoints, ….

    Learned: trained_ (a `Trained`, all that a fit made), and parts of it: model_ (a `LatentModel`), spec_, recipe_, network_,
    likelihood_, history_ (a list of `Epoch`), validation_rows_ (row numbers of X), interrupted_ (whether Ctrl-C cut the fit
    short), classes_ (the labels that a model with a condition is told), sampler_ (fitted to the codes; None where there is
    none), denoiser_ (what `denoise` uses, where there is one), likeness_ (how like codes the draws of samplers are, by name).

    >>> X = np.random.default_rng(0).normal(size=(200, 5))
    >>> codes = Autoencoder("vae", latent=2, epochs=2, random_state=0).fit_transform(X)
    >>> codes.shape
    (200, 2)
    """

    trained_: Trained

    @places_told
    def __init__(
        self,
        recipe: str | Recipe = "vae",
        *,
        latent: int | None = None,
        network: str | Network | Sequence[nn.Module] = "auto",
        likelihood: str | Likelihood = "auto",
        noise: float | tuple[float, float] | str | Corruption | None = None,
        epochs: int = 20,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        patience: int | None = None,
        validation: float | ArrayLike = 0.1,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        spec: DataSpec | None = None,
        progress: bool = True,
        complete: bool | str = "quick",
        condition: bool = False,
        extra: bool = False,
        transforms: Transforms = "auto",
        training: Settings | None = None,
    ) -> None:
        self.recipe = recipe
        self.latent = latent
        self.network = network
        self.likelihood = likelihood
        self.noise = noise
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation = validation
        self.device = device
        self.random_state = random_state
        self.warm_start = warm_start
        self.spec = spec
        self.progress = progress
        self.complete = complete
        self.condition = condition
        self.extra = extra
        self.transforms = transforms
        self.training = training

    # ------------------------------------------------------------------ learning

    def fit(
        self, X: ArrayLike | Dataset, y: ArrayLike | None = None, *, checkpoint: str | os.PathLike[str] | None = None
    ) -> Self:
        """Learn from X (n, *E), n at least 2. y: (n,) labels, numbers or strings; only a model with a condition uses them.

        X may be a list of texts: `Dataset.of(X, units=…)` says what they are made of.
        In a table or a signal, NaN says that a value was not observed; X may be a list of signals of different lengths. What is
        memory-mapped, or read when asked for, is read ahead of training where it is large. X may be a tensor, a data set of
        PyTorch's, a Hugging Face `datasets.Dataset`, or a stream of theirs: an `IterableDataset`, or a `Stream` of one where
        there is something to say about it.
        Ctrl-C ends training early: the best weights so far are kept, and a warning says how to go on.
        checkpoint: a folder in which training is kept while it goes on (see `training.keeper`). Where one is there already, fit
        goes on from it, to the weights, history and moments of a fit that was never interrupted, bit for bit on one machine.
        Options and data must be the same; only `epochs` may grow, with a constant learning rate.
        Raises DataError, ConfigError, TrainingError, CheckpointError.
        """
        flag("warm_start", self.warm_start)
        before = self.trained_ if self.warm_start and hasattr(self, "trained_") else None
        self.trained_ = fit(
            self._options(), X, y, before=before, checkpoint=checkpoint, keep=partial(setattr, self, "trained_")
        )
        return self

    def check(self) -> Self:
        """Raise ConfigError now for what `fit` would refuse whatever the data is: for who fits many, one after the other."""
        self._options().check()
        return self

    def fit_sampler(self, X: ArrayLike | Dataset, sampler: str = BEST, *, condition: Any = None) -> Self:
        """Fit a distribution to the codes of X (n, *E), for `sample` to draw from; any recipe is generative then.

        sampler: "gaussian", "mixture", "vamp", "resampled", "flow", "neighbours" or "prior" (see `latent.samplers`), or "best":
        the one whose draws are hardest to tell from codes that it was not fitted to, the simpler of equals; or "quick", as
        `fit` does (see `latent.completion`). "neighbours" keeps codes of X; the others do not. Sets sampler_, which is saved
        with the model, and likeness_; a new `fit` takes them away.
        Raises ConfigError; DataError for too few rows.
        """
        self.trained_ = self._trained.completed(self._known(X), sampler, self._options().seed(), condition)
        return self

    # ------------------------------------------------------------------ using

    def fit_transform(self, X: ArrayLike | Dataset, y: ArrayLike | None = None, **fit_params: Any) -> NDArray[np.float32]:
        """Learn from X (n, *E), and its codes (n, D); see `fit` and `transform`."""
        return self.fit(X, y, **fit_params).transform(X, condition=y if self.condition else None)

    def transform(self, X: ArrayLike | Dataset, *, condition: Any = None) -> NDArray[np.float32]:
        """The codes: posterior means (n, D), float32. A row gets the same code alone as among others.

        condition, here and elsewhere: what a model with a condition is told of the rows: a label for all of them, or (n,)
        labels; the own ones of a Dataset unless given. Raises ConfigError where they are missing, or not known.
        """
        x, told = self._seen(X, condition)
        return Coder(self._trained.model, told).encode(x)[0]

    def inverse_transform(self, Z: ArrayLike, *, condition: Any = None) -> Any:
        """What codes Z (n, D) decode to: likelihood means (n, *E), of the float type of the data and in its units.

        A table that came as a frame goes as one, each cell what it most likely is; it has the index of Z, if Z is a frame.
        """
        z = self._trained.codes(Z)
        found = self._trained.framed(self._trained.decode(z, self._trained.told(condition, None, len(z))))
        index = getattr(Z, "index", None) if is_frame(Z) and is_frame(found) else None
        return found if index is None else found.set_axis(index, axis=0)

    def reconstruct(self, X: ArrayLike | Dataset, *, condition: Any = None, decoding: str | Decoding | None = None) -> Any:
        """X (n, *E), encoded to the posterior mean and decoded again: (n, *E), in the units of the data.

        An array comes back as one of its own float type, a frame as a frame: its index, its columns in their order, and the
        types learnt. A signal that ends early is NaN from there on, as in X.
        decoding, here and elsewhere, of texts and music: how units are chosen one after the other: "greedy", "sample", "beam",
        or a `Decoding`; drawn repeatably when random_state is an integer. Raises ConfigError for other data.
        """
        x, told = self._seen(X, condition)
        chosen = decoding_named(decoding)
        back = self._trained.reconstruct(x, told, chosen, 0 if chosen is None else self._options().seed())
        return self._trained.answered(back, x, X)

    def denoise(self, X: ArrayLike | Dataset, *, condition: Any = None, alike: bool = True) -> Any:
        """X (n, *E) without its noise. Any recipe does some of this; "denoising" is trained for it. Not for texts.

        It need not be told how much noise there is. Where the recipe has a `Denoiser`, this is what it leaves of images and
        signals; elsewhere, and in tables, it is the reconstruction.
        alike: whether X shows what the examples learnt from showed, of which codes know what to expect; windows of something
        larger do not.
        """
        flag("alike", alike)
        self._trained.check_valued("denoise")
        x, told = self._seen(X, condition)
        return self._trained.answered(self._trained.denoise(x, told, guided=alike), x, X)

    def impute(self, X: ArrayLike | Dataset, *, condition: Any = None) -> Any:
        """X (n, *E) with the model's reconstruction where a value is missing; what was observed stays exactly as it was.

        Always a copy. A signal that ends early is not made longer. Gaps (NaN) of sounds are filled by a model of whole ones.
        A frame comes back as a frame, with its index and all its
        columns. Not for texts.
        """
        self._trained.check_valued("impute")
        x, told = self._trained.seen(self._known(X), condition, gaps=self._trained.spec.form.heard)
        return self._trained.imputed(x, X, told)

    def sample(
        self,
        n: int = 1,
        temperature: float = 1.0,
        source: str | Sampler | None = None,
        *,
        condition: Any = None,
        missing: bool = False,
        decoding: str | Decoding | None = None,
    ) -> Any:
        """`n` new examples (n, *E): codes drawn from `source`, their spread times `temperature`, decoded to likelihood means.

        source: "fitted", the sampler of `fit` or `fit_sampler`; "prior", with a warning where its draws are known to miss the
        data; a sampler (n, generator) → (n, D), whose temperature is its own affair; by default the fitted one where there is
        one, else the prior.
        The rows of a table whose columns have likelihoods of their own are drawn from them: whole counts, and categories as
        often as they should be. A frame, with names and types of the one learnt from, if it was one.
        condition: for a model with one, the label of all examples, or (n,) labels; drawn as often as in training unless given.
        missing: whether cells of a table are missing as they were in training: in the same patterns, as often, in any row.
        decoding: see `reconstruct`.
        Repeatable when random_state is an integer. Raises NotGenerativeError for a recipe that does not train its codes to
        fill the prior, where no sampler was fitted.
        """
        seed, chosen = self._options().seed(), decoding_named(decoding)
        drawn = self._trained.sample(n, temperature, source, condition, seed, missing=missing, decoding=chosen)
        return self._trained.framed(drawn)

    def score_samples(self, X: ArrayLike | Dataset, draws: int = 1, *, condition: Any = None) -> NDArray[np.float64]:
        """A lower bound on log p(x) for each row, in nats: (n,). Importance-weighted over `draws` draws of q(z | x).

        It grows with `draws` towards log p(x) (Burda et al. 2016). For data with a density, the density is that of X in its own
        units. A recipe without a distribution over codes ("ae") gives log p(x | z), which is not a bound. The draws of a row
        depend on its values alone, so that scores can be repeated.
        """
        x, told = self._seen(X, condition)
        return self._trained.bounds(x, draws, told)

    def score_each(self, X: ArrayLike | Dataset, *, condition: Any = None) -> Any:
        """log p(value | z) of each value of X (n, *E), at its row's code, in nats of values in units of a deviation: (n, *E).

        Which values a model finds strange; 0 where one is missing. Of a frame it is one of floats, with its index, names and
        order.
        """
        return self._trained.about_cells(self._trained.log_probs(*self._seen(X, condition)), X)

    def score(self, X: ArrayLike | Dataset, y: ArrayLike | None = None, *, condition: Any = None) -> float:
        """The mean of `score_samples`: higher is better, as model selection expects. y is the condition of a model with one."""
        told = y if condition is None and self._trained.labels is not None else condition
        return float(self.score_samples(X, condition=told).mean())

    def space(
        self,
        X: ArrayLike | Dataset,
        y: ArrayLike | None = None,
        *,
        held_out: ArrayLike | None = None,
        condition: Any = None,
        decoding: str | Decoding | None = None,
    ) -> LatentSpace:
        """The latent space as these examples (n, *E) see it; y: labels (n,). held_out: a mask of rows not trained on.

        A model with a condition is told y, unless `condition` says otherwise. The rows' codes then decode under their own
        labels, all other points under the most frequent one; `space.under(label)` decodes all points under one label.
        decoding: how walks, blends, grafts and draws choose units; see `reconstruct`.
        """
        chosen = decoding_named(decoding)
        seed = 0 if chosen is None else self._options().seed()
        return self._trained.space(self._known(X), y, held_out, condition, chosen, seed)

    # ------------------------------------------------------------------ kept

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Save to a folder (safetensors and JSON), replacing a model saved there before; a fitted sampler goes with it.

        Parts of one's own (networks, prior, objective) are saved as weights and names. Raises CheckpointError, and ConfigError
        where a part was put in by hand.
        """
        saved.to_folder(folder, self._trained, self.get_params(deep=False))

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, network: Any = None, prior: Any = None, objective: Any = None) -> Self:
        """The autoencoder that `save` wrote. Runs no code from the folder, and holds none.

        network, prior, objective: the parts of one's own that it was fitted with, once more. Their weights are the saved ones;
        that they fit is checked. Raises CheckpointError, also where one is missing; ConfigError where it has no such part.
        """
        params, trained = saved.from_folder(folder, {"network": network, "prior": prior, "objective": objective})
        self = cls(**params)
        self.trained_ = trained
        return self

    def export(
        self, folder: str | os.PathLike[str], *, scorer: bool = False, repository: str | None = None
    ) -> tuple[Path, ...]:
        """Write encoder.onnx and decoder.onnx, and of texts and music step.onnx, to a folder, replacing those that are there;
        see `latentwalk.saving.onnx`.

        scorer: also scorer.onnx, which takes columns as they come and answers as `score_samples` and `score_each` do; see
        `latentwalk.saving.scorer`. All files are written, or none.
        repository: a name for the models of a Triton model repository, which the folder then is: see `saving.triton`.

        The encoder takes X as `transform` does, of the type it had in `fit`; the decoder answers as `inverse_transform` does,
        and for a frame in numbers, one a column. Needs the packages of latentwalk[export].
        Raises ConfigError, CheckpointError.
        """
        trained = self._trained
        files = onnx.onnx_files(trained.model, trained.spec)
        files |= {SCORER: trained.scorer()} if scorer else {}
        return onnx.exported(files if repository is None else triton.repository(files, repository), folder)

    # ------------------------------------------------------------------ what was given

    def _known(self, X: Any) -> Any:
        """X, without columns that were not learnt from where they are allowed. Raises DataError."""
        return self._trained.narrowed(X) if self.extra else X

    def _seen(self, X: Any, condition: Any) -> tuple[Array, Conditions | None]:
        """X as an array (n, *E) like the one learnt from, and its condition. Raises ConfigError, DataError."""
        return self._trained.seen(self._known(X), condition)

    # ------------------------------------------------------------------ what was learnt

    def _options(self) -> Options:
        return Options(**self.get_params(deep=False))

    @property
    def _trained(self) -> Trained:
        """What was learnt. Raises NotFittedError."""
        check_is_fitted(self)
        return self.trained_

    @property
    def model_(self) -> LatentModel:
        return self.trained_.model

    @property
    def spec_(self) -> DataSpec:
        return self.trained_.spec

    @property
    def recipe_(self) -> Recipe:
        return self.trained_.recipe

    @property
    def network_(self) -> Network:
        return self.trained_.network

    @property
    def likelihood_(self) -> Likelihood:
        return self.trained_.likelihood

    @property
    def history_(self) -> list[Epoch]:
        return list(self.trained_.history)

    @property
    def validation_rows_(self) -> NDArray[np.int64]:
        return self.trained_.validation_rows

    @property
    def interrupted_(self) -> bool:
        return self.trained_.interrupted

    @property
    def classes_(self) -> tuple[str, ...]:
        if self.trained_.labels is None:
            raise AttributeError("this model takes no condition, so it knows no labels")
        return self.trained_.labels.names

    @property
    def sampler_(self) -> FittedSampler | None:
        return self.trained_.sampler

    @property
    def denoiser_(self) -> Denoiser | None:
        return self.trained_.denoiser

    @property
    def likeness_(self) -> dict[str, Measure]:
        return dict(self.trained_.likeness)

    # ------------------------------------------------------------------ scikit-learn's protocol

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """scikit-learn's; options of the training can be seen (`training__ema`) though none were given."""
        own: dict[str, Any] = super().get_params(deep)
        usual = Settings().get_params() if deep and self.training is None else {}
        return own | {f"training__{name}": value for name, value in usual.items()}

    def set_params(self, **params: Any) -> Self:
        """scikit-learn's; options of a recipe and of a network that were given by name can be set too, and of the training.

        `recipe__beta=4`, `network__widths=(256,)`, `training__ema=0.999`. Raises ConfigError, ValueError for unknown ones.
        """
        inner: dict[str, dict[str, Any]] = {"recipe": {}, "network": {}, "training": {}}
        outer = {}
        for name, value in params.items():
            whole, _, part = name.partition("__")
            if part and whole in inner:
                inner[whole][part] = value
            elif name in SETTINGS:
                raise moved(name, value, setting=True)
            else:
                outer[name] = value
        super().set_params(**outer)
        if inner["recipe"]:
            self.recipe = recipe_named(self.recipe).with_params(inner["recipe"])
        if inner["network"]:
            self.network = network_named(self.network).with_params(inner["network"])
        if inner["training"]:
            self.training = (self.training or Settings()).with_params(inner["training"])
        return self

    @property
    def n_features_in_(self) -> int:
        return self.trained_.spec.size

    @property
    def feature_names_in_(self) -> NDArray[np.object_]:
        if not self.trained_.features:
            raise AttributeError("the features of X had no names")
        return np.asarray(self.trained_.features, dtype=object)

    @property
    def _n_features_out(self) -> int:
        return self.trained_.latent

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "trained_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # codes are float32 whatever comes in
        tags.input_tags.allow_nan = True  # NaN says: not observed
        tags.non_deterministic = self.random_state is None
        return tags
