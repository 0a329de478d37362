"""Files of ours: written whole or not at all, read only where they are files, and known by a format and a version."""

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from latentwalk.errors import CheckpointError, LatentwalkError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "alone",
    "appearing",
    "atomically",
    "clear_parts",
    "complaint",
    "content_of",
    "json_of",
    "telling",
    "write_atomically",
    "write_together",
]

NO_FILE = "a folder, pipe or device where a file is expected"
PART = ".part"  # what the name of an unfinished file ends with
_listed: list[list[Path]] = []  # those of `appearing` that are inside


@contextlib.contextmanager
def atomically(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that appears at `path` once the block ends well, and not at all otherwise. Raises OSError.

    Where `path` is a link, it stays, and what it points to is replaced.
    """
    place = _place(path)
    handle, temporary = _part(place)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, place)
    finally:
        try:
            os.unlink(temporary)
        except FileNotFoundError:  # it is in its place
            for appeared in _listed:
                appeared.append(path)
        except OSError:
            pass
    clear_parts(place.parent, f".{place.name}-")


@contextlib.contextmanager
def appearing() -> Iterator[list[Path]]:
    """Files that appear inside, in any thread, are listed in the order in which they do, also where it does not end well."""
    appeared: list[Path] = []
    _listed.append(appeared)
    try:
        yield appeared
    finally:
        _listed[:] = [one for one in _listed if one is not appeared]


def clear_parts(folder: Path, beginning: str = ".") -> None:
    """Delete the unfinished files, with names that begin so, that killed processes left; those being written stay."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.name.startswith(beginning) and path.name.endswith(PART):
                _clear(path)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Inside, no other process or thread is inside for the same folder: they wait. Raises OSError.

    The folder itself is locked, where the system can, so nothing is left in it.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system that knows no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all. Raises OSError."""
    write_together({path: content})


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write files of which none appears before all are written. Raises OSError."""
    with contextlib.ExitStack() as ends:
        for path, content in files.items():
            ends.enter_context(atomically(path)).write(content)


@contextlib.contextmanager
def telling(what: str, where: Path | str, advice: str, error: type[LatentwalkError] = CheckpointError) -> Iterator[None]:
    """What the system says about a file or folder that cannot be written, as an error of ours.

    what: what was to be done there, "write to", say. advice: a sentence, what to do about it.

    >>> with telling("write to", "/dev/full", "Choose another folder."):
    ...     raise OSError(errno.ENOSPC, "No space left on device")
    Traceback (most recent call last):
    latentwalk.errors.CheckpointError: cannot write to /dev/full: No space left on device. Choose another folder.
    """
    try:
        yield
    except FileExistsError as complained:  # a folder that was to be made
        raise error(f"cannot {what} {where}: {complained.filename} is there, and is no folder. {advice}") from complained
    except OSError as complained:
        raise error(f"cannot {what} {where}: {complained.strerror or complained}. {advice}") from complained


def content_of(path: Path, most: int | None = None) -> bytes:
    """The bytes of a regular file, `most` of them: a pipe would be waited for, and a device read, for ever. Raises OSError."""
    try:
        name = os.fsencode(path)
    except UnicodeError:  # halves of letters
        name = b"\0"
    if b"\0" in name:
        raise OSError(errno.EINVAL, "no file can have that name")
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, NO_FILE)
    with path.open("rb") as file:
        return file.read(-1 if most is None else most)


def json_of(path: Path) -> Any:
    """The JSON in a file. Raises OSError, and ValueError where it is none, or is nested deeper than Python can read."""
    try:
        return json.loads(content_of(path))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def complaint(path: Path, content: Any, what: str, format: str, newest: int, *, version: str = "version") -> str | None:
    """Why the JSON `content` of `path` is not a `what` that can be read: foreign, or newer; None when it can.

    It names its format under "format", and the format's version, at most `newest`, under the key `version`.
    """
    if not isinstance(content, dict) or content.get("format") != format:
        return f"{path} is not a latentwalk {what}: expected format {format!r}."
    found = content.get(version)
    if not isinstance(found, int) or found > newest:
        return f"{path} was written by a newer latentwalk (format version {found}; this one reads up to {newest}). Upgrade."
    return None


def _place(path: Path) -> Path:
    """Where a file at `path` lies, behind all links. Raises OSError where none can lie: a device would be replaced by it."""
    place = Path(os.path.realpath(path)) if path.is_symlink() else path
    if place.is_symlink():
        raise OSError(errno.ELOOP, "a link that leads back to itself")
    if place is not path and not place.parent.is_dir():
        raise OSError(errno.ENOENT, f"a link to {place}, in a folder that does not exist")
    if place.exists() and not place.is_file():
        raise OSError(errno.EINVAL, NO_FILE)
    return place


def _part(path: Path) -> tuple[int, str]:
    """A new file beside `path`, open, and its name. It is locked, which says that its writer lives."""
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=PART)
        if fcntl is None:
            return handle, name
        with contextlib.suppress(OSError):  # a file system that knows no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.exists(name):
            return handle, name
        os.close(handle)  # taken for a dead one's, before it was locked


def _clear(path: Path) -> None:
    with contextlib.suppress(OSError):
        if fcntl is not None:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # OSError where its writer lives
                path.unlink()
        else:
            path.unlink()  # which Windows refuses for a file that is open


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
