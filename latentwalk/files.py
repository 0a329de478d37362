"""Files of ours: written whole or not at all, and known by a format and a version."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["complaint", "write_atomically"]


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all. Raises OSError."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
