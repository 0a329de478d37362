"""What a command is told and leaves behind: examples named by class, row or file, and files of what is made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentwalk.app.output import (
    TABLES,
    OutputError,
    destination,
    note,
    save_png,
    say,
    write_bytes,
    write_table,
    writing,
)
from latentwalk.app.run import Run
from latentwalk.app.source import is_picture, is_sound
from latentwalk.data import Dataset
from latentwalk.data.columns import Column, is_frame
from latentwalk.data.music import Piece, is_music
from latentwalk.data.sources.midi import midi_content
from latentwalk.data.sources.sounds import Sound
from latentwalk.data.spec import DataSpec
from latentwalk.data.tones import rendered
from latentwalk.data.units import is_text
from latentwalk.drawing.film import png_bytes
from latentwalk.drawing.painter import Painter
from latentwalk.drawing.rolls import stacked
from latentwalk.drawing.sounds import PAUSE, clean, each_file, save_each
from latentwalk.drawing.tiles import enlarged, pixels, sheet, square_columns
from latentwalk.errors import ConfigError, DataError, unknown
from latentwalk.estimators.sounds import window_of
from latentwalk.latent.decoded import FILMS, Decoded
from latentwalk.latent.moves.walks import Walk
from latentwalk.latent.space import LatentSpace
from latentwalk.models.decoding import Decoding

__all__ = [
    "Ends",
    "Example",
    "around",
    "columns",
    "decoding",
    "draws",
    "endings",
    "hears",
    "known",
    "plays",
    "region_named",
    "table",
    "target",
    "tell_texts",
    "write_decoded",
    "write_examples",
    "write_sounds",
    "writes",
]

SHOWN = 24  # texts in a terminal
KIN = 1_000  # rows of a class among which the typical one is looked for
ENOUGH = 10_000  # rows whose codes say where codes lie
HELD = 2**28  # bytes of them, at most


@dataclass(frozen=True, slots=True)
class Example:
    """An example (*E), what it is in words, and its label, where that is known."""

    x: NDArray[Any]
    said: str
    label: str | None = None


class Ends:
    """Finds the example that a user names. The run's data is read at most once, and only if it is needed.

    data: a data set to use instead of what the run learnt from. what: what such an example is called in messages.
    """

    def __init__(self, run: Run, data: str | None, what: str = "end of a walk") -> None:
        self.run = run
        self.data = data
        self.what = what
        self.read: Dataset | None = None

    def find(self, end: str) -> Example:
        """The example that is named so. Raises ConfigError, DataError."""
        if end in self.run.classes or (self.data is not None and end in self.rows.classes):
            row = self._typical(end)
            return Example(self.rows.x[row], f"{end} (row {row})", end)
        if end.startswith("row:"):
            row = self._row(end.removeprefix("row:"))
            return Example(self.rows.x[row], f"row {row}", None if self.rows.y is None else str(_labels(self.rows)[row]))
        path = Path(end).expanduser()
        file, _, second = end.rpartition("@")
        if self.run.model.spec_.form.heard and (is_sound(path) or is_sound(Path(file))):
            return self._window(end, path) if _is_file(path) else self._window(end, Path(file).expanduser(), second)
        if self.run.model.spec_.form.serial and not _is_file(path):
            return Example(self.run.model.trained_.given([end])[0], end)
        if path.is_file():
            given = self.run.read(end)
            if len(given) != 1:
                raise DataError(f"{end} holds {len(given):,} examples where one is expected. Say which with row:N.")
            trained = self.run.model.trained_
            return Example(given.x[0] if given.x.shape[1:] == trained.spec.shape else trained.given(given)[0], end)
        if is_picture(path) and draws(self.run):
            return self._called(end)
        if self.run.classes:
            hint = unknown(self.what, end, self.run.classes)
            raise ConfigError(f"{hint} Or a row of the data (row:123), or an image file.")
        raise ConfigError(f"{end!r} is no {self.what}: the data has no classes. Use a row (row:123) or an image file.")

    def _window(self, end: str, path: Path, second: str = "0") -> Example:
        """The window of a sound that begins at its start, or so many seconds in."""
        try:
            start = float(second)
        except ValueError:
            raise ConfigError(f"{end}: expected a sound, or FILE@SECONDS, where its window begins.") from None
        return Example(window_of(self.run.model.spec_, path, start), end)

    def _called(self, end: str) -> Example:
        """The row of the data whose file is called so: by its path in the data, or as much of it as tells it apart."""
        wanted = PurePosixPath(end).parts
        found = [row for row, name in enumerate(self.rows.names) if PurePosixPath(name).parts[-len(wanted) :] == wanted]
        if not found:
            raise ConfigError(f"{end!r} is no {self.what}: there is no such file, neither here nor in the data.")
        if len(found) > 1:
            names = [self.rows.names[row] for row in found]
            some = ", ".join(names[:4]) + f", … ({len(names)})" * (len(names) > 4)
            raise ConfigError(f"{end!r} is the name of several files of the data. Say which: {some}.")
        known = None if self.rows.y is None else str(_labels(self.rows)[found[0]])
        return Example(self.rows.x[found[0]], f"{self.rows.names[found[0]]} (row {found[0]})", known)

    @property
    def rows(self) -> Dataset:
        """The data that rows and classes are of."""
        if self.read is None:
            self.read = self.run.train(self.data)
        return self.read

    def _typical(self, name: str) -> int:
        labels, classes = self.rows.y, self.rows.classes
        if labels is None or name not in classes:
            raise DataError(f"the data has no row of class {name!r} any more. Use row:N, or --data.")
        kin = np.flatnonzero(labels == classes.index(name))[:KIN]
        return int(kin[self.run.model.space(self.rows.take(kin)).typical(name)])

    def _row(self, text: str) -> int:
        count = len(self.rows)
        if not text.isdecimal() or int(text) >= count:
            raise ConfigError(f"row:{text} is no row of the data: expected row:0 to row:{count - 1}.")
        return int(text)


def around(
    run: Run,
    given: Sequence[str],
    data: str | None,
    what: str,
    *,
    condition: str | None = None,
    needed: bool = False,
    decoding: Decoding | None = None,
) -> tuple[LatentSpace, list[str]]:
    """A space whose first rows are the examples named, among rows of what was learnt from; and what they are, in words.

    Without that data the space holds these examples alone, and it is said that holes are not known, unless it is needed.
    condition: of a model with one, the label that all decodes under, and that of examples whose own is not known.
    decoding: how units are chosen.
    """
    ends = Ends(run, data, what)
    found = [ends.find(name) for name in given]
    x = np.stack([end.x for end in found])
    labels = [condition if end.label is None else end.label for end in found]
    try:
        most = min(ENOUGH, max(len(x), HELD // x[0].nbytes), len(ends.rows))
        some = np.sort(np.random.default_rng(0).permutation(len(ends.rows))[:most])
        rows = ends.rows.take(some)
        x = np.concatenate([x, np.asarray(rows.x)])
        labels += [] if rows.y is None else _labels(rows).tolist()
    except (ConfigError, DataError) as error:
        if needed or data is not None:
            raise
        note(f"holes are not looked for: {error}")
    return _space(run, x, labels, condition, decoding), [end.said for end in found]


def _space(
    run: Run, x: NDArray[Any], labels: Sequence[str | None], condition: str | None, decoding: Decoding | None
) -> LatentSpace:
    """The space of x (n, *E), as the model's data; a model with a condition is told their labels."""
    rows = Dataset(x, run.model.spec_)
    if not run.model.condition:
        space = run.model.space(rows, decoding=decoding)
    elif None in labels:
        raise ConfigError("the model is told the label of each example, and a file has none. Say it: --condition LABEL.")
    else:
        space = run.model.space(rows, np.array([str(label) for label in labels]), decoding=decoding)
    return space if condition is None else space.under(condition)


