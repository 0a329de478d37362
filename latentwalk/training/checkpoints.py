"""A folder in which training is kept while it goes on.

    FOLDER/checkpoint-<number>-<first of SHA-256>.safetensors   the two newest; the place and the options are in its header
    FOLDER/history.jsonl                                        a line an epoch
    FOLDER/training.lock                                        held by the process that trains

A checkpoint is one file, named after its content: it appears whole or not at all, and is known to be damaged when its name is
not that of what is in it. The one before stays, so damage costs one interval. Nothing depends on the clock of the day.
"""

import hashlib
import json
import re
import time
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from
from safetensors.torch import save as bytes_of

from latentwalk.errors import CheckpointError
from latentwalk.files import complaint, content_of, telling, write_atomically
from latentwalk.training import history
from latentwalk.training.history import Epoch
from latentwalk.training.state import Snapshot

__all__ = ["HISTORY", "Checkpoints", "holds_checkpoint", "latest", "newest", "opened"]

FORMAT, VERSION = "latentwalk-training", 1
HISTORY, LOCK = "history.jsonl", "training.lock"
NAME = re.compile(r"checkpoint-(\d{8})-([0-9a-f]{16})\.safetensors")
KEPT = 2


@dataclass(slots=True)
class Checkpoints:
    """Who writes checkpoints into a folder, and finds the newest one there. Use as a context: it holds the folder's lock.

    about: what the run is, as JSON values; written into each checkpoint. every: seconds between two checkpoints.
    """

    folder: Path
    about: Mapping[str, Any]
    every: float
    found: bytes | None = None  # the newest checkpoint that was there, whole
    _number: int = 0
    _written: float = 0.0
    _held: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        """Raises CheckpointError: the folder cannot be written, another process trains there, nothing in it is whole."""
        with ExitStack() as held:  # lets go of the lock if anything below fails
            self._begin(held)
            self._held = held.pop_all()
        return self

    def _begin(self, held: ExitStack) -> None:
        with _telling(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / LOCK)
            try:
                held.enter_context(lock.acquire(timeout=0))
            except Timeout as error:
                raise CheckpointError(
                    f"another process trains in {self.folder}. Wait for it to end, or choose another folder."
                ) from error
            for torn in self.folder.glob(".checkpoint-*"):  # what a killed process left half written
                torn.unlink(missing_ok=True)
        self.found = newest(self.folder)
        numbers = [number for number, _ in _files(self.folder)]
        self._number = max(numbers, default=0)
        self._written = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._held.close()
        if not holds_checkpoint(self.folder):  # nothing came of it: leave no trace
            (self.folder / LOCK).unlink(missing_ok=True)
            with suppress(OSError):
                self.folder.rmdir()

    def due(self) -> bool:
        """Whether it is time for the next checkpoint."""
        return time.monotonic() - self._written >= self.every

    def write(self, snapshot: Snapshot) -> None:
        """Add a checkpoint, and drop the oldest beyond two. Raises CheckpointError; the ones before are then still there."""
        header = {"format": FORMAT, "version": VERSION, "about": self.about, "numbers": snapshot.numbers}
        tensors = {name: value.detach().cpu().contiguous() for name, value in snapshot.tensors.items()}
        content = bytes_of(tensors, {"latentwalk": json.dumps(header)})
        self._number += 1
        with _telling(self.folder):
            write_atomically(self.folder / f"checkpoint-{self._number:08}-{_digest(content)}.safetensors", content)
            for _, stale in _files(self.folder)[KEPT:]:
                stale.unlink(missing_ok=True)
        self._written = time.monotonic()

    def begin(self, past: list[Epoch]) -> None:
        """Start the file of the history with these epochs."""
        with _telling(self.folder):
            history.rewrite(self.folder / HISTORY, past)

    def record(self, epoch: Epoch) -> None:
        """Add an epoch to the file of the history."""
        with _telling(self.folder):
            history.append(self.folder / HISTORY, epoch)


def holds_checkpoint(folder: Path) -> bool:
    """Whether there is a checkpoint in the folder, whole or not."""
    return bool(_files(folder))


def latest(folder: Path) -> tuple[dict[str, Any], Snapshot]:
    """What the run in `folder` is, and its state, as its newest whole checkpoint says. Raises CheckpointError."""
    content = newest(folder)
    if content is None:
        raise CheckpointError(f"{folder} holds no checkpoint. Begin a run there with fit.")
    return opened(content, folder)


def newest(folder: Path) -> bytes | None:
    """The newest whole checkpoint in `folder`; None where there is none at all.

    A damaged one is passed over with a warning. Raises CheckpointError when all are damaged.
    """
    files = _files(folder)
    for _, path in files:
        content = _content(path)
        if content is not None:
            return content
        warnings.warn(f"{path} is damaged or cannot be read; the checkpoint before it is used, if there is one.", stacklevel=2)
    if files:
        raise CheckpointError(
            f"all checkpoints in {folder} are damaged ({', '.join(path.name for _, path in files)}). Restore one from a copy, "
            "or delete them to begin anew."
        )
    return None


def opened(content: bytes, folder: Path) -> tuple[dict[str, Any], Snapshot]:
    """What the run is, and its state, out of the bytes of a checkpoint in `folder`. Raises CheckpointError."""
    where = folder / "checkpoint"
    try:
        size = int.from_bytes(content[:8], "little")
        header = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["latentwalk"])
        if wrong := complaint(where, header, "checkpoint", FORMAT, VERSION):
            raise CheckpointError(wrong)
        about_, numbers = dict(header["about"]), dict(header["numbers"])
        params, data = about_["params"], about_["data"]
        for value, kind in (
            *((params, dict), (params["epochs"], int), (data, dict), (data["shape"], list), (data["dtype"], str)),
            *((about_["seed"], int), (numbers["rows"], int)),
        ):
            if not isinstance(value, kind):
                raise TypeError(f"{value!r:.40} is not a {kind.__name__}")
        return about_, Snapshot.from_numbers(numbers, tensors_from(content))
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise CheckpointError(f"{where} is no checkpoint of latentwalk: {error}.") from error


def _files(folder: Path) -> list[tuple[int, Path]]:
    """Checkpoints by number, the newest first."""
    found = []
    with suppress(OSError):
        for path in folder.iterdir():
            if match := NAME.fullmatch(path.name):
                found.append((int(match[1]), path))
    return sorted(found, reverse=True)


def _content(path: Path) -> bytes | None:
    """The file, if it is whole: if its content is what its name says."""
    try:
        content = content_of(path)
    except OSError:
        return None
    match = NAME.fullmatch(path.name)
    return content if match and match[2] == _digest(content) else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _telling(folder: Path) -> AbstractContextManager[None]:
    advice = "Free some space or choose another folder, and start again to go on."
    return telling("keep the training in", folder, f"Checkpoints that are there stay whole. {advice}")
