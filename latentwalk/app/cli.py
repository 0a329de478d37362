"""The command `latentwalk`: what a terminal sees of this library.

Commands are functions in files of their own, by what they are for: `learning` (tour, compare, fit, report), `walking` (sample,
walk, …), `blending` (blend, swap), `transplants` (graft), `applying` (denoise, impute, …). They import what is heavy when they
run, so that `--help` does not wait for PyTorch. They raise the errors of our tree; here each becomes one message on standard
error and an exit code: 0 good, 1 failure, 2 wrong use or bad input, 130 stopped by Ctrl-C.
"""

import sys
import warnings
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

import latentwalk
from latentwalk.app import applying, blending, learning, transplants, walking
from latentwalk.errors import LatentwalkError, TrainingError

__all__ = ["app", "main"]

FAILED, MISUSED, STOPPED = 1, 2, 130


class Commands(TyperGroup):
    """The group of all commands; turns errors into messages and exit codes."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)  # in the order a newcomer needs them, not that of the alphabet

    def invoke(self, ctx: Any) -> Any:
        from latentwalk.app.output import OutputError

        with warnings.catch_warnings():
            warnings.showwarning = _warn
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                _leave("stopped. Nothing was saved.", STOPPED)
            except (TrainingError, OutputError) as error:
                _leave(f"error: {error}", FAILED)
            except LatentwalkError as error:
                _leave(f"error: {error}", MISUSED)
            except MemoryError:
                _leave("error: out of memory. Use fewer rows, smaller images (--size) or a smaller --batch-size.", FAILED)


app = typer.Typer(
    cls=Commands,
    name="latentwalk",
    help="Train autoencoders, measure whether their latent space is continuous and complete, and walk in it.\n\n"
    "Begin with: latentwalk tour",
    epilog="Each command has an example: latentwalk walk --help",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text is the same on a terminal, in a pipe and in a log, and does not import Rich
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"latentwalk {latentwalk.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which this is.")] = False,
) -> None:
    pass


@app.command("data")
def names() -> None:
    """List the data sets that have a name.

    \b
    Example:
      latentwalk data
    """
    from latentwalk.data import names

    known = names()
    width = max(map(len, known))
    for name, what in known.items():
        typer.echo(f"{name:{width}}  {what}")
    typer.echo("or a path: .npy .npz .csv .tsv .parquet, IDX (.gz), a folder or .zip of images")


app.command()(learning.tour)
app.command()(learning.fit)
app.command()(learning.report)
app.command()(learning.inspect)
app.command()(walking.sample)
app.command()(walking.complete)
app.command()(walking.walk)
app.command()(blending.blend)
app.command()(blending.swap)
app.command()(transplants.graft)
app.command()(walking.reconstruct)
app.command()(walking.encode)
app.command()(applying.denoise)
app.command()(applying.impute)
app.command()(applying.reduce)
app.command()(applying.dimensions)
app.command()(applying.anomalies)
app.command()(applying.export)
app.command()(learning.compare)
app.command()(learning.sweep)
app.registered_commands.append(app.registered_commands.pop(0))  # `data` last


def main() -> None:
    """Run the command line of this process."""
    app(prog_name="latentwalk")


def _leave(message: str, code: int) -> NoReturn:
    first, *rest = message.split(": ", 1) if message.startswith("error: ") else ("", message)
    typer.echo((typer.style(f"{first}: ", fg="red", bold=True) if first else "") + "".join(rest), err=True)
    raise typer.Exit(code)


def _warn(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """A library's warning in one line; those meant for programmers are not for a terminal."""
    if not issubclass(category, (DeprecationWarning, FutureWarning)):
        print(f"warning: {message}", file=sys.stderr)
