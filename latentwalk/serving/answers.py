"""What requests are answered, in the form that they ask for by Accept.

application/json                                what there is to say; a number that is none is null
application/x-npy, application/octet-stream     the array alone, as NumPy writes it
image/png, image/gif                            as it is drawn; GIF: as a film
text/csv, text/plain, audio/midi, audio/wav     tables, texts and music as what they are
"""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from latentwalk.arrays import Array
from latentwalk.data.columns import is_frame
from latentwalk.data.formulas import harmless_cells
from latentwalk.data.spec import DataSpec
from latentwalk.errors import DataError
from latentwalk.latent.decoded import Decoded
from latentwalk.latent.moves.walks import Walk
from latentwalk.serving.bodies import apart
from latentwalk.serving.problems import Refused
from latentwalk.serving.served import Served

__all__ = [
    "CSV",
    "JSON",
    "MIDI",
    "NPY",
    "OCTETS",
    "Made",
    "check_listed",
    "chosen",
    "csv_of",
    "json_response",
    "jsonable",
    "nested",
    "npy_of",
    "records_of",
]

JSON, NPY, OCTETS, CSV, MIDI = "application/json", "application/x-npy", "application/octet-stream", "text/csv", "audio/midi"
MUCH = 1 << 20  # bytes that are answered in another thread
ENDINGS = {"image/png": ".png", "image/gif": ".gif", "text/plain": ".txt", MIDI: ".mid", "audio/wav": ".wav"}


def chosen(request: Request, offered: Sequence[str]) -> str:
    """Which of these types is asked for by Accept; the first where all are welcome. Raises Refused (406)."""
    ranges = []
    for part in request.headers.get("accept", "*/*").split(","):
        name, *options = (one.strip() for one in part.split(";"))
        ranges.append((name.lower(), _weight(options)))
    weighed = [(_of(ranges, one), -at, one) for at, one in enumerate(offered)]
    weight, _, best = max(weighed)
    if weight <= 0:
        raise Refused(406, f"this is given as {', '.join(offered)}, and none of these is accepted.")
    return best


def _weight(options: Sequence[str]) -> float:
    """What "q=…" among the options of a range says."""
    for one in options:
        name, _, value = one.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0


def _of(ranges: Sequence[tuple[str, float]], kind: str) -> float:
    """The weight of a type: that of the range which says most about it."""
    family = kind.partition("/")[0]
    for wanted in (kind, f"{family}/*", "*/*"):
        found = [weight for name, weight in ranges if name == wanted]
        if found:
            return max(found)
    return 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Examples that a request is answered: decoded points, or a walk.

    said: what there is besides, for JSON. table: makes a frame of them, where they have named columns. film: whether they are
    in a row.
    """

    decoded: Decoded | Walk
    said: Mapping[str, Any]
    table: Callable[[], Any]
    film: bool = False

    async def response(self, request: Request, served: Served) -> Response:
        """The answer. Raises Refused, DataError."""
        kind = chosen(request, _offered(served.spec, film=self.film))
        x = np.asarray(self.decoded.x)
        limit = served.limits.listed if kind in (JSON, CSV) else served.limits.values
        if x.size > limit:
            raise DataError(f"the answer has {x.size:,} numbers; as {kind} at most {limit:,} are given. Ask for less.")
        painted = kind not in (JSON, NPY, OCTETS, CSV)
        return await apart(MUCH if painted else x.nbytes, lambda: self._response(kind, x, served.spec))

    def _response(self, kind: str, x: Array, spec: DataSpec) -> Response:
        if kind in (NPY, OCTETS):
            return Response(npy_of(x), media_type=kind)
        if kind in ENDINGS:
            return Response(self.decoded.content(ENDINGS[kind]), media_type=kind)
        made = self.table() if spec.named else None
        frame = made if is_frame(made) else None
        if kind == JSON:
            return json_response({**_shown(x, spec, frame), **self.said})
        return Response(csv_of(_columns(frame, x, spec)), media_type=f"{CSV}; charset=utf-8")


def check_listed(size: int, served: Served) -> None:
    """Raise DataError where an answer has more numbers than are given as JSON."""
    if size > served.limits.listed:
        raise DataError(f"the answer has {size:,} numbers; as {JSON} at most {served.limits.listed:,} are given. Ask for less.")


def _offered(spec: DataSpec, *, film: bool) -> tuple[str, ...]:
    """As what examples of a kind are given."""
    found = [JSON, NPY, OCTETS]
    if spec.vocabulary is not None and spec.score is None:
        return (*found, "text/plain")
    if spec.score is not None:
        return (*found, "image/png", MIDI, "audio/wav")
    moves = spec.form.timed and spec.form.bounded  # each is a film already
    found += ["image/png"] + ["image/gif"] * (moves or (film and not spec.form.columned))
    return (*found, CSV) if spec.form.columned else tuple(found)


def _shown(x: Array, spec: DataSpec, frame: Any) -> dict[str, Any]:
    """Examples (*B, *E) in JSON: as what they are."""
    if spec.vocabulary is not None:
        return {"texts": spec.vocabulary.texts(x.reshape(-1, *spec.shape))}
    if frame is not None:
        return {"records": records_of(frame)}
    return {"x": nested(x)}


def records_of(frame: Any) -> list[dict[str, Any]]:
    """The rows of a frame as JSON has them: times as ISO 8601, what is missing as null."""
    plain = frame.astype(object).where(frame.notna(), None)
    names = [str(name) for name in plain.columns]
    return [dict(zip(names, map(_cell, row), strict=True)) for row in plain.itertuples(index=False, name=None)]


def _cell(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, date):  # a time, too
        return value.isoformat()
    return str(value) if isinstance(value, timedelta) else value


def _columns(frame: Any, x: Array, spec: DataSpec) -> dict[str, Sequence[Any]]:
    """A table by its columns."""
    if frame is not None:
        records = records_of(frame)
        return {name: [one[name] for one in records] for name in map(str, frame.columns)}
    names = [column.name for column in spec.named] or [f"x{at + 1}" for at in range(spec.size)]
    return dict(zip(names, nested(x.reshape(-1, spec.size).T), strict=True))


def csv_of(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Columns (n,) as CSV, in which a spreadsheet runs nothing (see `data.formulas`); None is an empty field."""
    file = io.StringIO(newline="")
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(harmless_cells(columns))
    rows.writerows(zip(*map(harmless_cells, columns.values()), strict=True))
    return file.getvalue().encode()


def json_response(said: Any, status: int = 200) -> Response:
    """An answer in JSON. Raises ValueError for numbers that are none: see `nested`, `jsonable`."""
    return Response(json.dumps(said, allow_nan=False, separators=(",", ":")).encode(), status, media_type=JSON)


def jsonable(said: Any) -> Any:
    """Values for JSON, null for numbers that are none."""
    if isinstance(said, Mapping):
        return {name: jsonable(value) for name, value in said.items()}
    if isinstance(said, (list, tuple)):
        return [jsonable(value) for value in said]
    return None if isinstance(said, float) and not math.isfinite(said) else said


def nested(x: Any) -> Any:
    """An array as nested lists; null for numbers that are none."""
    plain: Array = np.asarray(x)
    if plain.dtype.kind == "f" and not np.isfinite(plain).all():
        plain = np.where(np.isfinite(plain), plain.astype(object), np.array(None))
    return plain.tolist()


def npy_of(x: Array) -> bytes:
    """An array as a .npy file."""
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(x), allow_pickle=False)
    return file.getvalue()
