"""What requests bring: examples as JSON, as an array, as a picture or a table; options as JSON.

    application/json                                {"x": …} numbers (n, *E), null where a value is missing; or {"texts": […]},
                                                    {"records": [{column: value}, …]}
    application/x-npy, application/octet-stream     an array (n, *E) as NumPy writes it, of numbers only
    image/png, image/jpeg, image/webp               one picture of any size, seen as a file of it would be
    text/csv                                        a table with a header
    audio/midi                                      one piece of music

Nothing here is a name of a file, or is run.
"""

import io
import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
from numpy.lib import format as npy
from PIL import Image
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from latentwalk.arrays import Array
from latentwalk.data import load
from latentwalk.data.columns import Column, is_time
from latentwalk.data.dataset import Dataset
from latentwalk.data.original import Original
from latentwalk.data.sources.images import picture_in
from latentwalk.data.sources.midi import midi_in
from latentwalk.data.spec import DataSpec
from latentwalk.errors import DataError
from latentwalk.estimators.conditions import Conditions
from latentwalk.serving.limits import Limits
from latentwalk.serving.problems import Refused
from latentwalk.serving.served import Served
from latentwalk.surroundings import heard, imported

__all__ = [
    "ARRAYS",
    "Examples",
    "apart",
    "array_of",
    "examples",
    "frame_of",
    "media",
    "numbers",
    "parsed",
    "picture_of",
    "queried",
    "seen",
    "table_of",
]

SMALL = 1 << 16  # bytes that are read at once, without another thread
PICTURES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
ARRAYS = ("application/x-npy", "application/octet-stream")
NAMES = 5  # wrong places that are told
M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Examples as they were given, X, and as the model has them: x (n, *E).

    told: its condition, see `Trained.told`. remarks: what there is to say of them.
    """

    X: Any
    x: Array
    told: Conditions | None
    condition: Any = None
    remarks: tuple[str, ...] = ()


def media(request: Request) -> str:
    """The type of a body; JSON where nothing is said."""
    return request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()


async def parsed(request: Request, model: type[M], limits: Limits, *, lenient: bool = False) -> M:
    """A body of JSON. Raises Refused for another type, DataError for what it is not.

    lenient: take NaN, which is no JSON, for null: Python's own writer says it so, and MLflow's client with it.
    """
    if media(request) != "application/json":
        raise Refused(415, f"expected a body of type application/json, got {media(request)}.")
    content = await request.body()
    return await apart(len(content), lambda: _validated(content, model, limits, lenient))


def _validated(content: bytes, model: type[M], limits: Limits, lenient: bool) -> M:
    if len(content) > limits.text:
        raise Refused(413, f"{len(content):,} bytes of JSON: {limits.text:,} are allowed. Send numbers as application/x-npy.")
    try:
        said = _leniently(content) if lenient and b"NaN" in content else from_json(content, allow_inf_nan=False)
    except (ValueError, RecursionError) as error:
        hint = (
            " NaN and Infinity are no JSON: null says that a value is missing." if b"N" in content or b"Inf" in content else ""
        )
        raise Refused(400, f"the body is no JSON: {error}.{hint}") from None
    try:
        return model.model_validate(said)
    except ValidationError as error:
        raise DataError(_complaint(error)) from None


def _leniently(content: bytes) -> Any:
    """What JSON says in which NaN stands for null. Raises ValueError, RecursionError."""

    def missing(constant: str) -> None:
        if constant != "NaN":
            raise ValueError(f"{constant} is no number")

    return json.loads(content, parse_constant=missing)


def queried(request: Request, model: type[M]) -> M:
    """Options of a request whose body is something else: those of its query. Raises DataError."""
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise DataError(_complaint(error).replace("the body", "the query", 1)) from None


def _complaint(error: ValidationError) -> str:
    """What is wrong with a body, in a sentence."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    said = [": ".join(filter(None, (".".join(map(str, one["loc"])), one["msg"]))) for one in found[:NAMES]]
    return "the body is not what is expected here: " + "; ".join(said) + ("; …" if len(found) > NAMES else ".")


