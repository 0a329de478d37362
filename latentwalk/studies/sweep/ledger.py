"""A folder in which a sweep keeps what it has found.

    FOLDER/trials.jsonl     a line a finished trial: what it was (`about`), and what was measured (`found`)
    FOLDER/trial-<hash>/    the checkpoint of the trial that is being trained; gone once it is finished
    FOLDER/sweep.lock       held by the process that sweeps

A trial is known by all that its numbers depend on: options of the model, seed, rows, points to judge by, and the fingerprints
of the data. So sweeps over other grids share a folder, and what both ask for is done once.
"""

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from latentwalk.errors import CheckpointError, DataError, TrainingWarning
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.estimators.options import IDLE, flat_json, params_of
from latentwalk.files import complaint, content_of, telling, write_atomically

__all__ = ["TRIALS", "Ledger", "identity"]

FORMAT, VERSION = "latentwalk-trial", 2  # 1 called completeness what is likeness, and did not know reach
TRIALS, LOCK = "trials.jsonl", "sweep.lock"
Values = dict[str, Any]


class Ledger:
    """What was found so far, in memory, and in a folder if one is given. Use as a context: it holds the folder's lock."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._lines: list[Values] = []
        self._held = ExitStack()

    def __enter__(self) -> Self:
        """Raises CheckpointError: the folder cannot be written, another process sweeps there, a line in it is damaged."""
        if self.folder is None:
            return self
        with ExitStack() as held, _telling(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                held.enter_context(FileLock(self.folder / LOCK).acquire(timeout=0))
            except Timeout as error:
                raise CheckpointError(f"another process sweeps in {self.folder}. Wait for it, or choose another.") from error
            self._lines = _read(self.folder / TRIALS)
            self._held = held.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def find(self, about: Values) -> Values | None:
        """What was measured of this trial; None where it is not done."""
        return next((line["found"] for line in self._lines if line["about"] == about), None)

    def add(self, about: Values, found: Values) -> None:
        """Keep a finished trial, on the disk when this returns, and drop its checkpoint. Raises CheckpointError."""
        line = {"format": FORMAT, "version": VERSION, "about": about, "found": found}
        checkpoint = self.checkpoint(about)
        if self.folder is not None and checkpoint is not None:
            with _telling(self.folder), (self.folder / TRIALS).open("ab") as file:
                file.write(json.dumps(line).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            shutil.rmtree(checkpoint, ignore_errors=True)
        self._lines.append(line)

    def checkpoint(self, about: Values) -> Path | None:
        """Where the training of this trial is kept while it goes on."""
        known = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
        return None if self.folder is None else self.folder / f"trial-{known[:16]}"

    def check_data(self, data: Mapping[str, Values]) -> None:
        """Raise DataError where a name stands for other data than before, or all names are new: other data, another folder."""
        before = {line["about"]["data"]["name"]: line["about"]["data"] for line in self._lines}
        for name, now in data.items():
            if name in before and before[name] != now:
                shapes = [_shapes(now), _shapes(before[name])]
                raise DataError(
                    f"{name} is not the data that the sweep in {self.folder} was begun with: it has {shapes[0]}, and had "
                    f"{shapes[1]}{', with other values' if shapes[0] == shapes[1] else ''}. Give the same data to go on, or "
                    "choose another folder."
                )
        if before and not before.keys() & data.keys():
            raise DataError(
                f"the sweep in {self.folder} is of {', '.join(before)}, not of {', '.join(data)}. Choose another folder, or "
                f"give both, to sweep over data sets: {', '.join([*before, *data])}."
            )


def _read(path: Path) -> list[Values]:
    """The whole lines; one that a killed process left torn at the end is cut off, with a warning."""
    if not path.exists():
        return []
    content = content_of(path)
    whole, newline, torn = content.rpartition(b"\n")
    if torn:
        warnings.warn(f"the last line of {path} is torn, and dropped: that trial is made again.", TrainingWarning, stacklevel=4)
        write_atomically(path, whole + newline)
    return [_line(path, number, line) for number, line in enumerate(whole.splitlines(), 1)]


def _line(path: Path, number: int, text: bytes) -> Values:
    try:
        line = json.loads(text)
        wrong = complaint(path, line, "sweep", FORMAT, VERSION)
        found = {} if wrong else _understood(line)
    except Exception as error:  # options of a foreign file have any name, type and value
        told = f"{path} is damaged in line {number} ({error}). Delete that line, and its trial is made again."
        raise CheckpointError(told) from error
    if wrong:
        raise CheckpointError(wrong)
    return found


def _understood(line: Values) -> Values:
    """A line as this version writes it. Raises whatever comes up where it is none."""
    if not (isinstance(line["about"]["data"]["name"], str) and isinstance(line["found"], dict)):
        raise TypeError("no data is named")
    _shapes(line["about"]["data"])
    params = params_of(line["about"]["params"])
    if line["version"] < 2:
        line["found"] = renamed(line["found"])
    line["about"]["params"] = identity(Autoencoder().get_params(deep=False) | params)
    return line


def renamed(found: Values) -> Values:
    """What was measured by version 1, which called completeness what is likeness."""
    return {name.replace("completeness", "likeness"): value for name, value in found.items()}


def identity(params: Mapping[str, Any]) -> Values:
    """Options of a model as JSON values, without those that no number depends on.

    An option, or a part of one, that a line does not have was not there when it was written, and counts as its default.
    """
    return {name: value for name, value in flat_json(params).items() if name not in IDLE}


def _shapes(data: Values) -> str:
    shapes = [" x ".join(map(str, data[part]["shape"])) + f" {data[part]['dtype']}" for part in ("train", "test")]
    return f"{shapes[0]} to learn from and {shapes[1]} to judge by"


@contextmanager
def _telling(folder: Path) -> Iterator[None]:
    """Turn the system's complaint about the folder into ours."""
    advice = "Free some space or choose another folder, and start again to go on."
    with telling("keep the sweep in", folder, f"Trials that are there stay. {advice}"):
        try:
            yield
        except OSError:
            with suppress(OSError):
                folder.rmdir()  # only one that is empty
            raise