def _is_file(path: Path) -> bool:
    """Whether there is such a file; what is too long for a name is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _labels(data: Dataset) -> NDArray[Any]:
    """The labels (n,) of a data set that has them, by name."""
    assert data.y is not None
    return np.array(data.classes)[data.y] if data.classes else np.asarray(data.y)


def region_named(given: str, spec: DataSpec) -> Any:
    """A box "top,left,bottom,right", or the weights of an image file: white where the picture may change.

    Raises ConfigError, DataError.
    """
    path = Path(given).expanduser()
    if path.is_file() and spec.form.pictured:
        return _weights(path, spec)
    try:
        return tuple(float(part) for part in given.split(","))
    except ValueError:
        raise ConfigError(
            f"--region {given}: expected top,left,bottom,right in shares of the picture (for example 0.6,0.25,0.8,0.75), or an "
            "image file that is white where the picture may change."
        ) from None


def _weights(path: Path, spec: DataSpec) -> NDArray[np.float32]:
    """An image file as weights (H, W) in [0, 1], fitted to the size of the model's images."""
    height, width = spec.event[1:]
    try:
        with Image.open(path) as image:
            gray = image.convert("L").resize((width, height), Image.Resampling.BOX)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: not an image that can be read as a mask: {error}.") from error
    return np.asarray(gray, np.float32) / np.float32(255)


