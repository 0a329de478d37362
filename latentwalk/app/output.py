"""What commands leave behind, and what they say: files that appear whole or not at all, plain text, one line an error."""

import csv
import io
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import typer

from latentwalk.errors import CheckpointError, ConfigError, LatentwalkError
from latentwalk.files import atomically, telling, write_atomically
from latentwalk.plain import plain
from latentwalk.surroundings import imported

if TYPE_CHECKING:
    from latentwalk.drawing.tiles import Pixels

__all__ = [
    "ELSEWHERE",
    "FAILED",
    "MISUSED",
    "STOPPED",
    "TABLES",
    "OutputError",
    "check_table",
    "check_writable",
    "destination",
    "fault",
    "note",
    "save_png",
    "saving",
    "say",
    "show",
    "table_rows",
    "watched",
    "word",
    "write_bytes",
    "write_table",
    "write_text",
    "writing",
]

Add = Callable[[Mapping[str, Iterable[Any]]], None]
FAILED, MISUSED, STOPPED = 1, 2, 130  # exit codes
ELSEWHERE = "Choose another place with --out."
TABLES = (".csv", ".parquet")  # how a table that is written may end
TAME = re.compile(r"[\w .,:/()+=%@-]*")  # stands for itself between double quotes
WIDE = 120  # columns of a table where there is no terminal to ask


class OutputError(LatentwalkError, OSError):
    """A file or folder that cannot be written."""


def say(text: object) -> None:
    """A line, or some, on standard output. Nothing else prints: see `plain`."""
    typer.echo(plain(text))


def note(message: object) -> None:
    """A remark, on standard error, so that it never mixes with results."""
    typer.echo(plain(message), err=True)


def word(text: str) -> str:
    """Text of others as one word of a command that may be pasted: between quotes in which a shell runs nothing.

    >>> print(word("a b"), word("$(b)"))
    "a b" '$(b)'
    """
    return f'"{text}"' if TAME.fullmatch(text) else shlex.quote(text)


def fault(message: object) -> None:
    """What went wrong, on standard error, with its first word in red on a terminal."""
    typer.echo(typer.style("error:", fg="red", bold=True) + f" {plain(message)}", err=True)


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
        table.add_column(plain(column), justify="left" if index < names else "right", no_wrap=index < names)
    for row in rows:
        table.add_row(*map(plain, row))
    console = Console(markup=False, emoji=False)
    (console if console.is_terminal else Console(width=WIDE, markup=False, emoji=False)).print(table)


def writing(path: Path) -> AbstractContextManager[None]:
    """A file that cannot be written is the machine's failure, too, and told with its name. Raises OutputError."""
    return telling("write", path, ELSEWHERE, OutputError)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all. Raises OutputError."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, and the folders it lies in. Raises OutputError."""
    with writing(path):
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
    if path.exists() and any(given.exists() and path.samefile(given) for given in inputs):
        raise ConfigError(f"{path} is read by this command, so it is not written to. Choose another --out.")
    replaceable = out is None or force or path.suffix.lower() in (".png", ".gif", ".mp4")
    if path.is_file() and not replaceable:
        raise ConfigError(f"{path} exists. Choose another --out, or replace it with --force.")
    return path


def check_table(out: Path) -> None:
    """Raise ConfigError where a table would be written to a file that is not called one, or that nothing here can write."""
    if out.suffix.lower() not in TABLES:
        raise ConfigError(f"--out {out}: expected a file ending in {' or '.join(TABLES)}.")
    if out.suffix.lower() == ".parquet" and not (find_spec("pandas") and find_spec("pyarrow")):
        raise ConfigError(f"--out {out}: Parquet needs pandas and pyarrow. Install them: pip install 'latentwalk[data]'")


def write_table(path: Path, columns: Mapping[str, Iterable[Any]], *, raw: bool = False) -> None:
    """Write a table of named columns (n,), each an array or pandas' own: CSV, in which a gap is an empty field, or Parquet.

    Numbers are written in full: read back, they are the same. In a CSV, text that a spreadsheet would run has an apostrophe
    before it, which our own reader takes away; raw: none. Parquet keeps types. Raises ConfigError, OutputError.
    """
    with table_rows(path, raw=raw) as add:
        add(columns)


@contextmanager
def table_rows(path: Path, *, raw: bool = False) -> Iterator[Add]:
    """Adds rows to a table, as columns (n,) that are called the same each time: see `write_table`.

    The file appears once the block ends well, and not at all otherwise. Raises ConfigError, OutputError.
    """
    check_table(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            atomically(path) as file,
            _parquet_rows(file) if path.suffix.lower() == ".parquet" else _csv_rows(file, raw) as add,
        ):
            yield add


@contextmanager
def _csv_rows(file: IO[bytes], raw: bool) -> Iterator[Add]:
    shown = _fields if raw else _harmless
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    table, begun = csv.writer(text, lineterminator="\n"), False

    def add(columns: Mapping[str, Iterable[Any]]) -> None:
        nonlocal begun
        if not begun:
            table.writerow(shown(list(columns)))
        begun = True
        table.writerows(zip(*map(shown, columns.values()), strict=True))

    try:
        yield add
    finally:
        text.detach()  # flushed; the file is closed by whoever opened it


@contextmanager
def _parquet_rows(file: IO[bytes]) -> Iterator[Add]:
    pandas, arrow, parquet = map(imported, ("pandas", "pyarrow", "pyarrow.parquet"))
    with ExitStack() as ends:
        writer: Any = None

        def add(columns: Mapping[str, Iterable[Any]]) -> None:
            nonlocal writer
            frame = pandas.DataFrame({name: _listed(values) for name, values in columns.items()})
            rows = arrow.Table.from_pandas(frame, preserve_index=False)
            writer = writer or ends.enter_context(parquet.ParquetWriter(file, rows.schema))
            writer.write_table(rows)

        yield add


def _listed(values: Iterable[Any]) -> Any:
    """A column (n,) as pandas takes it: text that NumPy holds as its own."""
    strange = isinstance(values, (tuple, range)) or getattr(getattr(values, "dtype", None), "kind", "") == "U"
    return list(values) if strange else values


def _harmless(values: Any) -> Iterable[Any]:
    """A column (n,) as fields of a CSV, of which a spreadsheet runs none."""
    from latentwalk.data.formulas import harmless_cells

    return harmless_cells(_fields(values))


def _fields(values: Any) -> Iterable[Any]:
    """A column (n,) as fields of a CSV."""
    if hasattr(values, "notna"):
        if str(values.dtype).startswith("datetime64") and (values.dropna() == values.dropna().dt.normalize()).all():
            values = values.dt.strftime("%Y-%m-%d")  # days have no time
        return values.astype(object).where(values.notna(), "").to_numpy()
    if getattr(getattr(values, "dtype", None), "kind", "O") not in "Of":
        return values
    plain = values.tolist() if getattr(values, "dtype", None) == "float64" else values  # as it is written, and sooner
    return ["" if value is None or value != value else value for value in plain]
