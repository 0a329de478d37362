"""Where examples came from, so that they can be read again; and examples given later, made like those learnt from."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from latentwalk.app.output import note
from latentwalk.data import Dataset, DataSpec, load, names
from latentwalk.data.fingerprint import fingerprint
from latentwalk.data.halves import halves
from latentwalk.data.original import colour_of, like_learnt, pictures_like
from latentwalk.data.rows import changed
from latentwalk.data.sources import Split, idx, pieces_of
from latentwalk.data.sources.packed import MissingHalf
from latentwalk.data.sources.sounds import SOUNDS, holds_sounds
from latentwalk.data.sources.tables import Drop, Pieces, check_drop, kinds_said, types_said
from latentwalk.errors import ConfigError, unknown

__all__ = [
    "Source",
    "files_of",
    "films_like",
    "fingerprint",
    "is_picture",
    "is_sound",
    "is_table",
    "options_read",
    "read_like",
    "table_like",
    "tell_skipped",
]

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm", ".avif", ".heic")
WORDS = {"continuous": "number", "count": "count", "category": "category"}
PLURALS = {"category": "categories"}
TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".pq")
READING = 3  # how data is read; until 2 a .wav was a signal; 1, which was not written down, learnt from every column of a table
OF_SIGNALS = {"kind": "signal", "window": 256}  # how a .wav was read until 2


@dataclass(frozen=True, slots=True)
class Source:
    """A name of the catalog or an absolute path, and the options it was read with.

    apart: the seed with which rows were drawn apart to judge by, for a source without a test half; None where none were.
    """

    what: str
    options: Mapping[str, Any] = field(default_factory=dict)
    apart: int | None = None

    @classmethod
    def named(cls, given: str, **options: Any) -> Self:
        """What a user typed: a path is made absolute, so that the run can be used from another folder."""
        path = Path(given).expanduser()
        what = str(path.resolve()) if given not in names() and path.exists() else given
        return cls(what, options_read(options))

    def train(self, *, tell: bool = False) -> Dataset:
        """The rows to learn from. tell: whether to say what was read, and what could not be. Raises DataError, ConfigError."""
        data = load(self.what, split="train", **self.options)
        if tell:
            (_tell_table if is_table(self.what) and not data.spec.spoken else tell_skipped)(data)
        return data if self.apart is None else halves(data, self.apart)[0]

    def test(self) -> Dataset | None:
        """The rows to judge by; None where the source has no half for that."""
        if self.apart is not None:
            return halves(load(self.what, split="train", **self.options), self.apart)[1]
        try:
            return load(self.what, split="test", **self.options)
        except MissingHalf:
            return None

    def halves(self, seed: int) -> tuple[Self, Dataset, Dataset]:
        """Rows to learn from and to judge by, and the source from which just these can be had again.

        seed: that with which rows to judge by are drawn, where the source has none. Raises DataError, ConfigError.
        """
        train = self.train(tell=True)
        test = self.test()
        if test is not None and fingerprint(test) != fingerprint(train):
            return self, train, test
        return replace(self, apart=seed), *halves(train, seed)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a JSON file."""
        return {"what": self.what, "options": dict(self.options), "apart": self.apart, "reading": READING}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The source that `to_json` wrote. Raises KeyError, TypeError for anything else."""
        options = {name: tuple(v) if isinstance(v, list) else v for name, v in dict(values["options"]).items()}
        what, apart = values["what"], values["apart"]
        if not isinstance(what, str) or not (apart is None or (type(apart) is int and apart >= 0)):
            raise TypeError(f"the source {what!r}, with {apart!r} to hold rows out by")
        if {"what", "split"} & options.keys():
            raise KeyError("what and split are no options of a source")
        if "reading" not in values and is_table(what):
            options.setdefault("drop", False)  # until then, ids and row numbers were learnt, too
        if values.get("reading", 1) < READING and what.lower().endswith(".wav"):
            options = OF_SIGNALS | options
        return cls(what, options, apart)


def options_read(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `read` as they are kept: without those not given, paths absolute, kinds of columns as they are said.

    Raises DataError, ConfigError.
    """
    kept = {name: value for name, value in options.items() if value is not None}
    if "attributes" in kept:
        kept["attributes"] = str(Path(kept["attributes"]).expanduser().resolve())
    if "columns" in kept or "types" in kept:
        typed, said = kept.pop("types", None), kinds_said(kept.get("columns"))
        beside = dict(said) if isinstance(said, Mapping) else {}
        kept["columns"] = beside | types_said(typed) if typed else said
    if "drop" in kept:
        kept["drop"] = check_drop(kept["drop"])
    return kept


