"""The command `latentwalk`: what a terminal sees of this library.

A command is a file in `commands`, with a function of the same name, imported when it is asked for. Commands raise
the errors of our tree; here each becomes one message on standard error and an exit code: 0 good, 1 failure, 2 wrong
use or bad input, 130 stopped by Ctrl-C.
"""

import contextlib
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

import latentwalk
from latentwalk.app.options import PANELS
from latentwalk.app.output import FAILED, MISUSED, STOPPED, OutputError, fault, note, say
from latentwalk.errors import LatentwalkError, TrainingError
from latentwalk.files import appearing
from latentwalk.plain import plain
from latentwalk.surroundings import imported

__all__ = ["COMMANDS", "app", "main"]

GROUPS = {
    "Start": ("tour", "data"),
    "Train": ("fit", "complete"),
    "Judge": ("report", "inspect", "compare", "sweep"),
    "Walk": ("studio", "sample", "walk", "blend", "swap", "graft", "predict"),
    "Use": ("reconstruct", "encode", "denoise", "impute", "reduce", "dimensions", "anomalies", "synthesise"),
    "Exchange": ("export", "serve"),
}
COMMANDS = tuple(word for words in GROUPS.values() for word in words)  # in the order of the help
OTHER = "Options"  # the panel of options that belong to no other
FEW = 3  # files that are named each, where a command was stopped
MANY = 10  # arguments and options; where there are more, the help prints them in panels
OUT_OF_MEMORY = "out of memory. Use fewer rows, smaller images (--size) or a smaller --batch-size."
NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")  # as PyTorch says it
MISUSE: Any = typer.BadParameter.__mro__[1]  # UsageError, of whichever click typer brings
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Command(TyperCommand):
    """One command; where it has many options, its help prints them in panels."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {panel: [] for panel in ("Arguments", OTHER, *PANELS)}
        parameters = self.get_params(ctx)
        many = len(parameters) > MANY
        for parameter in parameters:
            asked = getattr(parameter, "rich_help_panel", None) if many else None
            panel = "Arguments" if parameter.param_type_name == "argument" else asked or OTHER
            if record := parameter.get_help_record(ctx):
                panels[panel].append(record)
        if len(panels[OTHER]) == 1:  # only --help
            panels[OTHER] = panels.pop(OTHER)
        for panel, records in panels.items():
            if records:
                with formatter.section(panel):
                    formatter.write_dl(records)


class Commands(TyperGroup):
    """The group of all commands; turns errors into messages and exit codes."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(cmd_name, cls=Command, context_settings=CONTEXT)(_function(cmd_name))
        return typer.main.get_command(alone)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        width = max(map(len, COMMANDS))
        for group, words in GROUPS.items():
            with formatter.section(group):
                formatter.write_dl([(f"{word:{width}}", _summary(word)) for word in words])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        self.commands: Any = dict.fromkeys(COMMANDS)  # what a word that is none is compared with
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _misuse_shown_plainly():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with _misuse_shown_plainly(), warnings.catch_warnings(), appearing() as written:
            warnings.showwarning = _warn
            try:
                answer = super().invoke(ctx)
                _said()
                return answer
            except KeyboardInterrupt:
                _leave(f"stopped. {_saved(written)}", STOPPED, note)
            except (TrainingError, OutputError) as error:
                _leave(error, FAILED)
            except LatentwalkError as error:
                _leave(error, MISUSED)
            except MemoryError:
                _leave(OUT_OF_MEMORY, FAILED)
            except BrokenPipeError:
                _deaf()
                raise typer.Exit(FAILED) from None  # who read the output has seen enough
            except OSError as error:
                _deaf()
                where = f" {error.filename}" if error.filename else ""
                _leave(f"cannot read or write{where}: {error.strerror or error}.", FAILED)
            except RuntimeError as error:
                if not any(words in str(error).lower() for words in NO_MEMORY):
                    raise
                _leave(OUT_OF_MEMORY, FAILED)


class Door(typer.Typer):
    """Typer's own, without the hook for exceptions that it leaves in the process."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        before = sys.excepthook
        try:
            return super().__call__(*args, **kwargs)
        finally:
            sys.excepthook = before


app = Door(
    cls=Commands,
    name="latentwalk",
    help="Train autoencoders, measure whether their latent space is continuous and complete, and walk in it.\n\n"
    "Begin with: latentwalk tour",
    epilog="Each command has an example: latentwalk walk --help",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text is the same on a terminal, in a pipe and in a log, and does not import Rich
    context_settings=CONTEXT,
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"latentwalk {latentwalk.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which this is.")] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line of this process."""
    app(prog_name="latentwalk")


def _function(word: str) -> Any:
    """The command of that name."""
    return getattr(imported(f"latentwalk.app.commands.{word}"), word)


def _summary(word: str) -> str:
    """The first sentence of a command's help, read off its file: importing all of them takes longer than all else."""
    text = Path(__file__).with_name("commands").joinpath(f"{word}.py").read_text(encoding="utf-8")
    found = re.search(rf'^def {word}\(.*?"""(.+)', text, re.DOTALL | re.MULTILINE)
    assert found is not None, f"the command {word} has no help"
    return found[1].partition("\n")[0].removesuffix('"""')


def _leave(message: object, code: int, tell: Callable[[object], None] = fault) -> NoReturn:
    tell(message)
    raise typer.Exit(code)


@contextlib.contextmanager
def _misuse_shown_plainly() -> Iterator[None]:
    """What typer says of a wrong option repeats what was typed."""
    try:
        yield
    except MISUSE as error:
        error.message = plain(error.message)
        raise


def _saved(written: Sequence[Path]) -> str:
    """What a command that was stopped had written by then, as a sentence."""
    there = [path for path in dict.fromkeys(written) if path.exists()]
    if not there:
        return "Nothing was saved."
    several = f"{len(there)} files, the last of them {there[-1]}"
    return f"Written before that: {', '.join(map(str, there)) if len(there) <= FEW else several}"


def _said() -> None:
    """See that all is written that was said, while it can still be told where it is not. Raises OutputError."""
    if sys.stdout is None:
        raise OutputError("standard output is closed, so what was found is lost. Give it a place: > FILE.")
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _deaf()
        raise OutputError(f"cannot write to standard output: {error.strerror}.") from error


def _deaf() -> None:
    """Nothing more is said on standard output, where it cannot be written: at its end Python would try again."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _warn(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """A library's warning in one line; those meant for programmers are not for a terminal."""
    if not issubclass(category, (DeprecationWarning, FutureWarning)):
        note(f"warning: {message}")
