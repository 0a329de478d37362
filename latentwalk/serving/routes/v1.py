"""`/v1`: what the command line does with a run, by HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from latentwalk.errors import unknown
from latentwalk.latent.decoded import Decoded
from latentwalk.serving.answers import Made, chosen, json_response, nested, npy_of, table_of
from latentwalk.serving.bodies import ARRAYS, array_of, examples, media, numbers, parsed
from latentwalk.serving.problems import Refused
from latentwalk.serving.served import Served

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["v1"])


class Options(BaseModel):
    """What a request says in JSON; a name that is not known here is an error."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Given(Options):
    """Examples, as one of x (numbers, null where one is missing), texts and records."""

    x: Annotated[list[Any] | None, Field(description="Examples (n, *E) in the units of the data.")] = None
    texts: list[str] | None = None
    records: Annotated[list[dict[str, Any]] | None, Field(description="Rows of a table: {column: value}.")] = None
    condition: Annotated[
        str | list[str] | None, Field(description="Of a model with a condition: a label for all, or one for each.")
    ] = None


class Codes(Options):
    """Codes (n, D)."""

    codes: list[list[FiniteFloat]]
    condition: str | list[str] | None = None


def served(run: Annotated[str, Path(description="The name of a run.")], request: Request) -> Served:
    """The run of that name. Raises Refused (404)."""
    runs = request.app.state.runs
    if run not in runs:
        raise Refused(404, str(unknown("run", run, runs)))
    found: Served = runs[run]
    return found


Run = Annotated[Served, Depends(served)]


def body(model: type[BaseModel], *others: str) -> dict[str, Any]:
    """What the description of a route says of its body."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
    content |= {kind: {"schema": {"type": "string", "format": "binary"}} for kind in others}
    return {"requestBody": {"required": True, "content": content}}


@router.post("/{run}/encode", openapi_extra=body(Given, *ARRAYS, "image/png", "text/csv"))
async def encode(run: Run, request: Request) -> Response:
    """Codes: the means of q(z | x) of examples, and their deviations."""
    kind = chosen(request, ("application/json", *ARRAYS))
    given, _ = await examples(request, run, Given)
    codes, deviations = await run.encode(given.x, given.told)
    if kind in ARRAYS:
        return Response(npy_of(codes), media_type=kind)
    return json_response({"codes": nested(codes), "deviations": nested(deviations), "remarks": given.remarks})


@router.post("/{run}/decode", openapi_extra=body(Codes, *ARRAYS))
async def decode(run: Run, request: Request) -> Response:
    """What codes decode to."""
    if media(request) in ARRAYS:
        codes = array_of(await request.body(), run.limits)
        condition: Any = request.query_params.get("condition")
    else:
        options = await parsed(request, Codes, run.limits)
        codes, condition = numbers(options.codes, "codes"), options.condition
    z = run.trained.codes(codes)
    _check_rows(len(z), run)
    x = await run.decode(z, run.trained.told(condition, None, len(z)))
    return made(run, z, x).response(request, run)


def _check_rows(rows: int, run: Served) -> None:
    if not 0 < rows <= run.limits.rows:
        raise Refused(422, f"expected 1 to {run.limits.rows:,} codes, got {rows:,}.")


def made(run: Served, z: Any, x: Any, **said: Any) -> Made:
    """Decoded points as an answer."""
    return Made(Decoded(z, x, run.spec), said, table_of(run.trained.framed(x)))
