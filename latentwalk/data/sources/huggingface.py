"""Hugging Face `datasets`: Arrow tables on disk or in memory, read when their rows are asked for.

Which columns are the examples is read off the features: the one of images; or the one of arrays; or else all columns of plain
numbers, as a table. A `ClassLabel`, or a column with one of the usual names, is the label. Nothing here needs the package
until it is asked to open a file: whoever has one of its data sets has it already.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.arrays import Array
from latentwalk.data.dataset import Dataset
from latentwalk.data.examples import check_labels
from latentwalk.data.rows import DECODED, Rows, fits
from latentwalk.data.sources.images import Color, ImageFile, Pictures, Size, as_bytes, look
from latentwalk.data.sources.packed import Split, dataset_of, undivided
from latentwalk.data.spec import Kind
from latentwalk.errors import DataError, LatentwalkError, unknown
from latentwalk.files import content_of, json_of
from latentwalk.surroundings import imported

__all__ = [
    "Arrow",
    "Reading",
    "is_hugging_face",
    "is_saved",
    "is_stream",
    "of_table",
    "read_arrow",
    "read_saved",
    "undecoded",
]

Example = Mapping[str, Any]
LABELS = ("label", "labels", "class", "target", "y")  # in order of preference
LOOKED_AT = 64  # examples by which size and colour of images are judged; a header lies in the middle of an Arrow file
INSTALL = "Install it with: pip install 'latentwalk[huggingface]'"


def is_hugging_face(x: object) -> bool:
    """Whether `x` is a `datasets.Dataset` or `IterableDataset`, without importing the package."""
    return _is(x, "Dataset") or is_stream(x)


def is_stream(x: object) -> bool:
    """Whether `x` is a `datasets.IterableDataset`, without importing the package."""
    return _is(x, "IterableDataset")


def is_saved(path: Path) -> bool:
    """Whether the folder was written by `save_to_disk`: a data set, or several as its halves."""
    return (path / "state.json").is_file() or (path / "dataset_dict.json").is_file()


def read_saved(path: Path, *, split: Split, **options: Any) -> Dataset:
    """The data set that `datasets.Dataset.save_to_disk` wrote, or a half of those that `DatasetDict.save_to_disk` wrote."""
    package = _package()
    with _understood("Write it again with save_to_disk."):
        _check_files(path)
        for file in sorted(path.rglob("*.arrow")):
            _check_arrow(file)
        found = package.load_from_disk(str(path))
        return _half(package, found, path, split, within=path, **options)


def _half(package: Any, found: Any, path: Path, split: Split, **options: Any) -> Dataset:
    if not isinstance(found, Mapping):
        undivided(split)
        return of_table(found, name=path.name, **options)
    if split == "all":
        return of_table(package.concatenate_datasets(list(found.values())), name=path.name, **options)
    if split not in found:
        raise DataError(f"expected a part called {split!r}, found {', '.join(found)}. Read all of it: split='all'.")
    return of_table(found[split], name=path.name, **options)


def read_arrow(path: Path, *, split: Split, **options: Any) -> Dataset:
    """The data set of one .arrow file, as the package writes it."""
    undivided(split)
    package = _package()
    with _understood("Write it again with the package."):
        _check_arrow(path)
        return of_table(package.Dataset.from_file(str(path)), name=path.stem, within=path.parent, **options)


@contextmanager
def _understood(advice: str) -> Iterator[None]:
    """The package meets damaged files with whatever comes up; here that is a DataError."""
    try:
        yield
    except (LatentwalkError, MemoryError):
        raise
    except Exception as error:
        raise DataError(f"not readable as a Hugging Face data set: {type(error).__name__}: {error}. {advice}") from error


def _check_files(path: Path) -> None:
    """Raise DataError where a folder names a file that is not its own: a pipe would be waited for."""
    for state in [path / "state.json", *path.glob("*/state.json")]:
        for one in json_of(state)["_data_files"] if state.exists() else ():
            name = str(one["filename"])
            if Path(name).name != name or not (state.parent / name).is_file():
                raise DataError(f"{state.relative_to(path)} names {name!r}, which is no file beside it. Write it again.")


def _check_arrow(path: Path) -> None:
    """Raise ValueError where a file holds no whole table: lengths and offsets that lie are believed once it is in use."""
    arrow, ipc = imported("pyarrow"), imported("pyarrow.ipc")
    with arrow.memory_map(str(path)) as file:
        try:
            batches = ipc.open_stream(file)
        except arrow.ArrowInvalid:
            file.seek(0)
            opened = ipc.open_file(file)
            batches = (opened.get_batch(at) for at in range(opened.num_record_batches))
        for batch in batches:
            batch.validate(full=True)


def of_table(
    table: Any,
    y: ArrayLike | None = None,
    *,
    column: str | None = None,
    label: str | None = None,
    size: Size | None = None,
    color: Color | None = None,
    kind: Kind | None = None,
    lazy: bool | None = None,
    within: Path | None = None,
    **known: Any,
) -> Dataset:
    """The data set of a `datasets.Dataset`.

    y: labels (n,), instead of the table's own.
    column: the one that holds the examples, where several could.
    label: the column of the label; "" reads none.
    size, color, kind: see `read`.
    lazy: whether rows are read when asked for; None where they are too many to be kept in memory.
    within: the folder that images which are files must lie in, of a table that somebody else may have written.
    known: what else is known, as `Dataset` has it: name, factors, …

    Raises DataError, ConfigError.
    """
    if is_stream(table):
        raise DataError(
            "examples that come one after the other have no rows to pick from. Fit it as it is: Autoencoder().fit(X)."
        )
    if len(table) == 0:
        raise DataError("the data set is empty. At least one example is needed.")
    rows = np.unique(np.linspace(0, len(table) - 1, LOOKED_AT).astype(np.int64))
    seen = undecoded(table, column).select(rows)
    reading = Reading.of(table.features, list(seen), column=column, label=label, size=size, color=color, within=within)
    x: Rows = Arrow(table, reading)
    whole = (fits(x) or (reading.form == "image" and x.nbytes <= DECODED)) if lazy is None else not lazy
    examples = np.asarray(x) if whole else x
    target = None if reading.label is None or y is not None else reading.label
    found = _labels(table, target) if target is not None else None if y is None else np.asarray(y)
    named = target is not None and reading.classes  # its labels are codes already
    data = dataset_of(
        examples,
        None if named else found,
        label=target or "",
        asked=y is not None or label is not None,
        kind=kind,
        **{"skipped": reading.left_out, **known},
    )
    if named and found is not None and found.min() >= 0:  # -1 says that the labels are kept secret
        codes = check_labels(found, len(data)).astype(np.int64)
        if codes.max() >= len(reading.classes):
            raise DataError(f"the label {target!r} has the code {codes.max()}, and names for {len(reading.classes)}. Mend it.")
        data = replace(data, y=codes, classes=reading.classes)
    return as_bytes(data) if reading.form == "image" else data


class Arrow(Rows):
    """The examples of a `datasets.Dataset`, read when asked for. The pages of a mapped file are the system's to take back."""

    def __init__(self, table: Any, reading: "Reading") -> None:
        self.reading = reading
        if reading.form == "image":
            self.table = undecoded(table, reading.columns[0]).select_columns(list(reading.columns))
        else:
            self.table = table.select_columns(list(reading.columns)).with_format("arrow")
        self.shape, self.dtype = (len(table), *reading.shape), reading.dtype

    def read(self, rows: NDArray[np.int64]) -> Array:
        if not len(rows):
            return np.empty((0, *self.shape[1:]), self.dtype)
        next_to_each_other = len(rows) > 1 and bool((np.diff(rows) == 1).all())
        found = self.table[range(int(rows[0]), int(rows[-1]) + 1) if next_to_each_other else rows]
        if self.reading.form == "image":
            return self.reading.images(found[self.reading.columns[0]])
        return self.reading.stacked([_numbers(found.column(name)) for name in self.reading.columns], len(rows))


