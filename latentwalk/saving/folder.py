"""A trained model as a folder: `model.json`, which says all there is to say, and the weights in a safetensors file.

    RUN/model.json                      format, version, description, name and SHA-256 of the weights file
    RUN/weights-<first of SHA-256>.safetensors

The weights are written first, under a name made of their content; replacing `model.json` is the one moment at which the new
model takes the old one's place. A crash, or a full disk, before it leaves the old model whole. Reading runs no code.
What else has weights is kept in the same way, described by a file of its own name: `classifier.json`.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load as tensors_from
from safetensors.torch import save as bytes_of
from torch import Tensor

from latentwalk.errors import CheckpointError
from latentwalk.files import alone, clear_parts, complaint, content_of, json_of, telling, write_atomically

__all__ = ["DESCRIPTION", "VERSION", "beside", "packed", "read_weights", "write_weights"]

T = TypeVar("T")
VERSION = 1
DESCRIPTION = "model.json"
TRIES = 1000  # to read what others keep replacing


def packed(weights: Mapping[str, Tensor]) -> bytes:
    """The content of a weights file. Raises RuntimeError, AttributeError for what has no place in one."""
    return bytes_of({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})


def write_weights(
    folder: str | os.PathLike[str],
    description: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    what: str = "model",
    beside: Mapping[str, Any] | None = None,
) -> Path:
    """Save a description (plain JSON values) and weights in `folder`, replacing what was saved there before.

    what: "model", or the kind of thing it is. beside: what else is to be known of it, under names of its own. Several may save
    at once: one after the other does. Raises CheckpointError when that cannot be done; the one that was there is then still
    there.
    """
    folder = Path(folder)
    content = packed(weights)
    digest = hashlib.sha256(content).hexdigest()
    name = f"weights-{digest[:16]}.safetensors"
    header = {"format": f"latentwalk-{what}", "version": VERSION, "weights": name, "sha256": digest}
    advice = "Nothing that was saved there before is lost. Free some space or choose another folder, and save again."
    with telling(f"save the {what} in", folder, advice):
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder):
            _replace(folder, name, content, what, {**(beside or {}), **header, what: description})
    return folder


def _replace(folder: Path, name: str, content: bytes, what: str, said: Mapping[str, Any]) -> None:
    """The weights first, the description that names them, and then what was there before is deleted. Raises OSError."""
    write_atomically(folder / name, content)
    write_atomically(folder / f"{what}.json", json.dumps(said, indent=1).encode())
    for stale in folder.glob("weights-*.safetensors"):
        if stale.name != name:
            stale.unlink(missing_ok=True)
    clear_parts(folder)


def read_weights(folder: str | os.PathLike[str], what: str = "model") -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The description and the weights that `write_weights` saved in `folder`.

    Raises CheckpointError saying which file is missing, damaged, truncated, foreign or newer than this library.
    """
    folder = Path(folder)
    header, path, content = _together(folder, what)
    if hashlib.sha256(content).hexdigest() != header["sha256"]:
        raise CheckpointError(
            f"{path} is damaged: its SHA-256 is not the one {what}.json promises (got {len(content)} bytes). "
            "Restore it from a copy, or train again."
        )
    try:
        return header[what], tensors_from(content)
    except (SafetensorError, KeyError, ValueError, RuntimeError, TypeError) as error:  # a type or a size torch does not have
        raise CheckpointError(f"{path} is not a safetensors file: {error}.") from error


def beside(folder: str | os.PathLike[str], name: str, what: str = "model") -> tuple[Any, str]:
    """What was saved in `folder` beside the description, under that name, and the name of the weights it belongs to.

    None where nothing was. Raises CheckpointError.
    """
    header = _header(Path(folder) / f"{what}.json", what)
    return header.get(name), str(header["weights"])


def _together(folder: Path, what: str) -> tuple[dict[str, Any], Path, bytes]:
    """The description, and the weights that it names: where, and their bytes. Raises CheckpointError.

    Who saves meanwhile replaces the description, then deletes the weights of the old one; so where they are gone, the new
    description is there.
    """
    header = _header(folder / f"{what}.json", what)
    for _ in range(TRIES):
        path = folder / Path(str(header["weights"])).name  # a name, never a path: a foreign file must not point elsewhere
        try:
            return header, path, content_of(path)
        except OSError as error:
            before, header = header, _header(folder / f"{what}.json", what)
            if header["weights"] == before["weights"]:
                again = folder / Path(str(header["weights"])).name
                if isinstance(error, FileNotFoundError) and again.exists():  # saved anew, with the same weights
                    continue
                break
    return header, path, _found(path, content_of)


def _header(path: Path, what: str) -> dict[str, Any]:
    try:
        header: dict[str, Any] = _found(path, json_of)
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged or not a latentwalk {what}: it is not JSON ({error}).") from error
    if wrong := complaint(path, header, what, f"latentwalk-{what}", VERSION):
        raise CheckpointError(wrong)
    for key, kind in (("weights", str), ("sha256", str), (what, dict)):
        if not isinstance(header.get(key), kind):
            raise CheckpointError(f"{path} is damaged: {key!r} is missing or not a {kind.__name__}.")
    return header


def _found(path: Path, read_: Callable[[Path], T]) -> T:
    try:
        return read_(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} is missing: {path.parent} is not a saved model, or not all of one.") from error
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
