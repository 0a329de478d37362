"""The likely futures of a film, and which of its frames nobody could foresee: `FramePredictor().fit(films)`.

How: see `models.film` (the model), `estimators.films` (how it learns).
"""

import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from latentwalk.arrays import Array
from latentwalk.chance import seed_of
from latentwalk.checks import COUNTED, MADE, flag, positive, share, whole
from latentwalk.data.dataset import Dataset
from latentwalk.data.examples import as_plain, check_finite
from latentwalk.data.footage import as_films, ends_of_films, frames_of
from latentwalk.data.rows import first_outside, value_range
from latentwalk.data.spec import DataSpec
from latentwalk.errors import CheckpointError, ConfigError, DataError, TrainingWarning
from latentwalk.estimators import saved
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.estimators.films import ADDED, FilmOptions, Foresight, fit_films, untrained
from latentwalk.estimators.given import in_units
from latentwalk.estimators.options import seed_from
from latentwalk.latent.moves.films import FilmPath
from latentwalk.latent.space import LatentSpace
from latentwalk.models.film import FilmModel
from latentwalk.models.inference import signature
from latentwalk.models.prior import temperature_of
from latentwalk.saving.folder import read_weights, write_weights
from latentwalk.saving.options import from_json, to_json
from latentwalk.training import history
from latentwalk.training.history import Epoch
from latentwalk.training.settings import Settings

__all__ = ["PREDICTOR", "FramePredictor"]

PREDICTOR = "predictor"  # the folder, within that of the frame autoencoder, in which the dynamics are kept
LONGEST = 10_000  # frames of a window
HELD = 1e37  # the largest value of a frame
INSIDE = "frames."  # what the weights of the frame autoencoder begin with: they lie in its own folder