@dataclass(frozen=True, slots=True)
class Reading:
    """How examples become rows.

    form: what `columns` hold, "image", "array" or, one a column of a table, "number".
    columns: those of the examples.
    shape, dtype: of an example.
    label: the label's column, or None.
    classes: the names of its codes, where they have names.
    resize: whether images are fitted to `shape`.
    left_out: columns that are neither, and why.
    within: see `of_table`.
    """

    form: Literal["image", "array", "number"]
    columns: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    label: str | None = None
    classes: tuple[str, ...] = ()
    resize: bool = False
    left_out: tuple[str, ...] = ()
    within: Path | None = None

    @classmethod
    def of(
        cls,
        features: Mapping[str, Any] | None,
        examples: Sequence[Example],
        *,
        column: str | None = None,
        label: str | None = None,
        size: Size | None = None,
        color: Color | None = None,
        within: Path | None = None,
    ) -> Self:
        """Read off the features, where they are known, and off some examples, whose images are not decoded."""
        forms = {name: _form(None if features is None else features.get(name), value) for name, value in examples[0].items()}
        target = _target(forms, label)
        form, columns = _columns({name: form for name, form in forms.items() if name != target}, column)
        classes = tuple(getattr((features or {}).get(target), "names", None) or ()) if target else ()
        if not all(isinstance(name, str) for name in classes):
            raise DataError(f"the label {target!r} has names that are no text: {classes!r:.80}. Give its classes names.")
        if form == "image":
            entries = [_entry(example[columns[0]], str(at), within) for at, example in enumerate(examples)]
            skipped: dict[str, str] = {}
            _, (height, width), rgb, deep = look(entries, size, color, skipped)
            shape: tuple[int, ...] = (height, width, 3) if rgb else (height, width)
            dtype = np.dtype(np.uint16 if deep else np.uint8)
            return cls("image", columns, shape, dtype, target, classes, size is not None, within=within)
        firsts = [_first(examples, name) for name in columns]
        dtypes = [_dtype((features or {}).get(name)) or first.dtype for name, first in zip(columns, firsts, strict=True)]
        gaps = any(example[name] is None for example in examples for name in columns)
        dtype = np.result_type(*dtypes, *([np.float32] if gaps else []))
        others = [name for name, other in forms.items() if other == "other" and name != target and column is None]
        left = tuple(f"{name}: neither numbers nor images" for name in others)
        return cls(form, columns, firsts[0].shape if form == "array" else (len(columns),), dtype, target, classes, False, left)

    def rows(self, examples: Sequence[Example]) -> Array:
        """Examples as an array (B, *E)."""
        if self.form == "image":
            return self.images([example[self.columns[0]] for example in examples])
        found = [[np.nan if example[name] is None else example[name] for example in examples] for name in self.columns]
        try:
            return self.stacked([np.asarray(values) for values in found], len(examples))
        except ValueError as error:
            raise DataError(f"examples of column {self.columns[0]!r} are not all of shape {self.shape}: {error}.") from error

    def images(self, values: Sequence[Any]) -> Array:
        """Images that are not decoded yet as (B, H, W) or (B, H, W, 3)."""
        entries = [_entry(value, f"image {at} of {len(values)}", self.within) for at, value in enumerate(values)]
        rgb = len(self.shape) == 3
        size, deep = cast(tuple[int, int], self.shape[:2]), self.dtype == np.uint16
        return Pictures(entries, size, rgb, self.resize, deep).read(np.arange(len(entries)))

    def stacked(self, columns: Sequence[Array], rows: int) -> Array:
        """The values of each column, of so many rows, as (rows, *E)."""
        if self.form == "number":
            return np.stack(columns, axis=1).astype(self._wide(columns), copy=False)
        if columns[0].size != rows * math.prod(self.shape):
            raise DataError(
                f"column {self.columns[0]!r}: {rows} examples hold {columns[0].size} values; expected {self.shape} each. "
                "Examples of different lengths are read as signals: padded(list_of_arrays)."
            )
        return columns[0].reshape(rows, *self.shape).astype(self._wide(columns), copy=False)

    def _wide(self, columns: Sequence[Array]) -> np.dtype[Any]:
        if self.dtype.kind != "f" and any(column.dtype.kind == "f" and np.isnan(column).any() for column in columns):
            raise DataError(f"a value is missing among {self.dtype} that seemed to be whole. Cast the column to float first.")
        return self.dtype


