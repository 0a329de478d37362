"""`latentwalk impute`: a table, or a sound, without its gaps."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentwalk import app
from latentwalk.app.options import Force, RawCells, RunFolder
from latentwalk.app.output import check_table, destination, say, write_table, writing
from latentwalk.errors import ConfigError, DataError

if TYPE_CHECKING:
    from latentwalk.app.run import Run

__all__ = ["impute"]


def impute(
    run: RunFolder,
    given: Annotated[str, typer.Argument(metavar="IN", help="A table, signals or a sound with gaps.", show_default=False)],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write it.", show_default=False)],
    gap: Annotated[
        list[str] | None,
        typer.Option(
            metavar="START:END",
            help="Of a sound: a gap, in seconds; may be given several times. Default: where a value is held.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
    raw_cells: RawCells = False,
) -> None:
    """Fill in what is missing; what is there stays as it is, columns that were not learnt from too.

    The model must have learnt from data in which values were missing, too; but for sounds: any model of them fills their gaps.

    \b
    Examples:
      latentwalk fit people.csv --out people
      latentwalk impute people people.csv --out whole.csv
      latentwalk impute voice broken.wav --gap 1.2:1.25 --out whole.wav
    """
    import numpy as np

    opened = app.run.Run.open(run)
    opened.model.trained_.check_valued("impute")
    if app.named.hears(opened):
        _sound(opened, Path(given), out, gap or [], force=force)
        return
    if gap:
        raise ConfigError(f"--gap is of sounds; {run} learnt from a {opened.model.spec_.kind}. Leave it out.")
    if not opened.model.spec_.missing:
        raise ConfigError(f"{run} learnt from data in which nothing was missing, so it cannot tell what may be.")
    to = destination(out, out, [Path(given)], force=force)
    check_table(to)
    data = opened.read(given)
    write_table(to, app.named.table(data, opened.model.impute(data)), raw=raw_cells)
    say(f"{int(np.isnan(data.x).sum()):,} missing values in {len(data):,} rows\n{to}")


def _sound(run: "Run", source: Path, out: Path, said: list[str], *, force: bool) -> None:
    from latentwalk.data.sources.sounds import sound
    from latentwalk.estimators.sounds import gaps_in, imputed_sound

    if out.suffix.lower() not in (".wav", ".flac"):
        raise ConfigError(f"--out {out}: a sound is written as .wav or .flac.")
    to = destination(out, out, [source], force=force)
    heard = sound(source)
    gaps = gaps_in(heard, [_seconds(one) for one in said])
    if not gaps:
        raise DataError(
            f"{source}: no gap is seen: no value is held for 32 samples. Say where it is: --gap START:END, in seconds."
        )
    whole = imputed_sound(run.model, heard, gaps)
    with writing(to):
        whole.save(to)
    total = sum(end - start for start, end in gaps)
    say(f"{len(gaps)} gap{'s' * (len(gaps) > 1)} of {1000 * total / heard.rate:.3g} ms in all\n{to}")


def _seconds(given: str) -> tuple[float, float]:
    try:
        start, end = map(float, given.split(":"))
    except ValueError:
        raise ConfigError(f"--gap {given}: expected START:END in seconds, as 1.2:1.25.") from None
    return start, end
