"""What the page asks for to train: the queue, what a model that learns has come to, data that is uploaded."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from latentwalk.errors import CheckpointError, ConfigError
from latentwalk.serving.answers import json_response
from latentwalk.serving.bodies import parsed
from latentwalk.serving.problems import Refused
from latentwalk.serving.routes.chosen import Options
from latentwalk.studio.training import Trainings

__all__ = ["training_routes"]

Name = Annotated[str, Path(pattern=r"^[\w.-]+$", max_length=200)]


class Wanted(Options):
    data: Annotated[str, Field(max_length=200)]
    recipe: Annotated[str, Field(max_length=80)] = "vae"
    latent: Annotated[int | None, Field(ge=1, le=4_096)] = None
    epochs: Annotated[int | None, Field(ge=1, le=100_000)] = None


def training_routes(trainings: Trainings) -> APIRouter:
    """The routes of this queue."""
    router = APIRouter(prefix="/studio/training", include_in_schema=False)

    def known(work: Callable[[str], Any], name: str) -> Any:
        try:
            trainings.job(name)
        except ConfigError as error:
            raise Refused(404, str(error)) from None
        return work(name)

    @router.get("")
    def jobs() -> Response:
        return json_response({"jobs": [asdict(job) for job in trainings.jobs], "choices": trainings.choices()})

    @router.post("")
    async def queue(request: Request) -> Response:
        asked = await parsed(request, Wanted, request.app.state.limits)
        job = await run_in_threadpool(trainings.queue, asked.data, asked.recipe, asked.latent, asked.epochs)
        return json_response(asdict(job))

    @router.post("/given")
    async def given(request: Request, name: Annotated[str, Query(max_length=200)]) -> Response:
        content = await request.body()
        return json_response({"data": await run_in_threadpool(trainings.keep_given, name, content)})

    @router.post("/{name}/stop")
    def stop(name: Name) -> Response:
        known(trainings.stop, name)
        return json_response({})

    @router.get("/{name}/losses")
    def losses(name: Name) -> Response:
        return json_response({"epochs": known(trainings.losses, name)})

    @router.get("/{name}/forming")
    def forming(name: Name) -> Response:
        try:
            return json_response(known(trainings.forming, name))
        except CheckpointError:  # there is none yet
            return json_response({"epochs": 0})

    return router
