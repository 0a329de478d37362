"""What a person or a watcher looks at: /docs, /health, /metrics. Pages have no script, and load nothing from elsewhere."""

import json
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from latentwalk.serving.answers import json_response
from latentwalk.serving.routes.chosen import PROBLEMS, gives

__all__ = ["home_router", "pages_router"]

pages_router = APIRouter(tags=["about"], responses=PROBLEMS, default_response_class=Response)
home_router = APIRouter()
HERE = "latentwalk.serving"
METHODS = ("get", "post", "put", "patch", "delete")


@home_router.get("/", include_in_schema=False)
async def start() -> Response:
    """To the list of routes, where no other page is at home here."""
    return RedirectResponse("docs")


@pages_router.get("/health", responses=gives("application/json"))
async def health(request: Request) -> Response:
    """That the server is there, and what it serves."""
    return json_response({"status": "ok", "runs": list(request.app.state.runs)})


@pages_router.get("/metrics", responses=gives("text/plain"))
async def metrics(request: Request) -> Response:
    """What is counted, for Prometheus."""
    found = request.app.state.metrics
    return Response(found.text(request.app.state.runs), media_type=found.media_type)


@pages_router.get("/docs", responses=gives("text/html"))
async def docs(request: Request) -> Response:
    """All routes, what they take and what they give: a page."""
    told = request.app.openapi()
    return Response(_page().render(operations=_operations(told), **_about(request, told)), media_type="text/html")


@pages_router.get("/docs.css", include_in_schema=False)
async def style() -> Response:
    return Response(_file("docs.css"), media_type="text/css")


def _about(request: Request, told: dict[str, Any]) -> dict[str, Any]:
    runs = request.app.state.runs
    return {"version": told["info"]["version"], "runs": list(runs.values()), "base": str(request.base_url)}


def _operations(told: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The routes by their tags, each with its fields."""
    schemas = told["components"]["schemas"]
    found: dict[str, list[dict[str, Any]]] = {}
    for path, methods in told["paths"].items():
        for method, said in methods.items():
            if method not in METHODS:
                continue
            takes = said.get("requestBody", {}).get("content", {})
            gives_ = said["responses"].get("200", {}).get("content", {})
            name = takes.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
            found.setdefault(said.get("tags", ["other"])[0], []).append(
                {
                    "method": method.upper(),
                    "path": path,
                    "said": said.get("description", ""),
                    "takes": list(takes),
                    "gives": list(gives_),
                    "fields": _fields(schemas.get(name, {}), schemas),
                }
            )
    return found


def _fields(schema: dict[str, Any], schemas: dict[str, Any]) -> list[dict[str, str]]:
    """The fields of a body in JSON: name, type, usual value, what it is."""
    needed = schema.get("required", [])
    return [
        {
            "name": name,
            "type": _kind(one, schemas),
            "usual": "needed" if name in needed else _usual(one.get("default")),
            "said": one.get("description", ""),
        }
        for name, one in schema.get("properties", {}).items()
    ]


def _usual(value: Any) -> str:
    """What a field is unless it is given, as JSON has it."""
    return "" if value in (None, []) else value if isinstance(value, str) else json.dumps(value)


def _kind(one: dict[str, Any], schemas: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in one:
        name = one["$ref"].rpartition("/")[2]
        return f"{name} {{{', '.join(schemas.get(name, {}).get('properties', {}))}}}"
    if "anyOf" in one:
        return " or ".join(dict.fromkeys(_kind(each, schemas) for each in one["anyOf"] if each.get("type") != "null"))
    if "enum" in one:
        return " | ".join(map(str, one["enum"]))
    if "const" in one:
        return str(one["const"])
    if one.get("type") == "array":
        inner = _kind(one.get("items", {}), schemas)
        return f"list of {inner}" if inner else "list"
    return str(one.get("type", ""))


@cache
def _page() -> Any:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(_file("docs.html.j2"))


@cache
def _file(name: str) -> str:
    return resources.files(HERE).joinpath(name).read_text(encoding="utf-8")