# ---------------------------------------------------------------------- features and values


def undecoded(data: Any, column: str | None) -> Any:
    """The data set, or stream, with its images as they are stored."""
    features = data.features or {}
    for name in features if column is None else (column,):
        if type(features.get(name)).__name__ == "Image":
            data = data.cast_column(name, _package().Image(decode=False))
    return data


def _is(x: object, name: str) -> bool:
    return any(one.__name__ == name and one.__module__.split(".")[0] == "datasets" for one in type(x).__mro__)


def _package() -> Any:
    try:
        return imported("datasets")
    except ImportError as error:
        raise DataError(f"reading Hugging Face data sets needs their package. {INSTALL}") from error


def _form(feature: Any, value: Any) -> str:
    """What a column holds: "image", "class", "number", "array" or "other"."""
    match type(feature).__name__:
        case "Image":
            return "image"
        case "ClassLabel":
            return "class"
        case "NoneType":
            if type(value).__module__.split(".")[0] == "PIL" or (
                isinstance(value, Mapping) and {"bytes", "path"} <= set(value)
            ):
                return "image"
            try:
                found = np.asarray(value)
            except ValueError:
                return "other"
            return ("array" if found.ndim else "number") if found.dtype.kind in "biuf" else "other"
    if _dtype(feature) is None:
        return "other"
    return "number" if type(feature).__name__ == "Value" else "array"