class FramePredictor(BaseEstimator):  # type: ignore[misc]
    """Learns from films (n, T, H, W[, C]) what comes next, and what cannot be known of it.

    recipe, latent, network, likelihood: of the autoencoder of single frames, as of `Autoencoder`. Unless told otherwise it is a
        plain one; from 16 pixels on, codes are small images of 8 channels ("fully-conv"), on which motion is the same in every
        place; below, 32 numbers.
    innovation: how many numbers are drawn for a frame: what is new in it, beyond what those before it say; 0 gives one future.
    width: channels of the state that remembers.
    window: frames that are learnt from together; longer films are cut into windows that overlap.
    beta: weight of the KL between what the next frame says of the innovation and what could be expected of it.
    free_rate: nats a frame, of all numbers of an innovation together, that cost nothing in the first half of the training, and
        ever fewer up to 70 % of it; 0 for none. Without, chance is found less surely.
    joint: whether the frame autoencoder learns on with the rest, or stays as it has learnt from single frames.
    epochs: passes over the films in which is learnt what comes next; None by their number, for some minutes on two cores at
        32 x 32. Single frames are learnt before that, in as many passes as their number asks for, a few frames in up to 300.
        `training=Settings(minutes=…)` sets a time for all of it.
    batch_size: films of a step. learning_rate, patience, validation, device, random_state, progress: as of `Autoencoder`; at
        most 256 windows are held out.
    training: all else that a training can be told. Unless given, the rate falls along a cosine, and convolutions are
        calculated in bfloat16 where the processor multiplies in it.

    Learned: frames_ (an `Autoencoder` of single frames), model_ (a `FilmModel`), spec_, history_, interrupted_,
    validation_films_.

    >>> x = np.zeros((6, 5, 8, 8), np.uint8)
    >>> x[np.arange(6)[:, None], np.arange(5), 3, (np.arange(6)[:, None] + np.arange(5)) % 8] = 255
    >>> predictor = FramePredictor(epochs=2, random_state=0, progress=False).fit(x)
    >>> predictor.predict(x[0, :3], steps=4, draws=2).shape
    (2, 4, 8, 8)
    """

    foresight_: Foresight

    def __init__(
        self,
        recipe: Any = "ae",
        *,
        latent: int | None = None,
        network: Any = "auto",
        likelihood: Any = "auto",
        innovation: int = 16,
        width: int = 48,
        window: int = 20,
        beta: float = 1.0,
        free_rate: float = 1.0,
        joint: bool = True,
        epochs: int | None = None,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        patience: int | None = None,
        validation: float = 0.1,
        device: str = "auto",
        random_state: Any = None,
        progress: bool = True,
        training: Settings | None = None,
    ) -> None:
        self.recipe = recipe
        self.latent = latent
        self.network = network
        self.likelihood = likelihood
        self.innovation = innovation
        self.width = width
        self.window = window
        self.beta = beta
        self.free_rate = free_rate
        self.joint = joint
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation = validation
        self.device = device
        self.random_state = random_state
        self.progress = progress
        self.training = training

    # ------------------------------------------------------------------ learning

    def fit(self, X: Any, y: Any = None, *, checkpoint: str | os.PathLike[str] | None = None) -> Self:
        """Learn from films: a `Dataset` of them, an array (n, T, H, W) or (n, T, H, W, C), or a list of films of any length.

        Those that are memory-mapped, or read when asked for, may be more than memory holds. In an array of floats, NaN stands
        behind the last frame of a film that ends before others. y is not used.
        checkpoint: a folder in which training is kept while it goes on; one that is there already is gone on with. Ctrl-C ends
        training early: the best weights so far are kept. Raises DataError, ConfigError, TrainingError, CheckpointError.
        """
        options = self._options()
        seed = seed_from(self.random_state)
        repeatable = isinstance(self.random_state, (int, np.integer))
        films = as_films(X)
        _check_held(films.x)
        self.foresight_ = fit_films(options, films, seed, repeatable, checkpoint)
        return self

    # ------------------------------------------------------------------ using

    def predict(
        self, frames: Any, steps: int = 10, draws: int = 5, *, temperature: float = 1.0, seed: int = 0
    ) -> NDArray[np.float32]:
        """What may come after these frames: (draws, steps, H, W[, C]), in the data's units; of several films (n, draws, …).

        frames: the film so far, (t, H, W[, C]), a frame or more; or several, as for `fit`. draws: futures. temperature: how far
        they differ: 1 as learnt, 0 the mean path. seed: the same gives the same, and the first of more steps, or draws, are
        those of fewer. A frame that was predicted is seen like any other: steps one by one give what all at once give (at
        temperature 0; else each call draws anew).
        Raises DataError, ConfigError.
        """
        check_is_fitted(self)
        whole("steps", steps, "frames", least=1, most=COUNTED)
        whole("draws", draws, "futures", least=1, most=MADE)
        alone, x = self._seen(frames)
        self._tell_untaught()
        found = self.foresight_.predict(x, int(steps), int(draws), temperature_of(temperature), seed_of(seed))
        return found[0] if alone else found

    def score_samples(self, X: Any, draws: int = 4) -> NDArray[np.float64]:
        """How well films could be foreseen: a lower bound on log p(frame | those before it), in nats a frame, (n,).

        The mean over all frames but the first, importance-weighted over `draws` (Burda et al. 2016).
        """
        return np.atleast_1d(-np.nanmean(self.surprise(X, draws), axis=-1))

    def surprise(self, X: Any, draws: int = 4) -> NDArray[np.float64]:
        """-log p(frame | those before it) of each frame of films, in nats, from above: (n, T); of one film (T,).

        The more, the less it could be foreseen: a cut stands out. NaN for the first frame, which nothing comes before, and
        behind the last. Raises DataError.
        """
        check_is_fitted(self)
        whole("draws", draws, least=1, most=MADE)
        alone, x = self._seen(X)
        counts = ends_of_films(x)
        if (counts < 2).any():
            raise DataError(f"film {int(np.argmax(counts < 2))} has one frame, and nothing that could have been foreseen.")
        if (limits := self.frames_.trained_.limits) is not None and (strange := first_outside(x, *limits)) is not None:
            raise DataError(
                f'likelihood="{self.frames_.likelihood_.kind}" needs values in [{limits[0]:g}, {limits[1]:g}]; film '
                f"{strange[0]} holds others, first in frame {strange[1]}. Clip or scale the films."
            )
        self._tell_untaught()
        found = -self.foresight_.bounds(x, int(draws))
        _check_told(found, counts)
        return found[0] if alone else found

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`."""
        return float(np.mean(self.score_samples(X)))

    def codes(self, X: Any) -> NDArray[np.float32]:
        """The codes of a film's frames, (T, D), as `frames_` has them; of several films (n, T, D). Raises DataError."""
        check_is_fitted(self)
        alone, x = self._seen(X)
        found = self.foresight_.codes(x)
        return found[0] if alone else found

    def space(self, X: Any) -> LatentSpace:
        """The latent space of single frames, as those of films X see it; evenly spaced ones of very many. Raises DataError."""
        check_is_fitted(self)
        _, x = self._seen(X)
        return self.frames_.space(frames_of(Dataset(x, self._spec_of(x))))

    def path(self, film: Any, space: LatentSpace | None = None) -> FilmPath:
        """A film's way (T, H, W[, C]) through a space of frames, its own unless given, with its surprise. Raises DataError."""
        check_is_fitted(self)
        _, x = self._seen(film)
        if len(x) != 1:
            raise DataError(f"expected one film (T, H, W[, C]), got {len(x)}. Give one of them.")
        seen = np.asarray(x)[0, : int(ends_of_films(x)[0])]
        return (self.space(seen) if space is None else space).path(seen, self.surprise(seen))

    # ------------------------------------------------------------------ kept

    def save(self, folder: str | os.PathLike[str], *, run: Any = None) -> None:
        """Save to a folder (safetensors and JSON): the frame autoencoder, which is a model of its own, and in it the dynamics.

        run: what else is to be known of it, as JSON values. Raises CheckpointError, ConfigError.
        """
        check_is_fitted(self)
        found = self.foresight_
        description = {
            "params": self.params_json(),
            "spec": found.spec.to_json(),
            "width": found.model.shape.width,
            "innovation": found.model.shape.innovation,
            "frames": signature(found.frames.model_),
            "history": history.epochs_to_json(found.history),
            "interrupted": found.interrupted,
            "validation_films": found.validation_films.tolist(),
        }
        weights = {name: value for name, value in found.model.state_dict().items() if not name.startswith(INSIDE)}
        write_weights(Path(folder) / PREDICTOR, description, weights, "predictor")
        beside = None if run is None else {"run": run}
        saved.to_folder(folder, found.frames.trained_, found.frames.get_params(deep=False), beside)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """The predictor that `save` wrote. Runs no code from the folder. Raises CheckpointError."""
        frames = Autoencoder.load(folder)
        place = Path(folder) / PREDICTOR
        said, weights = read_weights(place, "predictor")
        try:
            if said["frames"] != signature(frames.model_):
                raise ValueError("the autoencoder beside it is another than the one it learnt with")
            training = said["params"].pop("training")
            params = {name: from_json(value) for name, value in said["params"].items()}
            spec = DataSpec.from_json(said["spec"])
            model = untrained(frames, spec, said["innovation"], said["width"])
            wanted = {name: value.shape for name, value in model.state_dict().items() if not name.startswith(INSIDE)}
            if wanted != {name: value.shape for name, value in weights.items()} or not all(
                torch.isfinite(value).all() for value in weights.values()
            ):
                raise ValueError("its weights are not those of such a model, or no numbers")
            model.load_state_dict(weights, strict=False)
            model.eval()
            self = cls(**ADDED | params, training=None if training is None else Settings(**training))
            self.foresight_ = Foresight(
                frames,
                model,
                spec,
                tuple(history.epochs_from_json(said["history"])),
                bool(said["interrupted"]),
                np.asarray(said["validation_films"], np.int64),
            )
        except Exception as error:  # a description of a foreign file holds anything
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error).partition("\n")[0]
            raise CheckpointError(
                f"{place} holds no whole predictor: {reason}. Fit it anew, or restore it from a copy."
            ) from error
        return self

    def params_json(self) -> dict[str, Any]:
        """The options, as JSON values."""
        params = self.get_params(deep=False)
        training = params.pop("training")
        said = None if training is None else {name: to_json(value) for name, value in training.get_params().items()}
        return {name: to_json(value) for name, value in params.items()} | {"training": said}

    # ------------------------------------------------------------------ inside

    def _options(self) -> FilmOptions:
        """The options, checked. Raises ConfigError."""
        whole("innovation", self.innovation, "numbers that are drawn for a frame", most=MADE)
        whole("width", self.width, "channels", least=1, most=MADE)
        whole("window", self.window, "frames", least=2, most=LONGEST)
        whole("epochs", self.epochs, "passes over the films", least=1, most=COUNTED, none="as many as are usual")
        whole("batch_size", self.batch_size, "films", least=1, most=COUNTED)
        positive("beta", self.beta, zero=True, most=COUNTED)
        positive("free_rate", self.free_rate, zero=True, most=COUNTED)
        positive("learning_rate", self.learning_rate)
        share("validation", self.validation, "the films")
        flag("joint", self.joint)
        if not isinstance(self.training, Settings | None):
            raise ConfigError(f"training={self.training!r:.80}: expected Settings(…), or None for the usual ones.")
        params = self.get_params(deep=False)
        params.pop("random_state")
        return FilmOptions(**params)

    def _spec_of(self, x: Array) -> DataSpec:
        """The spec of films x (n, T, *frame) that are like those learnt from."""
        return replace(self.spec_, shape=x.shape[1:], dtype=str(x.dtype), missing=x.dtype.kind == "f")

    def _seen(self, X: Any) -> tuple[bool, Array]:
        """Whether X is one film alone, and the films (n, T, *frame), with frames like those learnt from. Raises DataError."""
        spec = self.foresight_.spec
        alone = not isinstance(X, Dataset)
        if alone:
            X = [as_plain(one) for one in X] if isinstance(X, (list, tuple)) else as_plain(X)
            alone = (1 + np.ndim(X[0]) if isinstance(X, list) and X else getattr(X, "ndim", 0)) == len(spec.shape)
            X = [X] if alone and isinstance(X, list) else X[None] if alone else X
        data = as_films(X, spec)
        if not len(data.x) or not data.x.shape[1]:
            raise DataError("the film has no frames. Give one or more.")
        check_finite(data.x, missing=True)
        self.frames_.model_.scaling.check_reach(data.x)
        return alone, in_units(data.x, self.frames_.spec_, read=isinstance(X, Dataset))

    def _tell_untaught(self) -> None:
        """Warn where training ended before it came to what follows what."""
        if not self.foresight_.history:
            warnings.warn(
                "training was stopped before it came to what follows what, so nothing can be foreseen yet: futures and "
                "surprise mean nothing. To go on: fit again with the same checkpoint folder (latentwalk fit … --resume).",
                TrainingWarning,
                stacklevel=3,
            )

    @property
    def frames_(self) -> Autoencoder:
        return self.foresight_.frames

    @property
    def model_(self) -> FilmModel:
        return self.foresight_.model

    @property
    def spec_(self) -> DataSpec:
        return self.foresight_.spec

    @property
    def history_(self) -> list[Epoch]:
        return list(self.foresight_.history)

    @property
    def interrupted_(self) -> bool:
        return self.foresight_.interrupted

    @property
    def validation_films_(self) -> NDArray[np.int64]:
        return self.foresight_.validation_films

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "foresight_")


def _check_held(x: Array) -> None:
    """Raise DataError where films x (n, T, *frame) are in units that float32 does not hold: futures are given in it."""
    low, high = value_range(x)
    if max(abs(low), abs(high)) > HELD:
        raise DataError(f"the films hold {max(low, high, key=abs):.3g}, beyond {HELD:g}. Give them in other units.")


def _check_told(surprise: NDArray[np.float64], counts: NDArray[np.int64]) -> None:
    """Raise DataError where a frame (n, T) that is there, so many of each film, has a surprise that is no number."""
    there = np.arange(surprise.shape[1]) < counts[:, None]
    wrong = there & ~np.isfinite(surprise)
    wrong[:, 0] = False
    if wrong.any():
        film, frame = (int(at) for at in np.argwhere(wrong)[0])
        raise DataError(
            f"frame {frame} of film {film} is so far from all that was learnt from that float32 does not hold its surprise. "
            "Clip it, or give the film in the units learnt from."
        )
