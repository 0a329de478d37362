"""What an estimator must do besides learning: be saved and loaded, speak scikit-learn's protocol, look at what it is given."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from latentwalk.chance import seeded
from latentwalk.data.columns import decoded, encoded, is_frame
from latentwalk.data.dataset import Dataset, adopted
from latentwalk.data.examples import as_array, check_finite, padded
from latentwalk.data.rows import Rows
from latentwalk.data.scaling import Scaling
from latentwalk.data.spec import DataSpec
from latentwalk.errors import CheckpointError, DataError
from latentwalk.latent.criteria.measure import Measure
from latentwalk.latent.samplers import FittedSampler, restored
from latentwalk.models.latent_model import LatentModel
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.recipes import Recipe, assemble, recipe_named
from latentwalk.networks.build import Network, network_named
from latentwalk.saving import folder as checkpoint
from latentwalk.saving import options as codec
from latentwalk.saving.onnx import write_onnx
from latentwalk.training import history
from latentwalk.training.history import Epoch

__all__ = ["Keeping"]

SAMPLER = "sampler."  # what the names of a sampler's arrays begin with, among the weights


class Keeping(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """The side of `Autoencoder` that has nothing to do with learning. Abstract: it has no `fit`."""

    recipe: str | Recipe
    network: str | Network
    model_: LatentModel
    spec_: DataSpec
    recipe_: Recipe
    network_: Network
    likelihood_: Likelihood
    history_: list[Epoch]
    validation_rows_: NDArray[np.int64]
    interrupted_: bool
    sampler_: FittedSampler | None
    completeness_: dict[str, Measure]
    random_state: int | np.random.RandomState | None

    @abstractmethod
    def fit(self, X: ArrayLike | Dataset, y: ArrayLike | None = None) -> Self: ...

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Save to a folder (safetensors and JSON), replacing a model saved there before; a fitted sampler goes with it.

        Raises CheckpointError.
        """
        check_is_fitted(self)
        sampler, arrays = (None, {}) if self.sampler_ is None else self.sampler_.parts()
        description = {
            "params": codec.params_to_json(self.get_params(deep=False)),
            "recipe": codec.to_json(self.recipe_),
            "network": codec.to_json(self.network_),
            "likelihood": codec.to_json(self.likelihood_),
            "spec": codec.to_json(self.spec_),
            "latent": self._n_features_out,
            "features": [str(name) for name in getattr(self, "feature_names_in_", [])],
            "validation_rows": self.validation_rows_.tolist(),
            "history": history.epochs_to_json(self.history_),
            "interrupted": self.interrupted_,
            "sampler": sampler,
            "completeness": {kind: measure.to_json() for kind, measure in self.completeness_.items()},
        }
        held = {SAMPLER + name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
        checkpoint.write_weights(folder, description, self.model_.state_dict() | held)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """The autoencoder that `save` wrote. Runs no code from the folder. Raises CheckpointError."""
        saved, tensors = checkpoint.read_weights(folder)
        weights = {name: tensor for name, tensor in tensors.items() if not name.startswith(SAMPLER)}
        arrays = {name.removeprefix(SAMPLER): tensor for name, tensor in tensors.items() if name.startswith(SAMPLER)}
        try:
            self = cls(**codec.params_from_json(saved["params"]))
            self.recipe_, self.network_, self.likelihood_, self.spec_ = (
                codec.from_json(saved[part]) for part in ("recipe", "network", "likelihood", "spec")
            )
            self.model_ = self._assembled(saved["latent"], weights)
            self.model_.load_state_dict(weights)
            self.history_ = history.epochs_from_json(saved["history"])
            self.validation_rows_ = np.asarray(saved["validation_rows"], dtype=np.int64)
            self.interrupted_ = bool(saved["interrupted"])
            self.sampler_ = self._restored(saved.get("sampler"), arrays)
            found = saved.get("completeness", {})  # as the sampler, missing in a model of an earlier version
            self.completeness_ = {str(kind): Measure.from_json(measure) for kind, measure in found.items()}
            self.n_features_in_ = self.spec_.size
            if features := list(saved["features"]):
                if len(features) != self.spec_.size or not all(isinstance(name, str) for name in features):
                    raise ValueError(f"expected {self.spec_.size} names of features, found {features!r:.80}")
                self.feature_names_in_ = np.asarray(features, dtype=object)
        except Exception as error:  # options of a foreign file have any type, and the parts are made for those of ours
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error).partition("\n")[0]
            raise CheckpointError(f"{folder}/{checkpoint.DESCRIPTION} does not describe its weights: {reason}.") from error
        self.model_.eval()
        return self

    def export(self, folder: str | os.PathLike[str]) -> tuple[Path, Path]:
        """Write encoder.onnx and decoder.onnx to a folder, replacing those that are there; see `latentwalk.saving.onnx`.

        The encoder takes X as `transform` does, of the type it had in `fit`; the decoder answers as `inverse_transform` does,
        and for a frame in numbers, one a column. Needs the packages of latentwalk[export].
        Raises ConfigError, CheckpointError.
        """
        check_is_fitted(self)
        return write_onnx(self.model_, self.spec_, folder)

    def _restored(self, numbers: Mapping[str, Any] | None, tensors: Mapping[str, Tensor]) -> FittedSampler | None:
        """The sampler that was saved with the model, None where none was. Raises ValueError where it is not this model's."""
        if numbers is None:
            return None
        sampler = restored(numbers, {name: tensor.numpy() for name, tensor in tensors.items()})
        if sampler.dim != self._n_features_out:
            raise ValueError(f"its sampler has {sampler.dim} dimensions, its codes {self._n_features_out}")
        return sampler

    def _assembled(self, latent: int, weights: Mapping[str, Tensor]) -> LatentModel:
        """The model these weights belong to. Raises ValueError where the description says another, before it is made.

        A foreign file may describe what no machine can hold, and what it would take for ever to build.
        """
        network = self.network_
        parts = (self.recipe_, self.spec_, network, self.likelihood_, latent)
        if len((network.widths or ()) + (network.channels or ())) + (network.blocks or 0) > len(weights):
            raise ValueError(f"it has more layers than its {len(weights)} weights")
        with torch.device("meta"):  # shapes alone, without memory
            claimed = assemble(*parts, Scaling(self.spec_)).state_dict()
        for name in sorted(claimed.keys() | weights.keys()):
            said, found = (tuple(some[name].shape) if name in some else "none" for some in (claimed, weights))
            if said != found:
                raise ValueError(f"expected {name} of shape {said}, found {found}")
        with seeded(0):  # the first weights are thrown away; who loads a model expects no draw from their generator
            return assemble(*parts, Scaling(self.spec_))

    # ------------------------------------------------------------------ scikit-learn's protocol

    def set_params(self, **params: Any) -> Self:
        """scikit-learn's; options of a recipe and of a network that were given by name can be set too.

        `recipe__beta=4`, `network__widths=(256,)`.
        """
        inner: dict[str, dict[str, Any]] = {"recipe": {}, "network": {}}
        outer = {}
        for name, value in params.items():
            whole, _, part = name.partition("__")
            if part and whole in inner:
                inner[whole][part] = value
            else:
                outer[name] = value
        super().set_params(**outer)
        if inner["recipe"]:
            self.recipe = recipe_named(self.recipe).with_params(inner["recipe"])
        if inner["network"]:
            self.network = network_named(self.network).with_params(inner["network"])
        return self

    @property
    def _n_features_out(self) -> int:
        return self.model_.dim

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # codes are float32 whatever comes in
        tags.input_tags.allow_nan = True  # NaN says: not observed
        tags.non_deterministic = self.random_state is None
        return tags

    # ------------------------------------------------------------------ what is given

    def _checked(self, X: ArrayLike | Dataset) -> NDArray[Any]:
        """X as an array (n, *E) of numbers like those learnt from; what is not in memory is not read, but for floats once."""
        check_is_fitted(self)
        X = adopted(X)
        of_signals = self.spec_.kind == "signal" and self.spec_.missing
        if of_signals and isinstance(X, (list, tuple)) and all(isinstance(one, np.ndarray) for one in X):
            X = padded(X, self.spec_.shape[0])
        array = self._as_array(X, reset=False)
        if of_signals and array.ndim == 1 + len(self.spec_.shape) and array.shape[1] < self.spec_.shape[0]:
            array = padded(list(array), self.spec_.shape[0])
        if array.shape[1:] != self.spec_.shape:
            raise DataError(f"expected examples of shape {self.spec_.shape}, as in training; got {array.shape[1:]}.")
        check_finite(array, missing=self.spec_.missing)
        return array

    def _as_array(self, X: ArrayLike | Dataset, *, reset: bool) -> NDArray[Any]:
        """X as an array (n, *E); scikit-learn looks at tables, for the names and the number of their features."""
        if not reset and self.spec_.framed:
            if isinstance(X, Dataset) and X.spec.framed and X.spec.columns != self.spec_.columns:
                X = decoded(X.x, X.spec.columns)  # its categories have codes of their own
            if is_frame(X):
                X = encoded(X, self.spec_.columns)
        x = X.x if isinstance(X, Dataset) else X
        if not reset and self.spec_.framed:
            return as_array(x)  # scikit-learn would miss the names that are in the spec
        signal = not reset and self.spec_.kind == "signal"
        if (x.ndim if hasattr(x, "ndim") else np.asarray(x).ndim) <= 2 and not signal:
            how: dict[str, Any] = {"dtype": "numeric", "ensure_all_finite": False, "ensure_min_samples": 0}
            if isinstance(x, Rows):
                how = {"skip_check_array": True}  # it would read all of them
            try:
                x = validate_data(self, x, reset=reset, **how)
            except ValueError as error:
                raise DataError(str(error)) from error
        return as_array(x)
