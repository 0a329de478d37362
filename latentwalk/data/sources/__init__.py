"""Readers: a file or a folder in, a `Dataset` out.

    .npy .npz                      arrays.py   NumPy's own
    IDX, plain or gzipped          idx.py      MNIST's format: one file, or a folder of the four
    folder or .zip of images       images.py   any format of Pillow's
    save_to_disk's folder, .arrow  huggingface.py  Hugging Face `datasets`
    .csv .tsv (.gz) .parquet       tables.py   numbers, dates and categories; their cells: delimited.py
    .wav .flac .ogg .mp3, folders  sounds.py   sounds, as windows
    .mid, a folder of them         scores.py   music, as parts of some bars
    .txt (.gz), a column of a .csv lines.py    texts
    .gif .webp .mp4 …, folders of  films.py    films, and folders of numbered frames with kind="film"
    .csv .tsv (.gz) beside them    attributes.py  more about each example, by its file's name

Every failure is a DataError (a ConfigError for an option) that begins with the path.
"""

import gzip
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args

from latentwalk.checks import whole
from latentwalk.data.columns import Column
from latentwalk.data.dataset import Dataset
from latentwalk.data.music import GridName
from latentwalk.data.sources import arrays, films, huggingface, idx, images, lines, scores, sounds, tables
from latentwalk.data.sources.attributes import with_attributes
from latentwalk.data.sources.delimited import check_separator
from latentwalk.data.sources.images import Color, Size
from latentwalk.data.sources.packed import Split
from latentwalk.data.sources.sounds import SOUNDS
from latentwalk.data.sources.tables import Drop, KindSaid, Pieces, check_drop, kinds_said
from latentwalk.data.spec import Kind
from latentwalk.data.units import UnitKind
from latentwalk.errors import ConfigError, DataError, unknown

__all__ = ["Split", "attributed", "pieces_of", "read"]

CSV = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
FORMATS = (
    ".npy, .npz, IDX (.gz), .csv, .tsv (.gz), .parquet, .arrow, .txt (.gz), .wav, .flac, .ogg, .mp3, .mid or "
    "a folder of such, .gif, .webp, .mp4, a folder or .zip of images"
)


def read(
    path: str | os.PathLike[str],
    *,
    split: Split = "train",
    size: Size | None = None,
    color: Color | None = None,
    kind: Kind | None = None,
    label: str | None = None,
    columns: Sequence[Column] | Mapping[str, KindSaid | Literal["number"]] | str | os.PathLike[str] | None = None,
    drop: Drop = None,
    separator: str | None = None,
    window: int | None = None,
    hop: int | None = None,
    channels: int | None = None,
    column: str | None = None,
    units: UnitKind | None = None,
    length: int | None = None,
    grid: GridName | None = None,
    voices: int | None = None,
    bars: int | None = None,
    moved: bool | None = None,
    rate: float | None = None,
    lazy: bool | None = None,
    attributes: str | os.PathLike[str] | None = None,
) -> Dataset:
    """The data set in a file or folder.

    split: "train", "test" or "all". Halves are the `x_train` and `x_test` of a .npz, the `train-` and `t10k-` files of
        an MNIST folder, sub-folders called train and test. Any other source has no halves: "train" and "all" read all
        of it, "test" is refused.
    size: images and films only. A side, or (height, width), in pixels: scaled to cover it, then cropped around the centre.
    color: images and films only. "gray" or "rgb"; None is rgb if any image can hold colour.
    kind: "image", "table", "signal", "text", "music", "roll" (MIDI as keys at each step), "film" or "sound", where the guess
        from the shape would be wrong. A folder of images is one film with kind="film"; of several folders of them, each is one.
    label: tables and .npz only. The column or array that is the label; "" reads none. None takes the first of the usual
        names (label, class, target, y); one with fractions is a measurement, and goes to `factors`.
    window, hop: sounds only. Samples of a window, about a quarter of a second unless given, and from one to the next, half a
        window. channels: sounds only. 1 mixes them; as they are unless given.
    column: .csv and .tsv only. The column whose texts are learnt from, instead of a table.
    units: texts only. "characters", "words" or "byte-pairs"; words where they come often, else characters, unless given.
    length: .txt and films only. Cut it into windows of so many units, instead of lines; films into some of so many frames.
    rate: of films frames a second, as they are unless given; of sounds samples a second, that which most have.
    grid, voices, bars, moved: MIDI only. The grid, "quarter", "eighth" or "sixteenth" (usual); the parts that are read side by
        side, 1 being one melody; the bars of an example, 4; whether all is moved to C major or A minor, True.
    columns: tables only. What a column is, where the guess would be wrong, {"year": "category"}: "number", "count", "category"
        or "date"; or a file that says so, as JSON or a line a column (year,category). Or those a model learnt from
        (`DataSpec.columns`), so that categories get the codes it knows.
    drop: tables only. Names of columns to leave out, besides those that are left out anyway and listed in `skipped`: ids, row
        numbers, text that is different everywhere, what is empty. False leaves out none.
    separator: .csv and .tsv only. What stands between fields, where looking at them would not tell.
    lazy: images, films and Hugging Face data sets only. Whether each row is read, and decoded, when it is asked for; None where
        all are more than a GiB of images, or 256 MiB of numbers. What cannot be decoded is then an error, not skipped.
    attributes: a .csv or .tsv (.gz) that says more about each file, by its name; its columns of numbers become `factors`, NaN
        for files it does not name (see `attributes.with_attributes`).

    A .npy, and a plain IDX file of bytes, is memory-mapped. Images come as bytes (n, H, W) or (n, H, W, 3), in the
    order of their names; what could not be read is listed in `Dataset.skipped`, and sub-folders are classes where all
    images lie in one. Raises DataError, ConfigError.

    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/squares.npz", x=np.eye(3), y=["a", "b", "a"])
    ...     read(f"{folder}/squares.npz").classes
    ('a', 'b')
    """
    _check_options(split, size, color, kind, label, window)
    path, said = _there(path), kinds_said(columns)
    of_cells = {"columns": said or None, "drop": check_drop(drop), "separator": check_separator(separator)}
    with _errors_of(path):
        of_images, of_tables = {"size": size, "color": color, "lazy": lazy}, {"label": label, **of_cells}
        of_texts = {"column": column, "units": units, "length": length}
        of_music = {"grid": grid, "voices": voices, "bars": bars, "moved": moved}
        of_sounds = {"window": window, "hop": hop, "channels": channels}
        data = _read(path, split, of_images, of_tables, of_texts, of_music, of_sounds, kind, rate)
    return data if attributes is None else attributed(data, attributes)


