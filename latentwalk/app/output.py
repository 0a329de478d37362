"""What commands leave behind, and what they say: files that appear whole or not at all, plain text, one line an error."""

import csv
import io
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from latentwalk.errors import CheckpointError, ConfigError, LatentwalkError
from latentwalk.files import telling, write_atomically

if TYPE_CHECKING:
    from latentwalk.drawing.tiles import Pixels

__all__ = [
    "FAILED",
    "MISUSED",
    "STOPPED",
    "OutputError",
    "check_csv",
    "check_writable",
    "destination",
    "note",
    "save_png",
    "saving",
    "show",
    "watched",
    "write_bytes",
    "write_csv",
    "write_text",
]

FAILED, MISUSED, STOPPED = 1, 2, 130  # exit codes
ELSEWHERE = "Choose another place with --out."
WIDE = 120  # columns of a table where there is no terminal to ask


class OutputError(LatentwalkError, OSError):
    """A file or folder that cannot be written."""


def note(message: str) -> None:
    """A remark, on standard error, so that it never mixes with results."""
    typer.echo(message, err=True)


def watched() -> bool:
    """Whether someone sees, on a terminal, how far it is."""
    return sys.stderr.isatty()


def show(columns: Sequence[str], rows: Iterable[Sequence[str]], *, names: int = 1) -> None:
    """Print a table, as wide as the terminal, where there is one. Its first `names` columns are words, the others numbers."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index < names else "right", no_wrap=index < names)
    for row in rows:
        table.add_row(*row)
    console = Console()
    (console if console.is_terminal else Console(width=WIDE)).print(table)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all. Raises OutputError."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, and the folders it lies in. Raises OutputError."""
    with telling("write", path, ELSEWHERE, OutputError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)


def save_png(path: Path, picture: "Pixels") -> None:
    """Write (H, W, C) as a PNG. Raises OutputError."""
    from latentwalk.drawing.film import png_bytes

    write_bytes(path, png_bytes(picture))


@contextmanager
def saving() -> Iterator[None]:
    """A model or report that cannot be saved is the machine's failure, not a bad run given by the user. Raises OutputError."""
    try:
        yield
    except CheckpointError as error:
        raise OutputError(str(error)) from error


def check_writable(folder: Path) -> None:
    """Try to write into the folder, so that minutes of training are not lost to a wrong --out. Raises OutputError."""
    trial, new = folder / f".latentwalk-{os.getpid()}", not folder.exists()
    with telling("write to", folder, ELSEWHERE, OutputError):
        folder.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
        if new:
            folder.rmdir()


def destination(out: Path | None, usual: Path, inputs: Sequence[Path] = (), *, force: bool = False) -> Path:
    """Where to write: `out`, or the usual place inside the run, which is ours and always replaced.

    A picture is replaced too; any other file that exists only with --force; and a file that is read, never.
    """
    path = usual if out is None else out
    if any(path.exists() and given.exists() and path.samefile(given) for given in inputs):
        raise ConfigError(f"{path} is read by this command, so it is not written to. Choose another --out.")
    replaceable = out is None or force or path.suffix.lower() in (".png", ".gif", ".mp4")
    if path.is_file() and not replaceable:
        raise ConfigError(f"{path} exists. Choose another --out, or replace it with --force.")
    return path


def check_csv(out: Path) -> None:
    """Raise ConfigError where a table would be written to a file that is not called one."""
    if out.suffix.lower() != ".csv":
        raise ConfigError(f"--out {out}: expected a file ending in .csv.")


def write_csv(path: Path, columns: Mapping[str, Iterable[Any]]) -> None:
    """Write a table of named columns (n,). Numbers are written in full: read back, they are the same."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows(zip(*columns.values(), strict=True))
    write_text(path, text.getvalue())