async def examples(request: Request, served: Served, model: type[BaseModel]) -> tuple[Examples, Any]:
    """The examples in a body, and its options: an instance of `model`, which has fields x, texts, records and condition.

    Of a body that is no JSON, options are those of the query. Raises DataError, ConfigError; Refused.
    """
    kind, content = media(request), b""
    if kind == "application/json":
        options = await parsed(request, model, served.limits)
        given = {name: getattr(options, name) for name in ("x", "texts", "records")}
        given = {name: value for name, value in given.items() if value is not None}
        if len(given) != 1:
            raise DataError(f"expected examples as one of x, texts and records; got {' and '.join(given) or 'none'}.")
    else:
        content = await request.body()
        options, given = queried(request, model), {}
    condition = getattr(options, "condition", None)
    size = max(len(content), int(request.headers.get("content-length") or 0))

    def read() -> Examples:
        with heard() as remarks:
            X = _given(given, served) if given else _sent(kind, content, served)
            found = seen(served, X, condition)
        told = (*X.remarks, *(f"left out: {name}" for name in X.skipped)) if isinstance(X, Dataset) else ()
        return Examples(found.X, found.x, found.told, condition, (*remarks, *told))

    return await apart(size, read), options


def seen(served: Served, X: Any, condition: Any = None) -> Examples:
    """Examples as the model has them. Raises DataError, ConfigError."""
    limits = served.limits
    if isinstance(X, (list, np.ndarray)) and not 0 < len(X) <= limits.rows:
        raise DataError(f"expected 1 to {limits.rows:,} examples, got {len(X):,}.")
    x, told = served.trained.seen(served.narrowed(X), condition)
    if not 0 < len(x) <= limits.rows:
        raise DataError(f"expected 1 to {limits.rows:,} examples, got {len(x):,}.")
    return Examples(X, np.asarray(x), told, condition)


def _given(given: Mapping[str, Any], served: Served) -> Any:
    """Examples in JSON."""
    ((name, value),) = given.items()
    if name == "texts":
        return value
    return frame_of(value, served.spec) if name == "records" else numbers(value, "x", served.spec)


def _sent(kind: str, content: bytes, served: Served) -> Any:
    """Examples in a body of another type. Raises DataError; Refused."""
    spec, limits = served.spec, served.limits
    if kind in ARRAYS:
        return array_of(content, limits)
    if kind in PICTURES and spec.form.pictured:
        return Original.of(picture_of(content, kind, limits)).seen(spec)[None]
    if kind == "text/csv":
        return table_of(content, served)
    if kind == "audio/midi" and spec.score is not None:
        return [midi_in(content, spec.score.grid).piece]
    raise Refused(
        415, f"this model learnt from a {spec.kind}, which does not come as {kind}. Send application/json or an array."
    )


# ---------------------------------------------------------------------- each kind


def numbers(value: Any, name: str, spec: DataSpec | None = None) -> Any:
    """Nested lists of numbers as an array; null is NaN. Signals of several lengths are a list of arrays. Raises DataError."""
    found = np.asarray(value, dtype=object)  # of text, NumPy would give each the room of the longest
    types = set(map(type, found.ravel().tolist()))
    if list in types and found.ndim == 1 and spec is not None and spec.form.timed:
        return [numbers(one, name) for one in value]
    if list in types:
        raise DataError(f"{name}: expected numbers in lists of the same length; some are shorter than others.")
    if not found.ndim or not types <= {bool, int, float, type(None)}:
        wrong = next((one for one in found.flat if not (one is None or isinstance(one, (int, float)))), value)
        raise DataError(f"{name}: expected numbers in lists, and null where one is missing; got {wrong!r:.40}.")
    for dtype in ([np.bool_] if types == {bool} else []) + ([np.int64] if types == {int} else []) + [np.float64]:
        with suppress(OverflowError):
            return found.astype(dtype)
    raise DataError(f"{name}: a number is too large for float64.")