# ---------------------------------------------------------------------- what is left behind


def draws(run: Run) -> bool:
    """Whether what the model decodes is pictures."""
    return run.model.spec_.form.pictured


def writes(run: Run) -> bool:
    """Whether what the model decodes is texts."""
    return run.model.spec_.form.serial and not plays(run)


def decoding(
    run: Run, decoding: str | None, unit_temperature: float | None, top_p: float | None, beam_width: int | None
) -> Decoding | None:
    """How units are to be chosen, as a command was told. Raises ConfigError, also where the model decodes none."""
    given = {"temperature": unit_temperature, "top_p": top_p, "width": beam_width}
    given = {name: value for name, value in given.items() if value is not None}
    if decoding is None and not given:
        return None
    usual = "beam" if set(given) == {"width"} else "sample"
    found = Decoding(decoding or usual, **given)  # type: ignore[arg-type]  # checked there
    run.model.trained_.check_chosen(found)
    return found


def plays(run: Run) -> bool:
    """Whether what the model decodes is music."""
    return run.model.spec_.score is not None


def hears(run: Run) -> bool:
    """Whether what the model decodes is sounds."""
    return run.model.spec_.form.heard


def tell_texts(texts: Sequence[str], marked: Sequence[bool] | NDArray[np.bool_] = ()) -> None:
    """Texts in the terminal, SHOWN at most; those marked, that lie in holes, with a star."""
    for at, text in enumerate(texts[:SHOWN]):
        say(f"{'*' if len(marked) and marked[at] else ' '} {text}")


def endings(run: Run, *others: str) -> tuple[str, ...]:
    """How a file of decoded examples may end: the usual one first, a picture or a table, then `others`."""
    usual: tuple[str, ...] = (".txt", ".csv") if writes(run) else (".png",) if draws(run) else TABLES
    usual = (".mid", ".wav", ".png") if plays(run) else (".wav", "", ".png") if hears(run) else usual
    heard = () if plays(run) else (".mid",) if hears(run) else (".mid", ".wav")
    none = (*usual, *heard, *([".csv"] if hears(run) else []), *(FILMS if writes(run) or plays(run) else (".txt",)))
    return (*usual, *(other for other in others if other not in none))


def target(run: Run, out: Path | None, name: str, endings: Sequence[str], *, inputs: Sequence[Path] = (), force: bool) -> Path:
    """Where to write, checked to be a file name with one of these endings; the first is that of `name` inside the run."""
    if out is not None and out.suffix.lower() not in endings:
        folder = "a folder, or " if "" in endings else ""
        raise ConfigError(f"--out {out}: expected {folder}a file ending in {' or '.join(one for one in endings if one)}.")
    if out is not None and out.is_dir() and not (out.suffix == "" and "" in endings):
        raise OutputError(f"cannot write {out}: it is a folder.")
    return destination(out, run.folder / f"{name}{endings[0]}", inputs, force=force)


def columns(x: Any, spec: DataSpec | None = None) -> dict[str, Any]:
    """Examples (n, *E) as columns, called as in a frame, or as in the data that `spec` is of, or else x1, x2, …."""
    if is_frame(x):
        return {str(name): x[name] for name in x}
    if is_text(x):
        return {"text": x}
    if is_music(x) and spec is not None and spec.score is not None:
        return {"words": [spec.score.text(piece)[0] for piece in x]}
    flat = x.reshape(len(x), -1)
    if spec is not None and len(spec.plain) == flat.shape[1]:
        return {column.name: _whole(flat[:, at], column) for at, column in enumerate(spec.plain)}
    return {f"x{i + 1}": flat[:, i] for i in range(flat.shape[1])}


