"""What the page asks for: itself, and what is told about runs.

Everything stands under /studio, which application and gate know nothing of: the page's own files, and beneath /studio/runs what
an `Exhibit` tells, what codes decode to, walks, directions and grafts.
"""

from collections import OrderedDict
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field, FiniteFloat

from latentwalk.errors import DataError, unknown
from latentwalk.serving.answers import json_response
from latentwalk.serving.bodies import PICTURES, media, parsed, picture_of
from latentwalk.serving.problems import Refused
from latentwalk.serving.routes.chosen import Options
from latentwalk.serving.served import Served
from latentwalk.studio.away import decoder_files, html_file
from latentwalk.studio.bundle import page_files
from latentwalk.studio.exhibit import Exhibit
from latentwalk.studio.films import AHEAD, FUTURES, ShownFilms
from latentwalk.studio.moves import STEPS, Transplant, film_of, transplant_of, walk_of

__all__ = ["Shows", "studio_routes"]

OCTETS = "application/octet-stream"
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}  # of the page's files
KEPT = 32  # steps that may be asked for again
MOST = 4_096  # codes decoded at once


class Shows:
    """What is shown: exhibits by name, which may grow, and the steps that were found in each."""

    def __init__(self) -> None:
        self.exhibits: dict[str, Exhibit] = {}
        self.served: dict[str, Served] = {}
        self._steps: OrderedDict[tuple[str, str], Transplant] = OrderedDict()

    def show(self, exhibit: Exhibit, served: Served) -> None:
        """Add one, in place of one of that name, whose steps go with it."""
        for kept in [one for one in self._steps if one[0] == exhibit.name]:
            del self._steps[kept]
        self.served[exhibit.name] = served
        self.exhibits[exhibit.name] = exhibit

    def keep(self, run: str, found: Transplant) -> str:
        """A key by which the step may be asked for again; that of the same groups, with its guide, stays if it is there."""
        name = (run, found.key)
        self._steps[name] = self._steps.pop(name, found)
        while len(self._steps) > KEPT:
            self._steps.popitem(last=False)
        return found.key

    def step(self, run: str, key: str) -> Transplant:
        """The step of that key. Raises Refused (404)."""
        if (run, key) not in self._steps:
            raise Refused(404, "this direction is not known any more. Choose it again.")
        return self._steps[run, key]


class Rows(Options):
    rows: Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=4_096)]


class Points(Options):
    codes: Annotated[list[list[FiniteFloat]], Field(min_length=2, max_length=64)]
    path: Literal["linear", "spherical", "quantile", "density"] = "spherical"
    steps: Annotated[int, Field(ge=2, le=STEPS)] = 11


class Film(Options):
    codes: Annotated[list[list[FiniteFloat]], Field(min_length=1, max_length=STEPS)]
    marked: Annotated[list[bool], Field(default_factory=list)]
    ending: Literal[".gif", ".png", ".txt", ".mid", ".wav"]
    condition: str | None = None


class Sides(Options):
    having: list[Annotated[int, Field(ge=0)]]
    lacking: list[Annotated[int, Field(ge=0)]]


class Ahead(Options):
    seen: Annotated[int, Field(ge=1)]
    steps: Annotated[int, Field(ge=1, le=AHEAD)] = 10
    draws: Annotated[int, Field(ge=1, le=FUTURES)] = 3
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class Ground(Options):
    key: str
    code: list[FiniteFloat]
    condition: str | None = None