def array_of(content: bytes, limits: Limits) -> Array:
    """The array in a .npy file: of numbers or booleans. Objects, which NumPy would have run, are refused. Raises DataError."""
    file = io.BytesIO(content)
    try:
        version = npy.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"its version is {version[0]}.{version[1]}")
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, by_columns, dtype = read(file)
    except Exception as error:  # a damaged header is met with whatever comes up
        raise DataError(f"not an array as NumPy writes it (.npy): {str(error).partition(chr(10))[0]:.120}.") from None
    if dtype.kind not in "biuf" or dtype.hasobject or dtype.itemsize > 8:
        raise DataError(f"expected an array of numbers, got {dtype!s:.40}.")
    count, left = math.prod(shape), len(content) - file.tell()
    if min(shape, default=0) < 0 or count > limits.values:
        raise DataError(f"expected an array of at most {limits.values:,} numbers, got shape {shape}.")
    if left != count * dtype.itemsize:
        raise DataError(f"an array of shape {shape}, {dtype}, has {count * dtype.itemsize:,} bytes; {left:,} were sent.")
    found = np.frombuffer(content, dtype, count, file.tell()).reshape(shape, order="F" if by_columns else "C")
    return np.ascontiguousarray(found.astype(dtype.newbyteorder("="), copy=False))


def picture_of(content: bytes, kind: str, limits: Limits) -> Image.Image:
    """The picture in a file of that type. Raises DataError for one that is damaged, or too large once it is unpacked."""
    return picture_in(content, formats=(PICTURES[kind],), most=limits.pixels)


def frame_of(records: list[dict[str, Any]], spec: DataSpec) -> Any:
    """Records as a frame. Raises DataError where the model knows no columns."""
    if not spec.named:
        raise DataError("the columns that this model learnt have no names, so there are no records. Send them as x.")
    pandas = imported("pandas")
    wrong = next((value for one in records for value in one.values() if isinstance(value, (list, dict))), None)
    if wrong is not None:
        raise DataError(f"a cell is text, a number, true, false or null; got {wrong!r:.40}.")
    frame = pandas.DataFrame(records)
    for column in spec.named:
        if is_time(column.dtype) and column.name in frame and frame[column.name].dtype.kind not in "Mm":
            frame[column.name] = _times(frame[column.name], column)
    return frame


def _times(said: Any, column: Column) -> Any:
    """A column of dates, or of times between them, which JSON has as text, null where there is none. Raises DataError."""
    pandas = imported("pandas")
    wrong = next((one for one in said if not (one is None or isinstance(one, str) or one != one)), None)
    try:
        if wrong is not None:
            raise ValueError(f"{wrong!r:.40} is no text")
        dates = column.dtype.startswith("datetime64")
        return pandas.to_datetime(said, format="ISO8601") if dates else pandas.to_timedelta(said)
    except (ValueError, OverflowError, TypeError) as error:
        like = "2026-01-31 or 2026-01-31T12:00" if column.dtype.startswith("datetime64") else "3 days, 12:00:00"
        raise DataError(f"column {column.name!r} holds times, as text like {like}: {error!s:.120}.") from error


def table_of(content: bytes, served: Served) -> Dataset:
    """A CSV as our own reader has it, with the columns learnt from. Raises DataError; Refused."""
    spec, most = served.spec, served.limits.text
    if not spec.form.columned:
        raise Refused(415, f"this model learnt from a {spec.kind}, which does not come as text/csv. Send application/json.")
    if len(content) > most:
        raise Refused(413, f"{len(content):,} bytes of CSV: {most:,} are allowed. Send fewer rows.")
    with TemporaryDirectory(prefix="latentwalk-") as folder:
        path = Path(folder) / "rows.csv"
        path.write_bytes(content)
        try:
            return load(path, label="", columns=spec.named or None)
        except DataError as error:
            raise DataError(str(error).replace(str(path), "the table")) from None


async def apart(size: int, work: Callable[[], T]) -> T:
    """What `work` gives; where much is to be read, in another thread, so that nobody waits for it."""
    return work() if size <= SMALL else await run_in_threadpool(work)