def _whole(values: NDArray[Any], column: Column) -> NDArray[Any]:
    """A column (n,) of numbers, whole ones where the data had such; also without pandas."""
    if "int" not in column.dtype.lower() or not (np.isfinite(values) & (np.abs(values) < 2**53)).all():
        return values
    return np.rint(values).astype(np.int64)


def table(data: Dataset, answer: Any) -> dict[str, Any]:
    """The table that the data was read from, with an answer about it (n, *E) in place of what was learnt from.

    Columns stand in the order they had; what was not learnt from (labels, names of rows) is as it was. What is no table with a
    header has its rows' names first.
    """
    found = columns(answer, data.spec)
    if not data.header:
        return ({"name": data.names} if data.names else {}) | found
    found |= data.beside
    return {name: found[name] for name in data.header if name in found}


def known(data: Dataset) -> dict[str, Any]:
    """What is known of each row, as columns: its name, and its label."""
    found: dict[str, Any] = {}
    if data.names:
        found["name"] = data.names
    if data.y is not None:
        found["label"] = _labels(data)
    return found


def write_examples(run: Run, x: Any, to: Path, *, raw: bool = False, inputs: Sequence[Path] = (), force: bool = False) -> None:
    """Write examples (n, *E): a sheet of pictures, or a table. raw: as of `write_table`. inputs, force: as of `destination`."""
    if plays(run):
        write_bytes(to, _heard(x, to.suffix.lower()))
    elif hears(run):
        write_sounds(run, x, to, inputs, force=force)
    elif to.suffix.lower() == ".txt":
        write_bytes(to, "".join(f"{one}\n" for one in x).encode())
    elif draws(run):
        tiles = enlarged(pixels(x, run.model.spec_))
        save_png(to, sheet(tiles, square_columns(tiles)))
    else:
        write_table(to, columns(x, run.model.spec_), raw=raw)


def write_sounds(run: Run, x: NDArray[Any], to: Path, inputs: Sequence[Path] = (), *, force: bool = False) -> None:
    """Write sounds (n, *E): one after the other with pauses, or their pictures, or each to a file in a folder.

    inputs, force: as of `destination`, for each file in a folder.
    """
    spec = run.model.spec_
    if to.suffix.lower() == ".png":
        painter = Painter.of(spec, x)
        save_png(to, painter.strip(x))
        return
    sounds = [clean(one, spec.rate) for one in x]
    if to.suffix == "":
        for path in each_file(to, len(sounds)):
            destination(path, path, inputs, force=force)
        with writing(to):
            save_each(sounds, to)
        return
    pause = np.zeros((round(PAUSE * spec.rate), *x.shape[2:]))
    together = np.concatenate([part for one in sounds for part in (one.x, pause)][:-1])
    write_bytes(to, Sound(together, spec.rate).content())


def _heard(pieces: list[Piece], ending: str) -> bytes:
    """Pieces as a file: one after the other, or their rolls one below the other."""
    if ending == ".png":
        return png_bytes(stacked(pieces))
    together = Piece.row(pieces)
    return midi_content(together) if ending == ".mid" else rendered(together).content()


def write_decoded(
    run: Run, made: Decoded | Walk, to: Path, space: LatentSpace | None = None, given: int = 0, *, raw: bool = False
) -> None:
    """Write what was decoded: as a table, as a picture beside the `given` first examples of a space, or as itself; show texts.

    raw: as of `write_table`.
    """
    match to.suffix.lower():
        case ".csv" | ".parquet":
            z = made.z.reshape(-1, made.z.shape[-1])
            step = {"step": range(len(z))} if made.z.ndim == 2 else {}
            write_table(to, {**step, **columns(run.model.inverse_transform(z), run.model.spec_)}, raw=raw)
        case "" if hears(run):
            with writing(to):
                made.save(to)
        case ".png" if space is not None:
            save_png(to, np.atleast_3d(np.asarray(space.sheet(range(given), made))))
        case ending:
            write_bytes(to, made.content(ending))
    if writes(run):
        tell_texts(made.texts, made.marked.ravel())