def read_like(
    spec: DataSpec,
    given: str,
    *,
    split: Split = "all",
    label: str | None = None,
    drop: Drop = None,
    separator: str | None = None,
    column: str | None = None,
    length: int | None = None,
    hop: int | None = None,
) -> Dataset:
    """The data set a user named, made like the examples learnt from: images are fitted to their size and colour.

    label, drop: the label column, and those left out, as far as the data has them. separator: that of tables.
    column, length: how texts were read. hop: how sounds were.
    Raises DataError, ConfigError.
    """
    path = Path(given).expanduser()
    if given in names():
        return load(given, split=split)
    if path.is_file() and is_picture(path):
        return pictures_like(spec, [path])
    if spec.score is not None:
        read = spec.score
        bars = read.bars or max(1, spec.shape[0] // (read.voices * read.bar))
        return load(given, split=split, kind=spec.kind, grid=read.grid, voices=read.voices, bars=bars)
    if spec.form.heard and (is_sound(path) or holds_sounds(path)):
        rates = {"rate": spec.rate, "channels": spec.event[0]}
        return load(path, split=split, window=spec.shape[0], hop=hop, **rates)
    if spec.vocabulary is not None:
        return load(
            given, split=split, units=spec.vocabulary.kind, **({"column": column} if is_table(given) else {"length": length})
        )
    archive = path.suffix.lower() == ".zip" or (path.is_dir() and not idx.is_mnist_folder(path))
    if archive and spec.form.pictured:
        height, width = spec.event[1:]
        data = load(path, split=split, size=(height, width), color=colour_of(spec))
        return replace(data, x=changed(data.x, partial(like_learnt, spec)), spec=spec)
    apart = {"separator": separator} if separator and is_table(given, packed=False) else {}
    if spec.framed and path.is_file():
        return load(path, split=split, label=label or "", columns=spec.columns, **apart)
    if is_table(given) and path.is_file():
        own = {"columns": spec.plain} if spec.plain else {}
        for options in ({"label": label, "drop": drop}, {"drop": drop}, {"label": label}):
            with suppress(ConfigError):  # the new data need not have labels, nor what was left out
                return load(path, split=split, **own, **options, **apart)
    if spec.form.timed and path.exists():
        windowed = {"window": spec.shape[0]} if is_sound(path) else {}
        return load(path, split=split, kind=spec.kind, **windowed)
    if label is not None and path.exists():
        try:
            return load(path, split=split, label=label)
        except ConfigError:  # the new data need not have labels
            pass
    return load(given, split=split)


def films_like(size: tuple[int, int], channels: int, path: Path, split: Any = "all") -> Dataset:
    """Films fitted to frames of this size and so many channels; arrays as they are. Raises DataError, ConfigError."""
    array = path.suffix.lower() in (".npy", ".npz")
    fitted: dict[str, Any] = {} if array else {"size": size, "color": "rgb" if channels == 3 else "gray"}
    return load(path, split=split, kind="film", **fitted)


def table_like(spec: DataSpec, given: str, *, label: str | None = None, separator: str | None = None) -> Pieces | None:
    """The table in a .csv or .tsv, a piece at a time, made like what was learnt from; None where it is to be read as a whole.

    label: left out. Raises DataError, ConfigError.
    """
    path = Path(given).expanduser()
    if given in names() or not path.is_file() or not is_table(given, packed=False) or not spec.named or spec.form.timed:
        return None
    found = pieces_of(path, spec.named, separator)
    if label and label not in found.left:
        raise unknown("column (label=)", label, found.left)
    return found


def is_table(what: str, *, packed: bool = True) -> bool:
    """Whether a file is called like a table. packed: Parquet, too."""
    return what.lower().endswith(TABLES if packed else TABLES[:4])


def is_picture(path: Path) -> bool:
    """Whether the file is called like an image."""
    return path.suffix.lower() in PICTURES


def is_sound(path: Path) -> bool:
    """Whether the file is called like a sound."""
    return path.suffix.lower() in SOUNDS


def files_of(given: Sequence[Path]) -> list[Path]:
    """These files, and those within these folders."""
    return [path for one in given for path in (one.rglob("*") if one.is_dir() else [one])]


def _tell_table(data: Dataset) -> None:
    """Say, in a line, what was found in a table."""
    columns = data.spec.columns
    words = [
        "date" if column.dtype.startswith(("datetime64", "timedelta64")) else WORDS[column.kind] for column in columns
    ] or ["number"] * data.spec.size
    many = [(word, words.count(word)) for word in dict.fromkeys([*WORDS.values(), "date"]) if word in words]
    kinds = ", ".join(f"{count:,} {word if count == 1 else PLURALS.get(word, word + 's')}" for word, count in many)
    said = [f"read {len(data):,} rows", f"{len(words):,} column{'s' * (len(words) > 1)}: {kinds}"]
    if data.skipped:
        said.append(f"dropped: {', '.join(data.skipped)}")
    note("; ".join([*said, *data.remarks]))


def tell_skipped(data: Dataset) -> None:
    """Say which files could not be read, and what was found in them that their owner may not know."""
    if data.spec.spoken:
        note("; ".join([f"read {len(data):,} {'texts' if data.spec.score is None else 'pieces'}", *data.remarks]))
    elif data.remarks:
        note(f"read {'; '.join(data.remarks)}")
    if data.skipped:
        more = f"\n  and {len(data.skipped) - 5} more" if len(data.skipped) > 5 else ""
        note(f"{len(data.skipped)} skipped:\n  " + "\n  ".join(data.skipped[:5]) + more)