def pieces_of(path: str | os.PathLike[str], columns: Sequence[Column], separator: str | None = None) -> Pieces:
    """The table of a .csv or .tsv a piece at a time, in bounded memory: the same as `read` makes of all of it.

    columns: those that a model learnt; the table may have others beside. Raises DataError, ConfigError.
    """
    path = _there(path)
    with _errors_of(path):
        found = tables.csv_pieces(path, columns, check_separator(separator))

    def each() -> Iterator[Dataset]:
        with _errors_of(path):
            yield from found.each()

    return replace(found, each=each)


def attributed(data: Dataset, path: str | os.PathLike[str]) -> Dataset:
    """The data set with what a table says about its files as `factors`; see `attributes.with_attributes`."""
    if not isinstance(path, str | os.PathLike):
        raise ConfigError(f"attributes={path!r}: expected the path of a table.")
    beside = _there(path)
    with _errors_of(beside):
        return with_attributes(data, beside)


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    """Whatever goes wrong with the file is an error of ours that begins with its path."""
    try:
        yield
    except (DataError, ConfigError) as error:
        raise type(error)(f"{path}: {error}") from None
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error, EOFError, RuntimeError, UnicodeError) as error:
        raise DataError(f"{path}: damaged, cut off or locked: {error}. Get or write the file again.") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from error
    except MemoryError as error:
        raise DataError(f"{path}: does not fit into memory. Save it as .npy, which is memory-mapped.") from error


