"""What the commands that use a run leave behind: of which kind, where, and under which names of columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from latentwalk.app.output import OutputError, destination
from latentwalk.app.run import Run
from latentwalk.data.columns import is_frame
from latentwalk.errors import ConfigError

__all__ = ["columns", "draws", "endings", "target"]


def draws(run: Run) -> bool:
    """Whether what the model decodes is pictures."""
    return bool(run.model.spec_.kind == "image")


def endings(run: Run, *others: str) -> tuple[str, ...]:
    """How a file of decoded examples may end: the usual one first, a picture or a table, then `others`."""
    usual = ".png" if draws(run) else ".csv"
    return (usual, *(other for other in others if other != usual))


def target(run: Run, out: Path | None, name: str, endings: Sequence[str], *, inputs: Sequence[Path] = (), force: bool) -> Path:
    """Where to write, checked to be a file name with one of these endings; the first is that of `name` inside the run."""
    if out is not None and out.suffix.lower() not in endings:
        raise ConfigError(f"--out {out}: expected a file ending in {' or '.join(endings)}.")
    if out is not None and out.is_dir():
        raise OutputError(f"cannot write {out}: it is a folder.")
    return destination(out, run.folder / f"{name}{endings[0]}", inputs, force=force)


def columns(x: Any) -> Mapping[str, Any]:
    """Examples (n, *E) as columns x1, x2, …; those of a frame as they are called."""
    if is_frame(x):
        return {str(name): x[name].astype(object).where(x[name].notna(), "").to_numpy() for name in x}
    flat = x.reshape(len(x), -1)
    return {f"x{i + 1}": flat[:, i] for i in range(flat.shape[1])}
