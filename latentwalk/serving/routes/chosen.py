"""What routes share: the run that is meant, and how a route is described."""

from typing import Annotated, Any

from fastapi import Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from latentwalk.errors import unknown
from latentwalk.serving.problems import PROBLEM, Refused
from latentwalk.serving.served import Served

__all__ = ["PROBLEMS", "SCHEMAS", "ChosenRun", "Label", "brings", "gives"]


SCHEMAS = "x-schemas"  # where the description of a route keeps those it refers to


class Options(BaseModel):
    """What a request says in JSON; a name that is not known here is an error, and so is a number that is none."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, protected_namespaces=())


Label = Annotated[
    str | list[str] | None, Field(description="Of a model with a condition: a label for all examples, or one for each.")
]


async def _run(run: Annotated[str, Path(description="The name of a run.")], request: Request) -> Served:
    """The run of that name. Raises Refused (404)."""
    runs = request.app.state.runs
    if run not in runs:
        raise Refused(404, str(unknown("run", run, runs)))
    found: Served = runs[run]
    return found


ChosenRun = Annotated[Served, Depends(_run)]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": said, "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for status, said in {
        400: "no request as HTTP or the protocol has it",
        401: "the token is missing",
        403: "a page of another site asks",
        404: "no such run",
        405: "another method",
        406: "not given in any accepted type",
        408: "the body took too long",
        409: "this model cannot do that",
        413: "too large",
        415: "a type that is not read here",
        421: "not called by an allowed name",
        422: "data or options that cannot be used, and why",
        500: "something went wrong here",
        503: "busy; Retry-After says when to come again",
    }.items()
}  # what any route may answer


def brings(model: type[BaseModel], *others: str) -> dict[str, Any]:
    """What the description of a route says of its body: JSON, or another of these types."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = {**schema.pop("$defs", {}), model.__name__: schema}
    content: dict[str, Any] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
    content |= {kind: {"schema": {"type": "string", "format": "binary"}} for kind in others}
    return {"requestBody": {"required": True, "content": content}, SCHEMAS: schemas}


def gives(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """What the description of a route says of its answers."""
    schemas = {kind: {"schema": {} if kind == "application/json" else {"type": "string", "format": "binary"}} for kind in kinds}
    return {200: {"description": "the answer", "content": schemas}}
