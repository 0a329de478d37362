"""`/ping` and `/invocations`, as MLflow's scoring server and SageMaker's containers have them.

What comes in is examples: dataframe_split, dataframe_records, instances, inputs, or a CSV. What goes out is one prediction for
each. Which, is said by `answer`, in params or in the query:

    codes            z1 to zD, and score, the bound on log p(x) in nats; of a detector also decision and strange. Usual: what a
                     pipeline goes on with, and in one row
    reconstruction   the example, as the model gives it back: rows of a table in their columns

The run is the first that is served, unless the query names another: /invocations?run=NAME.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

import latentwalk
from latentwalk.data.columns import is_frame
from latentwalk.errors import DataError, unknown
from latentwalk.serving.answers import CSV, JSON, chosen, csv_of, json_response, nested, records_of
from latentwalk.serving.bodies import Examples, frame_of, media, numbers, parsed, seen, table_of
from latentwalk.serving.problems import Refused
from latentwalk.serving.routes.chosen import PROBLEMS, Label, Options, brings, gives
from latentwalk.serving.served import Served
from latentwalk.surroundings import heard

__all__ = ["invocations_router"]

invocations_router = APIRouter(tags=["invocations"], responses=PROBLEMS, default_response_class=Response)
Answer = Literal["codes", "reconstruction"]


class Split(Options):
    """A frame as pandas splits it."""

    columns: list[str | int] | None = None
    index: list[Any] | None = None
    data: list[list[Any]]


class Params(Options):
    """What may be asked for."""

    answer: Answer | None = None
    condition: Label = None


class Invocation(Options):
    """Examples, as one of dataframe_split, dataframe_records, instances and inputs."""

    dataframe_split: Split | None = None
    dataframe_records: list[dict[str, Any]] | None = None
    instances: Annotated[list[Any] | None, Field(description="Examples: numbers in lists, texts, or records.")] = None
    inputs: Annotated[
        list[Any] | dict[str, list[Any]] | None, Field(description="The same, or columns by name, or x by its name.")
    ] = None
    params: Params | None = None


@invocations_router.get("/ping", responses=gives("application/json"))
async def ping() -> Response:
    """That the server is there."""
    return json_response({})


@invocations_router.get("/version", responses=gives("text/plain"))
async def version() -> Response:
    """Which version serves."""
    return Response(latentwalk.__version__, media_type="text/plain")


@invocations_router.post("/invocations", openapi_extra=brings(Invocation, CSV), responses=gives(JSON, CSV))
async def invocations(
    request: Request,
    run: Annotated[str | None, Query(description="Which run; the first that is served unless given.")] = None,
    answer: Annotated[Answer, Query(description="What is predicted.")] = "codes",
    condition: Annotated[Label, Query(description="Of a model with a condition: the label of all examples.")] = None,
) -> Response:
    """Predictions for examples: codes and scores, or reconstructions."""
    served = _run(request, run)
    kind = chosen(request, (JSON, CSV))
    if media(request) == CSV:
        content = await request.body()
        examples = await run_in_threadpool(lambda: _seen(served, lambda: table_of(content, served), condition))
    else:
        body = await parsed(request, Invocation, served.limits, lenient=True)
        answer = (body.params and body.params.answer) or answer
        condition = condition if body.params is None else body.params.condition
        examples = await run_in_threadpool(lambda: _seen(served, lambda: _given(body, served), condition))
    columns = await (_codes if answer == "codes" else _reconstruction)(served, examples)
    if kind == CSV and isinstance(columns, list):
        raise Refused(406, f"a {served.spec.kind} is no row of a table. Ask for {JSON}.")
    if kind == CSV:
        return Response(csv_of(columns), media_type=f"{CSV}; charset=utf-8")
    return json_response({"predictions": columns if isinstance(columns, list) else _rows(columns)})


def _run(request: Request, name: str | None) -> Served:
    runs: dict[str, Served] = request.app.state.runs
    if not runs:
        raise Refused(404, "no run is served.")
    if name is not None and name not in runs:
        raise Refused(404, str(unknown("run", name, runs)))
    return runs[name] if name is not None else next(iter(runs.values()))


def _seen(served: Served, read: Callable[[], Any], condition: Any) -> Examples:
    """Examples as the model has them; what there is to say of them has no place in these protocols."""
    with heard():
        return seen(served, read(), condition)


def _given(body: Invocation, served: Served) -> Any:
    """Examples as the library takes them. Raises DataError."""
    names = ("dataframe_split", "dataframe_records", "instances", "inputs")
    given = {name: getattr(body, name) for name in names if getattr(body, name)}
    if len(given) != 1:
        raise DataError(
            "expected examples as one of dataframe_split, dataframe_records, instances and inputs; "
            f"got {' and '.join(given) or 'none'}."
        )
    ((name, value),) = given.items()
    if name == "dataframe_split":
        return _split(value, served)
    if isinstance(value, dict):
        return _by_name(value, served)
    if value and all(isinstance(one, dict) for one in value):
        return frame_of(value, served.spec)
    return value if value and all(isinstance(one, str) for one in value) else numbers(value, name, served.spec)


def _split(split: Split, served: Served) -> Any:
    """A frame, or, of a model whose columns have no names, its numbers."""
    if split.columns is None or not served.spec.named:
        return numbers(split.data, "data", served.spec)
    wrong = next((at for at, row in enumerate(split.data) if len(row) != len(split.columns)), None)
    if wrong is not None:
        raise DataError(f"dataframe_split: row {wrong} has {len(split.data[wrong])} cells for {len(split.columns)} columns.")
    names = list(map(str, split.columns))
    if len(set(names)) < len(names):
        raise DataError("dataframe_split: two columns have one name. Give every column its own.")
    return frame_of([dict(zip(names, row, strict=True)) for row in split.data], served.spec)


def _by_name(value: dict[str, list[Any]], served: Served) -> Any:
    """Columns by name, or the one input by its name, x."""
    names = {column.name for column in served.spec.named}
    if set(value) == {"x"} and "x" not in names:
        return _plain(value["x"], served)
    lengths = {len(column) for column in value.values()}
    if len(lengths) != 1:
        raise DataError(f"inputs: columns of {' and '.join(map(str, sorted(lengths)))} rows are no table.")
    return frame_of([dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)], served.spec)


def _plain(value: list[Any], served: Served) -> Any:
    return value if value and all(isinstance(one, str) for one in value) else numbers(value, "x", served.spec)


async def _codes(run: Served, examples: Examples) -> dict[str, list[Any]]:
    """Columns: a code, and what is said of the example."""
    codes, _ = await run.encode(examples.x, examples.told)
    found: dict[str, list[Any]] = {f"z{at + 1}": nested(codes[:, at]) for at in range(run.dim)}
    detector = run.detector
    if detector is None:
        scores = await run.score(examples.x, examples.told)
        return {**found, "score": nested(scores)}
    scores = await run.long(lambda model: detector.score_samples(examples.X))
    above = scores - detector.offset_
    return {**found, "score": nested(scores), "decision": nested(above), "strange": nested(above < 0)}


async def _reconstruction(run: Served, examples: Examples) -> Any:
    """Examples as they are given back: columns, or, of what is no table, a list."""
    x = await run.reconstruct(examples.x, examples.told)
    if run.spec.named:
        answer = run.trained.framed(x)
        if is_frame(answer):
            records = records_of(answer)
            return {str(name): [one[str(name)] for one in records] for name in answer.columns}
        return {column.name: nested(x[:, at]) for at, column in enumerate(run.spec.named)}
    if run.spec.vocabulary is not None:
        return run.spec.vocabulary.texts(x)
    return nested(x)


def _rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
