"""What a RUN folder holds: a saved model, and `run.json`, which says what it learnt from.

    RUN/checkpoint-….safetensors, …          while it learns, and to go on: see `training.checkpoints`
    RUN/history.jsonl                        the same: a line an epoch
    RUN/model.json, weights-….safetensors    the best weights, once it has learnt: see `saving.folder`
    RUN/run.json                             the data (see `Source`), its fingerprint, class names, epochs asked for
    RUN/report.json, report.html             once `latentwalk report RUN` was called
    RUN/diagnosis.json                       once `latentwalk inspect RUN` was called
    RUN/encoder.onnx, …, scorer.onnx         once `latentwalk export RUN` was called
    RUN/anomalies.json                       what makes a detector of the model: see `estimators.anomalies`
    RUN/predictor/, prediction.html, frames/ what makes a predictor of films of it, its page, the training of single frames
    RUN/samples.png, walk.png, …             what the other commands draw, unless told where

A folder that only `Autoencoder.save` wrote is a RUN too; commands that need its data then ask for `--data`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import typer
from numpy.typing import NDArray

from latentwalk.app.output import ELSEWHERE, STOPPED, OutputError, note, word, write_text
from latentwalk.app.source import Source, films_like, fingerprint, read_like, table_like, tell_skipped
from latentwalk.data import Dataset
from latentwalk.data.dataset import join
from latentwalk.data.footage import frame_numbers, frames_of
from latentwalk.data.sources.arrays import mapped
from latentwalk.data.sources.films import holds_films
from latentwalk.data.sources.tables import Pieces
from latentwalk.errors import CheckpointError, ConfigError, DataError
from latentwalk.estimators.anomalies import DETECTOR
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.estimators.options import params_of
from latentwalk.estimators.predictor import PREDICTOR
from latentwalk.estimators.saved import to_folder
from latentwalk.files import complaint, json_of, telling
from latentwalk.latent.space import LatentSpace
from latentwalk.saving.folder import beside
from latentwalk.saving.onnx import DECODER, ENCODER, STEP
from latentwalk.saving.scorer import SCORER
from latentwalk.training.checkpoints import HISTORY, holds_checkpoint, latest, locked, written
from latentwalk.training.history import Epoch

__all__ = [
    "JUDGED",
    "MODEL",
    "REPORT",
    "SWEEP",
    "Run",
    "check_free",
    "forget",
    "going_on",
    "holds_model",
    "holds_model_of",
    "locked",
    "stopping",
]

FORMAT, VERSION = "latentwalk-run", 1
JUDGED = 1 << 24  # bytes of frames, of the films learnt from and of others each, that a space of frames is judged by
MODEL, ABOUT, REPORT, SWEEP, DIAGNOSIS = "model.json", "run.json", "report.json", "sweep.json", "diagnosis.json"
STALE = (
    REPORT,
    "report.html",
    DIAGNOSIS,
    ENCODER,
    DECODER,
    STEP,
    SCORER,
    DETECTOR,
    f"{PREDICTOR}/{PREDICTOR}.json",
    "prediction.html",
    "prediction.json",
)  # what was made of the model that a new one replaces


@dataclass(frozen=True, slots=True)
class Run:
    """A model and where its data is. source: None where that is not known. epochs: how many were asked for in all."""

    folder: Path
    model: Autoencoder
    source: Source | None = None
    data: dict[str, Any] | None = None
    classes: tuple[str, ...] = ()
    epochs: int = 0

    @classmethod
    def of(cls, folder: Path, model: Autoencoder, source: Source, train: Dataset, epochs: int) -> Self:
        """The run of a model that learnt from `train`."""
        return cls(folder, model, source, fingerprint(train), train.classes, epochs)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The run saved in `folder`. Raises CheckpointError that says what is wrong with it."""
        _check_folder(folder)
        model = Autoencoder.load(folder)
        model.progress = False
        said, weights = beside(folder, "run")
        copy = cls._with(folder, model, len(model.history_), weights)  # looked at anyway: damage is told, wherever it is
        return copy if said is None else cls._described(folder / MODEL, said, folder, model)

    @classmethod
    def unfinished(cls, folder: Path) -> tuple[Self, tuple[Epoch, ...]]:
        """The run in `folder` as it was begun, with a model that is not trained, and the epochs that it has done: to go on.

        Raises CheckpointError.
        """
        if not holds_checkpoint(folder):
            _check_folder(folder)
            raise CheckpointError(f"{folder} holds a model, but no checkpoint to go on from. Begin anew in another --out.")
        about, reached = latest(folder)
        params = about["params"]
        try:
            model = Autoencoder(**params_of(params))
        except Exception as error:  # options of a foreign file have any name, type and value
            raise CheckpointError(f"{folder / 'checkpoint'} does not describe a model: {error}.") from error
        if about.get("run") is None:
            run = cls._with(folder, model, params["epochs"])
        else:
            run = cls._described(folder / "checkpoint", about["run"], folder, model)
        return run, tuple(reached.place.history)

    @classmethod
    def _with(cls, folder: Path, model: Autoencoder, epochs: int, weights: str | None = None) -> Self:
        """What run.json says of the model, as earlier versions knew it; without that file, nothing is known of the data.

        weights: the name of the model's; where the file says that it is of others, it is of the model before.
        """
        path = folder / ABOUT
        try:
            said = json_of(path)
        except FileNotFoundError:
            return cls(folder, model, epochs=epochs)
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
        except ValueError as error:
            raise cls._damaged(path, error) from error
        if isinstance(said, dict) and weights is not None and said.get("weights", weights) != weights:
            return cls(folder, model, epochs=epochs)
        return cls._described(path, said, folder, model)

    @classmethod
    def _described(cls, path: Path, said: Any, folder: Path, model: Autoencoder) -> Self:
        """The run that `path` describes so. Raises CheckpointError."""
        try:
            if wrong := complaint(path, said, "run", FORMAT, VERSION):
                raise CheckpointError(wrong)
            source = None if said["source"] is None else Source.from_json(said["source"])
            classes, asked = said["classes"], said["epochs"]
            if not all(isinstance(name, str) for name in classes) or type(asked) is not int:
                raise TypeError(f"classes {classes!r:.40} and {asked!r:.40} epochs")
            return cls(folder, model, source, dict(said["data"]), tuple(classes), asked)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise cls._damaged(path, error) from error

    @staticmethod
    def _damaged(path: Path, error: Exception) -> CheckpointError:
        return CheckpointError(
            f"{path} is damaged ({error}). Delete it, and say where the data is with --data, to use the model anyway."
        )

    def save(self, *, stale: Sequence[str] = STALE) -> None:
        """Write the model and, in the same moment, what it learnt from; then delete what is stale. Raises OutputError,
        CheckpointError.
        """
        params = self.model.get_params(deep=False)
        to_folder(self.folder, self.model.trained_, params, {"run": self.said})
        self.tidy(stale=stale)

    def tidy(self, *, stale: Sequence[str] = STALE) -> None:
        """Delete what was made of the model before, and describe this one, where that is not done. Raises OutputError."""
        now = self.said | {"weights": beside(self.folder, "run")[1]}
        with suppress(OSError, ValueError):
            if json_of(self.folder / ABOUT) == now:
                return
        with telling("delete files of the model before in", self.folder, ELSEWHERE, OutputError):
            for name in stale:
                (self.folder / name).unlink(missing_ok=True)
        self._write(now)

    def describe(self) -> None:
        """Write what is learnt from, where there is no model yet that is described. Raises OutputError."""
        if not holds_model(self.folder):
            self._write(self.said)

    def _write(self, said: Mapping[str, Any]) -> None:
        write_text(self.folder / ABOUT, json.dumps(said, indent=1) + "\n")

    @property
    def said(self) -> dict[str, Any]:
        """What is learnt from, as JSON values."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "source": None if self.source is None else self.source.to_json(),
            "data": self.data,
            "classes": list(self.classes),
            "epochs": self.epochs,
        }

    # ------------------------------------------------------------------ its data

    def train(self, given: str | None = None) -> Dataset:
        """The rows learnt from, or the data set `given` instead. Raises DataError, ConfigError."""
        return self._seen(self._in_units(self.where(given).train())) if given is None else self.read(given, split="train")

    def judged(self, given: str | None = None) -> LatentSpace:
        """The space as all rows see it, and which of them were held out while learning.

        These are the test half, where there is one, and otherwise the rows on which the best weights were chosen.
        """
        rows, held_out = self.together(*self.halves(given))
        return self.model.space(rows, held_out=held_out)

    def halves(self, given: str | None = None) -> tuple[Dataset, Dataset | None]:
        """The rows learnt from and the test half, where there is one, or those of the data set `given`, as they lie there."""
        source = self.where(given)
        return source.train(), source.test()

    def together(self, train: Dataset, test: Dataset | None) -> tuple[Dataset, NDArray[np.bool_] | None]:
        """All rows by which the model is judged, of films their frames; and which of them (n,) were held out, if any were."""
        if self.of_frames(train):
            return _joined(frames_of(train, JUDGED), None if test is None else frames_of(test, JUDGED))
        if test is not None and fingerprint(test) != fingerprint(train):
            return _joined(train, test)
        if fingerprint(train) != self.data or not len(self.model.validation_rows_):
            return train, None
        held_out = np.zeros(len(train), dtype=bool)
        held_out[self.model.validation_rows_] = True
        return train, held_out

    def of_frames(self, data: Dataset) -> bool:
        """Whether the data are films, and the model one of their frames."""
        return data.spec.kind == "film" != self.model.spec_.kind

    def _seen(self, data: Dataset) -> Dataset:
        """The data as the model knows it: of films their frames, where it learnt from those."""
        return frames_of(data) if self.of_frames(data) else data

    def read(self, given: str, split: Any = "all", **options: Any) -> Dataset:
        """A data set made like the examples learnt from. options: of `read_like`, where they are others than then."""
        data = self._footage(given, split) or self._seen(
            read_like(self.model.spec_, given, split=split, **(self._kept | options))
        )
        try:
            known = self.model.trained_.narrowed(data)
        except DataError as error:
            raise DataError(f"{given}: {error}") from error
        learnt = {column.name for column in known.spec.named}
        left = [*(column.name for column in data.spec.named if column.name not in learnt), *data.skipped]
        if data.header:
            _tell_left(given, left)
        return self._in_units(cast(Dataset, known))

    def _footage(self, given: str, split: Any) -> Dataset | None:
        """All frames of the films in a file or a folder, by name; None where the run is of none, or these are none."""
        path, spec = Path(given).expanduser(), self.model.spec_
        if not (self.folder / PREDICTOR).exists() or not path.exists():
            return None
        array = path.suffix.lower() == ".npy"
        if not (mapped(path).ndim == len(spec.shape) + 2 if array else holds_films(path)):
            return None
        films = films_like((spec.event[1], spec.event[2]), spec.channels, path, split)
        tell_skipped(films)
        which, at = np.divmod(frame_numbers(films.x, None), films.x.shape[1])
        named = films.names or tuple(f"{film:03}" for film in range(len(films)))
        names = tuple(f"{named[film]}/{frame:04}" for film, frame in zip(which.tolist(), at.tolist(), strict=True))
        return replace(frames_of(films, None), names=names)

    def _in_units(self, data: Dataset) -> Dataset:
        """Texts and pieces as rows of the units that the model learnt, whatever those are that were found in them."""
        spec = self.model.spec_
        return replace(data, x=self.model.trained_.given(data), spec=spec) if spec.spoken and data.spec.spoken else data

    def pieces(self, given: str, label: str | None = None, separator: str | None = None) -> Pieces:
        """What `read` gives, of a .csv or .tsv a piece at a time: see `table_like`. Raises DataError, ConfigError."""
        options = {name: value for name, value in (("label", label), ("separator", separator)) if value is not None}
        kept = {"separator": separator or self._kept.get("separator")}
        found = table_like(self.model.spec_, given, label=label, **kept)
        if found is None or self.model.condition:
            data = self.read(given, **options)
            return Pieces(len(data), (), (), lambda: iter([data]))
        _tell_left(given, found.left)
        return found

    @property
    def _kept(self) -> dict[str, Any]:
        """How the data was read, as far as that holds for other data too."""
        options = {} if self.source is None else self.source.options
        return {name: options[name] for name in ("label", "drop", "separator", "column", "length", "hop") if name in options}

    def where(self, given: str | None) -> Source:
        """Where the data is that the model learnt from, or the data `given` instead. Raises ConfigError, DataError."""
        if given is not None:
            options = {} if self.source is None else dict(self.source.options)
            options.pop("attributes", None)  # what is known of other files
            return Source.named(given, **options)
        if self.source is None:
            raise ConfigError(f"{self.folder} does not say what its model learnt from. Say it: --data NAME or PATH.")
        if Path(self.source.what).is_absolute() and not Path(self.source.what).exists():
            raise DataError(f"{self.source.what}, which the model learnt from, is gone. Say where it is now: --data PATH.")
        return self.source


def _joined(train: Dataset, test: Dataset | None) -> tuple[Dataset, NDArray[np.bool_] | None]:
    """Both halves as one, and which of its rows are those of the second."""
    if test is None:
        return train, None
    both = join(train, test)
    return both, np.arange(len(both)) >= len(train)


def holds_model(folder: Path) -> bool:
    """Whether a model is saved in the folder."""
    return (folder / MODEL).exists()


def check_free(folder: Path, option: str, *, force: bool, instead: str = "") -> None:
    """Raise ConfigError where the folder holds what was learnt, which is not to be lost without --force.

    option: by which the folder was given. instead: a sentence, what may have been meant.
    """
    there = holds_model(folder)
    if (there or holds_checkpoint(folder)) and not force:
        what = "a model already" if there else "a training that was cut short"
        raise ConfigError(
            f"{folder} holds {what}.{' ' if instead else ''}{instead} Replace it: --force. Or choose another {option}."
        )


def holds_model_of(folder: Path, history: Sequence[Epoch]) -> bool:
    """Whether the model saved in the folder is what came of these epochs, and nothing that follows them was cut short."""
    if not holds_model(folder):
        return False
    model = Autoencoder.load(folder)
    found = [(one.loss, one.seconds) for one in model.history_]
    return not model.interrupted_ and found == [(one.loss, one.seconds) for one in history]


@contextmanager
def stopping(data: str, out: Path, *parts: Path, anew: bool) -> Iterator[None]:
    """Inside, Ctrl-C that nobody took for the end of an epoch is told with what is kept all the same. Leaves with 130.

    data: what is learnt from, as a command calls it. parts: folders of which the checkpoints in `out` make use. anew: whether
    what is in them belongs to another training.
    """
    places = (out, *parts)
    before = written(*places) if anew else frozenset()
    try:
        yield
    except KeyboardInterrupt:
        if not written(*places) - before:
            raise
        note(f"stopped; what was learnt until the last checkpoint is kept in {out}.\n{going_on(data, out)}")
        raise typer.Exit(STOPPED) from None


def going_on(data: str, out: Path) -> str:
    """How to go on with a training, in words."""
    return f"To go on: latentwalk fit {word(data)} --out {word(str(out))} --resume"


def forget(folder: Path) -> None:
    """Delete the checkpoints in the folder, for a training that begins anew there."""
    for path in [*folder.glob("checkpoint-*.safetensors"), folder / HISTORY]:
        path.unlink(missing_ok=True)


def _tell_left(given: str, left: Sequence[str]) -> None:
    """Say which columns of a table are not used."""
    if left:
        note(f"{given}: left out: {', '.join(left[:5])}{', …' * (len(left) > 5)}")


def _check_folder(folder: Path) -> None:
    """Raise CheckpointError where there is no model, naming the models that may have been meant."""
    if not folder.exists():
        raise CheckpointError(f"{folder}: no such folder. A RUN is made by: latentwalk fit DATA --out {folder}")
    if not folder.is_dir():
        raise CheckpointError(f"{folder} is a file. Expected the folder of a run, made by: latentwalk fit DATA --out RUN")
    if not holds_model(folder) and holds_checkpoint(folder):
        raise CheckpointError(
            f"{folder} holds a training that was cut short, and no model yet. To go on: latentwalk fit DATA --out {folder} "
            "--resume"
        )
    below = _models_below(folder)
    if not holds_model(folder) and below:
        raise CheckpointError(f"{folder} holds several models. Name one: {', '.join(map(str, below))}")
    if not holds_model(folder):
        raise CheckpointError(f"{folder} holds no model ({MODEL} is missing). A RUN is made by: latentwalk fit DATA --out RUN")


def _models_below(folder: Path) -> Sequence[Path]:
    return sorted(path.parent for path in folder.glob(f"models/*/{MODEL}"))
