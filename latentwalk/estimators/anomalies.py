"""Finding what does not belong: rows that a model of all the others finds unlikely.

The model is a VAE whose columns have heavy tails (Student-t). A squared error lets a few extreme values decide what is learnt
and what is found; a heavy tail lets a row be strange in one column without bending the rest. Trained without labels, on data
in which some rows are strange already. Scores are log-likelihoods (a bound), in nats: more is more ordinary.
Sources: An & Cho 2015, "Variational autoencoder based anomaly detection"; Takahashi et al. 2018, "Student-t variational
autoencoder for robust density estimation".
"""

import json
import math
import os
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from latentwalk.data.dataset import Dataset
from latentwalk.errors import CheckpointError, ConfigError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.files import complaint, json_of, telling, write_atomically
from latentwalk.networks.build import Network

__all__ = ["AnomalyDetector"]

FORMAT, VERSION, ABOUT = "latentwalk-detector", 1, "anomalies.json"
DRAWS = 8  # of q(z | x) for each score: enough that it hardly depends on them
SEEN = 60_000  # rows seen in all while training on a small table
MOST_LATENT = 8
NETWORK = Network("dense", widths=(64,), activation="tanh")


class AnomalyDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """Says which rows of X (n, *E) do not belong: a table, a frame of mixed columns, signals or images.

    recipe, network, likelihood, random_state: as of `Autoencoder`; the defaults are for tables. latent, epochs: None chooses by
    the size of the data. contamination: the share of rows that are strange, which sets where `predict` draws the line.
    options: any other of `Autoencoder`, as a mapping.

    Learned: model_ (the fitted `Autoencoder`), offset_ (scores below it are strange), usual_ (*E), the mean log-likelihood of
    each value over the training rows.

    >>> rng = np.random.default_rng(0)
    >>> X = np.r_[rng.normal(size=(200, 4)), [[9, 9, 9, 9]]]
    >>> int(AnomalyDetector(contamination=0.01, random_state=0).fit(X).score_samples(X).argmin())
    200
    """

    def __init__(
        self,
        recipe: Any = "vae",
        *,
        latent: int | None = None,
        network: Any = None,
        likelihood: Any = None,
        epochs: int | None = None,
        contamination: float = 0.1,
        random_state: Any = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.recipe = recipe
        self.latent = latent
        self.network = network
        self.likelihood = likelihood
        self.epochs = epochs
        self.contamination = contamination
        self.random_state = random_state
        self.options = options

    def fit(self, X: ArrayLike | Dataset, y: ArrayLike | None = None) -> Self:
        """Learn what is ordinary from X; labels are not used. Raises DataError, ConfigError, TrainingError."""
        if not (isinstance(self.contamination, (int, float, np.floating)) and 0 < self.contamination <= 0.5):
            raise ConfigError(
                f"contamination={self.contamination!r} is not a share of strange rows. Expected 0 < share <= 0.5."
            )
        model = Autoencoder(self.recipe, random_state=self.random_state, **self._chosen(X)).fit(X)
        self.model_ = model
        self.n_features_in_ = model.n_features_in_
        if hasattr(model, "feature_names_in_"):
            self.feature_names_in_ = model.feature_names_in_
        self.usual_ = self.model_.score_each(X).mean(axis=0)
        self.offset_ = float(np.percentile(self.score_samples(X), 100 * self.contamination))
        return self

    def score_samples(self, X: ArrayLike | Dataset) -> NDArray[np.float64]:
        """How ordinary each row is: a bound on log p(x) in nats, (n,). The same row has the same score, in any company."""
        check_is_fitted(self)
        return self.model_.score_samples(X, draws=DRAWS)

    def decision_function(self, X: ArrayLike | Dataset) -> NDArray[np.float64]:
        """`score_samples` less `offset_`: below 0 is strange. (n,)"""
        return self.score_samples(X) - self.offset_

    def predict(self, X: ArrayLike | Dataset) -> NDArray[np.int64]:
        """1 for rows that belong, -1 for those that do not: (n,)."""
        return np.where(self.decision_function(X) >= 0, 1, -1).astype(np.int64)  # no number is not ordinary

    def blame(self, X: ArrayLike | Dataset) -> NDArray[np.float64]:
        """How much each value (n, *E) makes its row strange: the nats by which it is less likely than is usual for it.

        From log p(value | z) at the row's code. A value that is missing is blamed for nothing.
        """
        check_is_fitted(self)
        return self.usual_ - self.model_.score_each(X)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Save the model, and the detector beside it. Raises CheckpointError."""
        check_is_fitted(self)
        self.model_.save(folder)
        about = {"offset": self.offset_, "usual": self.usual_.tolist(), "contamination": float(self.contamination)}
        path = Path(folder) / ABOUT
        with telling("write", path, "Free some space or choose another folder."):
            write_atomically(path, json.dumps({"format": FORMAT, "version": VERSION} | about).encode())

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """The detector that `save` wrote. Raises CheckpointError."""
        model, path = Autoencoder.load(folder), Path(folder) / ABOUT
        try:
            about = json_of(path)
            if wrong := complaint(path, about, "detector", FORMAT, VERSION):
                raise CheckpointError(wrong)
            self = cls(model.recipe, contamination=about["contamination"], random_state=model.random_state)
            self.offset_, self.usual_ = float(about["offset"]), np.asarray(about["usual"], dtype=np.float64)
        except (OSError, AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise CheckpointError(f"{path} is missing or damaged ({error}): {folder} holds no whole detector.") from error
        self.model_, self.n_features_in_ = model, model.n_features_in_
        return self

    def _chosen(self, X: Any) -> dict[str, Any]:
        """Options of the autoencoder: what was asked for, and for the rest what suits the size of the data."""
        x = X.x if isinstance(X, Dataset) else X
        shape = x.shape if hasattr(x, "shape") else np.asarray(x).shape
        rows, size = (shape[0], math.prod(shape[1:])) if len(shape) > 1 else (1, 1)
        table = len(shape) == 2 and not (isinstance(X, Dataset) and not X.spec.form.columned)
        usual = {
            "latent": self.latent or max(1, min(MOST_LATENT, size // 4)),
            "network": self.network or (NETWORK if table else "auto"),
            "likelihood": self.likelihood or ("student-t" if table else "auto"),
            "epochs": self.epochs or max(10, min(100, SEEN // max(rows, 1))),
            "batch_size": 64,
            "progress": False,
        }
        return usual | (self.options or {})

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.non_deterministic = self.random_state is None
        return tags