def studio_routes(shows: Shows, training: APIRouter | None = None) -> APIRouter:
    """The routes of the page on these exhibits. training: those of trainings, if there are any."""
    router = APIRouter(include_in_schema=False)
    files = {name: content for name, content in page_files().items() if not name.startswith("vendor/ort.")}

    def exhibit(run: Annotated[str, Path()]) -> Exhibit:
        if run not in shows.exhibits:
            raise Refused(404, str(unknown("run", run, shows.exhibits)))
        return shows.exhibits[run]

    def served(run: Annotated[str, Path()]) -> Served:
        if run not in shows.served:
            raise Refused(404, str(unknown("run", run, shows.served)))
        return shows.served[run]

    Shown = Annotated[Exhibit, Depends(exhibit)]
    Run = Annotated[Served, Depends(served)]

    @router.get("/")
    async def root() -> Response:
        return RedirectResponse("/studio/")

    @router.get("/studio/about")
    async def about(request: Request) -> Response:
        request.app.state.runs.update(shows.served)  # those trained since, for all other routes
        runs = [{"name": one.name, "title": one.title, "kind": one.spec.kind} for one in shows.exhibits.values()]
        return json_response({"runs": runs, "training": training is not None})

    @router.get("/studio/runs/{run}/about")
    def facts(shown: Shown) -> Response:
        return json_response(shown.about)

    @router.get("/studio/runs/{run}/codes")
    def codes(shown: Shown) -> Response:
        return Response(shown.codes(), media_type=OCTETS)

    @router.get("/studio/runs/{run}/scales")
    def scales(shown: Shown) -> Response:
        return Response(shown.scales(), media_type=OCTETS)

    @router.get("/studio/runs/{run}/numbers")
    def numbers(shown: Shown) -> Response:
        return Response(shown.numbers(), media_type=OCTETS)

    @router.get("/studio/runs/{run}/columns/{at}")
    def column(shown: Shown, at: int) -> Response:
        return Response(shown.column(at), media_type=OCTETS)

    @router.get("/studio/runs/{run}/names")
    def names(shown: Shown) -> Response:
        return json_response({"names": shown.named()})

    @router.post("/studio/runs/{run}/tiles")
    async def tiles(shown: Shown, run: Run, request: Request) -> Response:
        asked = await parsed(request, Rows, run.limits)
        return json_response(await run.long(lambda _: shown.tiles(asked.rows)))

    @router.post("/studio/runs/{run}/decode")
    async def decode(shown: Shown, run: Run, request: Request, condition: Annotated[str | None, Query()] = None) -> Response:
        """Codes as float32, row by row → examples, as the page draws them."""
        content = await request.body()
        if media(request) != OCTETS or len(content) % (4 * run.dim) or not 0 < len(content) <= 4 * run.dim * MOST:
            raise DataError(f"expected 1 to {MOST:,} codes of {run.dim} float32 numbers, got {len(content):,} bytes.")
        z = run.trained.codes(np.frombuffer(content, "<f4").reshape(-1, run.dim))
        x = await run.decode(z, run.trained.told(condition, None, len(z)))
        return answered(shown.shown(x))

    @router.post("/studio/runs/{run}/walk")
    async def walk(shown: Shown, run: Run, request: Request) -> Response:
        asked = await parsed(request, Points, run.limits)
        points = [run.trained.codes(np.array([code], np.float32))[0] for code in asked.codes]
        return json_response(await run.long(lambda _: walk_of(shown, points, asked.steps, asked.path)))

    @router.post("/studio/runs/{run}/film")
    async def film(shown: Shown, run: Run, request: Request) -> Response:
        """A walk as a file: codes are decoded, and drawn or written as what they are."""
        asked = await parsed(request, Film, run.limits)
        z = run.trained.codes(np.array(asked.codes, np.float32))
        x = await run.decode(z, run.trained.told(asked.condition, None, len(z)))
        content = await run.long(lambda _: film_of(shown, z, x, asked.marked, asked.ending))
        return Response(content, media_type=OCTETS)

    @router.get("/studio/runs/{run}/frames")
    def frames(shown: Shown) -> Response:
        """Of each row which frame it is: its film times the length of a film, and its place in it, uint32."""
        return Response(films_of(shown).numbers[shown.rows].astype("<u4").tobytes(), media_type=OCTETS)

    @router.get("/studio/runs/{run}/films/{film}")
    async def reel(shown: Shown, run: Run, film: int) -> Response:
        films = films_of(shown)
        return json_response(await run.long(lambda _: films.reel(film, shown.space)))

    @router.post("/studio/runs/{run}/films/{film}/futures")
    async def futures(shown: Shown, run: Run, film: int, request: Request) -> Response:
        films, o = films_of(shown), await parsed(request, Ahead, run.limits)
        run.check_count(o.steps * o.draws, "frames")
        return json_response(await run.long(lambda _: films.futures(film, o.seen, o.steps, o.draws, o.seed, shown.space)))

    @router.post("/studio/runs/{run}/direction")
    async def direction(shown: Shown, run: Run, request: Request) -> Response:
        asked = await parsed(request, Sides, run.limits)
        found = await run.long(lambda _: transplant_of(shown, asked.having, asked.lacking))
        return json_response(found.about | {"key": shows.keep(shown.name, found)})

    @router.post("/studio/runs/{run}/guided")
    async def guided(shown: Shown, run: Run, request: Request) -> Response:
        """As much of a step as one code needs, and what is read of it."""
        asked = await parsed(request, Ground, run.limits)
        found, z = shows.step(shown.name, asked.key), run.trained.codes(np.array([asked.code], np.float32))[0]
        return json_response(await run.long(lambda _: found.guided(z.tolist(), asked.condition)))

    @router.post("/studio/runs/{run}/graft")
    async def graft(
        shown: Shown,
        run: Run,
        request: Request,
        key: Annotated[str, Query()],
        strength: Annotated[float, Query(ge=-20, le=20)] = 1,
    ) -> Response:
        """A picture of any size with a direction put onto it, at its own size: PNG."""
        kind = media(request)
        if kind not in PICTURES or not shown.spec.form.pictured:
            raise Refused(415, f"expected a picture, as one of {', '.join(PICTURES)}.")
        found, content = shows.step(shown.name, key).direction, await request.body()

        def made(_: Any) -> bytes:
            picture = picture_of(content, kind, run.limits)
            return shown.space.graft(picture, found, strength).content(".png")

        return Response(await run.long(made), media_type="image/png")

    @router.get("/studio/runs/{run}/export")
    async def export(shown: Shown, run: Run) -> Response:
        """The map as one file that decodes without a server."""
        return Response(await run.long(lambda model: html_file(shown, decoder_files(model))), media_type=OCTETS)

    if training is not None:
        router.include_router(training)

    @router.get("/studio/{name:path}")
    async def page(name: str) -> Response:
        name = name or "index.html"
        if name not in files:
            raise Refused(404, f"the page has no file {name!r:.80}.")
        return Response(
            files[name], media_type=KINDS.get(name[name.rfind(".") :], OCTETS), headers={"Cache-Control": "no-cache"}
        )

    return router


def films_of(shown: Exhibit) -> ShownFilms:
    """The films of a map of frames. Raises Refused (404) where there are none."""
    if shown.films is None:
        raise Refused(404, f"{shown.title} is not a map of the frames of films that a predictor learnt from.")
    return shown.films


def answered(shown: bytes | dict[str, Any]) -> Response:
    """Examples as `Exhibit.shown` has them, as an answer."""
    return Response(shown, media_type=OCTETS) if isinstance(shown, bytes) else json_response(shown)