def _read(
    path: Path,
    split: Split,
    of_images: dict[str, Any],
    of_tables: dict[str, Any],
    of_texts: dict[str, Any],
    of_music: dict[str, Any],
    of_sounds: dict[str, Any],
    kind: Kind | None,
    rate: float | None,
) -> Dataset:
    """Choose the reader by the file's name, or its first bytes, and refuse options that are not its own."""
    shared: dict[str, Any] = {"split": split, "kind": kind}
    of_cells = {option: value for option, value in of_tables.items() if option != "label"}
    name = path.name.lower()
    if _is_film(path, kind):
        length = of_texts.pop("length")
        _refuse({**of_tables, **of_texts, **of_music, **of_sounds}, "other kinds of data")
        return films.read_films(path, split=split, **of_images, length=length, rate=rate)
    if (name.endswith(SOUNDS) and path.is_file()) or (kind in (None, "sound", "signal") and sounds.holds_sounds(path)):
        _refuse({**of_images, **of_tables, **of_texts, **of_music}, "other kinds of data")
        return sounds.read_sounds(path, **shared, **of_sounds, rate=rate)
    _refuse(of_sounds, "sounds")
    if kind != "sound":
        _refuse({"rate": rate}, "films and sounds")
    if name.endswith(scores.MIDI) or scores.holds_music(path):
        _refuse({**of_images, **of_tables, **of_texts}, "other kinds of data")
        return scores.read_music(path, **shared, **of_music)
    if kind in ("music", "roll"):
        raise DataError("music is read from MIDI files: a .mid, or a folder of them.")
    _refuse(of_music, "MIDI files and folders of them")
    if name.endswith((".txt", ".txt.gz")) and path.is_file():
        _refuse({**of_images, **of_tables, "column": of_texts.pop("column")}, "other kinds of data")
        return lines.read_lines(path, **shared, **of_texts)
    if of_texts["column"] is not None and name.endswith(CSV):
        _refuse(of_images, "images")
        _refuse({"length": of_texts.pop("length")}, ".txt files")
        _refuse({name: of_tables.pop(name) for name in ("columns", "drop")}, "tables")
        return lines.read_column(path, **shared, **of_texts, **of_tables)
    if kind == "text":
        raise DataError("texts are the lines of a .txt, or a column of a .csv: say which, column=NAME.")
    _refuse(of_texts, "texts: .txt files, and .csv with column=")
    if name.endswith(".arrow") or huggingface.is_saved(path):
        _refuse(of_cells, "tables")
        reader = huggingface.read_arrow if path.is_file() else huggingface.read_saved
        return reader(path, **shared, **of_images, label=of_tables["label"])
    if (path.is_dir() and not idx.is_mnist_folder(path)) or name.endswith(".zip"):
        _refuse(of_tables, "tables and .npz archives")
        return (images.read_folder if path.is_dir() else images.read_zip)(path, **shared, **of_images)
    _refuse(of_images, "folders and archives of images")
    if name.endswith(".npz"):
        _refuse(of_cells, "tables")
        return _at_rate(arrays.read_npz(path, **shared, label=of_tables["label"]), rate)
    if name.endswith(CSV):
        return tables.read_csv(path, **shared, **of_tables)
    if name.endswith((".parquet", ".pq")):
        _refuse({"separator": of_tables.pop("separator")}, ".csv and .tsv")
        return tables.read_parquet(path, **shared, **of_tables)
    _refuse(of_tables, "tables and .npz archives")
    if path.is_dir():
        return idx.read_mnist_folder(path, **shared)
    if name.endswith(".npy"):
        return _at_rate(arrays.read_npy(path, **shared), rate)
    if idx.looks_like(path):
        return idx.read_file(path, **shared)
    raise DataError(f"no reader for this kind of file. Expected one of: {FORMATS}.")


def _at_rate(data: Dataset, rate: float | None) -> Dataset:
    """Sounds of an array, with so many samples a second. Raises DataError for what is no rate."""
    if rate is None:
        return data
    if rate != int(rate):
        raise ConfigError(f"rate={rate:g}: a sound has whole samples a second.")
    return replace(data, spec=replace(data.spec, rate=int(rate)))


def _is_film(path: Path, kind: Kind | None) -> bool:
    """Whether a file or folder is read as films: as it is called, or asked for, of what may be either."""
    if kind == "film":
        return films.holds_films(path) or (path.is_dir() and not idx.is_mnist_folder(path))
    return kind is None and films.holds_films(path)


def _there(given: str | os.PathLike[str]) -> Path:
    """The path, which is that of a file or a folder: a pipe would be waited for, and a device read, for ever."""
    if not isinstance(given, (str, os.PathLike)):
        raise DataError(f"{given!r:.200} is no path. Expected that of a file or a folder, as text or a pathlib.Path.")
    path = Path(given)
    try:
        path = path.expanduser()
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{path}: no such file or folder.{_nearest(path)}") from None
    except (OSError, RuntimeError, ValueError) as error:  # no such user; a zero byte in the name
        raise DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DataError(f"{path}: a pipe, socket or device. Data is read more than once: save it to a file, and give that.")
    return path


def _check_options(split: object, size: object, color: object, kind: object, label: object, window: object) -> None:
    if split not in get_args(Split):
        raise unknown("split", split, get_args(Split))
    if color not in (None, *get_args(Color)):
        raise unknown("color", color, get_args(Color))
    if kind not in (None, *get_args(Kind)):
        raise unknown("kind", kind, get_args(Kind))
    if not isinstance(label, str | None):
        raise ConfigError(f"label={label!r}: expected the name of a column or an array, or None.")
    whole("window", window, "samples", least=2, none="the usual")
    images.check_size(size)


def _refuse(options: dict[str, Any], owner: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise ConfigError(f"{name}={value!r} is for {owner}. Leave it out here.")


def _nearest(path: Path) -> str:
    """The name in the folder that is most like the one asked for, as a hint."""
    folder = path.parent
    if not folder.is_dir():
        return f" Its folder {folder} does not exist either."
    try:
        near = get_close_matches(path.name, [item.name for item in folder.iterdir()], n=1, cutoff=0.5)
    except OSError:
        return ""
    return f" Did you mean {near[0]!r}?" if near else ""