def _dtype(feature: Any) -> np.dtype[Any] | None:
    """NumPy's type of a feature's numbers, lists of lists unfolded; None where they are none."""
    while not hasattr(feature, "dtype") or getattr(feature, "feature", None) is not None:
        feature = feature[0] if isinstance(feature, list) and feature else getattr(feature, "feature", None)
        if feature is None:
            return None
    try:
        dtype = np.dtype(feature.dtype)
    except TypeError:
        return None
    return dtype if dtype.kind in "biuf" else None


def _target(forms: Mapping[str, str], label: str | None) -> str | None:
    if label is not None:
        if label and label not in forms:
            raise unknown("column (label=)", label, forms)
        return label or None
    classes = [name for name, form in forms.items() if form == "class"]
    usual = [name for name in LABELS if forms.get(name) in ("number", "other")]
    return next(iter(classes + usual), None)


def _columns(forms: Mapping[str, str], asked: str | None) -> tuple[Any, tuple[str, ...]]:
    """What the examples are, and in which columns."""
    if asked is not None and forms.get(asked) not in ("image", "array", "number"):
        raise unknown("column of images or numbers", asked, [name for name, form in forms.items() if form != "other"])
    for form in ("image", "array"):
        found = [name for name, other in forms.items() if other == form and asked in (None, name)]
        if len(found) > 1:
            raise DataError(f"several columns hold {form}s: {', '.join(found)}. Say which: column={found[0]!r}.")
        if found:
            return form, tuple(found)
    numbers = tuple(name for name, form in forms.items() if form in ("number", "class") and asked in (None, name))
    if not numbers:
        raise DataError(f"no column of images, arrays or numbers; found {', '.join(forms) or 'nothing but the label'}.")
    return "number", numbers


def _first(examples: Sequence[Example], name: str) -> Array:
    """The first value of a column that is there."""
    there = (example[name] for example in examples if example[name] is not None)
    return np.asarray(next(there, np.nan))


def _entry(value: Any, name: str, within: Path | None) -> ImageFile:
    """An image that is stored as bytes, or as the path to a file. Raises DataError for one that is not `within`."""
    content, path = value["bytes"], value["path"]
    if content is None:
        file = Path(path) if within is None else within / path
        if within is not None and not file.resolve().is_relative_to(within.resolve()):
            raise DataError(
                f"the data set names the image {str(path)!r:.200}, which lies outside its folder {within}: who wrote it may "
                "name any file. Write it again with the images inside, or load it with the package and give that: adopt(data)."
            )
        return ImageFile(str(path), file.stat().st_size, partial(content_of, file))
    return ImageFile(path or name, len(content), lambda: content)


def _labels(table: Any, name: str) -> Array:
    found = np.asarray(table.select_columns([name]).with_format(None)[:][name])
    if found.dtype.kind not in "biufU":
        raise DataError(f"the label {name!r} is missing in some rows, or of no use as one. Choose another, or none: label=''.")
    return found


def _numbers(column: Any) -> Array:
    """The numbers of an Arrow column, lists of lists unfolded; NaN where one is missing."""
    arrow = imported("pyarrow")
    values = column.combine_chunks()
    values = values.storage if isinstance(values, arrow.ExtensionArray) else values
    while isinstance(values, (arrow.ListArray, arrow.LargeListArray, arrow.FixedSizeListArray)):
        values = values.flatten()
    return cast(Array, values.to_numpy(zero_copy_only=False))
