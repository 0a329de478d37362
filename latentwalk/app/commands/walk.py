"""What walk, blend and swap do with a run: move between its codes, and write what is met there."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import typer

from latentwalk.app.ends import Ends
from latentwalk.app.output import note, write_bytes, write_csv
from latentwalk.app.pictures import save_png
from latentwalk.app.results import columns, endings, target
from latentwalk.app.run import Run
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.decoded import ENDINGS, Decoded
from latentwalk.latent.moves.barycentres import BlendName, shares
from latentwalk.latent.moves.paths import PathName, check_path
from latentwalk.latent.space import LatentSpace

__all__ = ["blend", "swap", "walk"]

ENOUGH = 10_000  # rows whose codes say where codes lie
HELD = 2**28  # bytes of them, at most
BETWEEN = 7  # blends between two examples


def walk(
    run: Run, stops: Sequence[str], steps: int | None, path: str, out: Path | None, data: str | None, *, loop: bool, force: bool
) -> None:
    """Walk from stop to stop, and back where it is a loop; write a strip, a film, arrays or a table; say where holes are."""
    check_path(path)
    to = target(run, out, "walk", endings(run, *ENDINGS, ".csv"), inputs=[Path(stop) for stop in stops], force=force)
    space, names = _around(run, stops, data, "end of a walk", needed=path == "density")
    way = space.journey(range(len(stops)), steps, cast(PathName, path), loop=loop)
    _write(run, way, to)
    typer.echo(f"from {' to '.join([*names, *names[:loop]])} in {len(way)} steps")
    typer.echo(way.reading)
    typer.echo(to)


def blend(
    run: Run, given: Sequence[str], weights: list[float] | None, how: str, out: Path | None, data: str | None, *, force: bool
) -> None:
    """Blend examples, and write them with their blend; with the blends between, where there are two and no weights."""
    parts = shares(len(given), weights)
    to = target(run, out, "blend", endings(run, ".png", ".npz", ".csv"), inputs=[Path(one) for one in given], force=force)
    space, names = _around(run, given, data, "example")
    between = len(given) == 2 and weights is None
    named = cast(BlendName, how)
    made = space.between(0, 1, BETWEEN, named) if between else space.blend(range(len(given)), weights, named)
    _write(run, made, to, space, len(given))
    typer.echo(" and ".join(names) if between else " + ".join(f"{w:.3g} {name}" for w, name in zip(parts, names, strict=True)))
    typer.echo(to)


def swap(run: Run, one: str, other: str, axes: Sequence[int], out: Path | None, data: str | None, *, force: bool) -> None:
    """Write one example, another, and the one with some coordinates of the other."""
    to = target(run, out, "swap", endings(run, ".png", ".npz", ".csv"), inputs=[Path(one), Path(other)], force=force)
    space, names = _around(run, [one, other], data, "example")
    _write(run, space.swap(0, 1, axes), to, space, 2)
    typer.echo(f"{names[0]} with z{' z'.join(str(axis + 1) for axis in axes)} of {names[1]}")
    typer.echo(to)


# ---------------------------------------------------------------------- inside


def _around(
    run: Run, given: Sequence[str], data: str | None, what: str, *, needed: bool = False
) -> tuple[LatentSpace, list[str]]:
    """A space whose first rows are the examples named, among rows of what was learnt from; and what they are, in words.

    Without that data the space holds these examples alone, and it is said that holes are not known, unless it is needed.
    """
    ends = Ends(run, data, what)
    found = [ends.find(name) for name in given]
    x, names = np.stack([example for example, _ in found]), [name for _, name in found]
    try:
        most = min(ENOUGH, max(len(x), HELD // x[0].nbytes), len(ends.rows))
        some = np.sort(np.random.default_rng(0).permutation(len(ends.rows))[:most])
        x = np.concatenate([x, np.asarray(ends.rows.take(some).x)])
    except (ConfigError, DataError) as error:
        if needed or data is not None:
            raise
        note(f"holes are not looked for: {error}")
    return run.model.space(x), names


def _write(run: Run, made: Decoded, to: Path, space: LatentSpace | None = None, given: int = 0) -> None:
    """Write what was made: as a table, as a picture beside the `given` first examples of a space, or as itself."""
    match to.suffix.lower():
        case ".csv":
            z = made.z.reshape(-1, made.z.shape[-1])
            step = {"step": range(len(z))} if made.z.ndim == 2 else {}
            write_csv(to, {**step, **columns(run.model.inverse_transform(z))})
        case ".png" if space is not None:
            save_png(to, np.atleast_3d(np.asarray(space.sheet(range(given), made))))
        case ending:
            write_bytes(to, made.content(ending))
