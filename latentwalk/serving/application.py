"""The application: runs behind an address, as FastAPI has it."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException

import latentwalk
from latentwalk.errors import LatentwalkError
from latentwalk.serving.gate import LOOPBACK, Gate
from latentwalk.serving.limits import Limits
from latentwalk.serving.metrics import Metrics
from latentwalk.serving.problems import PROBLEM_SCHEMA, problem, problem_of, says_error
from latentwalk.serving.routes.chosen import SCHEMAS
from latentwalk.serving.routes.inference import inference_router
from latentwalk.serving.routes.invocations import invocations_router
from latentwalk.serving.routes.pages import home_router, pages_router
from latentwalk.serving.routes.v1 import v1_router
from latentwalk.serving.served import Served

__all__ = ["application"]


def application(
    runs: Mapping[str, Served],
    *,
    token: str | None = None,
    hosts: Iterable[str] = LOOPBACK,
    addresses: bool = False,
    limits: Limits | None = None,
    routers: Sequence[APIRouter] = (),
) -> FastAPI:
    """The application that serves these runs, by name.

    token: that every request is to bring; None: none is asked for, which is for a loopback address alone. hosts, addresses: by
    which names it may be called, see `Gate`. routers: other routes, which come first. What they need of the application is in
    its `state`: runs, a dictionary that may grow, and limits.
    """
    limits = limits or Limits()

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        for run in app.state.runs.values():
            run.close()

    app = FastAPI(
        title="latentwalk",
        version=latentwalk.__version__,
        description="Models behind an address: see the guide.",
        docs_url=None,
        redoc_url=None,
        lifespan=life,
        exception_handlers={
            LatentwalkError: _of_ours,
            HTTPException: _of_http,
            RequestValidationError: _of_fastapi,
        },
    )
    metrics = Metrics()
    app.state.runs, app.state.limits, app.state.metrics = dict(runs), limits, metrics
    for router in (*routers, v1_router, inference_router, invocations_router, pages_router, home_router):
        app.include_router(router)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    app.add_middleware(Gate, token=token, hosts=hosts, addresses=addresses, limits=limits, seen=metrics.seen)
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """The description of all routes (OpenAPI), with the schemas they refer to."""
    if app.openapi_schema is None:
        found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = found.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = PROBLEM_SCHEMA
        for methods in found["paths"].values():
            for one in methods.values():
                schemas |= one.pop(SCHEMAS, {})
                one["responses"].pop("422" if "HTTPValidationError" in str(one["responses"].get("422")) else "", None)
        app.openapi_schema = found
    return app.openapi_schema


async def _of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, LatentwalkError)
    return problem_of(error, told=says_error(request.url.path))


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = f"there is nothing at {request.url.path!r:.200}." if error.status_code == 404 else str(error.detail)
    return problem(error.status_code, said, error.headers, error=says_error(request.url.path))


async def _of_fastapi(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first: Any = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return problem(422, f"{where}: {first['msg']}.", error=says_error(request.url.path))
