"""`latentwalk reconstruct`: what a model makes of what it is given."""

from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latentwalk import app
from latentwalk.app.bundles import AS_FOUND, DecodingOptions, bundled
from latentwalk.app.options import ConditionOption, Force, RawCells, RunFolder
from latentwalk.app.output import destination, note, save_png, say, write_bytes, write_table

if TYPE_CHECKING:
    from latentwalk.data import Dataset
    from latentwalk.drawing.tiles import Pixels

__all__ = ["reconstruct"]


@bundled
def reconstruct(
    run: RunFolder,
    files: Annotated[
        list[str], typer.Argument(metavar="FILES…", help="Image files, or data (a name, file or folder).", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE|DIR", help="A sheet, or a folder. Default: into RUN.", show_default=False),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, metavar="N", help="Examples on a sheet, at most.")] = 40,
    condition: ConditionOption = None,
    decoding: DecodingOptions = AS_FOUND,
    force: Force = False,
    raw_cells: RawCells = False,
) -> None:
    """Encode and decode what you have.

    Images: originals above their reconstructions (.png), or one picture each (--out DIR); they are fitted to the size and
    colour the model learnt from. Tables: rows (.csv, .parquet). Texts: a line each (.txt), or rows (.csv). Music: one
    piece after the other (.mid, .wav), or their rolls (.png). Sounds: one of any length (.wav), or several one after the other.

    \b
    Examples:
      latentwalk reconstruct run one.png two.jpg --out both.png
      latentwalk reconstruct run photos/ --out reconstructed/
    """
    import numpy as np

    from latentwalk.data.dataset import join
    from latentwalk.data.sources.sounds import sound
    from latentwalk.drawing.tiles import pixels
    from latentwalk.estimators.sounds import reconstructed_sound

    opened = app.run.Run.open(run)
    chosen = app.named.decoding(opened, **decoding)
    inputs = [Path(file) for file in files]
    drawn = app.named.draws(opened)
    folder = out if drawn and out is not None and (out.is_dir() or out.suffix == "") else None
    endings = app.named.endings(opened)
    to = folder or app.named.target(opened, out, "reconstructions", endings, inputs=inputs, force=force)
    if app.named.hears(opened) and len(inputs) == 1 and app.source.is_sound(inputs[0]) and to.suffix.lower() == ".wav":
        write_bytes(to, reconstructed_sound(opened.model, sound(inputs[0])).content())
        say(to)
        return
    data = reduce(join, [opened.read(file) for file in files])
    if drawn and folder is None and len(data) > rows:
        note(f"the first {rows} of {len(data):,}; more with --rows, all with --out DIR")
        data = data.take(np.arange(rows))
    decoded = opened.model.reconstruct(data, condition=condition, decoding=chosen)
    if folder is not None:
        _each(data, pixels(decoded, opened.model.spec_), folder, app.source.files_of(inputs))
    elif drawn:
        save_png(to, _pairs(pixels(data.x, opened.model.spec_), pixels(decoded, opened.model.spec_)))
    elif app.named.plays(opened) or app.named.hears(opened):
        app.named.write_examples(opened, decoded, to, inputs=app.source.files_of(inputs), force=force)
    elif app.named.writes(opened):
        app.named.write_examples(opened, decoded, to, raw=raw_cells)
        app.named.tell_texts(decoded)
    else:
        write_table(to, app.named.table(data, decoded), raw=raw_cells)
    say(to)


def _pairs(originals: "Pixels", decoded: "Pixels") -> "Pixels":
    """A sheet: rows of originals, each above the row of their reconstructions."""
    import numpy as np

    from latentwalk.drawing.tiles import enlarged, even_columns, sheet

    tiles = enlarged(np.concatenate([originals, decoded]))
    originals, decoded = tiles[: len(originals)], tiles[len(originals) :]
    columns = even_columns(len(originals))
    blank = np.full_like(originals[:1], 255)
    rows = []
    for start in range(0, len(originals), columns):
        for part in (originals[start : start + columns], decoded[start : start + columns]):
            rows += [part, *([blank] * (columns - len(part)))]
    return sheet(np.concatenate(rows), columns, band=2)


def _each(data: "Dataset", decoded: "Pixels", folder: Path, inputs: Sequence[Path]) -> None:
    """One picture for each example, called as the example is."""
    names = [Path(name).with_suffix(".png").as_posix() for name in data.names] or [f"{row:05}.png" for row in range(len(data))]
    if len(set(names)) < len(names):
        names = [f"{row:05}-{Path(name).name}" for row, name in enumerate(names)]
    targets = [destination(folder / name, folder / name, inputs) for name in names]
    for tile, path in zip(decoded, targets, strict=True):
        save_png(path, tile)
