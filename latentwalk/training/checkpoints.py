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
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from
from safetensors.torch import save as bytes_of

from latentwalk.errors import CheckpointError
from latentwalk.files import clear_parts, complaint, content_of, telling, write_atomically
from latentwalk.training import history
from latentwalk.training.history import Epoch
from latentwalk.training.state import Snapshot

__all__ = ["HISTORY", "Checkpoints", "holds_checkpoint", "latest", "locked", "newest", "opened", "written"]

FORMAT, VERSION = "latentwalk-training", 1
HISTORY, LOCK = "history.jsonl", "training.lock"
NAME = re.compile(r"checkpoint-(\d{8})-([0-9a-f]{16})\.safetensors")
KEPT = 2


@dataclass(slots=True)
class Checkpoints:
    """Who writes checkpoints into a folder, and finds the newest one there. Use as a context: it holds the folder's lock.

    about: what the run is, as JSON values; written into each checkpoint. every: seconds between two checkpoints. anew: whether
    another training begins than the one that is there, whose checkpoints stay until there is one of the new. started: called
    once there is.
    """

    folder: Path
    about: Mapping[str, Any]
    every: float
    anew: bool = False
    started: Callable[[], None] = lambda: None
    found: bytes | None = None  # the newest checkpoint that was there, whole
    _number: int = 0
    _first: bool = True
    _past: list[Epoch] = field(default_factory=list)
    _known: dict[Path, tuple[int, int]] = field(default_factory=dict)  # whole, when they had this size and time
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
            held.enter_context(locked(self.folder))
        self.found = None if self.anew else newest(self.folder)
        numbers = [number for number, _ in _files(self.folder)]
        self._number = max(numbers, default=0)
        self._written = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def due(self) -> bool:
        """Whether it is time for the next checkpoint."""
        return time.monotonic() - self._written >= self.every

    def write(self, snapshot: Snapshot) -> None:
        """Add a checkpoint, and drop those before but one whole one. Raises CheckpointError; those before are then there."""
        header = {"format": FORMAT, "version": VERSION, "about": self.about, "numbers": snapshot.numbers}
        tensors = {name: value.detach().cpu().contiguous() for name, value in snapshot.tensors.items()}
        content = bytes_of(tensors, {"latentwalk": json.dumps(header)})
        self._number += 1
        with _telling(self.folder):
            path = self.folder / f"checkpoint-{self._number:08}-{_digest(content)}.safetensors"
            write_atomically(path, content)
            self._known[path] = _stamp(path)
            self._drop(1 if self._first and self.anew else KEPT)
            if self._first:
                history.rewrite(self.folder / HISTORY, self._past)
        if self._first:
            self._first = False
            self.started()
        self._written = time.monotonic()

    def _drop(self, kept: int) -> None:
        """Delete all checkpoints but the newest `kept` that are whole; none, as long as there are not so many."""
        there = [path for _, path in _files(self.folder)]
        whole: list[Path] = []
        for path in there:
            if len(whole) == kept:
                break
            if self._is_whole(path):
                whole.append(path)
        for path in there if len(whole) == kept else ():
            if path not in whole:
                path.unlink(missing_ok=True)

    def _is_whole(self, path: Path) -> bool:
        """Whether it is; read again only where it was touched since."""
        try:
            if self._known.get(path) == _stamp(path):
                return True
        except OSError:
            return False
        if _content(path) is None:
            return False
        self._known[path] = _stamp(path)
        return True

    def begin(self, past: list[Epoch]) -> None:
        """The epochs that the file of the history begins with, once there is a checkpoint to go with it."""
        self._past = past

    def record(self, epoch: Epoch) -> None:
        """Add an epoch to the file of the history."""
        if self._first:
            self._past.append(epoch)
            return
        with _telling(self.folder):
            history.append(self.folder / HISTORY, epoch)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Inside, no other process trains in the folder, which is made; again inside of it, nothing more is asked.

    Where nothing came of it, no trace is left. Raises CheckpointError where another trains there, or it cannot be written to.
    """
    with _telling(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, is_singleton=True)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise CheckpointError(
                f"another process trains in {folder}. Wait for it to end, or choose another folder."
            ) from error
        clear_parts(folder)
        for torn in folder.glob(".checkpoint-*"):  # of an earlier version that was killed
            torn.unlink(missing_ok=True)
    try:
        yield
    finally:
        outermost = lock.lock_counter == 1
        if outermost and not holds_checkpoint(folder):  # nothing came of it: leave no trace
            with suppress(OSError):
                (folder / LOCK).unlink()
        lock.release()
        if outermost:
            with suppress(OSError):
                folder.rmdir()  # only one that is empty


def holds_checkpoint(folder: Path) -> bool:
    """Whether there is a checkpoint in the folder, whole or not."""
    return bool(_files(folder))


def written(*folders: Path) -> frozenset[Path]:
    """The checkpoints there are in these folders."""
    return frozenset(path for folder in folders for _, path in _files(folder))


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


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _telling(folder: Path) -> AbstractContextManager[None]:
    advice = "Free some space or choose another folder, and start again to go on."
    return telling("keep the training in", folder, f"Checkpoints that are there stay whole. {advice}")
