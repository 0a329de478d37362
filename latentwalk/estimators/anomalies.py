"""Finding what does not belong: rows that a model of all the others finds unlikely.

The model is a VAE whose columns have heavy tails (Student-t). A squared error lets a few extreme values decide what is learnt
and what is found; a heavy tail lets a row be strange in one column without bending the rest. Trained without labels, on data
in which some rows are strange already. Of a table two are asked: the autoencoder, which knows how columns go together, and the
density of each column by itself, which knows gaps and clusters that a bell has not. Their log-densities are averaged, so the
score is that of their geometric mean (a logarithmic opinion pool): in nats, more is more ordinary.
The network begins at principal components, which is most of what there is to learn of a table, and few steps are taken: on
tables it was not chosen by, longer training found less, since it comes to what is strange too.
Sources: An & Cho 2015, "Variational autoencoder based anomaly detection"; Takahashi et al. 2018, "Student-t variational
autoencoder for robust density estimation"; Genest & Zidek 1986, "Combining probability distributions"; Goldstein & Dengel 2012,
"Histogram-based outlier score".
"""

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latentwalk.arrays import Array
from latentwalk.checks import MADE, whole
from latentwalk.data.adopt import as_known
from latentwalk.data.batches.passing import Stream, is_stream
from latentwalk.data.dataset import Dataset
from latentwalk.data.rows import pieces
from latentwalk.data.scaling import as_tensor
from latentwalk.errors import CheckpointError, ConfigError, LatentwalkError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.estimators.fitting import fit
from latentwalk.estimators.options import Options
from latentwalk.files import complaint, json_of, telling, write_atomically
from latentwalk.models.densities import ColumnDensities
from latentwalk.models.inference import signature
from latentwalk.networks.build import CONVOLUTIONAL, RECURRENT, Network, network_named
from latentwalk.saving import triton
from latentwalk.saving.onnx import exported, onnx_files
from latentwalk.saving.scorer import SCORER, Verdict

__all__ = ["DETECTOR", "AnomalyDetector"]

FORMAT, VERSION, DETECTOR = "latentwalk-detector", 2, "anomalies.json"
DRAWS = 4  # of q(z | x) for each score: enough that it hardly depends on them
EARLIER_DRAWS = 8  # of a detector whose file does not say
SEEN = 60_000  # rows seen in all while training on few signals or images
STEPS, ROWS = 40, (16, 256)  # taken at least on a table, and rows in each, the fewest and the most
MOST_LATENT = 8
NETWORK = Network("dense", widths=(64,), activation="tanh")
SELDOM = 0.005  # the share of ordinary rows that contamination="auto" calls strange, at most
LOWEST = float(np.finfo(np.float32).min)  # the score, in place of NaN, of what the model's numbers cannot hold
EXACT, APART = 10_000, 10_000  # training scores that are kept: all of the lowest, and so many of the others
OWN = ("latent", "network", "likelihood", "epochs")  # parameters that are passed on where they are not None


class AnomalyDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """Says which rows of X (n, *E) do not belong: whatever an `Autoencoder` takes, a table or a frame of mixed columns first.

    recipe, network, likelihood, random_state: as of `Autoencoder`; the defaults are for tables. latent, epochs: None chooses by
    the size of the data.
    contamination: the share of rows that are strange, which sets where `predict` draws the line; it may be changed afterwards.
    "auto" draws it where hardly an ordinary row is, however many are strange: below the median m of the training scores by 6.6
    times the distance from m to their lower quartile. Of scores that fall off exponentially, as those of two normal columns do,
    that is 1 in 200; of more columns, fewer.
    options: any other of `Autoencoder`, as a mapping. Skewed columns are learnt as they are unless asked for otherwise,
    {"transforms": "centred"}: on the tables it was judged by, some were then detected better and one worse.

    Learned: model_ (the fitted `Autoencoder`), offset_ (scores below it are strange), usual_ (*E), the mean of what speaks
    for each value (see `blame`), in nats, over the training rows in which it was observed.

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
        contamination: float | Literal["auto"] = 0.1,
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
        _check_contamination(self.contamination)
        given: Any = Stream.of(X) if is_stream(X) else as_known(X)
        rows = given.held if isinstance(given, Stream) else given
        model = Autoencoder(self.recipe, random_state=self.random_state, **self._chosen(rows))
        model.trained_ = fit(Options(**model.get_params(deep=False)), given, drawing=False)
        self._take(model)
        trained = model.trained_
        x, told = trained.seen(rows, None)
        self._draws = DRAWS
        self._columns = ColumnDensities.fit(x, trained.spec.columns) if trained.spec.form.columned else None
        each = self._each(x, told)
        seen = _observed(x) & np.isfinite(each)
        self.usual_ = np.where(seen, each, 0.0).sum(axis=0) / seen.sum(axis=0).clip(min=1)
        self._kept = _TrainingScores.of(_finite(self._scores(x, told)))
        return self

    @property
    def offset_(self) -> float:
        """Where the line is drawn, by `contamination`. Raises ConfigError."""
        if not self.__sklearn_is_fitted__():
            raise AttributeError("offset_ is known once the detector was fitted")
        _check_contamination(self.contamination)
        if isinstance(self._kept, _TrainingScores):
            return self._kept.line() if self.contamination == "auto" else self._kept.quantile(float(self.contamination))
        contamination, offset = self._kept
        if contamination != self.contamination:
            raise ConfigError(
                f"contamination={self.contamination!r}: this detector was saved by a version that kept no training scores, "
                f"so its line stays where contamination={contamination!r} drew it. Set that, or fit anew."
            )
        return offset

    def score_samples(self, X: ArrayLike | Dataset) -> NDArray[np.float64]:
        """How ordinary each row is, in nats: (n,). The same row has the same score, in any company.

        Of a table, the mean of two log-densities: the autoencoder's (a bound on log p(x)), and the sum of its columns' own. Of
        all else, and of a detector saved by an earlier version, the first.
        A row that the model's numbers cannot hold has the lowest score there is, -3.4e38.
        """
        check_is_fitted(self)
        x, told = self.model_.trained_.seen(X, None)
        return _finite(self._scores(x, told))

    def decision_function(self, X: ArrayLike | Dataset) -> NDArray[np.float64]:
        """`score_samples` less `offset_`: below 0 is strange. (n,)"""
        return self.score_samples(X) - self.offset_

    def predict(self, X: ArrayLike | Dataset) -> NDArray[np.int64]:
        """1 for rows that belong, -1 for those that do not: (n,)."""
        return np.where(self.decision_function(X) >= 0, 1, -1).astype(np.int64)  # no number is not ordinary

    def blame(self, X: ArrayLike | Dataset) -> Any:
        """How much each value makes its row strange: the nats by which it is less likely than is usual for it, (n, *E).

        Of a frame it is one of floats, with its index, names and order.
        From log p(value | z) at the row's code; where a value of a table is rare in its column, 3 nats less dense than is usual
        there, what is beyond these 3 is added. A value that is missing is blamed for nothing: 0. In a row that the model's
        numbers cannot hold, values are blamed by their distance from the mean, in deviations.
        """
        check_is_fitted(self)
        trained = self.model_.trained_
        x, told = trained.seen(X, None)
        blame: NDArray[np.float64] = self.usual_ - self._each(x, told)
        if not np.isfinite(blame).all():
            blame = np.where(np.isfinite(blame), blame, self._distance(x))
        return trained.about_cells(np.where(_observed(x), blame, 0.0), X)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Save the model, and the detector beside it. Raises CheckpointError; ConfigError for a wrong contamination."""
        check_is_fitted(self)
        kept = self._kept if isinstance(self._kept, _TrainingScores) else None
        about = {
            "offset": self.offset_,
            "usual": self.usual_.tolist(),
            "contamination": self.contamination if self.contamination == "auto" else float(self.contamination),
            "given": [name for name in OWN if getattr(self, name) is not None],
            "options": None if self.options is None else list(self.options),
            "model": signature(self.model_.model_),
            "rows": None if kept is None else kept.rows,
            "scores": None if kept is None else kept.scores.tolist(),
            "draws": self._draws,
            "columns": None if self._columns is None else self._columns.parts,
        }
        self.model_.save(folder)
        path = Path(folder) / DETECTOR
        with telling("write", path, "Free some space or choose another folder."):
            write_atomically(path, json.dumps({"format": FORMAT, "version": VERSION} | about).encode())

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, network: Any = None, prior: Any = None, objective: Any = None) -> Self:
        """The detector that `save` wrote, with all its parameters; parts of one's own as for `Autoencoder.load`.

        Raises CheckpointError, ConfigError.
        """
        model = Autoencoder.load(folder, network=network, prior=prior, objective=objective)
        path = Path(folder) / DETECTOR
        try:
            about = json_of(path)
            if wrong := complaint(path, about, "detector", FORMAT, VERSION):
                raise CheckpointError(wrong)
            if "given" in about and about["model"] != signature(model.model_):  # else by a version that did not say which
                raise CheckpointError(
                    f"{path} is of another model than the one beside it, which has replaced it. Fit the detector anew."
                )
            params = model.get_params(deep=False)
            given, options = about.get("given", ()), about.get("options")
            self = cls(
                model.recipe,
                contamination=about["contamination"],
                random_state=model.random_state,
                **{name: params[name] for name in OWN if name in given},
                options=None if options is None else {name: params[name] for name in options},
            )
            _check_contamination(self.contamination)
            self.usual_ = np.asarray(about["usual"], dtype=np.float64)
            if self.usual_.shape != model.spec_.shape or not np.isfinite(self.usual_).all():
                raise ValueError(f"what is usual has shape {self.usual_.shape}, or is no number; expected {model.spec_.shape}")
            self._kept = (
                (self.contamination, float(about["offset"]))
                if about.get("scores") is None
                else _TrainingScores(about["rows"], np.asarray(about["scores"], dtype=np.float64))
            )
            self._draws = about.get("draws", EARLIER_DRAWS)
            whole("draws", self._draws, least=1, most=MADE)
            self._columns = None if about.get("columns") is None else ColumnDensities(about["columns"])
            if self._columns is not None and len(self._columns.mean) != model.spec_.size:
                raise ValueError(f"densities of {len(self._columns.mean)} columns; expected {model.spec_.size}")
            if not math.isfinite(float(about["offset"])):
                raise ValueError(f"the line is drawn at {about['offset']}")
        except (OSError, AttributeError, ConfigError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise CheckpointError(
                f"{path} is missing or damaged ({error}): {folder} holds no whole detector. One is made by "
                "AnomalyDetector.save, or: latentwalk anomalies DATA --run DIR"
            ) from error
        self._take(model)
        return self

    def export(self, folder: str | os.PathLike[str], *, repository: str | None = None) -> tuple[Path, ...]:
        """Write scorer.onnx to a folder, beside the encoder.onnx and decoder.onnx of its model, for use without PyTorch.

        It takes columns as they come, strings too, and answers as `score_samples`, `decision_function` and `blame` do, with the
        line where it is drawn now; see `latentwalk.saving.scorer`. Needs the packages of latentwalk[export]. All files are
        written, or none. repository: as of `Autoencoder.export`. Raises ConfigError, CheckpointError.
        """
        check_is_fitted(self)
        verdict = Verdict(self.usual_, self.offset_, LOWEST, self._columns)
        trained = self.model_.trained_
        files = {**onnx_files(trained.model, trained.spec), SCORER: trained.scorer(self._draws, verdict)}
        return exported(files if repository is None else triton.repository(files, repository), folder)

    # ------------------------------------------------------------------ inside

    _kept: "_TrainingScores | tuple[Any, float]"  # of a detector of before: its contamination, and where that drew the line
    _columns: ColumnDensities | None  # of a table
    _draws: int  # of q(z | x) for each score

    def _scores(self, x: Array, told: Any) -> NDArray[np.float64]:
        """The scores (n,) of rows x (n, *E)."""
        bounds = self.model_.trained_.bounds(x, self._draws, told, held=False)
        return bounds if self._columns is None else 0.5 * (bounds + self._alone(x, lambda found: found.flatten(1).sum(1)))

    def _each(self, x: Array, told: Any) -> NDArray[np.float64]:
        """What speaks for each value of x, in nats: (n, *E)."""
        each = self.model_.trained_.log_probs(x, told, held=False)
        return each if self._columns is None else each + self._alone(x, self._columns.against)

    @torch.no_grad()
    def _alone(self, x: Array, answer: Callable[[Tensor], Tensor]) -> NDArray[np.float64]:
        """What follows from the log-densities (n, *E) of values of a table by themselves, a piece at a time."""
        assert self._columns is not None
        parts = [answer(self._columns(as_tensor(rows))).numpy() for _, rows in pieces(x)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _take(self, model: Autoencoder) -> None:
        """Hold a fitted model."""
        self.model_, self.n_features_in_ = model, model.n_features_in_
        if hasattr(model, "feature_names_in_"):
            self.feature_names_in_ = model.feature_names_in_
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _chosen(self, X: Any) -> dict[str, Any]:
        """Options of the autoencoder: what was asked for, and for the rest what suits the size of the data."""
        options = {} if self.options is None else self.options
        if not isinstance(options, Mapping):
            raise ConfigError(
                f"options={options!r:.80}: expected those of an Autoencoder by name, {{'batch_size': 32}}, or None."
            )
        shape, table = _shape(X, options.get("network") if self.network is None else self.network, options.get("spec"))
        rows, size = (shape[0], math.prod(shape[1:])) if len(shape) > 1 else (1, 1)
        batch = min(max(rows // 8, ROWS[0]), ROWS[1])
        epochs = math.ceil(STEPS * batch / max(rows, 1)) if table else max(10, min(100, SEEN // max(rows, 1)))
        usual = {
            "latent": max(1, min(MOST_LATENT, size // 4)) if self.latent is None else self.latent,
            "network": (NETWORK if table else "auto") if self.network is None else self.network,
            "likelihood": ("student-t" if table else "auto") if self.likelihood is None else self.likelihood,
            "transforms": "none",
            "epochs": epochs if self.epochs is None else self.epochs,
            "batch_size": batch if table else 64,
            "progress": False,
        }
        return usual | dict(options)

    def _distance(self, x: Array) -> NDArray[np.float64]:
        """How far each value of x (n, *E) lies from the mean, in deviations."""
        scaling = self.model_.model_.scaling
        with torch.no_grad():
            inside = scaling.arranged(scaling(as_tensor(x).to(scaling.shift.device)))
        return np.nan_to_num(np.abs(inside.double().cpu().numpy()), posinf=-LOWEST).clip(max=-LOWEST)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.non_deterministic = self.random_state is None
        return tags


@dataclass(frozen=True, slots=True, eq=False)
class _TrainingScores:
    """The scores of so many training rows, ascending; of very many, all of the lowest and evenly spaced ones of the rest.

    Raises ValueError where there are other than so many, or they do not ascend.
    """

    rows: int
    scores: NDArray[np.float64]

    def __post_init__(self) -> None:
        if type(self.rows) is not int or self.rows < 1 or self.scores.shape != _ranks(self.rows).shape:
            raise ValueError(f"the scores of {self.rows!r} rows are not so many: {self.scores.shape}")
        if not (np.isfinite(self.scores).all() and (np.diff(self.scores) >= 0).all()):
            raise ValueError("the training scores do not ascend")

    @classmethod
    def of(cls, scores: NDArray[np.float64]) -> Self:
        """Those to keep of the scores (n,) of all rows."""
        return cls(len(scores), np.sort(scores)[_ranks(len(scores))])

    def quantile(self, share: float) -> float:
        """The score that a share of the rows is below."""
        return float(np.interp(share * (self.rows - 1), _ranks(self.rows), self.scores))

    def line(self) -> float:
        """The score that at most `SELDOM` of the ordinary rows are below, if scores fall off exponentially, or faster.

        Below the median, by the excess e, lie then .5 exp(-e / s) of them; half of that below the lower quartile, where
        e = s ln 2. Neither moves much as long as the strange are few. Where the two are the same (most rows are alike), s is
        the mean excess.
        """
        middle = self.quantile(0.5)
        scale = (middle - self.quantile(0.25)) / math.log(2)
        if not scale:
            scale = float(np.mean([middle - self.quantile(share) for share in np.linspace(0, 0.5, 257)]))
        return middle - scale * math.log(0.5 / SELDOM)


def _ranks(rows: int) -> NDArray[np.int64]:
    """Which of so many ascending scores are kept."""
    lowest = np.arange(min(rows, EXACT))
    rest = np.linspace(EXACT, rows - 1, min(max(rows - EXACT, 0), APART)).round()
    return np.concatenate([lowest, rest]).astype(np.int64)


def _check_contamination(contamination: Any) -> None:
    """Raise ConfigError where that is no share of strange rows."""
    number = isinstance(contamination, (int, float, np.floating)) and 0 < contamination <= 0.5
    if not (number or (isinstance(contamination, str) and contamination == "auto")):
        raise ConfigError(
            f'contamination={contamination!r} is not a share of strange rows. Expected 0 < share <= 0.5, or "auto".'
        )


def _observed(x: Array) -> NDArray[np.bool_]:
    """Which values (n, *E) are there."""
    return ~np.isnan(x) if x.dtype.kind == "f" else np.ones(x.shape, dtype=bool)


def _finite(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores (n,), the lowest one where there is none: never NaN, which would be below no line."""
    return np.where(np.isfinite(scores), scores, LOWEST)


def _shape(X: Any, network: Any, spec: Any) -> tuple[tuple[int, ...], bool]:
    """The shape (n, *E) of X, and whether that is a table; (1, 1) of what no autoencoder takes, which will say so."""
    if not hasattr(X, "shape") and not isinstance(X, Dataset):  # lists, of signals of different lengths, say
        try:
            X = Dataset.of(X)
        except LatentwalkError:
            return (1, 1), True
    shape = tuple(X.x.shape if isinstance(X, Dataset) else X.shape)
    known = X.spec if spec is None and isinstance(X, Dataset) else spec
    if known is not None:
        return shape, len(shape) == 2 and known.form.columned
    of_signals = network is not None and network_named(network).kind in (*RECURRENT, *CONVOLUTIONAL)
    return shape, len(shape) == 2 and not of_signals
