"""What reconstruct, encode, impute and export do with a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray

from latentwalk.app.output import destination, note, saving, write_csv
from latentwalk.app.pictures import save_png
from latentwalk.app.results import columns, draws, endings, target
from latentwalk.app.run import Run
from latentwalk.app.source import joined
from latentwalk.data import Dataset
from latentwalk.drawing.tiles import enlarged, even_columns, pixels, sheet
from latentwalk.errors import ConfigError

__all__ = ["encode", "export", "impute", "reconstruct"]


def reconstruct(run: Run, files: Sequence[str], out: Path | None, most: int, *, force: bool) -> None:
    """Encode and decode what `files` hold, and write a sheet, a picture each, or a table."""
    inputs = [Path(file) for file in files]
    apart = draws(run) and out is not None and (out.is_dir() or out.suffix == "")
    to = out if apart and out else target(run, out, "reconstructions", endings(run), inputs=inputs, force=force)
    data = joined([run.read(file) for file in files])
    if apart:
        _each(run, data, to, inputs)
    elif not draws(run):
        named = {"name": data.names} if data.names else {}
        write_csv(to, {**named, **columns(run.model.reconstruct(data))})
    else:
        shown = data.take(np.arange(min(len(data), most)))
        if len(shown) < len(data):
            note(f"the first {len(shown)} of {len(data):,}; more with --rows, all with --out DIR")
        save_png(to, _pairs(pixels(shown.x, run.model.spec_), pixels(run.model.reconstruct(shown), run.model.spec_)))
    typer.echo(to)


def encode(run: Run, data: str, out: Path | None, split: str, *, force: bool) -> None:
    """Write the codes of `data` as a table."""
    to = destination(out, run.folder / "codes.csv", [Path(data)], force=force)
    rows = run.read(data, split=split)
    codes = run.model.transform(rows)
    known: dict[str, Any] = {}
    if rows.names:
        known["name"] = rows.names
    if rows.y is not None:
        known["label"] = np.array(rows.classes)[rows.y] if rows.classes else rows.y
    write_csv(to, {**known, **{f"z{i + 1}": codes[:, i] for i in range(codes.shape[1])}})
    typer.echo(f"{len(codes):,} codes of {codes.shape[1]} dimensions\n{to}")


def impute(run: Run, given: str, out: Path, *, force: bool) -> None:
    """Write `given` as a table with its missing values filled in."""
    if not run.model.spec_.missing:
        raise ConfigError(f"{run.folder} learnt from data in which nothing was missing, so it cannot tell what may be.")
    to = destination(out, out, [Path(given)], force=force)
    if to.suffix.lower() != ".csv":
        raise ConfigError(f"--out {out}: expected a file ending in .csv.")
    data = run.read(given)
    filled = run.model.impute(data)
    named = {"name": data.names} if data.names else {}
    write_csv(to, {**named, **columns(filled)})
    typer.echo(f"{int(np.isnan(data.x).sum()):,} missing values in {len(data):,} rows\n{to}")


def export(run: Run, out: Path | None) -> None:
    """Write encoder.onnx and decoder.onnx, and say what goes in and what comes out."""
    with saving():
        encoder, decoder = run.model.export(run.folder if out is None else out)
    example, latent = ", ".join(map(str, run.model.spec_.shape)), run.model.model_.prior().event_shape[0]
    typer.echo(f"{encoder}: x (n, {example}), {run.model.spec_.dtype} → codes (n, {latent})")
    typer.echo(f"{decoder}: codes (n, {latent}) → x (n, {example})")


def _pairs(originals: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Rows of originals, each above the row of their reconstructions."""
    tiles = enlarged(np.concatenate([originals, decoded]))
    originals, decoded = tiles[: len(originals)], tiles[len(originals) :]
    columns = even_columns(len(originals))
    blank = np.full_like(originals[:1], 255)
    rows = []
    for start in range(0, len(originals), columns):
        for part in (originals[start : start + columns], decoded[start : start + columns]):
            rows += [part, *([blank] * (columns - len(part)))]
    return sheet(np.concatenate(rows), columns, band=2)


def _each(run: Run, data: Dataset, folder: Path, inputs: Sequence[Path]) -> None:
    """One picture for each example, called as the example is."""
    names = [Path(name).with_suffix(".png").as_posix() for name in data.names] or [f"{row:05}.png" for row in range(len(data))]
    if len(set(names)) < len(names):
        names = [f"{row:05}-{Path(name).name}" for row, name in enumerate(names)]
    targets = [destination(folder / name, folder / name, inputs) for name in names]
    for tile, path in zip(pixels(run.model.reconstruct(data), run.model.spec_), targets, strict=True):
        save_png(path, tile)
